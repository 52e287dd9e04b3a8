"""Agreement with known classes: the index, an interval that covers, a p-value that is uniform."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from precisionmed.errors import InputError
from precisionmed.tl._known_classes import check_known_classes, known_class_tables


def _cohort(n: int = 120, noise: float = 0.2, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    subtype = rng.integers(3, size=n)
    known = np.where(rng.random(n) < noise, rng.integers(3, size=n), subtype)
    obs = pd.DataFrame(
        {
            "intrinsic": pd.Categorical(np.array(["LumA", "LumB", "Basal"])[known]),
            "intrinsic_subtype": pd.Categorical(np.array(["LumA", "LumB", "Basal"])[subtype]),
            "er": pd.Categorical(rng.choice(["positive", "negative"], n)),
            "her2": pd.Categorical(["negative"] * n),
            "IntClust": rng.integers(10, size=n).astype(float),
            "age": rng.normal(size=n),
        }
    )
    obs.loc[::10, "intrinsic"] = np.nan
    return obs, pd.Series(pd.Categorical(np.array(["S1", "S2", "S3"])[subtype]))


def test_each_known_classification_is_compared():
    obs, subtype = _cohort()
    found = known_class_tables(obs, subtype, ["IntClust"], np.random.default_rng(0))
    table = found["known_classes"].set_index("classification")
    assert list(table.index) == ["intrinsic", "intrinsic (called from expression)", "er", "IntClust"]
    known = obs["intrinsic"].notna()
    assert table.loc["intrinsic", "n"] == known.sum() == 108
    expected = adjusted_rand_score(subtype[known], obs["intrinsic"][known])
    assert table.loc["intrinsic", "ari"] == pytest.approx(expected)
    assert table.loc["intrinsic (called from expression)", ["ari", "lower", "upper"]].eq(1).all()
    assert table.loc["intrinsic", "p"] == 1e-4
    assert table.loc["er", "p"] > 0.01
    counts = found["known_counts"]
    assert counts.columns.tolist() == ["classification", "subtype", "known", "samples"]
    assert counts.groupby("classification")["samples"].sum()["intrinsic"] == 108
    assert counts.index.is_unique
    assert isinstance(counts.index[0], str)


def test_the_interval_covers_the_agreement_of_the_population():
    large = _cohort(20_000, seed=99)
    truth = adjusted_rand_score(large[1][large[0]["intrinsic"].notna()], large[0]["intrinsic"].dropna())
    inside = []
    for seed in range(40):
        found = known_class_tables(*_cohort(seed=seed), [], np.random.default_rng(seed))["known_classes"]
        inside.append(found["lower"].iloc[0] <= truth <= found["upper"].iloc[0])
    assert 0.88 <= np.mean(inside) <= 1


def test_p_is_uniform_when_nothing_agrees():
    found = [
        known_class_tables(*_cohort(60, noise=1, seed=seed), [], np.random.default_rng(seed))["known_classes"]
        for seed in range(50)
    ]
    p = np.array([table["p"].iloc[0] for table in found])
    assert 0.35 < p.mean() < 0.65
    assert (p < 0.05).mean() < 0.15


def test_nothing_known_gives_no_tables():
    obs, subtype = _cohort()
    assert known_class_tables(obs[["age", "her2"]], subtype, [], np.random.default_rng(0)) == {}


def test_columns_that_are_no_classes_are_refused():
    obs, _ = _cohort()
    check_known_classes(obs, ["IntClust", "er"])
    with pytest.raises(InputError, match=r"no clinical column 'intclust'.*IntClust"):
        check_known_classes(obs, ["intclust"])
    with pytest.raises(InputError, match="'age' holds 120 numbers"):
        check_known_classes(obs, ["age"])
    with pytest.raises(InputError, match="'her2' has one value"):
        check_known_classes(obs, ["her2"])
