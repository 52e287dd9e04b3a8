"""Harrell's concordance in O(n log n), with weights and strata."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _add(tree: np.ndarray, position: int, value: float) -> None:
    """Add `value` at a 1-based position of a Fenwick tree."""
    while position < tree.size:
        tree[position] += value
        position += position & -position


@njit(cache=True)
def _sum_to(tree: np.ndarray, position: int) -> float:
    """Return the sum of the 1-based positions 1 to `position`."""
    total = 0.0
    while position > 0:
        total += tree[position]
        position -= position & -position
    return total


@njit(cache=True)
def concordance_counts(
    time: np.ndarray,
    event: np.ndarray,
    rank: np.ndarray,
    weight: np.ndarray,
    start: np.ndarray,
    entry: np.ndarray,
    late: np.ndarray,
) -> tuple[float, float, float]:
    """Count weighted concordant, discordant and risk-tied pairs inside strata.

    A pair is comparable when the one with the shorter time had the event; at equal times an event
    comes before a censoring, and two events at the same time are not comparable. With times of entry, the
    other one must have entered before the event.

    Parameters
    ----------
    time, event, weight : (n,) arrays
        Sorted by stratum and, inside a stratum, by decreasing time, then censored before events.
    rank : (n,) int array
        Dense rank of the risk from 1, among all samples.
    start : (s + 1,) int array
        Where each stratum begins; the last entry is n.
    entry : (n,) or (0,) array
        When each sample came under observation, before its time; empty when all were there from the start.
    late : (n,) or (0,) int array
        Samples sorted by stratum and, inside a stratum, by decreasing entry.

    Returns
    -------
    concordant, discordant, tied : float
        Sums of the products of the pairs' weights. Concordant: the higher risk fails first.
    """
    concordant, discordant, tied = 0.0, 0.0, 0.0
    tree = np.zeros(rank.max() + 1)
    for s in range(start.size - 1):
        tree[:] = 0.0
        total = 0.0
        first, waiting = start[s], start[s]
        while first < start[s + 1]:
            last = first + 1
            # all events of one time look at those who outlived it before any of them is added
            while event[first] and last < start[s + 1] and event[last] and time[last] == time[first]:
                last += 1
            if event[first]:
                while waiting < start[s + 1] and entry.size and entry[late[waiting]] >= time[first]:
                    _add(tree, rank[late[waiting]], -weight[late[waiting]])
                    total -= weight[late[waiting]]
                    waiting += 1
                for i in range(first, last):
                    below = _sum_to(tree, rank[i] - 1)
                    upto = _sum_to(tree, rank[i])
                    concordant += weight[i] * below
                    tied += weight[i] * (upto - below)
                    discordant += weight[i] * (total - upto)
            for i in range(first, last):
                _add(tree, rank[i], weight[i])
                total += weight[i]
            first = last
    return concordant, discordant, tied
