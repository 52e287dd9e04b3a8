"""Performance by group on the page: shown where it was audited, first of all where groups differ."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from precisionmed import pl
from precisionmed.errors import InputError
from precisionmed.estimators.group_audit import audit
from precisionmed.report import build
from precisionmed.tl._groups import settle

from .._fabricated import cohort, external


def table(skill: float) -> pd.DataFrame:
    """Return an audit of 300 samples, of which 60 of group B are ranked with `skill`."""
    rng = np.random.default_rng(0)
    groups = pd.Series(["A"] * 215 + ["B"] * 60 + ["C"] * 15 + [None] * 10)
    truth = rng.integers(0, 2, 300)
    score = 2 * truth * np.where(groups == "B", skill, 1.0) + rng.normal(size=300)
    call = np.where(score > 1.5, "positive", np.where(score < 0.5, "negative", "cannot call"))
    found = audit(truth, groups, score, call=call)
    found.insert(0, "column", "race")
    return settle([found])[0].rename(index=str)


def report(folder, config, skill: float | None) -> tuple[str, object]:
    adata, other = cohort(), external()
    if skill is not None:
        adata.uns["precisionmed"]["classify"]["her2"]["groups"] = table(skill)
        outside = table(skill)
        outside.insert(0, "task", "her2")
        other.uns["precisionmed"]["validate"]["groups"] = outside
    page = build(adata, folder, config=config, validations={"elsewhere": other})
    return re.sub(r"<[^>]+>", " ", page.read_text()), adata


def test_a_gap_is_on_the_first_page(tmp_path, config):
    page, adata = report(tmp_path, config, 0.0)
    first = page[page.index("Read with care") : page.index("What the locked model can call")]
    assert "not the same in all groups" in first
    assert re.search(r"AUC in race B is 0\.\d\d, 0\.\d\d \(0\.\d\d to 0\.\d\d\) below the rest", first)
    assert "her2 in elsewhere" in first.lower()
    stored = adata.uns["precisionmed"]["classify"]["her2"]["groups"]
    assert f"corrected for {stored['comparisons'].iloc[0]} comparisons" in first
    assert "Too few to show: race C (15)" in page
    assert "Not recorded: race (10)" in page
    assert (tmp_path / "tables" / "classify_her2_groups.csv").exists()
    assert (tmp_path / "figures" / "classify_her2_groups_classifier_by_group.png").exists() or list(
        (tmp_path / "figures").glob("classify_her2*by_group.png")
    )


def test_no_gap_no_caution_and_no_groups_no_word(tmp_path, config):
    same, _ = report(tmp_path / "same", config, 1.0)
    assert "not the same in all groups" not in same
    assert "by group" in same
    none, _ = report(tmp_path / "none", config, None)
    assert "by group" not in none


def test_figure_draws_the_groups_that_are_large_enough():
    adata = cohort()
    adata.uns["precisionmed"]["classify"]["her2"]["groups"] = table(1.0)
    ax = pl.groups.performance(adata, "classify", "her2")
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert [label.split(" (")[0] for label in labels] == ["race: A", "race: B"]
    small = table(1.0).query("status != 'shown'")
    adata.uns["precisionmed"]["classify"]["her2"]["groups"] = small
    with pytest.raises(InputError, match="large enough"):
        pl.groups.performance(adata, "classify", "her2")
