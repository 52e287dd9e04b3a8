import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io import genes
from precisionmed.io._duplicates import collapse_duplicates
from precisionmed.io._excel_names import damaged_by_spreadsheet
from precisionmed.io._no_genes import no_gene
from precisionmed.io._species import refuse_other_species


def symbol(label, kind="symbol", annotation=None):
    row = genes.map_genes(pd.Index([label]), kind, annotation).iloc[0]
    return row["symbol"], row["outcome"]


@pytest.mark.parametrize(
    ("label", "current"),
    [
        ("NUF2", "NUF2"),
        ("CDCA1", "NUF2"),
        ("KNTC2", "NDC80"),
        ("ORC6L", "ORC6"),
        ("HER2", "ERBB2"),
        ("esr1", "ESR1"),
        ("C1ORF112", "C1orf112"),
        ("SEPT9", "SEPTIN9"),
        ("SEPT2", "SEPTIN2"),  # also an alias of SEPTIN6
        ("MARCH1", "MARCHF1"),
        ("ENSG00000141510", "TP53"),
        ("ENSG00000141510.18", "TP53"),
        ("ENSG00000002586.20_PAR_Y", "CD99"),
        ("ENSG00000088298", "EDEM2"),  # shared with a read-through record
        ("7157", "TP53"),
        ("TP53|7157", "TP53"),
        ("?|7157", "TP53"),
    ],
)
def test_identifiers_become_current_symbols(label, current):
    assert symbol(label)[0] == current


@pytest.mark.parametrize(
    ("label", "candidates"),
    [
        ("OCT1", "POU2F1, SLC22A1"),
        ("MLL2", "KMT2B, KMT2D"),
        ("1-Mar", "MARCHF1, MTARC1"),
        ("9/2/2023", "FEB9, SEPTIN2"),
    ],
)
def test_ambiguous_names_stay_and_are_reported(label, candidates):
    row = genes.map_genes(pd.Index([label]), "symbol").iloc[0]
    assert row["symbol"] == label
    assert row["outcome"].startswith("ambiguous")
    assert row["candidates"] == candidates


def test_a_current_symbol_wins_over_being_an_alias():
    table = genes.gene_table()
    assert not set(table.aliases) & table.symbols


@pytest.mark.parametrize(
    ("label", "current"),
    [
        ("2-Sep", "SEPTIN2"),
        ("Sep-02", "SEPTIN2"),
        ("02-Sep-2023", "SEPTIN2"),
        ("2023-09-02 00:00:00", "SEPTIN2"),
        ("2023-09-02", "SEPTIN2"),
        ("9/14/2023", "SEPTIN14"),
        ("5-Mrz", "MARCHF5"),
        ("10-Mar", "MARCHF10"),
        ("1-Dec", "DELEC1"),
        ("15-Sep", "SELENOF"),
    ],
)
def test_spreadsheet_dates_are_repaired(label, current):
    assert symbol(label) == (current, "spreadsheet damage repaired")


@pytest.mark.parametrize("label", ["NKX2-1", "HLA-A", "MIR1-1", "2-Foo", "2023-13-45", "31-Mar", "1-2"])
def test_other_names_with_hyphens_are_not_taken_for_dates(label):
    assert symbol(label)[1] != "spreadsheet damage repaired"
    assert label == "31-Mar" or not damaged_by_spreadsheet(label)


def test_unknown_names_stay_and_summary_rows_of_counters_go():
    assert symbol("NOVEL1X") == ("NOVEL1X", "not in the gene table, kept")
    assert symbol("ENSG00000999999.7")[0] == "ENSG00000999999"
    assert symbol("__no_feature")[0] == symbol("N_unmapped")[0] == ""


