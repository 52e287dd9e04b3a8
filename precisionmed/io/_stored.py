"""Opening h5ad files that may be damaged: what they hold is checked before anything computes with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scipy import sparse

from precisionmed.errors import InputError, one_line

if TYPE_CHECKING:
    from anndata import AnnData

_SPARSE = (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array)
_LARGE = 4 * 2**30
_STEEPEST = 300
"""Times that a large file may grow when it is unpacked."""


def open_h5ad(path: str | Path, backed: Literal["r"] | None = None) -> AnnData:
    """Return the content of an h5ad file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    InputError
        The file is damaged, declares far more than it holds, or an index of a sparse matrix points outside.
    """
    import anndata  # heavy: only for this format

    try:
        _check_size(Path(path))
        data = anndata.read_h5ad(path, backed=backed)
        if backed is None:
            _check_sparse(data)
    except FileNotFoundError:
        raise
    except Exception as error:  # h5py and anndata raise whatever a damaged file leads them to
        raise InputError(
            f"{one_line(path)}: cannot be read as h5ad ({one_line(error)}); write it again with anndata."
        ) from None
    return data


def check_record(data: AnnData, path: str | Path, *, whole: bool) -> None:
    """Refuse a step file whose record is not what a step writes.

    Raises
    ------
    InputError
        `uns["precisionmed"]` is missing or holds other types; in a whole file, what was read is not told.
    """
    record = data.uns.get("precisionmed")
    if not isinstance(record, dict) or not all(isinstance(step, dict) for step in record.values()):
        raise _unlike(path, "uns['precisionmed']")
    for step, content in record.items():
        if "params" in content and not isinstance(content["params"], dict):
            raise _unlike(path, f"the parameters of {one_line(step, 40)}")
        for key in ("notes", "tasks", "endpoints"):
            if key in content and not hasattr(content[key], "__len__"):
                raise _unlike(path, f"{key} of {one_line(step, 40)}")
    if whole and not isinstance(record.get("ingest", {}).get("params"), dict):
        raise _unlike(path, "the record of ingest")


def _unlike(path: str | Path, what: str) -> InputError:
    return InputError(
        f"{one_line(path)}: {what} is not as a step writes it; rerun the step that made the file."
    )


def _check_sparse(data: AnnData) -> None:
    """Check every sparse matrix: a wrong index would be read from foreign memory."""
    raw = None if data.raw is None else data.raw.X
    slots: tuple[Any, ...] = (data.layers, data.obsm, data.varm, data.obsp, data.varp)
    for values in (data.X, raw, *(value for slot in slots for value in slot.values())):
        if isinstance(values, _SPARSE):
            values.check_format(full_check=True)


def _check_size(path: Path) -> None:
    import h5py

    total = 0

    def add(_: str, item: Any) -> None:
        nonlocal total
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            total += int(item.size) * item.dtype.itemsize

    with h5py.File(path, "r") as file:
        file.visititems(add)
    if total > max(_LARGE, _STEEPEST * path.stat().st_size):
        raise InputError(f"it unpacks to {total >> 30} GB")
