"""Expression matrices in: text, Excel or h5ad, either way round, with the one bad cell named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few
from precisionmed.io._formats import (
    STRANDS,
    names_without_header,
    refuse_transcripts,
    sample_column,
    sample_of,
    samples_of_bam_files,
    strand_of,
)
from precisionmed.io._gene_labels import blank_labels, fill_blank_labels
from precisionmed.io._h5ad import read_h5ad
from precisionmed.io._layout import Table, open_table, parse
from precisionmed.io._no_genes import SUMMARY_ROW
from precisionmed.io._value_columns import ANNOTATION, numbers_of, value_columns
from precisionmed.io.genes import gene_likeness
from precisionmed.io.tables import (
    EXCEL,
    existing_file,
    read_excel,
    without_repeated_header,
)

Orientation = Literal["genes_by_samples", "samples_by_genes"]

_PLAIN_MISSING = ["", "NA", "na", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "null", "None", "#N/A", "#NUM!"]


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
    column: str = ""
    """Column taken of a counting program's file about one sample; such files are joined."""


def read_expression(
    path: Path,
    orientation: str = "auto",
    sample_names: Collection[str] = (),
    n_genes: Callable[[pd.Index], int] | None = None,
    *,
    column: str | None = None,
    scale: str = "auto",
) -> Matrix:
    """Read one matrix and turn it to genes x samples.

    Parameters
    ----------
    path
        TSV, CSV, compressed or not, an Excel workbook, h5ad, a GEO series matrix, GCT, or what HTSeq, STAR,
        RSEM, salmon, kallisto, featureCounts and StringTie write.
    orientation
        `auto`, `genes_by_samples` or `samples_by_genes`.
    sample_names
        Everything in the clinical table that may name a sample; the side of the matrix that carries these
        names is the samples' side. Without any, the side that looks like genes, then the longer side, is the
        genes' side.
    n_genes
        Counts the labels that are genes wanted. Where given, the side with more of them is the genes' side,
        and nothing else is looked at.
    column
        Column to take of a file about one sample (`expected_count`, `TPM`, `stranded_second`, ...).
    scale
        The scale, when it is stated; of a file about one sample its column is taken.

    Raises
    ------
    InputError
        The file is missing, damaged, or no table of numbers; a sample occurs twice; a value is infinite.
    """
    if path.suffix.lower() in (".h5ad", ".h5"):
        frame, obs, notes = read_h5ad(existing_file(path, "expression file"))
        matrix = Matrix(path, frame, "samples_by_genes", "h5ad has samples in rows", obs=obs, notes=notes)
    else:
        matrix = _read_table(path, orientation, frozenset(sample_names), n_genes, column, scale)
    _check_names(matrix)
    _check_finite(matrix)
    return matrix


def read_expressions(
    paths: Sequence[Path],
    orientation: str = "auto",
    sample_names: Collection[str] = (),
    *,
    column: str | None = None,
    scale: str = "auto",
) -> list[Matrix]:
    """Read several files (see `read_expression`); those about one sample each are joined to one matrix.

    Raises
    ------
    InputError
        See `read_expression`; or files about one sample differ in their genes, or name the same sample.
    """
    read = partial(read_expression, sample_names=sample_names, column=column, scale=scale)
    matrices: list[Matrix] = []
    singles: list[Matrix] = []
    for path in paths:
        matrix = read(path, orientation)
        if matrix.column and not singles:
            matrices.append(matrix)
        (singles if matrix.column else matrices).append(matrix)
    if len(singles) > 1:
        at = next(i for i, matrix in enumerate(matrices) if matrix is singles[0])
        matrices[at] = _joined(singles)
    return matrices


def _joined(singles: list[Matrix]) -> Matrix:
    """Join files about one sample each, which must have the same genes and columns."""
    first = singles[0]
    genes = first.frame.index
    seen: dict[str, Path] = {}
    frames = []
    for matrix in singles:
        sample = str(matrix.frame.columns[0])
        if sample in seen:
            raise InputError(
                f"{matrix.file}: is about the sample '{sample}' as {seen[sample]} is; rename one of them."
            )
        seen[sample] = matrix.file
        if matrix.column != first.column:
            raise InputError(
                f"{matrix.file}: column '{matrix.column}' was found, in {first.file.name} '{first.column}'; "
                "state one for all files (cohort.column)."
            )
        frame = matrix.frame
        if not frame.index.equals(genes):
            other = genes.symmetric_difference(frame.index)
            if len(other) or genes.has_duplicates:
                raise InputError(
                    f"{matrix.file}: has other genes than {first.file.name} ({first_few(other, 3)}); count "
                    "all samples with one annotation."
                )
            frame = frame.loc[genes]
        frames.append(frame)
    joined = f"{len(singles)} files about one sample each were joined; the files name the samples."
    notes = [note for matrix in singles[:3] for note in matrix.notes] + [joined]

    return replace(first, frame=pd.concat(frames, axis=1), notes=notes)


