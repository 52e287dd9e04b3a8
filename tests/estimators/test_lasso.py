"""LASSO estimators against R's glmnet, and on hard input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from precisionmed.errors import InputError
from precisionmed.estimators._lasso_base import _original_scale
from precisionmed.estimators._lasso_cv import CvCurve
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.estimators.lasso import LassoCox, LassoCoxCV, LassoLogistic, LassoLogisticCV
from precisionmed.kernels.lasso_losses import BINOMIAL, COX_BRESLOW, loss_terms

REFERENCE = Path(__file__).parents[1] / "reference" / "lasso"
# alpha and penalty factors of each case in glmnet.R
CASES = {
    "binomial_wide": (1.0, None),
    "binomial_long": (1.0, None),
    "binomial_weighted": (0.5, np.tile([0.0, 1.0, 2.0, 1.0], 10)),
    "cox_wide": (1.0, None),
    "cox_long": (1.0, None),
    "cox_weighted": (0.5, np.tile([1.0, 1.0, 2.0, 0.5], 10)),
}


def _read(case):
    data = pd.read_csv(REFERENCE / f"{case}_data.csv")
    X = data.filter(regex="^g").to_numpy(float)
    if case.startswith("cox"):
        return X, data.event.to_numpy(float), data.time.to_numpy(float), data.weight.to_numpy(), data.fold
    return X, data.y.to_numpy(float), None, data.weight.to_numpy(), data.fold


def _problem(case, tolerance):
    X, target, time, weight, fold = _read(case)
    alpha, factor = CASES[case]
    weights = np.vstack([weight, *(np.where(fold == k, 0.0, weight) for k in range(1, 6))])
    family = COX_BRESLOW if time is not None else BINOMIAL
    return Problem(X, family, target, time, weights, alpha, factor, tolerance=tolerance), weight


def _objective(problem, eta, beta, lambda_):
    spare = np.empty((2, eta.size))
    loss = loss_terms(
        problem.family, eta, problem.target, problem.weight[0], problem.block, spare[0], spare[1]
    )
    penalty = problem.alpha * np.abs(beta) + (1 - problem.alpha) / 2 * beta**2
    return loss + lambda_ * problem.factor @ penalty


@pytest.mark.parametrize("case", CASES)
def test_path_equals_glmnet(case):
    """Objective within 1e-8 of glmnet's (never above by more), coefficients within 1e-4."""
    golden = pd.read_csv(REFERENCE / f"{case}_path.csv")
    coefs = golden.filter(regex="^V").to_numpy()
    problem, _ = _problem(case, tolerance=1e-7)
    scale = problem.unit * problem.scale[0]
    X = problem.X[problem.order]
    null = _objective(problem, np.full(len(X), np.nan_to_num(golden.a0[0])), np.zeros(len(scale)), 0.0)
    for k, step in enumerate(Walk(problem, lambdas=golden["lambda"].to_numpy())):
        np.testing.assert_allclose(_original_scale(problem, step), coefs[k], atol=1e-4)
        theirs = _objective(problem, golden.a0[k] + X @ coefs[k], coefs[k] * scale, step.lambda_)
        ours = _objective(problem, step.eta[0], step.beta[0], step.lambda_)
        assert abs(ours - theirs) <= 1e-8 * abs(null)
        assert step.deviance_ratio[0] == pytest.approx(golden.dev_ratio[k], abs=1e-6)
    assert k == len(golden) - 1


@pytest.mark.parametrize("case", CASES)
def test_first_penalty_equals_glmnet(case):
    golden = pd.read_csv(REFERENCE / f"{case}_path.csv")["lambda"]
    problem, _ = _problem(case, tolerance=1e-7)
    assert Walk(problem, 12, golden.iloc[-1] / golden[0]).lambdas == pytest.approx(golden, rel=1e-5)


# Not the weighted Cox case: cv.glmnet scales the weights of all and of training samples differently.
@pytest.mark.parametrize("case", [case for case in CASES if case != "cox_weighted"])
def test_cross_validated_deviance_equals_cv_glmnet(case):
    golden = pd.read_csv(REFERENCE / f"{case}_cv.csv")
    problem, weight = _problem(case, tolerance=1e-7)
    curve = CvCurve(problem, weight)
    for step in Walk(problem, lambdas=golden["lambda"].to_numpy()):
        curve.add(step)
    np.testing.assert_allclose(curve.mean, golden["mean"], rtol=1e-4)
    np.testing.assert_allclose(curve.se, golden["se"], rtol=1e-3)


