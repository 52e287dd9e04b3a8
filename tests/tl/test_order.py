"""The order of samples and genes in the input changes nothing."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed import pp, tl
from precisionmed.datasets import simulate
from precisionmed.io.model import lock

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")]

FAST = {"n_folds": 3, "n_repeats": 1, "seed": 3}
SCORES = ("her2_probability", "tnbc_probability", "score_er", "score_os", "risk_os", "subtype_confidence")
CALLS = ("her2_call", "tnbc_call", "subtype", "intrinsic_subtype", "subtype_core", "risk_group_os")


def steps(adata: ad.AnnData) -> ad.AnnData:
    """Run the chain on a cohort with several samples of some patients."""
    pp.normalize(adata)
    pp.batch(adata, method="combat", covariates=["age"])
    tl.subtypes(adata, n_genes=60, resamples=40, n_null=0, robustness=True, seed=3)
    tl.classify(tl.receptors(adata), **FAST)
    tl.biomarkers(adata, labels=("er",), n_pairs=5, random_signatures=5, **FAST)
    tl.survival(adata, **FAST)
    return tl.response(adata, **FAST)


@pytest.fixture(scope="module")
def cohort():
    adata = simulate(96, 150, n_batches=2, seed=4)
    adata.obs["patient"] = [f"P{max(i, 6)}" for i in range(adata.n_obs)]
    adata.obs.loc[adata.obs_names[40], "patient"] = np.nan
    return adata


@pytest.fixture(scope="module")
def usual(cohort):
    return steps(cohort.copy())


@pytest.fixture(scope="module")
def shuffled(cohort):
    rng = np.random.default_rng(0)
    return steps(cohort[rng.permutation(cohort.n_obs), rng.permutation(cohort.n_vars)].copy())


def test_calls_and_scores_of_every_sample_are_the_same(cohort, usual, shuffled):
    assert usual.obs_names.equals(cohort.obs_names) and not shuffled.obs_names.equals(cohort.obs_names)
    other = shuffled.obs.loc[usual.obs_names]
    for name in SCORES:
        np.testing.assert_allclose(other[name], usual.obs[name], rtol=0, atol=1e-6, err_msg=name)
    for name in CALLS:
        assert other[name].astype(object).equals(usual.obs[name].astype(object)), name
    np.testing.assert_allclose(
        shuffled[usual.obs_names].obsp["consensus"], usual.obsp["consensus"], atol=1e-6
    )


def test_tables_are_the_same(usual, shuffled):
    for step in ("subtypes", "classify", "biomarkers", "survival", "response"):
        assert_same(usual.uns["precisionmed"][step], shuffled.uns["precisionmed"][step], step)


def test_the_locked_model_is_the_same(usual, shuffled, tmp_path):
    models = [lock(adata, tmp_path / f"{i}.pmz") for i, adata in enumerate((usual, shuffled))]
    sample = pd.DataFrame(usual.raw.X[:5], columns=usual.raw.var_names, index=usual.obs_names[:5])
    calls = [model.predict(sample) for model in models]
    pd.testing.assert_frame_equal(*calls, check_exact=False, rtol=0, atol=1e-6)
    pd.testing.assert_frame_equal(*(model.parts["subtype_survival"] for model in models))


def assert_same(one, other, where):
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-6, atol=1e-6, obj=where)
    elif isinstance(one, np.ndarray) and one.dtype.kind == "f":
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6, err_msg=where)
    elif isinstance(one, np.ndarray):
        assert np.array_equal(one, other), where
    else:
        assert one == other, where
