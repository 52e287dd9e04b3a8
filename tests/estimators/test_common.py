"""What every public estimator keeps to, one by one: a new one that forgets a check fails here."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import make_constraint

import precisionmed.estimators as public
from precisionmed.errors import InputError
from precisionmed.estimators import (
    CPM,
    FPKM,
    TMM,
    TPM,
    VST,
    ClinicalOnly,
    ComBat,
    ComBatSeq,
    ConsensusClustering,
    CovariateEncoder,
    CoxFirth,
    CoxModel,
    CoxScreen,
    DecoySelection,
    GeneFilter,
    GenesAndClinical,
    IntrinsicSubtypeClassifier,
    LassoCox,
    LassoCoxCV,
    LassoLinear,
    LassoLinearCV,
    LassoLogistic,
    LassoLogisticCV,
    LassoMultinomial,
    LassoMultinomialCV,
    Log2,
    LogCPM,
    LogisticScreen,
    MedianOfRatios,
    ModeratedScreen,
    NearestCentroid,
    Preprocessor,
    Quantile,
    RankScores,
    ReceptorClassifier,
    StabilitySelection,
    TMMwsp,
    TwoComponentMixture,
    UpperQuartile,
)
from precisionmed.estimators.crossval import cross_validate
from precisionmed.estimators.intrinsic import published_centroids
from precisionmed.io.codec import decode, encode

N = 48
RNG = np.random.default_rng(11)
SAMPLES = [f"S{i:02d}" for i in range(N)]
LABEL = pd.Series(np.arange(N) % 2, index=SAMPLES)
THREE = pd.Series(np.array(["a", "b", "c"])[np.arange(N) % 3], index=SAMPLES)
VALUES = pd.DataFrame(RNG.normal(size=(N, 10)), index=SAMPLES, columns=[f"G{j}" for j in range(10)])
VALUES["G1"] += 1.5 * LABEL
VALUES["G2"] += 1.5 * (THREE == "b")
VALUES["G3"] += 1.5 * (THREE == "c")
COUNTS = pd.DataFrame(RNG.negative_binomial(5, 0.05, size=(N, 30)) + 1.0, index=SAMPLES)
COUNTS.columns = [f"G{j}" for j in range(30)]
BATCH = pd.Series(np.array(["x", "y"])[np.arange(N) // 24], index=SAMPLES)
MEASURED = VALUES["G1"] + 0.3 * pd.Series(RNG.normal(size=N), index=SAMPLES)
TIME = RNG.exponential(np.exp(-VALUES["G1"]))
SURVIVAL = pd.DataFrame({"event": np.arange(N) % 4 > 0, "time": TIME}, SAMPLES)
CLINICAL = pd.DataFrame(
    {"age": RNG.normal(60, 9, N).round(), "grade": np.array(["I", "II", "III"])[RNG.integers(3, size=N)]},
    index=SAMPLES,
)
CENTROIDS = published_centroids()
SUBTYPE = pd.Series(np.resize(CENTROIDS.columns.to_numpy(), N), index=SAMPLES)
PAM50 = pd.DataFrame(CENTROIDS[SUBTYPE].T.to_numpy() + RNG.normal(size=(N, 50)) / 2, SAMPLES, CENTROIDS.index)
BIMODAL = pd.DataFrame({"ESR1": RNG.normal(size=N) + 6 * LABEL}, SAMPLES)


@dataclass(frozen=True)
class Case:
    """How one estimator is made and fitted."""

    make: Callable[[], Any]
    X: pd.DataFrame
    y: Any = None
    known: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `fit` with a value for each sample."""
    at_predict: tuple[str, ...] = ()
    """Those of them that a prediction needs too."""
    by_name: bool = False
    """Columns of new samples are found by name, whatever their order."""
    matrix: bool = True
    """X is a matrix of genes."""


def _quick(kind: Any, **more: Any) -> Callable[[], Any]:
    return lambda: kind(n_folds=3, random_state=1, **more)


