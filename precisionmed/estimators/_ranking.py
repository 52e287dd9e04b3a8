"""Pairs of a case and a control, and of a shorter and a longer survival: what AUC and C-index count."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.errors import InputError
from precisionmed.kernels.concordance import concordance_counts


def binary(truth: ArrayLike) -> np.ndarray:
    """Return an outcome of 0 and 1 as bool."""
    truth = np.asarray(truth)
    if not np.isin(truth, (0, 1)).all():
        raise InputError(f"truth has values other than 0 and 1: {np.unique(truth)[:5]}; recode it first.")
    return truth.astype(bool)


def strata_pairs(
    truth: np.ndarray, score: np.ndarray, strata: ArrayLike | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of cases and of controls of each stratum that has both."""
    if not np.isfinite(score).all():
        raise InputError("score has missing or infinite values; leave those samples out first.")
    codes = np.zeros(truth.size, int) if strata is None else np.unique(strata, return_inverse=True)[1]
    found = False
    for code in range(int(codes.max(initial=0)) + 1):
        cases, controls = (np.flatnonzero((codes == code) & t) for t in (truth, ~truth))
        if cases.size and controls.size:
            found = True
            yield cases, controls
    if not found:
        raise InputError("AUC needs cases and controls; this outcome has only one of them.")


def placement(score: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the fraction of `others` below each score, ties counted half."""
    others = np.sort(others)
    below, upto = (np.searchsorted(others, score, side=side) for side in ("left", "right"))
    return (below + upto) / (2 * others.size)


def placements(
    truth: np.ndarray, score: np.ndarray, strata: ArrayLike | None, subject: ArrayLike | None
) -> tuple[pd.Series, pd.Series]:
    """Return what DeLong's variance is made of, for cases and for controls, indexed by subject.

    The placement of a case is the fraction of the controls of its stratum that score below it; that of a
    control the fraction of cases above it. Rows of the same subject are averaged.
    """
    subject = np.arange(truth.size) if subject is None else np.asarray(subject)
    placed = np.full(truth.size, np.nan)
    for cases, controls in strata_pairs(truth, score, strata):
        placed[cases] = placement(score[cases], score[controls])
        placed[controls] = 1 - placement(score[controls], score[cases])
    by_subject = pd.Series(placed).groupby([truth, subject]).mean().dropna()
    return by_subject[True], by_subject[False]


def sorted_for_concordance(
    time: ArrayLike, event: ArrayLike, risk: ArrayLike, strata: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return time, event, rank of the risk and starts of the strata, as the kernel wants them; the order."""
    time, event, risk = np.asarray(time, float), binary(event), np.asarray(risk, float)
    if not (np.isfinite(time).all() and np.isfinite(risk).all()):
        raise InputError("time or risk has missing or infinite values; leave those samples out first.")
    codes = np.zeros(time.size, int) if strata is None else np.unique(strata, return_inverse=True)[1]
    order = np.lexsort((event, -time, codes))
    rank = np.unique(risk, return_inverse=True)[1] + 1
    start = np.searchsorted(codes[order], np.arange(codes.max() + 2))
    return time[order], event[order], rank[order], start, order


def c_index(
    time: np.ndarray, event: np.ndarray, rank: np.ndarray, weight: np.ndarray, start: np.ndarray
) -> float:
    """Return the weighted C-index of sorted samples; NaN when no pair is comparable."""
    concordant, discordant, tied = concordance_counts(time, event, rank, weight, start)
    comparable = concordant + discordant + tied
    return float((concordant + tied / 2) / comparable) if comparable > 0 else np.nan


def bootstrap(
    statistic: Callable[[np.ndarray], float],
    order: np.ndarray,
    subject: ArrayLike | None,
    n_boot: int,
    random_state: int | np.random.Generator | None,
) -> np.ndarray:
    """Return the finite values of a statistic of row weights when subjects are drawn with replacement.

    Parameters
    ----------
    statistic : callable
        Takes how often each row was drawn, (n,), rows as `sorted_for_concordance` orders them.
    order : (n,) int array
        That order.
    subject : (n,) array or None
        Rows of the same subject are drawn together.
    n_boot : int
    random_state : int, Generator or None
    """
    owner = np.arange(order.size) if subject is None else np.unique(subject, return_inverse=True)[1]
    owner, n_subjects = owner[order], int(owner.max()) + 1
    rng = np.random.default_rng(random_state)
    drawn = np.empty(n_boot)
    for b in range(n_boot):
        times_drawn = np.bincount(rng.integers(n_subjects, size=n_subjects), minlength=n_subjects)
        drawn[b] = statistic(times_drawn[owner].astype(float))
    return drawn[np.isfinite(drawn)]
