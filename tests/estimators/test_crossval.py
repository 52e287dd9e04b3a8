"""Cross-validation: folds, refitting, and that nothing leaks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress
from sklearn.base import BaseEstimator, ClassifierMixin

from precisionmed.errors import InputError
from precisionmed.estimators.crossval import cross_validate, cross_validate_models, make_folds
from precisionmed.estimators.gene_filter import GeneFilter
from precisionmed.estimators.lasso import LassoLogisticCV
from precisionmed.estimators.normalize import LogCPM
from precisionmed.estimators.preprocessor import Preprocessor


class MeanDifference(ClassifierMixin, BaseEstimator):
    """Projects on the difference of the class means; remembers how many samples it saw."""

    def fit(self, X, y):
        self.coef_ = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)
        self.n_ = len(y)
        return self

    def decision_function(self, X):
        return X @ self.coef_


class FirstHalf(BaseEstimator):
    """Keeps the first half of the genes and adds the number of samples it was fitted on."""

    def fit_transform(self, X, y=None, *, batch=None):
        self.kept_ = np.arange(X.shape[1]) < X.shape[1] // 2
        self.n_ = len(X)
        self.batches_ = None if batch is None else set(batch)
        return self.transform(X, batch=batch)

    def transform(self, X, *, batch=None):
        if batch is not None:
            assert set(batch) <= self.batches_
        return X[:, self.kept_] + self.n_


class HigherHalf(FirstHalf):
    """Keeps the genes whose training mean is above the median, as a filter learned from the samples does."""

    def fit_transform(self, X, y=None, *, batch=None):
        self.kept_ = X.mean(axis=0) > np.median(X.mean(axis=0))
        self.n_ = 0
        return self.transform(X)


class EqualScore(BaseEstimator):
    """Says the same of everybody."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


class LastGene(EqualScore):
    """Scores by the last gene."""

    def predict(self, X):
        return X[:, -1]


class Half(MeanDifference):
    """As `MeanDifference`, on the first or the second half of the genes."""

    def __init__(self, which=0):
        self.which = which

    def fit(self, X, y):
        super().fit(X, y)
        half = X.shape[1] // 2
        self.coef_[np.arange(X.shape[1]) // half != self.which] = 0
        return self


def test_folds_are_even_within_strata():
    strata = np.repeat(["a", "b"], [23, 52])
    folds = make_folds(strata, 5, np.random.default_rng(0))
    for label in ("a", "b"):
        counts = np.bincount(folds[strata == label], minlength=5)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 1


def test_groups_stay_together_and_folds_differ_between_draws():
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 40, 100)
    strata = rng.integers(0, 2, 100)
    folds = make_folds(strata, 5, rng, groups=groups)
    assert all(np.unique(folds[groups == g]).size == 1 for g in np.unique(groups))
    assert np.bincount(folds, minlength=5).min() >= 12
    assert (folds != make_folds(strata, 5, rng, groups=groups)).any()


def test_too_few_groups_is_an_input_error():
    with pytest.raises(InputError, match="2 groups cannot be dealt into 5 folds"):
        make_folds([0, 1, 0, 1], 5, np.random.default_rng(0), groups=[0, 0, 1, 1])


def test_every_sample_is_predicted_once_a_repeat_by_a_model_that_never_saw_it():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(40, 6)), np.tile([0, 1], 20)
    done = []
    cv = cross_validate(
        MeanDifference(),
        X,
        y,
        preprocessor=FirstHalf(),
        batch=np.tile(["p", "p", "q", "q"], 10),
        n_folds=4,
        n_repeats=3,
        random_state=5,
        progress=lambda i, n: done.append((i, n)),
    )
    assert cv.predictions.groupby("repeat")["row"].apply(lambda r: sorted(r) == list(range(40))).all()
    assert done == [(i, 12) for i in range(1, 13)]
    one = cv.predictions.query("repeat == 1 and fold == 2")
    test = one["row"].to_numpy()
    train = np.setdiff1d(np.arange(40), test)
    model = MeanDifference().fit(X[train, :3] + 30, y[train])
    np.testing.assert_allclose(one["score"], model.decision_function(X[test, :3] + 30))
    assert cv.selection_frequency.tolist() == [1, 1, 1, 0, 0, 0]
    np.testing.assert_allclose(cv.score[test[0]], cv.predictions.query(f"row == {test[0]}")["score"].mean())


