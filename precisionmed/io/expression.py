"""Expression matrices in: text, Excel or h5ad, either way round, with the one bad cell named."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few
from precisionmed.io._gene_labels import blank_labels, fill_blank_labels
from precisionmed.io.genes import gene_likeness
from precisionmed.io.tables import existing_file, open_table, parse, read_text_table

Orientation = Literal["genes_by_samples", "samples_by_genes"]

_NUMBER_MISSING = ["", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "null", "None", "#N/A", "#NUM!"]
_ANNOTATION = frozenset(
    [
        "hugo_symbol",
        "entrez_gene_id",
        "gene",
        "geneid",
        "gene_id",
        "gene_name",
        "gene_symbol",
        "symbol",
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
        "length",
        "width",
        "gene_type",
        "gene_biotype",
        "biotype",
        "probe",
        "probe_id",
        "probeid",
        "name",
        "id",
        "id_ref",
        "cytoband",
        "accession",
        "transcript_id",
        "transcript_id(s)",
        "refseq",
    ]
)


@dataclass
class Matrix:
    """One expression file as read: genes in rows, samples in columns."""

    file: Path
    frame: pd.DataFrame
    """float64; index: gene identifiers as read, columns: sample names as read."""
    orientation: Orientation
    evidence: str
    """Why the matrix lies this way (a clause)."""
    obs: pd.DataFrame | None = None
    """Clinical columns that an h5ad brings along."""
    notes: list[str] = field(default_factory=list)


def read_expression(
    path: Path,
    orientation: str = "auto",
    sample_names: Collection[str] = (),
    n_genes: Callable[[pd.Index], int] | None = None,
) -> Matrix:
    """Read one matrix and turn it to genes x samples.

    Parameters
    ----------
    path
        TSV, CSV, compressed or not, an Excel workbook or h5ad.
    orientation
        `auto`, `genes_by_samples` or `samples_by_genes`.
    sample_names
        Everything in the clinical table that may name a sample; the side of the matrix that carries these
        names is the samples' side. Without any, the side that looks like genes, then the longer side, is the
        genes' side.
    n_genes
        Counts the labels that are genes wanted. Where given, the side with more of them is the genes' side,
        and nothing else is looked at.

    Raises
    ------
    InputError
        The file is missing, damaged, or no table of numbers; a sample occurs twice; a value is infinite.
    """
    if path.suffix.lower() in (".h5ad", ".h5"):
        matrix = _read_h5ad(existing_file(path, "expression file"))
    else:
        matrix = _read_table(path, orientation, frozenset(sample_names), n_genes)
    _check_names(matrix)
    _check_finite(matrix)
    return matrix


def _read_table(
    path: Path,
    orientation: str,
    sample_names: frozenset[str],
    n_genes: Callable[[pd.Index], int] | None = None,
) -> Matrix:
    notes: list[str] = []
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        text = read_text_table(path, "expression matrix", notes)
        header = [str(name) for name in text.columns]
        text.columns = pd.RangeIndex(text.shape[1])
        frame = text.apply(lambda c: c if c.name == 0 else _numbers_or_text(c))
    else:
        table = open_table(path, "expression matrix")
        header = table.header
        missing = dict.fromkeys(range(1, len(header)), _NUMBER_MISSING) | {0: []}
        frame = parse(
            table,
            dtype={0: str},
            keep_default_na=False,
            na_values=missing,
            decimal=table.decimal,
            float_precision="round_trip",
        )
    if frame.empty:
        raise InputError(f"{path}: the expression matrix has a header but no rows.")
    whole = frame.set_axis(pd.Index(header, dtype=object), axis=1)
    frame, header = _without_annotation(path, frame, header, sample_names, notes)
    labels = fill_blank_labels(pd.Index(frame.iloc[:, 0].fillna("").astype(str)), whole, path.name, notes)
    numbers = frame.iloc[:, 1:]
    _check_numbers(path, numbers, labels, header[1:])
    values = pd.DataFrame(
        numbers.to_numpy(np.float64), index=labels, columns=pd.Index(header[1:], dtype=object)
    )
    if n_genes is not None and orientation == "auto":
        orientation = _side_with_genes(path, values, n_genes)
    found, evidence = _orient(orientation, values, sample_names)
    if found == "samples_by_genes":
        values = values.T
    return Matrix(path, values, found, evidence, notes=notes)


def _without_annotation(
    path: Path, frame: pd.DataFrame, header: list[str], sample_names: frozenset[str], notes: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Leave out running numbers in front, and columns that describe genes instead of measuring a sample."""
    running = frame.iloc[:, 0].astype(str).tolist()
    counted = any(running == [str(i + start) for i in range(len(frame))] for start in (0, 1))
    if (
        counted
        and header[0].lower() in ("", "unnamed: 0")
        and frame.shape[1] > 2
        and frame.dtypes.iloc[1].kind == "O"
    ):
        frame, header = frame.iloc[:, 1:], header[1:]
    drop = []
    for i in range(1, frame.shape[1]):
        column = frame.iloc[:, i]
        known = header[i].lower().replace(" ", "_") in _ANNOTATION
        if header[i] in sample_names:
            continue
        blank = not header[i] and column.isna().all()
        if known or blank or (column.dtype == object and pd.to_numeric(column, errors="coerce").isna().all()):
            drop.append(i)
    if len(drop) == frame.shape[1] - 1:
        i = drop[0]
        value = frame.iloc[:, i].dropna().iloc[:1].tolist()
        raise InputError(
            f"{path}: no column holds numbers (column '{header[i]}' starts with {value}); an expression "
            "matrix "
            "has identifiers in its first column and numbers in the others."
        )
    named = [header[i] for i in drop if header[i]]
    if named:
        notes.append(f"{path.name}: columns without measurements were left out: {first_few(named)}.")
    keep = [i for i in range(frame.shape[1]) if i not in set(drop)]
    return frame.iloc[:, keep], [header[i] for i in keep]


