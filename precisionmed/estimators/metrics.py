"""How good predictions are, with intervals.

`strata` restricts AUC and concordance to pairs of the same stratum. For cross-validated scores the
stratum is the test fold: scores of different folds come from different models, and a fold with
more cases than its share was predicted by a model that saw fewer, so that comparisons between folds
pull a useless model below 0.5. Inside a fold it has 0.5 exactly.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import norm

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._order import name_codes
from precisionmed.estimators._outcome import follow_up
from precisionmed.estimators._ranking import (
    bootstrap,
    c_index,
    placement,
    placements,
    sorted_for_concordance,
    strata_pairs,
)
from precisionmed.estimators._vectors import (
    checked_count,
    checked_level,
    group_codes,
    numbers,
    same_labels,
    zero_one,
)

Interval = tuple[float, float, float]


def auc(truth: ArrayLike, score: ArrayLike, *, strata: ArrayLike | None = None) -> float:
    """Return the area under the ROC curve: P(score of a case > score of a control), ties count half.

    Parameters
    ----------
    truth : (n,) array of 0 and 1 (or bool)
    score : (n,) array
        Higher means more likely a case.
    strata : (n,) array, optional
        Only pairs of the same stratum are compared.

    Raises
    ------
    InputError
        No stratum has both a case and a control.
    """
    truth, score, strata = aligned(truth=truth, score=score, strata=strata)
    truth, score = _labelled(truth, score)
    won = pairs = 0.0
    for cases, controls in strata_pairs(truth, score, strata):
        won += placement(score[cases], score[controls]).sum() * controls.size
        pairs += cases.size * controls.size
    return float(won / pairs)


def auc_interval(
    truth: ArrayLike,
    score: ArrayLike,
    level: float = 0.95,
    *,
    strata: ArrayLike | None = None,
    subject: ArrayLike | None = None,
    widen: float = 1.0,
) -> Interval:
    """Return the AUC with the interval of DeLong.

    The variance is that of the placement values of cases and of controls (DeLong et al. 1988,
    Biometrics 44:837); with `strata` they are taken inside the stratum, and averaged over the rows
    of a subject.
    Perfect separation has no such variance; its interval is Newcombe's score interval (2006, Statistics in
    Medicine 25:559, method 5). A score that is constant in every stratum has an AUC of one half whatever the
    sample, and an interval without width, as its C-index.

    Parameters
    ----------
    truth, score, strata
        As for `auc`.
    level : float
        Confidence level.
    subject : (n,) array, optional
        Rows of the same subject (repeats of a cross-validation) count once in the variance.
    widen : float
        Factor of the standard error.

    Returns
    -------
    estimate, lower, upper : float
    """
    truth, score, strata, subject = aligned(truth=truth, score=score, strata=strata, subject=subject)
    truth, score = _labelled(truth, score)
    estimate = auc(truth, score, strata=strata)
    cases, controls = placements(truth, score, strata, subject)
    z = widen * norm.ppf(0.5 + checked_level(level) / 2)
    if not (score != pd.Series(score).groupby(_codes(strata, score.size)).transform("first")).any():
        return estimate, estimate, estimate
    variance = sum(v.var(ddof=1) / v.size if v.size > 1 else 0.25 for v in (cases, controls))
    if variance > 0:
        half = z * np.sqrt(variance)
        return estimate, max(estimate - half, 0.0), min(estimate + half, 1.0)
    return _newcombe(estimate, cases.size, controls.size, z)


def concordance(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> float:
    """Return Harrell's C: P(higher risk fails first) over comparable pairs, tied risks count half.

    Equals `survival::concordance(Surv(entry, time, event) ~ risk + strata(strata), reverse = TRUE)` in R; NaN
    when no pair is comparable.

    Parameters
    ----------
    time : (n,) array
        Times that are equal but for rounding are tied.
    event : (n,) array of 0 and 1 (or bool)
    risk : (n,) array
        Higher means earlier failure.
    entry : (n,) array, optional
        When each sample came under observation (left truncation): an event is compared with those who had
        entered before it.
    strata : (n,) array, optional
        Only pairs of the same stratum are compared.

    Raises
    ------
    InputError
        A value is missing, a time is negative, an event is neither 0 nor 1, lengths or indices differ.
    """
    time, event, risk, entry, strata = aligned(time=time, event=event, risk=risk, entry=entry, strata=strata)
    return c_index(sorted_for_concordance(follow_up(time, event, entry), risk, strata))


def concordance_interval(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    random_state: int | np.random.Generator | None = None,
    n_boot: int = 500,
    level: float = 0.95,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    subject: ArrayLike | None = None,
    widen: float = 1.0,
) -> Interval:
    """Return Harrell's C with a bootstrap percentile interval over subjects.

    Parameters
    ----------
    time, event, risk, entry, strata
        As for `concordance`.
    random_state : int, Generator or None
        Draws the bootstrap samples.
    n_boot : int
        Bootstrap samples.
    level : float
        Confidence level.
    subject : (n,) array, optional
        Rows of the same subject are drawn together.
    widen : float
        Factor of the distances of the bootstrap estimates from the observed one.

    Returns
    -------
    estimate, lower, upper : float
    """
    checked_level(level)
    time, event, risk, entry, strata, subject = aligned(
        time=time, event=event, risk=risk, entry=entry, strata=strata, subject=subject
    )
    followed = sorted_for_concordance(follow_up(time, event, entry), risk, strata)

    def of_weights(weight: np.ndarray) -> float:
        return c_index(followed, weight)

    estimate = c_index(followed)
    subject = name_codes(time) if subject is None else subject
    drawn = bootstrap(of_weights, followed.order, subject, n_boot, random_state)
    if drawn.size == 0:
        return estimate, np.nan, np.nan
    ends = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    if widen != 1:  # else exactly the percentiles
        ends = np.clip(estimate + widen * (ends - estimate), 0.0, 1.0)
    return estimate, float(ends[0]), float(ends[1])


def proportion_interval(k: float, n: float, level: float = 0.95) -> Interval:
    """Return k / n with Wilson's score interval (Wilson 1927, JASA 22:209); all NaN when n is 0.

    Raises
    ------
    InputError
        `k` is no part of `n`, or `level` is not between 0 and 1.
    """
    z = norm.ppf(0.5 + checked_level(level) / 2)
    if not 0 <= k <= n:
        raise InputError(f"k must be between 0 and n, found {k} of {n}.")
    if n == 0:
        return np.nan, np.nan, np.nan
    p = k / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return float(p), float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def accuracy_interval(truth: ArrayLike, predicted: ArrayLike, level: float = 0.95) -> Interval:
    """Return the fraction of equal labels with Wilson's interval."""
    truth, predicted = aligned(truth=truth, predicted=predicted)
    one, other = same_labels(truth, predicted, "truth", "predicted")
    equal = one == other
    return proportion_interval(int(equal.sum()), equal.size, level)


