"""A quick look at whether samples separate by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.errors import first_few
from precisionmed.estimators._batches import separate_parts
from precisionmed.io._guess._propose import Proposal
from precisionmed.io.tables import is_missing

SEPARATES = "Samples separate by"
_GENES, _COMPONENTS, _PERMUTATIONS = 1000, 10, 199
_SMALLEST = 3
"""Samples that a batch needs to be corrected, in training folds too."""
_SHARE, _OF_ONE = 0.05, 0.3
"""Separation: the share of variance beyond chance, of all components or of one of the first three."""


def choose_batch(
    values: pd.DataFrame, scale: str, clinical: pd.DataFrame, proposal: Proposal
) -> tuple[str, str]:
    """Return `batch.method` and why, for the column by which samples separate.

    The column that is named most like a batch stays the batch unless samples separate by another one
    alone; the proposal is changed then.

    Parameters
    ----------
    values, scale, clinical
        As in `propose_correction`.
    proposal
        With a batch.
    """
    roles = proposal.cohort["roles"]
    first = str(roles["batch"])
    method, why = propose_correction(values, scale, clinical, roles)
    others = [c for c, reason in proposal.reasons.items() if reason == f"the batch is '{first}'"]
    for column in others if SEPARATES not in why else []:
        other, told = propose_correction(values, scale, clinical, roles | {"batch": column})
        if SEPARATES not in told:
            continue
        roles["batch"] = column
        del proposal.roles[first], proposal.reasons[column]
        proposal.roles[column] = "batch"
        proposal.reasons[first] = f"samples separate by '{column}' and not by this column"
        sizes = clinical[column].str.strip().value_counts()
        proposal.remarks["roles.batch"] = f"{len(sizes)} values; the smallest has {sizes.min()} samples."
        return other, told
    return method, why


def propose_correction(
    values: pd.DataFrame, scale: str, clinical: pd.DataFrame, roles: dict[str, Any]
) -> tuple[str, str]:
    """Return `batch.method` and why.

    Parameters
    ----------
    values
        Genes x samples on any scale.
    scale
        What the numbers are.
    clinical
        Text table of these samples, in their order.
    roles
        The proposed roles.
    """
    batch = clinical[roles["batch"]].str.strip().reset_index(drop=True)
    batch = batch.mask(is_missing(batch), "")
    labels = recorded_labels(clinical.reset_index(drop=True), roles)
    known = (batch != "").to_numpy()
    sizes = batch[known].value_counts()
    used = known & batch.map(sizes).ge(2).to_numpy()
    if used.sum() < 6 or batch[used].nunique() < 2:
        return "none", "Too few samples to see whether batches differ."
    scores = _components(values.to_numpy(dtype=float)[:, used], scale)
    strata = labels.get("er", pd.Series("", index=batch.index))[used].fillna("").to_numpy(dtype=str)
    share, one, p = _separation(scores, batch[used].to_numpy(dtype=str), strata)
    said = (
        f"explains {share:.0%} of the variance of the first {scores.shape[1]} components beyond chance "
        f"(p = {p:.2g})"
    )
    if p > 0.01 or (share < _SHARE and one < _OF_ONE):
        return "none", f"The batch '{roles['batch']}' {said}: no correction is proposed."
    problem = _obstacle(batch, known, sizes, labels)
    if problem:
        return (
            "none",
            f"{SEPARATES} '{roles['batch']}': it {said}, but cannot be corrected as it is: {problem}.",
        )
    return "combat", (
        f"{SEPARATES} '{roles['batch']}': it {said}. List under covariates the "
        f"biology that differs between "
        "batches and must stay; set method to none if the batches are different kinds of patients."
    )


def recorded_labels(clinical: pd.DataFrame, roles: dict[str, Any]) -> dict[str, pd.Series]:
    """Return each proposed label, missing where it is neither of its classes."""
    found: dict[str, pd.Series] = {}
    pairs = {name: (config, "positive", "negative") for name, config in roles["receptors"].items()}
    pairs |= {
        f"{name}_event": (c, "event_values", "censored_values") for name, c in roles["endpoints"].items()
    }
    for role, first, second in (
        ("treatment", "treated", "control"),
        ("response", "responder", "non_responder"),
    ):
        if roles[role]:
            pairs[role] = (roles[role], first, second)
    for name, (config, first, second) in pairs.items():
        text = clinical[config.get("column", config.get("event"))].str.strip()
        classes = dict.fromkeys(config[first], first) | dict.fromkeys(config[second], second)
        found[name] = text.map(classes)
    if roles["intrinsic"]:
        text = clinical[roles["intrinsic"]["column"]].str.strip()
        found["intrinsic"] = text.where(~is_missing(text))
    return found


def _obstacle(
    batch: pd.Series, known: NDArray[np.bool_], sizes: pd.Series, labels: dict[str, pd.Series]
) -> str:
    """Return why ComBat could not run, or nothing."""
    if not known.all():
        return f"{int((~known).sum())} samples have no batch"
    small = sizes.index[sizes < _SMALLEST]
    if len(small):
        return f"{first_few(map(str, small), 3)} has fewer than {_SMALLEST} samples; merge or exclude it"
    for name, label in labels.items():
        counts = pd.crosstab(batch, label)
        if min(counts.shape) > 1 and separate_parts(counts) > 1:
            return f"no batch has several classes of '{name}', so a correction would remove its biology"
    return ""


def _components(x: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Return the scores (samples x components) of the most variable genes on a logarithmic scale."""
    if scale in ("counts", "rsem"):
        x = np.log2(np.clip(x, 0, None) / np.maximum(np.nansum(x, axis=0), 1.0) * 1e6 + 1)
    elif scale in ("tpm", "fpkm"):
        x = np.log2(np.clip(x, 0, None) + 1)
    x = np.where(np.isfinite(x), x, np.nan)
    x = x[np.isfinite(x).all(axis=1)] if np.isfinite(x).all(axis=1).sum() >= 10 else np.nan_to_num(x)
    x = x[np.argsort(-x.var(axis=1), kind="stable")[:_GENES]]
    x = x - x.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(x.T @ x)
    top = slice(-1, -1 - min(_COMPONENTS, x.shape[1] - 1), -1)
    return vectors[:, top] * np.sqrt(np.clip(values[top], 0, None))


