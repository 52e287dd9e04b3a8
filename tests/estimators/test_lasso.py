"""LASSO estimators against R's glmnet, and on hard input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from precisionmed.errors import InputError
from precisionmed.estimators._lasso_adaptive import adaptive_factors
from precisionmed.estimators._lasso_cv import CvCurve
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.estimators.lasso import (
    LassoCox,
    LassoCoxCV,
    LassoLinear,
    LassoLinearCV,
    LassoLogistic,
    LassoLogisticCV,
)
from precisionmed.kernels.lasso_losses import BINOMIAL, COX_BRESLOW, GAUSSIAN, MULTINOMIAL

REFERENCE = Path(__file__).parents[1] / "reference" / "lasso"
# alpha and penalty factors of the cases in glmnet.R and glmnet_families.R
CASES = {
    "binomial_wide": (1.0, None),
    "binomial_long": (1.0, None),
    "binomial_weighted": (0.5, np.tile([0.0, 1.0, 2.0, 1.0], 10)),
    "binomial_offset": (1.0, np.repeat([1.0, 0.0, 1.0], [10, 1, 49])),
    "binomial_origin": (1.0, None),
    "cox_wide": (1.0, None),
    "cox_long": (1.0, None),
    "cox_weighted": (0.5, np.tile([1.0, 1.0, 2.0, 0.5], 10)),
    "cox_strata": (1.0, None),
    "cox_offset": (1.0, None),
    "gaussian_wide": (1.0, None),
    "gaussian_weighted": (0.5, np.tile([0.0, 1.0, 2.0, 1.0], 5)),
    "gaussian_origin": (1.0, None),
    "multinomial_wide": (1.0, None),
    "multinomial_weighted": (0.7, np.tile([0.5, 1.0, 2.0], 20)),
}
FAMILY = {"binomial": BINOMIAL, "cox": COX_BRESLOW, "gaussian": GAUSSIAN, "multinomial": MULTINOMIAL}
TIGHT = 1e-9


def _problem(case, tolerance):
    data = pd.read_csv(REFERENCE / f"{case}_data.csv")
    family = FAMILY[case.split("_")[0]]
    alpha, factor = CASES[case]
    weight = data.weight.to_numpy(float)
    survival = family == COX_BRESLOW
    offset = data.filter(regex="^offset").to_numpy(float)
    problem = Problem(
        data.filter(regex="^g").to_numpy(float),
        family,
        data["event" if survival else "y"].to_numpy(float),
        data.time.to_numpy(float) if survival else None,
        np.vstack([weight, *(np.where(data.fold == k, 0.0, weight) for k in range(1, 6))]),
        alpha,
        factor,
        tolerance=tolerance,
        offset=offset if offset.size else None,
        strata=data.stratum.to_numpy() if "stratum" in data else None,
        fit_intercept=not case.endswith("origin"),
    )
    return problem, weight


def _golden(case, solver="tight"):
    """Return penalties, explained deviance, coefficients (n_lambda, k, p) and intercepts of glmnet."""
    table = pd.read_csv(REFERENCE / f"{case}_path.csv")
    if "solver" in table:
        table = table[table.solver == solver]
    outputs = table["class"].nunique() if "class" in table else 1
    first = table.iloc[: len(table) // outputs]

    def by_penalty(columns):
        return table[columns].to_numpy(float).reshape(outputs, len(first), -1).swapaxes(0, 1)

    coef = by_penalty(list(table.filter(regex=r"^[Vg]\d")))
    return first["lambda"].to_numpy(), first.dev_ratio.to_numpy(), coef, by_penalty(["a0"])[:, :, 0]


def _objective(problem, coef, intercept, lambda_):
    X = problem.X[problem.order]
    eta = coef @ X.T + intercept[:, None] + problem.cohort_offset
    beta = coef * problem.unit * problem.scale[0]
    penalty = problem.alpha * np.abs(beta) + (1 - problem.alpha) / 2 * beta**2
    return problem.loss(eta, problem.weight[0]) + lambda_ * np.sum(problem.factor[0] * penalty)


def _without_twin(coef, case):
    """Add up the coefficients of the two equal genes, which only their sum is determined of."""
    if not _has_default(case) or CASES[case][0] < 1:
        return coef
    merged = coef.copy()
    merged[:, 3] += merged[:, -2]
    return np.delete(merged, -2, axis=1)


def _has_default(case):
    return "solver" in pd.read_csv(REFERENCE / f"{case}_path.csv", nrows=1)


# glmnet cannot solve stratified models tightly: there, its default is compared with ours (next test), the
# likelihood with coxph (tests/kernels), and the stationarity conditions certify the optimum.
@pytest.mark.parametrize("case", [case for case in CASES if case != "cox_strata"])
def test_path_equals_glmnet(case):
    """Objective within 1e-8 of glmnet's, coefficients within 1e-4 where they are determined."""
    lambdas, dev_ratio, coefs, intercepts = _golden(case)
    problem, _ = _problem(case, TIGHT)
    null = _objective(problem, coefs[0], intercepts[0], lambdas[0])
    steps = 0
    for k, step in enumerate(Walk(problem, lambdas=lambdas)):
        coef, intercept = step.original_scale()
        theirs = _objective(problem, coefs[k], intercepts[k], step.lambda_)
        ours = _objective(problem, coef, intercept, step.lambda_)
        assert abs(ours - theirs) <= 1e-8 * abs(null)
        assert step.deviance_ratio[0] == pytest.approx(dev_ratio[k], abs=1e-6)
        np.testing.assert_allclose(_without_twin(coef, case), _without_twin(coefs[k], case), atol=1e-4)
        steps += 1
    assert steps == len(lambdas)


