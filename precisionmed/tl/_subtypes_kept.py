"""What of a consensus clustering is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.errors import first_few, warn
from precisionmed.estimators._consensus_scores import GRID
from precisionmed.estimators.consensus import ConsensusClustering, smallest_cluster
from precisionmed.tl import _robustness
from precisionmed.tl._subtypes_methods import CORE, CORE_STAYS, RULES

if TYPE_CHECKING:
    from anndata import AnnData


def keep_samples(adata: AnnData, clustering: ConsensusClustering, notes: list[str]) -> pd.Series:
    """Store what each sample got, and return its subtype: missing for outliers, which get none."""
    k = clustering.k_
    names = [f"S{i + 1}" for i in range(clustering.n_clusters_)]
    codes = clustering.labels_[k].astype(np.int64)
    outlier = codes < 0
    adata.obs = adata.obs.drop(columns="subtype_robustness", errors="ignore")  # of a run before
    adata.obs["subtype"] = pd.Categorical.from_codes(codes, categories=pd.Index(names))
    adata.obs["subtype_outlier"] = outlier
    adata.obs["subtype_confidence"] = clustering.confidence_
    adata.obs["subtype_silhouette"] = clustering.silhouette_
    adata.obs["subtype_core"] = (clustering.confidence_ >= CORE) & (clustering.silhouette_ > 0)
    if outlier.any():
        own = adata.obs_names[outlier]
        warn(f"{len(own)} samples are outliers without a subtype: {first_few(own, 6)}.", notes)
    adata.obsp["consensus"] = clustering.consensus_matrix(k)
    return adata.obs["subtype"]


def keep_robustness(
    adata: AnnData,
    frame: pd.DataFrame,
    clustering: ConsensusClustering,
    n_genes: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Cluster again with other choices; a core sample stays in its subtype in most of them."""
    found = _robustness.robustness(
        frame.to_numpy(),
        clustering,
        n_genes=n_genes,
        rng=rng,
    )
    adata.obs["subtype_robustness"] = found.stays
    adata.obs["subtype_core"] &= np.nan_to_num(found.stays) >= CORE_STAYS
    tables: dict[str, Any] = {"robustness": found.partitions, "robustness_agreement": found.agreement}
    return tables | ({"other_division": found.other} if found.other else {})


def clustering_tables(adata: AnnData, clustering: ConsensusClustering) -> dict[str, Any]:
    scores = pd.DataFrame(clustering.scores_)
    scores["chosen"] = scores["k"] == clustering.k_
    curves = [pd.DataFrame({"k": k, "consensus": GRID, "cdf": cdf}) for k, cdf in clustering.cdf_.items()]
    votes = [(rule, k, RULES[rule]) for rule, k in clustering.votes_.items()]
    tables = {
        "order": adata.obs_names[clustering.order_].to_numpy(dtype=object),
        "k_scores": scores.rename(index=str),
        "votes": pd.DataFrame(votes, columns=["rule", "k", "reason"]).rename(index=str),
        "cdf": pd.concat(curves, ignore_index=True).rename(index=str),
        "reason": clustering.reason_,
        "min_size": smallest_cluster(adata.n_obs, clustering.min_fraction),
    }
    if clustering.evidence_ is not None:
        tables["evidence"] = clustering.evidence_
    return tables
