"""Clinical columns whose levels have an order: stage, T, N, M, grade, and negative before positive."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from precisionmed.errors import InputError, first_few
from precisionmed.io._values import equals_any, value_key
from precisionmed.io.tables import is_missing

DETAIL = "_detail"
"""Behind the name of a column that keeps substages as recorded."""
_MOSTLY = 0.8
"""Share of the values of a column that have to be levels of a kind."""
_UNKNOWN = re.compile(
    r"(?:stage |grade |yp|p|c|y|r)?[tnmg]?x|(?:stage |grade )?(?:unknown|undetermined|indeterminate|nos|"
    r"not (?:assessed|staged|graded|determined|done|known|evaluable)|"
    r"cannot be (?:assessed|determined|evaluated))"
)
_ROMAN = {"i": "I", "ii": "II", "iii": "III", "iv": "IV", "1": "I", "2": "II", "3": "III", "4": "IV"}
_DIFFERENTIATION = (
    (r"well", "1"),
    (r"moderate", "2"),
    (r"poor", "3"),
    (r"undifferentiated|anaplastic", "4"),
)


@dataclass(frozen=True)
class _Kind:
    """One kind of ordered column."""

    name: str
    heading: str
    """Words that the heading has."""
    bare: str
    """Words without which the bare number of a level is none of this kind."""
    levels: tuple[str, ...]
    level: Callable[[str], str]
    """The level of a lower-case value, or an empty string."""


def _stage(text: str) -> str:
    text = re.sub(r"\b(stage|ajcc|figo|pathologic(al)?|clinical|anatomic)\b[ :]*", "", text).strip()
    match = re.fullmatch(r"(?:p|c|yp)?(0|tis|is|i{1,3}|iv|[1-4])(?:is|[ -]?[abc]\d?)?", text)
    return "" if match is None else _ROMAN.get(match[1], "0")


def _tnm(letter: str) -> Callable[[str], str]:
    details = r"(?:[a-d]\d?|mi|mic)?(?:\s*\([^)]*\))?"
    pattern = re.compile(rf"(?:yp|p|c|r|y)?({letter}?)({'is|' if letter == 't' else ''}[0-4]){details}")

    def level(text: str) -> str:
        match = pattern.fullmatch(re.sub(r"^stage ", "", text))
        return f"{letter.upper()}{match[2]}" if match else ""

    return level


def _grade(text: str) -> str:
    match = re.fullmatch(r"(?:histologic(?:al)? )?(?:grade|gr\.?|g)?\s*(i{1,3}|iv|v|[1-5])(?:\.0+)?", text)
    if match:
        return {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}.get(match[1], match[1])
    text = re.sub(r"^grade ", "", text)
    return next((level for word, level in _DIFFERENTIATION if re.match(rf"(?:{word})", text)), "")


def _low_high(text: str) -> str:
    match = re.fullmatch(r"(low|intermediate|medium|high)(?:[ -](?:grade|risk))?", text)
    return {"medium": "intermediate"}.get(match[1], match[1]) if match else ""


_KINDS = (
    _Kind("T", r"\bp?c?t\b|stage|\btnm\b|tumou?r|path|ajcc", r"\b[pc]?t\b",
          ("Tis", "T0", "T1", "T2", "T3", "T4"), _tnm("t")),
    _Kind("N", r"\bp?c?n\b|node|nodal|lymph|stage|\btnm\b|path|ajcc",
          r"\b[pc]?n\b|\bnod(?:e|al) (?:stage|category)\b", ("N0", "N1", "N2", "N3"),
          _tnm("n")),
    _Kind("M", r"\bp?c?m\b|metasta|stage|\btnm\b|path|ajcc", r"\b[pc]?m\b", ("M0", "M1"), _tnm("m")),
    _Kind("stage", r"stage|\bajcc\b|\bfigo\b", r"stage|\bajcc\b|\bfigo\b",
          ("0", "I", "II", "III", "IV"), _stage),
    _Kind("grade", r"grade|differentiation|nottingham|\bsbr\b", r"grade|\bsbr\b|nottingham",
          ("1", "2", "3", "4", "5"), _grade),
    _Kind("grade", r"grade|risk", r"grade|risk", ("low", "intermediate", "high"), _low_high),
)  # fmt: skip
_BINARY = (
    ("negative", "positive"), ("neg", "pos"), ("-", "+"), ("no", "yes"), ("n", "y"), ("absent", "present"),
    ("false", "true"), ("wild type", "mutant"), ("wild-type", "mutant"), ("wildtype", "mutated"),
    ("wt", "mut"), ("none", "any"),
)  # fmt: skip


def ordered_levels(
    recorded: pd.Series, stated: Sequence[str] | None, key: str, file: str, notes: list[str]
) -> pd.Series | None:
    """Return the levels of an ordered clinical column, lowest first; None when it is not one.

    Substages become their stage (IIA and IIB: II), X and what could not be assessed is missing. The levels
    themselves are recognized by heading and values, or stated.

    Parameters
    ----------
    recorded
        Text values.
    stated
        The levels in `cohort.roles.ordered`, lowest first.
    key
        Config key of the role that the column has, empty when it has none.
    file
        Clinical table, for messages.
    notes
        Where is kept what was done.

    Returns
    -------
    Series of ordered categories, or None
        All levels between the lowest and the highest that occur.

    Raises
    ------
    InputError
        A value is not among the stated levels; or a few values of a column with a role are no level.
    """
    if stated is not None:
        return _as_stated(recorded, stated, file)
    if str(recorded.name).endswith(DETAIL):
        return None
    present = recorded[~is_missing(recorded)]
    values = {value: " ".join(str(value).lower().split()) for value in present.unique()}
    unknown = [value for value, text in values.items() if _UNKNOWN.fullmatch(text)]
    known = present[~present.isin(unknown)]
    if known.empty:
        return None
    binary = _binary(known)
    if binary is not None:
        if unknown:
            notes.append(f"column '{recorded.name}': {first_few(map(repr, unknown), 3)} is missing.")
        return recorded.map(binary[0]).astype(pd.CategoricalDtype(binary[1], ordered=True))
    for kind in _KINDS:
        level = _levels_of(kind, str(recorded.name), {v: t for v, t in values.items() if v not in unknown})
        share = known.isin(list(level)).mean()
        if share < _MOSTLY or len(set(level.values())) < 2:
            continue
        strange = known[~known.isin(list(level))]
        if len(strange):
            if not key:
                return None
            raise InputError(
                f"{file}: column '{recorded.name}' ({key}): {len(strange)} samples have "
                f"{first_few(map(repr, strange.unique()), 3)} (first: sample '{strange.index[0]}'), which is "
                f"no {kind.name}; rename or blank it with cohort.values, or list the levels in "
                "cohort.roles.ordered."
            )
        return _told(recorded, kind, level, unknown, notes)
    return None


def _told(
    recorded: pd.Series, kind: _Kind, level: Mapping[str, str], unknown: list[str], notes: list[str]
) -> pd.Series:
    found = [name for name in kind.levels if name in level.values()]
    every = kind.levels[kind.levels.index(found[0]) : kind.levels.index(found[-1]) + 1]
    said = f"column '{recorded.name}': {kind.name} {' < '.join(found)}"
    if unknown:
        said += f"; {first_few(map(repr, unknown), 3)} is missing"
    notes.append(said + ".")
    return recorded.map(level).astype(pd.CategoricalDtype(list(every), ordered=True))


def _levels_of(kind: _Kind, heading: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the level of each value that is one of this kind."""
    words = " ".join(re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading).lower()))
    if not re.search(kind.heading, words) or re.search(r"\bdays?\b|\bage\b|version|edition|date", words):
        return {}
    bare = bool(re.search(kind.bare, words))
    return {
        value: level
        for value, text in values.items()
        if (level := kind.level(text)) in kind.levels and (bare or not re.fullmatch(r"[\d.]+", text))
    }


