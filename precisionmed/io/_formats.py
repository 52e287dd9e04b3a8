"""Files that counting programs write: no header, many columns of one sample, samples named by BAM files."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, nearest
from precisionmed.io._layout import looks_like_data
from precisionmed.io._no_genes import SUMMARY_ROW
from precisionmed.io._species import TRANSCRIPT
from precisionmed.io.genes import gene_likeness

STRANDS = ("unstranded", "stranded_first", "stranded_second")
"""Columns 2 to 4 of STAR's ReadsPerGene.out.tab, as the Genomic Data Commons calls them."""
NEARLY_ALL = 0.9
"""Share of a library's reads on one strand that makes it a stranded library."""

_ENDING_WORDS = frozenset(
    {"gz", "bz2", "xz", "txt", "tsv", "csv", "tab", "sf", "results", "gene", "genes", "out", "readspergene"}
    | {"count", "counts", "htseq", "rsem", "quant", "fpkm_tracking", "gene_abund", "abundance", "expression"}
    | {"augmented_star_gene_counts", "rna_seq", "star", "salmon", "kallisto", "featurecounts"}
)
_ALIGNMENT_WORDS = frozenset(
    {"bam", "sam", "cram", "aligned", "sortedbycoord", "sorted", "sort", "out", "accepted_hits", "markdup"}
    | {"dedup", "rmdup", "unique", "uniq", "namesorted", "hisat2", "star", "tophat"}
)


@dataclass(frozen=True)
class SampleFile:
    """The columns of a program's file about one sample."""

    program: str
    needs: frozenset[str]
    """Names (lower case) that tell the file."""
    counts: str
    tpm: str = ""
    fpkm: str = ""

    def column_for(self, scale: str) -> str:
        """Return the column that holds a scale; counts (also estimated ones) where none is stated."""
        return {"tpm": self.tpm, "fpkm": self.fpkm}.get(scale, self.counts)


