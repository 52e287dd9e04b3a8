"""Commands around the locked model: `lock`, `predict`, `adapt`, `validate` and `report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from precisionmed.cli._guard import guarded, say, status_path
from precisionmed.cli.steps import Config, Inputs, Log, Output, Threads
from precisionmed.config import Scale, load_config
from precisionmed.errors import InputError

OrientationChoice = Literal["auto", "genes_by_samples", "samples_by_genes"]
GeneIdsChoice = Literal["auto", "symbol", "ensembl", "entrez", "probe"]
Model = Annotated[Path, typer.Option("--model", help="The locked model file (.pmz).")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(rich_help_panel="Steps")(lock)
    app.command(rich_help_panel="Steps")(validate)
    app.command(rich_help_panel="Steps")(report)
    app.command(rich_help_panel="Use")(predict)
    app.command(rich_help_panel="Use")(adapt)


def lock(inputs: Inputs, output: Output, log: Log = None, threads: Threads = None) -> None:
    """Lock everything learned into one model file."""
    with guarded("lock", log, threads):
        from precisionmed.errors import warn
        from precisionmed.io._evidence import sentence
        from precisionmed.io.model import lock as lock_model
        from precisionmed.io.run import read_step

        tasks = lock_model(read_step(*inputs), output).parts["tasks"]
        told = f"Wrote {output}: {sentence(tasks)}"
        say(told) if tasks else warn(told)


Orientation = Annotated[
    OrientationChoice,
    typer.Option("--orientation", help="Which way the matrix lies; found by the model's genes."),
]
GeneIds = Annotated[
    GeneIdsChoice, typer.Option("--gene-ids", help="Kind of gene identifier, to have it checked.")
]
ProbeAnnotation = Annotated[
    Path | None,
    typer.Option(
        "--probe-annotation", help="Table from probe to symbol of an array that training did not have."
    ),
]
SampleScale = Annotated[
    Scale | None, typer.Option("--scale", help="What the numbers are; the scale of training when left out.")
]
Column = Annotated[
    str | None,
    typer.Option("--column", help="Column to take of a file about one sample (RSEM, salmon, STAR, ...)."),
]


def predict(
    model: Model,
    expression: Annotated[
        Path,
        typer.Option("--expression", help="New samples: TSV, CSV (gz), Excel or h5ad, either way round."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="Table to write (TSV); shown when left out.")
    ] = None,
    batch: Annotated[str | None, typer.Option(help="Training batch the samples belong to.")] = None,
    centre: Annotated[
        bool,
        typer.Option(
            "--centre", help="Centre genes over the file's samples (a whole cohort of another platform)."
        ),
    ] = False,
    probe_annotation: ProbeAnnotation = None,
    gene_ids: GeneIds = "auto",
    orientation: Orientation = "auto",
    scale: SampleScale = None,
    column: Column = None,
    log: Log = None,
    threads: Threads = None,
) -> None:
    """Apply a locked model to new samples, each alone: calls, probabilities, risk, or "cannot call"."""
    with guarded("predict", log, threads):
        from precisionmed.io.model import LockedModel
        from precisionmed.io.run import replacing
        from precisionmed.io.spreadsheet import without_formulas

        calls = LockedModel.load(model).predict(
            expression,
            batch=batch,
            centre=centre,
            scale=scale,
            orientation=orientation,
            gene_ids=gene_ids,
            probe_annotation=probe_annotation,
            column=column,
        )
        if output is None:
            typer.echo(without_formulas(calls).to_csv(sep="\t", index_label="sample"), nl=False)
            return
        with replacing(output) as temporary:
            without_formulas(calls).to_csv(temporary, sep="\t", index_label="sample")
        say(f"Wrote {output}: {len(calls)} row(s), one a sample.")


def adapt(
    model: Model,
    expression: Annotated[Path, typer.Option("--expression", help="Samples of the new batch.")],
    batch: Annotated[str, typer.Option("--batch", help="Name of the new batch (centre, platform).")],
    output: Annotated[Path, typer.Option("--output", help="Model file to write.")],
    probe_annotation: ProbeAnnotation = None,
    gene_ids: GeneIds = "auto",
    orientation: Orientation = "auto",
    scale: SampleScale = None,
    column: Column = None,
    log: Log = None,
    threads: Threads = None,
) -> None:
    """Teach a locked model a new batch from at least 10 samples of it; then predict with --batch."""
    with guarded("adapt", log, threads):
        from precisionmed.io.model import LockedModel

        adapted = LockedModel.load(model).adapt(
            expression,
            batch,
            scale=scale,
            orientation=orientation,
            gene_ids=gene_ids,
            probe_annotation=probe_annotation,
            column=column,
        )
        adapted.save(output)
        say(f"Wrote {output}; call its samples with --batch {batch}")


def validate(
    cohort: Annotated[Path, typer.Argument(help="The external cohort's ingest file (h5ad).")],
    model: Model,
    output: Output,
    log: Log = None,
    threads: Threads = None,
) -> None:
    """Apply a locked model to a labelled external cohort and measure it."""
    with guarded("validate", log, threads):
        from precisionmed.io.model import LockedModel
        from precisionmed.io.run import read_step, write_step
        from precisionmed.tl import validate as validate_model

        write_step(validate_model(read_step(cohort), LockedModel.load(model)), output)


def report(
    inputs: Inputs,
    config: Config,
    output: Annotated[
        Path, typer.Option("--output", help="The report (report.html); figures and tables go beside it.")
    ],
    model: Annotated[Path | None, typer.Option("--model", help="The locked model file.")] = None,
    validation: Annotated[
        list[Path] | None, typer.Option("--validation", help="Files of `validate`.")
    ] = None,
    log: Log = None,
    threads: Threads = None,
) -> None:
    """Write the report, its figures and its tables."""
    with guarded("report", log, threads):
        from precisionmed.io.run import read_step
        from precisionmed.report import build

        if output.name != "report.html":
            raise InputError(
                f"{output}: the report is always called report.html; give a path that ends in it."
            )
        validations = [read_step(path) for path in validation or []]
        build(
            read_step(*inputs),
            output.parent,
            config=load_config(config),
            validations={str(v.uns["precisionmed"]["validate"]["cohort"]): v for v in validations},
            model_path=model,
            durations=_durations(log),
        )


def _durations(log: Path | None) -> dict[str, dict[str, float]]:
    """Return seconds and peak memory of the steps whose status stands beside this step's log."""
    if log is None:
        return {}
    found = {}
    for path in sorted(log.parent.glob("*.status.json")):
        status = json.loads(path.read_text())
        if status["state"] == "done" and path != status_path(log):
            name = path.name.removesuffix(".status.json")
            found[name] = {"seconds": status["seconds"], "peak_mb": status["peak_mb"]}
    return found
