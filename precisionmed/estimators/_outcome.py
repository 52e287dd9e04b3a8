"""Survival outcomes: the one entrance through which times and events reach every estimator.

Times that are equal but for rounding, as those made by subtraction are, become equal here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._vectors import numbers, which, zero_one

TIE_TOLERANCE = float(np.sqrt(np.finfo(float).eps))
"""Times closer than this, relative to their mean, are tied."""
_ENTRY_ALIASES = ("entry_time", "start", "tstart", "truncation", "left_truncation", "delayed_entry")


@dataclass(frozen=True)
class FollowUp:
    """Checked outcome of the samples; ties in time are exact."""

    time: np.ndarray
    event: np.ndarray
    """bool"""
    entry: np.ndarray | None = None
    """When a sample came under observation: it is at risk from then (excluded) to its time (included)."""

    @property
    def span(self) -> np.ndarray:
        """`time` (n,), or time and entry as two columns (n, 2): what can be subset as one array."""
        return self.time if self.entry is None else np.column_stack([self.time, self.entry])

    def at_risk(self, time: float) -> np.ndarray:
        """Return who is under observation just before `time`, (n,)."""
        present = self.time >= time
        return present if self.entry is None else present & (self.entry < time)


def is_survival(y: Any) -> bool:
    """Return whether `y` is a structured array or data frame with `event` and `time`."""
    return {"event", "time"} <= set(_fields(y))


def survival_outcome(y: Any, n_samples: int | None = None) -> FollowUp:
    """Return the outcome that stands in a structured array or data frame.

    Parameters
    ----------
    y : structured array or DataFrame
        `event` and `time`, and perhaps `entry`.
    n_samples : int, optional
        How many samples there must be.

    Raises
    ------
    InputError
        Fields are lacking, or as in `follow_up`.
    """
    fields = _fields(y)
    if not is_survival(y):
        raise InputError(
            "a survival outcome needs the fields 'event' and 'time' (structured array or frame)."
        )
    alias = [name for name in fields if str(name).lower() in _ENTRY_ALIASES or str(name) == "Entry"]
    if alias and "entry" not in fields:
        raise InputError(f"the outcome has a field '{alias[0]}': call it 'entry', or leave it out.")
    found = follow_up(y["time"], y["event"], y["entry"] if "entry" in fields else None)
    if n_samples is not None and found.time.size != n_samples:
        raise InputError(f"{n_samples} samples but {found.time.size} outcomes; give one outcome a sample.")
    return found


def follow_up(time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None) -> FollowUp:
    """Return a checked outcome.

    Raises
    ------
    InputError
        Lengths or indices differ, a value is missing, a time is negative or infinite, an event is neither
        0 nor 1, or a sample enters when it has left.
    """
    time, event, entry = aligned(time=time, event=event, entry=entry)
    times = numbers(time, "time")
    _from_zero(times, time, "time")
    events = zero_one(event, "event", times.size)
    if entry is None:
        return FollowUp(merge_ties(times)[0], events)
    entries = numbers(entry, "entry", times.size)
    _from_zero(entries, entry, "entry")
    times, entries = merge_ties(times, entries)
    late = entries >= times
    if late.any():
        raise InputError(
            f"entry is not before the time in {which(time, late)}: never under observation; "
            "leave them out first."
        )
    return FollowUp(times, events, entries)


def merge_ties(*times: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return times in which those that differ by rounding only are equal: the smallest of them.

    Rounding is a gap, to the next distinct time, of at most the square root of the machine precision,
    relative to the mean distinct time; as in R's `survival::aeqSurv`, but for its absolute tolerance, which
    would make the ties depend on the unit.
    """
    distinct = np.unique(np.concatenate(times))
    tied = np.diff(distinct) <= rounding(distinct)
    if not tied.any():
        return times
    kept = distinct[np.append(True, ~tied)]
    return tuple(kept[np.searchsorted(kept, values, side="right") - 1] for values in times)


def steps_before(steps: np.ndarray, times: ArrayLike) -> np.ndarray:
    """Return how many of the increasing `steps` each time has reached, rounding aside."""
    try:
        values = np.asarray(times, dtype=float)
    except (TypeError, ValueError):
        raise InputError("a time is no number.") from None
    if np.isnan(values).any():
        raise InputError("a time is missing; give numbers.")
    return np.searchsorted(steps, values + rounding(steps), side="right")


def rounding(distinct: np.ndarray) -> float:
    """Return the largest difference of equal times, in their unit."""
    return TIE_TOLERANCE * float(np.abs(distinct).mean()) if distinct.size else 0.0


def take(y: Any, rows: np.ndarray) -> Any:
    """Return the given rows of an outcome."""
    return y.iloc[rows] if isinstance(y, pd.DataFrame | pd.Series) else np.asarray(y)[rows]


def outcome_with_events(y: Any, n_samples: int) -> FollowUp:
    """Return the outcome of as many samples, at least one of them with an event."""
    found = survival_outcome(y, n_samples)
    if n_samples < 2 or not found.event.any():
        events = int(found.event.sum())
        raise InputError(f"a Cox model needs events; there are {events} in {n_samples} samples.")
    return found


def _fields(y: Any) -> tuple[Any, ...]:
    names = y.columns if isinstance(y, pd.DataFrame) else getattr(getattr(y, "dtype", None), "names", None)
    return () if names is None else tuple(names)


def _from_zero(values: np.ndarray, given: Any, what: str) -> None:
    if (values < 0).any():
        raise InputError(f"{what} is negative in {which(given, values < 0)}; it must be from 0 up.")
