"""New samples in: a file, a table or an AnnData to the genes of a locked model, each sample for itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import anndata as ad
import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._gene_rows import GeneRows, check_kind, gene_rows, say_unsettled
from precisionmed.io._scale_evidence import LARGEST_LOG, few_negatives
from precisionmed.io.expression import read_expression
from precisionmed.io.genes import gene_id_kind, read_probe_annotation
from precisionmed.io.scale import LINEAR, OTHER_LOGS, to_log2

NewSamples: TypeAlias = str | Path | pd.DataFrame | pd.Series | ad.AnnData
"""What `LockedModel.predict` takes."""
_COUNT_LIKE = ("counts", "rsem")
_FEWEST_WHOLE = 20
"""Measured genes from which only whole numbers tell counts from logarithms."""
_FEWEST_POSITIVE = 100
"""Measured genes of which some are below 0 on scales around 0."""


@dataclass(frozen=True)
class Reading:
    """How new samples differ from the files of training; what is left alone is as the model knows it."""

    scale: str | None = None
    orientation: str = "auto"
    gene_ids: str = "auto"
    probe_annotation: str | Path | None = None
    column: str | None = None
    """Of files about one sample each, the column to take."""


@dataclass(frozen=True)
class Measured:
    """New samples under the genes of a model."""

    expression: pd.DataFrame
    """Samples x the model's genes, as read; NaN is missing."""
    reasons: np.ndarray
    """Why nothing can be said of a sample; empty where something may."""


def measured_genes(
    samples: NewSamples,
    genes: pd.Index,
    inputs: dict[str, Any] | None,
    scale: str,
    reading: Reading,
) -> Measured:
    """Bring new samples under the genes of a model by what was learned of its files.

    Parameters
    ----------
    samples
        Path of a matrix (any that `read_cohort` reads), data frame (samples x genes), series (one sample) or
        AnnData.
    genes
        Genes of the model.
    inputs
        What the model knows of its files; None when it was locked before that was recorded.
    scale
        Scale of the model.
    reading
        How the samples differ from the files of training.

    Raises
    ------
    InputError
        The samples cannot be read, are on another scale, or have none of the genes.
    """
    recorded = _recorded_scale(samples)
    as_read = _scale_as_read(recorded or reading.scale, inputs, scale)
    rows = gene_rows(genes, inputs)
    if reading.probe_annotation is not None:
        annotation = read_probe_annotation(Path(reading.probe_annotation))
        rows = GeneRows(rows.genes, rows.rows, rows.rule, annotation)
    if isinstance(samples, str | Path):
        table, where = _from_file(Path(samples), rows, reading, as_read), Path(samples).name
    else:
        table, where = _from_memory(samples, rows, reading), "the new samples"
    _check_names(table, where)
    check_kind(table.columns, reading.gene_ids, where)
    if isinstance(samples, ad.AnnData):
        table = _without_other_rows(samples, table, rows)
    values, unsettled = rows.collapse(to_log2(table.to_numpy(dtype=float), as_read).T, table.columns)
    say_unsettled(unsettled, where)
    _check_any(table.columns, rows, where)
    frame = pd.DataFrame(values, index=table.index.rename(None), columns=genes)
    whole = recorded is None and reading.scale is None and (inputs is None or bool(inputs["whole_numbers"]))
    used = scale if as_read in OTHER_LOGS else as_read
    reasons = np.array([_reason(x, used, whole) for x in values], dtype=object)
    # What a batch correction leaves below 0 of linear values counts as 0, as in training.
    below = (reasons == "")[:, None] & (frame.to_numpy() < 0)
    return Measured(frame.mask(below, 0.0) if scale in LINEAR else frame, reasons)


def _from_file(path: Path, rows: GeneRows, reading: Reading, scale: str) -> pd.DataFrame:
    matrix = read_expression(
        path, reading.orientation, n_genes=rows.n_genes, column=reading.column, scale=scale
    )
    if matrix.column:  # which of several was taken is not to be overlooked
        for note in matrix.notes:
            warn(note)
    return matrix.frame.T


