"""How a text table is laid out: comments, titles, delimiter, header and the fields of every line.

Nothing is parsed here. Every line is looked at before a decision, since the first ones do not tell whether a
field more than the header has is a row name (as R writes it) or the delimiter at the end of each line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.errors import InputError, first_few, warn
from precisionmed.io._text import read_text

DELIMITERS = ("\t", ";", ",", "|", " ")
_LOOKED_AT = 60
"""Lines that tell the delimiter and where the header is."""
_TABLE = re.compile(r"^!(\w+)_table_begin[ \t]*$", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|\.\d+)([eE][-+]?\d+)?$")

NoHeader = Callable[[list[list[str]]], "list[str] | None"]


@dataclass(frozen=True)
class Table:
    """A delimited text table that has been checked but not parsed."""

    path: Path
    delimiter: str
    header: list[str]
    body: str
    """Everything below the header line."""
    lines: int | None = None
    """Rows to expect, or None when quotes hide delimiters or line ends."""
    width: int = 0
    """Fields of the widest line; those behind the header's are empty."""
    sizes: tuple[int, ...] = ()
    """Rows, columns (and columns and rows of descriptions) that a GCT file announces."""
    comments: list[str] = field(default_factory=list)


def open_table(
    path: Path, what: str, notes: list[str] | None = None, no_header: NoHeader | None = None
) -> Table:
    """Decompress and check a text table: encoding, delimiter, header, as many fields in each line.

    Lines that start with `#` or `!` above the header and titles are skipped (and the size line of a GCT
    file); of a GEO file the table inside is taken; a header behind `#` is taken as one; a header of one field
    less than the rows, as R writes it, gets its first field; a delimiter at the end of each line is no field.

    Parameters
    ----------
    path, what
        The file, and what it is for messages.
    notes
        Where remarks are kept for the report.
    no_header
        Given the first records, returns the names of the columns when the file has none, else None.

    Raises
    ------
    InputError
        The file is missing, empty, damaged, no text, has one column only or ragged lines.
    """
    above, text = _inner_table(path, read_text(path, what), notes)
    comments, sizes, text = _skip_comments(text)
    above += len(comments) + bool(sizes)
    text, blank = _below(text, 0)
    above += blank
    lines = _first_lines(text)
    if not lines:
        raise InputError(f"{path}: the {what} is empty (no header line); export or copy it again.")
    delimiter, text = _delimiter(path, what, lines, text)
    lines = _first_lines(text)
    text, skipped = _below(text, skip_titles(path, records(lines, delimiter), notes))
    above += skipped
    table = Table(path, delimiter, [], text, sizes=sizes, comments=comments)
    first = records(_first_lines(text), delimiter)
    header = _commented_header(table, first, notes) or (no_header(first) if no_header else None)
    if header is None:
        header, used = _header(text, delimiter)
        text, above = "".join(text.split("\n", used)[used:]), above + used
    return _check_lines(replace(table, header=header, body=text), above, notes)


def records(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the fields of lines, stripped, blank lines left out."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader([f"{line}\n" for line in lines], delimiter=delimiter):
            if row:
                rows.append([value.strip() for value in row])
    except csv.Error:
        rows.append([""])
    return rows


def looks_like_data(record: Sequence[str]) -> bool:
    """Return whether most fields behind the first are numbers."""
    rest = [value for value in record[1:] if value]
    return sum(bool(_NUMBER.match(value)) for value in rest) * 2 > len(rest)


def skip_titles(path: Path, rows: Sequence[Sequence[str]], notes: list[str] | None) -> int:
    """Return how many rows above the header hold nothing but a title in one cell.

    Raises
    ------
    InputError
        There is no row with names below the title.
    """
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count)
    top = 0
    while usual > 2 and top < len(rows) - 1 and sum(map(bool, rows[top])) <= 1:
        top += 1
    if top and looks_like_data(rows[top]):
        raise InputError(
            f"{path}: its columns have no names (the line above '{first_few(rows[top], 3)}' has one entry); "
            "write the sample names above the numbers."
        )
    if top:
        title = next((value for row in rows[:top] for value in row if value), "")
        warn(f"{path.name}: {top} line(s) above the header were skipped ('{title[:60]}').", notes)
    return top


