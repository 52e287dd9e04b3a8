"""What would stop a later step is found before the first, all of it together."""

from __future__ import annotations

import re

import numpy as np
import pytest

from precisionmed import tl
from precisionmed.config import parse_config
from precisionmed.datasets import simulate
from precisionmed.errors import CombinedInputError, InputError
from precisionmed.estimators.normalize import MedianOfRatios

COHORT = {"expression": ["a.tsv"]}


@pytest.fixture
def cohort():
    return simulate(n_samples=60, n_genes=200, n_batches=2, seed=1)


def settings(**sections):
    return parse_config({"cohort": COHORT, **sections})


def test_a_sound_cohort_passes(cohort):
    assert tl.check(cohort, settings(), external={"other": cohort.copy()}) is None


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"normalize": {"method": "none"}}, "normalize.method 'none' would leave"),
        ({"batch": {"method": "combat", "covariates": ["stge"]}}, "there is no clinical column 'stge'"),
        ({"batch": {"method": "combat", "reference": "B9"}}, "there is no batch 'B9'"),
        ({"subtypes": {"known_classes": ["cluster"]}}, "there is no clinical column 'cluster'"),
        ({"biomarkers": {"endpoints": ["dfs"]}}, "'dfs' is not declared"),
        ({"biomarkers": {"drug_targets": "none.tsv"}}, "no such table of drug targets"),
        ({"subtypes": {"gene_sets": "none.gmt"}}, "none.gmt"),
    ],
)
def test_each_fault_is_named(cohort, sections, message):
    with pytest.raises(InputError, match=re.escape(message)):
        tl.check(cohort, settings(**sections))


def test_external_cohorts_must_fit(cohort):
    other = cohort.copy()
    other.uns["precisionmed"]["ingest"]["params"]["scale"] = "log2"
    few = cohort[:, :30].copy()
    with pytest.raises(CombinedInputError) as error:
        tl.check(cohort, settings(), external={"scaled": other, "panel": few})
    assert len(error.value.messages) == 2
    assert "'scaled' is on the scale 'log2', the training cohort on 'counts'" in error.value.messages[0]
    assert "'panel' measures 15% of the 200 training genes" in error.value.messages[1]


def test_all_findings_come_together(cohort):
    asked = settings(
        normalize={"method": "none"},
        batch={"method": "combat", "reference": "B9"},
        biomarkers={"endpoints": ["dfs"]},
    )
    with pytest.raises(CombinedInputError) as error:
        tl.check(cohort, asked)
    assert len(error.value.messages) == 3
    assert not any("\n" in message for message in error.value.messages)


@pytest.mark.parametrize("method", ["median_of_ratios", "vst"])
def test_size_factors_need_a_gene_found_in_every_sample(cohort, method):
    assert tl.check(cohort, settings(normalize={"method": method})) is None
    zeros = cohort.copy()
    zeros.X[np.arange(zeros.n_vars) % zeros.n_obs, np.arange(zeros.n_vars)] = 0
    with pytest.raises(InputError, match=r"every gene has a zero .*normalize\.method: tmm"):
        tl.check(zeros, settings(normalize={"method": method}))
    assert tl.check(zeros, settings(normalize={"method": "tmm"})) is None
    with pytest.raises(InputError, match="every gene has a zero"):
        MedianOfRatios().fit(zeros.X)
