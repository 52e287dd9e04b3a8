"""What a locked model could call in another cohort, what stopped it, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.estimators.centroids import CANNOT_CALL

if TYPE_CHECKING:
    from precisionmed.io.model import LockedModel

NEAR = "too near the threshold, or between two classes"
CHANCE, EMPTY = "no better than chance in training", "no gene was kept in training"
_CAUSES = {
    CHANCE: ("not better than chance", "how good it is"),
    EMPTY: ("no gene is in the signature",),
    "values on another scale": ("scale looks like", "all values", "cannot be normalized"),
    "genes that are not measured": ("no gene of the model", "only ", "too few genes", "genes are missing"),
    "values unlike those of training (platform, preparation or tissue)": ("unlike", "resembles none"),
    NEAR: ("probability between", "between two classes"),
}
"""Cause -> what the reasons of `predict` begin with, or hold."""
_REMEDIES = {
    **dict.fromkeys((CHANCE, EMPTY), "learning from more patients; nothing in this cohort mends it"),
    "values on another scale": "give the numbers that training had, or state their scale",
    "genes that are not measured": "learn again with shared_genes: true",
    "values unlike those of training (platform, preparation or tissue)": "centre the whole cohort (predict "
    "--centre; the centred calls below), adapt a batch-corrected model (precisionmed adapt), or learn again "
    "with normalize.method: rank",
    NEAR: "read the probabilities; they are too near the threshold for a call",
}
COLUMNS = ["mode", "task", "samples", "called", "cause", "refused", "remedy"]


def cause_of(reason: str) -> str:
    """Return the kind of reason why `predict` called nothing; empty where it called, `other` if unknown."""
    if not reason:
        return ""
    for cause, signs in _CAUSES.items():
        if any(reason.startswith(sign) or (sign == "genes are missing" and sign in reason) for sign in signs):
            return cause
    return "other"


def causes(calls: pd.DataFrame, task: str) -> np.ndarray:
    """Return the cause of each sample; see `cause_of`."""
    return np.array([cause_of(str(reason)) for reason in calls[f"{task}_reason"]], dtype=object)


def called_table(calls: dict[str, pd.DataFrame], model: LockedModel) -> pd.DataFrame:
    """Return how many samples each task called, and the commonest reason where it did not.

    Parameters
    ----------
    calls
        By mode, what the model returned.
    model
        The locked model.

    Returns
    -------
    DataFrame
        `mode`, `task`, `samples`, `called`, `cause` (empty when all were called), `refused` (samples of that
        cause) and `remedy`. A task without calls (a signature score) counts its probabilities.
    """
    rows = []
    for mode, found in calls.items():
        for task, content in model.parts["tasks"].items():
            called = _called(task, content, found)
            refused = pd.Series(causes(found, task)[~called])
            counts = refused.value_counts()
            cause = str(counts.index[0]) if len(counts) else ""
            rows.append(
                (mode, task, len(found), int(called.sum()), cause, int(counts.max()) if len(counts) else 0)
                + (_REMEDIES.get(cause, ""),)
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _called(task: str, content: dict[str, Any], calls: pd.DataFrame) -> np.ndarray:
    if content["kind"] == "signature":
        return calls[f"{task}_probability"].notna().to_numpy()
    column = f"{task}_risk_group" if content["kind"] == "survival" else task
    return (calls[column] != CANNOT_CALL).to_numpy()
