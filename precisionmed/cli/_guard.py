"""What every command shares: exit codes, the log file, the status for `run`, threads and warnings.

Exit codes: 0 done; 2 the input is at fault (one line says what); 1 our fault (traceback in the log).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from precisionmed.errors import InputError, PrecisionMedWarning

console = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def guarded(step: str, log: Path | None = None, threads: int | None = None) -> Iterator[None]:
    """Run a command's body; turn what goes wrong into exit codes, and keep a log and a status."""
    started = time.perf_counter()
    _status(log, step, state="running", started=time.time())
    try:
        with _threads(threads), _warnings_to(log):
            yield
    except InputError as error:
        _say(f"[bold red]error:[/] {_escape(str(error))}")
        _write(log, f"error: {error}\n")
        _status(log, step, state="failed", message=str(error), seconds=time.perf_counter() - started)
        raise typer.Exit(2) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception:
        path = _traceback(log, step)
        _say(f"[bold red]precisionmed {step} failed, and the fault is ours.[/] The traceback is in {path}")
        _status(
            log,
            step,
            state="failed",
            message=f"internal error, see {path}",
            seconds=time.perf_counter() - started,
        )
        raise typer.Exit(1) from None
    seconds, peak = time.perf_counter() - started, _peak_mb()
    _write(log, f"{step}: done in {seconds:.1f} s, peak memory {peak:.0f} MB\n")
    _status(log, step, state="done", seconds=seconds, peak_mb=peak)


def status_path(log: Path) -> Path:
    """Return where a step's status stands: beside its log."""
    return log.with_suffix(".status.json")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _threads(threads: int | None) -> Iterator[None]:
    if threads is None:
        yield
        return
    import numba
    from threadpoolctl import threadpool_limits

    numba.set_num_threads(min(threads, numba.get_num_threads()))
    with threadpool_limits(threads):
        yield


@contextmanager
def _warnings_to(log: Path | None) -> Iterator[None]:
    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, PrecisionMedWarning):
            _say(f"[yellow]warning:[/] {_escape(str(message))}")
        _write(log, f"{category.__name__}: {message}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("always", PrecisionMedWarning)
        warnings.showwarning = show
        yield


def _say(text: str) -> None:
    console.print(text)
    sys.stderr.flush()


def _escape(text: str) -> str:
    return text.replace("[", "\\[")


def _write(log: Path | None, text: str) -> None:
    if log is None:
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as handle:
        handle.write(text)


def _status(log: Path | None, step: str, **values: Any) -> None:
    if log is None:
        return
    path = status_path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"step": step, **values}))
    temporary.replace(path)


def _traceback(log: Path | None, step: str) -> Path:
    path = log or Path(tempfile.gettempdir()) / f"precisionmed-{step}-{os.getpid()}.log"
    _write(path, traceback.format_exc())
    return path
