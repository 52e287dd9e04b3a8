"""The report: one self-contained page, with its figures and tables beside it."""

from __future__ import annotations

from precisionmed.report.build import build

__all__ = ["build"]
