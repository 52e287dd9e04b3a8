"""Hazard of groups of samples relative to one of them."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.errors import PrecisionMedWarning
from precisionmed.estimators.cox import CoxModel

FEWEST_EVENTS = 10
"""Events, all groups together, with which hazards are compared."""


def group_hazards(time: ArrayLike, event: ArrayLike, groups: ArrayLike, reference: str) -> pd.DataFrame:
    """Compare the hazard of every group with that of `reference` in one Cox model.

    Parameters
    ----------
    time, event : array-like, shape (n_samples,)
        Follow-up time and whether the event happened.
    groups : array-like of str, shape (n_samples,)
        Group of each sample.
    reference : str
        Group whose hazard is 1.

    Returns
    -------
    DataFrame
        One row a group, the reference first: `subtype`, `n`, `events`, `hazard_ratio`, `lower`, `upper`
        (95%) and `p` (Wald). The reference has a ratio of 1 and nothing else. NaN where there is no
        finite estimate: a group without events, fewer than ten events in all, or none in the reference.
    """
    member = np.asarray(groups).astype(str)
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    names = [reference, *sorted(set(member) - {reference})]
    table = pd.DataFrame(
        {
            "subtype": names,
            "n": [int((member == name).sum()) for name in names],
            "events": [int(event[member == name].sum()) for name in names],
        }
    )
    table[["hazard_ratio", "lower", "upper", "p"]] = np.nan
    table.loc[0, "hazard_ratio"] = 1.0
    # Samples of a group without events weigh nothing in the maximum: the other ratios are the same without.
    compared = [name for name in names[1:] if table.set_index("subtype")["events"][name] > 0]
    if compared and event.sum() >= FEWEST_EVENTS and table["events"][0] > 0:
        rows = np.isin(member, [reference, *compared])
        indicator = (member[rows, None] == np.array(compared)).astype(float)
        with warnings.catch_warnings():  # what cannot be estimated is NaN in the table
            warnings.simplefilter("ignore", PrecisionMedWarning)
            fit = CoxModel().fit(
                pd.DataFrame(indicator, columns=compared),
                pd.DataFrame({"event": event[rows], "time": time[rows]}),
            )
        columns = ["hazard_ratio", "lower", "upper", "p"]
        found = fit.summary_[columns].where(np.isfinite(fit.summary_["coefficient"]))
        table.loc[table["subtype"].isin(compared), columns] = found.loc[compared].to_numpy()
    return table
