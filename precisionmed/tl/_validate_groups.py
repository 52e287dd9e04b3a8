"""External validation by the groups that the external cohort's roles name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.pp._inputs import table
from precisionmed.tl._groups import group_table, settle

if TYPE_CHECKING:
    from anndata import AnnData

    from precisionmed.tl._survival_cohort import Endpoint


def labelled_rows(probability: pd.Series, label: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of samples with a label and a probability, and their label as 0 and 1."""
    truth = label.astype(object).map({"positive": 1.0, "negative": 0.0}).astype(float)
    rows = np.flatnonzero(truth.notna() & probability.notna())
    return rows, truth.to_numpy()[rows].astype(int)


def external_groups(
    adata: AnnData,
    calls: pd.DataFrame,
    labels: dict[str, pd.Series],
    endpoints: dict[str, Endpoint],
    kinds: dict[str, str],
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Audit every task of a locked model in the groups of an external cohort.

    Parameters
    ----------
    adata
        The external cohort.
    calls
        What the model says of each sample alone, as `predict` returns it.
    labels
        Recorded `positive` and `negative`, by task without `signature_`; `intrinsic` subtypes.
    endpoints
        Endpoint that the risk of a task is compared with, by task.
    kinds
        Kind of each task of the model.
    seed
        Seed of the run.

    Returns
    -------
    dict
        Table `groups`, one block a task; empty when the cohort's roles name no groups.
    """
    found = {}
    for task, kind in kinds.items():
        one: dict[str, Any] = {}
        if kind == "survival" and task in endpoints:
            one = _risk(adata, calls, task, endpoints[task], seed)
        elif kind in ("receptor", "signature") and task.removeprefix("signature_") in labels:
            one = _label(adata, calls, task, labels[task.removeprefix("signature_")])
        elif task == "intrinsic_subtype" and "intrinsic" in labels:
            rows = np.flatnonzero(labels["intrinsic"].notna())
            truth = labels["intrinsic"].iloc[rows].astype(str).to_numpy(dtype=object)
            one = group_table(adata, rows, truth, call=calls[task].iloc[rows]) if rows.size else {}
        if one:
            found[task] = one["groups"]
    if not found:
        return {}
    settled = settle(list(found.values()))
    for task, part in zip(found, settled, strict=True):
        part.insert(0, "task", task)
    return {"groups": table(pd.concat(settled, ignore_index=True))}


def _risk(adata: AnnData, calls: pd.DataFrame, task: str, endpoint: Endpoint, seed: int) -> dict[str, Any]:
    risk = calls[f"{task}_risk"].to_numpy(float)[endpoint.rows]
    known = np.isfinite(risk)
    if not known.any():
        return {}
    rows = endpoint.rows[known]
    call = calls[f"{task}_risk_group"].iloc[rows]
    return group_table(adata, rows, endpoint.y[known], risk[known], call=call, seed=seed)


def _label(adata: AnnData, calls: pd.DataFrame, task: str, label: pd.Series) -> dict[str, Any]:
    rows, truth = labelled_rows(calls[f"{task}_probability"], label)
    if not rows.size:
        return {}
    probability = calls[f"{task}_probability"].to_numpy(float)[rows]
    call = calls[task].iloc[rows] if task in calls else None
    return group_table(adata, rows, truth, probability, call=call, probability=probability)
