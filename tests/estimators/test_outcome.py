"""Outcomes are checked once, and in the same way everywhere; nothing depends on rounding, unit or order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators import metrics
from precisionmed.estimators._outcome import follow_up, merge_ties
from precisionmed.estimators.baselines import BestGene, ResidualRidge
from precisionmed.estimators.clinical import ClinicalOnly
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.crossval import cross_validate
from precisionmed.estimators.group_hazards import group_hazards
from precisionmed.estimators.half_refits import half_refits, interval
from precisionmed.estimators.kaplan_meier import (
    kaplan_meier,
    logrank,
    median_follow_up,
    median_survival,
    numbers_at_risk,
    survival_at,
)
from precisionmed.estimators.lasso import LassoCox, LassoCoxCV
from precisionmed.estimators.metrics_compare import auc_difference, concordance_difference
from precisionmed.estimators.screen import CoxScreen, LogisticScreen
from precisionmed.estimators.stability import StabilitySelection

N = 40
X = np.random.default_rng(0).normal(size=(N, 3))
X.flags.writeable = False
GROUPS = np.array(["a", "b"])[np.arange(N) % 2]
TIME = np.random.default_rng(1).exponential(size=N).round(1) + 0.1
EVENT = (np.random.default_rng(2).random(N) < 0.7).astype(int)


def _y(time: Any, event: Any) -> pd.DataFrame:
    return pd.DataFrame({"event": event, "time": time})


ENTRANCES: dict[str, Callable[[Any, Any], Any]] = {
    "kaplan_meier": kaplan_meier,
    "median_survival": median_survival,
    "median_follow_up": median_follow_up,
    "logrank": lambda time, event: logrank(time, event, GROUPS),
    "group_hazards": lambda time, event: group_hazards(time, event, GROUPS, "a"),
    "concordance": lambda time, event: metrics.concordance(time, event, X[:, 0]),
    "interval": lambda time, event: metrics.concordance_interval(time, event, X[:, 0], 1, n_boot=3),
    "difference": lambda time, event: concordance_difference(time, event, X[:, 0], X[:, 1], 1, n_boot=3),
    "CoxModel": lambda time, event: CoxModel().fit(X, _y(time, event)),
    "CoxScreen": lambda time, event: CoxScreen().fit(X, _y(time, event)),
    "LassoCox": lambda time, event: LassoCox().fit(X, _y(time, event)),
    "LassoCoxCV": lambda time, event: LassoCoxCV(random_state=1).fit(X, _y(time, event)),
    "score": lambda time, event: CoxModel().fit(X, _y(TIME, EVENT)).score(X, _y(time, event)),
    "BestGene": lambda time, event: BestGene().fit(X, _y(time, event)),
    "ResidualRidge": lambda time, event: ResidualRidge().fit(X, _y(time, event)),
    "ClinicalOnly": lambda time, event: ClinicalOnly().fit(
        None, _y(time, event), clinical=pd.DataFrame(X, columns=list("abc"))
    ),
    "StabilitySelection": lambda time, event: StabilitySelection(LassoCox()).fit(X, _y(time, event)),
    "half_refits": lambda time, event: half_refits(LassoCox(), X, _y(time, event), n_pairs=2),
    "cross_validate": lambda time, event: cross_validate(LassoCox(), X, _y(time, event), random_state=1),
}


def _with(values: np.ndarray, change: Any) -> np.ndarray:
    changed = values.astype(object)
    changed[3] = change
    return changed


EVENTS = {
    "1 and 2": (EVENT + 1, "found 1, 2; recode"),
    "words": (np.where(EVENT, "dead", "alive"), "found 'alive', 'dead'; recode"),
    "digits as text": (EVENT.astype(str), "found '0', '1'; recode"),
    "one 2": (_with(EVENT, 2), "must be 0 or 1"),
    "missing": (_with(EVENT, np.nan), "event is missing in 1 of 40 samples"),
    "None": (_with(EVENT, None), "event is missing in 1 of 40 samples"),
    "pandas NA": (pd.array(_with(EVENT, pd.NA), dtype="Int64"), "event is missing in 1 of 40 samples"),
    "probability": (EVENT * 0.5, "must be 0 or 1"),
}
TIMES = {
    "missing": (_with(TIME, np.nan), "time is missing in 1 of 40 samples"),
    "None": (_with(TIME, None), "time is missing in 1 of 40 samples"),
    "infinite": (_with(TIME, np.inf), "time is infinite in 1 of 40 samples"),
    "negative": (_with(TIME, -1.0), "time is negative in 1 of 40 samples"),
    "words": (_with(TIME, "late"), "time must be numbers, found 'late'"),
    "text": (TIME.astype(str), "time must be numbers"),
    "dates": (pd.date_range("2020-01-01", periods=N), "time must be numbers"),
    "durations": (pd.to_timedelta(TIME, unit="D"), "time must be numbers"),
    "truth values": (EVENT.astype(bool), "time must be numbers"),
}


@pytest.mark.parametrize("name", ENTRANCES)
def test_every_entrance_refuses_what_is_no_outcome(name):
    for bad, message in EVENTS.values():
        with pytest.raises(InputError, match=message) as raised:
            ENTRANCES[name](TIME, bad)
        assert "\n" not in str(raised.value)
    for bad, message in TIMES.values():
        with pytest.raises(InputError, match=message) as raised:
            ENTRANCES[name](bad, EVENT)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "name", [name for name in ENTRANCES if name not in ("cross_validate", "half_refits")]
)
def test_bool_float_and_nullable_events_are_the_same(name):
    expected = repr(ENTRANCES[name](TIME, EVENT))
    for same in (EVENT.astype(bool), EVENT.astype(float), EVENT.astype(object), pd.array(EVENT, "Int64")):
        assert repr(ENTRANCES[name](TIME, same)) == expected


def test_lengths_and_shapes_are_checked():
    with pytest.raises(InputError, match=r"40 samples|39 values"):
        kaplan_meier(TIME, EVENT[1:])
    with pytest.raises(InputError, match=r"40 samples|39 values"):
        logrank(TIME, EVENT, GROUPS[1:])
    with pytest.raises(InputError, match="one value a sample"):
        kaplan_meier(np.column_stack([TIME, TIME]), np.column_stack([EVENT, EVENT]))
    with pytest.raises(InputError, match="no samples"):
        kaplan_meier([], [])
    column = kaplan_meier(TIME[:, None], EVENT[:, None])
    pd.testing.assert_frame_equal(column, kaplan_meier(TIME, EVENT))


def test_pandas_outcomes_are_matched_by_index():
    time, event = (pd.Series(values, index=[f"S{i}" for i in range(N)]) for values in (TIME, EVENT))
    risk = pd.Series(X[:, 0], index=time.index)
    shuffled = risk.sample(frac=1, random_state=1)
    assert metrics.concordance(time, event, shuffled) == metrics.concordance(TIME, EVENT, X[:, 0])
    groups = pd.Series(GROUPS, index=time.index).sample(frac=1, random_state=2)
    assert logrank(time, event, groups) == logrank(TIME, EVENT, GROUPS)
    with pytest.raises(InputError, match="index"):
        logrank(time, event, groups.rename(lambda name: f"T{name}"))


def test_missing_values_are_named_by_sample():
    time = pd.Series([1.0, np.nan], index=["TCGA-1", "TCGA-2"])
    with pytest.raises(InputError, match=r"time is missing in 1 of 2 samples \(TCGA-2\); leave them out"):
        kaplan_meier(time, [1, 0])
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    with pytest.raises(InputError, match="time is missing in 1 of 2"):
        kaplan_meier(masked, [1, 0])


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"entry": TIME}, "entry is not before the time in 40 of 40"),
        ({"entry": _with(TIME * 0, np.nan)}, "entry is missing in 1 of 40"),
        ({"entry": TIME - 100}, "entry is negative"),
        ({"start": TIME * 0}, "call it 'entry'"),
    ],
)
def test_an_entry_is_never_silently_unused(field, message):
    for name in ("CoxModel", "CoxScreen", "LassoCox", "LassoCoxCV", "BestGene", "cross_validate"):
        models = {"CoxModel": CoxModel(), "CoxScreen": CoxScreen(), "LassoCox": LassoCox()}
        models |= {"LassoCoxCV": LassoCoxCV(), "BestGene": BestGene()}
        with pytest.raises(InputError, match=message):
            if name == "cross_validate":
                cross_validate(LassoCox(), X, _y(TIME, EVENT).assign(**field))
            else:
                models[name].fit(X, _y(TIME, EVENT).assign(**field))


def test_entry_at_the_origin_changes_nothing():
    y = _y(TIME, EVENT)
    zero = y.assign(entry=0.0)
    assert CoxModel().fit(X, zero).coef_ == pytest.approx(CoxModel().fit(X, y).coef_, rel=1e-12)
    assert CoxScreen().fit(X, zero).coef_ == pytest.approx(CoxScreen().fit(X, y).coef_, rel=1e-12)
    for ties in ("breslow", "efron"):
        late, plain = (LassoCox(0.01, ties=ties).fit(X, outcome) for outcome in (zero, y))
        assert late.coef_ == pytest.approx(plain.coef_, abs=1e-6)
        assert late.baseline_survival_ == pytest.approx(plain.baseline_survival_, abs=1e-6)
    assert metrics.concordance(TIME, EVENT, X[:, 0], entry=TIME * 0) == metrics.concordance(
        TIME, EVENT, X[:, 0]
    )
    assert logrank(TIME, EVENT, GROUPS, entry=TIME * 0) == logrank(TIME, EVENT, GROUPS)
    assert BestGene().fit(X, zero).coef_ == pytest.approx(BestGene().fit(X, y).coef_)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_cross_validated_lasso_with_entry_finds_the_gene(ties):
    rng = np.random.default_rng(4)
    genes = rng.normal(size=(300, 20))
    time = rng.exponential(np.exp(-genes[:, 3]))
    entry = rng.exponential(0.3, 300)
    seen = entry < time
    y = pd.DataFrame({"event": True, "time": time, "entry": entry})[seen].reset_index(drop=True)
    model = LassoCoxCV(random_state=1, ties=ties).fit(genes[seen], y)
    assert int(np.argmax(np.abs(model.coef_))) == 3
    assert model.kkt_ < 1e-2
    alone = CoxModel(ties).fit(genes[seen][:, [3]], y)
    assert CoxScreen(ties).fit(genes[seen], y).coef_[3] == pytest.approx(alone.coef_[0], rel=1e-7)


def _cohort(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return exact times of months with many ties, events, entries, covariates and groups."""
    rng = np.random.default_rng(seed)
    time = rng.integers(2, 12, 30) / 10
    entry = np.floor(time * 10 * rng.uniform(0, 0.9, 30)) / 10
    event = rng.random(30) < 0.7
    event[:3] = True
    return time, event, entry, rng.normal(size=(30, 2)), rng.choice(["a", "b"], 30)


