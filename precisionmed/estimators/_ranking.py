"""Pairs of a case and a control, and of a shorter and a longer survival: what AUC and C-index count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.errors import InputError
from precisionmed.estimators._outcome import FollowUp
from precisionmed.estimators._vectors import checked_count, group_codes, numbers, zero_one
from precisionmed.kernels.concordance import concordance_counts


def binary(truth: ArrayLike) -> np.ndarray:
    """Return an outcome of 0 and 1 as bool."""
    return zero_one(truth, "truth")


def strata_pairs(
    truth: np.ndarray, score: np.ndarray, strata: ArrayLike | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of cases and of controls of each stratum that has both."""
    codes = np.zeros(truth.size, int) if strata is None else group_codes(strata, "strata", truth.size)[1]
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
    subject = np.arange(truth.size) if subject is None else group_codes(subject, "subject", truth.size)[1]
    placed = np.full(truth.size, np.nan)
    for cases, controls in strata_pairs(truth, score, strata):
        placed[cases] = placement(score[cases], score[controls])
        placed[controls] = 1 - placement(score[controls], score[cases])
    by_subject = pd.Series(placed).groupby([truth, subject]).mean().dropna()
    return by_subject[True], by_subject[False]


class Followed(NamedTuple):
    """Samples sorted as `concordance_counts` wants them."""

    time: np.ndarray
    event: np.ndarray
    rank: np.ndarray
    start: np.ndarray
    entry: np.ndarray
    late: np.ndarray
    order: np.ndarray
    """Where each of them stood before."""


def sorted_for_concordance(outcome: FollowUp, risk: ArrayLike, strata: ArrayLike | None) -> Followed:
    """Sort samples and rank their risks."""
    time, event = outcome.time, outcome.event
    values = numbers(risk, "risk", time.size)
    codes = np.zeros(time.size, int) if strata is None else group_codes(strata, "strata", time.size)[1]
    order = np.lexsort((event, -time, codes))
    rank = np.unique(values, return_inverse=True)[1] + 1
    start = np.searchsorted(codes[order], np.arange(codes.max() + 2))
    entry, late = np.empty(0), np.empty(0, int)
    if outcome.entry is not None:
        entry = outcome.entry[order]
        late = np.lexsort((-entry, codes[order]))
    return Followed(time[order], event[order], rank[order], start, entry, late, order)


def c_index(followed: Followed, weight: np.ndarray | None = None) -> float:
    """Return the C-index of sorted samples, weighted in their order; NaN when no pair is comparable."""
    if weight is None:
        weight = np.ones(followed.order.size)
    concordant, discordant, tied = concordance_counts(
        followed.time,
        followed.event,
        followed.rank,
        weight,
        followed.start,
        followed.entry,
        followed.late,
    )
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
    checked_count(n_boot, "n_boot")
    owner = np.arange(order.size) if subject is None else group_codes(subject, "subject", order.size)[1]
    owner, n_subjects = owner[order], int(owner.max()) + 1
    rng = np.random.default_rng(random_state)
    drawn = np.empty(n_boot)
    for b in range(n_boot):
        times_drawn = np.bincount(rng.integers(n_subjects, size=n_subjects), minlength=n_subjects)
        drawn[b] = statistic(times_drawn[owner].astype(float))
    return drawn[np.isfinite(drawn)]
