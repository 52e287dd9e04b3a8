"""What classifiers are worth and what could be called elsewhere, in sentences of the first page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from precisionmed.io._evidence import FEWEST_CALLED
from precisionmed.report import _calls
from precisionmed.report._format import ci_text, count, heading, join, percent, words
from precisionmed.report._page import Run
from precisionmed.tl._called import CHANCE, EMPTY

FEW_CALLED = 0.8
OF_TRAINING = (CHANCE, EMPTY)
"""Causes that no sample of another cohort has to do with."""


def classifier(found: dict[str, Any]) -> str:
    """Say what a classifier is worth out of fold; no number leads where it is chance or calls too few."""
    row = _calls.main_row(found["performance"])
    if row is None:
        return "Performance could not be measured: no test set has both labels."
    estimate = f"{words(row['metric'])} {ci_text(row['estimate'], row['lower'], row['upper'])}"
    if _calls.by_chance(row):
        return f"Not better than chance in samples not used for learning ({estimate}); nobody is called."
    called = _calls.metric(found["performance"], "called")
    if called is None or not np.isfinite(called.get("count", np.nan)):
        return f"{estimate} in samples not used for learning."
    counts = f"{called['count']:.0f} of {called['n']:.0f}"
    if called["estimate"] < FEWEST_CALLED:
        return f"Only {counts} could be called; the others are too near the threshold."
    parts = [f"{counts} could be called"]
    for name in ("sensitivity", "specificity"):
        rate = _calls.metric(found["performance"], name)
        if rate is not None and np.isfinite(rate["estimate"]):
            parts.append(f"{name} {percent(rate['estimate'])} ({rate['count']:g} of {rate['n']:g})")
    return f"{estimate} in samples not used for learning; {', '.join(parts)}{_against(found)}."


def _against(found: dict[str, Any]) -> str:
    """Say whether a classifier beats the one gene everybody would look at: by the paired interval."""
    said = ""
    for _, row in found.get("comparisons", pd.DataFrame()).iterrows():
        name = words(row["against"])
        verb = "not clearly better than"
        if row["lower"] > 0:
            verb = "better than"
        elif row["upper"] < 0:
            verb = "worse than"
        said += f"; {verb} {name} (difference {ci_text(row['difference'], row['lower'], row['upper'])})"
    return said.replace("-", "−") if "difference -" in said else said


def external(run: Run, cohort: str) -> str:
    """Say what could be called in an external cohort first, then how well, then why not and what helps."""
    table = _calls.called(run, cohort)
    rows = _calls.outside(run, cohort)
    derived = {str(name) for name in run.validation(cohort).get("derived_labels", [])}
    parts: list[str] = []
    stopped: dict[tuple[str, str], list[str]] = {}
    for task in [*table, *(name for name in rows if name not in table)]:
        said = words(task)
        if task in table:
            said += f" {table[task]['called']:,} of {table[task]['samples']:,}"
            if table[task]["called"] < FEWEST_CALLED * table[task]["samples"]:
                key = str(table[task]["cause"]), str(table[task]["remedy"])
                stopped.setdefault(key, []).append(words(task))
        if task in rows:
            mark = ", expression-derived labels" if task.removeprefix("signature_") in derived else ""
            said += f" ({_calls.in_words(rows[task], long=True)}{mark})"
        parts.append(said)
    if not parts:
        return ""
    text = f"called, each sample alone: {'; '.join(parts)}."
    for (cause, remedy), tasks in stopped.items():
        none = all(not table[task]["called"] for task in table if words(task) in tasks)
        where = "any sample" if none else "most samples"
        text += f" {heading(join(tasks))} could not be called in {where}: {cause}. What helps: {remedy}."
    return text


def few_called(run: Run) -> list[str]:
    """Return cautions about classifiers of this cohort that are chance, or call few or one side only."""
    said, response = [], run.step("response").get("classifier", {})
    parts = [(task, run.step("classify")[task]) for task in map(str, run.step("classify").get("tasks", []))]
    for task, found in [*parts, *([("response", response)] if "performance" in response else [])]:
        row, called = _calls.main_row(found["performance"]), _calls.metric(found["performance"], "called")
        if row is None or _calls.by_chance(row):
            said.append(
                f"{heading(task)}: not better than chance within this cohort; the locked model calls it for "
                "nobody."
            )
        elif (
            called is not None
            and called["estimate"] < FEW_CALLED
            and np.isfinite(called.get("count", np.nan))
        ):
            counts = f"{called['count']:.0f} of {called['n']:.0f}"
            said.append(f"{heading(task)}: only {counts} could be called out of fold.")
        said += _one_sided(task, found)
    return said


def _one_sided(task: str, found: dict[str, Any]) -> list[str]:
    counts = found.get("counts")
    if counts is None or not len(counts):
        return []
    never = [side for side in ("positive", "negative") if not int(counts[side].sum())]
    if len(never) != 1:
        return []
    return [f"{heading(task)}: out of fold, nobody was called {never[0]}."]


def elsewhere(run: Run, cohort: str) -> list[str]:
    """Return cautions about what could not be called elsewhere, and about splits far from training's."""
    said: list[str] = []
    few: dict[str, list[str]] = {}
    for task, row in _calls.called(run, cohort).items():
        if row["called"] < FEW_CALLED * row["samples"] and row["cause"] not in OF_TRAINING:
            few.setdefault(str(row["cause"]), []).append(
                f"{words(task)} in {row['called']:,} of {count(row['samples'], 'sample')}"
            )
    said += [
        f"In {cohort}, the model could call {join(tasks)} only; the commonest reason: {cause}."
        for cause, tasks in few.items()
    ]
    shifts = run.validation(cohort).get("shifts")
    for _, shift in (pd.DataFrame() if shifts is None else shifts).iterrows():
        said.append(
            f"In {cohort}, {shift['count']:,} of {shift['n']:,} called samples are {shift['answer']} for "
            f"{words(shift['task'])}, {percent(shift['in_training'])} in training: the threshold may not "
            "hold there."
        )
    return said
