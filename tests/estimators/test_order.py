"""Rows and columns of a data frame may stand in any order: what is random goes by their names."""

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators import (
    ConsensusClustering,
    LassoCoxCV,
    LassoLogistic,
    LassoLogisticCV,
    NearestCentroid,
    StabilitySelection,
)
from precisionmed.estimators._order import name_order
from precisionmed.estimators.baselines import RandomGenes, ResidualRidge
from precisionmed.estimators.crossval import cross_validate
from precisionmed.estimators.decoys import DecoySelection
from precisionmed.estimators.half_refits import half_refits
from precisionmed.estimators.metrics import concordance_interval
from precisionmed.estimators.receptors import ReceptorClassifier
from precisionmed.estimators.replication import replication_test

N, P = 60, 40


def data(seed=0, *, genes=True):
    """Return genes, labels, outcome and patients, and all of them with rows (and `genes`) shuffled."""
    rng = np.random.default_rng(seed)
    index = [f"S{i}" for i in rng.permutation(N)]
    X = pd.DataFrame(rng.normal(size=(N, P)), index=index, columns=[f"G{i}" for i in rng.permutation(P)])
    y = pd.Series((X.iloc[:, 0] - X.iloc[:, 1] + rng.logistic(size=N) > 0).astype(int), index=index)
    times = {"time": rng.exponential(np.exp(-X.iloc[:, 0])), "event": rng.random(N) < 0.7}
    survival, patient = pd.DataFrame(times, index=index), pd.Series(np.arange(N) // 2, index=index)
    rows, columns = rng.permutation(N), rng.permutation(P) if genes else slice(None)
    other = (X.iloc[rows, columns], *(of.iloc[rows] for of in (y, survival, patient)))
    return (X, y, survival, patient), other


@pytest.mark.parametrize(
    "names", [list("bca"), ["S10", "S2", "S1"], [3, 1, 2], [2.5, 1.0, 7.0], ["b", "a", 2]]
)
def test_names_are_put_in_ascending_order(names):
    order = name_order(pd.Index(names))
    ordered = pd.Index(names)[order]
    assert ordered.tolist() == sorted(names, key=str if isinstance(names[1], str) else float)
    assert name_order(ordered) is None and name_order(pd.Index([*names, names[0]])) is None


def test_numbers_sort_as_numbers():
    assert name_order(pd.RangeIndex(12)) is None and name_order(pd.Index([0, 1, 10, 2])).tolist() == [
        0,
        1,
        3,
        2,
    ]


@pytest.mark.parametrize(
    "model",
    [LassoLogisticCV(n_folds=3, random_state=1), ReceptorClassifier(n_folds=3, random_state=1)],
    ids=["lasso", "receptor"],
)
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("genes", [False, True])
def test_out_of_fold_scores_belong_to_the_sample(model, grouped, genes):
    one, other = data(genes=genes)
    scores = []
    for X, y, _, patient in (one, other):
        groups = patient.to_numpy() if grouped else None
        found = cross_validate(model, X, y, groups=groups, n_folds=3, n_repeats=2, random_state=5)
        scores.append(pd.Series(found.score, index=X.index))
        folds = found.predictions.assign(patient=patient.to_numpy()[found.predictions["row"]])
        if grouped:
            assert (folds.groupby(["repeat", "patient"])["fold"].nunique() < 2).all()
        positive = y.to_numpy()[folds["row"]].astype(bool)
        assert np.ptp(folds[positive].groupby(["repeat", "fold"]).size()) <= (3 if grouped else 1)
    tolerance = (
        1e-4 if genes else 1e-9
    )  # the solver stops a little elsewhere when it meets genes in another order
    np.testing.assert_allclose(scores[1].loc[scores[0].index], scores[0], rtol=0, atol=tolerance)


def test_without_names_the_position_counts():
    (X, y, *_), (X_other, y_other, *_) = data()
    model = LassoLogisticCV(n_folds=3, random_state=1)
    one, other = (
        cross_validate(model, a.to_numpy(), b.to_numpy(), random_state=5)
        for a, b in ((X, y), (X_other, y_other))
    )
    assert not np.allclose(pd.Series(one.score, X.index)[X_other.index], other.score, atol=1e-6)


def test_the_intervals_of_survival_are_the_same():
    results = []
    for X, _, y, _ in data():
        found = cross_validate(LassoCoxCV(n_folds=3, random_state=1), X, y, n_folds=3, random_state=5)
        risk = pd.Series(found.score, index=X.index)
        own = concordance_interval(y["time"], y["event"], risk, 3, 50)
        results.append([*found.concordance(y, 7, 50), *own])
    np.testing.assert_allclose(*results, rtol=0, atol=1e-9)


@pytest.mark.parametrize("decoys", ["knockoff", "permutation", None])
def test_selections_of_genes_are_the_same(decoys):
    frequency = []
    for X, y, _, patient in data():
        model = LassoLogistic()
        selector = (
            StabilitySelection(model, n_pairs=5, q=3, pfer=None, random_state=2)
            if decoys is None
            else DecoySelection(model, decoys=decoys, fdr=None, n_pairs=5, random_state=2)
        )
        frequency.append(pd.Series(selector.fit(X, y, groups=patient.to_numpy()).frequency_, index=X.columns))
    pd.testing.assert_series_equal(frequency[1].loc[frequency[0].index], frequency[0])


def test_refits_random_genes_and_centroids_are_the_same():
    refits, drawn, sharpness = [], [], []
    for X, y, _, patient in data():
        genes = X[sorted(X.columns)[:4]]
        refits.append(half_refits(LassoLogistic(lambda_=0.01), genes, y, n_pairs=3, random_state=1))
        drawn.append(set(X.columns[RandomGenes(ResidualRidge(), 5, 3).fit(X, y).genes_]))
        centroid = NearestCentroid(n_genes_per_class=5, random_state=1)
        sharpness.append(centroid.fit(X, y.map({0: "a", 1: "b"}), groups=patient.to_numpy()).sharpness_)
    np.testing.assert_allclose(refits[1], refits[0], atol=1e-6)
    assert drawn[0] == drawn[1]
    assert sharpness[0] == pytest.approx(sharpness[1], rel=1e-6)


def test_clusters_are_the_same():
    found = []
    for X, *_ in data():
        model = ConsensusClustering(
            (2, 3), resamples=30, feature_fraction=0.7, n_null=19, random_state=4
        ).fit(X)
        square = pd.DataFrame(model.consensus_matrix(2), X.index, X.index)
        labels = pd.Series(model.labels_[3], X.index)
        found.append(
            (square, labels, pd.Series(model.confidence_, X.index), X.index[model.order_], model.scores_)
        )
    one, other = found
    names = one[0].index
    pd.testing.assert_frame_equal(other[0].loc[names, names], one[0])
    pd.testing.assert_series_equal(other[1].loc[names], one[1])
    pd.testing.assert_series_equal(other[2].loc[names], one[2])
    assert other[3].equals(one[3])
    np.testing.assert_allclose(other[4]["null_pac"], one[4]["null_pac"], atol=1e-9)


def test_replication_is_the_same():
    tables = []
    for X, *_ in data():
        centroids = pd.DataFrame(np.random.default_rng(1).normal(size=(2, P)), columns=sorted(X.columns))
        tables.append(replication_test(X, centroids[X.columns], n_rotations=20, random_state=1))
    pd.testing.assert_frame_equal(*tables)
