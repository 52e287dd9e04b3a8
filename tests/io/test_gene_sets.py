"""Gene sets: the shipped ones are sound, and the user's are read or refused with their line."""

from __future__ import annotations

import gzip

import pytest

from precisionmed.errors import InputError
from precisionmed.io.gene_sets import biological_processes, read_gene_sets
from precisionmed.io.genes import gene_table


def test_shipped_processes_are_sound():
    found = biological_processes()
    assert found.source.startswith("biological processes of the Gene Ontology 20")
    assert len(found.genes) > 5000
    sizes = [len(genes) for genes in found.genes.values()]
    assert min(sizes) >= 10
    assert max(sizes) <= 1000
    assert {gene for genes in found.genes.values() for gene in genes} <= gene_table().symbols
    assert {"CDK1", "BUB1"} <= set(found.genes["mitotic cell cycle (GO:0000278)"])
    assert len(set(found.genes.values())) == len(found.genes), "no two processes have the same genes"


def test_a_file_is_read_and_its_old_symbols_renamed(tmp_path):
    text = "# made by hand\nproliferation\thttps://example.org\tCDCA1\tNUF2\tMKI67\n\nreceptors\t\tESR1\tERBB2\r\n"
    plain, packed = tmp_path / "mine.gmt", tmp_path / "mine.gmt.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    found = read_gene_sets(plain)
    assert found.source == "mine.gmt"
    assert dict(found.genes) == {"proliferation": ("NUF2", "MKI67"), "receptors": ("ESR1", "ERBB2")}
    assert read_gene_sets(packed).genes == found.genes


def test_entrez_identifiers_are_understood(tmp_path):
    path = tmp_path / "entrez.gmt"
    path.write_text("receptors\tNA\t2099\t2064\n")
    assert read_gene_sets(path).genes["receptors"] == ("ESR1", "ERBB2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\tx\tESR1\nb x ERBB2\n", r"line 2 \('b x ERBB2'\) is no gene set"),
        ("a\tx\tESR1\n#\nb\tx\t\n", "line 3 .*is no gene set"),
        ("a\tx\tESR1\na\tx\tERBB2\n", "line 2: gene set 'a' comes twice"),
        ("# nothing\n", "holds no gene sets"),
        ("a\tx\tfoo1\tfoo2\nb\tx\tfoo3\n", "not human genes .first: 'foo1'"),
    ],
)
def test_what_is_no_gmt_file_is_refused(tmp_path, text, said):
    path = tmp_path / "sets.gmt"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_gene_sets(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"sets\.gmt: no such GMT file"):
        read_gene_sets(tmp_path / "sets.gmt")
