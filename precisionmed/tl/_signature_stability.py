"""Which genes of a cohort can be relied on: halves that agree, decoys that lose, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import clone

from precisionmed.estimators._stability_bounds import complete
from precisionmed.estimators.decoys import DecoySelection
from precisionmed.estimators.half_refits import half_refits, interval
from precisionmed.estimators.lasso import LassoCox, LassoLogistic
from precisionmed.estimators.stability import StabilitySelection
from precisionmed.pp._inputs import table
from precisionmed.tl._signature_tasks import Task

_LISTED = 50
_DRAWN = 20


@dataclass(frozen=True)
class Halves:
    """How genes are chosen in halves of the cohort; fields as the keys of the config."""

    KEYS: ClassVar = ("n_pairs", "pfer", "threshold", "decoys", "fdr")
    n_pairs: int
    pfer: float
    threshold: float
    decoys: str
    fdr: float
    seed: int
    """Deals the halves: those of the intervals are those of the stability selection."""
    decoy_seed: int


def one_penalty(task: Task, final: Any) -> Any:
    """Return the signature's LASSO at its own penalty, not fitted."""
    if task.kind == "survival":
        return LassoCox(lambda_=final.lambda_, alpha=final.alpha, ties=final.ties)
    return LassoLogistic(lambda_=final.lambda_, alpha=final.alpha)


def ratio_interval(
    task: Task, values: pd.DataFrame, final: Any, plan: Halves, groups: np.ndarray | None
) -> pd.DataFrame:
    """Return `lower` and `upper` of the ratio per standard deviation of the genes of a signature, by gene.

    The genes are those of the signature, and so is the penalty; only the coefficients vary. Without the genes
    that are 0 the LASSO has the same coefficients, so that the halves estimate what the signature does.
    """
    used = np.flatnonzero(final.coef_)
    refits = half_refits(
        one_penalty(task, final),
        values.to_numpy()[:, used],
        task.y,
        n_pairs=plan.n_pairs,
        groups=groups,
        random_state=plan.seed,
    )
    ends = np.exp(interval(refits) * final.scale_[used])
    return pd.DataFrame({"lower": ends[0], "upper": ends[1]}, index=values.columns[used])


def stable_genes(
    task: Task, values: pd.DataFrame, final: Any, plan: Halves, groups: np.ndarray | None
) -> tuple[pd.Series, dict[str, Any]]:
    """Return how often halves of the cohort choose each gene, and the tables about it."""
    model = one_penalty(task, final).set_params(penalty_factor=final.penalty_factor)
    q = _genes_a_half(task, values.shape[1] - len(task.excluded), plan)
    selection = StabilitySelection(
        model, n_pairs=plan.n_pairs, q=q, threshold=plan.threshold, pfer=None, random_state=plan.seed
    ).fit(values, task.y, groups=groups)
    decoys = DecoySelection(
        clone(model), decoys=plan.decoys, fdr=plan.fdr, n_pairs=plan.n_pairs, random_state=plan.decoy_seed
    ).fit(values, task.y, groups=groups)
    frequency = pd.Series(selection.frequency_, index=values.columns)
    return frequency, _stability_slots(selection, values.columns) | _decoy_slots(decoys, values.columns, plan)


def _genes_a_half(task: Task, n_genes: int, plan: Halves) -> int:
    """Return how many genes each half chooses: as many as `pfer` allows, but no more than make sense.

    A half with 20 events can tell few genes apart; what enters later fits its noise, and takes most of the
    time. Fewer genes only lower the number of false ones.
    """
    allowed, _, _ = complete("unimodal", n_genes, plan.n_pairs, None, plan.threshold, plan.pfer)
    events = int(task.event.sum())
    rarest = events if task.kind == "survival" else min(events, task.event.size - events)
    return max(1, min(allowed, rarest // 2))


def _stability_slots(selection: StabilitySelection, genes: pd.Index) -> dict[str, Any]:
    order = np.argsort(-selection.frequency_, kind="stable")[:_LISTED]
    order = order[selection.frequency_[order] > 0]
    columns = {
        "gene": genes[order].astype(str),
        "frequency": selection.frequency_[order],
        "selected": selection.selected_[order],
    }
    return {
        "stability": table(pd.DataFrame(columns)),
        "stability_path": _stability_path(selection, genes, order[:_DRAWN]),
        "stability_q": int(selection.q_),
        "stability_threshold": float(selection.threshold_),
        "stability_pfer": float(selection.pfer_),
    }


def _stability_path(selection: StabilitySelection, genes: pd.Index, drawn: np.ndarray) -> pd.DataFrame:
    column = np.searchsorted(selection.path_genes_, drawn)
    frequency = selection.path_frequency_[:, column]
    steps = len(frequency)
    columns = {
        "gene": np.repeat(genes[drawn].astype(str), steps),
        "n_genes": np.tile(np.arange(1, steps + 1), drawn.size),
        "frequency": frequency.T.ravel(),
    }
    return table(pd.DataFrame(columns))


def _decoy_slots(decoys: DecoySelection, genes: pd.Index, plan: Halves) -> dict[str, Any]:
    chosen = np.flatnonzero(decoys.selected_)
    chosen = chosen[np.argsort(-decoys.frequency_[chosen], kind="stable")]
    found: dict[str, Any] = {
        "decoys": table(decoys.fdp_curve_),
        "decoy_genes": genes[chosen].astype(str).to_numpy(dtype=object),
        "decoy_fdr": plan.fdr,
    }
    return found | ({"decoy_threshold": float(decoys.threshold_)} if chosen.size else {})
