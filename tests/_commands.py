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


def write_cohort(folder: Path, seed: int, n_samples: int = 120) -> dict[str, object]:
    """Simulate a cohort, write its two tables and return its part of the config."""
    adata = simulate(n_samples=n_samples, n_genes=400, seed=seed)
    expression, clinical = write_tables(adata, folder)
    return {"expression": [str(expression)], "clinical": str(clinical), "roles": ROLES}
