"""A locked model holds no patient: no row of training, no time, name, date or path, decoded and searched."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone

from precisionmed import estimators, pp, tl
from precisionmed.datasets import simulate
from precisionmed.errors import InputError
from precisionmed.io._anonymous import (
    FEWEST_EVENTS,
    MOST_POINTS,
    Behind,
    on_grid,
    reference_sample,
    without_patients,
)
from precisionmed.io._archive import opened
from precisionmed.io._training import subtype_survival
from precisionmed.io.codec import decode
from precisionmed.io.model import LockedModel, lock

FAST = {"n_folds": 3, "n_repeats": 1}
N = 81
RUNS = {
    "counts": ("counts", {"method": "tmm", "reference": "profile"}, {"method": "combat"}),
    "counts_wsp": ("counts", {"method": "tmmwsp", "reference": "profile"}, {"method": "combat_seq"}),
    "counts_vst": ("counts", {"method": "vst"}, {"method": "combat", "mean_only": True}),
    "counts_quantile": ("counts", {"method": "quantile"}, {"method": "combat"}),
    "rsem": ("rsem", {"method": "upper_quartile"}, {"method": "combat", "reference": "B1"}),
    "log2": ("log2", {}, {"method": "combat"}),
}
"""Scale, normalization and batch correction."""


def cohort(scale: str):
    """Simulate a cohort on a scale; patients have names and dates of birth, one a stage of its own."""
    adata = simulate(n_samples=N, n_genes=220, seed=8)
    rng = np.random.default_rng(5)
    values = np.asarray(adata.X, dtype=float)
    if scale == "rsem":
        values = values * rng.uniform(0.9, 1.1, values.shape)
    elif scale == "log2":
        values = np.log2(values + rng.uniform(0.5, 1.5, values.shape))
    adata.X = values
    if scale != "counts":
        del adata.layers["counts"]
    adata.obs_names = [f"Mrs Nowak-{i} 1957-03-{i % 28 + 1:02d}" for i in range(adata.n_obs)]
    adata.obs["patient"] = [f"PATIENT{i:05d}" for i in range(adata.n_obs)]
    adata.obs["age"] = rng.uniform(30, 90, N)
    adata.obs["stage"] = pd.Categorical(["II", "III"] * (N // 2) + ["stage of PATIENT00080"])
    batch = adata.obs["batch"].astype(str).to_numpy()
    batch[[3, 40, 77]] = "Nowak sisters"
    adata.obs["batch"] = pd.Categorical(batch)
    ingest = adata.uns["precisionmed"]["ingest"]
    ingest["params"]["scale"] = scale
    ingest["files"] = pd.DataFrame({"file": ["expression.tsv"], "sha256": ["0" * 64], "bytes": [1]})
    return adata


def run(name: str, folder, **changed):
    """Do every step that something is locked of, and lock it."""
    scale, normalize, batch = RUNS[name]
    adata = cohort(scale)
    pp.normalize(adata, **(normalize | changed))
    normal = np.asarray(adata.X, dtype=float).copy()
    pp.batch(adata, covariates=("age", "stage"), **batch)
    tl.receptors(adata)
    tl.subtypes(adata, k=3, resamples=20, n_null=0, robustness=False)
    tl.classify(adata, tasks=("her2", "tnbc"), aim="sensitivity:0.99", **FAST)
    tl.biomarkers(adata, labels=("er",), stability=False, random_signatures=0, **FAST)
    tl.survival(adata, **FAST)
    tl.response(adata, aim="specificity:0.99", **FAST)
    lock(adata, folder / f"{name}.pmz")
    return adata, normal, folder / f"{name}.pmz"


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


def of_few(values: np.ndarray) -> np.ndarray:
    """Return the values (samples x anything) that fewer than five samples have: many share nobody's."""
    own = [np.unique(row[np.isfinite(row)]) for row in values.reshape(len(values), -1)]
    found, count = np.unique(np.concatenate(own), return_counts=True)
    return found[count < 5]


