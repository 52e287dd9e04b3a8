"""What a locked model says of new samples, each computed alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, warn
from precisionmed.estimators.centroids import CANNOT_CALL

if TYPE_CHECKING:
    from precisionmed.io.model import LockedModel

FEWEST_GENES = 0.5
"""Fraction of the model's genes that a file of new samples must have."""
LARGEST_GAP = 0.2
"""Fraction of a signature's weight that may fall on missing genes (replaced by training medians)."""
FEWEST_TO_CENTRE = 20
"""Samples that it takes to centre a cohort."""

_UNLIKE = "unlike the samples the model was learned from"


@dataclass(frozen=True)
class Prepared:
    """New samples as the tasks of a model take them; one row a sample."""

    normal: pd.DataFrame
    """Normalized, samples x the model's kept genes; what is not measured has its training median."""
    gaps: pd.DataFrame
    """True where a gene was not measured."""
    deviation: np.ndarray
    """How unlike the training samples each one is."""
    unlike: np.ndarray
    """True where that is too much to call anything."""


def prepare(
    model: LockedModel, expression: pd.DataFrame | ad.AnnData, *, batch: str | None, centre: bool
) -> Prepared:
    """Normalize new samples as the training cohort was; see `LockedModel.predict`."""
    measured = aligned(model, expression)
    batches = (
        None if model.parts["preprocessor"].batch_corrector_ is None else [batch or "new"] * len(measured)
    )
    normal = _normalized(model, measured, batches)
    reference = model.parts["reference"]
    if centre:
        normal = _centred(normal, reference["median"])
    deviation = _deviation(normal, reference)
    return Prepared(normal, measured[normal.columns].isna(), deviation, deviation > reference["limit"])


def predict_samples(
    model: LockedModel, expression: pd.DataFrame | ad.AnnData, *, batch: str | None, centre: bool
) -> pd.DataFrame:
    """Return one row of calls for each sample; see `LockedModel.predict`."""
    return calls_of(model, prepare(model, expression, batch=batch, centre=centre))


def calls_of(model: LockedModel, samples: Prepared) -> pd.DataFrame:
    """Return one row of calls for each prepared sample."""
    columns: dict[str, Any] = {
        "deviation": samples.deviation,
        "genes_missing": samples.gaps.sum(axis=1).to_numpy(),
    }
    for name, task in model.parts["tasks"].items():
        columns |= _KINDS[task["kind"]](name, task, samples.normal, samples.gaps, samples.unlike)
    return pd.DataFrame(columns, index=samples.normal.index)


def aligned(model: LockedModel, expression: pd.DataFrame | ad.AnnData) -> pd.DataFrame:
    """Return samples x the model's genes; genes that are not there are missing."""
    scale = model.manifest["scale"]
    if isinstance(expression, ad.AnnData):
        found = expression.uns.get("precisionmed", {}).get("ingest", {}).get("params", {}).get("scale", scale)
        if str(found) != scale:
            raise InputError(f"the samples are on the scale '{found}', the model was learned on '{scale}'.")
        layer = next(
            (expression.layers[k] for k in ("counts", "measured") if k in expression.layers), expression.X
        )
        values = layer.toarray() if hasattr(layer, "toarray") else np.asarray(layer)
        expression = pd.DataFrame(values, index=expression.obs_names, columns=expression.var_names)
    if expression.columns.has_duplicates:
        twice = expression.columns[expression.columns.duplicated()].unique()
        raise InputError(
            f"genes occur more than once in the new samples: {first_few(twice)}; keep one of each."
        )
    needed = model.genes[model.parts["preprocessor"].kept_]
    shared = needed.intersection(expression.columns)
    if len(shared) < FEWEST_GENES * len(needed):
        raise InputError(
            f"the new samples have only {len(shared)} of the model's {len(needed)} genes (at least "
            f"{FEWEST_GENES:.0%} are needed); missing are {first_few(needed.difference(shared))}. "
            "Are genes in columns and named by symbols?"
        )
    return expression.reindex(columns=model.genes).astype(float)


def _normalized(model: LockedModel, measured: pd.DataFrame, batches: list[str] | None) -> pd.DataFrame:
    preprocessor = model.parts["preprocessor"]
    values = preprocessor.transform(measured, batch=batches)
    return pd.DataFrame(values, index=measured.index, columns=model.genes[preprocessor.kept_])


