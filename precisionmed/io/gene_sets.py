"""Gene sets: those shipped with the package, or the user's."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd

from precisionmed.errors import InputError
from precisionmed.io.genes import UNKNOWN, gene_id_kind, map_genes
from precisionmed.io.tables import read_text


@dataclass(frozen=True)
class GeneSets:
    """Gene sets by name."""

    source: str
    """Where they are from, for the methods: release or file name."""
    genes: Mapping[str, tuple[str, ...]]
    """Current symbols of each set's genes."""


@functools.cache
def biological_processes() -> GeneSets:
    """Return the biological processes of the Gene Ontology that the package ships.

    Processes with 10 to 1,000 annotated genes; of those with the very same genes, one
    (`scripts/build_gene_sets.R`). Their symbols are those of the gene table.
    """
    name = "go_biological_processes.gmt.gz"
    with resources.as_file(resources.files("precisionmed") / "resources" / name) as path:
        header, _, body = read_text(path, "gene sets").partition("\n")
    release = header.removeprefix("# ").split(" (")[0]
    return GeneSets(
        f"biological processes of the {release} (Ashburner et al. 2000)", _parse(Path(name), body, first=2)
    )


def read_gene_sets(path: str | Path) -> GeneSets:
    """Read gene sets from a GMT file: name, description and genes, separated by tabs, a line each.

    Genes may be symbols, current or old, Ensembl or Entrez identifiers: they are matched as those of a
    cohort are. Lines that start with `#` are skipped.

    Raises
    ------
    InputError
        The file is missing or damaged, a line has no genes, a name comes twice, or hardly any gene is known.
    """
    path = Path(path)
    sets = _parse(path, read_text(path, "GMT file of gene sets"), first=1)
    labels = pd.Index(dict.fromkeys(gene for genes in sets.values() for gene in genes))
    mapped = map_genes(labels, gene_id_kind(labels))
    known = (mapped["outcome"] != UNKNOWN).mean()
    if known < 0.1:
        raise InputError(
            f"{path}: {1 - known:.0%} of its {len(labels):,} genes are not human genes (first: "
            f"'{labels[0]}'); give symbols, Ensembl or Entrez identifiers."
        )
    symbol = dict(zip(labels, mapped["symbol"], strict=True))
    current = {name: tuple(dict.fromkeys(symbol[gene] for gene in genes)) for name, genes in sets.items()}
    return GeneSets(path.name, current)


def _parse(path: Path, text: str, first: int) -> dict[str, tuple[str, ...]]:
    """Split the lines; `first` is the number of the first one."""
    sets: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.split("\n"), start=first):
        if not line.strip() or line.startswith("#"):
            continue
        name, *rest = (field.strip() for field in line.split("\t"))
        genes = tuple(field for field in rest[1:] if field)
        if not name or not genes:
            raise InputError(
                f"{path}: line {number} ({line[:40]!r}) is no gene set; a line of a GMT file has a name, a "
                "description and genes, separated by tabs."
            )
        if sets.setdefault(name, genes) is not genes:
            raise InputError(f"{path}: line {number}: gene set '{name}' comes twice; rename one of them.")
    if not sets:
        raise InputError(f"{path}: holds no gene sets; a line has a name, a description and genes.")
    return sets
