"""Kaplan-Meier tables of one endpoint, overall and by group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.estimators.kaplan_meier import kaplan_meier, logrank, numbers_at_risk
from precisionmed.tl._survival_cohort import Endpoint, labelled, tables

PERMUTATION = "log-rank, outcomes permuted"
_STEPS = {
    "days": (1, 7, 30, 90, 180, 365, 730, 1095, 1825, 3650),
    "months": (1, 2, 3, 6, 12, 24, 36, 60, 120),
    "years": (0.1, 0.25, 0.5, 1, 2, 3, 5, 10),
}


def curve_tables(
    endpoint: Endpoint,
    groupings: dict[str, pd.Series],
    out_of_fold: dict[str, pd.Series] | None = None,
    tested: dict[str, dict[str, float]] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return `kaplan_meier`, `at_risk` and (with groups) `logrank` tables.

    Parameters
    ----------
    endpoint
        Outcome of the samples.
    groupings
        Name of the grouping -> categorical column over the same samples; missing ones are left out.
    out_of_fold
        Groupings that were made with the outcomes, for which the log-rank test does not hold.
    tested
        Tests of those that have one of their own: `chi2`, `df` and `p`.
    """
    out_of_fold, tested = out_of_fold or {}, tested or {}
    everybody = pd.Series(pd.Categorical(["all"] * len(endpoint.y)), index=endpoint.y.index)
    times = times_at_risk(float(endpoint.y["time"].max()), endpoint.unit)
    curves, counts, tests = [], [], []
    for grouping, groups in {"overall": everybody, **groupings, **out_of_fold}.items():
        known = groups.notna().to_numpy()
        y, member = endpoint.y[known], groups[known].astype(str)
        levels = [str(level) for level in groups.cat.categories if (member == str(level)).any()]
        for level in levels:
            part = y[(member == level).to_numpy()]
            curve = kaplan_meier(part["time"], part["event"], entry=part.get("entry"))
            curves.append(labelled(curve, grouping=grouping, group=level))
        at_risk = numbers_at_risk(y["time"], member, times, entry=y.get("entry")).loc[levels]
        at_risk.columns = [f"{time:g}" for time in times]
        counts.append(labelled(at_risk, grouping=grouping, group=levels))
        if grouping in tested:
            tests.append({"grouping": grouping, "n": len(y), "test": PERMUTATION, **tested[grouping]})
        elif grouping not in out_of_fold and len(levels) > 1:
            test = logrank(y["time"], y["event"], member, entry=y.get("entry"))
            tests.append({"grouping": grouping, "n": len(y), "test": "log-rank", **test._asdict()})
    found = {"kaplan_meier": tables(curves), "at_risk": tables(counts)}
    if tests:
        table = pd.DataFrame(tests)
        found["logrank"] = tables([table.assign(p_adjusted=holm(table["p"]))])
    return found


def holm(p: ArrayLike) -> np.ndarray:
    """Return Holm's adjusted p values (Scand J Stat 6:65, 1979); what is not known does not count."""
    from statsmodels.stats.multitest import multipletests

    values = np.asarray(p, float)
    adjusted, known = np.full(values.shape, np.nan), np.isfinite(values)
    if known.any():
        adjusted[known] = multipletests(values[known], method="holm")[1]
    return adjusted


def times_at_risk(last: float, unit: str, n_times: int = 7) -> np.ndarray:
    """Return at most `n_times` round times from 0 up to the last one."""
    steps = [step for step in _STEPS[unit] if last / step < n_times]
    step = steps[0] if steps else last / (n_times - 1)
    return np.arange(0, last + step * 1e-9, step)
