"""The section of subtypes begins with its verdict, and calls groups without evidence what they are."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import pytest

from precisionmed.config import RunConfig
from precisionmed.report._page import Book, Page, Run
from precisionmed.report.sections import _how_many, subtypes, summary
from precisionmed.report.sections._cautions import cautions

from .._fabricated import cohort


@pytest.fixture
def adata() -> ad.AnnData:
    return cohort()


def _run(adata: ad.AnnData, config: RunConfig, folder: Path) -> Run:
    return Run(adata, config, {}, None, folder, {})


def _verdict(adata: ad.AnnData, config: RunConfig, folder: Path) -> tuple[str, str]:
    page = Page(Book(folder), "subtypes", "Subtypes")
    _how_many.verdict(_run(adata, config, folder), adata.uns["precisionmed"]["subtypes"], page)
    block = page.blocks[0]
    return block.kind, f"{block.text} {block.items[0]}"


def test_evidence_is_the_first_thing_said(adata: ad.AnnData, config: RunConfig, tmp_path: Path) -> None:
    kind, said = _verdict(adata, config, tmp_path)
    assert kind == "verdict"
    assert said.startswith("3 subtypes: more stable than in cohorts without subtypes (p\u00a0=\u00a00.020")
    assert said.endswith("k = 3 has the lowest PAC.")
    finding = summary._subtypes(_run(adata, config, tmp_path))[0][1]
    assert "More stable than in cohorts without subtypes (p\u00a0=\u00a00.020)" in finding
    assert finding.endswith("% of the samples lie clearly in their subtype, the others between two.")


def test_without_evidence_everything_is_called_descriptive(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    found = adata.uns["precisionmed"]["subtypes"]
    found["evidence"] = False
    found["reason"] = "No subtypes: no number was more stable. k = 3 is the least ambiguous."
    kind, said = _verdict(adata, config, tmp_path)
    assert kind == "no verdict"
    assert said == (
        "No subtypes: no number was more stable. k = 3 is the least ambiguous. The 3 groups below only "
        "describe this cohort; do not expect to find them again."
    )
    page = Page(Book(tmp_path), "subtypes", "Subtypes")
    subtypes.fill(_run(adata, config, tmp_path), page)
    assert page.blocks[0].kind == "no verdict"
    assert [block.text for block in page.blocks if block.kind == "heading"] == [
        "Why no subtypes",
        "Who is in them (descriptive)",
        "What they are (descriptive)",
        "Beside known classes (descriptive)",
        "Intrinsic subtypes",
    ]
    assert not [block.text for block in page.blocks if block.kind == "quiet"]
    lead, finding = summary._subtypes(_run(adata, config, tmp_path))[0]
    assert lead == "Subtypes"
    assert finding.startswith("no subtypes: ")
    assert ("none", "molecular subtypes") in summary._tiles(_run(adata, config, tmp_path))


def test_groups_that_follow_a_batch_are_not_announced(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    found = adata.uns["precisionmed"]["subtypes"]
    found["stopped"] = "These groups follow 'plate' (Cramér's V 0.76); not announced as molecular subtypes."
    found["remedy"] = "Correct it (batch.method: combat)."
    kind, said = _verdict(adata, config, tmp_path)
    assert kind == "no verdict"
    assert said.startswith("No subtypes are announced. These groups follow 'plate' (Cramér's V 0.76)")
    assert "batch.method: combat" in said
    run = _run(adata, config, tmp_path)
    finding = summary._subtypes(run)[0][1]
    assert (
        finding.startswith("none are announced. These groups follow 'plate'") and "fall into" not in finding
    )
    assert ("none", "molecular subtypes") in summary._tiles(run)
    assert any("follow 'plate'" in said and "combat" in said for said in cautions(run))


def test_a_number_that_was_asked_for_is_not_sold_as_found(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    scores = adata.uns["precisionmed"]["subtypes"]["k_scores"]
    scores["chosen"] = scores["k"] == 5
    kind, said = _verdict(adata, config, tmp_path)
    assert kind == "no verdict"
    assert "not clearly more stable than in cohorts without subtypes (p\u00a0=\u00a00.12" in said
    assert "Not clearly more stable" in summary._subtypes(_run(adata, config, tmp_path))[0][1]


def test_without_a_null_the_groups_were_not_tested(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    found = adata.uns["precisionmed"]["subtypes"]
    del found["evidence"]
    found["k_scores"] = found["k_scores"].drop(columns=["p", "p_family", "null_pac"])
    assert (
        "3 groups; whether they are more than chance was not tested." in _verdict(adata, config, tmp_path)[1]
    )


def test_core_samples_are_counted(adata: ad.AnnData) -> None:
    core = adata.obs.loc[adata.obs["subtype"] == "S1", "subtype_core"]
    said = subtypes._sizes(adata.obs)
    assert said.startswith(f"S1: {len(core)} samples, {int(core.sum())} core; S2: ")


def test_survival_by_subtype_is_referred_to_not_drawn_again(
    adata: ad.AnnData, config: RunConfig, tmp_path: Path
) -> None:
    tests = adata.uns["precisionmed"]["survival"]["os"]["logrank"]
    assert subtypes._survival(_run(adata, config, tmp_path)) == ""
    tests["grouping"] = "subtype"
    said = subtypes._survival(_run(adata, config, tmp_path))
    assert said == (
        "Survival by subtype: OS log-rank p\u00a0=\u00a00.005 (adjusted by Holm for the groupings tested). "
        "The curves are in the section Survival."
    )
