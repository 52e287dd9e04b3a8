"""Cohort files in and out, gene identifiers, the locked model file."""

from precisionmed.io.cohort import read_cohort

__all__ = ["read_cohort"]
