"""The competitive gene-set test: limma's numbers, and a level that holds for correlated genes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from precisionmed.errors import InputError
from precisionmed.estimators.gene_sets import competitive_test

_REFERENCE = Path(__file__).parents[1] / "reference" / "gene_sets"


@pytest.mark.parametrize("correlation", [0.01, 0.0, 0.1])
def test_it_equals_limma(correlation):
    statistic = pd.read_csv(_REFERENCE / "statistic.csv", index_col="gene").T
    pairs = pd.read_csv(_REFERENCE / "sets.csv")
    names = pairs["set"].unique()
    members = pd.crosstab(pairs["set"], pairs["gene"]).reindex(index=names, columns=statistic.columns)
    found = competitive_test(statistic.to_numpy(), csr_array(members.fillna(0).to_numpy()), correlation)
    expected = pd.read_csv(_REFERENCE / "camera.csv")
    expected = expected[expected["correlation"] == correlation]
    for i, contrast in enumerate(statistic.index):
        rows = expected[expected["contrast"] == contrast].set_index("set").loc[names]
        np.testing.assert_allclose(found.p[i], rows["p"], rtol=1e-8)
        np.testing.assert_array_equal(found.n_genes, rows["n_genes"])
        np.testing.assert_array_equal(np.where(found.t[i] > 0, "up", "down"), rows["direction"])


def test_correlated_genes_do_not_make_a_set_significant():
    rng = np.random.default_rng(0)
    n_genes, size, repeats = 1000, 100, 400
    statistic = rng.standard_normal((repeats, n_genes))
    shared = rng.standard_normal((repeats, 1))
    statistic[:, :size] = np.sqrt(0.99) * statistic[:, :size] + np.sqrt(0.01) * shared
    members = np.zeros((1, n_genes))
    members[0, :size] = 1
    naive = competitive_test(statistic, csr_array(members), 0.0).p
    honest = competitive_test(statistic, csr_array(members)).p
    assert (naive < 0.05).mean() > 0.1
    assert 0.02 < (honest < 0.05).mean() < 0.08


def test_sets_without_an_inside_or_an_outside_are_refused():
    statistic = np.arange(8.0).reshape(1, 8)
    for row in (np.zeros(8), np.ones(8)):
        with pytest.raises(InputError, match="inside and some outside"):
            competitive_test(statistic, csr_array(row[None]))
