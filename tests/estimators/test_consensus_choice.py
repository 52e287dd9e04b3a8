"""The choice of k, its reasons, and what other rules would choose."""

from __future__ import annotations

import numpy as np
import pytest

from precisionmed.estimators import _consensus_choice as choice


def _scores(pac, sizeable, p=None, **others):
    pac = np.array(pac)
    found = {
        "k": np.arange(2, 2 + len(pac)),
        "pac": pac,
        "stability": 1 - pac,
        "sizeable": np.array(sizeable),
    }
    if p is not None:
        null = np.full(len(pac), 0.5)
        found |= {"null_pac": null, "relative_pac": pac / null, "p_family": np.array(p)}
    flat = np.full(len(pac), 0.5)
    found |= dict.fromkeys(("silhouette", "cophenetic", "concordance", "jaccard", "delta_area"), flat)
    return found | {name: np.array(values) for name, values in others.items()}


def test_a_k_must_add_a_subtype_of_some_size():
    found = _scores([0.20, 0.04, 0.06, 0.05, 0.01], [2, 3, 3, 4, 4])
    k, evidence, reason = choice.choose_k(found, min_size=6)
    assert k == 5, "the largest that adds one and is nearly as stable as the most stable of these"
    assert evidence is None
    assert "1 subtype has fewer than 6 samples" in reason
    assert "not compared" in reason


def test_outliers_are_no_subtypes():
    k, evidence, reason = choice.choose_k(_scores([0.0, 0.0], [1, 1], p=[0.01, 0.01]), min_size=6)
    assert (k, evidence) == (2, False)
    assert reason.startswith("No subtypes: no k tried gives a second subtype of at least 6 samples")


def test_only_what_beats_the_null_is_evidence():
    k, evidence, reason = choice.choose_k(
        _scores([0.3, 0.2, 0.22], [2, 3, 4], p=[0.2, 0.01, 0.3]), min_size=6
    )
    assert (k, evidence) == (3, True)
    assert reason.startswith("k = 3: PAC is 0.20 against 0.50")
    k, evidence, reason = choice.choose_k(_scores([0.3, 0.2, 0.4], [2, 3, 4], p=[0.2, 0.06, 0.3]), min_size=6)
    assert (k, evidence) == (3, False)
    assert reason.startswith("No subtypes: ")
    assert "continuum" in reason


def test_the_largest_k_tried_is_pointed_out():
    _, _, reason = choice.choose_k(_scores([0.3, 0.2], [2, 3], p=[0.01, 0.01]), min_size=6)
    assert reason.endswith("there may be more.")


def test_each_rule_votes_as_published():
    found = _scores(
        [0.30, 0.05, 0.08, 0.02],
        [2, 3, 4, 5],
        silhouette=[0.9, 0.8, 0.7, 0.6],
        cophenetic=[0.8, 0.9, 0.9, 0.85],
        delta_area=[0.5, 0.3, 0.05, 0.2],
        jaccard=[0.5, 0.6, 0.7, 0.97],
    )
    voted = choice.votes(found)
    assert voted == {"pac": 5, "delta_area": 3, "silhouette": 2, "cophenetic": 3, "cola": 4}


@pytest.mark.parametrize(
    ("pac", "jaccard", "k"),
    [
        ([0.05, 0.05, 0.05], [0.5, 0.7, 0.96], 3),  # the last is redundant, the largest stable one is taken
        ([0.30, 0.20, 0.25], [0.5, 0.7, 0.7], 4),  # none is stable: two of three indices favour k = 4
        ([0.05, 0.05, 0.05], [0.96, 0.97, 0.99], 1),  # all redundant
    ],
)
def test_colas_rule(pac, jaccard, k):
    best_at_four = [0.5, 0.6, 0.7]
    found = _scores(pac, [2, 3, 4], jaccard=jaccard, silhouette=best_at_four, concordance=best_at_four)
    assert choice.votes(found)["cola"] == k
