"""What a locked model remembers of its training cohort's outcome: groups, never patients."""

from __future__ import annotations

import pandas as pd
from anndata import AnnData

from precisionmed.config import RolesConfig
from precisionmed.estimators.group_hazards import group_hazards


def subtype_survival(adata: AnnData) -> pd.DataFrame | None:
    """Return the hazards of the subtypes found, relative to the largest; None without subtypes or outcome.

    One row for each endpoint and subtype: `endpoint`, then the columns of `group_hazards`. A patient
    counts once.
    """
    roles = adata.uns["precisionmed"]["ingest"].get("roles")
    if roles is None or "subtype" not in adata.obs or adata.obs["subtype"].nunique() < 2:
        return None
    subtype = adata.obs["subtype"].astype(object)
    reference = str(subtype.value_counts().idxmax())
    tables = []
    for name in RolesConfig.model_validate_json(str(roles)).endpoints:
        columns = [f"{name}_time", f"{name}_event"]
        known = adata.obs[columns].notna().all(axis=1) & subtype.notna()
        if "patient" in adata.obs:
            patient = adata.obs["patient"].astype(object).where(known)
            known &= ~patient.duplicated() | patient.isna()
        if known.any():
            time, event = (adata.obs.loc[known, column].astype(float) for column in columns)
            table = group_hazards(time, event == 1, subtype[known], reference)
            table.insert(0, "endpoint", name)
            tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else None
