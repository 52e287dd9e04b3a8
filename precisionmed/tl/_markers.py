"""What the subtypes are: their marker genes and gene sets."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.stats import false_discovery_control

from precisionmed.estimators._moderated import ModeratedT
from precisionmed.estimators.gene_sets import competitive_test
from precisionmed.io.gene_sets import GeneSets

N_MARKERS = 100
"""Genes, and gene sets, kept for each subtype."""
FEWEST_GENES, MOST_GENES = 10, 500
"""Measured genes of the sets that are tested."""


def marker_table(found: ModeratedT, genes: pd.Index, names: list[str]) -> pd.DataFrame:
    """Return the genes that differ most between each subtype and the rest.

    Parameters
    ----------
    found : ModeratedT
        Test of each subtype against the rest, subtypes x genes.
    genes : Index
        Gene symbols.
    names : list of str
        Subtypes.

    Returns
    -------
    DataFrame
        `gene`, `subtype`, `log_fold_change`, `t`, `p`, `fdr` (Benjamini and Hochberg, over all genes of
        the subtype); by subtype, then p.
    """
    tables = []
    for i, name in enumerate(names):
        fdr = false_discovery_control(found.p[i])
        top = _best(found.p[i], found.t[i])
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


class MeasuredSets(NamedTuple):
    """The gene sets that can be tested in a cohort."""

    source: str
    names: pd.Index
    members: csr_array
    """1 where a gene belongs to a set, sets x genes of the cohort."""


def measured_sets(collection: GeneSets, genes: pd.Index) -> MeasuredSets:
    """Return the sets with 10 to 500 measured genes, and some genes left outside."""
    sizes = [len(symbols) for symbols in collection.genes.values()]
    rows = np.repeat(np.arange(len(sizes)), sizes)
    columns = genes.get_indexer(pd.Index(itertools.chain.from_iterable(collection.genes.values())))
    known = columns >= 0
    ones, shape = np.ones(known.sum()), (len(sizes), len(genes))
    members = csr_array((ones, (rows[known], columns[known])), shape=shape)
    members.data[:] = 1  # also of a gene that is there twice
    measured = members.sum(axis=1)
    tested = np.flatnonzero((measured >= FEWEST_GENES) & (measured <= min(MOST_GENES, len(genes) - 1)))
    return MeasuredSets(collection.source, pd.Index(collection.genes)[tested], members[tested])


def gene_set_table(found: ModeratedT, sets: MeasuredSets, names: list[str]) -> pd.DataFrame:
    """Return the gene sets whose genes differ most between each subtype and the rest.

    Parameters
    ----------
    found : ModeratedT
        Test of each subtype against the rest, subtypes x genes.
    sets : MeasuredSets
        Sets, each tested against all other measured genes.
    names : list of str
        Subtypes.

    Returns
    -------
    DataFrame
        `subtype`, `gene_set`, `n_genes` (measured), `direction` (`up` or `down`), `p`, `fdr` (Benjamini and
        Hochberg, over all tested sets of the subtype); by subtype, then p.
    """
    test = competitive_test(found.t, sets.members)
    tables = []
    for i, name in enumerate(names):
        fdr = false_discovery_control(test.p[i])
        top = _best(test.p[i], test.t[i])
        columns = {
            "subtype": name,
            "gene_set": sets.names[top],
            "n_genes": test.n_genes[top],
            "direction": np.where(test.t[i][top] > 0, "up", "down"),
            "p": test.p[i][top],
            "fdr": fdr[top],
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True).rename(index=str)


def _best(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    # Several p may underflow to zero: |t| tells them apart.
    return np.lexsort((-np.abs(t), p))[:N_MARKERS]
