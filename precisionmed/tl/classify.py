"""HER2 and triple-negative classifiers, validated on samples they never saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config import step_generator
from precisionmed.errors import InputError, warn
from precisionmed.estimators._operating_point import parse_aim
from precisionmed.estimators.receptors import CANNOT_CALL, ReceptorClassifier
from precisionmed.io.patients import n_patients
from precisionmed.pp._order import by_name
from precisionmed.tl import _groups
from precisionmed.tl._classifier import table, threshold_methods, train

if TYPE_CHECKING:
    from anndata import AnnData

BASELINES = {"her2": ("ERBB2", 1.0), "tnbc": ("ESR1", -1.0)}
"""The single gene a classifier must beat, and its direction."""
_WORDS = {"her2": "HER2-positive", "tnbc": "triple-negative"}


@by_name
def classify(
    adata: AnnData,
    *,
    tasks: Sequence[str] = ("her2", "tnbc"),
    n_folds: int = 5,
    n_repeats: int = 2,
    min_class_size: int = 8,
    aim: str = "balanced",
    uncertain: tuple[float, float] = (0.35, 0.65),
    seed: int = 1,
) -> AnnData:
    """Train the HER2 and triple-negative classifiers and measure them by nested cross-validation.

    Each training set starts from the values as read: normalization, batch correction, choice of genes,
    penalty and calibration are all learned again. Where the label is derived from expression, the genes that
    define it (for HER2 with their neighbours on the amplicon) are kept from the classifier.

    Parameters
    ----------
    adata
        Cohort after `tl.receptors`.
    tasks
        `her2`, `tnbc` or both.
    n_folds, n_repeats
        Outer folds (and inner ones), and how often the samples are dealt anew.
    min_class_size
        Fewest samples a class must have; a task with fewer is skipped and the reason stored.
    aim
        What the threshold is for: `balanced` (sensitivity and specificity alike), `sensitivity:0.9` or
        `specificity:0.9`. It is learned in each training set, and locked with the final model.
    uncertain
        Probabilities strictly between these are returned as "cannot call" where the threshold is one half;
        around another threshold the band is as wide in log odds.
    seed
        The run's seed.

    Returns
    -------
    AnnData
        The same object with out-of-fold `<task>_probability` and `<task>_call` in `obs`, and tables and final
        models in `uns["precisionmed"]["classify"]`.

    Raises
    ------
    InputError
        An unknown task or aim, or `tl.receptors` has not been run.
    """
    unknown = [task for task in tasks if task not in BASELINES]
    if unknown:
        raise InputError(f"no classifier '{unknown[0]}'; there are: {', '.join(BASELINES)}.")
    if "receptors" not in adata.uns.get("precisionmed", {}):
        raise InputError("receptor status is not settled yet; run tl.receptors first.")
    parse_aim(aim)
    notes: list[str] = []
    found: dict[str, dict[str, Any]] = {}
    skipped = []
    for task in tasks:
        reason = _too_few(adata, task, max(min_class_size, n_folds))
        if reason:
            warn(f"{_WORDS[task]} classifier skipped: {reason}", notes)
            skipped.append((task, reason))
        else:
            limits = float(uncertain[0]), float(uncertain[1])
            model = ReceptorClassifier(n_folds=n_folds, uncertain=limits, aim=aim)
            found[task] = _task(adata, task, model, n_repeats, step_generator(seed, f"classify_{task}"))
    _groups.settle_tasks(list(found.values()))
    adata.uns["precisionmed"]["classify"] = {
        "params": {
            "tasks": np.array(tasks, dtype=object),
            "n_folds": n_folds,
            "n_repeats": n_repeats,
            "min_class_size": min_class_size,
            "aim": aim,
            "uncertain": np.array(uncertain, dtype=float),
            "seed": seed,
        },
        "methods": _methods(found, n_folds, n_repeats, aim, uncertain)
        + _groups.methods(list(found.values())),
        "notes": np.array(notes, dtype=object),
        "tasks": np.array(list(found), dtype=object),
        "skipped": table(skipped, ["task", "reason"]),
        **found,
    }
    return adata


def _too_few(adata: AnnData, task: str, fewest: int) -> str:
    status = adata.obs[f"{task}_status"]
    for label in ("positive", "negative"):
        rows = np.flatnonzero(status == label)
        n = n_patients(adata.obs, rows)
        if n < fewest:
            what = "samples" if n == rows.size else "patients"
            return f"{n} {label} {what}, at least {fewest} are needed."
    return ""


def _task(
    adata: AnnData, task: str, model: ReceptorClassifier, n_repeats: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Train one classifier, write its calls into `obs` and return what is stored about it."""
    receptors = adata.uns["precisionmed"]["receptors"]
    excluded = [str(gene) for gene in receptors["label_genes"][task]]
    status = adata.obs[f"{task}_status"]
    truth = status.map({"positive": 1.0, "negative": 0.0}).astype(float)
    baselines = _baselines(adata, task, excluded)
    found = train(
        adata, truth, model, n_repeats=n_repeats, exclude_genes=excluded, baselines=baselines, rng=rng
    )
    predictions = found["predictions"].set_index("sample").reindex(adata.obs_names)
    adata.obs[f"{task}_probability"] = predictions["probability"]
    adata.obs[f"{task}_call"] = pd.Categorical(predictions["call"], ["positive", "negative", CANNOT_CALL])
    return {
        "label": _WORDS[task],
        "label_source": str(receptors["source"][task]),
        "excluded_genes": np.array(excluded, dtype=object),
        **found,
    }


def _baselines(adata: AnnData, task: str, excluded: list[str]) -> dict[str, pd.Series]:
    """Return the one gene everybody would look at as a score, unless it defines the label."""
    gene, sign = BASELINES[task]
    if gene in excluded or gene not in adata.var_names:
        return {}
    values = sign * np.asarray(adata[:, gene].X, dtype=float).ravel()
    return {f"{gene} alone": pd.Series(values, index=adata.obs_names)}


def _methods(
    found: dict[str, dict[str, Any]],
    n_folds: int,
    n_repeats: int,
    aim: str,
    uncertain: tuple[float, float],
) -> str:
    if not found:
        return "No classifier was trained: too few samples with a label."
    tasks = " and ".join(str(task["label"]) for task in found.values())
    sentences = [
        f"Classifiers of {tasks} tumours were logistic regressions with a LASSO penalty (Tibshirani, J R "
        f"Stat Soc B 1996;58:267), chosen by {n_folds}-fold cross-validation within one standard error of "
        "the best, and with probabilities calibrated on out-of-fold scores (Platt 1999).",
        threshold_methods(aim, uncertain),
        f"Performance was estimated by {n_folds}-fold cross-validation repeated {n_repeats} times, in which "
        "normalization, selection of genes, penalty and calibration were learned anew in each training "
        "set; sensitivity, specificity and predictive values are those among called samples, with Wilson "
        "intervals over patients, and the interval of the AUC is that of DeLong, corrected for training sets "
        "that overlap (Nadeau and Bengio, Mach Learn 2003;52:239).",
    ]
    derived = [str(task["label"]) for task in found.values() if len(task["excluded_genes"])]
    if derived:
        sentences.append(
            f"The label of {' and '.join(derived)} tumours is derived from expression; the genes that define "
            "it were kept from the classifier, which therefore reproduces a call from other genes."
        )
    return " ".join(sentences)
