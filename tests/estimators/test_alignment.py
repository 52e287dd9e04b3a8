"""Row i of everything is the same sample, or the call is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import RidgeClassifier

from precisionmed.errors import InputError
from precisionmed.estimators import (
    ClinicalOnly,
    ComBat,
    ComBatSeq,
    CoxModel,
    CoxScreen,
    DecoySelection,
    GenesAndClinical,
    IntrinsicSubtypeClassifier,
    LassoCox,
    LassoLinear,
    LassoLinearCV,
    LassoLogistic,
    LassoLogisticCV,
    LassoMultinomial,
    LogisticScreen,
    ModeratedScreen,
    NearestCentroid,
    Preprocessor,
    ReceptorClassifier,
    StabilitySelection,
    metrics,
    metrics_compare,
)
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators.crossval import cross_validate
from precisionmed.estimators.half_refits import half_refits
from precisionmed.estimators.intrinsic import published_centroids
from precisionmed.estimators.panel import minimal_panel
from precisionmed.estimators.remove_batch_effect import remove_batch_effect
from precisionmed.estimators.replication import in_group_proportion

N = 60
NAMES = [f"P{i:02d}" for i in range(N)]
RNG = np.random.default_rng(7)
SIGNAL = RNG.normal(size=N)
X = pd.DataFrame(
    np.column_stack([SIGNAL, RNG.normal(size=(N, 5))]), index=NAMES, columns=[f"G{i}" for i in range(6)]
)
Y = pd.Series((SIGNAL + 0.5 * RNG.normal(size=N) > 0).astype(int), index=NAMES)
VALUE = pd.Series(2 * SIGNAL + RNG.normal(size=N), index=NAMES)
SURVIVAL = pd.DataFrame({"event": 1, "time": RNG.exponential(size=N) * np.exp(-SIGNAL)}, index=NAMES)
CLINICAL = pd.DataFrame({"age": SIGNAL + RNG.normal(size=N), "size": RNG.normal(size=N)}, index=NAMES)
BATCH = pd.Series(np.where(RNG.random(N) < 0.5, "a", "b"), index=NAMES)
GROUPS = pd.Series(RNG.integers(0, 25, size=N), index=NAMES)
WEIGHT = pd.Series(RNG.random(N) + 0.5, index=NAMES)
OFFSET = pd.Series(RNG.normal(size=N) / 4, index=NAMES)
COUNTS = pd.DataFrame(RNG.poisson(30, size=(N, 6)), index=NAMES, columns=X.columns)
CENTROIDS = published_centroids()
SUBTYPE = pd.Series(np.resize(CENTROIDS.columns.to_numpy(), N), index=NAMES)
PAM50 = pd.DataFrame(
    CENTROIDS[SUBTYPE].T.to_numpy() + RNG.normal(size=(N, 50)) * 0.5, index=NAMES, columns=CENTROIDS.index
)
ER = pd.Series(np.where(RNG.random(N) < 0.7, "positive", "negative"), index=NAMES)

Call = Callable[..., Any]
CALLS: dict[str, tuple[Call, dict[str, Any]]] = {
    "LassoLogistic": (
        lambda X, y, **k: LassoLogistic(0.05).fit(X, y, **k).coef_,
        {"X": X, "y": Y, "sample_weight": WEIGHT, "offset": OFFSET},
    ),
    "LassoLogisticCV": (
        lambda X, y, **k: LassoLogisticCV(random_state=1, rule="min").fit(X, y, **k).coef_,
        {"X": X, "y": Y, "sample_weight": WEIGHT, "groups": GROUPS},
    ),
    "LassoLogisticCV, folds": (
        lambda X, y, folds: LassoLogisticCV(rule="min").fit(X, y, folds=folds).cv_mean_,
        {"X": X, "y": Y, "folds": GROUPS % 5},
    ),
    "LassoLogistic.predict": (
        lambda X, offset: LassoLogistic(0.05).fit(X, Y, offset=offset).predict_proba(X, offset),
        {"X": X, "offset": OFFSET},
    ),
    "LassoLinear": (lambda X, y: LassoLinear(0.05).fit(X, y).coef_, {"X": X, "y": VALUE}),
    "LassoLinearCV": (
        lambda X, y, **k: LassoLinearCV(random_state=1).fit(X, y, **k).coef_,
        {"X": X, "y": VALUE, "offset": OFFSET},
    ),
    "LassoMultinomial": (lambda X, y: LassoMultinomial(0.05).fit(X, y).coef_, {"X": PAM50, "y": SUBTYPE}),
    "LassoCox": (
        lambda X, y, **k: LassoCox(0.05).fit(X, y, **k).coef_,
        {"X": X, "y": SURVIVAL, "strata": BATCH},
    ),
    "LassoCox.predict_survival": (
        lambda X, strata: (
            LassoCox(0.05).fit(X, SURVIVAL, strata=strata).predict_survival(X, 1.0, strata=strata)
        ),
        {"X": X, "strata": BATCH},
    ),
    "CoxModel": (lambda X, y: CoxModel().fit(X, y).coef_, {"X": CLINICAL, "y": SURVIVAL}),
    "CoxModel.proportional_hazards": (
        lambda X, y: CoxModel().fit(X, y).proportional_hazards(X, y)["p"],
        {"X": CLINICAL, "y": SURVIVAL},
    ),
    "ClinicalOnly": (
        lambda X, y, clinical: ClinicalOnly().fit(X, y, clinical=clinical).predict(X, clinical=clinical),
        {"X": X, "y": Y, "clinical": CLINICAL},
    ),
    "GenesAndClinical": (
        lambda X, y, clinical, groups: (
            GenesAndClinical(LassoLogisticCV(random_state=1))
            .fit(X, y, clinical=clinical, groups=groups)
            .predict(X, clinical=clinical)
        ),
        {"X": X, "y": Y, "clinical": CLINICAL, "groups": GROUPS},
    ),
    "CoxScreen": (lambda X, y: CoxScreen().fit(X, y).p_, {"X": X, "y": SURVIVAL}),
    "LogisticScreen": (lambda X, y: LogisticScreen().fit(X, y).p_, {"X": X, "y": Y}),
    "ModeratedScreen": (
        lambda X, y, covariates: ModeratedScreen().fit(X, y, covariates).p_,
        {"X": X, "y": Y, "covariates": CLINICAL},
    ),
    "NearestCentroid": (
        lambda X, y, **k: NearestCentroid(random_state=1).fit(X, y, **k).offsets_,
        {"X": PAM50, "y": SUBTYPE, "groups": GROUPS, "centre_weight": WEIGHT},
    ),
    "IntrinsicSubtypeClassifier": (
        lambda X, y, er: IntrinsicSubtypeClassifier("published").fit(X, y, er=er).model_.centre_,
        {"X": PAM50, "y": SUBTYPE, "er": ER},
    ),
    "ReceptorClassifier": (
        lambda X, y, groups: ReceptorClassifier(random_state=1, rule="min").fit(X, y, groups).coef_,
        {"X": X, "y": Y, "groups": GROUPS},
    ),
    "StabilitySelection": (
        lambda X, y, **k: (
            StabilitySelection(LassoLogistic(), 5, q=2, pfer=None, random_state=1).fit(X, y, **k).frequency_
        ),
        {"X": X, "y": Y, "sample_weight": WEIGHT, "groups": GROUPS},
    ),
    "DecoySelection": (
        lambda X, y: DecoySelection(LassoLogistic(), n_pairs=5, random_state=1).fit(X, y).frequency_,
        {"X": PAM50.iloc[:, :12], "y": Y},
    ),
    "half_refits": (
        lambda X, y, groups: half_refits(LassoLogistic(0.01), X, y, n_pairs=3, groups=groups, random_state=1),
        {"X": X, "y": Y, "groups": GROUPS},
    ),
    "ComBat": (
        lambda X, batch, covariates: ComBat().fit(X, batch, covariates).transform(X, batch, covariates),
        {"X": X, "batch": BATCH, "covariates": CLINICAL},
    ),
    "ComBatSeq": (
        lambda X, batch, covariates: ComBatSeq().fit(X, batch, covariates).transform(X, batch, covariates),
        {"X": COUNTS, "batch": BATCH, "covariates": CLINICAL[["age"]]},
    ),
    "remove_batch_effect": (
        remove_batch_effect,
        {"X": X, "batch": BATCH, "covariates": CLINICAL, "design": Y},
    ),
    "Preprocessor": (
        lambda X, batch, covariates: (
            Preprocessor(batch_corrector=ComBat())
            .fit(X, batch=batch, covariates=covariates)
            .transform(X, batch=batch)
        ),
        {"X": X, "batch": BATCH, "covariates": CLINICAL},
    ),
    "cross_validate": (
        lambda X, y, **k: cross_validate(ClinicalOnly(), X, y, random_state=1, **k).predictions,
        {"X": X, "y": Y, "clinical": CLINICAL, "groups": GROUPS, "strata": BATCH},
    ),
    "cross_validate, prepared": (
        lambda X, y, **k: (
            cross_validate(
                ClinicalOnly(), X, y, preprocessor=Preprocessor(batch_corrector=ComBat()), random_state=1, **k
            ).predictions
        ),
        {"X": X, "y": SURVIVAL, "batch": BATCH, "covariates": CLINICAL, "clinical": CLINICAL},
    ),
    "CrossValidation": (
        lambda X, y: cross_validate(RidgeClassifier(), X, Y, random_state=1).auc(y),
        {"X": X, "y": Y},
    ),
    "minimal_panel": (
        lambda X, y: minimal_panel(LassoLogisticCV(3, random_state=1), X, y, n_folds=3, random_state=1).curve,
        {"X": X, "y": Y},
    ),
    "in_group_proportion": (
        lambda X, labels: in_group_proportion(X, labels, 2),
        {"X": X, "labels": Y},
    ),
    "auc": (metrics.auc, {"truth": Y, "score": VALUE, "strata": BATCH}),
    "auc_interval": (metrics.auc_interval, {"truth": Y, "score": VALUE, "subject": GROUPS}),
    "concordance": (
        metrics.concordance,
        {"time": SURVIVAL["time"], "event": Y, "risk": VALUE, "strata": BATCH},
    ),
    "concordance_interval": (
        lambda **k: metrics.concordance_interval(random_state=1, n_boot=20, **k),
        {"time": SURVIVAL["time"], "event": Y, "risk": VALUE, "subject": GROUPS},
    ),
    "accuracy_interval": (metrics.accuracy_interval, {"truth": Y, "predicted": BATCH == "a"}),
    "cohen_kappa": (metrics.cohen_kappa, {"a": Y, "b": (VALUE > 0).astype(int)}),
    "brier": (metrics.brier, {"truth": Y, "prob": WEIGHT - 0.5}),
    "calibration_table": (metrics.calibration_table, {"truth": Y, "prob": WEIGHT - 0.5}),
    "roc_table": (metrics.roc_table, {"truth": Y, "score": VALUE}),
    "auc_difference": (
        lambda **k: metrics_compare.auc_difference(**k).p,
        {"truth": Y, "first": VALUE, "second": OFFSET, "subject": GROUPS},
    ),
    "concordance_difference": (
        lambda **k: metrics_compare.concordance_difference(random_state=1, n_boot=20, **k).p,
        {"time": SURVIVAL["time"], "event": Y, "first": VALUE, "second": OFFSET, "strata": BATCH},
    ),
}
_EACH = [(call, name) for call, (_, given) in CALLS.items() for name in list(given)[1:]]


def _of(call: str, **changed: Any) -> Any:
    function, given = CALLS[call]
    return function(**(given | changed))


@pytest.mark.parametrize(("call", "name"), _EACH)
def test_rows_go_by_index(call: str, name: str) -> None:
    """A part whose rows are in another order changes nothing: its index says who is who."""
    values = CALLS[call][1][name]
    np.testing.assert_array_equal(
        np.asarray(_of(call, **{name: values.sample(frac=1, random_state=3)})), np.asarray(_of(call))
    )


@pytest.mark.parametrize(("call", "name"), _EACH)
def test_other_lengths_are_refused(call: str, name: str) -> None:
    values = CALLS[call][1][name]
    for short in (values.iloc[5:], values.iloc[5:].to_numpy()):
        with pytest.raises(InputError, match=f"{N} .*{N - 5}") as caught:
            _of(call, **{name: short})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("call", "name"), _EACH)
def test_other_samples_are_refused(call: str, name: str) -> None:
    values = CALLS[call][1][name]
    with pytest.raises(InputError, match=r"P00.*unlike"):
        _of(call, **{name: values.rename(index={"P00": "unlike"})})


@given(st.permutations(range(6)), st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_the_first_sets_the_order(first: list[int], second: list[int]) -> None:
    one = pd.Series(np.arange(6.0), index=list("abcdef"))
    brought = aligned(X=one.iloc[first].to_frame(), plain=np.arange(6), y=one.iloc[second], absent=None)
    assert brought[3] is None
    np.testing.assert_array_equal(brought[0][0], brought[2])
    np.testing.assert_array_equal(brought[1], np.arange(6))


def test_arrays_go_by_position() -> None:
    values = np.array([3.0, 1.0])
    series = pd.Series([1, 2], index=["b", "a"])
    assert aligned(X=values, y=series)[1] is series


def test_an_index_that_cannot_match_is_refused() -> None:
    frame = pd.DataFrame({"g": [1.0, 2, 3]}, index=["a", "a", "b"])
    assert aligned(X=frame, y=frame["g"])[0] is frame  # the same index, in the same order
    with pytest.raises(InputError, match="a stands more than once in the index of X"):
        aligned(X=frame, y=frame["g"].iloc[::-1])
    with pytest.raises(InputError, match=r"index \(only X has b; only y has c\)"):
        aligned(X=frame.iloc[1:], y=pd.Series([1, 2], index=["a", "c"]))


@pytest.mark.parametrize("single", [1, 1.5, "label", np.array(3.0)])
def test_a_single_value_is_refused(single: Any) -> None:
    with pytest.raises(InputError, match="y is a single value"):
        aligned(X=np.zeros((3, 2)), y=single)
