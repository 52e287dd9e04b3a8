"""Clinical rows of samples: names, numbers and barcodes; what only looks like a name is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io import read_cohort
from precisionmed.io._samples import is_name_column, match_samples
from precisionmed.io._tissue import tissue_of_barcode, tissue_of_value
from tests.io.conftest import ENDPOINT

ROLES = {"endpoints": ENDPOINT, "covariates": ["age"]}


def match(samples, columns, column=None):
    table = pd.DataFrame(columns, dtype=object)
    return match_samples(pd.Index(samples), table, sample_column=column, names=("m", "c"), notes=[])


NUMBERS = [str(i) for i in range(1, 13)]


def test_numbered_samples_are_not_joined_to_a_measurement():
    shuffled = NUMBERS[::-1]
    with pytest.raises(InputError, match=r"no column names the samples of m .*'os_months' has 12 of 12.*set"):
        match(NUMBERS, {"patient": [f"P{i}" for i in NUMBERS], "os_months": shuffled})
    with pytest.raises(InputError, match="'os_months' has 6 of 12"):
        match(NUMBERS, {"id": [f"P{i}" for i in NUMBERS], "os_months": [*NUMBERS[:6], *["40"] * 6]})
    found = match(NUMBERS, {"os_months": NUMBERS, "sample": shuffled})
    assert found.column == "sample"
    assert found.rows.tolist() == list(range(12))[::-1]
    assert match(NUMBERS, {"os_months": shuffled}, "os_months").n == 12


@pytest.mark.parametrize("form", ["{}", "{}.0", "{:0>4}", " {}"])
@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_numbers_are_the_same_names_however_written(form):
    written = [form.format(n) for n in NUMBERS]
    assert match(NUMBERS, {"Sample ID": written}).rows.tolist() == list(range(12))
    assert match(written, {"Sample ID": NUMBERS}).rows.tolist() == list(range(12))
    assert match([f"X{n}" for n in NUMBERS], {"id": written}).rows.tolist() == list(range(12))


def test_numbers_that_a_looser_way_would_confuse_are_compared_exactly():
    found = match(["7", "07", "8"], {"id": ["07", "7", "8"]})
    assert (found.rule, found.rows.tolist()) == ("exactly", [1, 0, 2])


def test_the_way_that_matches_most_counts():
    with pytest.warns(PrecisionMedWarning, match="letter case"):
        found = match(["a.1", "a.2", "A-3", "a.4"], {"id": ["a.1", "a.2", "a.3", "a.4"]})
    assert found.rows.tolist() == [0, 1, 2, 3]


def test_two_columns_with_the_names_agree_or_are_refused():
    names = [f"S{i}" for i in range(6)]
    assert match(names, {"tumour": names, "sample": names}).column == "sample"
    with pytest.raises(InputError, match="columns 'sample' and 'partner' both have the sample names"):
        match(names, {"sample": names, "partner": names[::-1]})
    few = [*names[:2], *["x"] * 4]
    assert match(names, {"sample": names[::-1], "partner": few}).column == "sample"


@pytest.mark.parametrize("kept", [12, 10, 6])
def test_a_table_of_some_of_the_samples_is_legal(kept):
    names = [f"S{i}" for i in range(12)]
    assert match(names, {"sample": names[:kept]}).n == kept
    assert match(names[:kept], {"sample": names}).n == kept


def test_a_few_names_in_common_are_no_identity():
    names = [f"S{i}" for i in range(12)]
    with pytest.raises(InputError, match="'sample' has 3 of 12"):
        match(names, {"sample": [*names[:3], *[f"Q{i}" for i in range(9)]]})
    assert match(names, {"sample": [*names[:3], *[f"Q{i}" for i in range(9)]]}, "sample").n == 3


def test_the_table_of_patients_with_two_samples_is_told():
    names = [f"S{i}" for i in range(4)]
    with pytest.raises(InputError, match=r"2 samples occur more than once in column 'id' \(S0, S1\)"):
        match(names, {"id": ["S0", "S0", "S1", "S1", "S2", "S3"], "visit": ["1", "2"] * 3})


def test_a_numbered_patient_twice_is_told_and_not_a_measurement_taken():
    table = {"id": ["1", "1", *NUMBERS[2:]], "os_months": [*NUMBERS[:10], "1", "2"]}
    with pytest.raises(InputError, match=r"1 samples occur more than once in column 'id' \(1\)"):
        match(NUMBERS, table)


def test_names_that_excel_rounded_are_told():
    with pytest.raises(InputError, match="Excel has rounded the names"):
        match(["123456789012"], {"id": ["1.23457E+11"], "age": ["50"]})


@pytest.mark.parametrize(
    ("heading", "named"),
    [("sample", True), ("Patient ID", True), ("patientId", True), ("", True), ("geo_accession", True),
     ("os_months", False), ("Patient Age", False), ("Number of nodes", False), ("grade", False)],
)  # fmt: skip
def test_headings_of_names(heading, named):
    assert is_name_column(heading) is named


TYPES = {
    "01A": "primary",
    "02A": "recurrent",
    "06A": "metastasis",
    "11A": "normal",
    "10": "normal",
    "50": "model",
}


@pytest.mark.parametrize(("code", "tissue"), TYPES.items())
def test_tissue_of_a_barcode(code, tissue):
    for name in (f"TCGA-BH-A000-{code}", f"tcga.bh.a000.{code}.11R", f"TARGET-30-PAAAAA-{code}"):
        assert tissue_of_barcode(name) == tissue
    assert tissue_of_barcode("TCGA-BH-A000") == tissue_of_barcode(f"P-{code}") == ""


@pytest.mark.parametrize(
    ("values", "tissue"),
    [
        (["TP", "Primary solid Tumor", "Primary Tumor", "01", "tumour", "Invasive Carcinoma"], "primary"),
        (["NT", "NB", "Solid Tissue Normal", "Blood Derived Normal", "adjacent normal", "11", "control",
          "non-tumor"], "normal"),
        (["TM", "Metastatic", "lymph node metastasis"], "metastasis"),
        (["TR", "Recurrent Solid Tumor"], "recurrent"),
        (["cell line", "PDX"], "model"),
        (["normal-like", "left", ""], ""),
    ],
)  # fmt: skip
def test_tissue_of_a_value(values, tissue):
    assert {tissue_of_value(value) for value in values} == {tissue}


def tcga(files, types):
    """Give each patient a sample of each type, the first types first."""
    patients = [f"TCGA-BH-A{i:03d}" for i in range(12 // len(types))]
    names = [f"{patient}-{code}-21R-A115-07" for code in types for patient in patients]
    files.counts.columns = names
    files.clinical = files.clinical.iloc[: len(patients)].drop(columns="sample")
    files.clinical["bcr_patient_barcode"] = patients
    files.clinical["status"] = ["1", "0"] * (len(patients) // 2)
    return patients


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_normals_do_not_take_the_clinical_row_of_their_tumour(files):
    patients = tcga(files, ["11A", "01A"])
    for patient in (None, "bcr_patient_barcode"):
        adata = read_cohort(files.write(), roles=ROLES | {"patient": patient})
        assert adata.obs_names.tolist() == [f"{name}-01A-21R-A115-07" for name in patients]
        assert adata.obs["age"].tolist() == files.clinical["age"].tolist()
        assert adata.obs["patient"].tolist() == patients
        ingest = adata.uns["precisionmed"]["ingest"]
        assert ingest["excluded"]["reason"].tolist() == ["no tumour by its barcode"] * 6
        assert any("6 samples are no tumours by their barcode (type 11)" in note for note in ingest["notes"])
    both = read_cohort(files.write(), roles=ROLES, normal_samples="keep", one_sample_per_patient="keep_all")
    assert both.n_obs == 12


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_the_primary_tumour_stays_before_the_metastasis(files):
    patients = tcga(files, ["06A", "01B", "01A"])
    adata = read_cohort(files.write(), roles=ROLES)
    assert adata.obs_names.tolist() == [f"{name}-01A-21R-A115-07" for name in patients]


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_a_clinical_table_of_tumour_samples_leaves_normals_without_a_row(files):
    patients = tcga(files, ["11A", "01A"])
    files.clinical["bcr_patient_barcode"] = [f"{name}-01" for name in patients]
    adata = read_cohort(files.write(), roles=ROLES, normal_samples="keep")
    assert all("-01A-" in name for name in adata.obs_names)


def test_only_normals_are_refused(files):
    tcga(files, ["11A"])
    with pytest.raises(InputError, match=r"all samples are normal tissue .*normal_samples: keep"):
        read_cohort(files.write(), roles=ROLES)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=st.permutations(range(12)), rows=st.permutations(range(12)), columns=st.permutations(range(6)))
@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_the_order_of_samples_rows_and_columns_does_not_matter(files, samples, rows, columns):
    table, counts = files.clinical, files.counts
    table["patient"] = [f"p{i // 2}" for i in range(12)]
    columns = [*columns, 6]
    roles = ROLES | {"patient": "patient"}
    one = read_cohort(files.write(), roles=roles)
    files.clinical, files.counts = table.iloc[list(rows), list(columns)], counts.iloc[:, list(samples)]
    other = read_cohort(files.write(), roles=roles)
    files.clinical, files.counts = table.drop(columns="patient"), counts
    assert sorted(other.obs_names) == sorted(one.obs_names)
    other = other[one.obs_names]
    np.testing.assert_array_equal(one.X, other.X)
    pd.testing.assert_frame_equal(one.obs, other.obs[one.obs.columns])


@pytest.mark.parametrize("behind", ["_T1", "-RNA", ".S1.L001", " tumour"])
def test_patients_whose_samples_have_longer_names_are_told(behind):
    table = pd.DataFrame({"PATIENT_ID": [f"P{i}" for i in range(6)], "er": ["pos", "neg"] * 3})
    samples = pd.Index([f"P{i}{behind}" for i in range(6)])
    with pytest.raises(InputError, match=rf"'PATIENT_ID' begin those of samples \(P0: P0{behind}.*joined"):
        match_samples(samples, table, sample_column=None, names=("x.tsv", "c.csv"), notes=[])


def test_names_that_differ_in_letters_are_not_the_same():
    samples = ["M\u00dcLLER1", "Muller2", "maller3"]
    with pytest.warns(PrecisionMedWarning, match="letter case"):
        found = match(samples, {"sample": ["M\u00fcller1", "M\u00f6ller2", "Maller3"]}, "sample")
    assert found.rows.tolist() == [0, -1, 2]
