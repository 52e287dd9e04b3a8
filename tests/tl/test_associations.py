"""Association tests: the right test, R's and SciPy's numbers, and no test where none is possible."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from precisionmed.config import RolesConfig
from precisionmed.tl._associations import association_table, clinical_variables, repeated


def _obs(n: int = 90, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    group = pd.Series(pd.Categorical(np.repeat(["S1", "S2", "S3"], n // 3)))
    obs = pd.DataFrame(
        {
            "age": rng.normal(60, 10, n),
            "er": pd.Categorical(np.where(rng.random(n) < 0.5, "positive", "negative")),
            "rare": pd.Categorical(rng.choice(["a", "b", "c", "d"], n, p=[0.9, 0.04, 0.03, 0.03])),
            "name": pd.Categorical([f"p{i}" for i in range(n)]),
            "same": pd.Categorical(["x"] * n),
            "os_time": rng.exponential(10, n),
            "os_event": (rng.random(n) < 0.6).astype(float),
        }
    )
    obs.loc[::7, "age"] = np.nan
    return obs, group


def test_each_kind_of_variable_gets_its_test():
    obs, group = _obs()
    table = association_table(obs, group, list(obs.columns), np.random.default_rng(0)).set_index("variable")
    assert table["test"].to_dict() == {
        "age": "Kruskal-Wallis",
        "er": "chi-square",
        "rare": "chi-square (random tables)",
        "os": "log-rank",
    }
    known = obs["age"].notna()
    expected = stats.kruskal(*[obs["age"][known & (group == name)] for name in group.cat.categories])
    assert table.loc["age", "p"] == pytest.approx(expected.pvalue)
    assert table.loc["age", "n"] == known.sum()
    expected = stats.chi2_contingency(pd.crosstab(obs["er"], group), correction=False)
    assert table.loc["er", "p"] == pytest.approx(expected.pvalue)
    assert table.loc["er", "statistic"] == pytest.approx(expected.statistic)


def test_two_by_two_is_exact():
    obs, group = _obs()
    two = group.astype(str).where(group != "S3")
    table = association_table(obs, two, ["er"], np.random.default_rng(0))
    assert table["test"].iloc[0] == "Fisher"
    assert table["n"].iloc[0] == 60
    expected = stats.fisher_exact(pd.crosstab(obs["er"], two))
    assert table["p"].iloc[0] == pytest.approx(expected.pvalue)


def test_random_tables_agree_with_the_exact_test():
    # R: fisher.test(matrix(c(8,1,1, 2,6,2), 3)) gives 0.0243; ordering tables by chi-square differs little.
    labels = pd.Series(np.repeat(["S1", "S2"], 10))
    value = pd.Series(np.repeat(["a", "b", "c", "a", "b", "c"], [8, 1, 1, 2, 6, 2]))
    obs = pd.DataFrame({"x": pd.Categorical(value)})
    table = association_table(obs, labels, ["x"], np.random.default_rng(0))
    assert table["test"].iloc[0] == "chi-square (random tables)"
    assert table["p"].iloc[0] == pytest.approx(0.0243, abs=0.01)


def test_no_association_gives_uniform_p():
    rng = np.random.default_rng(1)
    _, group = _obs()
    many = pd.DataFrame({f"v{i}": pd.Categorical(rng.choice(["a", "b", "c"], 90)) for i in range(200)})
    table = association_table(many, group, list(many.columns), rng)
    assert (table["p"] < 0.05).mean() < 0.1
    assert (table["fdr"] < 0.05).mean() <= 0.02


def test_nothing_to_test_gives_an_empty_table():
    obs, group = _obs()
    table = association_table(obs, group, ["same", "name"], np.random.default_rng(0))
    assert table.empty
    assert list(table.columns) == ["variable", "test", "n", "statistic", "p", "fdr"]


def test_columns_that_repeat_a_canonical_one_are_left_out():
    roles = RolesConfig.model_validate(
        {
            "endpoints": {"os": {"time": "months", "event": "dead"}},
            "receptors": {"er": {"column": "er_ihc"}},
            "patient": "case",
        }
    )
    columns = pd.Index(["os_time", "os_event", "months", "dead", "er", "er_ihc", "case", "patient", "grade"])
    assert clinical_variables(columns, roles) == ["os_time", "os_event", "er", "grade"]


def test_what_says_the_same_is_tested_once() -> None:
    rng = np.random.default_rng(4)
    n = 80
    er = rng.choice(["positive", "negative"], n)
    age = rng.normal(60, 10, n)
    obs = pd.DataFrame(
        {
            "er": er,
            "ER status": pd.Categorical(np.where(er == "positive", "+", "-")),
            "er_flag": er == "positive",
            "age": age,
            "age_in_months": 12 * age,
            "nodes": rng.integers(0, 9, n),
            "pr": np.where(np.arange(n) < 3, "positive", er),
            "os_time": age,
            "os_event": er == "positive",
        }
    )
    obs.loc[:2, "ER status"] = None
    assert repeated(obs, list(obs.columns[:7])) == {"ER status", "er_flag", "age_in_months"}
    groups = pd.Series(rng.choice(["S1", "S2"], n))
    table = association_table(obs, groups, list(obs.columns), rng)
    assert set(table["variable"]) == {"er", "age", "nodes", "pr", "os"}
