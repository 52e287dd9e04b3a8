"""The files of a run: one AnnData a step, written whole or as what the step added.

`ingest`, `qc`, `normalize` and `batch` change the matrix and are written whole. Later steps only add
slots; their files hold just those, so that steps can run side by side and stay small.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anndata as ad
import pandas as pd
import yaml

from precisionmed.errors import InputError
from precisionmed.io._stored import check_record, open_h5ad
from precisionmed.version import __version__

if TYPE_CHECKING:
    from precisionmed.config import RunConfig

_CONFIG_HEAD = "# Written anew by each run of precisionmed "
WHOLE_STEPS = ("ingest", "qc", "normalize", "batch")
_SLOTS = ("obsm", "varm", "obsp")
ADDING_STEPS = ("subtypes", "classify", "biomarkers", "survival", "response")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success it takes the place of `path`, else it is removed.

    Raises
    ------
    InputError
        The folder cannot be made or written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    except OSError as error:
        raise InputError(
            f"{path.parent}: cannot be written ({error.strerror}); choose another output."
        ) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes the file private; give it the permissions a normal new file has.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_run_config(config: RunConfig, path: Path) -> None:
    """Write the config that the steps of a run read; it is left untouched when nothing changed.

    Raises
    ------
    InputError
        A file of that name is there that no run has written.
    """
    head = f"{_CONFIG_HEAD}{__version__}; yours is the one it was started with.\n"
    text = head + yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    config_version(path)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def config_version(path: Path) -> str | None:
    """Return the version that wrote a run's config, or None when there is none yet.

    Raises
    ------
    InputError
        A file of that name is there that no run has written.
    """
    if not path.exists():
        return None
    with path.open(encoding="utf-8", errors="replace") as handle:
        first = handle.readline()
    if not first.startswith(_CONFIG_HEAD):
        raise InputError(
            f"{path.parent}: holds a {path.name} that no run has written, and a run would overwrite it; "
            "set 'output' to a folder of its own."
        )
    return first.removeprefix(_CONFIG_HEAD).split(";")[0]


def write_step(adata: ad.AnnData, path: str | Path, before: Before | None = None) -> None:
    """Write a step's file: whole, or (given what was there before the step) only what is new."""
    with replacing(path) as temporary:
        (adata if before is None else _added(adata, before)).write_h5ad(temporary, compression="lzf")


def read_step(path: str | Path, *additions: str | Path) -> ad.AnnData:
    """Read a whole step file and lay the additions of later steps over it.

    Raises
    ------
    InputError
        A file is missing, is no h5ad, or has other samples or genes.
    """
    adata = _read(path)
    check_record(adata, path, whole=True)
    for addition in additions:
        added = _read(addition)
        check_record(added, addition, whole=False)
        _overlay(adata, added, addition)
    return adata


def read_run(folder: str | Path) -> ad.AnnData:
    """Read everything a run has stored so far into one AnnData.

    Parameters
    ----------
    folder
        The run's output folder.
    """
    steps = Path(folder) / "steps"
    whole = [steps / f"{step}.h5ad" for step in WHOLE_STEPS if (steps / f"{step}.h5ad").exists()]
    if not whole:
        raise InputError(f"{folder}: holds no run (no steps/ingest.h5ad); run `precisionmed run` first.")
    added = [steps / f"{step}.h5ad" for step in ADDING_STEPS if (steps / f"{step}.h5ad").exists()]
    return read_step(whole[-1], *(added if whole[-1].stem == "batch" else []))


def gene_names(path: str | Path) -> pd.Index:
    """Return the genes of a step file without reading its values."""
    return _read(path, backed="r").var_names


@dataclass(frozen=True)
class Before:
    """What an AnnData held before a step, to know afterwards what the step added or changed."""

    obs: pd.DataFrame
    var: pd.DataFrame
    names: dict[str, set[str]]

    @classmethod
    def of(cls, adata: ad.AnnData) -> Before:
        """Remember the tables and the names of the other slots."""
        names = {slot: set(getattr(adata, slot)) for slot in _SLOTS}
        names["uns"] = set(adata.uns.get("precisionmed", {}))
        return cls(adata.obs.copy(), adata.var.copy(), names)


def _added(adata: ad.AnnData, before: Before) -> ad.AnnData:
    def new(content: Any, slot: str) -> dict[str, Any]:
        return {name: content[name] for name in content if name not in before.names[slot]}

    def changed(table: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
        return table[[name for name in table if name not in old or not table[name].equals(old[name])]]

    return ad.AnnData(
        obs=changed(adata.obs, before.obs),
        var=changed(adata.var, before.var),
        uns={"precisionmed": new(adata.uns["precisionmed"], "uns")},
        **{slot: new(getattr(adata, slot), slot) for slot in _SLOTS},
    )


def _overlay(adata: ad.AnnData, added: ad.AnnData, path: str | Path) -> None:
    if not (added.obs_names.equals(adata.obs_names) and added.var_names.equals(adata.var_names)):
        raise InputError(f"{path}: has other samples or genes than the file it adds to; rerun that step.")
    for column in added.obs:
        adata.obs[column] = added.obs[column]
    for column in added.var:
        adata.var[column] = added.var[column]
    for slot in _SLOTS:
        getattr(adata, slot).update(getattr(added, slot))
    adata.uns["precisionmed"].update(added.uns["precisionmed"])


def _read(path: str | Path, backed: Literal["r"] | None = None) -> ad.AnnData:
    try:
        return open_h5ad(path, backed)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run the step that makes it first.") from None
