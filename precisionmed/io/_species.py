"""Identifiers of another species, or of transcripts, are told and never taken for human genes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, warn

_FOREIGN = re.compile(
    r"(?:mm\d+|GRCm3[89]|rn\d|mRatBN7)_+.+|ENS[A-Z]{3,6}G\d{9,}(?:\.\d+)?|FBgn\d{7}|WBGene\d{8}|MGI:\d+|RGD:\d+"
    r"|ZFIN:.+"
)
TRANSCRIPT = re.compile(r"(?:ENS(?:[A-Z]{3,6})?T\d{9,}|[NX][MR]_\d+)(?:\.\d+)?(?:\||$)")
"""How a label that names a transcript begins."""
_SPECIES = {"ENSMUSG": "mouse", "MGI:": "mouse", "mm": "mouse", "GRCm": "mouse", "ENSRNOG": "rat",
            "RGD:": "rat", "rn": "rat", "mRat": "rat", "ENSDARG": "zebrafish", "ENSCAFG": "dog",
            "ENSSSCG": "pig", "ENSMMUG": "macaque", "FBgn": "fruit fly"}  # fmt: skip
_OTHER_CASE = re.compile(r"[A-Za-z][a-z]+[a-z0-9.-]*|[A-Za-z][a-z]*\d+[a-z]*[0-9a-z.-]*")
_FEWEST_TWINS = 5


def refuse_other_species(labels: pd.Index, mapped: pd.DataFrame, file: Path | str, notes: list[str]) -> None:
    """Refuse genes of another species; warn of single ones.

    Parameters
    ----------
    labels
        Identifiers as read.
    mapped
        What `map_genes` found of them.

    Raises
    ------
    InputError
        Half of the identifiers or more are of another species or of transcripts, half of the symbols are
        written as those of mouse, rat (`Esr1`) or zebrafish (`esr1`), or genes occur in both spellings.
    """
    texts = pd.Index([str(label) for label in labels])
    foreign = texts[np.asarray(texts.str.fullmatch(_FOREIGN.pattern), dtype=bool)]
    if len(foreign):
        name = next(
            (s for start, s in _SPECIES.items() if str(foreign[0]).startswith(start)), "another species"
        )
        told = f"{len(foreign)} of {len(texts)} identifiers are of {name} ({first_few(foreign, 3)})"
        if 2 * len(foreign) >= len(texts):
            raise InputError(f"{file}: {told}; give human genes (orthologues: map them before).")
        warn(f"{Path(file).name}: {told}; they stay as they are.", notes)
    # an annotation may give the symbol of a probe that is named by an accession
    annotated = ~mapped["symbol"].isin(["", *texts]).to_numpy()
    transcripts = texts[np.asarray(texts.str.match(TRANSCRIPT), dtype=bool) & ~annotated]
    if 2 * len(transcripts) >= len(texts):
        raise InputError(
            f"{file}: the identifiers are transcripts ({first_few(transcripts, 3)}); sum them to genes "
            "(tximport), or, if they name the probes of an array, give cohort.probe_annotation."
        )
    _refuse_letter_case(texts, mapped, file, notes)


def _refuse_letter_case(texts: pd.Index, mapped: pd.DataFrame, file: Path | str, notes: list[str]) -> None:
    corrected = (mapped["outcome"] == "letter case corrected").to_numpy()
    odd = corrected & np.asarray(texts.str.fullmatch(_OTHER_CASE.pattern), dtype=bool)
    if not odd.any():
        return
    found, usual = texts[odd], int((mapped["outcome"] == "current symbol").sum())
    if len(found) >= usual:
        raise InputError(
            f"{file}: {len(found)} gene symbols are written as those of mouse, rat or fish "
            f"({first_few(found, 3)}); give human genes (orthologues: map them before), human symbols in "
            "capitals."
        )
    twins = set(mapped["symbol"][odd]) & set(texts[~odd])
    if len(twins) >= _FEWEST_TWINS:
        raise InputError(
            f"{file}: {len(twins)} genes are there in the spelling of two species "
            f"({first_few(sorted(twins), 3)} beside {first_few(found, 3)}); leave out what is not human."
        )
    warn(
        f"{Path(file).name}: {len(found)} gene symbols are not in capitals ({first_few(found)}); they were "
        "taken for human ones. Are they?",
        notes,
    )
