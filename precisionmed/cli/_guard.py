"""What every command shares: exit codes, the log file, the status for `run`, threads and warnings.

Exit codes: 0 done; 2 the input is at fault (one line says what); 1 our fault (traceback in the log).
"""

from __future__ import annotations

import errno
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from precisionmed.errors import InputError, PrecisionMedWarning, messages_of, one_line

console = Console(stderr=True, highlight=False, soft_wrap=True)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "errno = 28", "errno = 122")


@contextmanager
def guarded(step: str, log: Path | None = None, threads: int | None = None) -> Iterator[None]:
    """Run a command's body; turn what goes wrong into exit codes, and keep a log and a status."""
    started = time.perf_counter()

    def failed(*messages: str) -> None:
        _status(log, step, state="failed", messages=messages, seconds=time.perf_counter() - started)

    _status(log, step, state="running", started=time.time())
    try:
        with _threads(threads), _warnings_to(log):
            yield
    except (typer.Exit, typer.Abort):
        raise
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except Exception as error:
        message = str(error) if isinstance(error, InputError) else machine_fault(error)
        if message is None:
            path = _traceback(log, step)
            say(
                f"precisionmed {step} failed, and the fault is ours. The traceback is in {path}",
                style="bold red",
            )
            failed(f"internal error, see {path}")
            raise typer.Exit(1) from None
        lines = messages_of(error) if isinstance(error, InputError) else [message]
        for line in lines:
            say("error: ", style="bold red", end="")
            say(line)
            _write(log, f"error: {line}\n")
        failed(*lines)
        raise typer.Exit(2) from None
    seconds, peak = time.perf_counter() - started, _peak_mb()
    _write(log, f"{step}: done in {seconds:.1f} s, peak memory {peak:.0f} MB\n")
    _status(log, step, state="done", seconds=seconds, peak_mb=peak)


def machine_fault(error: BaseException) -> str | None:
    """Return one line when the machine is at fault and not the program: disk, memory, permissions.

    Libraries wrap these errors, so that causes and texts are looked at too.
    """
    seen: BaseException | None = error
    while seen is not None:
        text = one_line(seen)
        number = seen.errno if isinstance(seen, OSError) else None
        place = (
            f"{one_line(os.fsdecode(seen.filename))}: " if isinstance(seen, OSError) and seen.filename else ""
        )
        if number in _FULL or any(words in text for words in _FULL_WORDS):
            return f"{place}the disk is full ({text}); free some space, or choose another folder or TMPDIR."
        if isinstance(seen, MemoryError):
            return f"there is not enough memory ({text or 'none was left'}); use a machine with more of it."
        if number in (errno.EACCES, errno.EPERM, errno.EROFS):
            return (
                f"{place}may not be read or written ({text}); change its permissions or choose another path."
            )
        if number in (errno.ENAMETOOLONG, errno.ELOOP, errno.EMFILE, errno.EIO, errno.ESTALE):
            return f"{place}cannot be used ({text}); choose another path."
        seen = seen.__cause__ or seen.__context__
    return None


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
            say("warning: ", style="yellow", end="")
            say(str(message))
        _write(log, f"{category.__name__}: {message}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("always", PrecisionMedWarning)
        warnings.showwarning = show
        yield


def say(text: str, style: str | None = None, end: str = "\n") -> None:
    """Print a line to the terminal as it is: brackets in names are no markup."""
    console.print(text, style=style, end=end, markup=False, emoji=False)
    sys.stderr.flush()


def _write(log: Path | None, text: str) -> None:
    if log is None:
        return
    with suppress(OSError):  # a full disk must not hide what went wrong
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="replace") as handle:
            handle.write(text)


def _status(log: Path | None, step: str, **values: Any) -> None:
    if log is None:
        return
    path = status_path(log)
    temporary = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"step": step, **values}))
        temporary.replace(path)


def _traceback(log: Path | None, step: str) -> Path:
    path = log or Path(tempfile.gettempdir()) / f"precisionmed-{step}-{os.getpid()}.log"
    _write(path, traceback.format_exc())
    return path
