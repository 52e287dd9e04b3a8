"""What a locked model remembers of its training cohort: how files became genes, and outcome by group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from precisionmed.config import RolesConfig
from precisionmed.config.minima import TO_LOCK
from precisionmed.estimators.group_hazards import group_hazards
from precisionmed.io._endpoints import recorded_outcome
from precisionmed.io.patients import first_of_patient


def subtype_survival(adata: AnnData) -> pd.DataFrame | None:
    """Return the hazards of the subtypes found, relative to the largest; None without subtypes or outcome.

    One row for each endpoint and subtype: `endpoint`, then the columns of `group_hazards`. A patient
    counts once; subtypes of fewer than five patients with follow-up are left out.
    """
    roles = adata.uns["precisionmed"]["ingest"].get("roles")
    if roles is None or "subtype" not in adata.obs or adata.obs["subtype"].nunique() < 2:
        return None
    subtype = adata.obs["subtype"].astype(object)
    reference = str(subtype.value_counts().idxmax())
    tables = []
    for name in RolesConfig.model_validate_json(str(roles)).endpoints:
        outcome = recorded_outcome(adata.obs, name)
        known = outcome.notna().all(axis=1) & subtype.notna()
        known &= first_of_patient(adata.obs, known.to_numpy())
        n = subtype[known].value_counts()
        known &= subtype.isin(n.index[n >= TO_LOCK])
        if (n >= TO_LOCK).sum() > 1 and n.get(reference, 0) >= TO_LOCK:
            y = outcome[known]
            table = group_hazards(y["time"], y["event"], subtype[known], reference, entry=y.get("entry"))
            table.insert(0, "endpoint", name)
            tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else None


def locked_inputs(adata: AnnData) -> dict[str, Any]:
    """Return how the files of the cohort became genes, for new files to become them the same way."""
    ingest = adata.uns["precisionmed"]["ingest"]
    rows = ingest.get("gene_rows")
    if rows is None:  # simulated, or put together by hand
        names = adata.raw.var_names.astype(str)
        rows = pd.DataFrame({"row": names, "gene": names, "chosen": True, "file": 0})
    rows = rows[rows["gene"].isin(adata.raw.var_names)].reset_index(drop=True)
    params = ingest["params"]
    values = adata.raw.X.data if hasattr(adata.raw.X, "toarray") else np.asarray(adata.raw.X)
    return {
        "rows": rows[["row", "gene", "chosen", "file"]],
        "duplicate_genes": str(params.get("duplicate_genes", "highest_mean")),
        "gene_ids": str(params.get("gene_ids", "symbol")),
        "orientation": str(params.get("orientation", "genes_by_samples")),
        "scale_as_read": str(params.get("scale_as_read", params["scale"])),
        "whole_numbers": bool((np.rint(values) == values)[~np.isnan(values)].all()),
    }
