"""What a model file keeps of its training cohort: nothing that was one patient's.

The estimators that the steps store are those of an analysis, with exact event times and effects of
covariates. A file that leaves the house holds averages of several samples, rounded limits and survival on a
grid of round times. That hides values; it is no proof against somebody who knows all patients but one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from precisionmed.config.minima import TO_LOCK
from precisionmed.errors import first_few, warn
from precisionmed.estimators._central import central_mean
from precisionmed.estimators._local_trend import without_largest
from precisionmed.io._declared import UNUSED
from precisionmed.io.patients import n_patients

if TYPE_CHECKING:
    from anndata import AnnData

RULES = 1
"""Raised when a file keeps less than before; files of lower rules may hold more of patients."""
BEFORE_RULES = (
    "what an earlier version kept of its training cohort (event times and medians of single patients, "
    "perhaps a whole sample); lock the run again with this version"
)
FEWEST_EVENTS = 5
"""Event times between two points of the grid of a baseline survival."""
MOST_POINTS = 50
"""Points of that grid."""
_STEPS = 100
"""Round times that a grid is chosen from, at least."""


@dataclass(frozen=True)
class Behind:
    """How many patients stand behind the parts of a model."""

    cohort: int
    gene: NDArray[np.intp]
    """Samples in which each kept gene was measured; of linear values, those in which it was above 0."""
    batch: dict[str, int]

    @classmethod
    def of(cls, adata: AnnData, preprocessor: Any) -> Behind:
        """Count them in the cohort that a model was learned from."""
        values = adata.raw.X[:, preprocessor.kept_]
        values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
        found = {}
        if "batch" in adata.obs:
            labels = adata.obs["batch"].astype(str).to_numpy()
            found = {str(b): n_patients(adata.obs, np.flatnonzero(labels == b)) for b in np.unique(labels)}
        n = n_patients(adata.obs, np.arange(adata.n_obs))
        # A mean share, to which all others add 0, is a sample's.
        shares = any(hasattr(part, "share_") for part in _normalizers(preprocessor))
        return cls(n, np.sum(values > 0 if shares else ~np.isnan(values), axis=0), found)


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


def without_patients(
    preprocessor: Any, tasks: dict[str, Any], stated_horizon: float | None, behind: Behind
) -> list[str]:
    """Take out of fitted estimators what is one patient's; return what is still one's, in words.

    Parameters
    ----------
    preprocessor, tasks
        Decoded for the model file: they are changed.
    stated_horizon
        The horizon of survival, where the user gave one; else it is a patient's time and is rounded.
    behind
        How many patients there are.
    """
    for task in tasks.values():
        model = task["model"]
        _without_unused(model)
        if task["kind"] == "survival":
            task["horizon"] = _digits(task["horizon"]) if stated_horizon is None else stated_horizon
            grid = on_grid(model.baseline_time_, model.baseline_survival_, task["horizon"])
            model.baseline_time_, model.baseline_survival_ = grid
            model.baseline_stratum_ = np.zeros(len(grid[0]), dtype=np.int64)
            model.interpolated_ = True
    for normalizer in _normalizers(preprocessor):
        _without_unused(normalizer)
        if getattr(normalizer, "curve_", None) is not None:
            normalizer.curve_ = without_largest(normalizer.curve_)
    if preprocessor.batch_corrector_ is not None:
        _without_covariates(preprocessor.batch_corrector_)
        _without_small_batches(preprocessor.batch_corrector_, behind.batch)
    return _disclosed(preprocessor, behind)


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
        Times, at most 53, and survival there. Between two of them the cumulative hazard is to rise evenly.
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
    if hasattr(model, "coef_"):  # the deviation of a gene that one patient expresses is that patient's
        model.scale_ = np.where(model.coef_ != 0, model.scale_, 0.0)


def _normalizers(preprocessor: Any) -> list[Any]:
    normalizer = preprocessor.normalizer_
    return [part for part in (normalizer, getattr(normalizer, "first_", None)) if part is not None]


def _without_covariates(corrector: Any) -> None:
    """Put the mean effect of the covariates into the level of the genes; predictions never have covariates.

    The effect of a level that one patient has is that patient's profile, and its name may be telling.
    """
    level = "grand_mean_" if hasattr(corrector, "grand_mean_") else "log_rate_"
    setattr(corrector, level, getattr(corrector, level) + corrector.covariate_effect_)
    corrector.covariate_effect_ = np.zeros_like(corrector.covariate_effect_)
    corrector.coefficients_ = corrector.coefficients_[:0]
    corrector.covariates_ = []
    if hasattr(corrector, "column_means_"):
        corrector.column_means_ = corrector.column_means_[:0]


def _small_batches(corrector: Any, patients: dict[str, int]) -> NDArray[np.bool_]:
    sizes = zip(corrector.batches_.astype(str), corrector.batch_sizes_, strict=True)
    return np.array([min(patients.get(name, size), size) < TO_LOCK for name, size in sizes])


def _without_small_batches(corrector: Any, patients: dict[str, int]) -> None:
    """Forget the corrections of batches of few patients, unless nothing else or the reference is left."""
    small = _small_batches(corrector, patients)
    reference = getattr(corrector, "reference", None)
    if reference is not None:
        small &= corrector.batches_.astype(str) != str(reference)
    if not small.any() or small.all():
        return
    warn(
        f"batch {first_few(corrector.batches_[small])} has fewer than {TO_LOCK} patients: its correction "
        "would show them and is not locked; new samples of it are not batch corrected."
    )
    for name in ("batches_", "batch_sizes_", "gamma_", "delta_", "log_rate_", "phi_"):
        if hasattr(corrector, name):
            setattr(corrector, name, getattr(corrector, name)[~small])


def _disclosed(preprocessor: Any, behind: Behind) -> list[str]:
    """Say what of single patients a model still holds."""
    found = []
    for normalizer in _normalizers(preprocessor):
        if getattr(normalizer, "reference", None) == "sample" and hasattr(normalizer, "reference_size_"):
            found.append(
                "all counts of the training sample that is the reference (normalize.reference: sample; "
                "profile avoids that)"
            )
    if behind.cohort < TO_LOCK:
        found.append(f"averages of no more than {behind.cohort} patients")
    few = int(np.sum(behind.gene < TO_LOCK))
    if few and behind.cohort >= TO_LOCK:
        found.append(
            f"values of {few} gene(s) that were found in fewer than {TO_LOCK} samples (cohort.max_missing "
            "and normalize.min_fraction leave such genes out)"
        )
    corrector = preprocessor.batch_corrector_
    small = [] if corrector is None else corrector.batches_[_small_batches(corrector, behind.batch)]
    if len(small):
        found.append(f"the profile of batch {first_few(small)}, of fewer than {TO_LOCK} patients")
    return found
