"""Build the report: draw, write tables, fill the sections, render one self-contained page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precisionmed.config import RunConfig
from precisionmed.io.run import replacing
from precisionmed.report._page import Book, Page, Run
from precisionmed.report._pseudonyms import pseudonymous, renamer
from precisionmed.version import __version__

if TYPE_CHECKING:
    from anndata import AnnData


def build(
    adata: AnnData,
    output_folder: str | Path,
    *,
    config: RunConfig,
    validations: dict[str, AnnData] | None = None,
    model_path: str | Path | None = None,
    started: datetime | None = None,
    durations: dict[str, dict[str, float]] | None = None,
) -> Path:
    """Write `report.html` with `figures/` and `tables/` beside it.

    The page needs nothing but itself. Two builds from the same inputs give the same bytes, apart from
    the text of the elements `time-stamp` and `durations`.

    Parameters
    ----------
    adata
        Cohort after any number of steps; sections of missing steps say so in one line.
    output_folder
        Where to write; made when it is not there.
    config
        Configuration of the run.
    validations
        External cohorts after `tl.validate`, by name.
    model_path
        The locked model file.
    started
        Time that is printed; now when None.
    durations
        Step -> `seconds` and `peak_mb`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        The folder cannot be written, or the model file is not intact.
    """
    from precisionmed.report.sections import SECTIONS

    validations = dict(validations or {})
    rename: Callable[[str], str] = str
    if config.report.pseudonyms:
        rename = renamer([adata, *validations.values()])
        adata = pseudonymous(adata)
        validations = {name: pseudonymous(other) for name, other in validations.items()}
    run = Run(
        adata=adata,
        config=config,
        validations=validations,
        model_path=None if model_path is None else Path(model_path),
        folder=Path(output_folder),
        durations=dict(durations or {}),
        rename=rename,
    )
    book = Book(run.folder)
    for step, content in adata.uns.get("precisionmed", {}).items():
        book.write_tables(content, step)
    for cohort in run.validations:
        book.write_tables(run.validation(cohort), "validate", cohort)
    pages = []
    for word, title, fill in SECTIONS:
        page = Page(book, word, title)
        fill(run, page)
        pages.append(page)
    html = _render(pages, run, started or datetime.now(UTC))
    path = run.folder / "report.html"
    with replacing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return path


def _render(pages: list[Page], run: Run, started: datetime) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("precisionmed.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    context: dict[str, Any] = {
        "title": run.config.report.title,
        "author": run.config.report.author,
        "cohort": run.config.cohort.name,
        "version": __version__,
        "time_stamp": started.strftime("%Y-%m-%d %H:%M %Z").strip(),
        "pages": pages,
    }
    return environment.get_template("report.html.j2").render(context)
