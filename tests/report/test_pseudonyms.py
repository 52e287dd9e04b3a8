"""Pseudonyms: no name of a sample or a patient is left, and each stays one and the same."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from precisionmed import pp, tl
from precisionmed.config import RunConfig
from precisionmed.datasets import simulate, write_tables
from precisionmed.io.cohort import read_cohort
from precisionmed.io.model import lock
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


def write(folder, names, patients, seed):
    """Write a cohort with everything that makes a step name samples: twins, outliers, gaps, a wrong sex."""
    adata = simulate(n_samples=84, n_genes=240, seed=seed)
    counts = np.asarray(adata.X, dtype=float)
    counts[5] = counts[4] + (np.random.default_rng(0).random(counts.shape[1]) < 0.02)
    counts[7] = np.random.default_rng(1).permutation(counts[7])
    adata.layers["counts"] = counts
    adata.obs_names = names
    adata.obs["patient"] = np.array([*patients[:10], patients[9], *patients[11:]], dtype=object)
    adata.obs["sex"] = np.where(np.arange(84) == 12, "male", adata.obs["sex"].astype(str))
    expression, clinical = write_tables(adata, folder)
    table = pd.read_csv(expression, sep="\t").drop(columns=str(names[20]))
    table.to_csv(expression, sep="\t", index=False)
    rows = pd.read_csv(clinical, sep="\t", dtype=str)
    rows[rows.iloc[:, 0] != str(names[30])].to_csv(clinical, sep="\t", index=False)
    roles = json.loads(adata.uns["precisionmed"]["ingest"]["roles"])
    return {"expression": [expression], "clinical": clinical, "roles": {**roles, "patient": "patient"}}


def whole_run(folder, names, patients):
    """Do every step on files of these samples, with an external cohort; return the report's parts."""
    config = {"name": "c", **write(folder / "Nowak", names, patients, 3)}
    adata = read_cohort(config)
    pp.qc(adata, outlier_sd=3)
    pp.normalize(adata)
    pp.batch(adata, method="combat")
    tl.receptors(adata)
    tl.subtypes(adata, k=3, resamples=20, n_null=0)
    tl.classify(adata, n_folds=3, n_repeats=1)
    tl.biomarkers(adata, labels=("er",), n_pairs=4, random_signatures=4, n_folds=3, n_repeats=1)
    tl.survival(adata, n_folds=3, n_repeats=1)
    tl.response(adata, n_folds=3, n_repeats=1)
    model = lock(adata, folder / "model.pmz")
    other = read_cohort({"name": "d", **write(folder / "other", names, patients, 4)})
    tl.validate(other, model)
    run = RunConfig.model_validate({"cohort": config, "report": {"pseudonyms": True}})
    return adata, {"config": run, "model_path": folder / "model.pmz", "validations": {"d": other}}


NAMES = {
    "words": ([f"Nowak-{i:02d}" for i in range(84)], [f"Jane Doe {i}" for i in range(84)]),
    "numbers": ([f"8817{i:04d}" for i in range(84)], [f"9917{i:04d}" for i in range(84)]),
}
WRITTEN = (".html", ".tsv", ".csv", ".svg", ".txt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["words", pytest.param("numbers", marks=pytest.mark.slow)])
def test_a_whole_run_names_nobody(kind, tmp_path, monkeypatch):
    names, patients = NAMES[kind]
    adata, parts = whole_run(tmp_path, names, patients)
    told = " ".join(str(step.get("notes", "")) for step in adata.uns["precisionmed"].values())
    assert sum(name in told for name in names) >= 3  # or the notes would have nothing to hide
    drawn = []
    draw = Text.draw
    monkeypatch.setattr(Text, "draw", lambda self, r: (drawn.append(self.get_text()), draw(self, r))[1])
    build(adata, tmp_path / "out", **parts)
    assert any(re.search(r"\bS0\d\d\b", text) for text in drawn)  # a figure names outliers
    written = [path for path in (tmp_path / "out").rglob("*") if path.suffix in WRITTEN]
    texts = {path.name: path.read_text() for path in written}
    assert "report.html" in texts
    assert len(texts) > 50
    paths = " ".join(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*"))
    for where, text in {**texts, "figures": " ".join(drawn), "paths": paths}.items():
        visible = re.sub(r"data:image/[^\"]*", "", text)
        assert [name for name in [*names, *patients] if name in visible] == [], where


def test_short_names_keep_their_order_and_are_replaced_in_lists():
    adata = simulate(n_samples=30, n_genes=120, seed=2)
    adata.obs_names = [str(i) for i in range(30)]
    order = np.random.default_rng(0).permutation(30)
    adata.uns["precisionmed"] = {
        "subtypes": {"order": np.array(order.astype(str), dtype=object)},
        "qc": {"notes": np.array(["12 samples odd (3, 17, 9 (+9 more)); 12 genes (ESR1, 7)"], dtype=object)},
    }
    result = pseudonymous(adata)
    np.testing.assert_array_equal(
        result.obs_names.get_indexer(result.uns["precisionmed"]["subtypes"]["order"]), order
    )
    new = dict(zip(adata.obs_names, result.obs_names, strict=True))
    listed = f"({new['3']}, {new['17']}, {new['9']} (+9 more))"
    assert result.uns["precisionmed"]["qc"]["notes"][0] == f"12 samples odd {listed}; 12 genes (ESR1, 7)"
