"""Quality control: odd samples, duplicates, sex, and what the main components of variance go with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.errors import InputError, first_few, warn
from precisionmed.estimators._matrix import Matrix
from precisionmed.kernels.qc import sample_totals
from precisionmed.pp._distributions import density_table, mean_variance_table
from precisionmed.pp._factors import association, clinical_factors, gram, principal_components
from precisionmed.pp._inputs import (
    COUNT_LIKE,
    LINEAR,
    dense,
    metric_table,
    roles_of,
    scale_of,
    store,
    table,
)
from precisionmed.pp._qc_identity import GENOTYPE_GENES, genotypes, identity_table, profile_correlation
from precisionmed.pp._qc_samples import (
    duplicate_pairs,
    median_to_others,
    outlier_reasons,
    patients_of,
    spearman,
)
from precisionmed.pp._qc_sex import CHR_Y, sex_check
from precisionmed.pp._qc_values import log_values, without_gaps
from precisionmed.pp._rle import rle_table

if TYPE_CHECKING:
    from anndata import AnnData

_COMPONENTS = 10
_FEWEST = 5
_IDENTITY_SENTENCES = {
    "contradicts": "pair(s) of samples of one patient differ in sex or germline genotype and may be swapped",
    "unexpected": "pair(s) of samples of different patients agree like one tumour and may be one, or swapped",
}


def qc(
    adata: AnnData,
    *,
    outlier_sd: float = 5.0,
    drop_outliers: bool = False,
    duplicate_correlation: float = 0.99,
) -> AnnData:
    """Check the samples of a cohort before normalization.

    Looks at log2(CPM + 1) of counts and RSEM, log2(x + 1) of TPM and FPKM, and log values as they are.
    Values are not changed.

    Parameters
    ----------
    adata : AnnData
        A cohort as `read_cohort` gives it; changed in place.
    outlier_sd : float, default=5
        Robust standard deviations from the median at which a sample is called an outlier: by library size,
        detected genes, spread of relative log expression, or median correlation with the other samples.
    drop_outliers : bool, default=False
        Exclude outliers; they are reported in any case.
    duplicate_correlation : float, default=0.99
        Pairs with a higher Spearman correlation are reported as possible duplicates.

    Returns
    -------
    AnnData
        The same object.

    Raises
    ------
    InputError
        The cohort is normalized already, or a sample has no value.
    """
    if adata.raw is not None:
        raise InputError("quality control looks at values as read; run it before pp.normalize.")
    scale = scale_of(adata)
    notes: list[str] = []
    values = dense(adata.X)
    logs = log_values(adata.obs_names, values, scale)
    totals = sample_totals(values)
    rle = rle_table(logs, adata.obs_names)
    content: dict[str, Any] = {"rle": rle, **_distributions(adata, values, logs, totals[0], scale)}
    filled = without_gaps(logs)
    correlation = spearman(filled)
    _describe_samples(adata, totals, median_to_others(correlation), scale)
    _mark_outliers(adata, rle, outlier_sd, notes)
    content["duplicates"] = _duplicates(adata, correlation, duplicate_correlation, notes)
    del correlation
    content |= _components(adata, filled)
    content |= _sexes(adata, filled, scale, notes)
    content |= _identities(adata, filled, content, notes)
    content["outliers"] = _outlier_table(adata)
    content["summary"] = metric_table(_metrics(adata, float(totals[2].sum()) / values.size, content))
    content["params"] = {
        "outlier_sd": outlier_sd,
        "drop_outliers": drop_outliers,
        "duplicate_correlation": duplicate_correlation,
    }
    content["methods"] = _methods(scale, outlier_sd, drop_outliers, duplicate_correlation)
    content["notes"] = np.array(notes, dtype=object)
    if drop_outliers:
        adata._inplace_subset_obs(~adata.obs["qc_outlier"].to_numpy())
    store(adata, "qc", content)
    return adata


def _distributions(
    adata: AnnData, values: Matrix, logs: Matrix, sums: NDArray[np.float64], scale: str
) -> dict[str, pd.DataFrame]:
    """Return density by sample and the mean-variance trend; of counts as voom has it."""
    counted = scale in COUNT_LIKE
    return {
        "density": density_table(logs, adata.obs_names),
        "mean_variance": mean_variance_table(
            values if counted else logs, adata.var_names, sums if counted else None
        ),
    }


def _describe_samples(
    adata: AnnData,
    totals: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    correlation: NDArray[np.float64],
    scale: str,
) -> None:
    sums, positive, missing = totals
    if scale == "counts":
        adata.obs["library_size"] = sums
    adata.obs["detected_genes"] = positive if scale in LINEAR else adata.n_vars - missing
    adata.obs["median_correlation"] = correlation


def _mark_outliers(adata: AnnData, rle: pd.DataFrame, limit: float, notes: list[str]) -> None:
    metrics = {
        "detected genes": (adata.obs["detected_genes"].to_numpy(dtype=np.float64), "low"),
        "correlation with the other samples": (adata.obs["median_correlation"].to_numpy(), "low"),
        "spread of relative log expression": ((rle["q75"] - rle["q25"]).to_numpy(), "high"),
    }
    if "library_size" in adata.obs:
        metrics["library size"] = (np.log2(adata.obs["library_size"].to_numpy()), "both")
    if adata.n_obs < _FEWEST:
        notes.append(f"qc: with fewer than {_FEWEST} samples no sample is called an outlier.")
        limit = np.inf
    reasons = outlier_reasons(metrics, limit)
    adata.obs["qc_outlier"] = np.array([bool(reason) for reason in reasons])
    adata.obs["qc_reason"] = pd.array(reasons, dtype=object)
    odd = adata.obs_names[adata.obs["qc_outlier"]]
    if len(odd):
        notes.append(f"qc: {len(odd)} outlying sample(s): {first_few(odd)}.")


def _components(adata: AnnData, filled: Matrix) -> dict[str, pd.DataFrame]:
    """Store principal components in `obsm`; return their variance and what they go with."""
    scores, fractions = principal_components(gram(filled), _COMPONENTS)
    adata.obsm["X_qc_pca"] = scores
    names = [f"PC{i + 1}" for i in range(len(fractions))]
    rows = []
    for variable, factor in _variables(adata).items():
        r2, p = association(scores, factor)
        rows += [(name, variable, r, q) for name, r, q in zip(names, r2, p, strict=True)]
    return {
        "pca_variance": table(pd.DataFrame({"pc": names, "fraction": fractions})),
        "pca_association": table(pd.DataFrame(rows, columns=["pc", "variable", "r2", "p"])),
    }


def _variables(adata: AnnData) -> dict[str, pd.Series]:
    technical = [name for name in ("library_size", "detected_genes") if name in adata.obs]
    varying = {name: adata.obs[name] for name in technical if adata.obs[name].max() > adata.obs[name].min()}
    return clinical_factors(adata.obs, roles_of(adata)) | varying


def _duplicates(adata: AnnData, correlation: Matrix, limit: float, notes: list[str]) -> pd.DataFrame:
    pairs = duplicate_pairs(correlation, adata.obs_names, patients_of(adata.obs), limit)
    strangers = pairs[(pairs["patient_a"] != pairs["patient_b"]) | (pairs["patient_a"] == "")]
    if len(strangers):
        named = first_few(
            f"{a} and {b}" for a, b in zip(strangers["sample_a"], strangers["sample_b"], strict=True)
        )
        warn(
            f"qc: {len(strangers)} pair(s) of samples correlate above {limit:g} and may be one tumour twice, "
            f"or swapped: {named}. They were kept.",
            notes,
        )
    return table(pairs)


def _sexes(adata: AnnData, filled: Matrix, scale: str, notes: list[str]) -> dict[str, pd.DataFrame]:
    recorded = adata.obs.get("sex")
    genes = [gene for gene in ("XIST", *CHR_Y) if gene in adata.var_names]
    frame = pd.DataFrame(filled[:, adata.var_names.get_indexer(genes)], index=adata.obs_names, columns=genes)
    found = sex_check(frame, recorded, scale in LINEAR)
    if found is None:
        if recorded is not None:
            notes.append("qc: the sex check was left out: no Y-chromosome gene is measured.")
        return {}
    wrong = found.loc[~found["agrees"], "sample"]
    if len(wrong):
        warn(f"qc: expression contradicts the recorded sex of {first_few(wrong)}; a swapped sample?", notes)
    return {"sex_check": table(found)}


def _identities(
    adata: AnnData, filled: Matrix, content: dict[str, Any], notes: list[str]
) -> dict[str, pd.DataFrame]:
    """Compare what samples say of their patient with what the clinical table says."""
    genes = [gene for gene in GENOTYPE_GENES if gene in adata.var_names]
    frame = pd.DataFrame(filled[:, adata.var_names.get_indexer(genes)], columns=genes)
    expressed = content["sex_check"]["expressed"].to_numpy(dtype=object) if "sex_check" in content else None
    found = genotypes(frame, expressed)
    pairs = identity_table(profile_correlation(filled), found, adata.obs_names, patients_of(adata.obs))
    told = set(zip(content["duplicates"]["sample_a"], content["duplicates"]["sample_b"], strict=True))
    for verdict, sentence in _IDENTITY_SENTENCES.items():
        chosen = pairs[pairs["verdict"] == verdict]
        named = [
            f"{a} and {b}"
            for a, b in zip(chosen["sample_a"], chosen["sample_b"], strict=True)
            if (a, b) not in told
        ]
        if named:
            warn(f"qc: {len(named)} {sentence}: {first_few(named)}. They were kept.", notes)
    return {"identity": table(pairs), "genotypes": table(found.table)}


def _outlier_table(adata: AnnData) -> pd.DataFrame:
    odd = adata.obs["qc_outlier"].to_numpy()
    reasons = adata.obs["qc_reason"].to_numpy(dtype=object)[odd]
    return table(pd.DataFrame({"sample": adata.obs_names[odd].astype(str), "reason": reasons}))


def _metrics(adata: AnnData, missing: float, content: dict[str, Any]) -> dict[str, float]:
    metrics: dict[str, float] = {"samples": adata.n_obs, "genes": adata.n_vars}
    if "library_size" in adata.obs:
        metrics["median_library_size"] = adata.obs["library_size"].median()
    metrics |= {
        "median_detected_genes": adata.obs["detected_genes"].median(),
        "median_correlation": adata.obs["median_correlation"].median(),
        "missing_fraction": missing,
        "outliers": adata.obs["qc_outlier"].sum(),
        "duplicate_pairs": len(content["duplicates"]),
        "unexpected_twins": (content["identity"]["verdict"] == "unexpected").sum(),
        "contradicted_pairs": (content["identity"]["verdict"] == "contradicts").sum(),
    }
    if "sex_check" in content:
        metrics["sex_disagreements"] = (~content["sex_check"]["agrees"]).sum()
    return metrics


def _methods(scale: str, limit: float, dropped: bool, duplicate: float) -> str:
    seen = {
        "counts": "log2(CPM + 1)",
        "rsem": "log2(CPM + 1)",
        "tpm": "log2(x + 1)",
        "fpkm": "log2(x + 1)",
        "linear": "log2(x + 1)",
    }
    size = "library size (log2), " if scale == "counts" else ""
    return (
        f"Sample quality was judged on {seen.get(scale, 'log values as read')}: a sample more than {limit:g} "
        f"robust standard deviations (MAD x 1.4826) from the median in {size}number of detected genes, "
        "interquartile range of relative log expression (Gandolfo and Speed, PLoS ONE 2018) or median "
        f"Spearman correlation with the other samples was called an outlier and "
        f"{'excluded' if dropped else 'kept'}. Pairs of samples with a Spearman correlation above "
        f"{duplicate:g} were reported as possible duplicates, as were pairs of different patients that agree "
        "in the 500 most variable genes as no others do; pairs of one patient were compared at sex and at "
        "genes whose presence is germline (log odds of one person). Recorded sex was compared with XIST and "
        "Y-chromosome genes where these are measured. Principal components were computed on gene-centred "
        "values and tested for association with clinical variables by F tests."
    )
