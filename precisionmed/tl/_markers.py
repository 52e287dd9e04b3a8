"""Marker genes of the subtypes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from precisionmed.estimators._moderated import moderated_t

N_MARKERS = 100
"""Genes kept for each subtype."""


def marker_table(values: np.ndarray, genes: pd.Index, labels: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Return the genes that differ most between each subtype and the rest.

    Parameters
    ----------
    values : ndarray, shape (n_samples, n_genes)
        Log-scale expression.
    genes : Index
        Gene symbols.
    labels : ndarray of str
        Subtype of each sample.
    names : list of str
        Subtypes.

    Returns
    -------
    DataFrame
        `gene`, `subtype`, `log_fold_change`, `t`, `p`, `fdr` (Benjamini and Hochberg, over all genes of
        the subtype); by subtype, then p.
    """
    found = moderated_t(values, labels, np.array(names))
    tables = []
    for i, name in enumerate(names):
        fdr = false_discovery_control(found.p[i])
        # Several p may underflow to zero: |t| tells them apart.
        top = np.lexsort((-np.abs(found.t[i]), found.p[i]))[:N_MARKERS]
        columns = {
            "gene": genes[top].astype(str),
            "subtype": name,
            "log_fold_change": found.log_fold_change[i][top],
            "t": found.t[i][top],
            "p": found.p[i][top],
            "fdr": fdr[top],
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True).rename(index=str)