def _cohort(n=80, p=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    risk = 1.5 * X[:, 3] - 1.5 * X[:, 8]
    y = (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(int)
    time = rng.exponential(np.exp(-risk))
    return X, y, pd.DataFrame({"event": (rng.random(n) < 0.7).astype(int), "time": time})


def _models():
    return [(LassoLogisticCV(random_state=1), 1), (LassoCoxCV(random_state=1), 2)]


@pytest.mark.parametrize(("model", "which"), _models())
def test_cross_validated_model_finds_the_genes_and_keeps_its_books(model, which):
    X, *outcomes = _cohort()
    y = outcomes[which - 1]
    model.fit(pd.DataFrame(X, columns=[f"g{j}" for j in range(120)]), y)
    assert {3, 8} <= set(np.flatnonzero(model.coef_))
    assert model.lambda_ == model.lambda_1se_ >= model.lambda_min_
    assert model.n_nonzero_[0] == 0
    assert model.lambdas_.size == model.cv_mean_.size == model.cv_se_.size == model.n_nonzero_.size
    k = int(np.argmin(np.abs(model.lambdas_ - model.lambda_)))
    np.testing.assert_array_equal(model.coef_path_[k], model.coef_)
    np.testing.assert_allclose(model.scale_, X.std(axis=0))
    assert model.path_end_
    least = clone(model).set_params(rule="min").fit(X, y)
    assert least.lambda_ == least.lambda_min_
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.coef_, model.coef_)


@pytest.mark.parametrize(("model", "which"), _models())
def test_model_at_one_penalty_equals_the_path(model, which):
    X, *outcomes = _cohort()
    y = outcomes[which - 1]
    model = model.set_params(tolerance=1e-7).fit(X, y)
    single = (LassoLogistic if which == 1 else LassoCox)(lambda_=model.lambda_, tolerance=1e-7).fit(X, y)
    np.testing.assert_allclose(single.coef_, model.coef_, atol=1e-6)
    assert single.intercept_ == pytest.approx(model.intercept_, abs=1e-6)


def test_one_sample_is_predicted_as_among_many():
    X, y, survival = _cohort()
    for model in (LassoLogistic(0.02).fit(X, y), LassoCox(0.02).fit(X, survival)):
        score = model.decision_function if hasattr(model, "decision_function") else model.predict
        np.testing.assert_array_equal(np.concatenate([score(X[i : i + 1]) for i in range(80)]), score(X))


def test_probabilities_are_calibrated_in_the_large():
    X, y, _ = _cohort()
    model = LassoLogisticCV(random_state=0).fit(X, y)
    probability = model.predict_proba(X)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert probability[:, 1].mean() == pytest.approx(y.mean(), abs=1e-3)
    np.testing.assert_array_equal(model.predict(X), probability[:, 1] > 0.5)


def test_cox_predictions_are_centred_and_survival_falls():
    X, _, y = _cohort()
    model = LassoCoxCV(random_state=0).fit(X, y)
    assert model.predict(X).mean() == pytest.approx(0, abs=1e-12)
    times = np.quantile(y.time, [0, 0.2, 0.5, 0.9])
    survival = model.predict_survival(X, times)
    assert survival.shape == (80, 4)
    assert (np.diff(survival, axis=1) <= 0).all()
    np.testing.assert_array_equal(model.predict_survival(X, times[2]), survival[:, 2])
    riskier = np.argsort(model.predict(X))
    assert (np.diff(survival[riskier, 2]) <= 0).all()


@pytest.mark.parametrize("p", [1, 30])
def test_nothing_to_find_gives_the_empty_model(p):
    y = np.repeat([0, 1], [20, 10])
    survival = pd.DataFrame({"event": y, "time": np.arange(30) % 7 + 1.0})
    constant = np.full((30, p), 2.5)
    model = LassoLogisticCV(random_state=0).fit(constant, y)
    assert not model.coef_.any()
    np.testing.assert_allclose(model.predict_proba(constant)[:, 1], 1 / 3)
    risk = LassoCoxCV(random_state=0).fit(constant, survival)
    np.testing.assert_array_equal(risk.predict(constant), 0)


def test_infinite_penalty_never_selects_and_zero_penalty_always_does():
    X, y, _ = _cohort()
    factor = np.ones(120)
    factor[3], factor[50] = np.inf, 0
    model = LassoLogisticCV(penalty_factor=factor, random_state=0).fit(X, y)
    assert model.coef_[3] == 0
    assert (model.coef_path_[:, 50] != 0).all()


def test_weight_zero_is_leaving_out():
    X, y, survival = _cohort()
    keep = np.arange(80) % 4 > 0
    for model, outcome in (
        (LassoLogistic(0.05, tolerance=1e-8), y),
        (LassoCox(0.05, tolerance=1e-8), survival),
    ):
        weighted = clone(model).fit(X, outcome, sample_weight=keep)
        part = clone(model).fit(X[keep], outcome[keep])
        np.testing.assert_allclose(weighted.coef_, part.coef_, atol=1e-6)


def test_separable_classes_and_few_samples_do_not_fail():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 500)), np.repeat([0, 1], 6)
    X[:, 0] = y * 10
    X[:, 1] = X[:, 0]
    model = LassoLogisticCV(rule="min", random_state=0).fit(X, y)
    assert (model.predict(X) == y).all()
    with pytest.raises(InputError, match="2 samples of each class"):
        LassoLogisticCV().fit(X, (np.arange(12) == 0).astype(int))


def test_mistakes_are_named():
    X, y, survival = _cohort()
    holes = pd.DataFrame(X.copy(), columns=[f"g{j}" for j in range(120)])
    holes.loc[2, "g7"] = np.nan
    with pytest.raises(InputError, match="gene 'g7' has missing values"):
        LassoLogisticCV().fit(holes, y)
    with pytest.raises(InputError, match="0 and 1"):
        LassoLogisticCV().fit(X, y + 1)
    with pytest.raises(InputError, match="rule"):
        LassoLogisticCV(rule="best").fit(X, y)
    with pytest.raises(InputError, match="alpha"):
        LassoLogistic(alpha=0).fit(X, y)
    with pytest.raises(InputError, match="event"):
        LassoCoxCV().fit(X, y)
    with pytest.raises(InputError, match="ties"):
        LassoCox(ties="exact").fit(X, survival)
    with pytest.raises(InputError, match="another number"):
        LassoLogistic().fit(X[:50], y)
    with pytest.raises(InputError, match="penalty_factor"):
        LassoLogistic(penalty_factor=[1.0]).fit(X, y)
