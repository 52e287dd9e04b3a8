"""A clinical table as hospitals keep it, through `init` and `run` without an edit."""

from __future__ import annotations

import re
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from _commands import command

import precisionmed as pm
from precisionmed.config import load_config
from precisionmed.datasets import simulate
from precisionmed.io import read_cohort

N, AGAIN = 90, 6


def cohort() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return counts and a clinical sheet: two samples of some patients, three plates far apart."""
    adata = simulate(N, 300, n_batches=3, batch_effect=0.8, seed=3)
    rng, obs = np.random.default_rng(3), adata.obs
    names = [f"BC-{i + 1:03d}" for i in range(N)]
    size = rng.uniform(6, 60, N)
    nodes = (obs["node_status"] == "positive").to_numpy()
    stage = np.where(nodes, rng.choice(["IIB", "IIIA", "Stage IIIC"], N), rng.choice(["IA", "Stage IIA"], N))
    clinical = pd.DataFrame(
        {
            "Sample ID": [f"{name}-T1" for name in names],
            "Patient": names,
            "Age at Dx": obs["age"].astype(int).astype(str),
            "Sex": np.where(obs["sex"] == "male", "M", "F"),
            "Race": obs["race"].astype(str),
            "Overall Survival (Months)": [f"{x:.1f}" for x in obs["os_time"]],
            "Vital Status": np.where(obs["os_event"] == 1, "Dead", "Alive"),
            "ER": obs["er"].astype(object).map({"positive": "Pos", "negative": "neg"}).fillna("Indet."),
            "PR %": np.where(obs["pr"] == "positive", rng.choice(["5", "60", ">90"], N), "<1"),
            "HER2": obs["her2"]
            .astype(object)
            .map({"positive": "3+", "equivocal": "2+"})
            .fillna(pd.Series(rng.choice(["0", "1+"], N), index=obs.index)),
            "Treatment": np.where(obs["treatment"] == "treated", "Y", "N"),
            "Tumour size": [f"{x:.0f} mm" if i % 4 else f"{x / 10:.1f} cm" for i, x in enumerate(size)],
            "AJCC stage": stage,
            "T": np.where(size < 20, "T1c", np.where(size < 50, "T2", "T3")),
            "N": np.where(nodes, rng.choice(["N1a", "N2"], N), rng.choice(["N0", "N0 (i-)"], N)),
            "M": rng.choice(["M0", "MX", "cM0 (i+)"], N, p=[0.8, 0.18, 0.02]),
            "Grade": [f"G{grade:.0f}" for grade in obs["grade"]],
            "Sequencing plate": [f"PL{batch[1:]}" for batch in obs["batch"].astype(str)],
            "Site": rng.choice(["North", "South"], N),
            "Recurrence": rng.choice(["yes", "no"], N),
            "Comments": rng.choice(["", "pt moved away", 'see letter; "ok"', "=1+1"], N),
        }
    ).reset_index(drop=True)
    odd = {"Age at Dx": "570", "Vital Status": "Lost to follow-up", "HER2": "not done"}
    odd |= {"AJCC stage": "Stage X", "T": "TX", "Grade": "GX"}
    for row, (column, value) in enumerate(odd.items()):
        clinical.loc[row + 20, column] = value
    clinical.loc[12, "AJCC stage"] = ""
    clinical.loc[13, "Age at Dx"] = "unk"
    counts = pd.DataFrame(
        np.asarray(adata.layers["counts"]).T.astype(int), adata.var_names, clinical["Sample ID"]
    )
    second = counts.iloc[:, :AGAIN] + rng.integers(0, 5, (len(counts), AGAIN))
    second.columns = [name.replace("T1", "T2") for name in second.columns]
    rows = clinical.iloc[:AGAIN].assign(**{"Sample ID": second.columns})
    return pd.concat([counts, second], axis=1), pd.concat([clinical, rows], ignore_index=True)


def write(folder: Path, kind: str) -> tuple[str, str]:
    counts, clinical = cohort()
    if kind == "comma":
        counts.to_csv(folder / "expression.csv")
        clinical.to_csv(folder / "clinical.csv", index=False)
        return "expression.csv", "clinical.csv"
    if kind == "semicolon":  # as a German Excel exports it
        counts.to_csv(folder / "expression.csv", sep=";")
        for column in ("Overall Survival (Months)", "Tumour size"):
            clinical[column] = clinical[column].str.replace(".", ",")
        clinical.to_csv(folder / "clinical.csv", sep=";", index=False, encoding="cp1252")
        return "expression.csv", "clinical.csv"
    counts.to_csv(folder / "expression.tsv", sep="\t")
    numbers = clinical.map(lambda x: float(x) if re.fullmatch(r"\d+(\.\d+)?", str(x)) else x)
    numbers.to_excel(folder / "clinical.xlsx", index=False)
    return "expression.tsv", "clinical.xlsx"


def init(folder: Path, kind: str) -> subprocess.CompletedProcess[str]:
    expression, clinical = write(folder, kind)
    done = command("init", "--expression", expression, "--clinical", clinical, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("kind", ["comma", "semicolon", "excel"])
def test_roles_are_proposed_and_what_is_not_used_is_said(tmp_path, kind):
    done = init(tmp_path, kind)
    said = " ".join((done.stdout + done.stderr).split())
    for column, role in {
        "Overall Survival (Months)": "endpoint os: time",
        "Vital Status": "endpoint os: event",
        "ER": "receptor er",
        "PR %": "receptor pr",
        "HER2": "receptor her2",
        "Treatment": "treatment",
        "Age at Dx": "covariate (age)",
        "Tumour size": "covariate (size)",
        "AJCC stage": "covariate (stage)",
        "Grade": "covariate (grade)",
        "Sequencing plate": "batch",
        "Patient": "patient",
        "Race": "groups (audit)",
    }.items():
        assert f"{column} -> {role}" in said
    for line in (
        "T looks like covariate (T), not used: it goes into 'Tumour size'.",
        "N looks like covariate (N), not used: it goes into 'AJCC stage'.",
        "M looks like covariate (M), not used: it goes into 'AJCC stage'.",
        "Site looks like batch, not used: the batch is 'Sequencing plate'.",
        "Recurrence looks like follow-up, not used: no column with the time that goes with it was found.",
        "1 more column has no role.",
        "Left out as missing: 'Lost to follow-up' (1)",
        "Left out as missing: 'not done' (1)",
        "'570' (1), 'unk' (1)",
        "'Tumour size' is read as mm",
        "Taken as not randomized",
        f"{AGAIN} samples are further samples of a patient.",
        "Samples separate by 'Sequencing plate'",
    ):
        assert line in said, line
    config = load_config(tmp_path / "config.yaml")
    assert config.batch.method == "combat"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata = read_cohort(config.cohort)
    assert adata.n_obs == N
    obs = adata.obs
    truth = cohort()[1].set_index("Sample ID").loc[obs.index]
    assert obs["os_event"].sum() == truth["Vital Status"].eq("Dead").sum()
    assert list(obs["AJCC stage"].cat.categories) == ["I", "II", "III"]
    assert obs["AJCC stage"].isna().sum() == 2
    assert obs["Grade"].isna().sum() == 1
    assert obs["Age at Dx"].isna().sum() == 2
    millimetres = [float(v.split()[0]) * (10 if "cm" in v else 1) for v in truth["Tumour size"]]
    np.testing.assert_allclose(obs["Tumour size"], millimetres)


@pytest.mark.slow
def test_the_report_tells_the_reader_first(tmp_path):
    init(tmp_path, "comma")
    done = command("run", "--config", "config.yaml", "--cores", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    first = text[text.index("Read with care") : text.index("What the locked model can call")]
    assert "look like follow-up are not used: “Recurrence”" in first
    assert "Treatment was not randomized" in first
    run = pm.read_run(tmp_path / "results")
    assert run.n_obs == N
    assert run.uns["precisionmed"]["receptors"]["source"]["her2"] == "recorded"
    effects = run.uns["precisionmed"]["survival"]["os"]["cox"]
    names = set(effects["covariate"].astype(str))
    assert {"AJCC stage: I (reference)", "Grade: 1 (reference)", "Tumour size"} <= names
    assert not [name for name in names if "X" in name]
