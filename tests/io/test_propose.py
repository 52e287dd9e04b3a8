import pytest

from precisionmed.config import CohortConfig, RunConfig, load_config
from precisionmed.errors import InputError
from precisionmed.io import read_cohort
from precisionmed.io.propose import propose_config


@pytest.fixture
def proposal(files, tmp_path):
    files.clinical["tissue"] = ["primary tumour"] * 11 + ["normal"]
    files.clinical["PAM50"] = ["LumA", "LumB", "Her2-enriched", "Basal"] * 3
    files.clinical["patient_id"] = [f"p{i}" for i in range(12)]
    files.clinical["centre"] = ["a", "b"] * 6
    files.clinical["Gender"] = ["Female"] * 12
    files.clinical["pCR"] = ["1", "0"] * 6
    files.clinical["er_mrna"] = ["Positive", "Negative"] * 6
    files.clinical = files.clinical.rename(
        columns={"months": "Overall Survival (Months)", "status": "os_status"}
    )
    files.clinical.loc[0, "Overall Survival (Months)"] = 0
    given = files.write()
    folder = tmp_path / "run"
    folder.mkdir()
    text = propose_config(given["expression"][0], given["clinical"], folder=folder).text
    (folder / "config.yaml").write_text(text)
    return folder / "config.yaml"


def test_the_proposal_reads_the_cohort_as_it_is(proposal):
    config = load_config(proposal)
    cohort = config.cohort
    assert cohort.roles.endpoints["os"].time == "Overall Survival (Months)"
    assert cohort.roles.endpoints["os"].event_values == ["1:DECEASED"]
    assert cohort.roles.endpoints["os"].nonpositive_time == "drop"
    assert cohort.roles.receptors.er is not None
    assert cohort.roles.receptors.er.column == "er_ihc"
    assert cohort.roles.receptors.er.positive == ["Positive", "Positve"]
    assert cohort.roles.intrinsic is not None
    assert cohort.roles.intrinsic.column == "PAM50"
    assert cohort.roles.treatment is not None
    assert cohort.roles.treatment.column == "chemo"
    assert cohort.roles.response is not None
    assert cohort.roles.response.responder == ["1"]
    roles = cohort.roles
    assert (roles.patient, roles.batch, roles.sex, roles.covariates) == (
        "patient_id",
        "centre",
        "Gender",
        ["age"],
    )
    assert cohort.keep == {"tissue": ["primary tumour"]}
    with pytest.warns(match="1 samples with a time of 0 or less"):
        assert read_cohort(cohort).n_obs == 11


def test_every_key_is_there_with_its_explanation(proposal):
    text = proposal.read_text()
    words = " ".join(line.strip().lstrip("# ") for line in text.splitlines())
    for model in (RunConfig, CohortConfig):
        for name, field in model.model_fields.items():
            assert f"{name}:" in text
            assert " ".join((field.description or "").split()) in words


def test_findings_and_doubts_are_told_beside_the_key(proposal):
    text = proposal.read_text()
    assert "# Found: genes_by_samples (12 column names are samples of the clinical table)." in text
    assert "# 1 rows have a time of 0 or less." in text
    assert "# Column 'tissue' also has 'normal' (1)." in text


def test_a_cohort_without_clinical_table_gets_a_config_too(files, tmp_path):
    given = files.write()
    path = tmp_path / "config.yaml"
    path.write_text(propose_config(given["expression"][0], folder=tmp_path).text)
    assert load_config(path).cohort.roles.endpoints == {}
    assert "#  os:" in path.read_text()


def test_tables_that_do_not_belong_together(files):
    given = files.write()
    files.clinical["sample"] = "x"
    files.write()
    with pytest.raises(InputError, match=r"no sample of expression.tsv is in it"):
        propose_config(given["expression"][0], given["clinical"])
