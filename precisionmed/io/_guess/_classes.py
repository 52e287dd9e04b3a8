"""Treatment, response and recorded subtypes: columns of two or more classes."""

from __future__ import annotations

import re
from typing import Any

from precisionmed.io._guess._draft import UNKNOWN, Draft, counted, few_enough, from_expression, matches
from precisionmed.io.clinical import pam50_name

TREATMENTS = (
    r"chemo\w*|\bct\b|\badjuvant systemic\b|pharma\w*",
    r"\barm\b|treat\w*|\btrt\b|\brx\b|regimen|allocat\w*|randomi[sz]ed to",
    r"hormon\w* ?(therapy|treatment)?$|endocrine|tamoxifen|hormono ?therapy|trastuzumab|"
    r"herceptin|targeted|drug",
    r"therapy",
    r"radi(o|ation)\w*|\brt\b",
)
"""What columns with a treatment are called, the most telling first."""
_BEFORE = r"history|neo ?adj\w*|prior|previous"
_NOT_TREATMENT = (
    r"response|outcome|\bto\b|days|date|month|year|start|end|reason|number|dose|cycle|intent|ongoing|site|line|"
    r"receptor|hormone (status|receptor)|menopaus|replacement"
)
RESPONSES = r"\bpcr\b|response|\brcb\b|residual (disease|cancer)|pathologic\w* (complete|resp)|\brd\b"
_TREATED = (
    r"yes|y|1|true|t|treated|given|received|administered|done|chemo\w*|ct|tamoxifen|tam|trastuzumab|active|\+"
)
_UNTREATED = (
    r"no|n|0|false|f|none|untreated|control|not (treated|given|received|done)|without|"
    r"placebo|observation|surgery only|"
    r"no .*|without .*|-|standard( of care)?|no$"
)
_RESPONDED = (
    r"1|yes|y|true|t|p ?cr|cr|ypt0.*|responder|response|responsive|"
    r"complete( response)?|(patholog\w+ )?complete response|rcb[- ]?(0|pcr)"
)
_NOT_RESPONDED = (
    r"0|no|n|false|f|rd|non?[- ]?p?cr|no p?cr|npcr|non[- ]?respon\w*|no response|"
    r"residual( disease)?|partial( response)?|"
    r"(stable|progressive) disease|sd|pd|rcb[- ]?(1|2|3|i{1,3})|incomplete|not p?cr|less than pcr"
)


def find_treatment(draft: Draft) -> dict[str, Any] | None:
    """Return the treatment role: chemotherapy before an arm, hormones and others; both arms must be there."""
    usable: dict[str, dict[str, list[str]]] = {}
    for column in draft.ranked(TREATMENTS, _NOT_TREATMENT):
        found = _two_classes(draft, column, ("treated", "control"), (_TREATED, _UNTREATED))
        if matches(column, _BEFORE):
            found = "it tells of treatment before the sample was taken; cohort.drop leaves such patients out"
        if isinstance(found, dict):
            usable[column] = found
        elif found:
            draft.pass_over(column, found)
    complete = {column: draft.completeness(column) for column in usable}
    for column, share in complete.items():
        if share < 0.5:
            draft.pass_over(column, f"it is recorded for {share:.0%} of the rows only")
    good = [c for c in usable if complete[c] >= 0.5 and not _is_radiation(c)]
    for column in usable:
        if _is_radiation(column) and complete[column] >= 0.5:
            draft.pass_over(
                column, "radiotherapy is local; declare it as roles.treatment if it is what you compare"
            )
    if not good:
        return None
    column = good[0]
    for other in good[1:]:
        draft.pass_over(other, f"one treatment is compared, and that is '{column}'")
    if good[1:]:
        draft.remark("roles.treatment.column", f"It could also be {', '.join(repr(o) for o in good[1:])}.")
    draft.remark("roles.treatment.randomized", "Taken as not randomized: set it to true if chance decided.")
    return _used(draft, column, "treatment", usable[column])


def _is_radiation(column: str) -> bool:
    return matches(column, TREATMENTS[-1])


