"""Marker genes and gene sets of subtypes: what is planted is found, with the right sign."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators._moderated import moderated_t
from precisionmed.io.gene_sets import GeneSets
from precisionmed.tl._markers import gene_set_table, marker_table, measured_sets

_GENES = pd.Index([f"g{i}" for i in range(700)])
_NAMES = ["S1", "S2", "S3"]
_SETS = {
    "up in S1": tuple(_GENES[:20]) + ("unmeasured",),
    "down in S2": tuple(_GENES[30:60]),
    "nothing": tuple(_GENES[100:150]),
    "small": tuple(_GENES[:9]) + ("other", "another"),
    "large": tuple(_GENES[:501]),
}


@pytest.fixture(scope="module")
def tested():
    rng = np.random.default_rng(2)
    labels = np.repeat(_NAMES, 15)
    values = rng.normal(size=(45, len(_GENES)))
    values[:15, :20] += 2
    values[15:30, 30:60] -= 1
    return moderated_t(values, labels, np.array(_NAMES))


def test_markers_are_the_planted_genes(tested):
    table = marker_table(tested, _GENES, _NAMES)
    first = table[table["subtype"] == "S1"]
    assert len(first) == 100
    assert set(first["gene"].head(15)) <= set(_GENES[:20])
    assert first["p"].is_monotonic_increasing


def test_gene_sets_that_are_planted_come_first(tested):
    sets = measured_sets(GeneSets("here", _SETS), _GENES)
    assert list(sets.names) == ["up in S1", "down in S2", "nothing"], "10 to 500 measured genes"
    assert sets.members.sum(axis=1).tolist() == [20, 30, 50]
    table = gene_set_table(tested, sets, _NAMES)
    assert list(table.columns) == ["subtype", "gene_set", "n_genes", "direction", "p", "fdr"]
    best = table.groupby("subtype").first()
    assert best.loc["S1", ["gene_set", "n_genes", "direction"]].tolist() == ["up in S1", 20, "up"]
    assert best.loc["S2", ["gene_set", "n_genes", "direction"]].tolist() == ["down in S2", 30, "down"]
    assert (best.loc[["S1", "S2"], "fdr"] < 1e-6).all()
    assert (table.loc[table["gene_set"] == "nothing", "fdr"] > 0.01).all()


def test_a_gene_twice_in_a_set_counts_once():
    sets = measured_sets(GeneSets("here", {"a": tuple(_GENES[:12]) + ("g0", "g1")}), _GENES)
    assert sets.members.sum() == 12
    assert sets.members.max() == 1
