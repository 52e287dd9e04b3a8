"""Whether subtypes follow a batch, a plate, a site or the quality of the libraries."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from precisionmed.errors import warn
from precisionmed.io._guess import names_a_batch
from precisionmed.pp._inputs import roles_of
from precisionmed.tl._associations import table_test

if TYPE_CHECKING:
    from anndata import AnnData

STRONG_V, STRONG_PAIR, STRONG_ETA2 = 0.5, 0.8, 0.5
"""From these on subtypes follow a column: Cramer's V of all of them, that of any two of them, and the share
of the variance of the ranks of a quality measure."""
_LEVEL = 0.01
_QUALITY = ("library_size", "detected_genes")
_FEWEST = 2  # samples of a batch

_Row = tuple[str, str, str, int, float, float, bool]


class _Strength(NamedTuple):
    groups: str
    n: int
    value: float
    p: float
    strong: bool


def verdict(
    adata: AnnData,
    subtype: pd.Series,
    result: dict[str, Any],
    rng: np.random.Generator,
    notes: list[str],
) -> dict[str, Any]:
    """Look whether the groups follow something technical, or are overruled by the other ways to cluster.

    Returns
    -------
    dict
        Table `technical` (see `technical_table`) and, when the groups must not be announced as subtypes,
        `stopped`: a sentence with the reason, `followed` (the column) and `remedy`.
    """
    table = technical_table(adata, subtype, rng)
    found: dict[str, Any] = {"technical": table} if len(table) else {}
    strong = table[table["follows"]]
    if len(strong):
        row = strong.sort_values("value", kind="stable").iloc[-1]
        name, groups = str(row["variable"]), str(row["groups"])
        who = "These groups follow" if groups == "all" else f"Groups {groups} are told apart by"
        how = f"{row['measure']} {row['value']:.2f}, p = {row['p']:.1g}"
        found |= {
            "stopped": f"{who} '{name}' ({how}); not announced as molecular subtypes.",
            "followed": name,
            "remedy": _remedy(adata, name, str(row["measure"])),
        }
    elif result.get("other_division"):
        found |= {
            "stopped": f"{result['other_division']}; not announced as molecular subtypes.",
            "remedy": "Compare subtypes.clusterer, linkage and n_genes before using these groups.",
        }
    if "stopped" in found:
        warn(f"{found['stopped']} {found['remedy']}", notes)
    else:
        _mention(result["associations"], notes)
    return found


def technical_table(adata: AnnData, subtype: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Measure how far groups follow the batch, columns that look like one, and the quality of the libraries.

    Columns of batches, plates, sites: Cramer's V, corrected for its bias (Bergsma, J Korean Stat Soc
    2013;42:323-328), of all groups and of the two groups that differ most; p as for clinical variables, for
    pairs times their number. Library size and detected genes: eta squared of the ranks, Kruskal-Wallis p.

    Returns
    -------
    DataFrame
        `variable`, `measure`, `groups` ("all", or two names), `n`, `value`, `p`, `follows` (strong, and
        p < 0.01).
    """
    rows: list[_Row] = []
    if len(subtype.cat.categories) > 1:
        for name in _batch_columns(adata):
            for found in _classes(adata.obs[name], subtype, rng):
                rows.append((name, "Cramér's V", *found))
        for name in _QUALITY:
            if name in adata.obs:
                rows += [(name, "eta²", *found) for found in _ranks(adata.obs[name], subtype)]
    columns = ["variable", "measure", "groups", "n", "value", "p", "follows"]
    return pd.DataFrame(rows, columns=columns).astype({"follows": bool}).rename(index=str)