def _read_table(
    path: Path,
    orientation: str,
    sample_names: frozenset[str],
    n_genes: Callable[[pd.Index], int] | None,
    column: str | None,
    scale: str,
) -> Matrix:
    notes: list[str] = []
    frame, header, table, described = _opened(path, sample_names, notes)
    at, taken = sample_column(path, header, column, scale, notes)
    if at is not None:
        at, taken = _strand(path, frame, header, at, column, notes)
        keep, samples = [0, at], [sample_of(path, sample_names)]
        orientation = "genes_by_samples"
    else:
        keep = value_columns(path, frame, header, sample_names, described, notes)
        samples = [header[i] for i in keep[1:]]
        short = samples_of_bam_files(samples, sample_names)
        if short != samples:
            notes.append(
                f"{path.name}: folder and ending of sample names were left out ({first_few(short, 3)})."
            )
            samples = short
    whole = frame.set_axis(pd.Index(header, dtype=object), axis=1)
    labels = fill_blank_labels(
        pd.Index(frame.iloc[:, keep[0]].fillna("").astype(str)), whole, path.name, notes
    )
    values = numbers_of(path, frame, table, labels, header, keep[1:], notes)
    named = pd.DataFrame(values, index=labels, columns=pd.Index(samples, dtype=object))
    if n_genes is not None and orientation == "auto":
        orientation = _side_with_genes(path, named, n_genes)
    found, evidence = _orient(orientation, named, sample_names)
    if at is not None:
        evidence = "a file about one sample"
    return Matrix(
        path, named.T if found == "samples_by_genes" else named, found, evidence, notes=notes, column=taken
    )


def _opened(
    path: Path, sample_names: frozenset[str], notes: list[str]
) -> tuple[pd.DataFrame, list[str], Table | None, int]:
    """Return cells (numbered columns), header, the text table, and how many columns describe genes."""
    what, described, table = "expression matrix", 0, None
    if existing_file(path, what).suffix.lower() in EXCEL:
        frame = read_excel(path, notes)
        header = [str(name) for name in frame.columns]
        frame.columns = pd.RangeIndex(frame.shape[1])
    else:
        no_header = partial(names_without_header, path, known=ANNOTATION, sample_names=sample_names)
        table = open_table(path, what, notes, no_header)
        header = table.header
        if len(table.sizes) == 4:  # GCT 1.3: columns and rows that describe genes and samples
            described, rows = table.sizes[2:]
            table = replace(table, body="".join(table.body.split("\n", rows)[rows:]), lines=None)
        missing = dict.fromkeys(range(1, len(header)), _PLAIN_MISSING) | {0: []}
        frame = parse(
            table, dtype={0: str}, keep_default_na=False, na_values=missing, float_precision="round_trip"
        )
        if len(table.sizes) >= 2 and len(frame) != table.sizes[0]:
            raise InputError(
                f"{path}: has {len(frame)} rows where its second line announces {table.sizes[0]}; it may be "
                "cut off, download or export it again."
            )
    frame = without_repeated_header(path, frame, header, notes)
    if frame.empty:
        raise InputError(f"{path}: the expression matrix has a header but no rows.")
    return frame, header, table, described


def _strand(
    path: Path, frame: pd.DataFrame, header: list[str], at: int, column: str | None, notes: list[str]
) -> tuple[int, str]:
    """Return the column of STAR's strands to take, where none is stated; other files' column as it is."""
    lower = [name.lower() for name in header]
    if column is not None or lower[at] != STRANDS[0]:
        return at, header[at]
    genes = ~frame.iloc[:, 0].astype(str).str.match(SUMMARY_ROW)
    totals = [
        float(pd.to_numeric(frame.iloc[:, lower.index(name)][genes], errors="coerce").sum())
        for name in STRANDS
    ]
    strand = strand_of(totals)
    shown = ", ".join(f"{name} {total:,.0f}" for name, total in zip(STRANDS, totals, strict=True))
    notes.append(f"{path.name}: strand '{strand}' was taken (reads in genes: {shown}).")
    return lower.index(strand), strand


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
    refuse_transcripts(path, values)
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
