"""Gene identifiers to current symbols, never by a silent guess.

The table behind it is the snapshot of NCBI Gene named by `GENE_TABLE_DATE` (`scripts/build_gene_table.R`). A
current symbol always wins; an old name that could be several genes stays as it is and is reported.
"""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import pandas as pd

from precisionmed.errors import InputError, first_few, nearest
from precisionmed.io._excel_names import damaged_by_spreadsheet, renamed_family
from precisionmed.io._no_genes import DROPPED, no_gene
from precisionmed.io.tables import is_missing, read_text_table

GeneIds = Literal["symbol", "ensembl", "entrez", "probe"]

_ENSEMBL = re.compile(r"ENSG(?:\d{11}|R\d{10})(\.\d+)?([_.-]PAR[_.-]Y)?$", re.IGNORECASE)
# `ESR1|ENSG00000091831.20`, `ENSG00000091831_ESR1`: the identifier tells more than the name.
_WITH_ENSEMBL = re.compile(r"(?:.*[|_:; (])?(ENSG\d{11})(?:\.\d+)?(?:[|_:; )].*)?$")
_PAR_Y = re.compile(r"(.+)[_.-]PAR[_.-]Y$")
_FLOAT = re.compile(r"(\d+)\.0+$")  # a number as pandas writes it when another one is missing
_PROBE = re.compile(r"(AFFX-.*|.+_at|ILMN_\d+|A_\d+_P\d+|cg\d{8}|\d{7,8}\.\d|TC\d{8,}\.hg\.\d)$")
_SYMBOL_AND_ENTREZ = re.compile(r"(.+?)(?:\||\s?\()(\d+)\)?$")  # `TP53|7157`, `TP53 (7157)`
_GENOME = re.compile(r"(?:GRCh3[78]|hg19|hg38)_+(?=.)")  # in front of the genes of a mixed reference

UNKNOWN = "not in the gene table, kept"
# What became of an identifier, in the order of the report's table.
OUTCOMES = (
    "current symbol",
    "letter case corrected",
    "old symbol renamed",
    "spreadsheet damage repaired",
    "Ensembl identifier",
    "Entrez identifier",
    "probe with a symbol",
    "ambiguous old symbol, kept",
    "ambiguous spreadsheet damage, kept",
    "ambiguous Ensembl identifier, kept",
    "probe of several genes, kept",
    UNKNOWN,
    *DROPPED,
)


@dataclass(frozen=True)
class GeneTable:
    """Look-ups into the gene table."""

    date: str
    """Day of the NCBI Gene snapshot (ISO)."""
    symbols: frozenset[str]
    aliases: Mapping[str, tuple[str, ...]]
    ensembl: Mapping[str, tuple[str, ...]]
    entrez: Mapping[str, str]
    chromosome: Mapping[str, str]
    length: Mapping[str, float]
    """Bases of a gene's spliced messenger (median over RefSeq's on hg19); genes without one are absent."""
    upper: Mapping[str, tuple[str, ...]]
    """Upper-case symbol to symbols."""
    upper_aliases: Mapping[str, tuple[str, ...]]


@functools.cache
def gene_table() -> GeneTable:
    """Return the gene table of the package (read once)."""
    with gzip.open(str(resources.files("precisionmed") / "resources" / "genes.tsv.gz"), "rt") as stream:
        date = re.search(r"\d{4}-\d{2}-\d{2}", stream.readline())
        genes = pd.read_csv(stream, sep="\t", dtype=str, keep_default_na=False)
    coding = set(genes["symbol"][genes["type"] == "protein-coding"])
    aliases = _several(genes["symbol"], genes["aliases"])
    ensembl = {
        key: _best(names, coding) for key, names in _several(genes["symbol"], genes["ensembl"]).items()
    }
    return GeneTable(
        date=date.group() if date else "",
        symbols=frozenset(genes["symbol"]),
        aliases=aliases,
        ensembl=ensembl,
        entrez=dict(zip(genes["entrez"], genes["symbol"], strict=True)),
        chromosome=dict(zip(genes["symbol"], genes["chromosome"], strict=True)),
        length={s: float(n) for s, n in zip(genes["symbol"], genes["length"], strict=True) if n},
        upper=_in_upper_case((name, (name,)) for name in genes["symbol"]),
        upper_aliases=_in_upper_case(aliases.items()),
    )


