"""The choice of k, its reasons, and what other rules would choose."""

from __future__ import annotations

import numpy as np
import pytest

from precisionmed.estimators import _consensus_choice as choice


def _scores(silhouette, sizeable, p=None, **others):
    n = len(silhouette)
    found = {"k": np.arange(2, 2 + n), "silhouette": np.array(silhouette), "sizeable": np.array(sizeable)}
    same = ("pac", "cophenetic", "concordance", "jaccard", "delta_area")
    found |= dict.fromkeys(same, np.full(n, 0.2)) | {
        name: np.array(values) for name, values in others.items()
    }
    found["stability"] = 1 - found["pac"]
    if p is not None:
        found |= {"null_pac": np.full(n, 0.5), "relative_pac": found["pac"] / 0.5, "p_family": np.array(p)}
    return found


def test_a_k_must_add_a_subtype_of_some_size():
    k, evidence, reason = choice.choose_k(_scores([0.7, 0.90, 0.90, 0.89, 0.95], [2, 3, 3, 4, 4]), min_size=6)
    assert k == 5, "the largest that adds one and is nearly as clear as the clearest of these"
    assert evidence is None
    assert "1 of the 5 clusters has fewer than 6 samples" in reason
    assert "4 subtypes are left" in reason
    assert "not compared" in reason


def test_subtypes_inside_a_coarse_division_count_when_they_rise_again():
    p = [0.01] * 5
    assert choice.choose_k(_scores([0.98, 0.92, 0.85, 0.93, 0.82], [2, 3, 4, 5, 6], p), min_size=6)[0] == 5
    assert choice.choose_k(_scores([1.00, 0.96, 0.90, 0.85, 0.82], [2, 3, 4, 5, 6], p), min_size=6)[0] == 2
    assert choice.choose_k(_scores([1.00, 0.90, 0.93, 0.85, 0.82], [2, 3, 4, 5, 6], p), min_size=6)[0] == 2


def test_a_split_of_outliers_does_not_rise_again():
    scores = _scores([0.90, 0.94, 0.99, 0.92, 0.96], [2, 3, 4, 4, 5], [0.01] * 5)
    assert choice.choose_k(scores, min_size=6)[0] == 4


def test_outliers_are_no_subtypes():
    for p in ([0.01, 0.01], None):
        k, evidence, reason = choice.choose_k(_scores([1.0, 1.0], [1, 1], p), min_size=6)
        assert (k, evidence) == (2, False)
        assert reason.startswith("No subtypes: no k tried gives a second subtype of at least 6 samples")


def test_only_what_beats_the_null_is_evidence():
    k, evidence, reason = choice.choose_k(_scores([0.9, 0.8, 0.8], [2, 3, 4], [0.2, 0.01, 0.3]), min_size=6)
    assert (k, evidence) == (3, True)
    assert reason.startswith("k = 3: PAC is 0.20 against 0.50")
    k, evidence, reason = choice.choose_k(_scores([0.8, 0.9, 0.8], [2, 3, 4], [0.2, 0.06, 0.3]), min_size=6)
    assert (k, evidence) == (3, False)
    assert reason.startswith("No subtypes: ")
    assert "continuum" in reason
    # A k without ambiguity cannot be more stable than the null; another k is the evidence.
    perfect = _scores([1.0, 0.8, 0.7], [2, 3, 4], [0.2, 0.01, 0.3], pac=[0.0, 0.2, 0.3])
    assert choice.choose_k(perfect, min_size=6)[:2] == (2, True)


def test_the_largest_k_tried_is_pointed_out():
    _, _, reason = choice.choose_k(_scores([0.7, 0.8], [2, 3], [0.01, 0.01]), min_size=6)
    assert reason.endswith("there may be more.")


def test_each_rule_votes_as_published():
    found = _scores(
        [0.9, 0.8, 0.7, 0.6],
        [2, 3, 4, 5],
        [0.5, 0.01, 0.01, 0.2],
        pac=[0.30, 0.05, 0.08, 0.02],
        cophenetic=[0.8, 0.9, 0.9, 0.85],
        delta_area=[0.5, 0.4, 0.05, 0.4],
        jaccard=[0.5, 0.6, 0.7, 0.97],
    )
    expected = {"pac": 5, "delta_area": 3, "silhouette": 2, "cophenetic": 3, "cola": 4, "relative_pac": 3}
    assert choice.votes(found) == expected
    found["p_family"][:] = 0.06
    assert choice.votes(found)["relative_pac"] == 1
    del found["p_family"]
    assert "relative_pac" not in choice.votes(found)


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
    found = _scores(best_at_four, [2, 3, 4], pac=pac, jaccard=jaccard, concordance=best_at_four)
    assert choice.votes(found)["cola"] == k
