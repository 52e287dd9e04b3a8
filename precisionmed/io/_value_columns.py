"""Which columns of an expression matrix hold measurements, and their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few
from precisionmed.io._layout import Table, parse
from precisionmed.io._number_format import MARKED, TEXT, NumberFormat, decide, describe, kinds, to_floats
from precisionmed.io.genes import gene_likeness
from precisionmed.io.tables import missing_words

ANNOTATION = frozenset(
    {"hugo_symbol", "entrez_gene_id", "gene", "geneid", "gene_id", "gene_name", "gene_symbol", "symbol"}
    | {
        "genesymbol",
        "entrez",
        "entrezid",
        "description",
        "chr",
        "chrom",
        "chromosome",
        "start",
        "end",
        "strand",
    }
    | {
        "strand",
        "length",
        "width",
        "gene_type",
        "gene_biotype",
        "biotype",
        "probe",
        "probe_id",
        "probeid",
        "probeset",
    }
    | {"name", "id", "id_ref", "identifier", "cytoband", "accession", "transcript_id", "transcript_id(s)"}
    | {"refseq", "ensembl", "ensembl_id", "ensembl_gene_id"}
)
"""Names (lower case, `_` for blanks) of columns that describe genes."""

_FEWEST_ROWS, _CLEARLY = 10, 0.3
STATISTICS = frozenset(
    [
        "logfc",
        "log2foldchange",
        "lfcse",
        "foldchange",
        "pvalue",
        "p.value",
        "p_value",
        "p-value",
        "pval",
        "padj",
        "adj.p.val",
        "adj.p.value",
        "qvalue",
        "q_value",
        "fdr",
        "basemean",
        "aveexpr",
        "logcpm",
        "mean",
        "median",
        "average",
        "total",
        "sum",
        "variance",
        "mean_expr",
        "row_mean",
        "row_sum",
    ]
)
"""Names (lower case, `_` for blanks) of columns that a comparison or a summary has added."""

_CELL = r"[\t;| ]\"?[-+]?"
_DECIMAL = re.compile(
    _CELL + r"(?:0?\.\d|\d{4,}\.\d|\d{1,3}\.(?:\d{1,2}(?![\d.])|\d{4})|\d+(?:\.\d*)?[eE][-+]?\d)"
)
"""A cell whose point can only be a decimal one."""
_GROUP = re.compile(_CELL + r"[1-9]\d{0,2}\.\d{3}(?!\d)")


def value_columns(
    path: Path,
    frame: pd.DataFrame,
    header: Sequence[str],
    sample_names: frozenset[str],
    described: int,
    notes: list[str],
) -> list[int]:
    """Return the positions of the identifiers and of the columns that hold measurements.

    Running numbers in front, and columns that describe genes instead of measuring a sample, are left out.

    Parameters
    ----------
    path
        The file, for messages.
    frame
        Cells; columns are numbered.
    header
        Their names.
    sample_names
        Names that are samples whatever they look like.
    described
        Number of columns behind the identifiers that describe genes, when the file says so (GCT 1.3).
    notes
        What is left out is said here.

    Raises
    ------
    InputError
        No column holds numbers.
    """
    first = _identifiers(frame, header)
    better = _better_identifiers(frame, first)
    if better != first:
        notes.append(
            f"{path.name}: genes were named by column '{header[better]}', since '{header[first]}' says the "
            "same of many rows."
        )
        first = better
    drop = [
        i
        for i in range(first + 1, len(header))
        if header[i] not in sample_names and (i <= described or _describes(header[i], frame.iloc[:, i]))
    ]
    rest = range(first + 1, len(header))
    if len(drop) == len(rest):
        i = drop[0] if drop else first
        value = frame.iloc[:, i].dropna().iloc[:1].tolist()
        raise InputError(
            f"{path}: no column holds numbers (column '{header[i]}' starts with {value}); an expression "
            "matrix has identifiers in its first column and numbers in the others."
        )
    named = [header[i] for i in drop if header[i]]
    if named:
        notes.append(f"{path.name}: columns without measurements were left out: {first_few(named)}.")
    return [first, *(i for i in rest if i not in set(drop))]


def _identifiers(frame: pd.DataFrame, header: Sequence[str]) -> int:
    """Return the column of identifiers: the first, unless that only counts the rows and the next is text."""
    if header[0].lower() not in ("", "unnamed: 0", "index") or frame.shape[1] < 3:
        return 0
    running = frame.iloc[:, 0].astype(str).tolist()
    counted = any(running == [str(i + start) for i in range(len(frame))] for start in (0, 1))
    text = frame.iloc[:, 1]
    return int(counted and text.dtype.kind == "O" and (kinds(text.to_numpy(object)) == TEXT).any())


def _better_identifiers(frame: pd.DataFrame, first: int) -> int:
    """Return the column that names genes where the first one puts them into a few classes (NanoString)."""
    labels = pd.Index(frame.iloc[:, first].astype(str))
    if len(labels) < _FEWEST_ROWS or 2 * labels.nunique() > len(labels):
        return first
    likeness = {first: gene_likeness(labels) + _CLEARLY}
    for i in range(first + 1, frame.shape[1]):
        column = frame.iloc[:, i]
        if column.dtype.kind == "O" and column.nunique() > 2 * labels.nunique():
            likeness[i] = gene_likeness(pd.Index(column.astype(str)))
    return max(likeness, key=lambda i: (likeness[i], -i))


def _describes(name: str, column: pd.Series) -> bool:
    """Return whether a column describes genes: by its name, or since nothing in it is a number."""
    if name.lower().replace(" ", "_") in ANNOTATION | STATISTICS:
        return True
    if column.dtype.kind in "iufb":
        return not name and bool(column.isna().all())
    cells = column.to_numpy(object)
    absent = missing_words(cells)
    return not (kinds(cells)[~absent] != TEXT).any() and not (name and absent.all())


def numbers_of(
    path: Path,
    frame: pd.DataFrame,
    table: Table | None,
    labels: pd.Index,
    header: Sequence[str],
    columns: Sequence[int],
    notes: list[str],
) -> np.ndarray:
    """Return the numbers of columns as float64; NaN where a word says that there is none.

    Columns that the parser took for numbers are taken as they are, unless others of the file have marks that
    decide how all are to be read: then all are read again as text.

    Raises
    ------
    InputError
        A cell is no number, or cells contradict each other (see `decide`).
    """
    values = frame.iloc[:, list(columns)]
    odd = [i for i, dtype in enumerate(values.dtypes) if dtype.kind not in "iuf"]
    grouped = table is not None and _points_may_group(table, values)
    if not odd and not grouped:
        return values.to_numpy(np.float64)
    cells = values.iloc[:, odd].astype(object).to_numpy()
    kind, absent = kinds(cells), missing_words(cells)
    kind[absent] = TEXT
    if grouped or np.isin(kind, MARKED).any():
        if table is not None:
            texts = parse(table, dtype=str, keep_default_na=False).loc[frame.index]
            values = texts.iloc[:, list(columns)].fillna("")
        odd = list(range(values.shape[1]))
        cells = values.astype(object).to_numpy()
        kind, absent = kinds(cells), missing_words(cells)
        kind[absent] = TEXT
    names = [header[columns[i]] for i in odd]
    found = decide(
        path,
        kind,
        cells,
        lambda row, column: f"row '{labels[row]}', column '{names[column]}'",
        "" if table is None else table.delimiter,
    )
    marked = np.isin(kind, MARKED)
    if marked.any():
        describe(path, found, str(cells[marked][0]), notes)
    result = values.astype(object).where(values.notna(), np.nan).to_numpy()
    result[:, odd] = _checked(path, cells, kind, absent, found, labels, names)
    return result.astype(np.float64)


def _points_may_group(table: Table, values: pd.DataFrame) -> bool:
    """Return whether all points of a file could be between thousands: each before exactly three digits."""
    if table.delimiter == "," or not any(dtype.kind == "f" for dtype in values.dtypes):
        return False
    return "." in table.body and not _DECIMAL.search(table.body) and bool(_GROUP.search(table.body))


def _checked(
    path: Path,
    cells: np.ndarray,
    kind: np.ndarray,
    absent: np.ndarray,
    found: NumberFormat,
    labels: pd.Index,
    names: Sequence[str],
) -> np.ndarray:
    """Return the cells as numbers.

    Raises
    ------
    InputError
        One of them is no number of the format.
    """
    numbers = to_floats(cells, kind, found)
    bad = np.isnan(numbers) & ~absent
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"{path}: row '{labels[row]}', column '{names[column]}': {str(cells[row, column]).strip()!r} "
            f"is not a number ({int(bad[:, column].sum())} such cells in this column); correct it, or leave "
            "the cell empty if it is missing."
        )
    return numbers
