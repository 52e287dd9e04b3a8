"""Classifier of responders, tested on patients it never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config import step_generator
from precisionmed.config.minima import PER_CLASS
from precisionmed.estimators.receptors import ReceptorClassifier
from precisionmed.io.patients import n_patients
from precisionmed.tl._classifier import train

if TYPE_CHECKING:
    from anndata import AnnData

MIN_CLASS = PER_CLASS
"""Fewest responders and non-responders."""


def response_classifier(
    adata: AnnData,
    outcome: pd.Series,
    *,
    n_folds: int,
    n_repeats: int,
    aim: str,
    uncertain: tuple[float, float],
    seed: int,
    notes: list[str],
) -> dict[str, Any]:
    """Cross-validate and fit the classifier; return its tables and model as one task of `classify`.

    Parameters
    ----------
    adata
        Cohort after `normalize`.
    outcome
        `responder`, `non_responder` or missing, for each sample.
    n_folds, n_repeats, aim, uncertain, seed
        As in `response`.
    notes
        Takes the reason when there are too few patients; the result is then empty.
    """
    truth = outcome.astype(object).map({"responder": 1.0, "non_responder": 0.0}).astype(float)
    responders, others = (n_patients(adata.obs, np.flatnonzero(truth == label)) for label in (1, 0))
    fewest = max(MIN_CLASS, n_folds)
    if min(responders, others) < fewest:
        notes.append(
            f"{responders} responders and {others} non-responders are too few for a classifier (at least "
            f"{fewest} each)."
        )
        return {}
    # A probability is wanted, not the shortest list: the penalty with the best cross-validated likelihood.
    limits = float(uncertain[0]), float(uncertain[1])
    model = ReceptorClassifier(n_folds=n_folds, rule="min", uncertain=limits, aim=aim)
    found = train(adata, truth, model, n_repeats=n_repeats, rng=step_generator(seed, "response"))
    if found["signature"].empty:
        notes.append(
            "No gene predicts response in this cohort: the signature is empty, and no new patient is called."
        )
    called = set(found["predictions"]["call"])
    if not {"positive", "negative"} <= called:
        notes.append(
            "Out of fold, no probability of response is far enough from the threshold to call both "
            "responders and non-responders; read the probabilities rather than the calls."
        )
    return {
        "label": "response to treatment",
        "label_source": "recorded",
        "excluded_genes": np.array([], dtype=object),
        **found,
    }
