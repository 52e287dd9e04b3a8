"""Several rows of one gene become one."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd


def collapse_duplicates(values: pd.DataFrame, gene_ids: pd.Index, rule: str) -> tuple[pd.DataFrame, pd.Index]:
    """Make one row of the rows that share an index label; the order of first appearance stays.

    Parameters
    ----------
    values
        Genes x samples, indexed by symbol.
    gene_ids
        Identifier as read of each row.
    rule
        `highest_mean` and `highest_variance` choose a row, `mean` and `sum` combine them (missing values are
        left out; a value missing in all rows stays missing).

    Returns
    -------
    DataFrame, Index
        The collapsed matrix, and for each of its rows the identifier as read (joined by `;` when combined).
    """
    symbols = values.index
    if symbols.is_unique:
        return values, gene_ids
    if rule in ("mean", "sum"):
        groups = values.groupby(level=0, sort=False)
        combined = groups.mean() if rule == "mean" else groups.sum(min_count=1)
        joined = pd.Series(gene_ids, index=symbols).groupby(level=0, sort=False).agg(";".join)
        return combined, pd.Index(joined.loc[combined.index])
    with warnings.catch_warnings():  # rows without any value: NaN, the last choice
        warnings.simplefilter("ignore", RuntimeWarning)
        statistic = np.nanmean if rule == "highest_mean" else np.nanvar
        score = np.nan_to_num(statistic(values.to_numpy(), axis=1), nan=-np.inf)
        score = np.array([float(f"{value:.12g}") for value in score])  # sums differ with the samples' order
    # Of equal rows that with the first identifier stays, whatever the order in the file.
    best = pd.Series(np.lexsort((gene_ids.astype(str), -score)))
    chosen = best[~pd.Series(symbols[best]).duplicated().to_numpy()]
    first = pd.Series(range(len(symbols)), index=symbols).groupby(level=0).min()
    order = chosen.to_numpy()[np.argsort(first.loc[symbols[chosen]].to_numpy(), kind="stable")]
    return values.iloc[order], gene_ids[order]
