import numba
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from precisionmed.errors import InputError
from precisionmed.estimators import (
    LassoCox,
    LassoLinear,
    LassoLogistic,
    LassoMultinomial,
    StabilitySelection,
)
from precisionmed.estimators._halves import deal_halves, entry_frequency, first_genes
from precisionmed.estimators._lasso_path import Walk
from precisionmed.io.codec import decode, encode


def cohort(n=160, p=120, seed=0):
    """Two classes that genes 3, 4 and 5 tell apart."""
    rng = np.random.default_rng(seed)
    X = rng.normal(2.0, 3.0, size=(n, p))
    eta = (X[:, 3] - X[:, 4] + X[:, 5] - 2) / 3 * 1.5
    return X, (eta + rng.logistic(size=n) > 0).astype(int)


def survival(n=160, p=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    time, censored = rng.exponential(np.exp(-X[:, 3] + X[:, 4])), rng.exponential(2.0, n)
    return X, pd.DataFrame({"event": time <= censored, "time": np.minimum(time, censored)})


def test_pairs_complement_each_other_and_keep_classes_and_groups_together():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], [51, 20])
    halves = deal_halves(label, 10, rng)
    assert halves.shape == (20, 71)
    assert (halves[::2] ^ halves[1::2]).all()
    assert set(halves[:, label == 1].sum(axis=1)) == {10}
    assert set(halves.sum(axis=1)) == {35, 36}
    assert np.unique(halves, axis=0).shape[0] == 20
    patient = np.arange(71) // 2
    halves = deal_halves(label, 10, rng, patient)
    assert all(np.array_equal(halves[:, 2 * k], halves[:, 2 * k + 1]) for k in range(35))


def test_the_first_genes_are_those_of_each_half_alone():
    """What is walked in step equals a walk of every half by itself, on a finer grid."""
    X, y = cohort()
    model = LassoLogistic(tolerance=1e-6)
    halves = deal_halves(y, 3, np.random.default_rng(1))
    genes, lambdas = first_genes(model._problem(X, model._outcome(y), halves.astype(float)), 6)
    for half, found in zip(halves, genes, strict=True):
        problem = model._problem(X[half], model._outcome(y[half]), np.ones((1, half.sum())))
        entered = []
        for step in Walk(problem, lambdas=np.geomspace(lambdas[0], lambdas[-1], 600)):
            entered += [j for j in np.flatnonzero(step.beta[0]) if j not in entered]
        # A finer grid may tell two genes of one step apart differently; the set and nearly all places agree.
        assert len(set(entered[:6]) & set(found)) >= 5
        assert np.array_equal(entered[:2], found[:2])


def test_frequencies_count_the_first_genes():
    genes = np.array([[2, 0], [2, -1], [1, 2], [0, 3]])
    expected = [[0.25, 0.25, 0.5, 0], [0.5, 0.25, 0.75, 0.25]]
    assert np.array_equal(entry_frequency(genes, 4), expected)


@pytest.mark.parametrize(("model", "data"), [(LassoLogistic(), cohort), (LassoCox(), survival)])
def test_true_genes_are_selected(model, data):
    X, y = data(n=240)
    fit = StabilitySelection(model, random_state=1).fit(X, y)
    true = [3, 4, 5] if data is cohort else [3, 4]
    assert np.flatnonzero(fit.selected_).tolist() == true
    assert fit.pfer_ <= 1.0 and fit.fdr_bound_ == fit.pfer_
    assert fit.false_fraction_ == fit.pfer_ / len(true)
    assert fit.frequency_.sum() == pytest.approx(fit.q_)
    assert np.array_equal(fit.path_frequency_[-1], fit.frequency_[fit.path_genes_])
    assert (np.diff(fit.path_frequency_, axis=0) >= 0).all()
    assert fit.path_frequency_.sum(axis=1) == pytest.approx(np.arange(1, fit.q_ + 1))
    assert fit.refits_.shape == (100, len(true))
    assert (np.sign(fit.interval_).sum(axis=0) == 2 * np.sign(np.median(fit.refits_, axis=0))).all()


