"""What stands behind the tasks of a locked model: out-of-fold estimates, and what they called in training."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

CHANCE = 0.5
"""AUC and C-index of a model that knows nothing."""
FEWEST_CALLED = 0.5
"""Share of the samples that a task has to call before a number speaks for it."""
METRIC_WORDS = {"auc": "AUC", "c_index": "C-index"}


def with_evidence(
    tasks: dict[str, Any], steps: dict[str, Any], adata: ad.AnnData
) -> dict[str, dict[str, Any]]:
    """Return the tasks with `evidence` (out-of-fold estimate, interval) and `shares` of training's answers.

    Parameters
    ----------
    tasks
        As collected from the steps.
    steps
        What the steps stored.
    adata
        The cohort, normalized.
    """
    found = {}
    for name, task in tasks.items():
        more = {"evidence": _evidence(name, task["kind"], steps), "shares": _shares(name, task, steps, adata)}
        found[name] = {**task, **{key: value for key, value in more.items() if value}}
    return found


def without_signature(task: dict[str, Any]) -> bool:
    """Return whether a linear task uses no gene, so that everybody would get the same answer."""
    coefficients = getattr(task["model"], "coef_", None)
    return task["kind"] != "class" and coefficients is not None and not np.any(coefficients)


def reaches_chance(lower: float) -> bool:
    """Return whether an interval with this lower end, as it is printed, holds chance or is missing (NaN)."""
    return not round(lower, 2) > CHANCE


def by_chance(task: dict[str, Any]) -> bool:
    """Return whether the out-of-fold interval of a task holds chance or is missing."""
    evidence = task.get("evidence")
    return evidence is not None and reaches_chance(evidence["lower"])


def refusal(task: dict[str, Any]) -> str:
    """Say why a task gives no calls at all; empty where it does."""
    if without_signature(task):
        return "no gene is in the signature: nothing predicts it in training"
    if by_chance(task):
        if not np.isfinite(task["evidence"]["estimate"]):
            return "how good it is could not be measured in training"
        return f"not better than chance in training ({in_words(task)})"
    return ""


def in_words(task: dict[str, Any]) -> str:
    """Return the out-of-fold estimate of a task in words; empty where none was locked."""
    evidence = task.get("evidence")
    if evidence is None or not np.isfinite(evidence["estimate"]):
        return ""
    if np.isnan(evidence["estimate"]):
        return "no gene was chosen in any training set"
    numbers = f"{evidence['estimate']:.2f} ({evidence['lower']:.2f} to {evidence['upper']:.2f})"
    return f"{METRIC_WORDS[evidence['metric']]} {numbers}"


def description(tasks: dict[str, Any]) -> pd.DataFrame:
    """Return the table of `LockedModel.describe`."""
    rows = {}
    for name, task in tasks.items():
        evidence = task.get("evidence", {})
        coefficients = getattr(task["model"], "coef_", None)
        rows[name] = {
            "kind": task["kind"],
            "genes": np.nan if coefficients is None else float(np.count_nonzero(coefficients)),
            "metric": evidence.get("metric", ""),
            **{key: evidence.get(key, np.nan) for key in ("estimate", "lower", "upper")},
            "called": refusal(task) == "",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")


def sentence(tasks: dict[str, Any]) -> str:
    """Say what a model calls, and what it holds and calls for nobody."""
    refused = {name: refusal(task) for name, task in tasks.items()}
    calls = [name for name, reason in refused.items() if not reason]
    never = [f"{name} ({reason})" for name, reason in refused.items() if reason]
    said = f"it calls {', '.join(calls)}" if calls else "it calls nothing"
    if not tasks:
        return f"{said}: no step had learned anything to call; it only normalizes new samples."
    return f"{said}; not called: {'; '.join(never)}." if never else f"{said}."


def _evidence(name: str, kind: str, steps: dict[str, Any]) -> dict[str, Any] | None:
    """Return `metric`, `estimate`, `lower`, `upper` of the locked model of a task, out of fold."""
    if kind == "class":
        return None
    if kind == "survival":
        table, model = steps["survival"][name].get("concordance"), "genes"
    elif kind == "signature":
        table, model = steps["biomarkers"][name.removeprefix("signature_")].get("performance"), "signature"
    else:
        part = steps["response"]["classifier"] if name == "response" else steps["classify"][name]
        table, model = part.get("performance"), "signature"
    if table is None:
        return None
    rows = table[table["model"].astype(str) == model]
    metric = "c_index"
    if "metric" in rows:
        metric = "auc"
        rows = rows[rows["metric"].astype(str) == metric]
    if not len(rows):
        return None
    return {"metric": metric, **{key: float(rows[key].iloc[0]) for key in ("estimate", "lower", "upper")}}


def _shares(
    name: str, task: dict[str, Any], steps: dict[str, Any], adata: ad.AnnData
) -> dict[str, float] | None:
    """Return the fraction of the training samples that each answer of a task was given or recorded for."""
    if task["kind"] == "survival":
        values = np.asarray(adata.X, dtype=float)
        high = float(np.mean(task["model"].predict(values) > task["threshold"]))
        return {"high": high, "low": 1 - high}
    if task["kind"] == "receptor":
        part = steps["response"]["classifier"] if name == "response" else steps["classify"][name]
        positive = part["n_positive"] / (part["n_positive"] + part["n_negative"])
        return {"positive": float(positive), "negative": float(1 - positive)}
    return None
