"""What the methods section says of the subtypes."""

from __future__ import annotations

from typing import Any

from precisionmed.tl import _robustness
from precisionmed.tl._callers import GENES_PER_SUBTYPE
from precisionmed.tl._markers import FEWEST_GENES, MOST_GENES
from precisionmed.tl._technical import STRONG_ETA2, STRONG_PAIR, STRONG_V

CORE = 0.8
"""Mean consensus of a core sample with its subtype, at least."""
CORE_STAYS = 0.5
"""Fraction of the other choices in which a core sample stays in its subtype, at least."""

RULES = {
    "relative_pac": "smallest PAC relative to cohorts without subtypes",
    "pac": "smallest proportion of ambiguous pairs (PAC)",
    "delta_area": "last gain of 0.3 or more in the area under the consensus distribution",
    "silhouette": "largest mean silhouette of the consensus",
    "cophenetic": "largest cophenetic correlation of the consensus",
    "cola": "largest k with 1 - PAC of 0.9 that differs from the k before, else most of three indices",
}
"""What each rule that votes for a k looks at."""

_METRICS = {
    "pearson": "1 - Pearson correlation",
    "spearman": "1 - Spearman correlation",
    "euclidean": "Euclidean distance",
}


def subtypes_methods(result: dict[str, Any]) -> str:
    """Return how the subtypes were found and described, from what is about to be stored."""
    params = result["params"]
    parts = [_clustering(params), str(result["reason"]), _technical(result), _core(params)]
    if "markers" in result:
        parts.append(_markers(result))
    if "known_classes" in result:
        parts.append(
            "Agreement with known classes is the adjusted Rand index (Hubert and Arabie 1985), with a "
            "percentile interval over resampled samples and p-values from random tables of the same margins."
        )
    if params["umap"]:
        parts.append("Samples were embedded by UMAP of ten principal components (McInnes et al. 2018).")
    parts.append(
        f"New samples are called by the Pearson correlation with class centroids of the {GENES_PER_SUBTYPE} "
        "leading genes of each subtype; this was cross-validated in 5 folds against the subtypes found in "
        "the whole cohort. "
    )
    return " ".join(part for part in parts if part)


def _clustering(params: dict[str, Any]) -> str:
    distance = _METRICS[params["metric"]]
    how = {
        "hierarchical": f"{params['linkage']} linkage on {distance}",
        "kmeans": f"k-means on {distance}",
        "pam": f"partitioning around medoids on {distance}",
        "nmf": "non-negative matrix factorization (Brunet et al. 2004)",
        "leiden": f"Leiden communities of the graph of nearest neighbours by {distance} (Traag et al. 2019)",
    }[params["clusterer"]]
    said = (
        f"The {params['n_genes']:,} genes with the largest median absolute deviation were centred at their "
        f"medians. Samples were clustered by consensus (Monti et al. 2003): {params['resamples']} "
        f"resamples of {params['sample_fraction']:.0%} of the samples, {how}, and average linkage on "
        f"1 - consensus, for 2 to {params['k_max']} subtypes."
    )
    if params.get("min_fraction"):
        said += (
            f" Clusters of fewer than {params['min_fraction']:.0%} of the samples (at least 5) are outliers "
            "without a subtype; those at the clearest number were set aside and the others clustered again."
        )
    if not params["n_null"]:
        return said
    return (
        f"{said} The proportion of ambiguous clustering (PAC, limits 0.1 and 0.9; Senbabaoglu et al. 2014) "
        f"was compared with that of {params['n_null']} cohorts without subtypes: random rotations of the "
        "samples, which keep means and covariances of the genes (Langsrud 2005; John et al. 2020)."
    )


def _technical(result: dict[str, Any]) -> str:
    said = ""
    if "technical" in result:
        said = (
            "Subtypes count as following a batch, plate or site from a Cramér’s V (corrected for bias; "
            f"Bergsma 2013) of {STRONG_V} for all or {STRONG_PAIR} for any two, library size and the number "
            f"of detected genes from an eta² of {STRONG_ETA2} of the ranks, each with p below 0.01."
        )
    return f"{said} {result['stopped']}".strip() if "stopped" in result else said


def _core(params: dict[str, Any]) -> str:
    said = f"Core samples have a mean consensus of at least {CORE} with their subtype, a positive silhouette"
    if not params["robustness"]:
        return said.replace(", a positive", " and a positive") + "."
    return (
        f"{said}, and stay in their subtype in at least {CORE_STAYS:.0%} of nine further consensus "
        f"clusterings ({_robustness.RESAMPLES} resamples each): of as many genes, chosen by standard "
        "deviation, median absolute deviation or ability to correlate with other genes (ATC; Gu et al. "
        "2021), by hierarchical clustering, k-means or partitioning around medoids."
    )


def _markers(result: dict[str, Any]) -> str:
    said = (
        "Markers were found by moderated t tests of each subtype against the rest (Smyth 2004) with the "
        "false discovery rate of Benjamini and Hochberg (1995)."
    )
    if "gene_sets" in result:
        said += (
            f" {result['n_gene_sets']:,} sets of {FEWEST_GENES} to {MOST_GENES} measured genes, "
            f"{result['params']['gene_sets']}, were compared with all other genes by these t statistics, "
            "allowing for a correlation of 0.01 between the genes of a set (CAMERA; Wu and Smyth 2012), "
            "with the false discovery rate over the sets of each subtype."
        )
    return f"{said} Since the same genes defined the subtypes, these p-values rank and prove nothing."