@pytest.mark.parametrize("case", [case for case in CASES if _has_default(case)])
def test_default_tolerance_is_not_worse_than_glmnet_at_its_own(case):
    lambdas, _, coefs, intercepts = _golden(case, "default")
    problem, _ = _problem(case, 1e-3)
    for k, step in enumerate(Walk(problem, lambdas=lambdas)):
        theirs = _objective(problem, coefs[k], intercepts[k], step.lambda_)
        ours = _objective(problem, *step.original_scale(), step.lambda_)
        assert ours <= theirs + 1e-7 * abs(theirs)


@pytest.mark.parametrize("case", [case for case in CASES if case != "cox_strata"])
def test_first_penalty_equals_glmnet(case):
    golden = _golden(case)[0]
    problem, _ = _problem(case, TIGHT)
    assert Walk(problem, len(golden), golden[-1] / golden[0]).lambdas == pytest.approx(golden, rel=1e-5)


# Not the weighted Cox case: cv.glmnet scales the weights of all and of training samples differently.
@pytest.mark.parametrize(
    "case", [case for case in CASES if (REFERENCE / f"{case}_cv.csv").exists() and case != "cox_weighted"]
)
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
    with pytest.raises(InputError, match="use LassoMultinomial"):
        LassoLogisticCV().fit(X, np.arange(80) % 3)
    with pytest.raises(InputError, match="one class only"):
        LassoLogisticCV().fit(X, np.zeros(80))
    with pytest.raises(InputError, match="offset needs 80 x 1"):
        LassoLogistic().fit(X, y, offset=np.ones((80, 2)))
    with pytest.raises(InputError, match="give the offset of these samples"):
        LassoLogistic().fit(X, y, offset=np.ones(80)).predict(X)
    with pytest.raises(InputError, match="strata belong to survival"):
        LassoLogistic().fit(X, y, strata=y)
    stratified = LassoCox().fit(X, survival, strata=np.where(y, "a", "b"))
    with pytest.raises(InputError, match="give each sample one of"):
        stratified.predict_survival(X, 1.0)
    with pytest.raises(InputError, match="rule"):
        LassoLogisticCV(rule="best").fit(X, y)
    with pytest.raises(InputError, match="alpha"):
        LassoLogistic(alpha=0).fit(X, y)
    with pytest.raises(InputError, match="event"):
        LassoCoxCV().fit(X, y)
    with pytest.raises(InputError, match="ties"):
        LassoCox(ties="exact").fit(X, survival)
    with pytest.raises(InputError, match="X has 50 samples, but y has 80"):
        LassoLogistic().fit(X[:50], y)
    with pytest.raises(InputError, match="penalty_factor"):
        LassoLogistic(penalty_factor=[1.0]).fit(X, y)


def test_linear_model_predicts_and_offset_stands_for_a_known_part():
    X, _, _ = _cohort()
    rng = np.random.default_rng(5)
    known = rng.normal(size=80)
    y = 2 + X[:, 3] - X[:, 8] + known + 0.3 * rng.normal(size=80)
    model = LassoLinearCV(random_state=0).fit(X, y, offset=known)
    assert {3, 8} <= set(np.flatnonzero(model.coef_))
    np.testing.assert_allclose(model.predict(X, offset=known), X @ model.coef_ + model.intercept_ + known)
    without = LassoLinear(model.lambda_, tolerance=1e-9).fit(X, y - known)
    np.testing.assert_allclose(without.coef_, model.coef_, atol=1e-3)
    assert without.gap_ < 1e-8
    assert without.kkt_ < 1e-8


def test_adaptive_factors_come_from_the_training_samples_alone():
    X, y, _ = _cohort(150)
    y = y.astype(float)
    half = (np.arange(150) % 2).astype(float)
    both = adaptive_factors(Problem(X, BINOMIAL, y, None, np.vstack([half, np.ones(150)])))
    changed = X.copy()
    changed[half == 0] = np.random.default_rng(9).normal(size=(75, 120))
    other = adaptive_factors(Problem(changed, BINOMIAL, y, None, np.vstack([half, np.ones(150)])))
    np.testing.assert_array_equal(np.isfinite(both[0]), np.isfinite(other[0]))
    np.testing.assert_allclose(both[0], other[0], rtol=1e-2)
    assert not np.array_equal(both[1], other[1])


def test_adaptive_lasso_is_sparser_and_less_biased():
    X, y, survival = _cohort(200)
    for kind, outcome in ((LassoLogisticCV, y), (LassoCoxCV, survival)):
        plain = kind(rule="min", random_state=0).fit(X, outcome)
        adaptive = kind(rule="min", random_state=0, adaptive=True).fit(X, outcome)
        assert {3, 8} <= set(np.flatnonzero(adaptive.coef_)) < set(np.flatnonzero(plain.coef_))
        assert abs(adaptive.coef_[3]) > abs(plain.coef_[3])


def test_progress_is_told_and_an_interrupt_passes():
    X, y, _ = _cohort()
    seen = []
    model = LassoLogisticCV(random_state=0).fit(X, y, progress=lambda done, of: seen.append((done, of)))
    assert [done for done, _ in seen] == list(range(1, model.lambdas_.size + 1))

    def interrupt(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LassoLogisticCV(random_state=0).fit(X, y, progress=interrupt)
    np.testing.assert_array_equal(LassoLogisticCV(random_state=0).fit(X, y).coef_, model.coef_)
