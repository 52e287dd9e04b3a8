"""LASSO signatures."""

from __future__ import annotations

from typing import Any

from precisionmed import pl
from precisionmed.report._format import count, heading
from precisionmed.report._page import Page, Run


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    found = run.step("biomarkers")
    tasks = [str(task) for task in found.get("tasks", [])]
    page.add_notes(found)
    if not tasks:
        page.quiet(
            "No signature was learned: "
            + ("no label or endpoint allows it." if found else "the step was not run.")
        )
        return
    page.text(
        "Each signature is a sparse linear score. Its performance is out of fold: gene filter, "
        "normalization, penalty and genes were all chosen again without the samples it was measured on."
    )
    for task in tasks:
        _task(run, task, found[task], page)


def _task(run: Run, task: str, found: dict[str, Any], page: Page) -> None:
    label, derived = str(found.get("label", task)), run.derived(task)
    survival = str(found.get("kind")) == "survival"
    positives = count(found["n_events"], "event") if survival else f"{int(found['n_events']):,} positive"
    n = f"n = {int(found['n']):,}, {positives}"
    page.heading(heading(label), derived=derived)
    genes = found["signature"]
    if genes.empty:
        page.quiet(f"{heading(label)} ({n}): the penalty chosen leaves no gene, so there is no signature.")
    _penalty(run, task, label, n, page)
    if not genes.empty:
        page.figure(
            f"{task}_signature",
            lambda: pl.biomarkers.signature(run.adata, task),
            f"{heading(label)}: the signature ({count(len(genes), 'gene')}; {n}). Right: how often the "
            "gene was chosen when the model was refitted in cross-validation; genes chosen rarely are "
            "exchangeable.",
            f"Bars of coefficients and selection frequencies for {label}.",
            derived=derived,
        )
    page.figure(
        f"{task}_performance",
        lambda: pl.biomarkers.performance(run.adata, task),
        f"{heading(label)}: out-of-fold performance ({n}).",
        f"Performance estimates with intervals for {label}.",
        derived=derived,
    )
    for table, caption in {
        "performance": "out-of-fold performance",
        "signature": "genes of the signature",
    }.items():
        page.table(
            ("biomarkers", task, table), found[table], f"{heading(label)}: {caption}.", derived=derived
        )


def _penalty(run: Run, task: str, label: str, n: str, page: Page) -> None:
    """Show how the penalty was chosen, and which genes it lets in."""
    derived = run.derived(task)
    with page.pair():
        page.figure(
            f"{task}_cv_curve",
            lambda: pl.biomarkers.cv_curve(run.adata, task),
            f"{heading(label)}: cross-validated loss along the penalty ({n}), with the number of genes on "
            "top.",
            f"Cross-validation curve for {label}.",
            derived=derived,
        )
        page.figure(
            f"{task}_path",
            lambda: pl.biomarkers.path(run.adata, task),
            f"{heading(label)}: coefficients along the penalty. Genes that enter first (left) carry most "
            "information.",
            f"Coefficient paths for {label}.",
            derived=derived,
        )
