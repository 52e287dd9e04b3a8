"""What each estimator of a locked model may hold: its learned attributes, their shapes and their ranges.

A declaration is a kind, a shape in square brackets and a question mark where None is allowed: `real[k,p]?`.
Letters of a shape are the same number throughout an estimator, and `p` is its number of input features.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from precisionmed.errors import InputError, one_line

LARGEST = 1e30
"""Largest magnitude of a number; sums of products of such numbers with counts stay finite."""
NORMALIZERS = ("CPM", "FPKM", "Log2", "LogCPM", "MedianOfRatios", "Quantile", "RankScores", "TMM", "TMMwsp",
               "TPM", "UpperQuartile", "VST")  # fmt: skip
_ANY_NORMALIZER = f"model:{'|'.join(NORMALIZERS)}?"

_INPUT = {"n_features_in_": "count", "feature_names_in_": "texts[p]?"}
_LIBRARY = _INPUT | {"share_": "unit[p]", "mean_library_size_": "positive"}
_REFERENCE = _LIBRARY | {"reference_": "nonnegative[p]", "reference_size_": "positive", "log_scale_": "real"}
_LENGTHS = _INPUT | {"lengths_": "positive[p]", "share_": "unit[p]"}
_BATCHES = _INPUT | {"batches_": "texts[b]", "batch_sizes_": "count[b]", "covariates_": "covariates",
                     "adjusted_": "bool[p]", "coefficients_": "real[c,p]", "covariate_effect_": "real[p]",
                     "gamma_": "real[b,p]"}  # fmt: skip
_LASSO = _INPUT | {"with_offset_": "bool", "coef_": "real[p]", "intercept_": "real",
                   "scale_": "nonnegative[p]", "lambda_": "nonnegative"}  # fmt: skip
_CLASSES = {"classes_": "labels[k]"}

DECLARED: dict[str, dict[str, str]] = {
    "CPM": _INPUT | {"share_": "unit[p]"},
    "ComBat": _BATCHES
    | {
        "mean_only_": "bool",
        "grand_mean_": "real[p]",
        "sigma_": "positive[p]",
        "column_means_": "real[c]",
        "delta_": "positive[b,p]",
    },
    "ComBatSeq": _BATCHES
    | {"log_rate_": "real[b,p]", "phi_": "nonnegative[b,p]", "new_phi_": "nonnegative[p]"},
    "FPKM": _LENGTHS,
    "GeneFilter": _INPUT | {"kept_": "bool[p]"},
    "IntrinsicSubtypeClassifier": _INPUT
    | _CLASSES
    | {"model_": "model:NearestCentroid", "genes_": "texts[g]"},
    "LassoCoxCV": _LASSO
    | {
        "strata_": "nothing",
        "baseline_stratum_": "zero[t]",
        "baseline_time_": "nonnegative[t]",
        "baseline_survival_": "unit[t]",
    },
    "LassoLogisticCV": _LASSO | {"classes_": "labels[2]"},
    "Log2": _INPUT,
    "LogCPM": _LIBRARY,
    "MedianOfRatios": _INPUT | {"log_means_": "real_or_minus_inf[p]"},
    "NearestCentroid": _INPUT
    | _CLASSES
    | {
        "selected_": "count[g]",
        "centre_": "real[g]",
        "centroids_": "real[k,g]",
        "min_correlation_": "real",
        "strangers_refused_": "unit",
        "sharpness_": "positive?",
        "offsets_": "real[k]",
    },
    "Preprocessor": _INPUT
    | {
        "kept_": "bool[p]",
        "medians_": "real[m]",
        "gene_filter_": "model:GeneFilter?",
        "normalizer_": _ANY_NORMALIZER,
        "batch_corrector_": "model:ComBat|ComBatSeq?",
    },
    "Quantile": _INPUT | {"target_": "real[p]", "first_": _ANY_NORMALIZER},
    "RankScores": _INPUT,
    "ReceptorClassifier": _INPUT
    | {
        "classes_": "labels[2]",
        "slope_": "real",
        "coef_": "real[p]",
        "scale_": "nonnegative[p]",
        "intercept_": "real",
        "lambda_": "nonnegative",
    },
    "TMM": _REFERENCE,
    "TMMwsp": _REFERENCE,
    "TPM": _LENGTHS,
    "UpperQuartile": _LIBRARY | {"expressed_": "bool[p]", "log_scale_": "real"},
    "VST": _INPUT
    | {
        "log_means_": "real_or_minus_inf[p]",
        "fit_type_": "text",
        "trend_": "real_or_nan[2]",
        "curve_": "curve?",
    },
}
"""Learned attributes by class; classes that are not here are in no model file."""

ADDED: dict[str, dict[str, str]] = {
    "LassoCoxCV": {"interpolated_": "bool"},
    "ReceptorClassifier": {"threshold_": "unit"},
}
"""Attributes that files of earlier versions lack."""

UNUSED: dict[str, str] = {
    "reference_row_": "count",
    "lambdas_": "nonnegative[l]",
    "cv_mean_": "real_or_nan[l]",
    "cv_se_": "real_or_nan[l]",
    "n_nonzero_": "count[l]",
    "lambda_min_": "nonnegative",
    "lambda_1se_": "nonnegative",
    "path_genes_": "count[s]",
    "path_coef_": "real[l,s]",
    "path_end_": "text",
    "kkt_": "nonnegative",
    "gap_": "real?",
    "means_": "real_or_nan[p]",
    "dispersions_": "real_or_nan[p]",
}
"""Attributes that no prediction needs; older files have them."""

_PARAMETERS: dict[str, tuple[float, float]] = {
    "prior_count": (1e-6, 1e6),
    "pseudo_count": (1e-6, 1e6),
    "quantile": (0.0, 1.0),
    "log_ratio_trim": (0.0, 0.5),
    "sum_trim": (0.0, 0.5),
    "min_genes": (0.0, 1.0),
    "min_confidence": (0.0, 2.0),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "metric": ("pearson", "spearman"),
    "unknown": ("error", "none"),
    "ties": ("breslow", "efron"),
    "source": ("learned", "published"),
}
_DECLARATION = re.compile(r"(model:[\w|]+|\w+)(?:\[([\w,]+)\])?(\??)")
_RANGES: dict[str, tuple[float, float]] = {
    "real": (-LARGEST, LARGEST),
    "real_or_nan": (-LARGEST, LARGEST),
    "real_or_minus_inf": (-LARGEST, LARGEST),
    "nonnegative": (0.0, LARGEST),
    "positive": (np.finfo(float).tiny, LARGEST),
    "unit": (0.0, 1.0),
    "count": (0, 2**40),
    "zero": (0, 0),
}


def check_estimator(estimator: BaseEstimator) -> None:
    """Refuse an estimator whose parameters or learned attributes are not what its class declares.

    Raises
    ------
    InputError
        An attribute is missing, unknown, of another type or shape, out of range or at odds with another.
    """
    name = type(estimator).__name__
    if name not in DECLARED:
        raise InputError(f"a model holds no {name}")
    declared, added = DECLARED[name], ADDED.get(name, {})
    learned = {key: value for key, value in vars(estimator).items() if key.endswith("_")}
    missing = [key for key in declared if key not in learned]
    unknown = [key for key in learned if key not in declared | added | UNUSED]
    if missing or unknown:
        word = f"lacks {missing[0]}" if missing else f"has an unknown {one_line(unknown[0], 60)}"
        raise InputError(f"its {name} {word}")
    sizes: dict[str, int] = {}
    for key in sorted(learned, key=lambda key: key != "n_features_in_"):
        _check_value(f"{name}.{key}", learned[key], (UNUSED | added | declared)[key], sizes)
        if key == "n_features_in_":
            sizes["p"] = int(learned[key])
    _check_parameters(name, estimator)
    if name in _RELATIONS and not _RELATIONS[name](estimator):
        raise InputError(f"the parts of its {name} do not fit each other")


def check_number(where: str, value: Any, kind: str) -> None:
    """Refuse what is no single number of a kind (`real`, `positive`, `unit`, ...)."""
    _check_value(where, value, kind, {})


def check_array(where: str, value: Any, declaration: str, sizes: dict[str, int]) -> None:
    """Refuse an array that is not as declared; `sizes` gives letters of its shape their numbers."""
    _check_value(where, value, declaration, sizes)


def _check_value(where: str, value: Any, declaration: str, sizes: dict[str, int]) -> None:
    found = _DECLARATION.fullmatch(declaration)
    assert found is not None
    kind, shape, optional = found.groups()
    if value is None and (optional or kind == "nothing"):
        return
    if kind.startswith("model:"):
        if type(value).__name__ not in kind.removeprefix("model:").split("|"):
            raise InputError(f"{where} is no such part")
        check_estimator(value)
    elif kind in ("covariates", "curve"):
        _STRUCTURES[kind](where, value)
    elif shape is None:
        _check_scalar(where, value, kind)
    else:
        _check_shape(where, value, shape.split(","), sizes)
        _check_entries(where, value, kind)


def _check_scalar(where: str, value: Any, kind: str) -> None:
    types = {"bool": bool, "text": str, "count": int, "nothing": type(None)}.get(kind, int | float)
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
        raise InputError(f"{where} is no {kind.replace('_', ' ')}")
    if kind in _RANGES:
        _check_range(where, np.array([value], dtype=float), kind)


def _check_shape(where: str, value: Any, letters: list[str], sizes: dict[str, int]) -> None:
    if not isinstance(value, np.ndarray) or value.ndim != len(letters):
        raise InputError(f"{where} is no array of {len(letters)} dimension(s)")
    for letter, n in zip(letters, value.shape, strict=True):
        wanted = int(letter) if letter.isdigit() else sizes.setdefault(letter, n)
        if n != wanted:
            raise InputError(f"{where} has {n} entries instead of {wanted}")


def _check_entries(where: str, value: np.ndarray, kind: str) -> None:
    if kind == "labels" and value.dtype.kind in "biuf":
        kind = "real"
    if kind in ("texts", "labels"):
        if not all(isinstance(entry, str) for entry in value):
            raise InputError(f"{where} has entries that are no texts")
        if len(set(value)) < len(value):
            raise InputError(f"{where} has one entry twice")
        return
    kinds = {"bool": "b", "count": "iu", "zero": "iu"}.get(kind, "iuf")
    if value.dtype.kind not in kinds + ("b" if kind == "real" else ""):
        raise InputError(f"{where} holds values of type {value.dtype}")
    if kind in _RANGES:
        _check_range(where, value.astype(float), kind)


def _check_range(where: str, values: np.ndarray, kind: str) -> None:
    low, high = _RANGES[kind]
    allowed = (values >= low) & (values <= high)
    if kind == "real_or_nan":
        allowed |= np.isnan(values)
    if kind == "real_or_minus_inf":
        allowed |= np.isneginf(values)
    if not allowed.all():
        raise InputError(f"{where} has the value {values[~allowed].flat[0]:g}")


def _check_parameters(name: str, estimator: BaseEstimator) -> None:
    defaults = signature(type(estimator).__init__).parameters
    for key, value in estimator.get_params(deep=False).items():
        where, default = f"{name}.{key}", defaults[key].default
        if isinstance(value, BaseEstimator):
            if type(value).__name__ not in DECLARED:
                raise InputError(f"{where} is no part of a model")
            _check_parameters(type(value).__name__, value)
        elif not _is_plain(value) or not _is_like(value, default):
            raise InputError(f"{where} is of another type than in training")
        elif key in _PARAMETERS and not _PARAMETERS[key][0] <= value <= _PARAMETERS[key][1]:
            raise InputError(f"{where} has the value {one_line(value, 40)}")
        elif key in _CHOICES and value not in _CHOICES[key]:
            raise InputError(f"{where} has the value '{one_line(value, 40)}'")


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(entry) and not isinstance(entry, list | tuple) for entry in value)
    if isinstance(value, float):
        return bool(abs(value) <= LARGEST)
    return value is None or isinstance(value, bool | int | str | np.ndarray | pd.DataFrame | pd.Series)


def _is_like(value: Any, default: Any) -> bool:
    """Return whether a parameter has the type of its default; without one, any will do."""
    if default is None or default is Parameter.empty:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, tuple | list | np.ndarray)
    return isinstance(value, type(default))


def _check_covariates(where: str, value: Any) -> None:
    keys = {"name", "levels", "median"}
    if not isinstance(value, list) or not all(isinstance(c, dict) and set(c) == keys for c in value):
        raise InputError(f"{where} describes no covariates")
    for covariate in value:
        levels = covariate["levels"]
        if not isinstance(covariate["name"], str) or not isinstance(levels, list | np.ndarray):
            raise InputError(f"{where} describes no covariates")
        if not all(isinstance(level, str) for level in levels):
            raise InputError(f"{where} has levels that are no texts")
        if covariate["median"] is not None:
            check_number(where, covariate["median"], "real")


def _check_curve(where: str, value: Any) -> None:
    if not isinstance(value, dict) or set(value) != {"knots", "cubics", "largest"}:
        raise InputError(f"{where} is no curve")
    sizes: dict[str, int] = {}
    for key, declaration in (("knots", "real[q]"), ("cubics", "real[q,4]"), ("largest", "nonnegative[1]")):
        _check_value(f"{where}.{key}", value[key], declaration, sizes)
    if not sizes["q"] or not (np.diff(value["knots"]) > 0).all():
        raise InputError(f"{where} has knots that do not rise")


_STRUCTURES: dict[str, Callable[[str, Any], None]] = {"covariates": _check_covariates, "curve": _check_curve}


def _is_preprocessor(found: Any) -> bool:
    m = int(found.kept_.sum())
    parts = (found.normalizer_, found.batch_corrector_)
    in_filter = found.gene_filter_ is None or np.array_equal(found.gene_filter_.kept_, found.kept_)
    names = None if found.feature_names_in_ is None else list(found.feature_names_in_[found.kept_])
    same = all(part is None or _takes(part, m, names) for part in parts)
    kinds = all(
        type(learned) is type(given) or (learned is None and given is None)
        for learned, given in (
            (found.normalizer_, found.normalizer),
            (found.batch_corrector_, found.batch_corrector),
        )
    )
    return m > 0 and len(found.medians_) == m and in_filter and same and kinds


def _takes(part: Any, m: int, names: list[str] | None) -> bool:
    known = part.feature_names_in_
    return part.n_features_in_ == m and (known is None or names is None or list(known) == names)


def _is_centroids(found: Any) -> bool:
    selected = found.selected_
    within = len(selected) > 0 and len(found.classes_) > 1 and bool((selected < found.n_features_in_).all())
    return within and len(np.unique(selected)) == len(selected) and abs(found.min_correlation_) <= 1 + 1e-9


def _is_intrinsic(found: Any) -> bool:
    inner = found.model_
    if inner.feature_names_in_ is None or found.feature_names_in_ is None:
        return False
    known = set(found.feature_names_in_)
    used = [inner.feature_names_in_[i] for i in inner.selected_]
    return list(inner.classes_) == list(found.classes_) and used == list(found.genes_) and known >= set(used)


def _is_cox(found: Any) -> bool:
    rising = bool((np.diff(found.baseline_time_) > 0).all())
    return not found.with_offset_ and rising and bool((np.diff(found.baseline_survival_) <= 0).all())


def _is_receptor(found: Any) -> bool:
    band = list(found.uncertain)
    numbers = len(band) == 2 and all(isinstance(v, int | float) for v in band)
    return numbers and 0 <= band[0] <= band[1] <= 1


def _is_batches(found: Any) -> bool:
    names = [str(name) for name in found.batches_]
    reference = getattr(found, "reference", None)
    return names == sorted(names) and bool(names) and (reference is None or str(reference) in names)


def _is_quantile(found: Any) -> bool:
    first = found.first_
    inner = first is None or (
        type(first) is type(found.first) and first.n_features_in_ == found.n_features_in_
    )
    return inner and bool((np.diff(found.target_) >= 0).all())


def _is_vst(found: Any) -> bool:
    if found.curve_ is not None:
        return bool(np.isfinite(found.log_means_).any())
    a0, a1 = found.trend_
    return bool(np.isfinite(found.log_means_).any() and a0 > 0 and a1 >= 0)


_RELATIONS: dict[str, Callable[[Any], bool]] = {
    "ComBat": _is_batches,
    "ComBatSeq": _is_batches,
    "IntrinsicSubtypeClassifier": _is_intrinsic,
    "LassoCoxCV": _is_cox,
    "LassoLogisticCV": lambda found: not found.with_offset_,
    "MedianOfRatios": lambda found: bool(np.isfinite(found.log_means_).any()),
    "NearestCentroid": _is_centroids,
    "Preprocessor": _is_preprocessor,
    "Quantile": _is_quantile,
    "ReceptorClassifier": _is_receptor,
    "VST": _is_vst,
}
