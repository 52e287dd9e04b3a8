import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import clone

from precisionmed.errors import InputError
from precisionmed.estimators._operating_point import band, operating_point
from precisionmed.estimators.receptors import ReceptorClassifier, platt, three_way
from precisionmed.io.codec import decode, encode


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    y = (rng.random(160) < 0.3).astype(int)
    X = pd.DataFrame(rng.normal(6, 1, (160, 60)), columns=[f"g{i}" for i in range(60)])
    X["g0"] += 3.0 * y
    X["g1"] += 1.5 * y
    return X, y


@pytest.fixture(scope="module")
def fitted(data):
    return ReceptorClassifier(random_state=1).fit(*data)


def test_finds_the_genes_and_calls(data, fitted):
    X, y = data
    assert fitted.coef_[0] > 0
    assert np.count_nonzero(fitted.coef_) < 15
    call = fitted.call(X)
    called = call != "cannot call"
    assert called.mean() > 0.8
    assert ((call == "positive") == y)[called].mean() > 0.95
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1.0)
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict_proba(X)[:, 1] > fitted.threshold_)


def test_probabilities_are_calibrated_on_new_samples(fitted):
    rng = np.random.default_rng(5)
    y = (rng.random(4000) < 0.3).astype(int)
    X = rng.normal(6, 1, (4000, 60))
    X[:, 0] += 3.0 * y
    X[:, 1] += 1.5 * y
    probability = fitted.predict_proba(X)[:, 1]
    assert probability.mean() == pytest.approx(y.mean(), abs=0.05)
    # the true posterior of this model is logistic in the two genes
    truth = expit(np.log(0.3 / 0.7) + 3.0 * (X[:, 0] - 7.5) + 1.5 * (X[:, 1] - 6.75))
    assert np.mean((probability - truth) ** 2) < 0.01


def test_one_sample_alone_is_its_row_among_many(data, fitted):
    X, _ = data
    scores = fitted.decision_function(X)
    alone = [fitted.decision_function(X.iloc[[i]])[0] for i in range(len(X))]
    np.testing.assert_array_equal(scores, alone)


def test_excluded_genes_are_never_used(data):
    X, y = data
    by_name = ReceptorClassifier(exclude_genes=("g0", "absent"), random_state=1).fit(X, y)
    by_number = ReceptorClassifier(exclude_genes=(0,), random_state=1).fit(X.to_numpy(), y)
    assert by_name.coef_[0] == 0
    assert by_name.coef_[1] > 0
    np.testing.assert_array_equal(by_name.coef_, by_number.coef_)


def test_same_seed_same_model_and_locks_without_loss(data, fitted):
    X, y = data
    np.testing.assert_array_equal(clone(fitted).fit(X, y).coef_, fitted.coef_)
    np.testing.assert_array_equal(decode(encode(fitted)).call(X), fitted.call(X))


def test_noise_gives_the_prevalence():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [60, 20])
    model = ReceptorClassifier(random_state=0).fit(rng.normal(size=(80, 50)), y)
    if not model.coef_.any():
        np.testing.assert_allclose(model.predict_proba(np.zeros((1, 50)))[0, 1], 0.25, atol=0.02)
    assert np.ptp(model.predict_proba(rng.normal(size=(50, 50)))[:, 1]) < 0.5


def test_three_way_includes_the_limits():
    calls = three_way([0.0, 0.35, 0.36, 0.64, 0.65, 1.0], (0.35, 0.65))
    assert list(calls) == ["negative", "negative", "cannot call", "cannot call", "positive", "positive"]


def test_the_band_keeps_its_width_in_odds_around_any_threshold():
    probability = np.linspace(0.001, 0.999, 500)
    low, high = band([0.1, 0.5, 0.8], (0.35, 0.65))
    np.testing.assert_allclose(logit(high) - logit([0.1, 0.5, 0.8]), logit(0.65))
    np.testing.assert_allclose(logit([0.1, 0.5, 0.8]) - logit(low), -logit(0.35))
    assert (low[1], high[1]) == (0.35, 0.65)
    moved = expit(logit(probability) - logit(0.1))
    np.testing.assert_array_equal(three_way(probability, (0.35, 0.65), 0.1), three_way(moved, (0.35, 0.65)))
    assert [float(v) for v in band(0.2, (0.0, 1.0))] == [0.0, 1.0]


