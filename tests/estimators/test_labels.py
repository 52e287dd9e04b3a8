"""Labels: missing ones are refused, classes keep their type, equal ones are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from precisionmed.errors import InputError
from precisionmed.estimators import (
    IntrinsicSubtypeClassifier,
    LassoLogistic,
    LassoLogisticCV,
    LassoMultinomial,
    LassoMultinomialCV,
    LogisticScreen,
    NearestCentroid,
    ReceptorClassifier,
)
from precisionmed.estimators.crossval import cross_validate, cross_validate_models, make_folds
from precisionmed.estimators.intrinsic import published_centroids
from precisionmed.estimators.metrics import accuracy_interval, auc, cohen_kappa

RNG = np.random.default_rng(5)
N = 60
X = pd.DataFrame(RNG.normal(size=(N, 8)), columns=[f"G{i}" for i in range(8)])
BINARY = (X["G0"] + 0.7 * RNG.normal(size=N) > 0).astype(int).to_numpy()
THREE = np.digitize(X["G0"], [-0.5, 0.5])
MODELS = {
    "centroids": lambda: NearestCentroid(random_state=1),
    "logistic": lambda: LassoLogistic(0.05),
    "multinomial": lambda: LassoMultinomial(0.05),
    "calibrated": lambda: ReceptorClassifier(n_folds=3, random_state=1),
}
LABELS: dict[str, Any] = {
    "int": BINARY,
    "int8": BINARY.astype("int8"),
    "bool": BINARY.astype(bool),
    "float": BINARY.astype(float),
    "list": BINARY.tolist(),
    "object": BINARY.astype(object),
    "Series": pd.Series(BINARY),
    "Int64": pd.Series(BINARY, dtype="Int64"),
    "boolean": pd.Series(BINARY.astype(bool), dtype="boolean"),
    "column": BINARY[:, None],
}
WORDS: dict[str, Any] = {
    "str": np.array(["no", "yes"])[BINARY],
    "string": pd.Series(np.array(["no", "yes"])[BINARY], dtype="string"),
    "category": pd.Series(np.array(["no", "yes"])[BINARY], dtype="category"),
    "Categorical": pd.Categorical(np.array(["no", "yes"])[BINARY], categories=["yes", "no", "unused"]),
}


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("kind", [*LABELS, *WORDS])
@pytest.mark.parametrize("name", MODELS)
def test_classes_keep_their_type(name: str, kind: str) -> None:
    """Predictions are the same whatever the labels are called, and `score` compares like with like."""
    if name == "calibrated" and kind in WORDS:
        pytest.skip("takes 0 and 1 only")
    y = (LABELS | WORDS)[kind]
    model = MODELS[name]().fit(X, y)
    assert model.classes_.dtype.kind == ("U" if kind in WORDS else np.asarray(model.classes_).dtype.kind)
    expected = MODELS[name]().fit(X, BINARY).predict(X)
    position = {label: i for i, label in enumerate(model.classes_.tolist())}
    given = [position.get(label, -1) for label in model.predict(X).tolist()]
    np.testing.assert_array_equal(given, [label if label in (0, 1) else -1 for label in expected.tolist()])
    assert model.score(X, y) == pytest.approx(np.mean(np.asarray(given) == BINARY))
    assert model.classes_.dtype != object


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, pd.NaT])
def test_missing_labels_are_refused(name: str, missing: Any) -> None:
    y = pd.Series(BINARY, dtype=object)
    y[[4, 9]] = missing
    with pytest.raises(InputError, match=r"missing.*2 of 60 samples \((rows )?4, 9"):
        MODELS[name]().fit(X, y)


@pytest.mark.parametrize("name", ["centroids", "multinomial"])
def test_a_lost_label_is_no_class(name: str) -> None:
    """numpy writes a missing label into an array of text as 'nan'."""
    y = np.array(["a", "b", np.nan] * 20)
    with pytest.raises(InputError, match="missing"):
        MODELS[name]().fit(X, y)


@pytest.mark.parametrize("name", ["centroids", "logistic", "multinomial"])
@pytest.mark.parametrize(
    ("y", "says"),
    [
        (np.zeros(N), "one class only"),
        (np.array([1, "1"] * 30, dtype=object), "several types"),
        (np.array(["a", 1.5] * 30, dtype=object), "several types"),
        (BINARY + RNG.normal(size=N), "continuous"),
        (np.column_stack([BINARY, BINARY]), "column"),
    ],
)
def test_labels_that_are_none_are_refused(name: str, y: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        MODELS[name]().fit(X, y)


def test_intrinsic_subtypes_need_every_label() -> None:
    centroids = published_centroids()
    names = np.repeat(centroids.columns.to_numpy(), 8)
    frame = pd.DataFrame(
        centroids[names].T.to_numpy() + RNG.normal(size=(40, 50)) / 2, columns=centroids.index
    )
    model = IntrinsicSubtypeClassifier(random_state=1).fit(frame, pd.Categorical(names))
    assert model.classes_.tolist() == sorted(centroids.columns)
    assert model.score(frame, names) > 0.9
    gaps = pd.Series(names, dtype=object)
    gaps[3] = np.nan
    with pytest.raises(InputError, match="missing"):
        IntrinsicSubtypeClassifier(random_state=1).fit(frame, gaps)
    with pytest.raises(InputError, match="none of the labels"):
        NearestCentroid(centroids=centroids).fit(frame, np.repeat([1, 2], 20))


@pytest.mark.parametrize("name", MODELS)
def test_models_are_tuned_and_scored_by_scikit_learn(name: str) -> None:
    folds = StratifiedKFold(3)
    assert cross_val_score(MODELS[name](), X, BINARY, cv=folds).mean() > 0.5
    grid = {"centroids": {"metric": ["pearson", "spearman"]}, "calibrated": {"rule": ["min", "1se"]}}
    search = GridSearchCV(MODELS[name](), grid.get(name, {"lambda_": [0.02, 0.1]}), cv=folds).fit(X, BINARY)
    assert search.best_score_ > 0.5


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        SVC(kernel="linear"),
        SVC(),
        LinearDiscriminantAnalysis(),
        RandomForestClassifier(20, random_state=0),
        Ridge(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=0)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_scikit_learn_models_are_cross_validated(model: Any) -> None:
    """The scores are those of scikit-learn on the same folds."""
    found = cross_validate(model, X, BINARY, random_state=1)
    folds = make_folds(BINARY, 5, np.random.default_rng(1))
    expected = np.empty(N)
    for fold in range(5):
        train, test = folds != fold, folds == fold
        fitted = model.fit(X[train].to_numpy(), BINARY[train])
        if hasattr(fitted, "decision_function"):
            expected[test] = fitted.decision_function(X[test].to_numpy())
        elif hasattr(fitted, "predict_proba"):
            expected[test] = fitted.predict_proba(X[test].to_numpy())[:, 1]
        else:
            expected[test] = fitted.predict(X[test].to_numpy())
    np.testing.assert_allclose(found.score, expected)
    assert found.auc(BINARY)[0] == pytest.approx(auc(BINARY, expected, strata=folds))
    if not isinstance(model, Ridge):
        words = cross_validate(model, X, np.array(["a", "b"])[BINARY], random_state=1)
        np.testing.assert_allclose(words.score, found.score)


def test_several_classes_are_cross_validated() -> None:
    found = cross_validate_models(
        {"ours": LassoMultinomialCV(3, random_state=1), "theirs": LogisticRegression(), "forest": SVC()},
        X,
        THREE,
        groups=np.arange(N) // 2,
        random_state=1,
    )
    for result in found.values():
        assert set(result.predictions["score"]) <= {0, 1, 2}
        assert np.mean(result.predictions["score"].to_numpy() == THREE) > 0.5
    assert found["ours"].selection_frequency[0] == 1
    with pytest.raises(InputError, match="truth must be 0 or 1"):
        found["ours"].auc(THREE)


def test_missing_labels_are_refused_before_a_model_is_fitted() -> None:
    y = BINARY.astype(float)
    y[7] = np.nan
    with pytest.raises(InputError, match="y: no label"):
        cross_validate(LassoLogisticCV(), X, y)
    with pytest.raises(InputError, match="groups: no label"):
        cross_validate(LassoLogisticCV(), X, BINARY, groups=np.where(BINARY, "a", None))
    with pytest.raises(InputError, match="batch: no label"):
        cross_validate(LassoLogisticCV(), X, BINARY, batch=pd.Series(["a", None] * 30))
    with pytest.raises(InputError, match="groups has"):
        make_folds(BINARY, 3, np.random.default_rng(0), groups=BINARY[None])


@pytest.mark.parametrize("n_folds", [0, 1, -3, 2.5, "5", None, True, 61])
def test_folds_that_cannot_be_dealt_are_refused(n_folds: Any) -> None:
    with pytest.raises(InputError, match="fold"):
        cross_validate(LogisticRegression(), X, BINARY, n_folds=n_folds)


def test_a_receptor_without_its_gene_is_not_predicted() -> None:
    """A missing value is no negative receptor: `call` declines, `predict` refuses and names the gene."""
    y = np.repeat([0, 1], 30)
    frame = X.assign(G7=X["G7"] + 3 * y).set_axis([f"P{i}" for i in range(N)])
    model = ReceptorClassifier(random_state=1).fit(frame, y)
    gap = frame.copy()
    gap.loc["P57", "G7"] = np.nan
    assert model.call(gap)[57] == "cannot call"
    with pytest.raises(InputError, match="'P57' has no value of gene 'G7'"):
        model.predict(gap)
    with pytest.raises(InputError, match="gene 'G7' has missing values"):
        ReceptorClassifier(exclude_genes=["G0", "G1"], random_state=1).fit(gap, y)
    with pytest.raises(InputError, match="gene 'G7' of sample 'P57'"):
        LassoLogistic(0.05).fit(frame, y).predict(gap)
    excluded = ReceptorClassifier(exclude_genes=["G7"], random_state=1).fit(gap, y)
    assert excluded.coef_[7] == 0


def test_equal_labels_agree_whatever_their_type() -> None:
    for one in (BINARY, BINARY.astype(bool), BINARY.astype(float), pd.Series(BINARY, dtype="Int64")):
        for other in (BINARY, BINARY.astype(bool), BINARY.astype(float), BINARY.astype(object)):
            assert cohen_kappa(one, other) == 1
            assert accuracy_interval(one, other)[0] == 1
    words = np.array(["no", "yes"])[BINARY]
    assert cohen_kappa(words, pd.Series(words, dtype="category")) == 1
    assert cohen_kappa(words, words.astype(object)) == 1
    for metric in (cohen_kappa, accuracy_interval):
        with pytest.raises(InputError, match="text and numbers"):
            metric(BINARY, BINARY.astype(str))
        with pytest.raises(InputError, match="no label"):
            metric(words, np.where(BINARY, "yes", None))
    with pytest.raises(InputError, match="y is missing"):
        LogisticScreen().fit(X, np.where(BINARY, 1.0, np.nan))