LENGTHS = pd.Series(np.linspace(500, 5000, 30), index=COUNTS.columns)
CASES: dict[str, Case] = {
    "CPM": Case(CPM, COUNTS),
    "ClinicalOnly": Case(ClinicalOnly, VALUES, LABEL, {"clinical": CLINICAL}, ("clinical",), matrix=False),
    "ComBat": Case(ComBat, VALUES, None, {"batch": BATCH}, ("batch",)),
    "ComBatSeq": Case(ComBatSeq, COUNTS, None, {"batch": BATCH}, ("batch",)),
    "ConsensusClustering": Case(
        lambda: ConsensusClustering((2, 3), resamples=20, n_null=19, random_state=1), VALUES
    ),
    "CovariateEncoder": Case(CovariateEncoder, CLINICAL, by_name=True, matrix=False),
    "CoxFirth": Case(CoxFirth, VALUES[["G0", "G1"]], SURVIVAL, by_name=True),
    "CoxModel": Case(CoxModel, VALUES[["G0", "G1"]], SURVIVAL, by_name=True),
    "CoxScreen": Case(CoxScreen, VALUES, SURVIVAL),
    "DecoySelection": Case(
        lambda: DecoySelection(LassoLogistic(), fdr=None, n_pairs=3, random_state=1), VALUES, LABEL
    ),
    "FPKM": Case(lambda: FPKM(LENGTHS), COUNTS),
    "GeneFilter": Case(GeneFilter, COUNTS),
    "GenesAndClinical": Case(
        lambda: GenesAndClinical(LassoLogisticCV(n_folds=3, random_state=1)),
        VALUES,
        LABEL,
        {"clinical": CLINICAL},
        ("clinical",),
    ),
    "IntrinsicSubtypeClassifier": Case(
        lambda: IntrinsicSubtypeClassifier(random_state=1), PAM50, SUBTYPE, by_name=True
    ),
    "LassoCox": Case(lambda: LassoCox(0.05), VALUES, SURVIVAL),
    "LassoCoxCV": Case(_quick(LassoCoxCV, rule="min"), VALUES, SURVIVAL),
    "LassoLinear": Case(lambda: LassoLinear(0.05), VALUES, MEASURED),
    "LassoLinearCV": Case(_quick(LassoLinearCV, rule="min"), VALUES, MEASURED),
    "LassoLogistic": Case(lambda: LassoLogistic(0.05), VALUES, LABEL),
    "LassoLogisticCV": Case(_quick(LassoLogisticCV, rule="min"), VALUES, LABEL),
    "LassoMultinomial": Case(lambda: LassoMultinomial(0.05), VALUES, THREE),
    "LassoMultinomialCV": Case(_quick(LassoMultinomialCV, rule="min"), VALUES, THREE),
    "Log2": Case(Log2, COUNTS),
    "LogCPM": Case(LogCPM, COUNTS),
    "LogisticScreen": Case(LogisticScreen, VALUES, LABEL),
    "MedianOfRatios": Case(MedianOfRatios, COUNTS),
    "ModeratedScreen": Case(ModeratedScreen, VALUES, LABEL),
    "NearestCentroid": Case(lambda: NearestCentroid(random_state=1), VALUES, THREE, by_name=True),
    "Preprocessor": Case(lambda: Preprocessor(LogCPM(), GeneFilter()), COUNTS),
    "Quantile": Case(Quantile, VALUES),
    "RankScores": Case(RankScores, VALUES),
    "ReceptorClassifier": Case(_quick(ReceptorClassifier), VALUES, LABEL),
    "StabilitySelection": Case(
        lambda: StabilitySelection(LassoLogistic(), n_pairs=4, q=2, pfer=None, random_state=1), VALUES, LABEL
    ),
    "TMM": Case(TMM, COUNTS),
    "TMMwsp": Case(TMMwsp, COUNTS),
    "TPM": Case(lambda: TPM(LENGTHS), COUNTS),
    "TwoComponentMixture": Case(TwoComponentMixture, BIMODAL, matrix=False),
    "UpperQuartile": Case(UpperQuartile, COUNTS),
    "VST": Case(VST, COUNTS),
}
WITH_OUTCOME = [name for name, case in CASES.items() if case.y is not None]
MATRICES = [name for name, case in CASES.items() if case.matrix]
HOSTILE = [np.nan, -1, -1.0, 0, 7.5, np.inf, "no such word", "", None, [], (), {}, np.zeros((2, 2)), object()]


