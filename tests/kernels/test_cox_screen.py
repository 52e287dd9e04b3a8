"""The univariate Cox kernel: R's numbers, the same for any number of threads."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd

from precisionmed.estimators._outcome import FollowUp
from precisionmed.estimators.screen import _risk_sets
from precisionmed.kernels.cox_screen import cox_screen
from precisionmed.kernels.lanes import CONSTANT, CONVERGED, DIVERGED, MISSING

REFERENCE = Path(__file__).parents[1] / "reference" / "survival"


def _arrays() -> tuple[np.ndarray, ...]:
    cohort = pd.read_csv(REFERENCE / "cohort.csv").astype({"time": float})
    genes = pd.read_csv(REFERENCE / "genes.csv").to_numpy()
    return np.ascontiguousarray(genes), *_risk_sets(
        FollowUp(cohort["time"].to_numpy(), cohort["event"].to_numpy() == 1)
    )


def test_coefficients_and_score_statistics_equal_coxph():
    expected = pd.read_csv(REFERENCE / "screen.csv")
    coef, se, score, _, status = cox_screen(*_arrays(), True)
    np.testing.assert_allclose(coef, expected["coefficient"], rtol=1e-8)
    np.testing.assert_allclose(se, expected["se"], rtol=1e-8)
    np.testing.assert_allclose(score, expected["score"], rtol=1e-8)
    assert (status == CONVERGED).all()


def test_threads_do_not_change_a_bit():
    data = _arrays()
    several = cox_screen(*data, True)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = cox_screen(*data, True)
    finally:
        numba.set_num_threads(before)
    for a, b in zip(several, one, strict=True):
        np.testing.assert_array_equal(a, b)


def test_neighbours_do_not_change_a_bit():
    genes, *sets = _arrays()
    alone = cox_screen(np.ascontiguousarray(genes[:, [2]]), *sets, True)
    among = cox_screen(np.tile(genes, 4), *sets, True)
    for a, b in zip(alone, among, strict=True):
        assert a[0] == b[2 + 3 * genes.shape[1]]


def test_a_shifted_and_scaled_gene_has_the_same_z():
    genes, *sets = _arrays()
    coef, se, *_ = cox_screen(genes, *sets, True)
    moved, moved_se, *_ = cox_screen(genes * 1e-4 + 1e3, *sets, True)
    np.testing.assert_allclose(moved / moved_se, coef / se, rtol=1e-6)


def test_status_of_flat_missing_and_separating_genes():
    cohort = pd.read_csv(REFERENCE / "cohort.csv").astype({"time": float})
    time, event = cohort["time"].to_numpy(), cohort["event"].to_numpy() == 1
    gap = np.where(np.arange(time.size) == 2, np.nan, time)
    genes = np.column_stack([np.full(time.size, 0.1), event.astype(float), -time, gap])
    *_, status = cox_screen(genes, *_risk_sets(FollowUp(time, event)), True)
    assert status.tolist() == [CONSTANT, DIVERGED, DIVERGED, MISSING]
