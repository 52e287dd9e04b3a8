"""Before anything is learned: whether the steps can do with these cohorts what the config asks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from precisionmed.config import RunConfig
from precisionmed.errors import Findings, InputError, PrecisionMedWarning, nearest
from precisionmed.estimators._size_factors import without_common_gene
from precisionmed.io.drug_targets import read_drug_targets
from precisionmed.pp._inputs import decide_method, dense, gene_lengths, roles_of, scale_of
from precisionmed.pp.batch import check_batch
from precisionmed.tl._embedding import check_umap
from precisionmed.tl._known_classes import check_known_classes
from precisionmed.tl.subtypes import measured_gene_sets

if TYPE_CHECKING:
    from anndata import AnnData

_FEWEST_SHARED = 0.5
"""Fraction of the training genes that an external cohort must measure for the model to say anything of it."""


def check(adata: AnnData, settings: RunConfig, *, external: Mapping[str, AnnData] | None = None) -> None:
    """Find everything that would stop a later step, from what is known once the tables are read.

    Parameters
    ----------
    adata
        The training cohort as read.
    settings
        The run's config.
    external
        External cohorts as read, by name.

    Raises
    ------
    InputError
        Something would; all of it is told, one line each.
    """
    found = Findings()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionMedWarning)  # the steps warn themselves
        with found.collecting():
            _normalization(adata, settings)
        with found.collecting():
            if settings.batch.method != "none":
                check_batch(
                    adata, settings.batch.method, settings.batch.covariates, settings.batch.reference, []
                )
        for part in (_known_classes, _umap, _gene_sets, _endpoints, _drug_targets):
            with found.collecting():
                part(adata, settings)
        for name, other in (external or {}).items():
            with found.collecting():
                _scale(adata, name, other)
            with found.collecting():
                _genes(adata, settings, name, other)
    found.raise_any()


def _normalization(adata: AnnData, settings: RunConfig) -> None:
    method = decide_method(settings.normalize.method, scale_of(adata))
    if method in ("tpm", "fpkm"):
        gene_lengths(adata.var)
    # A sample that quality control drops may be the one that lacks every gene.
    on_ratios = method in ("median_of_ratios", "vst") and not settings.qc.drop_outliers
    if on_ratios and not (dense(adata.X) > 0).all(axis=0).any():
        raise without_common_gene()


def _known_classes(adata: AnnData, settings: RunConfig) -> None:
    check_known_classes(adata.obs, settings.subtypes.known_classes)


def _umap(adata: AnnData, settings: RunConfig) -> None:
    if settings.subtypes.umap:
        check_umap()


def _gene_sets(adata: AnnData, settings: RunConfig) -> None:
    if settings.subtypes.gene_sets is not None:
        measured_gene_sets(adata.var_names, settings.subtypes.gene_sets, [])


def _endpoints(adata: AnnData, settings: RunConfig) -> None:
    declared = roles_of(adata).endpoints
    for name in settings.biomarkers.endpoints or ():
        if name not in declared:
            raise InputError(f"biomarkers.endpoints: '{name}' is not declared.{nearest(name, declared)}")


def _drug_targets(adata: AnnData, settings: RunConfig) -> None:
    if settings.biomarkers.drug_targets is not None:
        read_drug_targets(settings.biomarkers.drug_targets)


def _scale(adata: AnnData, name: str, other: AnnData) -> None:
    mine, theirs = scale_of(adata), scale_of(other)
    if mine != theirs:
        raise InputError(
            f"external cohort '{name}' is on the scale '{theirs}', the training cohort on '{mine}': give "
            "both on one scale, state 'scale' where it was mistaken, or take the cohort out of 'external'."
        )


def _genes(adata: AnnData, settings: RunConfig, name: str, other: AnnData) -> None:
    shared = float(adata.var_names.isin(other.var_names).mean())
    fewest = 0.1 if settings.shared_genes else _FEWEST_SHARED
    if shared >= fewest:
        return
    remedy = "" if settings.shared_genes else ", or learn only from shared genes (shared_genes: true)"
    raise InputError(
        f"external cohort '{name}' measures {shared:.0%} of the {adata.n_vars:,} training genes, at least "
        f"{fewest:.0%} are needed; check that both name genes by identifiers that are known{remedy}."
    )
