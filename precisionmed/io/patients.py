"""Who is a patient: the one rule for folds, halves, intervals and outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from precisionmed.estimators._order import name_order


def patients(obs: pd.DataFrame) -> np.ndarray | None:
    """Return the patient of each sample, (n,) text; None where every sample is another patient.

    A sample without a recorded patient is a patient of its own, called like the sample.
    """
    if "patient" not in obs:
        return None
    recorded = obs["patient"].astype(object)
    known = recorded.where(recorded.notna(), pd.Series(obs.index, index=obs.index, dtype=object))
    return known.astype(str).to_numpy() if known.astype(str).duplicated().any() else None


def patients_at(obs: pd.DataFrame, rows: np.ndarray) -> np.ndarray | None:
    """Return the patients of some samples of a cohort."""
    found = patients(obs)
    return None if found is None else found[rows]


def n_patients(obs: pd.DataFrame, rows: np.ndarray) -> int:
    """Return how many patients some samples are from: what can be dealt into folds."""
    found = patients_at(obs, rows)
    return len(obs.iloc[rows]) if found is None else len(np.unique(found))


def first_of_patient(obs: pd.DataFrame, known: np.ndarray) -> np.ndarray:
    """Return which of the known samples stand for their patient: the first of each by name, (n,) bool."""
    found = patients(obs)
    if found is None:
        return known.copy()
    order = name_order(obs.index)
    order = np.arange(len(obs)) if order is None else order
    order = order[known[order]]
    first = np.zeros(len(obs), dtype=bool)
    first[order[~pd.Series(found[order]).duplicated().to_numpy()]] = True
    return first
