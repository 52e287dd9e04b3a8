"""Keys of the steps, one class a step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from precisionmed.config.cohort import Section

Aim = Annotated[str, Field(pattern=r"^(balanced|(sensitivity|specificity):0?\.[0-9]*[1-9][0-9]*)$")]
"""`balanced`, or `sensitivity` or `specificity` and the fraction to reach."""


class QcConfig(Section):
    """Quality control."""

    outlier_sd: float = Field(5.0, gt=0)
    """Robust standard deviations from the median at which a sample is called an outlier."""
    drop_outliers: bool = False
    """Exclude outliers (they are reported in any case)."""
    duplicate_correlation: float = Field(0.99, gt=0, le=1)
    """Samples of different patients correlated above this are reported as possible duplicates."""


class NormalizeConfig(Section):
    """Gene filter and normalization."""

    method: Literal[
        "auto",
        "log_cpm",
        "tmm",
        "tmmwsp",
        "upper_quartile",
        "median_of_ratios",
        "vst",
        "tpm",
        "fpkm",
        "quantile",
        "rank",
        "log2",
        "none",
    ] = "auto"
    """`auto`: TMM for counts, log2(x + 1) for TPM, FPKM and RSEM, none for log values and ratios. `vst`:
    blind variance stabilizing transformation. `tpm` and `fpkm` are made from counts and gene lengths."""
    min_count: float = Field(10, ge=0)
    """Counts only: a gene is kept with at least this count (as CPM) in enough samples."""
    min_fraction: float = Field(0.1, gt=0, le=1)
    """... where enough is the smallest group worth seeing, as a fraction of the samples (edgeR's rule)."""
    reference: Literal["profile", "sample"] = "profile"
    """TMM and TMMwsp: compare libraries with the cohort's mean profile (factors move by some 2%), or with one
    sample, exactly as edgeR; **the locked model then holds all counts of that patient**."""


class BatchConfig(Section):
    """Batch correction."""

    method: Literal["none", "combat", "combat_seq"] = "none"
    """`combat`: empirical Bayes location and scale of normalized values; `combat_seq`: negative binomial
    regression of counts, before they are normalized. Both need `roles.batch`."""
    covariates: list[str] = []
    """Biology to preserve: clinical columns kept in the design."""
    parametric: bool = True
    """`combat` only: normal and inverse gamma priors, or the genes' own distribution (slower)."""
    mean_only: bool = False
    """`combat` only: adjust the location of batches, not their scale."""
    reference: str | None = None
    """`combat` only: a batch that stays as it is, to which the others are adjusted."""


class SubtypesConfig(Section):
    """Molecular subtypes."""

    n_genes: int = Field(2000, ge=20)
    """Most variable genes (MAD) that are clustered."""
    k: int | None = Field(None, ge=2)
    """Number of subtypes; chosen by stability (PAC) when left out."""
    k_max: int = Field(6, ge=2)
    """Largest number of subtypes tried."""
    clusterer: Literal["hierarchical", "kmeans", "pam", "nmf", "leiden"] = "hierarchical"
    """What clusters each resample; `nmf` and `leiden` are slow, `leiden` needs the `leiden` extra."""
    linkage: Literal["average", "complete", "ward"] = "average"
    """`hierarchical` only; `ward` needs `metric: euclidean`."""
    metric: Literal["pearson", "spearman", "euclidean"] = "pearson"
    """Distance of samples: 1 - correlation, or Euclidean."""
    resamples: int = Field(500, ge=10)
    """Resampled clusterings for each k."""
    sample_fraction: float = Field(0.8, gt=0, le=1)
    """Fraction of samples in each resample."""
    min_fraction: float = Field(0.05, ge=0, lt=0.5)
    """Smallest subtype, as a fraction of the samples and at least 5 of them; smaller clusters are outliers
    without a subtype. 0: every cluster counts."""
    n_null: int = Field(100, ge=0)
    """Simulated cohorts without subtypes to compare with, at least 19; 0: no test whether there are any."""
    robustness: bool = True
    """Cluster again with other genes and clusterers, and see which samples stay together."""
    gene_sets: Path | None = None
    """GMT file of gene sets to test; when left out, biological processes of the Gene Ontology."""
    known_classes: list[str] = []
    """Clinical columns with known classes (e.g. IntClust) to compare with, beside intrinsic subtypes and
    receptor status."""
    umap: bool = False
    """Embed the samples by UMAP too (needs the `umap` extra)."""


class BiomarkersConfig(Section):
    """LASSO signatures."""

    labels: list[Literal["er", "pr", "her2", "tnbc", "response"]] = ["er"]
    """Binary labels to find a signature for (those without labels in the cohort are skipped)."""
    endpoints: list[str] | None = None
    """Endpoints to find a survival signature for; all of the cohort's when left out."""
    n_folds: int = Field(5, ge=3)
    """Outer folds, and inner folds that choose the penalty."""
    n_repeats: int = Field(2, ge=1)
    """Repeats of the outer cross-validation."""
    rule: Literal["1se", "min"] = "1se"
    """Penalty: sparsest within one standard error of the best, or the best."""
    alpha: float = Field(1.0, gt=0, le=1)
    """Elastic-net mixing: 1 is the LASSO."""
    stability: bool = True
    """Which genes do most halves of the cohort choose, and which beat their decoys?"""
    n_pairs: int = Field(50, ge=10)
    """Pairs of complementary halves; also those of the intervals of the signature."""
    pfer: float = Field(1.0, gt=0)
    """Expected number of false genes that stability selection tolerates."""
    threshold: float = Field(0.75, gt=0.5, le=1)
    """Fraction of the halves that has to choose a gene."""
    decoys: Literal["knockoff", "permutation"] = "knockoff"
    """Decoys that genes have to beat: knockoffs keep the correlations among genes, shuffled genes do not."""
    fdr: float = Field(0.1, gt=0, lt=1)
    """False discovery rate of the genes that beat their decoys; 0.1 needs at least 10 such genes."""
    random_signatures: int = Field(100, ge=0)
    """Signatures of as many random genes to compare with; 0 for none."""
    drug_targets: Path | None = None
    """Table (TSV, CSV, XLSX) with columns `gene` and `drug`: marks genes of a signature that a drug hits."""


class ClassifyConfig(Section):
    """HER2 and triple-negative classifiers."""

    tasks: list[Literal["her2", "tnbc"]] = ["her2", "tnbc"]
    """Classifiers to train."""
    n_folds: int = Field(5, ge=3)
    """Outer and inner folds."""
    n_repeats: int = Field(2, ge=1)
    """Repeats of the outer cross-validation."""
    min_class_size: int = Field(8, ge=3)
    """Fewest samples a class must have."""
    aim: Aim = "balanced"
    """What the threshold of a call is for: `balanced` (sensitivity and specificity alike), `sensitivity:0.9`,
    `specificity:0.9`, ...; learned in training sets and locked."""
    uncertain: tuple[float, float] = (0.35, 0.65)
    """Probabilities between these are returned as "cannot call" where the threshold is one half; around
    another threshold the band is as wide in log odds."""


class SurvivalConfig(Section):
    """Survival models."""

    n_folds: int = Field(5, ge=3)
    """Outer folds of the C-index, of endpoints without a signature of `biomarkers` (which has its own)."""
    n_repeats: int = Field(2, ge=1)
    """Repeats of the outer cross-validation, likewise."""
    horizon: float | None = Field(None, gt=0)
    """Time (in the endpoint's unit) of the reported survival probability; the median follow-up if empty."""
    n_permutations: int = Field(0, ge=0)
    """Repeats of the cross-validation with outcomes permuted, for a p value of risk groups; 0: no p value."""


class ResponseModelConfig(Section):
    """Treatment response."""

    n_folds: int = Field(5, ge=3)
    """Outer and inner folds of the response classifier."""
    n_repeats: int = Field(2, ge=1)
    """Repeats of the outer cross-validation."""
    aim: Aim = "balanced"
    """What the threshold of a call is for, as `classify.aim`."""
    uncertain: tuple[float, float] = (0.35, 0.65)
    """Band around the threshold that is returned as "cannot call", as `classify.uncertain`."""


class ReportConfig(Section):
    """The report."""

    title: str = "Precision medicine report"
    """Title of the page."""
    author: str = ""
    """Who is responsible for this run."""
    pseudonyms: bool = False
    """Call samples S001, S002, ... and patients P001, ... in the page, its figures and its tables."""
