"""The parts of a locked model, checked against each other before anything is predicted with them."""

from __future__ import annotations

import re
from typing import Any, get_args

import numpy as np
import pandas as pd

from precisionmed.config.cohort import Scale
from precisionmed.errors import InputError, one_line
from precisionmed.io._declared import check_array, check_estimator, check_number
from precisionmed.io._evidence import METRIC_WORDS

_KINDS = {
    "class": ("NearestCentroid", "IntrinsicSubtypeClassifier"),
    "receptor": ("ReceptorClassifier",),
    "signature": ("LassoLogisticCV",),
    "survival": ("LassoCoxCV",),
}
"""Estimators of each kind of task."""
SCALES = get_args(Scale)
_UNITS = ("days", "months", "years")
_RULES = ("highest_mean", "highest_variance", "mean", "sum")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class NewerSchemaError(InputError):
    """The model was written by a later version."""


def checked_manifest(manifest: Any, newest: int) -> dict[str, Any]:
    """Return the manifest of a model file.

    Raises
    ------
    NewerSchemaError
        It was written by a schema later than `newest`.
    InputError
        It lacks what every model tells.
    """
    if not isinstance(manifest, dict) or type(manifest.get("schema_version")) is not int:
        raise InputError("its manifest has no schema version")
    if manifest["schema_version"] > newest:
        packages = manifest.get("packages")
        version = packages.get("precisionmed") if isinstance(packages, dict) else None
        raise NewerSchemaError(
            f"written by precisionmed {one_line(version, 40)} (model schema "
            f"{one_line(manifest['schema_version'], 20)}); this one reads up to {newest}: update."
        )
    if manifest["schema_version"] < 1:
        raise InputError("its manifest has no schema version")
    if manifest.get("scale") not in SCALES:
        raise InputError(f"its manifest tells no scale: {one_line(manifest.get('scale'), 40)}")
    if not isinstance(manifest.get("cohort"), str):
        raise InputError("its manifest names no cohort")
    adapted = manifest.get("adapted_to", [])
    if not isinstance(adapted, list) or not all(isinstance(entry, dict) for entry in adapted):
        raise InputError("its manifest's adapted_to is no list")
    return manifest


def check_parts(parts: Any) -> pd.Index:
    """Return the genes of a decoded model whose parts fit each other.

    Raises
    ------
    InputError
        A part is missing, out of range or at odds with another.
    """
    wanted = {"genes", "preprocessor", "reference", "tasks"}
    if not isinstance(parts, dict) or not wanted <= set(parts):
        raise InputError("its parts are not those of a model")
    extra = set(parts) - wanted - {"inputs", "subtype_survival"}
    if extra:
        raise InputError(f"it has an unknown part '{one_line(min(map(str, extra)), 60)}'")
    genes = parts["genes"]
    check_array("genes", genes, "texts[p]", {})
    preprocessor = parts["preprocessor"]
    if type(preprocessor).__name__ != "Preprocessor":
        raise InputError("its preprocessor is none")
    check_estimator(preprocessor)
    known = preprocessor.feature_names_in_
    if preprocessor.n_features_in_ != len(genes) or (known is not None and list(known) != list(genes)):
        raise InputError("its preprocessor has other genes than the model")
    kept = genes[preprocessor.kept_]
    _check_reference(parts["reference"], len(kept))
    if not isinstance(parts["tasks"], dict):
        raise InputError("its tasks are none")
    for name, task in parts["tasks"].items():
        _check_task(name, task, kept)
    if "inputs" in parts:
        _check_inputs(parts["inputs"], genes)
    if "subtype_survival" in parts:
        _check_hazards(parts["subtype_survival"])
    return pd.Index(genes)


def _check_reference(reference: Any, m: int) -> None:
    if not isinstance(reference, dict) or set(reference) != {"median", "spread", "limit"}:
        raise InputError("its reference is none")
    check_array("reference.median", reference["median"], "real[m]", {"m": m})
    check_array("reference.spread", reference["spread"], "nonnegative[m]", {"m": m})
    check_number("reference.limit", reference["limit"], "nonnegative")