def secrets(adata, normal: np.ndarray, model: LockedModel) -> np.ndarray:
    """Return what single patients have: values in every space, sizes, factors, times, ages, scores."""
    raw = np.asarray(adata.raw.X, dtype=float)
    size = raw.sum(axis=1)
    found = [*rows_of_training(adata, model.parts), normal, size, np.log(size), size / size.mean()]
    normalizer = model.parts["preprocessor"].normalizer_
    if hasattr(normalizer, "factors"):
        factors = np.asarray(
            normalizer.factors(
                pd.DataFrame(raw, columns=adata.raw.var_names).iloc[:, model.parts["preprocessor"].kept_]
            )
        )
        found += [factors, np.log(factors), size * factors]
    for name in ("os_time", "age"):
        values = adata.obs[name].to_numpy(float)
        found += [values, np.log(values), values / 12]
    x = pd.DataFrame(np.asarray(adata.X, dtype=float), columns=adata.var_names)
    for task in model.parts["tasks"].values():
        fitted = task["model"]
        if hasattr(fitted, "correlations"):
            found += list(fitted.correlations(x).T) + [fitted.confidence(x)]
        elif fitted.coef_.any():
            scores = fitted.predict(x) if task["kind"] == "survival" else fitted.decision_function(x)
            found += [scores, np.exp(scores), 1 / (1 + np.exp(-scores))]
    for step in ("classify", "biomarkers", "response", "survival"):
        for table in tables_of(adata.uns["precisionmed"].get(step, {})):
            if len({"sample", "patient"} & set(table)):
                numeric = table.select_dtypes("number").drop(columns="threshold", errors="ignore")
                found += [column.to_numpy(float) for _, column in numeric.items()]
    flat = np.concatenate([of_few(np.asarray(part, dtype=float)) for part in found])
    return np.unique(flat[~is_round(flat)])


def tables_of(content: Any) -> list[pd.DataFrame]:
    if isinstance(content, pd.DataFrame):
        return [content]
    return [t for v in content.values() for t in tables_of(v)] if isinstance(content, dict) else []


def is_round(values: np.ndarray) -> np.ndarray:
    """Return which numbers have three decimals or fewer: counts, settings and rounded limits."""
    return np.abs(values - np.round(values, 3)) < 1e-9


def hits(held: np.ndarray, secret: np.ndarray) -> np.ndarray:
    """Return the numbers of a file that are, to twelve digits, among the secrets."""
    held = held[np.isfinite(held)]
    held = held[~is_round(held)]
    place = np.clip(np.searchsorted(secret, held), 1, len(secret) - 1)
    near = np.minimum(np.abs(held - secret[place]), np.abs(held - secret[place - 1]))
    return held[near <= 1e-12 * np.abs(held)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUNS)
def test_no_patient_is_in_the_file(name, tmp_path):
    adata, normal, path = run(name, tmp_path)
    model = LockedModel.load(path)
    assert {"tnbc", "her2", "subtype", "intrinsic_subtype", "signature_er", "os", "response"} <= set(
        model.parts["tasks"]
    )
    assert "subtype_survival" in model.parts
    forms = rows_of_training(adata, model.parts)
    found = numbers(model.parts)
    assert max(largest_share(array, forms) for array in found) < 0.5
    assert list(hits(np.concatenate([array.ravel() for array in found]), secrets(adata, normal, model))) == []
    texts, _ = opened(path)
    everything = " ".join(texts.values())
    personal = ["Nowak", "PATIENT", "1957-03", "stage", str(tmp_path), "/tmp", "/home", str(Path.home())]
    for secret in [*adata.obs_names, *adata.obs["patient"], *personal]:
        assert secret not in everything
    assert model.of_single_patients() == []


@pytest.mark.filterwarnings("ignore")
def test_the_search_finds_what_an_analysis_holds(tmp_path):
    """The estimators of the steps, not locked: exact times, a rare stage, a sample as the reference."""
    with pytest.warns(UserWarning, match="holds all counts of the training sample"):
        adata, normal, path = run("counts", tmp_path, reference="sample")
    model = LockedModel.load(path)
    forms = rows_of_training(adata, model.parts)
    assert max(largest_share(array, forms) for array in numbers(model.parts)) > 0.99
    assert "reference: sample" in model.of_single_patients()[0]
    secret = secrets(adata, normal, model)
    stored = adata.uns["precisionmed"]["survival"]["os"]["model"]
    assert len(hits(decode(stored)["model"].baseline_time_, secret)) > 10
    middle = np.median(np.asarray(adata.X, dtype=float), axis=0)
    assert len(hits(middle, secret)) == middle.size


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


def locked_cox(time, survival):
    model = estimators.LassoCoxCV()
    model.coef_, model.intercept_, model.strata_ = np.zeros(1), 0.0, None
    model.n_features_in_, model.feature_names_in_, model.with_offset_ = 1, None, False
    model.baseline_time_, model.baseline_survival_ = time, survival
    model.baseline_stratum_ = np.zeros(len(time), dtype=int)
    return model


