"""Drop genes for good that are expressed in too few samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from precisionmed.errors import InputError
from precisionmed.estimators.gene_filter import GeneFilter
from precisionmed.pp._inputs import dense, scale_of

if TYPE_CHECKING:
    from anndata import AnnData


def filter_genes(adata: AnnData, *, min_count: float = 10, min_fraction: float = 0.1) -> AnnData:
    """Keep genes that are expressed in enough samples and vary, before normalization.

    `normalize` filters by the same rule (edgeR's `filterByExpr`) itself and learns it anew inside folds;
    use this only to drop genes for good, for example to make a large cohort smaller. No label is looked
    at.

    Parameters
    ----------
    adata : AnnData
        A cohort as `read_cohort` gives it; changed in place.
    min_count : float, default=10
        Counts only: smallest count, as counts per million at the median library size.
    min_fraction : float, default=0.1
        Counts only: smallest group of samples worth seeing, as a fraction of all.

    Returns
    -------
    AnnData
        The same object with the kept genes.

    Raises
    ------
    InputError
        The cohort is normalized already, or no gene is left.
    """
    if adata.raw is not None:
        raise InputError("genes are filtered before normalization; start from the ingested cohort.")
    rule = GeneFilter(min_count=min_count, min_fraction=min_fraction, scale=scale_of(adata))
    adata._inplace_subset_var(rule.fit(dense(adata.X)).kept_)
    return adata
