from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.estimators.combat_seq import ComBatSeq
from precisionmed.io.codec import decode, encode

REFERENCE = Path(__file__).parents[1] / "reference" / "batch"


def golden(name: str) -> pd.DataFrame:
    """Read a table of R's (genes x samples) as samples x genes."""
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0).T


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return golden("counts")


@pytest.fixture(scope="module")
def samples() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "counts_samples.csv", index_col=0)


@pytest.mark.parametrize(
    ("settings", "covariates", "batch", "name"),
    [
        ({}, None, "batch", "plain"),
        ({}, ["er"], "batch", "group"),
        ({}, ["er", "age"], "batch", "covariates"),
        ({}, ["age"], "batch", "age"),
        ({}, ["er", "age"], "small", "small"),
        ({"shrink": True}, None, "batch", "shrink"),
        ({"shrink": True, "shrink_dispersion": True}, ["er"], "batch", "shrink_dispersion"),
    ],
)
def test_equals_sva(counts, samples, settings, covariates, batch, name):
    given = None if covariates is None else samples[covariates]
    ours = ComBatSeq(**settings).fit(counts, samples[batch], given).transform(counts, samples[batch], given)
    theirs = golden(f"seq_{name}")
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("columns", [None, ["er", "age"]])
def test_one_sample_is_its_row_among_many_bit_for_bit(counts, samples, columns):
    given = None if columns is None else samples[columns]
    model = ComBatSeq().fit(counts, samples["batch"], given)
    for known in (None, given):
        many = model.transform(counts, samples["batch"], known)
        for row in (0, 11, 23):
            one = slice(row, row + 1)
            own = None if known is None else known.iloc[one]
            alone = model.transform(counts.iloc[one], samples["batch"].iloc[one], own)
            np.testing.assert_array_equal(alone[0], many[row])


def test_survives_being_locked(counts, samples):
    model = ComBatSeq().fit(counts, samples["batch"], samples[["er"]])
    again = decode(encode(model))
    np.testing.assert_array_equal(
        again.transform(counts, samples["batch"]), model.transform(counts, samples["batch"])
    )


def test_brings_new_samples_of_a_known_batch_to_the_common_level():
    generator = np.random.default_rng(0)
    batch = np.repeat(["a", "b"], 60)
    mean = generator.uniform(20, 200, 100) * np.where(batch[:, None] == "b", 3.0, 1.0)
    mean[:, 50:] /= np.where(batch[:, None] == "b", 9.0, 1.0)
    counts = generator.negative_binomial(5, 5 / (5 + mean)).astype(float)
    train = np.arange(120) % 2 == 0
    model = ComBatSeq().fit(counts[train], batch[train])
    new, labels = counts[~train], batch[~train]
    after = model.transform(new, labels)
    assert (after == np.floor(after)).all() and (after >= 0).all()

    def ratio(values):
        rate = values / values.sum(axis=1, keepdims=True)
        return np.log(rate[labels == "b"].mean(axis=0) / rate[labels == "a"].mean(axis=0))

    assert np.abs(ratio(new)).mean() > 0.8 and np.abs(ratio(after)).mean() < 0.2


def test_genes_absent_from_a_batch_stay_as_they_are(counts, samples):
    model = ComBatSeq().fit(counts, samples["batch"])
    np.testing.assert_array_equal(np.flatnonzero(~model.adjusted_)[:2], [4, 5])
    after = model.transform(counts, samples["batch"])
    np.testing.assert_array_equal(after[:, ~model.adjusted_], counts.to_numpy()[:, ~model.adjusted_])


def test_unknown_batches(counts, samples):
    model = ComBatSeq().fit(counts, samples["batch"])
    with pytest.raises(InputError, match=r"not in training: batch z \(sample 's01'\)"):
        model.transform(counts.iloc[:1], ["z"])
    model.set_params(unknown="none")
    with pytest.warns(PrecisionMedWarning, match="not batch corrected"):
        np.testing.assert_array_equal(model.transform(counts.iloc[:1], ["z"]), counts.iloc[:1])


def test_the_users_mistakes(counts, samples):
    batch = samples["batch"]
    with pytest.raises(InputError, match="sample 's01' has values that are no counts"):
        ComBatSeq().fit(counts / 2 + 0.1, batch)
    with pytest.raises(InputError, match="sample 's01' has values that are no counts"):
        ComBatSeq().fit(-counts, batch)
    with pytest.raises(InputError, match="sample 's03' has missing counts"):
        ComBatSeq().fit(counts.astype(float).drop("s03").reindex(counts.index), batch)
    with pytest.raises(InputError, match="two samples of every batch at least: d"):
        ComBatSeq().fit(counts, batch.where(counts.index != "s01", "d"))
    with pytest.raises(InputError, match="at least two batches"):
        ComBatSeq().fit(counts, ["a"] * len(counts))
    with pytest.raises(InputError, match="covariate 'site' is confounded with the batch"):
        ComBatSeq().fit(counts, batch, pd.DataFrame({"site": (batch == "a").map({True: "x", False: "y"})}))
    with pytest.raises(InputError, match="genes with counts in every batch; there is none"):
        ComBatSeq().fit(counts * 0, batch)
    gone = counts.copy()
    gone.loc["s02"] = 0
    with pytest.raises(InputError, match="sample 's02' has no counts"):
        ComBatSeq().fit(gone, batch)
