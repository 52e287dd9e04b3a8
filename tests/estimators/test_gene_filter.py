import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.gene_filter import GeneFilter


def test_counts_rule_in_closed_form():
    generator = np.random.default_rng(0)
    counts = generator.negative_binomial(2, 2 / (2 + generator.gamma(0.5, 60, 300)), (40, 300)).astype(float)
    counts *= generator.choice([1, 3, 10], 40)[:, None]
    sizes = counts.sum(axis=1)
    reached = counts / sizes[:, None] * 1e6 >= 10 / np.median(sizes) * 1e6
    expected = reached.mean(axis=0) >= 0.25
    np.testing.assert_array_equal(GeneFilter(min_count=10, min_fraction=0.25).fit(counts).kept_, expected)
    assert 0 < expected.sum() < 300


def test_the_cutoff_itself_is_enough():
    counts = np.array([[10.0, 89, 1], [9.0, 90, 1], [10.0, 88, 2]])
    np.testing.assert_array_equal(GeneFilter(10, 2 / 3).fit(counts).kept_, [True, True, False])
    np.testing.assert_array_equal(GeneFilter(10, 1.0).fit(counts).kept_, [False, True, False])


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
