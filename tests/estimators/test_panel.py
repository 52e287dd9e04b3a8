"""The minimal panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.baselines import ResidualRidge
from precisionmed.estimators.crossval import cross_validate_models
from precisionmed.estimators.lasso import LassoCoxCV, LassoLogisticCV
from precisionmed.estimators.panel import PanelSearch, entry_order, minimal_panel


def _cohort() -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(200, 80)) * rng.uniform(0.3, 5, 80)
    signal = (X / X.std(axis=0))[:, :3] @ [1.6, 1.6, 1.6]
    y = (rng.random(200) < 1 / (1 + np.exp(-signal))).astype(int)
    survival = pd.DataFrame({"event": rng.random(200) < 0.8, "time": rng.exponential(np.exp(-signal))})
    return X, y, survival


@pytest.mark.parametrize("kind", ["binary", "survival"])
def test_finds_the_three_genes_that_matter(kind):
    X, y, survival = _cohort()
    outcome, model = (
        (y, LassoLogisticCV(random_state=0)) if kind == "binary" else (survival, LassoCoxCV(random_state=0))
    )
    panel = minimal_panel(model, X, outcome, random_state=1, n_repeats=2)
    assert panel.n_genes == 3
    assert sorted(entry_order(model.fit(X, outcome))[:3]) == [0, 1, 2]
    curve = panel.curve.set_index("n_genes")
    assert curve["chosen"].sum() == 1
    best = curve.loc[curve["metric"].idxmax()]
    assert curve.loc[3, "metric"] >= best["metric"] - best["se"] > curve.loc[2, "metric"]


def test_a_search_beside_other_models_gives_the_same_curve():
    X, y, _ = _cohort()
    model = LassoLogisticCV(random_state=0)
    search = PanelSearch(y, "genes", sizes=[2, 5])
    models = {"genes": model, "rival": ResidualRidge()}
    cross_validate_models(models, X, y, random_state=np.random.default_rng(1), each=search.add)
    alone = minimal_panel(model, X, y, sizes=[5, 2], random_state=1)
    pd.testing.assert_frame_equal(search.result(0).curve, alone.curve)


def test_entry_order_follows_the_path():
    X, y, _ = _cohort()
    model = LassoLogisticCV(random_state=0).fit(X, y)
    order = entry_order(model)
    path = model.coef_path_
    assert sorted(order) == sorted(np.flatnonzero(path.any(axis=0)))
    entered = np.argmax(path[:, order] != 0, axis=0)
    assert (np.diff(entered) >= 0).all()


def test_an_empty_path_has_no_skill():
    """Nothing is selected when every gene is constant."""
    y = np.tile([0, 1], 20)
    model = LassoLogisticCV(random_state=0, penalty_factor=np.append(1.0, np.full(3, np.inf)))
    X = np.column_stack([np.zeros(40), np.random.default_rng(0).normal(size=(40, 3))])
    panel = minimal_panel(model, X, y, sizes=[1, 2], random_state=0)
    assert panel.curve["metric"].tolist() == [0.5, 0.5]
    assert panel.n_genes == 1


def test_sizes_below_one_are_an_input_error():
    with pytest.raises(InputError, match="from 1 up"):
        PanelSearch(np.array([0, 1]), sizes=[0, 3])
