"""Covariates, treatment, response, batch, patient, sex and tissue; and that what is proposed can be read."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from precisionmed.config import CohortConfig
from precisionmed.io._guess import guess_cohort, keep_rows
from precisionmed.io._values import replace_values
from precisionmed.io.clinical import make_obs

N = 24


def guess(**columns):
    table = pd.DataFrame({n: (list(v) * N)[:N] for n, v in columns.items()}, dtype=str)
    found = guess_cohort(table)
    return found.cohort["roles"], found


AGES = [str(30 + i) for i in range(N)]


@pytest.mark.parametrize(
    "name",
    [
        "age",
        "Age at Dx",
        "age_at_diagnosis",
        "Age (years)",
        "AgeDx",
        "age_at_initial_pathologic_diagnosis",
        "Diagnosis Age",
    ],
)
def test_names_of_age(name):
    assert guess(**{name: AGES})[0]["covariates"] == [name]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Neoplasm Histologic Grade", ["1", "2", "3"]),
        ("grade", ["G1", "G2", "GX"]),
        ("Tumor Stage", ["1.0", "2.0"]),
        ("ajcc_pathologic_tumor_stage", ["Stage IIA", "Stage I", "Stage X"]),
        ("tumour size mm", ["10", "22.5", "31", "8"]),
        ("pathologic_T", ["T1c", "T2"]),
        ("ajcc_pathologic_n", ["N0", "N1a", "N0 (i-)"]),
        ("clin_t", ["T1", "T3"]),
        ("lymph_nodes_positive", ["0", "1", "7", "3"]),
        ("Nodal status", ["N+", "N-"]),
        ("node", ["negative", "positive"]),
        ("menopausal status", ["pre", "post"]),
        ("pN", ["pN0", "pN1mi"]),
        ("M", ["M0", "MX", "M1"]),
    ],
)
def test_covariates_by_name_and_values(name, values):
    assert guess(**{name: values})[0]["covariates"] == [name]


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("genefu_grade", ["1", "2", "3"], "derived"),
        ("Inferred Menopausal State", ["Pre", "Post"], "inferred"),
        ("grade", ["1"], "one value"),
        ("stage", ["I", *[""] * 3], "25%"),
        ("Nottingham prognostic index", ["3.1", "4.2", "5"], "made of"),
        ("grade", ["a", "b", "c"], "not known"),
        ("age", ["young", "old"], "no numbers"),
    ],
)
def test_covariates_that_are_not_taken_are_explained(name, values, why):
    roles, found = guess(**{name: values})
    assert roles["covariates"] == []
    assert why in found.reasons[name]


def test_one_covariate_says_a_thing_once():
    roles, found = guess(
        age=AGES, stage=["I", "II"], T=["T1", "T2"], N=["N0", "N1"], M=["M0", "M1"], menopause=["pre", "post"]
    )
    assert roles["covariates"] == ["age", "stage"]
    assert found.reasons["T"] == "it goes into 'stage'"
    assert found.reasons["menopause"] == "it goes with 'age'"
    assert guess(T=["T1", "T2"], N=["N0", "N1"])[0]["covariates"] == ["T", "N"]
    assert guess(size=["1", "2.5", "4"], T=["T1", "T2"])[0]["covariates"] == ["size"]


def test_impossible_numbers_are_blanked():
    roles, found = guess(grade=["1", "2", "3", *["2"] * 20, "4"], age=["999", *AGES[1:]])
    assert found.cohort["values"] == {"grade": {"4": ""}, "age": {"999": ""}}
    assert set(roles["covariates"]) == {"age", "grade"}


@pytest.mark.parametrize(
    ("name", "values", "treated", "control"),
    [
        ("Chemo", ["Y", "N"], ["Y"], ["N"]),
        ("chemotherapy", ["1", "0"], ["1"], ["0"]),
        ("adj_pharma", ["YES", "NO"], ["YES"], ["NO"]),
        ("Treatment", ["treated", "untreated"], ["treated"], ["untreated"]),
        ("arm", ["placebo", "active"], ["active"], ["placebo"]),
        ("chemo", ["none", "CMF", "FAC"], ["CMF", "FAC"], ["none"]),
        ("Tamoxifen", ["yes", "no"], ["yes"], ["no"]),
    ],
)
def test_treatments(name, values, treated, control):
    found = guess(**{name: values})[0]["treatment"]
    assert (found["treated"], found["control"]) == (treated, control)


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("arm", ["A", "B"], "which of"),
        ("chemo", ["1", "2"], "codes"),
        ("chemo", ["yes"], "all are"),
        ("chemo", ["yes", "no", *[""] * 10], "17%"),
        ("chemo_pred_derived", ["yes", "no"], "expression"),
        ("history_of_neoadjuvant_treatment", ["yes", "no"], "before"),
        ("chemo", ["yes", *["no"] * 23], "smaller class"),
    ],
)
def test_treatments_that_are_not_taken_are_explained(name, values, why):
    roles, found = guess(**{name: values})
    assert roles["treatment"] is None
    assert why in found.reasons[name]


@pytest.mark.parametrize(
    ("name", "values", "responder"),
    [
        ("pCR", ["pCR", "RD"], ["pCR"]),
        ("pathologic_response_pcr_rd", ["pCR", "RD"], ["pCR"]),
        ("Response", ["CR", "PD", "SD"], ["CR"]),
        ("pcr", ["1.0", "0.0"], ["1.0"]),
        ("rcb_class", ["pCR", "RCB-I", "RCB-II"], ["pCR"]),
    ],
)
def test_responses(name, values, responder):
    assert guess(**{name: values})[0]["response"]["responder"] == responder


def test_batch_patient_sex_and_groups():
    roles, found = guess(
        site=["x", "y"],
        plate=["a", "b", "c"],
        primary_site=["breast", "chest"],
        patient_id=[f"p{i}" for i in range(N)],
        Gender=["F", "M"],
        race=["White", "Black"],
    )
    assert (roles["batch"], roles["patient"], roles["sex"], roles["groups"]) == (
        "plate",
        "patient_id",
        "Gender",
        ["race"],
    )
    assert found.reasons["site"] == "the batch is 'plate'"
    assert "primary_site" not in found.roles


@pytest.mark.parametrize(
    ("name", "values", "kept"),
    [
        ("definition", ["Primary solid Tumor", "Solid Tissue Normal", "Metastatic"], ["Primary solid Tumor"]),
        ("sample_type", ["Primary Tumor", "Solid Tissue Normal"], ["Primary Tumor"]),
        ("shortLetterCode", ["TP", "NT", "TM"], ["TP"]),
        ("tissue", ["tumour", "adjacent"], ["tumour"]),
        ("sample_type_id", ["01", "11"], ["01"]),
    ],
)
def test_tumours_are_kept(name, values, kept):
    assert guess(**{name: values})[1].cohort["keep"] == {name: kept}


NAMES = (
    "OS",
    "OS.time",
    "os_status",
    "OS_MONTHS",
    "vital_status",
    "days_to_death",
    "days_to_last_follow_up",
    "er",
    "ER %",
    "her2",
    "HER2 IHC",
    "age",
    "Age at Dx",
    "chemo",
    "arm",
    "stage",
    "grade",
    "size_mm",
    "nodes",
    "pT",
    "N",
    "M",
    "date of death",
    "diagnosis date",
    "last follow up date",
    "batch",
    "site",
    "sex",
    "pCR",
    "patient",
    "relapse",
    "time",
    "entry",
    "DFS",
    "DFS.time",
    "race",
    "PAM50",
    "sample_type",
    "Menopausal status",
    "death",
    "event",
    "censored",
)
POOLS = (
    ["0", "1"],
    ["1", "2"],
    ["Y", "N"],
    ["Dead", "Alive"],
    ["1:DECEASED", "0:LIVING"],
    ["Positive", "Negative", "Equivocal"],
    ["0", "1+", "2+", "3+"],
    ["0", "<1", "5", "50%", ">90"],
    ["Stage I", "IIA", "IV", "X"],
    ["T1", "T2c", "TX"],
    ["1", "2", "3", "4"],
    ["2011-05-01", "2012-01-31", "2015-12-01"],
    ["01/02/2011", "03/04/2015"],
    ["F", "M"],
    ["LumA", "Luminal B", "Basal", "Her2"],
    ["Primary", "Normal"],
    ["pCR", "RD"],
)
ODD = (
    "Lost to follow-up",
    "unk",
    "xyz",
    ">89",
    "1,5",
    "NA",
    "",
    "[Not Available]",
    "-1",
    "999",
    "2+",
    "nan",
    "0",
    "1",
)


def random_table(rng):
    n, table = int(rng.choice([6, 12, 40])), {}
    for name in rng.choice(NAMES, int(rng.integers(3, 14)), replace=False):
        kind = int(rng.integers(len(POOLS) + 3))
        pool = POOLS[kind] if kind < len(POOLS) else [f"{x:.1f}" for x in rng.uniform(-1, 900, n)]
        values = [str(value) for value in rng.choice(pool, n)]
        for _ in range(int(rng.choice([0, 0, 1, 2]))):
            values[int(rng.integers(n))] = str(rng.choice(ODD))
        table[str(name)] = values
    return pd.DataFrame(table, dtype=str, index=[f"s{i}" for i in range(n)])


@pytest.mark.parametrize("seed", range(4))
def test_what_is_proposed_can_be_read_without_an_edit(seed):
    rng = np.random.default_rng(seed)
    for _ in range(15):
        table = random_table(rng)
        proposal = guess_cohort(table)
        config = CohortConfig.model_validate({"expression": ["x.tsv"]} | proposal.cohort)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = keep_rows(replace_values(table, config.model_dump()["values"], "table", []), config.keep)
            obs, _ = make_obs(rows, config.roles, "table", [])
        assert {f"{name}_event" for name in config.roles.endpoints} <= set(obs.columns)
