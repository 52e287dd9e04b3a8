"""What the locked model can call, from what, and how well: one row a call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from precisionmed.pl._base import DERIVED
from precisionmed.report._format import ci_text, count, heading, words
from precisionmed.report._page import Run

MAIN = ("auc", "concordance", "c_index", "accuracy", "agreement")
"""Metrics that stand for a task, the first present."""


def main_row(performance: pd.DataFrame | None) -> Any:
    """Return the row of a performance table that stands for the signature, or None."""
    if performance is None or performance.empty:
        return None
    for metric in MAIN:
        rows = performance[performance["metric"].astype(str).str.split().str[0] == metric]
        if len(rows):
            return rows.iloc[0]
    return performance.iloc[0]


def table(run: Run) -> pd.DataFrame:
    """Return the table of calls: `call`, `learned_from`, `labels`, `out_of_fold`, one column a cohort."""
    rows = [*_subtypes(run), *_classifiers(run), *_signatures(run), *_survival(run), *_response(run)]
    frame = pd.DataFrame(rows, columns=["task", "call", "learned_from", "labels", "out_of_fold"])
    for cohort in run.validations:
        frame[cohort] = [_external(run, cohort, task) for task in frame["task"]]
    return frame.drop(columns="task")


def _row(task: str, call: str, content: Any, labels: str, performance: pd.DataFrame | None) -> tuple:
    return task, call, content, labels, _text(main_row(performance))


def _text(row: Any) -> str:
    if row is None:
        return "–"
    return f"{words(row['metric'])} {ci_text(row['estimate'], row['lower'], row['upper'])}"


def _subtypes(run: Run) -> list[tuple]:
    found, obs = run.step("subtypes"), run.adata.obs
    rows = []
    if "subtype" in obs:
        n = count(obs["subtype"].notna().sum(), "sample")
        rows.append(_row("subtype", "Molecular subtype", n, "found by clustering", None))
    if "intrinsic_subtype" in obs:
        published = str(found.get("intrinsic_source", "")) == "published"
        learned = "published centroids" if published else count(run.adata.n_obs, "sample")
        labels = "PAM50, published" if published else "recorded"
        row = _row(
            "intrinsic_subtype", "Intrinsic subtype", learned, labels, found.get("intrinsic_performance")
        )
        rows.append(row)
    return rows


def _classifiers(run: Run) -> list[tuple]:
    found = run.step("classify")
    return [
        _row(
            task,
            f"{heading(task)} status",
            f"{int(found[task]['n_positive'])} positive, {int(found[task]['n_negative'])} negative",
            str(found[task]["label_source"]),
            found[task].get("performance"),
        )
        for task in map(str, found.get("tasks", []))
    ]


def _signatures(run: Run) -> list[tuple]:
    found = run.step("biomarkers")
    rows = []
    for task in map(str, found.get("tasks", [])):
        if str(found[task]["kind"]) == "binary" and len(found[task]["signature"]):
            source = DERIVED if run.derived(task) else "recorded"
            learned = f"{count(found[task]['n'], 'sample')}, {int(found[task]['n_events'])} positive"
            label = f"Signature score: {found[task].get('label', task)}"
            rows.append(_row(f"signature_{task}", label, learned, source, found[task]["performance"]))
    return rows


def _survival(run: Run) -> list[tuple]:
    found = run.step("survival")
    rows = []
    for endpoint in map(str, found.get("endpoints", [])):
        if "model" not in found[endpoint]:
            continue
        learned = f"{count(found[endpoint]['n'], 'sample')}, {count(found[endpoint]['n_events'], 'event')}"
        table = found[endpoint].get("concordance")
        row = None
        if table is not None and len(table):
            genes = table[table["model"].astype(str) == "genes"]
            row = (genes if len(genes) else table).iloc[0].to_dict() | {"metric": "concordance"}
        rows.append((endpoint, f"Risk: {words(endpoint)}", learned, "follow-up", _text(row)))
    return rows


def _response(run: Run) -> list[tuple]:
    found = run.step("response").get("classifier", {})
    if "performance" not in found:
        return []
    learned = f"{int(found['n_positive'])} responders, {int(found['n_negative'])} non-responders"
    return [_row("response", "Response", learned, "recorded", found["performance"])]


def _external(run: Run, cohort: str, task: str) -> str:
    found = run.validation(cohort).get("performance")
    if found is None or not len(found):
        return "–"
    same = found["task"].astype(str).isin([task, task.removeprefix("signature_")])
    alone = found[same & (found["mode"].astype(str) == "single sample")]
    row = main_row(alone)
    return _text(row) if row is not None and np.isfinite(row["estimate"]) else "–"
