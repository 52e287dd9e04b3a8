"""Learn to call the subtypes, found and intrinsic, in single samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.errors import warn
from precisionmed.estimators import metrics
from precisionmed.estimators.centroids import NearestCentroid
from precisionmed.estimators.intrinsic import IntrinsicSubtypeClassifier
from precisionmed.io.patients import patients_at
from precisionmed.tl import _intrinsic
from precisionmed.tl._folds import calls_of, out_of_fold
from precisionmed.tl._groups import group_table

if TYPE_CHECKING:
    from anndata import AnnData

GENES_PER_SUBTYPE = 50
MADE = ("intrinsic_subtype", "intrinsic_confidence")
"""Columns of `obs` that are added."""


def fit_callers(
    adata: AnnData,
    frame: pd.DataFrame,
    subtype: pd.Series,
    result: dict[str, Any],
    rng: np.random.Generator,
    notes: list[str],
) -> tuple[dict[str, Any], str]:
    """Learn to call both kinds of subtype; add their tables to `result`."""
    inner = int(rng.integers(2**31))
    recorded = _intrinsic.recorded_labels(adata, notes)
    own = _learnable(adata, subtype, notes)
    centroid = NearestCentroid(n_genes_per_class=GENES_PER_SUBTYPE, random_state=inner)
    tried: dict[str, tuple[Any, np.ndarray]] = {}
    if len(np.unique(own[own != ""])) > 1:
        tried["subtype"] = (centroid, own)
    if recorded is not None:
        tried["intrinsic"] = (IntrinsicSubtypeClassifier("learned", random_state=inner), recorded)
    left_out = out_of_fold(adata, tried, rng) if tried else {}
    models: dict[str, Any] = {}
    if "subtype" in tried:
        rows = own != ""
        models["subtype"] = centroid.fit(frame[rows], own[rows], groups=patients_at(adata.obs, rows))
        result["predictor_performance"] = _predictor_table(own, left_out["subtype"].call)
    intrinsic, balanced_by = _intrinsic.fit_intrinsic(adata, frame, recorded, inner, notes)
    if intrinsic is None:
        adata.obs = adata.obs.drop(columns=list(MADE), errors="ignore")
        adata.obsm.pop("intrinsic_correlation", None)
        return models, ""
    models["intrinsic"] = intrinsic
    result["intrinsic_source"] = intrinsic.source
    calls = calls_of(intrinsic, frame) if recorded is None else left_out["intrinsic"]
    result |= _intrinsic.intrinsic_tables(adata, intrinsic, calls, subtype)
    if recorded is not None:
        published = _intrinsic.published_calls(adata, frame)
        result |= _intrinsic.performance_tables(recorded, calls.call, published)
        known = np.flatnonzero(recorded != "")
        result |= group_table(adata, known, recorded[known], call=calls.call[known])
    return models, _intrinsic.methods(intrinsic, balanced_by)


def _learnable(adata: AnnData, subtype: pd.Series, notes: list[str]) -> np.ndarray:
    """Return the subtypes that have enough patients for a centroid, "" for the others."""
    labels = subtype.astype(object).fillna("").astype(str)
    rare = _intrinsic.rare_labels(adata, labels.to_numpy(dtype=str))
    if rare:
        warn(
            f"New samples are not called {' or '.join(rare)}: fewer than {_intrinsic.MIN_LABELLED} patients.",
            notes,
        )
    return labels.where(~labels.isin(rare), "").to_numpy(dtype=str)


def _predictor_table(truth: np.ndarray, call: np.ndarray) -> pd.DataFrame:
    known = truth != ""
    rows = [("accuracy", *metrics.accuracy_interval(truth[known], call[known].astype(str)))]
    for name in np.unique(truth[known]):
        own = truth == name
        rows.append((f"sensitivity_{name}", *metrics.accuracy_interval(truth[own], call[own].astype(str))))
    return pd.DataFrame(rows, columns=["metric", "estimate", "lower", "upper"]).rename(index=str)
