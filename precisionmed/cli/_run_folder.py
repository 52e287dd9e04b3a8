"""The output folder of a run: claimed by one run at a time, and left as it was when that is not possible."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from precisionmed.errors import InputError, one_line, warn

_LOCK = ".precisionmed.lock"
FEWEST_FREE = 20_000_000
"""Free bytes without which nothing is started."""


@contextmanager
def claimed(folder: Path, config: Path, tables: list[Path]) -> Iterator[int]:
    """Hold the lock of an output folder; nothing in it is touched before that.

    Parameters
    ----------
    folder
        Made when it is not there.
    config
        The config of the run, named to others who want the folder.
    tables
        What the run reads, to tell how much room it needs.

    Yields
    ------
    int
        The lock's file descriptor: a child that inherits it keeps the lock should this process be killed.

    Raises
    ------
    InputError
        The folder cannot be written, is nearly full, holds a config that no run has written, or another
        run works in it.
    """
    from precisionmed.io.run import config_version

    config_version(folder / "config.yaml")
    _writable(folder, bytes_needed(tables))
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, folder)
        if os.pread(handle, 1, 0):  # its owner was killed, and Snakemake with it; else the lock is another's
            shutil.rmtree(folder / ".snakemake" / "locks", ignore_errors=True)
        owner = f"process {os.getpid()} on {socket.gethostname()}, config {config.name}"
        os.truncate(handle, 0)
        os.write(handle, owner.encode(errors="replace"))
        try:
            yield handle
        finally:
            os.truncate(handle, 0)
    finally:
        os.close(handle)


def clean(folder: Path) -> None:
    """Remove what a killed run may have left: statuses and half-written files.

    To be called by the holder of the folder's lock: nobody else writes here then.
    """
    for status in (folder / "logs").glob("*.status.json"):
        status.unlink()
    for place in (".", "steps", "external/*", "figures", "tables"):
        for left in folder.glob(f"{place}/.*-????????.*"):
            left.unlink()


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = one_line(os.pread(handle, 300, 0).decode(errors="replace"))
        raise InputError(
            f"{folder}: another run works in this folder ({owner}); wait for it, stop it, or set another "
            "'output'."
        ) from None
    except OSError:  # a file system without locks: Snakemake's own lock remains
        return


def bytes_needed(tables: list[Path]) -> float:
    """Return about how many bytes a run of these tables writes: the matrix in four steps, figures, report."""
    packed = (".gz", ".bz2", ".xz", ".xlsx", ".h5ad")
    text = sum(t.stat().st_size * (4 if t.suffix.lower() in packed else 1) for t in tables if t.is_file())
    return 3e7 + 25 * text


def _writable(folder: Path, needed: float) -> None:
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        probe = folder / "logs" / f".probe-{os.getpid()}"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise InputError(
            f"{one_line(folder)}: the output folder cannot be written ({error.strerror}); set another "
            "'output'."
        ) from None
    room = f"{folder}: {free / 1e6:.0f} MB are free there, and the run needs about {needed / 1e6:,.0f} MB"
    if free < FEWEST_FREE:
        raise InputError(f"{room}; free some space, or set another 'output'.")
    if free < needed:
        warn(f"{room}; it may end with a full disk.")