def test_the_balanced_point_has_the_largest_expected_youden_index():
    """Of calibrated probabilities; and a constant one lies on it, so that nothing is called."""
    rng = np.random.default_rng(1)
    score = rng.normal(-1.5, 1.2, 20000)
    y = (rng.random(score.size) < expit(score)).astype(int)
    cut = np.linspace(-3, 1, 81)
    youden = [
        expit(score)[score > c].sum() / y.sum() - (1 - expit(score))[score > c].sum() / (y == 0).sum()
        for c in cut
    ]
    assert operating_point(score, y, "balanced") == pytest.approx(expit(cut[np.argmax(youden)]), abs=0.01)
    slope, shift = platt(np.ones(60), y[:60])
    flat = np.full(60, slope + shift)
    threshold = operating_point(flat, y[:60], "balanced")
    assert set(three_way(expit(flat), (0.35, 0.65), threshold)) == {"cannot call"}


@pytest.mark.parametrize(
    "aim",
    ["sensitivity:0.9", "specificity:0.8", "sensitivity:.5", "specificity:0.99", "sensitivity:0.999"],
)
@pytest.mark.parametrize("ties", [False, True])
def test_an_aim_is_reached_by_the_scores_it_is_learned_from(aim, ties):
    rng = np.random.default_rng(3)
    y = (rng.random(90) < 0.2).astype(int)
    score = rng.normal(size=90) + y
    score = np.round(score) if ties else score
    what, least = aim.split(":")
    cut = logit(operating_point(score, y, aim))
    own = score[y == 1] >= cut - 1e-9 if what == "sensitivity" else score[y == 0] <= cut + 1e-9
    assert own.mean() >= float(least)
    if not ties:
        assert own.mean() <= float(least) + 2 / own.size
        assert not np.isclose(score, cut, rtol=0, atol=1e-9).any()
    assert cut / 0.05 == pytest.approx(round(cut / 0.05), abs=1e-6)


@pytest.mark.parametrize(
    "aim", ["accuracy", "sensitivity", "sensitivity:90", "sensitivity:0.0", "balanced:0.9", ""]
)
def test_an_aim_that_is_none_is_refused(data, aim):
    with pytest.raises(InputError, match="aim must be 'balanced'"):
        ReceptorClassifier(aim=aim).fit(*data)


def test_a_model_without_a_threshold_of_its_own_calls_around_one_half(data, fitted):
    old = decode(encode(fitted))
    del old.threshold_
    again = decode(encode(old))
    assert again.limits == (0.35, 0.65)
    np.testing.assert_array_equal(
        again.call(data[0]), three_way(old.predict_proba(data[0])[:, 1], (0.35, 0.65))
    )
    np.testing.assert_array_equal(again.predict(data[0]), old.predict_proba(data[0])[:, 1] > 0.5)


def test_platt_minimizes_the_smoothed_likelihood():
    rng = np.random.default_rng(2)
    y = np.repeat([0.0, 1.0], [70, 30])
    score = 5.0 + 0.2 * (rng.normal(size=100) + 1.5 * y)
    target = np.where(y == 1, 31 / 32, 1 / 72)

    def loss(beta):
        eta = beta[0] * score + beta[1]
        return (np.logaddexp(0, eta) - target * eta).sum()

    slope, intercept = platt(score, y)
    best = minimize(loss, [5.0, -25.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    np.testing.assert_allclose([slope, intercept], best.x, rtol=1e-3)
    assert loss([slope, intercept]) <= best.fun + 1e-9


def test_platt_stays_finite_when_classes_separate_and_flat_when_scores_mislead():
    y = np.repeat([0.0, 1.0], 20)
    slope, _ = platt(y * 10 - 5 + np.linspace(0, 1, 40), y)
    assert 0 < slope < 10
    assert platt(-y, y)[0] == 0
    assert platt(np.ones(40), y) == (0.0, 0.0)


def test_wrong_labels_and_limits_are_told(data):
    X, _ = data
    with pytest.raises(InputError, match="0 or 1 with at least two"):
        ReceptorClassifier().fit(X, np.ones(len(X)))
    with pytest.raises(InputError, match="two rising probabilities"):
        ReceptorClassifier(uncertain=(0.7, 0.3)).fit(X, data[1])
