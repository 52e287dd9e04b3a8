"""Provenance: what exactly was run, on what, with which versions."""

from __future__ import annotations

import shlex
from pathlib import Path

from precisionmed.config import names_only
from precisionmed.report._page import Block, Page, Run
from precisionmed.report.provenance import config_yaml, duration_rows, versions


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    page.text(
        "The same inputs, configuration and versions give the same numbers, with any number of threads."
    )
    page.table(("ingest", "files"), run.step("ingest").get("files"), "Input files and their checksums.")
    for cohort, adata in run.validations.items():
        files = adata.uns.get("precisionmed", {}).get("ingest", {}).get("files")
        page.table(("validate", cohort, "files"), files, f"Input files of {cohort} and their checksums.")
    page.heading("Versions")
    page.blocks.append(Block("facts", items=versions()))
    page.heading("Configuration")
    page.text(
        f"Seed {run.config.seed}. This is config.yaml in the output folder, here with the names of its "
        "tables only. The command below repeats the analysis, given where the run was started (or, where the "
        "output is an absolute path, in the folder that holds it)."
    )
    config = names_only(run.config)
    if config.output.is_absolute():  # where folders of a machine lie is nobody's business
        config.output = Path(config.output.name)
    page.blocks.append(Block("code", run.rename(config_yaml(config))))
    page.blocks.append(
        Block("code", f"precisionmed run --config {shlex.quote(str(config.output / 'config.yaml'))}")
    )
    page.heading("Durations")
    page.blocks.append(Block("durations", items=duration_rows(run.durations)))
