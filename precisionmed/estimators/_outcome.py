"""Survival outcomes as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from precisionmed.errors import InputError


def is_survival(y: Any) -> bool:
    """Return whether `y` is a structured array or data frame with `event` and `time`."""
    names = y.columns if isinstance(y, pd.DataFrame) else getattr(getattr(y, "dtype", None), "names", None)
    return names is not None and {"event", "time"} <= set(names)


def survival_arrays(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return event (bool) and time (float), both (n,), of a survival outcome.

    Raises
    ------
    InputError
        Fields are lacking, a value is missing, a time is negative, or an event is neither 0 nor 1.
    """
    if not is_survival(y):
        raise InputError(
            "a survival outcome needs the fields 'event' and 'time' (structured array or frame)."
        )
    event, time = np.asarray(y["event"], float), np.asarray(y["time"], float)
    if not np.isfinite(time).all() or (time < 0).any():
        raise InputError("survival times must be numbers from 0 up; leave samples without a time out first.")
    if not np.isin(event, (0, 1)).all():
        raise InputError("events must be 0 or 1; leave samples without a status out first.")
    return event.astype(bool), time


def take(y: Any, rows: np.ndarray) -> Any:
    """Return the given rows of an outcome."""
    return y.iloc[rows] if isinstance(y, pd.DataFrame | pd.Series) else np.asarray(y)[rows]


def time_and_event(y: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return time and event, both (n,), of as many samples, at least one of them with an event."""
    event, time = survival_arrays(y)
    if time.size != n_samples:
        raise InputError(f"{n_samples} samples but {time.size} outcomes; give one outcome a sample.")
    if n_samples < 2 or not event.any():
        raise InputError(f"a Cox model needs events; there are {int(event.sum())} in {n_samples} samples.")
    return time, event


def checked_ties(ties: str) -> str:
    """Return `ties` if there is such a treatment of tied event times."""
    if ties not in ("efron", "breslow"):
        raise InputError(f"ties must be 'efron' or 'breslow', not {ties!r}.")
    return ties
