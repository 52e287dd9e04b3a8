"""Gene symbols that a spreadsheet has turned into dates, and the families renamed because of it."""

from __future__ import annotations

import re

# Renamed by the HGNC in 2020 (Bruford et al., Nat Genet 2020;52:754-758) since spreadsheets take the old
# names for dates. These were approved symbols, so they win over mere aliases (SEPT2 of SEPTIN6, DEC1 of
# BHLHE40).
_RENAMED = {
    "SEPT": ("SEPTIN", range(1, 15)),
    "MARCH": ("MARCHF", range(1, 12)),
    "MARC": ("MTARC", range(1, 3)),
}
_SINGLE = {"DEC1": "DELEC1", "SEP15": "SELENOF"}

# Stems of symbols that a spreadsheet reads as a month.
_STEMS = {
    1: ("JAN",), 2: ("FEB",), 3: ("MARCH", "MARC"), 4: ("APR",), 5: ("MAY",), 6: ("JUN",),
    7: ("JUL",), 8: ("AUG",), 9: ("SEPT", "SEP"), 10: ("OCT",), 11: ("NOV",), 12: ("DEC",),
}  # fmt: skip
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_OTHER_LANGUAGES = {
    "mrz": 3,
    "mär": 3,
    "mai": 5,
    "okt": 10,
    "dez": 12,
    "sept": 9,
    "march": 3,
    "ago": 8,
    "dic": 12,
}
_DAY_MONTH = re.compile(r"(\d{1,2})[-./ ]\s*([^\W\d]{3,5})\.?(?:[-./ ]\d{2,4})?$")
_MONTH_DAY = re.compile(r"([^\W\d]{3,5})[-./ ](\d{1,2})$")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(?:\d{2}|\d{4})(?: 0?0:00(?::00)?)?$")
_ISO = re.compile(r"(?:19|20)\d\d-(\d{2})-(\d{2})(?:[ T]00:00(?::00)?(?:\.0+)?)?$")


def renamed_family(symbol: str) -> str:
    """Return the current symbol of `SEPT9`, `MARCH1`, `MARC1`, `DEC1` or `SEP15` (in capitals), or ``""``."""
    if symbol in _SINGLE:
        return _SINGLE[symbol]
    match = re.fullmatch(r"([A-Z]+)(\d{1,2})", symbol)
    stem, numbers = _RENAMED.get(match[1], ("", range(0))) if match else ("", range(0))
    return f"{stem}{int(match[2])}" if match and int(match[2]) in numbers else ""


def damaged_by_spreadsheet(label: str) -> list[str]:
    """Return the symbols that a spreadsheet shows as this date (`2-Sep`: `SEPT2`, `SEP2`), or nothing."""
    return [f"{stem}{day}" for month, day in _dates(label) for stem in _STEMS.get(month, ())]


def _dates(label: str) -> list[tuple[int, int]]:
    """Return the (month, day) that a label can be read as."""
    iso, slashes = _ISO.match(label), _SLASHES.match(label)
    if iso:
        return [(int(iso[1]), int(iso[2]))]
    if slashes:  # American or European order
        first, second = int(slashes[1]), int(slashes[2])
        return list(dict.fromkeys([(first, second), (second, first)]))
    day_month, month_day = _DAY_MONTH.match(label), _MONTH_DAY.match(label)
    if day_month:
        return [(_month(day_month[2]), int(day_month[1]))]
    return [(_month(month_day[1]), int(month_day[2]))] if month_day else []


def _month(word: str) -> int:
    word = word.lower()
    if word in _OTHER_LANGUAGES:
        return _OTHER_LANGUAGES[word]
    return _MONTHS.index(word) + 1 if word in _MONTHS else 0
