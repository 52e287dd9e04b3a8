"""Partial likelihood of the Cox model with its derivatives, and the cumulative baseline hazard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precisionmed.estimators._outcome import FollowUp

_MAX_STEPS = 60
_MAX_LOG_RISK_RANGE = 500.0


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk at each event: samples sorted by time, one entry an event.

    Tied events are taken one after another; by Efron's method the l-th of d tied events (l = 0 ... d - 1)
    has a risk set from which the share l / d of the tied events has left.
    """

    order: np.ndarray
    """Samples by increasing time, without those who are in no risk set: nobody has an event while they are
    under observation."""
    events: np.ndarray
    """Positions (after sorting) of the events."""
    first: np.ndarray
    """For each event, the first position with its time: who has entered, from there on, is at risk."""
    late: np.ndarray
    """Positions by decreasing time of entry; empty when everybody is there from the start."""
    n_late: np.ndarray
    """For each event, how many of `late` have not entered by then."""
    tie: np.ndarray
    """For each event, the number of its block of tied events."""
    share: np.ndarray
    """For each event, the share of its tied events that has left the risk set."""
    time: np.ndarray
    """Time of each event."""

    @classmethod
    def of(cls, outcome: FollowUp, ties: str) -> RiskSets:
        """Sort the samples and number the tied events."""
        order = np.argsort(outcome.time, kind="stable")
        order = order[at_risk_at_an_event(outcome)[order]]
        sorted_time = outcome.time[order]
        events = np.flatnonzero(outcome.event[order])
        event_time = sorted_time[events]
        _, start, tie, size = np.unique(
            event_time, return_index=True, return_inverse=True, return_counts=True
        )
        rank = np.arange(events.size) - start[tie]
        share = rank / size[tie] if ties == "efron" else np.zeros(events.size)
        first = np.searchsorted(sorted_time, event_time, side="left")
        late, n_late = np.empty(0, int), np.zeros(events.size, int)
        if outcome.entry is not None:
            entry = outcome.entry[order]
            late = np.argsort(-entry, kind="stable")
            n_late = np.searchsorted(-entry[late], -event_time, side="right")
        return cls(order, events, first, late, n_late, tie, share, event_time)

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sum `values` (one row a sample, sorted) over the risk set of each event."""
        at_risk = values[::-1].cumsum(axis=0)[::-1][self.first]
        if self.late.size:
            absent = np.zeros((self.late.size + 1, *values.shape[1:]))
            np.cumsum(values[self.late], axis=0, out=absent[1:])
            at_risk = at_risk - absent[self.n_late]
        tied = np.zeros((int(self.tie[-1]) + 1, *values.shape[1:]))
        np.add.at(tied, self.tie, values[self.events])
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return at_risk - share * tied[self.tie]


def at_risk_at_an_event(outcome: FollowUp) -> np.ndarray:
    """Return which samples, (n,), are under observation when anybody has an event."""
    times = np.unique(outcome.time[outcome.event])
    seen = np.searchsorted(times, outcome.time, side="right")
    return seen > (0 if outcome.entry is None else np.searchsorted(times, outcome.entry, side="right"))


@dataclass(frozen=True)
class EventMoments:
    """What each event contributes: the weighted mean and covariance of the covariates at risk."""

    loglik: float
    residual: np.ndarray
    """Covariates of the event minus their mean at risk (n_events, p): its sum is the score."""
    covariance: np.ndarray
    """Covariance at risk (n_events, p, p): its sum is the information."""


def event_moments(X: np.ndarray, beta: np.ndarray, sets: RiskSets) -> EventMoments:
    """Return log partial likelihood, Schoenfeld residuals and covariances at `beta`.

    Parameters
    ----------
    X : array (n_samples, p)
        Centred covariates in the order of the samples.
    beta : array (p,)
        Coefficients.
    sets : RiskSets
        Risk sets of the same samples.

    References
    ----------
    Efron, J Am Stat Assoc 72:557 (1977); Therneau and Grambsch, Modeling Survival Data (2000), chapter 3.
    """
    X = X[sets.order]
    eta = X @ beta
    shift = eta.max()
    weight = np.exp(eta - shift)
    total = sets.totals(weight)
    mean = sets.totals(weight[:, None] * X) / total[:, None]
    square = sets.totals((weight[:, None] * X)[:, :, None] * X[:, None, :]) / total[:, None, None]
    loglik = float((eta[sets.events] - shift).sum() - np.log(total).sum())
    return EventMoments(loglik, X[sets.events] - mean, square - mean[:, :, None] * mean[:, None, :])


@dataclass(frozen=True)
class Maximum:
    """Where the partial likelihood is largest."""

    beta: np.ndarray
    information: np.ndarray
    loglik: float
    null_loglik: float
    runaway: np.ndarray
    """Coefficients without finite estimate: still growing when the likelihood stood still."""


def maximize(X: np.ndarray, sets: RiskSets) -> Maximum:
    """Maximize the partial likelihood of standardized, linearly independent covariates by Newton's method."""
    beta, step = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    # How much a step changes the log risk: a rare level has a small spread but a wide range.
    reach = np.ptp(X[sets.order], axis=0)
    moments = event_moments(X, beta, sets)
    null = moments.loglik
    for _ in range(_MAX_STEPS if beta.size else 0):
        information = moments.covariance.sum(axis=0)
        step = np.linalg.lstsq(information, moments.residual.sum(axis=0), rcond=None)[0]
        if np.abs(step).max() <= 1e-10 * max(1.0, np.abs(beta).max()):
            break
        previous = moments.loglik
        beta, moments = _ascend(X, beta, step, previous, sets)
        if moments.loglik - previous <= 1e-10 * abs(previous) and np.abs(step * reach).max() > 0.1:
            break  # the likelihood stands still while coefficients run away: there is no finite maximum
    information = moments.covariance.sum(axis=0)
    return Maximum(beta, information, moments.loglik, null, np.abs(step * reach) > 1e-3)


