"""What clinical columns probably mean, for a config that a person then checks. Nothing else ever guesses."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.config import EndpointConfig, ResponseConfig, TreatmentConfig
from precisionmed.io._values import equals_any
from precisionmed.io.clinical import pam50_name
from precisionmed.io.tables import is_missing

Remarks = dict[str, str]
"""Config key (dotted) -> why this was proposed."""

# Name of an endpoint, and what its columns are called; the first that fits counts.
_ENDPOINTS = (
    ("drfs", r"distant|metasta|\bdrfs\b|\bdmfs\b"),
    ("dss", r"disease.?specific|\bdss\b"),
    ("dfs", r"disease.?free|\bdfs\b"),
    ("pfs", r"progress|\bpfs\b"),
    ("rfs", r"relapse|recur|\brfs\b"),
    ("efs", r"event.?free|\befs\b"),
    ("os", r"overall|death|dead|died|deceased|vital|surviv|\bos\b"),
)
_EVENT_WORDS = r"event|status|death|dead|died|deceased|vital|relapse|recur|progress|censor"
_TIME_WORDS = r"time|month|day|year|surviv|follow"
_UNITS = (("days", r"day"), ("years", r"year|\byrs?\b"), ("months", r"month|\bmos?\b"))
_RECEPTORS = {
    "er": r"\ber\b|\besr1\b|o?estrogen",
    "pr": r"\bpr\b|\bpgr\b|progesterone",
    "her2": r"\bher2\b|\berbb2\b|\bher2neu\b",
}
_FROM_EXPRESSION = r"mrna|genefu|expr|gene\b|derived|pred|classifier|subtype"
_STATUS = {
    "positive": r"pos.*|p|\+|1|1\.0|yes|amplified|gain",
    "negative": r"neg.*|n|-|0|0\.0|no|neutral|loss|not.amplified",
    "equivocal": r"equivocal|indeterminate|borderline|undef.*|i|inconclusive",
}
_COVARIATES = r"age( at diagnosis)?|((neoplasm )?histologic |tumou?r )?grade|(tumou?r )?stage"
_BATCHES = r"\b(batch|plate|cent(er|re)|platform|run|series|cohort|site)\b"
_NOT_TUMOUR = r"normal|metasta|adjacent|control|benign"


def guess_cohort(clinical: pd.DataFrame) -> tuple[dict[str, Any], Remarks]:
    """Return proposed `roles` and `keep` of a cohort (as in `CohortConfig`), and why.

    Parameters
    ----------
    clinical
        Clinical table as text.
    """
    remarks: Remarks = {}
    treatment, response = TreatmentConfig(column=""), ResponseConfig(column="")
    arms = {"treated": treatment.treated, "control": treatment.control}
    classes = {"responder": response.responder, "non_responder": response.non_responder}
    sexes = [c for c in _named(clinical, r"\b(sex|gender)\b") if _only(clinical[c], "f|m|female|male")]
    roles: dict[str, Any] = {
        "endpoints": _endpoints(clinical, remarks),
        "receptors": _receptors(clinical, remarks),
        "intrinsic": _intrinsic(clinical, remarks),
        "treatment": _two_classes(clinical, r"chemo|treat|\barm\b|therapy", arms, "treatment", remarks),
        "response": _two_classes(clinical, r"\bpcr\b|response", classes, "response", remarks),
        "batch": _batch(clinical, remarks),
        "patient": _patient(clinical, remarks),
        "sex": sexes[0] if sexes else None,
        "covariates": [c for c in clinical.columns if re.fullmatch(_COVARIATES, _words(c))],
        "groups": _named(clinical, r"\brace\b|ethnic")[:1],
    }
    return {"roles": roles, "keep": _keep(clinical, remarks)}, remarks


def _words(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", name.lower()))


def _named(clinical: pd.DataFrame, pattern: str, but_not: str = "$^") -> list[str]:
    return [
        c for c in clinical.columns if re.search(pattern, _words(c)) and not re.search(but_not, _words(c))
    ]


def _present(values: pd.Series) -> pd.Series:
    return values[~is_missing(values)]


def _only(values: pd.Series, pattern: str) -> bool:
    found = _present(values).str.strip().str.lower().unique()
    return len(found) > 0 and all(re.fullmatch(pattern, value) for value in found)


def _most_complete(clinical: pd.DataFrame, names: list[str], key: str, remarks: Remarks) -> str:
    """Return the column with the fewest missing values; the others are offered in a remark."""
    complete = {name: len(_present(clinical[name])) for name in names}
    best = max(names, key=complete.__getitem__)
    others = [f"'{name}'" for name in names if name != best]
    if others:
        remarks[key] = f"It could also be {', '.join(others)}."
    return best


def _endpoints(clinical: pd.DataFrame, remarks: Remarks) -> dict[str, Any]:
    default = EndpointConfig(time="", event="")
    events: dict[str, dict[str, list[str]]] = {}
    for column in _named(clinical, _EVENT_WORDS):
        values = _present(clinical[column])
        coded = values.where(~values.str.match(r"[01]\s*:"), values.str[0])
        happened, censored = (equals_any(coded, v) for v in (default.event_values, default.censored_values))
        if len(values) and (happened | censored).all() and happened.any():
            events[column] = {
                "event_values": sorted(values[happened].unique()),
                "censored_values": sorted(values[censored].unique()),
            }
    times = [c for c in _named(clinical, _TIME_WORDS, r"\bage\b|birth") if _is_time(clinical[c])]
    times = [column for column in times if column not in events]

    found: dict[str, Any] = {}
    for name, _ in reversed(_ENDPOINTS):  # overall survival is the main endpoint
        pairs = [(t, e) for t in times for e in events if _endpoint_name(t) == _endpoint_name(e) == name]
        if pairs:
            time, event = _best_pair(clinical, pairs)
            found[name] = _endpoint(clinical[time], name, remarks) | {"event": event} | events[event]
            others = [f"'{t}' with '{e}'" for t, e in pairs if t != time and e != event]
            if others:
                remarks[f"roles.endpoints.{name}.time"] = f"It could also be {others[0]}."
    return found


def _endpoint(time: pd.Series, name: str, remarks: Remarks) -> dict[str, Any]:
    numbers = pd.to_numeric(_present(time))
    unit = next((unit for unit, pattern in _UNITS if re.search(pattern, _words(str(time.name)))), None)
    key = f"roles.endpoints.{name}"
    if unit is None:
        unit = "days" if numbers.max() > 730 else "months" if numbers.max() > 40 else "years"
        remarks[f"{key}.unit"] = f"Guessed from the values, which reach {numbers.max():g}: check it."
    early = int((numbers <= 0).sum())
    if early:
        remarks[f"{key}.nonpositive_time"] = f"{early} rows have a time of 0 or less."
    return {"time": str(time.name), "unit": unit, "nonpositive_time": "drop" if early else "error"}


def _endpoint_name(column: str) -> str:
    return next((name for name, pattern in _ENDPOINTS if re.search(pattern, _words(column))), "")


def _is_time(values: pd.Series) -> bool:
    numbers = pd.to_numeric(_present(values), errors="coerce")
    if len(numbers) == 0 or numbers.isna().any() or numbers.nunique() <= 3:
        return False
    return bool((numbers < 0).mean() < 0.05)


def _best_pair(clinical: pd.DataFrame, pairs: list[tuple[str, str]]) -> tuple[str, str]:
    """Return the pair named most alike of those that are (nearly) as complete as the best."""
    complete = [int((~is_missing(clinical[t]) & ~is_missing(clinical[e])).sum()) for t, e in pairs]
    good = [pair for pair, n in zip(pairs, complete, strict=True) if n >= 0.9 * max(complete)]
    return max(good, key=lambda pair: _shared_words(*pair))


def _shared_words(a: str, b: str) -> int:
    pairs = zip(_words(a).split(), _words(b).split(), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _receptors(clinical: pd.DataFrame, remarks: Remarks) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for receptor, pattern in _RECEPTORS.items():
        usable = {}
        for column in _named(clinical, pattern, _FROM_EXPRESSION):
            values = [str(value) for value in _present(clinical[column]).unique()]
            lists = {
                label: [value for value in values if re.fullmatch(spelling, value.strip().lower())]
                for label, spelling in _STATUS.items()
            }
            if sum(map(len, lists.values())) == len(values) and lists["positive"] and lists["negative"]:
                usable[column] = lists
        if usable:
            measured = [column for column in usable if "ihc" in _words(column)] or list(usable)
            key = f"roles.receptors.{receptor}.column"
            column = _most_complete(clinical, measured, key, remarks)
            found[receptor] = {"column": column} | usable[column]
            if "ihc" not in _words(column):
                caution = "Make sure that it was measured, not derived from expression."
                remarks[key] = f"{remarks.get(key, '')} {caution}".strip()
    return found


def _intrinsic(clinical: pd.DataFrame, remarks: Remarks) -> dict[str, Any] | None:
    names = []
    for column in _named(clinical, r"pam50|intrinsic|subtype", r"genefu|derived|pred"):
        if len({pam50_name(value) for value in _present(clinical[column])} - {""}) >= 3:
            names.append(column)
    return {"column": _most_complete(clinical, names, "roles.intrinsic.column", remarks)} if names else None


def _two_classes(
    clinical: pd.DataFrame, pattern: str, labels: dict[str, list[str]], role: str, remarks: Remarks
) -> dict[str, Any] | None:
    usable = {}
    for column in _named(clinical, pattern, r"history|neoadj|additional|type|derived|pred|radi"):
        values = _present(clinical[column])
        chosen = {label: equals_any(values, listed) for label, listed in labels.items()}
        if all(c.any() for c in chosen.values()) and np.any(list(chosen.values()), axis=0).all():
            usable[column] = {label: sorted(values[c].unique()) for label, c in chosen.items()}
    if not usable:
        return None
    column = _most_complete(clinical, list(usable), f"roles.{role}.column", remarks)
    return {"column": column} | usable[column]


def _batch(clinical: pd.DataFrame, remarks: Remarks) -> str | None:
    for column in _named(clinical, _BATCHES):
        sizes = _present(clinical[column]).value_counts()
        if 2 <= len(sizes) <= max(2, len(clinical) // 4):
            remarks["roles.batch"] = f"{len(sizes)} values; the smallest has {sizes.min()} samples."
            return column
    return None


def _patient(clinical: pd.DataFrame, remarks: Remarks) -> str | None:
    for column in _named(clinical, r"patient|subject|participant|individual", r"status|number|\bage\b"):
        values = _present(clinical[column])
        if len(values) and values.nunique() * 4 >= len(values):
            repeated = int(values.duplicated().sum())
            if repeated:
                remarks["roles.patient"] = f"{repeated} samples are further samples of a patient."
            return column
    return None


def _keep(clinical: pd.DataFrame, remarks: Remarks) -> dict[str, list[str]]:
    """Return the tumours of a table that also has normal tissue or metastases."""
    for column in _named(clinical, r"tissue|sample type"):
        values = [str(value) for value in _present(clinical[column]).unique()]
        tumours = [value for value in values if not re.search(_NOT_TUMOUR, value.lower())]
        if 0 < len(tumours) < len(values) <= 12:
            others = ", ".join(value for value in values if value not in tumours)
            remarks["keep"] = f"Column '{column}' also has {others}."
            return {column: tumours}
    return {}