def _check_task(name: Any, task: Any, kept: np.ndarray) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError("a task has no proper name")
    where = f"task {one_line(name, 40)}"
    if not isinstance(task, dict) or not isinstance(task.get("kind"), str) or task["kind"] not in _KINDS:
        raise InputError(f"{where} is of no known kind")
    model: Any = task.get("model")
    if type(model).__name__ not in _KINDS[task["kind"]]:
        raise InputError(f"{where} has no model of its kind")
    check_estimator(model)
    names = model.feature_names_in_
    if model.n_features_in_ != len(kept) or (names is not None and not _same_genes(names, kept)):
        raise InputError(f"{where} takes other genes than the model has")
    if task["kind"] == "survival":
        if task.get("unit") not in _UNITS:
            raise InputError(f"{where} has no unit of time")
        check_number(f"{where}, threshold", task.get("threshold"), "real")
        check_number(f"{where}, horizon", task.get("horizon"), "positive")
    _check_evidence(where, task)


def _same_genes(names: np.ndarray, kept: np.ndarray) -> bool:
    """Return whether names are the model's; intrinsic subtypes know three genes by their present symbols."""
    return sum(a != b for a, b in zip(names, kept, strict=True)) <= 3


def _check_evidence(where: str, task: dict[str, Any]) -> None:
    evidence, shares = task.get("evidence"), task.get("shares")
    if evidence is not None:
        if not isinstance(evidence, dict) or evidence.get("metric") not in METRIC_WORDS:
            raise InputError(f"{where} has no proper evidence")
        for key in ("estimate", "lower", "upper"):
            value = evidence.get(key)
            # An interval that could not be had is NaN: the task is then not called.
            if not (isinstance(value, float) and np.isnan(value)):
                check_number(f"{where}, evidence", value, "unit")
    if shares is not None:
        if not isinstance(shares, dict) or not shares or not all(isinstance(key, str) for key in shares):
            raise InputError(f"{where} has no proper shares")
        for value in shares.values():
            check_number(f"{where}, shares", value, "unit")


def _check_inputs(inputs: Any, genes: np.ndarray) -> None:
    texts = ("duplicate_genes", "gene_ids", "orientation", "scale_as_read")
    if not isinstance(inputs, dict) or not isinstance(inputs.get("rows"), pd.DataFrame):
        raise InputError("its inputs are none")
    if not all(isinstance(inputs.get(key), str) for key in texts) or inputs["scale_as_read"] not in SCALES:
        raise InputError("its inputs lack how files were read")
    if inputs["duplicate_genes"] not in _RULES or not isinstance(inputs.get("whole_numbers"), bool):
        raise InputError("its inputs lack how files were read")
    rows = inputs["rows"]
    if list(rows.columns) != ["row", "gene", "chosen", "file"]:
        raise InputError("its inputs have no proper table of rows")
    if not all(isinstance(v, str) for key in ("row", "gene") for v in rows[key]):
        raise InputError("its inputs name rows that are no texts")
    if rows["chosen"].dtype != bool or rows["file"].dtype.kind not in "iu":
        raise InputError("its inputs have no proper table of rows")
    if not set(rows["gene"]) <= set(genes):
        raise InputError("its inputs name genes that the model does not have")


def _check_hazards(table: Any) -> None:
    columns = ["endpoint", "subtype", "n", "events", "hazard_ratio", "lower", "upper", "p"]
    if not isinstance(table, pd.DataFrame) or list(table.columns) != columns:
        raise InputError("its hazards of subtypes are none")
    for key in ("endpoint", "subtype"):
        if not all(isinstance(value, str) for value in table[key]):
            raise InputError("its hazards of subtypes name no subtypes")
    for key in columns[2:]:  # a limit may be infinite, and what could not be estimated is NaN
        values = table[key].to_numpy()
        if values.dtype.kind not in "iuf" or (values < 0).any():
            raise InputError(f"its hazards have no proper {key}")
