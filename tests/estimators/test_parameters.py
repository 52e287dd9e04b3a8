"""Parameters that cannot be are refused when a model is fitted, in one line that names them."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators import (
    ConsensusClustering,
    LassoCox,
    LassoCoxCV,
    LassoLinear,
    LassoLinearCV,
    LassoLogistic,
    LassoLogisticCV,
    LassoMultinomial,
    LassoMultinomialCV,
    NearestCentroid,
    ReceptorClassifier,
    TwoComponentMixture,
)
from precisionmed.estimators.replication import replication_test

RNG = np.random.default_rng(2)
X = RNG.normal(size=(40, 6))
LABEL = (X[:, 0] > 0).astype(int)
SURVIVAL = pd.DataFrame({"event": np.arange(40) % 3 > 0, "time": RNG.exponential(size=40)})
FIXED = (LassoLinear, LassoLogistic, LassoMultinomial, LassoCox)
CROSS_VALIDATED = (LassoLinearCV, LassoLogisticCV, LassoMultinomialCV, LassoCoxCV)
CHECKED = (
    *FIXED,
    *CROSS_VALIDATED,
    NearestCentroid,
    ReceptorClassifier,
    ConsensusClustering,
    TwoComponentMixture,
)
NUMBERS = (np.nan, "1", None, -1, [])
WRONG: dict[str, tuple[Any, ...]] = {
    "lambda_": (*NUMBERS, 0),
    "alpha": (*NUMBERS, 0, 1.5),
    "tolerance": (*NUMBERS, 0),
    "tol": (*NUMBERS, 0),
    "n_folds": (*NUMBERS, 0, 1, 2.5),
    "n_lambda": (*NUMBERS, 0, 2.5),
    "max_iter": (*NUMBERS, 0, 2.5),
    "resamples": (*NUMBERS, 0, 2.5),
    "sample_fraction": (*NUMBERS, 0, 1.5),
    "feature_fraction": (*NUMBERS, 0, 1.5),
    "min_fraction": (*NUMBERS, 1.5),
    "min_weight": (*NUMBERS, 1.5),
    "min_genes": (*NUMBERS, 1.5),
    "reject": (*NUMBERS, 1.5),
    "min_confidence": NUMBERS,
    "lambda_min_ratio": (np.nan, "1", -1, 0, 1),
    "n_genes_per_class": (np.nan, "1", -1, 0, 2.5),
    "k": (np.nan, "2", -1, 1, 2.5),
    "rule": ("best", None, 1),
    "ties": ("exact", None, 1),
    "metric": ("cosine", None, 1),
    "centering": ("mean", None, 1),
    "random_state": ("seed", -1, 0.5),
    "fit_intercept": ("yes", None),
    "adaptive": ("yes", None),
    "penalty_factor": ("high", 2.0),
}
CASES = [
    (kind, name, value)
    for kind in CHECKED
    for name in inspect.signature(kind).parameters
    for value in WRONG.get(name, ())
    if not (kind is ConsensusClustering and name in ("metric",))
]


@pytest.mark.parametrize(("kind", "name", "value"), CASES, ids=[f"{k.__name__}-{n}-{v}" for k, n, v in CASES])
def test_a_parameter_that_cannot_be_is_named(kind: Any, name: str, value: Any) -> None:
    model = kind(**{name: value})
    y = SURVIVAL if "Cox" in kind.__name__ else LABEL
    with pytest.raises(InputError, match=name) as caught:
        model.fit(X[:, 0]) if kind is TwoComponentMixture else model.fit(X, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", CHECKED)
def test_what_is_declared_are_parameters(kind: Any) -> None:
    """Nothing is declared that does not exist (but for parameters that siblings share), most is declared."""
    declared, there = set(kind._parameter_constraints), set(inspect.signature(kind).parameters)
    assert declared - there <= {"ties", "fit_intercept", "lambda_"}
    assert there <= declared


@pytest.mark.parametrize("count", [0, -1, 2.5, "9", None, np.nan])
def test_rotations_are_counted(count: Any) -> None:
    with pytest.raises(InputError, match="n_rotations"):
        replication_test(X, X[:2], n_rotations=count)
