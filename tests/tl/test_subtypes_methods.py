"""The methods text says what was done, and nothing that was not."""

from __future__ import annotations

import pytest

from precisionmed.tl._subtypes_methods import subtypes_methods

_PARAMS = {
    "n_genes": 1500,
    "k_max": 5,
    "clusterer": "hierarchical",
    "linkage": "average",
    "metric": "pearson",
    "resamples": 200,
    "sample_fraction": 0.8,
    "n_null": 100,
    "robustness": True,
    "umap": False,
}


def _said(**params: object) -> str:
    return subtypes_methods({"params": _PARAMS | params, "reason": "k = 3 it is."})


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "average linkage on 1 - Pearson correlation"),
        ({"linkage": "ward", "metric": "euclidean"}, "ward linkage on Euclidean distance"),
        ({"clusterer": "kmeans"}, "k-means on 1 - Pearson correlation"),
        (
            {"clusterer": "pam", "metric": "spearman"},
            "partitioning around medoids on 1 - Spearman correlation",
        ),
        ({"clusterer": "nmf"}, "non-negative matrix factorization (Brunet et al. 2004), and average"),
        ({"clusterer": "leiden"}, "Leiden communities"),
        ({"umap": True}, "UMAP of ten principal components"),
    ],
)
def test_each_choice_is_named(params, said):
    assert said in _said(**params)
    assert "k = 3 it is." in _said(**params)


def test_what_was_left_out_is_not_mentioned():
    bare = _said(n_null=0, robustness=False)
    for word in ("cohorts without subtypes", "CAMERA", "Rand index", "UMAP", "further consensus"):
        assert word not in bare
    assert "a positive silhouette." in bare
