"""Hazard of groups of samples relative to one of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.errors import InputError, PrecisionMedWarning, first_few
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._outcome import follow_up
from precisionmed.estimators._vectors import group_codes
from precisionmed.estimators.cox import CoxModel

FEWEST_EVENTS = 10
"""Events, all groups together, with which hazards are compared."""


def group_hazards(
    time: ArrayLike,
    event: ArrayLike,
    groups: ArrayLike,
    reference: Any,
    *,
    entry: ArrayLike | None = None,
) -> pd.DataFrame:
    """Compare the hazard of every group with that of `reference` in one Cox model.

    Parameters
    ----------
    time, event : array-like, shape (n_samples,)
        Follow-up time and whether the event happened (0 and 1, or bool).
    groups : array-like, shape (n_samples,)
        Group of each sample.
    reference : label
        Group whose hazard is 1, of the type of `groups`; nobody may be in it.
    entry : array-like, shape (n_samples,), optional
        When each sample came under observation (left truncation).

    Returns
    -------
    DataFrame
        One row a group, the reference first: `subtype`, `n`, `events`, `hazard_ratio`, `lower`, `upper`
        (95%) and `p` (Wald). The reference has a ratio of 1 and nothing else. NaN where there is no
        finite estimate: a group without events, fewer than ten events in all, or none in the reference.

    Raises
    ------
    InputError
        A time, an event or a group is missing, lengths or indices differ, or the reference has another type
        than the groups.
    """
    time, event, groups, entry = aligned(time=time, event=event, groups=groups, entry=entry)
    outcome = follow_up(time, event, entry)
    levels, member = group_codes(groups, "groups", outcome.time.size)
    if reference not in levels and str(reference) in levels.astype(str):
        raise InputError(f"reference {reference!r} has another type than the groups: {first_few(levels)}.")
    names = [reference, *(level for level in levels if level != reference)]
    rows_of = {name: levels[member] == name for name in names}
    n_events = {name: int(outcome.event[rows_of[name]].sum()) for name in names}
    table = pd.DataFrame(
        {"subtype": names, "n": [int(rows_of[name].sum()) for name in names], "events": n_events.values()}
    )
    table[["hazard_ratio", "lower", "upper", "p"]] = np.nan
    table.loc[0, "hazard_ratio"] = 1.0
    # Samples of a group without events weigh nothing in the maximum: the other ratios are the same without.
    compared = [name for name in names[1:] if n_events[name] > 0]
    if compared and outcome.event.sum() >= FEWEST_EVENTS and n_events[reference] > 0:
        rows = np.any([rows_of[name] for name in (reference, *compared)], axis=0)
        columns = [f"group {k}" for k in range(len(compared))]
        indicator = np.column_stack([rows_of[name][rows] for name in compared]).astype(float)
        known = {"event": outcome.event[rows], "time": outcome.time[rows]}
        if outcome.entry is not None:
            known["entry"] = outcome.entry[rows]
        with warnings.catch_warnings():  # what cannot be estimated is NaN in the table
            warnings.simplefilter("ignore", PrecisionMedWarning)
            fit = CoxModel().fit(pd.DataFrame(indicator, columns=columns), pd.DataFrame(known))
        shown = ["hazard_ratio", "lower", "upper", "p"]
        found = fit.summary_[shown].where(np.isfinite(fit.summary_["coefficient"]))
        table.loc[table["subtype"].isin(compared), shown] = found.to_numpy()
    return table