@pytest.mark.parametrize("n", [40, 300, 2000])
def test_how_far_curves_move(n):
    """Nothing at the points and the horizon; between them by little, and as often up as down."""
    bias, largest = [], []
    for seed in range(20):
        time, survival = curve(np.random.default_rng(seed), n)
        points, values = on_grid(time, survival, 60.0)
        exact, kept = locked_cox(time, survival), locked_cox(points, values)
        kept.interpolated_ = True
        one = np.zeros((1, 1))
        np.testing.assert_allclose(
            kept.predict_survival(one, points), exact.predict_survival(one, points), rtol=1e-12
        )
        at = np.linspace(0, points[-1], 4000)
        moved = (kept.predict_survival(one, at) - exact.predict_survival(one, at))[0]
        step = -np.diff(np.append(1.0, values))
        assert np.abs(moved).max() <= step.max() + 1e-12
        bias.append(moved.mean())
        largest.append(np.abs(moved).max())
        after = np.array([points[-1], 2 * points[-1]])
        np.testing.assert_allclose(kept.predict_survival(one, after), values[-1], rtol=1e-12)
    assert abs(np.mean(bias)) < {40: 0.008, 300: 0.003, 2000: 0.003}[n]
    assert np.mean(largest) < {40: 0.14, 300: 0.03, 2000: 0.02}[n]


def learned(counts, batch, reference=None, **known):
    corrector = estimators.ComBat(unknown="none", reference=reference)
    learner = estimators.Preprocessor(estimators.LogCPM(), None, corrector)
    return learner.fit(counts, batch=batch, **known)


def behind(counts, n=None):
    return Behind(len(counts) if n is None else n, np.sum(~np.isnan(counts), axis=0), {})


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_tiny_batch_is_not_locked_and_the_others_say_what_they_said(size):
    rng = np.random.default_rng(0)
    counts = rng.poisson(100, (30 + size, 50)).astype(float)
    batch = np.array(["a"] * 15 + ["b"] * 15 + ["tiny"] * size)
    stage = pd.DataFrame({"stage": ["I", "II"] * 15 + ["II"] * size})
    learner = learned(counts, batch, covariates=stage)
    before = learner.transform(counts[:20], batch=batch[:20])
    with pytest.warns(UserWarning, match="batch tiny has fewer than 5"):
        assert without_patients(learner, {}, None, behind(counts)) == []
    corrector = learner.batch_corrector_
    assert list(corrector.batches_) == ["a", "b"]
    assert corrector.covariates_ == [] and corrector.coefficients_.shape == (0, 50)
    np.testing.assert_array_equal(learner.transform(counts[:20], batch=batch[:20]), before)


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_a_batch_of_many_samples_of_one_patient_is_tiny():
    counts = np.random.default_rng(0).poisson(100, (45, 50)).astype(float)
    learner = learned(counts, ["a"] * 15 + ["b"] * 15 + ["one"] * 15)
    patients = Behind(31, np.full(50, 45), {"a": 15, "b": 15, "one": 1})
    with pytest.warns(UserWarning, match="batch one has fewer than 5"):
        without_patients(learner, {}, None, patients)
    assert list(learner.batch_corrector_.batches_) == ["a", "b"]


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_what_cannot_be_left_out_is_said():
    counts = np.random.default_rng(0).poisson(100, (33, 50)).astype(float)
    batch = ["a"] * 15 + ["b"] * 15 + ["c"] * 3
    assert without_patients(learned(counts, batch, reference="c"), {}, None, behind(counts)) == [
        "the profile of batch c, of fewer than 5 patients"
    ]
    small = counts[:6]
    held = without_patients(learned(small, ["a"] * 3 + ["b"] * 3), {}, None, behind(small))
    assert held == ["the profile of batch a, b, of fewer than 5 patients"]
    learner = estimators.Preprocessor(estimators.LogCPM(), None, None).fit(counts)
    assert without_patients(learner, {}, None, behind(counts, 4)) == ["averages of no more than 4 patients"]
    counts[:29, 7] = np.nan
    assert "values of 1 gene(s)" in without_patients(learner, {}, None, behind(counts))[0]


