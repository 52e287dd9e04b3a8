"""`precisionmed run` and `demo`: start the workflow that ships with the package, and show how it goes."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import yaml

from precisionmed.cli._guard import console, guarded, say
from precisionmed.cli._progress import Progress
from precisionmed.cli._run_folder import FEWEST_FREE, bytes_needed, claimed, clean
from precisionmed.config import RunConfig, load_config, tables_of
from precisionmed.errors import Findings, InputError, one_line
from precisionmed.version import __version__


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(rich_help_panel="Use")(run)
    app.command(rich_help_panel="Use")(demo)


Cores = Annotated[
    int | None,
    typer.Option("--cores", min=1, help="Cores to use on this machine (2); with a profile, the profile's."),
]

_LOG = "snakemake.log"
_LOOKS = {"-n", "--dry-run", "--dryrun", "--unlock", "--summary", "-S", "--detailed-summary", "-D", "--list"}
_LOOKS |= {
    "--list-rules",
    "-l",
    "--list-target-rules",
    "--lt",
    "--dag",
    "--rulegraph",
    "--filegraph",
    "--lint",
}
_LOOKS |= {
    "--list-changes",
    "--lc",
    "--list-input-changes",
    "--li",
    "--list-params-changes",
    "--lp",
    "--d3dag",
}
_LOOKS |= {
    "--list-untracked",
    "--lu",
    "--cleanup-metadata",
    "--cm",
    "--help",
    "-h",
    "--version",
    "-v",
    "--report",
}
_LOOKS |= {
    "--delete-all-output",
    "--delete-temp-output",
    "--archive",
    "--containerize",
    "--print-compilation",
}
"""Options with which Snakemake only tells something, or tidies up: what it says goes to the terminal."""


def run(
    config: Annotated[Path, typer.Option("--config", help="The run's YAML config.")],
    cores: Cores = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", help="Snakemake profile: a folder, or `slurm`, which comes with the package."
        ),
    ] = None,
    snakemake: Annotated[
        list[str] | None, typer.Argument(help="Further Snakemake options, after `--`.", show_default=False)
    ] = None,
) -> None:
    """Run the whole chain: from the tables to the locked model and the report."""
    with guarded("run"):
        settings = load_config(config)
        _start(settings, config, cores, profile, snakemake or [])


def demo(
    cores: Cores = None,
    output: Annotated[Path, typer.Option("--output", help="Folder to work in.")] = Path("demo"),
) -> None:
    """Try it on real breast-cancer cohorts: learn on UNC, validate on Stanford."""
    with guarded("demo"):
        config = output / "config.yaml"
        text = (workflow_folder() / "config" / "config.yaml").read_text()
        place = yaml.safe_dump(str(output / "results"), width=10**6).removesuffix("...\n").strip()
        try:
            output.mkdir(parents=True, exist_ok=True)
            config.write_text(re.sub(r"(?m)^output: \S+", lambda _: f"output: {place}", text))
        except OSError as error:
            raise InputError(
                f"{output}: cannot be written ({error.strerror}); choose another --output."
            ) from None
        _start(load_config(config), config, cores, None, [])


def workflow_folder() -> Path:
    """Return the folder with the Snakefile: inside the installed package, or the repository."""
    package = Path(__file__).parents[1]
    for folder in (package / "workflow", package.parent):
        if (folder / "Snakefile").exists():
            return folder
    raise FileNotFoundError("the workflow files are not part of this installation")


def _start(
    settings: RunConfig, config: Path, cores: int | None, profile: str | None, extra: list[str]
) -> None:
    output = settings.output.absolute()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow_folder() / "Snakefile")]
    command += ["--configfile", str(config.absolute()), "--directory", str(output), "--rerun-incomplete"]
    command += ["--profile", _profile(profile)] if profile else []
    command += ["--keep-going"]  # so that all that is wrong with the tables is told at once, see _watch
    command += ["--cores", str(cores or 2)] if cores or not profile else []
    _check_tables(settings)
    tables = tables_of(settings)
    with claimed(output, config, tables) as lock:
        if _LOOKS & {word.split("=")[0] for word in extra}:
            raise typer.Exit(subprocess.run([*command, *extra], check=False, pass_fds=[lock]).returncode)
        _say_upgrade(output)
        clean(output)
        started = time.time()
        if not _watch([*command, *extra], output / "logs", lock):
            _explain(output / "logs", bytes_needed(tables))
    console.print(f"Done in {time.time() - started:.0f} s.")
    for what, path in (("Report:", output / "report.html"), ("Model: ", output / "model.pmz")):
        if path.exists() and (not extra or path.stat().st_mtime >= started):
            say(f"{what} {path}")


def _profile(profile: str) -> str:
    """Return the folder of a profile: the user's own, or one that ships with the package."""
    if Path(profile).is_dir():
        return str(Path(profile).absolute())
    folder = workflow_folder() / "workflows" / "profiles"
    if (folder / profile).is_dir() and profile == Path(profile).name:
        return str(folder / profile)
    shipped = ", ".join(sorted(path.name for path in folder.iterdir()))
    raise InputError(
        f"{one_line(profile)}: no such profile folder; those of the package are called {shipped}."
    )


