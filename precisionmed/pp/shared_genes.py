"""Keep to the genes that other cohorts measure as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from precisionmed.errors import InputError

if TYPE_CHECKING:
    from anndata import AnnData


def shared_genes(adata: AnnData, others: Iterable[Iterable[str]]) -> AnnData:
    """Drop genes that are not measured everywhere; only gene names are compared, no values.

    A model learned from the rest can be applied to those cohorts without gaps.

    Parameters
    ----------
    adata
        A cohort before `normalize`; changed in place.
    others
        Gene symbols of each other cohort, e.g. `[external.var_names]`.

    Raises
    ------
    InputError
        Fewer than a tenth of the genes are shared, or the cohort is normalized already.
    """
    if adata.raw is not None:
        raise InputError("genes cannot be dropped after pp.normalize; call pp.shared_genes before it.")
    keep = pd.Series(True, index=adata.var_names)
    for genes in others:
        keep &= adata.var_names.isin(list(genes))
    if keep.sum() < 0.1 * adata.n_vars:
        raise InputError(
            f"only {int(keep.sum())} of {adata.n_vars} genes are shared with the other cohorts; check that "
            "all are named by the same kind of identifier, or set 'shared_genes: false'."
        )
    adata._inplace_subset_var(keep.to_numpy())
    flow = adata.uns.get("precisionmed", {}).get("ingest", {}).get("flow")
    if flow is not None:
        row = {"stage": "shared genes", "samples": adata.n_obs, "genes": adata.n_vars}
        added = pd.DataFrame([{**row, "reason": "genes that the external cohorts measure too"}])
        table = pd.concat([flow, added], ignore_index=True)
        adata.uns["precisionmed"]["ingest"]["flow"] = table.set_axis(table.index.astype(str))
    return adata