def test_three_classes_and_a_measured_outcome():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(240, 100))
    utility = np.column_stack([2 * X[:, 3], 2 * X[:, 4], np.zeros(240)])
    classes = np.array(["a", "b", "c"])[np.argmax(utility + rng.gumbel(size=(240, 3)), axis=1)]
    fit = StabilitySelection(LassoMultinomial(), random_state=1).fit(X, classes)
    assert np.flatnonzero(fit.selected_).tolist() == [3, 4]
    assert fit.refits_.shape == (100, 3, 2) and fit.interval_.shape == (2, 3, 2)
    assert fit.interval_[0, 0, 0] > 0 > fit.interval_[1, 1, 0]
    measured = X[:, 3] - X[:, 4] + rng.normal(size=240)
    fit = StabilitySelection(LassoLinear(), pfer=0.1, random_state=1).fit(X, measured)
    assert np.flatnonzero(fit.selected_).tolist() == [3, 4]
    assert np.median(fit.refits_, axis=0) == pytest.approx([1, -1], abs=0.2)


def test_refits_are_plain_regressions_and_vary_as_much_as_estimates():
    """Intervals from the refits are, on average, 7% wider than those of maximum likelihood in the cohort.

    That is the price of knowing the ends from 100 halves (linear percentiles would be 2% too narrow).
    """
    from statsmodels.api import Logit, add_constant

    ratios = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X = rng.normal(5.0, 2.0, size=(400, 5))
        y = (0.5 * (X[:, 0] - X[:, 1]) + 0.3 * (X[:, 2] - 5) + rng.logistic(size=400) > 0).astype(int)
        model = StabilitySelection(
            LassoLogistic(), q=3, pfer=None, bound="meinshausen-buehlmann", random_state=1
        )
        fit = model.fit(X, y)
        reference = Logit(y, add_constant(X[:, fit.selected_])).fit(disp=0)
        assert np.median(fit.refits_, axis=0) == pytest.approx(reference.params[1:], rel=0.1, abs=0.02)
        ratios += list(np.ptp(fit.interval_, axis=0) / np.ptp(reference.conf_int()[1:], axis=1))
    assert np.mean(ratios) == pytest.approx(1.07, abs=0.1)


def test_unpenalized_and_excluded_genes_are_not_counted():
    X, y = cohort()
    factor = np.ones(X.shape[1])
    factor[3], factor[4] = 0.0, np.inf
    fit = StabilitySelection(LassoLogistic(penalty_factor=factor), q=5, pfer=None, random_state=1).fit(X, y)
    assert fit.frequency_[3] == fit.frequency_[4] == 0
    assert fit.selected_[5]
    assert fit.frequency_.sum() == pytest.approx(5)
    assert fit.refits_.shape[1] == fit.selected_.sum()


def test_nothing_to_find_selects_at_most_what_is_tolerated():
    rng = np.random.default_rng(3)
    counts = []
    for seed in range(12):
        X, y = rng.normal(size=(60, 100)), rng.integers(0, 2, 60)
        counts.append(
            StabilitySelection(LassoLogistic(), n_pairs=20, random_state=seed).fit(X, y).selected_.sum()
        )
    assert np.mean(counts) <= 1.0


def test_the_same_for_any_number_of_threads_and_any_memory_layout():
    X, y = cohort(n=80, p=400)
    model = StabilitySelection(LassoLogistic(), n_pairs=10, random_state=4)
    many = clone(model).fit(X, y)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = clone(model).fit(np.asfortranarray(X), y)
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(many.frequency_, one.frequency_)
    assert np.array_equal(many.refits_, one.refits_)


def test_a_fit_can_be_locked():
    X, y = cohort()
    fit = StabilitySelection(LassoLogistic(), n_pairs=5, random_state=1).fit(
        pd.DataFrame(X, columns=[f"G{j}" for j in range(X.shape[1])]), y
    )
    back = decode(encode(fit))
    assert np.array_equal(back.frequency_, fit.frequency_)
    assert back.feature_names_in_[3] == "G3"
    assert isinstance(back.model, LassoLogistic)


def test_bad_input_is_named():
    X, y = cohort()
    holes = X.copy()
    holes[0, 7] = np.nan
    with pytest.raises(InputError, match="gene in column 7 has missing values"):
        StabilitySelection(LassoLogistic()).fit(holes, y)
    with pytest.raises(InputError, match="2 samples of each class"):
        StabilitySelection(LassoLogistic()).fit(X, np.arange(y.size) < 3)
    with pytest.raises(InputError, match="two of q, threshold and pfer"):
        StabilitySelection(LassoLogistic(), q=5).fit(X, y)
