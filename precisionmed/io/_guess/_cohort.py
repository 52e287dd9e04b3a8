"""Batch, patient, sex, groups, and which samples are tumours."""

from __future__ import annotations

import re

import pandas as pd

from precisionmed.io._guess._draft import SAMPLE_NAMES, Draft, counted, few_enough, from_expression, matches
from precisionmed.io._tissue import tissue_of_value

BATCHES = (
    r"\bbatch\w*",
    r"\bplate\b",
    r"\b(run|lane|flow ?cell|chip|slide|array) ?(id|no|number)?$|hyb\w* (date|batch)|"
    r"scan date|library prep|sequencing (run|date|batch)",
    r"\bseries\b|\bdata ?set\b",
    r"\b(cohort|study)\b",
    r"\b(cent(er|re)|hospital|institut\w*|tss|laborator\w*|lab|clinic)\b|tissue source site|\bsite\b",
    r"\bplatform\b|sequencer|instrument",
)
"""What columns with a batch are called, the most telling first."""
_NOT_BATCH = (
    r"tumou?r site|site of|(primary|anatomic\w*|metasta\w*|biopsy|recurrence|disease|"
    r"relapse|organ|body) site|"
    r"run ?time|run in|lab (value|test)|study (entry|end|id)|days|date of (birth|death)|cluster|size|normali"
)
_NOT_PATIENT = r"status|number of|\bage\b|vital|count|sex|gender|race|\bn\b|weight|height|size"


def names_a_batch(column: str) -> bool:
    """Return whether a column is called as one with batches, plates or sites is."""
    named = any(matches(column, pattern) for pattern in BATCHES)
    return named and not matches(column, _NOT_BATCH) and not from_expression(column)


def find_batch(draft: Draft) -> str | None:
    """Return the column with the batch."""
    chosen: str | None = None
    for column in draft.ranked(BATCHES, _NOT_BATCH):
        if column in draft.roles:
            continue
        sizes = draft.present(column).value_counts()
        if len(sizes) < 2:
            draft.pass_over(column, "it has one value only" if len(sizes) else "it has no values")
        elif len(sizes) > max(2, len(draft.clinical) // 4):
            draft.pass_over(column, f"it has {len(sizes)} values, most of them rare")
        elif chosen is not None:
            draft.pass_over(column, f"the batch is '{chosen}'")
        else:
            chosen = column
            draft.remark("roles.batch", f"{len(sizes)} values; the smallest has {sizes.min()} samples.")
            draft.use(column, "batch")
    return chosen


def find_patient(draft: Draft) -> str | None:
    """Return the column with the patient."""
    for column in draft.ranked(
        (
            r"patient|\bpat\b|subject|participant|individual|\bdonor\b|\bcase\b|submitter|"
            r"\bmrn\b",
        ),
        _NOT_PATIENT,
    ):
        values = draft.present(column)
        taken = draft.roles.get(column, SAMPLE_NAMES) != SAMPLE_NAMES
        if taken or not len(values) or values.nunique() * 4 < len(values):
            continue
        repeated = int(values.duplicated().sum())
        if repeated:
            draft.remark("roles.patient", f"{repeated} samples are further samples of a patient.")
        draft.use(column, "patient")
        return column
    return None


def find_sex(draft: Draft) -> str | None:
    """Return the column with the recorded sex."""
    for column in draft.named(r"\b(sex|gender)\b"):
        values = draft.present(column)
        odd = sorted({v for v in values if not re.fullmatch(r"f|m|w|female|male|woman|man", v.lower())})
        if len(odd) == values.nunique():
            draft.pass_over(
                column, f"what {counted(values, odd)} mean is not known" if odd else "it has no values"
            )
        elif not few_enough(values, odd):
            draft.pass_over(column, f"what {counted(values, odd)} mean is not known")
        else:
            draft.leave_out(column, odd, "roles.sex")
            draft.use(column, "sex")
            return column
    return None


def find_groups(draft: Draft) -> list[str]:
    """Return the column with the groups in which performance is audited."""
    for column in draft.named(r"\brace\b|ethnic"):
        values = draft.present(column)
        if values.nunique() >= 2 and column not in draft.roles and not draft.numbers(column).any():
            draft.use(column, "groups (audit)")
            return [column]
    return []


def find_keep(draft: Draft) -> dict[str, list[str]]:
    """Return which samples stay of a table that also has normal tissue or metastases."""
    for column in draft.named(
        r"tissue|sample type|definition|short letter code|shortlettercode|specimen|"
        r"\bsample ?type\b|sample category",
        r"source site|percent|weight|slide|diagnosis tissue|count",
    ):
        values = draft.present(column)
        distinct = [str(value) for value in values.unique()]
        tumours = [value for value in distinct if tissue_of_value(value) in ("primary", "")]
        if 0 < len(tumours) < len(distinct) <= 12:
            others = [value for value in distinct if value not in tumours]
            draft.remark("keep", f"Column '{column}' also has {counted(values, others)}.")
            draft.use(column, "samples to keep")
            return {column: tumours}
    return {}


def keep_rows(clinical: pd.DataFrame, keep: dict[str, list[str]]) -> pd.DataFrame:
    """Return the rows that stay."""
    for column, listed in keep.items():
        clinical = clinical[clinical[column].str.strip().isin(listed)]
    return clinical
