"""`precisionmed init`: look at the user's tables and propose a commented config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precisionmed.cli._guard import guarded, say
from precisionmed.errors import InputError

if TYPE_CHECKING:
    from precisionmed.io.propose import ProposedConfig

_MOST_LINES = 40
"""Lines of a listing; the config has all of them."""
_MOST_LETTERS = 60
"""Letters of a column's name that are shown."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(rich_help_panel="Use")(init)


def init(
    expression: Annotated[
        list[Path],
        typer.Option("--expression", help="Expression matrix: TSV, CSV (gz) or h5ad. May be repeated."),
    ],
    clinical: Annotated[
        list[Path] | None,
        typer.Option(
            "--clinical", help="Clinical table: TSV, CSV or XLSX. Several (repeated, or a,b) are joined."
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", help="Config to write.")] = Path("config.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing config.")] = False,
) -> None:
    """Write a commented config for your tables, proposing what each clinical column is."""
    with guarded("init"):
        from precisionmed.io.propose import propose_config
        from precisionmed.io.run import replacing

        if output.exists() and not force:
            raise InputError(f"{output} is there already; give another --output, or --force to replace it.")
        proposed = propose_config(expression, _split(clinical or []) or None, folder=output.parent)
        output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(output) as temporary:
            temporary.write_text(proposed.text, encoding="utf-8")
        for line in _summary(proposed):
            say(line)
        say(f"Wrote {output}. Read it, correct it, then: precisionmed run --config {output} --cores 2")


def _split(paths: list[Path]) -> list[Path]:
    """Return the paths, those joined by commas one by one (unless there is such a file)."""
    found: list[Path] = []
    for path in paths:
        found += (
            [path] if path.exists() else [Path(part.strip()) for part in str(path).split(",") if part.strip()]
        )
    return found


def _summary(proposed: ProposedConfig) -> list[str]:
    """Return what is told of a proposal, line by line: roles, columns not used, what to check."""
    from precisionmed.io.propose import without_role

    checks = [f"  {key.removeprefix('cohort.')}: {text}" for key, text in proposed.remarks.items()]
    checks = ["To check (beside the keys in the config too):", *_folded(checks)]
    if not len(proposed.used) and not len(proposed.unused) and not proposed.others:
        return ["There is no clinical table: no roles are proposed.", *checks]
    used = [f"  {_short(row.column)} -> {row.role}" for row in proposed.used.itertuples(index=False)]
    unused = [
        f"  {_short(row.column)} looks like {row.looks_like}, not used: {row.reason}."
        for row in proposed.unused.itertuples(index=False)
    ]
    lines = ["Columns and what they are taken for:", *_folded(used or ["  (none)"])]
    if unused:
        lines += ["Columns that look like something and are not used:", *_folded(unused)]
    if proposed.others:
        lines.append(without_role(proposed.others))
    return [*lines, *checks]


def _folded(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[:_MOST_LINES], f"  ... and {len(lines) - _MOST_LINES} more: see the config."]


def _short(column: object) -> str:
    from precisionmed.io.propose import one_line

    name = one_line(column)
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 3]}..."
