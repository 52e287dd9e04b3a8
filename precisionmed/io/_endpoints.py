"""Censored outcomes: time, event and entry of each sample from the columns that a config names."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from precisionmed.config import DAYS_PER, EndpointConfig
from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._dates import DateColumn, days_between, read_dates
from precisionmed.io._values import clinical_column, equals_any, to_labels, to_numbers
from precisionmed.io.tables import is_missing

_NO_SERIAL = 10_000  # below: a time; Excel's day numbers of this and the last century lie far above


def endpoint_columns(
    clinical: pd.DataFrame, endpoints: dict[str, EndpointConfig], file: str, notes: list[str]
) -> dict[str, pd.Series]:
    """Return `<name>_time`, `<name>_event` (0 or 1) and, if declared, `<name>_entry` of every endpoint.

    Samples without one of them have none.

    Raises
    ------
    InputError
        A column is missing, a value is no time, date or event, or a time is not possible.
    """
    columns: dict[str, pd.Series] = {}
    for name, endpoint in endpoints.items():
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            raise InputError(
                f"cohort.roles.endpoints: '{name}' is no short name; use letters, digits and '_' (os, rfs)."
            )
        found = _Endpoint(clinical, name, endpoint, file, notes).read()
        columns |= {f"{name}_{part}": values for part, values in found.items()}
    return columns


def recorded_outcome(obs: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return `event`, `time` and, if there is one, `entry` of every sample, as `endpoint_columns` left them.

    Samples without one of them have none.

    Raises
    ------
    InputError
        A column is absent, or an event is neither 0 nor 1.
    """
    absent = [f"{name}_{part}" for part in ("time", "event") if f"{name}_{part}" not in obs]
    if absent:
        raise InputError(f"endpoint '{name}': column '{absent[0]}' is not in obs; read it with read_cohort.")
    parts = [part for part in ("event", "time", "entry") if f"{name}_{part}" in obs]
    outcome = pd.DataFrame({part: obs[f"{name}_{part}"].astype(float) for part in parts}, index=obs.index)
    outcome = outcome.mask(outcome.isna().any(axis=1))
    if not outcome["event"].dropna().isin((0, 1)).all():
        raise InputError(f"endpoint '{name}': '{name}_event' in obs must be 0 or 1; recode it.")
    return outcome


