"""All roles of a clinical table, and what became of each of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.io._guess._classes import find_intrinsic, find_response, find_treatment
from precisionmed.io._guess._cohort import (
    find_batch,
    find_groups,
    find_keep,
    find_patient,
    find_sex,
    keep_rows,
)
from precisionmed.io._guess._covariates import find_covariates
from precisionmed.io._guess._draft import SAMPLE_NAMES, Draft
from precisionmed.io._guess._endpoints import find_endpoints
from precisionmed.io._guess._receptors import find_receptors


@dataclass(frozen=True)
class Proposal:
    """What a table's columns could mean."""

    cohort: dict[str, Any]
    """`roles`, `keep` and `values`, as in `CohortConfig`."""
    remarks: dict[str, str]
    """Config key (dotted, below `cohort`) -> what a person should know."""
    roles: dict[str, str]
    """Column -> its role."""
    reasons: dict[str, str]
    """Column -> why it is not used, though it could be."""


def guess_cohort(
    clinical: pd.DataFrame, sample_column: str | None = None, tumours: np.ndarray | None = None
) -> Proposal:
    """Return proposed roles of a cohort, and why.

    Parameters
    ----------
    clinical
        Clinical table as text.
    sample_column
        Its column with the sample names.
    tumours
        Rows that are tumours by their barcode: roles are read from these.
    """
    draft = Draft(clinical)
    keep = find_keep(draft)
    draft.clinical = keep_rows(clinical if tumours is None else clinical[tumours], keep)
    if sample_column is not None:
        draft.roles[sample_column] = SAMPLE_NAMES
    roles: dict[str, Any] = {
        "endpoints": find_endpoints(draft),
        "receptors": find_receptors(draft),
        "intrinsic": find_intrinsic(draft),
        "response": find_response(draft),
        "treatment": find_treatment(draft),
        "sex": find_sex(draft),
        "patient": find_patient(draft),
        "batch": find_batch(draft),
        "covariates": find_covariates(draft),
        "groups": find_groups(draft),
    }
    if draft.blanked:
        draft.remark(
            "values", "Values that could not be read are blanked here, so that they count as missing."
        )
    cohort = {"roles": roles, "keep": keep, "values": draft.blanked}
    return Proposal(cohort, draft.remarks, draft.roles, draft.reasons)