def _results(time, event, entry, covariates, groups) -> list[np.ndarray]:
    """Return what must not depend on rounding of times, their unit, or the order of the samples."""
    known = {} if entry is None else {"entry": entry}
    y = pd.DataFrame({"event": event, "time": time, **known})
    curve = kaplan_meier(time, event, entry=entry)
    found = [
        curve.drop(columns="time").to_numpy(float),
        np.array(logrank(time, event, groups, entry=entry)),
        np.array([metrics.concordance(time, event, covariates[:, 0], entry=entry)]),
        ResidualRidge().fit(covariates, y).coef_,
    ]
    for ties in ("efron", "breslow"):
        model = CoxModel(ties).fit(covariates, y)
        screen = CoxScreen(ties).fit(covariates, y)
        found += [model.coef_, model.baseline_hazard_, screen.coef_, screen.p_]
        lasso = LassoCox(0.02, ties=ties, tolerance=1e-8).fit(covariates, y)
        found += [lasso.coef_, lasso.baseline_survival_]
    return found


def _assert_same(first: list[np.ndarray], second: list[np.ndarray], rtol: float = 1e-6) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), late=st.booleans())
def test_times_by_subtraction_are_tied_as_exact_ones(seed, late):
    time, event, entry, covariates, groups = _cohort(seed)
    start = np.random.default_rng(seed + 1).integers(0, 600, time.size) / 10
    rounded = (start + time) - start
    used = (start + entry) - start if late else None
    exact = _results(time, event, entry if late else None, covariates, groups)
    _assert_same(exact, _results(rounded, event, used, covariates, groups))


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    late=st.booleans(),
    unit=st.sampled_from([1e-9, 1 / 365.25, 1 / 30.4375, 30.4375, 365.25, 1e9]),
)
def test_nothing_depends_on_the_unit_of_time(seed, late, unit):
    time, event, entry, covariates, groups = _cohort(seed)
    known = entry if late else None
    scaled = None if known is None else known * unit
    first = _results(time, event, known, covariates, groups)
    _assert_same(first, _results(time * unit, event, scaled, covariates, groups))
    median = median_survival(time, event, entry=known)
    assert median_survival(time * unit, event, entry=scaled) == pytest.approx(median * unit, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), late=st.booleans())
