"""A signature as a nomogram: points for each gene, and what their sum means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_CHANCES = (0.01, 0.05, *np.arange(1, 10) / 10, 0.95, 0.99)
"""Probabilities marked on the last axis."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Nomogram:
    """Points that replace a sum of products.

    Attributes
    ----------
    axes : DataFrame
        Marks on the axis of every gene, the strongest first: `gene`, `value`, `points`. The longest axis goes
        from 0 to 100.
    total : DataFrame
        Marks on the axis of the sum: `points`, `probability`.
    """

    axes: pd.DataFrame
    total: pd.DataFrame


def nomogram(
    values: pd.DataFrame,
    coefficient: np.ndarray,
    intercept: float,
    *,
    baseline_survival: float | None = None,
    quantiles: tuple[float, float] = (0.01, 0.99),
) -> Nomogram:
    """Lay out a logistic or Cox model as a nomogram.

    A gene's axis covers what most samples have, and a point is worth the same on all of them; the axis of the
    sum covers the sums of the given samples.

    Parameters
    ----------
    values : DataFrame (n, s)
        The genes of the model, at least one, in its training samples.
    coefficient : (s,) array
        Per unit of a gene, none of them 0.
    intercept : float
        The score is the intercept plus the sum of coefficients times values.
    baseline_survival : float, optional
        Survival of a score of 0 up to the time of interest: the probability is that of an event before. None:
        the score is the log odds.
    quantiles : (float, float)
        Of each gene: its axis reaches from one to the other, rounded outwards.

    References
    ----------
    Harrell, Regression Modeling Strategies, 2nd ed., Section 5.4 (Springer, 2015).
    """
    ends = np.quantile(values.to_numpy(float), quantiles, axis=0)
    marks = [_marks(low, high) for low, high in ends.T]
    start = np.array(
        [mark[0] if effect > 0 else mark[-1] for mark, effect in zip(marks, coefficient, strict=True)]
    )
    span = np.array([mark[-1] - mark[0] for mark in marks]) * np.abs(coefficient)
    worth = 100 / span.max()  # points for one unit of the score
    parts = []
    for g in np.argsort(-span, kind="stable"):
        points = worth * np.abs(coefficient[g] * (marks[g] - start[g]))
        parts.append(
            pd.DataFrame({"gene": str(values.columns[g]), "value": marks[g], "points": np.round(points, 10)})
        )
    origin = intercept + float(start @ coefficient)
    scores = intercept + values.to_numpy(float) @ coefficient
    chances, at = _chances(scores, baseline_survival)
    total = pd.DataFrame({"points": worth * (at - origin), "probability": chances})
    return Nomogram(pd.concat(parts, ignore_index=True), total)


def _marks(low: float, high: float) -> np.ndarray:
    """Return 3 to 8 round numbers that cover an interval."""
    if not high > low:
        low, high = low - 0.5, low + 0.5
    rough = (high - low) / 5
    size = 10 ** np.floor(np.log10(rough))
    step = size * next(s for s in _STEPS if s * size >= rough * (1 - 1e-9))
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return np.round(np.arange(first, last + 1) * step, 12)


def _chances(scores: np.ndarray, baseline_survival: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return round probabilities within reach of the samples, and the scores that have them.

    When fewer than two are within reach, those of the lowest and highest score.
    """
    if baseline_survival is not None and not 0 < baseline_survival < 1:
        return np.zeros(0), np.zeros(0)
    chances = np.array(_CHANCES)
    if baseline_survival is None:
        at = np.log(chances) - np.log1p(-chances)
    else:
        at = np.log(np.log1p(-chances) / np.log(baseline_survival))
    inside = (at >= scores.min()) & (at <= scores.max())
    if inside.sum() >= 2:
        return chances[inside], at[inside]
    at = np.array([scores.min(), scores.max()])
    if baseline_survival is None:
        return 1 / (1 + np.exp(-at)), at
    return 1 - baseline_survival ** np.exp(at), at
