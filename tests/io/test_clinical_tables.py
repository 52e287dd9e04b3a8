"""Several clinical tables become one."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precisionmed.errors import InputError
from precisionmed.io import read_cohort
from precisionmed.io._clinical_tables import read_clinical


def written(folder, **tables):
    paths = []
    for name, columns in tables.items():
        paths.append(folder / f"{name}.tsv")
        pd.DataFrame(columns).to_csv(paths[-1], sep="\t", index=False)
    return paths


PATIENTS = {"PATIENT_ID": ["A", "B", "C"], "OS_MONTHS": ["1", "2", "3"], "SEX": ["F", "F", ""]}
SAMPLES = {"SAMPLE_ID": ["a1", "a2", "b1"], "PATIENT_ID": ["A", "A", "B"], "ER": ["pos", "neg", "pos"]}


def test_a_patient_belongs_to_all_of_its_samples(tmp_path):
    for names in ("ps", "sp"):
        tables = {"p": PATIENTS, "s": SAMPLES}
        notes: list[str] = []
        joined = read_clinical(written(tmp_path, **{name: tables[name] for name in names}), None, notes)
        joined = joined.set_index("SAMPLE_ID")
        assert joined.loc[["a1", "a2", "b1"], "OS_MONTHS"].tolist() == ["1", "1", "2"]
        assert joined["ER"].to_dict() == {"a1": "pos", "a2": "neg", "b1": "pos", "": ""}
        assert "joined by column 'PATIENT_ID'" in notes[-1]
    assert "1 rows of p.tsv belong to none of s.tsv" in notes[-1]


def test_a_shared_column_agrees_or_is_told(tmp_path):
    more = SAMPLES | {"SEX": ["f", "F", "F"]}
    joined = read_clinical(written(tmp_path, p=PATIENTS, s=more), None, [])
    assert joined.loc[joined["SAMPLE_ID"] != "", "SEX"].str.upper().tolist() == ["F"] * 3
    more["SEX"] = ["F", "M", "F"]
    with pytest.raises(InputError, match=r"column 'SEX' says 'M' and 'F' of 'A' \(1 such rows\)"):
        read_clinical(written(tmp_path, p=PATIENTS, s=more), None, [])


def test_the_column_is_found_under_another_heading_or_stated(tmp_path):
    other = {("patient" if name == "PATIENT_ID" else name): column for name, column in SAMPLES.items()}
    notes: list[str] = []
    joined = read_clinical(written(tmp_path, p=PATIENTS, s=other), None, notes)
    assert "its column 'patient' is the column 'PATIENT_ID' of p.tsv" in notes[0]
    assert set(joined["ER"]) == {"pos", "neg", ""}
    with pytest.raises(InputError, match=r"s.tsv: has no column 'PATIENT_ID' \(cohort.join_column\)"):
        read_clinical(written(tmp_path, p=PATIENTS, s=other), "PATIENT_ID", [])


def test_what_cannot_be_joined_is_told(tmp_path):
    with pytest.raises(InputError, match="no column that they share names"):
        read_clinical(written(tmp_path, p=PATIENTS, q={"name": ["x", "y"], "ER": ["p", "n"]}), None, [])
    twice = PATIENTS | {"PATIENT_ID": ["A", "A", "B"]}
    with pytest.raises(InputError, match="'A' occurs more than once in column 'PATIENT_ID' of both"):
        read_clinical(written(tmp_path, p=twice, s=SAMPLES), "PATIENT_ID", [])
    two = {"x": ["A", "B", "C"], "y": ["C", "B", "A"], "v": ["1", "2", "3"]}
    with pytest.raises(InputError, match=r"could be joined by several columns \(x, y\)"):
        read_clinical(written(tmp_path, p=two, q={"x": ["A", "B", "C"], "y": ["A", "B", "C"]}), None, [])


def test_numbers_are_no_names_unless_the_heading_says_so(tmp_path):
    one = {"id": ["1.0", "2.0"], "age": ["50", "60"]}
    two = {"id": ["01", "02"], "months": ["60", "50"]}
    joined = read_clinical(written(tmp_path, p=one, q=two), None, [])
    assert joined[["age", "months"]].to_numpy().tolist() == [["50", "60"], ["60", "50"]]
    with pytest.raises(InputError, match="no column that they share"):
        paths = written(
            tmp_path,
            p={"age": ["50", "60"], "x": ["u", "v"]},
            q={"months": ["60", "50"], "y": ["w", "z"]},
        )
        read_clinical(paths, None, [])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(p=st.permutations(range(3)), s=st.permutations(range(3)))
def test_the_order_of_rows_does_not_matter(tmp_path, p, s):
    def in_order(table, order):
        return {name: [column[i] for i in order] for name, column in table.items()}

    paths = written(tmp_path, p=in_order(PATIENTS, p), s=in_order(SAMPLES, s))
    joined = read_clinical(paths, None, []).sort_values("SAMPLE_ID", ignore_index=True)
    assert joined.to_numpy().tolist() == [
        ["C", "3", "", "", ""], ["A", "1", "F", "a1", "pos"],
        ["A", "1", "F", "a2", "neg"], ["B", "2", "F", "b1", "pos"],
    ]  # fmt: skip


def test_a_cohort_with_a_patient_file_and_a_sample_file(files):
    given_ = files.write()
    table = files.clinical.assign(patient=[f"p{i}" for i in range(12)])
    paths = written(
        files.folder,
        samples=table[["sample", "patient", "er_ihc"]],
        patients=table[["patient", "months", "status"]].iloc[::-1],
    )
    roles = {
        "endpoints": {"os": {"time": "months", "event": "status"}},
        "receptors": {"er": {"column": "er_ihc"}},
        "patient": "patient",
    }
    adata = read_cohort(given_, clinical=paths, roles=roles)
    assert adata.obs["os_time"].tolist() == files.clinical["months"].tolist()
    assert adata.obs["patient"].tolist() == table["patient"].tolist()
    assert adata.uns["precisionmed"]["ingest"]["files"]["file"].tolist()[1:] == [
        "samples.tsv",
        "patients.tsv",
    ]
