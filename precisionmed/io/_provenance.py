"""What was read and how: file checksums, parameters and the sentences for the methods section."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from precisionmed.config import CohortConfig
from precisionmed.io._matrices import Expression
from precisionmed.io.genes import gene_table

_SCALE_WORDS = {
    "counts": "read counts",
    "rsem": "RSEM expression estimates",
    "tpm": "transcripts per million",
    "fpkm": "FPKM",
    "linear": "normalized linear values",
    "log2": "log2 expression values",
    "log_ratio": "log ratios",
    "zscore": "z-scores",
}
_DUPLICATE_WORDS = {
    "mean": "their mean was taken",
    "sum": "their sum was taken",
    "highest_mean": "the one with the highest mean was kept",
    "highest_variance": "the one with the highest variance was kept",
}
_PATIENT_WORDS = {"first": "the first sample", "largest_library": "the sample with the largest library"}


def files_table(config: CohortConfig, matrix: Expression) -> pd.DataFrame:
    """Return the table `file`, `sha256`, `bytes` of what was read."""
    rows = []
    if config.dataset is not None:
        data = np.ascontiguousarray(matrix.frame.to_numpy())
        names = "\n".join([*matrix.frame.index, *matrix.frame.columns]).encode()
        rows.append(
            (f"dataset {config.dataset}", hashlib.sha256(names + data.tobytes()).hexdigest(), data.nbytes)
        )
    for path in [*config.expression, *config.clinical_tables, config.probe_annotation]:
        if path is not None:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            rows.append((path.name, digest, path.stat().st_size))
    return pd.DataFrame(rows, columns=["file", "sha256", "bytes"])


def ingest_params(matrix: Expression, config: CohortConfig) -> dict[str, str | float]:
    """Return what was decided on the way, for `params`."""
    return {
        "cohort": config.name,
        "scale": matrix.scale,
        "scale_as_read": matrix.scale_as_read,
        "scale_evidence": matrix.scale_evidence,
        "orientation": matrix.orientation,
        "orientation_evidence": matrix.orientation_evidence,
        "gene_ids": matrix.gene_kind,
        "gene_table_date": gene_table().date,
        "duplicate_genes": config.duplicate_genes,
        "max_missing": config.max_missing,
        "one_sample_per_patient": config.one_sample_per_patient,
    }


def ingest_methods(n_samples: int, n_genes: int, matrix: Expression, config: CohortConfig) -> str:
    """Return the sentences on reading for the methods section."""
    how = "as stated" if config.scale != "auto" else "recognized from the values"
    estimated = "estimated " if matrix.scale == "counts" and (matrix.frame % 1 > 0).to_numpy().any() else ""
    what = estimated + _SCALE_WORDS[matrix.scale]
    sentences = [
        f"Expression of {matrix.n_read[0]} samples was read as {what} ({how}).",
        f"Gene identifiers ({matrix.gene_kind}) were brought to current gene symbols with NCBI Gene of "
        f"{gene_table().date}; ambiguous ones were left as they were.",
        f"Of several rows of one gene {_DUPLICATE_WORDS[config.duplicate_genes]}; genes missing in more than "
        f"{config.max_missing:.0%} of the samples were excluded.",
    ]
    rules = [f"{name} among {', '.join(values)}" for name, values in config.keep.items()]
    rules += [f"{name} not among {', '.join(values)}" for name, values in config.drop.items()]
    if rules:
        sentences.append(f"Samples were included with {'; '.join(rules)}.")
    if config.roles.patient and config.one_sample_per_patient != "keep_all":
        which = _PATIENT_WORDS[config.one_sample_per_patient]
        sentences.append(f"Of patients with several samples {which} was kept.")
    sentences.append(f"The cohort has {n_samples} samples and {n_genes} genes.")
    return " ".join(sentences)