def _ascend(
    X: np.ndarray, beta: np.ndarray, step: np.ndarray, loglik: float, sets: RiskSets
) -> tuple[np.ndarray, EventMoments]:
    """Take the Newton step, halved until the likelihood does not fall."""
    for _ in range(40):
        if np.ptp(X[sets.order] @ (beta + step)) <= _MAX_LOG_RISK_RANGE:
            moments = event_moments(X, beta + step, sets)
            if moments.loglik >= loglik - 1e-12 * abs(loglik):
                return beta + step, moments
        step = step / 2
    return beta, event_moments(X, beta, sets)


def baseline_hazard(log_risk: np.ndarray, sets: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    """Return event times and the cumulative hazard at log risk 0, with the same treatment of ties.

    `log_risk` holds all samples in their own order.

    References
    ----------
    Breslow, discussion of Cox, J R Stat Soc B 34:216 (1972).
    """
    log_risk = log_risk[sets.order]
    shift = log_risk.max()  # keeps exp() finite; the hazard is scaled back
    increments = np.exp(-shift) / sets.totals(np.exp(log_risk - shift))
    times, last = np.unique(sets.time[::-1], return_index=True)
    return times, np.cumsum(increments)[sets.time.size - 1 - last]


def interaction_with_time(
    X: np.ndarray, beta: np.ndarray, sets: RiskSets, clock: np.ndarray, used: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return score tests (chi-square) of an interaction of the covariates with time, each and all together.

    Parameters
    ----------
    X, beta, sets
        As in `event_moments`, at the maximum.
    clock : array (n_events,)
        Transformed time of each event.
    used : array of int
        Covariates to test.

    References
    ----------
    Grambsch and Therneau, Biometrika 81:515 (1994).
    """
    moments = event_moments(X, beta, sets)
    covariance = moments.covariance[:, used][:, :, used]
    main, mixed, pure = (np.tensordot(clock**power, covariance, axes=1) for power in range(3))
    score = clock @ moments.residual[:, used]
    # Variance of the interactions' score once the main effects are estimated.
    variance = pure - mixed @ np.linalg.lstsq(main, mixed, rcond=None)[0]
    each = score**2 / np.diag(variance)
    return each, float(score @ np.linalg.lstsq(variance, score, rcond=None)[0])


def independent_columns(X: np.ndarray) -> np.ndarray:
    """Tell which columns, once centred, are no combination of earlier ones (relative tolerance 1e-7)."""
    length = np.linalg.norm(X, axis=0)
    X = X - X.mean(axis=0)
    kept = np.zeros(X.shape[1], dtype=bool)
    basis = np.zeros((X.shape[0], 0))
    for j, column in enumerate(X.T):
        size = np.linalg.norm(column)
        if size <= 1e-12 * length[j]:  # rounding of a constant
            continue
        rest = column / size
        for _ in range(2):  # the second pass removes what rounding left of the first
            rest = rest - basis @ (basis.T @ rest)
        if np.linalg.norm(rest) > 1e-7:
            kept[j] = True
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return kept
