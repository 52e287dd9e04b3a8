"""External validation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from precisionmed import pl
from precisionmed.pl.validate import spoken_for
from precisionmed.report._format import join, slug, words
from precisionmed.report._page import Page, Run
from precisionmed.report.sections import _groups
from precisionmed.report.sections._called import external

if TYPE_CHECKING:
    from anndata import AnnData


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    if not run.validations:
        page.quiet("No external cohort was given; performance elsewhere is unknown.")
        return
    page.text(
        "The locked model was applied to every sample of these cohorts alone. “Single sample” is what a "
        "new patient gets; “centred” moves each gene's median to that of the training cohort first, "
        "which needs a whole cohort and shows what differences between platforms cost."
    )
    for cohort in run.validations:
        _cohort(run, cohort, run.validation(cohort), page)


def _cohort(run: Run, cohort: str, found: dict[str, Any], page: Page) -> None:
    adata, name = run.validations[cohort], slug(cohort)
    n = f"n = {adata.n_obs:,}"
    page.heading(cohort)
    page.add_notes({"notes": [f"{cohort}: {note}" for note in found.get("notes", [])]})
    page.text(external(run, cohort))
    page.table(
        ("validate", cohort, "called"), found.get("called"), f"{cohort}: what could be called, and why not."
    )
    if len(found.get("performance", ())) and spoken_for(found).any():
        page.figure(
            f"{name}_performance",
            lambda: pl.validate.performance(adata),
            f"Performance of the locked model in {cohort} ({n}), where it could call at least half of them.",
            f"Performance estimates with intervals in {cohort}.",
            derived=bool(len(found.get("derived_labels", ()))),
        )
    if len(found.get("proportions", ())):
        page.figure(
            f"{name}_proportions",
            lambda: pl.validate.proportions(adata),
            f"Subtypes called in {cohort} ({n}), by mode.",
            f"Stacked bars of subtype calls in {cohort}.",
        )
    _replication(cohort, found, page, adata)
    curves = found.get("kaplan_meier")
    groupings = [] if curves is None or not len(curves) else list(dict.fromkeys(curves.get("grouping", [""])))
    for grouping in map(str, groupings):
        by = f"by {words(grouping)}" if grouping else "by predicted group"
        alone = ", as the locked model called each sample alone"
        if grouping == "overall":
            by, alone = "all samples", ""
        page.figure(
            f"{name}_{slug(grouping) or 'groups'}",
            partial(pl.validate.kaplan_meier, adata, grouping=grouping or None),
            f"Survival in {cohort}, {by} ({n}){alone}.",
            f"Kaplan-Meier curves in {cohort}, {by}.",
        )
    derived = bool(len(found.get("derived_labels", ())))
    _tables(run, cohort, found, page, derived=derived)


def _replication(cohort: str, found: dict[str, Any], page: Page, adata: AnnData) -> None:
    """Show whether the locked subtypes are there in this cohort too."""
    if "replication_verdict" in found:
        page.text(str(found["replication_verdict"]))
    name = slug(cohort)
    if "replication" in found:
        with page.pair():
            page.figure(
                f"{name}_replication",
                lambda: pl.validate.replication(adata),
                f"Is each subtype a cluster in {cohort} too (n = {adata.n_obs:,})? Of the samples nearest to "
                "its locked centroid, the share whose most similar sample is nearest to it as well. Bands "
                "hold 95% of cohorts with the same means and correlations of the genes but no clusters.",
                f"In-group proportion of each subtype in {cohort} against cohorts without clusters.",
            )
            page.figure(
                f"{name}_replication_silhouette",
                lambda: pl.validate.replication(adata, statistic="silhouette"),
                "The same for the mean silhouette, which tells a gap between subtypes where most similar "
                "samples agree anyway. Filled points: false discovery rate (FDR) below 0.05, by the clearer "
                "of the two.",
                f"Silhouette of each subtype in {cohort} against cohorts without clusters.",
            )
        modes = list(dict.fromkeys(found["replication_overlap"]["mode"].astype(str)))
        with page.pair():
            for mode in modes:
                page.figure(
                    f"{name}_overlap_{slug(mode)}",
                    partial(pl.validate.overlap, adata, mode=mode),
                    f"Calls in {cohort} ({mode}, rows) against clusters found in {cohort} without the model "
                    "(columns, each numbered after the subtype it fits best): the diagonal agrees.",
                    f"Cross table of calls and own clusters in {cohort}, {mode}.",
                )
    if "subtype_survival" in found:
        page.figure(
            f"{name}_subtype_survival",
            lambda: pl.validate.subtype_survival(adata),
            "Hazard of each subtype relative to the largest of the training cohort, where the subtypes were "
            f"found, and in {cohort}, where the locked model called them one sample at a time.",
            f"Hazard ratios of the subtypes in the training cohort and in {cohort}.",
        )


def _tables(run: Run, cohort: str, found: dict[str, Any], page: Page, *, derived: bool) -> None:
    performance = f"{cohort}: performance"
    if derived:
        names = join([words(name) for name in found["derived_labels"]])
        performance += f"; the labels of {names} come from that cohort's own expression"
    key = ("validate", cohort)
    page.table((*key, "performance"), found.get("performance"), f"{performance}.", derived=derived)
    page.table((*key, "logrank"), found.get("logrank"), f"{cohort}: log-rank tests.")
    page.table(
        (*key, "replication"), found.get("replication"), f"{cohort}: subtypes as clusters of this cohort."
    )
    page.table(
        (*key, "replication_summary"),
        found.get("replication_summary"),
        f"{cohort}: samples that are none of the subtypes, and agreement with the cohort's own clusters.",
    )
    page.table((*key, "subtype_survival"), found.get("subtype_survival"), f"{cohort}: outcome by subtype.")
    page.table((*key, "proportions"), found.get("proportions"), f"{cohort}: subtype calls.")
    groups = found.get("groups")
    for task, part in () if groups is None else groups.groupby("task", sort=False):
        title = f"{cohort}: {words(task)}"
        _groups.show(run.validations[cohort], page, (*key, "groups"), part, title, task=str(task))
    calls = found.get("predictions")
    if calls is not None:
        shown = calls[[c for c in calls if not str(c).endswith("_reason")]]
        caption = f"{cohort}: what the locked model returned; reasons for “cannot call” stand in the file."
        page.table((*key, "predictions"), shown, caption, rows=8)
