"""The whole chain on two real TCGA tables that are not part of the project.

Set PRECISIONMED_COHORTS to the folder that holds `tcga_brca_rsem` and `tcga_brca_counts20k`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

import precisionmed as pm
from precisionmed.config import CohortConfig
from precisionmed.estimators import LassoLogisticCV, metrics
from precisionmed.estimators.crossval import cross_validate
from precisionmed.pp._inputs import batch_labels, measured, preprocessor

HERE = Path(__file__).parent
COHORTS = Path(os.environ.get("PRECISIONMED_COHORTS", HERE.parents[2] / "shared" / "data"))

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]


def run_chain(name: str, folder: Path) -> Path:
    if not (COHORTS / name).is_dir():
        pytest.skip(f"no folder {name} in PRECISIONMED_COHORTS ({COHORTS})")
    config = yaml.safe_load((HERE / f"{name}.yaml").read_text())
    cohort = config["cohort"]
    cohort["expression"] = [str(COHORTS / path) for path in cohort["expression"]]
    cohort["clinical"] = str(COHORTS / cohort["clinical"])
    config["output"] = str(folder / "results")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [
        sys.executable,
        "-m",
        "precisionmed",
        "run",
        "--config",
        str(folder / "config.yaml"),
        "--cores",
        "2",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "results"


def auc(adata, task):
    table = adata.uns["precisionmed"]["classify"][task]["performance"]
    return float(table.query("model == 'signature' and metric == 'auc'")["estimate"].iloc[0])


def test_rsem_cohort(tmp_path):
    results = run_chain("tcga_brca_rsem", tmp_path)
    adata = pm.read_run(results)
    assert adata.n_obs == adata.obs["patient"].nunique() == 1093
    counts = adata.uns["precisionmed"]["receptors"]["counts"].set_index("receptor")
    assert counts.loc["her2", "positive"] == 164
    assert counts.loc["her2", "equivocal"] > 150
    assert auc(adata, "her2") > 0.75
    assert auc(adata, "tnbc") > 0.9
    assert (results / "report.html").exists()


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")  # genes of unknown name
def test_counts_cohort(tmp_path):
    results = run_chain("tcga_brca_counts20k", tmp_path)
    adata = pm.read_run(results)
    assert adata.uns["precisionmed"]["normalize"]["params"]["method"] == "tmm"
    assert auc(adata, "her2") > 0.75  # IHC; ERBB2 alone reaches 0.84
    assert auc(adata, "tnbc") > 0.9
    samples = pm.read_cohort(expression=COHORTS / "tcga_brca_counts20k" / "expression.tsv.gz")
    model = pm.LockedModel.load(results / "model.pmz")
    pd.testing.assert_frame_equal(model.predict(samples[:1]), model.predict(samples).iloc[:1])


def by_plate(folder: Path) -> Path:
    """Write the clinical table with the plate of the barcode; those of few samples are one batch."""
    clinical = pd.read_csv(COHORTS / "tcga_brca_rsem" / "clinical.tsv", sep="\t", dtype=str)
    plate = clinical["sample"].str.split("-").str[5]
    tumours = plate[clinical["tissue"] == "primary tumour"].value_counts()
    clinical["plate"] = plate.where(plate.map(tumours) >= 20, "small")
    clinical.to_csv(folder / "clinical.tsv", sep="\t", index=False)
    return folder / "clinical.tsv"


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_correcting_plates_leaves_er_as_separable(tmp_path):
    if not (COHORTS / "tcga_brca_rsem").is_dir():
        pytest.skip(f"no folder tcga_brca_rsem in PRECISIONMED_COHORTS ({COHORTS})")
    config = yaml.safe_load((HERE / "tcga_brca_rsem.yaml").read_text())["cohort"]
    config["expression"] = [str(COHORTS / path) for path in config["expression"]]
    config["clinical"] = str(by_plate(tmp_path))
    config["roles"]["batch"] = "plate"
    adata = pm.pp.normalize(pm.read_cohort(CohortConfig.model_validate(config)))
    uncorrected = preprocessor(adata)
    pm.pp.batch(adata, method="combat")
    known = adata.obs["er"].isin(["positive", "negative"]).to_numpy()
    positive = (adata.obs["er"] == "positive").to_numpy()[known].astype(int)
    values, plates = measured(adata)[0][known], batch_labels(adata)[known]
    reached = []
    for prepare in (uncorrected, preprocessor(adata)):
        found = cross_validate(
            LassoLogisticCV(random_state=1),
            values,
            positive,
            preprocessor=prepare,
            batch=plates,
            random_state=1,
        )
        reached.append(metrics.auc(positive, found.score))
    variance = adata.uns["precisionmed"]["batch"]["variance"].set_index("factor")
    separation = adata.uns["precisionmed"]["batch"]["separation"].set_index("factor")
    print(f"ER AUC {reached[0]:.4f} before, {reached[1]:.4f} after\n{variance}\n{separation}")
    assert reached[1] > reached[0] - 0.01
    assert variance.loc["batch", "after"] < 0.2 * variance.loc["batch", "before"]
    assert variance.loc["er", "after"] > 0.9 * variance.loc["er", "before"]
