"""Caches go where they can be written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from precisionmed import caches

NAMES = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "MPLCONFIGDIR")


def _clear(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(name, "x")  # so that what is set here is undone
        monkeypatch.delenv(name)


def test_a_home_that_can_be_written_is_left_alone(monkeypatch, tmp_path):
    _clear(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    caches.make_caches_writable()
    assert not set(NAMES) & set(os.environ)


def test_without_a_home_a_private_temporary_folder_serves(monkeypatch, tmp_path):
    _clear(monkeypatch)
    monkeypatch.setattr(caches, "_writable", lambda folder: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    caches.make_caches_writable()
    for name in NAMES:
        folder = Path(os.environ[name]).parent
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_others_can_fill_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    theirs = tmp_path / f"precisionmed-{os.getuid()}"
    theirs.mkdir()
    theirs.chmod(0o777)
    assert caches._private_folder() not in (None, theirs)


def test_places_that_cannot_be_written_are_known():
    assert not caches._writable(Path("/proc/none/cache"))
