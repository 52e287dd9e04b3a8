"""The selectors of genes are estimators as scikit-learn has them, and stand in its pipelines."""

from __future__ import annotations

import multiprocessing
import threading

import numba
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators import (
    DecoySelection,
    LassoCox,
    LassoLinear,
    LassoLogistic,
    LassoMultinomial,
    StabilitySelection,
)

MODELS = [LassoLinear(), LassoLogistic(), LassoMultinomial()]
EXPECTED = {
    "check_dtype_object": "entries that are no numbers are the user's mistake: an InputError, no TypeError",
    "check_estimators_nan_inf": "a new sample may lack genes that were not selected",
}
OF_CLASSES = {
    "check_fit2d_1feature": "its rarest class has 3 samples, too few for two halves",
    "check_sample_weight_equivalence_on_dense_data": "a sample and its copy go to different halves",
}


def _expected(selector):
    return EXPECTED if isinstance(selector.model, LassoLinear) else EXPECTED | OF_CLASSES


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [StabilitySelection(model, n_pairs=3, q=1, pfer=None, bound="meinshausen-buehlmann") for model in MODELS]
    + [DecoySelection(model, n_pairs=3) for model in MODELS],
    expected_failed_checks=_expected,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def cohort(n=160, p=60, seed=0):
    """Two classes that genes 3, 4 and 5 tell apart."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, p)), columns=[f"G{j}" for j in range(p)])
    eta = 1.5 * (X.G3 - X.G4 + X.G5).to_numpy()
    return X, (eta + rng.logistic(size=n) > 0).astype(int), eta


def survival(X, risk, seed=0):
    time = np.random.default_rng(seed).exponential(np.exp(-risk))
    return pd.DataFrame({"event": np.arange(len(X)) % 4 > 0, "time": time})


SELECTORS = [
    StabilitySelection(LassoLogistic(), n_pairs=10, random_state=1),
    DecoySelection(LassoLogistic(), n_pairs=10, fdr=None, random_state=1),
]


@pytest.mark.parametrize("selector", SELECTORS)
def test_in_a_pipeline_the_model_sees_the_selected_genes_alone(selector):
    X, y, _ = cohort()
    pipeline = make_pipeline(clone(selector), LassoLogistic(0.01)).fit(X, y)
    fitted, model = pipeline
    names = list(X.columns[fitted.selected_])
    assert {"G3", "G4", "G5"} <= set(names) and len(names) < 30
    assert model.coef_.shape == (len(names),)
    assert np.array_equal(fitted.get_support(), fitted.selected_)
    assert list(fitted.get_feature_names_out()) == names
    assert np.array_equal(pipeline.predict(X), model.predict(X[names].to_numpy()))
    frame = clone(selector).set_output(transform="pandas").fit(X, y).transform(X)
    pd.testing.assert_frame_equal(frame, X[names])
    assert np.array_equal(fitted.inverse_transform(X[names])[:, fitted.selected_], X[names])
    with pytest.raises(InputError, match="genes differ"):
        pipeline.predict(X[X.columns[::-1]])


def test_an_empty_selection_gives_no_columns_and_says_so():
    X, _, _ = cohort()
    y = np.arange(len(X)) % 2
    selector = DecoySelection(LassoLogistic(), n_pairs=5, random_state=1).fit(X, y)
    with pytest.warns(PrecisionMedWarning, match="no gene was selected"):
        assert selector.transform(X).shape == (len(X), 0)
    with (
        pytest.warns(PrecisionMedWarning, match="no gene was selected"),
        pytest.raises(InputError, match="0 feature"),
    ):
        make_pipeline(clone(selector), LassoLogistic()).fit(X, y)


def test_survival_stands_in_a_pipeline_too():
    X, _, eta = cohort()
    y = survival(X, eta)
    for selector in SELECTORS:
        pipeline = make_pipeline(clone(selector).set_params(model=LassoCox()), LassoCox(0.01)).fit(X, y)
        assert np.corrcoef(pipeline.predict(X), eta)[0, 1] > 0.9


@pytest.mark.parametrize("selector", SELECTORS)
def test_genes_that_do_not_vary_are_named(selector):
    X, y, _ = cohort()
    with pytest.raises(InputError, match="none varies"):
        clone(selector).fit(np.ones(X.shape), y)


@pytest.mark.parametrize("selector", SELECTORS)
def test_samples_of_weight_zero_are_left_out(selector):
    X, y, _ = cohort()
    weight = np.ones(len(X))
    weight[::5] = 0
    kept = weight > 0
    left_out = clone(selector).fit(X, y, weight)
    never_there = clone(selector).fit(X[kept], y[kept])
    assert np.array_equal(left_out.frequency_, never_there.frequency_)
    double = clone(selector).fit(X, y, 2 * weight)
    assert np.array_equal(double.frequency_, left_out.frequency_)
    weight[kept] = np.where(y[kept] == 1, 3.0, 1.0)
    assert not np.array_equal(clone(selector).fit(X, y, weight).frequency_, left_out.frequency_)


@pytest.mark.parametrize("selector", SELECTORS)
def test_what_an_offset_explains_is_not_selected(selector):
    X, y, eta = cohort()
    plain = clone(selector).fit(X, y).frequency_
    known = clone(selector).fit(X, y, offset=eta).frequency_
    assert plain[3:6].min() > 0.9
    assert known[3:6].max() < 0.5


@pytest.mark.parametrize("selector", SELECTORS)
def test_what_strata_explain_is_not_selected(selector):
    """A gene that only tells two strata apart looks strong until the strata have hazards of their own."""
    X, _, eta = cohort(n=240)
    stratum = np.arange(240) % 2
    X["G9"] += 2.0 * stratum
    y = survival(X, 3.0 * stratum + eta)
    selector = clone(selector).set_params(model=LassoCox())
    assert clone(selector).fit(X, y).frequency_[9] > 0.8
    fit = clone(selector).fit(X, y, strata=np.array(["old", "new"])[stratum])
    assert fit.frequency_[9] < 0.3
    assert fit.frequency_[3:6].min() > 0.9


@pytest.mark.parametrize("selector", SELECTORS)
def test_progress_ends_with_all_done(selector):
    X, y, _ = cohort()
    seen = []
    clone(selector).fit(X, y, progress=lambda done, total: seen.append((done, total)))
    done, total = np.transpose(seen)
    assert np.unique(total).size == 1 and done[-1] == total[-1]
    assert (np.diff(done) >= 0).all() and done[0] < total[0]


@pytest.mark.parametrize("selector", SELECTORS)
def test_an_interrupt_leaves_nobody_working(selector):
    X, y, _ = cohort()
    reference = clone(selector).fit(X, y).frequency_

    def interrupt(done, total):
        raise KeyboardInterrupt

    threads, running = numba.get_num_threads(), threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        clone(selector).fit(X, y, progress=interrupt)
    assert not multiprocessing.active_children()
    assert threading.active_count() == running
    assert numba.get_num_threads() == threads
    assert np.array_equal(clone(selector).fit(X, y).frequency_, reference)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"groups": np.arange(5)}, "X has 160 samples, but groups has 5"),
        ({"offset": [np.nan] * 160}, "offset needs a value"),
        ({"sample_weight": -np.ones(160)}, "sample_weight needs 160 numbers"),
        ({"strata": np.arange(160) % 2}, "strata belong to survival"),
    ],
)
@pytest.mark.parametrize("selector", SELECTORS)
def test_bad_knowledge_of_samples_is_named(selector, given, message):
    X, y, _ = cohort()
    with pytest.raises(InputError, match=message):
        clone(selector).fit(X, y, **given)


@pytest.mark.parametrize("n_pairs", [0, 1.5])
def test_pairs_are_counted(n_pairs):
    X, y, _ = cohort()
    for selector in SELECTORS:
        with pytest.raises(InputError, match="n_pairs"):
            clone(selector).set_params(n_pairs=n_pairs).fit(X, y)
