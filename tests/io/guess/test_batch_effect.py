"""The look at whether samples separate by batch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.io._guess import choose_batch, guess_cohort
from precisionmed.io._guess._batch_effect import propose_correction

N = 48
NOTHING = {
    "endpoints": {},
    "receptors": {},
    "treatment": None,
    "response": None,
    "intrinsic": None,
    "batch": "plate",
}
ER = {"receptors": {"er": {"column": "er", "positive": ["P"], "negative": ["N"]}}}


def cohort(shift=0.0, er_shift=0.0, confounded=False, seed=0, scale="counts"):
    rng = np.random.default_rng(seed)
    batch = np.repeat(["a", "b"], N // 2)
    er = np.where(batch == "a", "P", "N") if confounded else rng.choice(["P", "N"], N, p=[0.7, 0.3])
    log = rng.normal(6, 1, (300, 1)) + rng.normal(0, 0.5, (300, N))
    log[:90] += shift * (batch == "b") * rng.normal(0, 1, (90, 1))
    log[90:150] += er_shift * (er == "P")
    values = pd.DataFrame(rng.poisson(2**log) if scale == "counts" else log)
    return values, pd.DataFrame({"plate": batch, "er": er})


@pytest.mark.parametrize("scale", ["counts", "log2", "log_ratio"])
@pytest.mark.parametrize("seed", range(3))
def test_combat_is_proposed_where_batches_separate_and_only_there(scale, seed):
    values, clinical = cohort(shift=1.0, er_shift=1.0, seed=seed, scale=scale)
    method, why = propose_correction(values, scale, clinical, NOTHING | ER)
    assert method == "combat"
    assert "Samples separate by 'plate'" in why
    values, clinical = cohort(er_shift=1.0, seed=seed, scale=scale)
    method, why = propose_correction(values, scale, clinical, NOTHING | ER)
    assert method == "none"
    assert "no correction is proposed" in why


def test_batches_of_unlike_patients_are_not_taken_for_a_batch_effect():
    values, clinical = cohort(er_shift=2.0, scale="log2")
    rng = np.random.default_rng(3)
    clinical["plate"] = np.where(rng.random(N) < np.where(clinical["er"] == "P", 0.85, 0.15), "a", "b")
    assert propose_correction(values, "log2", clinical, NOTHING | ER)[0] == "none"


def test_what_cannot_be_corrected_is_not_proposed():
    values, clinical = cohort(shift=1.5, confounded=True)
    method, why = propose_correction(values, "counts", clinical, NOTHING)
    assert method == "combat"
    method, why = propose_correction(values, "counts", clinical, NOTHING | ER)
    assert method == "none"
    values, clinical = cohort(shift=1.5)
    clinical.loc[0, "plate"] = ""
    method, why = propose_correction(values, "counts", clinical, NOTHING)
    assert (method, "1 samples have no batch" in why) == ("none", True)
    clinical.loc[0, "plate"] = "alone"
    method, why = propose_correction(values, "counts", clinical, NOTHING)
    assert (method, "alone has fewer than 3" in why) == ("none", True)


def test_the_same_answer_for_any_order_of_genes_and_missing_values():
    values, clinical = cohort(shift=1.0, scale="log2")
    first = propose_correction(values, "log2", clinical, NOTHING)
    assert propose_correction(values.iloc[::-1], "log2", clinical, NOTHING) == first
    values.iloc[5, 3] = np.nan
    assert propose_correction(values, "log2", clinical, NOTHING)[0] == "combat"


def test_few_samples_say_nothing():
    values, clinical = cohort()
    assert "Too few" in propose_correction(values.iloc[:, :4], "counts", clinical.iloc[:4], NOTHING)[1]


@pytest.mark.parametrize("separating", ["plate", "site", "neither", "both"])
@pytest.mark.parametrize("seed", range(3))
def test_the_batch_is_the_column_by_which_samples_separate(separating, seed):
    """The plate is named more like a batch; the site is taken only where the plate says nothing."""
    values, clinical = cohort(shift=0.0 if separating == "neither" else 1.0, seed=seed)
    rng = np.random.default_rng(seed)
    true, other = clinical.pop("plate"), rng.permutation(np.repeat(["x", "y"], N // 2))
    clinical["plate"] = true if separating in ("plate", "both") else other
    clinical["site"] = true if separating in ("site", "both") else other[::-1]
    proposal = guess_cohort(clinical)
    method, why = choose_batch(values, "counts", clinical, proposal)
    batch = "site" if separating == "site" else "plate"
    assert method == ("none" if separating == "neither" else "combat")
    assert proposal.cohort["roles"]["batch"] == batch
    assert proposal.roles[batch] == "batch"
    assert f"'{batch}'" in why
    if separating == "site":
        assert proposal.reasons["plate"] == "samples separate by 'site' and not by this column"
        assert "site" not in proposal.reasons
