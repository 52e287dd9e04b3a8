"""Which rows of a file stand for a gene: recorded with the cohort, replayed for new samples.

At ingest a rule over the cohort may choose among the rows of a gene (the highest mean, say). New samples must
not be asked again, since the answer would depend on who else is in the file: the rows of training stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, warn
from precisionmed.io.genes import gene_id_kind, map_genes

COMBINING = ("mean", "sum")
"""Rules for repeated genes that combine the rows of one sample, whatever the other samples are."""
_VERSION = re.compile(r"^(ENS[A-Z]*G\d{11})\.\d+")


def recorded_rows(labels: pd.Index, symbols: pd.Index, gene_ids: pd.Series, rule: str) -> pd.DataFrame:
    """Return how the rows of a file became genes.

    Parameters
    ----------
    labels, symbols
        Identifier as read and gene of each row.
    gene_ids
        Identifier of the row that stands for a gene, by gene (joined ones where rows were combined).
    rule
        `duplicate_genes` of the cohort.

    Returns
    -------
    DataFrame
        `row`, `gene`, `chosen` (whether the row stands for the gene, alone or combined) and `file` (number of
        the file, 0 here).
    """
    chosen = np.ones(len(labels), dtype=bool)
    if rule not in COMBINING:
        chosen = np.asarray(labels.astype(str)) == gene_ids.loc[symbols].to_numpy(dtype=str)
    rows = {
        "row": labels.to_numpy(dtype=str),
        "gene": symbols.to_numpy(dtype=str),
        "chosen": chosen,
        "file": 0,
    }
    return pd.DataFrame(rows).drop_duplicates(ignore_index=True)


@dataclass(frozen=True)
class GeneRows:
    """How new rows become the genes of a locked model."""

    genes: pd.Index
    """Genes of the model."""
    rows: pd.DataFrame
    """As `recorded_rows` returns them; empty for a cohort that did not come from files."""
    rule: str | None
    """`duplicate_genes` of training; None when it is not known."""
    annotation: Mapping[str, str] = field(default_factory=dict)
    """Probe to symbol of a new file, besides what was learned."""

    @cached_property
    def _known(self) -> dict[str, str]:
        known = {gene: gene for gene in self.genes}
        return known | dict(zip(map(_key, self.rows["row"]), self.rows["gene"], strict=True))

    @cached_property
    def _trained(self) -> dict[str, list[tuple[int, str, bool]]]:
        """Gene -> file, key and choice of each row it had in training."""
        found: dict[str, list[tuple[int, str, bool]]] = {}
        columns = (self.rows[name] for name in ("file", "row", "gene", "chosen"))
        for file, row, gene, chosen in zip(*columns, strict=True):
            found.setdefault(gene, []).append((int(file), _key(row), bool(chosen)))
        return found

    def genes_of(self, labels: pd.Index) -> np.ndarray:
        """Return the model's gene that each identifier stands for; empty for none."""
        texts = [str(label).strip() for label in labels]
        found = np.array([self._known.get(_key(text), "") for text in texts], dtype=object)
        unknown = np.flatnonzero(found == "")
        if len(unknown):
            rest = pd.Index([texts[i] for i in unknown], dtype=object)
            symbols = map_genes(rest, "symbol")["symbol"].to_numpy(dtype=object)
            annotated = np.array([label in self.annotation for label in rest], dtype=bool)
            if annotated.any():
                symbols[annotated] = map_genes(rest[annotated], "probe", self.annotation)["symbol"]
            ours = set(self.genes)
            found[unknown] = [symbol if symbol in ours else "" for symbol in symbols]
        return found

    def n_genes(self, labels: pd.Index) -> int:
        """Return how many of the model's genes the identifiers name."""
        return len(set(self.genes_of(labels)) - {""})

    def collapse(self, values: np.ndarray, labels: pd.Index) -> tuple[np.ndarray, list[str]]:
        """Make one row of the rows of a gene, each sample for itself.

        Parameters
        ----------
        values : (n_rows, n_samples) array
            NaN is missing.
        labels
            Identifiers of the rows.

        Returns
        -------
        (n_samples, n_genes) array
            Values of the model's genes; NaN where a gene is not there or no row can be said to be its own.
        list of str
            Genes with several rows, none of them known from training: missing where the rows differ.
        """
        out = np.full((values.shape[1], len(self.genes)), np.nan)
        found = self.genes_of(labels)
        keys = [_key(str(label).strip()) for label in labels]
        of: dict[str, list[int]] = {}
        for i in np.flatnonzero(found != ""):
            of.setdefault(found[i], []).append(int(i))
        unsettled = []
        for column, gene in enumerate(self.genes):
            rows = self._own(gene, of.get(gene, []), keys)
            if not rows:
                continue
            if len(rows) == 1:
                out[:, column] = values[rows[0]]
            elif self.rule in COMBINING:
                out[:, column] = _combined(values[rows], str(self.rule))
            else:
                out[:, column] = _agreed(values[rows])
                unsettled.append(gene)
        return out, unsettled

    def differing(self, own: pd.DataFrame, rule: str) -> set[str]:
        """Return the genes of a cohort that came of other rows than this model's would.

        Where the cohort has identifiers of another kind than the training files, its own choice stands.

        Parameters
        ----------
        own
            `row`, `gene` and `chosen` of the cohort.
        rule
            `duplicate_genes` of the cohort.
        """
        rows: dict[str, list[tuple[str, bool]]] = {}
        for row, gene, chosen in zip(own["row"], own["gene"], own["chosen"], strict=True):
            if gene in self._trained:
                rows.setdefault(gene, []).append((_key(row), bool(chosen)))
        return {gene for gene, part in rows.items() if self._differs(gene, part, rule)}

    def _differs(self, gene: str, part: list[tuple[str, bool]], rule: str) -> bool:
        keys = [key for key, _ in part]
        if not set(keys) & {key for _, key, _ in self._trained[gene]}:
            return False  # identifiers of another kind
        kept = {keys[i] for i in self._own(gene, [*range(len(keys))], keys)}
        if not kept:
            return True
        if rule in COMBINING or self.rule in COMBINING:
            return len(keys) > 1 and rule != self.rule
        return not {key for key, chosen in part if chosen} <= kept

    def _own(self, gene: str, rows: list[int], keys: list[str]) -> list[int]:
        """Return the rows that stand for a gene, none when those of training are there in part only."""
        trained = self._trained.get(gene, ())
        present = {keys[i] for i in rows}
        if not present & {key for _, key, _ in trained}:
            return rows  # identifiers of another kind
        if self.rule in COMBINING or self.rule is None:
            sets = [{key for f, key, _ in trained if f == file} for file in {f for f, _, _ in trained}]
            return rows if any(own <= present for own in sets) else []
        chosen = {key for _, key, stands in trained if stands}
        return [i for i in rows if keys[i] in chosen]


