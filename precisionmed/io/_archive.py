"""The zip of a locked model: sealed, and read back without trusting what it says of itself.

The zip comment is the SHA-256 of all bytes before it. That tells an intact copy from a damaged one; it is no
signature, since whoever makes a file can make its digest. So everything a file declares (members, sizes,
shapes, types) is checked before memory is spent on it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from precisionmed.errors import InputError, one_line

_DIGEST_LENGTH = 64
LARGEST_FILE = 512 * 2**20
"""Bytes of a model file, and of all its members together once they are unpacked."""
_LARGEST_MEMBER = 256 * 2**20
_LARGEST_TEXT = {"manifest.json": 2**20, "model.json": 32 * 2**20}
_MOST_MEMBERS = 4096
_STEEPEST = 200
"""Times that a long JSON text may shrink when packed; names of genes, many times over, shrink 30 times."""
_ARRAY = re.compile(r"arrays/(a\d{1,6})\.npy")
_ITEM_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}
_MOST_DIMENSIONS = 4
_LONGEST_HEADER = 1024


def sealed(texts: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """Return the bytes of an archive; the same content always gives the same bytes.

    Parameters
    ----------
    texts
        JSON texts by member name.
    arrays
        Arrays by name (`a0`, `a1`, ...).
    """
    members = {name: text.encode() for name, text in texts.items()}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        members[f"arrays/{name}.npy"] = buffer.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            # A fixed date keeps the bytes the same from run to run.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        archive.comment = b"0" * _DIGEST_LENGTH
    body = buffer.getvalue()[:-_DIGEST_LENGTH]
    return body + hashlib.sha256(body).hexdigest().encode()


def opened(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return the texts and the arrays of a model file.

    Raises
    ------
    InputError
        The file is missing, was changed or cut, or holds what no model file holds.
    """
    content = _verified(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _checked(archive)
            texts = {name: archive.read(name).decode() for name in _LARGEST_TEXT}
            arrays = {
                short: _array(archive.read(name), name)
                for name in members
                if (short := _array_name(name)) is not None
            }
    except InputError as error:
        raise damaged(path, error) from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        LookupError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
        OverflowError,
    ) as error:
        raise damaged(path, error) from None
    return texts, arrays


def damaged(path: str | Path, reason: object) -> InputError:
    """Return the error for a model file whose content cannot be used."""
    return InputError(
        f"{one_line(path)}: is no usable model file ({one_line(str(reason).rstrip('.'))}); "
        "get it again from whoever locked it."
    )


def parsed(text: str) -> Any:
    """Return the content of a JSON text.

    Raises
    ------
    InputError
        It is no JSON, is nested too deeply or gives one key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_twins)
    except RecursionError:
        raise InputError("its JSON is nested too deeply") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"its JSON cannot be read: {one_line(error, 100)}") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputError("its JSON gives a key twice")
    return found


def _verified(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_dir() and not path.is_file():
            raise InputError(f"{one_line(path)}: is no ordinary file; give the model file itself.")
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(
                f"{one_line(path)}: is larger than any model file (over {LARGEST_FILE >> 20} MB)."
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{one_line(path)}: no such model file; `precisionmed lock` or `precisionmed run` makes one."
        ) from None
    except OSError as error:
        raise InputError(f"{one_line(path)}: cannot be read ({error.strerror}).") from None
    body, digest = content[:-_DIGEST_LENGTH], content[-_DIGEST_LENGTH:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise InputError(
            f"{one_line(path)}: is not an intact model file (checksum differs); copy it again or lock it "
            "anew."
        )
    return content


def _array_name(member: str) -> str | None:
    found = _ARRAY.fullmatch(member)
    return None if found is None else found[1]


def _checked(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the members, once names, packing and declared sizes are found to be in order."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(infos) > _MOST_MEMBERS or len(set(names)) < len(names):
        raise InputError("it has too many members, or one name twice")
    for info in infos:
        largest = _LARGEST_TEXT.get(info.filename, _LARGEST_MEMBER)
        if info.filename not in _LARGEST_TEXT and _array_name(info.filename) is None:
            raise InputError(f"it has a member '{one_line(info.filename, 60)}', which no model has")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 0x1:
            raise InputError(f"its member {info.filename} is packed as in no model file")
        steep = info.file_size > 2**20 and info.file_size > _STEEPEST * max(info.compress_size, 1)
        if info.file_size > largest or (steep and info.filename in _LARGEST_TEXT):
            raise InputError(f"its member {info.filename} unpacks to {info.file_size} bytes")
    if sum(info.file_size for info in infos) > LARGEST_FILE:
        raise InputError(f"it unpacks to more than {LARGEST_FILE >> 20} MB")
    missing = [name for name in _LARGEST_TEXT if name not in names]
    if missing:
        raise InputError(f"it has no {missing[0]}")
    return names


def _array(content: bytes, name: str) -> np.ndarray:
    """Return a numeric array; what its header declares must be what follows the header."""
    stream = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=_LONGEST_HEADER)
    except Exception:  # numpy parses a header with Python's own parser: anything can come of a damaged one
        raise InputError(f"{name} has no readable header") from None
    if dtype.hasobject or dtype.itemsize not in _ITEM_SIZES.get(dtype.kind, ()):
        raise InputError(f"{name} holds values of type {one_line(dtype, 40)}")
    sizes_ok = len(shape) <= _MOST_DIMENSIONS and all(isinstance(n, int) and n >= 0 for n in shape)
    if not sizes_ok or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise InputError(f"{name} has another size than its header says")
    raw = np.frombuffer(content, dtype=np.uint8, offset=stream.tell())
    if dtype.kind == "b":  # any other byte than 0 and 1 is no truth value
        return (raw != 0).reshape(shape)
    return raw.view(dtype).reshape(shape).copy()
