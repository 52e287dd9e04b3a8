"""Encoding of fitted estimators: what comes back is equal, and nothing else gets in."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from precisionmed.errors import InputError
from precisionmed.estimators import LogCPM, Preprocessor
from precisionmed.io.codec import decode, encode


@pytest.fixture
def fitted():
    counts = np.random.default_rng(1).poisson(20, (8, 30)).astype(float)
    return Preprocessor(normalizer=LogCPM()).fit(counts), counts


def test_plain_values_survive():
    value = {
        "a": [1, 2.5, None, True, "x"],
        "t": (0.35, 0.65),
        3: np.arange(6).reshape(2, 3),
        "s": np.array(["b", "a"], dtype=object),
        "empty": np.zeros((0, 4)),
        "nan": float("nan"),
        "frame": pd.DataFrame({"x": [1.0, 2.0], "g": ["u", "v"]}, index=["r1", "r2"]),
    }
    back = decode(encode(value))
    assert back["a"] == value["a"]
    assert back["t"] == value["t"]
    np.testing.assert_array_equal(back[3], value[3])
    assert back["s"].tolist() == ["b", "a"]
    assert back["empty"].shape == (0, 4)
    assert np.isnan(back["nan"])
    pd.testing.assert_frame_equal(back["frame"], value["frame"])


def test_an_estimator_transforms_alike_after_a_round_trip_through_h5ad(fitted, tmp_path):
    estimator, counts = fitted
    adata = ad.AnnData(np.zeros((1, 1)), uns={"model": encode(estimator)})
    adata.write_h5ad(tmp_path / "a.h5ad")
    back = decode(ad.read_h5ad(tmp_path / "a.h5ad").uns["model"])
    np.testing.assert_array_equal(back.transform(counts), estimator.transform(counts))
    assert back.get_params().keys() == estimator.get_params().keys()


def test_foreign_estimators_and_objects_are_refused(fitted):
    with pytest.raises(TypeError, match="StandardScaler"):
        encode(StandardScaler())
    with pytest.raises(TypeError, match="cannot lock"):
        encode(object())
    encoded = encode(fitted[0])
    with pytest.raises(InputError, match="does not have"):
        decode({**encoded, "json": encoded["json"].replace('"Preprocessor"', '"system"')})
