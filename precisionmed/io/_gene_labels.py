"""Gene identifiers that are blank in one column of a matrix and known in another."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.errors import first_few

_BLANK = frozenset(["", "na", "n/a", "nan", "null", "none", "-", "--", "---", ".", "?", "#n/a", "<na>"])
# Columns that identify a row's gene, best first where several are filled.
_IDENTIFIERS = (
    "entrez_gene_id", "entrez", "entrezid", "entrez_id", "gene_id", "geneid", "ensembl", "ensembl_id",
    "ensembl_gene_id", "hugo_symbol", "gene_symbol", "genesymbol", "symbol", "gene_name", "gene",
)  # fmt: skip


def blank_labels(labels: pd.Index) -> NDArray[np.bool_]:
    """Return which labels name nothing: empty, or a word for missing."""
    return np.array([str(label).strip().lower() in _BLANK for label in labels], dtype=bool)


def fill_blank_labels(labels: pd.Index, table: pd.DataFrame, name: str, notes: list[str]) -> pd.Index:
    """Name rows whose identifier is blank by another identifier of theirs, and say so.

    Parameters
    ----------
    labels
        Identifiers of the rows, from one column.
    table
        All columns of the file, in the same order of rows.
    name
        Name of the file, for the note.
    """
    labels = pd.Index([str(label).strip() for label in labels], dtype=object)
    filled = labels.to_numpy(dtype=object).copy()
    used = []
    headers = [str(column).strip().lower().replace(" ", "_") for column in table.columns]
    for wanted in (known for known in _IDENTIFIERS if known in headers):
        blank = blank_labels(pd.Index(filled))
        if not blank.any():
            break
        texts = table.iloc[:, headers.index(wanted)].astype(object)
        other = texts.where(texts.notna(), "").astype(str).str.strip().to_numpy(dtype=object)
        can = blank & ~blank_labels(pd.Index(other))
        if can.any():
            filled[can] = other[can]
            column = table.columns[headers.index(wanted)]
            used.append(f"{int(can.sum())} by column '{column}' ({first_few(other[can], 3)})")
    if used:
        notes.append(f"{name}: rows without an identifier in the first column were named {'; '.join(used)}.")
    return pd.Index(filled, dtype=object)
