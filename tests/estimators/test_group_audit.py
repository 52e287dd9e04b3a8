"""Groups are compared with the rest: planted gaps are found, none are made up, order does not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from precisionmed.errors import InputError
from precisionmed.estimators import metrics
from precisionmed.estimators.crossval import cross_validate
from precisionmed.estimators.group_audit import MISSING, SHOWN, TOO_FEW, as_groups, audit, n_comparisons


def called(probability: np.ndarray) -> np.ndarray:
    return np.where(probability > 0.65, "positive", np.where(probability < 0.35, "negative", "cannot call"))


def classifier(seed: int, n: int = 120, n_a: int = 40, *, skill_a: float = 1.0) -> dict[str, object]:
    """Return a calibrated score whose skill in group a is `skill_a` of that elsewhere."""
    rng = np.random.default_rng(seed)
    groups = pd.Series(np.where(np.arange(n) < n_a, "a", "b"), index=[f"p{i}" for i in range(n)])
    score = rng.normal(0, 1.8, n)
    truth = rng.random(n) < expit(np.where(groups == "a", skill_a, 1.0) * score)
    y = pd.Series(truth.astype(int), index=groups.index)
    probability = expit(score)
    return {"y": y, "groups": groups, "score": score, "call": called(probability), "probability": probability}


def risk(seed: int, n: int = 120, n_a: int = 40, *, skill_a: float = 1.0) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    groups = pd.Series(np.where(np.arange(n) < n_a, "a", "b"), index=[f"p{i}" for i in range(n)])
    score = rng.normal(0, 1, n)
    time = rng.exponential(np.exp(-np.where(groups == "a", skill_a, 1.0) * score))
    limit = rng.exponential(2, n)
    y = pd.DataFrame({"time": np.minimum(time, limit), "event": time <= limit}, index=groups.index)
    return {"y": y, "groups": groups, "score": score, "call": np.where(score > 0, "high", "low")}


def row(table: pd.DataFrame, group: str, metric: str) -> pd.Series:
    return table[(table["group"] == group) & (table["metric"] == metric)].iloc[0]


def test_every_number_is_that_of_the_group_alone():
    given_ = classifier(1)
    table = audit(**given_)
    own = (given_["groups"] == "a").to_numpy()
    y, p, call = given_["y"].to_numpy()[own], given_["probability"][own], given_["call"][own]
    expected = metrics.auc_interval(y, given_["score"][own])
    np.testing.assert_array_equal(row(table, "a", "auc")[["estimate", "lower", "upper"]], expected)
    found = row(table, "a", "sensitivity")
    positive = (y == 1) & (call != "cannot call")
    assert (found["count"], found["of"]) == ((call[positive] == "positive").sum(), positive.sum())
    assert row(table, "a", "called")["count"] == (call != "cannot call").sum()
    assert row(table, "a", "calibration")["estimate"] == pytest.approx((y - p).mean())
    rest = audit(**classifier(1)).set_index(["group", "metric"])["estimate"]
    assert row(table, "a", "auc")["difference"] == pytest.approx(rest["a", "auc"] - rest["b", "auc"])
    assert (table["status"] == SHOWN).all()
    assert n_comparisons(table) == 5


def test_a_risk_has_c_index_slope_and_share():
    given_ = risk(3)
    table = audit(**given_, n_boot=50)
    assert set(table["metric"]) == {"c_index", "calibration_slope", "called", "high_risk"}
    slope = row(table, "b", "calibration_slope")
    assert slope["lower"] < 1 < slope["upper"]
    own = (given_["groups"] == "b").to_numpy()
    expected = metrics.concordance(
        given_["y"]["time"][own], given_["y"]["event"][own], np.asarray(given_["score"])[own]
    )
    assert row(table, "b", "c_index")["estimate"] == pytest.approx(expected)


def test_classes_have_accuracy_and_share():
    rng = np.random.default_rng(0)
    truth = rng.choice(["LumA", "Basal"], 80).astype(object)
    call = truth.copy()
    call[:10], call[60:70] = "cannot call", "LumB"
    table = audit(truth, pd.Series(["x"] * 40 + ["y"] * 40), call=call)
    assert row(table, "x", "called")["count"] == 30
    found = row(table, "y", "accuracy")
    assert (found["count"], found["of"]) == (30, 40)
    assert found["difference"] < 0


def test_a_planted_gap_is_found():
    """A score that says nothing in 60 of 200 patients: AUC 0.5 against 0.85, power above 0.9."""
    p = [row(audit(**classifier(s, 200, 60, skill_a=0.0)), "a", "auc")["p"] for s in range(40)]
    assert np.mean(np.array(p) < 0.05) > 0.9
    p = [row(audit(**risk(s, 200, 60, skill_a=0.0), n_boot=100), "a", "c_index")["p"] for s in range(15)]
    assert np.mean(np.array(p) < 0.05) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("n_a", [25, 40, 60])
def test_without_a_gap_the_level_is_kept(n_a):
    """Rates of p < 0.05 over 1,000 cohorts of 120 without a gap; 0.05 plus what small groups cost."""
    p: dict[str, list[float]] = {}
    for seed in range(1000):
        table = audit(**classifier(seed, n_a=n_a))
        for metric, value in table.loc[table["group"] == "a", ["metric", "p"]].itertuples(index=False):
            p.setdefault(metric, []).append(value)
    rates = {metric: np.mean(np.array(values)[np.isfinite(values)] < 0.05) for metric, values in p.items()}
    assert all(0.01 < rate < 0.085 for rate in rates.values()), rates


@pytest.mark.slow
def test_out_of_fold_the_level_is_kept():
    """Cross-validated scores of the same skill everywhere: at most 7% of AUC gaps have p < 0.05."""
    hits = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(120, 5))
        y = (rng.random(120) < expit(1.5 * X[:, 0])).astype(int)
        found = cross_validate(LogisticRegression(), X, y, n_folds=5, n_repeats=2, random_state=seed)
        table = audit(y, pd.Series(["a"] * 40 + ["b"] * 80), found)
        hits.append(row(table, "a", "auc")["p"] < 0.05)
    assert np.mean(hits) < 0.07


def cohort_of_folds(seed: int = 0) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    names = [f"s{i:03}" for i in range(90)]
    X = pd.DataFrame(rng.normal(size=(90, 4)), index=names)
    y = pd.Series((rng.random(90) < expit(2 * X[0])).astype(int), index=names)
    return X, y, pd.Series(rng.choice(["a", "b"], 90), index=names)


def test_out_of_fold_pairs_are_within_test_folds_and_intervals_widened():
    X, y, groups = cohort_of_folds()
    found = cross_validate(LogisticRegression(), X, y, n_folds=3, n_repeats=2, random_state=1)
    table = audit(y, groups, found)
    own = (groups == "a").to_numpy()
    rows = found.predictions[own[found.predictions["row"]]]
    strata = rows["repeat"] * 3 + rows["fold"]
    truth = y.to_numpy()[rows["row"]]
    expected = metrics.auc_interval(
        truth,
        rows["score"].to_numpy(),
        strata=strata.to_numpy(),
        subject=rows["row"].to_numpy(),
        widen=np.sqrt(1 + 3 / 2),
    )
    np.testing.assert_allclose(row(table, "a", "auc")[["estimate", "lower", "upper"]].astype(float), expected)


def test_a_group_may_miss_a_fold():
    X, y, _ = cohort_of_folds()
    found = cross_validate(LogisticRegression(), X, y, n_folds=3, random_state=1)
    last = found.predictions.set_index("row")["fold"].sort_index().to_numpy() == 2
    part = found.among(~last)
    assert part._widen() == found._widen()
    assert part.predictions["row"].max() + 1 == (~last).sum() == len(part.samples)
    np.testing.assert_array_equal(part.score, found.score[~last])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), kind=st.sampled_from(["plain", "risk", "folds"]))
def test_the_order_of_rows_does_not_matter(seed, kind):
    rng = np.random.default_rng(seed)
    if kind == "folds":
        X, y, groups = cohort_of_folds()
        score = cross_validate(LogisticRegression(), X, y, n_folds=3, random_state=1)
        shuffled = rng.permutation(90)
        pd.testing.assert_frame_equal(
            audit(y, groups, score), audit(y.iloc[shuffled], groups.iloc[rng.permutation(90)], score)
        )
        return
    given_ = classifier(seed) if kind == "plain" else risk(seed)
    given_ |= {"groups": given_["groups"].mask(rng.random(120) < 0.1)}
    index = given_["groups"].index
    frame = {k: pd.Series(v, index=index) if isinstance(v, np.ndarray) else v for k, v in given_.items()}
    other = {k: v.iloc[rng.permutation(len(v))] for k, v in frame.items()}
    pd.testing.assert_frame_equal(audit(**frame, n_boot=20), audit(**other, n_boot=20), rtol=1e-12)


@pytest.mark.parametrize(
    "values",
    [[0, 1, 2], [0.0, 1.0, 2.0], ["0", "1", "2"], ["0.0", "1.0", " 2 "], pd.array([0, 1, 2], "Int64")],
)
def test_groups_are_the_same_as_text_and_as_numbers(values):
    column = pd.Series(values).repeat(3)
    assert as_groups(column).tolist() == ["0"] * 3 + ["1"] * 3 + ["2"] * 3
    assert as_groups(column.astype("category")).tolist() == as_groups(column).tolist()


def test_numbers_are_cut_at_the_median_and_missing_ones_have_no_group():
    age = pd.Series([40.0, 50, 60, 70, 80, 90, 95, np.nan])
    expected = ["up to 70"] * 4 + ["above 70"] * 3
    assert as_groups(age).tolist()[:7] == expected
    assert pd.isna(as_groups(age).iloc[7])
    assert as_groups(age.astype(object).map(lambda v: f"{v:g}" if v == v else None)).tolist()[:7] == expected
    many = pd.Series([*range(10), *[10] * 20])
    assert as_groups(many).nunique() == 2
    with pytest.raises(InputError, match="infinite"):
        as_groups(pd.Series([*range(10), np.inf], name="age"))


def test_truth_and_blank_text():
    found = as_groups(pd.Series([True, False, None, "  "], dtype=object))
    assert found.tolist()[:2] == ["True", "False"]
    assert found.isna().tolist() == [False, False, True, True]


def test_small_groups_and_missing_ones_are_counted_only():
    given_ = classifier(2)
    groups = given_["groups"].copy()
    groups.iloc[:19], groups.iloc[100:] = "small", None
    table = audit(**given_ | {"groups": groups})
    small, lost = (table[table["status"] == status] for status in (TOO_FEW, MISSING))
    assert small["n"].tolist() == [19]
    assert lost["n"].tolist() == [20]
    numbers = ["count", "of", "estimate", "lower", "upper", "difference", "p"]
    assert table.loc[table["status"] != SHOWN, numbers].isna().all(axis=None)
    assert table["events"].iloc[0] >= 0


def test_five_of_either_class_are_needed():
    given_ = classifier(2)
    own = given_["groups"] == "a"
    y = given_["y"].mask(own, 0)
    y.iloc[:4] = 1
    assert row(audit(**given_ | {"y": y}), "a", "")["status"] == TOO_FEW
    y.iloc[4] = 1
    assert row(audit(**given_ | {"y": y}), "a", "auc")["status"] == SHOWN


def test_one_group_has_no_difference():
    given_ = classifier(2)
    table = audit(**given_ | {"groups": pd.Series("all", index=given_["groups"].index)})
    assert table["difference"].isna().all()
    assert table["estimate"].notna().all()
    assert n_comparisons(table) == 0


def test_no_group_recorded_at_all():
    given_ = classifier(2)
    empty = pd.Series(np.nan, index=given_["groups"].index, dtype=object)
    table = audit(**given_ | {"groups": empty})
    assert table[["n", "status"]].to_numpy().tolist() == [[120, MISSING]]


def test_patients_are_counted_not_samples():
    given_ = classifier(2)
    subject = np.array([f"q{i // 3}" for i in range(120)])
    assert row(audit(**given_, subject=subject), "a", "")["status"] == TOO_FEW  # 40 samples, 14 patients
    assert row(audit(**given_, subject=subject), "b", "auc")["status"] == SHOWN


def test_a_score_that_separates_perfectly_has_intervals():
    y = np.tile([0, 1], 40)
    table = audit(y, pd.Series(["a", "a", "b", "b"] * 20), y.astype(float))
    found = row(table, "a", "auc")
    assert found["estimate"] == 1
    assert found["lower"] < 1
    assert found["p"] == 1


def test_lengths_must_match():
    given_ = classifier(2)
    with pytest.raises(InputError):
        audit(given_["y"], given_["groups"].iloc[:50], given_["score"])
