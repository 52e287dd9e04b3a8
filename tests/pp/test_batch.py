import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed import pp
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io.codec import decode
from precisionmed.pp._inputs import batch_covariates, batch_labels, measured, preprocessor


@pytest.fixture
def normalized(make_cohort):
    return pp.normalize(make_cohort())


def test_removes_the_batch_and_keeps_the_biology(normalized):
    stored = pp.batch(normalized, method="combat", covariates=["er"]).uns["precisionmed"]["batch"]
    variance = stored["variance"].set_index("factor")
    assert variance.loc["batch", "before"] > 0.2 and variance.loc["batch", "after"] < 0.02
    assert variance.loc["er", "after"] > variance.loc["er", "before"]
    assert stored["batches"].to_numpy().tolist() == [["x", 12], ["y", 12], ["z", 12]]
    assert "3 batches" in stored["methods"] and "preserving er" in stored["methods"]


def test_tells_how_far_batches_and_biology_are_apart_before_and_after(normalized):
    stored = pp.batch(normalized, method="combat").uns["precisionmed"]["batch"]
    separation = stored["separation"].set_index("factor")
    assert separation.loc["batch", "before"] > 0.2 and separation.loc["batch", "after"] < 0
    assert separation.loc["er", "after"] > separation.loc["er", "before"]
    assert "age" not in separation.index
    before, after = normalized.obsm["X_pca_before_batch"], normalized.obsm["X_pca_batch"]
    assert before.shape == after.shape == (36, 10)
    variance = stored["pca_variance"]
    assert list(variance["pc"][:2]) == ["PC1", "PC2"] and variance["before"].is_monotonic_decreasing


def test_counts_are_corrected_before_they_are_normalized(normalized, tmp_path):
    stored = pp.batch(normalized, method="combat_seq", covariates=["er"]).uns["precisionmed"]["batch"]
    variance = stored["variance"].set_index("factor")
    assert variance.loc["batch", "before"] > 0.2 and variance.loc["batch", "after"] < 0.02
    assert variance.loc["er", "after"] > variance.loc["er", "before"]
    assert "ComBat-seq" in stored["methods"] and "preserving er" in stored["methods"]
    normalized.write_h5ad(tmp_path / "cohort.h5ad")
    again = ad.read_h5ad(tmp_path / "cohort.h5ad")
    values, genes = measured(again)
    labels = batch_labels(again)
    model = decode(again.uns["precisionmed"]["batch"]["model"])
    alone = model.transform(pd.DataFrame(values[[7]], columns=genes), batch=labels[[7]])
    np.testing.assert_array_equal(alone[0], normalized.X[7])
    refitted = preprocessor(again).fit_transform(values, batch=labels, covariates=batch_covariates(again))
    np.testing.assert_allclose(refitted, normalized.X, rtol=1e-12)  # samples in another order


def test_what_combat_seq_cannot_do(normalized, make_cohort):
    rsem = pp.normalize(make_cohort("rsem"))
    with pytest.raises(InputError, match="'combat_seq' needs counts, the scale is 'rsem'; use 'combat'"):
        pp.batch(rsem, method="combat_seq")
    with pytest.raises(InputError, match=r"batch\.reference is for 'combat' only"):
        pp.batch(normalized, method="combat_seq", reference="x")
    batch = normalized.obs["batch"].astype(object)
    batch.iloc[:2] = "w"
    normalized.obs["batch"] = batch
    with (
        pytest.warns(PrecisionMedWarning, match="fewer than 5"),
        pytest.raises(InputError, match=r"needs 3 samples of a batch \(w has fewer\)"),
    ):
        pp.batch(normalized, method="combat_seq")
    assert "X_pca_before_batch" not in normalized.obsm


def test_the_settings_of_combat_are_kept_for_the_folds(normalized):
    with pytest.raises(InputError, match=r"batch\.reference: there is no batch 'xx'\. Did you mean 'x'"):
        pp.batch(normalized.copy(), method="combat", reference="xx")
    before = normalized.X.copy()
    stored = pp.batch(normalized, method="combat", parametric=False, mean_only=True, reference="x")
    corrector = preprocessor(normalized).batch_corrector
    assert (corrector.parametric, corrector.mean_only, corrector.reference) == (False, True, "x")
    kept = (normalized.obs["batch"] == "x").to_numpy()
    np.testing.assert_array_equal(normalized.X[kept], before[kept])
    methods = stored.uns["precisionmed"]["batch"]["methods"]
    assert "towards batch x with non-parametric empirical Bayes of batch means alone" in methods


