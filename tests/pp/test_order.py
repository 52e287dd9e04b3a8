"""The door of a step: what it sees, and what is left to the user."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.pp._order import by_name


@pytest.fixture
def adata():
    values = np.arange(12.0).reshape(3, 4)
    names = pd.DataFrame(index=["c", "a", "b"]), pd.DataFrame(index=["z", "x", "y", "w"])
    adata = ad.AnnData(values, *names)
    adata.raw = adata
    return adata[:, ["z", "x", "y"]].copy()


@by_name
def look(adata, *, fails=False):
    assert adata.obs_names.tolist() == ["a", "b", "c"] and adata.var_names.tolist() == ["x", "y", "z"]
    assert adata.raw.var_names.tolist() == ["w", "x", "y", "z"] and adata.raw.X[0].tolist() == [7, 5, 6, 4]
    adata.obs["place"] = [0, 1, 2]
    adata.obsp["pairs"] = np.add.outer([0, 1, 2], [0, 10, 20])
    if fails:
        raise InputError("no")
    return adata


def test_samples_stand_as_before_and_genes_by_name(adata):
    assert look(adata) is adata
    assert adata.obs["place"].to_dict() == {"c": 2, "a": 0, "b": 1}
    assert adata.obs_names.tolist() == ["c", "a", "b"] and adata.var_names.tolist() == ["x", "y", "z"]
    assert adata.X[0].tolist() == [1, 2, 0] and adata.raw.X[0].tolist() == [3, 1, 2, 0]
    assert adata.obsp["pairs"][0].tolist() == [22, 2, 12]


def test_a_step_that_fails_leaves_the_samples_as_they_were(adata):
    with pytest.raises(InputError):
        look(adata, fails=True)
    assert adata.obs_names.tolist() == ["c", "a", "b"]
