"""Cohorts to try things on: real ones that come with the `demo` extra, and one with known truth."""

from precisionmed.datasets.simulate import simulate, write_tables
from precisionmed.datasets.survset import bild, stanford, tables, unc

__all__ = ["bild", "simulate", "stanford", "tables", "unc", "write_tables"]
