"""`precisionmed init`: look at the user's tables and propose a commented config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precisionmed.cli._guard import console, guarded
from precisionmed.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(rich_help_panel="Use")(init)


def init(
    expression: Annotated[
        Path, typer.Option("--expression", help="Expression matrix: TSV, CSV (gz) or h5ad.")
    ],
    clinical: Annotated[
        Path | None, typer.Option("--clinical", help="Clinical table: TSV, CSV or XLSX.")
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
        text = propose_config(expression, clinical, folder=output.parent)
        with replacing(output) as temporary:
            temporary.write_text(text)
        console.print(
            f"Wrote {output}. Read it, correct it, then: precisionmed run --config {output} --cores 2"
        )
