"""LASSO signatures: what they are worth first, then their genes, and how sure these are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from precisionmed import pl
from precisionmed.pl._biomarkers_product import MOST_BY_HAND
from precisionmed.report._format import count, heading
from precisionmed.report._page import Block, Page, Run
from precisionmed.report.sections import _groups
from precisionmed.report.sections._signature_genes import beat_decoys, listed, stable
from precisionmed.report.sections._signature_verdict import verdict

_SHOWN = (
    "gene",
    "coefficient",
    "ratio",
    "lower",
    "upper",
    "selection_frequency",
    "stability",
    "drug",
)
"""Columns of a signature on the page; the file has all. A gene's p value alone is in the screen: beside the
genes that were chosen by the same data it would read as a test of the signature."""


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
    for name in tasks:
        task = _Task(run, page, name, found[name])
        page.heading(heading(task.label), derived=task.derived)
        kind, lead, rest = verdict(task.found, task.label)
        page.blocks.append(Block(kind, lead, [rest]))
        for part in (_genes, _sure, _rivals, _alone, _penalty, _by_hand):
            part(task)


@dataclass(frozen=True)
class _Task:
    """One task on its way onto the page."""

    run: Run
    page: Page
    name: str
    found: dict[str, Any]

    @property
    def label(self) -> str:
        return str(self.found.get("label", self.name))

    @property
    def derived(self) -> bool:
        return self.run.derived(self.name)

    @property
    def n(self) -> str:
        """Return `n = 120, 40 events`."""
        events = self.found["n_events"]
        survival = str(self.found.get("kind")) == "survival"
        positives = count(events, "event") if survival else f"{int(events):,} positive"
        return f"n = {int(self.found['n']):,}, {positives}"

    def has(self, *names: str) -> bool:
        """Say whether all these tables (or values) are there and not empty."""
        return all(name in self.found and np.size(self.found[name]) > 0 for name in names)

    def part(self, title: str) -> None:
        """Begin a part of the task."""
        self.page.heading(f"{heading(self.label)}: {title}", derived=self.derived)

    def figure(self, draw: Callable[..., Axes], caption: str, alt: str) -> None:
        """Draw one figure of the task, named after the function that draws it."""
        self.page.figure(
            f"{self.name}_{draw.__name__}",
            lambda: draw(self.run.adata, self.name),
            f"{heading(self.label)}: {caption}",
            f"{alt} for {self.label}.",
            derived=self.derived,
        )

    def table(self, name: str, caption: str, columns: Sequence[str] | None = None) -> None:
        """Show one table of the task, or some of its columns."""
        table = self.found.get(name)
        self.page.table(
            ("biomarkers", self.name, name),
            table if table is None or columns is None else table[list(columns)],
            f"{heading(self.label)}: {caption}.",
            derived=self.derived,
        )


def _genes(task: _Task) -> None:
    """Show the signature itself; nothing when it is empty."""
    table = task.found["signature"]
    if table.empty:
        return
    intervals = (
        " Lines: 95% intervals from refits of the signature's genes in halves of the cohort; they do not "
        "account for the choice of the genes."
        if "lower" in table
        else ""
    )
    task.figure(
        pl.biomarkers.signature,
        f"the signature ({count(len(table), 'gene')}; {task.n}).{intervals} Right: how often the gene was "
        "chosen when the model was refitted; genes chosen rarely are exchangeable.",
        "Ratios, intervals and selection frequencies",
    )
    ratio = "hazard" if str(task.found.get("kind")) == "survival" else "odds"
    task.table(
        "signature",
        f"genes of the signature (coefficient per unit of expression, {ratio} ratio per standard deviation)",
        [column for column in _SHOWN if column in table and not (table[column] == "").all()],
    )
    if task.has("formula"):
        task.page.text(f"{task.found['formula']}")
    task.figure(
        pl.biomarkers.heatmap,
        f"genes of the signature across the cohort, samples ordered by the out-of-fold score ({task.n}). "
        "Above: the outcome; below: the score.",
        "Heat map of the signature's genes, ordered by score",
    )


def _sure(task: _Task) -> None:
    """Show which genes would be chosen again, and which beat made-up ones."""
    if not (task.has("stability_path") or task.has("decoys")):
        return
    task.part("how sure are the genes")
    task.page.text(" ".join([*stable(task.found), *beat_decoys(task.found)]))
    with task.page.pair():
        if task.has("stability_path"):
            task.figure(
                pl.biomarkers.stability,
                f"how often each gene is among the first on the path of halves of the cohort ({task.n}). "
                "Genes above the dashed line are stable.",
                "Selection frequencies along the path",
            )
        if task.has("decoys"):
            task.figure(
                pl.biomarkers.decoys,
                "genes that are chosen more often than their decoy, decoys chosen more often than their gene "
                "(top), and the false discovery proportion estimated from both (FDP, bottom; dashed: the "
                "rate to keep).",
                "Genes against decoys, and the estimated false discovery proportion",
            )


def _rivals(task: _Task) -> None:
    """Compare with simpler models and with random genes."""
    task.part("against simpler models")
    differences = (
        " Below: differences on the same folds; an interval that reaches 0 is no difference."
        if task.has("comparisons")
        else ""
    )
    task.figure(
        pl.biomarkers.performance,
        f"out-of-fold performance ({task.n}).{differences}",
        "Performance estimates and differences with intervals",
    )
    with task.page.pair():
        if task.has("random_signatures") and len(task.found["signature"]):
            task.figure(
                pl.biomarkers.random_signatures,
                "signatures of as many genes drawn at random, and the signature (red). Most genes of a "
                "tumour say something; a signature has to say more.",
                "Histogram of the performance of random signatures",
            )
        if str(task.found.get("kind")) == "binary" and len(task.found["signature"]):
            task.figure(
                pl.biomarkers.scores,
                f"out-of-fold scores by true class ({task.n}).",
                "Histogram of scores",
            )
    task.table("performance", "out-of-fold performance")
    _groups.show(
        task.run.adata,
        task.page,
        ("biomarkers", task.name, "groups"),
        task.found.get("groups"),
        f"{heading(task.label)} signature",
        task=task.name,
        derived=task.derived,
    )


def _alone(task: _Task) -> None:
    """Show every gene alone."""
    if not task.has("screen"):
        return
    task.part("every gene alone")
    red = " Those of the signature are red; it needs no second gene that says the same."
    with task.page.pair():
        task.figure(
            pl.biomarkers.volcano,
            f"effect and evidence of each of {count(len(task.found['screen']), 'gene')} alone ({task.n}).",
            "Volcano plot of the univariate screen",
        )
        task.figure(
            pl.biomarkers.univariate,
            "the genes that say most alone." + (red if len(task.found["signature"]) else ""),
            "Ratios with intervals of the strongest genes",
        )


def _penalty(task: _Task) -> None:
    """Show how the penalty was chosen, which genes it lets in, and how few are enough."""
    task.part("how the genes were chosen")
    with task.page.pair():
        task.figure(
            pl.biomarkers.cv_curve,
            f"cross-validated loss along the penalty ({task.n}), with the number of genes on top.",
            "Cross-validation curve",
        )
        task.figure(
            pl.biomarkers.path,
            "coefficients along the penalty. Genes that enter first (left) carry most information.",
            "Coefficient paths",
        )
    if not task.has("panel"):
        return
    genes = [str(gene) for gene in np.ravel(task.found.get("panel_genes", []))]
    if genes:
        task.page.text(
            f"The smallest panel within one standard error of the best size has {count(len(genes), 'gene')}: "
            f"{listed(genes)}."
        )
    task.figure(
        pl.biomarkers.panel,
        "out-of-fold performance of the first genes on the path, by how many they are (bars: one standard "
        "error). Ringed: the fewest that are within the band.",
        "Performance by number of genes",
    )


def _by_hand(task: _Task) -> None:
    """Show the nomogram of a signature short enough for one."""
    if not task.has("nomogram", "nomogram_total") or len(task.found["signature"]) > MOST_BY_HAND:
        return
    task.part("scoring by hand")
    task.figure(
        pl.biomarkers.nomogram,
        "nomogram. Find the expression of each gene on its scale, read the points above, add them, and read "
        "the probability below the total. It is fitted to this cohort; elsewhere it needs recalibration.",
        "Nomogram",
    )