def fitted(name: str, X: Any = None, y: Any = None, **more: Any) -> Any:
    case = CASES[name]
    X = case.X if X is None else X
    y = case.y if y is None else y
    given = () if y is None else (y,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return case.make().fit(X, *given, **(case.known | more))


def result(name: str, model: Any, X: Any = None, **more: Any) -> np.ndarray:
    """Return what a model says of samples: probabilities, values, or what it says of genes or clusters."""
    case = CASES[name]
    X = case.X if X is None else X
    known = {key: case.known[key] for key in case.at_predict} | more
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for method in ("predict_proba", "transform", "predict"):
            if hasattr(model, method):
                return np.asarray(getattr(model, method)(X, **known), dtype=float)
    return model.table_.drop(columns="gene").to_numpy(float) if hasattr(model, "table_") else model.labels_[2]


def of_samples(name: str) -> bool:
    """Return whether a fitted estimator says something of new samples."""
    return name != "ConsensusClustering" and "Screen" not in name


def refused(call: Callable[[], Any], match: str | None = None) -> str:
    with pytest.raises(InputError, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_public_estimator_is_tried() -> None:
    assert sorted(CASES) == public.__all__


@pytest.mark.parametrize("name", CASES)
def test_every_parameter_is_declared(name: str) -> None:
    model = CASES[name].make()
    declared = type(model)._parameter_constraints
    assert set(inspect.signature(type(model)).parameters) <= set(declared)


@pytest.mark.parametrize("name", CASES)
def test_a_parameter_that_cannot_be_is_named(name: str) -> None:
    """Whatever the declaration forbids is refused when the model is fitted, and it forbids most of these."""
    case = CASES[name]
    given = () if case.y is None else (case.y,)
    for parameter in inspect.signature(type(case.make())).parameters:
        declared = [make_constraint(c) for c in type(case.make())._parameter_constraints[parameter]]
        wrong = [value for value in HOSTILE if not any(c.is_satisfied_by(value) for c in declared)]
        assert len(wrong) >= 5
        for value in wrong:
            model = case.make().set_params(**{parameter: value})
            refused(lambda model=model: model.fit(case.X, *given, **case.known), parameter)


@pytest.mark.parametrize("name", CASES)
def test_it_is_an_estimator(name: str) -> None:
    case = CASES[name]
    model = case.make()
    before = {key: repr(value) for key, value in model.get_params().items()}
    again = clone(model)
    given = () if case.y is None else (case.y,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert model.fit(case.X, *given, **case.known) is model
    assert {key: repr(value) for key, value in model.get_params().items()} == before
    np.testing.assert_array_equal(result(name, model), result(name, fitted(name)))
    known = {key: case.known[key] for key in case.at_predict}
    for method in ("predict", "predict_proba", "transform", "decision_function"):
        if hasattr(again, method):
            with pytest.raises(NotFittedError):
                getattr(again, method)(case.X, **known)
    if hasattr(type(model), "table_"):
        with pytest.raises(NotFittedError):
            _ = again.table_


@pytest.mark.parametrize("name", CASES)
def test_it_can_be_locked(name: str) -> None:
    model = fitted(name)
    np.testing.assert_array_equal(result(name, decode(encode(model))), result(name, model))


@pytest.mark.parametrize("name", CASES)
def test_what_is_given_stays_as_it_is(name: str) -> None:
    case = CASES[name]
    copies = {"X": case.X.copy(), "y": None if case.y is None else case.y.copy()}
    result(name, fitted(name))
    pd.testing.assert_frame_equal(case.X, copies["X"])
    if case.y is not None:
        assert case.y.equals(copies["y"])


@pytest.mark.parametrize("name", CASES)
def test_lengths_are_compared(name: str) -> None:
    case = CASES[name]
    few = case.X.to_numpy()[:-1] if case.matrix else case.X.iloc[:-1]
    if case.y is not None:
        refused(lambda: fitted(name, few))
        refused(lambda: fitted(name, y=case.y.iloc[:-1]))
    for key, values in case.known.items():
        refused(lambda key=key, values=values: fitted(name, **{key: values.iloc[:-1]}))


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].y is not None or CASES[name].known])
def test_samples_are_matched_by_their_index(name: str) -> None:
    case = CASES[name]
    expected = result(name, fitted(name))
    order = np.random.default_rng(0).permutation(N)
    y = None if case.y is None else case.y.iloc[order]
    known = {key: values.iloc[order] for key, values in case.known.items()}
    np.testing.assert_allclose(result(name, fitted(name, y=y, **known)), expected, rtol=1e-9, atol=1e-12)
    others = [f"T{i:02d}" for i in range(N)]
    if case.y is not None:
        refused(lambda: fitted(name, y=case.y.set_axis(others)))
    for key, values in case.known.items():
        refused(lambda key=key, values=values: fitted(name, **{key: values.set_axis(others)}))


