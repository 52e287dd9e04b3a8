"""Learn from a tumour cohort once, lock what was learned, apply it to one patient.

>>> import precisionmed as pm
>>> adata = pm.read_cohort("config.yaml")              # doctest: +SKIP
>>> adata = pm.pp.normalize(adata)                     # doctest: +SKIP
>>> adata = pm.tl.subtypes(adata)                      # doctest: +SKIP
>>> pm.lock(adata, "model.pmz")                        # doctest: +SKIP
>>> pm.LockedModel.load("model.pmz").predict(sample)   # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from precisionmed.version import __version__

_HOMES = {
    "LockedModel": "precisionmed.io.model",
    "lock": "precisionmed.io.model",
    "read_cohort": "precisionmed.io.cohort",
    "read_run": "precisionmed.io.run",
}
_PARTS = ("datasets", "estimators", "pl", "pp", "report", "tl")

__all__ = ["LockedModel", "__version__", "lock", "read_cohort", "read_run", *_PARTS]

if TYPE_CHECKING:
    from precisionmed import datasets as datasets
    from precisionmed import estimators as estimators
    from precisionmed import pl as pl
    from precisionmed import pp as pp
    from precisionmed import report as report
    from precisionmed import tl as tl
    from precisionmed.io.cohort import read_cohort
    from precisionmed.io.model import LockedModel, lock
    from precisionmed.io.run import read_run


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that the command line starts fast.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _PARTS:
        return import_module(f"precisionmed.{name}")
    raise AttributeError(f"module 'precisionmed' has no attribute {name!r}")
