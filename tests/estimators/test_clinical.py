"""Models of the clinical table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators._firth import firth_logistic
from precisionmed.estimators.clinical import ClinicalOnly, GenesAndClinical
from precisionmed.estimators.covariates import CovariateEncoder
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.crossval import cross_validate_models
from precisionmed.estimators.lasso import LassoCoxCV, LassoLogisticCV
from precisionmed.io.codec import decode, encode


def _cohort(n: int = 160) -> tuple[np.ndarray, pd.DataFrame, np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 30))
    clinical = pd.DataFrame(
        {"age": rng.normal(60, 10, n).round(), "grade": rng.choice(["1", "2", "3"], n)},
        index=rng.permutation(n),
    )
    clinical.iloc[::9, 0] = np.nan
    signal = X[:, 4] + 1.5 * (clinical["grade"] == "3").to_numpy()
    y = (rng.random(n) < 1 / (1 + np.exp(1 - 1.5 * signal))).astype(int)
    survival = pd.DataFrame(
        {"event": rng.random(n) < 0.8, "time": rng.exponential(np.exp(-signal))},
        index=clinical.index,
    )
    return X, clinical, y, survival


def test_firth_adds_half_a_sample_to_each_cell_of_a_two_by_two_table():
    """Closed form of the saturated model (Firth 1993), also when a cell is empty; 1e-9."""
    for a, b, c, d in ((7, 3, 4, 11), (9, 0, 5, 6), (8, 0, 0, 5)):
        x = np.repeat([1.0, 1.0, 0.0, 0.0], (a, b, c, d))
        y = np.repeat([True, False, True, False], (a, b, c, d))
        intercept, (slope,) = firth_logistic(x[:, None], y)
        assert intercept == pytest.approx(np.log((c + 0.5) / (d + 0.5)), rel=1e-9)
        odds_ratio = (a + 0.5) * (d + 0.5) / (b + 0.5) / (c + 0.5)
        assert slope == pytest.approx(np.log(odds_ratio), rel=1e-9)


def test_firth_maximizes_the_penalized_likelihood():
    rng = np.random.default_rng(0)
    X, y = rng.normal(3, 2, size=(40, 3)), rng.random(40) < 0.3
    intercept, slope = firth_logistic(X, y)

    def value(beta):
        design = np.column_stack([np.ones(40), X])
        p = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ ((p * (1 - p))[:, None] * design)
        return np.log(np.where(y, p, 1 - p)).sum() + np.linalg.slogdet(information)[1] / 2

    best = np.append(intercept, slope)
    for direction in rng.normal(size=(50, 4)):
        assert value(best + 1e-3 * direction) < value(best)


def test_clinical_cox_is_the_cox_model_of_the_encoded_table():
    X, clinical, _, survival = _cohort()
    model = ClinicalOnly().fit(X, survival, clinical=clinical)
    encoded = CovariateEncoder().fit_transform(clinical)
    expected = CoxModel().fit(encoded, survival).predict(encoded)
    np.testing.assert_allclose(model.predict(X, clinical=clinical), expected, rtol=1e-9, atol=1e-12)
    assert any("median" in note for note in model.notes_)


def test_separating_and_constant_covariates_do_no_harm():
    X, clinical, y, survival = _cohort()
    clinical = clinical.assign(known=np.where(y == 1, "yes", "no"), same=1.0)
    survival = survival.assign(event=survival["event"].to_numpy() & (y == 1))
    score = ClinicalOnly().fit(X, y, clinical=clinical).predict(X, clinical=clinical)
    assert np.isfinite(score).all()
    assert score[y == 1].min() > score[y == 0].max()
    model = ClinicalOnly().fit(X, survival, clinical=clinical)
    assert np.isfinite(model.predict(X, clinical=clinical)).all()
    assert any("separates" in note for note in model.notes_)


@pytest.mark.parametrize("kind", ["binary", "survival"])
def test_together_they_beat_either_alone(kind):
    X, clinical, y, survival = _cohort()
    outcome, lasso = (y, LassoLogisticCV) if kind == "binary" else (survival, LassoCoxCV)
    genes = lasso(random_state=1, rule="min")
    models = {"genes": genes, "clinical": ClinicalOnly(), "both": GenesAndClinical(genes)}
    found = cross_validate_models(models, X, outcome, clinical=clinical, random_state=0)
    performance = {name: result.performance(outcome) for name, result in found.items()}
    assert performance["both"] > max(performance["genes"], performance["clinical"])
    assert found["both"].selection_frequency[4] == 1
    assert found["both"].compare(found["clinical"], outcome, 0).p < 0.05


def test_nothing_of_the_test_samples_reaches_the_clinical_model():
    X, clinical, y, _ = _cohort()
    found = cross_validate_models({"m": ClinicalOnly()}, X, y, clinical=clinical, random_state=0)["m"]
    one = found.predictions.query("fold == 2")
    test = one["row"].to_numpy()
    train = np.setdiff1d(np.arange(len(y)), test)
    model = ClinicalOnly().fit(X[train], y[train], clinical=clinical.iloc[train])
    np.testing.assert_array_equal(one["score"], model.predict(X[test], clinical=clinical.iloc[test]))


def test_a_model_without_its_clinical_table_is_an_input_error():
    X, _, y, _ = _cohort()
    with pytest.raises(InputError, match="ClinicalOnly needs the clinical table"):
        cross_validate_models({"m": ClinicalOnly()}, X, y)


def test_both_can_be_locked():
    X, clinical, y, _ = _cohort()
    for model in (ClinicalOnly(), GenesAndClinical(LassoLogisticCV(random_state=1))):
        model.fit(X, y, clinical=clinical)
        again = decode(encode(model))
        expected = model.predict(X, clinical=clinical)
        np.testing.assert_array_equal(again.predict(X, clinical=clinical), expected)


def test_a_clinical_table_that_says_nothing_does_not_push_the_genes_aside():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(100, 60))
    y = (X[:, :3].sum(axis=1) + rng.normal(size=100) > 0).astype(int)
    clinical = pd.DataFrame(rng.normal(size=(100, 12))).add_prefix("covariate ")
    genes = LassoLogisticCV(random_state=1)
    models = {"genes": genes, "both": GenesAndClinical(genes)}
    found = cross_validate_models(models, X, y, clinical=clinical, random_state=0)
    # Twelve covariates of noise cost something; a score that has seen its samples costs 0.15.
    assert found["both"].performance(y) > found["genes"].performance(y) - 0.06
