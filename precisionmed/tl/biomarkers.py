"""Sparse LASSO signatures of labels and endpoints, measured on samples they never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.estimators._outcome import steps_before
from precisionmed.estimators.kaplan_meier import median_follow_up
from precisionmed.estimators.lasso import LassoCoxCV, LassoLogisticCV
from precisionmed.estimators.nomogram import nomogram
from precisionmed.estimators.out_of_fold import CrossValidation
from precisionmed.estimators.screen import CoxScreen, LogisticScreen
from precisionmed.io.codec import encode
from precisionmed.io.drug_targets import read_drug_targets
from precisionmed.io.patients import patients_at
from precisionmed.pp._inputs import store, table
from precisionmed.pp._order import by_name
from precisionmed.tl import _groups
from precisionmed.tl import _signature_tables as tables
from precisionmed.tl._endpoint_model import Streams, endpoint_model, streams_of
from precisionmed.tl._signature_evidence import Plan, gather
from precisionmed.tl._signature_stability import Halves, ratio_interval, stable_genes
from precisionmed.tl._signature_tasks import Task, clinical_of, endpoint_tasks, label_tasks
from precisionmed.tl._signature_words import formula, methods, unit_of

if TYPE_CHECKING:
    from anndata import AnnData


@by_name
def biomarkers(
    adata: AnnData,
    *,
    labels: Sequence[str] = ("er",),
    endpoints: Sequence[str] | None = None,
    n_folds: int = 5,
    n_repeats: int = 2,
    rule: str = "1se",
    alpha: float = 1.0,
    stability: bool = True,
    n_pairs: int = 50,
    pfer: float = 1.0,
    threshold: float = 0.75,
    decoys: str = "knockoff",
    fdr: float = 0.1,
    random_signatures: int = 100,
    drug_targets: str | Path | None = None,
    seed: int = 1,
) -> AnnData:
    """Find a sparse signature for each label and endpoint, and measure it by nested cross-validation.

    Each training set starts from the values as read: gene filter, normalization, batch correction, penalty
    and genes are all chosen again. The signature itself is learned from all samples with the outcome. It is
    compared with the best single gene, chosen in the training sets too, with the clinical covariates, and
    with as many genes drawn at random. A label that is derived from expression is learned without the genes
    that define it. Which genes can be relied on is seen in halves of the cohort, and against decoys.

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
    stability
        Whether genes are also chosen by stability selection and against decoys.
    n_pairs
        Pairs of complementary halves, of those two and of the intervals of the signature.
    pfer, threshold
        Expected number of false genes that stability selection tolerates, and the fraction of the halves that
        has to choose a gene.
    decoys, fdr
        `knockoff` or `permutation`, and the false discovery rate of the genes that beat them.
    random_signatures
        Signatures of as many random genes; 0 for none.
    drug_targets
        Table with the columns `gene` and `drug`.
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
        The cohort has not been normalized, an unknown label or endpoint is asked for, the table of drug
        targets cannot be used, or no number of genes keeps `pfer` at `threshold`.
    """
    notes: list[str] = []
    tasks = label_tasks(adata, labels, notes) + endpoint_tasks(adata, endpoints, notes)
    params: dict[str, Any] = {
        "labels": np.array(list(labels), dtype=object),
        "n_folds": n_folds,
        "n_repeats": n_repeats,
        "rule": rule,
        "alpha": alpha,
        "stability": stability,
        "n_pairs": n_pairs,
        "pfer": pfer,
        "threshold": threshold,
        "decoys": decoys,
        "fdr": fdr,
        "random_signatures": random_signatures,
        "seed": seed,
    }
    if endpoints is not None:
        params["endpoints"] = np.array(list(endpoints), dtype=object)
    drugs = None
    if drug_targets is not None:
        drugs, params["drug_targets"] = read_drug_targets(drug_targets), Path(drug_targets).name
    learner = _Learner(adata, params, drugs, notes)
    found = {task.name: learner.learn(task) for task in tasks}
    _groups.settle_tasks(list(found.values()))
    said = _groups.methods(list(found.values()))
    content = {
        "params": params,
        "methods": methods(tasks, params, clinical=learner.clinical) + said,
        "notes": np.array(notes, dtype=object),
        "tasks": np.array([task.name for task in tasks], dtype=object),
    }
    store(adata, "biomarkers", content | found)
    return adata


@dataclass
class _Learner:
    """Learns and measures the signature of one task after the other."""

    adata: AnnData
    params: dict[str, Any]
    drugs: pd.Series | None
    notes: list[str]
    clinical: bool = False
    """Whether any task had clinical covariates."""

    def learn(self, task: Task) -> dict[str, Any]:
        """Learn one signature, measure it, write its scores into `obs`; return what is stored about it."""
        adata, params = self.adata, self.params
        streams = streams_of(params["seed"], task.name)
        seeds = streams.parts
        model = _unfitted(task, params, streams)
        samples = adata.obs_names[task.rows]
        values = pd.DataFrame(
            np.asarray(adata.X, float)[task.rows], index=samples, columns=adata.var_names.astype(str)
        )
        groups = patients_at(adata.obs, task.rows)
        final = _fit_final(values, task, model, groups)
        clinical = clinical_of(adata, task, self.notes)
        self.clinical |= clinical is not None
        plan = Plan(params["n_folds"], params["n_repeats"], params["random_signatures"], *seeds[:2])
        evidence = gather(adata, task, model, final, clinical, plan, streams.folds)
        signature = evidence.signature
        score = pd.Series(signature.score, index=samples)
        adata.obs[f"score_{task.name}"] = score.reindex(adata.obs_names)
        outcome = task.y if task.kind == "survival" else pd.DataFrame({"truth": task.y}, index=samples)
        frequency = pd.Series(signature.selection_frequency, index=adata.raw.var_names)
        return {
            "kind": task.kind,
            "label": task.label,
            "n": len(task.rows),
            "n_events": int(task.event.sum()),
            "excluded_genes": np.array(task.excluded, dtype=object),
            "path_end": final.path_end_,
            "cv_curve": tables.cv_curve_table(final),
            "path": tables.path_table(final, adata.var_names),
            "predictions": tables.predictions_table(signature, samples, outcome),
            **evidence.tables,
            **self._groups(task, signature, final),
            **self._genes(task, values, final, frequency, groups, seeds[2:]),
            "model": encode(final),
        }

    def _groups(self, task: Task, signature: CrossValidation, final: Any) -> dict[str, Any]:
        """Audit a signature by group; an empty one has nothing to audit."""
        if not final.coef_.any():
            return {}
        survival = task.kind == "survival"
        probability = None if survival else signature.mean_probability
        seed = self.params["seed"]
        return _groups.group_table(
            self.adata, task.rows, task.y, signature, probability=probability, seed=seed
        )

    def _genes(
        self,
        task: Task,
        values: pd.DataFrame,
        final: Any,
        frequency: pd.Series,
        groups: np.ndarray | None,
        seeds: list[int],
    ) -> dict[str, Any]:
        """Return what is known of the genes: the signature, the screen, stability, formula, nomogram."""
        params = self.params
        halves = Halves(*(params[key] for key in Halves.KEYS), *seeds)
        screen = CoxScreen() if task.kind == "survival" else LogisticScreen()
        alone = tables.screen_table(screen.fit(values.drop(columns=task.excluded, errors="ignore"), task.y))
        found: dict[str, Any] = {"screen": alone}
        stability = None
        if params["stability"]:
            stability, slots = stable_genes(task, values, final, halves, groups)
            found |= slots
        signature = tables.evidence_columns(
            tables.signature_table(final, values.columns, frequency),
            ratio_interval(task, values, final, halves, groups),
            stability,
            alone,
            self.drugs,
        )
        unit = unit_of(self.adata.uns["precisionmed"])
        found |= {
            "signature": signature,
            "formula": formula(task, signature, float(final.intercept_), unit),
        }
        return found | ({} if signature.empty else _nomogram(task, values, final))


def _unfitted(task: Task, params: dict[str, Any], streams: Streams) -> LassoCoxCV | LassoLogisticCV:
    if task.kind == "survival":
        return endpoint_model(params, streams)
    chosen = {key: params[key] for key in ("n_folds", "rule", "alpha")}
    return LassoLogisticCV(**chosen, random_state=streams.model)


def _fit_final(values: pd.DataFrame, task: Task, model: Any, groups: np.ndarray | None) -> Any:
    """Fit the signature to all samples with the outcome, on what `normalize` and `batch` made of them."""
    if task.excluded:
        never = np.where(values.columns.isin(task.excluded), np.inf, 1.0)
        model = type(model)(**{**model.get_params(), "penalty_factor": never})
    return model.fit(values, task.y, groups=groups)


def _nomogram(task: Task, values: pd.DataFrame, final: Any) -> dict[str, Any]:
    used = np.flatnonzero(final.coef_)
    found: dict[str, Any] = {}
    baseline = None
    if task.kind == "survival":
        horizon = median_follow_up(task.y["time"], task.y["event"], entry=task.y.get("entry"))
        horizon = float(task.y["time"].median()) if np.isnan(horizon) else horizon
        before = int(steps_before(final.baseline_time_, horizon))
        baseline = float(np.append(1.0, final.baseline_survival_)[before])
        found = {"nomogram_horizon": float(horizon), "nomogram_unit": task.unit}
    drawn = nomogram(
        values.iloc[:, used], final.coef_[used], float(final.intercept_), baseline_survival=baseline
    )
    return found | {"nomogram": table(drawn.axes), "nomogram_total": table(drawn.total)}
