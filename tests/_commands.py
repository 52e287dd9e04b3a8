"""Running `precisionmed` in a folder as a user would, on a small simulated cohort."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from precisionmed.datasets import simulate, write_tables

ROLES = {
    "endpoints": {"os": {"time": "os_time", "event": "os_event", "unit": "months"}},
    "receptors": {name: {"column": name} for name in ("er", "pr", "her2")},
    "treatment": {"column": "treatment", "randomized": True},
    "response": {"column": "response", "responder": ["responder"], "non_responder": ["non_responder"]},
    "batch": "batch",
    "sex": "sex",
    "covariates": ["age"],
}
FAST = {
    "subtypes": {"n_genes": 200, "k_max": 4, "resamples": 40},
    "biomarkers": {"labels": ["er"], "n_folds": 3, "n_repeats": 1},
    "classify": {"n_folds": 3, "n_repeats": 1},
    "survival": {"n_folds": 3, "n_repeats": 1},
    "response": {"n_folds": 3, "n_repeats": 1},
}


def command(*arguments: str | Path, cwd: Path, check: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `precisionmed` in a folder."""
    environment = {**os.environ, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}
    line = [sys.executable, "-m", "precisionmed", *map(str, arguments)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, env=environment, check=check)


def write_cohort(folder: Path, rows: slice) -> dict[str, object]:
    """Write the two tables of some patients of one simulated population; return their part of the config."""
    population = simulate(n_samples=180, n_genes=400, seed=1)
    expression, clinical = write_tables(population[rows].copy(), folder)
    return {"expression": [str(expression)], "clinical": str(clinical), "roles": ROLES}
