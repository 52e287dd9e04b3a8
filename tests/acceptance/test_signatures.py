"""Signatures of real cohorts: against what they have to beat, and of labels that were shuffled.

Set PRECISIONMED_COHORTS to the folder that holds `tcga_brca_rsem`, `tcga_brca_counts20k` and `gse25055_pcr`.
The survival test needs the `demo` extra instead.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import precisionmed as pm
from precisionmed.config import CohortConfig, RunConfig
from precisionmed.estimators import metrics

HERE = Path(__file__).parent
COHORTS = Path(os.environ.get("PRECISIONMED_COHORTS", HERE.parents[2] / "shared" / "data"))

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning"),  # what cohorts lack
]


@cache
def prepared(name: str) -> tuple[Any, dict[str, Any]]:
    """Return the normalized cohort of a config, receptors settled, and its keys of the biomarkers step.

    Not to be changed: it is kept.
    """
    if not (COHORTS / name).is_dir():
        pytest.skip(f"no folder {name} in PRECISIONMED_COHORTS ({COHORTS})")
    config = yaml.safe_load((HERE / f"{name}.yaml").read_text())
    cohort = config["cohort"]
    cohort["expression"] = [str(COHORTS / path) for path in cohort["expression"]]
    for key in {"clinical", "probe_annotation"} & cohort.keys():
        cohort[key] = str(COHORTS / cohort[key])
    settings = RunConfig.model_validate(config)
    adata = pm.pp.normalize(pm.read_cohort(settings.cohort))
    return pm.tl.receptors(adata), dict(settings.biomarkers)


def learned(name: str, label: str, shuffled: int | None = None, **changed: Any) -> dict[str, Any]:
    """Return what is stored about the signature of one label, perhaps after the responses were shuffled."""
    adata, keys = prepared(name)
    adata = adata.copy()
    if shuffled is not None:
        adata.obs["response"] = adata.obs["response"].sample(frac=1, random_state=shuffled).to_numpy()
    pm.tl.biomarkers(adata, **(keys | {"labels": [label], "endpoints": []} | changed))
    found = adata.uns["precisionmed"]["biomarkers"][label]
    print(found["performance"].to_string(), found["comparisons"].to_string(), sep="\n")
    print(f"{len(found['signature'])} genes, stable: {sorted(stable(found))}, panel: {found['panel_genes']}")
    return found


def performance(found: dict[str, Any], model: str = "signature") -> float:
    return float(found["performance"].set_index("model").loc[model, "estimate"])


def against(found: dict[str, Any], rival: str) -> Any:
    return found["comparisons"].query("model == 'signature' and against == @rival").iloc[0]


def stable(found: dict[str, Any]) -> set[str]:
    table = found["stability"]
    return set(table["gene"][table["selected"].astype(bool)])


def test_er_of_rsem_beats_clinic_and_chance():
    found = learned("tcga_brca_rsem", "er")
    assert performance(found) > 0.9
    assert against(found, "clinical only")["lower"] > 0.2
    assert found["random_p"] < 0.02  # better than each of a hundred
    assert {"ESR1"} <= stable(found) & set(found["signature"]["gene"])
    # ESR1 alone measures nearly what the antibody stains; more genes must not lose anything.
    assert against(found, "best single gene")["lower"] > -0.02


def test_her2_of_rsem_finds_the_amplicon():
    found = learned("tcga_brca_rsem", "her2")
    assert performance(found) > 0.75
    assert against(found, "clinical only")["lower"] > 0
    assert found["signature"]["gene"].iloc[0] in {"ERBB2", "GRB7", "STARD3", "PGAP3", "ORMDL3"}


@pytest.mark.parametrize(("label", "reached", "gene"), [("er", 0.9, "ESR1"), ("her2", 0.75, "ERBB2")])
def test_labels_among_all_genes(label, reached, gene):
    found = learned("tcga_brca_counts20k", label)
    assert performance(found) > reached
    assert gene in set(found["signature"]["gene"])
    assert gene in set(found["screen"]["gene"][:10])
    assert found["random_p"] < 0.05


def test_response_is_ahead_of_one_gene_but_not_of_the_clinic():
    found = learned("gse25055_pcr", "response")
    assert 0.7 < performance(found) < 0.85
    assert against(found, "best single gene")["lower"] > 0
    # ER and grade alone are nearly as good: the interval says so.
    assert against(found, "clinical only")["lower"] < 0 < against(found, "clinical only")["difference"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_response_has_no_signature(seed):
    found = learned("gse25055_pcr", "response", shuffled=seed, random_signatures=0)
    row = found["performance"].set_index("model").loc["signature"]
    assert row["lower"] <= 0.5
    assert len(found["signature"]) <= 3
    assert len(stable(found)) <= 3  # on average one false gene is tolerated
    assert len(found["decoy_genes"]) == 0


def test_survival_of_unc_ranks_patients_of_stanford(tmp_path):
    pytest.importorskip("SurvSet")
    unc = pm.read_cohort(CohortConfig(dataset="unc", keep={"specimen": ["primary"]}))
    stanford = pm.datasets.stanford()
    pm.pp.shared_genes(unc, [stanford.var_names])
    pm.pp.normalize(unc)
    keys = {"labels": [], "n_repeats": 1, "stability": False, "random_signatures": 0}
    sizes = {}
    for rule in ("1se", "min"):
        pm.tl.biomarkers(unc, **keys, rule=rule)
        found = unc.uns["precisionmed"]["biomarkers"]["rfs"]
        sizes[rule] = len(found["signature"])
    assert sizes["1se"] == 0 < sizes["min"]
    signature = found["signature"].set_index("gene")["coefficient"]
    values = stanford.to_df()[signature.index].fillna(unc.to_df().median())
    follow_up = stanford.obs["os_time"], stanford.obs["os_event"]
    by_hand, lower, upper = metrics.concordance_interval(*follow_up, values @ signature, random_state=1)
    assert 0.55 < by_hand < 0.7 and upper - lower < 0.25

    model = pm.lock(pm.tl.survival(unc), tmp_path / "model.pmz")
    table = pm.tl.validate(stanford, model).uns["precisionmed"]["validate"]["performance"]
    locked = table.query("task == 'rfs' and mode == 'centred'")["estimate"].iloc[0]
    assert locked == pytest.approx(by_hand, abs=0.02)  # its penalty was chosen in other folds
