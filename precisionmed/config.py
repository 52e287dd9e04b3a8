"""One model of a run: every key a user may set, its meaning and its default.

`load_config` reads YAML, names unknown keys with the nearest known one, and resolves paths
relative to the config file. `workflows/schemas/config.schema.json` is generated from `RunConfig`.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from precisionmed.errors import InputError, nearest

Scale = Literal["counts", "rsem", "tpm", "fpkm", "log2", "log_ratio", "zscore"]
TimeUnit = Literal["days", "months", "years"]
DAYS_PER = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class EndpointConfig(_Section):
    """A censored outcome: two clinical columns and the unit of time."""

    time: str
    """Column with the follow-up time."""
    event: str
    """Column that says whether the event happened."""
    unit: TimeUnit = "months"
    """Unit of the time column."""
    event_values: list[str] = ["1", "1.0", "true", "yes", "dead", "deceased", "1:DECEASED"]
    """Values of the event column that mean the event happened (case does not matter)."""
    censored_values: list[str] = ["0", "0.0", "false", "no", "alive", "living", "0:LIVING"]
    """Values that mean censored. Any other value is an error, empty ones are missing."""
    nonpositive_time: Literal["error", "drop"] = "error"
    """Times of zero or less: stop with an error, or leave those patients out of survival analyses."""


class ReceptorConfig(_Section):
    """A receptor measured by IHC or FISH."""

    column: str
    """Clinical column."""
    positive: list[str] = ["positive", "pos", "p", "+", "1", "1.0", "positve", "amplified"]
    """Values that mean positive (case does not matter)."""
    negative: list[str] = ["negative", "neg", "n", "-", "0", "0.0"]
    """Values that mean negative."""
    equivocal: list[str] = ["equivocal", "indeterminate"]
    """Values that are neither: counted, and left out of every training set."""


class ReceptorsConfig(_Section):
    """The receptors the cohort records; leave out what it does not."""

    er: ReceptorConfig | None = None
    """Oestrogen receptor."""
    pr: ReceptorConfig | None = None
    """Progesterone receptor."""
    her2: ReceptorConfig | None = None
    """HER2."""


class TreatmentConfig(_Section):
    """Which patients were treated, for treatment-by-biomarker interaction."""

    column: str
    """Clinical column."""
    treated: list[str] = ["yes", "1", "1.0", "true", "treated"]
    """Values that mean treated."""
    control: list[str] = ["no", "0", "0.0", "false", "control"]
    """Values that mean not treated."""
    randomized: bool = False
    """Was treatment allocated at random? If not, the report says that the estimate is confounded."""


class ResponseConfig(_Section):
    """Response to (neoadjuvant) treatment, e.g. pathological complete response."""

    column: str
    """Clinical column."""
    responder: list[str] = ["1", "1.0", "yes", "pcr", "cr"]
    """Values that mean response."""
    non_responder: list[str] = ["0", "0.0", "no", "rd"]
    """Values that mean no response."""


class IntrinsicConfig(_Section):
    """Recorded intrinsic subtypes (PAM50) to learn from."""

    column: str
    """Clinical column with LumA, LumB, Her2, Basal and Normal (or any labels)."""
    values: dict[str, str] = {}
    """Optional renaming, e.g. `{Luminal A: LumA}`."""


class RolesConfig(_Section):
    """What the clinical columns mean. Declared once, checked at reading; no step guesses."""

    endpoints: dict[str, EndpointConfig] = {}
    """Censored outcomes by short name, e.g. `os` or `rfs`; the first is the main one."""
    receptors: ReceptorsConfig = ReceptorsConfig()
    """Receptor status by IHC or FISH."""
    intrinsic: IntrinsicConfig | None = None
    """Recorded intrinsic subtypes."""
    treatment: TreatmentConfig | None = None
    """Treatment given."""
    response: ResponseConfig | None = None
    """Response to treatment."""
    batch: str | None = None
    """Column with the batch (centre, run, platform)."""
    patient: str | None = None
    """Column with the patient, when a patient may have several samples."""
    sex: str | None = None
    """Column with the recorded sex, compared with XIST and Y-chromosome genes."""
    covariates: list[str] = []
    """Clinical covariates for the Cox model, e.g. age, stage, grade."""
    groups: list[str] = []
    """Groups in which performance is audited, e.g. race."""


class CohortConfig(_Section):
    """One cohort: where its tables are and what they mean."""

    name: str = Field("cohort", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Name used in the report and in file names (letters, digits, `_`, `.`, `-`)."""
    dataset: Literal["unc", "stanford", "bild"] | None = None
    """A real cohort that comes with the package's `demo` extra, instead of files."""
    expression: list[Path] = []
    """Expression matrices (TSV, CSV, gz, h5ad). Several are joined on their genes."""
    clinical: Path | None = None
    """Clinical table (TSV, CSV, XLSX); not needed with h5ad."""
    orientation: Literal["auto", "genes_by_samples", "samples_by_genes"] = "auto"
    """Which way the matrix lies; `auto` finds out and says so."""
    scale: Literal["auto"] | Scale = "auto"
    """What the numbers are; `auto` finds out, a stated scale is checked against the numbers."""
    gene_ids: Literal["auto", "symbol", "ensembl", "entrez", "probe"] = "auto"
    """Kind of gene identifier."""
    probe_annotation: Path | None = None
    """Table from probe to gene symbol (columns `probe` and `symbol`) for `gene_ids: probe`."""
    duplicate_genes: Literal["highest_mean", "mean", "sum", "highest_variance"] = "highest_mean"
    """How several rows of one gene become one."""
    max_missing: float = Field(0.2, ge=0, lt=1)
    """Genes with a larger fraction of missing values are dropped; the rest is imputed later."""
    sample_column: str | None = None
    """Clinical column that holds the sample names; found by itself when left out."""
    keep: dict[str, list[str]] = {}
    """Only samples with these values are kept, e.g. `{tissue: [primary tumour]}`."""
    drop: dict[str, list[str]] = {}
    """Samples with these values are excluded."""
    one_sample_per_patient: Literal["first", "largest_library", "keep_all"] = "first"
    """Which sample stays when a patient has several (needs `roles.patient`)."""
    values: dict[str, dict[str, str]] = {}
    """Replacements of clinical values, by column, e.g. `{stage: {"I": "1"}}`."""
    roles: RolesConfig = RolesConfig()
    """What the clinical columns mean."""

    @model_validator(mode="after")
    def _one_source(self) -> CohortConfig:
        if self.dataset is None and not self.expression:
            raise ValueError("give either 'expression' (files) or 'dataset' (unc, stanford, bild)")
        if self.dataset is not None and self.expression:
            raise ValueError("'dataset' and 'expression' exclude each other; remove one")
        return self


