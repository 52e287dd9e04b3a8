"""How good a signature is on samples it never saw, and what it has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.estimators.baselines import BestGene, against_random, random_signatures
from precisionmed.estimators.clinical import ClinicalOnly, GenesAndClinical
from precisionmed.estimators.crossval import CrossValidation, cross_validate_models
from precisionmed.estimators.panel import PanelSearch, entry_order
from precisionmed.io.patients import patients_at
from precisionmed.pp._inputs import measured, table
from precisionmed.tl._folds import values_as_read
from precisionmed.tl._signature_tasks import Task

if TYPE_CHECKING:
    from anndata import AnnData

SIGNATURE, BEST_GENE, CLINICAL, COMBINED = (
    "signature",
    "best single gene",
    "clinical only",
    "signature + clinical",
)
_COMPARED = ((SIGNATURE, CLINICAL), (SIGNATURE, BEST_GENE), (COMBINED, CLINICAL))


@dataclass(frozen=True)
class Plan:
    """How a signature is measured."""

    n_folds: int
    n_repeats: int
    n_random: int
    """Signatures of random genes."""
    random_seed: int
    """Draws the random genes."""
    boot_seed: int
    """Draws the bootstrap samples: the same for all models."""


@dataclass(frozen=True)
class Evidence:
    """Out-of-fold scores of the signature, and the tables about them."""

    signature: CrossValidation
    tables: dict[str, Any]


def gather(
    adata: AnnData,
    task: Task,
    model: Any,
    final: Any,
    clinical: pd.DataFrame | None,
    plan: Plan,
    rng: np.random.Generator,
) -> Evidence:
    """Cross-validate the signature and its rivals on the same folds.

    Parameters
    ----------
    adata
        Cohort after `pp.normalize`.
    task
        What is predicted.
    model
        The signature's estimator, not fitted.
    final
        The same, fitted to all samples; random signatures have as many genes, and the panel is the first
        genes of its path.
    clinical
        Clinical covariates of the samples of the task, if there are any.
    plan
        Folds, repeats and seeds.
    rng
        Deals the folds.
    """
    models = {SIGNATURE: model, BEST_GENE: BestGene()}
    if clinical is not None:
        models |= {CLINICAL: ClinicalOnly(), COMBINED: GenesAndClinical(model)}
    size = int(np.count_nonzero(final.coef_))
    # An empty signature is no model: what single training sets chose is not what one would use.
    without = () if final.coef_.any() else (SIGNATURE, COMBINED)
    random = {} if without else random_signatures(size, plan.n_random, plan.random_seed)
    search = PanelSearch(task.y, SIGNATURE)
    results = _cross_validate(adata, task, models | random, clinical, search, plan, rng)
    real = {name: results[name] for name in models if name not in without}
    found: dict[str, Any] = {
        "performance": _performance(task, real, plan.boot_seed),
        "comparisons": _comparisons(task, real, plan.boot_seed),
        **_panel(search, final, adata.var_names, plan.boot_seed),
    }
    if random:
        placed = against_random(results[SIGNATURE], [results[name] for name in random], task.y)
        found |= {
            "random_signatures": table(pd.DataFrame({"estimate": placed.random})),
            "random_p": placed.p,
            "random_percentile": placed.percentile,
        }
    return Evidence(results[SIGNATURE], found)


def _cross_validate(
    adata: AnnData,
    task: Task,
    models: dict[str, Any],
    clinical: pd.DataFrame | None,
    search: PanelSearch,
    plan: Plan,
    rng: np.random.Generator,
) -> dict[str, CrossValidation]:
    return cross_validate_models(
        models,
        y=task.y,
        **values_as_read(adata, task.rows),
        exclude=np.asarray(measured(adata)[1].isin(task.excluded)),
        clinical=clinical,
        groups=patients_at(adata.obs, task.rows),
        n_folds=plan.n_folds,
        n_repeats=plan.n_repeats,
        random_state=rng,
        each=search.add,
    )


def _metric(task: Task) -> str:
    return "c_index" if task.kind == "survival" else "auc"


def _performance(task: Task, results: dict[str, CrossValidation], seed: int) -> pd.DataFrame:
    rows: list[tuple[str, str, float, float, float]] = []
    for name, result in results.items():
        survival = task.kind == "survival"
        interval = result.concordance(task.y, seed) if survival else result.auc(task.y)
        rows.append((name, _metric(task), *interval))
    return table(pd.DataFrame(rows, columns=["model", "metric", "estimate", "lower", "upper"]))


def _comparisons(task: Task, results: dict[str, CrossValidation], seed: int) -> pd.DataFrame:
    rows = []
    for model, against in _COMPARED:
        if model in results and against in results:
            gap = results[model].compare(results[against], task.y, seed)
            rows.append((model, against, _metric(task), gap.estimate, gap.lower, gap.upper, gap.p))
    columns = ["model", "against", "metric", "difference", "lower", "upper", "p"]
    return table(pd.DataFrame(rows, columns=columns))


def _panel(search: PanelSearch, final: Any, genes: pd.Index, seed: int) -> dict[str, Any]:
    panel = search.result(seed)
    first = entry_order(final)[: panel.n_genes]
    return {
        "panel": table(panel.curve.rename(columns={"metric": "estimate"})),
        "panel_genes": np.array([str(genes[g]) for g in first], dtype=object),
    }