def test_nothing_depends_on_the_order_of_samples(seed, late):
    time, event, entry, covariates, groups = _cohort(seed)
    order = np.random.default_rng(seed).permutation(time.size)
    first = _results(time, event, entry if late else None, covariates, groups)
    moved = _results(
        time[order], event[order], entry[order] if late else None, covariates[order], groups[order]
    )
    _assert_same(first, moved)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-12, 1e-4, -1.0, 1e4, 1e12]),
    shift=st.sampled_from([0.0, -3.0, 100.0]),
)
def test_coefficients_scale_with_the_unit_of_a_covariate(seed, scale, shift):
    time, event, _, covariates, _ = _cohort(seed)
    y, moved = _y(time, event), (covariates + shift) * scale
    for make in (CoxModel, CoxScreen, lambda: LassoCox(0.02, tolerance=1e-8)):
        first, second = make().fit(covariates, y), make().fit(moved, y)
        np.testing.assert_allclose(second.coef_ * scale, first.coef_, rtol=1e-5, atol=1e-7)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), late=st.booleans())
def test_weights_count_as_copies_and_weight_zero_as_absence(seed, late):
    """Breslow's ties, with which a copy is a sample of twice the weight."""
    time, event, entry, covariates, _ = _cohort(seed)
    y = _y(time, event).assign(**({"entry": entry} if late else {}))
    times = np.random.default_rng(seed).integers(0, 3, time.size)
    times[:3] = 1
    copies = np.repeat(np.arange(time.size), times)
    model = LassoCox(0.02, tolerance=1e-8)
    weighted = clone(model).fit(covariates, y, sample_weight=times.astype(float))
    copied = clone(model).fit(covariates[copies], y.iloc[copies].reset_index(drop=True))
    np.testing.assert_allclose(weighted.coef_, copied.coef_, atol=1e-6)
    np.testing.assert_allclose(
        weighted.predict_survival(covariates, [0.3, 0.8]),
        copied.predict_survival(covariates, [0.3, 0.8]),
        atol=1e-5,
    )
    score = weighted.score(covariates, y, sample_weight=times)
    assert score == pytest.approx(weighted.score(covariates[copies], y.iloc[copies].reset_index(drop=True)))


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=40),
    st.sampled_from([1.0, 0.1, 1e-9, 1e9]),
    st.randoms(use_true_random=False),
)
def test_merging_ties_undoes_rounding_and_nothing_else(steps, unit, random):
    exact = np.array(steps) * unit
    rounded = exact * np.array([1 + random.randint(-4, 4) * 2.0**-52 for _ in steps])
    (merged,) = merge_ties(rounded)
    np.testing.assert_array_equal(
        np.unique(merged, return_inverse=True)[1], np.unique(steps, return_inverse=True)[1]
    )
    np.testing.assert_allclose(merged, exact, rtol=1e-15 * 8)


