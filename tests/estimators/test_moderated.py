"""Moderated t against limma."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from precisionmed.estimators._moderated import moderated_t

REFERENCE = Path(__file__).parents[1] / "reference" / "subtypes"


@pytest.mark.parametrize("case", ["shrunk", "even"])
def test_equals_limma(case):
    table = pd.read_csv(REFERENCE / f"{case}_expression.csv")
    expected = pd.read_csv(REFERENCE / f"{case}_limma.csv", skipinitialspace=True)
    classes = expected["subtype"].unique()
    found = moderated_t(table.drop(columns="label").to_numpy(), table["label"].to_numpy(), classes)
    for i, name in enumerate(classes):
        rows = expected[expected["subtype"] == name]
        for column in ("log_fold_change", "t", "p"):
            np.testing.assert_allclose(getattr(found, column)[i], rows[column], rtol=1e-6)


def test_a_gene_that_never_varies_is_no_marker():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 30))
    X[:, 3] = 5.0
    labels = np.repeat(["a", "b"], 10)
    found = moderated_t(X, labels, np.array(["a", "b"]))
    assert np.isfinite(found.t).all()
    assert found.t[0, 3] == 0
    np.testing.assert_allclose(found.t[0], -found.t[1], rtol=1e-12)
