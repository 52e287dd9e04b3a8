"""Where a probability becomes a call: a threshold for a stated aim, and the band around it without calls."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from precisionmed.errors import InputError

BALANCED = "balanced"
_STEP = 0.05
"""Thresholds for an aim are multiples of this many log odds."""
_AIM = re.compile(r"(sensitivity|specificity):(0?\.\d+)")


def parse_aim(aim: str) -> tuple[str, float]:
    """Return what an aim asks for: `balanced` and NaN, or `sensitivity` or `specificity` and how much.

    Raises
    ------
    InputError
        The aim is neither, or its fraction is 0.
    """
    if aim == BALANCED:
        return BALANCED, np.nan
    found = _AIM.fullmatch(aim) if isinstance(aim, str) else None
    if found is None or float(found[2]) == 0:
        raise InputError(
            f"aim must be 'balanced', 'sensitivity:0.9' or 'specificity:0.9' (a fraction between 0 and 1), "
            f"found {aim!r}."
        )
    return found[1], float(found[2])


def operating_point(score: ArrayLike, y: ArrayLike, aim: str) -> float:
    """Return the probability at which a call turns positive.

    Parameters
    ----------
    score : (n,) array
        Calibrated log odds of samples by models that had not seen them.
    y : (n,) array of 0 and 1
    aim : str
        `balanced`: the share of positives, at which a calibrated probability has the largest expected sum of
        sensitivity and specificity (Youden's index; a sample on it adds as much to the one as it takes from
        the other). It is as smoothed as the targets of the calibration. In simulations of 80 and 150 patients
        it had the larger balanced accuracy in new patients than the empirical maximum of Youden's index.
        `sensitivity:x` and `specificity:x`: midway between the two neighbouring scores of the class, where
        that fraction of it is reached, moved to the next multiple of 0.05 log odds where it still is:
        nobody's own score.
    """
    what, least = parse_aim(aim)
    score, y = np.asarray(score, dtype=float), np.asarray(y)
    n1, n0 = int((y == 1).sum()), int((y == 0).sum())
    if what == BALANCED:
        return float((n1 * (n1 + 1) / (n1 + 2) + n0 / (n0 + 2)) / (n1 + n0))
    own = np.sort(score[y == 1] if what == "sensitivity" else -score[y == 0])[::-1]
    needed = max(int(np.ceil(least * own.size - 1e-9)), 1)
    cut = own[-1] if needed == own.size else (own[needed - 1] + own[needed]) / 2
    cut = np.floor(cut / _STEP) * _STEP
    return float(expit(cut if what == "sensitivity" else -cut))


def band(threshold: ArrayLike, uncertain: tuple[float, float]) -> tuple[NDArray[np.float64], ...]:
    """Return the probabilities between which nothing is called, around each threshold.

    `uncertain` is the band around a threshold of one half; around another one it is as wide in log odds.
    """
    threshold = np.asarray(threshold, dtype=float)
    with np.errstate(divide="ignore"):
        moved = [expit(logit(threshold) + logit(limit)) for limit in uncertain]
    return tuple(np.where(threshold == 0.5, limit, at) for limit, at in zip(uncertain, moved, strict=True))
