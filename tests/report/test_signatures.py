"""The section of biomarkers begins with what a signature is worth, and says when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest

from precisionmed.config import RunConfig
from precisionmed.report._page import Book, Page, Run
from precisionmed.report.sections import biomarkers, summary
from precisionmed.report.sections._signature_verdict import against, verdict

from .._fabricated import cohort


@pytest.fixture
def adata() -> ad.AnnData:
    return cohort()


@pytest.fixture
def task(adata: ad.AnnData) -> dict[str, Any]:
    return adata.uns["precisionmed"]["biomarkers"]["er"]


def _page(adata: ad.AnnData, config: RunConfig, folder: Path) -> tuple[Run, Page]:
    run, page = Run(adata, config, {}, None, folder, {}), Page(Book(folder), "biomarkers", "Biomarkers")
    biomarkers.fill(run, page)
    return run, page


def test_a_signature_that_beats_everything(task: dict[str, Any]) -> None:
    kind, lead, rest = verdict(task, "ER-positive")
    assert kind == "verdict"
    assert lead == (
        "Signature of 6 genes for ER-positive: better than the best single gene, the clinical variables "
        "alone and random signatures of its size."
    )
    assert rest.replace("\u00a0", " ") == (
        "AUC 0.85 (95% CI 0.75 to 0.95) in samples not used for learning. Difference in AUC: +0.10 (95% CI "
        "0.02 to 0.18; p = 0.014) against the best single gene; +0.15 (95% CI 0.05 to 0.25; p = 0.003) "
        "against the clinical variables alone. It is better than all 100 signatures of as many random "
        "genes (p = 0.010). Added to the clinical variables it improves them: +0.17 (95% CI 0.06 to 0.28; "
        "p = 0.002)."
    )


def test_a_signature_that_one_gene_can_replace(task: dict[str, Any]) -> None:
    task["comparisons"].loc[0, ["difference", "lower", "upper", "p"]] = [-0.01, -0.05, 0.03, 0.6]
    task["comparisons"].loc[1, "difference"] *= -1
    kind, lead, rest = verdict(task, "ER-positive")
    assert kind == "no verdict"
    assert lead.endswith(
        "better than random signatures of its size, but not clearly better than the best single gene and "
        "worse than the clinical variables alone."
    )
    assert "−0.01 (95%\u00a0CI −0.05 to\u00a00.03; p\u00a0=\u00a00.60) against the best single gene" in rest


@pytest.mark.parametrize("p", [0.2, float("nan")])
def test_no_evidence_is_no_win(task: dict[str, Any], p: float) -> None:
    task["comparisons"]["p"] = p
    task["random_p"] = 0.4
    wins, phrase = against(task)
    assert not wins
    assert phrase == (
        "not clearly better than the best single gene, the clinical variables alone or random signatures of "
        "its size"
    )
    assert "does not clearly improve" in verdict(task, "ER")[2]


def test_chance_is_said_before_any_comparison(task: dict[str, Any]) -> None:
    task["performance"].loc[0, "lower"] = 0.45
    assert against(task) == (False, "not clearly better than chance")


def test_without_rivals_nothing_is_claimed(task: dict[str, Any]) -> None:
    for key in ("comparisons", "random_signatures", "random_p", "random_percentile"):
        del task[key]
    kind, lead, rest = verdict(task, "ER")
    assert kind == "no verdict"
    assert lead.endswith("whether it beats simpler models was not tested.")
    assert rest.startswith("AUC 0.85")


def test_everything_is_shown_in_this_order(adata: ad.AnnData, config: RunConfig, tmp_path: Path) -> None:
    run, page = _page(adata, config, tmp_path)
    headings = [block.text for block in page.blocks if block.kind == "heading"]
    parts = [
        "how sure are the genes",
        "against simpler models",
        "every gene alone",
        "how the genes were chosen",
        "scoring by hand",
    ]
    assert headings == [
        line
        for name in ("ER status", "Overall survival")
        for line in (name, *(f"{name}: {p}" for p in parts))
    ]
    assert page.blocks[2].kind == "verdict"
    assert not [block.text for block in page.blocks if block.kind == "quiet"]
    said = "\n".join(block.text for block in page.blocks if block.kind == "text")
    assert (
        "10 genes (ERBB2, GRB7, ESR1, PGR, XIST, GENE0, GENE1, GENE2, GENE3 and GENE4) beat made-up" in said
    )
    assert "at most 0.9 false ones are expected" in said
    assert "score = 0.52 x ERBB2" in said
    assert (
        "The smallest panel within one standard error of the best size has 3 genes: ERBB2, GRB7 and ESR1."
        in said
    )
    finding = dict(summary._signatures(run))["Signature for ER status"]
    assert finding.startswith("6 genes alone, without clinical variables: AUC 0.85")
    assert finding.endswith("; better than the best single gene, the clinical variables alone and random "
                            "signatures of its size.")  # fmt: skip


def test_an_empty_signature_still_has_genes_alone(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    task = adata.uns["precisionmed"]["biomarkers"]["er"]
    task["signature"] = task["signature"].iloc[:0]
    for key in ("nomogram", "nomogram_total", "random_signatures", "random_p", "random_percentile"):
        del task[key]
    task["decoy_genes"] = np.array([], dtype=object)
    task["stability"]["selected"] = False
    run, page = _page(adata, config, tmp_path)
    block = page.blocks[2]
    assert (block.kind, block.text) == (
        "no verdict",
        "No signature for ER status.",
    )
    alone = int((task["screen"]["fdr"] < 0.05).sum())
    told = (
        f"The LASSO kept no gene; tested one by one, {alone} of 80 are associated at a false discovery "
        "rate of 5%."
    )
    assert block.items[0].startswith(told)
    finding = dict(summary._signatures(run))["Signature for ER status"]
    assert finding.startswith(f"{told[0].lower()}{told[1:]}")
    assert "AUC" not in finding
    assert "p\u00a0" not in finding
    said = "\n".join(block.text for block in page.blocks if block.kind == "text")
    assert "No gene came up early in at least 75% of random halves" in said
    assert "that takes at least 10 genes that beat theirs" in said
    assert not [block.text for block in page.blocks if block.kind == "quiet"]
    drawn = {path.stem for path in (tmp_path / "figures").glob("biomarkers_er_*.png")}
    shown = {"stability", "decoys", "performance", "volcano", "univariate", "cv_curve", "path", "panel"}
    assert drawn == {f"biomarkers_er_{name}" for name in shown}


def test_a_run_without_the_extras_is_shown_without_them(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    steps = adata.uns["precisionmed"]["biomarkers"]
    kept = {"kind", "label", "n", "n_events", "signature", "cv_curve", "path", "performance", "predictions"}
    for name in ("er", "os"):
        steps[name] = {key: value for key, value in steps[name].items() if key in kept}
    _, page = _page(adata, config, tmp_path)
    assert not [block.text for block in page.blocks if block.kind == "quiet"]
    headings = [block.text for block in page.blocks if block.kind == "heading"]
    assert headings[:3] == [
        "ER status",
        "ER status: against simpler models",
        "ER status: how the genes were chosen",
    ]


def test_each_number_of_survival_names_its_model_and_the_locked_one(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    found = adata.uns["precisionmed"]["survival"]["os"]
    run = Run(adata, config, {}, None, tmp_path, {})
    said = dict(summary._survival(run))["Survival (OS)"].replace("\u00a0", " ")
    assert said.startswith(
        "28 events in 60 patients; out-of-fold C-index of clinical variables alone 0.61 (95% CI 0.50 to 0.72)"
    )
    assert "genes alone (locked) 0.66" in said
    assert said.endswith("high-risk and low-risk groups differ (p = 0.005, outcomes permuted).")
    found["concordance"].loc[1, "lower"] = 0.45
    said = dict(summary._survival(run))["Survival (OS)"].replace("\u00a0", " ")
    assert "genes alone (locked, but gives no call: not better than chance) 0.66" in said
    assert "groups do not differ clearly (p = 0.005" in said
    del found["logrank"]
    assert "differ" not in dict(summary._survival(run))["Survival (OS)"]


def test_a_model_of_no_genes_has_no_number(adata: ad.AnnData, config: RunConfig, tmp_path: Path) -> None:
    table = adata.uns["precisionmed"]["survival"]["os"]["concordance"]
    table.loc[1, ["estimate", "lower", "upper"]] = np.nan
    said = dict(summary._survival(Run(adata, config, {}, None, tmp_path, {})))["Survival (OS)"]
    assert "not measured (the LASSO kept no gene)" in said
    assert "do not differ clearly" in said
