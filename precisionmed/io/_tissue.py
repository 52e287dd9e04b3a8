"""Which samples are tumours: by the barcodes of TCGA and TARGET, and by the words of clinical columns."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Tissue = Literal["primary", "recurrent", "metastasis", "normal", "model", ""]
"""What a sample is of; models are cell lines and xenografts, empty: not said."""
NO_TUMOUR: tuple[Tissue, ...] = ("normal", "model")

_BARCODE = re.compile(
    r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}|TARGET-[0-9]{2}-[A-Z0-9]{6})(?:-([0-9]{2})([A-Z])?)?(?:-.*)?"
)
# https://gdc.cancer.gov/resources-tcga-users/tcga-code-tables/sample-type-codes
_TYPES: dict[Tissue, str] = {
    "primary": "01 03 05 08 09",
    "recurrent": "02 04 40",
    "metastasis": "06 07",
    "normal": "10 11 12 13 14",
    "model": "20 50 60 61",
}
_LETTERS: dict[Tissue, str] = {
    "primary": "tp tb tap thoc tbm",
    "recurrent": "tr trbm trb",
    "metastasis": "tm tam",
    "normal": "nb nt nbc nebv nbm",
    "model": "cellc cell xp xcl",
}
_WORDS: tuple[tuple[Tissue, str], ...] = (
    ("", r"normal.?like"),
    ("model", r"cell.?line|xenograft|\bpdx\b|organoid"),
    (
        "normal",
        r"normal|adjacent|benign|healthy|\bcontrol|non.?(tumou?r|malignant|neoplastic|cancer)|\bnat\b",
    ),
    ("metastasis", r"metasta"),
    ("recurrent", r"recurren|relapse"),
    ("primary", r"primary|tumou?r|cancer|carcinoma|malignan|neoplas"),
)


class Barcode(NamedTuple):
    """Parts of a TCGA or TARGET barcode."""

    patient: str
    type: str
    """Two digits, or empty."""
    vial: str


@lru_cache(maxsize=1 << 16)
def barcode(name: str) -> Barcode | None:
    """Return the parts of a name that is a barcode, however its fields are separated (`TCGA.A1.A0SB.01A`)."""
    match = _BARCODE.fullmatch(re.sub(r"[^0-9A-Za-z]+", "-", name).strip("-").upper())
    return Barcode(match[1], match[2] or "", match[3] or "") if match else None


def tissue_of_barcode(name: str) -> Tissue:
    """Return what a barcode says of its sample (`-01A` primary, `-11A` normal); empty for other names."""
    found = barcode(name)
    if found is None or not found.type:
        return ""
    return next((tissue for tissue, types in _TYPES.items() if found.type in types.split()), "")


def tissue_of_value(value: str) -> Tissue:
    """Return what a value of a column such as `sample_type`, `definition` or `shortLetterCode` means."""
    text = value.strip().lower()
    for codes in (_TYPES, _LETTERS):
        for tissue, listed in codes.items():
            if text in listed.split():
                return tissue
    return next((tissue for tissue, pattern in _WORDS if re.search(pattern, text)), "")
