"""A bar while long work goes on, for people who watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error; nothing is written where that is no terminal.

    Parameters
    ----------
    what : str
        Stands before the bar.

    Yields
    ------
    callable
        To be called with (parts done, parts in all).
    """
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=None)

        def tick(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        yield tick
