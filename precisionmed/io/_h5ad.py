"""AnnData files in: which of their matrices was measured, under which names of genes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from precisionmed.errors import InputError
from precisionmed.io._scale_evidence import LARGEST_LOG
from precisionmed.io._stored import open_h5ad
from precisionmed.io.genes import gene_likeness

if TYPE_CHECKING:
    from anndata import AnnData

_COUNT_LAYERS = ("counts", "raw_counts", "count", "raw")
_COMPARED, _EXACT = 200, 0.9999
"""Genes that tell whether `X` is made of `raw`, and a correlation that rounding leaves."""
_GENE_NAMES = ("gene_symbol", "gene_symbols", "symbol", "gene_name", "gene_names", "feature_name", "gene_id",
               "gene_ids", "ensembl_id", "ensembl")  # fmt: skip


def read_h5ad(path: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return genes x samples (float64), the clinical columns as text, and what is to be said.

    Counts come first, wherever they are (a layer, `raw`, `X`), then the layer `measured`, `raw` and `X`.
    Natural logarithms as scanpy's `log1p` makes them are turned into log2.

    Raises
    ------
    InputError
        The file is damaged, or holds no matrix of numbers.
    """
    data = open_h5ad(path)
    source, values, var, logarithm = _measured(path, data)
    dense = values.toarray() if sparse.issparse(values) else np.asarray(values)
    if dense.dtype.kind not in "iufb":
        raise InputError(
            f"{path}: {source} holds {dense.dtype} instead of numbers; write it as float or integer."
        )
    dense = dense.T.astype(np.float64)
    notes = [f"{path.name}: the values were taken from {source}."]
    if logarithm == 1:
        notes.append(f"{path.name}: {source} is linear, X its logarithm; log2(x + 1) was made.")
    elif logarithm:
        dense = dense * logarithm
        notes.append(f"{path.name}: {source} holds logarithms of another base (uns['log1p']); log2 was made.")
    names = _gene_names(path, var, notes)
    frame = pd.DataFrame(dense, index=names, columns=data.obs_names.astype(str))
    obs = data.obs.astype(object).where(data.obs.notna(), "").astype(str)
    return frame, obs, notes


def _measured(path: Path, data: AnnData) -> tuple[str, Any, pd.DataFrame, float]:
    """Return the name, the values and the genes of the matrix to take, and the factor that makes it log2."""
    named = [name for name in _COUNT_LAYERS if name in data.layers]
    if "counts" in named:
        return "layers['counts']", data.layers["counts"], data.var, 0.0
    places = [(f"layers['{name}']", data.layers[name], data.var) for name in named]
    raw = [("raw", data.raw.X, data.raw.var)] if data.raw is not None else []
    here = [("X", data.X, data.var)] if data.X is not None else []
    for source, values, var in (*places, *raw, *here):
        if _whole(values):
            return source, values, var, 0.0
    if "measured" in data.layers:
        return "layers['measured']", data.layers["measured"], data.var, 0.0
    if not (places or raw or here):
        raise InputError(f"{path}: has no matrix (neither X, raw nor layers['counts']); write it with one.")
    source, values, var = [*raw, *here, *places][0]
    if source == "raw" and data.X is not None and _logs_of(data, values):
        return "raw", _log2_of(values), var, 1.0
    return source, values, var, 0.0 if source.startswith("layers") else _to_log2(data, values)


def _numbers(values: Any) -> np.ndarray:
    return values.data if sparse.issparse(values) else np.asarray(values)


def _whole(values: Any) -> bool:
    """Return whether all values are whole numbers, none negative."""
    numbers = _numbers(values)
    if numbers.dtype.kind not in "uif":
        return False
    return bool((numbers >= 0).all() and (numbers > 1).any() and (numbers == np.rint(numbers)).all())


def _to_log2(data: AnnData, values: Any) -> float:
    """Return what to multiply logarithms by that scanpy's `log1p` has made of the values, or 0 for nothing.

    The entry `log1p` stays when `X` has been scaled afterwards; scaled values are negative or around zero.
    """
    log1p = data.uns.get("log1p")
    numbers = _numbers(values)
    if not isinstance(log1p, dict) or numbers.size == 0 or numbers.dtype.kind != "f":
        return 0.0
    if float(np.nanmin(numbers)) < 0 or float(np.nanmax(numbers)) > 50:
        return 0.0
    base = log1p.get("base")
    factor = float(np.log2(np.e)) if base is None else float(np.log2(float(base)))
    return 0.0 if factor == 1 else factor


def _logs_of(data: AnnData, raw: Any) -> bool:
    """Return whether `X` holds logarithms of `raw`, scaled by gene or not, and `raw` could be taken for some.

    Genes are compared by the correlation of `X` with `raw` and with its logarithm: one of them is exact.
    """
    if float(_numbers(raw).max(initial=0)) > LARGEST_LOG or float(_numbers(raw).min(initial=0)) < 0:
        return False
    shared = data.var_names.intersection(data.raw.var_names)[:_COMPARED]
    x = data[:, shared].X
    y = data.raw[:, shared].X
    x, y = (np.asarray(v.toarray() if sparse.issparse(v) else v, np.float64) for v in (x, y))
    plain, logs = _correlation(x, y), _correlation(x, np.log1p(y))
    return bool(logs > _EXACT and logs > plain)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return the median over columns of the correlation of two matrices, 0 where none varies."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norm = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    found = (x * y).sum(axis=0)[norm > 0] / norm[norm > 0]
    return float(np.nanmedian(found)) if len(found) else 0.0


def _log2_of(values: Any) -> np.ndarray:
    dense = values.toarray() if sparse.issparse(values) else np.asarray(values)
    return np.log2(dense.astype(np.float64) + 1)


def _gene_names(path: Path, var: pd.DataFrame, notes: list[str]) -> pd.Index:
    """Return the names of the genes: `var_names`, or a column of `var` where only that has identifiers."""
    names = pd.Index(var.index.astype(str))
    best = gene_likeness(names)
    lower = {str(column).lower(): column for column in var.columns}
    for wanted in _GENE_NAMES:
        if best >= 0.6 or wanted not in lower:
            continue
        column = pd.Index(var[lower[wanted]].astype(object).where(var[lower[wanted]].notna(), "").astype(str))
        if gene_likeness(column) > best + 0.1:
            notes.append(f"{path.name}: genes were named by var['{lower[wanted]}'] instead of var_names.")
            return column
    return names
