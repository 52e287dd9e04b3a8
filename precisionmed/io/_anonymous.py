"""What a model file keeps of its training cohort: nothing that was one patient's.

The estimators that the steps store are those of an analysis, with exact event times and medians. A file that
leaves the house holds averages of many samples, rounded medians and survival on a grid of round times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from precisionmed.errors import first_few, warn
from precisionmed.estimators._central import central_mean
from precisionmed.io._declared import UNUSED

FEWEST_EVENTS = 5
"""Event times between two points of the grid of a baseline survival."""
MOST_POINTS = 50
"""Points of that grid."""
FEWEST_IN_BATCH = 3
"""Samples of a batch whose correction is kept; that of one sample is the sample."""
_STEPS = 100
"""Round times that a grid is chosen from, at least."""
_DECIMALS = 2
"""Decimals of gene medians, which on the log2 scale are one sample's values otherwise."""


def reference_sample(values: NDArray[np.float64]) -> dict[str, Any]:
    """Describe a usual training sample, from normalized values (samples x genes).

    Returns
    -------
    dict
        `median` and `spread` of each gene (means of the middle fifth of the values, and of their absolute
        distances from it x 1.4826) and `limit`: 1.5 times the largest deviation in training, two digits. The
        deviation of a sample is the median over genes of its distance from `median` in units of `spread`.
    """
    median = central_mean(values)
    spread = 1.4826 * central_mean(np.abs(values - median))
    varies = spread > 0
    limit = 0.0
    if varies.any():
        deviation = np.nanmedian(np.abs(values - median)[:, varies] / spread[varies], axis=1)
        limit = _digits(1.5 * float(deviation.max()))
    return {"median": median, "spread": spread, "limit": limit}


def without_patients(preprocessor: Any, tasks: dict[str, Any], stated_horizon: float | None) -> list[str]:
    """Take out of fitted estimators what is one patient's; return what is still one's, in words.

    Parameters
    ----------
    preprocessor, tasks
        Decoded for the model file: they are changed.
    stated_horizon
        The horizon of survival, where the user gave one; else it is a patient's time and is rounded.
    """
    for task in tasks.values():
        model = task["model"]
        _without_unused(model)
        inner = getattr(model, "model_", model)
        if hasattr(inner, "centre_"):
            inner.centre_ = np.round(inner.centre_, _DECIMALS)
        if task["kind"] == "survival":
            task["horizon"] = _digits(task["horizon"]) if stated_horizon is None else stated_horizon
            grid = on_grid(model.baseline_time_, model.baseline_survival_, task["horizon"])
            model.baseline_time_, model.baseline_survival_ = grid
            model.baseline_stratum_ = np.zeros(len(grid[0]), dtype=np.int64)
    if preprocessor.batch_corrector_ is not None:
        _without_small_batches(preprocessor.batch_corrector_)
    return _disclosed(preprocessor)


def on_grid(
    time: NDArray[np.float64], survival: NDArray[np.float64], horizon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a survival curve at round times, between which several events lie.

    Parameters
    ----------
    time, survival : (t,) arrays
        Event times, rising, and survival from each of them on.
    horizon
        A time of the grid, so that survival there stays exact.

    Returns
    -------
    (g,) arrays
        Times, at most 51, and survival there. Between two of them the curve is as much too high as it falls
        from one to the next.
    """
    if not len(time):
        return time, survival
    step = _round_step(float(max(time[-1], horizon)) / _STEPS)
    needed = max(FEWEST_EVENTS, -(-len(time) // MOST_POINTS))
    candidates = np.arange(1.0, np.ceil(time[-1] / step) + 1) * np.float64(step)
    points: list[float] = []
    for low, high in ((0.0, horizon), (horizon, np.inf)):
        part = _points(time[(time > low) & (time <= high)], candidates, needed)
        points += [p for p in part if low < p < high]
        if np.isfinite(high):
            points.append(high)
    grid = np.array(points)
    if grid[-1] < time[-1]:  # what rounding left over
        grid = np.append(grid, np.ceil(time[-1] / step) * step)
    return grid, np.append(1.0, survival)[np.searchsorted(time, grid, side="right")]


def _points(time: np.ndarray, candidates: np.ndarray, needed: int) -> list[float]:
    """Return candidates with `needed` event times at least before the first and between any two of them."""
    found: list[float] = []
    done = 0
    before = np.searchsorted(time, candidates, side="right")
    for candidate, n in zip(candidates, before, strict=True):
        if n - done >= needed and len(time) - n >= needed:
            found.append(float(candidate))
            done = n
    return found


def _round_step(width: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at most `width`."""
    power = 10.0 ** np.floor(np.log10(width))
    return float(max(k * power for k in (1, 2, 5) if k * power <= width * (1 + 1e-9)))


def _digits(value: float) -> float:
    return float(f"{value:.2g}")


def _without_unused(model: Any) -> None:
    for name in UNUSED:
        if name in vars(model):
            delattr(model, name)


def _without_small_batches(corrector: Any) -> None:
    """Forget batches of one or two samples, and replace medians of covariates by means or rounded ones."""
    small = corrector.batch_sizes_ < FEWEST_IN_BATCH
    reference = getattr(corrector, "reference", None)
    if reference is not None:
        small &= corrector.batches_.astype(str) != str(reference)
    if small.any() and not small.all():
        warn(
            f"batch {first_few(corrector.batches_[small])} has fewer than {FEWEST_IN_BATCH} samples: its "
            "correction would show them and is not locked; new samples of it are not batch corrected."
        )
        for name in ("batches_", "batch_sizes_", "gamma_", "delta_", "log_rate_", "phi_"):
            if hasattr(corrector, name):
                setattr(corrector, name, getattr(corrector, name)[~small])
    for covariate in corrector.covariates_:
        if covariate["median"] is not None:
            covariate["median"] = _digits(covariate["median"])


def _disclosed(preprocessor: Any) -> list[str]:
    """Say what of one patient a model still holds."""
    normalizer = preprocessor.normalizer_
    inner = getattr(normalizer, "first_", None) or normalizer
    if getattr(inner, "reference", None) == "sample" and hasattr(inner, "reference_size_"):
        return ["all counts of the training sample that is the reference (normalize.reference: sample)"]
    return []