def _centred(normal: pd.DataFrame, median: np.ndarray) -> pd.DataFrame:
    if len(normal) < FEWEST_TO_CENTRE:
        raise InputError(
            f"centring needs at least {FEWEST_TO_CENTRE} samples of one cohort, there are {len(normal)}; "
            "predict without it."
        )
    warn("genes were centred over the given samples; these calls are of the cohort, not of single samples.")
    return normal - normal.median() + median


def _deviation(normal: pd.DataFrame, reference: dict[str, Any]) -> np.ndarray:
    varies = reference["spread"] > 0
    distance = np.abs(normal.to_numpy() - reference["median"])[:, varies] / reference["spread"][varies]
    return np.median(distance, axis=1)


def _class_columns(
    name: str, task: dict[str, Any], normal: pd.DataFrame, gaps: pd.DataFrame, unlike: np.ndarray
) -> dict[str, Any]:
    """Call a class by its centroid; the classifier itself copes with missing genes."""
    classifier = task["model"]
    values = normal.mask(gaps)
    reasons = np.where(unlike, _UNLIKE, classifier.reasons(values))
    calls = np.where(reasons == "", classifier.predict(values), CANNOT_CALL)
    return {name: calls, f"{name}_confidence": classifier.confidence(values), f"{name}_reason": reasons}


def _receptor_columns(
    name: str, task: dict[str, Any], normal: pd.DataFrame, gaps: pd.DataFrame, unlike: np.ndarray
) -> dict[str, Any]:
    classifier = task["model"]
    probability = classifier.predict_proba(normal)[:, 1]
    reasons = _reasons(classifier.coef_, normal, gaps, unlike)
    low, high = classifier.uncertain
    between = (probability > low) & (probability < high)
    reasons = np.where((reasons == "") & between, f"probability between {low:g} and {high:g}", reasons)
    calls = np.where(reasons == "", classifier.call(normal), CANNOT_CALL)
    return {name: calls, f"{name}_probability": probability, f"{name}_reason": reasons}


def _signature_columns(
    name: str, task: dict[str, Any], normal: pd.DataFrame, gaps: pd.DataFrame, unlike: np.ndarray
) -> dict[str, Any]:
    classifier = task["model"]
    reasons = _reasons(classifier.coef_, normal, gaps, unlike)
    probability = np.where(reasons == "", classifier.predict_proba(normal)[:, 1], np.nan)
    return {f"{name}_probability": probability, f"{name}_reason": reasons}


def _survival_columns(
    name: str, task: dict[str, Any], normal: pd.DataFrame, gaps: pd.DataFrame, unlike: np.ndarray
) -> dict[str, Any]:
    cox = task["model"]
    reasons = _reasons(cox.coef_, normal, gaps, unlike)
    risk = np.where(reasons == "", cox.predict(normal), np.nan)
    survival = np.where(reasons == "", cox.predict_survival(normal, task["horizon"]), np.nan)
    group = np.where(risk > task["threshold"], "high", "low")
    group = np.where(np.any(cox.coef_ != 0), group, "all")  # without a signature there is one group
    return {
        f"{name}_risk": risk,
        f"{name}_risk_group": np.where(reasons == "", group, CANNOT_CALL),
        f"{name}_survival_{task['horizon']:.0f}_{task['unit']}": survival,
        f"{name}_reason": reasons,
    }


_KINDS: dict[str, Callable[..., dict[str, Any]]] = {
    "class": _class_columns,
    "receptor": _receptor_columns,
    "signature": _signature_columns,
    "survival": _survival_columns,
}


def _reasons(
    coefficients: np.ndarray, normal: pd.DataFrame, gaps: pd.DataFrame, unlike: np.ndarray
) -> np.ndarray:
    """Say why a linear score cannot be had: weight on missing genes, or a strange sample."""
    used = np.flatnonzero(coefficients)
    genes, weight = normal.columns[used], np.abs(coefficients[used])
    reasons = np.full(len(normal), "", dtype=object)
    if len(used):
        missing = gaps[genes].to_numpy()
        for row in np.flatnonzero(missing @ weight > LARGEST_GAP * weight.sum()):
            absent = genes[missing[row]]
            reasons[row] = f"{len(absent)} of {len(genes)} signature genes are missing ({first_few(absent)})"
    reasons[unlike] = _UNLIKE
    return reasons
