"""Out-of-fold class calls, everything refitted in each training set from the values as read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone

from precisionmed.estimators.crossval import training_sets
from precisionmed.io.patients import patients
from precisionmed.pp._inputs import batch_covariates, batch_labels, measured, preprocessor

if TYPE_CHECKING:
    from anndata import AnnData

N_FOLDS = 5


def values_as_read(adata: AnnData, rows: np.ndarray) -> dict[str, Any]:
    """Return what `crossval.training_sets` takes of these samples: values as read, how to prepare them."""
    batch, covariates = batch_labels(adata), batch_covariates(adata)
    return {
        "X": measured(adata)[0][rows],
        "preprocessor": preprocessor(adata),
        "batch": None if batch is None else batch[rows],
        "covariates": None if covariates is None else covariates.iloc[rows],
    }


class Calls(NamedTuple):
    """What a classifier says of samples: class, lead over the second, correlation with every class."""

    call: np.ndarray
    confidence: np.ndarray
    correlation: pd.DataFrame


def calls_of(model: Any, frame: pd.DataFrame) -> Calls:
    """Apply a fitted classifier."""
    correlation = pd.DataFrame(model.correlations(frame), index=frame.index, columns=model.classes_)
    return Calls(model.predict(frame), model.confidence(frame), correlation)


def out_of_fold(
    adata: AnnData, models: dict[str, tuple[Any, np.ndarray]], rng: np.random.Generator
) -> dict[str, Calls]:
    """Call the class of every sample by models that saw neither it nor its patient.

    Parameters
    ----------
    adata
        Cohort after `pp.normalize`.
    models
        By name, an unfitted classifier and the label of each sample (empty: unlabelled, never trained on).
        Folds are stratified by the labels of the last model.
    rng
        Deals the folds.
    """
    genes, groups = measured(adata)[1], patients(adata.obs)
    *_, (_, strata) = models.values()
    units = adata.n_obs if groups is None else len(np.unique(groups))
    parts: dict[str, list[Calls]] = {name: [] for name in models}
    rows = []
    for part in training_sets(
        y=None,
        strata=strata,
        groups=groups,
        n_folds=min(N_FOLDS, units),
        random_state=rng,
        **values_as_read(adata, np.arange(adata.n_obs)),
    ):
        kept = genes[part.kept].astype(str)
        learn = pd.DataFrame(part.X_train, columns=kept, index=part.train)
        apply = pd.DataFrame(part.X_test, columns=kept, index=adata.obs_names[part.test])
        rows.append(part.test)
        for name, (model, labels) in models.items():
            parts[name].append(calls_of(_fit(model, labels, learn, groups), apply))
    order = np.argsort(np.concatenate(rows))
    return {name: _joined(calls, order) for name, calls in parts.items()}


def _fit(model: Any, labels: np.ndarray, train: pd.DataFrame, groups: np.ndarray | None) -> Any:
    rows = train.index.to_numpy()
    classes, counts = np.unique(labels[rows], return_counts=True)
    # A rare class may be left with one sample, which makes no centroid.
    rows = rows[np.isin(labels[rows], classes[(counts > 1) & (classes != "")])]
    inner = None if groups is None else groups[rows]
    return clone(model).fit(train.loc[rows], labels[rows], groups=inner)


def _joined(parts: list[Calls], order: np.ndarray) -> Calls:
    call, confidence = (np.concatenate([part[i] for part in parts])[order] for i in (0, 1))
    return Calls(call, confidence, pd.concat([part.correlation for part in parts]).iloc[order])