def test_curves_and_models_are_read_at_times_by_subtraction():
    curve = kaplan_meier([0.1, 0.3, 0.5], [1, 1, 1])
    assert survival_at(curve, 0.4 - 0.1)[()] == survival_at(curve, 0.3)[()] == pytest.approx(1 / 3)
    counts = numbers_at_risk([0.1, 0.3, 0.5], ["a"] * 3, [0.1 + 0.2])
    assert counts.iloc[0, 0] == 2
    model = CoxModel().fit(X, _y(TIME, EVENT))
    step = model.baseline_time_[4]
    near = model.predict_survival(X[:1], np.array([step * (1 - 2e-16), step]))
    assert near[0, 0] == near[0, 1]


@pytest.mark.parametrize(
    "groups",
    [[1, 2, 2, 1], [1.0, 2.0, 2.0, 1.0], [True, False, False, True], ["1", "2", "2", "1"], [1, "1", "1", 1]],
)
def test_groups_keep_their_type(groups):
    test = logrank([1, 2, 3, 4], [1, 1, 1, 1], groups)
    assert test == pytest.approx(logrank([1, 2, 3, 4], [1, 1, 1, 1], list("abba")))
    names = numbers_at_risk([1, 2, 3, 4], groups, [0]).index
    assert {type(name) for name in names} <= {type(group) for group in groups} | {np.bool_}
    assert set(names) == set(groups)


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, "nan", float("nan")])
def test_a_missing_group_is_none(missing):
    with pytest.raises(InputError, match="groups: no label for 1 of 4 samples"):
        logrank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "b", missing, "a"])
    with pytest.raises(InputError, match="no label for 1 of 4 samples"):
        numbers_at_risk([1, 2, 3, 4], ["a", "b", missing, "a"], [0])
    with pytest.raises(InputError, match="no label for 1 of 4 samples"):
        group_hazards([1, 2, 3, 4], [1, 1, 1, 1], ["a", "b", missing, "a"], "a")


