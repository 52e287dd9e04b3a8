"""Files to text: there, not empty, decompressed, decoded."""

from __future__ import annotations

import bz2
import gzip
import lzma
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

from precisionmed.errors import InputError

DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)
"""What a truncated or damaged file raises when it is unpacked."""

_OPENERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


def existing_file(path: Path, what: str) -> Path:
    """Return `path` when it is a file with something in it.

    Raises
    ------
    InputError
        There is no such file, it is a folder, or it is empty.
    """
    if path.is_dir():
        raise InputError(f"{path}: the {what} is a folder; give the file itself.")
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path}: the {what} is a link to {path.readlink()}, which is not there.")
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob(f"{path.name.split('.')[0]}*")) if path.name else []
        hint = f" That folder has {', '.join(beside[:3])}." if beside else ""
        raise InputError(
            f"{path}: no such {what}; check the path (those in a config start at its folder).{hint}"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the {what} is empty (0 bytes); export or copy it again.")
    return path


def read_text(path: Path, what: str) -> str:
    """Return the text of a file, compressed or not, with line ends as Unix has them.

    Raises
    ------
    InputError
        The file is missing, empty, damaged or no text.
    """
    return _decode(path, _decompress(existing_file(path, what)))


def _decompress(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        for magic, decompress in _OPENERS.items():
            if data.startswith(magic):
                return decompress(data)
    except PermissionError:
        raise InputError(f"{path}: may not be read (permission denied); change its permissions.") from None
    except DAMAGED as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is truncated or damaged ({reason}); copy or download it again.") from None
    if path.suffix.lower() == ".gz":
        raise InputError(f"{path}: ends in .gz but is not gzip-compressed; rename it or compress it again.")
    if data.startswith(b"PK"):
        raise InputError(f"{path}: is a zip archive; unpack it, or give the workbook its .xlsx ending.")
    return data


def _decode(path: Path, data: bytes) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    try:
        text = data.decode(encoding or _unmarked(data))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}: line {line} is not UTF-8 text (byte {error.object[error.start]:#04x}); "
            "save the table as UTF-8 (Excel calls it 'CSV UTF-8')."
        ) from None
    text = text.rstrip("\x1a")  # the end-of-file sign of DOS
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)  # macOS writes an umlaut as two signs
    if "\0" in text:
        raise InputError(f"{path}: is not a text table (it has binary content); export it as TSV or CSV.")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _unmarked(data: bytes) -> str:
    """Return the encoding of text without a byte order mark: every second byte of UTF-16 is (nearly) NUL."""
    start = data[:4096]
    if start.count(b"\0") * 4 < len(start):
        return "utf-8"
    return "utf-16-le" if start[1::2].count(b"\0") > start[::2].count(b"\0") else "utf-16-be"
