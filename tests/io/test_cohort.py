import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from precisionmed.config import CohortConfig, RolesConfig
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io import read_cohort
from tests.io.conftest import ENDPOINT, GENES

ROLES = {
    "endpoints": ENDPOINT,
    "receptors": {"er": {"column": "er_ihc"}},
    "treatment": {"column": "chemo"},
    "covariates": ["age"],
}


def ingest(adata):
    return adata.uns["precisionmed"]["ingest"]


def test_a_cohort_is_read_and_everything_about_it_recorded(files, tmp_path):
    adata = read_cohort({**files.write(), "name": "small", "roles": ROLES})
    assert adata.shape == (12, 12)
    np.testing.assert_array_equal(adata.X, files.counts.T.to_numpy())
    np.testing.assert_array_equal(adata.layers["counts"], adata.X)
    assert adata.var_names.tolist() == adata.var["gene_id"].tolist() == GENES
    assert adata.var["chromosome"]["XIST"] == "X"
    assert list(adata.obs.columns[:4]) == ["os_time", "os_event", "er", "treatment"]
    record = ingest(adata)
    assert record["params"]["scale"] == "counts"
    assert record["params"]["orientation"] == "genes_by_samples"
    assert record["endpoint_units"] == {"os": "months"}
    assert RolesConfig.model_validate_json(record["roles"]).covariates == ["age"]
    assert record["files"]["file"].tolist() == ["expression.tsv", "clinical.tsv"]
    assert record["files"]["sha256"].str.len().tolist() == [64, 64]
    assert record["flow"]["samples"].tolist() == [12, 12, 12, 12]
    assert len(record["excluded"]) == len(record["notes"]) == 0
    assert "read counts" in record["methods"]
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = anndata.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(again.uns["precisionmed"]["ingest"]["flow"], record["flow"])
    pd.testing.assert_frame_equal(again.obs, adata.obs)


def test_config_dictionary_yaml_and_paths_give_the_same(files, tmp_path):
    given_ = files.write()
    config = tmp_path / "config.yaml"
    config.write_text("cohort:\n  expression: [expression.tsv]\n  clinical: clinical.tsv\n")
    read = [
        read_cohort(given_),
        read_cohort(CohortConfig.model_validate(given_)),
        read_cohort(config),
        read_cohort(expression=str(given_["expression"][0]), clinical=given_["clinical"]),
    ]
    for other in read[1:]:
        np.testing.assert_array_equal(read[0].X, other.X)
        pd.testing.assert_frame_equal(read[0].obs, other.obs)
    assert ingest(read_cohort(config, name="renamed"))["params"]["cohort"] == "renamed"


def test_a_call_that_cannot_be_understood(files):
    with pytest.raises(InputError, match="nothing to read"):
        read_cohort()
    with pytest.raises(InputError, match="is no YAML config"):
        read_cohort("counts.tsv")
    with pytest.raises(InputError, match=r"unknown key 'cohort.scal'.*'scale'"):
        read_cohort(files.write(), scal="counts")


def test_both_orientations_and_h5ad_give_the_same(files, tmp_path):
    given_ = files.write()
    one = read_cohort(given_, roles=ROLES)
    files.counts.T.to_csv(tmp_path / "turned.csv")
    turned = read_cohort(given_, expression=tmp_path / "turned.csv", roles=ROLES)
    np.testing.assert_array_equal(one.X, turned.X)
    assert ingest(turned)["params"]["orientation"] == "samples_by_genes"
    one.write_h5ad(tmp_path / "one.h5ad")
    third = read_cohort(expression=tmp_path / "one.h5ad", roles=ROLES)
    np.testing.assert_array_equal(one.X, third.X)
    assert third.obs["er"].tolist() == one.obs["er"].tolist()


def test_old_symbols_duplicates_and_summary_rows(files):
    files.counts.index = ["CDCA1", "NUF2", *GENES[2:-1], "__no_feature"]
    files.counts.loc["NUF2"] += 1000
    adata = read_cohort(files.write())
    assert adata.var_names.tolist() == ["NUF2", *GENES[2:-1]]
    assert adata.var["gene_id"]["NUF2"] == "NUF2"
    np.testing.assert_array_equal(adata[:, "NUF2"].X.ravel(), files.counts.loc["NUF2"])
    table = ingest(adata)["gene_mapping"].set_index("outcome")
    assert table.loc["repeated rows of a gene, collapsed", "genes"] == 1
    assert table.loc["counter's summary row, dropped", "genes"] == 1
    assert any("1 rows that are no genes were left out (__no_feature)" in n for n in ingest(adata)["notes"])
    summed = read_cohort(files.write(), duplicate_genes="sum")
    np.testing.assert_array_equal(summed[:, "NUF2"].X.ravel(), files.counts.loc[["CDCA1", "NUF2"]].sum())
    assert summed.var["gene_id"]["NUF2"] == "CDCA1;NUF2"
    with pytest.raises(InputError, match=r"duplicate_genes: mean makes fractions of counts .1 rows.*'NUF2'"):
        read_cohort(files.write(), duplicate_genes="mean")


