"""Filter genes and normalize, with everything learned kept for new samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.errors import InputError, first_few, warn
from precisionmed.estimators._library import LibraryNormalizer
from precisionmed.estimators._matrix import columns_of
from precisionmed.estimators.preprocessor import Preprocessor
from precisionmed.estimators.vst import VST
from precisionmed.io.codec import encode
from precisionmed.pp._distributions import density_table, mean_variance_table
from precisionmed.pp._inputs import (
    build_preprocessor,
    decide_method,
    dense,
    gene_lengths,
    metric_table,
    scale_of,
    store,
)
from precisionmed.pp._order import by_name
from precisionmed.pp._rle import rle_table

if TYPE_CHECKING:
    from anndata import AnnData

_ODD_FACTOR = 3.0
_DISPERSION = ("dispersion_asymptotic", "dispersion_extra_poisson")
_TREND = {
    "local": "a local regression took the place of this trend",
    "mean": "one mean dispersion was used for all genes",
}
_EXTREMES = {"lowest": 0.0, "median": 0.5, "highest": 1.0}
_REFERENCES = {
    "profile": "the training cohort's mean profile",
    "sample": "one training sample (edgeR's choice), whose counts are part of the locked model,",
}
_SENTENCES = {
    "tmm": (
        "Libraries were scaled by trimmed means of M-values (TMM; Robinson and Oshlack, Genome Biology 2010) "
        "against {reference} and expressed as log2 counts per million with a prior count of 2."
    ),
    "tmmwsp": (
        "Libraries were scaled by trimmed means of M-values with singleton pairing (TMMwsp; Robinson and "
        "Oshlack, Genome Biology 2010; edgeR) against {reference} and expressed as log2 "
        "counts per million with a prior count of 2."
    ),
    "median_of_ratios": (
        "Counts were divided by size factors (median of ratios to stored geometric means; Anders and Huber, "
        "Genome Biology 2010) and transformed to log2(x + 1)."
    ),
    "vst": (
        "Counts were divided by size factors (median of ratios to stored geometric means) and transformed by "
        "a blind variance stabilizing transformation whose dispersion trend was learned from up to 1,000 "
        "genes (Anders and Huber, Genome Biology 2010; Love et al., Genome Biology 2014)."
    ),
    "tpm": (
        "Counts were divided by gene length, scaled to a million in each sample (TPM; Li et al., "
        "Bioinformatics 2010) and transformed to log2(x + 1)."
    ),
    "fpkm": (
        "Counts were divided by gene length in kilobases and library size in millions (FPKM; Mortazavi et "
        "al., Nature Methods 2008) and transformed to log2(x + 1)."
    ),
    "log_cpm": "Counts were expressed as log2 counts per million with a prior count of 2.",
    "upper_quartile": (
        "Libraries were scaled to a common upper quartile (Bullard et al., BMC Bioinformatics 2010) and "
        "expressed as log2 counts per million with a prior count of 2."
    ),
    "quantile": (
        "Samples were given the training samples' mean distribution on the log2 scale (quantile "
        "normalization; Bolstad et al., Bioinformatics 2003)."
    ),
    "rank": "Values were replaced by normal scores of their ranks within each sample (Blom 1958).",
    "log2": "Values were transformed to log2(x + 1).",
    "none": "Values were on a log scale and were used as they are.",
}


@by_name
def normalize(
    adata: AnnData,
    *,
    method: str = "auto",
    min_count: float = 10,
    min_fraction: float = 0.1,
    reference: str = "profile",
) -> AnnData:
    """Filter genes, bring values to a normalized log scale and impute gaps.

    Sets `adata.raw` to the values as read for all genes, keeps the expressed genes, replaces `X` and
    stores the fitted `Preprocessor`. Genes are put into the order of their names, so that nothing later
    depends on the order in the file.

    Parameters
    ----------
    adata : AnnData
        A cohort as `read_cohort` gives it; changed in place.
    method : str, default="auto"
        `auto`, `log_cpm`, `tmm`, `tmmwsp`, `upper_quartile`, `median_of_ratios`, `vst`, `tpm`, `fpkm`,
        `quantile`, `rank`, `log2` or `none`. `auto`: TMM for counts, log2(x + 1) for TPM, FPKM and RSEM, none
        for log values and ratios. `tpm` and `fpkm` are made from counts and `var["length"]` (bases).
    min_count : float, default=10
        Counts only: a gene is kept with at least this count (as CPM) in enough samples.
    min_fraction : float, default=0.1
        ... where enough is the smallest group worth seeing, as a fraction of the samples.
    reference : {"profile", "sample"}, default="profile"
        TMM and TMMwsp: compare libraries with the cohort's mean profile, or with one sample as edgeR does. A
        model locked with a sample as the reference holds all counts of that patient.

    Returns
    -------
    AnnData
        The same object.

    Raises
    ------
    InputError
        The cohort is normalized already, the method does not suit the scale, or a sample has no value.
    """
    if "normalize" in adata.uns.get("precisionmed", {}):
        raise InputError("the cohort is normalized already; start from the ingested cohort.")
    scale = scale_of(adata)
    chosen = decide_method(method, scale)
    notes: list[str] = []
    learner = build_preprocessor(
        chosen,
        scale=scale,
        min_count=min_count,
        min_fraction=min_fraction,
        lengths=gene_lengths(adata.var, notes) if chosen in ("tpm", "fpkm") else None,
        reference=reference,
    )
    values = dense(adata.X)
    normal = learner.fit_transform(pd.DataFrame(values, index=adata.obs_names, columns=adata.var_names))
    metrics = _metrics(learner, values, adata.obs_names, notes)
    adata.raw = adata
    adata._inplace_subset_var(learner.kept_)
    adata.X = normal
    store(
        adata,
        "normalize",
        {
            "params": {
                "method": chosen,
                "scale": scale,
                "min_count": min_count,
                "min_fraction": min_fraction,
                "reference": reference,
            },
            "methods": _methods(chosen, scale, min_count, min_fraction, reference, metrics),
            "notes": np.array(notes, dtype=object),
            "summary": metric_table(metrics),
            "rle": rle_table(normal, adata.obs_names),
            "density": density_table(normal, adata.obs_names),
            "mean_variance": mean_variance_table(normal, adata.var_names),
            "model": encode(learner),
        },
    )
    return adata


def _metrics(
    learner: Preprocessor, values: NDArray[np.float64], samples: pd.Index, notes: list[str]
) -> dict[str, float]:
    """Return what the summary tells, and note libraries that are scaled by far more than usual."""
    kept = columns_of(values, learner.kept_)
    metrics = {
        "samples": len(values),
        "genes_read": values.shape[1],
        "genes_kept": kept.shape[1],
        "values_imputed": int(np.isnan(kept).sum()),
    }
    normalizer = learner.normalizer_
    if isinstance(normalizer, LibraryNormalizer):
        factors = normalizer.factors(kept)
        metrics["median_library_size"] = float(np.median(np.nansum(kept, axis=1)))
        metrics |= {f"factor_{name}": float(np.quantile(factors, q)) for name, q in _EXTREMES.items()}
        odd = (factors < 1 / _ODD_FACTOR) | (factors > _ODD_FACTOR)
        if odd.any():
            warn(
                f"normalize: the scaling factor of {int(odd.sum())} sample(s) is beyond {_ODD_FACTOR:g}-fold "
                f"({first_few(samples[odd])}); few genes take most of their reads. They were kept.",
                notes,
            )
    if isinstance(normalizer, VST):
        if normalizer.fit_type_ != "local":
            metrics |= dict(zip(_DISPERSION, map(float, normalizer.trend_), strict=True))
        if normalizer.fit_type_ != normalizer.fit_type:
            notes.append(
                f"normalize: the dispersions do not follow a0 + a1 / mean; {_TREND[normalizer.fit_type_]}."
            )
    return metrics


def _methods(
    method: str,
    scale: str,
    min_count: float,
    min_fraction: float,
    reference: str,
    metrics: dict[str, float],
) -> str:
    rule = "Genes were kept unless constant or never measured"
    if scale == "counts":
        rule = (
            f"Genes were kept when they reached the counts per million of {min_count:g} reads in a library "
            f"of median size in enough samples (filterByExpr of edgeR, smallest group {min_fraction:.0%} of "
            "the samples; Chen et al., F1000Research 2016)"
        )
    sentences = [
        f"{rule} ({metrics['genes_kept']:,.0f} of {metrics['genes_read']:,.0f}).",
        _SENTENCES[method].replace("{reference}", _REFERENCES[reference]),
    ]
    if metrics["values_imputed"]:
        gaps = f"{metrics['values_imputed']:,.0f} missing values"
        sentences.append(f"{gaps} were replaced by the gene's median over training samples.")
    return " ".join(sentences)