def _say_upgrade(output: Path) -> None:
    """Say that the steps of another version are done again."""
    from precisionmed.io.run import config_version

    before = config_version(output / "config.yaml")
    if before is not None and before != __version__:
        say(f"This folder was made by precisionmed {before}; its steps are done again by {__version__}.")


def _watch(command: list[str], logs: Path, lock: int) -> bool:
    """Run Snakemake with its words in a log and show how the steps go; tell whether all went well."""
    with (logs / _LOG).open("w") as handle, Progress(logs) as progress:
        process = subprocess.Popen(command, stdout=handle, stderr=subprocess.STDOUT, pass_fds=[lock])
        try:
            while process.poll() is None:
                progress.update()
                if progress.failed_after_check:
                    process.terminate()  # running steps end, others do not start
                time.sleep(0.2)
        except KeyboardInterrupt:
            process.wait()  # Snakemake got the signal too, and ends its jobs
            raise
    return process.returncode == 0


def _check_tables(settings: RunConfig) -> None:
    """Name a missing table before Snakemake does."""
    from precisionmed.io.tables import existing_file

    for cohort in [settings.cohort, *settings.external]:
        for path in tables_of(cohort):
            what = "expression matrix" if path in cohort.expression else "clinical table"
            existing_file(path, "probe annotation" if path == cohort.probe_annotation else what)
    steps = {"GMT file of gene sets": settings.subtypes, "table of drug targets": settings.biomarkers}
    for what, section in steps.items():
        for path in tables_of(section):
            existing_file(path, what)


def _explain(logs: Path, needed: float) -> NoReturn:
    """Say why the workflow stopped: the failed step's own message, else where Snakemake's log is."""
    log = logs / _LOG
    running: list[str] = []
    found = Findings()
    for path in sorted(logs.glob("*.status.json")):
        status = json.loads(path.read_text())
        name = path.name.removesuffix(".status.json")
        if status["state"] == "failed":
            internal = [text for text in status["messages"] if text.startswith("internal error")]
            if internal:
                raise RuntimeError(f"step {name}: {internal[0]}")
            found.messages += [f"{name}: {text}" for text in status["messages"]]
        if status["state"] == "running":
            running.append(name)
    found.raise_any()
    text = log.read_text(errors="replace")
    free = shutil.disk_usage(logs).free
    if free < FEWEST_FREE or "No space left on device" in text or "Disk quota exceeded" in text:
        raise InputError(
            f"{logs.parent}: the disk is full ({free / 1e6:.0f} MB are free, the run needs about "
            f"{needed / 1e6:,.0f} MB); free some space, or set another 'output'."
        )
    if running:
        raise InputError(
            f"{' and '.join(running)}: killed {_by(text)}before the end. Steps that were done are kept: run "
            "it again, with more memory if that is what it lacked."
        )
    if "LockException" in text or "cannot be locked" in text:
        raise InputError(
            "another run works in this folder, or one was killed. If none is running: add `-- --unlock` once."
        )
    raise RuntimeError(f"Snakemake stopped, see {log}")


def _by(text: str) -> str:
    """Return which signal killed a step, as Snakemake's log has it."""
    found = re.search(
        r"died with <Signals\.(SIG\w+)|non-zero exit status (1[2-9]\d)\b|exit code:? (1[2-9]\d)\b", text
    )
    if not found:
        return ""
    if found[1]:
        return f"by signal {found[1]} "
    number = int(found[2] or found[3]) - 128
    return f"by signal {signal.Signals(number).name} " if number in set(signal.Signals) else ""
