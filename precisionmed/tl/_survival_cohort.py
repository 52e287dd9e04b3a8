"""What survival and response models start from: endpoints, covariates and groups of a cohort."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config.minima import EVENTS, PER_GROUP
from precisionmed.errors import InputError, PrecisionMedWarning, nearest, warn
from precisionmed.io._endpoints import recorded_outcome
from precisionmed.io.patients import first_of_patient
from precisionmed.pp._inputs import roles_of, table

if TYPE_CHECKING:
    from anndata import AnnData

MIN_EVENTS = EVENTS
"""Fewest events with which a model is fitted; curves need none."""
MIN_GROUP = PER_GROUP
"""Fewest samples of a group that gets a curve or a treatment effect."""


@dataclass(frozen=True)
class Endpoint:
    """A censored outcome and the samples that have it, one a patient."""

    name: str
    unit: str
    rows: np.ndarray
    """Positions of the samples in the cohort."""
    y: pd.DataFrame
    """`event` (bool), `time` and, if samples came under observation late, `entry`, indexed by sample."""

    @property
    def entry(self) -> pd.Series | None:
        """Times of entry, None when all samples were under observation from the start."""
        return self.y.get("entry")

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self.y["event"].sum())


def endpoints_of(adata: AnnData, notes: list[str]) -> list[Endpoint]:
    """Return the declared endpoints; samples without outcome and second samples of a patient are left out."""
    found = []
    for name, role in roles_of(adata).endpoints.items():
        outcome = recorded_outcome(adata.obs, name)
        if role.entry is not None and "entry" not in outcome:
            raise InputError(
                f"endpoint '{name}': column '{name}_entry' is not in obs; read it with read_cohort."
            )
        known = outcome.notna().all(axis=1).to_numpy()
        rows = np.flatnonzero(first_of_patient(adata.obs, known))
        dropped = int(known.sum()) - rows.size
        if dropped:
            notes.append(f"{name}: {dropped} further samples of patients already there were left out.")
        if not known.all():
            notes.append(f"{name}: {int((~known).sum())} samples without follow-up were left out.")
        y = outcome.iloc[rows]
        y = y.assign(event=y["event"] == 1)
        if rows.size == 0:
            notes.append(f"{name}: no sample has both a time and a status; nothing was computed.")
            continue
        found.append(Endpoint(name, role.unit, rows, y))
    return found


def covariates_of(adata: AnnData) -> pd.DataFrame:
    """Return the declared clinical covariates, one column each (none when none was declared)."""
    names = roles_of(adata).covariates
    columns = {}
    for name in names:
        # A clinical column that shares its name with a canonical one was kept under the longer name.
        source = f"{name}_recorded" if f"{name}_recorded" in adata.obs else name
        if source not in adata.obs:
            raise InputError(f"covariate '{name}' is no clinical column.{nearest(name, adata.obs.columns)}")
        columns[name] = adata.obs[source]
    return pd.DataFrame(columns, index=adata.obs_names)


def groups_of(
    column: pd.Series, notes: list[str], *, omit: tuple[str, ...] = ("equivocal",)
) -> pd.Series | None:
    """Return the groups of a categorical column that are large enough, None when fewer than two are.

    Samples in small groups, without a group, or in one of `omit` are missing in the result.
    """
    categorical = column.astype("category")
    counts = categorical.value_counts()
    levels = [level for level in categorical.cat.categories if level not in omit]
    large = [level for level in levels if counts[level] >= MIN_GROUP]
    small = [str(level) for level in levels if 0 < counts[level] < MIN_GROUP]
    if small:
        notes.append(f"{column.name}: fewer than {MIN_GROUP} samples in {', '.join(small)}; left out.")
    return categorical.cat.set_categories(large) if len(large) >= 2 else None


@contextmanager
def noting(notes: list[str]) -> Iterator[None]:
    """Keep the warnings of estimators as notes, each once, and issue them again."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        if not issubclass(warning.category, PrecisionMedWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif str(warning.message) not in notes:
            warn(str(warning.message), notes)


def scheme(params: dict[str, Any]) -> str:
    """Return the cross-validation in words."""
    repeats = params["n_repeats"]
    return f"{params['n_folds']}-fold cross-validation" + (
        f" repeated {repeats} times" if repeats > 1 else ""
    )


def tables(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return several tables below one another, ready to be stored."""
    return table(pd.concat(frames, ignore_index=True))


def labelled(frame: pd.DataFrame, **labels: Any) -> pd.DataFrame:
    """Return a table with constant columns in front."""
    frame = frame.copy()
    for position, (name, value) in enumerate(labels.items()):
        frame.insert(position, name, value)
    return frame
