from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators._stability_bounds import complete, error_rate, largest_tail

STABS = pd.read_csv(Path(__file__).parents[1] / "reference" / "stability" / "stabs.csv")


@pytest.mark.parametrize(
    "row", list(STABS.itertuples()), ids=lambda row: f"{row.bound}-{row.q}-{row.threshold}"
)
def test_bounds_equal_those_of_stabs(row):
    ours = error_rate(row.bound, row.p, row.q, row.threshold, 50)
    # R's search for the worst distribution stops early when q is small: ours is then a little larger.
    tolerance = 4e-3 if row.bound == "r-concave" and row.q < 4 else 1e-5
    assert ours == pytest.approx(row.pfer, rel=tolerance)
    assert ours >= row.pfer * (1 - 1e-6)


@pytest.mark.parametrize(
    ("bound", "q", "threshold", "solved"),
    [  # as stabs solves them: 200 genes, 50 pairs, a PFER of 0.2
        ("r-concave", None, 0.6, 6),
        ("unimodal", None, 0.6, 3),
        ("r-concave", 7, None, 0.62),
        ("unimodal", 7, None, 0.81),
    ],
)
def test_the_third_is_solved_as_in_stabs(bound, q, threshold, solved):
    q, threshold, pfer = complete(bound, 200, 50, q, threshold, 0.2)
    assert solved in (q, threshold)
    assert pfer <= 0.2
    assert error_rate(bound, 200, q + 1, threshold, 50) > 0.2 or solved == threshold
    assert error_rate(bound, 200, q, threshold - 0.01, 50) > 0.2 or solved == q


def test_meinshausen_and_buehlmann_in_closed_form():
    # Theorem 1: q^2 / ((2 threshold - 1) p)
    assert error_rate("meinshausen-buehlmann", 1000, 20, 0.9, 50) == pytest.approx(400 / (0.8 * 1000))
    assert complete("meinshausen-buehlmann", 1000, 50, None, 0.75, 1.0)[0] == int(np.sqrt(0.5 * 1000))


def test_r_concave_is_the_sharpest_bound():
    for q in (5, 60):
        rates = [
            error_rate(bound, 1000, q, 0.8, 50)
            for bound in ("r-concave", "unimodal", "meinshausen-buehlmann")
        ]
        assert rates == sorted(rates)


def test_no_r_concave_distribution_has_a_larger_tail():
    """Random r-concave distributions (their r-th power is convex) stay below the worst of their mean."""
    rng = np.random.default_rng(0)
    values = np.arange(21)
    for r in (-1 / 2, -1 / 4) * 10:
        power = rng.uniform(0.1, 5) + np.cumsum(
            np.cumsum(rng.exponential(size=21) * rng.binomial(1, 0.3, 21))
        )
        mass = power ** (1 / r)
        mass /= mass.sum()
        mean = float(values @ mass)
        at = int(np.ceil(2 * mean)) + 1 + rng.integers(4)
        assert mass[at:].sum() <= largest_tail(mean, at, 20, r) + 1e-9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, None, 1.0), "two of"),
        ((10, 0.75, 1.0), "two of"),
        ((None, 0.5, 1.0), "threshold must be above 0.5"),
        ((0, None, 1.0), "q must be a whole number"),
        ((101, None, 1.0), "q must be a whole number"),
        ((10, None, 0.0), "pfer must be above 0"),
        ((50, None, 0.1), "no threshold keeps"),
        ((None, 0.6, 0.001), "no q keeps"),
        ((90, 0.9, None), "no unimodal bound holds"),
    ],
)
def test_contradictions_are_named(given, message):
    with pytest.raises(InputError, match=message):
        complete("unimodal", 100, 50, *given)


def test_an_unknown_bound_is_named():
    with pytest.raises(InputError, match="bound must be one of"):
        complete("sharp", 100, 50, 5, 0.7, None)
