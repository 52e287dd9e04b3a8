from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anndata as ad
import pytest

from precisionmed.config import RunConfig, parse_config
from precisionmed.report import build

from .._fabricated import cohort, external

CONFIG = {
    "cohort": {
        "name": "made_up",
        "expression": ["expression.tsv"],
        "clinical": "clinical.tsv",
        "roles": {
            "endpoints": {"os": {"time": "months", "event": "dead"}},
            "treatment": {"column": "chemotherapy"},
        },
    },
    "report": {"title": "A <made up> report", "author": "A. Author"},
}
Build = Callable[..., Path]


@pytest.fixture(scope="session")
def config() -> RunConfig:
    return parse_config(CONFIG)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory, config: RunConfig) -> Path:
    """Report of a cohort after all steps, read back from a file as the command line does."""
    folder = tmp_path_factory.mktemp("report")
    stored = folder / "cohort.h5ad"
    cohort().write_h5ad(stored)
    return build(
        ad.read_h5ad(stored),
        folder / "out",
        config=config,
        validations={"elsewhere": external()},
        started=datetime(2020, 1, 2, 3, 4, tzinfo=UTC),
        durations={"qc": {"seconds": 1.5, "peak_mb": 200.0}},
    )
