"""Normalization of real counts against R, which has to be installed with edgeR, DESeq2 and limma.

Set PRECISIONMED_COHORTS to the folder that holds `tcga_brca_counts20k`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators.normalize import TMM, Log2, MedianOfRatios, Quantile, TMMwsp, UpperQuartile
from precisionmed.estimators.vst import VST

HERE = Path(__file__).parent
COHORTS = Path(os.environ.get("PRECISIONMED_COHORTS", HERE.parents[2] / "shared" / "data"))
FILE = COHORTS / "tcga_brca_counts20k" / "expression.tsv.gz"

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed"),
    pytest.mark.skipif(not FILE.exists(), reason=f"no tcga_brca_counts20k in {COHORTS}"),
]

SCRIPT = """
suppressPackageStartupMessages({library(edgeR); library(DESeq2); library(limma)})
x <- as.matrix(read.csv("counts.csv", row.names = 1))
save <- function(values, name) writeBin(as.numeric(values), paste0(name, ".bin"))
for (method in c("TMM", "TMMwsp", "upperquartile")) {
  f <- calcNormFactors(x, method = method)
  save(f, paste0(method, "_factors"))
  save(cpm(x, lib.size = colSums(x) * f, log = TRUE, prior.count = 2), method)
}
save(estimateSizeFactorsForMatrix(x), "size_factors")
save(normalizeQuantiles(log2(x + 1)), "quantile")
save(vst(x), "vst_1000")
save(varianceStabilizingTransformation(x), "vst")
"""


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    table = pd.read_csv(FILE, sep="\t", index_col=0).groupby(level=0).sum()
    values = table.to_numpy(dtype=np.float64).T
    return np.ascontiguousarray(values[:, (values >= 1).any(axis=0)])


@pytest.fixture(scope="module")
def r(counts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("r")
    pd.DataFrame(counts.T.astype(int)).to_csv(folder / "counts.csv")
    done = subprocess.run(["Rscript", "-e", SCRIPT], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return lambda name: np.fromfile(folder / f"{name}.bin")


@pytest.mark.parametrize(
    ("normalizer", "name"), [(TMM(), "TMM"), (TMMwsp(), "TMMwsp"), (UpperQuartile(), "upperquartile")]
)
def test_factors_and_log_cpm_equal_edger(counts, r, normalizer, name):
    out = normalizer.fit_transform(counts)
    np.testing.assert_allclose(normalizer.factors(counts), r(f"{name}_factors"), rtol=1e-9)
    np.testing.assert_allclose(out.ravel(), r(name), rtol=1e-9, atol=1e-11)


def test_size_factors_and_quantiles(counts, r):
    np.testing.assert_allclose(MedianOfRatios().fit(counts).factors(counts), r("size_factors"), rtol=1e-9)
    np.testing.assert_allclose(Quantile(Log2()).fit_transform(counts).ravel(), r("quantile"), rtol=1e-9)


@pytest.mark.parametrize(("n_genes", "name"), [(1000, "vst_1000"), (None, "vst")])
def test_vst_equals_deseq2(counts, r, n_genes, name):
    np.testing.assert_allclose(VST(n_genes=n_genes).fit_transform(counts).ravel(), r(name), atol=1e-4)
