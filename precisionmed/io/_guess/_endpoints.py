"""Endpoints: which time goes with which event."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pandas as pd

from precisionmed.errors import InputError
from precisionmed.io._dates import DateColumn, days_between, read_dates
from precisionmed.io._guess._draft import Draft, matches, words
from precisionmed.io._guess._events import (
    ENDPOINTS,
    EVENT_NAMES,
    NOT_OUTCOME,
    Coding,
    endpoint_of,
    outcome_word,
    read_events,
)
from precisionmed.io._guess._times import FOLLOW, TimeColumn, find_dates, find_times, no_times, time_settings
from precisionmed.io._numbers import read_numbers
from precisionmed.io.tables import is_missing

_UNNAMED = "survival"
"""Name of an endpoint whose columns do not say what they count."""


@dataclass(frozen=True)
class _Pair:
    """An event, and the columns with its time (several: the last one is of those without the event)."""

    times: list[str]
    event: str
    start: str | None
    complete: int


def find_endpoints(draft: Draft) -> dict[str, Any]:
    """Return the endpoints of a table (as in `RolesConfig`), overall survival first."""
    events = _find_events(draft)
    times = find_times(draft, set(events))
    starts, dates = find_dates(draft)
    found: dict[str, Any] = {}
    for name in [*(name for name, _ in reversed(ENDPOINTS)), _UNNAMED]:
        if name == _UNNAMED and found:
            break
        pairs = _pairs(draft, name, events, times, None, set(draft.roles))
        if not pairs and starts:
            pairs = _pairs(draft, name, events, dates, starts[0], set(draft.roles))
        if not pairs:
            continue
        best = _best(pairs, events)
        endpoint = _settings(draft, name, best, events[best.event])
        if endpoint is None:
            continue
        found[name] = endpoint
        _other_pairs(draft, name, best, pairs)
        _note_uses(draft, name, best)
    _entry(draft, found)
    _explain_rest(draft, events, times, starts, dates, found)
    return found


def _find_events(draft: Draft) -> dict[str, Coding]:
    """Return the columns that say whether something happened: named so, or with dead or alive in them."""
    events = {}
    for column in draft.clinical.columns:
        values = draft.present(column)
        named = matches(column, EVENT_NAMES) and not matches(column, NOT_OUTCOME)
        worded = not named and _lives_or_died(values)
        if not (named or worded) or draft.numbers(column).nunique() > 3:
            continue
        coding = read_events(draft, column)
        if isinstance(coding, Coding):
            events[column] = coding
        elif values.nunique() <= max(12, 0.2 * len(values)):
            draft.pass_over(column, coding)
    return events


def _lives_or_died(values: pd.Series) -> bool:
    distinct = values.str.lower().unique()
    return (
        2 <= len(distinct) <= 12 and {"alive", "living", "dead", "deceased", "died"} & set(distinct) != set()
    )


def _pairs(
    draft: Draft,
    name: str,
    events: dict[str, Coding],
    times: list[TimeColumn],
    start: str | None,
    used: set[str],
) -> list[_Pair]:
    """Return the pairs of an endpoint: by name, else one of the two names says it, or (unnamed) neither."""
    own = "" if name == _UNNAMED else name
    named_events = [e for e in events if _endpoint(draft, e) == own]
    named_times = [t for t in times if t.endpoint == own]
    free = [e for e in events if _endpoint(draft, e) == "" and e not in used]
    generic = [t for t in times if t.endpoint == "" and t.column not in used]
    last_seen = [t for t in generic if name == "os" or not t.follow_up or len(events) == 1]
    if name == _UNNAMED:
        chosen_events, chosen_times = free, generic
    elif named_events and start is not None:
        chosen_events, chosen_times = named_events, [*last_seen, *named_times]
    elif named_events:
        chosen_events, chosen_times = named_events, named_times or last_seen
    else:
        chosen_events, chosen_times = (free if named_times else []), named_times
    follow = [t.column for t in times if t.follow_up]
    pairs = []
    for time, event in itertools.product(chosen_times, chosen_events):
        if time.column != event:
            pairs.append(_joined(draft, time.column, follow, event, events[event], start))
    return [pair for pair in pairs if pair.complete > 0]


def _endpoint(draft: Draft, event: str) -> str:
    """Return the endpoint of an event column: by its name, else by its values."""
    named = endpoint_of(event)
    if named:
        return named
    text = " ".join(draft.present(event).str.lower().unique())
    return endpoint_of(text) if outcome_word(text) is not None or endpoint_of(text) else ""


def _joined(
    draft: Draft, time: str, follow: list[str], event: str, coding: Coding, start: str | None
) -> _Pair:
    """Return a pair; a time that only those with the event have is joined with that of the last follow-up."""
    has_time = ~is_missing(draft.clinical[time])
    known = draft.clinical[event].str.strip().isin([*coding.event, *coding.censored])
    happened = draft.clinical[event].str.strip().isin(coding.event)
    of_events, of_censored = has_time[happened].mean(), has_time[known & ~happened].mean()
    if of_events >= 0.5 and of_censored < 0.1:
        for column in [c for c in follow if c != time]:
            there = ~is_missing(draft.clinical[column])
            if there[known & ~happened].mean() > 0.5:
                complete = int((known & ((happened & has_time) | (~happened & there))).sum())
                return _Pair([time, column], event, start, complete)
    n = int((known & has_time).sum())
    if of_events < 0.5 * of_censored or of_censored < 0.1:
        n = 0  # the time of one kind of patients alone is no follow-up
        which = "without" if of_events < of_censored else "with"
        draft.pass_over(
            time,
            f"only patients {which} the event ('{event}') have it, and the time of the others is not there",
        )
    return _Pair([time], event, start, n)


def _best(pairs: list[_Pair], events: dict[str, Coding]) -> _Pair:
    """Return the pair named most alike, its event in words, of those (nearly) as complete as the best."""
    most = max(pair.complete for pair in pairs)
    good = [pair for pair in pairs if pair.complete >= 0.9 * most]
    return max(
        good,
        key=lambda p: (
            not matches(p.times[0], FOLLOW),
            bool(_shared_words(p.times[0], p.event)) and events[p.event].in_words,
            _shared_words(p.times[0], p.event),
            len(p.times) == 1,
        ),
    )


def _shared_words(a: str, b: str) -> int:
    pairs = zip(words(a).split(), words(b).split(), strict=False)
    front = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    back = words(a).split()[-1:] == words(b).split()[-1:]
    return max(front, int(back))


def _settings(draft: Draft, name: str, pair: _Pair, coding: Coding) -> dict[str, Any] | None:
    key = f"roles.endpoints.{name}"
    times: str | list[str] = pair.times if len(pair.times) > 1 else pair.times[0]
    lists = {
        "event_values": coding.event,
        "censored_values": coding.censored,
        "missing_values": coding.missing,
    }
    if pair.start is None:
        measured: dict[str, Any] = {"time": times} | time_settings(draft, pair.times, key)
    else:
        try:
            early = _early_dates(draft, pair, key)
        except InputError as error:
            draft.pass_over(pair.times[0], str(error).removeprefix("the clinical table: "))
            return None
        measured = {"start": pair.start, "end": times, "unit": "months"}
        measured["nonpositive_time"] = "drop" if early else "error"
        draft.remark(f"{key}.start", "The time is made from two dates, in months.")
    for remark in coding.remarks:
        draft.remark(f"{key}.event_values", remark)
    if len(pair.times) > 1:
        part = "time" if pair.start is None else "end"
        draft.remark(
            f"{key}.{part}", f"'{pair.times[0]}' of those with the event, '{pair.times[1]}' of the others."
        )
    if name == _UNNAMED:
        draft.remark(
            f"{key}.event", "The names do not say which outcome this is; rename the endpoint (os, rfs, ...)."
        )
    return measured | {"event": pair.event} | lists


def _early_dates(draft: Draft, pair: _Pair, key: str) -> int:
    """Return how many patients end on or before the day they start; raise when the dates cannot be read."""
    columns = [DateColumn(draft.clinical[str(c)], key) for c in [pair.start, *pair.times]]
    start, *ends = read_dates(columns, "auto", "the clinical table")
    early = sum(int((days_between(start, end) <= 0).sum()) for end in ends)
    if early:
        draft.remark(f"{key}.nonpositive_time", f"{early} rows end on or before the day they start.")
    return early


def _other_pairs(draft: Draft, name: str, best: _Pair, pairs: list[_Pair]) -> None:
    others = [
        p for p in pairs if p.event != best.event and p.times != best.times and p.complete * 2 > best.complete
    ]
    if others:
        other = max(others, key=lambda p: p.complete)
        part = "time" if best.start is None else "end"
        draft.remark(
            f"roles.endpoints.{name}.{part}",
            f"It could also be {' and '.join(repr(t) for t in other.times)} with '{other.event}'.",
        )
    for pair in pairs:
        for column in [pair.event, *pair.times]:
            if column not in (best.event, *best.times):
                draft.reasons.setdefault(column, f"endpoint {name} has '{best.times[0]}' and '{best.event}'")


def _note_uses(draft: Draft, name: str, pair: _Pair) -> None:
    for column in pair.times:
        draft.use(column, f"endpoint {name}: {'time' if pair.start is None else 'end'}")
    if pair.start is not None:
        draft.use(pair.start, f"endpoint {name}: start")
    draft.use(pair.event, f"endpoint {name}: event")


def _entry(draft: Draft, found: dict[str, Any]) -> None:
    """Propose an entry time (left truncation) for overall survival, or the main endpoint."""
    for column in draft.named(r"\bentry\b|truncat|delayed", r"date|\bdata\b|\bage\b"):
        main = next((n for n, endpoint in found.items() if "time" in endpoint), None)
        if main is None:
            draft.pass_over(column, "there is no endpoint in numbers that it could be the entry of")
        elif draft.numbers(column).nunique() < 2:
            draft.pass_over(column, "it has not two different numbers")
        elif column not in draft.roles:
            read = read_numbers(draft.clinical[column])
            draft.leave_out(column, no_times(read), f"roles.endpoints.{main}.entry")
            found[main]["entry"] = column
            found[main]["nonpositive_time"] = _nonpositive(draft, found[main], read.numbers, main)
            draft.use(column, f"endpoint {main}: entry")
            draft.remark(
                f"roles.endpoints.{main}.entry",
                f"Patients count from here on (left truncation); the unit must be that of "
                f"'{found[main]['time']}'.",
            )


def _nonpositive(draft: Draft, endpoint: dict[str, Any], entry: pd.Series, name: str) -> str:
    """Return `nonpositive_time` of an endpoint with an entry."""
    times = endpoint["time"] if isinstance(endpoint["time"], list) else [endpoint["time"]]
    late = sum(int((entry >= read_numbers(draft.clinical[str(time)]).numbers).sum()) for time in times)
    if late:
        draft.remark(f"roles.endpoints.{name}.nonpositive_time", f"{late} rows enter at or after their time.")
    return "drop" if late else str(endpoint["nonpositive_time"])


def _explain_rest(
    draft: Draft,
    events: dict[str, Coding],
    times: list[TimeColumn],
    starts: list[str],
    dates: list[TimeColumn],
    found: dict[str, Any],
) -> None:
    for column in events:
        draft.pass_over(column, "no column with the time that goes with it was found")
    for time in times:
        draft.pass_over(time.column, "no column that says whether the event happened goes with it")
    for column in [*starts, *(date.column for date in dates)]:
        if found:
            draft.pass_over(column, "it is a date, and an endpoint has its time already")
        elif not starts:
            draft.pass_over(
                column, "it is a date, and no date says when follow-up starts (diagnosis, surgery)"
            )
        else:
            draft.pass_over(column, "it is a date, and no column says whether the event happened")
