import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import ledoit_wolf_shrinkage

from precisionmed.errors import InputError
from precisionmed.estimators import DecoySelection, LassoCox, LassoLogistic, LassoMultinomial
from precisionmed.estimators._decoy_genes import knockoffs, ledoit_wolf, permuted
from precisionmed.io.codec import decode, encode


def blocks(n, p, rng, correlation=0.5):
    """Standardized genes in correlated blocks of ten."""
    shared = np.repeat(rng.normal(size=(n, p // 10)), 10, axis=1)
    X = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * rng.normal(size=(n, p))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def cohort(n=300, p=60, true=12, strength=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, (strength * X[:, :true].sum(axis=1) + rng.logistic(size=n) > 0).astype(int)


@pytest.mark.parametrize(("n", "p"), [(150, 40), (60, 200)])
def test_shrinkage_equals_that_of_scikit_learn(n, p):
    X = blocks(n, p, np.random.default_rng(0))
    eigenvalues = np.linalg.eigvalsh(X @ X.T / n)[-min(n - 1, p) :]
    ours = ledoit_wolf(np.sum(X**2, axis=1), eigenvalues, p)
    assert ours == pytest.approx(ledoit_wolf_shrinkage(X, assume_centered=True), rel=1e-10)


@pytest.mark.parametrize(("n", "p", "n_copies"), [(2000, 30, 1), (2000, 30, 3), (40, 60, 1), (40, 60, 2)])
def test_knockoffs_follow_the_formulas_with_full_matrices(n, p, n_copies):
    """Mean and covariance given the genes are those of Candès et al. with the p x p matrix written out."""
    X = blocks(n, p, np.random.default_rng(0))
    shrinkage = ledoit_wolf_shrinkage(X, assume_centered=True)
    sigma = (1 - shrinkage) * X.T @ X / n + shrinkage * np.eye(p)
    s = min(1.0, (1 + 1 / n_copies) * np.linalg.eigvalsh(sigma)[0])
    mean = X - s * X @ np.linalg.inv(sigma)
    covariance = 2 * s * np.eye(p) - s**2 * np.linalg.inv(sigma)
    rng = np.random.default_rng(1)
    draws = np.array([knockoffs(X, n_copies, rng) - mean for _ in range(200 if n < 100 else 2)])
    rows = draws.transpose(0, 2, 1, 3).reshape(-1, n_copies, p)
    error = 5 / np.sqrt(len(rows))
    assert np.abs(draws.mean(axis=0)).max() < 5 * np.sqrt(2 * s / len(draws))
    assert np.abs(rows[:, 0].T @ rows[:, 0] / len(rows) - covariance).max() < error * 2 * s
    if n_copies > 1:
        across = rows[:, 0].T @ rows[:, 1] / len(rows)
        assert np.abs(across - covariance + s * np.eye(p)).max() < error * 2 * s


def test_knockoffs_can_be_swapped_with_their_genes():
    """With many samples: same covariance among decoys, and with the other genes, as among the genes."""
    X = blocks(10_000, 40, np.random.default_rng(0))
    decoys = knockoffs(X, 1, np.random.default_rng(1))[0]
    genes, both = X.T @ X / len(X), X.T @ decoys / len(X)
    assert np.abs(decoys.T @ decoys / len(X) - genes).max() < 0.05
    off = ~np.eye(40, dtype=bool)
    assert np.abs(both - genes)[off].max() < 0.05
    assert np.diag(both).max() < 0.15  # as far from their genes as the correlation of 0.5 allows


@pytest.mark.parametrize("make", [knockoffs, permuted])
def test_making_decoys_takes_little_more_memory_than_they_do(make):
    X = np.random.default_rng(0).normal(size=(50, 40_000))
    tracemalloc.start()
    decoys = make(X, 2, np.random.default_rng(1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * decoys.nbytes


def test_permuted_genes_keep_their_correlation_only_among_each_other():
    X = blocks(500, 40, np.random.default_rng(0))
    decoys = permuted(X, 2, np.random.default_rng(1))
    assert np.allclose(decoys[0].T @ decoys[0], X.T @ X)
    assert np.abs(decoys[0].T @ X / 500).max() < 0.2
    assert not np.array_equal(decoys[0], decoys[1])


@pytest.mark.parametrize("decoys", ["knockoff", "permutation"])
def test_true_genes_beat_their_decoys(decoys):
    X, y = cohort()
    fit = DecoySelection(LassoLogistic(), decoys=decoys, random_state=1).fit(X, y)
    found = np.flatnonzero(fit.selected_)
    assert np.sum(found < 12) >= 10
    assert np.sum(found >= 12) <= 2
    assert fit.estimated_fdp_ <= 0.1
    assert (fit.frequency_[fit.selected_] >= fit.threshold_).all()
    assert (fit.frequency_ > fit.decoy_frequency_)[fit.selected_].all()


def test_the_curve_is_the_estimate_at_every_threshold():
    X, y = cohort(true=6, strength=0.5)
    fit = DecoySelection(LassoLogistic(), fdr=None, n_copies=2, random_state=1).fit(X, y)
    real, decoy, curve = fit.frequency_, fit.decoy_frequency_, fit.fdp_curve_
    for row in curve.itertuples():
        wins, losses = (real > decoy) & (real >= row.threshold), (decoy > real) & (decoy >= row.threshold)
        assert (row.n_real, row.n_decoy) == (wins.sum(), losses.sum())
        assert row.fdp == pytest.approx((1 + losses.sum()) / (2 * max(1, wins.sum())))
    assert fit.estimated_fdp_ == curve.fdp.min()
    assert fit.threshold_ == curve.threshold[curve.fdp == curve.fdp.min()].min()


def test_three_classes():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 60))
    utility = np.column_stack([X[:, :6].sum(axis=1), X[:, 6:12].sum(axis=1), np.zeros(400)])
    y = np.array(["LumA", "LumB", "Basal"])[np.argmax(1.5 * utility + rng.gumbel(size=(400, 3)), axis=1)]
    fit = DecoySelection(LassoMultinomial(), random_state=1).fit(X, y)
    assert np.sum(np.flatnonzero(fit.selected_) < 12) >= 10


def test_decoys_do_not_repeat_data_of_the_same_seed():
    X, _ = cohort(seed=0)
    y = np.random.default_rng(9).integers(0, 2, len(X))
    fit = DecoySelection(LassoLogistic(), n_pairs=20, random_state=0).fit(X, y)
    assert 0.3 < np.mean(fit.frequency_ > fit.decoy_frequency_) < 0.7


def test_survival_with_an_unpenalized_covariate():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 61))
    time, censored = rng.exponential(np.exp(-X[:, 1:13].sum(axis=1) - X[:, 0])), rng.exponential(3.0, 300)
    y = pd.DataFrame({"event": time <= censored, "time": np.minimum(time, censored)})
    factor = np.append(0.0, np.ones(60))
    fit = DecoySelection(LassoCox(penalty_factor=factor), random_state=1).fit(X, y)
    assert not fit.screened_[0] and fit.frequency_[0] == 0
    assert np.sum(fit.selected_[1:13]) >= 10


def test_screening_keeps_the_genes_whose_decoys_look_good_too():
    """What is screened is the same when genes and decoys trade places: only the pair counts."""
    X, y = cohort(p=200)
    fit = DecoySelection(LassoLogistic(), n_screened=40, decoys="permutation", random_state=1).fit(X, y)
    assert fit.screened_.sum() == 40
    assert fit.screened_[:12].sum() >= 11
    assert fit.frequency_[~fit.screened_].max() == 0
    traded = permuted((X - X.mean(axis=0)) / X.std(axis=0), 1, np.random.default_rng(1).spawn(2)[0])[0]
    score = np.abs([Z.T @ (y - y.mean()) for Z in ((X - X.mean(axis=0)) / X.std(axis=0), traded)]).max(axis=0)
    assert set(np.argsort(-score)[:40]) == set(np.flatnonzero(fit.screened_))


def test_nothing_to_find_gives_an_empty_signature():
    rng = np.random.default_rng(3)
    for seed in range(10):
        X, y = rng.normal(size=(80, 60)), rng.integers(0, 2, 80)
        fit = DecoySelection(LassoLogistic(), n_pairs=10, random_state=seed).fit(X, y)
        assert not fit.selected_.any()
        assert fit.threshold_ == np.inf and fit.estimated_fdp_ == 0


def test_constant_genes_do_not_compete():
    X, y = cohort()
    X[:, 20] = 3.0
    fit = DecoySelection(LassoLogistic(), n_pairs=5, random_state=1).fit(X, y)
    assert not fit.screened_[20]


def test_the_same_seed_gives_the_same_and_a_fit_can_be_locked():
    X, y = cohort()
    first, second = (DecoySelection(LassoLogistic(), n_pairs=5, random_state=7).fit(X, y) for _ in range(2))
    assert np.array_equal(first.frequency_, second.frequency_)
    back = decode(encode(first))
    pd.testing.assert_frame_equal(back.fdp_curve_, first.fdp_curve_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"decoys": "shuffled"}, "'decoys' parameter"),
        ({"fdr": 0.0}, "'fdr' parameter"),
        ({"n_copies": 0}, "n_copies"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(InputError, match=message):
        DecoySelection(LassoLogistic(), **parameters).fit(*cohort())