def test_probes_go_through_their_annotation():
    annotation = {"1_at": "CDCA1", "2_at": "ESR1 /// PGR", "3_at": "", "4_at": "NUF2 /// CDCA1"}
    assert symbol("1_at", "probe", annotation) == ("NUF2", "probe with a symbol")
    assert symbol("2_at", "probe", annotation) == ("2_at", "probe of several genes, kept")
    assert symbol("3_at", "probe", annotation)[0] == "3_at"
    assert symbol("4_at", "probe", annotation)[0] == "NUF2"


def test_the_kind_of_identifier_is_what_most_are():
    assert genes.gene_id_kind(["ENSG00000141510", "ENSG00000091831.5", "TP53"]) == "ensembl"
    assert genes.gene_id_kind(["7157", "2099"]) == "entrez"
    assert genes.gene_id_kind(["1405_i_at", "200008_s_at"]) == "probe"
    assert genes.gene_id_kind(["TP53", "ESR1", "7157"]) == "symbol"


def test_the_summary_counts_and_gives_examples():
    labels = pd.Index(["ESR1", "CDCA1", "OCT1", "FOO1X"])
    table = genes.summarize_mapping(genes.map_genes(labels, "symbol"), labels).set_index("outcome")
    assert table["genes"].sum() == 4
    assert table.loc["old symbol renamed", "examples"] == "CDCA1 -> NUF2"
    assert table.loc["ambiguous old symbol, kept", "examples"] == "OCT1 (POU2F1, SLC22A1)"


def test_the_table_is_dated_and_knows_chromosomes():
    assert pd.Timestamp(genes.GENE_TABLE_DATE) > pd.Timestamp("2020-01-01")
    assert genes.gene_table().chromosome["XIST"] == "X"
    assert len(genes.gene_table().symbols) > 60_000


def test_lengths_are_those_of_messengers_not_of_spans():
    lengths = genes.gene_table().length
    assert lengths["ESR1"] == 6349 and lengths["TTN"] == 82592  # the spans are 473,000 and 305,000 bases
    assert len(lengths) == 21_357 and min(lengths.values()) > 0 and max(lengths.values()) < 110_000


def test_annotation_needs_its_two_columns_and_one_symbol_a_probe(text_file):
    path = text_file("a.tsv", "Probe\tSymbol\n1_at\tESR1\n2_at\tNA\n")
    assert genes.read_probe_annotation(path) == {"1_at": "ESR1", "2_at": ""}
    with pytest.raises(InputError, match=r"has no column 'symbol'.*Did you mean 'Gene Symbol'"):
        genes.read_probe_annotation(text_file("b.tsv", "probe\tGene Symbol\n1_at\tESR1\n"))
    with pytest.raises(InputError, match="1 probes have several symbols"):
        genes.read_probe_annotation(text_file("c.tsv", "probe\tsymbol\n1_at\tESR1\n1_at\tPGR\n"))


@pytest.mark.parametrize(
    ("rule", "expected", "ids"),
    [
        ("highest_mean", [[5, 5], [1, 9]], ["b", "c"]),
        ("highest_variance", [[0, 4], [1, 9]], ["a", "c"]),
        ("mean", [[2.5, 4.5], [1, 9]], ["a;b", "c"]),
        ("sum", [[5, 9], [1, 9]], ["a;b", "c"]),
    ],
)
def test_repeated_rows_become_one(rule, expected, ids):
    values = pd.DataFrame([[0.0, 4], [1, 9], [5, 5]], index=["G", "H", "G"])
    got, got_ids = collapse_duplicates(values, pd.Index(["a", "c", "b"]), rule)
    assert got.index.tolist() == ["G", "H"]
    assert got.to_numpy().tolist() == expected
    assert got_ids.tolist() == ids


def test_missing_values_do_not_win_and_stay_missing():
    nan = float("nan")
    values = pd.DataFrame([[nan, nan], [1.0, nan]], index=["G", "G"])
    for rule in ("highest_mean", "highest_variance", "mean", "sum"):
        got, _ = collapse_duplicates(values, pd.Index(["a", "b"]), rule)
        assert got.iloc[0, 0] == 1.0
        assert pd.isna(got.iloc[0, 1])


