"""The subtypes step: truth is found, everything is stored, and nothing is claimed that is not there."""

from __future__ import annotations

import sys

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from precisionmed.datasets import simulate
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators import IntrinsicSubtypeClassifier, NearestCentroid
from precisionmed.io.codec import decode
from precisionmed.io.genes import gene_table
from precisionmed.pp.normalize import normalize
from precisionmed.tl.subtypes import subtypes


def _cohort(**settings) -> ad.AnnData:
    chosen = {"n_samples": 140, "n_genes": 900, "n_batches": 1, "k": 4, "seed": 3} | settings
    return normalize(simulate(**chosen))


def _run(adata: ad.AnnData, **settings) -> ad.AnnData:
    quick = {"n_genes": 300, "resamples": 40, "n_null": 19, "robustness": False}
    return subtypes(adata, **(quick | settings))


@pytest.fixture(scope="module")
def learned() -> ad.AnnData:
    adata = _cohort()
    adata.obs["IntClust"] = pd.Categorical(np.random.default_rng(0).integers(1, 11, 140).astype(str))
    return _run(adata, robustness=True, known_classes=["IntClust"])


@pytest.fixture(scope="module")
def published() -> ad.AnnData:
    adata = _cohort(seed=5)
    del adata.obs["intrinsic"]
    return _run(adata)


def _found(adata: ad.AnnData) -> dict:
    return adata.uns["precisionmed"]["subtypes"]


def test_the_truth_is_found(learned):
    truth = learned.uns["truth"]["samples"]["subtype"]
    assert adjusted_rand_score(truth, learned.obs["subtype"].astype(str)) > 0.9
    assert learned.obs["subtype_core"].mean() > 0.9
    assert (learned.obs["subtype_confidence"].between(0, 1)).all()
    assert learned.obs["subtype"].cat.categories[0] == "S1"
    assert learned.obs["subtype"].value_counts().idxmax() == "S1"


def test_everything_is_stored_as_the_data_model_says(learned):
    found = _found(learned)
    columns = {
        "k_scores": {
            "k",
            "pac",
            "silhouette",
            "cophenetic",
            "delta_area",
            "p_family",
            "null_upper",
            "chosen",
        },
        "votes": {"rule", "k", "reason"},
        "robustness": {"genes", "clusterer", "n_genes", "agreement"},
        "robustness_agreement": {"MAD hierarchical", "ATC pam"},
        "gene_sets": {"subtype", "gene_set", "n_genes", "direction", "p", "fdr"},
        "known_classes": {"classification", "n", "ari", "lower", "upper", "p"},
        "known_counts": {"classification", "subtype", "known", "samples"},
        "cdf": {"k", "consensus", "cdf"},
        "markers": {"gene", "subtype", "log_fold_change", "t", "p", "fdr"},
        "associations": {"variable", "test", "n", "statistic", "p", "fdr"},
        "intrinsic_proportions": {"subtype", "samples", "fraction"},
        "intrinsic_performance": {"metric", "estimate", "lower", "upper"},
    }
    for table, needed in columns.items():
        assert needed <= set(found[table].columns), table
        assert found[table].index.is_unique
        assert isinstance(found[table].index[0], str)
    assert found["k_scores"]["chosen"].sum() == 1
    assert sorted(found["order"]) == sorted(learned.obs_names)
    assert learned.obsp["consensus"].shape == (140, 140)
    assert learned.obsm["X_pca"].shape[0] == 140
    assert found["intrinsic_source"] == "learned"
    assert found["intrinsic_proportions"]["samples"].sum() == 140
    assert list(learned.obsm["intrinsic_correlation"].columns) == ["LumA", "LumB", "Her2", "Basal"]
    assert found["reason"] in found["methods"]
    assert found["params"]["k"] == learned.obs["subtype"].nunique()
    counts = found["intrinsic_by_subtype"].drop(columns="subtype").to_numpy()
    assert counts.sum() == 140
    assert found["markers"].groupby("subtype").size().max() == 100


