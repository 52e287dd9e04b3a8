from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.gene_filter import GeneFilter

REFERENCE = Path(__file__).parents[1] / "reference" / "qc"


@pytest.mark.parametrize(
    ("column", "settings"),
    [
        ("all", {"min_fraction": 1.0}),
        ("half", {"min_fraction": 0.5}),
        ("fifth", {"min_fraction": 0.2}),
        ("tenth", {}),
        ("low", {"min_count": 1, "min_total_count": 40}),
    ],
)
def test_keeps_the_genes_that_edger_keeps(column, settings):
    counts = pd.read_csv(REFERENCE / "counts.csv", index_col=0).T
    expected = pd.read_csv(REFERENCE / "kept.csv", index_col=0)[column].to_numpy(dtype=bool)
    np.testing.assert_array_equal(GeneFilter(**settings).fit(counts).kept_, expected)


def test_the_cutoff_itself_is_enough():
    counts = np.array([[10.0, 89, 1], [9.0, 90, 1], [10.0, 88, 2]])
    np.testing.assert_array_equal(GeneFilter(10, 2 / 3).fit(counts).kept_, [True, True, False])
    np.testing.assert_array_equal(GeneFilter(10, 1.0).fit(counts).kept_, [False, True, False])


def test_a_gap_is_no_count():
    counts = np.full((4, 3), 50.0)
    counts[:, 0], counts[:2, 0] = [1, 2, 60, 61], np.nan
    np.testing.assert_array_equal(GeneFilter(10, 0.5).fit(counts).kept_, [True, False, False])


def test_other_scales_lose_only_constant_and_unmeasured_genes():
    values = pd.DataFrame(
        {"low": [-9.0, -8, -9], "constant": [1.0, 1, 1], "missing": [np.nan] * 3, "gaps": [np.nan, 1, 2]}
    )
    kept = GeneFilter(scale="log2").fit(values)
    np.testing.assert_array_equal(kept.kept_, [True, False, False, True])
    assert kept.transform(values).shape == (3, 2)


def test_no_gene_left_is_refused():
    with pytest.raises(InputError, match="no gene of 2 passes the filter"):
        GeneFilter(scale="log2").fit([[1.0, 2], [1, 2]])
    with pytest.raises(InputError, match="no gene of 2 passes the filter"):
        GeneFilter(min_count=1000).fit([[1.0, 2], [2, 1]])
