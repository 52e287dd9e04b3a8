"""The one gene model of an endpoint: the signature is shown, measured, makes risk groups and is locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from precisionmed.config import step_generator
from precisionmed.config.steps import BiomarkersConfig
from precisionmed.estimators.lasso import LassoCoxCV
from precisionmed.io.codec import decode

if TYPE_CHECKING:
    from anndata import AnnData

_SETTINGS = ("n_folds", "n_repeats", "rule", "alpha", "seed")


@dataclass(frozen=True)
class Streams:
    """Seeds of a signature, by the name of its task alone."""

    model: int
    """Of the inner folds."""
    parts: list[int]
    """Random genes, bootstrap samples, halves, decoys."""
    folds: np.random.Generator
    """Deals the outer folds."""


def streams_of(seed: int, name: str) -> Streams:
    """Return the seeds of the signature of a label or an endpoint."""
    rng = step_generator(seed, f"biomarkers_{name}")
    model, *parts = (int(s) for s in rng.integers(2**31, size=5))
    return Streams(model, parts, rng)


def endpoint_model(settings: dict[str, Any], streams: Streams) -> LassoCoxCV:
    """Return the gene model of an endpoint, not fitted."""
    chosen = {key: settings[key] for key in ("n_folds", "rule", "alpha")}
    return LassoCoxCV(**chosen, ties="efron", random_state=streams.model)


def settings_of(adata: AnnData, name: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return folds, rule, mixing and seed of the signature of an endpoint.

    Those of `biomarkers` where it was run for the endpoint; else the step's own folds and seed, with the rule
    that `biomarkers` used or would use.
    """
    stored = adata.uns["precisionmed"].get("biomarkers", {}).get("params", {})
    usual = {"rule": BiomarkersConfig().rule, "alpha": BiomarkersConfig().alpha}
    own = {**usual, **{key: params[key] for key in ("n_folds", "n_repeats", "seed")}}
    wanted = _SETTINGS if signature_of(adata, name) else ("rule", "alpha")
    return {**own, **{key: _plain(stored[key]) for key in wanted if key in stored}}


def signature_of(adata: AnnData, name: str) -> LassoCoxCV | None:
    """Return the signature that `biomarkers` learned for an endpoint, None where it did not."""
    found = adata.uns["precisionmed"].get("biomarkers", {})
    if name not in [str(task) for task in found.get("tasks", [])] or str(found[name]["kind"]) != "survival":
        return None
    model = decode(found[name]["model"])
    return model if model.coef_.size == adata.n_vars else None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