def find_response(draft: Draft) -> dict[str, Any] | None:
    """Return the response role."""
    usable: dict[str, dict[str, list[str]]] = {}
    for column in draft.named(RESPONSES, r"days|date|prior|history|immune|\bgene\b|measure"):
        if from_expression(column):
            draft.pass_over(column, "it seems to be predicted from expression, not observed")
            continue
        found = _two_classes(
            draft, column, ("responder", "non_responder"), (_RESPONDED, _NOT_RESPONDED), strict=True
        )
        if isinstance(found, dict):
            usable[column] = found
        elif found:
            draft.pass_over(column, found)
    if not usable:
        return None
    column = max(usable, key=draft.completeness)
    others = [name for name in usable if name != column]
    for other in others:
        draft.pass_over(other, f"the response is in '{column}'")
    if others:
        draft.remark("roles.response.column", f"It could also be {', '.join(repr(o) for o in others)}.")
    return _used(draft, column, "response", usable[column])


def _used(draft: Draft, column: str, role: str, lists: dict[str, list[str]]) -> dict[str, Any]:
    draft.use(column, role)
    remark = lists.pop("remark", [])
    for text in remark:
        draft.remark(f"roles.{role}.column", text)
    return {"column": column} | lists


def _two_classes(
    draft: Draft, column: str, labels: tuple[str, str], patterns: tuple[str, str], strict: bool = False
) -> dict[str, list[str]] | str:
    """Return the values of two classes and missing ones, why they are not known, or nothing to say."""
    values = draft.present(column)
    distinct = sorted(values.unique())
    if not distinct or len(distinct) > 12:
        return f"it has {len(distinct)} different values" if distinct else "it has no values"
    if set(distinct) == {"1", "2"}:
        return f"what the codes {counted(values, distinct)} mean is not known"
    text = {
        value: re.sub(r"(?<=\d)\.0+$", "", re.sub(r"[_\s]+", " ", value.strip().lower()))
        for value in distinct
    }
    first = [v for v in distinct if re.fullmatch(patterns[0], text[v])]
    second = [v for v in distinct if v not in first and re.fullmatch(patterns[1], text[v])]
    odd = [v for v in distinct if v not in first and v not in second]
    named = [v for v in odd if not re.fullmatch(UNKNOWN, text[v])]
    remark = []
    if second and named and not first and not strict:  # none, CMF, FAC: whoever got something was treated
        first, odd = named, [v for v in odd if v not in named]
        remark.append(f"{counted(values, first)} count as treated.")
    if not first and not second:
        return "" if len(distinct) < 2 else f"which of {counted(values, distinct)} is which is not known"
    if not few_enough(values, odd):
        return f"what {counted(values, odd)} mean is not known"
    if not first or not second:
        return f"all are {counted(values, first or second)}"
    smaller = min(int(values.isin(first).sum()), int(values.isin(second).sum()))
    if smaller < min(5, 0.1 * len(values)):
        return f"only {smaller} of {len(values)} are in the smaller class"
    if odd:
        remark.append(
            f"Left out as missing: {counted(values, odd)}; move a value to its list if it is known."
        )
    lists = {labels[0]: first, labels[1]: second, "missing_values": odd}
    return lists | ({"remark": remark} if remark else {})


def find_intrinsic(draft: Draft) -> dict[str, Any] | None:
    """Return the recorded intrinsic subtypes."""
    names = []
    for column in draft.named(r"pam ?50|intrinsic|subtype"):
        values = draft.present(column)
        if len({pam50_name(value) for value in values} - {""}) < 3:
            continue
        if matches(column, r"genefu|\bpred|derived"):
            draft.pass_over(column, "another tool called it from this expression")
        else:
            names.append(column)
    if not names:
        return None
    column = max(names, key=draft.completeness)
    for other in names:
        if other != column:
            draft.pass_over(other, f"the intrinsic subtypes are in '{column}'")
    if len(names) > 1:
        listed = ", ".join(repr(name) for name in names if name != column)
        draft.remark("roles.intrinsic.column", f"It could also be {listed}.")
    values = draft.present(column)
    odd = sorted({v for v in values if re.fullmatch(UNKNOWN, v.lower())})
    draft.use(column, "intrinsic subtypes")
    return {"column": column, "missing_values": odd}
