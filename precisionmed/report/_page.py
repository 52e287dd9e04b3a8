"""The page as sections fill it: text, figures, tables, and what was done about odd input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config import RunConfig
from precisionmed.errors import InputError
from precisionmed.pl._base import is_derived
from precisionmed.report._figures import Drawing, draw
from precisionmed.report._tables import html_table, named, stored_tables, write_csv

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

ROWS = 15
_FEW_MORE = 4 / 3
"""A table with that many times the rows there is room for is shown whole."""


@dataclass(frozen=True)
class Run:
    """Everything a report is made of."""

    adata: AnnData
    config: RunConfig
    validations: dict[str, AnnData]
    model_path: Path | None
    folder: Path
    durations: dict[str, dict[str, float]]
    rename: Callable[[str], str] = str
    """Replaces names of samples in what the user wrote, where the report has pseudonyms."""

    def step(self, name: str) -> dict[str, Any]:
        """Return what a step stored; empty when it was not run."""
        return dict(self.adata.uns.get("precisionmed", {}).get(name, {}))

    def validation(self, cohort: str) -> dict[str, Any]:
        """Return what validation in an external cohort stored."""
        return dict(self.validations[cohort].uns.get("precisionmed", {}).get("validate", {}))

    def derived(self, label: str) -> bool:
        """Say whether a receptor label was called from expression."""
        return is_derived(self.adata, label)


@dataclass
class Block:
    """One piece of a section: `kind` chooses the template's macro."""

    kind: str
    text: str = ""
    items: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class FigureBlock:
    """A figure with its number and caption."""

    number: int
    name: str
    drawing: Drawing
    caption: str
    alt: str
    derived: bool
    kind: str = "figure"


@dataclass(frozen=True)
class TableBlock:
    """The first rows of a table and where the whole lies."""

    number: int
    caption: str
    heads: list[dict[str, Any]]
    rows: list[list[dict[str, Any]]]
    total: int
    file: str
    derived: bool
    kind: str = "table"


class Book:
    """What the sections share: the folder, the numbers of figures and tables, the CSV files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.figures = 0
        self.tables = 0
        self.files: dict[tuple[str, ...], str] = {}

    def write_tables(self, content: dict[str, Any], *path: str) -> None:
        """Write every table of a step as CSV."""
        for where, table in stored_tables(content, *path):
            self.files[where] = write_csv(table, self.folder, where)


class Page:
    """One section of the report."""

    def __init__(self, book: Book, word: str, title: str) -> None:
        self.book = book
        self.word = word
        self.title = title
        self.blocks: list[Any] = []
        self.notes: list[str] = []
        self._into: list[Any] = self.blocks

    def text(self, sentence: str) -> None:
        """Add a paragraph."""
        self.blocks.append(Block("text", sentence))

    def heading(self, text: str, *, derived: bool = False) -> None:
        """Add a heading within the section, marked when its labels are expression-derived."""
        self.blocks.append(Block("derived heading" if derived else "heading", text))

    def listing(self, items: Sequence[Any], kind: str = "list") -> None:
        """Add a list of sentences (or of the items of a special `kind`)."""
        if len(items):
            self.blocks.append(Block(kind, items=list(items)))

    def quiet(self, sentence: str) -> None:
        """Add one line that says why there is nothing (more) to see."""
        self.blocks.append(Block("quiet", sentence))

    def add_notes(self, content: dict[str, Any]) -> None:
        """Show what a step did about odd but legal input."""
        self.notes += [str(note) for note in np.ravel(content.get("notes", []))]

    @contextmanager
    def pair(self) -> Iterator[None]:
        """Put the figures drawn within beside one another where there is room."""
        block = Block("pair")
        self._into = block.items
        yield
        self._into = self.blocks
        if block.items:
            self.blocks.append(block)

    def figure(
        self, name: str, function: Callable[[], Axes], caption: str, alt: str, *, derived: bool = False
    ) -> None:
        """Draw a figure; one line says why when its slots hold nothing to draw."""
        try:
            drawing = draw(function, self.book.folder, f"{self.word}_{name}")
        except InputError as error:
            self.quiet(f"Figure not shown ({caption.split('.')[0].lower()}): {error}")
            return
        self.book.figures += 1
        number = self.book.figures
        self._into.append(FigureBlock(number, f"{self.word}_{name}", drawing, caption, alt, derived))

    def table(
        self,
        path: Sequence[str],
        table: pd.DataFrame | None,
        caption: str,
        *,
        rows: int = ROWS,
        derived: bool = False,
    ) -> None:
        """Show the first rows of a stored table; nothing when it is absent or empty."""
        if table is None or table.empty:
            return
        file = self.book.files.get(tuple(path))
        if file is None:
            file = write_csv(table, self.book.folder, path)
        self.book.tables += 1
        if len(table) <= rows * _FEW_MORE:
            rows = len(table)
        heads, body = html_table(named(table), rows)
        block = TableBlock(self.book.tables, caption, heads, body, len(table), file, derived)
        self.blocks.append(block)