def __getattr__(name: str) -> str:
    if name == "GENE_TABLE_DATE":
        return gene_table().date
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def gene_likeness(labels: pd.Index) -> float:
    """Return the fraction of labels (at most 2,000 looked at) that look like gene or probe identifiers."""
    step = max(1, len(labels) // 2000)
    looked_at = [str(label) for label in labels[::step]]
    return sum(_likeness(label) for label in looked_at) / max(1, len(looked_at))


def gene_id_kind(labels: Iterable[str]) -> GeneIds:
    """Return the kind of identifier most labels have."""
    kinds = pd.Series([_kind(label) for label in labels])
    return kinds.value_counts().index[0]


def map_genes(labels: pd.Index, kind: GeneIds, annotation: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Find the current symbol of each identifier.

    Parameters
    ----------
    labels
        Identifiers as read.
    kind
        What they are. Whatever the kind, a label that is of another kind is still looked up as what it is
        (matrices mix them); labels such as `TP53|7157` are split.
    annotation
        Probe to symbol, for probes.

    Returns
    -------
    DataFrame
        A row for each label: `symbol`, `outcome` (one of `OUTCOMES`), `candidates` (genes it could be, or
        empty).
    """
    cache: dict[str, tuple[str, str, str]] = {}
    rows = []
    for label in labels:
        if label not in cache:
            cache[label] = _resolve(str(label), kind, annotation or {})
        rows.append(cache[label])
    return pd.DataFrame(rows, columns=["symbol", "outcome", "candidates"], index=pd.RangeIndex(len(labels)))


def read_probe_annotation(path: Path) -> dict[str, str]:
    """Read a table from probe to gene symbol (columns `probe` and `symbol`, other columns are ignored).

    Raises
    ------
    InputError
        A column is missing, or a probe has two different symbols.
    """
    table = read_text_table(path, "probe annotation")
    names = {str(name).lower(): name for name in table.columns}
    for wanted in ("probe", "symbol"):
        if wanted not in names:
            hint = nearest(wanted, map(str, table.columns))
            raise InputError(
                f"{path}: has no column '{wanted}'; name its columns 'probe' and 'symbol'.{hint}"
            )
    table = table[[names["probe"], names["symbol"]]].drop_duplicates()
    table.columns = pd.Index(["probe", "symbol"])
    table.loc[is_missing(table["symbol"]), "symbol"] = ""
    twice = table["probe"][table["probe"].duplicated()]
    if len(twice):
        raise InputError(
            f"{path}: {twice.nunique()} probes have several symbols ({first_few(twice.unique())}); give one "
            "row a "
            "probe, several symbols separated by ' /// '."
        )
    return dict(zip(table["probe"], table["symbol"], strict=True))


def summarize_mapping(mapped: pd.DataFrame, labels: pd.Index) -> pd.DataFrame:
    """Return the table `outcome`, `genes`, `examples` of a mapping, for the report."""
    rows = []
    for outcome in OUTCOMES:
        chosen = (mapped["outcome"] == outcome).to_numpy()
        if chosen.any():
            pairs = zip(labels[chosen], mapped["symbol"][chosen], mapped["candidates"][chosen], strict=True)
            examples = dict.fromkeys(
                f"{old} ({options})" if options else (old if old == new or not new else f"{old} -> {new}")
                for old, new, options in pairs
            )
            rows.append((outcome, int(chosen.sum()), first_few(examples)))
    return pd.DataFrame(rows, columns=["outcome", "genes", "examples"])


def _likeness(label: str) -> float:
    kind = _kind(label)
    if kind == "symbol":
        return float(_resolve_symbol(label)[1] != UNKNOWN)
    return 0.5 if kind == "entrez" else 1.0  # plain numbers name samples as often as genes


def _kind(label: str) -> GeneIds:
    if _ensembl(label):
        return "ensembl"
    label = _FLOAT.sub(r"\1", label)
    if label.isascii() and label.isdigit():
        return "entrez"
    return "probe" if _PROBE.match(label) else "symbol"


def _resolve(label: str, kind: GeneIds, annotation: Mapping[str, str]) -> tuple[str, str, str]:
    table = gene_table()
    if kind == "probe" and label in annotation:
        symbols = [s.strip() for s in re.split(r"///|;|,", annotation[label]) if s.strip()]
        names = sorted({_resolve_symbol(s)[0] for s in symbols})
        if len(names) > 1:
            return label, "probe of several genes, kept", ", ".join(names)
        if names:
            return names[0], "probe with a symbol", ""
    dropped = no_gene(label)
    if dropped:
        return "", dropped, ""
    if kind == "probe":
        return label, UNKNOWN, ""
    label = _GENOME.sub("", label)
    label = _FLOAT.sub(r"\1", label)
    pair = _SYMBOL_AND_ENTREZ.match(label)
    if pair:
        by_number = table.entrez.get(pair[2])
        if by_number:
            return by_number, "Entrez identifier", ""
        return _resolve_symbol(pair[1]) if pair[1] != "?" else (label, UNKNOWN, "")
    ensembl = _ensembl(label)
    if ensembl:
        names = list(table.ensembl.get(ensembl, ()))
        if len(names) > 1:
            return ensembl, "ambiguous Ensembl identifier, kept", ", ".join(names)
        # Versions are stripped from unknown ones too, so that they meet the same gene of another release.
        return (names[0], "Ensembl identifier", "") if names else (ensembl, UNKNOWN, "")
    if label in table.entrez:
        return table.entrez[label], "Entrez identifier", ""
    par = _PAR_Y.match(label)
    return _resolve_symbol(par[1] if par else label)


def _ensembl(label: str) -> str:
    """Return the Ensembl gene without version, its copy on chromosome Y as that on X, or ``""``."""
    if _ENSEMBL.match(label):
        label = label.upper()
        # `ENSGR0000182378` is how GENCODE wrote the copy on Y until release 24.
        return f"ENSG0{label[5:15]}" if label[4] == "R" else label[:15]
    beside = _WITH_ENSEMBL.match(label)
    return beside[1] if beside else ""


def _resolve_symbol(label: str) -> tuple[str, str, str]:
    """Try current symbols, then letter case, renamed families, old symbols and spreadsheet dates."""
    table = gene_table()
    if label in table.symbols:
        return label, "current symbol", ""
    upper = label.upper()
    if len(table.upper.get(upper, ())) == 1:
        return table.upper[upper][0], "letter case corrected", ""
    renamed = renamed_family(upper)
    if renamed in table.symbols:
        return renamed, "old symbol renamed", ""
    names = table.aliases.get(label) or table.upper_aliases.get(upper, ())
    if len(names) == 1:
        return names[0], "old symbol renamed", ""
    if names:
        return label, "ambiguous old symbol, kept", ", ".join(names)
    originals = damaged_by_spreadsheet(label)
    if not originals:
        return label, UNKNOWN, ""
    # Approved names, present or past, come before mere aliases.
    approved = {renamed_family(name) or name for name in originals} & table.symbols
    aliases = {name for original in originals for name in table.aliases.get(original, ())}
    genes = sorted(approved or aliases)
    if len(genes) == 1:
        return genes[0], "spreadsheet damage repaired", ""
    return label, "ambiguous spreadsheet damage, kept", ", ".join(genes or originals)


def _several(symbols: pd.Series, joined: pd.Series) -> dict[str, tuple[str, ...]]:
    """Return from each of the `|`-separated names to the symbols that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for symbol, names in zip(symbols, joined, strict=True):
        for name in names.split("|") if names else ():
            found[name] = (*found.get(name, ()), symbol)
    return found


def _best(names: tuple[str, ...], coding: set[str]) -> tuple[str, ...]:
    """Return the one gene of an Ensembl identifier that is plainly meant, or all of them.

    Read-through records (`MMP24-AS1-EDEM2` beside `EDEM2`) and unnamed loci yield to the gene itself, then
    non-coding to coding ones.
    """

    def readthrough(name: str) -> bool:
        return any(
            name != other and other in (name.rpartition("-")[2], name.partition("-")[0]) for other in names
        )

    plain = tuple(n for n in names if not n.startswith("LOC") and not readthrough(n)) or names
    in_protein = tuple(n for n in plain if n in coding)
    return in_protein if len(in_protein) == 1 else plain


def _in_upper_case(pairs: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, symbols in pairs:
        key = name.upper()
        found[key] = tuple(dict.fromkeys((*found.get(key, ()), *symbols)))
    return found
