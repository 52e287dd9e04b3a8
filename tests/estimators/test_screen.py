"""Univariate screens against R's glm and limma, and what they do with genes that cannot be tested."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from precisionmed.errors import InputError
from precisionmed.estimators import CoxScreen, LogisticScreen, ModeratedScreen
from precisionmed.estimators.crossval import cross_validate

REFERENCE = Path(__file__).parents[1] / "reference" / "screen"
SHAPE = ["gene", "coefficient", "se", "statistic", "p", "fdr"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data.csv")


@pytest.fixture(scope="module")
def genes(data) -> pd.DataFrame:
    return data.filter(like="GENE")


def test_logistic_screen_equals_glm(data, genes):
    expected = pd.read_csv(REFERENCE / "logistic.csv", skipinitialspace=True)
    found = LogisticScreen().fit(genes, data["label"]).table_
    assert found["gene"].tolist() == expected["gene"].tolist()
    for column in ("coefficient", "se", "statistic", "p", "wald_p"):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-8)
    np.testing.assert_allclose(found["fdr"], stats.false_discovery_control(expected["p"]), rtol=1e-8)
    spread, z = genes.std(ddof=0).to_numpy(), stats.norm.ppf(0.975)
    np.testing.assert_allclose(np.log(found["ratio"]), expected["coefficient"] * spread, rtol=1e-8)
    upper = (expected["coefficient"] + z * expected["se"]) * spread
    np.testing.assert_allclose(np.log(found["upper"]), upper, rtol=1e-7)


@pytest.mark.parametrize(
    ("file", "covariates"), [("moderated", None), ("moderated_adjusted", ["age", "site"])]
)
def test_moderated_screen_equals_limma(data, genes, file, covariates):
    expected = pd.read_csv(REFERENCE / f"{file}.csv", skipinitialspace=True)
    frame = None if covariates is None else data[covariates]
    found = ModeratedScreen().fit(genes, data["label"], frame).table_
    assert list(found) == SHAPE
    for column in SHAPE[1:]:
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-7)


def test_genes_that_cannot_be_tested_are_nan_and_change_no_other(data, genes):
    y = pd.DataFrame({"event": data["label"], "time": 1.0 + np.arange(len(data)) % 23})
    strange = genes.assign(flat=7.1, gap=genes["GENE05"].where(genes.index != 3), void=np.nan)
    for screen, outcome in (
        (LogisticScreen(), data["label"]),
        (ModeratedScreen(), data["label"]),
        (CoxScreen(), y),
    ):
        table = screen.fit(strange, outcome).table_.set_index("gene")
        assert table.loc[["flat", "gap", "void"]].isna().all(axis=None)
        clean = screen.fit(genes, outcome).table_.set_index("gene")
        pd.testing.assert_frame_equal(table.iloc[:-3], clean, rtol=1e-12)
        nothing = screen.fit(strange[["void", "flat"]], outcome).table_
        assert nothing.drop(columns="gene").isna().all(axis=None)


def test_screens_share_one_shape(data, genes):
    y = pd.DataFrame({"event": data["label"], "time": 1.0 + np.arange(len(data)) % 23})
    assert list(CoxScreen().fit(genes, y).table_) == [*SHAPE, "ratio", "lower", "upper"]
    assert list(LogisticScreen().fit(genes, data["label"]).table_) == [
        *SHAPE, "ratio", "lower", "upper", "wald_p"
    ]  # fmt: skip


def test_separating_genes_are_infinite_with_the_likelihood_ratio_of_the_limit():
    y = np.repeat([0, 1], [12, 8])
    complete = np.arange(20.0)
    tied = np.minimum(np.maximum(complete, 11.0), 14.0)  # 12 controls and no case at 11
    mixed = np.where(np.arange(20) == 12, 11.0, tied)  # one case joins them
    found = LogisticScreen().fit(np.column_stack([complete, -complete, tied, mixed]), y)
    assert found.coef_.tolist() == [np.inf, -np.inf, np.inf, np.inf]
    assert np.isnan(found.se_).all()
    null = -2 * (8 * np.log(0.4) + 12 * np.log(0.6))
    left = -2 * (np.log(1 / 13) + 12 * np.log(12 / 13))
    expected = np.sqrt([null, null, null, null - left]) * [1, -1, 1, 1]
    np.testing.assert_allclose(found.statistic_, expected, rtol=1e-12)
    np.testing.assert_allclose(found.p_, stats.chi2.sf(expected**2, 1), rtol=1e-9)
    assert found.table_["ratio"].tolist() == [np.inf, 0, np.inf, np.inf]


def test_a_nearly_separating_gene_converges():
    """One control among the cases: Newton's first steps overshoot."""
    x = np.append(np.arange(40.0), 39.5)
    y = np.append(np.repeat([0, 1], 20), 0)
    wide = np.column_stack([x, np.exp(x / 2), x**5])
    found = LogisticScreen().fit(wide, y)
    assert np.isfinite(found.coef_).all()
    for j in range(3):  # the score is zero at the estimate
        z = (wide[:, j] - wide[:, j].mean()) / wide[:, j].std()
        slope = found.coef_[j] * wide[:, j].std()
        offsets = np.linspace(-60, 60, 400_001)
        lowest = offsets[
            np.argmin([abs((1 / (1 + np.exp(-(a + slope * z))) - y).sum()) for a in offsets[::400]]) * 400
        ]
        fine = lowest + np.linspace(-0.2, 0.2, 4001)
        totals = [abs((1 / (1 + np.exp(-(a + slope * z))) - y).sum()) for a in fine]
        a = fine[int(np.argmin(totals))]
        assert abs(((1 / (1 + np.exp(-(a + slope * z))) - y) * z).sum()) < 1e-3


