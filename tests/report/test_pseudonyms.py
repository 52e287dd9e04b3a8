"""Pseudonyms: no name of a sample or a patient is left, and each stays one and the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.config import RunConfig
from precisionmed.datasets import simulate
from precisionmed.report._pseudonyms import pseudonymous
from precisionmed.report.build import build


@pytest.fixture
def adata():
    adata = simulate(n_samples=12, n_genes=120, seed=2)
    adata.obs_names = [f"Nowak-{i:02d}" for i in range(12)]
    adata.obs["patient"] = [f"Jane Doe {i // 2}" for i in range(12)]
    stored = adata.uns["precisionmed"]
    stored["qc"] = {
        "params": {},
        "samples": pd.DataFrame(
            {"sample": [*adata.obs_names, "Nowak-99"], "reads": np.arange(13.0), "reason": "like Nowak-03"}
        ),
        "notes": np.array(["Nowak-1 is none; Nowak-01, Nowak-99 and 'Jane Doe 3' are."], dtype=object),
    }
    return adata


def test_nobody_is_named_and_everybody_is_one(adata):
    result = pseudonymous(adata)
    table = result.uns["precisionmed"]["qc"]["samples"]
    assert table["sample"].tolist()[:12] == list(result.obs_names)
    assert table["sample"].is_unique
    assert sorted(table["sample"]) == [f"S{i:03d}" for i in range(1, 14)]
    note = result.uns["precisionmed"]["qc"]["notes"][0]
    assert "Nowak-1 is none" in note
    assert "Nowak-01" not in note
    assert "Nowak-99" not in note
    assert "Jane" not in note
    assert result.obs.groupby("patient").size().tolist() == [2] * 6
    assert adata.obs_names[0] == "Nowak-00"
    np.testing.assert_array_equal(result.X, adata.X)


def test_the_order_of_rows_does_not_matter(adata):
    straight, turned = pseudonymous(adata), pseudonymous(adata[::-1].copy())
    assert list(straight.obs_names) == list(turned.obs_names[::-1])


def test_subtypes_are_not_taken_for_samples_of_the_same_name(adata):
    adata.obs_names = [f"S{i}" for i in range(12)]
    sizes = pd.DataFrame({"subtype": ["S1", "S2"], "n": [1, 2]}, index=["S1", "S2"])
    adata.uns["precisionmed"] = {
        "subtypes": {"sizes": sizes, "notes": np.array(["S1 is large, sample S1 odd"])}
    }
    result = pseudonymous(adata).uns["precisionmed"]["subtypes"]
    pd.testing.assert_frame_equal(result["sizes"], sizes)
    assert result["notes"][0].startswith("S1 is large, sample S0")


def test_the_page_and_its_tables_name_nobody(adata, tmp_path):
    del adata.uns["precisionmed"]["qc"]
    notes = np.array(["Nowak-03 was read twice."], dtype=object)
    adata.uns["precisionmed"]["ingest"]["notes"] = notes
    config = RunConfig.model_validate(
        {"cohort": {"name": "c", "dataset": "unc"}, "report": {"pseudonyms": True}}
    )
    page = build(adata, tmp_path, config=config).read_text()
    written = [path.read_text() for path in (tmp_path / "tables").rglob("*.tsv")]
    for text in [page, *written]:
        assert "Nowak" not in text
        assert "Jane Doe" not in text
