"""One small finished run, made by the command line as a user would, for all tests that look at one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

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


@dataclass
class Run:
    """A finished run."""

    folder: Path
    config: Path
    results: Path
    external: Path
    stderr: str


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    config = {
        "output": "results",
        "seed": 3,
        "cohort": {"name": "Alpha", **write_cohort(folder / "alpha", seed=1)},
        "external": [{"name": "Beta", **write_cohort(folder / "beta", seed=2, n_samples=60)}],
        "shared_genes": True,
        "batch": {"method": "combat"},
        **FAST,
    }
    path = folder / "my.yaml"
    path.write_text(yaml.safe_dump(config))
    done = command("run", "--config", path, "--cores", "2", cwd=folder)
    assert done.returncode == 0, done.stderr + (folder / "results/logs/snakemake.log").read_text()
    return Run(folder, path, folder / "results", folder / "beta" / "expression.tsv", done.stderr)