class QcConfig(_Section):
    """Quality control."""

    outlier_sd: float = Field(5.0, gt=0)
    """Robust standard deviations from the median at which a sample is called an outlier."""
    drop_outliers: bool = False
    """Exclude outliers (they are reported in any case)."""
    duplicate_correlation: float = Field(0.99, gt=0, le=1)
    """Samples of different patients correlated above this are reported as possible duplicates."""


class NormalizeConfig(_Section):
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


class BatchConfig(_Section):
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


class SubtypesConfig(_Section):
    """Molecular subtypes."""

    n_genes: int = Field(2000, ge=20)
    """Most variable genes (MAD) that are clustered."""
    k: int | None = Field(None, ge=2)
    """Number of subtypes; chosen by stability (PAC) when left out."""
    k_max: int = Field(6, ge=2)
    """Largest number of subtypes tried."""
    resamples: int = Field(500, ge=10)
    """Resampled clusterings for each k."""
    sample_fraction: float = Field(0.8, gt=0, le=1)
    """Fraction of samples in each resample."""


class BiomarkersConfig(_Section):
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


class ClassifyConfig(_Section):
    """HER2 and triple-negative classifiers."""

    tasks: list[Literal["her2", "tnbc"]] = ["her2", "tnbc"]
    """Classifiers to train."""
    n_folds: int = Field(5, ge=3)
    """Outer and inner folds."""
    n_repeats: int = Field(2, ge=1)
    """Repeats of the outer cross-validation."""
    min_class_size: int = Field(8, ge=3)
    """Fewest samples a class must have."""
    uncertain: tuple[float, float] = (0.35, 0.65)
    """Probabilities between these are returned as "cannot call"."""


