"""The univariate Cox kernel: R's numbers, the same for any number of threads."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd

from precisionmed.kernels.cox_screen import CONSTANT, CONVERGED, DIVERGED, cox_screen

REFERENCE = Path(__file__).parents[1] / "reference" / "survival"


def _arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cohort = pd.read_csv(REFERENCE / "cohort.csv").astype({"time": float})
    order = np.argsort(cohort["time"].to_numpy(), kind="stable")
    genes = pd.read_csv(REFERENCE / "genes.csv").to_numpy()
    time, event = cohort["time"].to_numpy()[order], cohort["event"].to_numpy()[order] == 1
    return np.ascontiguousarray(genes[order].T), time, event


def test_coefficients_and_score_statistics_equal_coxph():
    expected = pd.read_csv(REFERENCE / "screen.csv")
    coef, se, score, status = cox_screen(*_arrays(), True)
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


def test_a_shifted_and_scaled_gene_has_the_same_z():
    genes, time, event = _arrays()
    coef, se, *_ = cox_screen(genes[:3], time, event, True)
    moved, moved_se, *_ = cox_screen(genes[:3] * 1e-4 + 1e3, time, event, True)
    np.testing.assert_allclose(moved / moved_se, coef / se, rtol=1e-6)


def test_status_of_flat_and_separating_genes():
    _, time, event = _arrays()
    genes = np.vstack([np.full(time.size, 0.1), event.astype(float), -time])
    *_, status = cox_screen(genes, time, event, True)
    assert status.tolist() == [CONSTANT, DIVERGED, DIVERGED]
