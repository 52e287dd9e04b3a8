"""Clinical covariates that a breast cancer study records: which of them a Cox model should have."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io._guess._draft import UNKNOWN, Draft, counted, few_enough, from_expression, matches
from precisionmed.io._numbers import read_numbers
from precisionmed.io._typed import typed
from precisionmed.io._units import ends_in_unit

_LEAST_RECORDED = 0.5


@dataclass(frozen=True)
class Covariate:
    """A covariate: what its columns are called and what they hold."""

    name: str
    pattern: str
    but_not: str = "$^"
    numeric: bool = False
    holds: str = ".*"
    """What a value looks like (lower case), where it is no number."""
    impossible: Callable[[float], bool] = lambda _: False
    """Numbers that stand for a missing one."""


_STAGE_NAMES = r"stage|staging|ajcc"
_TNM = r"(ajcc |path\w* |clin\w* |tumou?r |p|c|yp|pathology |figo )*"
COVARIATES = (
    Covariate(
        "age",
        r"\bage\b|\bage(dx|diag\w*)\b",
        r"group|class|categ|\bmenarche|first|"
        r"stage|bin\b|range|menopaus|last|death|birth of|partner|gestation",
        numeric=True,
        impossible=lambda x: x < 0 or 120 < x < 3650 or x > 45000,
    ),
    Covariate(
        "grade",
        r"\bgrad(e|ing)\b|\b(nhg|sbr)\b|bloom|elston|nottingham grade",
        r"nuclear|mitotic|tubule|"
        r"prognostic|toxicity|differentiation score",
        holds=r"(grade|g|nhg|sbr|bre)?[ _-]*([1-4x]|i{1,3}|iv)(\.0)?( .*)?|(well|"
        r"moderate\w*|poor\w*|intermediate|low|high|un)[ -]*(ly)?[ -]*(differentiated|diff)?.*",
        impossible=lambda x: not 1 <= x <= 3,
    ),
    Covariate(
        "stage",
        rf"\b{_STAGE_NAMES}\b",
        r"\b[tnm]\b|\b[pc][tnm]\b|edition|version|"
        r"system|menopaus|clinical trial|size",
        holds=r"(stage|st)?[ _-]*([0-4x]|iv|i{1,3})[ _-]*[a-d]?[0-3]?(\.0)?|early|"
        r"late|localized|regional|distant|is|tis",
    ),
    Covariate(
        "size",
        r"\bsize\b|\bdiam\w*|largest dimension|longest dimension",
        r"sample|library|household|shoe|family|cluster|class|categ|"
        r"group|body|set|lymph|node|metast|effect|window|bin\b|section|slide",
        numeric=True,
        impossible=lambda x: x >= 888 or x < 0,
    ),
    Covariate(
        "nodes",
        r"nod(e|al)s?\b|\bln\b|lymphnode|\bposnodes?\b|\bnpos\b",
        r"examin\w*(?!.*pos)|removed|dissect|sentinel|ratio|method|ihc|"
        r"count examined|tumou?r|procedure|total|n stage|ajcc|presentation|indicator",
        holds=r"(n|pn|cn)?[ _-]*[0-3x]?[a-c]?(\.0)?|(node )?(neg\w*|pos\w*)|yes|no|y|"
        r"n|\+|-|involved|not involved|n\+|n-|n0|true|false",
        impossible=lambda x: x >= 90 or x < 0,
    ),
    Covariate(
        "T",
        rf"^{_TNM}(t|ct|pt|t stage|t status|stage t|tumou?r stage t|"
        rf"primary tumou?r|t category)$|\b(p|c|clin)?[ ]?t stage$|path\w* t\b|\bajcc.*\bt$|"
        rf"\b(stage|status|category) [pc]?t$|\bclin t\b",
        holds=r"y?[pc]?t?[ _-]*([0-4x]|is)(\.0)?[a-d]?\w{0,3}( .*)?",
    ),
    Covariate(
        "N",
        rf"^{_TNM}(n|cn|pn|n stage|n status|stage n|n category)$|\b(p|c|"
        rf"clin)?[ ]?n stage$|path\w* n\b|\bajcc.*\bn$|\b(stage|status|category) [pc]?n$|\bclin n\b",
        holds=r"y?[pc]?n?[ _-]*[0-3x](\.0)?[a-d]?(mi)?( .*)?|pos\w*|neg\w*",
    ),
    Covariate(
        "M",
        rf"^{_TNM}(m|cm|pm|m stage|m status|stage m|m category)$|\b(p|c|"
        rf"clin)?[ ]?m stage$|path\w* m\b|\bajcc.*\bm$|\b(stage|status|category) [pc]?m$",
        holds=r"[pc]?m?[ _-]*[01x](\.0)?[a-d]?( .*)?",
    ),
    Covariate("menopause", r"menopaus\w*", r"\bage\b|date|year"),
    Covariate("LVI", r"\blvi\b|(lympho ?)?vascular invasion|angioinv\w*|lymphatic invasion"),
    Covariate(
        "Ki-67",
        r"\bki ?67\b|\bmki67\b|"
        r"\bmib ?1\b",
        numeric=True,
        impossible=lambda x: x > 100 or x < 0,
    ),
    Covariate("NPI", r"nottingham prognostic|\bnpi\b", numeric=True),
    Covariate("histology", r"histolog\w* ?(type|subtype)?$|histtype|\bhisto\b|morphology"),
)
"""The first column of each that holds what it should is the one."""
_OPTIONAL = {
    "LVI": "add it to covariates if it belongs there",
    "Ki-67": "add it to covariates if it was measured (IHC)",
    "NPI": "it is made of size, grade and nodes",
    "histology": "add it to covariates if it belongs there",
}


def find_covariates(draft: Draft) -> list[str]:
    """Return age, grade, stage, size and nodes; T, N, M and menopausal state where these are not there."""
    best: dict[str, str] = {}
    for kind in COVARIATES:
        for column in draft.named(kind.pattern, kind.but_not):
            if column in draft.roles:
                continue
            problem = _problem(draft, column, kind, best)
            if problem:
                draft.pass_over(column, problem)
            else:
                best[kind.name] = column
    for name in ("size", "T"):  # a category of the size, where the size itself or the stage is there
        first = best.get("size" if name == "T" else "", best.get("stage") if name == "T" else None)
        _give_way(draft, best, name, first)
    if "N" in best and "nodes" in best and draft.present(best["nodes"]).nunique() <= 2:
        _give_way(draft, best, "nodes", best["N"])  # negative and positive, where N is there
    else:
        _give_way(draft, best, "N", best.get("nodes", best.get("stage")))
    _give_way(draft, best, "M", best.get("stage"))
    if "menopause" in best and "age" in best:
        draft.pass_over(best.pop("menopause"), f"it goes with '{best['age']}'")
    for name, column in best.items():
        _blank_odd(draft, column, next(kind for kind in COVARIATES if kind.name == name))
        draft.use(column, f"covariate ({name})")
    return list(best.values())


def _give_way(draft: Draft, best: dict[str, str], name: str, to: str | None) -> None:
    if to is not None and name in best and best[name] != to:
        draft.pass_over(best.pop(name), f"it goes into '{to}'")


def _problem(draft: Draft, column: str, kind: Covariate, best: dict[str, str]) -> str | None:
    """Return why a column does not become this covariate."""
    values = draft.present(column)
    share = draft.completeness(column)
    if from_expression(column):
        return "it is inferred or derived, not recorded"
    if not len(values):
        return "it has no values"
    if share < _LEAST_RECORDED:
        return f"it is recorded for {share:.0%} of the rows only"
    if values.nunique() < 2:
        return "it has one value only"
    if kind.name in best:
        return f"{kind.name} is '{best[kind.name]}'"
    found = read_numbers(draft.clinical[column])
    numeric = len(found.numbers.dropna()) >= 0.5 * len(values)
    if kind.numeric and not numeric:
        mixed = found.numbers.notna().any() and any(ends_in_unit(value) for value in values.unique())
        return "some of its values have a unit and others none" if mixed else "its values are no numbers"
    odd = _odd(values, found.numbers, kind, numeric)
    odd = odd + _unreadable(values, odd)
    if not few_enough(values, odd) and not (numeric and kind.name == "grade"):
        return f"what {counted(values, odd)} mean is not known"
    if kind.name in _OPTIONAL:
        return _OPTIONAL[kind.name]
    return None


def _odd(values: pd.Series, numbers: pd.Series, kind: Covariate, numeric: bool) -> list[str]:
    """Return the values that are not what the covariate holds."""
    if numeric:
        known = numbers.reindex(values.index)
        odd = known.isna() | known.map(lambda x: bool(kind.impossible(x)))
        return sorted(values[odd.to_numpy()].unique())
    if kind.holds == ".*":
        return sorted(v for v in values.unique() if re.fullmatch(UNKNOWN, v.lower()))
    return sorted(v for v in values.unique() if not re.fullmatch(kind.holds, v.lower()))


def _blank_odd(draft: Draft, column: str, kind: Covariate) -> None:
    values = draft.present(column)
    found = read_numbers(draft.clinical[column])
    numeric = len(found.numbers.dropna()) >= 0.5 * len(values)
    odd = _odd(values, found.numbers, kind, numeric)
    draft.leave_out(column, odd + _unreadable(values, odd), "roles.covariates")
    for rule in found.rules if found.unit else ():
        draft.remark("roles.covariates", f"'{column}' is read {rule}.")
    if kind.name == "age" and numeric and found.numbers.median() > 120:
        draft.remark("roles.covariates", f"'{column}' seems to be in days.")


def _unreadable(values: pd.Series, odd: list[str]) -> list[str]:
    """Return further values, the rarest first, without which the column can be read as a covariate."""
    left = values[~values.isin(odd)]
    rarest = list(left.value_counts(ascending=True, sort=True).index)
    blanked: list[str] = []
    while not _reads(left[~left.isin(blanked)]) and rarest:
        blanked.append(rarest.pop(0))
    needed = [v for v in blanked if not _reads(left[~left.isin([other for other in blanked if other != v])])]
    return sorted(needed if _reads(left[~left.isin(needed)]) else blanked)


def _reads(values: pd.Series) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PrecisionMedWarning)
            typed(values, "cohort.roles.covariates", "", [], None)
    except InputError:
        return False
    return True


def looks_like_covariate(column: str) -> str:
    """Return which covariate a name speaks of, or nothing."""
    found = (
        kind.name
        for kind in COVARIATES
        if matches(column, kind.pattern) and not matches(column, kind.but_not)
    )
    return next(found, "")
