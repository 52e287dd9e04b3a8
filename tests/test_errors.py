"""Helpers for messages."""

from __future__ import annotations

import pytest

from precisionmed.errors import PrecisionMedWarning, first_few, nearest, warn


def test_nearest_offers_close_names_else_all_when_few():
    assert nearest("er_statsu", ["er_status", "age"]) == " Did you mean 'er_status'?"
    assert nearest("zzz", ["er_status", "age"]) == " There are: er_status, age."
    assert nearest("zzz", [f"column{i}" for i in range(50)]) == ""


def test_first_few_counts_the_rest():
    assert first_few(["a", "b"]) == "a, b"
    assert first_few("abcdefg") == "a, b, c, d, e (+2 more)"


def test_warn_keeps_the_sentence():
    notes: list[str] = []
    with pytest.warns(PrecisionMedWarning, match="odd"):
        warn("odd", notes)
    assert notes == ["odd"]
