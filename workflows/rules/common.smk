"""The run's config, checked and written where every step reads it; paths; resources.

All files of a run are named from its output folder, which is the working directory: whatever the folder is called, no
rule has to quote its name, and a folder that is moved is still the same run. What a step depends on stands in its
params: the package's version, its section of the config, and the content of the tables that it reads.
"""

import hashlib
import json
import shlex
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

from precisionmed.config import parse_config, portable, resolve_paths, tables_of
from precisionmed.io.run import ADDING_STEPS, write_run_config
from precisionmed.errors import InputError
from precisionmed.version import __version__ as VERSION

if not workflow.configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


def read_settings():
    """Check the config with everything given on the command line merged in."""
    source = (
        Path(workflow.configfiles[-1])
        if workflow.configfiles
        else Path("config/config.yaml")
    )
    try:
        settings = parse_config(config, source=str(source))
        return resolve_paths(settings, source.resolve().parent)
    except InputError as error:
        raise WorkflowError(str(error))


def section(name, seed=False):
    """Return a params function for what a step depends on, so that a change in it runs the step again."""
    content = {
        "version": VERSION,
        "settings": SETTINGS.model_dump(mode="json")[name],
    }
    if seed:
        content["seed"] = SETTINGS.seed
    # A function's text is taken as it is: braces in names are no wildcards.
    return lambda wildcards: json.dumps(content, sort_keys=True)


def cohort_section(name):
    """Return what the reading of an external cohort depends on."""
    content = EXTERNAL[name].model_dump(mode="json")
    return json.dumps({"version": VERSION, "settings": content}, sort_keys=True)


def step_file(step):
    return f"steps/{step}.h5ad"


def heavy_threads():
    """Half of the cores for the steps that run side by side."""
    return max(1, (workflow.cores or 4) // 2)


def tables(section):
    """Return the files that a section names, but for names that Snakemake would take for patterns.

    Those are noticed by their digests alone.
    """
    return [str(path) for path in tables_of(section) if not set("{}") & set(str(path))]


@cache
def digest(path):
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digests(section):
    """Return the digests of the files that a section names: the time of a table can lie."""
    return [digest(path) for path in tables_of(section) if path.is_file()]


def memory(mb):
    """Ask for more memory at each attempt."""
    return lambda wildcards, attempt: mb * attempt


SETTINGS = read_settings()


# Has no effect where Snakemake is given a --directory, as `precisionmed run` does.
workdir: str(SETTINGS.output.absolute())


SETTINGS = portable(SETTINGS, Path.cwd())
CONFIG = "config.yaml"
EXTERNAL = {cohort.name: cohort for cohort in SETTINGS.external}


# The steps belong to the Python that runs Snakemake, also when its environment is not activated.
if not workflow.deployment_settings.deployment_method:
    shell.prefix(
        f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"; '
    )


wildcard_constraints:
    cohort="[^/]+",


onstart:
    write_run_config(SETTINGS, Path(CONFIG))
