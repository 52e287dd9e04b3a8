"""`precisionmed run` and `demo`: start the workflow that ships with the package, and show how it goes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from precisionmed.cli._guard import console, guarded
from precisionmed.cli._progress import Progress
from precisionmed.config import RunConfig, load_config
from precisionmed.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(rich_help_panel="Use")(run)
    app.command(rich_help_panel="Use")(demo)


Cores = Annotated[int, typer.Option("--cores", min=1, help="Cores to use on this machine.")]


def run(
    config: Annotated[Path, typer.Option("--config", help="The run's YAML config.")],
    cores: Cores = 2,
    profile: Annotated[
        Path | None, typer.Option("--profile", help="Snakemake profile, e.g. for a cluster.")
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
    cores: Cores = 2,
    output: Annotated[Path, typer.Option("--output", help="Folder to work in.")] = Path("demo"),
) -> None:
    """Try it on real breast-cancer cohorts: learn on UNC, validate on Stanford."""
    with guarded("demo"):
        config = output / "config.yaml"
        try:
            output.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(workflow_folder() / "config" / "config.yaml", config)
        except OSError as error:
            raise InputError(
                f"{output}: cannot be written ({error.strerror}); choose another --output."
            ) from None
        settings = load_config(config)
        settings.output = output / "results"
        _start(settings, config, cores, None, ["--config", f"output={settings.output}"])


def workflow_folder() -> Path:
    """Return the folder with the Snakefile: inside the installed package, or the repository."""
    package = Path(__file__).parents[1]
    for folder in (package / "workflow", package.parent):
        if (folder / "Snakefile").exists():
            return folder
    raise FileNotFoundError("the workflow files are not part of this installation")


def _start(settings: RunConfig, config: Path, cores: int, profile: Path | None, extra: list[str]) -> None:
    logs = settings.output / "logs"
    _check_tables(settings)
    _check_writable(settings.output)
    for status in logs.glob("*.status.json"):
        status.unlink()
    log = logs / "snakemake.log"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow_folder() / "Snakefile")]
    command += ["--configfile", str(config), "--cores", str(cores), "--rerun-incomplete"]
    command += ["--profile", str(profile)] if profile else []
    started = time.perf_counter()
    with log.open("w") as handle, Progress(logs) as progress:
        process = subprocess.Popen([*command, *extra], stdout=handle, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                progress.update()
                time.sleep(0.2)
        except KeyboardInterrupt:
            process.wait()  # Snakemake got the signal too, and ends its jobs
            raise
    if process.returncode:
        _explain(logs, log)
    console.print(f"Done in {time.perf_counter() - started:.0f} s.")
    console.print(f"Report: {(settings.output / 'report.html').resolve()}")
    console.print(f"Model:  {(settings.output / 'model.pmz').resolve()}")


def _check_tables(settings: RunConfig) -> None:
    """Name a missing table before Snakemake does."""
    from precisionmed.io.tables import existing_file

    for cohort in [settings.cohort, *settings.external]:
        annotation = [cohort.probe_annotation] if cohort.probe_annotation else []
        tables = {
            "expression matrix": cohort.expression,
            "clinical table": cohort.clinical_tables,
            "probe annotation": annotation,
        }
        for what, paths in tables.items():
            for path in paths:
                existing_file(path, what)
    steps = {
        "GMT file of gene sets": settings.subtypes.gene_sets,
        "table of drug targets": settings.biomarkers.drug_targets,
    }
    for what, one in steps.items():
        if one is not None:
            existing_file(one, what)


def _check_writable(folder: Path) -> None:
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        probe = folder / "logs" / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{folder}: the output folder cannot be written ({error.strerror}); set another 'output'."
        ) from None


def _explain(logs: Path, log: Path) -> None:
    """Say why the workflow stopped: the failed step's own message, else where Snakemake's log is."""
    for path in sorted(logs.glob("*.status.json")):
        status = json.loads(path.read_text())
        if status["state"] == "failed":
            if status["message"].startswith("internal error"):
                raise RuntimeError(f"step {status['step']}: {status['message']}")
            raise InputError(f"{status['step']}: {status['message']}")
    text = log.read_text()
    if "LockException" in text or "cannot be locked" in text:
        raise InputError(
            "another run works in this folder, or one was killed. If none is running: add `-- --unlock` once."
        )
    raise RuntimeError(f"Snakemake stopped, see {log}")
