"""`precisionmed init`: what it writes, where, and what it says."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from precisionmed.cli.app import app
from precisionmed.config import load_config
from precisionmed.errors import InputError
from precisionmed.io import read_cohort
from precisionmed.io.genes import gene_table
from tests.io.conftest import Files


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def init(*arguments):
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


@pytest.mark.parametrize(
    "output", ["config.yaml", "analysis/config.yaml", "analysis/deeper/c.yaml", "../c.yaml"]
)
def test_the_config_finds_its_tables_wherever_it_is_written(files, tmp_path, monkeypatch, output):
    files.write()
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    result = init("--expression", "../expression.tsv", "--clinical", "../clinical.tsv", "--output", output)
    assert result.exit_code == 0, result.output
    monkeypatch.chdir("/")
    assert read_cohort(load_config(folder / output).cohort).n_obs == 12


MESSY = 60


@pytest.fixture
def messy(tmp_path):
    """A table as hospitals have it, and counts whose second plate is brighter in a third of the genes."""
    rng = np.random.default_rng(7)
    files = Files(tmp_path, MESSY)
    plate = np.tile(["A", "B", "C"], MESSY // 3)
    genes = [*files.counts.index, *list(gene_table().length)[:188]]
    counts = rng.negative_binomial(5, 0.02, (len(genes), MESSY))
    counts[::3, plate == "B"] *= 6
    files.counts = pd.DataFrame(counts, index=pd.Index(genes, name="gene"), columns=files.samples)

    def pick(*values):
        return rng.choice(values, MESSY).astype(object)

    def numbers(low, high, digits=0):
        return [f"{x:.{digits}f}" for x in rng.uniform(low, high, MESSY)]

    table = {
        "Sample": files.samples,
        "Pat. No.": [f"P{i}" for i in range(MESSY)],
        "Age at Dx": numbers(30, 85),
        "Tumour size (cm)": numbers(0.5, 6, 1),
        "Vital status": pick("Dead", "Alive"),
        "OS (mo)": numbers(1, 120, 1),
        "DFS months": numbers(1, 120, 1),
        "DFS censored": pick("1", "0", "1"),
        "HER2 IHC": pick("0", "1+", "2+", "3+"),
        "ER status by IHC": pick("Positive", "Negative", "Indeterminate"),
        "PR %": pick("0", "<1", "1", "20", "90"),
        "er_mrna": pick("Positive", "Negative"),
        "Chemo": pick("Y", "N"),
        "Stage": pick("Stage I", "Stage IIA", "Stage IIIB"),
        "Grade": pick("G1", "G2", "G3"),
        "pT": pick("T1", "T2", "T3"),
        "pN": pick("N0", "N1", "N2"),
        "Menopausal status": pick("pre", "post"),
        "Plate": plate,
        "Site": pick("north", "south"),
        "Gender": pick("F", "F", "F", "M"),
        "ER H-score": numbers(0, 300),
        "DSS": pick("0", "1"),
        "comment [b]{x}": [f"c{i}" for i in range(MESSY)],
    }
    files.clinical = pd.DataFrame(table)
    files.clinical.loc[5, "Vital status"] = "Lost to follow-up"
    files.clinical.loc[3, "Age at Dx"] = "unk"
    files.clinical.loc[7, "HER2 IHC"] = "Not done"
    files.clinical.loc[9, "Stage"] = "Stage X"
    return files


def test_a_messy_table_goes_through_without_an_edit(messy, tmp_path):
    messy.write()
    config = tmp_path / "config.yaml"
    result = init(
        "--expression",
        tmp_path / "expression.tsv",
        "--clinical",
        tmp_path / "clinical.tsv",
        "--output",
        config,
    )
    assert result.exit_code == 0, result.output
    cohort, roles = load_config(config).cohort, load_config(config).cohort.roles
    os, dfs = roles.endpoints["os"], roles.endpoints["dfs"]
    assert (os.time, os.event, os.unit) == ("OS (mo)", "Vital status", "months")
    assert (os.event_values, os.censored_values, os.missing_values) == (
        ["Dead"],
        ["Alive"],
        ["Lost to follow-up"],
    )
    assert (dfs.event, dfs.event_values, dfs.censored_values) == ("DFS censored", ["0"], ["1"])
    er, pr, her2 = roles.receptors.er, roles.receptors.pr, roles.receptors.her2
    assert er is not None
    assert (er.column, er.equivocal) == ("ER status by IHC", ["Indeterminate"])
    assert pr is not None
    assert (pr.column, pr.positive, set(pr.negative)) == ("PR %", ["1", "20", "90"], {"0", "<1"})
    assert her2 is not None
    assert (her2.positive, her2.negative, her2.equivocal) == (["3+"], ["0", "1+"], ["2+"])
    assert her2.missing_values == ["Not done"]
    assert roles.treatment is not None
    assert (roles.treatment.column, roles.treatment.treated) == ("Chemo", ["Y"])
    assert (roles.batch, roles.patient, roles.sex) == ("Plate", "Pat. No.", "Gender")
    assert set(roles.covariates) == {"Age at Dx", "Grade", "Stage", "Tumour size (cm)"}
    assert cohort.model_dump()["values"] == {"Age at Dx": {"unk": ""}}
    assert load_config(config).batch.method == "combat"

    said = result.output
    for line in (
        "OS (mo) -> endpoint os: time",
        "PR % -> receptor pr",
        "er_mrna looks like receptor er, not used: it seems to be derived from expression",
        "ER H-score looks like receptor er, not used: it holds numbers without a unit",
        "DSS looks like follow-up, not used: no column with the time that goes with it was found",
        "Site looks like batch, not used: the batch is 'Plate'",
        "Menopausal status looks like covariate (menopause), not used: it goes with 'Age at Dx'",
        "'Lost to follow-up' (1)",
        "1 or yes is taken as censored",
        "Samples separate by 'Plate'",
    ):
        assert line in said
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata = read_cohort(cohort)
    assert adata.n_obs == MESSY
    assert adata.obs["os_event"].isna().sum() == 1
    dead = messy.clinical["Vital status"].eq("Dead").sum()
    assert adata.obs["os_event"].sum() == dead
    assert adata.obs["dfs_event"].sum() == messy.clinical["DFS censored"].eq("0").sum()


def test_two_clinical_tables_are_joined(files, tmp_path, monkeypatch):
    files.clinical["sample_id"] = files.samples
    files.clinical["patient"] = [f"P{i}" for i in range(12)]
    patients = files.clinical[["patient", "months", "status"]]
    samples = files.clinical[["sample_id", "patient", "er_ihc"]]
    files.write()
    patients.to_csv(tmp_path / "patients.tsv", sep="\t", index=False)
    samples.to_csv(tmp_path / "samples.tsv", sep="\t", index=False)
    monkeypatch.chdir(tmp_path)
    for i, given in enumerate(
        (
            ["--clinical", "patients.tsv,samples.tsv"],
            ["--clinical", "patients.tsv", "--clinical", "samples.tsv"],
        )
    ):
        result = init("--expression", "expression.tsv", *given, "--output", f"{i}/config.yaml")
        assert result.exit_code == 0, result.output
        cohort = load_config(f"{i}/config.yaml").cohort
        assert [path.resolve() for path in cohort.clinical_tables] == [
            tmp_path / "patients.tsv",
            tmp_path / "samples.tsv",
        ]
        assert read_cohort(cohort).obs["os_event"].sum() == 6


ODD_NAMES = [
    "[b]bold[/b] er status",
    "{x} os months",
    "os event \\[red]",
    "a: 'b' \"c\" # chemo",
    "x" * 300 + " age",
    "%s batch",
    "",
    "#",
    "- ER %",
    "Größe (cm) ✓",
    ":smile: stage",
    "yes",
    "null",
    "tab\there",
]


def test_odd_names_are_printed_and_written_as_they_are(files, tmp_path):
    for i, name in enumerate(ODD_NAMES):
        files.clinical[name] = (
            [("pos", "neg")[j % 2] for j in range(12)] if i % 2 else [str(j + 20) for j in range(12)]
        )
    files.write()
    files.clinical.to_excel(tmp_path / "clinical.xlsx", index=False)
    config = tmp_path / "config.yaml"
    result = init(
        "--expression",
        tmp_path / "expression.tsv",
        "--clinical",
        tmp_path / "clinical.xlsx",
        "--output",
        config,
    )
    assert result.exit_code == 0, result.output
    for shown in ("[b]bold[/b] er status", "os event \\[red]"):
        assert shown in result.output
    assert ("x" * 300) not in result.output
    load_config(config)


def test_a_wide_table_is_folded(files, tmp_path):
    wide = pd.DataFrame({f"RFS event {i}": ["1", "0"] * 6 for i in range(500)})
    files.clinical = pd.concat([files.clinical, wide], axis=1)
    files.write()
    config = tmp_path / "config.yaml"
    result = init(
        "--expression",
        tmp_path / "expression.tsv",
        "--clinical",
        tmp_path / "clinical.tsv",
        "--output",
        config,
    )
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) < 120
    assert "more: see the config" in result.output
    assert config.read_text().count("RFS event 499") == 1


def test_an_existing_config_stays(files, tmp_path):
    files.write()
    config = tmp_path / "config.yaml"
    config.write_text("mine")
    result = init("--expression", tmp_path / "expression.tsv", "--output", config)
    assert result.exit_code == 2
    assert config.read_text() == "mine"


def test_without_a_clinical_table_no_roles_are_proposed(files, tmp_path):
    files.write()
    result = init("--expression", tmp_path / "expression.tsv", "--output", tmp_path / "config.yaml")
    assert result.exit_code == 0
    assert "no clinical table" in result.output


def test_normal_tissue_is_named_by_barcode_and_by_column(files, tmp_path):
    files.samples = [f"TCGA-A1-A{i:03d}-{'11A' if i < 3 else '01A'}" for i in range(12)]
    files.counts.columns = files.samples
    files.clinical["sample"] = files.samples
    files.clinical["definition"] = ["Solid Tissue Normal"] * 3 + ["Primary solid Tumor"] * 9
    files.write()
    config = tmp_path / "config.yaml"
    result = init(
        "--expression",
        tmp_path / "expression.tsv",
        "--clinical",
        tmp_path / "clinical.tsv",
        "--output",
        config,
    )
    assert result.exit_code == 0, result.output
    assert "3 samples are no tumours by their barcode" in result.output
    cohort = load_config(config).cohort
    assert cohort.keep == {"definition": ["Primary solid Tumor"]}
    with pytest.warns(match="no tumours by their barcode"):
        assert read_cohort(cohort).n_obs == 9


@pytest.mark.parametrize("clinical", [True, False])
def test_what_a_run_would_refuse_is_said(files, tmp_path, clinical):
    files.counts.index = [
        gene.capitalize() for gene in sorted(gene_table().symbols)[5000 : 5000 + len(files.counts)]
    ]
    files.write()
    given = ["--expression", tmp_path / "expression.tsv"]
    given += ["--clinical", tmp_path / "clinical.tsv"] if clinical else []
    result = init(*given, "--output", tmp_path / "c.yaml")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "A run stops here until this is mended" in said
    assert "written as those of mouse" in said
    with pytest.raises(InputError, match="written as those of mouse"):
        read_cohort(load_config(tmp_path / "c.yaml").cohort)


def test_samples_without_the_follow_up_of_their_patients(files, tmp_path):
    table = files.clinical.rename(columns={files.clinical.columns[0]: "SAMPLE_ID"})
    table.insert(0, "PATIENT_ID", [f"P{i}" for i in range(len(table))])
    files.clinical = table.drop(columns=["months", "status"])
    files.write()
    result = init(
        *("--expression", tmp_path / "expression.tsv", "--clinical", tmp_path / "clinical.tsv"),
        *("--output", tmp_path / "c.yaml"),
    )
    assert "has patients and samples but no follow-up" in " ".join(result.output.split())