def _numbers_or_text(column: pd.Series) -> pd.Series:
    column = column.where(~column.isin(_NUMBER_MISSING))
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().sum() == column.notna().sum() else column


def _check_numbers(path: Path, frame: pd.DataFrame, labels: pd.Index, header: list[str]) -> None:
    for i, dtype in enumerate(frame.dtypes):
        if dtype.kind not in "iuf":
            column = frame.iloc[:, i]
            text = column[column.notna() & pd.to_numeric(column.astype(str), errors="coerce").isna()]
            row = int(np.flatnonzero(frame.index == text.index[0])[0])
            raise InputError(
                f"{path}: row '{labels[row]}', column '{header[i]}': {str(text.iloc[0])!r} is not a number "
                f"({len(text)} such cells in this column); correct it, or leave the cell empty if it is "
                "missing."
            )


def _orient(stated: str, values: pd.DataFrame, sample_names: frozenset[str]) -> tuple[Orientation, str]:
    """Return which way the matrix lies, and why."""
    if stated == "genes_by_samples":
        return "genes_by_samples", "as stated in the configuration"
    if stated == "samples_by_genes":
        return "samples_by_genes", "as stated in the configuration"
    rows, columns = set(values.index), set(values.columns)
    in_rows, in_columns = len(rows & sample_names), len(columns & sample_names)
    if in_rows != in_columns:
        matched, side = max((in_rows, "row"), (in_columns, "column"))
        way: Orientation = "genes_by_samples" if side == "column" else "samples_by_genes"
        return way, f"{matched} {side} names are samples of the clinical table"
    like_rows, like_columns = gene_likeness(values.index), gene_likeness(values.columns)
    if abs(like_rows - like_columns) > 0.1:
        side, share = ("row", like_rows) if like_rows > like_columns else ("column", like_columns)
        way = "genes_by_samples" if side == "row" else "samples_by_genes"
        return way, f"{share:.0%} of the {side} names are gene identifiers"
    if values.shape[0] >= values.shape[1]:
        return (
            "genes_by_samples",
            f"{values.shape[0]} rows and {values.shape[1]} columns, the longer side being genes",
        )
    return (
        "samples_by_genes",
        f"{values.shape[1]} columns and {values.shape[0]} rows, the longer side being genes",
    )


