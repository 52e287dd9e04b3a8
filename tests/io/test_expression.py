import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from precisionmed.errors import InputError
from precisionmed.io._value_columns import STATISTICS
from precisionmed.io.expression import read_expression
from precisionmed.io.genes import gene_table

SAMPLES = [f"T{i}" for i in range(4)]
MATRIX = pd.DataFrame(np.arange(12.0).reshape(3, 4) + 0.1, index=["ESR1", "PGR", "TP53"], columns=SAMPLES)


@pytest.mark.parametrize("name", ["m.tsv", "m.csv", "m.tsv.gz", "m.csv.bz2", "m.csv.xz"])
def test_any_text_format_gives_the_same_numbers_to_the_last_bit(tmp_path, name):
    MATRIX.to_csv(tmp_path / name, sep="\t" if "tsv" in name else ",")
    pd.testing.assert_frame_equal(read_expression(tmp_path / name).frame, MATRIX, check_names=False)


def test_the_side_of_the_samples_is_found_by_their_names_then_by_genes_then_by_length(tmp_path):
    MATRIX.T.to_csv(tmp_path / "m.csv")
    turned = read_expression(tmp_path / "m.csv", sample_names=SAMPLES)
    assert turned.orientation == "samples_by_genes"
    assert turned.evidence == "4 row names are samples of the clinical table"
    pd.testing.assert_frame_equal(turned.frame, MATRIX, check_names=False)
    assert read_expression(tmp_path / "m.csv").evidence == "100% of the column names are gene identifiers"
    unknown = pd.DataFrame(np.ones((5, 2)), index=list("vwxyz"), columns=["q9q", "q8q"])
    unknown.to_csv(tmp_path / "u.csv")
    assert "longer side" in read_expression(tmp_path / "u.csv").evidence
    assert read_expression(tmp_path / "u.csv", "samples_by_genes").frame.shape == (2, 5)


def test_columns_that_describe_genes_are_left_out(text_file):
    path = text_file(
        "m.tsv", "Hugo_Symbol\tEntrez_Gene_Id\tremark\tT0\tT1\nESR1\t2099\tx\t1\t2\nPGR\t5241\ty\t3\t4\n"
    )
    matrix = read_expression(path)
    assert list(matrix.frame.columns) == ["T0", "T1"]
    assert "Entrez_Gene_Id, remark" in matrix.notes[0]


def test_running_numbers_before_the_identifiers_are_left_out(text_file):
    matrix = read_expression(text_file("m.csv", ",gene,T0,T1\n0,ESR1,1,2\n1,PGR,3,4\n"))
    assert list(matrix.frame.index) == ["ESR1", "PGR"]


def test_gct_and_missing_values(text_file):
    path = text_file("m.gct", "#1.2\n2\t2\nNAME\tDescription\tT0\tT1\nESR1\tna\t1.5\tNA\nPGR\tna\t\t2\n")
    assert np.isnan(read_expression(path).frame.to_numpy()).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("where", ["X", "counts", "raw"])
def test_h5ad(tmp_path, where):
    data = anndata.AnnData(
        sparse.csr_matrix(MATRIX.T.to_numpy()), obs=pd.DataFrame({"age": 5.0}, index=SAMPLES)
    )
    data.var_names = MATRIX.index
    if where == "counts":
        data.layers["counts"] = data.X.copy()
        data.X = data.X * 0
    if where == "raw":
        data.raw = data.copy()
        data = data[:, :2].copy()
    data.write_h5ad(tmp_path / "m.h5ad")
    matrix = read_expression(tmp_path / "m.h5ad")
    pd.testing.assert_frame_equal(matrix.frame, MATRIX, check_names=False)
    assert matrix.obs is not None
    assert matrix.obs["age"].tolist() == ["5.0"] * 4
    assert where in matrix.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "g\tT0\tT1\nESR1\t1\t2\nPGR\tlow\t4\n",
            r"row 'PGR', column 'T0': 'low' is not a number \(1 such cells",
        ),
        ("g\tT0\tT1\nESR1\t1\tTrue\nPGR\t2\tFalse\n", "row 'ESR1', column 'T1': 'True' is not a number"),
        ("g\tT0\tT1\nESR1\ta\tb\n", "no column holds numbers"),
        ("g\tT0\tT1\nESR1\t1\tinf\n", "gene 'ESR1', sample 'T1': the value is infinite"),
        ("g\tT0\tT1\tT0\nESR1\t1\t2\t3\nPGR\t1\t2\t3\n", r"1 sample names occur more than once \(T0\)"),
        ("g\tT0\t\tT2\nESR1\t1\t2\t3\nPGR\t1\t2\t3\n", "sample number 2 has no name"),
        ("g\tT0\tT1\n", "has a header but no rows"),
    ],
)
def test_a_bad_cell_or_name_is_told(text_file, content, message):
    with pytest.raises(InputError, match=message):
        read_expression(text_file("m.tsv", content), "genes_by_samples")