def _from_memory(
    samples: pd.DataFrame | pd.Series | ad.AnnData, rows: GeneRows, reading: Reading
) -> pd.DataFrame:
    """Return samples x genes as numbers, turned where genes are in the rows."""
    if isinstance(samples, ad.AnnData):
        return _of_anndata(samples)
    if isinstance(samples, pd.Series):
        name = "sample" if samples.name is None else samples.name
        samples = samples.to_frame(name).T
    if not isinstance(samples, pd.DataFrame):
        raise InputError(
            f"the new samples are a {type(samples).__name__}; give a data frame (samples x genes, genes "
            "named), a series (one sample), an AnnData or the path of a matrix."
        )
    if 0 in samples.shape:
        raise InputError(f"the new samples are empty (shape {samples.shape}); give at least one sample.")
    if reading.orientation == "genes_by_samples":
        samples = samples.T
    elif reading.orientation == "auto":
        names = [pd.Index(axis.astype(str)) for axis in (samples.index, samples.columns)]
        if rows.n_genes(names[0]) > rows.n_genes(names[1]):
            warn("the genes are in the rows of the new samples; the table was transposed.")
            samples = samples.T
    return _numbers(samples)


def _numbers(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the table as float64 under text names."""
    frame = samples.set_axis(samples.columns.astype(str), axis=1)
    if not all(dtype.kind in "iufb" for dtype in frame.dtypes):
        numbers = frame.apply(pd.to_numeric, errors="coerce")
        bad = np.argwhere((numbers.isna() & frame.notna()).to_numpy())
        if len(bad):
            row, column = bad[0]
            raise InputError(
                f"sample '{frame.index[row]}', gene '{frame.columns[column]}': "
                f"{frame.iloc[row, column]!r} is no number ({len(bad)} such cells); leave out "
                "columns that are no genes."
            )
        frame = numbers
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise InputError(
            f"sample '{frame.index[row]}', gene '{frame.columns[column]}': the value is infinite; leave the "
            "cell empty if it is missing."
        )
    return pd.DataFrame(values, index=frame.index, columns=frame.columns)


def _of_anndata(samples: ad.AnnData) -> pd.DataFrame:
    """Return the values as read of a cohort of ours, or the counts, else X, of another AnnData."""
    ours = samples.uns.get("precisionmed", {})
    if "normalize" in ours and samples.raw is not None:
        values, names = samples.raw.X, samples.raw.var_names
    else:
        names = samples.var_names
        layer = next((name for name in ("counts", "measured") if name in samples.layers), None)
        values = samples.X if layer is None else samples.layers[layer]
    if values is None:
        raise InputError("the new samples have no matrix (neither X nor layers['counts']).")
    dense = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    return _numbers(pd.DataFrame(dense, index=samples.obs_names, columns=names))


def _without_other_rows(samples: ad.AnnData, table: pd.DataFrame, rows: GeneRows) -> pd.DataFrame:
    """Leave out genes of a cohort for which its own rule took other rows than training did."""
    found = samples.uns.get("precisionmed", {}).get("ingest", {})
    if "gene_rows" not in found:
        return table
    own, rule = found["gene_rows"], str(found["params"]["duplicate_genes"])
    other = rows.differing(own[["row", "gene", "chosen"]], rule) & set(table.columns)
    if other:
        warn(
            f"{len(other)} gene(s) are measured by other rows than in training ({first_few(sorted(other))}) "
            "and count as missing."
        )
    return table.loc[:, ~table.columns.isin(list(other))]


def _check_names(table: pd.DataFrame, where: str) -> None:
    """Refuse samples of one name; genes of one name in tables in memory (those of files have a rule)."""
    twice = table.index[table.index.duplicated()].unique()
    if len(twice):
        raise InputError(
            f"{where}: sample names occur more than once ({first_few(map(str, twice))}); give each its own."
        )
    if where == "the new samples" and table.columns.has_duplicates:
        repeated = table.columns[table.columns.duplicated()].unique()
        raise InputError(
            f"genes occur more than once in the new samples: {first_few(repeated)}; keep one of each."
        )


def _check_any(labels: pd.Index, rows: GeneRows, where: str) -> None:
    """Refuse genes that are only numbered (some numbers are Entrez identifiers), or none of the model's."""
    names = [str(label) for label in labels]
    if len(names) > 1 and any(names == [str(i + first) for i in range(len(names))] for first in (0, 1)):
        raise InputError(
            f"{where}: the genes are only numbered ({first_few(names, 3)}), none of the model's is named; "
            "give their symbols, Ensembl or Entrez identifiers."
        )
    if rows.n_genes(labels):
        return
    fix = (
        "give the table that names their genes (--probe-annotation, probe_annotation=)"
        if gene_id_kind(labels.astype(str)) == "probe"
        else "name genes by symbols, Ensembl or Entrez identifiers"
    )
    raise InputError(
        f"{where}: none of the model's {len(rows.genes)} genes is there (the samples have "
        f"{first_few(labels, 3)}, the model {first_few(rows.genes, 3)}); {fix}."
    )


def _recorded_scale(samples: NewSamples) -> str | None:
    if not isinstance(samples, ad.AnnData):
        return None
    found = samples.uns.get("precisionmed", {}).get("ingest", {}).get("params", {}).get("scale")
    return None if found is None else str(found)


def _scale_as_read(stated: str | None, inputs: dict[str, Any] | None, scale: str) -> str:
    """Return what the numbers of new samples are: as stated (or recorded with them), else as in training.

    Raises
    ------
    InputError
        That is a scale the model does not take. It takes its own; estimated for raw counts and the other way
        round; and logarithms of any base for log2.
    """
    if stated is None:
        return scale if inputs is None else str(inputs["scale_as_read"])
    taken = {stated, scale} <= set(_COUNT_LIKE) or (scale == "log2" and stated in OTHER_LOGS)
    if stated != scale and not taken:
        raise InputError(
            f"the samples are on the scale '{stated}', the model was learned on '{scale}'; give them as "
            f"{scale}."
        )
    return stated


def _reason(sample: np.ndarray, scale: str, whole: bool) -> str:
    """Say why the numbers of one sample cannot be what the scale says; empty where they can.

    `whole` tells whether counts of training were whole numbers (some are estimates).
    """
    x = sample[~np.isnan(sample)]
    if not x.size:
        return "no gene of the model is measured"
    if not x.any():
        return "all values are zero"
    if scale in LINEAR:
        return _linear_reason(x, scale, whole)
    if x.size > 1 and x.min() == x.max():
        return "all values are the same"
    if np.abs(x).max() > LARGEST_LOG:
        return f"scale looks like counts or other linear values (up to {x.max():.4g}), not {scale}"
    if scale in ("log_ratio", "zscore") and x.size >= _FEWEST_POSITIVE and x.min() >= 0:
        return f"scale looks like logarithms (no value is below 0), not {scale}"
    if x.size >= _FEWEST_WHOLE and (x == np.rint(x)).all():
        return f"scale looks like counts (all values are whole numbers), not {scale}"
    return ""


def _linear_reason(x: np.ndarray, scale: str, whole: bool) -> str:
    fractional = bool((x != np.rint(x)).any())
    if x.min() < 0 and (scale == "counts" or not few_negatives(x)):
        return f"scale looks like logarithms or ratios (lowest value {x.min():.4g}), not {scale}"
    if fractional and x.max() <= LARGEST_LOG and x.size >= _FEWEST_WHOLE:
        return f"scale looks like logarithms (no value above {LARGEST_LOG:g}), not {scale}"
    if scale == "counts" and whole and fractional:
        return "scale looks like estimates or normalized values (they are no whole numbers), not counts"
    return ""
