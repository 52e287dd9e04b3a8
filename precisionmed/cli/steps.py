"""One command a step: files in, a file out. The workflow's rules call these; so may you."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precisionmed.cli._guard import guarded
from precisionmed.config import CohortConfig, RunConfig, load_config
from precisionmed.errors import InputError, nearest

if TYPE_CHECKING:
    from anndata import AnnData

Config = Annotated[Path, typer.Option("--config", help="The run's YAML config.")]
Output = Annotated[Path, typer.Option("--output", help="File to write.")]
Inputs = Annotated[
    list[Path], typer.Argument(help="The whole step file, then files of steps that add to it.")
]
Log = Annotated[Path | None, typer.Option("--log", help="Log file.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Threads to use; all when left out.")]


def register(app: typer.Typer) -> None:
    """Add the steps' commands to the application."""
    app.command(rich_help_panel="Steps")(ingest)
    app.command(rich_help_panel="Steps")(check)
    app.command(rich_help_panel="Steps")(normalize)
    for step, (work, text) in _STEPS.items():
        app.command(name=step, help=text, rich_help_panel="Steps")(_command(step, work))


def ingest(
    config: Config,
    output: Output,
    cohort: Annotated[str | None, typer.Option(help="Name of an external cohort of the config.")] = None,
    log: Log = None,
    threads: Threads = None,
) -> None:
    """Read, check and harmonize a cohort's expression and clinical tables."""
    with guarded("ingest", log, threads):
        from precisionmed.io.cohort import read_cohort
        from precisionmed.io.run import write_step

        settings = load_config(config)
        write_step(read_cohort(_cohort(settings, cohort)), output)


def check(
    cohort: Annotated[Path, typer.Argument(help="The step file of `ingest`.")],
    config: Config,
    external: Annotated[
        list[Path] | None, typer.Option("--external", help="Ingest files of external cohorts.")
    ] = None,
    log: Log = None,
    threads: Threads = None,
) -> None:
    """Find everything in the tables and the config that would stop a later step."""
    with guarded("check", log, threads):
        from precisionmed.io.run import read_step
        from precisionmed.tl import check as check_cohorts

        others = [read_step(path) for path in external or []]
        names = [str(other.uns["precisionmed"]["ingest"]["params"]["cohort"]) for other in others]
        check_cohorts(read_step(cohort), load_config(config), external=dict(zip(names, others, strict=True)))


def normalize(
    cohort: Annotated[Path, typer.Argument(help="The step file of `qc`.")],
    config: Config,
    output: Output,
    shared_with: Annotated[
        list[Path] | None, typer.Option("--shared-with", help="Ingest files: keep genes they have too.")
    ] = None,
    log: Log = None,
    threads: Threads = None,
) -> None:
    """Filter genes and normalize, with the reference frozen for new samples."""
    with guarded("normalize", log, threads):
        from precisionmed import pp
        from precisionmed.io.run import gene_names, read_step, write_step

        adata = read_step(cohort)
        if shared_with:
            pp.shared_genes(adata, [gene_names(path) for path in shared_with])
        write_step(pp.normalize(adata, **dict(load_config(config).normalize)), output)


def _cohort(settings: RunConfig, name: str | None) -> CohortConfig:
    if name is None:
        return settings.cohort
    cohorts = {c.name: c for c in [settings.cohort, *settings.external]}
    if name not in cohorts:
        raise InputError(f"the config has no cohort '{name}'.{nearest(name, cohorts)}")
    return cohorts[name]


Work = Callable[["AnnData", RunConfig], "AnnData"]


def _qc(adata: AnnData, settings: RunConfig) -> AnnData:
    from precisionmed.pp import qc

    return qc(adata, **dict(settings.qc))


def _batch(adata: AnnData, settings: RunConfig) -> AnnData:
    from precisionmed.pp import batch

    return batch(adata, **dict(settings.batch))


def _subtypes(adata: AnnData, settings: RunConfig) -> AnnData:
    from precisionmed.tl import subtypes

    return subtypes(adata, **dict(settings.subtypes), seed=settings.seed)


def _classify(adata: AnnData, settings: RunConfig) -> AnnData:
    from precisionmed.tl import classify, receptors

    return classify(receptors(adata, seed=settings.seed), **dict(settings.classify), seed=settings.seed)


def _biomarkers(adata: AnnData, settings: RunConfig) -> AnnData:
    from precisionmed.tl import biomarkers

    return biomarkers(adata, **dict(settings.biomarkers), seed=settings.seed)


def _survival(adata: AnnData, settings: RunConfig) -> AnnData:
    from precisionmed.tl import survival

    return survival(adata, **dict(settings.survival), seed=settings.seed)


def _response(adata: AnnData, settings: RunConfig) -> AnnData:
    from precisionmed.tl import response

    return response(adata, **dict(settings.response), seed=settings.seed)


_STEPS: dict[str, tuple[Work, str]] = {
    "qc": (_qc, "Quality control: outliers, duplicates, sex check, components and what they go with."),
    "batch": (_batch, "Correct batch effects; refuse a batch that is confounded with an outcome."),
    "subtypes": (_subtypes, "Find molecular subtypes by consensus clustering, and intrinsic subtypes."),
    "classify": (_classify, "Settle receptor status and train HER2 and triple-negative classifiers."),
    "biomarkers": (_biomarkers, "Find sparse LASSO signatures for labels and endpoints."),
    "survival": (_survival, "Kaplan-Meier, log-rank, Cox models and honest concordance."),
    "response": (_response, "Treatment-by-biomarker interaction and response classifier."),
}


def _command(step: str, work: Work) -> Callable[..., None]:
    def command(
        inputs: Inputs, config: Config, output: Output, log: Log = None, threads: Threads = None
    ) -> None:
        with guarded(step, log, threads):
            from precisionmed.io.run import ADDING_STEPS, Before, read_step, write_step

            settings = load_config(config)
            adata = read_step(*inputs)
            before = Before.of(adata) if step in ADDING_STEPS else None
            write_step(work(adata, settings), output, before)

    return command