def gene_rows(genes: pd.Index, inputs: Mapping[str, object] | None) -> GeneRows:
    """Return the rows of a locked model; one locked before they were recorded knows its genes only."""
    if inputs is None:
        empty = pd.DataFrame({"row": [], "gene": [], "chosen": [], "file": []})
        return GeneRows(genes, empty, None)
    rows = inputs["rows"]
    assert isinstance(rows, pd.DataFrame)
    return GeneRows(genes, rows, str(inputs["duplicate_genes"]))


def check_kind(labels: pd.Index, stated: str, where: str) -> None:
    """Raise an InputError when most identifiers are of another kind than stated."""
    if stated == "auto":
        return
    found = gene_id_kind(labels.astype(str))
    if found != stated and stated != "probe":
        raise InputError(
            f"{where}: gene_ids says {stated} but most identifiers look like {found} "
            f"({first_few(labels, 3)}); correct it or use auto."
        )


def say_unsettled(genes: list[str], where: str) -> None:
    """Warn of genes whose row could not be told."""
    if genes:
        warn(
            f"{where}: {len(genes)} gene(s) have several rows ({first_few(genes)}), and training does not "
            "say which stands for them; they count as missing in samples where the rows differ. Give one row "
            "a gene."
        )


def _key(label: str) -> str:
    """Return an identifier without the version of its Ensembl release."""
    return _VERSION.sub(r"\1", label)


def _combined(rows: np.ndarray, rule: str) -> np.ndarray:
    """Return sum or mean of the measured values; sorted first, so that the order of rows changes no bit."""
    measured = np.sum(~np.isnan(rows), axis=0)
    total = np.zeros(rows.shape[1])
    for row in np.sort(rows, axis=0):  # one after the other: NumPy sums a lone column in another order
        total += np.where(np.isnan(row), 0.0, row)
    with np.errstate(invalid="ignore", divide="ignore"):
        combined = total if rule == "sum" else total / measured
    return np.where(measured > 0, combined, np.nan)


def _agreed(rows: np.ndarray) -> np.ndarray:
    """Return the value of each sample in which the measured rows agree."""
    low, high = np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)
    return np.where(low == high, low, np.nan)
