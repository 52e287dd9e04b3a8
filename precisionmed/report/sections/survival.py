"""Survival curves and models."""

from __future__ import annotations

from functools import partial
from typing import Any

from precisionmed import pl
from precisionmed.pl._curves import MOST_BANDS
from precisionmed.report._format import count, heading, words
from precisionmed.report._page import Page, Run
from precisionmed.report.sections import _groups

_HONEST = {
    "risk_group": "Risk groups are out of fold: each sample was placed by a model that never saw it.",
    "subtype": "The subtypes were found without looking at the outcome.",
}


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    found = run.step("survival")
    endpoints = [str(name) for name in found.get("endpoints", [])]
    page.add_notes(found)
    if not endpoints:
        page.quiet(
            "No survival analysis: " + ("no endpoint has follow-up." if found else "the step was not run.")
        )
        return
    for endpoint in endpoints:
        _endpoint(run, endpoint, found[endpoint], page)


def _endpoint(run: Run, endpoint: str, found: dict[str, Any], page: Page) -> None:
    name, unit = words(endpoint), str(found["unit"])
    n = f"n = {int(found['n']):,}, {int(found['n_events']):,} events"
    page.heading(heading(name))
    follow_up = (
        f"Median follow-up {float(found['median_follow_up']):.1f} {unit}."
        if "median_follow_up" in found
        else ""
    )
    page.text(
        f"{count(found['n'], 'sample')}, {count(found['n_events'], 'event')}. {follow_up} Survival "
        f"probabilities refer to {float(found['horizon']):.3g} {unit}."
    )
    curves = found.get("kaplan_meier")
    for grouping in _groupings(curves):
        derived = run.derived(grouping.removesuffix("_status"))
        by = "all samples" if grouping == "overall" else f"by {words(grouping)}"
        page.figure(
            f"{endpoint}_{grouping or 'groups'}",
            partial(pl.survival.kaplan_meier, run.adata, endpoint, grouping=grouping or None),
            f"{name}, {by} ({n}): Kaplan-Meier estimate{band(curves, grouping)} and numbers at risk. "
            + _HONEST.get(grouping, ""),
            f"Kaplan-Meier curves of {name}, {by}.",
            derived=derived,
        )
    if len(found.get("concordance", ())):
        page.figure(
            f"{endpoint}_concordance",
            lambda: pl.survival.concordance(run.adata, endpoint),
            f"{name}: out-of-fold C-index of each model ({n}). An interval that reaches 0.5 is no "
            "evidence of prediction; genes earn their place only beyond the clinical model.",
            f"C-indices with intervals for {name}.",
        )
    if len(found.get("cox", ())):
        page.figure(
            f"{endpoint}_forest",
            lambda: pl.survival.forest_plot(run.adata, endpoint),
            f"{name}: hazard ratios of the fullest Cox model ({n}).",
            f"Forest plot of hazard ratios for {name}.",
        )
    _tables(endpoint, name, found, page)
    path = ("survival", endpoint, "groups")
    _groups.show(run.adata, page, path, found.get("groups"), f"{heading(name)} risk", task=endpoint)


def band(curves: Any, grouping: str) -> str:
    """Say that curves have confidence bands, when they are few enough to show them."""
    part = curves[curves["grouping"].astype(str) == grouping] if grouping else curves
    return " with 95% confidence band" if part["group"].nunique() <= MOST_BANDS else ""


def _tables(endpoint: str, name: str, found: dict[str, Any], page: Page) -> None:
    captions = {
        "concordance": "out-of-fold C-index.",
        "logrank": "log-rank tests.",
        "cox": "Cox models.",
        "proportional_hazards": "test of proportional hazards; a small p speaks against the assumption.",
    }
    for table, caption in captions.items():
        page.table(("survival", endpoint, table), found.get(table), f"{name}: {caption}", rows=25)


def _groupings(curves: Any) -> list[str]:
    if curves is None:
        return []
    return list(dict.fromkeys(curves["grouping"].astype(str))) if "grouping" in curves else [""]
