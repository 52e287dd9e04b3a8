"""How many false genes stability selection lets through at most: bounds, and what keeps them.

A gene is unlikely to be selected when its chance in one half is no more than `q / p`, the average over
all genes. The bounds limit the expected number of such genes that reach the threshold (the per-family
error rate, PFER); they never assume a model for the outcome.

References
----------
Meinshausen and Bühlmann, J R Stat Soc B 72:417 (2010), Theorem 1: exchangeable false genes.
Shah and Samworth, J R Stat Soc B 75:55 (2013), Theorem 2 (unimodal) and Equation 8 (r-concave).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from precisionmed.errors import InputError

BOUNDS = ("unimodal", "r-concave", "meinshausen-buehlmann")
_SLACK = 1e-12  # a rate that equals the wanted one but for rounding keeps it


def error_rate(bound: str, p: int, q: int, threshold: float, n_pairs: int) -> float:
    """Return the bound of the expected number of false genes; infinite where the theorem does not hold.

    Parameters
    ----------
    bound : {"unimodal", "r-concave", "meinshausen-buehlmann"}
    p : int
        Genes to choose from.
    q : int
        Genes chosen in each half.
    threshold : float
        Smallest frequency that selects, above 0.5; it counts as the next multiple of 1 / (2 n_pairs).
    n_pairs : int
        Complementary pairs of halves.
    """
    reached = _halves(threshold, n_pairs)
    threshold, share = reached / (2 * n_pairs), q / p
    if bound == "meinshausen-buehlmann":
        return q * share / (2 * threshold - 1) if threshold > 0.5 else np.inf
    if bound == "unimodal":
        return q * share * _unimodal(share, threshold, n_pairs)
    if bound == "r-concave":
        both = largest_tail(share**2 * n_pairs, reached - n_pairs, n_pairs, -1 / 2)
        either = largest_tail(share * 2 * n_pairs, reached, 2 * n_pairs, -1 / 4)
        return p * min(both, either)
    raise InputError(f"bound must be one of {', '.join(BOUNDS)}; found {bound!r}.")


def complete(
    bound: str, p: int, n_pairs: int, q: int | None, threshold: float | None, pfer: float | None
) -> tuple[int, float, float]:
    """Solve the third of `q`, `threshold` and `pfer` from the other two.

    Returns
    -------
    q, threshold, pfer
        The most genes a half, or the lowest threshold, that keep the wanted rate; and the rate kept.

    Raises
    ------
    InputError
        Not two of the three are given, one is out of range, or nothing keeps the rate.
    """
    if n_pairs < 2 or [q, threshold, pfer].count(None) != 1:
        raise InputError("give two of q, threshold and pfer (the third is None), and 2 or more n_pairs.")
    if threshold is not None and not 0.5 < threshold <= 1:
        raise InputError(f"threshold must be above 0.5 and at most 1, found {threshold}.")
    if q is not None and not (1 <= q <= p and q == int(q)):
        raise InputError(f"q must be a whole number from 1 to the number of penalized genes, {p}; found {q}.")
    if pfer is not None and not pfer > 0:
        raise InputError(f"pfer must be above 0, found {pfer}.")

    wanted = np.inf if pfer is None else pfer
    halves = n_pairs if threshold is None else _halves(threshold, n_pairs)

    def exceeds(q: int, halves: int) -> bool:
        return error_rate(bound, p, q, halves / (2 * n_pairs), n_pairs) > wanted * (1 + _SLACK)

    if q is None:
        q = bisect_left(range(1, p + 1), True, key=lambda genes: exceeds(genes, halves))
        if q == 0:
            raise InputError(f"no q keeps pfer={pfer} at threshold={threshold}; raise one of the two.")
    elif threshold is None:
        halves = n_pairs + 1 + bisect_right(
            range(n_pairs + 1, 2 * n_pairs + 1), False, key=lambda halves: not exceeds(q, halves)
        )  # fmt: skip
        if halves > 2 * n_pairs:
            raise InputError(f"no threshold keeps pfer={pfer} with q={q}; lower q or raise pfer.")
    rate = error_rate(bound, p, int(q), halves / (2 * n_pairs), n_pairs)
    if not np.isfinite(rate):
        raise InputError(f"no {bound} bound holds for q={q} of {p} genes at threshold={threshold}; lower q.")
    return int(q), halves / (2 * n_pairs), float(min(rate, wanted))


def largest_tail(mean: float, at: int, size: int, r: float) -> float:
    """Return the largest P(N >= at) of an r-concave N on 0, ..., size with the given mean.

    It is reached by a mass function whose r-th power is linear up to some k, with what is left at k + 1
    (Shah and Samworth 2013, Appendix A.4): mass proportional to (shift + i)^(1/r).
    """
    first = int(np.ceil(2 * mean)) + 1  # with fewer values even the uniform distribution has a smaller mean
    if at < first or first >= size:
        return 1.0
    i = np.arange(size + 1)

    def mean_excess(log_shift: float, k: int) -> float:
        mass = (np.exp(log_shift) + i[: k + 1]) ** (1 / r)
        return float(i[: k + 1] @ mass / mass.sum() - mean)

    def tail(log_shift: float, k: int) -> float:
        mass = (np.exp(log_shift) + i[: k + 1]) ** (1 / r)
        mass *= (k + 1 - mean) / ((k + 1 - i[: k + 1]) @ mass)
        rest = (mean - i[: k + 1] @ mass) / (k + 1)
        return float(mass[at:].sum() + (rest if k + 1 >= at else 0.0))

    shifts = {k: brentq(mean_excess, -30.0, 15.0, args=(k,), xtol=1e-14) for k in range(first, size + 1)}
    best = 0.0
    for k in range(first, size):
        found = minimize_scalar(
            lambda s, k=k: -tail(s, k), bounds=(shifts[k + 1], shifts[k]), method="bounded",
            options={"xatol": 1e-7},
        )  # fmt: skip
        best = max(best, -found.fun, tail(shifts[k], k), tail(shifts[k + 1], k))
    return min(best, 1.0)


def _unimodal(share: float, threshold: float, n_pairs: int) -> float:
    lowest = min(0.5 + share**2, 0.5 + 0.5 / n_pairs + 0.75 * share**2)
    if threshold <= max(lowest, 0.5 + 0.5 / n_pairs) or share > 1 / np.sqrt(3):
        return np.inf
    if threshold <= 0.75:
        return 1 / (2 * (2 * threshold - 1 - 0.5 / n_pairs))
    return 4 * (1 - threshold + 0.5 / n_pairs) / (1 + 1 / n_pairs)


def _halves(threshold: float, n_pairs: int) -> int:
    """Return how many of the halves have to choose a gene."""
    return int(np.ceil(threshold * 2 * n_pairs - 1e-9))
