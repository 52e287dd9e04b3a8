"""The page is whole, stands alone, and is the same every time."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.config import RunConfig
from precisionmed.report import build

from .._fabricated import called_in, cohort, external

VOID = {"meta", "link", "img", "br", "hr", "input"}


class _Page(HTMLParser):
    """Collect elements with their attributes, and check that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def text(full: Path) -> str:
    return full.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> _Page:
    return _Page(text)


def test_is_well_formed_and_every_link_leads_somewhere(page: _Page, full: Path) -> None:
    assert page.open == []
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        target = link["href"] or ""
        assert target[1:] in ids if target.startswith("#") else (full.parent / target).is_file(), target


def test_every_figure_has_a_number_a_caption_and_an_alternative(page: _Page, text: str) -> None:
    images = page.all("img")
    assert len(images) > 35
    assert len(images) == len(page.all("figure")) == len(page.all("figcaption"))
    assert all(image["alt"] and image["width"] and image["height"] for image in images)
    numbers = [int(n) for n in re.findall(r"<b>Figure (\d+)\.</b>", text)]
    assert numbers == list(range(1, len(images) + 1))
    assert "Figure not shown" not in text


def test_needs_nothing_but_itself(page: _Page, text: str) -> None:
    assert not re.search(r"(?:https?:)?//[\w.-]+\.\w+", re.sub(r"data:image/[^\"]+", "", text))
    assert all((image["src"] or "").startswith("data:image/") for image in page.all("img"))
    assert not any("src" in script for script in page.all("script"))
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    assert "default-src 'none'" in text


def test_words_from_the_user_are_escaped(text: str) -> None:
    assert "A &lt;made up&gt; report" in text
    assert "<made up>" not in text


def test_notes_cautions_and_expression_derived_labels_are_visible(text: str) -> None:
    assert "2 samples have no clinical row and were left out: X1, X2" in text
    assert "label &#39;her2&#39; was skipped" in text
    assert "HER2 labels are expression-derived, not from pathology" in text
    assert "Treatment was not randomized" in text
    assert "Clinical columns that look like follow-up are not used: “relapse”." in text
    assert "no column with the time that goes with it was found" in text
    assert "In 1 sample expression disagrees with the recorded sex" in text
    assert text.count('class="derived"') > 10


def test_numbers_read_as_in_journals(text: str) -> None:
    assert "AUC 0.85 (95%\u00a0CI 0.75 to\u00a00.95)" in text
    assert "groups differ (p\u00a0=\u00a00.005, outcomes permuted)" in text
    assert "4e−4" in text


def test_methods_cite_what_is_listed(text: str) -> None:
    assert "Robinson MD, Oshlack A." in text
    assert "Monti S, Tamayo P" in text
    assert "doi:10.1186/gb-2010-11-3-r25" in text
    assert "Parker JS" not in text


def test_every_stored_table_lies_beside_the_page(full: Path) -> None:
    steps = cohort().uns["precisionmed"]
    found = pd.read_csv(full.parent / "tables" / "survival_os_cox.csv")
    pd.testing.assert_frame_equal(found, steps["survival"]["os"]["cox"])
    names = {path.name for path in (full.parent / "tables").iterdir()}
    assert {
        "qc_rle.csv",
        "biomarkers_er_path.csv",
        "validate_elsewhere_performance.csv",
        "lock_calls.csv",
    } <= names
    values = pd.read_csv(full.parent / "tables" / "receptors_values.csv")
    assert values.columns[0] == "sample"
    assert values["sample"].iloc[0] == "T000"


def test_figures_lie_beside_the_page_as_png_and_svg(full: Path, page: _Page) -> None:
    figures = full.parent / "figures"
    vector = {path.stem for path in figures.glob("*.svg")}
    assert vector == {path.stem for path in figures.glob("*.png")}
    assert len(vector) == len(page.all("img"))
    assert {"qc_pca", "survival_os_risk_group", "biomarkers_er_signature"} <= vector


def test_same_inputs_same_bytes_but_time_and_durations(full: Path, config: RunConfig, tmp_path: Path) -> None:
    again = build(cohort(), tmp_path, config=config, validations={"elsewhere": external()})
    first, second = (_without_clock(path.read_text(encoding="utf-8")) for path in (full, again))
    assert first == second
    assert full.read_text(encoding="utf-8") != again.read_text(encoding="utf-8")
    for path in sorted(tmp_path.glob("*/*")):
        assert path.read_bytes() == (full.parent / path.relative_to(tmp_path)).read_bytes(), path.name
    assert list(tmp_path.rglob(".*")) == []


def _without_clock(text: str) -> str:
    text, times = re.subn(r'(<time id="time-stamp">)[^<]*', r"\1", text)
    text, durations = re.subn(r'(<div id="durations">).*?(</div>\n)', r"\1\2", text, flags=re.DOTALL)
    assert (times, durations) == (1, 1)
    return text


