"""Which samples and genes of a cohort stay, and why the others do not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.config import CohortConfig, Scale
from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._matrices import Expression, without_expression
from precisionmed.io._samples import match_samples, name_key
from precisionmed.io._tissue import NO_TUMOUR, Tissue, barcode, tissue_of_barcode
from precisionmed.io._values import clinical_column, equals_any, replace_values
from precisionmed.io.clinical import check_rules
from precisionmed.io.tables import is_missing


@dataclass
class Record:
    """What happened to the samples and genes on the way."""

    notes: list[str] = field(default_factory=list)
    flow: list[tuple[str, int, int, str]] = field(default_factory=list)
    excluded: list[tuple[str, str]] = field(default_factory=list)

    def stage(self, name: str, values: pd.DataFrame, reason: str) -> None:
        """Note how many samples and genes (genes x samples) are left after a stage."""
        self.flow.append((name, values.shape[1], values.shape[0], reason))

    def exclude(self, samples: pd.Index, reason: str) -> None:
        """Note why samples were left out."""
        self.excluded += [(str(sample), reason) for sample in samples]


def match_tables(
    matrix: Expression, table: pd.DataFrame, config: CohortConfig, file: str, record: Record
) -> tuple[pd.DataFrame, pd.DataFrame, CohortConfig]:
    """Return the samples in both tables, their clinical rows in the order of the matrix, and the config.

    The column that names the patients of the samples is the patient's role, when none is declared.
    """
    names = (
        ", ".join(p.name for p in config.expression) or "the matrix",
        " and ".join(path.name for path in config.clinical_tables) or Path(file).name,
    )
    values = _tumours(matrix.frame, config, names[0], record)
    match = match_samples(
        values.columns, table, sample_column=config.sample_column, names=names, notes=record.notes
    )
    found = match.rows >= 0
    alone = values.columns[~found]
    if len(alone):
        record.exclude(alone, "no clinical row")
        warn(
            f"{len(alone)} of {len(found)} samples of the matrix have no row in {names[1]} and are left out "
            f"({first_few(alone)}).",
            record.notes,
        )
    unmeasured = table[match.column][~np.isin(np.arange(len(table)), match.rows)]
    gone = {name_key(sample) for sample in [*matrix.lost, *matrix.frame.columns.difference(values.columns)]}
    unmeasured = unmeasured[~unmeasured.map(name_key).isin(gone) & ~is_missing(unmeasured)]
    if len(unmeasured):
        record.exclude(pd.Index(unmeasured), "no expression")
        warn(
            f"{len(unmeasured)} samples of {names[1]} are not in the matrix and are left out "
            f"({first_few(unmeasured)}).",
            record.notes,
        )
    values = values.loc[:, found]
    table = table.iloc[match.rows[found]].set_axis(values.columns)
    if matrix.sources and "expression_file" not in table.columns:
        table = table.assign(expression_file=[matrix.sources[sample] for sample in values.columns])
    record.stage(
        "matched with the clinical table",
        values,
        f"sample names in column '{match.column}', compared {match.rule}",
    )
    if match.of_patients and config.roles.patient is None:
        record.notes.append(
            f"Column '{match.column}' names the patients of the samples: it is roles.patient."
        )
        config = config.model_copy(
            update={"roles": config.roles.model_copy(update={"patient": match.column})}
        )
    return values, table, config


def _tumours(values: pd.DataFrame, config: CohortConfig, name: str, record: Record) -> pd.DataFrame:
    """Leave out samples that are no tumours by their barcode: a clinical row is that of a tumour."""
    if config.normal_samples == "keep":
        return values
    tissue = [tissue_of_barcode(str(sample)) for sample in values.columns]
    other = np.isin(tissue, NO_TUMOUR)
    if not other.any():
        return values
    lost = values.columns[other]
    if other.all():
        raise InputError(
            f"{name}: all samples are normal tissue or cell lines by their barcode ({first_few(lost, 3)}); "
            "set cohort.normal_samples: keep if that is meant."
        )
    types = sorted({found.type for sample in lost if (found := barcode(str(sample)))})
    record.exclude(lost, "no tumour by its barcode")
    warn(
        f"{len(lost)} samples are no tumours by their barcode (type {', '.join(types)}) and are left out "
        f"({first_few(lost, 3)}); cohort.normal_samples: keep would keep them.",
        record.notes,
    )
    values = values.loc[:, ~other]
    record.stage("tumours by barcode", values, "no normal tissue, no cell lines")
    return values


def select_samples(
    values: pd.DataFrame, table: pd.DataFrame, scale: Scale, config: CohortConfig, file: str, record: Record
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply the rules that leave out samples, one stage each."""
    table = replace_values(table, config.values, file, record.notes)
    check_rules(table, config.keep, config.drop, file, record.notes)

    def stay(chosen: np.ndarray, stage: str, reason: str) -> None:
        nonlocal values, table
        record.exclude(values.columns[~chosen], reason)
        values, table = values.loc[:, chosen], table[chosen]
        record.stage(stage, values, reason)
        if not chosen.any():
            fix = "relax cohort.keep or cohort.drop" if config.keep or config.drop else "check the matrix"
            raise InputError(f"{file}: no sample is left ({reason}); {fix}.")

    for name, listed in config.keep.items():
        stay(equals_any(table[name], listed), f"keep {name}", f"{name} is not {' or '.join(listed)}")
    for name, listed in config.drop.items():
        stay(~equals_any(table[name], listed), f"drop {name}", f"{name} is {' or '.join(listed)}")
    empty = without_expression(values, scale)
    if empty.any():
        lost = values.columns[empty]
        warn(f"{len(lost)} samples without any measurement are left out ({first_few(lost)}).", record.notes)
        stay(~empty, "measured samples", "all values are zero, missing or equal")
    chosen = _one_per_patient(values, table, config, record)
    if not chosen.all():
        rule = config.one_sample_per_patient
        stay(chosen, "one sample per patient", f"another sample of the patient stays ({rule})")
    return values, table


