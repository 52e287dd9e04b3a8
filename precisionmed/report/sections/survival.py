"""Survival curves and models."""

from __future__ import annotations

from functools import partial
from typing import Any

from precisionmed import pl
from precisionmed.pl._curves import MOST_BANDS
from precisionmed.report._format import count, heading, words
from precisionmed.report._page import Page, Run
from precisionmed.report.sections import _groups
from precisionmed.tl._survival_models import EVENTS_OF_LEVEL, FIRTH, UNTESTED

_HONEST = {
    "risk_group": "Risk groups are out of fold: each sample was placed by a model that never saw it. ",
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
        own = _n_of(run, endpoint, found, grouping)
        by = "all samples" if grouping == "overall" else f"by {words(grouping)}"
        page.figure(
            f"{endpoint}_{grouping or 'groups'}",
            partial(pl.survival.kaplan_meier, run.adata, endpoint, grouping=grouping or None),
            f"{name}, {by} ({own or n}): Kaplan-Meier estimate{band(curves, grouping)} and numbers at risk. "
            + _HONEST.get(grouping, "")
            + (_untested(found) if grouping == "risk_group" else ""),
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
            f"{name}: hazard ratios of the fullest Cox model ({n}); the reference of a covariate is 1, and "
            "in brackets are the samples and events of each level." + _ratios(found["cox"]),
            f"Forest plot of hazard ratios for {name}.",
        )
    _tables(endpoint, name, found, page)
    path = ("survival", endpoint, "groups")
    _groups.show(run.adata, page, path, found.get("groups"), f"{heading(name)} risk", task=endpoint)


def _n_of(run: Run, endpoint: str, found: dict[str, Any], grouping: str) -> str:
    """Return the samples that have a group, which may be fewer than have the outcome; empty if not known."""
    tests, column = found.get("logrank"), f"risk_group_{endpoint}"
    own = None if tests is None else tests[tests["grouping"].astype(str) == grouping]
    if own is not None and len(own) and "n" in own:
        return f"n = {int(own['n'].iloc[0]):,}"
    if grouping == "risk_group" and column in run.adata.obs:
        return f"n = {int(run.adata.obs[column].notna().sum()):,}"
    return ""


def _untested(found: dict[str, Any]) -> str:
    """Say why there is no p value of the out-of-fold risk groups, when there is none."""
    tests = found.get("logrank")
    if tests is not None and (tests["grouping"].astype(str) == "risk_group").any():
        return "The p value is from the whole cross-validation repeated with outcomes permuted."
    return (
        "No p value: the log-rank test does not hold for groups that were learned from the same outcomes "
        "(survival.n_permutations gives a valid one). The C-index with its interval is the measure."
    )


def _ratios(cox: Any) -> str:
    """Say why rows have no ratio or no test, when there are such."""
    remarks = set(cox["remark"].astype(str)) if "remark" in cox else set()
    said = ""
    if any("fewer than" in remark for remark in remarks):
        said += (
            f" Levels with (or compared with) fewer than {EVENTS_OF_LEVEL} events have no ratio: it would "
            "rest on single patients."
        )
    if FIRTH in remarks:
        said += (
            " What separates the events has its ratio and interval by Firth's penalized likelihood, as the "
            "usual one has no finite estimate."
        )
    if UNTESTED in remarks:
        said += " The risk by genes is out of fold; neither interval nor p of its ratio would be valid."
    return said


def band(curves: Any, grouping: str) -> str:
    """Say that curves have confidence bands, when they are few enough to show them."""
    part = curves[curves["grouping"].astype(str) == grouping] if grouping else curves
    return " with 95% confidence band" if part["group"].nunique() <= MOST_BANDS else ""


def _tables(endpoint: str, name: str, found: dict[str, Any], page: Page) -> None:
    captions = {
        "concordance": "out-of-fold C-index.",
        "logrank": "log-rank tests; adjusted p: Holm, for all groupings of the table.",
        "cox": "Cox models, with the samples and events behind each row and its reference. The p values are "
        "those of single coefficients, not corrected for their number.",
        "proportional_hazards": "test of proportional hazards; a small p speaks against the assumption.",
    }
    for table, caption in captions.items():
        page.table(("survival", endpoint, table), found.get(table), f"{name}: {caption}", rows=25)


def _groupings(curves: Any) -> list[str]:
    if curves is None:
        return []
    return list(dict.fromkeys(curves["grouping"].astype(str))) if "grouping" in curves else [""]