def test_subtypes_do_not_depend_on_choices_where_they_are_clear(learned):
    table = _found(learned)["robustness"]
    assert len(table) == 9
    assert table["agreement"].median() > 0.9
    assert learned.obs["subtype_robustness"].mean() > 0.9
    assert not learned.obs["subtype_core"][learned.obs["subtype_robustness"] < 0.5].any()
    assert "ability to correlate" in _found(learned)["methods"]


def test_subtypes_are_compared_with_what_is_known(learned):
    table = _found(learned)["known_classes"].set_index("classification")
    assert table.loc["intrinsic", "ari"] > 0.8
    assert table.loc["intrinsic", "lower"] <= table.loc["intrinsic", "ari"] <= table.loc["intrinsic", "upper"]
    called = learned.obs["intrinsic_subtype"].notna().sum()
    assert table.loc["intrinsic (called from expression)", "n"] == called > 120
    assert abs(table.loc["IntClust", "ari"]) < 0.1
    assert table.loc["IntClust", "p"] > 0.01


def test_gene_sets_are_tested(learned):
    found = _found(learned)
    assert set(found["gene_sets"]["direction"]) <= {"up", "down"}
    assert (found["gene_sets"]["n_genes"] >= 10).all()
    assert "Gene Ontology" in found["params"]["gene_sets"]
    assert "CAMERA" in found["methods"]


def test_own_gene_sets(tmp_path):
    adata = _cohort(n_samples=60)
    genes = [gene for gene in adata.var_names if gene in gene_table().symbols][:40]
    path = tmp_path / "mine.gmt"
    path.write_text("half\t\t" + "\t".join(genes[:20]) + "\nfew\t\t" + "\t".join(genes[:5]) + "\n")
    found = _found(_run(adata, k=2, gene_sets=path))
    assert set(found["gene_sets"]["gene_set"]) == {"half"}
    assert found["params"]["gene_sets"] == "mine.gmt"
    path.write_text("few\t\t" + "\t".join(genes[:5]) + "\n")
    with pytest.raises(InputError, match=r"mine\.gmt: no set of mine\.gmt has 10 to 500 measured genes"):
        _run(adata, k=2, gene_sets=path)


def test_an_option_leaves_the_numbers_of_the_others_as_they_are():
    plain = _run(_cohort(n_samples=60), k=2)
    more = _run(_cohort(n_samples=60), k=2, robustness=True)
    assert "subtype_robustness" not in plain.obs
    pd.testing.assert_frame_equal(_found(plain)["associations"], _found(more)["associations"])
    assert _found(plain)["model"]["json"] == _found(more)["model"]["json"]
    assert "subtype_robustness" not in _run(more, k=2).obs, "nothing is left of a run before"


@pytest.mark.slow
def test_umap_is_the_same_in_every_run():
    first, second = (_run(_cohort(n_samples=60), k=2, umap=True) for _ in "ab")
    assert first.obsm["X_umap"].shape == (60, 2)
    np.testing.assert_array_equal(first.obsm["X_umap"], second.obsm["X_umap"])
    assert "X_umap" not in _run(first, k=2).obsm, "nothing is left of a run before"


def test_umap_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(InputError, match=r"pip install 'precisionmed\[umap\]'"):
        _run(_cohort(), umap=True)


