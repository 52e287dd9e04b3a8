from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.estimators.remove_batch_effect import remove_batch_effect

REFERENCE = Path(__file__).parents[1] / "reference" / "batch"


def golden(name: str) -> pd.DataFrame:
    """Read a table of R's (genes x samples) as samples x genes."""
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0).T


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    gaps = golden("values")
    gaps.iloc[2, 1] = np.nan
    gaps.iloc[[0, 11, 19], 8] = np.nan
    return gaps


@pytest.fixture(scope="module")
def samples() -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / "samples.csv", index_col=0)
    return table.assign(site=np.where(table["batch"] == "a", "x", "y"))


@pytest.mark.parametrize(
    ("name", "covariates", "design"),
    [
        ("plain", None, None),
        ("design", None, ["er"]),
        ("covariates", ["age"], ["er"]),
        ("confounded", None, ["site"]),
    ],
)
def test_equals_limma(values, samples, name, covariates, design):
    removed = remove_batch_effect(
        values,
        samples["batch"],
        None if covariates is None else samples[covariates],
        None if design is None else samples[design],
    )
    np.testing.assert_allclose(removed, golden(f"removed_{name}"), rtol=1e-9)


def test_leaves_its_input_alone_and_removes_nothing_of_one_batch(values):
    before = values.copy()
    np.testing.assert_allclose(remove_batch_effect(values, ["a"] * len(values)), before, rtol=1e-12)
    pd.testing.assert_frame_equal(values, before)


def test_the_users_mistakes(values, samples):
    with pytest.raises(InputError, match="X has 24 samples, but batch has 3"):
        remove_batch_effect(values, ["a", "b", "c"])
    with pytest.raises(InputError, match="batch: no label for 1 of 24"):
        remove_batch_effect(values, samples["batch"].where(samples.index != "s01"))
    with pytest.raises(InputError, match="X has 24 samples, but covariates has 2"):
        remove_batch_effect(values, samples["batch"], np.ones((2, 1)))