def _separation(
    scores: NDArray[np.float64], batch: NDArray[np.str_], strata: NDArray[np.str_]
) -> tuple[float, float, float]:
    """Return the variance that batches explain beyond chance (of all and of one component), and its p-value.

    Receptor status is taken out first and labels are permuted within it, so that batches of different
    patients do not count as different for this alone.
    """
    groups = [np.flatnonzero(strata == s) for s in np.unique(strata)]
    scores = scores.copy()
    for rows in groups:
        scores[rows] -= scores[rows].mean(axis=0)
    codes = np.unique(batch, return_inverse=True)[1]
    k, n = codes.max() + 1, len(codes)
    total = (scores**2).sum(axis=0)

    def between(codes: NDArray[np.intp]) -> NDArray[np.float64]:
        sums = np.zeros((k, scores.shape[1]))
        np.add.at(sums, codes, scores)
        return (sums**2 / np.bincount(codes, minlength=k)[:, None]).sum(axis=0)

    observed = between(codes)
    rng = np.random.default_rng(1)
    beaten = 0
    for _ in range(_PERMUTATIONS):
        permuted = codes.copy()
        for rows in groups:
            permuted[rows] = rng.permutation(codes[rows])
        beaten += between(permuted).sum() >= observed.sum()

    def beyond(explained: float, of: float) -> float:
        return max(0.0, 1 - (1 - explained / of) * (n - 1) / (n - k)) if of > 0 and n > k else 0.0

    one = max(beyond(float(a), float(b)) for a, b in zip(observed[:3], total[:3], strict=True))
    return beyond(float(observed.sum()), float(total.sum())), one, (1 + beaten) / (_PERMUTATIONS + 1)
