"""Where compiled kernels and libraries keep their caches when package and home cannot be written."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

_SET_ELSEWHERE = {"NUMBA_CACHE_DIR": "numba", "XDG_CACHE_HOME": "cache", "MPLCONFIGDIR": "matplotlib"}


def make_caches_writable() -> None:
    """Send the caches of numba, matplotlib and Snakemake to a private temporary folder if they have no place.

    Without this numba refuses to load a compiled function at all, and Snakemake to start.
    """
    if _writable(Path.home() / ".cache" if "HOME" in os.environ else Path("/nonexistent")):
        return
    folder = _private_folder()
    if folder is None:
        return
    for variable, name in _SET_ELSEWHERE.items():
        if variable == "NUMBA_CACHE_DIR" and _writable(Path(__file__).parent / "kernels" / "__pycache__"):
            continue
        os.environ.setdefault(variable, str(folder / name))
    if "numba" in sys.modules:  # it reads its environment when it is imported
        from numba.core import config

        config.__dict__["CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR", "")


def _writable(folder: Path) -> bool:
    """Tell whether files can be made in a folder, which may still have to be made itself."""
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private_folder() -> Path | None:
    """Return a folder that only this user can write: caches of code are run, so nobody else may fill them."""
    try:
        folder = Path(tempfile.gettempdir()) / f"precisionmed-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        there = folder.lstat()
        if stat.S_ISDIR(there.st_mode) and there.st_uid == os.getuid() and not there.st_mode & 0o077:
            return folder
        return Path(tempfile.mkdtemp(prefix="precisionmed-"))
    except OSError:
        return None
