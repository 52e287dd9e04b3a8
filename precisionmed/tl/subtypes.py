"""Molecular subtypes by consensus clustering, and intrinsic subtypes by centroids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config import step_generator
from precisionmed.config.minima import GENES_TO_CLUSTER, SAMPLES_TO_CLUSTER
from precisionmed.errors import InputError, warn
from precisionmed.estimators._moderated import moderated_t
from precisionmed.estimators.consensus import ConsensusClustering
from precisionmed.estimators.gene_ranking import top_genes
from precisionmed.io.codec import encode
from precisionmed.io.gene_sets import biological_processes, read_gene_sets
from precisionmed.pp._inputs import dense, measured, roles_of, store
from precisionmed.pp._order import by_name
from precisionmed.progress import progress_bar
from precisionmed.tl import _callers, _technical
from precisionmed.tl._associations import association_table, clinical_variables
from precisionmed.tl._embedding import check_umap, principal_components, umap_embedding
from precisionmed.tl._groups import methods as audit_methods
from precisionmed.tl._groups import settle_tasks
from precisionmed.tl._known_classes import check_known_classes, known_class_tables
from precisionmed.tl._markers import (
    FEWEST_GENES,
    MOST_GENES,
    MeasuredSets,
    gene_set_table,
    marker_table,
    measured_sets,
)
from precisionmed.tl._subtypes_kept import clustering_tables, keep_robustness, keep_samples
from precisionmed.tl._subtypes_methods import subtypes_methods

if TYPE_CHECKING:
    from anndata import AnnData

_SAMPLES_PER_SUBTYPE = 4  # at least, on average, at the largest k tried
_MADE = (
    "subtype",
    *(f"subtype_{part}" for part in ("confidence", "core", "silhouette", "robustness", "outlier")),
)
# New ones go to the end: the streams of the others stay as they are.
_PARTS = ("clustering", "robustness", "umap", "associations", "callers", "known classes", "technical")


@by_name
def subtypes(
    adata: AnnData,
    *,
    n_genes: int = 2000,
    k: int | None = None,
    k_max: int = 6,
    clusterer: str = "hierarchical",
    linkage: str = "average",
    metric: str = "pearson",
    resamples: int = 500,
    sample_fraction: float = 0.8,
    min_fraction: float = 0.05,
    n_null: int = 100,
    robustness: bool = True,
    gene_sets: str | Path | None = None,
    known_classes: Sequence[str] = (),
    umap: bool = False,
    seed: int = 1,
) -> AnnData:
    """Find the subtypes of a cohort, describe them, and learn to call them in single samples.

    The most variable genes are centred at their medians and the samples clustered by consensus
    (see `precisionmed.estimators.ConsensusClustering`, also for how k is chosen). When nothing speaks for
    subtypes, `reason` says so and everything is stored for the least ambiguous k all the same. With
    fewer than 12 samples or 20 variable genes nothing is looked for, and `skipped` says why. Intrinsic
    subtypes are learned from the recorded ones when there are any, and called out of fold; otherwise the
    published PAM50 centroids are used.

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
    clusterer, linkage, metric
        What clusters each resample, the linkage of the hierarchical clusterer, and the distance of samples.
    resamples, sample_fraction
        Number of resamples, and the fraction of samples in each.
    min_fraction
        Smallest subtype, as a fraction of the samples and at least five of them. Smaller clusters are
        outliers: `subtype` is missing and `subtype_outlier` true.
    n_null
        Cohorts without subtypes to compare with; 0 compares the values of k only with each other.
    robustness
        Whether to cluster again with other genes and clusterers, and see which samples stay together.
    gene_sets
        GMT file of gene sets; the biological processes of the Gene Ontology when left out.
    known_classes
        Clinical columns with known classes to compare with, beside the canonical ones.
    umap
        Whether to embed the samples by UMAP too.
    seed
        Seed of the run.

    Returns
    -------
    AnnData
        The same object; results are in the slots of "subtypes" in docs/data-model.md.

    Raises
    ------
    InputError
        The cohort is not normalized; the gene sets cannot be
        read or none is measured; a known class is none; umap-learn is not installed.
    """
    _check(adata, known_classes, umap)
    # A stream for each part, so that a choice about one leaves the numbers of the others as they are.
    rngs = dict(zip(_PARTS, step_generator(seed, "subtypes").spawn(len(_PARTS)), strict=True))
    notes: list[str] = []
    frame = pd.DataFrame(dense(adata.X), index=adata.obs_names, columns=adata.var_names.astype(str))
    try:
        values = _clustered_values(adata, frame, n_genes)
    except InputError as error:
        return _skipped(adata, str(error), seed)
    sets = measured_gene_sets(frame.columns, gene_sets, notes)
    largest = max(2, min(k_max, adata.n_obs // _SAMPLES_PER_SUBTYPE))
    clustering = ConsensusClustering(
        tuple(range(2, largest + 1)),
        clusterer=clusterer,
        linkage=linkage,
        metric=metric,
        resamples=resamples,
        sample_fraction=sample_fraction,
        min_fraction=min_fraction,
        k=k,
        n_null=n_null,
        random_state=rngs["clustering"],
    )
    with progress_bar("subtypes: cohorts without any") as tick:
        clustering.fit(values, progress=tick)
    if not clustering.n_clusters_:
        return _skipped(adata, f"k = {clustering.k_} gives only clusters too small to be subtypes.", seed)
    subtype = keep_samples(adata, clustering, notes)
    _keep_embeddings(adata, values, rngs["umap"] if umap else None)
    result = clustering_tables(adata, clustering)
    if robustness and clustering.n_clusters_ > 1:
        result |= keep_robustness(adata, frame, clustering, values.shape[1], rngs["robustness"])
    result |= _describe(frame, subtype, sets)
    result["associations"] = association_table(adata.obs, subtype, _clinical(adata), rngs["associations"])
    result |= _technical.verdict(adata, subtype, result, rngs["technical"], notes)
    models, said = _callers.fit_callers(adata, frame, subtype, result, rngs["callers"], notes)
    result |= known_class_tables(adata.obs, subtype, known_classes, rngs["known classes"])
    used = {
        "n_genes": values.shape[1],
        "k_max": largest,
        "robustness": robustness,
        "umap": umap,
        "seed": seed,
    }
    result["params"] = used | _params(clustering) | ({"gene_sets": sets.source} if sets else {})
    settle_tasks([result])
    result["methods"] = subtypes_methods(result) + said.rstrip() + audit_methods([result])
    result["notes"] = np.array(notes, dtype=object)
    result["model"] = encode(models)
    store(adata, "subtypes", result)
    return adata


def variable_genes(frame: pd.DataFrame, n_genes: int) -> np.ndarray:
    """Return the genes with the largest median absolute deviation, centred at their medians.

    Parameters
    ----------
    frame : DataFrame, shape (n_samples, n_genes)
        Complete log-scale values.
    n_genes : int
        Genes to return, at most.
    """
    values = frame.to_numpy()
    top = top_genes(values, "MAD", n_genes)
    if len(top) < GENES_TO_CLUSTER:
        raise InputError(
            f"{len(top)} genes vary between samples, at least {GENES_TO_CLUSTER} are needed to cluster."
        )
    return values[:, top] - np.median(values[:, top], axis=0)


def _check(adata: AnnData, known_classes: Sequence[str], umap: bool) -> None:
    """Refuse what cannot work before any work is done."""
    measured(adata)  # says so if the cohort has not been normalized
    check_known_classes(adata.obs, known_classes)
    if umap:
        check_umap()


def _clustered_values(adata: AnnData, frame: pd.DataFrame, n_genes: int) -> np.ndarray:
    if adata.n_obs < SAMPLES_TO_CLUSTER:
        raise InputError(
            f"subtypes need at least {SAMPLES_TO_CLUSTER} samples, the cohort has {adata.n_obs}."
        )
    return variable_genes(frame, n_genes)


def _skipped(adata: AnnData, reason: str, seed: int) -> AnnData:
    """Store why there are no subtypes, and nothing else; what a run before has left is removed."""
    notes: list[str] = []
    warn(f"Subtypes were not looked for: {reason}", notes)
    adata.obs = adata.obs.drop(columns=[*_MADE, *_callers.MADE], errors="ignore")
    adata.obsp.pop("consensus", None)
    content = {"params": {"seed": seed}, "skipped": reason, "methods": notes[0]}
    store(adata, "subtypes", content | {"notes": np.array(notes, dtype=object)})
    return adata


def _keep_embeddings(adata: AnnData, values: np.ndarray, umap_rng: np.random.Generator | None) -> None:
    adata.obsm["X_pca"] = principal_components(values)
    adata.obsm.pop("X_umap", None)  # of a run before
    if umap_rng is not None:
        adata.obsm["X_umap"] = umap_embedding(adata.obsm["X_pca"], umap_rng)


def measured_gene_sets(genes: pd.Index, path: str | Path | None, notes: list[str]) -> MeasuredSets | None:
    """Return the gene sets to test; None when the cohort measures hardly any gene of the shipped ones."""
    collection = biological_processes() if path is None else read_gene_sets(path)
    sets = measured_sets(collection, genes)
    if len(sets.names):
        return sets
    said = f"no set of {collection.source} has {FEWEST_GENES} to {MOST_GENES} measured genes"
    if path is not None:
        raise InputError(f"{path}: {said}; the cohort has {len(genes):,} genes (first: {genes[0]}).")
    notes.append(f"Gene sets were not tested: {said}.")
    return None


def _describe(frame: pd.DataFrame, subtype: pd.Series, sets: MeasuredSets | None) -> dict[str, Any]:
    """Return the marker genes and the gene sets of the subtypes."""
    names = list(subtype.cat.categories)
    if len(names) < 2:
        return {}
    known = subtype.notna().to_numpy()
    found = moderated_t(frame.to_numpy()[known], subtype[known].astype(str).to_numpy(), np.array(names))
    tables: dict[str, Any] = {"markers": marker_table(found, frame.columns, names)}
    if sets is not None:
        tables |= {"gene_sets": gene_set_table(found, sets, names), "n_gene_sets": len(sets.names)}
    return tables


def _params(clustering: ConsensusClustering) -> dict[str, Any]:
    names = ("clusterer", "linkage", "metric", "resamples", "sample_fraction", "min_fraction", "n_null")
    return {"k": clustering.n_clusters_, **{name: getattr(clustering, name) for name in names}}


def _clinical(adata: AnnData) -> list[str]:
    """Return the clinical columns, as read; not what steps have added."""
    summary = adata.uns["precisionmed"].get("ingest", {}).get("clinical_summary")
    made = {*_MADE, *_callers.MADE}
    columns = [c for c in adata.obs.columns if c not in made]
    if summary is not None:
        columns = [c for c in columns if c in set(summary["variable"])]
    return clinical_variables(pd.Index(columns), roles_of(adata))
