"""How many subtypes there are, and why that number."""

from __future__ import annotations

from typing import Any

from precisionmed import pl
from precisionmed.report._format import count, p_text
from precisionmed.report._page import Block, Page, Run

LEVEL = 0.05
_SCORES = ["k", "pac", "null_pac", "p", "silhouette", "cophenetic", "delta_area", "chosen"]


def descriptive(found: dict[str, Any]) -> bool:
    """Say whether the groups only describe: no evidence of subtypes, or something else explains them."""
    return "stopped" in found or ("evidence" in found and not bool(found["evidence"]))


def family_p(found: dict[str, Any]) -> float:
    """Return the p of the chosen number of subtypes, corrected for all numbers tried; NaN without one."""
    scores = found.get("k_scores")
    if scores is None or "p_family" not in scores:
        return float("nan")
    chosen = scores.loc[scores["chosen"].astype(bool), "p_family"]
    return float(chosen.iloc[0]) if len(chosen) else float("nan")


def verdict(run: Run, found: dict[str, Any], page: Page) -> None:
    """Say in the first line how many subtypes there are, and on what evidence."""
    if "subtype" not in run.adata.obs:
        return
    k, p, reason = run.adata.obs["subtype"].nunique(), family_p(found), str(found.get("reason", ""))
    tested = f"{p_text(p)}, corrected for all numbers tried"
    kind, lead = "verdict", f"{count(k, 'group')}; whether they are more than chance was not tested."
    if "stopped" in found:
        kind, lead = "no verdict", f"No subtypes are announced. {found['stopped']}"
        reason = f"{found['remedy']} {reason} The {count(k, 'group')} below only describe this cohort."
    elif descriptive(found):
        kind, lead = (
            "no verdict",
            "No subtypes: no number of them is more stable than without any.",
        )
        if reason.startswith("No subtypes"):
            lead, _, reason = reason.partition(". ")
            lead = f"{lead.rstrip('.')}."
        if k > 1:
            reason += f" The {k} groups below only describe this cohort; do not expect to find them again."
    elif p <= LEVEL:
        lead = f"{count(k, 'subtype')}: more stable than in cohorts without subtypes ({tested})."
    elif p > LEVEL:
        kind = "no verdict"
        lead = f"{count(k, 'group')}: not clearly more stable than in cohorts without subtypes ({tested})."
    page.blocks.append(Block(kind, lead, [reason.strip()]))


def why(run: Run, found: dict[str, Any], page: Page) -> None:
    """Show what speaks for this number: stability against cohorts without subtypes, and the rules' votes."""
    page.heading("Why no subtypes" if descriptive(found) else "Why this number")
    with page.pair():
        page.figure(
            "k_scores",
            lambda: pl.subtypes.k_scores(run.adata),
            f"How many pairs of samples are neither clearly together nor clearly apart (PAC, n = "
            f"{run.adata.n_obs:,}; lower is more stable), against cohorts with the same correlation between "
            "genes but no subtypes (grey). A line below the grey band speaks for subtypes; p is given under "
            "each number.",
            "Proportion of ambiguous pairs by number of subtypes, with the band of cohorts without subtypes.",
        )
        if "votes" in found:
            page.figure(
                "votes",
                lambda: pl.subtypes.votes(run.adata),
                "The number that each rule votes for (dot), with the value of its index for every number. "
                "Votes inform; the answer (shaded) follows from the test above.",
                "Table of rules by number of subtypes, votes marked.",
            )
    page.table(("subtypes", "votes"), found.get("votes"), "What each rule votes for, and why.")
    _scores(run, found, page)


def _scores(run: Run, found: dict[str, Any], page: Page) -> None:
    with page.pair():
        page.figure(
            "cdf",
            lambda: pl.subtypes.cdf(run.adata),
            "Distribution of consensus values for each number of subtypes. A flat middle means few "
            "ambiguous pairs; the chosen number is the thick line.",
            "Cumulative consensus curves, one for each number of subtypes.",
        )
        page.figure(
            "delta_area",
            lambda: pl.subtypes.delta_area(run.adata),
            "By how much one more subtype raises the area under that distribution. Where the line has "
            "levelled off, further subtypes add little.",
            "Relative gain in area by number of subtypes.",
        )
    scores = found.get("k_scores")
    if scores is not None:
        shown = scores[[c for c in _SCORES if c in scores]]
        page.table(("subtypes", "k_scores"), shown, "Stability by number of subtypes.")
