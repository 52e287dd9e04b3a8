import pytest

from precisionmed import pp
from precisionmed.errors import InputError


def test_drops_genes_that_are_not_expressed(make_cohort):
    adata = pp.filter_genes(make_cohort(), min_count=5, min_fraction=0.5)
    assert adata.raw is None and not {f"G{i}" for i in range(10)} & set(adata.var_names)
    assert adata.n_vars == adata.layers["counts"].shape[1]


def test_after_normalization_is_refused(make_cohort):
    with pytest.raises(InputError, match="before normalization"):
        pp.filter_genes(pp.normalize(make_cohort()))