def test_it_survives_writing(learned, tmp_path):
    learned.write_h5ad(tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    for name in ("markers", "votes", "robustness_agreement", "gene_sets", "known_counts"):
        pd.testing.assert_frame_equal(_found(back)[name], _found(learned)[name])
    assert _found(back)["evidence"]
    models = decode(_found(back)["model"])
    frame = learned.to_df()
    np.testing.assert_array_equal(
        models["subtype"].predict(frame), decode(_found(learned)["model"])["subtype"].predict(frame)
    )


def test_locked_classifiers_call_single_samples(learned):
    models = decode(_found(learned)["model"])
    assert isinstance(models["subtype"], NearestCentroid)
    assert isinstance(models["intrinsic"], IntrinsicSubtypeClassifier)
    frame = learned.to_df()
    for model in models.values():
        many = model.predict(frame)
        assert [model.predict(frame.iloc[[i]])[0] for i in range(0, 140, 35)] == list(many[::35])
    agrees = models["subtype"].predict(frame) == learned.obs["subtype"].astype(str)
    assert agrees.mean() > 0.95
    accuracy = _found(learned)["predictor_performance"].set_index("metric").loc["accuracy"]
    assert accuracy["estimate"] > 0.9
    assert accuracy["lower"] < accuracy["estimate"] < accuracy["upper"]


def test_recorded_subtypes_are_learned_and_called_out_of_fold(learned):
    table = _found(learned)["intrinsic_performance"].set_index("metric")
    assert table.loc["accuracy", "estimate"] > 0.9
    assert table.loc["kappa", "estimate"] > 0.85
    assert {"sensitivity_LumA", "accuracy_published_centroids"} <= set(table.index)
    confusion = _found(learned)["intrinsic_confusion"]
    assert confusion.columns[0] == "recorded"
    right = (learned.obs["intrinsic_subtype"].astype(str) == learned.obs["intrinsic"].astype(str)).mean()
    assert right == pytest.approx(table.loc["accuracy", "estimate"])


def test_labels_without_meaning_are_not_learned():
    adata = _cohort()
    rng = np.random.default_rng(1)
    adata.obs["intrinsic"] = pd.Categorical(rng.permutation(adata.obs["intrinsic"].astype(str)))
    table = _found(_run(adata, k=2))["intrinsic_performance"].set_index("metric")
    assert abs(table.loc["kappa", "estimate"]) < 0.1
    assert table.loc["kappa", "lower"] < 0


def test_published_centroids_without_labels(published):
    found = _found(published)
    assert found["intrinsic_source"] == "published"
    assert "recorded ER status" in found["methods"]
    assert "intrinsic_performance" not in found
    truth = published.uns["truth"]["samples"]["subtype"]
    assert (published.obs["intrinsic_subtype"].astype(str) == truth.astype(str)).mean() > 0.85


def test_er_from_expression_when_it_is_not_recorded():
    adata = _cohort(seed=5)
    adata.obs = adata.obs.drop(columns=["intrinsic", "er"])
    assert "ESR1 expression" in _found(_run(adata, k=2))["methods"]


def test_without_pam50_genes_and_labels_it_says_so():
    adata = _cohort()
    del adata.obs["intrinsic"]
    genes = [gene for gene in adata.var_names if gene.startswith("G0")]
    adata = adata[:, genes].copy()
    with pytest.warns(PrecisionMedWarning, match=r"not called.*PAM50 genes"):
        _run(adata, k=2)
    assert "intrinsic_source" not in _found(adata)
    assert "intrinsic_subtype" not in adata.obs
    assert any("not called" in note for note in _found(adata)["notes"])
    assert any("Gene sets were not tested" in note for note in _found(adata)["notes"])
    assert "gene_sets" not in _found(adata)
    assert set(decode(_found(adata)["model"])) == {"subtype"}


def test_one_population_is_not_sold_as_subtypes():
    adata = _cohort(k=1, seed=2, label_effect=0.0)
    adata.obs = adata.obs.drop(columns="intrinsic")
    # What separates ER, HER2 and sex is planted even in one class: take it out.
    free = [gene for gene in adata.var_names if gene.startswith("G0")]
    adata = adata[:, free].copy()
    with pytest.warns(PrecisionMedWarning, match="not called"):
        _run(adata)
    found = _found(adata)
    assert found["reason"].startswith("No subtypes")
    assert not found["evidence"]
    assert found["reason"] in found["methods"]
    assert {"markers", "votes", "associations"} <= set(found), "everything is described all the same"
    assert found["votes"].set_index("rule").loc["relative_pac", "k"] == 1


def test_associations_find_what_is_planted(learned):
    table = _found(learned)["associations"].set_index("variable")
    assert table.loc["er", "fdr"] < 1e-6
    assert table.loc["intrinsic", "fdr"] < 0.01
    assert table.loc["os", "test"] == "log-rank"
    assert table.loc["age", "test"] == "Kruskal-Wallis"
    assert table.loc["age", "p"] > 0.001
    assert not {"patient", "os_time", "os_event", "subtype", "subtype_core"} & set(table.index)
    assert (table["p"].diff().dropna() >= 0).all()


def test_subtypes_that_differ_between_batches_are_pointed_out():
    adata = _cohort()
    second = (adata.obs["intrinsic"] == "LumA") & (np.arange(140) % 3 > 0)
    adata.obs["batch"] = pd.Categorical(np.where(second, "b2", "b1"))
    with pytest.warns(PrecisionMedWarning, match="differ between batches|follow 'batch'"):
        _run(adata)
    assert any("batch" in note for note in _found(adata)["notes"])


def test_outliers_get_no_subtype():
    adata = _cohort()
    # Two of the four classes are below a fifth of the samples.
    with pytest.warns(PrecisionMedWarning, match="are outliers without a subtype"):
        _run(adata, k=4, min_fraction=0.2, robustness=True)
    found, obs = _found(adata), adata.obs
    assert obs["subtype"].nunique() == found["params"]["k"] < 4
    assert obs["subtype"].value_counts().min() >= found["min_size"] == 28
    np.testing.assert_array_equal(obs["subtype_outlier"], obs["subtype"].isna())
    assert 0 < obs["subtype_outlier"].sum() < 70
    assert not obs["subtype_core"][obs["subtype_outlier"]].any()
    np.testing.assert_array_equal(obs["subtype_robustness"].isna(), obs["subtype_outlier"])
    classes = set(decode(found["model"])["subtype"].classes_)
    assert classes == set(found["markers"]["subtype"]) == set(obs["subtype"].dropna())
    assert sorted(found["order"]) == sorted(adata.obs_names)
    assert "outliers without a subtype" in found["methods"]


def test_patients_with_two_samples_stay_in_one_fold():
    adata = _cohort()
    names = adata.obs["patient"].astype(str).to_numpy()
    names[1::2] = names[::2]
    adata.obs["patient"] = pd.Categorical(names)
    found = _found(_run(adata, k=4))
    assert found["intrinsic_performance"]["estimate"].iloc[0] > 0.85


def test_same_seed_same_slots():
    first, second = (_run(_cohort(n_samples=60), resamples=30) for _ in range(2))
    pd.testing.assert_frame_equal(first.obs, second.obs)
    np.testing.assert_array_equal(first.obsp["consensus"], second.obsp["consensus"])
    assert _found(first)["model"]["json"] == _found(second)["model"]["json"]


def test_rare_recorded_subtypes_are_left_out_with_a_note():
    adata = _cohort()
    labels = adata.obs["intrinsic"].astype(str).to_numpy()
    labels[:3] = "Normal"
    adata.obs["intrinsic"] = pd.Categorical(labels)
    with pytest.warns(PrecisionMedWarning, match=r"fewer than 5 patients.*Normal \(3\)"):
        _run(adata, k=3)
    assert "Normal" not in _found(adata)["intrinsic_confusion"].columns
    assert adata.obs["intrinsic_subtype"].notna().iloc[:3].any(), "they are called like new samples"


def test_mistakes_are_named():
    with pytest.raises(InputError, match="normalize"):
        subtypes(simulate(30, 200))
    with pytest.raises(InputError, match="known_classes: there is no clinical column 'IntClus'"):
        _run(_cohort(), known_classes=["IntClus"])


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ((slice(8), slice(None)), "at least 12 samples, the cohort has 8"),
        ((slice(None), slice(15)), "at least 20"),
    ],
)
def test_a_small_cohort_is_skipped_with_the_reason(part, why):
    adata = _cohort()[part].copy()
    adata.obs["subtype"] = "S1"  # of a run before
    with pytest.warns(PrecisionMedWarning, match=f"Subtypes were not looked for: .*{why}"):
        assert subtypes(adata) is adata
    found = _found(adata)
    assert why in found["skipped"] and why in found["notes"][0] and "model" not in found
    assert "subtype" not in adata.obs and "consensus" not in adata.obsp
