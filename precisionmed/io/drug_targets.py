"""Drug targets: a table of genes and the drugs that hit them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from precisionmed.errors import InputError, nearest
from precisionmed.io.genes import UNKNOWN, gene_id_kind, map_genes
from precisionmed.io.tables import is_missing, read_text_table

_COLUMNS = ("gene", "drug")


def read_drug_targets(path: str | Path) -> pd.Series:
    """Return the drugs of each gene, joined by `; `, by its current symbol.

    Parameters
    ----------
    path
        Table (TSV, CSV, XLSX) with the columns `gene` (symbol, Ensembl or Entrez identifier) and `drug`, one
        row a pair; rows without a drug are skipped.

    Raises
    ------
    InputError
        The file is missing or damaged, a column is not there, no row has both, or hardly any gene is known.
    """
    path = Path(path)
    frame = read_text_table(path, "table of drug targets")
    frame.columns = frame.columns.str.lower()
    for name in _COLUMNS:
        if name not in frame:
            raise InputError(
                f"{path}: the table of drug targets has no column '{name}'.{nearest(name, frame.columns)}"
            )
    frame = frame.loc[~is_missing(frame["gene"]) & ~is_missing(frame["drug"]), list(_COLUMNS)]
    if frame.empty:
        raise InputError(f"{path}: no row of the table of drug targets has both a gene and a drug.")
    labels = pd.Index(frame["gene"].unique())
    mapped = map_genes(labels, gene_id_kind(labels))
    unknown = (mapped["outcome"] == UNKNOWN).mean()
    if unknown > 0.9:
        raise InputError(
            f"{path}: {unknown:.0%} of the {len(labels):,} genes of the drug targets are not human genes "
            f"(first: '{labels[0]}'); give symbols, Ensembl or Entrez identifiers."
        )
    symbol = dict(zip(labels, mapped["symbol"], strict=True))
    drugs = frame.assign(gene=frame["gene"].map(symbol)).drop_duplicates().sort_values(["gene", "drug"])
    return drugs.groupby("gene")["drug"].agg("; ".join)
