"""A live line for each step with its time; plain lines when the output is no terminal."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.live import Live
from rich.table import Table

from precisionmed.cli._guard import console

_MARKS = {"running": "[cyan]…[/]", "done": "[green]✓[/]", "failed": "[red]✗[/]"}


class Progress:
    """Shows the status files that the steps write beside their logs.

    Parameters
    ----------
    logs
        Folder with the logs.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._states: dict[str, dict[str, Any]] = {}
        self._live = Live(console=console, refresh_per_second=5) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.update()
        if self._live:
            self._live.stop()

    @property
    def failed_after_check(self) -> bool:
        """Whether a step failed that computes: what reads and checks tables may all have its say."""
        return any(
            status["state"] == "failed" and not name.startswith("ingest")
            for name, status in self._states.items()
        )

    def update(self) -> None:
        """Read the status files again and show what changed."""
        for path in sorted(self._logs.glob("*.status.json"), key=lambda p: p.stat().st_mtime):
            name = path.name.removesuffix(".status.json")
            status = json.loads(path.read_text())
            ended = (
                status["state"] != "running" and self._states.get(name, {}).get("state") != status["state"]
            )
            self._states[name] = status
            if ended and not self._live:
                console.print(f"{_MARKS[status['state']]} {name:<12} {status['seconds']:6.1f} s")
        if self._live:
            self._live.update(self._table())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for name, status in self._states.items():
            seconds = status.get("seconds", time.time() - status.get("started", time.time()))
            table.add_row(_MARKS[status["state"]], name, f"{seconds:6.1f} s")
        return table
