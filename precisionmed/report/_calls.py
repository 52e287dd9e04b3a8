"""What the locked model can call, from what, and how well within the cohort and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.pl._base import DERIVED
from precisionmed.report._format import count, heading, words
from precisionmed.report._page import Run

MAIN = ("auc", "concordance", "c_index", "accuracy", "agreement")
"""Metrics that stand for a task, the first present."""
ALONE = "single sample"


@dataclass(frozen=True)
class Call:
    """One thing the model returns; `performance` is the out-of-fold row that stands for it, or None."""

    task: str
    name: str
    learned_from: str
    labels: str
    performance: dict[str, Any] | None


def calls(run: Run) -> list[Call]:
    """Return everything the locked model of this run can call."""
    return [*_subtypes(run), *_classifiers(run), *_signatures(run), *_survival(run), *_response(run)]


def main_row(performance: pd.DataFrame | None) -> dict[str, Any] | None:
    """Return the row of a performance table that stands for the task, None when there is none."""
    if performance is None or performance.empty:
        return None
    kind = performance["metric"].astype(str).str.split().str[0]
    for metric in MAIN:
        rows = performance[(kind == metric) & performance["estimate"].notna()]
        if len(rows):
            return {str(k): v for k, v in rows.iloc[0].items()}
    return None


def outside(run: Run, cohort: str, metrics: tuple[str, ...] | None = None) -> dict[str, dict[str, Any]]:
    """Return task -> main row (or that of `metrics`) in an external cohort, samples called alone."""
    found = run.validation(cohort).get("performance")
    if found is None or found.empty:
        return {}
    alone = found[found["mode"].astype(str) == ALONE]
    if metrics is not None:
        alone = alone[alone["metric"].isin(metrics)]
        return {str(row["task"]): row.to_dict() for _, row in alone.iterrows()}
    rows = {str(task): main_row(part) for task, part in alone.groupby("task", sort=False)}
    return {task: row for task, row in rows.items() if row is not None}


def table(run: Run) -> pd.DataFrame:
    """Return the calls as a table: `call`, `learned_from`, `labels`, `out_of_fold`, one column a cohort."""
    found = calls(run)
    frame = pd.DataFrame(
        {
            "call": [call.name for call in found],
            "learned_from": [call.learned_from for call in found],
            "labels": [call.labels for call in found],
            "out_of_fold": [_short(call.performance) for call in found],
        }
    )
    for cohort in run.validations:
        elsewhere = outside(run, cohort)
        frame[cohort] = [_short(elsewhere.get(call.task)) for call in found]
    return frame


def _short(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    interval = f" ({row['lower']:.2f} to {row['upper']:.2f})" if np.isfinite(row["lower"]) else ""
    return f"{words(row['metric'])} {row['estimate']:.2f}{interval}"


def _subtypes(run: Run) -> list[Call]:
    found, obs = run.step("subtypes"), run.adata.obs
    rows = []
    if "subtype" in obs:
        n = count(obs["subtype"].notna().sum(), "sample")
        rows.append(Call("subtype", "Molecular subtype", n, "found by clustering", None))
    if "intrinsic_subtype" in obs:
        published = str(found.get("intrinsic_source", "")) == "published"
        learned = "published centroids" if published else count(run.adata.n_obs, "sample")
        labels = "PAM50, published" if published else "recorded"
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
            row = (genes if len(genes) else table).iloc[0].to_dict() | {"metric": "concordance"}
        rows.append(Call(endpoint, f"Risk: {words(endpoint)}", learned, "follow-up", row))
    return rows


def _response(run: Run) -> list[Call]:
    found = run.step("response").get("classifier", {})
    if "performance" not in found:
        return []
    learned = f"{int(found['n_positive'])} responders, {int(found['n_negative'])} non-responders"
    return [Call("response", "Response", learned, "recorded", main_row(found["performance"]))]