def _side_with_genes(path: Path, values: pd.DataFrame, n_genes: Callable[[pd.Index], int]) -> Orientation:
    """Return which way the matrix lies by the genes that are wanted.

    Raises
    ------
    InputError
        Neither side has any, or both have as many.
    """
    in_rows, in_columns = n_genes(values.index), n_genes(values.columns)
    if in_rows == in_columns:
        raise InputError(
            f"{path}: {in_rows or 'none'} of the model's genes are named by the rows and "
            f"{in_columns or 'none'} by the columns (rows {first_few(values.index, 3)}; columns "
            f"{first_few(values.columns, 3)}); name genes by symbols, Ensembl or Entrez identifiers, give "
            "the probe annotation of an array, or state the orientation."
        )
    return "genes_by_samples" if in_rows > in_columns else "samples_by_genes"


def _read_h5ad(path: Path) -> Matrix:
    import anndata  # heavy: only for this format

    try:
        data = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as h5ad ({reason}); write it again with anndata.") from None
    names = data.var_names
    if "counts" in data.layers:
        source, values = "layers['counts']", data.layers["counts"]
    elif "measured" in data.layers:
        source, values = "layers['measured']", data.layers["measured"]
    elif data.raw is not None:
        source, values, names = "raw", data.raw.X, data.raw.var_names
    else:
        source, values = "X", data.X
    if values is None:
        raise InputError(f"{path}: has no matrix (neither X, raw nor layers['counts']); write it with one.")
    dense = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    if dense.dtype.kind not in "iufb":
        raise InputError(
            f"{path}: {source} holds {dense.dtype} instead of numbers; write it as float or integer."
        )
    frame = pd.DataFrame(
        dense.T.astype(np.float64), index=names.astype(str), columns=data.obs_names.astype(str)
    )
    obs = data.obs.astype(object).where(data.obs.notna(), "").astype(str)
    notes = [f"{path.name}: the values were taken from {source}."]
    return Matrix(path, frame, "samples_by_genes", "h5ad has samples in rows", obs=obs, notes=notes)


def _check_names(matrix: Matrix) -> None:
    """Check that samples have distinct names, and leave out rows without a gene identifier."""
    values, path = matrix.frame, matrix.file
    samples = values.columns
    if (samples == "").any():
        at = int(np.flatnonzero(samples == "")[0]) + 1
        raise InputError(f"{path}: sample number {at} has no name; name it in the matrix.")
    repeated = samples[samples.duplicated()].unique()
    if len(repeated):
        raise InputError(
            f"{path}: {len(repeated)} sample names occur more than once ({first_few(repeated)}); "
            "give each sample its own name, or remove the copies."
        )
    blank = blank_labels(values.index)
    nameless = int(blank.sum())
    if nameless:
        matrix.frame = values[~blank]
        matrix.notes.append(f"{path.name}: {nameless} rows without a gene identifier were left out.")
    if matrix.frame.shape[0] == 0 or matrix.frame.shape[1] == 0:
        raise InputError(f"{path}: the expression matrix has no genes or no samples; export it again.")


def _check_finite(matrix: Matrix) -> None:
    values = matrix.frame.to_numpy()
    infinite = np.isinf(values)
    if infinite.any():
        gene, sample = np.argwhere(infinite)[0]
        raise InputError(
            f"{matrix.file}: gene '{matrix.frame.index[gene]}', sample '{matrix.frame.columns[sample]}': "
            "the value "
            f"is infinite ({int(infinite.sum())} such cells), often the log of zero; add a pseudo-count "
            "before the "
            "log, or leave the cell empty."
        )