def test_threads_and_neighbours_do_not_change_a_bit(data, genes):
    values = genes.to_numpy()
    many = LogisticScreen().fit(np.tile(values, 3), data["label"])
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = LogisticScreen().fit(np.tile(values, 3), data["label"])
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(many.coef_, one.coef_)
    np.testing.assert_array_equal(many.coef_[:40], many.coef_[80:])
    np.testing.assert_array_equal(LogisticScreen().fit(values[:, [7]], data["label"]).p_, many.p_[7])


def test_bad_outcomes_and_covariates_are_input_errors(data, genes):
    with pytest.raises(InputError, match="0 or 1"):
        LogisticScreen().fit(genes, data["site"])
    with pytest.raises(InputError, match="both of them"):
        ModeratedScreen().fit(genes, np.zeros(len(data)))
    with pytest.raises(InputError, match="X has 64 samples, but y has 63"):
        LogisticScreen().fit(genes, data["label"].iloc[1:])
    with pytest.raises(InputError, match="determine the label"):
        ModeratedScreen().fit(genes, data["label"], data[["label"]])


def test_one_gene_has_the_ordinary_t(data, genes):
    found = ModeratedScreen().fit(genes[["GENE02"]], data["label"])
    groups = [genes["GENE02"][data["label"] == k] for k in (1, 0)]
    t, p = stats.ttest_ind(*groups)
    assert found.statistic_[0] == pytest.approx(t, rel=1e-10)
    assert found.p_[0] == pytest.approx(p, rel=1e-10)


class BestOfScreen(LogisticScreen):
    """Predicts by the gene with the smallest p of the training samples."""

    def predict(self, X):
        best = int(np.argmin(self.p_))
        return X[:, best] * np.sign(self.coef_[best])


def test_best_of_many_null_genes_has_no_skill_out_of_fold():
    """Within three standard errors of 0.5; chosen on all samples, the same gene looks good."""
    rng = np.random.default_rng(6)
    honest, naive = [], []
    for seed in range(40):
        X, y = rng.normal(size=(50, 300)), rng.permutation(np.tile([0, 1], 25))
        found = cross_validate(BestOfScreen(), X, y, random_state=seed)
        honest.append(found.auc(y)[0])
        best = BestOfScreen().fit(X, y).predict(X)
        naive.append(stats.mannwhitneyu(best[y == 1], best[y == 0]).statistic / 625)
    assert abs(np.mean(honest) - 0.5) < 3 * np.std(honest, ddof=1) / np.sqrt(40)
    assert np.mean(naive) > 0.7
