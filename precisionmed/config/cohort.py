"""Keys of a cohort: where its tables are, and what the clinical columns mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Scale = Literal["counts", "rsem", "tpm", "fpkm", "linear", "log2", "ln", "log10", "log_ratio", "zscore"]
TimeUnit = Literal["days", "months", "years"]
DAYS_PER = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}


_YAML_WORDS = {True: ["yes", "true"], False: ["no", "false"]}


def _as_texts(given: Any) -> Any:
    """Return a list of clinical values as text: YAML reads 1 as a number, and an unquoted yes as true."""
    if not isinstance(given, list):
        return given
    texts = [_YAML_WORDS[one] if isinstance(one, bool) else [_as_text(one)] for one in given]
    return [text for several in texts for text in several]


def _renamed(given: Any) -> Any:
    """Return replacements (old value: new value) as text."""
    if not isinstance(given, dict):
        return given
    pairs = [(old, _as_text(new)) for old, new in given.items()]
    several = [(_YAML_WORDS[old] if isinstance(old, bool) else [_as_text(old)], new) for old, new in pairs]
    return {old: new for olds, new in several for old in olds}


def _as_text(one: Any) -> Any:
    if isinstance(one, bool):
        return _YAML_WORDS[one][0]
    return "" if one is None else str(one) if isinstance(one, int | float) else one


Values = Annotated[list[str], BeforeValidator(_as_texts)]
Renamed = Annotated[dict[str, str], BeforeValidator(_renamed)]


class Section(BaseModel):
    """A mapping of known keys; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class EndpointConfig(Section):
    """A censored outcome: when it happened or the patient was last seen, and which of the two."""

    time: str | list[str] | None = None
    """Column with the follow-up time. Of several columns the last has the last follow-up of those without the
    event, the others the time to the event: `[days_to_death, days_to_last_follow_up]`."""
    start: str | None = None
    """Instead of `time`: column with the date that time is counted from (diagnosis, surgery)."""
    end: str | list[str] | None = None
    """Column with the date of the event or the last follow-up (with `start`); several as in `time`."""
    date_order: Literal["auto", "dmy", "mdy", "ymd"] = "auto"
    """Order of day, month and year; `auto` asks the dates and stops when 03/04/2012 could be either."""
    event: str
    """Column that says whether the event happened."""
    entry: str | None = None
    """Column with the time (or the date, with `start`) at which a patient came under observation, when
    that was later than the start (left truncation)."""
    unit: TimeUnit = "months"
    """Unit of the time column, and of times made from dates."""
    event_values: Values = ["1", "1.0", "true", "yes", "dead", "deceased", "1:DECEASED"]
    """Values of the event column that mean the event happened (case does not matter)."""
    censored_values: Values = ["0", "0.0", "false", "no", "alive", "living", "0:LIVING"]
    """Values that mean censored. Any other value is an error, empty ones are missing."""
    missing_values: Values = []
    """Values that say nothing (`Lost to follow-up`): these patients are left out of the endpoint."""
    nonpositive_time: Literal["error", "drop"] = "error"
    """Times of zero or less (or not after `entry`): stop with an error, or leave those patients out of
    survival analyses."""

    @model_validator(mode="after")
    def _time_or_dates(self) -> EndpointConfig:
        dates = self.start is not None or self.end is not None
        if self.time is not None and dates:
            raise ValueError("give either 'time' or the dates 'start' and 'end', not both")
        if dates and (self.start is None or self.end is None):
            raise ValueError("dates need both columns, 'start' and 'end'")
        if self.time is None and not dates:
            raise ValueError("key 'time' is missing (or the dates 'start' and 'end')")
        if [] in (self.time, self.end):
            raise ValueError("the list of columns is empty")
        return self

    @property
    def ends(self) -> list[str]:
        """Columns with the time or date of the event or the last follow-up (last column)."""
        listed = self.time if self.time is not None else self.end
        return [listed] if isinstance(listed, str) else list(listed or [])

    @property
    def sources(self) -> dict[str, list[str]]:
        """Clinical columns that `<name>_time`, `<name>_event` and `<name>_entry` are made from."""
        start = [self.start] if self.start else []
        found = {"time": [*start, *self.ends], "event": [self.event]}
        return found | ({"entry": [*start, self.entry]} if self.entry else {})


class ReceptorConfig(Section):
    """A receptor measured by IHC or FISH."""

    column: str
    """Clinical column."""
    positive: Values = ["positive", "pos", "p", "+", "1", "1.0", "positve", "amplified"]
    """Values that mean positive (case does not matter)."""
    negative: Values = ["negative", "neg", "n", "-", "0", "0.0"]
    """Values that mean negative."""
    equivocal: Values = ["equivocal", "indeterminate"]
    """Values that are neither: counted, and left out of every training set."""
    missing_values: Values = []
    """Values that say nothing, e.g. `not done`."""


