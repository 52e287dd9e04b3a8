"""Train a sparse classifier of a binary label and measure it on samples it never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import clone

from precisionmed.estimators import metrics
from precisionmed.estimators.crossval import CrossValidation, cross_validate
from precisionmed.estimators.receptors import CANNOT_CALL, ReceptorClassifier, three_way
from precisionmed.io.codec import encode
from precisionmed.io.patients import patients_at
from precisionmed.pp._inputs import measured
from precisionmed.progress import progress_bar
from precisionmed.tl._folds import values_as_read

if TYPE_CHECKING:
    from anndata import AnnData


def train(
    adata: AnnData,
    truth: pd.Series,
    model: ReceptorClassifier,
    *,
    n_repeats: int,
    rng: np.random.Generator,
    exclude_genes: list[str] | None = None,
) -> dict[str, Any]:
    """Cross-validate a classifier from the values as read, and fit the final one to all labelled samples.

    Parameters
    ----------
    adata
        Cohort after `pp.normalize`.
    truth : Series
        Label of each sample of the cohort: 1, 0 or NaN (left out).
    model
        Unfitted; its `n_folds` is that of the outer folds, too.
    n_repeats
        Repeats of the outer cross-validation.
    rng
        Random numbers of the task.
    exclude_genes
        Genes that the classifier must not use.

    Returns
    -------
    dict
        `n_positive`, `n_negative`, `n_excluded`, `model` (encoded) and the tables `performance`, `roc`,
        `calibration`, `predictions` (out-of-fold, mean over repeats) and `signature`.
    """
    excluded = exclude_genes or []
    rows = np.flatnonzero(truth.notna())
    y = truth.to_numpy()[rows].astype(int)
    inner_seed, final_seed = (int(s) for s in rng.integers(2**31, size=2))
    genes, groups = measured(adata)[1], patients_at(adata.obs, rows)
    with progress_bar("classifier: training sets") as tick:
        result = cross_validate(
            clone(model).set_params(random_state=inner_seed),
            y=y,
            **values_as_read(adata, rows),
            exclude=np.asarray(genes.isin(excluded)),
            groups=groups,
            n_folds=model.n_folds,
            n_repeats=n_repeats,
            random_state=rng,
            progress=tick,
        )
    final = clone(model).set_params(random_state=final_seed, exclude_genes=tuple(excluded))
    final.fit(pd.DataFrame(np.asarray(adata.X, float)[rows], columns=adata.var_names), y, groups=groups)
    probability = _mean_probability(result)
    call = three_way(probability, model.uncertain)
    label = np.where(y == 1, "positive", "negative")
    predictions = [*zip(adata.obs_names[rows], label, probability, call, strict=True)]
    frequency = pd.Series(result.selection_frequency, index=genes)
    return {
        "n_positive": int(y.sum()),
        "n_negative": int((y == 0).sum()),
        "n_excluded": int(adata.n_obs - len(rows)),
        "performance": _performance(y, probability, call, result),
        "roc": text_index(metrics.roc_table(y, probability)),
        "calibration": text_index(metrics.calibration_table(y, probability)),
        "predictions": table(predictions, ["sample", "truth", "probability", "call"]),
        "signature": signature_table(final, adata.var_names, frequency),
        "model": encode(final),
    }


def signature_table(
    model: ReceptorClassifier, genes: pd.Index, selection_frequency: pd.Series
) -> pd.DataFrame:
    """Return the genes of a fitted classifier, the strongest first.

    Columns: `gene`, `coefficient` (log odds ratio for one unit), `ratio` (odds ratio for one standard
    deviation), `selection_frequency` (fraction of cross-validation training sets).
    """
    used = np.flatnonzero(model.coef_)
    effect = (model.coef_ * model.scale_)[used]
    found = pd.DataFrame(
        {
            "gene": genes[used],
            "coefficient": model.coef_[used],
            "ratio": np.exp(effect),
            "selection_frequency": selection_frequency.reindex(genes[used]).to_numpy(),
        }
    )
    return text_index(found.iloc[np.argsort(-np.abs(effect), kind="stable")])


def table(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    """Return rows as a table that can be stored in `uns`."""
    return text_index(pd.DataFrame(rows, columns=columns))


def text_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with row numbers as text, as `uns` wants it."""
    return frame.set_axis([str(i) for i in range(len(frame))], axis=0)


def _mean_probability(result: CrossValidation) -> np.ndarray:
    probability = result.predictions.assign(probability=expit(result.predictions["score"]))
    return probability.groupby("row")["probability"].mean().to_numpy()


def _performance(
    truth: np.ndarray, probability: np.ndarray, call: np.ndarray, result: CrossValidation
) -> pd.DataFrame:
    """Return AUC, Brier score, fraction called, and sensitivity and specificity among the called."""
    called = call != CANNOT_CALL
    rates = []
    for label, level in (("positive", 1), ("negative", 0)):
        own = called & (truth == level)
        rates.append(metrics.proportion_interval(int((call[own] == label).sum()), int(own.sum())))
    squares = (truth - probability) ** 2
    half = 1.96 * squares.std(ddof=1) / np.sqrt(len(squares))
    score = metrics.brier(truth, probability)
    rows = {
        "auc": result.auc(truth),
        "sensitivity": rates[0],
        "specificity": rates[1],
        "balanced_accuracy": mean_interval(*rates),
        "brier": (score, max(score - half, 0.0), score + half),
        "called": metrics.proportion_interval(int(called.sum()), len(called)),
    }
    return table(
        [("signature", metric, *interval) for metric, interval in rows.items()],
        ["model", "metric", "estimate", "lower", "upper"],
    )


def mean_interval(a: metrics.Interval, b: metrics.Interval) -> metrics.Interval:
    """Return the mean of two independent proportions with the interval recovered from theirs.

    Zou and Donner, Statistics in Medicine 2008;27:1693 (MOVER).
    """
    estimate = (a[0] + b[0]) / 2
    below = np.hypot(a[0] - a[1], b[0] - b[1]) / 2
    above = np.hypot(a[2] - a[0], b[2] - b[0]) / 2
    return estimate, float(estimate - below), float(estimate + above)