def _batch_columns(adata: AnnData) -> list[str]:
    """Return the batch and the recorded columns that are called as batches are, and have no other role."""
    roles, obs = roles_of(adata), adata.obs
    other = {role.column for role in dict(roles.receptors).values() if role is not None}
    other |= {role.column for role in (roles.intrinsic, roles.treatment, roles.response) if role is not None}
    found = ["batch"] if "batch" in obs else []
    for name in map(str, obs.columns):
        repeats = "batch" in obs and name == roles.batch
        levels = obs[name].nunique()
        few = 2 <= levels <= max(2, len(obs) // 4)
        if name not in found and not repeats and name not in other and few and names_a_batch(name):
            found.append(name)
    return found


def _classes(column: pd.Series, subtype: pd.Series, rng: np.random.Generator) -> list[_Strength]:
    known = column.notna() & subtype.notna()
    values = column[known].astype(str)
    counts = pd.crosstab(values, subtype[known].astype(str))
    counts = counts[counts.sum(axis=1) >= _FEWEST]
    counts = counts.loc[:, counts.sum() > 0]
    if min(counts.shape) < 2:
        return []
    p = table_test(counts.to_numpy(), rng).p
    v, n = cramers_v(counts.to_numpy()), int(counts.to_numpy().sum())
    found = [_Strength("all", n, v, p, v >= STRONG_V and p < _LEVEL)]
    pairs = list(itertools.combinations(counts.columns, 2))
    apart = {pair: cramers_v(counts[list(pair)].to_numpy()) for pair in pairs}
    pair = max(apart, key=lambda two: apart[two])
    if len(pairs) > 1 and apart[pair] >= STRONG_PAIR:
        two = counts[list(pair)]
        both = two[two.sum(axis=1) > 0].to_numpy()
        p = min(1.0, len(pairs) * table_test(both, rng).p)
        found.append(_Strength(" and ".join(pair), int(both.sum()), apart[pair], p, p < _LEVEL))
    return found


def _ranks(column: pd.Series, subtype: pd.Series) -> list[_Strength]:
    known = column.notna() & subtype.notna()
    values, group = column[known].to_numpy(dtype=float), subtype[known].astype(str)
    k, n = group.nunique(), len(values)
    if k < 2 or np.ptp(values) == 0 or n <= k:
        return []
    h, p = stats.kruskal(*(values[group == name] for name in group.unique()))
    eta2 = float(max(0.0, (h - k + 1) / (n - k)))
    return [_Strength("all", n, eta2, float(p), eta2 >= STRONG_ETA2 and p < _LEVEL)]


def cramers_v(counts: np.ndarray) -> float:
    """Return Cramer's V of a table of counts, corrected for its bias (Bergsma 2013, equation 7).

    Empty rows and columns do not count; 0 when fewer than two of either are left.
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n, (r, c) = counts.sum(), counts.shape
    if min(r, c) < 2 or n < 2:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi2 = ((counts - expected) ** 2 / expected).sum() / n
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    most = min(rows, columns) - 1
    return float(min(1.0, np.sqrt(phi2 / most))) if most > 0 else 0.0


def _remedy(adata: AnnData, name: str, measure: str) -> str:
    if measure != "Cramér's V":
        return "Look at quality control and normalize.method, and exclude poor samples before using them."
    method = str(adata.uns["precisionmed"].get("batch", {}).get("params", {}).get("method", "none"))
    role = roles_of(adata).batch or "batch"
    own = name in ("batch", role)
    if own and method != "none":
        return (
            f"They follow it after batch.method: {method}; the batches may hold different kinds of patients."
        )
    declared = "" if own else f" with cohort.roles.batch: {name}"
    return (
        f"Correct it (batch.method: combat{declared}) and look again, unless the batches hold different "
        "kinds of patients: then what is due to either cannot be told."
    )


def _mention(associations: pd.DataFrame, notes: list[str]) -> None:
    found = associations[(associations["variable"] == "batch") & (associations["fdr"] < 0.05)]
    if len(found):
        warn(
            f"Subtypes differ between batches (FDR {found['fdr'].iloc[0]:.1g}): they may be technical "
            "rather than biological; correct with batch.method 'combat', or compare after it.",
            notes,
        )
