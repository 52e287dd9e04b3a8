"""Step files: whole or just what was added; nothing half-written."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.io.run import Before, read_run, read_step, replacing, write_step


@pytest.fixture
def adata():
    names = [f"s{i}" for i in range(4)]
    return ad.AnnData(
        np.arange(12.0).reshape(4, 3),
        obs=pd.DataFrame({"age": [50.0, 60, 70, 80]}, index=names),
        uns={"precisionmed": {"ingest": {"params": {"scale": "counts"}}}},
    )


def test_an_addition_holds_only_what_is_new_and_lays_over(adata, tmp_path):
    write_step(adata, tmp_path / "steps" / "batch.h5ad")
    before = Before.of(adata)
    adata.obs["age"] = adata.obs["age"] + 1
    adata.obs["subtype"] = pd.Categorical(["S1", "S2", "S1", "S2"])
    adata.obsp["consensus"] = np.eye(4)
    adata.varm["centroids"] = np.ones((3, 2))
    adata.uns["precisionmed"]["subtypes"] = {"params": {"k": 2}}
    write_step(adata, tmp_path / "steps" / "subtypes.h5ad", before)

    addition = ad.read_h5ad(tmp_path / "steps" / "subtypes.h5ad")
    assert addition.X is None
    assert list(addition.obs) == ["age", "subtype"]  # what was changed or added
    assert set(addition.uns["precisionmed"]) == {"subtypes"}

    for read in (
        read_step(tmp_path / "steps" / "batch.h5ad", tmp_path / "steps" / "subtypes.h5ad"),
        read_run(tmp_path),
    ):
        assert read.obs["age"].tolist() == [51, 61, 71, 81]
        assert read.obs["subtype"].tolist() == ["S1", "S2", "S1", "S2"]
        np.testing.assert_array_equal(read.obsp["consensus"], np.eye(4))
        np.testing.assert_array_equal(read.X, adata.X)
        assert read.uns["precisionmed"]["subtypes"]["params"]["k"] == 2


def test_an_addition_of_other_samples_is_refused(adata, tmp_path):
    write_step(adata, tmp_path / "a.h5ad")
    write_step(adata[:3].copy(), tmp_path / "b.h5ad", Before.of(adata))
    with pytest.raises(InputError, match="other samples or genes"):
        read_step(tmp_path / "a.h5ad", tmp_path / "b.h5ad")


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.h5ad: no such file"):
        read_step(tmp_path / "none.h5ad")
    (tmp_path / "bad.h5ad").write_text("no")
    with pytest.raises(InputError, match=r"bad\.h5ad: cannot be read as h5ad"):
        read_step(tmp_path / "bad.h5ad")
    with pytest.raises(InputError, match="holds no run"):
        read_run(tmp_path)


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.tsv"]
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(InputError, match="cannot be written"), replacing("/proc/none/table.tsv"):
        pass