def test_probes_need_an_annotation_and_take_it(files, text_file):
    files.counts.index = [f"{i}_at" for i in range(len(GENES))]
    with pytest.raises(InputError, match=r"array probes .* give cohort.probe_annotation"):
        read_cohort(files.write())
    lines = [f"{i}_at\t{gene}" for i, gene in enumerate(GENES)]
    annotation = text_file("annotation.tsv", "\n".join(["probe\tsymbol", *lines, ""]))
    assert read_cohort(files.write(), probe_annotation=annotation).var_names.tolist() == GENES
    other = text_file("other.tsv", "probe\tsymbol\nx_at\tESR1\n")
    with pytest.raises(InputError, match=r"other.tsv: has none of the probes"):
        read_cohort(files.write(), probe_annotation=other)


def test_identifiers_that_are_missing_or_not_what_was_stated(files):
    with pytest.raises(InputError, match="gene_ids says ensembl but most identifiers look like symbol"):
        read_cohort(files.write(), gene_ids="ensembl")
    files.counts.index = range(1, len(GENES) + 1)
    with pytest.raises(InputError, match="the genes are only numbered"):
        read_cohort(files.write())


def test_samples_in_one_table_only(files):
    given_ = files.write()
    files.clinical.loc[3, "sample"] = "elsewhere"
    files.write()
    with pytest.warns(PrecisionMedWarning) as told:
        adata = read_cohort(given_)
    assert adata.n_obs == 11
    assert "1 of 12 samples of the matrix have no row in clinical.tsv and are left out (T03)" in str(
        told[0].message
    )
    assert "1 samples of clinical.tsv are not in the matrix and are left out (elsewhere)" in str(
        told[1].message
    )
    assert ingest(adata)["excluded"].to_numpy().tolist() == [
        ["T03", "no clinical row"],
        ["elsewhere", "no expression"],
    ]
    files.clinical["sample"] = [f"P{i}" for i in range(12)]
    files.write()
    with pytest.raises(
        InputError,
        match=r"clinical.tsv: no sample of expression.tsv is in it .*T00, T01.*P0, P1.*sample_column",
    ):
        read_cohort(given_)


@pytest.mark.parametrize(
    ("matrix", "clinical", "rule"),
    [
        ("T.{:02d}", "t-{:02d}", "letter case and punctuation"),
        ("X{:02d}.a", "{:02d}-a", "letter case and punctuation"),
        ("TCGA-AA-10{:02d}-01A-11R", "TCGA-AA-10{:02d}-01", "first 15 characters"),
        ("TCGA-AA-10{:02d}-01A-11R", "TCGA-AA-10{:02d}", "patient in the TCGA barcode"),
    ],
)
def test_names_that_differ_in_spelling_are_matched_and_told(files, matrix, clinical, rule):
    files.counts.columns = [matrix.format(i) for i in range(12)]
    files.clinical["sample"] = [clinical.format(i) for i in range(12)]
    with pytest.warns(PrecisionMedWarning, match=rule):
        assert read_cohort(files.write()).n_obs == 12


def test_repeated_samples_are_errors(files):
    given_ = files.write()
    files.clinical.loc[1, "sample"] = "T00"
    files.write()
    with pytest.raises(
        InputError, match=r"1 samples occur more than once in column 'sample' \(T00\); keep one row"
    ):
        read_cohort(given_, sample_column="sample")
    with pytest.raises(InputError, match=r"has no column 'smple'.*Did you mean 'sample'"):
        read_cohort(given_, sample_column="smple")