def cohen_kappa(a: ArrayLike, b: ArrayLike) -> float:
    """Return Cohen's kappa of two raters (Cohen 1960); NaN when agreement is certain by chance alone.

    Raises
    ------
    InputError
        A label is missing, or one rater's are text and the other's numbers.
    """
    a, b = aligned(a=a, b=b)
    one, other = same_labels(a, b, "a", "b")
    observed = np.mean(one == other)
    expected = sum(np.mean(one == label) * np.mean(other == label) for label in np.union1d(one, other))
    return float((observed - expected) / (1 - expected)) if expected < 1 else np.nan


def brier(truth: ArrayLike, prob: ArrayLike) -> float:
    """Return the mean squared difference of outcome (0/1) and predicted probability (Brier 1950).

    Raises
    ------
    InputError
        The outcome is not 0 and 1, a probability is none, lengths or indices differ.
    """
    truth, prob = _labelled(truth, prob, "prob")
    return float(np.mean((truth - prob) ** 2))


def calibration_table(truth: ArrayLike, prob: ArrayLike, n_bins: int = 5) -> pd.DataFrame:
    """Return predicted against observed frequency in bins of (nearly) equal size.

    Equal probabilities always share a bin, so that there may be fewer bins than asked for.

    Returns
    -------
    DataFrame
        Columns `predicted` (mean probability), `observed` (fraction of cases), `n`; ordered by
        probability.

    Raises
    ------
    InputError
        As for `brier`.
    """
    truth, prob = _labelled(truth, prob, "prob")
    checked_count(n_bins, "n_bins")
    edges = np.unique(np.quantile(prob, np.linspace(0, 1, n_bins + 1)))
    bins = np.searchsorted(edges[1:-1], prob, side="left")
    grouped = pd.DataFrame({"predicted": prob, "observed": truth.astype(float)}).groupby(bins)
    table = grouped.mean()
    table["n"] = grouped.size()
    return table.reset_index(drop=True)


def roc_table(truth: ArrayLike, score: ArrayLike) -> pd.DataFrame:
    """Return the corners of the ROC curve, from (0, 0) to (1, 1).

    Returns
    -------
    DataFrame
        Columns `false_positive_rate` and `true_positive_rate`, one row a distinct score.
    """
    truth, score = _labelled(truth, score)
    order = np.argsort(-score, kind="stable")
    last_of_score = np.append(np.diff(score[order]) != 0, True)
    true = np.cumsum(truth[order])[last_of_score]
    false = np.cumsum(~truth[order])[last_of_score]
    return pd.DataFrame(
        {
            "false_positive_rate": np.append(0.0, false / max(int((~truth).sum()), 1)),
            "true_positive_rate": np.append(0.0, true / max(int(truth.sum()), 1)),
        }
    )


def _labelled(truth: ArrayLike, score: ArrayLike, what: str = "score") -> tuple[np.ndarray, np.ndarray]:
    """Return a 0/1 outcome as bool and the scores of the same samples; `prob` must be probabilities."""
    truth, score = aligned(**{"truth": truth, what: score})
    label = zero_one(truth, "truth")
    values = numbers(score, what, label.size)
    if what == "prob" and not ((values >= 0) & (values <= 1)).all():
        wrong = values[(values < 0) | (values > 1)][0]
        raise InputError(
            f"prob must be probabilities from 0 to 1, found {wrong:g}; turn log odds into 1 / (1 + exp(-x))."
        )
    return label, values


def _codes(strata: ArrayLike | None, n: int) -> np.ndarray:
    return np.zeros(n, int) if strata is None else group_codes(strata, "strata", n)[1]


def _newcombe(estimate: float, n_cases: int, n_controls: int, z: float) -> Interval:
    extra = (n_cases + n_controls) / 2 - 1

    def excess(theta: float) -> float:
        spread = theta * (1 - theta) * (1 + extra * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        return (theta - estimate) ** 2 - z**2 * spread / (n_cases * n_controls)

    # the score equation has one root on either side of the estimate, and none beyond 0 and 1
    edge = 1e-12
    lower = brentq(excess, 0.0, estimate - edge) if estimate > 0 else 0.0
    upper = brentq(excess, estimate + edge, 1.0) if estimate < 1 else 1.0
    return float(estimate), float(lower), float(upper)
