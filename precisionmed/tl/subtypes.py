"""Molecular subtypes by consensus clustering, and intrinsic subtypes by centroids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from precisionmed.config import step_generator
from precisionmed.errors import InputError, warn
from precisionmed.estimators import metrics
from precisionmed.estimators._consensus_scores import GRID
from precisionmed.estimators.centroids import NearestCentroid
from precisionmed.estimators.consensus import ConsensusClustering
from precisionmed.estimators.intrinsic import IntrinsicSubtypeClassifier
from precisionmed.io.codec import encode
from precisionmed.pp._inputs import dense, measured, roles_of, store
from precisionmed.tl import _intrinsic
from precisionmed.tl._associations import association_table, clinical_variables
from precisionmed.tl._folds import calls_of, out_of_fold, patients
from precisionmed.tl._markers import marker_table

if TYPE_CHECKING:
    from anndata import AnnData

_FEWEST_SAMPLES = 12
_FEWEST_GENES = 20
_SAMPLES_PER_SUBTYPE = 4  # at least, on average, at the largest k tried
_GENES_PER_SUBTYPE = 50
_CORE = 0.8
_COMPONENTS = 10
_MADE = ("subtype", "subtype_confidence", "subtype_core", "subtype_silhouette")
_MADE_INTRINSIC = ("intrinsic_subtype", "intrinsic_confidence")


def subtypes(
    adata: AnnData,
    *,
    n_genes: int = 2000,
    k: int | None = None,
    k_max: int = 6,
    resamples: int = 500,
    sample_fraction: float = 0.8,
    seed: int = 1,
) -> AnnData:
    """Find the subtypes of a cohort, describe them, and learn to call them in single samples.

    The most variable genes are centred at their medians and the samples clustered by consensus
    (see `precisionmed.estimators.ConsensusClustering`, also for how k is chosen). Intrinsic subtypes are
    learned from the recorded ones when there are any, and called out of fold; otherwise the published
    PAM50 centroids are used.

    Parameters
    ----------
    adata
        Cohort after `pp.normalize` (and `pp.batch`).
    n_genes
        Most variable genes (median absolute deviation) that are clustered.
    k
        Number of subtypes; chosen by stability when left out.
    k_max
        Largest number of subtypes tried.
    resamples, sample_fraction
        Number of resamples, and the fraction of samples in each.
    seed
        Seed of the run.

    Returns
    -------
    AnnData
        The same object; results are in the slots of "subtypes" in docs/data-model.md.

    Raises
    ------
    InputError
        The cohort is not normalized, or has too few samples or variable genes.
    """
    measured(adata)  # says so if the cohort has not been normalized
    if adata.n_obs < _FEWEST_SAMPLES:
        raise InputError(f"subtypes need at least {_FEWEST_SAMPLES} samples, the cohort has {adata.n_obs}.")
    rng = step_generator(seed, "subtypes")
    notes: list[str] = []
    frame = pd.DataFrame(dense(adata.X), index=adata.obs_names, columns=adata.var_names.astype(str))
    values = _variable_genes(frame, n_genes)
    ks = range(2, max(2, min(k_max, adata.n_obs // _SAMPLES_PER_SUBTYPE)) + 1)
    clustering = ConsensusClustering(
        tuple(ks), resamples=resamples, sample_fraction=sample_fraction, k=k, random_state=rng
    ).fit(values)
    subtype = _keep_samples(adata, clustering, values)
    result: dict[str, Any] = _clustering_tables(adata, clustering)
    labels, names = subtype.astype(str).to_numpy(), list(subtype.cat.categories)
    result["markers"] = marker_table(frame.to_numpy(), frame.columns, labels, names)
    result["associations"] = association_table(adata.obs, subtype, _clinical(adata), rng)
    _look_at_batches(result["associations"], notes)
    models, said = _classifiers(adata, frame, subtype, result, rng, notes)
    used = {"n_genes": values.shape[1], "k": clustering.k_, "k_max": max(ks), "resamples": resamples}
    result["params"] = {**used, "sample_fraction": sample_fraction, "seed": seed}
    result["methods"] = _clustering_methods(result["params"], clustering) + said
    result["notes"] = np.array(notes, dtype=object)
    result["model"] = encode(models)
    store(adata, "subtypes", result)
    return adata


def _variable_genes(frame: pd.DataFrame, n_genes: int) -> np.ndarray:
    """Return the most variable genes, centred at their medians."""
    values = frame.to_numpy()
    centred = values - np.median(values, axis=0)
    deviation = np.median(np.abs(centred), axis=0)
    top = np.argsort(-deviation, kind="stable")[:n_genes]
    top = top[deviation[top] > 0]
    if len(top) < _FEWEST_GENES:
        raise InputError(
            f"{len(top)} genes vary between samples, at least {_FEWEST_GENES} are needed to cluster."
        )
    return centred[:, top]


def _keep_samples(adata: AnnData, clustering: ConsensusClustering, values: np.ndarray) -> pd.Series:
    """Store what each sample got, and return its subtype."""
    k = clustering.k_
    names = [f"S{i + 1}" for i in range(k)]
    codes = clustering.labels_[k]
    adata.obs["subtype"] = pd.Categorical(np.array(names, dtype=object)[codes], categories=names)
    adata.obs["subtype_confidence"] = clustering.confidence_
    adata.obs["subtype_silhouette"] = clustering.silhouette_
    adata.obs["subtype_core"] = (clustering.confidence_ >= _CORE) & (clustering.silhouette_ > 0)
    adata.obsm["X_pca"] = _principal_components(values)
    adata.obsp["consensus"] = clustering.consensus_[k]
    return adata.obs["subtype"]


def _principal_components(values: np.ndarray) -> np.ndarray:
    with threadpool_limits(limits=1, user_api="blas"):  # the same bits for any number of threads
        left, singular, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    scores = (left * singular)[:, :_COMPONENTS]
    # The sign of a component is arbitrary; the sample farthest out is put on the positive side.
    farthest = np.abs(scores).argmax(axis=0)
    return scores * np.where(scores[farthest, np.arange(scores.shape[1])] < 0, -1.0, 1.0)


def _clustering_tables(adata: AnnData, clustering: ConsensusClustering) -> dict[str, Any]:
    scores = pd.DataFrame(clustering.scores_)
    scores["chosen"] = scores["k"] == clustering.k_
    curves = [pd.DataFrame({"k": k, "consensus": GRID, "cdf": cdf}) for k, cdf in clustering.cdf_.items()]
    return {
        "order": adata.obs_names[clustering.order_].to_numpy(dtype=object),
        "k_scores": scores.rename(index=str),
        "cdf": pd.concat(curves, ignore_index=True).rename(index=str),
        "reason": clustering.reason_,
    }


def _clinical(adata: AnnData) -> list[str]:
    """Return the clinical columns, as read; not what steps have added."""
    summary = adata.uns["precisionmed"].get("ingest", {}).get("clinical_summary")
    made = {*_MADE, *_MADE_INTRINSIC}
    columns = [c for c in adata.obs.columns if c not in made]
    if summary is not None:
        columns = [c for c in columns if c in set(summary["variable"])]
    return clinical_variables(pd.Index(columns), roles_of(adata))


def _look_at_batches(associations: pd.DataFrame, notes: list[str]) -> None:
    found = associations[(associations["variable"] == "batch") & (associations["fdr"] < 0.05)]
    if len(found):
        warn(
            f"Subtypes differ between batches (FDR {found['fdr'].iloc[0]:.1g}): they may be technical "
            "rather than biological; correct with batch.method 'combat', or compare after it.",
            notes,
        )


def _classifiers(
    adata: AnnData,
    frame: pd.DataFrame,
    subtype: pd.Series,
    result: dict[str, Any],
    rng: np.random.Generator,
    notes: list[str],
) -> tuple[dict[str, Any], str]:
    """Learn to call both kinds of subtype; add their tables to `result`."""
    inner = int(rng.integers(2**31))
    recorded = _intrinsic.recorded_labels(adata, notes)
    own = _learnable(subtype, notes)
    centroid = NearestCentroid(n_genes_per_class=_GENES_PER_SUBTYPE, random_state=inner)
    tried: dict[str, tuple[Any, np.ndarray]] = {}
    if len(np.unique(own[own != ""])) > 1:
        tried["subtype"] = (centroid, own)
    if recorded is not None:
        tried["intrinsic"] = (IntrinsicSubtypeClassifier("learned", random_state=inner), recorded)
    left_out = out_of_fold(adata, tried, rng) if tried else {}
    models: dict[str, Any] = {}
    if "subtype" in tried:
        rows, groups = own != "", patients(adata)
        inner_groups = None if groups is None else groups[rows]
        models["subtype"] = centroid.fit(frame[rows], own[rows], groups=inner_groups)
        result["predictor_performance"] = _predictor_table(own, left_out["subtype"].call)
    intrinsic, balanced_by = _intrinsic.fit_intrinsic(adata, frame, recorded, inner, notes)
    if intrinsic is None:
        adata.obs = adata.obs.drop(columns=list(_MADE_INTRINSIC), errors="ignore")
        adata.obsm.pop("intrinsic_correlation", None)
        return models, ""
    models["intrinsic"] = intrinsic
    result["intrinsic_source"] = intrinsic.source
    calls = calls_of(intrinsic, frame) if recorded is None else left_out["intrinsic"]
    result |= _intrinsic.intrinsic_tables(adata, intrinsic, calls, subtype)
    if recorded is not None:
        published = _intrinsic.published_calls(adata, frame)
        result |= _intrinsic.performance_tables(recorded, calls.call, published)
    return models, _intrinsic.methods(intrinsic, balanced_by)


def _learnable(subtype: pd.Series, notes: list[str]) -> np.ndarray:
    """Return the subtypes that have enough samples for a centroid, "" for the others."""
    counts = subtype.value_counts()
    rare = sorted(counts.index[counts < _intrinsic.MIN_LABELLED].astype(str))
    if rare:
        warn(
            f"New samples are not called {' or '.join(rare)}: fewer than {_intrinsic.MIN_LABELLED} samples.",
            notes,
        )
    labels = subtype.astype(str)
    return labels.where(~labels.isin(rare), "").to_numpy(dtype=str)


def _predictor_table(truth: np.ndarray, call: np.ndarray) -> pd.DataFrame:
    known = truth != ""
    rows = [("accuracy", *metrics.accuracy_interval(truth[known], call[known].astype(str)))]
    for name in np.unique(truth[known]):
        own = truth == name
        rows.append((f"sensitivity_{name}", *metrics.accuracy_interval(truth[own], call[own].astype(str))))
    return pd.DataFrame(rows, columns=["metric", "estimate", "lower", "upper"]).rename(index=str)


def _clustering_methods(params: dict[str, Any], clustering: ConsensusClustering) -> str:
    return (
        f"The {params['n_genes']:,} genes with the largest median absolute deviation were centred at their "
        f"medians. Samples were clustered by consensus (Monti et al. 2003): {params['resamples']} "
        f"resamples of {params['sample_fraction']:.0%} of the samples, average linkage on 1 - Pearson "
        f"correlation, and average linkage on 1 - consensus, for 2 to {params['k_max']} subtypes. The "
        "proportion of ambiguous clustering (PAC, limits 0.1 and 0.9; Senbabaoglu et al. 2014) was "
        f"compared with that of {clustering.n_null} cohorts without subtypes: random rotations of the "
        "samples, which keep means and covariances of the genes (Langsrud 2005; John et al. 2020). "
        f"{clustering.reason_} Core samples have a mean consensus of at least {_CORE} with their subtype "
        "and a positive silhouette. Markers were found by moderated t tests of each subtype against the "
        "rest (Smyth 2004) with the false discovery rate of Benjamini and Hochberg (1995); since the same "
        "genes defined the subtypes, these p-values rank genes and prove nothing. New samples are called "
        f"by the Pearson correlation with class centroids of the {_GENES_PER_SUBTYPE} leading genes of "
        "each subtype; this was cross-validated in 5 folds against the subtypes found in the whole "
        "cohort. "
    )
