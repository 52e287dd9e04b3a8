"""Who was studied: samples read and left out, gene identifiers, clinical variables."""

from __future__ import annotations

from precisionmed.report._format import count, join, words
from precisionmed.report._page import Page, Run


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    ingest = run.step("ingest")
    if not ingest:
        page.quiet("How the cohort was read is not stored.")
        return
    params = ingest.get("params", {})
    name = str(params.get("cohort", run.config.cohort.name))
    who = "The cohort" if name == type(run.config.cohort).model_fields["name"].default else f"Cohort {name}"
    described = [f"{who} has {count(run.adata.n_obs, 'sample')}"]
    genes = run.adata.n_vars if run.adata.raw is None else run.adata.raw.n_vars
    described.append(f"with {count(genes, 'gene')}.")
    if "scale" in params:
        described.append(f"The expression values are on the scale “{words(params['scale'])}”.")
    units = ingest.get("endpoint_units", {})
    if units:
        named = [f"{words(name)} (in {unit})" for name, unit in units.items()]
        described.append(f"Outcomes: {join(named)}.")
    page.text(" ".join(described))
    page.table(
        ("ingest", "flow"),
        ingest.get("flow"),
        "Flow of samples and genes: how many were left after each rule, and why.",
    )
    page.table(("ingest", "clinical_summary"), ingest.get("clinical_summary"), "Clinical variables.", rows=25)
    unused = ingest.get("unused_columns")
    page.table(
        ("ingest", "unused_columns"),
        None if unused is None else unused.drop(columns="caution"),
        "Clinical columns that look like something and that no role names.",
    )
    page.table(
        ("ingest", "gene_mapping"), ingest.get("gene_mapping"), "What became of the gene identifiers as read."
    )
    page.table(("ingest", "excluded"), ingest.get("excluded"), "Samples left out, with the reason.")
    page.add_notes(ingest)
