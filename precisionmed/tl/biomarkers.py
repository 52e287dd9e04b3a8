"""Sparse LASSO signatures of labels and endpoints, measured on samples they never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config import step_generator
from precisionmed.errors import InputError, nearest, warn
from precisionmed.estimators.baselines import BestGene, RandomGenes
from precisionmed.estimators.crossval import CrossValidation, cross_validate_models
from precisionmed.estimators.lasso import LassoCoxCV, LassoLogisticCV
from precisionmed.io.codec import encode
from precisionmed.pp._inputs import batch_covariates, batch_labels, measured, preprocessor, roles_of, store
from precisionmed.tl._folds import patients
from precisionmed.tl._signature_tables import cv_curve_table, path_table, predictions_table, signature_table
from precisionmed.tl._survival_cohort import endpoints_of, scheme, table

if TYPE_CHECKING:
    from anndata import AnnData

MIN_CLASS = 8
"""Fewest samples of either class."""
MIN_EVENTS = 10
"""Fewest events of an endpoint."""
_WORDS = {
    "er": "ER-positive",
    "pr": "PR-positive",
    "her2": "HER2-positive",
    "tnbc": "triple-negative",
    "response": "response",
}
_POSITIVE = {"positive": 1.0, "negative": 0.0, "responder": 1.0, "non_responder": 0.0}


@dataclass(frozen=True)
class Task:
    """One outcome and the samples that have it."""

    name: str
    label: str
    kind: str
    """`binary` or `survival`."""
    rows: np.ndarray
    """Positions of the samples in the cohort."""
    y: Any
    """0 and 1, or a frame with `event` and `time`."""
    excluded: list[str]
    """Genes that define the label."""

    @property
    def event(self) -> np.ndarray:
        """Whether a sample is positive or had the event."""
        return np.asarray(self.y["event"] if self.kind == "survival" else self.y).astype(bool)


def biomarkers(
    adata: AnnData,
    *,
    labels: Sequence[str] = ("er",),
    endpoints: Sequence[str] | None = None,
    n_folds: int = 5,
    n_repeats: int = 2,
    rule: str = "1se",
    alpha: float = 1.0,
    seed: int = 1,
) -> AnnData:
    """Find a sparse signature for each label and endpoint, and measure it by nested cross-validation.

    Each training set starts from the values as read: gene filter, normalization, batch correction, penalty
    and genes are all chosen again. The signature itself is learned from all samples with the outcome. It is
    compared with the best single gene, chosen in the training sets too, and with as many genes drawn at
    random. A label that is derived from expression is learned without the genes that define it.

    Parameters
    ----------
    adata
        Cohort after `pp.normalize`.
    labels
        `er`, `pr`, `her2`, `tnbc` or `response`: the status `tl.receptors` settled (`er_status`) if it has
        been run, else as recorded. Labels the cohort does not have, or with fewer than 8 samples of a class,
        are skipped with a note.
    endpoints
        Endpoints; all of the cohort's when None. Those with fewer than 10 events are skipped with a note.
    n_folds, n_repeats
        Outer folds (and inner ones, which choose the penalty), and how often the samples are dealt anew.
    rule
        `1se` (sparsest within one standard error of the best penalty) or `min` (the best).
    alpha
        Elastic-net mixing; 1 is the LASSO.
    seed
        The run's seed.

    Returns
    -------
    AnnData
        The same object with out-of-fold scores `score_<task>` in `obs`; tables and encoded models in
        `uns["precisionmed"]["biomarkers"]`. In `signature`, `coefficient` is per unit of expression and
        `ratio` per standard deviation; in `path`, coefficients are per standard deviation.

    Raises
    ------
    InputError
        The cohort has not been normalized, or an unknown label or endpoint is asked for.
    """
    notes: list[str] = []
    tasks = _label_tasks(adata, labels, notes) + _endpoint_tasks(adata, endpoints, notes)
    settings = {"n_folds": n_folds, "rule": rule, "alpha": alpha}
    found = {task.name: _learn(adata, task, settings, n_repeats, seed) for task in tasks}
    params = {
        "labels": np.array(list(labels), dtype=object),
        **settings,
        "n_repeats": n_repeats,
        "seed": seed,
    }
    if endpoints is not None:
        params["endpoints"] = np.array(list(endpoints), dtype=object)
    content = {
        "params": params,
        "methods": _methods(tasks, params),
        "notes": np.array(notes, dtype=object),
        "tasks": np.array([task.name for task in tasks], dtype=object),
    }
    store(adata, "biomarkers", content | found)
    return adata


def _label_tasks(adata: AnnData, labels: Sequence[str], notes: list[str]) -> list[Task]:
    receptors = adata.uns.get("precisionmed", {}).get("receptors", {})
    tasks = []
    for name in labels:
        if name not in _WORDS:
            raise InputError(f"biomarkers.labels: there is no label '{name}'.{nearest(name, _WORDS)}")
        # Before `receptors` a column of that name is whatever the clinical table had.
        column = f"{name}_status" if receptors and name != "response" else name
        truth = adata.obs[column].astype(object).map(_POSITIVE) if column in adata.obs else None
        if truth is None or not truth.notna().any():
            notes.append(f"{_WORDS[name]}: the cohort has no such label; no signature was sought.")
            continue
        rows = np.flatnonzero(truth.notna())
        y = truth.to_numpy(float)[rows].astype(int)
        fewest = int(min(y.sum(), (1 - y).sum()))
        if fewest < MIN_CLASS:
            warn(
                f"{_WORDS[name]}: the smaller class has {fewest} samples, fewer than {MIN_CLASS}; "
                "no signature was sought.",
                notes,
            )
            continue
        excluded = [str(gene) for gene in receptors.get("label_genes", {}).get(name, [])]
        tasks.append(Task(name, _WORDS[name], "binary", rows, y, excluded))
    return tasks


def _endpoint_tasks(adata: AnnData, endpoints: Sequence[str] | None, notes: list[str]) -> list[Task]:
    declared = roles_of(adata).endpoints
    for name in endpoints or ():
        if name not in declared:
            raise InputError(f"biomarkers.endpoints: '{name}' is not declared.{nearest(name, declared)}")
    tasks = []
    for endpoint in endpoints_of(adata, notes):
        if endpoints is not None and endpoint.name not in endpoints:
            continue
        if endpoint.n_events < MIN_EVENTS:
            warn(
                f"{endpoint.name}: {endpoint.n_events} events, fewer than {MIN_EVENTS}; "
                "no signature was sought.",
                notes,
            )
            continue
        tasks.append(Task(endpoint.name, endpoint.name.upper(), "survival", endpoint.rows, endpoint.y, []))
    return tasks


def _learn(adata: AnnData, task: Task, settings: dict[str, Any], n_repeats: int, seed: int) -> dict[str, Any]:
    """Learn one signature, measure it, write its scores into `obs`; return what is stored about it."""
    rng = step_generator(seed, f"biomarkers_{task.name}")
    model_seed, random_seed, boot_seed = (int(s) for s in rng.integers(2**31, size=3))
    kind = LassoCoxCV if task.kind == "survival" else LassoLogisticCV
    model = kind(**settings, random_state=model_seed)
    final = _fit_final(adata, task, model)
    size = max(int(np.count_nonzero(final.coef_)), 1)
    rivals = {
        "signature": model,
        "best single gene": BestGene(),
        f"{size} random gene{'s' if size > 1 else ''}": RandomGenes(
            kind(n_folds=settings["n_folds"], rule="min", random_state=model_seed), size, random_seed
        ),
    }
    results = _cross_validate(adata, task, rivals, settings["n_folds"], n_repeats, rng)
    signature = results["signature"]
    score = pd.Series(signature.score, index=adata.obs_names[task.rows])
    adata.obs[f"score_{task.name}"] = score.reindex(adata.obs_names)
    frequency = pd.Series(signature.selection_frequency, index=adata.raw.var_names)
    samples = adata.obs_names[task.rows]
    outcome = task.y if task.kind == "survival" else pd.DataFrame({"truth": task.y}, index=samples)
    return {
        "kind": task.kind,
        "label": task.label,
        "n": len(task.rows),
        "n_events": int(task.event.sum()),
        "excluded_genes": np.array(task.excluded, dtype=object),
        "path_end": final.path_end_,
        "signature": signature_table(final, adata.var_names, frequency),
        "cv_curve": cv_curve_table(final),
        "path": path_table(final, adata.var_names),
        "performance": _performance(task, results, boot_seed),
        "predictions": predictions_table(signature, samples, outcome),
        "model": encode(final),
    }


def _fit_final(adata: AnnData, task: Task, model: Any) -> Any:
    """Fit the signature to all samples with the outcome, on what `normalize` and `batch` made of them."""
    groups = patients(adata)
    if task.excluded:
        never = np.where(adata.var_names.isin(task.excluded), np.inf, 1.0)
        model = type(model)(**{**model.get_params(), "penalty_factor": never})
    values = pd.DataFrame(np.asarray(adata.X, float)[task.rows], columns=adata.var_names.astype(str))
    return model.fit(values, task.y, groups=None if groups is None else groups[task.rows])


def _cross_validate(
    adata: AnnData, task: Task, models: dict[str, Any], n_folds: int, n_repeats: int, rng: np.random.Generator
) -> dict[str, CrossValidation]:
    values, genes = measured(adata)
    batch, covariates, groups = batch_labels(adata), batch_covariates(adata), patients(adata)
    return cross_validate_models(
        models,
        values[task.rows],
        task.y,
        preprocessor=preprocessor(adata),
        batch=None if batch is None else batch[task.rows],
        covariates=None if covariates is None else covariates.iloc[task.rows],
        exclude=np.asarray(genes.isin(task.excluded)),
        groups=None if groups is None else groups[task.rows],
        n_folds=n_folds,
        n_repeats=n_repeats,
        random_state=rng,
    )


def _performance(task: Task, results: dict[str, CrossValidation], seed: int) -> pd.DataFrame:
    rows: list[tuple[str, str, float, float, float]] = []
    for name, result in results.items():
        if task.kind == "survival":
            rows.append((name, "c_index", *result.concordance(task.y, seed)))
        else:
            rows.append((name, "auc", *result.auc(task.y)))
    return table(pd.DataFrame(rows, columns=["model", "metric", "estimate", "lower", "upper"]))


def _methods(tasks: list[Task], params: dict[str, Any]) -> str:
    if not tasks:
        return "No signature was sought: no label or endpoint has enough samples."
    kinds = {task.kind for task in tasks}
    models = {
        "binary": "logistic regression (Friedman et al., J Stat Softw 2010;33(1))",
        "survival": "Cox regression (Simon et al., J Stat Softw 2011;39(5))",
    }
    named = " and ".join(text for kind, text in models.items() if kind in kinds)
    penalty = (
        "a LASSO penalty" if params["alpha"] == 1 else f"an elastic-net penalty (alpha {params['alpha']:g})"
    )
    choice = {
        "1se": "the sparsest within one standard error of the smallest cross-validated deviance",
        "min": "that of the smallest cross-validated deviance",
    }[params["rule"]]
    sentences = [
        f"Signatures of {', '.join(task.label for task in tasks)} were learned by {named} with {penalty} "
        f"(Tibshirani, J R Stat Soc B 1996;58:267); the penalty was {choice} in {params['n_folds']} folds.",
        f"Performance is that of {scheme(params)} in which gene filter, normalization, batch correction, "
        "penalty and genes were chosen anew in each training set.",
        "AUC (with DeLong's interval) and C-index (Harrell's, with a bootstrap interval) compare samples of "
        "the same test fold only, because scores of different folds come from different models.",
        "For comparison, the best single gene was chosen in each training set, and as many genes as the "
        "signature has were drawn at random (Venet et al., PLoS Comput Biol 2011;7:e1002240).",
    ]
    derived = [task.label for task in tasks if task.excluded]
    if derived:
        sentences.append(
            f"The label {', '.join(derived)} is derived from expression; the genes that define it were left "
            "out."
        )
    return " ".join(sentences)
