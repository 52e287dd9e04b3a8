"""What steps after `normalize` start from: values as read, an unfitted preprocessor, batch labels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.config import RolesConfig
from precisionmed.errors import InputError, first_few, warn
from precisionmed.estimators.batch import ComBat
from precisionmed.estimators.combat_seq import ComBatSeq
from precisionmed.estimators.gene_filter import GeneFilter
from precisionmed.estimators.lengths import FPKM, TPM
from precisionmed.estimators.normalize import (
    TMM,
    Log2,
    LogCPM,
    MedianOfRatios,
    Quantile,
    RankScores,
    TMMwsp,
    UpperQuartile,
)
from precisionmed.estimators.preprocessor import Preprocessor
from precisionmed.estimators.vst import VST

if TYPE_CHECKING:
    from anndata import AnnData

LINEAR = ("counts", "rsem", "tpm", "fpkm", "linear")
COUNT_LIKE = ("counts", "rsem")
_TREND_GENES = 1000  # as many as R's `vst` learns from; models refit the trend in every fold
_PER_LENGTH = {"tpm": TPM, "fpkm": FPKM}
_OF_COUNTS: dict[str, Any] = {
    "tmm": TMM,
    "tmmwsp": TMMwsp,
    "log_cpm": LogCPM,
    "upper_quartile": UpperQuartile,
    "median_of_ratios": MedianOfRatios,
    "vst": partial(VST, n_genes=_TREND_GENES),
    **_PER_LENGTH,
}


def measured(adata: AnnData) -> tuple[NDArray[np.float64], pd.Index]:
    """Return the values as read, samples x all genes, and the genes.

    Raises
    ------
    InputError
        The cohort has not been normalized.
    """
    if adata.raw is None:
        raise InputError("the values as read are not kept yet; run pp.normalize first.")
    return dense(adata.raw.X), adata.raw.var_names


def preprocessor(adata: AnnData) -> Preprocessor:
    """Return an unfitted preprocessor with the settings that `normalize` and `batch` used.

    Raises
    ------
    InputError
        The cohort has not been normalized.
    """
    steps = adata.uns.get("precisionmed", {})
    if "normalize" not in steps:
        raise InputError("the cohort has not been normalized; run pp.normalize first.")
    chosen = steps["normalize"]["params"]
    return build_preprocessor(
        str(chosen["method"]),
        scale=str(chosen["scale"]),
        min_count=float(chosen["min_count"]),
        min_fraction=float(chosen["min_fraction"]),
        corrector=batch_corrector(steps.get("batch", {}).get("params", {})),
        lengths=gene_lengths(adata.raw.var) if chosen["method"] in _PER_LENGTH else None,
        reference=str(chosen.get("reference", "profile")),
    )


def batch_labels(adata: AnnData) -> NDArray[np.str_] | None:
    """Return the batch of each sample, or None when no batch correction was chosen."""
    return None if _batch_method(adata) == "none" else adata.obs["batch"].astype(str).to_numpy(dtype=str)


def batch_covariates(adata: AnnData) -> pd.DataFrame | None:
    """Return the clinical columns that the batch correction preserves, or None when there are none."""
    if _batch_method(adata) == "none":
        return None
    names = [str(name) for name in adata.uns["precisionmed"]["batch"]["params"].get("covariates", [])]
    return adata.obs[names] if names else None


def build_preprocessor(
    method: str,
    *,
    scale: str,
    min_count: float,
    min_fraction: float,
    corrector: ComBat | ComBatSeq | None = None,
    lengths: NDArray[np.float64] | None = None,
    reference: str = "profile",
) -> Preprocessor:
    """Return the unfitted preprocessor of one choice of settings; TPM and FPKM need all genes' lengths."""
    return Preprocessor(
        normalizer=_normalizer(method, scale, lengths, reference),
        gene_filter=GeneFilter(min_count=min_count, min_fraction=min_fraction, scale=scale),
        batch_corrector=corrector,
    )


def batch_corrector(params: dict[str, Any]) -> ComBat | ComBatSeq | None:
    """Return the unfitted batch correction of the `batch` step's parameters."""
    method = str(params.get("method", "none"))
    # A new patient's batch, or one that is absent from a training fold, is unknown by nature.
    if method == "combat_seq":
        return ComBatSeq(unknown="none")
    if method == "none":
        return None
    return ComBat(
        parametric=bool(params.get("parametric", True)),
        mean_only=bool(params.get("mean_only", False)),
        reference=None if params.get("reference") is None else str(params["reference"]),
        unknown="none",
    )