def test_the_stored_model_gives_the_same_values(normalized, tmp_path):
    pp.batch(normalized, method="combat", covariates=["er", "age"])
    normalized.write_h5ad(tmp_path / "cohort.h5ad")
    again = ad.read_h5ad(tmp_path / "cohort.h5ad")
    values, genes = measured(again)
    labels = batch_labels(again)
    model = decode(again.uns["precisionmed"]["batch"]["model"])
    alone = model.transform(pd.DataFrame(values[[7]], columns=genes), batch=labels[[7]])
    np.testing.assert_array_equal(alone[0], normalized.X[7])
    refitted = preprocessor(again).fit_transform(values, batch=labels, covariates=batch_covariates(again))
    np.testing.assert_allclose(refitted, normalized.X, rtol=1e-12)  # samples in another order


def test_none_changes_nothing_but_says_what_batch_explains(normalized):
    before = normalized.X.copy()
    stored = pp.batch(normalized).uns["precisionmed"]["batch"]
    np.testing.assert_array_equal(normalized.X, before)
    assert "model" not in stored and (stored["variance"]["before"] == stored["variance"]["after"]).all()
    assert batch_labels(normalized) is None and batch_covariates(normalized) is None
    assert preprocessor(normalized).batch_corrector is None


@pytest.mark.parametrize("column", ["er", "os_event"])
def test_a_batch_that_determines_a_label_is_refused(normalized, column):
    third = normalized.obs["batch"] == "x"
    values = {"er": ("negative", "positive"), "os_event": (1.0, 0.0)}[column]
    normalized.obs[column] = np.where(third, *values)
    with pytest.raises(
        InputError, match=f"'centre' is confounded with '{column}'.*x: 12 .*; y: 12 .*; z: 12"
    ) as error:
        pp.batch(normalized, method="combat")
    assert "\n" not in str(error.value)


def test_classes_that_no_batch_links_are_refused(normalized):
    kinds = np.where(normalized.obs["er"] == "positive", "LumA", "LumB")
    normalized.obs["intrinsic"] = np.where(normalized.obs["batch"] == "z", "Basal", kinds)
    with pytest.raises(InputError, match="confounded with 'intrinsic'"):
        pp.batch(normalized, method="combat")


def test_one_linking_sample_is_enough_to_go_on_with_a_warning(normalized):
    er = np.where(normalized.obs["batch"] == "x", "negative", "positive").astype(object)
    er[0] = "positive"
    normalized.obs["er"] = pd.Categorical(er)
    with pytest.warns(PrecisionMedWarning, match="'er' differs strongly between batches"):
        pp.batch(normalized, method="combat")
    assert "differs strongly" in normalized.uns["precisionmed"]["batch"]["notes"][0]


def test_a_preserved_label_that_differs_between_batches_is_told(normalized):
    er = np.where(normalized.obs["batch"] == "x", "negative", "positive").astype(object)
    er[:3], er[-3:] = "positive", "negative"
    normalized.obs["er"] = pd.Categorical(er)
    with pytest.warns(PrecisionMedWarning, match="'er' is preserved and differs between batches"):
        pp.batch(normalized, method="combat", covariates=["er"])


def test_covariates_with_gaps_are_told(normalized):
    normalized.obs.loc["S3", "age"] = np.nan
    with pytest.warns(PrecisionMedWarning, match="covariate 'age' is missing in 1 sample"):
        pp.batch(normalized, method="combat", covariates=["age"])


def test_small_batches(normalized):
    batch = normalized.obs["batch"].astype(object)
    batch.iloc[:3] = "w"
    normalized.obs["batch"] = batch
    with pytest.warns(PrecisionMedWarning, match=r"fewer than 5 samples \(w\)"):
        pp.batch(normalized.copy(), method="combat")
    batch.iloc[1:3] = "x"
    normalized.obs["batch"] = batch
    with pytest.raises(InputError, match=r"a batch of one sample cannot be corrected \(w\)"):
        pp.batch(normalized, method="combat")


def test_the_users_mistakes(normalized, make_cohort):
    with pytest.raises(InputError, match=r"run pp\.normalize first"):
        pp.batch(make_cohort())
    with pytest.raises(InputError, match=r"no clinical column 'agee'\. Did you mean 'age'"):
        pp.batch(normalized, method="combat", covariates=["agee"])
    one = normalized[normalized.obs["batch"] == "x"].copy()
    with pytest.raises(InputError, match="one batch only"):
        pp.batch(one, method="combat")
    gap = normalized.copy()
    gap.obs["batch"] = gap.obs["batch"].where(gap.obs_names != "S4")
    with pytest.raises(InputError, match=r"batch column 'centre' is empty for 1 sample\(s\) \(S4\)"):
        pp.batch(gap, method="combat")
    del gap.obs["batch"]
    with pytest.raises(InputError, match=r"declare cohort\.roles\.batch"):
        pp.batch(gap, method="combat")
    with pytest.raises(InputError, match="unknown batch method 'combet'"):
        pp.batch(normalized, method="combet")
    pp.batch(normalized)
    with pytest.raises(InputError, match="already"):
        pp.batch(normalized)
