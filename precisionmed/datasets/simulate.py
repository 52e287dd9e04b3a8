"""A tumour cohort whose truth is known: RNA-seq counts, clinic, treatment and outcome."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from precisionmed.config import RolesConfig, step_generator
from precisionmed.datasets import _simulate_counts as expression
from precisionmed.datasets import _simulate_patients as people
from precisionmed.errors import InputError

if TYPE_CHECKING:
    from anndata import AnnData


def simulate(
    n_samples: int = 300,
    n_genes: int = 2000,
    *,
    k: int = 4,
    subtype_effect: float = 1.5,
    n_batches: int = 2,
    batch_effect: float = 0.3,
    n_signal_genes: int = 10,
    label_prevalence: float = 0.3,
    label_effect: float = 0.8,
    hazard_effect: float = 0.35,
    censoring: float = 0.6,
    treatment: Literal["randomized", "confounded"] | None = "randomized",
    treatment_effect: float = -0.2,
    interaction: float = -1.0,
    mean_count: float = 300.0,
    dispersion: float = 0.15,
    male_fraction: float = 0.01,
    seed: int = 1,
) -> AnnData:
    """Simulate a breast-cancer cohort; it is returned as if it had been ingested.

    Counts are negative binomial around log-normal library sizes and gene lengths. Patients belong to `k`
    intrinsic classes, each with its own modules of correlated genes and, in the 50 PAM50 genes, the
    published centroid. ERBB2 and its neighbours share an amplification, ESR1 and PGR follow the receptors,
    XIST and four Y-chromosome genes the sex. Ten genes (`n_signal_genes`) alone decide on response, ten
    others, age, nodes and the class on survival. Treatment changes the hazard by `treatment_effect`
    and, in HER2-amplified tumours, by `interaction` more.

    Parameters
    ----------
    n_samples, n_genes
        Size of the cohort; genes beyond those with a real symbol are G00001, G00002, ...
    k
        Number of classes, 1 to 5: LumA, LumB, Basal, Her2, Normal.
    subtype_effect
        log2 shift of a module in the class that switches it on.
    n_batches, batch_effect
        Number of batches (balanced, at random) and standard deviation of a gene's log2 shift between them.
    n_signal_genes
        Genes that decide on response, and as many others on survival.
    label_prevalence, label_effect
        Fraction of responders, and absolute log odds ratio for each log2 unit of a response gene.
    hazard_effect
        Absolute log hazard ratio for each log2 unit of a survival gene.
    censoring
        Fraction of patients whose death is not seen.
    treatment
        `randomized`, `confounded` (patients at high risk are rather treated), or None.
    treatment_effect, interaction
        Log hazard ratio of treatment, and what is added to it when HER2 is amplified.
    mean_count, dispersion
        Mean reads for each gene, and typical negative-binomial dispersion.
    male_fraction
        Fraction of men.
    seed
        The same seed gives the same cohort; the patients do not depend on `n_genes`.

    Returns
    -------
    AnnData (n_samples, n_genes)
        `layers["counts"]`, canonical clinical columns, roles in `uns["precisionmed"]["ingest"]`,
        and in `uns["truth"]` the tables `samples` and `genes` and the parameters.

    Raises
    ------
    InputError
        A size or fraction is out of range.
    """
    parameters: dict[str, Any] = {name: value for name, value in locals().items() if value is not None}
    _check(n_samples, n_genes, k, n_signal_genes, n_batches, label_prevalence, censoring, treatment)
    rng = step_generator(seed, "simulate_patients")
    patients = people.draw_patients(n_samples, k, n_batches, male_fraction, rng)
    signs = np.where(np.arange(n_signal_genes) % 2 == 0, 1.0, -1.0)
    activity = rng.normal(size=(2, n_samples, n_signal_genes))
    label, probability = people.draw_response(label_effect * activity[0] @ signs, label_prevalence, rng)
    risk = people.log_hazard(patients, activity[1], hazard_effect * signs)
    treated = people.draw_treatment(treatment or "randomized", risk, rng) & (treatment is not None)
    effect = treated * (treatment_effect + interaction * patients["her2"].to_numpy())
    time, event = people.draw_survival(risk + effect, censoring, rng)

    obs = _clinical(patients, rng)
    obs["os_time"], obs["os_event"] = time, event
    obs["response"] = pd.Categorical(np.where(label, "responder", "non_responder"))
    if treatment is not None:
        obs["treatment"] = pd.Categorical(np.where(treated, "treated", "control"))

    rng = step_generator(seed, "simulate_counts")
    genes = expression.draw_genes(n_genes, k, n_signal_genes, dispersion, rng)
    eta = expression.log2_means(genes, patients, activity[0], activity[1], subtype_effect, batch_effect, rng)
    counts, _ = expression.draw_counts(eta, genes, mean_count, rng)
    for role, coefficient in {"response": label_effect, "survival": hazard_effect}.items():
        genes[f"{role}_coefficient"] = 0.0
        genes.loc[genes["role"] == role, f"{role}_coefficient"] = coefficient * signs
    samples = patients.assign(
        log_hazard=risk, treated=treated, response=label, response_probability=probability
    )
    return _assemble(counts, obs, genes, samples, parameters)


def write_tables(adata: AnnData, folder: str | Path) -> tuple[Path, Path]:
    """Write a cohort as the two tables that `ingest` reads.

    Clinical columns keep their canonical names, so the roles in `uns["precisionmed"]["ingest"]["roles"]`
    describe the files as well.

    Parameters
    ----------
    adata
        An ingested or simulated cohort.
    folder
        Where `expression.tsv` (genes x samples) and `clinical.tsv` are written; made if absent.

    Returns
    -------
    expression, clinical : Path
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    values = adata.layers["counts"] if "counts" in adata.layers else adata.layers["measured"]
    table = pd.DataFrame(
        np.asarray(values).T, index=pd.Index(adata.var_names, name="gene"), columns=adata.obs_names
    )
    if "counts" in adata.layers:
        table = table.astype(np.int64)
    table.to_csv(folder / "expression.tsv", sep="\t")
    adata.obs.rename_axis("sample").to_csv(folder / "clinical.tsv", sep="\t")
    return folder / "expression.tsv", folder / "clinical.tsv"