def parse(table: Table, **options: object) -> pd.DataFrame:
    """Parse the body of a checked table; columns are numbered 0, 1, ..."""
    try:
        frame = pd.read_csv(  # type: ignore[call-overload]
            io.StringIO(table.body),
            sep=table.delimiter,
            header=None,
            names=range(table.width),
            usecols=None if table.width == len(table.header) else range(len(table.header)),
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


def _inner_table(path: Path, text: str, notes: list[str] | None) -> tuple[int, str]:
    """Return the lines above and the text of the table inside a GEO file (series matrix, SOFT)."""
    begins = (
        list(_TABLE.finditer(text)) if text.startswith(("!", "^", "#")) or "\n!" in text[:100_000] else []
    )
    if not begins:
        return 0, text
    if len(begins) > 1:
        raise InputError(
            f"{path}: holds {len(begins)} tables ({first_few((b[1] for b in begins), 3)}); give the series "
            "matrix of the data set, or one table a file."
        )
    start = begins[0].end() + 1
    end = text.find(f"\n!{begins[0][1]}_table_end", start - 1)
    if end < 0:
        raise InputError(f"{path}: the table has no end (!{begins[0][1]}_table_end); download it again.")
    if notes is not None:
        notes.append(f"{path.name}: read as a GEO file; its lines of description were skipped.")
    return text[:start].count("\n"), text[start : end + 1]


def _skip_comments(text: str) -> tuple[list[str], tuple[int, ...], str]:
    """Return the comment lines above the table, the sizes a GCT file announces, and the text below."""
    comments: list[str] = []
    while text.startswith(("#", "!", "^")):
        comment, _, text = text.partition("\n")
        comments.append(comment)
        if re.fullmatch(r"#1\.[23]\s*", comment):
            sizes, _, text = text.partition("\n")
            return comments, tuple(int(n) for n in re.findall(r"\d+", sizes)) or (0,), text
    return comments, (), text


def _first_lines(text: str) -> list[str]:
    lines = text[: 1 << 24].split("\n", _LOOKED_AT)
    return [line for line in lines[:_LOOKED_AT] if line.strip()]


def _below(text: str, n_lines: int) -> tuple[str, int]:
    """Return the text below the first lines with something in them, and how many lines are above it."""
    at = above = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        blank = not text[at:end].strip()
        if n_lines == 0 and not blank:
            break
        n_lines -= not blank
        at, above = min(len(text), end + 1), above + 1
    return text[at:], above


def _delimiter(path: Path, what: str, lines: list[str], text: str) -> tuple[str, str]:
    """Return the delimiter and the text, runs of blanks made one where blanks separate.

    The delimiter that splits all lines alike wins, then the one that leaves the header a field short.
    """
    best, chosen = (0, 0.0, 0), ""
    for delimiter in DELIMITERS:
        widths = [len(row) for row in records(lines, delimiter)]
        best, chosen = max(
            (best, chosen), (_regularity(widths, delimiter), delimiter), key=lambda pair: pair[0]
        )
    if chosen in ("", " "):
        widths = [len(line.split()) for line in lines]
        uneven = any("  " in line or "\t" in line or line != line.strip() for line in lines)
        if uneven and _regularity(widths, " ") >= best:
            return " ", "\n".join(" ".join(line.split()) for line in text.split("\n"))
    if not chosen:
        raise InputError(
            f"{path}: only one column was found in the {what}; its columns must be separated by "
            f"tabs, commas or semicolons (first line: {lines[0][:60]!r})."
        )
    return chosen, text


def _regularity(widths: list[int], delimiter: str) -> tuple[int, float, int]:
    """Return how well a delimiter splits lines into this many fields; the larger the better.

    A semicolon that splits all lines goes before a comma that splits all but the header: those are decimals.
    """
    rest = widths
    while len(rest) > 2 and rest[0] == 1 and rest[1] != 2:  # a title
        rest = rest[1:]
    usual = max(set(rest), key=lambda w: (rest.count(w), w))
    if usual < 2:
        return 0, 0.0, 0
    share, blank = rest.count(usual) / len(rest), delimiter == " "
    if share == 1:
        return (8 if rest is widths else 4) - blank, 1.0, usual
    if set(rest[1:]) == {usual} and rest[0] == usual - 1:
        whole = rest is widths and usual > 2  # else decimals may look like it
        return (6 if whole else 3 if rest is widths else 2) - blank, 1.0, usual
    return int(not blank), share, usual


def _header(text: str, delimiter: str) -> tuple[list[str], int]:
    """Return the names of the columns and how many lines they take (a quoted name may hold a line end)."""
    lines = text[: 1 << 24].split("\n", _LOOKED_AT)[:_LOOKED_AT]
    reader = csv.reader([f"{line}\n" for line in lines], delimiter=delimiter)
    try:
        row = next(row for row in reader if row)
    except (csv.Error, StopIteration):
        row = lines[0].split(delimiter)
    return [" ".join(value.split()) for value in row], max(1, reader.line_num)


def _commented_header(table: Table, first: list[list[str]], notes: list[str] | None) -> list[str] | None:
    """Return the names in the last comment when the line below is data and has as many fields."""
    if not table.comments or table.sizes or not first or not looks_like_data(first[0]):
        return None
    row = records([table.comments[-1].lstrip("#!^ ")], table.delimiter)
    names = _named(row[0]) if row else []
    unlike = len(names) != len(_named(first[0])) or looks_like_data(names)
    if len(names) < 2 or unlike or len(set(names)) < len(names):
        return None
    warn(f"{table.path.name}: the header was found behind '#' ({first_few(names, 3)}).", notes)
    return names


def _check_lines(table: Table, above: int, notes: list[str] | None) -> Table:
    """Compare the fields of every line with the header's; return the table with its final header.

    Delimiters are counted, which is fast; only where quotes could hide a delimiter a real parser counts.
    """
    delimiter, n = table.delimiter, len(table.header)
    lines = table.body.split("\n")
    counts = np.array([line.count(delimiter) + 1 for line in lines])
    full = np.array([bool(line.strip()) for line in lines])
    if (counts[full] == n).all() and table.header[-1]:
        return replace(table, lines=int(full.sum()), width=n)
    quoted = '"' in table.body
    numbers, counts, filled = _parsed_widths(table, lines, above) if quoted else _widths(lines, delimiter)
    header = _fit_header(table, counts, filled, notes)
    if header is None:
        at = int(np.flatnonzero(counts != n)[0])
        last = " It is the last line: the file may be cut off." if at == len(counts) - 1 else ""
        raise InputError(
            f"{table.path}: line {int(numbers[at]) + above} has {counts[at]} columns where the header has "
            f"{n}; mend that line or export the table again.{last}"
        )
    width = max(int(counts.max(initial=0)), len(header))
    return replace(table, header=header, lines=None if quoted else len(counts), width=width)


def _widths(lines: list[str], delimiter: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return number, fields, and fields up to the last that is not empty, of each line that is not blank."""
    rows = [
        (i, line.count(delimiter) + 1, line.rstrip(f"{delimiter} ").count(delimiter) + 1)
        for i, line in enumerate(lines, start=1)
        if line.strip()
    ]
    return tuple(np.array(rows, int).reshape(-1, 3).T)  # type: ignore[return-value]


def _parsed_widths(table: Table, lines: list[str], above: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `_widths` does, where quotes hide delimiters and line ends."""
    csv.field_size_limit(max(csv.field_size_limit(), len(table.body) + 1))
    reader = csv.reader([f"{line}\n" for line in lines], delimiter=table.delimiter)
    rows = []
    try:
        for row in reader:
            if row and (len(row) > 1 or row[0].strip()):
                filled = len(row)
                while filled > 1 and not row[filled - 1].strip():
                    filled -= 1
                rows.append((reader.line_num, len(row), filled))
    except csv.Error as error:
        raise InputError(
            f"{table.path}: line {reader.line_num + above}: {error}; export the table again."
        ) from None
    return tuple(np.array(rows, int).reshape(-1, 3).T)  # type: ignore[return-value]


def _fit_header(
    table: Table, counts: np.ndarray, filled: np.ndarray, notes: list[str] | None
) -> list[str] | None:
    """Return the header that goes with the lines, or None when there is none.

    Raises
    ------
    InputError
        Two headers go with them: row names as R writes them, or a field without a name at the end.
    """
    header = _named(table.header)
    n, widest = len(header), int(filled.max(initial=1))
    if (counts >= n).all() and widest <= n:
        if n == len(table.header) and (counts > n).any():
            every = "every line ends" if (counts > n).all() else "some lines end"
            warn(f"{table.path.name}: {every} in empty fields behind the last named column, left out.", notes)
        return header
    if (counts > len(table.header)).all() and widest == n + 1:
        empty = int((filled <= n).sum())
        if empty * 2 >= len(counts) and n == len(table.header):
            raise InputError(
                f"{table.path}: the lines have one field more than the header, and the last is empty in "
                f"{empty} of {len(counts)}: row names, or a delimiter at the end? Name the first column in "
                "the header, or take that delimiter away."
            )
        return ["", *header]
    if n < len(table.header) and widest > n and (counts == len(table.header)).all():
        raise InputError(
            f"{table.path}: the header ends in a delimiter, but the lines have values there: name the last "
            "column, or, if the first one holds row names, put the delimiter in front of the header."
        )
    return None


def _named(header: list[str]) -> list[str]:
    """Return the header up to its last name."""
    return header[: max((i for i, name in enumerate(header, start=1) if name), default=1)]
