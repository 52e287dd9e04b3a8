"""Which clinical variables differ between groups of samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from precisionmed.config import RolesConfig
from precisionmed.errors import split_words
from precisionmed.estimators.kaplan_meier import logrank
from precisionmed.io._endpoints import recorded_outcome

_REMARKS = {
    "comment",
    "comments",
    "remark",
    "remarks",
    "note",
    "notes",
    "narrative",
    "bemerkung",
    "bemerkungen",
}
"""Words in the names of columns of free text, which is no variable however few texts it holds."""
MAX_LEVELS = 15
"""Categories with more values are names or codes rather than variables."""
_TABLES = 9999
_OVERLAP = 0.9
"""Fraction of the samples known in either variable that are known in both, for them to be the same."""


class _Test(NamedTuple):
    test: str
    n: int
    statistic: float
    p: float


def association_table(
    obs: pd.DataFrame, groups: pd.Series, variables: list[str], rng: np.random.Generator
) -> pd.DataFrame:
    """Test every clinical variable against the groups.

    Numbers by the Kruskal-Wallis test, endpoints (`<name>_time` with `<name>_event`) by the log-rank test,
    2 x 2 tables by Fisher's exact test, other tables by the chi-square test: with its distribution over
    random tables of the same margins where more than a fifth of the expected counts are below 5
    (Cochran, Biometrics 1954;10:417-451).

    Parameters
    ----------
    obs : DataFrame
        Clinical columns.
    groups : Series
        Group of each sample; missing ones are left out.
    variables : list of str
        Columns of `obs` to test.
    rng : Generator
        Draws the random tables.

    Returns
    -------
    DataFrame
        `variable`, `test`, `n`, `statistic`, `p`, `fdr` (Benjamini and Hochberg), by p. Variables that
        cannot be tested (constant, too many values, too few samples) are absent, and so is what another
        variable already says (`repeated`).
    """
    rows = {}
    endpoints = [name.removesuffix("_time") for name in variables if name.endswith("_time")]
    endpoints = [stem for stem in endpoints if f"{stem}_event" in variables]
    parts = {f"{stem}_{part}" for stem in endpoints for part in ("time", "event", "entry")}
    copies = repeated(obs, [name for name in variables if name not in parts])
    variables = [name for name in variables if name not in copies]
    for name in variables:
        stem = name.removesuffix("_time")
        if name.endswith("_time") and stem in endpoints:
            rows[stem] = _endpoint(recorded_outcome(obs, stem), groups)
        elif name not in parts:
            rows[name] = _variable(obs[name], groups, rng)
    kept = {name: row for name, row in rows.items() if row is not None and np.isfinite(row.p)}
    table = pd.DataFrame(list(kept.values()), columns=list(_Test._fields))
    table.insert(0, "variable", list(kept))
    table["fdr"] = stats.false_discovery_control(table["p"]) if len(table) else table["p"]
    return table.sort_values("p", kind="stable", ignore_index=True).rename(index=str)


def clinical_variables(columns: pd.Index, roles: RolesConfig) -> list[str]:
    """Return the columns without remarks and those that merely repeat a canonical one under another name."""
    sources: dict[str, str] = {}
    for name, endpoint in roles.endpoints.items():
        for part, columns_of in endpoint.sources.items():
            sources |= dict.fromkeys(columns_of, f"{name}_{part}")
    for name, receptor in dict(roles.receptors).items():
        if receptor is not None:
            sources[receptor.column] = name
    for name in ("intrinsic", "treatment", "response"):
        if (role := getattr(roles, name)) is not None:
            sources[role.column] = name
    for name in ("batch", "sex"):
        if (column := getattr(roles, name)) is not None:
            sources[column] = name
    # The patient is a name, not a variable.
    skip = {"patient", roles.patient}
    skip |= {old for old, new in sources.items() if new != old and new in columns}
    # Substages repeat their stage.
    skip |= {name for name in columns if str(name).endswith("_detail")}
    skip |= {name for name in columns if _REMARKS & set(split_words(str(name)))}
    return [str(name) for name in columns if name not in skip]


def repeated(obs: pd.DataFrame, variables: list[str]) -> set[str]:
    """Return the variables that say the same as an earlier one, so that a family of tests counts them once.

    Two variables are the same when the values of one follow from those of the other and back (for numbers: in
    the same order) wherever both are known, which is nearly wherever either is.
    """
    codes = {name: _codes(obs[name]) for name in variables}
    copies: set[str] = set()
    for j, name in enumerate(variables):
        earlier = (other for other in variables[:j] if other not in copies)
        if any(_same(codes[name], codes[other]) for other in earlier):
            copies.add(name)
    return copies


class _Codes(NamedTuple):
    codes: np.ndarray
    """Rank of a number, or number of a category; -1 where missing."""
    number: bool


def _codes(column: pd.Series) -> _Codes:
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    codes, _ = pd.factorize(column if number else column.astype("string"), sort=number)
    return _Codes(codes, number)


def _same(first: _Codes, second: _Codes) -> bool:
    known = (first.codes >= 0) & (second.codes >= 0)
    most = max((first.codes >= 0).sum(), (second.codes >= 0).sum())
    if known.sum() < max(1, _OVERLAP * most):
        return False
    a, b = (pd.factorize(column.codes[known], sort=column.number)[0] for column in (first, second))
    if first.number and second.number:
        return bool((a == b).all())
    n_a, n_b, pairs = a.max() + 1, b.max() + 1, len(np.unique(a * len(b) + b))
    # Names without repeats go with anything: they would make every other variable their copy.
    return bool(n_a == n_b == pairs and n_a <= MAX_LEVELS)


def _endpoint(outcome: pd.DataFrame, groups: pd.Series) -> _Test | None:
    known = outcome.notna().all(axis=1) & groups.notna()
    if groups[known].nunique() < 2:
        return None
    y = outcome[known]
    found = logrank(y["time"], y["event"], groups[known].astype(str), entry=y.get("entry"))
    return _Test("log-rank", int(known.sum()), float(found.chi2), float(found.p))


def _variable(column: pd.Series, groups: pd.Series, rng: np.random.Generator) -> _Test | None:
    known = column.notna() & groups.notna()
    values, group = column[known], groups[known].astype(str)
    if values.nunique() < 2 or group.nunique() < 2:
        return None
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        parts = [part.to_numpy(dtype=float) for _, part in values.groupby(group)]
        statistic, p = stats.kruskal(*parts)
        return _Test("Kruskal-Wallis", len(values), float(statistic), float(p))
    if values.nunique() > MAX_LEVELS:
        return None
    counts = pd.crosstab(values.astype(str), group).to_numpy()
    return table_test(counts, rng)


def table_test(counts: np.ndarray, rng: np.random.Generator) -> _Test:
    n = int(counts.sum())
    if counts.shape == (2, 2):
        statistic, p = stats.fisher_exact(counts)
        return _Test("Fisher", n, float(statistic), float(p))
    expected = stats.contingency.expected_freq(counts)
    observed = float(((counts - expected) ** 2 / expected).sum())
    if (expected < 5).mean() <= 0.2:
        df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
        return _Test("chi-square", n, observed, float(stats.chi2.sf(observed, df)))
    random = stats.random_table(counts.sum(axis=1), counts.sum(axis=0)).rvs(_TABLES, random_state=rng)
    drawn = ((random - expected) ** 2 / expected).sum(axis=(1, 2))
    # Equal tables may differ in the last bit of their statistic.
    p = (1 + (drawn >= observed * (1 - 1e-9)).sum()) / (_TABLES + 1)
    return _Test("chi-square (random tables)", n, observed, float(p))