def test_same_seed_same_scores_and_survival_outcomes_are_understood():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 4))
    y = pd.DataFrame({"event": rng.integers(0, 2, 50), "time": rng.exponential(size=50)})

    class Sum(BaseEstimator):
        def fit(self, X, y):
            assert {"event", "time"} <= set(y.columns)
            return self

        def predict(self, X):
            return X.sum(axis=1)

    first, second = (cross_validate(Sum(), X, y, n_repeats=2, random_state=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.predictions, second.predictions)
    assert first.selection_frequency is None
    estimate, lower, upper = first.concordance(y, 0)
    assert lower < estimate < upper


def test_auc_compares_only_inside_test_folds():
    """A model that learns nothing but prevalence has AUC one half, not below it."""

    class Prevalence(BaseEstimator):
        def fit(self, X, y):
            self.mean_ = y.mean()
            return self

        def decision_function(self, X):
            return np.full(len(X), self.mean_)

    y = np.repeat([1, 0], [13, 29])
    cv = cross_validate(Prevalence(), np.zeros((42, 1)), y, random_state=0)
    assert cv.auc(y)[0] == 0.5


def test_missing_survival_times_are_an_input_error():
    y = pd.DataFrame({"event": [0, 1], "time": [1.0, np.nan]})
    with pytest.raises(InputError, match="time is missing"):
        cross_validate(MeanDifference(), np.zeros((2, 2)), y, n_folds=2)


def _permuted_aucs(n_seeds: int, n_genes: int, *, select_outside: bool = False) -> np.ndarray:
    """AUC of a nested cross-validation on counts that know nothing of the permuted labels."""
    rng = np.random.default_rng(10)
    counts = rng.poisson(rng.gamma(2, 50, n_genes), (60, n_genes)).astype(float)
    counts *= rng.lognormal(0, 0.3, (60, 1))
    model = LassoLogisticCV(n_folds=3, rule="min", n_lambda=8, lambda_min_ratio=0.4, random_state=0)
    prepare = Preprocessor(LogCPM(), GeneFilter(scale="counts"))
    aucs = []
    for seed in range(n_seeds):
        y = rng.permutation(np.repeat([1, 0], [25, 35]))
        X = counts
        if select_outside:
            expression = np.log2(counts / counts.sum(axis=1, keepdims=True) * 1e6 + 1)
            gap = expression[y == 1].mean(axis=0) - expression[y == 0].mean(axis=0)
            X = counts[:, np.argsort(-np.abs(gap / expression.std(axis=0)))[:50]]
        aucs.append(cross_validate(model, X, y, preprocessor=prepare, random_state=seed).auc(y)[0])
    return np.array(aucs)


def _assert_chance(aucs: np.ndarray) -> None:
    standard_error = aucs.std(ddof=1) / np.sqrt(aucs.size)
    assert abs(aucs.mean() - 0.5) < 3 * standard_error


def test_nothing_leaks_with_permuted_labels():
    aucs = _permuted_aucs(20, 10_000)
    _assert_chance(aucs)
    assert aucs.std() < 0.15  # the test has the power to see a leak


@pytest.mark.slow
def test_nothing_leaks_with_many_permutations():
    _assert_chance(_permuted_aucs(300, 10_000))


def test_selection_outside_the_folds_would_be_seen():
    """Positive control: the test above fails for the mistake it is there for."""
    aucs = _permuted_aucs(4, 10_000, select_outside=True)
    assert aucs.min() > 0.75
    with pytest.raises(AssertionError):
        _assert_chance(aucs)


def test_genes_that_define_the_label_serve_preprocessing_only():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(40, 6)), np.tile([0, 1], 20)
    exclude = np.array([False, True, False, False, False, False])
    cv = cross_validate(MeanDifference(), X, y, preprocessor=FirstHalf(), exclude=exclude, n_folds=4)
    assert cv.selection_frequency.tolist() == [1, 0, 1, 0, 0, 0]


def test_events_and_batches_are_spread_evenly_over_folds_in_every_repeat():
    rng = np.random.default_rng(9)
    y = pd.DataFrame({"event": rng.random(83) < 0.3, "time": rng.exponential(size=83)})
    batch = rng.choice(["p", "q"], 83)
    cv = cross_validate(EqualScore(), np.zeros((83, 2)), y, batch=batch, n_repeats=4, random_state=1)
    found = cv.predictions.assign(
        event=y["event"].to_numpy()[cv.predictions["row"]], batch=batch[cv.predictions["row"]]
    )
    counts = found.groupby(["repeat", "event", "batch", "fold"]).size()
    spread = counts.groupby(["repeat", "event", "batch"]).agg(lambda part: part.max() - part.min())
    assert (spread <= 1).all()


