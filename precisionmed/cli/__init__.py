"""The command line: one command a step, and `init`, `run`, `demo` and `predict`."""

from __future__ import annotations

from precisionmed.caches import make_caches_writable

make_caches_writable()  # before anything imports a library that keeps a cache

from precisionmed.cli.app import main  # noqa: E402

__all__ = ["main"]
