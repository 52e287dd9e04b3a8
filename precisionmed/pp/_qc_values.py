"""The values that quality control looks at."""

from __future__ import annotations

import numpy as np
import pandas as pd

from precisionmed.estimators._library import check_counts
from precisionmed.estimators._matrix import Matrix
from precisionmed.estimators.normalize import Log2
from precisionmed.kernels.qc import gene_medians, log_per_million
from precisionmed.pp._inputs import LINEAR


def log_values(samples: pd.Index, values: Matrix, scale: str) -> Matrix:
    """Return log2(CPM + 1) of counts and RSEM, log2(x + 1) of TPM and FPKM, log values as they are."""
    if scale not in LINEAR:
        return values
    frame = pd.DataFrame(values, index=samples)
    if scale in ("tpm", "fpkm"):
        return Log2().fit_transform(frame)
    check_counts(frame, values)
    return np.asarray(log_per_million(values))


def without_gaps(logs: Matrix) -> Matrix:
    """Return the values with gene medians for gaps; genes that are never measured become zero."""
    gaps = np.flatnonzero(np.isnan(logs).any(axis=0))
    if not len(gaps):
        return logs
    filled = logs.copy()
    part = filled[:, gaps]
    # A constant counts for nothing in components and little in ranks.
    medians = np.nan_to_num(gene_medians(part), nan=0.0)
    filled[:, gaps] = np.where(np.isnan(part), medians, part)
    return filled
