"""Step files: whole or just what was added; nothing half-written."""

from __future__ import annotations

import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

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


def damaged_sparse(path, change):
    """Write a step file with a sparse matrix and change it in place."""
    matrix = sparse.csr_matrix(np.eye(4, 3))
    data = ad.AnnData(matrix, uns={"precisionmed": {"ingest": {"params": {"scale": "counts"}}}})
    data.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        change(file)


def link_loop(file):
    del file["obs"]
    file["obs"] = h5py.SoftLink("/obs")


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file["X/indices"].write_direct(np.array([0, 1, 10**8], dtype=np.int32)),
        lambda file: file["X/indices"].write_direct(np.array([0, -5, 1], dtype=np.int32)),
        lambda file: file["X/indptr"].write_direct(np.array([0, 10**6, 3, 3, 3], dtype=np.int32)),
        lambda file: file["X"].attrs.__setitem__("shape", [10**9, 10**9]),
        lambda file: file["X"].attrs.__setitem__("encoding-type", "no_such_encoding"),
        lambda file: file["uns"].__delitem__("precisionmed"),
        lambda file: file["uns/precisionmed/ingest"].__delitem__("params"),
        link_loop,
    ],
)
def test_a_damaged_step_file_is_one_line(tmp_path, change):
    damaged_sparse(tmp_path / "d.h5ad", change)
    with pytest.raises(InputError, match=r"d\.h5ad: ") as error:
        read_step(tmp_path / "d.h5ad")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [3, "text", np.arange(3), {"survival": 1}, {"survival": {"params": 2}}])
def test_an_addition_with_a_wrong_record_is_one_line(adata, tmp_path, content):
    write_step(adata, tmp_path / "batch.h5ad")
    added = ad.AnnData(obs=adata.obs[[]], var=adata.var[[]], uns={"precisionmed": content})
    added.write_h5ad(tmp_path / "added.h5ad")
    with pytest.raises(InputError, match=r"added\.h5ad: .* is not as a step writes it"):
        read_step(tmp_path / "batch.h5ad", tmp_path / "added.h5ad")


def test_a_file_that_declares_far_more_than_it_holds(tmp_path):
    path = tmp_path / "bomb.h5ad"
    damaged_sparse(
        path, lambda file: file.create_dataset("layers/big", (10**6, 10**6), "f4", chunks=(100, 100))
    )
    with pytest.raises(InputError, match="unpacks to"):
        read_step(path)


@given(seed=st.integers(0, 2**31))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_changed_bytes_of_a_step_file_are_one_line_or_harmless(adata, tmp_path, seed):
    path = tmp_path / "fuzz.h5ad"
    write_step(adata, path)
    rng = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for at in rng.integers(len(content), size=int(rng.integers(1, 20))):
        content[at] = int(rng.integers(256))
    path.write_bytes(
        content[: int(rng.integers(len(content) // 2, len(content)))] if seed % 4 == 0 else content
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read_step(path)
        except InputError as error:
            assert "\n" not in str(error)
