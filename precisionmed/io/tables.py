"""Delimited and Excel tables in: find out how a file is written, and say precisely what is wrong with it.

A file is decompressed once; its delimiter, header and the number of fields of every line are
checked before pandas parses it, so that a damaged file never becomes a matrix full of holes.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from precisionmed.errors import InputError, warn

MISSING = frozenset(
    [
        *("", "na", "n/a", "#n/a", "nan", "null", "<na>", "--", "'--", ".", "?"),
        *("not available", "not evaluated", "not applicable", "not reported", "unknown", "missing"),
        *("[not available]", "[not evaluated]", "[not applicable]", "[not reported]", "[unknown]"),
        *("[discrepancy]", "[pending]"),
    ]
)
"""Spellings of a missing clinical value, in lower case."""

_DELIMITERS = ("\t", ",", ";", "|", " ")
_OPENERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)
_EXCEL = (".xlsx", ".xlsm", ".xls")


@dataclass(frozen=True)
class Table:
    """A delimited text table that has been checked but not parsed."""

    path: Path
    delimiter: str
    decimal: str
    header: list[str]
    body: str
    """Everything below the header line."""
    lines: int | None
    """Rows to expect, or None when quotes hide delimiters or line ends."""


def is_missing(values: pd.Series) -> pd.Series:
    """Return which text values stand for a missing one (see `MISSING`)."""
    return values.isna() | values.astype(str).str.strip().str.lower().isin(MISSING)


def existing_file(path: Path, what: str) -> Path:
    """Return `path` when it is a file with something in it.

    Raises
    ------
    InputError
        There is no such file, it is a folder, or it is empty.
    """
    if path.is_dir():
        raise InputError(f"{path}: the {what} is a folder; give the file itself.")
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob(f"{path.name.split('.')[0]}*")) if path.name else []
        hint = f" That folder has {', '.join(beside[:3])}." if beside else ""
        raise InputError(
            f"{path}: no such {what}; check the path (those in a config start at its folder).{hint}"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the {what} is empty (0 bytes); export or copy it again.")
    return path


def read_text_table(path: Path, what: str, notes: list[str] | None = None) -> pd.DataFrame:
    """Read any table as text, every cell stripped, column names as written (repeated ones numbered).

    Parameters
    ----------
    path
        TSV, CSV (`;` and `|` too), compressed or not, or an Excel workbook (first sheet).
    what
        What the table is, for messages (`"clinical table"`).
    notes
        Where warnings are kept for the report.

    Raises
    ------
    InputError
        The file is missing, empty, damaged or no table.
    """
    if existing_file(path, what).suffix.lower() in _EXCEL:
        frame = _read_excel(path, notes)
    else:
        table = open_table(path, what)
        frame = parse(table, dtype=str, keep_default_na=False)
        frame.columns = pd.Index(table.header)
        if table.decimal == ",":
            frame = frame.apply(
                lambda column: column.str.replace(r"^\s*(-?\d+),(\d+)\s*$", r"\1.\2", regex=True)
            )
    if frame.empty:
        raise InputError(f"{path}: the {what} has a header but no rows.")
    frame = frame.apply(lambda column: column.str.strip())
    blank = [
        not str(name).strip() and is_missing(frame.iloc[:, i]).all() for i, name in enumerate(frame.columns)
    ]
    frame = frame.loc[:, [not b for b in blank]]
    frame.columns = pd.Index(_distinct([str(name).strip() for name in frame.columns], path, notes))
    return frame.reset_index(drop=True)


def open_table(path: Path, what: str) -> Table:
    """Decompress and check a text table: encoding, delimiter, header, as many fields in each line.

    Lines that start with `#` above the header are skipped (and the size line of a GCT file), and a header of
    one field less than the rows, as R writes it, gets its first field.

    Raises
    ------
    InputError
        The file is missing, empty, damaged, no text, has one column only or ragged lines.
    """
    skipped, text = _skip_comments(read_text(path, what))
    first = [line for line in text[: 1 << 24].split("\n", 12)[:12] if line.strip()][:6]
    if not first:
        raise InputError(f"{path}: the {what} is empty (no header line); export or copy it again.")
    delimiter = max(_DELIMITERS, key=lambda d: _fields_in_all(first, d))
    if _fields_in_all(first, delimiter) < 2:
        raise InputError(
            f"{path}: only one column was found in the {what}; its columns must be separated by "
            f"tabs, commas or semicolons (first line: {first[0][:60]!r})."
        )
    lead = len(text) - len(text.lstrip("\r\n"))
    skipped += text[:lead].count("\n")
    head, _, body = text[lead:].partition("\n")
    header = [field.strip() for field in next(csv.reader([head], delimiter=delimiter))]
    if len(first) > 1 and len(next(csv.reader([first[1]], delimiter=delimiter))) == len(header) + 1:
        header = ["", *header]
    lines = _check_lines(path, body, delimiter, len(header), skipped + 1)
    sample = "\n".join(first[1:])
    comma = delimiter != "," and re.search(r"\d,\d", sample) and not re.search(r"\d\.\d", sample)
    return Table(path, delimiter, "," if comma else ".", header, body, lines)


def read_text(path: Path, what: str) -> str:
    """Return the text of a file, compressed or not, with line ends as Unix has them.

    Raises
    ------
    InputError
        The file is missing, empty, damaged or no text.
    """
    return _decode(path, _decompress(existing_file(path, what)))


def parse(table: Table, **options: object) -> pd.DataFrame:
    """Parse the body of a checked table; columns are numbered 0, 1, ..."""
    try:
        frame = pd.read_csv(  # type: ignore[call-overload]
            io.StringIO(table.body),
            sep=table.delimiter,
            header=None,
            names=range(len(table.header)),
            index_col=False,
            low_memory=False,
            **options,
        )
        # A lone quote swallows the lines up to the next one without the parser's complaint.
        if table.lines is not None and len(frame) < table.lines:
            raise ValueError("a double quote has no partner")
    except pd.errors.EmptyDataError:
        raise InputError(f"{table.path}: has a header but no rows.") from None
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{table.path}: cannot be read as a table ({reason}); export it again.") from None
    return frame


def _decompress(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        for magic, decompress in _OPENERS.items():
            if data.startswith(magic):
                return decompress(data)
    except PermissionError:
        raise InputError(f"{path}: may not be read (permission denied); change its permissions.") from None
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is truncated or damaged ({reason}); copy or download it again.") from None
    if path.suffix.lower() == ".gz":
        raise InputError(f"{path}: ends in .gz but is not gzip-compressed; rename it or compress it again.")
    if data.startswith(b"PK"):
        raise InputError(f"{path}: is a zip archive; unpack it, or give the workbook its .xlsx ending.")
    return data


def _decode(path: Path, data: bytes) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}: line {line} is not UTF-8 text (byte {error.object[error.start]:#04x}); "
            "save the table as UTF-8 (Excel calls it 'CSV UTF-8')."
        ) from None
    if "\0" in text:
        raise InputError(f"{path}: is not a text table (it has binary content); export it as TSV or CSV.")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _skip_comments(text: str) -> tuple[int, str]:
    """Return the number of lines skipped and the text below them."""
    skipped = 0
    while text.startswith("#"):
        comment, _, text = text.partition("\n")
        skipped += 1
        if re.fullmatch(r"#1\.[23]\s*", comment):  # GCT: a line with the size of the table follows
            text = text.partition("\n")[2]
            skipped += 1
    return skipped, text


def _fields_in_all(lines: list[str], delimiter: str) -> int:
    return min(len(fields) for fields in _records(lines, delimiter) if fields)


def _records(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error:
        yield [""]


def _check_lines(path: Path, body: str, delimiter: str, n_fields: int, above: int) -> int | None:
    """Raise when a line has more or fewer fields than the header; return the number of lines with content.

    Delimiters are counted, which is fast; only where quotes could hide a delimiter a real parser counts.
    """
    lines = body.split("\n")
    wrong = [i for i, line in enumerate(lines) if line.count(delimiter) + 1 != n_fields and line.strip()]
    if not wrong:
        return sum(1 for line in lines if line.strip())
    number, found = wrong[0], lines[wrong[0]].count(delimiter) + 1
    if '"' in body:
        csv.field_size_limit(max(csv.field_size_limit(), len(body) + 1))
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            bad = next(((reader.line_num, len(r)) for r in reader if r and len(r) != n_fields), None)
        except csv.Error as error:
            raise InputError(
                f"{path}: line {reader.line_num + above}: {error}; export the table again."
            ) from None
        if bad is None:
            return None
        number, found = bad[0] - 1, bad[1]
    last = (
        " It is the last line: the file may be cut off."
        if not any(s.strip() for s in lines[number + 1 :])
        else ""
    )
    raise InputError(
        f"{path}: line {number + above + 1} has {found} columns where the header has {n_fields}; "
        f"mend that line or export the table again.{last}"
    )


def _read_excel(path: Path, notes: list[str] | None) -> pd.DataFrame:
    try:
        with pd.ExcelFile(path) as book:
            sheets = book.sheet_names
            frame = book.parse(sheets[0], dtype=str, header=None, keep_default_na=False, na_filter=False)
    except (ValueError, KeyError, zipfile.BadZipFile, ImportError, *_DAMAGED) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: cannot be read as an Excel workbook ({reason}); save it as .xlsx."
        ) from None
    if len(sheets) > 1:
        warn(f"{path}: only the first of {len(sheets)} sheets ('{sheets[0]}') was read.", notes)
    if len(frame) == 0:
        raise InputError(f"{path}: the first sheet ('{sheets[0]}') is empty.")
    header, frame = frame.iloc[0].astype(str), frame.iloc[1:].astype(str)
    frame.columns = pd.Index(header)
    return frame


def _distinct(names: list[str], path: Path, notes: list[str] | None) -> list[str]:
    """Return the names with `_2`, `_3` ... behind repeated ones, and say so."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    repeated = [name for name, count in seen.items() if count > 1]
    if repeated:
        warn(f"{path}: column '{repeated[0]}' occurs more than once; the later ones were numbered.", notes)
    return result