def _binary(known: pd.Series) -> tuple[dict[str, str], list[str]] | None:
    """Return the two levels of a column of negative and positive (no and yes, ...), the negative first."""
    texts = {value: str(value).strip().lower() for value in known.unique()}
    for low, high in _BINARY:
        if set(texts.values()) == {low, high}:
            counts = known.value_counts()
            spelled = {}
            for level in (low, high):
                spellings = sorted(value for value, text in texts.items() if text == level)
                spelled[level] = max(spellings, key=lambda value: counts[value])
            return {value: spelled[text] for value, text in texts.items()}, [spelled[low], spelled[high]]
    return None


def _as_stated(recorded: pd.Series, stated: Sequence[str], file: str) -> pd.Series:
    place = f"{file}: column '{recorded.name}'"
    if len({value_key(level) for level in stated}) < len(stated):
        raise InputError(f"{place}: cohort.roles.ordered lists a level twice; list each once.")
    missing = is_missing(recorded)
    strange = recorded[~missing & ~equals_any(recorded, stated)]
    if len(strange):
        raise InputError(
            f"{place}: {len(strange)} samples have {first_few(map(repr, strange.unique()), 3)} (first: "
            f"sample '{strange.index[0]}'), which cohort.roles.ordered does not list; list it, or blank it "
            "with cohort.values."
        )
    names = {value_key(level): level for level in stated}
    levels = recorded.map(lambda value: names.get(value_key(value))).where(~missing)
    return levels.astype(pd.CategoricalDtype(list(stated), ordered=True))
