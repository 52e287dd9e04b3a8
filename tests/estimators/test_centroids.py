"""Nearest centroids: recover classes, refuse strangers, and treat one sample as many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators import NearestCentroid
from precisionmed.io.codec import decode, encode

GENES = [f"G{i}" for i in range(120)]


def _cohort(seed: int = 0, sizes: tuple[int, ...] = (60, 30, 15), effect: float = 1.0):
    rng = np.random.default_rng(seed)
    y = np.repeat(["A", "B", "C"], sizes)
    centres = np.zeros((3, 120))
    for i in range(3):
        centres[i, 20 * i : 20 * (i + 1)] = effect
    level = rng.normal(8, 2, 120)
    X = level + centres[np.repeat(range(3), sizes)] + rng.normal(0, 0.7, (sum(sizes), 120))
    return pd.DataFrame(X, columns=GENES, index=[f"s{i:03d}" for i in range(sum(sizes))]), y


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
@pytest.mark.parametrize("n_genes", [None, 15])
def test_new_samples_are_classified(metric, n_genes):
    model = NearestCentroid(metric, n_genes_per_class=n_genes, random_state=0).fit(*_cohort(1))
    X, y = _cohort(1)  # same gene levels, so the same platform
    rng = np.random.default_rng(2)
    X += rng.normal(0, 0.7, X.shape)
    called = model.predict(X)
    sure = called != "cannot call"
    assert sure.mean() > 0.8, "with twice the noise some resemble no class any more"
    assert (called == y)[sure].mean() > 0.95
    if n_genes:
        assert (model.selected_ < 60).mean() > 0.95, "genes that differ are selected"
        assert len(model.selected_) <= 45


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_one_sample_equals_its_row_among_many_bit_for_bit(metric):
    X, y = _cohort(3)
    X_new = X.copy()
    X_new.iloc[4, :10] = np.nan
    model = NearestCentroid(metric, n_genes_per_class=30, random_state=0).fit(X, y)
    for method in ("correlations", "predict_proba", "confidence", "predict"):
        many = getattr(model, method)(X_new)
        for i in (0, 4, 77):
            alone = getattr(model, method)(X_new.iloc[[i]])
            np.testing.assert_array_equal(alone[0], many[i])


def test_correlations_are_those_of_numpy():
    X, y = _cohort(4)
    model = NearestCentroid(random_state=0).fit(X, y)
    expected = np.corrcoef(X.iloc[5] - model.centre_, model.centroids_[1])[0, 1]
    assert model.correlations(X)[5, 1] == pytest.approx(expected, abs=1e-12)
    spearman = NearestCentroid("spearman", random_state=0).fit(X, y)
    expected = pd.Series(X.iloc[5].to_numpy() - spearman.centre_).corr(
        pd.Series(spearman.centroids_[2]), method="spearman"
    )
    assert spearman.correlations(X)[5, 2] == pytest.approx(expected, abs=1e-12)


def test_a_common_class_keeps_its_centroid():
    X, y = _cohort(5, sizes=(180, 12, 12))
    balanced = NearestCentroid(random_state=0).fit(X, y)
    plain = NearestCentroid(centering="median", random_state=0).fit(X, y)
    assert np.linalg.norm(balanced.centroids_[0]) > 3 * np.linalg.norm(plain.centroids_[0])
    X_new, y_new = _cohort(5, sizes=(180, 12, 12))
    X_new += np.random.default_rng(0).normal(0, 0.7, X_new.shape)
    accuracy = [
        np.mean(m.predict_proba(X_new).argmax(axis=1) == np.unique(y_new, return_inverse=True)[1])
        for m in (balanced, plain)
    ]
    assert accuracy[0] > 0.95
    assert accuracy[0] >= accuracy[1] - 0.01


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
@pytest.mark.parametrize("effect", [0.6, 1.0, 1.5])
def test_strangers_are_refused_at_the_stated_rate_and_members_rarely(metric, effect):
    """New members and strangers; weak classes keep their members at the cost of letting strangers in."""
    X, y = _cohort(20, sizes=(320, 200, 120), effect=effect)
    train = np.arange(len(y)) % 2 == 0
    model = NearestCentroid(metric, n_genes_per_class=20, random_state=0).fit(X[train], y[train])
    rng = np.random.default_rng(21)
    noise = pd.DataFrame(model.centre_ + rng.normal(0, 1, (2000, len(model.selected_))))
    noise.columns = np.array(GENES)[model.selected_]
    refused = (model.reasons(noise) == "resembles none of the classes").mean()
    assert refused == pytest.approx(model.strangers_refused_, abs=0.03)
    assert refused > 0.92 or effect < 1
    assert (model.predict(X[~train]) == "cannot call").mean() <= 0.075  # 5%, and two standard errors
    left_out = model._left_out(
        X[train].to_numpy(), y[train], model._centre_weight(y[train], train.sum()), None
    )
    assert (left_out.max(axis=1) < model.min_correlation_).mean() <= 0.05


def test_another_tissue_is_refused():
    """Every gene is at another level; what classes share with it is chance."""
    X, y = _cohort(22, effect=1.0)
    model = NearestCentroid(random_state=0).fit(X, y)
    rng = np.random.default_rng(23)
    tissues = [rng.normal(8, 2, 120) + rng.normal(0, 0.7, (5, 120)) for _ in range(200)]
    refused = model.predict(pd.DataFrame(np.concatenate(tissues), columns=GENES)) == "cannot call"
    assert refused.mean() > 0.9


def test_nobody_is_refused_when_none_may_be():
    X, y = _cohort(24, effect=0.3)
    model = NearestCentroid(reject=0.0, random_state=0).fit(X, y)
    left_out = model._left_out(X.to_numpy(), y, model._centre_weight(y, len(y)), None)
    assert 0 <= left_out.max(axis=1).min() - model.min_correlation_ <= 0.01 + 1e-12


def test_strangers_are_refused_and_members_are_not():
    X, y = _cohort(6, effect=1.5)
    model = NearestCentroid(random_state=0).fit(X, y)
    rng = np.random.default_rng(1)
    strangers = pd.DataFrame(model.centre_ + rng.normal(0, 1, (200, 120)), columns=GENES)
    assert (model.predict(strangers) == "cannot call").mean() > 0.9
    assert set(model.reasons(strangers)) <= {"resembles none of the classes", ""}
    assert (model.predict(X) == "cannot call").mean() <= 0.03
    strict = NearestCentroid(min_confidence=0.2, random_state=0).fit(X, y)
    between = pd.DataFrame([X[y == "A"].mean() / 2 + X[y == "B"].mean() / 2])
    assert strict.predict(between)[0] == "cannot call"
    assert strict.reasons(between)[0] == "between two classes"


def test_probabilities_are_calibrated_and_agree_with_the_call():
    X, y = _cohort(7, sizes=(300, 150, 75), effect=0.35)
    train = np.arange(len(y)) % 2 == 0
    model = NearestCentroid(reject=0.0, random_state=0).fit(X[train], y[train])
    probability = model.predict_proba(X[~train])
    called = model.classes_[probability.argmax(axis=1)]
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    predicted = model.predict(X[~train])
    sure = predicted != "cannot call"
    np.testing.assert_array_equal(predicted[sure], called[sure])
    accuracy = (called == y[~train]).mean()
    assert 0.6 < accuracy < 0.99, "the case is hard enough to tell"
    assert probability.max(axis=1).mean() == pytest.approx(accuracy, abs=0.06)


def test_labels_that_mean_nothing_give_no_confidence():
    X, y = _cohort(8, effect=0.0)
    model = NearestCentroid(n_genes_per_class=20, random_state=0).fit(X, y)
    prevalence = [np.mean(y == name) for name in model.classes_]
    assert np.abs(model.predict_proba(X).mean(axis=0) - prevalence).max() < 0.2


def test_locked_and_restored_predicts_the_same():
    X, y = _cohort(9)
    model = NearestCentroid(n_genes_per_class=20, random_state=0).fit(X, y)
    restored = decode(encode(model))
    np.testing.assert_array_equal(restored.correlations(X), model.correlations(X))
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))
    np.testing.assert_array_equal(restored.predict(X.to_numpy()), model.predict(X))
    np.testing.assert_array_equal(restored.predict(X[X.columns[::-1]]), model.predict(X))


def test_given_centroids_need_no_labels():
    X, y = _cohort(10)
    learned = NearestCentroid(random_state=0).fit(X, y)
    table = pd.DataFrame(learned.centroids_.T, index=GENES, columns=learned.classes_)
    given = NearestCentroid(centroids=table).fit(X)
    assert (given.predict(X) == y).mean() > 0.85
    with pytest.raises(InputError, match="labelled"):
        given.predict_proba(X)
    with pytest.raises(InputError, match=r"60 of 120 genes.*missing: G60"):
        NearestCentroid(centroids=table).fit(X.iloc[:, :60])


def test_missing_genes_and_values():
    X, y = _cohort(11)
    model = NearestCentroid(random_state=0).fit(X, y)
    some = X.drop(columns=GENES[100:])
    assert (model.predict(some) == y).mean() > 0.9
    with pytest.raises(InputError, match="50 of 120 genes"):
        model.predict(X[GENES[:50]])
    X_new = X.copy()
    X_new.iloc[0, :60] = np.nan
    assert model.predict(X_new)[0] == "cannot call"
    assert model.reasons(X_new)[0] == "too few genes are measured"
    assert np.isnan(model.predict_proba(X_new)[0]).all()


def test_mistakes_are_named():
    X, y = _cohort(12)
    with pytest.raises(InputError, match="'C' has one sample"):
        NearestCentroid().fit(X[:91], y[:91])
    with pytest.raises(InputError, match="one class only"):
        NearestCentroid().fit(X[:50], y[:50])
    with pytest.raises(InputError, match="give y"):
        NearestCentroid().fit(X)
    with pytest.raises(InputError, match="metric"):
        NearestCentroid("cosine").fit(X, y)
    with pytest.raises(InputError, match="missing"):
        NearestCentroid().fit(X.mask(X > 9), y)
