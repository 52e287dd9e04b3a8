"""What a locked model says of new samples, each computed alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, PrecisionMedWarning, first_few, warn
from precisionmed.estimators.centroids import CANNOT_CALL
from precisionmed.io._evidence import in_words, refusal
from precisionmed.io._new_samples import Measured, NewSamples, Reading, measured_genes

if TYPE_CHECKING:
    from precisionmed.io.model import LockedModel

FEWEST_GENES = 0.5
"""Fraction of the model's genes that a sample must have when its normalization looks at all of them."""
LARGEST_GAP = 0.2
"""Fraction of a signature's weight that may fall on missing genes (replaced by training medians)."""
FEWEST_TO_CENTRE = 20
"""Samples that it takes to centre a cohort."""
_FEWEST_FOR_DEVIATION = 20
"""Measured genes from which a sample's deviation says something."""

_UNLIKE = "unlike the samples the model was learned from"
_UNDEFINED = "the model gives no finite number"


@dataclass(frozen=True)
class Prepared:
    """New samples as the tasks of a model take them; one row a sample."""

    normal: pd.DataFrame
    """Normalized, samples x the model's kept genes; what is not measured has its training median."""
    gaps: pd.DataFrame
    """True where a gene was not measured, and everywhere in a sample that cannot be used."""
    deviation: np.ndarray
    """How unlike the training samples each one is, over its measured genes; NaN where it cannot be used."""
    unlike: np.ndarray
    """True where that is too much to call anything."""
    reasons: np.ndarray
    """Why a sample cannot be used at all; empty where it can."""


def prepare(
    model: LockedModel,
    expression: NewSamples,
    *,
    batch: str | None,
    centre: bool,
    reading: Reading | None = None,
) -> Prepared:
    """Normalize new samples as the training cohort was; see `LockedModel.predict`."""
    measured = measured_by(model, expression, reading or Reading())
    reference = model.parts["reference"]
    normal, reasons = _normalized(model, measured, batch)
    usable = reasons == ""
    if centre:
        normal[usable] = _centred(normal[usable], reference["median"])
    gaps = measured.expression[normal.columns].isna()
    gaps[~usable] = True
    deviation = _deviation(normal.to_numpy(), gaps.to_numpy(), reference)
    unlike = np.nan_to_num(deviation, nan=0.0) > reference["limit"]
    return Prepared(normal, gaps, deviation, unlike, reasons)


def calls_of(model: LockedModel, samples: Prepared) -> pd.DataFrame:
    """Return one row of calls for each prepared sample."""
    columns: dict[str, Any] = {
        "deviation": samples.deviation,
        "genes_missing": samples.gaps.sum(axis=1).to_numpy(),
    }
    for name, task in model.parts["tasks"].items():
        columns |= _KINDS[task["kind"]](name, task, samples)
        if "evidence" in task:
            columns[f"{name}_evidence"] = in_words(task)
    return pd.DataFrame(columns, index=samples.normal.index)


def measured_by(model: LockedModel, expression: NewSamples, reading: Reading) -> Measured:
    """Return samples x the model's genes, missing where they are not measured, and which cannot be used."""
    measured = measured_genes(
        expression, model.genes, model.parts.get("inputs"), model.manifest["scale"], reading
    )
    kept = model.parts["preprocessor"].kept_
    needed = model.genes[kept]
    n = np.sum(~np.isnan(measured.expression.to_numpy()[:, kept]), axis=1)
    fewest = FEWEST_GENES * len(needed) if _looks_at_all_genes(model.parts["preprocessor"]) else 1
    reasons = measured.reasons.copy()
    few = np.flatnonzero((reasons == "") & (n < fewest))
    for row in few:
        reasons[row] = (
            f"only {n[row]} of the model's {len(needed)} genes are measured (normalization needs half)"
        )
    if len(few):
        first = f"{measured.expression.index[few[0]]}: {reasons[few[0]]}"
        warn(
            f"{len(few)} sample(s) have too few genes to be normalized ({first}); are genes named as in "
            "training?"
        )
    return Measured(measured.expression, reasons)


def _looks_at_all_genes(preprocessor: Any) -> bool:
    """Return whether a gene's normalized value depends on the sample's other genes."""
    normalizer = preprocessor.normalizer_
    return normalizer is not None and type(normalizer).__name__ != "Log2"