def test_the_reference_of_hazards_has_the_type_of_the_groups():
    time, event = np.tile(TIME, 2), np.tile(EVENT, 2)
    groups = np.tile([1, 2], N)
    assert group_hazards(time, event, groups, 1)["subtype"].tolist() == [1, 2]
    assert np.isfinite(group_hazards(time, event, groups, 1)["hazard_ratio"]).all()
    with pytest.raises(InputError, match="another type"):
        group_hazards(time, event, groups, "1")


@pytest.mark.parametrize("level", [95, 0, 1, 1.5, -0.1, np.nan, "0.95", None])
def test_a_level_is_between_0_and_1(level):
    truth, score = [0, 1, 0, 1], [1.0, 3.0, 2.0, 5.0]
    calls = [
        lambda: kaplan_meier(TIME, EVENT, level=level),
        lambda: CoxModel(level=level).fit(X, _y(TIME, EVENT)),
        lambda: CoxScreen(level=level).fit(X, _y(TIME, EVENT)),
        lambda: LogisticScreen(level=level).fit(X, EVENT),
        lambda: metrics.auc_interval(truth, score, level),
        lambda: metrics.concordance_interval(TIME, EVENT, X[:, 0], 1, 3, level),
        lambda: metrics.proportion_interval(3, 7, level),
        lambda: metrics.accuracy_interval(truth, truth, level),
        lambda: auc_difference(truth, score, score[::-1], level),
        lambda: concordance_difference(TIME, EVENT, X[:, 0], X[:, 1], 1, 3, level),
        lambda: interval(np.zeros((4, 2)), level),
    ]
    for call in calls:
        with pytest.raises(InputError, match="level must be between 0 and 1"):
            call()


@pytest.mark.parametrize("n_boot", [0, -1, 2.5, True])
def test_an_interval_needs_bootstrap_samples(n_boot):
    with pytest.raises(InputError, match="n_boot must be a whole number from 1 up"):
        metrics.concordance_interval(TIME, EVENT, X[:, 0], 1, n_boot=n_boot)


