"""Receptor status and the HER2 and triple-negative classifiers."""

from __future__ import annotations

from functools import partial
from typing import Any

from precisionmed import pl
from precisionmed.pl._base import DERIVED
from precisionmed.report._format import count, heading, join, words
from precisionmed.report._page import ROWS, Page, Run
from precisionmed.report.sections import _groups
from precisionmed.report.sections._called import classifier


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    receptors, classify = run.step("receptors"), run.step("classify")
    if not receptors and not classify:
        page.quiet("Receptor status was not settled and no classifier trained.")
        return
    if receptors:
        _receptors(run, receptors, page)
    for task in [str(t) for t in classify.get("tasks", [])]:
        _task(run, task, classify[task], page)
    skipped = classify.get("skipped")
    if skipped is not None and len(skipped):
        page.heading("Not trained")
        page.table(("classify", "skipped"), skipped, "Classifiers that were not trained, and why.")
    page.add_notes(receptors)
    page.add_notes(classify)


def _receptors(run: Run, found: dict[str, Any], page: Page) -> None:
    page.heading("Receptor status")
    derived = [words(name) for name, source in found.get("source", {}).items() if str(source) == DERIVED]
    if derived:
        page.text(
            f"{heading(join(derived))} status is {DERIVED}: no pathology result is recorded, so it was "
            "called from the two populations seen in the receptor's expression. Whatever is trained on "
            "it reproduces that call."
        )
    page.figure(
        "status",
        lambda: pl.receptors.status(run.adata),
        f"Receptor status that models train on (n = {run.adata.n_obs}). Equivocal and missing samples are "
        "left out of training.",
        "Stacked bars of receptor status.",
        derived=bool(derived),
    )
    mixtures = found.get("mixtures")
    with page.pair():
        for receptor in [] if mixtures is None else mixtures["receptor"].astype(str):
            page.figure(
                f"{receptor}_mixture",
                partial(pl.receptors.mixtures, run.adata, receptor),
                f"{heading(receptor)}: expression with its low and high component; the dashed line "
                "separates them.",
                f"Histogram of {words(receptor)} expression with two fitted components.",
                derived=run.derived(receptor),
            )
    page.table(("receptors", "counts"), found.get("counts"), "Receptor status and its source.")
    page.table(
        ("receptors", "agreement"), found.get("agreement"), "Expression mixture against recorded status."
    )
    page.table(("receptors", "mixtures"), mixtures, "Fitted mixtures.")


def _task(run: Run, task: str, found: dict[str, Any], page: Page) -> None:
    name = heading(task)
    derived = str(found.get("label_source", "")) == DERIVED
    page.heading(f"{name} classifier", derived=derived)
    n = f"{int(found['n_positive']):,} positive, {int(found['n_negative']):,} negative"
    said = f"Trained on {n}; {count(found.get('n_excluded', 0), 'sample')} without a clear label left out."
    excluded = [str(gene) for gene in found.get("excluded_genes", [])]
    if excluded:
        said += f" The genes that define the label were kept from the classifier: {', '.join(excluded)}."
    page.text(said)
    page.text(classifier(found))
    _curves(run, task, n, derived, page)
    page.figure(
        f"{task}_probabilities",
        lambda: pl.classify.probabilities(run.adata, task),
        f"{name}: out-of-fold probability by label ({n}). Samples in the grey band are returned as "
        "“cannot call”.",
        f"Probabilities of the {name} classifier by label.",
        derived=derived,
    )
    if len(found.get("signature", ())):
        page.figure(
            f"{task}_signature",
            lambda: pl.classify.signature(run.adata, task),
            f"{name}: genes of the classifier, and how often they were chosen in cross-validation.",
            f"Coefficients of the {name} classifier.",
            derived=derived,
        )
    captions = {
        "performance": "out-of-fold performance; counts are patients, rates those among the called",
        "comparisons": "against the one gene everybody would look at, on the same samples",
        "counts": "out-of-fold calls by label",
        "signature": "genes of the classifier",
        "predictions": "out-of-fold calls",
    }
    for table, caption in captions.items():
        rows = 8 if table == "predictions" else ROWS
        page.table(
            ("classify", task, table), found.get(table), f"{name}: {caption}.", rows=rows, derived=derived
        )
    path = ("classify", task, "groups")
    _groups.show(run.adata, page, path, found.get("groups"), f"{name} classifier", task=task, derived=derived)


def _curves(run: Run, task: str, n: str, derived: bool, page: Page) -> None:
    """Show how well the classifier separates the classes, and whether its probabilities are true."""
    name = heading(task)
    with page.pair():
        page.figure(
            f"{task}_roc",
            lambda: pl.classify.roc(run.adata, task),
            f"{name}: out-of-fold ROC curve ({n}).",
            f"ROC curve of the {name} classifier.",
            derived=derived,
        )
        page.figure(
            f"{task}_calibration",
            lambda: pl.classify.calibration(run.adata, task),
            f"{name}: predicted against observed frequency ({n}). On the diagonal, probabilities mean "
            "what they say.",
            f"Calibration of the {name} classifier.",
            derived=derived,
        )
