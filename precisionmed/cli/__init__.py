"""The command line: one command a step, and `init`, `run`, `demo` and `predict`."""

from __future__ import annotations

from precisionmed.cli.app import main

__all__ = ["main"]
