"""What a locked model remembers of its training cohort's outcome: groups, never patients."""

from __future__ import annotations

import pandas as pd
from anndata import AnnData

from precisionmed.config import RolesConfig
from precisionmed.estimators.group_hazards import group_hazards
from precisionmed.io._endpoints import recorded_outcome
from precisionmed.io.patients import first_of_patient


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
        outcome = recorded_outcome(adata.obs, name)
        known = outcome.notna().all(axis=1) & subtype.notna()
        known &= first_of_patient(adata.obs, known.to_numpy())
        if known.any():
            y = outcome[known]
            table = group_hazards(y["time"], y["event"], subtype[known], reference, entry=y.get("entry"))
            table.insert(0, "endpoint", name)
            tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else None
