"""Train a sparse classifier of a binary label and measure it on samples it never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import clone

from precisionmed.estimators import metrics
from precisionmed.estimators._operating_point import BALANCED, parse_aim
from precisionmed.estimators.crossval import TrainingSet, cross_validate
from precisionmed.estimators.receptors import ReceptorClassifier, three_way
from precisionmed.io.codec import encode
from precisionmed.io.patients import patients_at
from precisionmed.pp._inputs import measured
from precisionmed.progress import progress_bar
from precisionmed.tl._classifier_tables import comparison_table, count_table, performance_table
from precisionmed.tl._folds import values_as_read
from precisionmed.tl._groups import group_table

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
    baselines: dict[str, pd.Series] | None = None,
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
    baselines
        Scores of all samples to compare the classifier with, by name; higher means more likely 1.

    Returns
    -------
    dict
        `n_positive`, `n_negative`, `n_excluded`, `model` (encoded), `threshold` and `band` (of the locked
        model), `aim`, and the tables `performance`, `comparisons`, `counts`, `roc`, `calibration`,
        `predictions` (out of fold, mean over repeats, each with the threshold of its training sets) and
        `signature`; where the roles name groups, `groups`.
    """
    excluded = exclude_genes or []
    rows = np.flatnonzero(truth.notna())
    y = truth.to_numpy()[rows].astype(int)
    inner_seed, final_seed = (int(s) for s in rng.integers(2**31, size=2))
    genes, groups = measured(adata)[1], patients_at(adata.obs, rows)
    thresholds = _Thresholds()
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
            each=thresholds,
        )
    final = clone(model).set_params(random_state=final_seed, exclude_genes=tuple(excluded))
    final.fit(pd.DataFrame(np.asarray(adata.X, float)[rows], columns=adata.var_names), y, groups=groups)
    probability = result.mean_probability
    threshold = thresholds.of(result.predictions)
    call = three_way(probability, model.uncertain, threshold)
    label = np.where(y == 1, "positive", "negative")
    predictions = [*zip(adata.obs_names[rows], label, probability, threshold, call, strict=True)]
    frequency = pd.Series(result.selection_frequency, index=genes)
    alone = {name: score.to_numpy(float)[rows] for name, score in (baselines or {}).items()}
    return {
        "n_positive": int(y.sum()),
        "n_negative": int((y == 0).sum()),
        "n_excluded": int(adata.n_obs - len(rows)),
        "performance": performance_table(y, probability, call, result, alone, groups),
        "comparisons": comparison_table(y, result, alone),
        "counts": count_table(label, call),
        "roc": text_index(metrics.roc_table(y, probability)),
        "calibration": text_index(metrics.calibration_table(y, probability)),
        "predictions": table(predictions, ["sample", "truth", "probability", "threshold", "call"]),
        "signature": signature_table(final, adata.var_names, frequency),
        "aim": final.aim,
        "threshold": final.threshold,
        "band": np.array(final.limits),
        "model": encode(final),
        **group_table(adata, rows, y, result, call=call, probability=probability),
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


def threshold_methods(aim: str, uncertain: tuple[float, float]) -> str:
    """Say how probabilities became calls."""
    what, least = parse_aim(aim)
    if what == BALANCED:
        how = "for equal weight of sensitivity and specificity (Youden, Cancer 1950;3:32)"
    else:
        how = f"for a {what} of {least:.0%}"
    odds = (logit(uncertain[1]) - logit(uncertain[0])) / 2
    return (
        f"The threshold of the probability was learned in each training set, {how}; probabilities whose odds "
        f"are within a factor of {np.exp(odds):.2g} of it were not called."
    )


class _Thresholds:
    """Remembers the threshold that each training set taught."""

    def __init__(self) -> None:
        self.log_odds: dict[tuple[int, int], float] = {}

    def __call__(self, part: TrainingSet, fitted: dict[str, Any]) -> None:
        self.log_odds[part.repeat, part.fold] = float(logit(fitted["model"].threshold))

    def of(self, predictions: pd.DataFrame) -> np.ndarray:
        """Return the threshold of each sample: the mean, in log odds, over the repeats."""
        found = [
            self.log_odds[place] for place in zip(predictions["repeat"], predictions["fold"], strict=True)
        ]
        return expit(pd.Series(found).groupby(predictions["row"].to_numpy()).mean().to_numpy())