def test_h5ad_that_is_none(text_file):
    with pytest.raises(InputError, match="cannot be read as h5ad"):
        read_expression(text_file("m.h5ad", "id\ta\n"))


@pytest.mark.parametrize(
    ("text", "labels", "note"),
    [
        (
            "Hugo_Symbol\tEntrez_Gene_Id\tA\tB\n\t2099\t1.5\t2\nPGR\t5241\t3\t4\nNA\t2064\t5\t6\n",
            ["2099", "PGR", "2064"],
            "2 by column 'Entrez_Gene_Id' (2099, 2064)",
        ),
        (
            "Hugo_Symbol\tEntrez_Gene_Id\tA\tB\n\t2099\t1.5\t2\nPGR\t\t3\t4\nESR2\t2100\t5\t6\n",
            ["2099.0", "PGR", "ESR2"],
            "1 by column 'Entrez_Gene_Id'",
        ),
        (
            "Entrez_Gene_Id\tHugo_Symbol\tA\tB\n2099\tESR1\t1.5\t2\n\tPGR\t3\t4\n2064\t\t5\t6\n",
            ["2099", "PGR", "2064"],
            "1 by column 'Hugo_Symbol' (PGR)",
        ),
        (
            "gene_name\tgene_id\tA\tB\n---\tENSG00000091831\t1.5\t2\nPGR\tENSG00000082175\t3\t4\n\t\t1\t1\n",
            ["ENSG00000091831", "PGR"],
            "1 by column 'gene_id'",
        ),
    ],
)
def test_a_blank_identifier_is_filled_from_another_column(text_file, text, labels, note):
    matrix = read_expression(text_file("expr.tsv", text), sample_names=["A", "B"])
    assert matrix.frame.index.tolist() == labels
    assert note in " ".join(matrix.notes)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("stored", [np.asarray, sparse.csr_matrix])
def test_linear_values_in_raw_are_told_from_their_logarithms_in_x(tmp_path, scaled, stored):
    linear = np.random.default_rng(0).gamma(2, 3, (9, 30))
    data = anndata.AnnData(stored(linear), obs=pd.DataFrame(index=[f"s{i}" for i in range(9)]))
    data.raw = data.copy()
    logs = np.log1p(linear)
    data.X = (logs - logs.mean(axis=0)) / logs.std(axis=0) if scaled else logs
    data.uns["log1p"] = {"base": None}
    data.write_h5ad(tmp_path / "m.h5ad")
    matrix = read_expression(tmp_path / "m.h5ad")
    np.testing.assert_allclose(matrix.frame.to_numpy().T, np.log2(linear + 1), rtol=1e-12)
    assert any("raw is linear" in note for note in matrix.notes)
    data.raw = anndata.AnnData(logs, var=data.var, obs=data.obs)
    data.write_h5ad(tmp_path / "l.h5ad")
    logarithms = read_expression(tmp_path / "l.h5ad").frame.to_numpy().T
    np.testing.assert_allclose(logarithms, np.log2(linear + 1), rtol=1e-12)


def test_columns_of_a_comparison_are_no_samples(tmp_path):
    names = ["logFC", "adj.P.Val", "Mean", "Total"]
    MATRIX.assign(**dict.fromkeys(names, 0.5)).to_csv(tmp_path / "m.csv")
    matrix = read_expression(tmp_path / "m.csv")
    pd.testing.assert_frame_equal(matrix.frame, MATRIX, check_names=False)
    assert "logFC, adj.P.Val, Mean, Total" in matrix.notes[0]
    kept = read_expression(tmp_path / "m.csv", sample_names=[*SAMPLES, "Total"])
    assert list(kept.frame.columns) == [*SAMPLES, "Total"]


def test_no_gene_is_called_like_a_column_of_a_comparison():
    table = gene_table()
    assert not [n for n in STATISTICS if n.upper() in table.upper or n.upper() in table.upper_aliases]


def test_classes_of_genes_in_front_do_not_name_them(tmp_path):
    genes = sorted(gene_table().symbols)[3000:3020]
    values = pd.DataFrame(np.arange(80.0).reshape(20, 4), columns=SAMPLES)
    names = pd.DataFrame({"Code Class": ["Endogenous"] * 18 + ["Positive"] * 2, "Name": genes})
    table = pd.concat([names, values], axis=1)
    table.to_csv(tmp_path / "m.csv", index=False)
    matrix = read_expression(tmp_path / "m.csv")
    assert list(matrix.frame.index) == genes
    np.testing.assert_array_equal(matrix.frame.to_numpy(), values.to_numpy())
    assert "named by column 'Name'" in matrix.notes[0]
    names = pd.DataFrame({"symbol": genes[:5] * 4, "probe": [f"{i}_at" for i in range(20)]})
    repeated = pd.concat([names, values], axis=1)
    repeated.to_csv(tmp_path / "r.csv", index=False)
    assert list(read_expression(tmp_path / "r.csv").frame.index) == genes[:5] * 4
