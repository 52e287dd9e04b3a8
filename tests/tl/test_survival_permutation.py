"""Out-of-fold risk groups: the log-rank test does not hold for them, the permutation test does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from precisionmed.estimators.baselines import _null_residual
from precisionmed.estimators.kaplan_meier import logrank
from precisionmed.estimators.lasso import LassoCoxCV
from precisionmed.tl import _survival_permutation as permutation
from precisionmed.tl._survival_cohort import Endpoint
from precisionmed.tl._survival_curves import curve_tables, holm
from precisionmed.tl._survival_models import GENES, ModelInput, out_of_fold
from precisionmed.tl._survival_permutation import permutation_test

FOLDS = {"n_folds": 3, "n_repeats": 1}
LASSO = LassoCoxCV(n_folds=3, rule="min", ties="efron", random_state=1)


def model_input(
    rng: np.random.Generator, n: int = 60, p: int = 12, effect: float = 0.0, batch: np.ndarray | None = None
) -> ModelInput:
    names = [f"s{i}" for i in range(n)]
    X = pd.DataFrame(rng.normal(size=(n, p)), index=names, columns=[f"g{j}" for j in range(p)])
    failure = rng.exponential(np.exp(-effect * X["g0"].to_numpy()))
    censored = rng.exponential(2.0, size=n)
    y = pd.DataFrame({"event": failure < censored, "time": np.minimum(failure, censored)}, index=names)
    endpoint = Endpoint("os", "months", np.arange(n), y)
    expression: dict[str, Any] = {"X": X, "preprocessor": None, "batch": batch, "covariates": None}
    return ModelInput(endpoint, expression, {})


def test_patients_who_differ_are_found_and_strangers_are_not() -> None:
    rng = np.random.default_rng(3)
    found = []
    for effect in (1.2, 0.0):
        data = model_input(rng, effect=effect)
        high = out_of_fold(data, LASSO, **FOLDS, random_state=rng).high_risk
        found.append(permutation_test(data, LASSO, high, n_permutations=19, **FOLDS, random_state=rng))
    assert found[0]["p"] == 0.05
    assert found[1]["p"] > 0.05


def test_the_statistic_is_the_log_rank_test_with_a_direction() -> None:
    data = model_input(np.random.default_rng(1))
    y = data.endpoint.y
    high = np.arange(len(y)) % 2.0
    high[:3] = np.nan
    known = np.isfinite(high)
    expected = logrank(y["time"][known], y["event"][known], high[known]).chi2
    found = permutation._worse(data.endpoint, high)
    assert found**2 == pytest.approx(expected)
    assert permutation._worse(data.endpoint, 1 - high) == pytest.approx(-found)
    assert permutation._worse(data.endpoint, np.full(len(y), np.nan)) == -np.inf


def test_outcomes_move_whole_and_within_batches() -> None:
    batch = np.array(["a", "b", "a"] * 20)
    data = model_input(np.random.default_rng(2), batch=batch)
    y = data.endpoint.y
    moved = permutation._permuted(data, np.random.default_rng(0)).endpoint.y
    assert moved.index.equals(y.index)
    assert not moved["time"].equals(y["time"])
    for name in ("a", "b"):
        own = [sorted(map(tuple, frame[batch == name].to_numpy().tolist())) for frame in (y, moved)]
        assert own[0] == own[1]


def test_groups_made_with_the_outcomes_have_curves_and_no_test() -> None:
    data = model_input(np.random.default_rng(5))
    n = len(data.endpoint.y)
    made = pd.Series(pd.Categorical(["low", "high"] * (n // 2)), index=data.endpoint.y.index)
    found = curve_tables(data.endpoint, {"subtype": made}, {"risk_group": made})
    assert set(found["kaplan_meier"]["grouping"]) == {"overall", "subtype", "risk_group"}
    assert list(found["logrank"]["grouping"]) == ["subtype"]
    assert "logrank" not in curve_tables(data.endpoint, {}, {"risk_group": made})
    test = {"chi2": 3.0, "df": 1, "p": 0.04}
    tested = curve_tables(data.endpoint, {"subtype": made}, {"risk_group": made}, {"risk_group": test})
    table = tested["logrank"].set_index("grouping")
    assert table.loc["risk_group", "p"] == 0.04
    np.testing.assert_allclose(table["p_adjusted"], holm(table["p"]))


def test_holm_counts_what_is_known() -> None:
    found = holm([0.01, np.nan, 0.04, 0.03])
    np.testing.assert_allclose(found[[0, 2, 3]], [0.03, 0.06, 0.06])
    assert np.isnan(found[1])


def _without_signal(seed: int, n_permutations: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    data = model_input(rng, n=50, p=10)
    y = data.endpoint.y
    found = out_of_fold(data, LASSO, **FOLDS, random_state=rng)
    known = np.isfinite(found.high_risk)
    naive = logrank(y["time"][known], y["event"][known], found.high_risk[known]).p if known.any() else np.nan
    lower = found.models[GENES].concordance(y, seed, n_boot=200)[1] if found.n_genes.any() else 0.0
    test = permutation_test(
        data, LASSO, found.high_risk, n_permutations=n_permutations, **FOLDS, random_state=rng
    )
    return {"naive": naive, "p": test["p"], "lower": lower}


def test_without_signal_few_groups_are_said_to_differ() -> None:
    runs = pd.DataFrame([_without_signal(seed, 19) for seed in range(8)])
    said = (runs["p"] <= 0.05) & (runs["lower"] > 0.5)
    assert said.sum() <= 1  # binomial of 8 at 5%: more in 6%
    assert runs["p"].nunique() > 3


@pytest.mark.slow
def test_without_signal_the_permutation_p_is_uniform() -> None:
    runs = pd.DataFrame([_without_signal(seed, 19) for seed in range(100)])
    rng = np.random.default_rng(0)
    drawn = runs["p"] - rng.uniform(0, 1 / 20, len(runs))
    # Without any gene there are no groups and p is 1, a tie: anywhere above the rest in a uniform p.
    groups = runs["naive"].notna()
    drawn[~groups] = rng.uniform(groups.mean(), 1, int((~groups).sum()))
    assert stats.kstest(drawn, "uniform").pvalue > 0.01
    assert ((runs["p"] <= 0.05) & (runs["lower"] > 0.5)).mean() <= 0.05
    assert (runs["lower"] > 0.5).mean() <= 0.05


def test_the_log_rank_test_does_not_hold_for_groups_made_with_the_outcomes() -> None:
    rng, p = np.random.default_rng(8), []
    for _ in range(150):
        y = model_input(rng, n=60).endpoint.y
        X = rng.normal(size=(60, 40))
        hazard = _null_residual(y)
        fold = rng.permutation(60) % 5
        same = fold[:, None] == fold[None, :]
        score = (
            np.where(same, 0.0, X @ X.T) @ hazard
        )  # a linear score of each patient by the others' outcomes
        p.append(logrank(y["time"], y["event"], score > 0).p)
    assert np.mean(np.array(p) < 0.05) > 0.1
