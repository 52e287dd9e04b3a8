"""The LASSO models are estimators as scikit-learn has them, and can be locked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from precisionmed.estimators.lasso import (
    LassoCox,
    LassoCoxCV,
    LassoLinear,
    LassoLinearCV,
    LassoLogistic,
    LassoLogisticCV,
)
from precisionmed.estimators.lasso_multinomial import LassoMultinomial, LassoMultinomialCV
from precisionmed.io.codec import decode, encode

FIXED = [LassoLinear(tolerance=1e-11), LassoLogistic(tolerance=1e-11), LassoMultinomial(tolerance=1e-11)]
CROSS_VALIDATED = [LassoLinearCV(), LassoLogisticCV(), LassoMultinomialCV()]
EXPECTED = {
    "check_dtype_object": "entries that are no numbers are the user's mistake: an InputError, no TypeError",
    "check_estimators_nan_inf": "a new sample may lack genes outside the signature",
}
OF_FOLDS = {"check_sample_weight_equivalence_on_dense_data": "a sample and its copy go to different folds"}


def _expected(model):
    return EXPECTED | (OF_FOLDS if hasattr(model, "n_folds") else {})


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(FIXED + CROSS_VALIDATED, expected_failed_checks=_expected)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def _data():
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(60, 12)), columns=[f"g{j}" for j in range(12)])
    risk = X.g2 - X.g5
    survival = pd.DataFrame({"event": np.arange(60) % 3 > 0, "time": rng.exponential(np.exp(-risk))})
    return X, risk, survival


@pytest.mark.parametrize("model", [LassoCox(0.05), LassoCoxCV(n_folds=3, random_state=0)])
def test_survival_models_are_estimators_too(model):
    """Their outcome has two columns, so that scikit-learn's own checks do not apply."""
    X, _, y = _data()
    parameters = model.get_params()
    fitted = clone(model).fit(X, y)
    assert fitted.get_params() == parameters
    assert type(model).__name__ in repr(fitted)
    assert fitted.n_features_in_ == 12
    assert list(fitted.feature_names_in_) == list(X)


@pytest.mark.parametrize(
    "model", [LassoLinear(0.05), LassoLogistic(0.05), LassoMultinomial(0.05), LassoCox(0.05)]
)
def test_fitted_models_can_be_locked(model):
    X, risk, survival = _data()
    classes = np.array(["a", "b", "c"])[np.digitize(risk, [-0.7, 0.7])]
    outcome = {
        LassoLinear: risk,
        LassoLogistic: classes == "a",
        LassoMultinomial: classes,
        LassoCox: survival,
    }
    extra = {"strata": classes} if isinstance(model, LassoCox) else {}
    model.fit(X, outcome[type(model)], **extra)
    again = decode(encode(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    if extra:
        np.testing.assert_array_equal(
            again.predict_survival(X, [1.0, 2.0], strata=classes),
            model.predict_survival(X, [1.0, 2.0], strata=classes),
        )
