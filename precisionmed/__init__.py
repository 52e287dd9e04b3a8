"""Learn from a tumour cohort once, lock what was learned, apply it to one patient."""

__version__ = "0.1.0"