class _Endpoint:
    """One endpoint while it is read."""

    def __init__(
        self, clinical: pd.DataFrame, name: str, endpoint: EndpointConfig, file: str, notes: list[str]
    ) -> None:
        self.clinical, self.name, self.endpoint, self.file, self.notes = clinical, name, endpoint, file, notes
        self.key = f"cohort.roles.endpoints.{name}"

    def read(self) -> dict[str, pd.Series]:
        event = self._event()
        candidates, entry = self._dates() if self.endpoint.start else self._numbers()
        time = candidates[0] if len(candidates) == 1 else self._coalesced(candidates, event)
        if time.isna().all():
            raise InputError(
                f"{self.file}: {self._listed()} ({self.key}) has no time for any sample; name another column."
            )
        found = {"time": time, "event": event} | ({} if entry is None else {"entry": entry})
        early = self._impossible(found)
        unknown = ~early & np.logical_or.reduce([values.isna() for values in found.values()])
        if unknown.any():
            what = "a time or event" if entry is None else "a time, event or entry"
            warn(f"Endpoint {self.name}: {int(unknown.sum())} samples without {what} are left out of it.",
                 self.notes)  # fmt: skip
        if early.any():
            found = {part: values.mask(early) for part, values in found.items()}
        if entry is not None:  # an entry must never be forgotten: without it there is no time at risk
            found = {part: values.mask(entry.isna()) for part, values in found.items()}
        if not (found["event"] == 1).any():
            warn(f"Endpoint {self.name}: no event in column '{self.endpoint.event}'.", self.notes)
        return found

    def _listed(self) -> str:
        names = self.endpoint.ends
        return f"column{'s' if len(names) > 1 else ''} " + " and ".join(f"'{name}'" for name in names)

    def _column(self, name: str, part: str) -> pd.Series:
        recorded = clinical_column(self.clinical, name, f"{self.key}.{part}", self.file)
        return recorded.mask(equals_any(recorded, self.endpoint.missing_values))

    def _numbers(self) -> tuple[list[pd.Series], pd.Series | None]:
        fix = f"give the time in {self.endpoint.unit} as a number, or leave it empty"
        times = [
            to_numbers(
                self._column(name, "time"), f"{self.key}.time", self.file, fix, self.notes, self.endpoint.unit
            )
            for name in self.endpoint.ends
        ]
        if self.endpoint.entry is None:
            return times, None
        entry = self._column(self.endpoint.entry, "entry")
        return times, to_numbers(entry, f"{self.key}.entry", self.file, fix, self.notes, self.endpoint.unit)

    def _dates(self) -> tuple[list[pd.Series], pd.Series | None]:
        """Return the times from `start` to each end, and to the entry, in the stated unit."""
        listed = [(str(self.endpoint.start), "start"), *((name, "end") for name in self.endpoint.ends)]
        entry: pd.Series | None = None
        if self.endpoint.entry is not None:
            recorded = self._column(self.endpoint.entry, "entry")
            numbers = pd.to_numeric(recorded.where(~is_missing(recorded)), errors="coerce")
            if numbers.notna().any() and (numbers.dropna() < _NO_SERIAL).all():
                fix = f"give the entry as a date, or in {self.endpoint.unit} as a number"
                entry = to_numbers(
                    recorded, f"{self.key}.entry", self.file, fix, self.notes, self.endpoint.unit
                )
            else:
                listed.append((self.endpoint.entry, "entry"))
        columns = [DateColumn(self._column(name, part), f"{self.key}.{part}") for name, part in listed]
        start, *others = read_dates(columns, self.endpoint.date_order, self.file)
        times = [days_between(start, other) / DAYS_PER[self.endpoint.unit] for other in others]
        if self.endpoint.entry is not None and entry is None:
            entry = times.pop()
        self.notes.append(
            f"Endpoint {self.name}: time in {self.endpoint.unit} from '{self.endpoint.start}' to "
            f"{self._listed().split(' ', 1)[1]}."
        )
        return times, entry

    def _coalesced(self, times: list[pd.Series], event: pd.Series) -> pd.Series:
        """Return the time of those with the event from the first columns, of the others from the last one.

        Who has the event without its time, or its time without the event, has none.
        """
        *to_event, follow_up = times
        happened = to_event[0]
        for other in to_event[1:]:
            happened = happened.fillna(other)
        dead, alive = event == 1, event == 0
        time = happened.where(dead, follow_up.where(alive))
        untimed = dead & happened.isna()
        contradicted = alive & happened.notna()
        first, last = " or ".join(f"'{name}'" for name in self.endpoint.ends[:-1]), self.endpoint.ends[-1]
        if untimed.any():
            warn(
                f"Endpoint {self.name}: {int(untimed.sum())} samples have the event but no time in {first} "
                f"({first_few(time.index[untimed])}); their last follow-up ('{last}') is not its time.",
                self.notes,
            )
        if contradicted.any():
            warn(
                f"Endpoint {self.name}: {int(contradicted.sum())} samples have a time in {first} without the "
                f"event ({first_few(time.index[contradicted])}) and are left out of it.",
                self.notes,
            )
        return time.mask(contradicted)

    def _impossible(self, found: dict[str, pd.Series]) -> np.ndarray:
        """Return whose time is zero, negative or not after the entry; raise unless they are to be dropped."""
        time = found["time"]
        early = (time <= 0).to_numpy()
        problems = [("a time of 0 or less", early)]
        if "entry" in found:
            late = (found["entry"] >= time).to_numpy() & ~early
            problems.append(
                (f"an entry (column '{self.endpoint.entry}') that is not before their time", late)
            )
        for what, which in problems:
            if not which.any():
                continue
            n, who = int(which.sum()), first_few(self.clinical.index[which])
            if self.endpoint.nonpositive_time == "error":
                part = "time" if self.endpoint.start is None else "start"
                raise InputError(
                    f"{self.file}: {self._listed()} ({self.key}.{part}): {n} samples have {what} ({who}); "
                    f"correct them, or set {self.key}.nonpositive_time: drop to leave these "
                    "patients out of the survival analysis."
                )
            warn(f"Endpoint {self.name}: {n} samples with {what} are left out of it.", self.notes)
        if "entry" in found:
            found["entry"] = found["entry"].clip(lower=0)  # before the start nobody is at risk
        return np.logical_or.reduce([which for _, which in problems])

    def _event(self) -> pd.Series:
        """Return 0/1; beside the listed values `1:LABEL` and `0:LABEL` (cBioPortal) are understood."""
        column = clinical_column(self.clinical, self.endpoint.event, f"{self.key}.event", self.file)
        values = {name: getattr(self.endpoint, name) for name in ("event_values", "censored_values")}
        listed = [value for each in values.values() for value in each]
        code = column.str.extract(r"^\s*([01])\s*:", expand=False).fillna("")
        known = [*listed, *self.endpoint.missing_values]
        coded = column.mask(~equals_any(column, known) & equals_any(code, listed), code)
        labels = to_labels(coded, values, self.key, self.file, missing=self.endpoint.missing_values)
        return labels.astype(object).map({"event_values": 1.0, "censored_values": 0.0}).astype(float)
