import gzip

import pandas as pd
import pytest

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io.tables import read_text_table


def read(path):
    return read_text_table(path, "clinical table")


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|", " "])
def test_the_delimiter_is_found_whatever_the_ending(text_file, delimiter):
    path = text_file(
        "table.csv", "\n".join(delimiter.join(row) for row in (["id", "a"], ["s1", "2"], ["s2", "3"]))
    )
    table = read(path)
    assert list(table.columns) == ["id", "a"]
    assert table["a"].tolist() == ["2", "3"]


def test_windows_line_ends_byte_order_mark_comments_and_blank_lines_do_not_matter(tmp_path):
    path = tmp_path / "table.txt"
    path.write_bytes("\ufeff#one\r\n#two\r\nid\tname\r\n\r\ns1\tMüller\r\n".encode())
    assert read(path).to_dict("list") == {"id": ["s1"], "name": ["Müller"]}


def test_header_one_field_short_as_r_writes_it(text_file):
    table = read(text_file("table.txt", "a b\ns1 1 2\ns2 3 4\n"))
    assert table.to_dict("list") == {"row_name": ["s1", "s2"], "a": ["1", "3"], "b": ["2", "4"]}


def test_quoted_delimiters_and_line_ends_are_part_of_a_cell(text_file):
    table = read(text_file("table.csv", 'id,note\ns1,"one, two"\ns2,"three\nfour"\n'))
    assert table["note"].tolist() == ["one, two", "three\nfour"]


def test_decimal_commas_of_a_semicolon_table(text_file):
    assert read(text_file("table.csv", "id;time\ns1;1,5\ns2;12,25\n"))["time"].tolist() == ["1.5", "12.25"]


def test_a_workbook_is_read_as_text_and_further_sheets_are_told(tmp_path):
    path = tmp_path / "table.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"id": ["s1"], "age": [51]}).to_excel(book, sheet_name="first", index=False)
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="second")
    with pytest.warns(PrecisionMedWarning, match="only the first of 2 sheets"):
        assert read(path).to_dict("list") == {"id": ["s1"], "age": ["51"]}


def test_repeated_columns_are_numbered_and_told(text_file):
    with pytest.warns(PrecisionMedWarning, match="column 'a' occurs more than once"):
        assert list(read(text_file("t.tsv", "id\ta\ta\ns\t1\t2\n")).columns) == ["id", "a", "a_2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"is empty \(0 bytes\); export or copy it again"),
        ("\n\n", "is empty .no header line"),
        ("id\tage\n", "has a header but no rows"),
        ("sample\ns1\ns2\n", "only one column was found"),
        ("id\ta\ns1\t1\ns2\t1\t9\ns3\t4\n", "line 3 has 3 columns where the header has 2; mend that line"),
        ("id\ta\tb\ns1\t1\t2\ns2\t1\n", "line 3 has 2 columns .* the file may be cut off"),
        ('id\ta\ns1\t"x\ns2\ty\n', "double quote|EOF inside string"),
        ('id\ta\ns1\t"x\ns2\ty\ns3\t"z\n', "double quote|EOF inside string"),
        ("id\ta\0\ns1\t2\n", "is not a text table"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_in_one_line(text_file, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read(text_file("table.tsv", content))
    assert "table.tsv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_gzip_file_is_told(tmp_path):
    whole = gzip.compress(b"id\ta\n" + b"".join(b"s%d\t%d\n" % (i, i * 7919) for i in range(5000)))
    path = tmp_path / "table.tsv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"truncated or damaged .* copy or download it again"):
        read(path)


def test_files_that_are_not_what_they_are_called(tmp_path, text_file):
    with pytest.raises(InputError, match=r"ends in .gz but is not gzip-compressed"):
        read(text_file("table.tsv.gz", "id\ta\ns\t1\n"))
    with pytest.raises(InputError, match="cannot be read as an Excel workbook"):
        read(text_file("table.xlsx", "id\ta\ns\t1\n"))
    with pytest.raises(InputError, match="the clinical table is a folder"):
        read(tmp_path)
    (tmp_path / "latin.csv").write_bytes("id,name\ns1,Müller\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"line 2 is not UTF-8 text .*save the table as UTF-8"):
        read(tmp_path / "latin.csv")


def test_a_missing_file_is_told_with_its_neighbours(text_file, tmp_path):
    text_file("clinical.csv", "id,a\ns,1\n")
    with pytest.raises(
        InputError, match=r"no such clinical table; check the path.*That folder has clinical.csv"
    ):
        read(tmp_path / "clinical.tsv")


def test_composed_and_decomposed_letters_are_the_same(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,value\nMu\u0308ller,1\n", encoding="utf-8")
    assert read_text_table(path, "table")["name"].tolist() == ["M\u00fcller"]


def test_a_link_to_nowhere_is_told(tmp_path):
    (tmp_path / "t.csv").symlink_to("gone.csv")
    with pytest.raises(InputError, match=r"is a link to gone.csv, which is not there"):
        read_text_table(tmp_path / "t.csv", "table")
