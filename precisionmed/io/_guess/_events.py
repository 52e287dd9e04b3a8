"""Which values of a column mean that an event happened. Names of censoring or life turn it round."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from precisionmed.io._guess._draft import UNKNOWN, Draft, counted, few_enough, matches, words

Meaning = Literal["event", "censored"]

ENDPOINTS = (
    ("dmfs", r"\bdmfs\b|\bdmfi\b|distant metasta"),
    ("drfs", r"\bdrfs\b|distant|metasta"),
    ("dss", r"(disease|cancer) specific|\bdss\b|\bbcss\b|\bcss\b"),
    ("dfi", r"disease free interval|\bdfi\b"),
    ("dfs", r"disease ?free|\bi?dfs\b"),
    ("pfi", r"progression free interval|\bpfi\b"),
    ("pfs", r"progress|\bpfs\b"),
    ("rfs", r"relapse|recur|\brfs\b|\brfi\b|\btime to tumou?r\b|new tumou?r"),
    ("efs", r"event free|\befs\b"),
    ("os", r"overall|death|dead|died|decease|vital|surviv|\bos\b|alive|living|mortality|expired"),
)
"""Name of an endpoint, and what its columns are called; the first that fits counts."""
_ABBREVIATION = r"\b(os|dss|bcss|css|dfi|dfs|idfs|pfi|pfs|rfs|rfi|efs|dmfs|drfs)\b"
EVENT_NAMES = (
    r"event|status|\bstat\b|indicator|death|dead|died|decease|vital|relapse|recur|progress|censor|\bcens\b|alive|"
    rf"living|surviv|metasta|outcome|expired|mortality|disease ?free|new tumou?r|{_ABBREVIATION}"
)
NOT_OUTCOME = (
    r"\b(er|pr|pgr|her2\w*|esr1|erbb2|hr|ar)\b|receptor|menopaus|node|nodal|lymph|smok|performance|ecog|margin|triple|"
    r"tnbc|mutation|mutat|brca\d?|tp?53|family|invasion|\bki ?67\b|grade|stage|treatment|"
    r"chemo|therapy|hormon|histolog|"
    r"\bsample\b|tissue|\bage\b|birth|cause|prior|previous|history|consent|menarche|pregnan|marital|insurance|method|"
    r"microsatellite|\bmsi\b|ihc|fish|amplif|race|ethnic|\bat diagnosis\b|synchronous|\bm stage\b|expression"
)
_CENSORED = (
    r"alive.*|.*\balive|living.*|lives|.*\bcensor\w*|none|no\b.*|not?[ -].*|non?[ -].*|"
    r"without\b.*|never\b.*|survived|survivor|"
    r"surviving|.*\bfree|.*[a-z]free|ned|.*no evidence.*|remission|(complete )?remission.*|"
    r"well|awd|anwd|event[ -]?free"
)
_HAPPENED = (
    r".*\b(dead|deceased|died|death|expired|dod|doc|dooc|doo?d)\b.*|.*\b(relaps|recur|progress|metasta|fail)\w*.*|"
    r"(distant|local|regional).*|event|occurred|happened|with tumou?r|not (alive|living)|"
    r"no longer alive|uncensored|"
    r"not censored|non-?censored|observed"
)
_HAPPENING = r"\b(dead|death|died|deceased?|relapsed?|recurred|recurrence|progressed|expired)\b(?! status)"
"""Names of what happened, of which 1 may be yes."""
_YES, _NO = ("1", "yes", "y", "true", "t", "1.0"), ("0", "no", "n", "false", "f", "0.0")


@dataclass(frozen=True)
class Coding:
    """Values of a column, and what they mean."""

    event: list[str]
    censored: list[str]
    missing: list[str]
    remarks: list[str] = field(default_factory=list)
    in_words: bool = False
    """Do the values say it themselves (dead, alive)?"""


def endpoint_of(column: str) -> str:
    """Return which endpoint a name speaks of, or nothing."""
    return next((name for name, pattern in ENDPOINTS if matches(column, pattern)), "")


def outcome_word(value: str, endpoint: str = "") -> Meaning | None:
    """Return what a worded value means (`Dead`, `no relapse`, `1:DECEASED`), or nothing for codes and others.

    Whether `alive with disease` is an event of anything but death is left to the user.
    """
    text = re.sub(r"[_\s]+", " ", value.strip().lower())
    code = re.fullmatch(r"([01])\s*[:=]\s*(.*)", text)
    rest = code[2] if code else text
    with_disease = endpoint not in ("", "os", "dss") and re.fullmatch(r"(alive|living|awd)( .*)?", rest)
    if with_disease and re.search(r"\bwith\b|awd", rest) and not re.search(r"without|no ", rest):
        return None
    if rest in (*_YES, *_NO) or re.fullmatch(UNKNOWN, rest) or not rest:
        meaning: Meaning | None = None
    elif re.fullmatch(r"not (alive|living|censored)|non-?censored|uncensored|no longer alive", rest):
        meaning = "event"
    elif re.fullmatch(_CENSORED, rest):
        meaning = "censored"
    elif re.fullmatch(_HAPPENED, rest):
        meaning = "event"
    else:
        meaning = None
    if meaning is None and code:
        return "event" if code[1] == "1" else "censored"
    return meaning


def read_events(draft: Draft, column: str) -> Coding | str:
    """Return what the values of a column mean, or why that cannot be told."""
    values = draft.present(column)
    distinct = list(values.unique())
    if not distinct:
        return "it has no values"
    if len(distinct) > max(12, 0.2 * len(values)):
        return f"it has {len(distinct)} different values"
    numeric = pd.to_numeric(pd.Series(distinct), errors="coerce")
    codes = sorted(numeric.dropna().unique())
    worded = {value: outcome_word(value, endpoint_of(column)) for value in distinct}
    if any(worded.values()):
        coding: Coding | str = _from_words(values, worded)
    elif codes == [1.0, 2.0]:
        coding = _from_one_and_two(values, column)
    else:
        coding = _from_yes_and_no(draft, values, column)
    if isinstance(coding, Coding) and not coding.event:
        return "no value in it means an event"
    if isinstance(coding, Coding) and not coding.censored:
        return "no value in it means censored"
    return coding


def _from_words(values: pd.Series, worded: dict[str, Meaning | None]) -> Coding | str:
    odd = [value for value, meaning in worded.items() if meaning is None]
    if not few_enough(values, odd):
        return f"what {counted(values, odd)} mean is not known"
    remarks = _odd_values(values, odd)
    other_causes = [v for v, meaning in worded.items() if meaning == "event" and "other" in v.lower()]
    if other_causes:
        remarks.append(f"{counted(values, other_causes)} counts as an event.")
    return Coding(
        sorted(v for v, meaning in worded.items() if meaning == "event"),
        sorted(v for v, meaning in worded.items() if meaning == "censored"),
        sorted(odd),
        remarks,
        in_words=True,
    )


def _odd_values(values: pd.Series, odd: list[str]) -> list[str]:
    if not odd:
        return []
    return [
        f"Left out as missing: {counted(values, odd)}; move a value to event_values or "
        f"censored_values if it is "
        "one of them."
    ]


def _from_one_and_two(values: pd.Series, column: str) -> Coding | str:
    stated = _stated_codes(column)
    if stated is None and matches(column, r"censor|\bcens\b"):
        return (
            "it is coded 1 and 2, and its name speaks of censoring: which of them is the event is not known"
        )
    if stated is None and re.search(_HAPPENING, words(column)):
        return "it is coded 1 and 2: 2 as in R, or 1 for yes? Which of them is the event is not known"
    numbers = pd.to_numeric(values, errors="coerce")
    odd = sorted(values[numbers.isna()].unique())
    if not few_enough(values, odd):
        return f"what {counted(values, odd)} mean is not known"
    meaning = stated or {2.0: "event", 1.0: "censored"}
    event = sorted(v for v, n in zip(values, numbers, strict=True) if meaning.get(n) == "event")
    censored = sorted(v for v, n in zip(values, numbers, strict=True) if meaning.get(n) == "censored")
    remarks = _odd_values(values, odd)
    if stated is None:
        remarks.insert(
            0,
            f"Coded 1 and 2: 2 is taken as the event, as R's survival package has it ({len(event)} events, "
            f"{len(censored)} censored). Swap the lists if 1 means that it happened.",
        )
    return Coding(list(dict.fromkeys(event)), list(dict.fromkeys(censored)), odd, remarks)


def _from_yes_and_no(draft: Draft, values: pd.Series, column: str) -> Coding | str:
    text = values.str.lower().str.replace(r"^([01])\.0+$", r"\1", regex=True)
    yes, no = text.isin(_YES), text.isin(_NO)
    odd = sorted(values[~(yes | no)].unique())
    if not few_enough(values, odd):
        return f"what {counted(values, odd)} mean is not known"
    polarity = _polarity(draft, column, yes, no)
    if len(polarity) == 1:
        return polarity[0]
    positive, remark = polarity
    event, censored = (yes, no) if positive == "event" else (no, yes)
    remarks = _odd_values(values, odd)
    if remark:
        remark += f" ({int(event.sum())} events, {int(censored.sum())} censored). Swap the lists if not."
        remarks.insert(0, remark)
    return Coding(sorted(values[event].unique()), sorted(values[censored].unique()), odd, remarks)


def _polarity(draft: Draft, column: str, yes: pd.Series, no: pd.Series) -> tuple[str, str] | tuple[str]:
    """Return what 1 or yes means with a remark (or an empty one); or only the reason why nobody can tell."""
    stated = _stated_codes(column)
    if stated is not None and {0.0, 1.0} <= set(stated):
        return stated[1.0], ""
    name = words(column)
    if re.search(r"\b(un|not |non )censor", name):
        return "event", "1 or yes is taken as the event, as the name says"
    censoring = re.search(r"censor|\bcens\b", name)
    happening = re.search(
        r"event|dead|death|died|decease|relapse|recur|progress|fail|status|\bstat\b|indicator", name
    )
    if censoring and not happening:
        return "censored", "1 or yes is taken as censored, as the name says"
    living = re.search(r"\b(alive|living|survived|ned|survivor)\b", name) or re.search(
        r"\b(disease|relapse|recurrence|tumou?r|event) ?free$", name
    )
    if living and not re.search(r"event|dead|death|died|decease|status", name):
        return "censored", "1 or yes is taken as alive or free of disease, as the name says"
    if (
        censoring
        or living
        or re.search(r"vital|(?<!overall )(?<!free )(?<!specific )surviv\w* status|life status", name)
    ):
        settled = _evidence(draft, column, yes, no)
        if settled is not None:
            return settled
        what = "event and censoring" if censoring else "life, and not which code is which"
        return (f"its name speaks of {what}: whether 1 (or yes) means the event is not known",)
    sure = re.search(r"event|dead|death|died|decease|relapse|recur|progress|fail|metasta", name)
    return "event", "" if sure else "1 or yes is taken as the event, as is usual"


def _stated_codes(column: str) -> dict[float, Meaning] | None:
    """Return the codes that a name explains itself, as in `status (1=dead, 0=alive)`."""
    found: dict[float, Meaning] = {}
    for code, word in re.findall(
        r"(?<![\d.])([0-2])\s*[=: ]\s*([A-Za-z][A-Za-z -]*)", re.sub("_", " ", column)
    ):
        meaning = outcome_word(word.strip())
        if meaning is not None:
            found[float(code)] = meaning
    if len(found) == 1 and not found.keys() & {2.0}:  # the other code is the other meaning
        code, meaning = next(iter(found.items()))
        found[1.0 - code] = "censored" if meaning == "event" else "event"
    return found if len(set(found.values())) == 2 else None


def _evidence(draft: Draft, column: str, yes: pd.Series, no: pd.Series) -> tuple[str, str] | None:
    """Settle an unclear code by a column that only the dead have (time, date or cause of death)."""
    for other in draft.named(
        r"(to|of|date|time|cause|days?) (of |to )?death|death (date|days|cause)|died on"
    ):
        if other == column:
            continue
        has = pd.Series(False, index=draft.clinical.index)
        has[draft.present(other).index] = True
        of_yes, of_no = has[yes.index[yes]].mean(), has[no.index[no]].mean()
        if np.nanmax([of_yes, of_no]) >= 0.9 and np.nanmin([of_yes, of_no]) <= 0.1:
            said = f"1 or yes is taken as {{}}, as column '{other}' says"
            return ("event", said.format("dead")) if of_yes > of_no else ("censored", said.format("alive"))
    return None