def decide_method(method: str, scale: str) -> str:
    """Return the normalization to use on a scale, after `auto` was decided.

    Raises
    ------
    InputError
        The method makes no sense on the scale.
    """
    if method == "auto":
        return "tmm" if scale == "counts" else "log2" if scale in LINEAR else "none"
    if method in _OF_COUNTS and scale not in COUNT_LIKE:
        raise InputError(f"normalize.method '{method}' needs counts, the scale is '{scale}'; use 'auto'.")
    if method == "log2" and scale not in LINEAR:
        raise InputError(f"normalize.method 'log2' needs linear values, the scale is '{scale}'; use 'none'.")
    if method == "none" and scale in LINEAR:
        raise InputError(f"normalize.method 'none' would leave '{scale}' values linear; use 'auto'.")
    return method


def gene_lengths(genes: pd.DataFrame, notes: list[str] | None = None) -> NDArray[np.float64]:
    """Return the length of each gene in bases from the column `length` of the gene table.

    A gene without one gets the median length, with a warning when `notes` are given: this shifts all values
    of the gene alike and leaves comparisons between samples as they are.

    Raises
    ------
    InputError
        There is no such column, or no length above 0 in it.
    """
    if "length" not in genes:
        raise InputError("TPM and FPKM need gene lengths in bases: set adata.var['length'] or use 'tmm'.")
    lengths = pd.to_numeric(genes["length"], errors="coerce").to_numpy(dtype=np.float64).copy()
    known = lengths > 0
    if not known.any():
        raise InputError("no gene has a length above 0 in adata.var['length']; give lengths or use 'tmm'.")
    if notes is not None and not known.all():
        warn(
            f"normalize: {int((~known).sum())} gene(s) have no length ({first_few(genes.index[~known])}); "
            "the median length was used, which leaves comparisons between samples as they are.",
            notes,
        )
    lengths[~known] = np.median(lengths[known])
    return lengths


def scale_of(adata: AnnData) -> str:
    """Return what the numbers are, as decided by `ingest`."""
    params = adata.uns.get("precisionmed", {}).get("ingest", {}).get("params", {})
    if "scale" in params:
        return str(params["scale"])
    if "counts" in adata.layers:
        return "counts"
    raise InputError("the scale of the values is not known; read the cohort with read_cohort.")


def roles_of(adata: AnnData) -> RolesConfig:
    """Return what the clinical columns mean; empty when nothing was declared."""
    text = adata.uns.get("precisionmed", {}).get("ingest", {}).get("roles")
    return RolesConfig() if text is None else RolesConfig.model_validate_json(str(text))


def dense(values: Any) -> NDArray[np.float64]:
    """Return a dense C-ordered float64 matrix, also of a sparse one."""
    return np.ascontiguousarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table as it can be stored: unique string index, string column names."""
    return frame.reset_index(drop=True).rename(index=str, columns=str)


def metric_table(metrics: dict[str, float]) -> pd.DataFrame:
    """Return named numbers as a table with the columns `metric` and `value`."""
    numbers = [float(value) for value in metrics.values()]
    return table(pd.DataFrame({"metric": list(metrics), "value": numbers}))


def store(adata: AnnData, step: str, content: dict[str, Any]) -> None:
    """Put what a step found into `uns["precisionmed"][step]`."""
    adata.uns.setdefault("precisionmed", {})[step] = content


def _batch_method(adata: AnnData) -> str:
    params = adata.uns.get("precisionmed", {}).get("batch", {}).get("params", {})
    return str(params.get("method", "none"))


def _normalizer(method: str, scale: str, lengths: NDArray[np.float64] | None, reference: str) -> Any:
    if method == "quantile":
        first = LogCPM() if scale in COUNT_LIKE else Log2() if scale in LINEAR else None
        return Quantile(first=first)
    if method in _PER_LENGTH:
        return _PER_LENGTH[method](lengths)
    if method in ("tmm", "tmmwsp"):
        return _OF_COUNTS[method](reference=reference)
    kinds: dict[str, Any] = {**_OF_COUNTS, "rank": RankScores, "log2": Log2}
    return None if method == "none" else kinds[method]()
