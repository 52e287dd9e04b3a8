"""What signatures are sought for: labels and endpoints that the cohort has enough samples of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config.minima import EVENTS, PER_CLASS
from precisionmed.errors import InputError, nearest, warn
from precisionmed.io.patients import n_patients
from precisionmed.pp._inputs import roles_of
from precisionmed.tl._survival_cohort import covariates_of, endpoints_of

if TYPE_CHECKING:
    from anndata import AnnData

MIN_CLASS = PER_CLASS
"""Fewest samples of either class."""
MIN_EVENTS = EVENTS
"""Fewest events of an endpoint."""
MIN_KNOWN = 10
"""Fewest samples with a value of a clinical covariate."""
_WORDS = {
    "er": "ER-positive",
    "pr": "PR-positive",
    "her2": "HER2-positive",
    "tnbc": "triple-negative",
    "response": "response",
}
_POSITIVE = {"positive": 1.0, "negative": 0.0, "responder": 1.0, "non_responder": 0.0}


@dataclass(frozen=True)
class Task:
    """One outcome and the samples that have it."""

    name: str
    label: str
    kind: str
    """`binary` or `survival`."""
    rows: np.ndarray
    """Positions of the samples in the cohort."""
    y: Any
    """0 and 1, or a frame with `event` and `time`."""
    excluded: list[str]
    """Genes that define the label."""
    recorded: set[str] = field(default_factory=set)
    """Clinical columns that define the label."""
    unit: str = ""
    """Unit of time of an endpoint."""

    @property
    def event(self) -> np.ndarray:
        """Whether a sample is positive or had the event."""
        return np.asarray(self.y["event"] if self.kind == "survival" else self.y).astype(bool)


def label_tasks(adata: AnnData, labels: Sequence[str], notes: list[str]) -> list[Task]:
    """Return the labels of which the cohort has enough samples of both classes.

    Raises
    ------
    InputError
        There is no such label.
    """
    receptors = adata.uns.get("precisionmed", {}).get("receptors", {})
    tasks = []
    for name in labels:
        if name not in _WORDS:
            raise InputError(f"biomarkers.labels: there is no label '{name}'.{nearest(name, _WORDS)}")
        # Before `receptors` a column of that name is whatever the clinical table had.
        column = f"{name}_status" if receptors and name != "response" else name
        truth = adata.obs[column].astype(object).map(_POSITIVE) if column in adata.obs else None
        if truth is None or not truth.notna().any():
            notes.append(f"{_WORDS[name]}: the cohort has no such label; no signature was sought.")
            continue
        rows = np.flatnonzero(truth.notna())
        y = truth.to_numpy(float)[rows].astype(int)
        fewest = min(n_patients(adata.obs, rows[y == label]) for label in (0, 1))
        if fewest < MIN_CLASS:
            warn(
                f"{_WORDS[name]}: the smaller class has {fewest} patients, fewer than {MIN_CLASS}; "
                "no signature was sought.",
                notes,
            )
            continue
        excluded = [str(gene) for gene in receptors.get("label_genes", {}).get(name, [])]
        tasks.append(Task(name, _WORDS[name], "binary", rows, y, excluded, _recorded(adata, name)))
    return tasks


def endpoint_tasks(adata: AnnData, endpoints: Sequence[str] | None, notes: list[str]) -> list[Task]:
    """Return the endpoints (all when None) of which the cohort has enough events.

    Raises
    ------
    InputError
        An endpoint is not declared.
    """
    declared = roles_of(adata).endpoints
    for name in endpoints or ():
        if name not in declared:
            raise InputError(f"biomarkers.endpoints: '{name}' is not declared.{nearest(name, declared)}")
    tasks = []
    for endpoint in endpoints_of(adata, notes):
        if endpoints is not None and endpoint.name not in endpoints:
            continue
        if endpoint.n_events < MIN_EVENTS:
            warn(
                f"{endpoint.name}: {endpoint.n_events} events, fewer than {MIN_EVENTS}; "
                "no signature was sought.",
                notes,
            )
            continue
        name, label = endpoint.name, endpoint.name.upper()
        tasks.append(Task(name, label, "survival", endpoint.rows, endpoint.y, [], unit=endpoint.unit))
    return tasks


def clinical_of(adata: AnnData, task: Task, notes: list[str]) -> pd.DataFrame | None:
    """Return the clinical covariates of the samples of a task, None when there are none.

    Covariates that define the label, or are the same or missing in nearly all samples, are left out.
    """
    frame = covariates_of(adata).iloc[task.rows]
    for name in list(frame.columns):
        column = frame[name]
        if name in task.recorded:
            reason = "says what is to be predicted"
        elif column.notna().sum() < MIN_KNOWN:
            reason = f"is known in fewer than {MIN_KNOWN} samples"
        elif column.nunique() < 2:
            reason = "is the same in all samples"
        else:
            continue
        notes.append(f"{task.label}: the covariate '{name}' {reason} and was left out of the clinical model.")
        frame = frame.drop(columns=name)
    return None if frame.columns.empty else frame


def _recorded(adata: AnnData, label: str) -> set[str]:
    """Return the names of clinical columns that define a label."""
    roles = roles_of(adata)
    if label == "response":
        return {"response"} | ({roles.response.column} if roles.response else set())
    names: set[str] = set()
    for receptor in ("er", "pr", "her2") if label == "tnbc" else (label,):
        role = getattr(roles.receptors, receptor)
        names |= {receptor, f"{receptor}_status"} | ({role.column} if role else set())
    return names