@pytest.mark.parametrize(
    ("label", "symbol"),
    [
        ("2099.0", "ESR1"),
        ("ENSG00000091831.24", "ESR1"),
        ("ensg00000091831", "ESR1"),
        ("ENSG00000091831.24|ESR1", "ESR1"),
        ("ESR1_ENSG00000091831", "ESR1"),
        ("ENSG00000182378.15_PAR_Y", "PLCXD1"),
        ("ENSG00000182378_PAR_Y", "PLCXD1"),
        ("ENSG00000182378.15-PAR-Y", "PLCXD1"),
        ("ENSGR0000182378.10", "PLCXD1"),
        ("PLCXD1_PAR_Y", "PLCXD1"),
        ("?|2099", "ESR1"),
        ("ESR1|2099.0", "ESR1"),
    ],
)
def test_ways_to_write_an_identifier(label, symbol):
    for kind in ("symbol", "ensembl", "entrez"):
        assert genes.map_genes(pd.Index([label]), kind)["symbol"].tolist() == [symbol]


def test_numbers_of_pandas_are_entrez_identifiers():
    assert genes.gene_id_kind(["2099.0", "7157.0", "5241.0"]) == "entrez"
    assert genes.map_genes(pd.Index([2099, 7157]), "entrez")["symbol"].tolist() == ["ESR1", "TP53"]


HUMAN = ["ESR1", "PGR", "ERBB2", "GRB7", "MKI67", "TP53", "XIST", "ACTB", "GAPDH", "KRT5", "EGFR", "FOXA1"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [label.capitalize() for label in HUMAN],
            "12 gene symbols are written as those of mouse",
        ),
        ([label.lower() for label in HUMAN], "written as those of mouse, rat or fish .esr1, pgr"),
        ([*HUMAN[:5], *(label.capitalize() for label in HUMAN[5:])], "7 gene symbols are written"),
        ([*HUMAN, *(label.capitalize() for label in HUMAN[:6])], "6 genes are there in the spelling of two"),
        ([f"ENSMUSG000000197{i:02d}.3" for i in range(12)], "12 of 12 identifiers are of mouse"),
        ([f"ENSRNOG000000197{i:02d}" for i in range(12)], "are of rat"),
        ([f"FBgn00000{i:02d}" for i in range(12)], "are of fruit fly"),
        ([f"ENST000003050{i:02d}.9" for i in range(12)], "identifiers are transcripts"),
        ([f"NM_0001250{i:02d}" for i in range(12)], "identifiers are transcripts"),
    ],
)
def test_genes_of_another_species_are_refused(labels, message):
    index = pd.Index(labels)
    with pytest.raises(InputError, match=rf"^x.tsv: .*{message}") as caught:
        refuse_other_species(index, genes.map_genes(index, "symbol"), "x.tsv", [])
    assert "\n" not in str(caught.value)


def test_single_genes_of_another_spelling_are_told():
    notes: list[str] = []
    index = pd.Index([*HUMAN, "Gata3", "ENSMUSG00000019768"])
    with pytest.warns(PrecisionMedWarning) as told:
        refuse_other_species(index, genes.map_genes(index, "symbol"), "x.tsv", notes)
    assert [str(w.message) for w in told] == notes
    assert "1 of 14 identifiers are of mouse (ENSMUSG00000019768); they stay as they are" in notes[0]
    assert "1 gene symbols are not in capitals (Gata3)" in notes[1]
    notes.clear()
    usual = pd.Index([*HUMAN, "C1ORF112", "c1orf112", "SEPT9", "2-Sep", "LOC100130426", "?|100130426"])
    with pytest.warns(PrecisionMedWarning, match="c1orf112"):
        refuse_other_species(usual, genes.map_genes(usual, "symbol"), "x.tsv", notes)


