"""What the locked model can call, from what, and how well within the cohort and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.io._evidence import FEWEST_CALLED, reaches_chance
from precisionmed.pl._base import DERIVED
from precisionmed.pl.validate import spoken_for
from precisionmed.report._format import ci_text, count, heading, words
from precisionmed.report._page import Run

MAIN = ("auc", "concordance", "c_index", "accuracy", "agreement")
"""Metrics that stand for a task, the first present."""
ALONE = "single sample"
FOLLOW_UP = "follow-up"
PUBLISHED = "PAM50, published"


@dataclass(frozen=True)
class Call:
    """One thing the model returns; `performance` is the out-of-fold row that stands for it, or None."""

    task: str
    name: str
    learned_from: str
    labels: str
    performance: dict[str, Any] | None
    table: pd.DataFrame | None = None
    """The out-of-fold performance of a classifier that may decline to call."""


def calls(run: Run) -> list[Call]:
    """Return everything the locked model of this run can call."""
    return [*_subtypes(run), *_classifiers(run), *_signatures(run), *_survival(run), *_response(run)]


def main_row(performance: pd.DataFrame | None) -> dict[str, Any] | None:
    """Return the row of a performance table that stands for the task, None when there is none."""
    if performance is None or performance.empty:
        return None
    auc = metric(performance, "auc")
    if auc is not None and not np.isfinite(auc["estimate"]):
        return None  # accuracy does not stand in for an AUC that could not be measured
    kind = performance["metric"].astype(str).str.split().str[0]
    for metric_name in MAIN:
        rows = performance[(kind == metric_name) & performance["estimate"].notna()]
        if len(rows):
            row = {str(k): v for k, v in rows.iloc[0].items()}
            share = metric(performance, "majority_share")
            return row | ({"majority": share["estimate"]} if metric_name == "accuracy" and share else {})
    return None


def metric(performance: pd.DataFrame, name: str) -> dict[str, Any] | None:
    """Return the first row of a metric, None when there is none."""
    rows = performance[performance["metric"].astype(str) == name]
    return {str(k): v for k, v in rows.iloc[0].items()} if len(rows) else None


def by_chance(row: dict[str, Any]) -> bool:
    """Say whether an out-of-fold AUC or C-index is not better than chance: such a task is not called."""
    return row["metric"] in ("auc", "concordance", "c_index") and reaches_chance(row["lower"])


def outside(run: Run, cohort: str) -> dict[str, dict[str, Any]]:
    """Return task -> main row in an external cohort, samples called alone; none where few could be called."""
    found = run.validation(cohort).get("performance")
    if found is None or found.empty:
        return {}
    alone = found[(found["mode"].astype(str) == ALONE) & spoken_for(run.validation(cohort))]
    rows = {str(task): main_row(part) for task, part in alone.groupby("task", sort=False)}
    return {task: row for task, row in rows.items() if row is not None}


def called(run: Run, cohort: str) -> dict[str, dict[str, Any]]:
    """Return task -> how many samples of an external cohort were called, alone, and why not the others."""
    found = run.validation(cohort).get("called")
    if found is None or found.empty:
        return {}
    alone = found[found["mode"].astype(str) == ALONE]
    return {str(row["task"]): row.to_dict() for _, row in alone.iterrows()}


def use(run: Run, call: Call) -> str:
    """Return whether a call may be used: `use`, `with care` or `do not use`, and why."""
    if call.performance is not None and by_chance(call.performance):
        return "do not use: not better than chance"
    if call.table is not None and call.performance is None:
        return "do not use: not measured"
    if call.labels == FOLLOW_UP and call.performance is None:
        return "do not use: no gene is in its signature"
    inside = None if call.table is None else metric(call.table, "called")
    if inside is not None and inside["estimate"] < FEWEST_CALLED:
        return "do not use: few can be called"
    care = []
    if call.labels == DERIVED:
        care.append("labels from expression")
    if inside is not None and inside["estimate"] < 0.8:
        care.append("many are not called")
    if not run.validations:
        care.append("not tested elsewhere")
    elif call.performance is None and call.labels == PUBLISHED:
        care.append("not compared with recorded subtypes")
    for cohort in run.validations:
        care += _care_elsewhere(run, call, cohort)
    return f"with care: {'; '.join(care)}" if care else "use"


def _care_elsewhere(run: Run, call: Call, cohort: str) -> list[str]:
    """Return what another cohort says against a call."""
    row, elsewhere = called(run, cohort).get(call.task), outside(run, cohort).get(call.task)
    if call.task == "subtype" and not run.validation(cohort).get("replication_confirmed", True):
        return [f"not confirmed in {cohort}"]
    if row is not None and row["called"] < FEWEST_CALLED * row["samples"]:
        return [f"few can be called in {cohort}"]
    if elsewhere is not None and by_chance(elsewhere):
        return [f"not better than chance in {cohort}"]
    if elsewhere is not None and call.performance and elsewhere["estimate"] < call.performance["lower"]:
        return [f"worse in {cohort}"]
    return []


def table(run: Run) -> pd.DataFrame:
    """Return the calls as a table: `call`, `use`, `learned_from`, `labels`, `out_of_fold`, each cohort."""
    found = calls(run)
    frame = pd.DataFrame(
        {
            "call": [call.name for call in found],
            "use": [use(run, call) for call in found],
            "learned_from": [call.learned_from for call in found],
            "labels": [call.labels for call in found],
            "out_of_fold": [_within(call) for call in found],
        }
    )
    for cohort in run.validations:
        frame[cohort] = [_elsewhere(run, cohort, call.task) for call in found]
    return frame


def _within(call: Call) -> str:
    counts = None if call.table is None else metric(call.table, "called")
    if counts is None or not np.isfinite(counts.get("count", np.nan)):
        return _short(call.performance)
    said = f"{counts['count']:.0f} of {counts['n']:.0f} called"
    return said if counts["estimate"] < FEWEST_CALLED else f"{said}; {_short(call.performance)}"


def _elsewhere(run: Run, cohort: str, task: str) -> str:
    row, counts = outside(run, cohort).get(task), called(run, cohort).get(task)
    if counts is None:
        return _short(row)
    said = f"{counts['called']:,} of {counts['samples']:,} called"
    return f"{said}; {_short(row)}" if row is not None else said


def _short(row: dict[str, Any] | None) -> str:
    return "–" if row is None else in_words(row)


def in_words(row: dict[str, Any], *, long: bool = False) -> str:
    """Return metric, estimate and interval; beside an accuracy, that of always saying the commonest label."""
    interval = f" ({row['lower']:.2f} to {row['upper']:.2f})" if np.isfinite(row["lower"]) else ""
    said = f"{words(row['metric'])} {row['estimate']:.2f}{interval}"
    if long:
        said = f"{words(row['metric'])} {ci_text(row['estimate'], row['lower'], row['upper'])}"
    return f"{said}, {row['majority']:.2f} by the commonest label" if "majority" in row else said


def _subtypes(run: Run) -> list[Call]:
    found, obs = run.step("subtypes"), run.adata.obs
    rows = []
    if "subtype" in obs:
        n = count(obs["subtype"].notna().sum(), "sample")
        announced = "stopped" not in found and bool(found.get("evidence", True))
        name = "Molecular subtype" if announced else "Group (no subtype is announced)"
        rows.append(Call("subtype", name, n, "found by clustering", None))
    if "intrinsic_subtype" in obs:
        published = str(found.get("intrinsic_source", "")) == "published"
        learned = "published centroids" if published else count(run.adata.n_obs, "sample")
        labels = PUBLISHED if published else "recorded"
        performance = main_row(found.get("intrinsic_performance"))
        rows.append(Call("intrinsic_subtype", "Intrinsic subtype", learned, labels, performance))
    return rows


def _classifiers(run: Run) -> list[Call]:
    found = run.step("classify")
    return [
        Call(
            task,
            f"{heading(task)} status",
            f"{int(found[task]['n_positive'])} positive, {int(found[task]['n_negative'])} negative",
            str(found[task]["label_source"]),
            main_row(found[task].get("performance")),
            found[task].get("performance"),
        )
        for task in map(str, found.get("tasks", []))
    ]


def _signatures(run: Run) -> list[Call]:
    found = run.step("biomarkers")
    rows = []
    for task in map(str, found.get("tasks", [])):
        if str(found[task]["kind"]) == "binary" and len(found[task]["signature"]):
            source = DERIVED if run.derived(task) else "recorded"
            learned = f"{count(found[task]['n'], 'sample')}, {int(found[task]['n_events'])} positive"
            name = f"Signature score: {found[task].get('label', task)}"
            rows.append(
                Call(f"signature_{task}", name, learned, source, main_row(found[task]["performance"]))
            )
    return rows


def _survival(run: Run) -> list[Call]:
    found = run.step("survival")
    rows = []
    for endpoint in map(str, found.get("endpoints", [])):
        if "model" not in found[endpoint]:
            continue
        learned = f"{count(found[endpoint]['n'], 'sample')}, {count(found[endpoint]['n_events'], 'event')}"
        table, row = found[endpoint].get("concordance"), None
        if table is not None and len(table):
            genes = table[table["model"].astype(str) == "genes"]  # the model that is locked
            row = genes.iloc[0].to_dict() | {"metric": "concordance"} if len(genes) else None
        rows.append(Call(endpoint, f"Risk: {words(endpoint)}", learned, FOLLOW_UP, row))
    return rows


def _response(run: Run) -> list[Call]:
    found = run.step("response").get("classifier", {})
    if "performance" not in found:
        return []
    learned = f"{int(found['n_positive'])} responders, {int(found['n_negative'])} non-responders"
    performance = found["performance"]
    return [Call("response", "Response", learned, "recorded", main_row(performance), performance)]
