"""The middle of a distribution: robust, and nobody's own value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from precisionmed.estimators._central import central_mean


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