def test_covariates_must_be_those_of_the_fit():
    model = CoxModel().fit(X, _y(TIME, EVENT))
    for wrong in (X[:4, :1], X[:, :2], X[0], np.column_stack([X, X])):
        with pytest.raises(InputError, match="3 covariates"):
            model.predict(wrong)
    frame = pd.DataFrame(X, columns=["age", "size", "age"])
    with pytest.raises(InputError, match="same name: age"):
        CoxModel().fit(frame, _y(TIME, EVENT))
    with pytest.raises(InputError, match="must be numbers"):
        CoxModel().fit(pd.DataFrame({"grade": list("ab") * (N // 2)}), _y(TIME, EVENT))
    named = CoxModel().fit(pd.DataFrame(X, columns=list("abc")), _y(TIME, EVENT))
    np.testing.assert_array_equal(
        named.predict(pd.DataFrame(X, columns=list("abc"))[list("cab")]), named.predict(X)
    )


def test_an_infinite_gene_is_named_and_a_missing_one_is_nan():
    genes = pd.DataFrame(X.copy(), columns=["ESR1", "ERBB2", "MKI67"])
    genes.iloc[2, 1] = np.nan
    assert np.isnan(CoxScreen().fit(genes, _y(TIME, EVENT)).coef_[1])
    genes.iloc[3, 2] = np.inf
    with pytest.raises(InputError, match=r"infinite value .*MKI67"):
        CoxScreen().fit(genes, _y(TIME, EVENT))
    with pytest.raises(InputError, match=r"infinite value .*MKI67"):
        LogisticScreen().fit(genes, EVENT)


@pytest.mark.parametrize("bad", [[0.1, 1.2, 0.4, 0.5], [0.1, -0.2, 0.4, 0.5], [0.1, np.nan, 0.4, 0.5]])
def test_probabilities_are_between_0_and_1(bad):
    for measure in (metrics.brier, metrics.calibration_table):
        with pytest.raises(InputError, match="prob"):
            measure([0, 1, 0, 1], bad)
        with pytest.raises(InputError, match="truth must be 0 or 1"):
            measure([1, 2, 1, 2], [0.1, 0.2, 0.4, 0.5])
    column = metrics.brier(np.array([[0], [1], [1], [0]]), np.array([0.1, 0.9, 0.8, 0.2]))
    assert column == pytest.approx(0.025)


@pytest.mark.parametrize("model", [LassoCox(0.05), LassoCoxCV(random_state=1), CoxModel()])
def test_score_is_harrells_c_and_serves_scikit_learn(model):
    rng = np.random.default_rng(0)
    genes = rng.normal(size=(80, 5))
    time = rng.exponential(size=80) * np.exp(-genes[:, 0])
    frame = pd.DataFrame({"event": rng.random(80) < 0.7, "time": time})
    structured = np.array(
        list(zip(frame["event"], frame["time"], strict=True)), dtype=[("event", bool), ("time", float)]
    )
    fitted = clone(model).fit(genes, frame)
    c = metrics.concordance(time, frame["event"], fitted.predict(genes))
    assert fitted.score(genes, frame) == fitted.score(genes, structured) == c > 0.6
    scores = cross_val_score(model, genes, structured, cv=4)
    assert scores.mean() > 0.6
    np.testing.assert_array_equal(scores, cross_val_score(model, genes, frame, cv=4))
    with pytest.warns(PrecisionMedWarning, match="no two of these samples"):
        assert np.isnan(fitted.score(genes[:1], frame.iloc[:1]))


def test_a_grid_of_penalties_is_searched_by_the_c_index():
    rng = np.random.default_rng(3)
    genes = rng.normal(size=(90, 8))
    y = pd.DataFrame({"event": True, "time": rng.exponential(np.exp(-genes[:, 2]))})
    found = GridSearchCV(LassoCox(), {"lambda_": [0.01, 5.0]}, cv=3).fit(genes, y)
    assert found.best_params_ == {"lambda_": 0.01}
    assert found.best_score_ > 0.65
    assert found.cv_results_["mean_test_score"][1] == 0.5  # no gene: everybody has the same risk


def test_a_checked_outcome_says_who_is_at_risk():
    outcome = follow_up([3, 5, 9], [1, 0, 1], [0, 3, 4])
    assert outcome.at_risk(3.0).tolist() == [True, False, False]
    assert outcome.at_risk(5.0).tolist() == [False, True, True]


def test_a_score_that_is_constant_in_every_stratum_has_no_width():
    truth, strata = [0, 0, 1, 1, 0, 1, 0, 1], [1, 1, 1, 1, 2, 2, 2, 2]
    assert metrics.auc_interval(truth, [3.0] * 4 + [1.0] * 4, strata=strata) == (0.5, 0.5, 0.5)
    _, lower, upper = metrics.auc_interval(truth, [3.0] * 4 + [1.0, 1.0, 2.0, 1.0], strata=strata)
    assert upper - lower > 0.1


def test_a_model_with_strata_is_scored_within_them():
    strata = np.arange(N) % 2
    model = LassoCox(0.01).fit(X, _y(TIME, EVENT), strata=strata)
    expected = metrics.concordance(TIME, EVENT, model.predict(X), strata=strata)
    assert model.score(X, _y(TIME, EVENT), strata=strata) == expected


def test_a_lasso_without_events_is_refused():
    with pytest.raises(InputError, match="needs events; there are none in 40 samples"):
        LassoCox().fit(X, _y(TIME, EVENT * 0))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_concordance_with_entry_counts_every_pair_at_risk_together(seed):
    time, event, entry, covariates, groups = _cohort(seed)
    risk = covariates[:, 0].round(0)
    won = pairs = 0.0
    for i in np.flatnonzero(event):
        later = (time > time[i]) | ((time == time[i]) & ~event)
        for j in np.flatnonzero(later & (entry < time[i]) & (groups == groups[i])):
            pairs += 1
            won += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    found = metrics.concordance(time, event, risk, entry=entry, strata=groups)
    assert found == pytest.approx(won / pairs, rel=1e-12)