def _one_per_patient(
    values: pd.DataFrame, table: pd.DataFrame, config: CohortConfig, record: Record
) -> np.ndarray:
    """Return which samples stay when a patient has several."""
    column = config.roles.patient
    everyone = np.ones(len(table), dtype=bool)
    if column is None:
        barcodes = pd.Series(values.columns).str.extract(r"^(TCGA[-.]\w\w[-.]\w{4})", expand=False)
        repeated = int(barcodes.dropna().duplicated().sum())
        if repeated:
            warn(
                f"{repeated} samples have the TCGA barcode of another sample's patient; declare "
                "cohort.roles.patient, or patients with several samples count several times.",
                record.notes,
            )
        return everyone
    if config.one_sample_per_patient == "keep_all":
        return everyone
    patients = clinical_column(table, column, "cohort.roles.patient", "the clinical table")
    patients = patients.mask(is_missing(patients), pd.Series(table.index, index=table.index))
    order = np.array(sorted(range(len(table)), key=lambda i: _rank(str(values.columns[i]))))
    if config.one_sample_per_patient == "largest_library":
        order = order[np.argsort(-np.nansum(values.to_numpy(), axis=0)[order], kind="stable")]
    stays = ~everyone
    stays[order[~patients.iloc[order].duplicated().to_numpy()]] = True
    return stays


def _rank(sample: str) -> tuple[int, list[tuple[int, str]]]:
    """Return the order of a patient's samples: primary tumours first, then by name (T2 before T10)."""
    later: tuple[Tissue, ...] = ("recurrent", "metastasis", *NO_TUMOUR)
    tissue = tissue_of_barcode(sample)
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", sample) if part]
    return later.index(tissue) + 1 if tissue in later else 0, parts


def drop_genes(values: pd.DataFrame, max_missing: float, record: Record) -> pd.DataFrame:
    """Leave out genes that are missing in too many samples."""
    missing = values.isna().to_numpy().mean(axis=1)
    chosen = (missing <= max_missing) & (missing < 1)
    if not chosen.any():
        raise InputError(
            f"every gene is missing in more than {max_missing:.0%} of the samples (cohort.max_missing); "
            "raise it, or check "
            "whether the matrix was exported completely."
        )
    if not chosen.all():
        lost = values.index[~chosen]
        values = values.loc[chosen]
        reason = f"{len(lost)} genes missing in more than {max_missing:.0%} of the samples"
        record.notes.append(f"{reason} were left out ({first_few(lost)}).")
        record.stage("measured genes", values, reason)
    return values
