"""A batch correction takes the batch away, leaves the biology, and invents none."""

import numba
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier

from precisionmed.estimators.batch import ComBat
from precisionmed.estimators.combat_seq import ComBatSeq
from precisionmed.estimators.crossval import cross_validate
from precisionmed.estimators.metrics import auc
from precisionmed.estimators.normalize import LogCPM
from precisionmed.estimators.preprocessor import Preprocessor

GENES = 80


@pytest.fixture(autouse=True)
def _one_thread():
    # Matrices this small are corrected sooner than two threads are woken.
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


def simulate(seed: int, first_batch: int, *, counts: bool, n: int = 60, biology: float = 0.0):
    """Return values, batches and a label that has nothing to do with the batch."""
    generator = np.random.default_rng(seed)
    batch = (np.arange(n) < first_batch).astype(int)
    label = generator.permutation(np.arange(n) % 2)
    shift = generator.normal(0, 1, (2, GENES))[batch]
    shift[:, :8] += biology * label[:, None]
    if counts:
        mean = generator.uniform(20, 200, GENES) * np.exp(0.8 * shift)
        return generator.negative_binomial(5, 5 / (5 + mean)).astype(float), batch, label
    scale = generator.gamma(10, 0.1, (2, GENES))[batch]
    return 8 + shift + scale * generator.normal(0, 1, (n, GENES)), batch, label


def corrected(counts: bool) -> Preprocessor:
    return Preprocessor(LogCPM(), None, ComBatSeq()) if counts else Preprocessor(None, None, ComBat())


def reached(values, batch, label, preprocessor) -> float:
    """Return the out-of-fold AUC, mean over folds, with the correction refitted in every fold."""
    found = cross_validate(
        RidgeClassifier(), values, label, preprocessor=preprocessor, batch=batch, random_state=0
    ).predictions
    return np.mean([auc(label[fold["row"]], fold["score"]) for _, fold in found.groupby("fold")])


def batch_r2(values, batch) -> float:
    centered = values - values.mean(axis=0)
    between = sum((batch == b).sum() * centered[batch == b].mean(axis=0) ** 2 for b in np.unique(batch))
    return between.sum() / (centered**2).sum()


@pytest.mark.parametrize("counts", [False, True])
def test_leaves_biology_as_separable_and_takes_the_batch_away(counts):
    before, after, share_before, share_after = [], [], [], []
    for seed in range(6):
        values, batch, label = simulate(seed, 80, counts=counts, n=200, biology=0.7)
        plain = Preprocessor(LogCPM() if counts else None)
        before.append(reached(values, batch, label, plain))
        after.append(reached(values, batch, label, corrected(counts)))
        share_before.append(batch_r2(plain.fit_transform(values), batch))
        share_after.append(batch_r2(corrected(counts).fit_transform(values, batch=batch), batch))
    assert np.mean(after) > np.mean(before) - 0.01
    assert np.mean(share_before) > 0.2 and np.mean(share_after) < 0.05


@pytest.mark.parametrize("first_batch", [30, 12])
@pytest.mark.parametrize(("counts", "repeats"), [(False, 40), (True, 12)])
def test_creates_no_signal_where_there_is_none(first_batch, counts, repeats):
    found = [
        reached(*simulate(100 + seed, first_batch, counts=counts), corrected(counts))
        for seed in range(repeats)
    ]
    error = np.std(found, ddof=1) / np.sqrt(repeats)
    assert abs(np.mean(found) - 0.5) < 3 * error


def test_preserving_a_label_that_differs_between_batches_lets_a_model_tell_batches():
    """The harm that `pp.batch` warns of: no biology, yet the label is predicted out of fold."""
    found = []
    for seed in range(10):
        values, batch, _ = simulate(seed, 30, counts=False)
        label = (np.random.default_rng(seed).random(60) < np.where(batch == 1, 0.25, 0.75)).astype(int)
        scores = cross_validate(
            RidgeClassifier(),
            values,
            label,
            preprocessor=corrected(counts=False),
            batch=batch,
            covariates=pd.DataFrame({"label": label.astype(str)}),
            random_state=0,
        ).score
        found.append(auc(label, scores))
    assert np.mean(found) > 0.55
