"""Intrinsic subtypes: published and learned centroids, and centres that do not follow the mix of tumours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators import IntrinsicSubtypeClassifier
from precisionmed.estimators.intrinsic import published_centroids
from precisionmed.io.codec import decode, encode

ER = {"LumA": "positive", "LumB": "positive", "Normal": "positive", "Her2": "negative", "Basal": "negative"}


def _cohort(counts: dict[str, int], seed: int = 0, noise: float = 0.6, extra: int = 30):
    """Tumours that are their published centroid plus noise, on gene levels of one platform."""
    rng = np.random.default_rng(seed)
    centroids = published_centroids()
    y = np.repeat(list(counts), list(counts.values()))
    level = np.random.default_rng(99).normal(9, 2, len(centroids) + extra)
    values = np.hstack([centroids[y].to_numpy().T, np.zeros((len(y), extra))])
    values = level + values + rng.normal(0, noise, values.shape)
    names = [*centroids.index, *(f"X{i}" for i in range(extra))]
    return pd.DataFrame(values, columns=names, index=[f"s{i}" for i in range(len(y))]), y


MIXED = {"LumA": 40, "LumB": 25, "Her2": 20, "Basal": 30, "Normal": 10}
LUMINAL = {"LumA": 90, "LumB": 30, "Her2": 6, "Basal": 8, "Normal": 4}


def test_published_centroids_are_complete():
    table = published_centroids()
    assert table.shape == (50, 5)
    assert {"NUF2", "NDC80", "ORC6"} <= set(table.index)
    assert sorted(table.columns) == ["Basal", "Her2", "LumA", "LumB", "Normal"]
    assert table.notna().all(axis=None)


def test_published_calls_a_usual_cohort():
    X, y = _cohort(MIXED)
    model = IntrinsicSubtypeClassifier("published").fit(X)
    assert (model.predict(X) == y).mean() > 0.9
    assert len(model.genes_) == 50


def test_balanced_centres_survive_another_mix():
    X, y = _cohort(LUMINAL, seed=1)
    er = np.array([ER[name] for name in y], dtype=object)
    er[::9] = "equivocal"
    plain = (IntrinsicSubtypeClassifier("published").fit(X).predict(X) == y).mean()
    balanced = (IntrinsicSubtypeClassifier("published").fit(X, er=er).predict(X) == y).mean()
    assert balanced > plain + 0.03
    assert balanced > 0.85
    asked = IntrinsicSubtypeClassifier("published", centering="median").fit(X, er=er).predict(X)
    assert (asked == y).mean() == plain


@pytest.mark.parametrize("mix", [MIXED, LUMINAL])
def test_learned_calls_new_samples(mix):
    model = IntrinsicSubtypeClassifier(random_state=0).fit(*_cohort(mix, seed=2))
    X, y = _cohort(mix, seed=3)
    assert (model.predict(X) == y).mean() > 0.9
    assert model.predict_proba(X).shape == (len(X), 5)
    assert len(model.genes_) == 50


def test_learned_without_pam50_genes_selects_its_own():
    rng = np.random.default_rng(0)
    y = np.repeat(["LumA", "Basal"], 30)
    X = pd.DataFrame(rng.normal(8, 1, (60, 200)), columns=[f"X{i}" for i in range(200)])
    X.loc[y == "Basal", "X0":"X39"] += 2
    model = IntrinsicSubtypeClassifier(random_state=0).fit(X, y)
    assert {f"X{i}" for i in range(40)} <= set(model.genes_)
    assert (model.predict(X) == y).mean() >= 0.95


@pytest.mark.parametrize("source", ["published", "learned"])
def test_one_sample_equals_its_row_among_many(source):
    X, y = _cohort(MIXED)
    model = decode(encode(IntrinsicSubtypeClassifier(source, random_state=0).fit(X, y)))
    many = model.correlations(X)
    for i in (0, 50, 124):
        np.testing.assert_array_equal(model.correlations(X.iloc[[i]])[0], many[i])
        np.testing.assert_array_equal(model.correlations(X.iloc[[i]].to_numpy())[0], many[i])
        assert model.predict(X.iloc[[i]])[0] == model.predict(X)[i]


def test_old_symbols_are_understood():
    X, _ = _cohort(MIXED)
    old = X.rename(columns={"NUF2": "CDCA1", "NDC80": "KNTC2", "ORC6": "ORC6L"})
    model = IntrinsicSubtypeClassifier("published").fit(X)
    np.testing.assert_array_equal(model.correlations(old), model.correlations(X))
    assert len(IntrinsicSubtypeClassifier("published").fit(old).genes_) == 50


def test_arrays_need_names():
    X, _ = _cohort(MIXED)
    with pytest.raises(InputError, match="feature_names"):
        IntrinsicSubtypeClassifier("published").fit(X.to_numpy())
    model = IntrinsicSubtypeClassifier("published").fit(X.to_numpy(), feature_names=X.columns)
    assert len(model.genes_) == 50
    with pytest.raises(InputError, match="80 genes"):
        model.predict(X.to_numpy()[:, :50])


def test_too_few_genes():
    X, y = _cohort(MIXED)
    with pytest.raises(InputError, match="34 of the 50 PAM50 genes"):
        IntrinsicSubtypeClassifier("published").fit(X.iloc[:, :34])
    with pytest.raises(InputError, match="needs recorded subtypes"):
        IntrinsicSubtypeClassifier("learned").fit(X)
    model = IntrinsicSubtypeClassifier("published").fit(X)
    X_new = X.copy()
    X_new.iloc[0, :16] = np.nan
    X_new.iloc[1, :15] = np.nan
    assert model.predict(X_new)[0] == "cannot call"
    assert model.reasons(X_new)[0] == "too few genes are measured"
    assert model.predict(X_new)[1] == y[1]


def test_er_of_one_kind_cannot_balance():
    X, _ = _cohort(MIXED)
    with pytest.raises(InputError, match="ER-negative"):
        IntrinsicSubtypeClassifier("published").fit(X, er=np.full(len(X), "positive"))
