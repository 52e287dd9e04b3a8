"""Is a signature worth having: what it beats, what it does not, and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from precisionmed.io._evidence import reaches_chance
from precisionmed.report._calls import main_row
from precisionmed.report._format import ci_text, count, join, p_text, words

LEVEL = 0.05
_RIVALS = {"best single gene": "the best single gene", "clinical only": "the clinical variables alone"}
_RANDOM = "random signatures of its size"


def own_row(found: dict[str, Any]) -> dict[str, Any] | None:
    """Return the main performance of the signature itself, None when it was not measured."""
    table = found.get("performance")
    if table is None or table.empty:
        return None
    return main_row(table[table["model"].astype(str) == "signature"])


def against(found: dict[str, Any]) -> tuple[bool, str]:
    """Say what the signature is better than: whether it beats all it was compared with, and a phrase."""
    row = own_row(found)
    if row is not None and np.isfinite(row["lower"]) and reaches_chance(row["lower"]):
        return False, "not clearly better than chance"
    better, open_, worse = _sorted(found)
    parts = []
    if better:
        parts.append(f"better than {join(better)}")
    if open_:
        parts.append(f"not clearly better than {_either(open_)}")
    if worse:
        parts.append(f"worse than {join(worse)}")
    if not parts:
        return False, "whether it beats simpler models was not tested"
    return not (open_ or worse), ", but ".join([parts[0], " and ".join(parts[1:])] if parts[1:] else parts)


def verdict(found: dict[str, Any], label: str) -> tuple[str, str, str]:
    """Return the kind of block, the verdict in one plain sentence, and the numbers behind it."""
    genes = len(found["signature"])
    if not genes:
        none = empty(found)
        said = f"{none[:1].upper()}{none[1:]} What simpler models say is shown below."
        return "no verdict", f"No signature for {label}.", said
    wins, phrase = against(found)
    numbers = [f"{_measured(found)} in samples not used for learning.", *_differences(found)]
    lead = f"Signature of {count(genes, 'gene')} for {label}: {phrase}."
    return "verdict" if wins else "no verdict", lead, " ".join(numbers)


def empty(found: dict[str, Any]) -> str:
    """Say that no gene was kept, and how many genes are associated alone: they may be many all the same."""
    kept, screen = "the LASSO kept no gene", found.get("screen")
    if screen is None or screen.empty:
        return f"{kept}."
    clear = int((screen["fdr"] < LEVEL).sum())
    share = f"{clear or 'none'} of {len(screen):,} {'is' if clear < 2 else 'are'} associated"
    return f"{kept}; tested one by one, {share} at a false discovery rate of {LEVEL:.0%}."


def _measured(found: dict[str, Any]) -> str:
    row = own_row(found)
    if row is None:
        return "Performance could not be measured"
    return f"{words(row['metric'])} {ci_text(row['estimate'], row['lower'], row['upper'])}"


def _pairs(found: dict[str, Any], model: str) -> pd.DataFrame:
    """Return what `model` was compared with, on the main metric."""
    table = found.get("comparisons")
    if table is None or table.empty:
        return pd.DataFrame(columns=["against", "difference", "lower", "upper", "p"])
    return table[(table["model"].astype(str) == model) & (table["metric"] == table["metric"].iloc[0])]


def _sorted(found: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Return the rivals that the signature beats, those it does not clearly beat, those that beat it."""
    better: list[str] = []
    open_: list[str] = []
    worse: list[str] = []
    for _, row in _pairs(found, "signature").iterrows():
        name = _named(row["against"])
        if not row["p"] <= LEVEL:
            open_.append(name)
        else:
            (better if row["difference"] > 0 else worse).append(name)
    if "random_p" in found:
        (better if float(found["random_p"]) <= LEVEL else open_).append(_RANDOM)
    return better, open_, worse


def _differences(found: dict[str, Any]) -> list[str]:
    sentences, pairs = [], _pairs(found, "signature")
    if len(pairs):
        said = [f"{_gap(row)} against {_named(row['against'])}" for _, row in pairs.iterrows()]
        sentences.append(f"Difference in {words(pairs['metric'].iloc[0])}: {'; '.join(said)}.")
    if "random_percentile" in found and "random_signatures" in found:
        n, share = len(found["random_signatures"]), float(found["random_percentile"])
        which = f"all {n:,}" if share >= 100 else f"{share:.0f}% of {n:,}"
        sentences.append(
            f"It is better than {which} signatures of as many random genes "
            f"({p_text(float(found['random_p']))})."
        )
    for _, row in _pairs(found, "signature + clinical").iterrows():
        if str(row["against"]) == "clinical only":
            clear = row["p"] <= LEVEL and row["difference"] > 0
            verb = "improves" if clear else "does not clearly improve"
            sentences.append(f"Added to the clinical variables it {verb} them: {_gap(row)}.")
    return sentences


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _named(rival: object) -> str:
    return _RIVALS.get(str(rival), words(rival))


def _gap(row: pd.Series) -> str:
    sign = "+" if row["difference"] >= 0 else ""
    text = ci_text(row["difference"], row["lower"], row["upper"]).replace("-", "−")
    return f"{sign}{text[:-1]}; {p_text(float(row['p']))})" if text.endswith(")") else f"{sign}{text}"
