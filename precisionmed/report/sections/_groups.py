"""How well every model does in the groups that the roles name: the part of a section, and cautions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from precisionmed import pl
from precisionmed.errors import first_few
from precisionmed.pl._words import metric_text
from precisionmed.report._format import count, heading, p_text, slug, words
from precisionmed.report._page import Page, Run

if TYPE_CHECKING:
    from anndata import AnnData

LEVEL = 0.05
_SHOWN = ("column", "group", "n", "events", "metric", "count", "of", "estimate", "lower", "upper")
_GAPS = ("difference", "difference_lower", "difference_upper", "p_adjusted")


def show(
    adata: AnnData,
    page: Page,
    path: tuple[str, ...],
    table: pd.DataFrame | None,
    title: str,
    *,
    task: str | None = None,
    derived: bool = False,
) -> None:
    """Show the audit of one model; nothing when the roles name no groups.

    Parameters
    ----------
    adata
        Cohort whose groups they are.
    page
        The section.
    path
        Step, and where in its slots the table stands.
    table
        As `tl` stored it, of this model only.
    title
        The model in words.
    task
        Task as `pl.groups.performance` wants it.
    derived
        Whether the labels are expression-derived.
    """
    if table is None or table.empty:
        return
    page.heading(f"{title}: by group", derived=derived)
    shown = table[table["status"] == "shown"]
    page.text(" ".join(_said(table, shown)))
    if shown.empty:
        return
    page.figure(
        "_".join(slug(part) for part in (*path[1:], task or "")).strip("_") + "_by_group",
        lambda: pl.groups.performance(adata, path[0], task),
        f"{title}: performance in each group that is large enough. p compares a group with all other samples "
        "whose group is recorded, corrected for the number of comparisons.",
        f"Performance by group with intervals: {title}.",
        derived=derived,
    )
    page.table(
        path,
        shown[[*_SHOWN, *_GAPS]],
        f"{title} by group (calibration: observed minus mean predicted; difference: to the rest).",
        rows=25,
        derived=derived,
    )


def _said(table: pd.DataFrame, shown: pd.DataFrame) -> Iterator[str]:
    sizes = table.drop_duplicates(["column", "status", "group"])
    few = sizes[sizes["status"] == "too few to show"]
    lost = sizes[sizes["status"] == "not recorded"]
    if len(shown):
        total = int(table["comparisons"].iloc[0])
        yield f"{count(total, 'comparison')} of a group with the rest in this step; p is corrected for all."
    if len(few):
        named = (f"{words(c)} {g} ({int(n)})" for c, g, n in few[["column", "group", "n"]].to_numpy())
        yield f"Too few to show: {first_few(named, 6)}."
    if len(lost):
        named = (f"{words(c)} ({int(n)})" for c, n in lost[["column", "n"]].to_numpy())
        yield f"Not recorded: {first_few(named)}."


def audits(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield every audit of a run with the model in words."""
    found: dict[str, Any] = {}
    for step, kind in (("classify", "classifier"), ("biomarkers", "signature")):
        content = run.step(step)
        for task in map(str, content.get("tasks", [])):
            found[f"{heading(content[task].get('label', task))} {kind}"] = content[task]
    survival = run.step("survival")
    for endpoint in map(str, survival.get("endpoints", [])):
        found[f"{heading(endpoint)} risk"] = survival[endpoint]
    found["Response classifier"] = run.step("response").get("classifier", {})
    found["Intrinsic subtypes"] = run.step("subtypes")
    for title, part in found.items():
        if "groups" in part:
            yield title, part["groups"]
    for cohort in run.validations:
        table = run.validation(cohort).get("groups")
        for task, part in () if table is None else table.groupby("task", sort=False):
            yield f"{heading(task)} in {cohort}", part


def cautions(run: Run) -> list[str]:
    """Return a line for each model that does differently in a group, after correction for multiplicity."""
    said = []
    for title, table in audits(run):
        apart = table[table["p_adjusted"] < LEVEL]
        lines = [_gap(row) for _, row in apart.iterrows()]
        if lines:
            n = int(table["comparisons"].iloc[0])
            said.append(
                f"{title}: not the same in all groups: {first_few(lines, 4)} (corrected for "
                f"{count(n, 'comparison')}; groups may differ in other things too)."
            )
    return said


def _gap(row: pd.Series) -> str:
    where = "above" if row["difference"] > 0 else "below"
    ends = sorted(abs(row[f"difference_{end}"]) for end in ("lower", "upper"))
    return (
        f"{metric_text(row['metric'])} in {words(row['column'])} {row['group']} is {row['estimate']:.2f}, "
        f"{abs(row['difference']):.2f} ({ends[0]:.2f} to {ends[1]:.2f}) {where} the rest, "
        f"{p_text(float(row['p_adjusted']))}"
    )
