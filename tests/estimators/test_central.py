"""The middle of a distribution: robust, and nobody's own value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from precisionmed.estimators._central import central_mean, central_quantile


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        ([4.0], 4.0),
        ([1.0, 3.0], 2.0),
        ([9.0, 1.0, 2.0], 4.0),
        ([1, 2, 3, 4, 100.0], 22.0),
        ([1, 2, 3, 4, 5, 600.0], 3.5),  # the middle four
        ([1, 2, 3, 4, 5, 6, 700.0], 4.0),  # the middle five
        ([np.nan, 1.0, 3.0], 2.0),
        ([np.nan, np.nan], np.nan),
    ],
)
def test_by_hand(values, middle):
    assert central_mean(np.array(values)) == pytest.approx(middle, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(
    arrays(float, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=st.floats(-1e6, 1e6)),
    st.randoms(use_true_random=False),
)
def test_order_scale_and_shift(values, random):
    middle = central_mean(values)
    shuffled = values.copy()
    rows = list(range(len(values)))
    random.shuffle(rows)
    np.testing.assert_allclose(central_mean(shuffled[rows]), middle, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(central_mean(-3 * values + 7), -3 * middle + 7, rtol=1e-9, atol=1e-7)


def test_two_fifths_of_the_values_may_be_anything():
    values = np.random.default_rng(1).normal(size=101)
    wild = values.copy()
    wild[np.argsort(values)[-40:]] = 1e9
    assert central_mean(wild) == central_mean(values)


def test_the_middle_is_no_samples_own_value():
    values = np.random.default_rng(1).normal(size=(31, 500))
    assert not (central_mean(values) == values).any()


def test_weights_by_hand():
    column = np.array([1.0, 2, 3, 4, 5, 6, 100])
    # 1 has half of the weight; 2 to 6 as a whole, and as much of 1 on the other side of the middle.
    expected = (5 * 1 + 2 + 3 + 4 + 5 + 6) / 10
    assert central_mean(column, np.array([6.0, 1, 1, 1, 1, 1, 1])) == pytest.approx(expected)
    values = np.random.default_rng(0).normal(size=(200, 3))
    weight = np.random.default_rng(1).integers(0, 4, 200).astype(float)
    repeated = central_mean(np.repeat(values, weight.astype(int), axis=0))
    np.testing.assert_allclose(central_mean(values, weight), repeated, atol=0.02)
    np.testing.assert_array_equal(central_mean(values, np.full(200, 3.0)), central_mean(values))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_weights_and_order_scale_shift_and_outliers(seed, n):
    rng = np.random.default_rng(seed)
    values, weight = rng.normal(size=(n, 2)), rng.choice([0, 0.1, 1, 5], n)
    weight[0] = 0.5
    middle = central_mean(values, weight)
    order = rng.permutation(n)
    np.testing.assert_allclose(central_mean(values[order], weight[order]), middle, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(central_mean(7 - 3 * values, 2 * weight), 7 - 3 * middle, rtol=1e-9, atol=1e-9)
    counted = np.flatnonzero(weight)
    if len(counted) > 1:
        # Moving one value moves the middle by less: it is nobody's alone.
        assert not np.isclose(values[counted], middle, rtol=0, atol=1e-12).any()


@pytest.mark.parametrize("quantile", [0, 0.01, 0.25, 0.5, 0.9, 1])
def test_quantiles_of_many_are_those_of_the_distribution(quantile):
    values = np.random.default_rng(0).normal(size=4001)
    expected = np.quantile(values, quantile)
    assert central_quantile(values, quantile) == pytest.approx(expected, abs=0.05)
    assert central_quantile(7 - 3 * values, 1 - quantile) == pytest.approx(
        7 - 3 * central_quantile(values, quantile), abs=1e-6
    )


def test_harrell_davis_by_hand():
    """R: `Hmisc::hdquantile(1:5, c(.1, .5))` has the weights of Beta(0.6, 5.4) and Beta(3, 3)."""
    weight = np.diff([0, 0.05792, 0.31744, 0.68256, 0.94208, 1])
    assert central_quantile(np.arange(1.0, 6), 0.5) == pytest.approx(weight @ np.arange(1, 6), abs=1e-9)
    uneven = np.array([0.0, 0, 0, 0, 1])
    assert central_quantile(uneven, 0.5) == pytest.approx(0.05792, abs=1e-9)
