"""Provenance: what exactly was run, on what, with which versions."""

from __future__ import annotations

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
        f"Seed {run.config.seed}. Save this as config.yaml and run the command below to repeat the analysis."
    )
    page.blocks.append(Block("code", config_yaml(run.config)))
    page.blocks.append(Block("code", "precisionmed run config.yaml"))
    page.heading("Durations")
    page.blocks.append(Block("durations", items=duration_rows(run.durations)))
