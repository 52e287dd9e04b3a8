"""The exponential of many numbers against the system's."""

from __future__ import annotations

import numpy as np

from precisionmed.kernels.exponential import exponential


def _exp(x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    exponential(x, out, np.empty_like(x))
    return out


def test_equals_exp_within_two_units_in_the_last_place():
    x = np.concatenate([np.linspace(-700, 700, 20_001), np.linspace(-1, 1, 20_001), [0.0]])
    expected = np.exp(x)
    assert (np.abs(_exp(x) - expected) <= 2 * np.spacing(expected)).all()
    assert _exp(np.zeros(3)).tolist() == [1, 1, 1]


def test_is_held_at_its_ends_and_does_not_depend_on_the_position():
    x = np.linspace(-3, 3, 101)
    np.testing.assert_array_equal(_exp(x)[5:], _exp(x[5:]))
    np.testing.assert_array_equal(_exp(np.array([1e9, -1e9])), _exp(np.array([700.0, -700.0])))