BAD_MATRICES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "one dimension": lambda X: X.to_numpy()[:, 0],
    "three dimensions": lambda X: X.to_numpy()[:, :, None],
    "one value": lambda X: np.array(3.0),
    "sparse": lambda X: csr_matrix(X.to_numpy()),
    "text": lambda X: X.astype(object).where(X.iloc[0, 0] != X, "high"),
    "infinite": lambda X: X.replace(X.iloc[0, 0], np.inf),
    "complex": lambda X: X.to_numpy().astype(complex),
    "dates": lambda X: X.astype("int64").astype("datetime64[s]"),
    "no sample": lambda X: X.iloc[:0],
    "no gene": lambda X: X.iloc[:, :0],
    "one name twice": lambda X: pd.concat([X, X.iloc[:, :1]], axis=1),
}


@pytest.mark.parametrize("bad", BAD_MATRICES)
@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_that_is_none_is_refused(name: str, bad: str) -> None:
    if name in ("CoxModel", "CoxFirth") and bad == "no gene":
        pytest.skip("the baseline alone is a model")
    wrong = BAD_MATRICES[bad](CASES[name].X)
    refused(lambda: fitted(name, wrong))
    if of_samples(name) and not (CASES[name].by_name and bad == "one name twice"):
        model = fitted(name)
        refused(lambda: result(name, model, wrong))


SAME_MATRICES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "Fortran order": lambda X: pd.DataFrame(np.asfortranarray(X.to_numpy()), X.index, X.columns),
    "objects": lambda X: X.astype(object),
    "nullable": lambda X: X.astype("Float64"),
}


@pytest.mark.parametrize("form", SAME_MATRICES)
@pytest.mark.parametrize("name", MATRICES)
def test_the_form_of_a_matrix_does_not_matter(name: str, form: str) -> None:
    other = SAME_MATRICES[form](CASES[name].X)
    np.testing.assert_array_equal(result(name, fitted(name, other)), result(name, fitted(name)))


@pytest.mark.parametrize("name", MATRICES)
def test_read_only_and_single_precision(name: str) -> None:
    case = CASES[name]
    single = case.X.astype("float32")
    double = single.astype(float)
    one, other = fitted(name, single), fitted(name, double)
    np.testing.assert_array_equal(result(name, one, single), result(name, other, double))
    fixed = case.X.to_numpy().copy()
    fixed.flags.writeable = False
    frame = pd.DataFrame(fixed, case.X.index, case.X.columns, copy=False)
    result(name, fitted(name, frame), frame)


