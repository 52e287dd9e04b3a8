"""How the subtypes found agree with classifications that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import random_table
from sklearn.metrics import adjusted_rand_score

from precisionmed.errors import InputError, nearest
from precisionmed.tl._associations import MAX_LEVELS

_CANONICAL = {
    "intrinsic": "intrinsic",
    "intrinsic_subtype": "intrinsic (called from expression)",
    "er": "er",
    "pr": "pr",
    "her2": "her2",
}
_BOOTSTRAPS = 1000
_PERMUTATIONS = 9999
_INTERVAL = (0.025, 0.975)


def check_known_classes(obs: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse columns that are no classification.

    Raises
    ------
    InputError
        A column does not exist, is a measurement, or has one value only.
    """
    for name in columns:
        if name not in obs:
            raise InputError(
                f"subtypes.known_classes: there is no clinical column '{name}'.{nearest(name, obs.columns)}"
            )
        levels = obs[name].nunique()
        if levels < 2:
            raise InputError(f"subtypes.known_classes: column '{name}' has one value; leave it out.")
        if pd.api.types.is_float_dtype(obs[name]) and levels > MAX_LEVELS:
            raise InputError(
                f"subtypes.known_classes: column '{name}' holds {levels} numbers, not classes; "
                "leave it out: it is among the associations anyway."
            )


def known_class_tables(
    obs: pd.DataFrame, subtype: pd.Series, columns: Sequence[str], rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Compare the subtypes with recorded and called classes.

    Recorded and called intrinsic subtypes, receptor status and the named columns, each with the samples that
    have it, by the adjusted Rand index (Hubert and Arabie, J Classif 1985;2:193-218): 0 is chance, 1 the
    same partition. Interval: percentiles over resampled samples, where a sample drawn twice makes no pair
    with itself; p: tables at random with the same margins.

    Parameters
    ----------
    obs : DataFrame
        Clinical columns, and the called intrinsic subtypes.
    subtype : Series
        Subtype of each sample.
    columns : sequence of str
        Further columns of `obs`.
    rng : Generator
        Draws samples and tables.

    Returns
    -------
    dict
        `known_classes` (`classification`, `n`, `ari`, `lower`, `upper`, `p`) and `known_counts`
        (`classification`, `subtype`, `known`, `samples`); empty when nothing is known.
    """
    titles = _CANONICAL | {name: name for name in columns}
    rows, counts = [], []
    for name, title in titles.items():
        if name not in obs:
            continue
        known = obs[name].notna() & subtype.notna()
        classes = obs.loc[known, name].astype(str)
        if classes.nunique() < 2 or subtype[known].nunique() < 2:
            continue
        own = subtype[known].astype(str)
        table = pd.crosstab(own.rename("subtype"), classes.rename("known"))
        rows.append((title, len(classes), *_agreement(own, classes, table, rng)))
        long = table.reset_index().melt("subtype", var_name="known", value_name="samples")
        counts.append(long.assign(classification=title))
    if not rows:
        return {}
    names = ["classification", "n", "ari", "lower", "upper", "p"]
    counted = ["classification", "subtype", "known", "samples"]
    return {
        "known_classes": pd.DataFrame(rows, columns=names).rename(index=str),
        "known_counts": pd.concat(counts, ignore_index=True)[counted].rename(index=str),
    }


def _agreement(
    subtype: pd.Series, classes: pd.Series, table: pd.DataFrame, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    ari = float(adjusted_rand_score(subtype, classes))
    weights = rng.multinomial(len(classes), np.full(len(classes), 1 / len(classes)), size=_BOOTSTRAPS)
    cells = pd.factorize(subtype, sort=True)[0] * table.shape[1] + pd.factorize(classes, sort=True)[0]
    drawn = np.zeros((table.size, len(classes)))
    drawn[cells, np.arange(len(classes))] = 1
    resampled = (weights @ drawn.T).reshape(-1, *table.shape)
    own_pairs = (weights * (weights - 1) / 2).sum(axis=1)
    lower, upper = np.quantile(_rand_index(resampled, own_pairs), _INTERVAL)
    margins = table.sum(axis=1).to_numpy(), table.sum(axis=0).to_numpy()
    chance = _rand_index(random_table(*margins).rvs(_PERMUTATIONS, random_state=rng), 0)
    # Equal tables may differ in the last bit of their index.
    p = (1 + (chance >= ari - 1e-9).sum()) / (_PERMUTATIONS + 1)
    return ari, float(lower), float(upper), float(p)


def _rand_index(tables: np.ndarray, own_pairs: np.ndarray | int) -> np.ndarray:
    """Return the adjusted Rand index of each table, without `own_pairs` pairs that are one sample twice."""

    def pairs(counts: np.ndarray) -> np.ndarray:
        return counts * (counts - 1) / 2

    both = pairs(tables).sum(axis=(1, 2)) - own_pairs
    first = pairs(tables.sum(axis=2)).sum(axis=1) - own_pairs
    second = pairs(tables.sum(axis=1)).sum(axis=1) - own_pairs
    expected = first * second / (pairs(tables.sum(axis=(1, 2))) - own_pairs)
    most = (first + second) / 2
    # A resample may lack all but one class of both partitions: they agree.
    return np.where(most > expected, (both - expected) / np.maximum(most - expected, 1e-300), 1.0)
