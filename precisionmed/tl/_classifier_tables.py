"""How well a classifier that may decline to call does, and whether it beats what everybody would look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from precisionmed.errors import InputError
from precisionmed.estimators import metrics
from precisionmed.estimators.centroids import CANNOT_CALL
from precisionmed.estimators.crossval import CrossValidation

MAJORITY = "majority_share"
"""Metric beside every accuracy: what always giving the more frequent label would score."""
COLUMNS = ["model", "metric", "estimate", "lower", "upper", "count", "n"]
_UNKNOWN = (np.nan, np.nan, np.nan)


def performance_table(
    truth: np.ndarray,
    probability: np.ndarray,
    call: np.ndarray,
    result: CrossValidation,
    baselines: dict[str, np.ndarray],
    groups: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return how well a classifier does out of fold.

    Parameters
    ----------
    truth, probability, call : (n,) arrays
        Label (0 or 1), probability and call of each sample.
    result
        The out-of-fold scores.
    baselines
        Other scores of the samples, by name.
    groups : (n,) array, optional
        Patient of each sample.

    Returns
    -------
    DataFrame
        `model` (`signature` or a baseline), `metric`, `estimate`, `lower`, `upper`, `count`, `n`. Fraction
        called, and among the called sensitivity, specificity, positive and negative predictive value,
        accuracy and the share of the more frequent label: `count` of `n` patients with Wilson's interval.
        AUC is that of all samples; it is not available when no test set has both labels.
    """
    rows: list[tuple] = [("signature", "auc", *_auc(result, truth), np.nan, len(truth))]
    called = call != CANNOT_CALL
    rates = {"called": rate(called, np.ones(len(call), bool), groups)} | call_rates(truth, call, groups)
    rows += [("signature", metric, *values) for metric, values in rates.items()]
    balanced = mean_interval(rates["sensitivity"][:3], rates["specificity"][:3])
    rows.append(("signature", "balanced_accuracy", *balanced, np.nan, rates["accuracy"][4]))
    squares = (truth - probability) ** 2
    half = 1.96 * squares.std(ddof=1) / np.sqrt(len(squares))
    score = metrics.brier(truth, probability)
    rows.append(("signature", "brier", score, max(score - half, 0.0), score + half, np.nan, len(truth)))
    for name, other in baselines.items():
        interval = metrics.auc_interval(truth, other, subject=groups)
        rows.append((name, "auc", *interval, np.nan, len(truth)))
    return _table(rows, COLUMNS)


def call_rates(
    truth: np.ndarray, call: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, tuple[float, float, float, float, float]]:
    """Return estimate, interval, count and n of what the calls are worth, among the called samples.

    Parameters
    ----------
    truth : (n,) array of 0 and 1
    call : (n,) array
        `positive`, `negative` or `cannot call`.
    groups : (n,) array, optional
        Patient of each sample; each counts once, with the share of their samples.
    """
    called, yes = call != CANNOT_CALL, call == "positive"
    right = called & (yes == (truth == 1))
    more = int(truth[called].mean() >= 0.5) if called.any() else 0
    return {
        "sensitivity": rate(right, called & (truth == 1), groups),
        "specificity": rate(right, called & (truth == 0), groups),
        "positive_predictive_value": rate(right, called & yes, groups),
        "negative_predictive_value": rate(right, called & ~yes, groups),
        "accuracy": rate(right, called, groups),
        MAJORITY: rate(truth == more, called, groups),
    }


def rate(
    which: np.ndarray, of: np.ndarray, groups: np.ndarray | None = None
) -> tuple[float, float, float, float, float]:
    """Return the fraction of patients with Wilson's interval, how many they are, and of how many."""
    found = pd.Series(which[of].astype(float))
    if groups is not None:
        found = found.groupby(groups[of]).mean()
    count, n = float(found.sum()), len(found)
    return *metrics.proportion_interval(min(count, n), n), count, float(n)


def count_table(label: np.ndarray, call: np.ndarray) -> pd.DataFrame:
    """Return how many samples of each label (`truth`) were called `positive`, `negative`, `cannot_call`."""
    answers = {"positive": "positive", "negative": "negative", "cannot_call": CANNOT_CALL}
    rows = [
        (name, *(int(((label == name) & (call == answer)).sum()) for answer in answers.values()))
        for name in ("positive", "negative")
    ]
    return _table(rows, ["truth", *answers])


def comparison_table(
    truth: np.ndarray, result: CrossValidation, baselines: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Return the AUC of the classifier minus that of each baseline, on the same pairs of samples.

    Columns: `model`, `against`, `metric`, `difference`, `lower`, `upper`, `p` (paired test of DeLong,
    corrected for training sets that overlap; see `CrossValidation.compare`).
    """
    rows = []
    for name, score in baselines.items():
        row = result.predictions["row"].to_numpy()
        other = replace(result, predictions=result.predictions.assign(score=score[row]))
        try:
            found = result.compare(other, truth)
        except InputError:  # no test set has both labels
            continue
        rows.append(("signature", name, "auc", found.estimate, found.lower, found.upper, found.p))
    return _table(rows, ["model", "against", "metric", "difference", "lower", "upper", "p"])


def mean_interval(a: metrics.Interval, b: metrics.Interval) -> metrics.Interval:
    """Return the mean of two independent proportions with the interval recovered from theirs.

    Zou and Donner, Statistics in Medicine 2008;27:1693 (MOVER).
    """
    estimate = (a[0] + b[0]) / 2
    below = np.hypot(a[0] - a[1], b[0] - b[1]) / 2
    above = np.hypot(a[2] - a[0], b[2] - b[0]) / 2
    return estimate, float(estimate - below), float(estimate + above)


def _auc(result: CrossValidation, truth: np.ndarray) -> metrics.Interval:
    try:
        return result.auc(truth)
    except InputError:  # no test set has both labels
        return _UNKNOWN


def _table(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    return frame.set_axis([str(i) for i in range(len(frame))], axis=0)
