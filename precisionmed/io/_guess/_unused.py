"""Columns that look like something an analysis wants, and are not used."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from precisionmed.config import CohortConfig
from precisionmed.io._guess._classes import RESPONSES, TREATMENTS
from precisionmed.io._guess._cohort import BATCHES
from precisionmed.io._guess._covariates import looks_like_covariate
from precisionmed.io._guess._draft import Draft, from_expression, matches
from precisionmed.io._guess._events import EVENT_NAMES, NOT_OUTCOME, endpoint_of
from precisionmed.io._guess._propose import Proposal, guess_cohort
from precisionmed.io._guess._receptors import NAMES
from precisionmed.io._guess._times import FOLLOW, NOT_TIME, TIME_NAMES

COLUMNS = ("column", "looks_like", "reason", "caution")
"""Columns of the table of unused columns. `caution`: nothing else of the table fills what it looks like."""

_NOT_DECLARED = "no role of the config names it"


def unused_columns(
    clinical: pd.DataFrame, config: CohortConfig, proposal: Proposal | None = None
) -> pd.DataFrame:
    """Return the columns that look like follow-up, a receptor, treatment and so on, and are not used.

    Parameters
    ----------
    clinical
        Clinical table as text.
    config
        Its config: what it names counts as used.
    proposal
        What `guess_cohort` said of the table; asked when left out.

    Returns
    -------
    DataFrame
        `column`; `looks_like` (follow-up, receptor er, treatment, response, covariate, batch); `reason`;
        `caution` (bool: follow-up, a receptor, treatment or response that the cohort has from no column).
    """
    said = proposal or guess_cohort(clinical, config.sample_column)
    used = set(_columns(config))
    rows = []
    for column in clinical.columns:
        kind = "" if column in used else looks_like(clinical, column, said)
        if kind:
            reason = said.reasons.get(column, _NOT_DECLARED)
            rows.append((column, kind, reason, _is_missed(column, kind, config)))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"caution": bool})


def looks_like(clinical: pd.DataFrame, column: str, said: Proposal) -> str:
    """Return what a column looks like, or nothing: by its name, or by what it was proposed for."""
    proposed = said.roles.get(column, "")
    if proposed.startswith("endpoint"):
        return "follow-up"
    if proposed.startswith(
        ("receptor", "treatment", "response", "batch", "covariate", "intrinsic", "sex", "patient")
    ):
        return proposed
    if Draft(clinical).present(column).empty:
        return ""
    receptors = [name for name, pattern in NAMES.items() if matches(column, pattern)]
    if (
        receptors
        and (column in said.reasons or not from_expression(column))
        and not matches(column, r"therapy|treat")
    ):
        return f"receptor {receptors[0]}"
    outcome = matches(column, EVENT_NAMES) and not matches(column, NOT_OUTCOME)
    time = matches(column, TIME_NAMES) and not matches(column, NOT_TIME)
    if matches(column, r"\baol\b|\bpred|\bprob|\brisk|\bscore|\b\d+ ?y(ears?)?\b"):
        outcome = time = False  # a forecast of the outcome, not what happened
    telling = endpoint_of(column) or matches(column, rf"{FOLLOW}|event|censor|\btime\b")
    if (column in said.reasons and (outcome or time)) or ((outcome or time) and telling):
        return "follow-up"
    if column not in said.reasons:
        return ""
    if matches(column, RESPONSES):
        return "response"
    kind = looks_like_covariate(column)
    if kind:
        return f"covariate ({kind})"
    if any(matches(column, pattern) for pattern in BATCHES):
        return "batch"
    if any(matches(column, pattern) for pattern in TREATMENTS):
        return "treatment"
    if matches(column, r"pam ?50|intrinsic|subtype"):
        return "intrinsic subtypes"
    return (
        "sex"
        if matches(column, r"\b(sex|gender)\b")
        else "follow-up"
        if "endpoint" in said.reasons[column]
        else ""
    )


def _is_missed(column: str, kind: str, config: CohortConfig) -> bool:
    """Return whether the cohort has from no column what this one looks like."""
    roles = config.roles
    if kind == "follow-up":
        name = endpoint_of(column)
        return not roles.endpoints or (name != "" and name not in roles.endpoints)
    if kind.startswith("receptor"):
        return getattr(roles.receptors, kind.split()[1]) is None and not from_expression(column)
    return (kind == "treatment" and roles.treatment is None) or (
        kind == "response" and roles.response is None
    )


def _columns(config: CohortConfig) -> Iterator[str]:
    """Yield the columns that a config names; the values it lists beside them are none."""
    roles = config.roles
    for endpoint in roles.endpoints.values():
        for columns in endpoint.sources.values():
            yield from columns
    labels = [*dict(roles.receptors).values(), roles.intrinsic, roles.treatment, roles.response]
    yield from (label.column for label in labels if label is not None)
    yield from (name for name in (roles.batch, roles.patient, roles.sex, config.sample_column) if name)
    yield from [*roles.covariates, *roles.groups, *roles.ordered, *config.keep, *config.drop]