def _normalized(model: LockedModel, measured: Measured, batch: str | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Normalize sample by sample: a kernel then always sees one row, and a bad one spoils no other.

    Returns the values (training medians where a sample cannot be used) and the reasons, completed.
    """
    preprocessor = model.parts["preprocessor"]
    known = None if preprocessor.batch_corrector_ is None else [batch or "new"]
    values = np.tile(
        np.asarray(model.parts["reference"]["median"], dtype=float), (len(measured.expression), 1)
    )
    reasons = measured.reasons.copy()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PrecisionMedWarning)
        for row in map(int, np.flatnonzero(reasons == "")):
            try:
                values[row] = preprocessor.transform(measured.expression.iloc[[row]], batch=known)[0]
            except InputError as error:
                reasons[row] = f"cannot be normalized: {error}"
    for message in dict.fromkeys(str(w.message) for w in caught if w.category is PrecisionMedWarning):
        warn(message)
        break  # the others differ in the name of the sample only
    genes = model.genes[preprocessor.kept_]
    return pd.DataFrame(values, index=measured.expression.index, columns=genes), reasons


def _centred(normal: pd.DataFrame, median: np.ndarray) -> pd.DataFrame:
    if len(normal) < FEWEST_TO_CENTRE:
        raise InputError(
            f"centring needs at least {FEWEST_TO_CENTRE} samples of one cohort, there are {len(normal)}; "
            "predict without it."
        )
    warn("genes were centred over the given samples; these calls are of the cohort, not of single samples.")
    return normal - normal.median() + median


def _deviation(normal: np.ndarray, gaps: np.ndarray, reference: dict[str, Any]) -> np.ndarray:
    varies = reference["spread"] > 0
    deviation = np.full(len(normal), np.nan)
    for row, (values, missing) in enumerate(zip(normal, gaps, strict=True)):
        used = varies & ~missing
        if used.sum() >= min(_FEWEST_FOR_DEVIATION, varies.sum()) and used.any():
            distance = np.abs(values - reference["median"])[used] / reference["spread"][used]
            deviation[row] = np.median(distance)
    return deviation


def _class_columns(name: str, task: dict[str, Any], samples: Prepared) -> dict[str, Any]:
    """Call a class by its centroid; the classifier itself copes with missing genes."""
    classifier = task["model"]
    values = samples.normal.mask(samples.gaps)
    reasons = _first(samples.reasons, np.where(samples.unlike, _UNLIKE, ""), classifier.reasons(values))
    calls = np.where(reasons == "", classifier.predict(values), CANNOT_CALL)
    return {name: calls, f"{name}_confidence": classifier.confidence(values), f"{name}_reason": reasons}


def _receptor_columns(name: str, task: dict[str, Any], samples: Prepared) -> dict[str, Any]:
    classifier = task["model"]
    missing = _reasons(task, samples)
    probability = np.where(missing == "", classifier.predict_proba(samples.normal)[:, 1], np.nan)
    low, high = classifier.limits
    with np.errstate(invalid="ignore"):
        between = (probability > low) & (probability < high)
    band = np.where(between, f"probability between {low:.3g} and {high:.3g}", "")
    reasons = _first(missing, np.where(samples.unlike, _UNLIKE, ""), band)
    calls = np.where(reasons == "", classifier.call(samples.normal), CANNOT_CALL)
    # Without it, a positive call at a probability of 0.3 could not be understood.
    learned = {f"{name}_threshold": classifier.threshold} if hasattr(classifier, "threshold_") else {}
    return {name: calls, f"{name}_probability": probability, **learned, f"{name}_reason": reasons}


def _signature_columns(name: str, task: dict[str, Any], samples: Prepared) -> dict[str, Any]:
    reasons = _first(_reasons(task, samples), np.where(samples.unlike, _UNLIKE, ""))
    probability = np.where(reasons == "", task["model"].predict_proba(samples.normal)[:, 1], np.nan)
    return {f"{name}_probability": probability, f"{name}_reason": reasons}


def _survival_columns(name: str, task: dict[str, Any], samples: Prepared) -> dict[str, Any]:
    cox, horizon = task["model"], task["horizon"]
    risk = cox.predict(samples.normal)
    reasons = _first(
        _reasons(task, samples),
        np.where(samples.unlike, _UNLIKE, ""),
        np.where(np.isfinite(risk), "", _UNDEFINED),
    )
    group = np.where(risk > task["threshold"], "high", "low")
    survival = cox.predict_survival(samples.normal, horizon)
    return {
        f"{name}_risk": np.where(reasons == "", risk, np.nan),
        f"{name}_risk_group": np.where(reasons == "", group, CANNOT_CALL),
        f"{name}_survival_{horizon:.0f}_{task['unit']}": np.where(reasons == "", survival, np.nan),
        f"{name}_reason": reasons,
    }


_KINDS: dict[str, Callable[..., dict[str, Any]]] = {
    "class": _class_columns,
    "receptor": _receptor_columns,
    "signature": _signature_columns,
    "survival": _survival_columns,
}


def _first(*reasons: np.ndarray) -> np.ndarray:
    """Return the first reason of each sample that is not empty."""
    found = reasons[0].astype(object)
    for more in reasons[1:]:
        found = np.where(found == "", more.astype(object), found)
    return found


def _reasons(task: dict[str, Any], samples: Prepared) -> np.ndarray:
    """Say why a linear score cannot be had: an unusable sample, a task without evidence, missing genes."""
    coefficients = np.asarray(task["model"].coef_)
    used = np.flatnonzero(coefficients)
    genes, weight = samples.normal.columns[used], np.abs(coefficients[used])
    never = refusal(task)
    if never:
        return _first(samples.reasons, np.full(len(samples.reasons), never, dtype=object))
    reasons = samples.reasons.astype(object).copy()
    missing = samples.gaps.to_numpy()[:, used]
    for row in np.flatnonzero(reasons == ""):
        if weight[missing[row]].sum() > LARGEST_GAP * weight.sum():
            absent = genes[missing[row]]
            reasons[row] = f"{len(absent)} of {len(genes)} signature genes are missing ({first_few(absent)})"
    return reasons
