"""Only genes that other cohorts measure too."""

from __future__ import annotations

import pytest

from precisionmed import pp
from precisionmed.datasets import simulate
from precisionmed.errors import InputError


@pytest.fixture
def adata():
    return simulate(n_samples=20, n_genes=200)


def test_genes_missing_anywhere_are_dropped_before_anything_is_learned(adata):
    genes = adata.var_names
    pp.shared_genes(adata, [genes[:150], [*genes[50:], "OTHER"]])
    assert adata.var_names.tolist() == genes[50:150].tolist()
    pp.normalize(adata)
    assert adata.raw.var_names.tolist() == sorted(genes[50:150])


def test_other_identifiers_are_refused(adata):
    with pytest.raises(InputError, match="only 0 of 200 genes are shared"):
        pp.shared_genes(adata, [["ENSG00000141736", "ENSG00000091831"]])


def test_it_comes_before_normalization(adata):
    pp.normalize(adata)
    with pytest.raises(InputError, match=r"before it"):
        pp.shared_genes(adata, [adata.var_names])
