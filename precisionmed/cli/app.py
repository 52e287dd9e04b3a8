"""The Typer application; each module registers its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from precisionmed.cli import init, model, run, steps
from precisionmed.version import __version__

app = typer.Typer(
    name="precisionmed",
    help="Learn from a tumour cohort once, lock what was learned, apply it to one patient.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"precisionmed {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


for module in (run, init, steps, model):
    module.register(app)


def main() -> None:
    """Run the command line."""
    app()