class ReceptorsConfig(Section):
    """The receptors the cohort records; leave out what it does not."""

    er: ReceptorConfig | None = None
    """Oestrogen receptor."""
    pr: ReceptorConfig | None = None
    """Progesterone receptor."""
    her2: ReceptorConfig | None = None
    """HER2."""


class TreatmentConfig(Section):
    """Which patients were treated, for treatment-by-biomarker interaction."""

    column: str
    """Clinical column."""
    treated: Values = ["yes", "1", "1.0", "true", "treated"]
    """Values that mean treated."""
    control: Values = ["no", "0", "0.0", "false", "control"]
    """Values that mean not treated."""
    missing_values: Values = []
    """Values that say nothing; these patients are left out of what needs the treatment."""
    randomized: bool = False
    """Was treatment allocated at random? If not, the report says that the estimate is confounded."""


class ResponseConfig(Section):
    """Response to (neoadjuvant) treatment, e.g. pathological complete response."""

    column: str
    """Clinical column."""
    responder: Values = ["1", "1.0", "yes", "pcr", "cr"]
    """Values that mean response."""
    non_responder: Values = ["0", "0.0", "no", "rd"]
    """Values that mean no response."""
    missing_values: Values = []
    """Values that say nothing, e.g. `not assessable`."""


class IntrinsicConfig(Section):
    """Recorded intrinsic subtypes (PAM50) to learn from."""

    column: str
    """Clinical column with LumA, LumB, Her2, Basal and Normal (or any labels)."""
    values: Renamed = {}
    """Optional renaming, e.g. `{Luminal A: LumA}`."""
    missing_values: Values = []
    """Values that are no subtype, e.g. `not classified`."""


class RolesConfig(Section):
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
    ordered: dict[str, Values] = {}
    """Order of the levels of a clinical column, lowest (the reference) first, e.g. `{ecog: ["0", "1", "2"]}`;
    that of stage, T, N, M, grade, and of negative and positive, is known."""
    groups: list[str] = []
    """Clinical columns in whose groups the performance of every model is audited, e.g. race, age; numbers
    with more than 6 different values are cut at their median."""


class CohortConfig(Section):
    """One cohort: where its tables are and what they mean."""

    name: str = Field("cohort", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Name used in the report and in file names (letters, digits, `_`, `.`, `-`)."""
    dataset: Literal["unc", "stanford", "bild"] | None = None
    """A real cohort that comes with the package's `demo` extra, instead of files."""
    expression: list[Path] = []
    """Expression matrices (TSV, CSV, Excel, gz, GEO series matrix, GCT, h5ad) or files of counting programs
    about one sample each. Several are joined on their genes."""
    clinical: Path | list[Path] | None = None
    """Clinical table (TSV, CSV, XLSX); not needed with h5ad. Several of one cohort are joined:
    `[patients.txt, samples.txt]`."""
    join_column: str | None = None
    """Column by which several clinical tables are joined; the one they share when left out."""
    orientation: Literal["auto", "genes_by_samples", "samples_by_genes"] = "auto"
    """Which way the matrix lies; `auto` finds out and says so."""
    scale: Literal["auto"] | Scale = "auto"
    """What the numbers are; `auto` finds out, a stated scale is checked against the numbers. `counts`: reads,
    or estimates of them (salmon, RSEM `expected_count`) that are not scaled to each other; `rsem`:
    upper-quartile normalized; `linear`: other normalized values, microarray intensities; `ln`, `log10`: read
    as log2."""
    column: str | None = None
    """Column to take of files about one sample each (RSEM, salmon, kallisto, STAR, StringTie), e.g. `TPM` or
    `stranded_second`; when left out, the estimated counts, or what `scale` states."""
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
    normal_samples: Literal["drop", "keep"] = "drop"
    """Samples that are no tumour by their TCGA or TARGET barcode (types 10 and above, e.g. `-11A`)."""
    keep: dict[str, Values] = {}
    """Only samples with these values are kept, e.g. `{tissue: [primary tumour]}`."""
    drop: dict[str, Values] = {}
    """Samples with these values are excluded."""
    one_sample_per_patient: Literal["first", "largest_library", "keep_all"] = "first"
    """Which sample stays when a patient has several (needs `roles.patient`): the first primary tumour by
    name, the one with the most reads, or all of them."""
    values: dict[str, Renamed] = {}
    """Replacements of clinical values, by column, e.g. `{stage: {"I": "1"}}`."""
    roles: RolesConfig = RolesConfig()
    """What the clinical columns mean."""

    @property
    def clinical_tables(self) -> list[Path]:
        """The clinical tables."""
        return (
            []
            if self.clinical is None
            else [self.clinical]
            if isinstance(self.clinical, Path)
            else self.clinical
        )

    @model_validator(mode="after")
    def _one_source(self) -> CohortConfig:
        if self.dataset is None and not self.expression:
            raise ValueError("give either 'expression' (files) or 'dataset' (unc, stanford, bild)")
        if self.dataset is not None and self.expression:
            raise ValueError("'dataset' and 'expression' exclude each other; remove one")
        return self
