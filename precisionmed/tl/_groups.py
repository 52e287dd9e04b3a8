"""Audit of what a step learned in the groups that the roles name (age, ancestry, centre)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config.minima import TO_AUDIT, TO_AUDIT_PER_CLASS
from precisionmed.errors import InputError, nearest
from precisionmed.estimators.group_audit import COLUMNS, CUT, as_groups, audit, n_comparisons
from precisionmed.io.patients import patients_at
from precisionmed.pp._inputs import roles_of, table

if TYPE_CHECKING:
    from anndata import AnnData

    from precisionmed.estimators.out_of_fold import CrossValidation


def group_table(
    adata: AnnData,
    rows: np.ndarray,
    y: Any,
    score: np.ndarray | CrossValidation | None = None,
    *,
    call: Any = None,
    probability: np.ndarray | None = None,
    seed: int = 1,
) -> dict[str, pd.DataFrame]:
    """Audit one model in the groups of every declared column.

    Parameters
    ----------
    adata
        The cohort.
    rows
        Positions of the samples with the outcome.
    y, score, call, probability
        Of these samples, in their order; see `estimators.group_audit.audit`.
    seed
        Seed of the run, for the intervals of C-indices.

    Returns
    -------
    dict
        Table `groups`: `column` and what `audit` returns; empty when the roles name no groups.

    Raises
    ------
    InputError
        A declared column is no clinical column.
    """
    columns = roles_of(adata).groups
    if not columns:
        return {}
    subject = patients_at(adata.obs, rows)
    parts = [pd.DataFrame(columns=["column", *COLUMNS])]
    for name in dict.fromkeys(columns):
        if name not in adata.obs:
            raise InputError(f"group '{name}' is no clinical column.{nearest(name, adata.obs.columns)}")
        groups = as_groups(adata.obs[name]).iloc[rows].reset_index(drop=True)
        outcome = y.set_axis(adata.obs_names[rows]) if isinstance(y, pd.DataFrame | pd.Series) else y
        found = audit(
            outcome,
            groups.set_axis(adata.obs_names[rows]),
            score,
            call=None if call is None else np.asarray(call, dtype=object),
            probability=probability,
            subject=subject,
            seed=seed,
        )
        found.insert(0, "column", name)
        parts.append(found)
    joined = pd.concat(parts[1:] if len(parts) > 1 else parts, ignore_index=True)
    return {"groups": table(joined)}


def settle(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Add `p_adjusted` to the audits of a step: Bonferroni over all its comparisons of a group with the rest.

    Returns
    -------
    list of DataFrame
        With `comparisons`, their number, the same in all tables.
    """
    total = sum(n_comparisons(part) for one in tables for _, part in one.groupby("column", sort=False))
    return [
        one.assign(p_adjusted=np.minimum(one["p"].to_numpy(float) * total, 1.0), comparisons=total)
        for one in tables
    ]


def settle_tasks(parts: list[dict[str, Any]]) -> None:
    """Do as `settle` for the tables `groups` of a step's parts, in place."""
    audited = [part for part in parts if "groups" in part]
    for part, settled in zip(audited, settle([part["groups"] for part in audited]), strict=True):
        part["groups"] = settled


def methods(parts: list[dict[str, Any]]) -> str:
    """Return the sentences about the audit, empty without one."""
    audited = [part["groups"] for part in parts if "groups" in part]
    if not audited:
        return ""
    columns = ", ".join(dict.fromkeys(str(name) for one in audited for name in one["column"]))
    total = int(audited[0]["comparisons"].iloc[0]) if len(audited[0]) else 0
    cut = " Numbers were cut at their median." if _was_cut(audited) else ""
    return (
        f" Performance was audited by {columns}: groups of at least {TO_AUDIT} patients with "
        f"{TO_AUDIT_PER_CLASS} of each class (or with the event) are shown and compared with all other "
        "samples whose group is recorded, by intervals recovered from both estimates (Zou and Donner, Stat "
        f"Med 2008;27:1693); p is corrected for {total} comparisons (Bonferroni).{cut}"
    )


def _was_cut(tables: list[pd.DataFrame]) -> bool:
    return any(one["group"].astype(str).map(CUT.match).notna().any() for one in tables)
