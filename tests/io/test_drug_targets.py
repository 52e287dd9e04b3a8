"""Drug targets: any table with genes and drugs, and what is wrong with others."""

from __future__ import annotations

import pytest

from precisionmed.errors import InputError
from precisionmed.io.drug_targets import read_drug_targets


def test_drugs_of_a_gene_are_joined_by_its_current_symbol(tmp_path):
    path = tmp_path / "targets.csv"
    path.write_text(
        "Drug,Gene\ntrastuzumab,ERBB2\npertuzumab,HER2\ntrastuzumab,ERBB2\nolaparib,PARP1\n,TP53\n"
    )
    found = read_drug_targets(path)
    assert found.to_dict() == {"ERBB2": "pertuzumab; trastuzumab", "PARP1": "olaparib"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene\tdrugs\nERBB2\ttrastuzumab\n", "no column 'drug'.*Did you mean 'drugs'"),
        ("gene,drug\nERBB2,\n", "no row .* both a gene and a drug"),
        (
            "gene,drug\n" + "".join(f"no such gene {i},y\n" for i in range(20)),
            "100% of the 20 genes .* not human genes",
        ),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    path = tmp_path / "targets.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_drug_targets(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such table of drug targets"):
        read_drug_targets(tmp_path / "absent.tsv")
