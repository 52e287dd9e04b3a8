"""One small finished run, made by the command line as a user would, for all tests that look at one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from _commands import FAST, command, write_cohort


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
        "cohort": {"name": "Alpha", **write_cohort(folder / "alpha", slice(0, 120))},
        "external": [{"name": "Beta", **write_cohort(folder / "beta", slice(120, 180))}],
        "shared_genes": True,
        "batch": {"method": "combat"},
        **FAST,
    }
    path = folder / "my.yaml"
    path.write_text(yaml.safe_dump(config))
    done = command("run", "--config", path, "--cores", "2", cwd=folder)
    assert done.returncode == 0, done.stderr + (folder / "results/logs/snakemake.log").read_text()
    return Run(folder, path, folder / "results", folder / "beta" / "expression.tsv", done.stderr)
