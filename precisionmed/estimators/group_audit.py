"""How well a model does in each group of patients, and whether it does worse there than elsewhere."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from precisionmed.config.minima import TO_AUDIT, TO_AUDIT_PER_CLASS
from precisionmed.errors import InputError
from precisionmed.estimators import metrics
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._levels import level_words
from precisionmed.estimators._outcome import is_survival, survival_outcome, take
from precisionmed.estimators._vectors import same_labels, zero_one
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.metrics import Interval
from precisionmed.estimators.metrics_compare import independent_difference
from precisionmed.estimators.out_of_fold import CrossValidation

MOST_LEVELS = 6
"""A column of numbers with more different values than this is cut at its median."""
SHOWN, TOO_FEW, MISSING = "shown", "too few to show", "not recorded"
NO_CALL = "cannot call"
CUT = re.compile(r"(up to|above) -?[0-9.]")
"""How a group that was cut out of numbers is called."""
COLUMNS = ["group", "n", "events", "status", "metric", "count", "of", "estimate", "lower", "upper"]
COLUMNS += ["difference", "difference_lower", "difference_upper", "p"]
_UNKNOWN: Interval = (np.nan, np.nan, np.nan)
_Measure = Callable[[np.ndarray], tuple[float, float, Interval]]


def as_groups(column: pd.Series) -> pd.Series:
    """Return the group of each sample as text, missing where there is none.

    1, 1.0 and "1.0" are one group. Numbers with more than six different values are cut at their median:
    "up to 57" and "above 57".

    Raises
    ------
    InputError
        Numbers cannot be cut because one of them is not finite.
    """
    known = column.dropna().astype(object)
    number = pd.to_numeric(known, errors="coerce")
    truth = known.map(lambda value: isinstance(value, bool | np.bool_)).any()
    if not truth and len(known) and number.notna().all() and number.nunique() > MOST_LEVELS:
        if not np.isfinite(number).all():
            raise InputError(f"'{column.name}' has an infinite value and cannot be cut into groups.")
        cut = float(number.median())
        if not (number > cut).any():
            cut = float(number[number < cut].max())
        words = pd.Series(np.where(number <= cut, f"up to {cut:g}", f"above {cut:g}"), index=known.index)
    else:
        words = level_words(known, "")
        words = words[words != ""]
    return words.astype(object).reindex(column.index)


def audit(
    y: Any,
    groups: pd.Series,
    score: Any = None,
    *,
    call: ArrayLike | None = None,
    probability: ArrayLike | None = None,
    subject: ArrayLike | None = None,
    seed: int = 1,
    n_boot: int = 500,
) -> pd.DataFrame:
    """Measure a model in each group, and compare each group with the rest.

    Parameters
    ----------
    y : array, Series or DataFrame
        A label of 0 and 1, `event` and `time` (and `entry`), or, without a score, names of classes.
    groups : Series
        Group of each sample, missing where it is not recorded; see `as_groups`.
    score : (n,) array or CrossValidation, optional
        Higher means more likely a case, or an earlier failure. Of a cross-validation only samples of the same
        test fold are compared, and intervals are corrected for training sets that overlap.
    call : (n,) array, optional
        What the model answers: `positive` and `negative`, `high` and `low`, or the name of a class; missing
        or "cannot call" where it does not.
    probability : (n,) array, optional
        Probability of a case.
    subject : (n,) array, optional
        Patient of each sample: groups are counted in patients.
    seed, n_boot : int
        Bootstrap of the C-index, the same samples for any order of rows.

    Data frames and series are matched by their index.

    Returns
    -------
    DataFrame
        One row a group and metric, the groups by name: `group`, `n`, `events` (cases or events), `status`,
        `metric`, `count` of `of` for shares, `estimate`, `lower`, `upper`, and the `difference` to the other
        samples with a recorded group, with `difference_lower`, `difference_upper` and `p`. A group with fewer
        than 20 patients, or 5 of either class or with the event, has one row without a number, as have the
        samples without a group. Metrics:

        - `auc` (DeLong's interval) or `c_index` (bootstrap percentiles),
        - `called`: share that was called, `sensitivity` and `specificity` among the called (Wilson),
        - `calibration`: observed minus mean predicted probability,
        - `calibration_slope`: coefficient of the score in a Cox model of the group; 1 where the score is the
          log hazard that it says it is,
        - `high_risk`: share of the called that is in the high risk group (no performance: not compared),
        - `accuracy`: share of the called that is right.

    Raises
    ------
    InputError
        Lengths or indices differ, or the outcome is none.
    """
    own = score if isinstance(score, CrossValidation) else None
    _, groups, y, plain, call, probability, subject = aligned(
        samples=_scored(own, groups),
        groups=groups,
        y=y,
        score=None if own is not None else score,
        call=call,
        probability=probability,
        subject=subject,
    )
    scored = own if own is not None else None if plain is None else np.asarray(plain, dtype=float)
    who = np.arange(len(groups)) if subject is None else np.asarray(subject)
    outcome = _named(y, groups.index) if is_survival(y) else np.asarray(y)
    measured = _Measured(outcome, scored, call, probability, None if subject is None else who, seed, n_boot)
    known = groups.notna().to_numpy()
    words = groups.to_numpy(dtype=object)
    names = sorted(
        set(words[known]), key=lambda name: (bool(CUT.match(name)), name.split()[0] == "above", name)
    )
    masks = {name: known & (words == name) for name in names}
    large = {name: measured.enough(mask, who) for name, mask in masks.items()}
    found = {name: measured.all(mask) for name, mask in masks.items() if large[name]}
    rows: list[tuple] = []
    for name in names:
        head = (name, int(masks[name].sum()), measured.events(masks[name]))
        if not large[name]:
            rows.append((*head, TOO_FEW, "", *[np.nan] * 9))
            continue
        rest = known & ~masks[name]
        others = measured.all(rest) if measured.enough(rest, who) else {}
        rows += [(*head, SHOWN, *row) for row in _compared(found[name], others)]
    if not known.all():
        rows.append(("", int((~known).sum()), measured.events(~known), MISSING, "", *[np.nan] * 9))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"n": int, **dict.fromkeys(["events", *COLUMNS[5:]], float)})


def n_comparisons(table: pd.DataFrame) -> int:
    """Return how many different comparisons of a group with the rest are in a table.

    With two groups each is the rest of the other: one comparison.
    """
    groups = table.loc[table["status"] != MISSING, "group"].nunique()
    tested = table["p"].notna().groupby(table["metric"]).sum()
    return int(np.minimum(tested, 1 if groups == 2 else tested).sum())


def _scored(own: CrossValidation | None, groups: pd.Series) -> Any:
    """Return something with the length, and if known the index, of the cross-validated samples."""
    if own is None:
        return groups
    if own.samples is None:
        return np.zeros(own.predictions["row"].nunique())
    return pd.Series(0, index=own.samples)


def _named(y: Any, samples: pd.Index) -> pd.DataFrame:
    """Return an outcome as a frame with the index of the samples: a bootstrap goes by their names."""
    found = survival_outcome(y)
    frame = pd.DataFrame({"event": found.event, "time": found.time}, index=samples)
    return frame if found.entry is None else frame.assign(entry=found.entry)


def _compared(
    own: dict[str, tuple[float, float, Interval]], rest: dict[str, tuple[float, float, Interval]]
) -> list[tuple]:
    rows = []
    for metric, (count, of, interval) in own.items():
        gap = (np.nan,) * 4
        if (
            metric != "high_risk"
            and metric in rest
            and np.isfinite(interval[0])
            and np.isfinite(rest[metric][2][0])
        ):
            found = independent_difference(interval, rest[metric][2])
            gap = (found.estimate, found.lower, found.upper, found.p)
        rows.append((metric, count, of, *interval, *gap))
    return rows


@dataclass(frozen=True)
class _Measured:
    """One model on all samples; each metric is a function of which samples count."""

    y: Any
    score: np.ndarray | CrossValidation | None
    call: Any
    probability: Any
    subject: np.ndarray | None
    seed: int
    n_boot: int

    @property
    def kind(self) -> str:
        return "class" if self.score is None else "survival" if is_survival(self.y) else "binary"

    def positive(self) -> np.ndarray | None:
        if self.kind == "class":
            return None
        return survival_outcome(self.y).event if self.kind == "survival" else zero_one(self.y, "y")

    def events(self, mask: np.ndarray) -> float:
        positive = self.positive()
        return np.nan if positive is None else float(positive[mask].sum())

    def enough(self, mask: np.ndarray, who: np.ndarray) -> bool:
        """Return whether a group is large enough to be shown, in patients."""
        if np.unique(who[mask]).size < TO_AUDIT:
            return False
        positive = self.positive()
        if positive is None:
            return True
        sides = [positive] if self.kind == "survival" else [positive, ~positive]
        return min(np.unique(who[mask & side]).size for side in sides) >= TO_AUDIT_PER_CLASS

    def all(self, mask: np.ndarray) -> dict[str, tuple[float, float, Interval]]:
        """Return count, of how many, and estimate with interval of every metric."""
        measures: dict[str, _Measure] = {}
        if self.kind == "binary":
            measures["auc"] = self._rank
        elif self.kind == "survival":
            measures |= {"c_index": self._rank, "calibration_slope": self._slope}
        if self.call is not None:
            measures["called"] = self._called
            answers = {
                "binary": {"sensitivity": self._sensitivity, "specificity": self._specificity},
                "survival": {"high_risk": self._high},
                "class": {"accuracy": self._right},
            }
            measures |= answers[self.kind]
        if self.probability is not None and self.kind == "binary":
            measures["calibration"] = self._calibration
        return {name: measure(mask) for name, measure in measures.items()}

    def _rank(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        y, n = take(self.y, np.flatnonzero(mask)), float(mask.sum())
        try:
            if isinstance(self.score, CrossValidation):
                own = self.score.among(mask)
                found = own.concordance(y, self.seed, self.n_boot) if is_survival(y) else own.auc(y)
            elif is_survival(y):
                score, more = np.asarray(self.score)[mask], self._of(mask)
                found = metrics.concordance_interval(
                    y["time"], y["event"], score, self.seed, self.n_boot, entry=y.get("entry"), **more
                )
            else:
                found = metrics.auc_interval(y, np.asarray(self.score)[mask], **self._of(mask))
        except InputError:  # no test fold has both a case and a control
            found = _UNKNOWN
        return np.nan, n, found

    def _of(self, mask: np.ndarray) -> dict[str, Any]:
        return {} if self.subject is None else {"subject": self.subject[mask]}

    def _slope(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        score = self.score.score if isinstance(self.score, CrossValidation) else np.asarray(self.score)
        X = pd.DataFrame({"score": score[mask]})
        if X["score"].nunique() < 2:
            return np.nan, float(mask.sum()), _UNKNOWN
        y = take(self.y, np.flatnonzero(mask)).reset_index(drop=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = CoxModel().fit(X, y)
        slope, se = (float(fitted.summary_[key].iloc[0]) for key in ("coefficient", "se"))
        if not np.isfinite([slope, se]).all():
            return np.nan, float(mask.sum()), _UNKNOWN
        half = norm.ppf(0.975) * se
        return np.nan, float(mask.sum()), (slope, float(slope - half), float(slope + half))

    def _answered(self) -> np.ndarray:
        call = pd.Series(np.asarray(self.call, dtype=object))
        return (call.notna() & (call.astype(str) != NO_CALL)).to_numpy()

    def _answers(self, word: str) -> np.ndarray:
        return np.asarray(pd.Series(np.asarray(self.call, dtype=object)).astype(str) == word)

    def _called(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        return _share(self._answered()[mask])

    def _sensitivity(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        among = mask & self._answered() & zero_one(self.y, "y")
        return _share(self._answers("positive")[among], TO_AUDIT_PER_CLASS)

    def _specificity(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        among = mask & self._answered() & ~zero_one(self.y, "y")
        return _share(self._answers("negative")[among], TO_AUDIT_PER_CLASS)

    def _high(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        return _share(self._answers("high")[mask & self._answered()], TO_AUDIT_PER_CLASS)

    def _right(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        among = mask & self._answered()
        if among.sum() < TO_AUDIT_PER_CLASS:
            return np.nan, float(among.sum()), _UNKNOWN
        truth, call = (np.asarray(values, dtype=object)[among].astype(str) for values in (self.y, self.call))
        one, other = same_labels(truth, call, "y", "call")
        return _share(one == other)

    def _calibration(self, mask: np.ndarray) -> tuple[float, float, Interval]:
        gap = zero_one(self.y, "y")[mask] - np.asarray(self.probability, dtype=float)[mask]
        if self.subject is not None:
            gap = pd.Series(gap).groupby(self.subject[mask]).mean().to_numpy()
        half = norm.ppf(0.975) * gap.std(ddof=1) / np.sqrt(gap.size)
        mean = float(gap.mean())
        return np.nan, float(mask.sum()), (mean, mean - half, mean + half)


def _share(right: np.ndarray, fewest: int = 1) -> tuple[float, float, Interval]:
    """Return a share with Wilson's interval; counts alone when it is one of too few."""
    k, n = int(right.sum()), int(right.size)
    return float(k), float(n), metrics.proportion_interval(k, n) if n >= fewest else _UNKNOWN
