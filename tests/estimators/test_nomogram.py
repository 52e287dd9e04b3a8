"""Points and their sum give back the model's probability."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators.nomogram import nomogram

COEFFICIENT = np.array([0.8, -1.7, 0.1])


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(rng.normal([5, -0.5, 0.02], [1, 0.7, 0.003], (200, 3)), columns=["A", "B", "C"])


def _total(values: pd.DataFrame, axes: pd.DataFrame) -> np.ndarray:
    """Read the points of every gene off its axis, beyond its ends too."""
    total = np.zeros(len(values))
    for gene, marks in axes.groupby("gene"):
        slope, start = np.polyfit(marks["value"], marks["points"], 1)
        total += slope * values[gene].to_numpy() + start
    return total


@pytest.mark.parametrize("baseline", [None, 0.7])
def test_points_give_the_probability_of_the_model(values, baseline):
    drawn = nomogram(values, COEFFICIENT, -6.0, baseline_survival=baseline)
    score = -6.0 + values.to_numpy() @ COEFFICIENT
    expected = 1 / (1 + np.exp(-score)) if baseline is None else 1 - baseline ** np.exp(score)
    link = (
        (lambda p: np.log(p / (1 - p)))
        if baseline is None
        else (lambda p: np.log(np.log1p(-p) / np.log(0.7)))
    )
    points, chances = drawn.total["points"].to_numpy(), drawn.total["probability"].to_numpy()
    assert len(points) > 3
    slope, start = np.polyfit(points, link(chances), 1)
    np.testing.assert_allclose(slope * _total(values, drawn.axes) + start, link(expected), atol=1e-8)


def test_axes_are_round_cover_the_samples_and_the_longest_has_100_points(values):
    axes = nomogram(values, COEFFICIENT, 0.0).axes
    assert axes["points"].max() == pytest.approx(100)
    assert axes["points"].min() == 0
    for gene, marks in axes.groupby("gene"):
        low, high = values[gene].quantile([0.01, 0.99])
        assert marks["value"].min() <= low < high <= marks["value"].max()
        assert 3 <= len(marks) <= 8
        steps = np.diff(marks["value"])
        np.testing.assert_allclose(steps, steps[0])
    assert axes["gene"].iloc[0] == "B"  # the strongest comes first
    assert axes.query("gene == 'B'")["points"].is_monotonic_decreasing


def test_a_constant_gene_and_a_time_without_events_are_no_problem(values):
    flat = values.assign(A=3.0)
    assert np.isfinite(nomogram(flat, COEFFICIENT, 0.0).axes[["value", "points"]]).all(axis=None)
    assert nomogram(values, COEFFICIENT, 0.0, baseline_survival=1.0).total.empty


def test_probabilities_out_of_reach_are_replaced_by_those_of_the_extremes(values):
    total = nomogram(values, COEFFICIENT / 1000, 0.2).total
    assert len(total) == 2
    score = 0.2 + values.to_numpy() @ COEFFICIENT / 1000
    np.testing.assert_allclose(total["probability"], 1 / (1 + np.exp(-np.array([score.min(), score.max()]))))
