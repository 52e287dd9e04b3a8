"""Helpers for messages."""

from __future__ import annotations

import pytest

from precisionmed.errors import PrecisionMedWarning, first_few, nearest, warn


def test_nearest_offers_close_names_else_all_when_few():
    assert nearest("er_statsu", ["er_status", "age"]) == " Did you mean 'er_status'?"
    assert nearest("zzz", ["er_status", "age"]) == " There are: er_status, age."
    assert nearest("zzz", [f"column{i}" for i in range(50)]) == ""


@pytest.mark.parametrize(
    ("word", "options", "best"),
    [
        (
            "OS months",
            ["Comments", "Overall Survival (Months)", "OS Status", "Months"],
            "Overall Survival (Months)",
        ),
        ("Overall Survival (Months)", ["os_status", "osMonths", "rfs_months"], "osMonths"),
        (
            "rfs_event",
            ["Relapse Free Status", "Event of relapse-free survival", "Reference"],
            "Event of relapse",
        ),
        ("DMFS time", ["Distant Metastasis Free Survival Time", "DFS time", "Timer"], "Distant Metastasis"),
        ("Age", ["stage", "Age at Dx", "grade", "Agent"], "Age at Dx"),
        ("sex", ["set", "Gender", "six"], "Gender"),
        ("sample_colum", ["sample_column", "scale", "name"], "sample_column"),
    ],
)
def test_nearest_knows_words_and_abbreviations(word, options, best):
    for listed in (options, options[::-1]):
        assert nearest(word, listed).startswith(
            f" Did you mean {best!r}"[: len(" Did you mean '") + len(best)]
        )


def test_nearest_offers_nothing_far_away():
    assert nearest("OS months", ["Comments", *(f"x{i}" for i in range(20))]) == ""
    assert nearest("", ["a", "b"]) == " There are: a, b."


def test_first_few_counts_the_rest():
    assert first_few(["a", "b"]) == "a, b"
    assert first_few("abcdefg") == "a, b, c, d, e (+2 more)"


def test_warn_keeps_the_sentence():
    notes: list[str] = []
    with pytest.warns(PrecisionMedWarning, match="odd"):
        warn("odd", notes)
    assert notes == ["odd"]
