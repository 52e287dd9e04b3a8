"""What is read is what was written, however it was written, or one line says why not."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from precisionmed.errors import InputError
from precisionmed.io.expression import read_expression
from precisionmed.io.tables import read_text_table

GENES = ["ESR1", "PGR", "ERBB2", "TP53", "MKI67", "KRT5"]
SAMPLES = ["T0", "T1", "T2", "T3"]

numbers = st.one_of(
    st.integers(0, 2_000_000).map(str),
    st.builds(lambda a, b: f"{a}.{b}", st.integers(0, 3000), st.from_regex(r"[0-9]{1,5}", fullmatch=True)),
    st.builds(lambda a, b: f"{a}.{b:03d}", st.integers(0, 20), st.integers(0, 999)),
)


@st.composite
def layouts(draw):
    return {
        "delimiter": draw(st.sampled_from(["\t", ",", ";", "|", " "])),
        "decimal": draw(st.sampled_from([".", ","])),
        "thousands": draw(st.sampled_from(["", "", ",", ".", "\u00a0"])),
        "quoted": draw(st.booleans()),
        "header": draw(st.sampled_from(["gene", "", "R", "#gene"])),
        "trailing": draw(st.sampled_from(["no", "rows", "all"])),
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "mark": draw(st.sampled_from(["", "\ufeff"])),
    }


def written(number: str, how: dict) -> str:
    whole, _, fraction = number.partition(".")
    if how["thousands"]:
        whole = f"{int(whole):,}".replace(",", how["thousands"])
    return whole + (how["decimal"] + fraction if fraction else "")


def table(rows: list[list[str]], how: dict) -> str:
    def line(cells, end=False):
        quote = '"' if how["quoted"] else ""
        return how["delimiter"].join(quote + c + quote for c in cells) + (how["delimiter"] if end else "")

    first = {"gene": ["gene"], "": [""], "R": [], "#gene": ["#gene"]}[how["header"]]
    lines = [line([*first, *SAMPLES], how["trailing"] == "all")]
    lines += [line(row, how["trailing"] != "no") for row in rows]
    return how["mark"] + how["end"].join(lines) + how["end"]


def open_to_doubt(cells: list[list[str]], how: dict) -> bool:
    """Return whether no number of the file tells a decimal mark from one between thousands.

    Every mark stands before exactly three digits, and no whole number beside shows which it is.
    """
    flat = [cell for row in cells for cell in row]
    marked = [cell for cell in flat if "," in cell or "." in cell]
    return bool(marked) and all(re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", cell) for cell in marked)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=2, max_size=6), how=layouts())
def test_a_matrix_comes_back_or_is_refused(tmp_path, data, how):
    assume(how["decimal"] != how["thousands"])
    assume(how["quoted"] or how["delimiter"] not in (how["decimal"], how["thousands"]))
    assume(not (how["header"] == "#gene" and how["quoted"]))
    cells = [[written(number, how) for number in row] for row in data]
    assume(not open_to_doubt(cells, how))
    path = tmp_path / "matrix.txt"
    text = table([[gene, *row] for gene, row in zip(GENES, cells, strict=False)], how)
    path.write_bytes(text.encode())
    plain = how["decimal"] == "." and not how["thousands"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = read_expression(path, "genes_by_samples").frame
    except InputError as error:
        assert "\n" not in str(error)
        assert "matrix.txt" in str(error)
        assert not plain, error
        return
    assert list(read.columns) == SAMPLES
    assert list(read.index) == GENES[: len(data)]
    np.testing.assert_array_equal(read.to_numpy(), np.array(data, float))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ages=st.lists(st.integers(20, 95).map(str), min_size=4, max_size=4),
    times=st.lists(
        st.builds(lambda a, b: f"{a}.{b}", st.integers(0, 200), st.integers(0, 9)), min_size=4, max_size=4
    ),
    counts=st.lists(st.integers(1, 90_000).map(str), min_size=4, max_size=4),
    how=layouts(),
)
def test_a_clinical_table_comes_back_or_is_refused(tmp_path, ages, times, counts, how):
    assume(how["decimal"] != how["thousands"])
    assume(how["quoted"] or how["delimiter"] not in (how["decimal"], how["thousands"]))
    assume(how["header"] in ("gene", "") and how["thousands"] != ".")
    assume(how["thousands"] != "\u00a0" or any(int(count) < 1000 for count in counts))  # else names
    names = ["1.1", "1.2", "2.1", "2.2"]  # samples that look like numbers are names all the same
    rows = [
        [name, *(written(value, how) for value in row)]
        for name, row in zip(names, zip(ages, times, counts, ["1"] * 4, strict=True), strict=True)
    ]
    path = tmp_path / "clinical.txt"
    path.write_bytes(table(rows, how).encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = read_text_table(path, "clinical table")
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert read.iloc[:, 0].tolist() == names
    found = read.iloc[:, 1:].to_numpy(dtype=str).astype(float)
    np.testing.assert_array_equal(found, np.array([ages, times, counts, ["1"] * 4], float).T)


@pytest.mark.parametrize("delimiter", ["\t", ";", ","])
@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (["2,395", "415", "17"], [2395, 415, 17]),
        (["2,395", "0,5", "17"], [2.395, 0.5, 17]),
        (["2,395", "1,234,567", "17"], [2395, 1234567, 17]),
        (["1,234.5", "2,395", "0.25"], [1234.5, 2395, 0.25]),
        (["1.234,5", "2.395", "17"], [1234.5, 2395, 17]),
        (["1 234,5", "0,1", "17"], [1234.5, 0.1, 17]),
        (["1'234.5", "0.1", "17"], [1234.5, 0.1, 17]),
        (["-0,5", "1,5E-3", "+2"], [-0.5, 0.0015, 2]),
    ],
)
def test_one_number_format_in_every_kind_of_file(text_file, cells, right, delimiter):
    quoted = [f'"{cell}"' for cell in cells]
    path = text_file(
        "m.txt", f"gene{delimiter}T0\n" + "".join(f"G{i}{delimiter}{c}\n" for i, c in enumerate(quoted))
    )
    matrix = read_expression(path, "genes_by_samples")
    assert matrix.frame["T0"].tolist() == right
    assert any("its numbers have" in note for note in matrix.notes)
    notes: list[str] = []
    assert read_text_table(path, "clinical table", notes)["T0"].astype(float).tolist() == right
    assert any("its numbers have" in note for note in notes)


@pytest.mark.parametrize(
    "cells",
    [
        ["0,5", "0.5"],
        ["0,5", "1,234,567"],
        ["0,5", "1.234"],
        ["2,395", "2.395"],
        ["11,226", "8,700", "7,476"],
        ["2.395", "415"],
        ["1,2,3", "4"],
    ],
)
def test_numbers_that_contradict_each_other_are_refused(text_file, cells):
    path = text_file("m.tsv", "gene\tT0\n" + "".join(f"G{i}\t{c}\n" for i, c in enumerate(cells)))
    with pytest.raises(InputError, match=r"m.tsv: row 'G\d', column 'T0'"):
        read_expression(path, "genes_by_samples")


def test_fixed_decimals_of_a_semicolon_table_are_decimals(text_file):
    path = text_file("m.csv", "gene;T0;T1\nENSG00000091831.2;11,226;8,700\nENSG00000082175.9;7,476;5,000\n")
    assert read_expression(path).frame.to_numpy().tolist() == [[11.226, 8.7], [7.476, 5.0]]


def test_identifiers_and_dates_with_points_do_not_hide_decimal_commas(text_file):
    path = text_file(
        "c.csv", "sample;date;block;time\n1.1;12.03.2014;8500.3;56,6\n1.2;13.04.2014;8501.3;7,5\n"
    )
    table = read_text_table(path, "clinical table")
    assert table["time"].tolist() == ["56.6", "7.5"]
    assert table["sample"].tolist() == ["1.1", "1.2"]
    assert table["date"].tolist() == ["12.03.2014", "13.04.2014"]
    assert table["block"].tolist() == ["8500.3", "8501.3"]


def test_a_few_commas_in_a_column_of_points_stay_text(text_file):
    path = text_file("c.tsv", "sample\tsize\nA\t1.5\nB\t1,1\nC\t2.25\n")
    assert read_text_table(path, "clinical table")["size"].tolist() == ["1.5", "1,1", "2.25"]
