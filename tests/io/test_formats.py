"""Files as counting programs, GEO and scanpy write them."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from precisionmed.errors import InputError
from precisionmed.io._formats import refuse_transcripts
from precisionmed.io.cohort import read_cohort
from precisionmed.io.expression import read_expression, read_expressions
from precisionmed.io.tables import read_text_table

RSEM = (
    "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\n"
    "ESR1\tESR1-201\t938.0\t788.0\t9682.25\t345.5\t193.5\nPGR\tPGR-201\t1772.0\t1622.0\t4.25\t69.5\t38.5\n"
)
STAR = "N_unmapped\t9\t9\t9\nN_multimapping\t8\t8\t8\nN_noFeature\t1\t50\t3\nN_ambiguous\t1\t1\t1\n"


def one(matrix):
    return {sample: matrix.frame[sample].to_dict() for sample in matrix.frame}


@pytest.mark.parametrize("genes", [("ESR1", "PGR"), ("ENSMUSG00000019768.16", "ENSMUSG00000031870.8")])
def test_htseq_without_header_names_the_sample_by_the_file(text_file, genes):
    path = text_file("patient5.htseq.txt", f"{genes[0]}\t9682\n{genes[1]}\t0\n__no_feature\t7\n")
    matrix = read_expression(path)
    assert one(matrix)["patient5"] == {genes[0]: 9682, genes[1]: 0, "__no_feature": 7}
    assert matrix.column == "count"


def test_numbers_may_name_samples(text_file):
    assert list(read_expression(text_file("m.tsv", "gene\t1\t2\nESR1\t5\t6\n")).frame.columns) == ["1", "2"]


def test_a_matrix_without_header_is_refused(text_file):
    with pytest.raises(InputError, match="has no header: its first line is data"):
        read_expression(text_file("m.tsv", "ESR1\t5\t6\t8\nPGR\t5\t6\t7\n"))


def test_a_header_behind_a_comment_sign_is_found_and_other_comments_are_none(text_file):
    path = text_file("m.tsv", "# made by hand\n#gene\tP1\tP2\nESR1\t1\t2\nPGR\t3\t4\n")
    with pytest.warns(UserWarning, match="header was found behind '#'"):
        assert list(read_expression(path).frame.columns) == ["P1", "P2"]
    table = read_text_table(
        text_file("c.tsv", "#Age\tEvent\n#NUMBER\tSTRING\nAGE\tOS\n51\tyes\n60\tno\n"), "clinical table"
    )
    assert list(table.columns) == ["AGE", "OS"]


def test_feature_counts_names_samples_by_bam_files(text_file):
    head = "Geneid\tChr\tStart\tEnd\tStrand\tLength"
    rows = "ESR1\t1;1\t1;9\t5;20\t+;+\t2629\t10\t20\nPGR\t1\t1\t5\t+\t700\t30\t40\n"
    for names in (
        "/a/b/P1.Aligned.sortedByCoord.out.bam\t/a/b/P2Aligned.sortedByCoord.out.bam",
        "P1.sorted.bam\tP2.markdup.sorted.bam",
        "P1/accepted_hits.bam\tP2/accepted_hits.bam",
    ):
        path = text_file("counts.txt", f'# Program:featureCounts; Command:"x" "-o"\n{head}\t{names}\n{rows}')
        assert one(read_expression(path)) == {"P1": {"ESR1": 10, "PGR": 30}, "P2": {"ESR1": 20, "PGR": 40}}


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        ({}, 9682.25),
        ({"scale": "tpm"}, 345.5),
        ({"scale": "fpkm"}, 193.5),
        ({"column": "TPM"}, 345.5),
        ({"column": "tpm", "scale": "rsem"}, 345.5),
    ],
)
def test_rsem_gives_the_column_of_the_scale_or_the_one_stated(text_file, stated, right):
    matrix = read_expression(text_file("P7.genes.results", RSEM), **stated)
    assert matrix.frame.loc["ESR1"].to_dict() == {"P7": right}
    assert "was taken" in matrix.notes[0]


def test_a_column_that_is_not_there_is_told(text_file):
    with pytest.raises(InputError, match=r"no column 'TMP' \(cohort.column\)"):
        read_expression(text_file("P7.genes.results", RSEM), column="TMP")


@pytest.mark.parametrize(
    ("rows", "column", "right"),
    [
        ("ESR1\t100\t52\t48\nPGR\t40\t18\t22\n", None, "unstranded"),
        ("ESR1\t100\t2\t98\nPGR\t40\t1\t39\n", None, "stranded_second"),
        ("ESR1\t100\t97\t3\nPGR\t40\t39\t1\n", None, "stranded_first"),
        ("ESR1\t100\t2\t98\nPGR\t40\t1\t39\n", "unstranded", "unstranded"),
    ],
)
def test_star_gives_the_strand_that_nearly_all_reads_are_on(text_file, rows, column, right):
    matrix = read_expression(text_file("P1_ReadsPerGene.out.tab", STAR + rows), column=column)
    at = ["unstranded", "stranded_first", "stranded_second"].index(right)
    assert matrix.column == right
    assert matrix.frame.loc["ESR1", "P1"] == float(rows.split("\n")[0].split("\t")[at + 1])


def test_salmon_genes_by_folder_and_transcripts_refused(tmp_path):
    for sample, gene in (("P1", "ESR1"), ("P2", "ENST00000206249.8")):
        (tmp_path / sample).mkdir()
        (tmp_path / sample / "quant.genes.sf").write_text(
            f"Name\tLength\tEffectiveLength\tTPM\tNumReads\n{gene}\t900\t800\t12.5\t17.25\n"
        )
    assert one(read_expression(tmp_path / "P1" / "quant.genes.sf")) == {"P1": {"ESR1": 17.25}}
    with pytest.raises(InputError, match="rows are transcripts"):
        read_expression(tmp_path / "P2" / "quant.genes.sf")


def test_files_about_one_sample_are_joined_by_gene(text_file):
    paths = [text_file(f"P{i}.counts", f"ESR1\t{i}\nPGR\t1{i}\n") for i in range(3)]
    paths.append(text_file("P3.counts", "PGR\t13\nESR1\t3\n"))
    (matrix,) = read_expressions(paths)
    assert one(matrix) == {f"P{i}": {"ESR1": i, "PGR": 10 + i} for i in range(4)}
    with pytest.warns(UserWarning, match="no clinical table"):
        adata = read_cohort(expression=paths, scale="counts")
    assert adata.obs_names.tolist() == ["P0", "P1", "P2", "P3"]
    with pytest.raises(InputError, match=r"has other genes than P0.counts \(TP53\)"):
        read_expressions([paths[0], text_file("P9.counts", "ESR1\t1\nPGR\t2\nTP53\t5\n")])
    with pytest.raises(InputError, match="is about the sample 'P0'"):
        read_expressions([paths[0], text_file("P0.htseq", "ESR1\t1\nPGR\t2\n")])


def test_geo_series_matrix(text_file):
    text = (
        '!Series_title\t"x"\n!Sample_geo_accession\t"GSM1"\t"GSM2"\n\n!series_matrix_table_begin\n'
        '"ID_REF"\t"GSM1"\t"GSM2"\n"ESR1"\t7.5\t8.25\n"PGR"\tnull\t2.5\n!series_matrix_table_end\n'
    )
    frame = read_expression(text_file("GSE1_series_matrix.txt", text)).frame
    assert list(frame.columns) == ["GSM1", "GSM2"]
    assert np.isnan(frame.loc["PGR", "GSM1"])
    with pytest.raises(InputError, match="the table has no end"):
        read_expression(text_file("GSE2.txt", text.replace("!series_matrix_table_end\n", "")))


def test_gct_1_3_and_a_cut_file(text_file):
    text = "#1.3\n2\t2\t1\t1\nid\tbiotype_x\tT0\tT1\nage\tna\t51\t60\nESR1\t5\t1.5\t2.5\nPGR\t6\t3.5\t4.5\n"
    assert one(read_expression(text_file("m.gct", text))) == {
        "T0": {"ESR1": 1.5, "PGR": 3.5},
        "T1": {"ESR1": 2.5, "PGR": 4.5},
    }
    with pytest.raises(InputError, match="1 rows where its second line announces 2"):
        read_expression(text_file("m.gct", text[: text.index("PGR")]))


def test_title_lines_and_empty_rows_of_a_workbook(tmp_path):
    cells = [["Table S1. Expression", None, None], [None] * 3, ["Gene", "T0", "T1"], ["ESR1", 1.5, "2,5"],
             [None] * 3, ["PGR", "n.a.", 4]]  # fmt: skip
    pd.DataFrame(cells).to_excel(tmp_path / "m.xlsx", header=False, index=False)
    with pytest.warns(UserWarning, match="above the header were skipped"):
        frame = read_expression(tmp_path / "m.xlsx").frame
    np.testing.assert_array_equal(frame.to_numpy(), [[1.5, 2.5], [np.nan, 4]])


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a;b\ns1;1;\ns2;2;\n", {"a": ["s1", "s2"], "b": ["1", "2"]}),
        ("a;b;\ns1;1;\ns2;2;\n", {"a": ["s1", "s2"], "b": ["1", "2"]}),
        ("a;b\ns1;1;;\ns2;2\n", {"a": ["s1", "s2"], "b": ["1", "2"]}),
        (
            "a;b\nx;s1;1\ny;s2;2\nz;;\n",
            {"row_name": ["x", "y", "z"], "a": ["s1", "s2", ""], "b": ["1", "2", ""]},
        ),
        ("a;_index;\ns1;1;\n;;\n", {"a": ["s1"], "index": ["1"]}),
        ("a;b\ns1;1\na;b\ns2;2\n", {"a": ["s1", "s2"], "b": ["1", "2"]}),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_delimiters_at_the_end_are_no_fields(text_file, text, right):
    assert read_text_table(text_file("c.csv", text), "clinical table").to_dict("list") == right


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\nx;1;\ny;2;\nz;3;9\n", "row names, or a delimiter at the end"),
        ("a;b\nx;1;2\ny;2\nz;3;9\n", "line 2 has 3 columns where the header has 2"),
        ("a;b;\nx;1;2\ny;2;5\n", "the header ends in a delimiter"),
    ],
)
def test_fields_that_fit_two_headers_are_refused(text_file, text, message):
    with pytest.raises(InputError, match=message):
        read_text_table(text_file("c.csv", text), "clinical table")


def test_missing_words_are_one_list(text_file):
    words = ["n.a.", "[Not Available]", "--", "#VALUE!", "-", "NA", ""]
    body = "".join(f"G{i}\t{word}\t{i}.5\n" for i, word in enumerate(words)) + "ESR1\t7.5\t8\n"
    frame = read_expression(text_file("m.tsv", f"gene\tT0\tT1\n{body}"), "genes_by_samples").frame
    assert np.isnan(frame["T0"]).tolist() == [True] * len(words) + [False]


def test_utf_16_without_a_mark(tmp_path):
    (tmp_path / "c.csv").write_bytes("id;name\ns1;Müller\n".encode("utf-16-le"))
    assert read_text_table(tmp_path / "c.csv", "clinical table")["name"].tolist() == ["Müller"]


def scanpy_file(path, base=None):
    counts = np.random.default_rng(2).poisson(20, (4, 3)).astype(float) + 0.25
    data = anndata.AnnData(
        sparse.csr_matrix(np.log1p(counts) / (np.log(base) if base else 1)),
        var=pd.DataFrame({"gene_name": ["ESR1", "PGR", "TP53"]}, index=["0", "1", "2"]),
    )
    data.uns["log1p"] = {"base": base} if base else {}
    data.raw = data.copy()
    data.write_h5ad(path)
    return np.log2(counts + 1)


@pytest.mark.parametrize("base", [None, 2.0, 10.0])
def test_h5ad_of_scanpy_becomes_log2_under_gene_names(tmp_path, base):
    right = scanpy_file(tmp_path / "m.h5ad", base)
    frame = read_expression(tmp_path / "m.h5ad").frame
    assert list(frame.index) == ["ESR1", "PGR", "TP53"]
    np.testing.assert_allclose(frame.to_numpy().T, right, rtol=1e-12)


def test_a_damaged_sparse_matrix_is_told(tmp_path):
    scanpy_file(tmp_path / "m.h5ad")
    with h5py.File(tmp_path / "m.h5ad", "r+") as file:
        file["raw/X/indices"][0] = 2_000_000_000
    with pytest.raises(InputError, match="cannot be read as h5ad"):
        read_expression(tmp_path / "m.h5ad")


def test_probes_named_by_accessions_are_no_transcripts():
    rows = pd.Index([f"NM_{i:06d}" for i in range(40)])
    amounts = pd.DataFrame(1.0, index=rows, columns=["a", "b"])
    with pytest.raises(InputError, match="rows are transcripts"):
        refuse_transcripts(Path("x.tsv"), amounts)
    ratios = amounts.copy()
    ratios.iloc[3, 1] = -0.4
    refuse_transcripts(Path("x.tsv"), ratios)


def test_an_array_named_by_accessions_is_read_by_its_annotation(files, text_file):
    genes = list(files.counts.index)
    files.counts = np.log2(files.counts.astype(float)) - 8
    files.counts.index = pd.Index([f"NM_{i:06d}" for i in range(len(genes))], name="probe")
    rows = "".join(f"NM_{i:06d}\t{gene}\n" for i, gene in enumerate(genes))
    annotation = text_file("annotation.tsv", "probe\tsymbol\n" + rows)
    given = files.write() | {"gene_ids": "probe", "probe_annotation": annotation}
    assert set(read_cohort(given).var_names) == set(genes)
    with pytest.raises(InputError, match="transcripts"):
        read_cohort(files.write())
