from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

GENES = ["ESR1", "PGR", "ERBB2", "GRB7", "MKI67", "TP53", "XIST", "ACTB", "GAPDH", "KRT5", "EGFR", "FOXA1"]
ENDPOINT = {"os": {"time": "months", "event": "status"}}


class Files:
    """Small tables of one cohort; change them, then write and read."""

    def __init__(self, folder: Path, n: int = 12) -> None:
        rng = np.random.default_rng(5)
        self.folder = folder
        self.samples = [f"T{i:02d}" for i in range(n)]
        self.counts = pd.DataFrame(rng.poisson(200, (len(GENES), n)), index=GENES, columns=self.samples)
        self.counts.index.name = "gene"
        self.clinical = pd.DataFrame(
            {
                "sample": self.samples,
                "months": rng.uniform(1, 90, n).round(2),
                "status": ["0:LIVING", "1:DECEASED"] * (n // 2),
                "er_ihc": ["Positive", "Negative", "Positve"] * (n // 3),
                "chemo": ["YES", "NO"] * (n // 2),
                "age": rng.integers(30, 80, n),
            }
        ).astype(object)

    def write(self, name: str = "expression.tsv") -> dict[str, Any]:
        """Write both tables and return the config that reads them."""
        separator = "," if ".csv" in name else "\t"
        self.counts.to_csv(self.folder / name, sep=separator)
        self.clinical.to_csv(self.folder / "clinical.tsv", sep="\t", index=False)
        return {"expression": [self.folder / name], "clinical": self.folder / "clinical.tsv"}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def text_file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