def test_a_cohort_in_which_nothing_could_be_called_has_no_headline(config: RunConfig, tmp_path: Path) -> None:
    """How many were called comes first, then the cause and what helps; no AUC of what was not called."""
    elsewhere = external()
    elsewhere.uns["precisionmed"]["validate"]["called"] = called_in(385, 0)
    text = build(cohort(), tmp_path, config=config, validations={"elsewhere": elsewhere}).read_text()
    said = re.search(r"called, each sample alone: [^<]*", text)
    assert said is not None
    assert said[0].startswith("called, each sample alone: ER 0 of 385; HER2 0 of 385; OS 0 of 385.")
    assert "values unlike those of training (platform, preparation or tissue)" in said[0]
    assert "What helps: centre the whole cohort." in said[0]
    assert "AUC" not in said[0]
    assert "0.80" not in said[0]
    calls = pd.read_csv(tmp_path / "tables" / "lock_calls.csv").set_index("call")
    assert calls.loc["HER2 status", "elsewhere"] == "0 of 385 called"
    assert "few can be called in elsewhere" in calls.loc["HER2 status", "use"]
    assert "validate_elsewhere_performance" not in {p.stem for p in (tmp_path / "figures").iterdir()}


def test_a_classifier_by_chance_is_not_announced(config: RunConfig, tmp_path: Path) -> None:
    adata = cohort()
    performance = adata.uns["precisionmed"]["classify"]["her2"]["performance"]
    performance.loc[0, ["estimate", "lower", "upper"]] = 0.6, 0.48, 0.72
    text = build(adata, tmp_path, config=config, validations={}).read_text()
    assert "Not better than chance in samples not used for learning (AUC 0.60" in text
    assert "HER2: not better than chance within this cohort" in text
    calls = pd.read_csv(tmp_path / "tables" / "lock_calls.csv").set_index("call")
    assert calls.loc["HER2 status", "use"] == "do not use: not better than chance"


def test_calls_are_counted_and_the_paired_interval_decides(text: str) -> None:
    assert "54 of 60 could be called, sensitivity 80% (20 of 25), specificity 86% (25 of 29)" in text
    assert "not clearly better than ERBB2 alone (difference 0.03" in text
    assert "In elsewhere, 25 of 28 called samples are high for OS, 50% in training" in text


def test_a_cohort_with_hardly_anything_says_why(config: RunConfig, tmp_path: Path) -> None:
    bare = ad.AnnData(np.ones((4, 3)), uns={"precisionmed": {}})
    text = build(bare, tmp_path, config=config).read_text(encoding="utf-8")
    assert _Page(text).open == []
    for line in (
        "Quality control was not run.",
        "No external cohort was given",
        "No model was locked in this run.",
        "No signature was learned",
        "Nothing was learned that a model could call.",
    ):
        assert line in text


def test_missing_pieces_are_told_and_an_empty_signature_is_no_error(
    config: RunConfig, tmp_path: Path
) -> None:
    adata = cohort()
    steps = adata.uns["precisionmed"]
    steps["biomarkers"]["er"]["signature"] = steps["biomarkers"]["er"]["signature"].iloc[:0]
    for step in ("survival", "classify", "receptors", "response", "subtypes"):
        del steps[step]
    del adata.obsp["consensus"]
    del steps["qc"]["pca_variance"]
    text = build(adata, tmp_path, config=config).read_text(encoding="utf-8")
    assert "The LASSO kept no gene; tested one by one," in text
    assert "Figure not shown (first two principal components" in text


def test_subtypes_that_another_cohort_does_not_confirm_are_not_for_use_alone(
    config: RunConfig, tmp_path: Path
) -> None:
    elsewhere = external()
    found = elsewhere.uns["precisionmed"]["validate"]
    found["replication_confirmed"] = False
    found["replication_verdict"] = "The subtypes are not confirmed here: hardly any agreement."
    text = build(cohort(), tmp_path, config=config, validations={"elsewhere": elsewhere}).read_text()
    first = text[: text.index("What the locked model can call")]
    assert "The subtypes are not confirmed here: hardly any agreement." in first
    assert "In elsewhere, the subtypes are not confirmed" in first
    calls = pd.read_csv(tmp_path / "tables" / "lock_calls.csv").set_index("call")
    assert calls.loc["Molecular subtype", "use"] == "with care: not confirmed in elsewhere"


def test_a_call_that_is_worse_elsewhere_is_used_with_care(config: RunConfig, tmp_path: Path) -> None:
    adata = cohort()
    performance = adata.uns["precisionmed"]["classify"]["her2"]["performance"]
    performance.loc[0, ["estimate", "lower", "upper"]] = 0.99, 0.97, 1.0
    build(adata, tmp_path, config=config, validations={"elsewhere": external()})
    calls = pd.read_csv(tmp_path / "tables" / "lock_calls.csv").set_index("call")
    assert "worse in elsewhere" in calls.loc["HER2 status", "use"]