def test_selection_frequency_counts_training_sets_of_all_repeats():
    """A gene that is filtered out of a training set was not selected in it."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(40, 6)), np.tile([0, 1], 20)
    used = []
    cv = cross_validate(
        MeanDifference(),
        X,
        y,
        preprocessor=HigherHalf(),
        n_repeats=3,
        random_state=1,
        each=lambda part, fitted: used.append(part.kept),
    )
    expected = np.bincount(np.concatenate(used), minlength=6) / 15
    np.testing.assert_allclose(cv.selection_frequency, expected)
    assert ((expected > 0) & (expected < 1)).any()


def test_a_better_model_is_told_from_a_worse_one_on_the_same_folds():
    rng = np.random.default_rng(7)
    y = np.tile([0, 1], 60)
    X = rng.normal(size=(120, 12)) + np.outer(y, [1.6] + [0.0] * 11)
    survival = pd.DataFrame({"event": np.ones(120), "time": np.exp(-2 * X[:, 0])})
    models = {"all": MeanDifference(), "last": LastGene()}
    found = cross_validate_models(models, X, y, n_repeats=2, random_state=0)
    by_auc = found["all"].compare(found["last"], y)
    assert by_auc.estimate == pytest.approx(found["all"].auc(y)[0] - found["last"].auc(y)[0])
    assert by_auc.p < 0.01
    by_c = found["all"].compare(found["last"], survival, random_state=1)
    gap = found["all"].concordance(survival)[0] - found["last"].concordance(survival)[0]
    assert by_c.estimate == pytest.approx(gap)
    assert by_c.lower > 0
    assert by_c.p < 0.01
    other = cross_validate(LastGene(), X, y, n_repeats=2, random_state=1)
    with pytest.raises(InputError, match="different folds"):
        found["all"].compare(other, y)


def _rejections(effect: float, n_seeds: int) -> float:
    """Share of p below 5% when two models see different but equally good genes."""
    rng = np.random.default_rng(11)
    rejected = 0
    for seed in range(n_seeds):
        y = np.tile([0, 1], 40)
        X = rng.normal(size=(80, 12)) + effect * y[:, None] * (np.arange(12) % 3 == 0)
        models = {"first": Half(0), "second": Half(1)}
        found = cross_validate_models(models, X, y, random_state=seed)
        rejected += found["first"].compare(found["second"], y).p < 0.05
    return rejected / n_seeds


@pytest.mark.parametrize("effect", [0.0, 0.8])
def test_comparison_of_learned_models_keeps_its_level(effect):
    """At most 5% and two Monte Carlo standard errors (150 draws), with and without skill."""
    assert _rejections(effect, 150) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 150)


class ResidualSlope(BaseEstimator):
    """Adds up the genes by how they go with the event."""

    def fit(self, X, y):
        event = y["event"].to_numpy(float)
        self.coef_ = (event / y["time"].to_numpy() - event.mean()) @ X
        return self

    def predict(self, X):
        return X @ self.coef_


@pytest.mark.parametrize("effect", [0.0, 0.6])
def test_intervals_of_learned_models_cover_their_mean_performance(effect):
    """95% intervals of AUC (300 draws) and C-index (60), within two Monte Carlo standard errors of 95%."""
    rng = np.random.default_rng(5)
    found: dict[str, list] = {"auc": [], "c": []}
    for seed in range(300):
        y = np.tile([0, 1], 40)
        X = rng.normal(size=(80, 12))
        if seed < 60:
            time = rng.exponential(np.exp(-effect * X[:, :3].sum(axis=1)))
            survival = pd.DataFrame({"event": rng.random(80) < 0.7, "time": time + 0.1})
            cv = cross_validate(ResidualSlope(), X, survival, random_state=seed)
            found["c"].append(cv.concordance(survival, seed, 200))
        X[:, :3] += effect * y[:, None]
        found["auc"].append(cross_validate(MeanDifference(), X, y, random_state=seed).auc(y))
    for intervals in found.values():
        estimate, lower, upper = np.array(intervals).T
        truth = estimate.mean() if effect else 0.5
        covered = (lower <= truth) & (truth <= upper)
        assert covered.mean() > 0.95 - 2 * np.sqrt(0.05 * 0.95 / covered.size)


def test_progress_feeds_a_bar_and_an_interrupt_stops_at_once():
    X, y = np.zeros((20, 2)), np.tile([0, 1], 10)
    threads = threading.active_count()
    with Progress(disable=True) as bar:
        task = bar.add_task("folds", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            cross_validate(EqualScore(), X, y, progress=progress)
        assert (bar.tasks[0].completed, bar.tasks[0].total) == (2, 5)
    assert multiprocessing.active_children() == []
    assert threading.active_count() == threads


_ENDLESS = """
import numpy as np
from precisionmed.estimators.crossval import cross_validate
from precisionmed.estimators.lasso import LassoLogisticCV
rng = np.random.default_rng(0)
X, y = rng.normal(size=(60, 300)), np.tile([0, 1], 30)
show = lambda done, total: print(done, flush=True)
cross_validate(LassoLogisticCV(random_state=0), X, y, n_repeats=100_000, random_state=0, progress=show)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals and process groups are POSIX's")
def test_control_c_leaves_no_process_behind():
    run = subprocess.Popen(
        [sys.executable, "-c", _ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "1\n"
    run.send_signal(signal.SIGINT)  # to this process only: children would have to be told by it
    _, errors = run.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)