class SurvivalConfig(_Section):
    """Survival models."""

    n_folds: int = Field(5, ge=3)
    """Outer folds of the C-index."""
    n_repeats: int = Field(2, ge=1)
    """Repeats of the outer cross-validation."""
    horizon: float | None = Field(None, gt=0)
    """Time (in the endpoint's unit) of the reported survival probability; the median follow-up if empty."""


class ResponseModelConfig(_Section):
    """Treatment response."""

    n_folds: int = Field(5, ge=3)
    """Outer and inner folds of the response classifier."""
    n_repeats: int = Field(2, ge=1)
    """Repeats of the outer cross-validation."""


class ReportConfig(_Section):
    """The report."""

    title: str = "Precision medicine report"
    """Title of the page."""
    author: str = ""
    """Who is responsible for this run."""


class RunConfig(_Section):
    """A whole run."""

    output: Path = Path("results")
    """Folder for everything that is written."""
    seed: int = Field(1, ge=0)
    """The one seed of the run."""
    cohort: CohortConfig
    """The cohort to learn from."""
    external: list[CohortConfig] = []
    """Cohorts for external validation: the locked model is applied to each of their samples alone."""
    shared_genes: bool = False
    """Learn only from genes that every external cohort measures too (names only, no values are looked at)."""
    qc: QcConfig = QcConfig()
    """Quality control."""
    normalize: NormalizeConfig = NormalizeConfig()
    """Gene filter and normalization."""
    batch: BatchConfig = BatchConfig()
    """Batch correction."""
    subtypes: SubtypesConfig = SubtypesConfig()
    """Molecular subtypes."""
    biomarkers: BiomarkersConfig = BiomarkersConfig()
    """LASSO signatures."""
    classify: ClassifyConfig = ClassifyConfig()
    """HER2 and triple-negative classifiers."""
    survival: SurvivalConfig = SurvivalConfig()
    """Survival models."""
    response: ResponseModelConfig = ResponseModelConfig()
    """Treatment response."""
    report: ReportConfig = ReportConfig()
    """The report."""

    @model_validator(mode="after")
    def _distinct_names(self) -> RunConfig:
        names = [self.cohort.name, *(c.name for c in self.external)]
        if len(set(names)) < len(names):
            raise ValueError(f"cohort names must differ, found {names}; set 'name' in each cohort")
        return self


def load_config(path: str | Path) -> RunConfig:
    """Read and check a YAML config; paths in it are relative to the file's folder.

    The output folder stays relative to the working directory, as Snakemake has it.

    Raises
    ------
    InputError
        The file is missing, is no YAML, or has an unknown key or a wrong value.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such config file; `precisionmed init` writes one.") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as YAML: {reason}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: is not a YAML mapping of keys to values; `precisionmed init` writes one.")
    return resolve_paths(parse_config(raw, source=str(path)), path.resolve().parent)


def parse_config(raw: dict[str, Any], source: str = "config") -> RunConfig:
    """Check a config given as a dictionary (paths are left as they are)."""
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error)}") from None


def resolve_paths(config: RunConfig, folder: Path) -> RunConfig:
    """Make the cohorts' paths relative to `folder` (in place)."""
    for cohort in [config.cohort, *config.external]:
        cohort.expression = [folder / p for p in cohort.expression]
        cohort.clinical = folder / cohort.clinical if cohort.clinical else None
        cohort.probe_annotation = folder / cohort.probe_annotation if cohort.probe_annotation else None
    return config


def step_generator(seed: int, step: str) -> np.random.Generator:
    """Return the random generator of one step: independent of the other steps and of their order."""
    return np.random.default_rng([seed, zlib.crc32(step.encode())])


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *parents, key = problem["loc"]
        return f"unknown key '{where}'.{nearest(str(key), _known_keys(list(parents)))}"
    if problem["type"] == "missing":
        return f"key '{where}' is missing."
    message = problem["msg"].removeprefix("Value error, ")
    return f"'{where}': {message}" + (
        "" if isinstance(problem["input"], dict) else f" (found {problem['input']!r})"
    )


def _known_keys(parents: list[str | int]) -> list[str]:
    """Return the keys allowed at a place of the config, by walking the generated schema."""
    schema = RunConfig.model_json_schema()
    node: dict[str, Any] = schema
    for part in parents:
        node = _deref(schema, node)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return list(_deref(schema, node).get("properties", {}))


def _deref(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", node.get("allOf", [])):
        if "$ref" in option:
            node = option
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node