SPELT = [
    *HUMAN,
    "CDCA1",
    "NUF2",
    "ENSG00000091831.2",
    "2099",
    "SEPT9",
    "2-Sep",
    "nothing",
    "7157.0",
    "ESR1|2099",
]


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(len(SPELT))))
def test_each_identifier_is_mapped_for_itself(order):
    whole = genes.map_genes(pd.Index(SPELT), "symbol")
    turned = genes.map_genes(pd.Index([SPELT[i] for i in order]), "symbol")
    pd.testing.assert_frame_equal(turned, whole.iloc[list(order)].reset_index(drop=True))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["highest_mean", "highest_variance", "mean", "sum"]))
def test_duplicates_do_not_depend_on_order(seed, rule):
    rng = np.random.default_rng(seed)
    symbols = pd.Index(rng.choice(list("ABCDE"), 12))
    values = pd.DataFrame(rng.integers(0, 3, (12, 6)) * 1.1, index=symbols, columns=list("uvwxyz"))
    ids = pd.Index([f"id{i}" for i in range(12)])
    rows, columns = rng.permutation(12), rng.permutation(6)
    one, _ = collapse_duplicates(values, ids, rule)
    other, _ = collapse_duplicates(values.iloc[rows, columns], ids[rows], rule)
    pd.testing.assert_frame_equal(other.loc[one.index, one.columns], one, rtol=1e-12)


@pytest.mark.parametrize(
    ("label", "outcome"),
    [
        ("__no_feature", "counter's summary row, dropped"),
        ("N_unmapped", "counter's summary row, dropped"),
        ("Unassigned_NoFeatures", "counter's summary row, dropped"),
        ("ERCC-00002", "spike-in or control, dropped"),
        ("AFFX-BioB-5_at", "spike-in or control, dropped"),
        ("Total", "total or mean of the genes, dropped"),
        ("library_size", "total or mean of the genes, dropped"),
        ("batch", "description of the samples, dropped"),
        ("Age", "description of the samples, dropped"),
    ],
)
def test_rows_that_are_no_genes_are_dropped(label, outcome):
    found = genes.map_genes(pd.Index([label]), "symbol").iloc[0]
    assert (found["symbol"], found["outcome"]) == ("", outcome)


def test_no_known_gene_is_taken_for_something_else():
    table = genes.gene_table()
    names = {*table.symbols, *table.aliases, *table.upper, *table.ensembl, *table.entrez}
    assert not [name for name in names if no_gene(name)]


def test_a_control_that_the_annotation_names_is_its_gene():
    found = genes.map_genes(
        pd.Index(["AFFX-HSAC07/X00351_3_at"]), "probe", {"AFFX-HSAC07/X00351_3_at": "ACTB"}
    )
    assert found["symbol"].tolist() == ["ACTB"]


@pytest.mark.parametrize(
    "written",
    ["{s} ({n})", "{s}|{n}", "{s} ({e})", "{s}|{e}", "{e}.5|{s}|protein_coding", "GRCh38_{s}", "hg19_{e}"]
    + ["GRCh38______{s}", "{e}_{s}", "{n}.0"],
)
def test_labels_with_more_than_one_name_are_one_gene(written):
    label = written.format(s="ESR1", n="2099", e="ENSG00000091831")
    assert genes.map_genes(pd.Index([label]), "symbol")["symbol"].tolist() == ["ESR1"]


@pytest.mark.parametrize("prefix", ["mm10___", "mm39_", "GRCm38_", "rn6_", "mRatBN7_"])
def test_genes_of_a_mixed_reference_are_told_from_human_ones(prefix):
    human, other = ("ESR1", "PGR", "ERBB2"), ("Esr1", "Pgr", "Tff1")
    labels = pd.Index([f"GRCh38_{g}" for g in human] + [f"{prefix}{g}" for g in other])
    with pytest.raises(InputError, match=r"3 of 6 identifiers are of (mouse|rat)"):
        refuse_other_species(labels, genes.map_genes(labels, "symbol"), "x.tsv", [])
