"""The intrinsic part of the subtypes step: learned where subtypes are recorded, published otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config.minima import PER_SUBTYPE
from precisionmed.errors import InputError, warn
from precisionmed.estimators import metrics
from precisionmed.estimators.centroids import CANNOT_CALL
from precisionmed.estimators.intrinsic import MIN_GENES, IntrinsicSubtypeClassifier, published_centroids
from precisionmed.estimators.mixture import BIMODAL, TwoComponentMixture
from precisionmed.io.patients import n_patients, patients_at
from precisionmed.tl._folds import Calls

if TYPE_CHECKING:
    from anndata import AnnData

MIN_LABELLED = PER_SUBTYPE
"""Patients that a recorded subtype needs to be learned."""
_MIN_ER = 10
_Z = 1.959963984540054
_USUAL_ORDER = ["LumA", "LumB", "Her2", "Basal", "Normal"]


def recorded_labels(adata: AnnData, notes: list[str]) -> np.ndarray | None:
    """Return the recorded subtype of each sample ("" where there is none to learn from), or None."""
    if "intrinsic" not in adata.obs or adata.obs["intrinsic"].isna().all():
        return None
    labels = adata.obs["intrinsic"].astype(object).where(adata.obs["intrinsic"].notna(), "").astype(str)
    rare = rare_labels(adata, labels.to_numpy(dtype=str))
    if rare:
        said = ", ".join(f"{name} ({n})" for name, n in rare.items())
        warn(f"Recorded subtypes with fewer than {MIN_LABELLED} patients are not learned: {said}.", notes)
    labels = labels.where(~labels.isin(rare), "")
    return labels.to_numpy(dtype=str) if len(set(labels) - {""}) > 1 else None


def rare_labels(adata: AnnData, labels: np.ndarray) -> dict[str, int]:
    """Return the labels (not "") of too few patients to be learned, with their number of patients."""
    counts = {
        str(name): n_patients(adata.obs, np.flatnonzero(labels == name)) for name in np.unique(labels) if name
    }
    return {name: n for name, n in counts.items() if n < MIN_LABELLED}


def fit_intrinsic(
    adata: AnnData, frame: pd.DataFrame, labels: np.ndarray | None, seed: int, notes: list[str]
) -> tuple[IntrinsicSubtypeClassifier | None, str]:
    """Return the classifier for the locked model and how its centres were balanced.

    None, with a note, when there are neither labels nor enough PAM50 genes.
    """
    if labels is not None:
        rows = labels != ""
        model = IntrinsicSubtypeClassifier("learned", random_state=seed)
        return model.fit(frame[rows], labels[rows], groups=patients_at(adata.obs, rows)), "subtype"
    try:
        return fit_published(adata, frame, notes)
    except InputError as error:
        warn(f"Intrinsic subtypes are not called: {error}", notes)
        return None, ""


def fit_published(
    adata: AnnData, frame: pd.DataFrame, notes: list[str]
) -> tuple[IntrinsicSubtypeClassifier, str]:
    """Fit the centres for the published centroids, balanced by ER status where that is known."""
    er, source = _er_status(adata, frame)
    model = IntrinsicSubtypeClassifier("published").fit(frame, er=er)
    if er is None:
        warn(
            "ER status is neither recorded nor clear from ESR1, so genes are centred at plain medians: "
            "intrinsic subtypes are right only if the cohort has the usual mix of tumours.",
            notes,
        )
    return model, source


def _er_status(adata: AnnData, frame: pd.DataFrame) -> tuple[np.ndarray | None, str]:
    if "er" in adata.obs:
        status = adata.obs["er"].astype(object).where(adata.obs["er"].notna(), "").astype(str).to_numpy()
        if min((status == "positive").sum(), (status == "negative").sum()) >= _MIN_ER:
            return status, "recorded ER status"
    if "ESR1" in frame.columns and frame["ESR1"].nunique() >= _MIN_ER:
        mixture = TwoComponentMixture().fit(frame["ESR1"])
        high = mixture.predict(frame["ESR1"]) > 0
        if mixture.bimodality_index_ >= BIMODAL and min(high.sum(), (~high).sum()) >= _MIN_ER:
            return np.where(high, "positive", "negative"), "ER status called from ESR1 expression"
    return None, ""


def published_calls(adata: AnnData, frame: pd.DataFrame) -> np.ndarray | None:
    """Return the calls of the published centroids, to compare learned ones with; None without their genes."""
    present = published_centroids().index.isin(frame.columns).sum()
    if present < MIN_GENES:
        return None
    er, _ = _er_status(adata, frame)
    return IntrinsicSubtypeClassifier("published").fit(frame, er=er).predict(frame)


def methods(model: IntrinsicSubtypeClassifier, balanced_by: str) -> str:
    """Say how intrinsic subtypes were called."""
    genes = f"{len(model.genes_)} genes"
    if model.source == "learned":
        return (
            "Intrinsic subtypes were learned from the recorded ones: Spearman correlation with class "
            f"centroids of {genes}, centred at medians in which every class weighs the same, and "
            "calibrated by multinomial logistic regression on left-out correlations. Calls and "
            "performance are out of fold (5 folds, everything refitted in each training set). "
        )
    weighed = f" in which both classes of {balanced_by} weigh the same" if balanced_by else ""
    return (
        "Intrinsic subtypes were called by Spearman correlation with the published PAM50 centroids "
        f"(Parker et al. 2009; {genes} measured), genes centred at cohort medians{weighed}. "
    )


def intrinsic_tables(
    adata: AnnData, model: IntrinsicSubtypeClassifier, calls: Calls, subtype: pd.Series
) -> dict[str, Any]:
    """Store calls in `adata` and return the tables that need no recorded subtypes."""
    classes = ordered(model.classes_)
    call = calls.call
    called = pd.Series(call, index=adata.obs_names).where(call != CANNOT_CALL)
    adata.obs["intrinsic_subtype"] = pd.Categorical(called, categories=classes)
    adata.obs["intrinsic_confidence"] = calls.confidence
    adata.obsm["intrinsic_correlation"] = calls.correlation.reindex(columns=classes)
    names = classes + ([CANNOT_CALL] if (call == CANNOT_CALL).any() else [])
    samples = np.array([(call == name).sum() for name in names])
    proportions = pd.DataFrame({"subtype": names, "samples": samples, "fraction": samples / len(call)})
    cross = pd.crosstab(subtype.to_numpy(), call).reindex(columns=names, fill_value=0)
    cross.insert(0, "subtype", cross.index.astype(str))
    return {
        "intrinsic_proportions": proportions.rename(index=str),
        "intrinsic_by_subtype": _plain(cross),
    }


def performance_tables(
    labels: np.ndarray, calls: np.ndarray, published: np.ndarray | None
) -> dict[str, pd.DataFrame]:
    """Compare out-of-fold calls with the recorded subtypes; "cannot call" counts as wrong."""
    known = labels != ""
    truth, call = labels[known], calls[known].astype(str)
    classes = ordered(np.unique(truth))
    commonest = max(int((truth == name).sum()) for name in classes)
    rows = [("accuracy", *metrics.accuracy_interval(truth, call))]
    rows += [
        ("majority_share", *metrics.proportion_interval(commonest, len(truth))),
        ("kappa", *_kappa_interval(truth, call)),
    ]
    for name in classes:
        own = truth == name
        rows.append((f"sensitivity_{name}", *metrics.accuracy_interval(truth[own], call[own])))
    rows.append(("called", *metrics.proportion_interval(int((call != CANNOT_CALL).sum()), len(call))))
    if published is not None:
        other = published[known].astype(str)
        rows.append(("accuracy_published_centroids", *metrics.accuracy_interval(truth, other)))
        rows.append(("kappa_published_centroids", *_kappa_interval(truth, other)))
    columns = classes + [name for name in ordered(np.unique(call)) if name not in classes]
    confusion = pd.crosstab(truth, call).reindex(index=classes, columns=columns, fill_value=0)
    confusion.insert(0, "recorded", confusion.index.astype(str))
    table = pd.DataFrame(rows, columns=["metric", "estimate", "lower", "upper"])
    return {"intrinsic_performance": table.rename(index=str), "intrinsic_confusion": _plain(confusion)}


def ordered(names: Any) -> list[str]:
    """Return class names in the usual order: luminal first, unusual names after, no call last."""
    rank = {name: i for i, name in enumerate(_USUAL_ORDER)}
    return sorted((str(n) for n in names), key=lambda n: (n == CANNOT_CALL, rank.get(n, len(rank)), n))


def _kappa_interval(truth: np.ndarray, call: np.ndarray) -> tuple[float, float, float]:
    """Cohen's kappa with its large-sample interval (Cohen, Educ Psychol Meas 1960;20:37-46)."""
    kappa = metrics.cohen_kappa(truth, call)
    agreement = float(np.mean(truth == call))
    chance = (agreement - kappa) / (1 - kappa) if kappa < 1 else 0.0
    half = _Z * np.sqrt(agreement * (1 - agreement) / len(truth)) / (1 - chance)
    return kappa, max(kappa - half, -1.0), min(kappa + half, 1.0)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Drop the axis names that a cross table carries; h5ad has no place for them."""
    return table.rename_axis(columns=None).reset_index(drop=True).rename(index=str)
