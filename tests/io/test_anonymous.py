"""A locked model holds no patient: no row of training, no time, name, date or path, decoded and searched."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator

from precisionmed import estimators, pp, tl
from precisionmed.datasets import simulate
from precisionmed.io._anonymous import FEWEST_EVENTS, MOST_POINTS, on_grid, without_patients
from precisionmed.io._archive import opened
from precisionmed.io.model import LockedModel, lock

FAST = {"n_folds": 3, "n_repeats": 1}


def cohort(scale: str):
    """Simulate a cohort on a scale, whose patients have names, dates of birth and an odd number."""
    adata = simulate(n_samples=81, n_genes=220, seed=8)
    rng = np.random.default_rng(5)
    values = np.asarray(adata.X, dtype=float)
    if scale == "rsem":
        values = values * rng.uniform(0.9, 1.1, values.shape)
    elif scale == "log2":
        values = np.log2(values + 1)
    adata.X = values
    if scale != "counts":
        del adata.layers["counts"]
    adata.obs_names = [f"Mrs Nowak-{i} 1957-03-{i % 28 + 1:02d}" for i in range(adata.n_obs)]
    adata.obs["patient"] = [f"PATIENT{i:05d}" for i in range(adata.n_obs)]
    ingest = adata.uns["precisionmed"]["ingest"]
    ingest["params"]["scale"] = scale
    ingest["files"] = pd.DataFrame({"file": ["expression.tsv"], "sha256": ["0" * 64], "bytes": [1]})
    return adata


def locked(scale, folder, reference="profile"):
    adata = cohort(scale)
    pp.normalize(adata, **({"reference": reference} if scale != "log2" else {}))
    pp.batch(adata, method="combat")
    tl.receptors(adata)
    tl.classify(adata, tasks=("her2",), **FAST)
    tl.survival(adata, **FAST)
    lock(adata, folder / f"{scale}.pmz")
    return adata, folder / f"{scale}.pmz"


def numbers(value: Any) -> list[np.ndarray]:
    """Return all arrays of numbers of decoded parts, those of two dimensions row by row."""
    if isinstance(value, BaseEstimator):
        return numbers({**value.get_params(deep=False), **vars(value)})
    if isinstance(value, dict):
        return [a for v in value.values() for a in numbers(v)]
    if isinstance(value, list | tuple):
        return [a for v in value for a in numbers(v)]
    if isinstance(value, pd.DataFrame):
        return [value[c].to_numpy(float) for c in value if value[c].dtype.kind in "iuf"]
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        return list(np.atleast_2d(value.astype(float)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [np.array([float(value)])]
    return []


def rows_of_training(adata, parts) -> list[np.ndarray]:
    """Return the samples as read and under usual transforms, all genes and the kept ones."""
    raw = np.asarray(adata.raw.X, dtype=float)
    size = np.abs(raw).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        forms = [raw, np.log2(raw + 1), np.log(raw + 1), raw / size, raw / size * 1e6]
        forms += [np.log2(raw / size * 1e6 + 1), np.log2(raw / size * 1e6 + 0.5)]
    if raw.max() < 60:
        forms.append(np.exp2(raw) - 1)
    kept = parts["preprocessor"].kept_
    return [*forms, *(form[:, kept] for form in forms), np.asarray(adata.X, dtype=float)]


def largest_share(array: np.ndarray, forms: list[np.ndarray]) -> float:
    """Return the largest share of genes in which an array equals a row, up to a factor or a shift too."""
    share = 0.0
    for form in forms:
        if form.shape[1] != array.size or array.size < 20 or np.ptp(array) == 0:
            continue
        for candidate in (array, *([np.exp2(array), np.exp(array)] if np.abs(array).max() < 60 else [])):
            equal = np.isclose(form, candidate, rtol=1e-6, atol=1e-9)
            share = max(share, float(equal.mean(axis=1).max()))
            with np.errstate(all="ignore"):
                ratio = np.where(candidate == 0, np.nan, form / candidate)
                same = np.isclose(ratio, np.nanmedian(ratio, axis=1)[:, None], rtol=1e-6, atol=0)
            share = max(share, float(same.mean(axis=1).max()))
            apart = form - candidate
            same = np.isclose(apart, np.median(apart, axis=1)[:, None], rtol=0, atol=1e-9)
            share = max(share, float(same.mean(axis=1).max()))
    return share


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
@pytest.mark.parametrize("scale", ["counts", "rsem", "log2"])
def test_no_patient_is_in_the_file(scale, tmp_path):
    adata, path = locked(scale, tmp_path)
    model = LockedModel.load(path)
    forms = rows_of_training(adata, model.parts)
    found = numbers(model.parts)
    shares = [largest_share(array, forms) for array in found]
    assert max(shares) < 0.5
    times = adata.obs["os_time"].to_numpy(float)
    held = np.concatenate([array.ravel() for array in found])
    assert not np.isin(np.round(times, 6), np.round(held, 6)).any()
    risks = model.parts["tasks"]["os"]["model"].predict(np.asarray(adata.X))
    if model.parts["tasks"]["os"]["model"].coef_.any():
        assert not np.isin(np.round(risks, 9), np.round(held, 9)).any()
    texts, _ = opened(path)
    everything = " ".join(texts.values())
    for secret in [*adata.obs_names, *adata.obs["patient"], "Nowak", "1957", str(tmp_path), "/tmp", "/home"]:
        assert secret not in everything
    assert json.loads(texts["manifest.json"])["of_single_patients"] == []
    medians = np.median(np.asarray(adata.X, dtype=float), axis=0)
    for array in found:
        if array.size == medians.size:
            assert np.isclose(array, medians, rtol=1e-9, atol=0).mean() < 0.05


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_a_sample_as_the_reference_is_found_and_said(tmp_path):
    """The search finds a patient where there is one, and the file says so."""
    with pytest.warns(UserWarning, match="holds all counts of the training sample"):
        adata, path = locked("counts", tmp_path, "sample")
    model = LockedModel.load(path)
    forms = rows_of_training(adata, model.parts)
    assert max(largest_share(array, forms) for array in numbers(model.parts)) > 0.99
    assert "reference: sample" in model.manifest["of_single_patients"][0]


def curve(rng, n):
    time = np.unique(np.round(rng.exponential(60, n) + 0.01, int(rng.integers(0, 5))) + 1e-3)
    return time, np.exp(-np.cumsum(1 / np.arange(n + 20, n + 20 - len(time), -1)))


@given(seed=st.integers(0, 10**6), n=st.integers(1, 800), horizon=st.floats(0.05, 500))
@settings(max_examples=80, deadline=None)
def test_the_grid_hides_times_and_keeps_the_horizon(seed, n, horizon):
    time, survival = curve(np.random.default_rng(seed), n)
    points, values = on_grid(time, survival, horizon)
    assert len(points) <= MOST_POINTS + 3
    assert (np.diff(points) > 0).all()
    assert (np.diff(values) <= 0).all()
    steps = np.append(1.0, survival)
    np.testing.assert_array_equal(values, steps[np.searchsorted(time, points, side="right")])
    assert values[points == horizon] == steps[np.searchsorted(time, horizon, side="right")]
    between = np.diff(np.searchsorted(time, np.append(0, points), side="right"))
    inner = (points[:-1] != horizon) & (np.append(points[1:], np.inf)[:-1] != horizon)
    assert (between[:-1][inner[: len(between) - 1]] >= FEWEST_EVENTS).all()
    assert values[-1] == survival[-1]


def test_how_far_curves_move():
    """Between two points of the grid survival is too high, by at most what it falls there."""
    time, survival = curve(np.random.default_rng(2), 300)
    points, values = on_grid(time, survival, 60.0)
    exact, kept = np.append(1.0, survival), np.append(1.0, values)
    at = np.linspace(0, time[-1] * 1.2, 5000)
    moved = kept[np.searchsorted(points, at, "right")] - exact[np.searchsorted(time, at, "right")]
    assert moved.min() >= 0
    assert moved.max() <= np.max(-np.diff(kept)) + 1e-12
    assert moved.max() < 0.06


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_a_batch_of_two_samples_is_not_locked():
    rng = np.random.default_rng(0)
    counts = rng.poisson(100, (32, 50)).astype(float)
    batch = np.array(["a"] * 15 + ["b"] * 15 + ["tiny"] * 2)
    learner = estimators.Preprocessor(estimators.LogCPM(), None, estimators.ComBat(unknown="none"))
    learner.fit(counts, batch=batch)
    before = learner.transform(counts[:3], batch=batch[:3])
    with pytest.warns(UserWarning, match="batch tiny has fewer than 3"):
        assert without_patients(learner, {}, None) == []
    assert list(learner.batch_corrector_.batches_) == ["a", "b"]
    np.testing.assert_array_equal(learner.transform(counts[:3], batch=batch[:3]), before)
