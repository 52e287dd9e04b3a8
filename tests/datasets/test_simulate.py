import anndata
import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from precisionmed.config import CohortConfig, RolesConfig
from precisionmed.datasets import simulate, write_tables
from precisionmed.datasets._simulate_counts import AMPLICON, negative_binomial, pam50_centroids
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io.cohort import read_cohort


@pytest.fixture(scope="module")
def cohort():
    return simulate(400, 1000, seed=3)


def log2_cpm(adata):
    cpm = adata.X / adata.X.sum(axis=1, keepdims=True) * 1e6
    return pd.DataFrame(np.log2(cpm + 1), index=adata.obs_names, columns=adata.var_names)


def test_counts_have_negative_binomial_moments():
    rng = np.random.default_rng(5)
    mean = np.tile([2.0, 50.0, 1000.0], (200_000, 1))
    dispersion = np.array([0.1, 0.5, 0.2])
    counts = negative_binomial(mean, dispersion, rng)
    expected = mean[0] + dispersion * mean[0] ** 2
    np.testing.assert_allclose(counts.mean(axis=0), mean[0], rtol=0.01)
    np.testing.assert_allclose(counts.var(axis=0), expected, rtol=0.03)


def test_same_seed_same_cohort_and_patients_do_not_depend_on_the_genes():
    a, b, other = simulate(60, 300, seed=7), simulate(60, 300, seed=7), simulate(60, 300, seed=8)
    np.testing.assert_array_equal(a.X, b.X)
    pd.testing.assert_frame_equal(a.obs, b.obs)
    assert not np.array_equal(a.X, other.X)
    pd.testing.assert_frame_equal(a.obs, simulate(60, 400, seed=7).obs)


def test_cohort_is_as_if_ingested(cohort, tmp_path):
    ingest = cohort.uns["precisionmed"]["ingest"]
    roles = RolesConfig.model_validate_json(ingest["roles"])
    assert roles.endpoints["os"].unit == ingest["endpoint_units"]["os"] == "months"
    assert roles.treatment.randomized
    columns = [
        "os_time",
        "os_event",
        "er",
        "pr",
        "her2",
        "intrinsic",
        "treatment",
        "response",
        "batch",
        "sex",
    ]
    assert set(columns + roles.covariates + roles.groups) <= set(cohort.obs)
    np.testing.assert_array_equal(cohort.X, cohort.layers["counts"])
    np.testing.assert_array_equal(cohort.X, np.floor(cohort.X))
    cohort.write_h5ad(tmp_path / "a.h5ad")
    back = anndata.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(back.uns["truth"]["genes"], cohort.uns["truth"]["genes"])
    assert back.uns["truth"]["params"]["interaction"] == -1.0


def test_wanted_fractions_are_met():
    adata = simulate(2000, 300, label_prevalence=0.2, censoring=0.7)
    assert adata.obs["os_event"].mean() == pytest.approx(0.3, abs=0.001)
    assert (adata.obs["response"] == "responder").mean() == pytest.approx(0.2, abs=0.03)
    assert (simulate(50, 300, censoring=0).obs["os_event"] == 1).all()


def test_treatment_interaction_and_effects_are_recovered_by_a_cox_model():
    adata = simulate(4000, 300, censoring=0.2, interaction=-0.8, treatment_effect=-0.3, seed=11)
    truth = adata.uns["truth"]["samples"]
    data = pd.DataFrame(
        {
            "time": adata.obs["os_time"],
            "event": adata.obs["os_event"],
            "risk": truth["log_hazard"],
            "treated": truth["treated"].astype(float),
            "her2": truth["her2"].astype(float),
        }
    )
    data["interaction"] = data["treated"] * data["her2"]
    fit = CoxPHFitter().fit(data, "time", "event")
    expected = pd.Series({"risk": 1.0, "treated": -0.3, "her2": 0.0, "interaction": -0.8})
    z = (fit.params_ - expected) / fit.standard_errors_
    assert z.abs().max() < 3


def test_treatment_is_random_or_confounded_with_risk():
    def difference(kind):
        truth = simulate(2000, 300, treatment=kind).uns["truth"]["samples"]
        return truth.groupby("treated")["log_hazard"].mean().diff().iloc[-1]

    assert abs(difference("randomized")) < 0.15
    assert difference("confounded") > 0.8
    untreated = simulate(50, 300, treatment=None)
    assert "treatment" not in untreated.obs
    assert RolesConfig.model_validate_json(untreated.uns["precisionmed"]["ingest"]["roles"]).treatment is None


def test_genes_follow_the_biology(cohort):
    expression, truth = log2_cpm(cohort), cohort.uns["truth"]["samples"]
    for gene, on in {"ERBB2": "her2", "ESR1": "er", "PGR": "pr"}.items():
        means = expression[gene].groupby(truth[on]).mean()
        assert means[True] - means[False] > 2
    assert expression[list(AMPLICON)].corr().to_numpy().min() > 0.5
    centroids = pam50_centroids()
    relative = expression[centroids.index] - expression[centroids.index].median()
    call = relative.T.apply(lambda s: centroids.corrwith(s, method="spearman").idxmax())
    assert (call == truth["subtype"]).mean() > 0.9
    men = simulate(200, 300, male_fraction=0.5)
    chr_y = log2_cpm(men)["RPS4Y1"].groupby(men.obs["sex"], observed=True).mean()
    assert chr_y["male"] - chr_y["female"] > 4


def test_batches_shift_genes():
    for effect, low, high in [(0.0, 0.0, 0.2), (1.0, 1.2, 1.7)]:  # sd of a difference: sqrt(2)
        adata = simulate(400, 500, batch_effect=effect)
        means = log2_cpm(adata).groupby(adata.obs["batch"], observed=True).mean()
        assert low < means.diff().iloc[-1].std() < high


def test_written_tables_are_the_cohort(cohort, tmp_path):
    expression, clinical = write_tables(cohort, tmp_path / "new")
    values = pd.read_csv(expression, sep="\t", index_col=0)
    np.testing.assert_array_equal(values.T.to_numpy(), cohort.X)
    table = pd.read_csv(clinical, sep="\t", index_col="sample")
    assert list(table.index) == list(cohort.obs_names)
    np.testing.assert_allclose(table["os_time"], cohort.obs["os_time"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_genes": 50}, "n_genes must be at least"),
        ({"k": 6}, "k must be 1 to 5"),
        ({"label_prevalence": 1.0}, "label_prevalence"),
        ({"treatment": "sometimes"}, "'randomized', 'confounded' or None"),
    ],
)
def test_impossible_cohorts_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        simulate(**arguments)


def test_written_tables_are_read_back_as_the_same_cohort(cohort, tmp_path):
    expression, clinical = write_tables(cohort, tmp_path)
    roles = RolesConfig.model_validate_json(cohort.uns["precisionmed"]["ingest"]["roles"])
    config = {
        "expression": [expression],
        "clinical": clinical,
        "scale": "counts",
        "roles": roles.model_dump(),
    }
    with pytest.warns(PrecisionMedWarning, match="are in no gene table"):  # G00001 is no human gene
        back = read_cohort(CohortConfig.model_validate(config))
    named = back.var["gene_id"].to_numpy()
    np.testing.assert_array_equal(back.X, cohort[:, named].X)
    assert back.n_vars == cohort.n_vars
    for column in ("er", "pr", "her2", "treatment", "response", "sex"):
        assert list(back.obs[column].astype(str)) == list(cohort.obs[column].astype(str))
    np.testing.assert_allclose(back.obs["os_time"], cohort.obs["os_time"])