def _needs(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


_SAMPLE_FILES = (
    SampleFile("RSEM", _needs("gene_id|expected_count|tpm|fpkm"), "expected_count", "tpm", "fpkm"),
    SampleFile("salmon", _needs("name|effectivelength|tpm|numreads"), "numreads", "tpm"),
    SampleFile("kallisto", _needs("target_id|eff_length|est_counts|tpm"), "est_counts", "tpm"),
    SampleFile(
        "STAR (Genomic Data Commons)",
        _needs("gene_id|unstranded|stranded_first|stranded_second|tpm_unstranded"),
        "unstranded",
        "tpm_unstranded",
        "fpkm_unstranded",
    ),
    SampleFile("STAR", _needs("gene|unstranded|stranded_first|stranded_second"), "unstranded"),
    SampleFile("gene counts, as HTSeq writes it,", _needs("gene|count"), "count"),
    SampleFile("StringTie", _needs("gene id|gene name|coverage|fpkm|tpm"), "tpm", "tpm", "fpkm"),
    SampleFile("Cufflinks", _needs("tracking_id|gene_id|fpkm|fpkm_conf_lo"), "fpkm", "", "fpkm"),
)


def names_without_header(
    path: Path, first: Sequence[Sequence[str]], known: Collection[str], sample_names: Collection[str]
) -> list[str] | None:
    """Return names for the columns of a counter's file that has no header, or None when it has one.

    Parameters
    ----------
    path
        The file, which names the sample.
    first
        Its first records.
    known
        Names (lower case) of columns that hold identifiers.
    sample_names
        Samples of the clinical table.

    Raises
    ------
    InputError
        The first line is data, and the samples' names are nowhere.
    """
    row = first[0]
    if len(row) < 2 or not looks_like_data(row) or row[0].lower() in known or set(row) & set(sample_names):
        return None
    if not (_like_the_others(row[0], [r[0] for r in first[1:]]) or SUMMARY_ROW.match(row[0])):
        return None
    if len(row) == 2:
        return ["gene", "count"]
    if len(row) == 4 and SUMMARY_ROW.match(row[0]):
        return ["gene", *STRANDS]
    raise InputError(
        f"{path}: has no header: its first line is data ({first_few(row, 3)}); write a line "
        "with the samples' names above it."
    )


def _like_the_others(label: str, others: Sequence[str]) -> bool:
    """Return whether the first cell of a file is an identifier as those below are."""
    if gene_likeness(pd.Index([label])) == 1:
        return True
    shapes = [re.sub(r"\d+", "0", other) for other in others if not SUMMARY_ROW.match(other)]
    shape = re.sub(r"\d+", "0", label)
    return bool(re.search(r"[A-Za-z].*\d", label)) and shapes.count(shape) * 2 > len(shapes)


def sample_of(path: Path, sample_names: Collection[str]) -> str:
    """Return the sample that a file is about: its name without endings, or that of its folder."""
    return _stem(path.name, _ENDING_WORDS, sample_names) or path.resolve().parent.name


def _stem(name: str, endings: frozenset[str], sample_names: Collection[str]) -> str:
    """Return a file's name without the endings that programs give it, or nothing when that is all."""
    words = "|".join(sorted(endings, key=len, reverse=True))
    ending = re.compile(rf"([._-]({words})|(?<=[^._-])(Aligned|ReadsPerGene))$", re.IGNORECASE)
    while name not in sample_names and ending.search(name):
        name = ending.sub("", name)
    return "" if name.lower() in endings and name not in sample_names else name


def sample_column(
    path: Path, header: Sequence[str], column: str | None, scale: str, notes: list[str]
) -> tuple[int | None, str]:
    """Return which column of a file about one sample to take (None: it is a matrix), and its name.

    Parameters
    ----------
    path
        The file, for messages.
    header
        Names of its columns.
    column
        The column that the configuration states.
    scale
        The scale that the configuration states, or `auto`.
    notes
        What was taken, and how to choose, is said here.

    Raises
    ------
    InputError
        There is no such column, or the file is about transcripts.
    """
    lower = [name.lower() for name in header]
    found = next((kind for kind in _SAMPLE_FILES if kind.needs <= set(lower)), None)
    if "isopct" in lower or (lower[0] == "transcript_id" and found):
        raise InputError(f"{path}: its rows are transcripts; give the file of genes (RSEM: .genes.results).")
    if column is not None and column.lower() in lower:
        notes.append(f"{path.name}: column '{header[lower.index(column.lower())]}' was taken, as stated.")
        return lower.index(column.lower()), column
    if found is None:
        return None, ""
    if column is not None:
        raise InputError(f"{path}: has no column '{column}' (cohort.column).{nearest(column, header[1:])}")
    wanted = found.column_for(scale)
    if wanted not in lower:
        raise InputError(f"{path}: a file of {found.program} has no {scale} column; state cohort.column.")
    at = lower.index(wanted)
    notes.append(
        f"{path.name}: read as a file of {found.program} about one sample; column '{header[at]}' was taken "
        "(cohort.column chooses another)."
    )
    return at, header[at]


def strand_of(totals: Sequence[float]) -> str:
    """Return which column of STAR to take: the unstranded one, or the strand that nearly all reads are on.

    Parameters
    ----------
    totals
        Reads in genes by column: unstranded, first strand, second strand.
    """
    stranded = float(totals[1] + totals[2])
    for name, reads in zip(STRANDS[1:], totals[1:], strict=True):
        if stranded > 0 and reads >= NEARLY_ALL * stranded:
            return name
    return STRANDS[0]


def refuse_transcripts(path: Path, values: pd.DataFrame) -> None:
    """Refuse a matrix of transcripts (rows).

    Probes of arrays are named by accessions too; their log ratios are negative, which no amount of a
    transcript is.

    Raises
    ------
    InputError
        Most identifiers are transcripts.
    """
    some = [str(label) for label in values.index[:: max(1, len(values) // 500)]]
    named_so = bool(some) and np.mean([bool(TRANSCRIPT.match(label)) for label in some]) > 0.5
    if named_so and not bool((values.to_numpy() < 0).any()):
        raise InputError(
            f"{path}: its rows are transcripts ({first_few(some, 2)}); sum them to genes first (tximport, or "
            "salmon with --geneMap)."
        )


def samples_of_bam_files(names: Sequence[str], sample_names: Collection[str]) -> list[str]:
    """Return sample names from names of alignment files: no folder, no ending (`/data/P1.sorted.bam`: `P1`).

    They stay as they are when the clinical table has them, or when they would no longer be distinct.
    """
    files = [bool(re.search(r"\.(bam|sam|cram)$", name, re.IGNORECASE)) for name in names]
    if not any(files) or set(names) & set(sample_names):
        return list(names)
    for part in (-1, -2):  # the file, then its folder (`P1/accepted_hits.bam`)
        parts = [re.split(r"[\\/]", name) for name in names]
        short = [
            _stem(where[part], _ALIGNMENT_WORDS, sample_names) if is_file and len(where) >= -part else name
            for name, where, is_file in zip(names, parts, files, strict=True)
        ]
        if all(short) and len(set(short)) == len(short):
            return short
    return list(names)
