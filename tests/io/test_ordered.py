"""Stage, T, N, M, grade and negative before positive: levels in their order, X missing."""

from __future__ import annotations

import pandas as pd
import pytest

from precisionmed.config import RolesConfig
from precisionmed.errors import InputError
from precisionmed.io._ordered import ordered_levels
from precisionmed.io.clinical import make_obs, summarize_clinical


def read(name, values, stated=None, key="", notes=None):
    column = pd.Series(values, index=[f"T{i}" for i in range(len(values))], name=name, dtype=object)
    return ordered_levels(column, stated, key, "clinical.tsv", [] if notes is None else notes)


@pytest.mark.parametrize(
    ("name", "values", "levels"),
    [
        ("stage", ["Stage IIA", "Stage IIB", "stage iv", "Stage I", "Stage X", ""],
         ["II", "II", "IV", "I", "", ""]),
        ("ajcc_pathologic_stage", ["IIIC", "0", "1A", "II"], ["III", "0", "I", "II"]),
        ("tumor stage", ["T1c", "T2", "TX", "Tis", "pT4b"], ["T1", "T2", "", "Tis", "T4"]),
        ("pathologic_T", ["1", "2", "4"], ["T1", "T2", "T4"]),
        ("pathologic_N", ["N0 (i-)", "N1mi", "N3a", "NX", "N0 (mol+)"], ["N0", "N1", "N3", "", "N0"]),
        ("M", ["M0", "cM0 (i+)", "M1", "MX"], ["M0", "M0", "M1", ""]),
        ("grade", ["1", "2.0", "3", "GX"], ["1", "2", "3", ""]),
        ("Histologic Grade", ["G1", "G3", "g2", "Grade 2"], ["1", "3", "2", "2"]),
        ("tumour grade", ["III", "I", "not assessed"], ["3", "1", ""]),
        ("differentiation", ["Well differentiated", "poorly differentiated", "Moderate"], ["1", "3", "2"]),
        ("grade", ["High Grade", "low grade", "Low"], ["high", "low", "low"]),
        ("node", ["positive", "negative", "POSITIVE", "positive"],
 ["positive", "negative", "positive", "positive"]),
        ("lymph invasion", ["Yes", "No", ""], ["Yes", "No", ""]),
    ],
)  # fmt: skip
def test_levels_are_recognized(name, values, levels):
    found = read(name, values)
    assert found.cat.ordered
    assert found.astype(object).fillna("").tolist() == levels
    lowest = {"stage": "I", "ajcc_pathologic_stage": "0", "node": "negative", "lymph invasion": "No"}
    assert found.cat.categories[0] == lowest.get(name, found.cat.categories[0])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age at stage", ["50", "60"]),
        ("stage", ["early", "late"]),
        ("nottingham score", ["6", "7", "8", "9"]),
        ("arm", ["T1", "T2"]),
        ("histology", ["ductal", "lobular"]),
        ("er", ["negative", "positive", "equivocal"]),
        ("grade", ["1", "1"]),
        ("days to stage", ["1", "2"]),
        ("x", ["", "NA"]),
    ],
)
def test_other_columns_are_left_alone(name, values):
    assert read(name, values) is None


def test_a_stage_that_is_none_is_told_where_it_has_a_role():
    values = ["Stage I"] * 5 + ["Stage II"] * 4 + ["I/II"]
    assert read("stage", values) is None
    with pytest.raises(InputError, match=r"column 'stage' \(key\): 1 samples have 'I/II' .*no stage"):
        read("stage", values, key="key")


def test_what_is_missing_is_said():
    notes: list[str] = []
    read("stage", ["Stage I", "Stage X", "Stage III"], notes=notes)
    assert notes == ["column 'stage': stage I < III; 'Stage X' is missing."]


def test_stated_levels_hold_or_are_refused():
    found = read("ecog", ["1.0", "0", "2", ""], ["0", "1", "2", "3"])
    assert found.tolist()[:3] == ["1", "0", "2"]
    assert list(found.cat.categories) == ["0", "1", "2", "3"]
    with pytest.raises(InputError, match=r"column 'ecog': 1 samples have '4' .*roles.ordered does not list"):
        read("ecog", ["1", "4"], ["0", "1"])
    with pytest.raises(InputError, match="lists a level twice"):
        read("ecog", ["1"], ["1", "1.0"])


def test_the_cohort_keeps_the_substage_beside_the_stage():
    table = pd.DataFrame(
        {"stage": ["Stage IIA", "Stage IIB", "Stage I"], "ecog": ["2", "0", "1"], "arm": ["a", "A ", "b"]},
        index=["x", "y", "z"], dtype=object,
    )  # fmt: skip
    roles = RolesConfig.model_validate({"covariates": ["stage"], "ordered": {"ecog": ["0", "1", "2"]}})
    notes: list[str] = []
    obs, _ = make_obs(table, roles, "clinical.tsv", notes)
    assert obs["stage"].tolist() == ["II", "II", "I"]
    assert obs["stage_detail"].tolist() == ["Stage IIA", "Stage IIB", "Stage I"]
    assert obs["ecog"].cat.ordered
    assert summarize_clinical(obs).set_index("variable").loc["ecog", "summary"] == "0 1, 1 1, 2 1"
    again, _ = make_obs(obs.astype(object), roles, "clinical.tsv", [])  # as read from an h5ad
    assert again["stage"].tolist() == ["II", "II", "I"]
    assert again["stage_detail"].tolist() == obs["stage_detail"].tolist()
    assert obs["arm"].nunique() == 2
    assert any("other spellings were taken for one value" in note for note in notes)
    with pytest.raises(InputError, match=r"has no column 'ecgo' \(cohort.roles.ordered\)"):
        make_obs(table, RolesConfig(ordered={"ecgo": ["0"]}), "clinical.tsv", [])


@pytest.mark.parametrize("name", ["", ".", "_index", "a/b"])
def test_names_that_h5ad_cannot_hold_are_repaired(name, tmp_path):
    import anndata

    table = pd.DataFrame({name: ["1", "2"], "unnamed": ["3", "4"]}, index=["x", "y"], dtype=object)
    obs, _ = make_obs(table, RolesConfig(), "clinical.tsv", [])
    anndata.AnnData(obs=obs).write_h5ad(tmp_path / "a.h5ad")
    again = anndata.read_h5ad(tmp_path / "a.h5ad").obs
    assert again.to_numpy().tolist() == [[1, 3], [2, 4]]