def test_keep_drop_and_one_sample_a_patient(files):
    files.clinical["tissue"] = ["tumour"] * 9 + ["normal", "Metastasis", "NA"]
    files.clinical["person"] = ["a", "a", *[f"p{i}" for i in range(10)]]
    roles = {**ROLES, "patient": "person"}
    adata = read_cohort(
        files.write(), keep={"tissue": ["TUMOUR", "metastasis"]}, drop={"tissue": ["metastasis"]}, roles=roles
    )
    assert adata.n_obs == 8
    flow = ingest(adata)["flow"].set_index("stage")["samples"].to_dict()
    assert (flow["keep tissue"], flow["drop tissue"], flow["one sample per patient"]) == (10, 9, 8)
    assert ingest(adata)["excluded"]["sample"].tolist() == ["T09", "T11", "T10", "T01"]
    both = read_cohort(files.write(), roles=roles, one_sample_per_patient="keep_all")
    assert both.n_obs == 12
    files.counts["T01"] *= 2
    assert (
        "T00"
        not in read_cohort(files.write(), roles=roles, one_sample_per_patient="largest_library").obs_names
    )
    with pytest.raises(
        InputError, match=r"'tissue' has none of the values \['tumor'\] of cohort.keep.*'tumour'"
    ):
        read_cohort(files.write(), keep={"tissue": ["tumor"]})
    with pytest.warns(PrecisionMedWarning, match=r"none of the values \['x'\] of cohort.drop"):
        read_cohort(files.write(), drop={"tissue": ["x"]})
    with pytest.raises(InputError, match=r"has no column 'tisue' \(cohort.keep.tisue\)"):
        read_cohort(files.write(), keep={"tisue": ["tumour"]})


def test_tcga_patients_with_several_samples_are_told(files):
    files.counts.columns = files.clinical["sample"] = [f"TCGA-AA-00{i // 2:02d}-0{i % 2}" for i in range(12)]
    with pytest.warns(
        PrecisionMedWarning, match="6 samples have the TCGA barcode of another sample's patient"
    ):
        read_cohort(files.write())


def test_samples_and_genes_without_measurements_go(files):
    files.counts["T05"] = 0
    with pytest.warns(PrecisionMedWarning, match=r"1 samples without any measurement are left out \(T05\)"):
        assert "T05" not in read_cohort(files.write()).obs_names
    files.counts = np.log2(files.counts.astype(float) + 1.5)
    files.counts.loc["PGR", ["T00", "T01", "T02"]] = np.nan
    files.counts.loc["TP53", "T00"] = np.nan
    with pytest.warns(PrecisionMedWarning, match=r"without any measurement are left out \(T05\)"):
        adata = read_cohort(files.write())  # logarithms of an empty library are all the same
    assert "PGR" not in adata.var_names
    assert np.isnan(adata[:, "TP53"].X).sum() == 1
    assert list(adata.layers) == ["measured"]
    assert "1 genes missing in more than 20% of the samples were left out (PGR)." in ingest(adata)["notes"]


def test_bad_counts_are_told(files):
    files.counts = files.counts.astype(float)
    for value, message in [
        (-1.0, "-1 is negative"),
        (1.5, "1.5 is no whole number"),
        (np.nan, "is missing, which counts"),
    ]:
        files.counts.loc["PGR", "T03"] = value
        with pytest.raises(InputError, match=f"gene 'PGR', sample 'T03': .*{message}"):
            read_cohort(files.write(), scale="counts")


def test_more_genes_and_more_samples_are_joined(files, tmp_path):
    given_ = files.write()
    files.counts.iloc[:5].to_csv(tmp_path / "a.tsv", sep="\t")
    files.counts.iloc[5:, ::-1].rename(index={"TP53": "LFS1"}).to_csv(tmp_path / "b.tsv", sep="\t")
    genes = read_cohort(given_, expression=[tmp_path / "a.tsv", tmp_path / "b.tsv"])
    np.testing.assert_array_equal(genes[:, GENES].X, files.counts.T)
    files.counts.iloc[:, :7].to_csv(tmp_path / "a.tsv", sep="\t")
    files.counts.iloc[::-1, 7:].to_csv(tmp_path / "b.tsv", sep="\t")
    samples = read_cohort(
        given_, expression=[tmp_path / "a.tsv", tmp_path / "b.tsv"], roles={"batch": "expression_file"}
    )
    np.testing.assert_array_equal(samples[:, GENES].X, files.counts.T)
    assert samples.obs["batch"].value_counts().to_dict() == {"a.tsv": 7, "b.tsv": 5}