NORMALIZERS = {
    "log_cpm": estimators.LogCPM(),
    "tmm": estimators.TMM(reference="profile"),
    "tmmwsp": estimators.TMMwsp(reference="profile"),
    "upper_quartile": estimators.UpperQuartile(),
    "median_of_ratios": estimators.MedianOfRatios(),
    "vst": estimators.VST(),
    "vst_local": estimators.VST(fit_type="local"),
    "quantile": estimators.Quantile(estimators.LogCPM()),
    "sample": estimators.TMM(reference="sample"),
}


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
@pytest.mark.parametrize("name", NORMALIZERS)
def test_no_number_depends_on_one_patient_alone(name):
    """Each patient's counts are changed a little in turn: of what a number then moves, one has the most."""
    rng = np.random.default_rng(7)
    mean = np.exp(rng.uniform(2, 8, 60)) * np.exp(rng.normal(0, 0.3, (24, 1)))
    counts = rng.negative_binomial(4, 4 / (4 + mean)) + 1.0
    y, batch = np.arange(24) % 2, np.repeat(["a", "b", "c"], 8)
    age = pd.DataFrame({"age": rng.uniform(30, 80, 24)})

    def held(changed):
        learner = estimators.Preprocessor(clone(NORMALIZERS[name]), None, estimators.ComBat())
        normal = learner.fit_transform(changed, batch=batch, covariates=age)
        centroid = estimators.NearestCentroid(n_folds=2, random_state=0).fit(normal, y)
        task = {"kind": "class", "model": centroid}
        without_patients(learner, {"subtype": task}, None, behind(counts))
        parts = {"p": learner, "t": task, "reference": reference_sample(normal)}
        limits = [np.zeros(1) if a.size == 1 and is_round(a).all() else a.ravel() for a in numbers(parts)]
        return np.concatenate(limits)

    before = held(counts)
    moved = []
    for row in range(24):
        changed = counts.copy()
        changed[row] += rng.integers(1, 3, 60)
        moved.append(np.abs(held(changed) - before))
    moved = np.nan_to_num(moved)
    total = moved.sum(axis=0)
    used = total > 1e-9 * np.abs(np.nan_to_num(before))
    assert used.sum() > 300
    share = (moved.max(axis=0) / np.where(used, total, 1))[used]
    if name == "sample":  # the search can fail
        assert (share > 0.999).sum() >= 60
    else:
        assert share.max() < 0.97


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_a_gene_of_two_patients_is_said(tmp_path):
    adata = cohort("counts")
    for values in (adata.X, adata.layers["counts"]):
        values[2:, 9] = 0
        values[:2, 9] = 5000
    pp.normalize(adata, min_fraction=0.02)
    with pytest.warns(UserWarning, match="found in fewer than 5 samples"):
        lock(adata, tmp_path / "model.pmz")


def test_the_largest_count_is_not_in_a_curve():
    """Two cohorts whose largest counts differ by a tenth have curves on the same knots."""
    rng = np.random.default_rng(1)
    counts = rng.negative_binomial(2, 2 / (2 + np.exp(rng.uniform(1, 8, 200))), (40, 200)).astype(float)
    counts[3, 5] = 60000
    ends = []
    for factor in (1.0, 1.1):
        counts[3, 5] *= factor
        learner = estimators.Preprocessor(estimators.VST(fit_type="local"), None, None).fit(counts)
        exact = learner.transform(counts)
        whole = learner.normalizer_.curve_["largest"][0]
        without_patients(learner, {}, None, behind(counts))
        curve = learner.normalizer_.curve_
        ends.append(curve["knots"])
        assert not hasattr(learner.normalizer_, "means_")
        assert 0.7 * whole < curve["largest"][0] < whole
        np.testing.assert_allclose(learner.transform(counts), exact, rtol=0, atol=2e-3)
    np.testing.assert_array_equal(*ends)


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_files_made_before_say_that_they_may_hold_patients(tmp_path):
    adata = cohort("counts")
    pp.normalize(adata, method="tmm", reference="profile")
    pp.batch(adata, method="combat")
    model = lock(adata, tmp_path / "now.pmz")
    counts = pd.DataFrame(adata.layers["counts"], index=adata.obs_names, columns=adata.var_names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.save(tmp_path / "again.pmz")
    del model.manifest["anonymised"]
    assert "earlier version" in model.of_single_patients()[0]
    adapted = model.adapt(counts[:12], "C")
    with pytest.warns(UserWarning, match="earlier version .*treat it as patient data"):
        adapted.save(tmp_path / "old.pmz")
    with pytest.raises(InputError, match="min_samples is 4"):
        model.adapt(counts[:4], "C", min_samples=4)


def test_the_outcome_of_a_rare_subtype_is_not_locked():
    adata = cohort("counts")
    adata.obs["subtype"] = ["S1"] * 40 + ["S2"] * 37 + ["S3"] * 4
    assert list(subtype_survival(adata)["subtype"]) == ["S1", "S2"]
    adata.obs["subtype"] = ["S1"] * 77 + ["S3"] * 4
    assert subtype_survival(adata) is None
