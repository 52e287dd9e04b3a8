"""Which samples and genes of a cohort stay, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.config import CohortConfig, Scale
from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._matrices import Expression, without_expression
from precisionmed.io._samples import match_samples
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
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the samples that are in both tables, the clinical rows in the order of the matrix."""
    values = matrix.frame
    tables = [path.name for path in config.clinical_tables]
    names = (", ".join(p.name for p in config.expression) or "the matrix",
             " and ".join(tables) or Path(file).name)  # fmt: skip
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
    unmeasured = unmeasured[~unmeasured.isin(list(matrix.lost))]
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
    return values, table


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
            raise InputError(f"{file}: no sample is left ({reason}); relax cohort.keep or cohort.drop.")

    for name, listed in config.keep.items():
        stay(equals_any(table[name], listed), f"keep {name}", f"{name} is not {' or '.join(listed)}")
    for name, listed in config.drop.items():
        stay(~equals_any(table[name], listed), f"drop {name}", f"{name} is {' or '.join(listed)}")
    empty = without_expression(values, scale)
    if empty.any():
        lost = values.columns[empty]
        warn(f"{len(lost)} samples without any measurement are left out ({first_few(lost)}).", record.notes)
        stay(~empty, "measured samples", "all values are zero or missing")
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
    order = np.arange(len(table))
    if config.one_sample_per_patient == "largest_library":
        order = np.argsort(-np.nansum(values.to_numpy(), axis=0), kind="stable")
    stays = ~everyone
    stays[order[~patients.iloc[order].duplicated().to_numpy()]] = True
    return stays


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