@pytest.mark.parametrize("name", [name for name in CASES if of_samples(name)])
def test_a_sample_alone_is_what_it_is_among_others(name: str) -> None:
    case = CASES[name]
    model = fitted(name)
    among = result(name, model)
    order = np.random.default_rng(3).permutation(N)
    known = {key: case.known[key].iloc[order] for key in case.at_predict}
    np.testing.assert_array_equal(result(name, model, case.X.iloc[order], **known), among[order])
    for row in (0, 17):
        known = {key: case.known[key].iloc[[row]] for key in case.at_predict}
        np.testing.assert_array_equal(result(name, model, case.X.iloc[[row]], **known)[0], among[row])


@pytest.mark.parametrize("name", [name for name in CASES if of_samples(name) and CASES[name].matrix])
def test_genes_in_another_order_are_refused_or_found(name: str) -> None:
    model, other = fitted(name), CASES[name].X.iloc[:, ::-1]
    if CASES[name].by_name:
        np.testing.assert_array_equal(result(name, model, other), result(name, model))
    else:
        refused(lambda: result(name, model, other))
        refused(lambda: result(name, model, CASES[name].X.iloc[:, :-1]))


@pytest.mark.parametrize("name", WITH_OUTCOME)
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, pd.NaT])
def test_a_missing_outcome_is_refused(name: str, missing: Any) -> None:
    y = CASES[name].y.astype(object)
    if isinstance(y, pd.DataFrame):
        for column in ("time", "event"):
            gap = y.copy()
            gap.loc["S03", column] = missing
            refused(lambda gap=gap: fitted(name, y=gap), "S03")
        return
    y["S03"] = missing
    refused(lambda: fitted(name, y=y), "missing")


@pytest.mark.parametrize("name", WITH_OUTCOME)
def test_an_outcome_is_one_column(name: str) -> None:
    y = CASES[name].y
    if isinstance(y, pd.DataFrame):
        refused(lambda: fitted(name, y=[tuple(row) for row in y.to_numpy()]))
        refused(lambda: fitted(name, y=y.to_numpy(float)))
        refused(lambda: fitted(name, y=y["time"]))
        swapped = fitted(name, y=y[["time", "event"]])
        np.testing.assert_array_equal(result(name, swapped), result(name, fitted(name)))
        return
    np.testing.assert_array_equal(
        result(name, fitted(name, y=y.to_numpy()[:, None])), result(name, fitted(name))
    )
    refused(lambda: fitted(name, y=np.column_stack([y, y])))
    refused(lambda: fitted(name, y=np.full((N, 2, 2), 1)))
    refused(lambda: fitted(name, y=1))


def test_what_cross_validation_is_given_is_checked() -> None:
    model = LassoLogisticCV(n_folds=3, random_state=1)
    refused(lambda: cross_validate(model, VALUES["G1"], LABEL), "dense matrix")
    refused(lambda: cross_validate(model, csr_matrix(VALUES.to_numpy()), LABEL), "dense matrix")
    for exclude in (["G1"], np.zeros(3, bool), np.zeros(10)):
        refused(lambda exclude=exclude: cross_validate(model, VALUES, LABEL, exclude=exclude), "exclude")


def test_strata_and_lengths_are_of_one_kind() -> None:
    refused(lambda: LassoCox(0.05).fit(VALUES, SURVIVAL, strata=[1, "b"] * 24), "strata")
    model = LassoCox(0.05).fit(VALUES, SURVIVAL, strata=[1, 2] * 24)
    refused(lambda: model.predict_survival(VALUES, 1.0, strata=[1, 3] * 24), "strata 3 were not there")
    refused(lambda: TPM(["long"] * 30).fit(COUNTS), "lengths must be numbers")
    refused(lambda: TPM(pd.concat([LENGTHS, LENGTHS[:1]])).fit(COUNTS), "more than one length")
