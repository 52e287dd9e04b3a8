"""The matrices of a cohort: each under current gene symbols on a known scale, then joined to one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from precisionmed.config import CohortConfig, Scale
from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._duplicates import collapse_duplicates
from precisionmed.io._gene_rows import recorded_rows
from precisionmed.io._no_genes import DROPPED
from precisionmed.io._species import refuse_other_species
from precisionmed.io.expression import Matrix, read_expressions
from precisionmed.io.genes import (
    UNKNOWN,
    GeneIds,
    gene_id_kind,
    gene_table,
    map_genes,
    read_probe_annotation,
    summarize_mapping,
)
from precisionmed.io.scale import LOGS, resolve_scale

_FEWEST_EQUAL = 10
"""So many genes do not have the same logarithm by chance."""


@dataclass
class Expression:
    """The expression of a cohort."""

    frame: pd.DataFrame
    """Genes x samples under current symbols, float64."""
    gene_ids: pd.Index
    """Identifier as read of each gene."""
    scale: Scale
    scale_evidence: str
    scale_as_read: Scale
    orientation: str
    orientation_evidence: str
    gene_kind: str
    mapping: pd.DataFrame
    """Table `outcome`, `genes`, `examples`."""
    rows: pd.DataFrame
    """Which rows as read stand for a gene; see `recorded_rows`."""
    n_read: tuple[int, int] = (0, 0)
    """Samples and rows in the files (distinct samples, rows together)."""
    lost: dict[str, str] = field(default_factory=dict)
    """Sample that is not in all files -> reason."""
    obs: pd.DataFrame | None = None
    sources: dict[str, str] = field(default_factory=dict)
    """Sample -> file, when several files bring different samples."""


def read_matrices(config: CohortConfig, sample_names: Collection[str], notes: list[str]) -> Expression:
    """Read all expression files of a cohort and join them.

    Raises
    ------
    InputError
        See `read_expression`, `check_scale`; or the files do not fit together.
    """
    matrices = read_expressions(
        config.expression, config.orientation, sample_names, column=config.column, scale=config.scale
    )
    return join_matrices(matrices, config, notes)


def join_matrices(matrices: Sequence[Matrix], config: CohortConfig, notes: list[str]) -> Expression:
    """Bring the matrices of a cohort under current gene symbols and join them.

    Raises
    ------
    InputError
        See `prepare_matrix`; or the files do not fit together.
    """
    annotation = read_probe_annotation(config.probe_annotation) if config.probe_annotation else None
    parts = []
    for matrix in matrices:
        notes.extend(matrix.notes)
        parts.append(prepare_matrix(matrix, config, annotation, notes))
    joined = parts[0]
    for matrix, part in zip(matrices[1:], parts[1:], strict=True):
        joined = _join(joined, part, (matrices[0].file.name, matrix.file.name), config, notes)
    return joined


def prepare_matrix(
    matrix: Matrix, config: CohortConfig, annotation: Mapping[str, str] | None, notes: list[str]
) -> Expression:
    """Bring one matrix under current gene symbols, duplicates collapsed, its scale known."""
    kind = _gene_kind(matrix, config, annotation)
    labels = matrix.frame.index
    mapped = map_genes(labels, kind, annotation)
    refuse_other_species(labels, mapped, matrix.file, notes)
    mapping = summarize_mapping(mapped, labels)
    kept = (mapped["symbol"] != "").to_numpy()
    if not kept.any():
        raise InputError(
            f"{matrix.file}: none of its rows is a gene ({first_few(labels, 3)}); give the table of genes."
        )
    values = matrix.frame[kept]
    _report_mapping(matrix, mapped, notes)
    scaled = resolve_scale(values, config.scale, matrix.file, notes)
    values, scale, evidence = scaled.frame, scaled.scale, scaled.evidence
    symbols = pd.Index(mapped["symbol"][kept], name=None)
    repeated = symbols[symbols.duplicated()]
    if len(repeated):
        _check_rule(matrix, scale, repeated, config.duplicate_genes, notes)
        row = ("repeated rows of a gene, collapsed", len(repeated), first_few(repeated.unique()))
        mapping = pd.concat([mapping, pd.DataFrame([row], columns=mapping.columns)], ignore_index=True)
    values, gene_ids = collapse_duplicates(values.set_axis(symbols), labels[kept], config.duplicate_genes)
    rows = recorded_rows(
        labels[kept], symbols, pd.Series(gene_ids, index=values.index), config.duplicate_genes
    )
    return Expression(
        values, gene_ids, scale, evidence, scaled.as_read, matrix.orientation, matrix.evidence, kind, mapping,
        rows, n_read=(matrix.frame.shape[1], len(labels)), obs=matrix.obs,
    )  # fmt: skip


def _check_rule(matrix: Matrix, scale: Scale, repeated: pd.Index, rule: str, notes: list[str]) -> None:
    """Refuse a rule for repeated genes that makes no sense on the scale; say what is done."""
    if (rule == "mean" and scale == "counts") or (rule == "sum" and scale in LOGS):
        why, instead = ("makes fractions of counts", "sum") if rule == "mean" else ("adds logarithms", "mean")
        raise InputError(
            f"{matrix.file}: cohort.duplicate_genes: {rule} {why} ({len(repeated)} rows repeat a gene, e.g. "
            f"'{repeated[0]}'); use highest_mean or {instead}."
        )
    name = matrix.file.name
    notes.append(f"{name}: {len(repeated)} rows repeat a gene; one row a gene stays (rule: {rule}).")
    if scale == "zscore" and rule.startswith("highest"):
        notes.append(
            f"{name}: z-scores no longer tell which row of a gene is expressed or varies most; "
            "duplicate_genes: mean uses all of them."
        )


def _gene_kind(matrix: Matrix, config: CohortConfig, annotation: Mapping[str, str] | None) -> GeneIds:
    labels, file = matrix.frame.index, matrix.file
    if (
        any(list(labels) == [str(i + start) for i in range(len(labels))] for start in (0, 1))
        and len(labels) > 1
    ):
        raise InputError(
            f"{file}: the genes are only numbered ({first_few(labels, 3)}), their identifiers are missing; "
            "put gene symbols, Ensembl or Entrez identifiers into the first column."
        )
    found = gene_id_kind(labels)
    annotated = annotation is not None and labels.isin(list(annotation)).any()
    if annotated:
        return "probe"
    if annotation is not None and "probe" in (found, config.gene_ids):
        raise InputError(
            f"{config.probe_annotation}: has none of the probes of {file} (the matrix has "
            f"{first_few(labels, 3)}, the annotation {first_few(list(annotation), 3)}); "
            "give the annotation of this array."
        )
    if "probe" in (found, config.gene_ids):
        raise InputError(
            f"{file}: the identifiers are array probes ({first_few(labels, 3)}); give "
            "cohort.probe_annotation, a "
            "table with the columns 'probe' and 'symbol'."
        )
    if config.gene_ids not in ("auto", found):
        raise InputError(
            f"{file}: cohort.gene_ids says {config.gene_ids} but most identifiers look like {found} "
            f"({first_few(labels, 3)}); correct it or use auto."
        )
    return found


def _report_mapping(matrix: Matrix, mapped: pd.DataFrame, notes: list[str]) -> None:
    name, labels = matrix.file.name, matrix.frame.index
    unknown = (mapped["outcome"] == UNKNOWN).to_numpy()
    ambiguous = mapped["outcome"].str.startswith("ambiguous").to_numpy()
    if unknown.mean() > 0.5 and len(labels) >= 20:
        warn(
            f"{name}: {unknown.sum()} of {len(labels)} identifiers are in no gene table "
            f"({first_few(labels[unknown])}) and stay as they are; are they human genes?",
            notes,
        )
    elif unknown.any():
        notes.append(
            f"{name}: {unknown.sum()} identifiers are not in the gene table of {gene_table().date} and stay "
            "as "
            f"they are ({first_few(labels[unknown])})."
        )
    dropped = mapped["outcome"].isin(DROPPED).to_numpy()
    if dropped.any():
        notes.append(
            f"{name}: {dropped.sum()} rows that are no genes were left out ({first_few(labels[dropped])})."
        )
    if ambiguous.any():
        pairs = zip(labels[ambiguous], mapped["candidates"][ambiguous], strict=True)
        listed = first_few(f"{label} ({candidates})" for label, candidates in pairs)
        notes.append(f"{name}: {ambiguous.sum()} ambiguous identifiers stay as they are: {listed}.")


def _join(
    first: Expression, other: Expression, names: tuple[str, str], config: CohortConfig, notes: list[str]
) -> Expression:
    """Join two matrices that have either the samples or none of them in common."""
    a, b = first.frame, other.frame
    shared = a.columns.intersection(b.columns, sort=False)
    if len(shared) == 0:
        return _stack_samples(first, other, names, notes)
    if len(shared) * 2 < min(a.shape[1], b.shape[1]):
        raise InputError(
            f"{names[1]}: only {len(shared)} of its {b.shape[1]} samples are in {names[0]} "
            f"({first_few(shared, 3)}); "
            "matrices of one cohort have the same samples (more genes) or no sample in common (more samples)."
        )
    lost: dict[str, str] = {}
    for here, there, name in ((a, b, names[0]), (b, a, names[1])):
        only = here.columns.difference(there.columns, sort=False)
        lost |= dict.fromkeys(only, f"in {name} only")
        if len(only):
            warn(f"{len(only)} samples are in {name} only ({first_few(only)}) and were left out.", notes)
    both = a.index.intersection(b.index)
    if len(both):
        notes.append(
            f"{len(both)} genes are in {names[0]} and in {names[1]}; the values of {names[0]} were used."
        )
    more = ~b.index.isin(a.index)
    values = pd.concat([a[shared], b.loc[more, shared]])
    scale, evidence = first.scale, first.scale_evidence
    if other.scale != scale:
        if {scale, other.scale} & set(LOGS):
            raise _other_scale(first, other, names)
        together = resolve_scale(values, config.scale, f"{names[0]} with {names[1]}", notes)
        values, scale, evidence = together.frame, together.scale, together.evidence
    gene_ids = first.gene_ids.append(other.gene_ids[more])
    rows = pd.concat([first.rows, other.rows[other.rows["gene"].isin(b.index[more])]], ignore_index=True)
    joined = _joined(first, other, values, gene_ids, rows, scale, evidence)
    joined.lost |= lost
    return joined


def _stack_samples(
    first: Expression, other: Expression, names: tuple[str, str], notes: list[str]
) -> Expression:
    if first.scale != other.scale:
        raise _other_scale(first, other, names)
    genes = first.frame.index.intersection(other.frame.index, sort=False)
    if len(genes) == 0:
        raise InputError(
            f"{names[1]}: has neither samples nor genes in common with {names[0]}; check the files."
        )
    for part, name in ((first, names[0]), (other, names[1])):
        lost = part.frame.index.difference(genes, sort=False)
        if len(lost):
            warn(f"{len(lost)} genes are in {name} only ({first_few(lost)}) and were left out.", notes)
    values = pd.concat([first.frame.loc[genes], other.frame.loc[genes]], axis=1)
    gene_ids = first.gene_ids[first.frame.index.get_indexer(genes)]
    later = other.rows.assign(file=first.rows["file"].max() + 1)
    rows = pd.concat([first.rows, later], ignore_index=True)
    joined = _joined(first, other, values, gene_ids, rows, first.scale, first.scale_evidence)
    joined.sources = (first.sources or dict.fromkeys(first.frame.columns, names[0])) | dict.fromkeys(
        other.frame.columns, names[1]
    )
    if first.obs is not None and other.obs is not None:
        joined.obs = pd.concat([first.obs, other.obs]).fillna("")
    return joined


def _joined(
    first: Expression,
    other: Expression,
    values: pd.DataFrame,
    gene_ids: pd.Index,
    rows: pd.DataFrame,
    scale: Scale,
    evidence: str,
) -> Expression:
    mapping = pd.concat([first.mapping, other.mapping]).groupby("outcome", sort=False)
    table = mapping.agg({"genes": "sum", "examples": "first"}).reset_index()
    n_samples = first.n_read[0] + len(
        other.frame.columns.difference(first.frame.columns.append(pd.Index(first.lost)))
    )
    kind = first.gene_kind if first.gene_kind == other.gene_kind else f"{first.gene_kind}, {other.gene_kind}"
    same = scale == first.scale and first.scale_as_read == other.scale_as_read
    as_read = first.scale_as_read if same else scale
    return Expression(
        values, gene_ids, scale, evidence, as_read, first.orientation, first.orientation_evidence, kind,
        table, rows, n_read=(n_samples, first.n_read[1] + other.n_read[1]),
        lost=first.lost | other.lost, obs=first.obs, sources=first.sources,
    )  # fmt: skip


def _other_scale(first: Expression, other: Expression, names: tuple[str, str]) -> InputError:
    return InputError(
        f"{names[1]}: is on another scale ({other.scale}: {other.scale_evidence}) than {names[0]} "
        f"({first.scale}: "
        f"{first.scale_evidence}); bring them to one scale, or read them as two cohorts."
    )


def without_expression(values: pd.DataFrame, scale: Scale) -> np.ndarray:
    """Return which samples have no measurement at all; each sample is judged alone.

    All values are missing, or 0, or on log scales (where an empty library may have become any number) one and
    the same number.
    """
    x = values.to_numpy()
    empty = ~(np.isfinite(x) & (x != 0)).any(axis=0)
    if scale in LOGS and len(x) >= _FEWEST_EQUAL:
        lowest, highest = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
        empty |= lowest == highest
    return empty
