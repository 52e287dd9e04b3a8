"""Receptor status as laboratories write it: words, scores, percentages of stained cells."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from precisionmed.io._guess._draft import UNKNOWN, Draft, counted, few_enough, from_expression, matches

NAMES = {
    "er": r"\ber(status|ihc|pos)?\b|\besr1\b|o?estrogen",
    "pr": r"\b(pr|pgr)(status|ihc|pos)?\b|progesterone",
    "her2": r"\b(her2|her 2|erbb2|her2 ?neu|cerbb2|c erbb2|hercep\w*)(status|ihc|pos)?\b",
}
"""What the columns of a receptor are called."""
_NOT_STATUS = (
    r"\bage\b|\bset\b|therapy|treatment|inhibitor|trastuzumab|\bherceptin\b|months|days|years|date|intensity|"
    r"method|antibody|kit|lab\b|guideline|copy ?number|\bcent\b|centromer|ratio|cep ?17|"
    r"signal|report|comment|\btext\b|"
    r"cell percentage|positivity (scale|method)|finding|measurement|definition|identifier"
)
_PERCENT = r"percent|\bpct\b|\bcells\b|proportion|fraction"
_POSITIVE = (
    r"pos\w*|p|\+|yes|y|true|t|amp(lified|l)?|amplification|gain|strong\w*|weak\w*|moderate\w*|present|detected|"
    r"over ?-?expressed|overexpression|high|low ?-?positive|weak(ly)? ?-?positive|positve|\+\+|\+\+\+"
)
_NEGATIVE = (
    r"neg\w*|n|-|\u2212|\u2013|no|false|f|neutral|loss|not? ?-?amplified|non ?-?amplified|unamplified|absent|"
    r"not? detected|undetected|none|normal|her2 ?-?low|het ?loss|homdel|diploid"
)
_EQUIVOCAL = r"equ\w*|indeterminate|borderline|undef\w*|i|e|inconclusive|ambiguous|intermediate"
_METHODS = (r"\bihc\b|immuno", r"\b(fish|ish|cish|sish)\b", r"snp6|copy number|\bcna\b")


def find_receptors(draft: Draft) -> dict[str, Any]:
    """Return the receptors (as in `RolesConfig`): pathology first, nothing derived from expression."""
    metabric = bool(draft.named(r"her2.*snp6|snp6.*her2"))
    found: dict[str, Any] = {}
    for receptor, pattern in NAMES.items():
        usable: dict[str, dict[str, list[str]]] = {}
        for column in draft.named(pattern, _NOT_STATUS):
            others = [r for r, p in NAMES.items() if r != receptor and matches(column, p)]
            problem: str | dict[str, list[str]]
            if others:
                problem = "it is about several receptors"
            elif from_expression(column):
                problem = "it seems to be derived from expression, not measured by pathology"
            elif metabric and matches(column, rf"^({pattern}) status$"):
                problem = "METABRIC's is derived from expression"
            else:
                problem = read_status(draft, column, receptor)
            if isinstance(problem, str):
                draft.pass_over(column, problem)
            else:
                usable[column] = problem
        if usable:
            found[receptor] = _choose(draft, receptor, usable)
    return found


def _choose(draft: Draft, receptor: str, usable: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    """Return the best column: status before score, IHC before FISH before copies, unless mostly empty."""
    complete = {column: len(draft.present(column)) for column in usable}
    most = max(complete.values())

    def rank(column: str) -> tuple[bool, int, bool, int]:
        method = next((i for i, pattern in enumerate(_METHODS) if matches(column, pattern)), len(_METHODS))
        return (
            complete[column] * 2 < most,
            method,
            matches(column, r"score|percent|\bpct\b"),
            -complete[column],
        )

    column = min(usable, key=rank)
    key = f"roles.receptors.{receptor}"
    others = [name for name in usable if name != column]
    for name in others:
        draft.pass_over(name, f"{receptor.upper()} has '{column}'")
    if others:
        draft.remark(f"{key}.column", f"It could also be {', '.join(repr(name) for name in others)}.")
    if not any(matches(column, method) for method in _METHODS):
        draft.remark(f"{key}.column", "Make sure that it was measured, not derived from expression.")
    elif matches(column, _METHODS[2]):
        draft.remark(
            f"{key}.column", "A gain of copies is not yet an amplification: pathology asks IHC and FISH."
        )
    fish = [name for name in others if matches(name, _METHODS[1])]
    lists = usable[column]
    if fish and lists["equivocal"]:
        draft.remark(
            f"{key}.equivocal", f"'{fish[0]}' settles some of these; join the two columns to use it."
        )
    remark = lists.pop("remark", [])
    for text in remark:
        draft.remark(f"{key}.positive", text)
    draft.use(column, f"receptor {receptor}")
    return {"column": column} | lists


def read_status(draft: Draft, column: str, receptor: str) -> dict[str, list[str]] | str:
    """Return which values mean positive, negative, equivocal and missing (and `remark`), or why not."""
    values = draft.present(column)
    distinct = sorted(values.unique(), key=lambda value: (_number(value), value))
    if not distinct:
        return "it has no values"
    numbers = pd.to_numeric(pd.Series(distinct), errors="coerce").dropna()
    percent = matches(column, _PERCENT) or any(value.endswith("%") for value in distinct)
    if percent:
        return _from_percent(values, distinct, receptor)
    if numbers.nunique() > 4:
        return "it holds numbers without a unit (percent of cells, a score, fmol/mg?)"
    remark: list[str] = []
    codes = set(numbers)
    if len(codes) == len(distinct) or codes - {0.0, 1.0}:
        if codes and not codes <= {0.0, 1.0} and not (receptor == "her2" and codes <= {0.0, 1.0, 2.0, 3.0}):
            return f"what the codes {counted(values, distinct)} mean is not known"
        if receptor == "her2" and codes == {1.0, 2.0} and not _scores(distinct):
            return f"what the codes {counted(values, distinct)} mean is not known"
    scored = receptor == "her2" and (
        _scores(distinct) or bool(codes - {0.0, 1.0}) or matches(column, r"score")
    )
    labels = {value: _status(value, receptor, scored) for value in distinct}
    if scored:
        remark.append(
            "IHC scores: 0 and 1+ are negative, 2+ is equivocal (until FISH), 3+ is positive (ASCO/CAP)."
        )
    elif receptor != "her2" and any(re.fullmatch(r"[123]\+", v) for v in distinct):
        remark.append("Any staining (1+ to 3+) is taken as positive.")
    return _lists(values, labels, remark)


def _number(value: str) -> float:
    return float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else float("inf")


def _scores(distinct: list[str]) -> bool:
    return any(re.search(r"[0-3]\s*\+", value) for value in distinct)


def _lists(values: pd.Series, labels: dict[str, str | None], remark: list[str]) -> dict[str, list[str]] | str:
    odd = [value for value, label in labels.items() if label is None]
    if not few_enough(values, odd):
        return f"what {counted(values, odd)} mean is not known"
    lists = {
        label: [value for value, found in labels.items() if found == label]
        for label in ("positive", "negative", "equivocal")
    }
    if not lists["positive"] or not lists["negative"]:
        there = "positive" if lists["positive"] else "negative"
        return f"all are {there}" if lists[there] else "no value in it means positive or negative"
    if odd:
        remark = [
            *remark,
            f"Left out as missing: {counted(values, odd)}; move a value to positive, "
            f"negative or equivocal if it is "
            "one of them.",
        ]
    return lists | {"missing_values": odd} | ({"remark": remark} if remark else {})


def _status(value: str, receptor: str, scored: bool) -> str | None:
    """Return what a value says of a receptor, or nothing."""
    text = re.sub(r"[_\s]+", " ", value.strip().lower())
    if re.fullmatch(UNKNOWN, text) and text not in ("-",):
        return None
    text = re.sub(rf"^({receptor}|{'pgr' if receptor == 'pr' else 'erbb2'})[ :]*(?=.)", "", text) or text
    text = re.sub(r"^(status|ihc|ihc score|score)[ :]*(?=.)", "", text)
    if re.fullmatch(r"[01](\.0+)?", text) and not scored:
        return "positive" if text[0] == "1" else "negative"
    for pattern, label in ((_EQUIVOCAL, "equivocal"), (_NEGATIVE, "negative"), (_POSITIVE, "positive")):
        if re.fullmatch(pattern, text):
            return label
    fish = re.search(r"(?:f?ish|fish)\W*(pos|neg|\+|-|amp|non|not)", text)
    if fish:
        return "positive" if fish[1] in ("pos", "+", "amp") else "negative"
    # words inside a longer text: `Positive (3+)`, `1+ (negative)`, `low positive`
    for pattern, label in ((r"equivocal|indeterminate|"
                            r"borderline", "equivocal"), (r"neg|not ampl|non-?ampl", "negative"),
                           (r"pos|ampl", "positive")):  # fmt: skip
        if re.search(pattern, text):
            return label
    scores = [int(s) for s in re.findall(r"(?<![\d.])([0-3])(?:\.0+)?(?=\s*\+|\b)(?![.\d])", text)]
    if not scores or re.search(r"[4-9]|\d\d", text):
        return None
    if receptor != "her2":
        return "positive" if min(scores) >= 1 else "negative" if max(scores) == 0 else None
    return "negative" if max(scores) <= 1 else "positive" if min(scores) == 3 else "equivocal"


def _from_percent(values: pd.Series, distinct: list[str], receptor: str) -> dict[str, list[str]] | str:
    """Return the lists for percentages of stained cells: 1% and more is positive.

    Allison KH et al. Journal of Clinical Oncology 2020;38:1346-1366.
    """
    if receptor == "her2":
        return "HER2 has no status by the percentage of cells alone"
    labels: dict[str, str | None] = {value: _status_of_percent(value) for value in distinct}
    remark = ["Percent of stained cells: 1% and more is positive (ASCO/CAP)."]
    bounds = [float(n) for value in distinct for n in re.findall(r"\d+(?:\.\d+)?", value)]
    if bounds and 0 < max(bounds) <= 1:
        return "its values are at most 1: a fraction or a percentage?"
    if bounds and max(bounds) > 100:
        return f"its values reach {max(bounds):g}, which is no percentage"
    return _lists(values, labels, remark)


def _status_of_percent(value: str) -> str | None:
    text = value.lower().replace("%", "").replace("\u2264", "<=").replace("\u2265", ">=").strip()
    number = r"(\d+(?:[.,]\d+)?)"
    below = re.fullmatch(rf"(?:<|less than|under) ?{number}", text)
    if below:
        return "negative" if float(below[1].replace(",", ".")) <= 1 else None
    first = re.match(rf"(?:>=?|over|from|~)? ?{number}", text)
    if first and re.fullmatch(rf"(?:>=?|over|from|~)? ?{number}( ?(-|\u2013|to) ?{number})?", text):
        low = float(first[1].replace(",", "."))
        beyond = low >= 1 or (text.startswith(">") and not text.startswith(">=") and low >= 1)
        if (
            not beyond
            and re.search(rf"(-|\u2013|to) ?{number}$", text)
            and not re.search(r"(-|\u2013|to) ?(0|1)$", text)
        ):
            return None  # 0-10: both
        return "positive" if beyond else "negative"
    return _status(value, "er", scored=False) if re.search("[a-z]", text) else None