def _check(
    n_samples: int,
    n_genes: int,
    k: int,
    n_signal: int,
    n_batches: int,
    prevalence: float,
    censoring: float,
    treatment: Any,
) -> None:
    fewest = len(expression.special_genes()) + 2 * n_signal + 8 * k
    problems = {
        f"n_samples must be at least 10 (found {n_samples})": n_samples < 10,
        f"n_signal_genes must be at least 1 (found {n_signal})": n_signal < 1,
        f"n_genes must be at least {fewest} (found {n_genes})": n_genes < fewest,
        f"k must be 1 to {len(people.CLASSES)} (found {k})": not 1 <= k <= len(people.CLASSES),
        f"n_batches must be 1 to n_samples (found {n_batches})": not 1 <= n_batches <= n_samples,
        f"label_prevalence must lie between 0 and 1 (found {prevalence})": not 0 < prevalence < 1,
        f"censoring must be at least 0 and below 1 (found {censoring})": not 0 <= censoring < 1,
        f"treatment must be 'randomized', 'confounded' or None (found {treatment!r})": treatment
        not in ("randomized", "confounded", None),
    }
    for problem, found in problems.items():
        if found:
            raise InputError(f"simulate: {problem}.")


def _clinical(patients: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    obs = pd.DataFrame(index=patients.index)
    for receptor, equivocal in {"er": 0.0, "pr": 0.0, "her2": people.HER2_EQUIVOCAL}.items():
        obs[receptor] = people.recorded_status(patients[receptor].to_numpy(), equivocal, rng)
    obs["intrinsic"] = pd.Categorical(patients["subtype"])
    obs["age"], obs["grade"] = patients["age"], patients["grade"]
    for column in ("node_status", "race", "sex", "batch"):
        obs[column] = pd.Categorical(patients[column])
    obs["patient"] = pd.Categorical(patients.index)
    return obs


def _roles(treatment: str | None) -> RolesConfig:
    roles: dict[str, Any] = {
        "endpoints": {"os": {"time": "os_time", "event": "os_event", "unit": "months"}},
        "receptors": {name: {"column": name} for name in ("er", "pr", "her2")},
        "intrinsic": {"column": "intrinsic"},
        "response": {"column": "response", "responder": ["responder"], "non_responder": ["non_responder"]},
        "batch": "batch",
        "patient": "patient",
        "sex": "sex",
        "covariates": ["age", "grade", "node_status"],
        "groups": ["race"],
    }
    if treatment:
        roles["treatment"] = {"column": "treatment", "randomized": treatment == "randomized"}
    return RolesConfig.model_validate(roles)


def _assemble(
    counts: np.ndarray,
    obs: pd.DataFrame,
    genes: pd.DataFrame,
    samples: pd.DataFrame,
    parameters: dict[str, Any],
) -> AnnData:
    from anndata import AnnData

    n, p = counts.shape
    adata = AnnData(
        X=counts,
        obs=obs,
        var=pd.DataFrame({"gene_id": genes.index.to_numpy()}, index=pd.Index(genes.index, name=None)),
    )
    adata.obs_names.name = None
    adata.layers["counts"] = counts.copy()
    flow = {"stage": ["simulated"], "samples": [n], "genes": [p], "reason": [""]}
    adata.uns["precisionmed"] = {
        "ingest": {
            "params": {
                "cohort": "simulated",
                "scale": "counts",
                "gene_ids": "symbol",
                "orientation": "genes_by_samples",
            },
            "roles": _roles(parameters.get("treatment")).model_dump_json(),
            "endpoint_units": {"os": "months"},
            "flow": pd.DataFrame(flow, index=["0"]),
            "methods": f"{n} patients and {p} genes were simulated (seed {parameters['seed']}).",
            "notes": np.array([], dtype=str),
        }
    }
    adata.uns["truth"] = {
        "params": parameters,
        "samples": samples.rename_axis(None),
        "genes": genes.rename_axis(None),
    }
    return adata
