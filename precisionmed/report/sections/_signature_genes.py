"""How sure the genes of a signature are, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from precisionmed.report._format import count, join, percent

_LISTED = 12
"""Genes listed by name in a sentence."""


def listed(genes: list[str]) -> str:
    """Return names of genes as a list in words, the first of them when they are many."""
    if len(genes) <= _LISTED:
        return join(genes)
    return f"{', '.join(genes[:_LISTED])} and {len(genes) - _LISTED} more"


def stable(found: dict[str, Any]) -> list[str]:
    """Say which genes most halves of the cohort choose; nothing when that was not asked."""
    if not {"stability", "stability_threshold", "stability_pfer"} <= set(found):
        return []
    table = found["stability"]
    genes = table.loc[table["selected"].astype(bool), "gene"].astype(str).tolist()
    limit = percent(float(found["stability_threshold"]))
    if not genes:
        return [
            f"No gene came up early in at least {limit} of random halves of the cohort: other patients may "
            "well give other genes."
        ]
    false = float(found["stability_pfer"])
    return [
        f"{count(len(genes), 'gene')} ({listed(genes)}) came up early in at least {limit} of random halves "
        f"of the cohort; among such genes at most {false:.2g} false ones are expected."
    ]


def beat_decoys(found: dict[str, Any]) -> list[str]:
    """Say which genes beat made-up ones; nothing when that was not asked."""
    if not {"decoys", "decoy_fdr"} <= set(found):
        return []
    rate = float(found["decoy_fdr"])
    genes = [str(gene) for gene in np.ravel(found.get("decoy_genes", []))]
    if genes:
        return [
            f"{count(len(genes), 'gene')} ({listed(genes)}) beat made-up decoys often enough to keep the "
            f"false discovery rate at {percent(rate)}."
        ]
    return [
        f"No gene is selected against made-up decoys at a false discovery rate of {percent(rate)}; that "
        f"takes at least {int(np.ceil(1 / rate - 1e-9))} genes that beat theirs."
    ]