def test_matrices_that_do_not_fit_together(files, tmp_path):
    given_ = files.write()
    pair = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    files.counts.iloc[:, :7].to_csv(pair[0], sep="\t")
    files.counts.iloc[:, 6:].to_csv(pair[1], sep="\t")
    with pytest.raises(InputError, match=r"only 1 of its 6 samples are in a.tsv"):
        read_cohort(given_, expression=pair)
    np.log2(files.counts.iloc[:, 7:] + 1).to_csv(pair[1], sep="\t")
    with pytest.raises(InputError, match=r"b.tsv: is on another scale \(log2.*than a.tsv \(counts"):
        read_cohort(given_, expression=pair)
    files.counts.iloc[5:, :10].to_csv(pair[1], sep="\t")
    files.counts.iloc[:5].to_csv(pair[0], sep="\t")
    with pytest.warns(
        PrecisionMedWarning, match=r"2 samples are in a.tsv only \(T10, T11\) and were left out"
    ):
        adata = read_cohort(given_, expression=pair)
    assert adata.n_obs == 10
    assert ingest(adata)["excluded"]["reason"].tolist() == ["in a.tsv only"] * 2


def test_without_a_clinical_table(files):
    given_ = files.write()
    with pytest.warns(PrecisionMedWarning, match="There is no clinical table"):
        assert read_cohort(expression=given_["expression"]).n_obs == 12
    with pytest.raises(InputError, match=r"roles, keep or drop are declared but there is no clinical table"):
        read_cohort(expression=given_["expression"], roles=ROLES)


CELL = st.one_of(
    st.integers(-3, 10**7).map(str),
    st.floats(width=32).map(str),
    st.sampled_from(["", "NA", "x", '"', "1,5", "-", "1e400", "0x1", " ", "é", "inf", "TP53", "T01", "\t"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=6),
    delimiter=st.sampled_from(["\t", ",", ";"]),
)
@example(table=[["g", "T00", "T01"], ["TP53", "1", "2"], ["ESR1", "3", "4"]], delimiter="\t")
@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_whatever_is_in_a_file_a_cohort_or_one_line_comes_out(files, table, delimiter):
    given_ = files.write()
    given_["expression"][0].write_text("\n".join(delimiter.join(row) for row in table))
    try:
        adata = read_cohort(given_)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert adata.n_obs > 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), name=st.sampled_from(["c.tsv", "c.csv.gz", "c.xlsx"]))
@example(content=b"BZh", name="c.tsv")
@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_whatever_a_clinical_file_is_no_traceback_but_one_line(files, content, name):
    given_ = files.write()
    (files.folder / name).write_bytes(content)
    with pytest.raises(InputError):
        read_cohort(given_, clinical=files.folder / name)


def test_estimated_counts_and_corrected_linear_values_are_read(files):
    depth = np.where(np.arange(12) % 2, 8.0, 1.0)
    whole = (files.counts * depth).astype(float)
    files.counts = whole + (np.arange(144).reshape(12, 12) % 3) * 0.125
    adata = read_cohort(files.write())
    assert ingest(adata)["params"]["scale"] == "counts"
    assert "estimated read counts" in ingest(adata)["methods"]
    assert "are normalized as counts are" in " ".join(ingest(adata)["notes"])
    np.testing.assert_array_equal(adata.layers["counts"], files.counts.T)
    files.counts = whole * 40 / depth + 0.5
    files.counts.loc["PGR", "T03"] = -2.5
    with pytest.warns(
        PrecisionMedWarning, match=r"expression.tsv: 1 values of 1 genes are below 0 .lowest -2.5"
    ):
        adata = read_cohort(files.write())
    assert ingest(adata)["params"]["scale"] == "rsem"
    assert adata["T03", "PGR"].X.item() == 0


def test_samples_without_a_measurement_go_on_every_scale(files):
    linear = files.counts.astype(float)
    scales = {
        "counts": (linear, (0.0,)),
        "linear": (linear + 0.5, (0.0, np.nan)),
        "log2": (np.log2(linear) + 3, (0.0, np.nan, 2.5)),
        "zscore": (linear.sub(linear.mean(axis=1), axis=0) / 14, (0.0, np.nan, -1.0)),
    }
    for scale, (values, empty) in scales.items():
        for value in empty:
            files.counts = values.copy()
            files.counts["T03"] = value
            files.counts.loc["PGR", "T05"] = 0.0
            with pytest.warns(
                PrecisionMedWarning, match=r"1 samples without any measurement are left out .T03"
            ):
                adata = read_cohort(files.write(), scale=scale)
            assert adata.obs_names.tolist() == [name for name in files.samples if name != "T03"]
            excluded = ingest(adata)["excluded"].set_index("sample")
            assert excluded.loc["T03", "reason"] == "all values are zero, missing or equal"
