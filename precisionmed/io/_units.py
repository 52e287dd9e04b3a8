"""Numbers with their unit in the same cell: `23 mm`, `2.1 cm`, `57 years`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from precisionmed.errors import first_few, split_words

_UNITS = {
    "mm": r"mm|millimet(?:er|re)s?",
    "cm": r"cm|centimet(?:er|re)s?",
    "kg": r"kg",
    "years": r"y|yrs?\.?|years?(?: old)?",
    "months": r"mos?\.?|mths?\.?|months?",
    "weeks": r"wks?\.?|weeks?",
    "days": r"days?",
}
_NUMBER = r"[+-]?\d[\d.,]*"
_ANY_UNIT = "|".join(f"(?:{form})" for form in _UNITS.values())
_WITH_UNIT = re.compile(rf"({_NUMBER})\s*({_ANY_UNIT})")
_ENDING = re.compile(rf"\d\s*(?:{_ANY_UNIT})$", re.IGNORECASE)
_MILLIMETRES = {"mm": 1.0, "cm": 10.0}


def split_units(texts: Mapping[str, str], heading: str) -> tuple[dict[str, str], dict[str, float], str]:
    """Take the units off the values of a column.

    One unit in all cells is taken off. Of millimetres and centimetres together all become what the heading
    says, or millimetres; other mixtures stay as they are. A bare number beside numbers with a unit needs
    the heading's unit.

    Parameters
    ----------
    texts
        Each text of the column, and the same in lower case.
    heading
        Name of the column.

    Returns
    -------
    dict of str to str, dict of str to float, str
        Text -> its number; text -> what that is multiplied by; and the unit of the column. Empty when no
        text has a unit, or when it cannot be told which one the column has.
    """
    found = {text: match for text, clean in texts.items() if (match := _WITH_UNIT.fullmatch(clean))}
    units = {text: _unit(match[2]) for text, match in found.items()}
    named = _named(heading)
    there = {*units.values(), *([named] if named else [])}
    bare = [text for text, clean in texts.items() if re.fullmatch(_NUMBER, clean)]
    lengths = there <= set(_MILLIMETRES)
    if not found or (len(there) > 1 and not lengths) or (bare and not named):
        return {}, {}, ""
    unit = named or (next(iter(there)) if len(there) == 1 else "mm")
    numbers = {text: match[1] for text, match in found.items()}
    if not lengths:
        return numbers, dict.fromkeys(numbers, 1.0), unit
    return numbers, {text: _MILLIMETRES[units[text]] / _MILLIMETRES[unit] for text in numbers}, unit


def ends_in_unit(text: str) -> bool:
    """Return whether the last a text says is a number with its unit."""
    return _ENDING.search(text) is not None


def told(numbers: Mapping[str, str], factors: Mapping[str, float], unit: str) -> str:
    """Return in words what was taken off, and what was converted."""
    converted = [text for text in numbers if factors[text] != 1.0]
    if converted:
        return f"as {unit} ({first_few(map(repr, converted), 3)} converted)"
    return f"{unit} without the unit ({first_few(map(repr, numbers), 3)})"


def _unit(text: str) -> str:
    return next(unit for unit, form in _UNITS.items() if re.fullmatch(form, text))


def _named(heading: str) -> str:
    """Return the unit that a heading states, if it states one."""
    words = [word for word in split_words(heading) if len(word) > 1]  # an initial is no unit
    named = {unit for unit, form in _UNITS.items() if any(re.fullmatch(form, word) for word in words)}
    return next(iter(named)) if len(named) == 1 else ""
