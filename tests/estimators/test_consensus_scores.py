"""Scores of a consensus, and the choice of k."""

from __future__ import annotations

import numpy as np
import pytest

from precisionmed.estimators import _consensus_scores as scores


def test_pac_of_known_consensus():
    consensus = np.eye(4)
    pairs = {(0, 1): 0.05, (0, 2): 0.1, (0, 3): 0.5, (1, 2): 0.9, (1, 3): 0.91, (2, 3): 1.0}
    for (i, j), value in pairs.items():
        consensus[i, j] = consensus[j, i] = value
    assert scores.ambiguous_fraction(scores.distribution(consensus)) == pytest.approx(2 / 6)


def test_a_k_must_add_a_subtype_of_some_size():
    found = {
        "k": np.array([2, 3, 4, 5, 6]),
        "pac": np.array([0.20, 0.04, 0.06, 0.05, 0.01]),
        "sizeable": np.array([2, 3, 3, 4, 4]),
    }
    k, reason = scores.choose_k(found, min_size=6)
    assert k == 5, "the largest that adds one and is nearly as stable as the most stable of these"
    assert "1 subtype has fewer than 6 samples" in reason
    found["sizeable"][:] = 1
    k, reason = scores.choose_k(found, min_size=6)
    assert k == 2
    assert reason.startswith("No k tried gives a second subtype")
