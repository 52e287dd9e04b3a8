"""The clinical table: selected, its roles checked, its canonical columns made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from precisionmed.config import RolesConfig
from precisionmed.errors import Findings, InputError, first_few, nearest, warn
from precisionmed.io._endpoints import endpoint_columns
from precisionmed.io._ordered import DETAIL
from precisionmed.io._typed import typed
from precisionmed.io._values import clinical_column, equals_any, to_categories, to_labels, value_key
from precisionmed.io.tables import is_missing

CANONICAL = ("er", "pr", "her2", "intrinsic", "treatment", "response", "batch", "patient", "sex")
"""Columns of `obs` that mean the same in every cohort."""

_INTRINSIC = {
    "LumA": "luma luminala",
    "LumB": "lumb luminalb",
    "Her2": "her2 her2e her2enriched her2like erbb2",
    "Basal": "basal basallike",
    "Normal": "normal normallike",
}
_UNSTORABLE = {"": "unnamed", ".": "unnamed", "_index": "index_"}
"""Names of columns that h5ad cannot hold, and what they become."""
_SEXES = {"female": ["female", "f", "woman", "w"], "male": ["male", "m", "man"]}


def check_rules(
    clinical: pd.DataFrame,
    keep: Mapping[str, list[str]],
    drop: Mapping[str, list[str]],
    file: str,
    notes: list[str],
) -> None:
    """Check the columns and values of `cohort.keep` and `cohort.drop`; warn of a drop rule without effect.

    Raises
    ------
    InputError
        There is no such column, or no sample has a value that is to be kept.
    """
    for key, rules in (("cohort.keep", keep), ("cohort.drop", drop)):
        for name, values in rules.items():
            column = clinical_column(clinical, name, f"{key}.{name}", file)
            if equals_any(column, values).any():
                continue
            hint = nearest(values[0], column[~is_missing(column)].unique()) if values else ""
            message = f"{file}: column '{name}' has none of the values {values} of {key}.{hint}"
            if key == "cohort.keep":
                raise InputError(message)
            warn(message, notes)


def make_obs(
    clinical: pd.DataFrame, roles: RolesConfig, file: str, notes: list[str]
) -> tuple[pd.DataFrame, RolesConfig]:
    """Make the canonical columns and type the others.

    Parameters
    ----------
    clinical
        Text table indexed by sample; only the samples that stay.
    roles
        What its columns mean.
    file
        Its name, for messages.
    notes
        Where warnings are kept for the report.

    Returns
    -------
    DataFrame, RolesConfig
        `obs` as in the data model, and the roles with covariates and groups under the names they have there.

    Raises
    ------
    InputError
        A declared column is missing, or a value in it is not what its role allows: all that are, together.
    """
    found = Findings()
    canonical: dict[str, pd.Series] = {}
    for endpoint in roles.endpoints:
        with found.collecting():
            one = {endpoint: roles.endpoints[endpoint]}
            canonical |= endpoint_columns(clinical, one, file, notes)
    canonical |= _labels(clinical, roles, file, notes, found)
    used: dict[str, str] = {}
    for listed, key in (
        (roles.groups, "groups"),
        (roles.covariates, "covariates"),
        (roles.ordered, "ordered"),
    ):
        for name in listed:
            with found.collecting():
                clinical_column(clinical, name, f"cohort.roles.{key}", file)
                used |= {name: f"cohort.roles.{key}"} if key != "ordered" else {}
    names = _names(clinical, roles, set(canonical))
    renamed = [old for old, new in names.items() if new.startswith(f"{old}_recorded")]
    if renamed:
        notes.append(
            f"Clinical columns kept as '<name>_recorded', their names being reserved: {first_few(renamed)}."
        )
    others: dict[str, pd.Series] = {}
    for old, new in names.items():
        if new in canonical:
            continue
        with found.collecting():
            others[new] = typed(clinical[old], used.get(old, ""), file, notes, roles.ordered.get(old))
        detail = f"{new}{DETAIL}"
        if new in others and _is_coarser(clinical[old], others[new]) and detail not in names.values():
            others[detail] = to_categories(clinical[old], [])
    found.raise_any()
    obs = pd.DataFrame({**canonical, **others}, index=clinical.index)
    update = {
        "covariates": [names[name] for name in roles.covariates],
        "groups": [names[name] for name in roles.groups],
        "ordered": {names[name]: levels for name, levels in roles.ordered.items()},
    }
    return obs, roles.model_copy(update=update)


def _is_coarser(recorded: pd.Series, values: pd.Series) -> bool:
    """Return whether levels (stage II) stand for finer ones (IIA, IIB), which are kept beside them."""
    if not (isinstance(values.dtype, pd.CategoricalDtype) and values.cat.ordered):
        return False
    known = recorded[values.notna()]
    return known.map(value_key).nunique() > values.nunique()


def summarize_clinical(obs: pd.DataFrame) -> pd.DataFrame:
    """Return the table `variable`, `kind`, `missing`, `summary` for the report."""
    rows = []
    for name in obs.columns:
        column = obs[name]
        present = column.dropna()
        if isinstance(column.dtype, pd.CategoricalDtype):
            # Ordered levels are listed in their order, others by frequency.
            kind, counts = "category", present.value_counts(sort=not column.cat.ordered)
            many = len(counts) > 12 and len(counts) * 2 > len(present)
            counted = (f"{value} {count}" for value, count in counts.items() if count)
            summary = f"{len(counts)} different values" if many else first_few(counted, 6)
        elif str(name).endswith("_event"):
            kind, summary = "event", f"{int(present.sum())} events in {len(present)}"
        else:
            kind = "number"
            summary = (
                f"median {present.median():.4g} ({present.min():.4g} to {present.max():.4g})"
                if len(present)
                else ""
            )
        rows.append((str(name), kind, int(column.isna().sum()), summary))
    return pd.DataFrame(rows, columns=["variable", "kind", "missing", "summary"])


def _names(clinical: pd.DataFrame, roles: RolesConfig, canonical: set[str]) -> dict[str, str]:
    """Return the name in `obs` of each clinical column.

    Where a canonical column has the name of another column, that one is kept as `<name>_recorded`; names that
    h5ad cannot hold lose their slashes.
    """
    configs = {**dict(roles.receptors), "intrinsic": roles.intrinsic, "treatment": roles.treatment}
    configs["response"] = roles.response
    source: dict[str, str | None] = {
        role: config.column for role, config in configs.items() if config is not None
    }
    source |= {role: getattr(roles, role) for role in ("batch", "patient", "sex")}
    for name, endpoint in roles.endpoints.items():
        for part, columns in endpoint.sources.items():
            source[f"{name}_{part}"] = columns[0] if len(columns) == 1 else None
    names: dict[str, str] = {}
    for old in clinical.columns:
        reserved = (old in canonical or old in CANONICAL) and source.get(old) != old
        new = f"{old}_recorded" if reserved else _UNSTORABLE.get(old, re.sub(r"[/\0]", "_", old))
        while new in names.values() or (new != old and new in clinical.columns):
            new += "_"
        names[old] = new
    return names


def _labels(
    clinical: pd.DataFrame, roles: RolesConfig, file: str, notes: list[str], found: Findings
) -> dict[str, pd.Series]:
    columns: dict[str, pd.Series] = {}

    def labelled(role: str, config: Any, labels: dict[str, Any], key: str) -> pd.Series:
        recorded = clinical_column(clinical, config.column, f"{key}.column", file)
        columns[role] = to_labels(recorded, labels, key, file, missing=config.missing_values)
        return columns[role]

    for receptor, config in roles.receptors:
        if config is not None:
            labels = {label: getattr(config, label) for label in ("positive", "negative", "equivocal")}
            with found.collecting():
                labelled(receptor, config, labels, f"cohort.roles.receptors.{receptor}")
    if roles.treatment is not None:
        arms = {"treated": roles.treatment.treated, "control": roles.treatment.control}
        with found.collecting():
            given = labelled("treatment", roles.treatment, arms, "cohort.roles.treatment")
            _check_arms(given, roles.treatment.column, file)
    if roles.response is not None:
        classes = {"responder": roles.response.responder, "non_responder": roles.response.non_responder}
        with found.collecting():
            if labelled("response", roles.response, classes, "cohort.roles.response").nunique() < 2:
                column = roles.response.column
                warn(f"Response (column '{column}'): fewer than two classes are recorded.", notes)
    if roles.intrinsic is not None:
        with found.collecting():
            recorded = clinical_column(
                clinical, roles.intrinsic.column, "cohort.roles.intrinsic.column", file
            )
            recorded = recorded.mask(equals_any(recorded, roles.intrinsic.missing_values))
            columns["intrinsic"] = _intrinsic(recorded, roles.intrinsic.values)
    for role in ("batch", "patient", "sex"):
        name = getattr(roles, role)
        if name is not None:
            with found.collecting():
                recorded = clinical_column(clinical, name, f"cohort.roles.{role}", file)
                columns[role] = _identity(recorded, role, file, notes)
    return columns


def _check_arms(given: pd.Series, column: str, file: str) -> None:
    if given.nunique() < 2:
        only = f"only {given.cat.categories[0]}" if given.nunique() else "neither treated nor control"
        raise InputError(
            f"{file}: column '{column}' (cohort.roles.treatment) has {only} samples "
            f"({int(given.notna().sum())}); list the values of both arms, or remove the treatment role."
        )


def pam50_name(label: str) -> str:
    """Return the short name of a PAM50 class however it is written (`Luminal A`: LumA), or nothing."""
    word = re.sub(r"[^a-z0-9]", "", label.lower()).removeprefix("brca")
    return next((name for name, words in _INTRINSIC.items() if word in words.split()), "")


def _intrinsic(recorded: pd.Series, renamed: Mapping[str, str]) -> pd.Series:
    """Return the labels, the five of PAM50 under their short names (LumA, LumB, Her2, Basal, Normal)."""
    values = recorded.where(~is_missing(recorded))
    for old, new in renamed.items():
        values = values.mask(equals_any(recorded, [old]), new)
    names = {value: pam50_name(value) or value for value in values.dropna().unique()}
    return values.map(names).astype("category")


def _identity(column: pd.Series, role: str, file: str, notes: list[str]) -> pd.Series:
    missing = is_missing(column).to_numpy()
    if role == "sex":
        return to_labels(
            column, _SEXES, "cohort.roles.sex", file, fix="rename it with cohort.values to female or male"
        )
    if role == "patient" and missing.any():
        warn(f"{int(missing.sum())} samples without a patient count as patients of their own.", notes)
        column = column.mask(missing, pd.Series(column.index, index=column.index))
        return to_categories(column, notes)
    if missing.any():
        warn(f"{int(missing.sum())} samples have no {role} (column '{column.name}').", notes)
    return to_categories(column, notes)
