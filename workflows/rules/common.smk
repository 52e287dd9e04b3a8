"""The run's config, checked and written where every step reads it; paths; resources."""

import json
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

from precisionmed.config import parse_config, resolve_paths
from precisionmed.io.run import ADDING_STEPS
from precisionmed.errors import InputError

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
        return resolve_paths(
            parse_config(config, source=str(source)), source.resolve().parent
        )
    except InputError as error:
        raise WorkflowError(str(error))


def write_settings():
    """Write the config that the steps read; leave it untouched when nothing changed."""
    path = Path(CONFIG)
    text = yaml.safe_dump(SETTINGS.model_dump(mode="json"), sort_keys=False)
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(".config.tmp")
        temporary.write_text(text)
        temporary.replace(path)


def section(name):
    """Return a section of the config as text, so that a changed section reruns its step."""
    return json.dumps(SETTINGS.model_dump(mode="json")[name], sort_keys=True)


def step_file(step):
    return f"{OUT}/steps/{step}.h5ad"


def heavy_threads():
    """Half of the cores for the steps that run side by side."""
    return max(1, (workflow.cores or 4) // 2)


def table_paths(cohort):
    """Return the files of a cohort, so that changed tables rerun its ingest."""
    paths = [*cohort.expression, *cohort.clinical_tables, cohort.probe_annotation]
    return [str(path) for path in paths if path is not None]


def memory(mb):
    """Ask for more memory at each attempt."""
    return lambda wildcards, attempt: mb * attempt


SETTINGS = read_settings()
OUT = str(SETTINGS.output)
CONFIG = f"{OUT}/config.yaml"
SEED = SETTINGS.seed
EXTERNAL = {cohort.name: cohort for cohort in SETTINGS.external}


# The steps belong to the Python that runs Snakemake, also when its environment is not activated.
if not workflow.deployment_settings.deployment_method:
    shell.prefix(f"export PATH='{Path(sys.executable).parent}':\"$PATH\"; ")


wildcard_constraints:
    cohort="[^/]+",


onstart:
    write_settings()
