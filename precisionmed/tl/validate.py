"""External validation: the locked model on a cohort it has never seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from precisionmed.config import step_generator
from precisionmed.config.minima import TO_VALIDATE
from precisionmed.errors import warn
from precisionmed.estimators import metrics
from precisionmed.estimators.centroids import CANNOT_CALL
from precisionmed.io._evidence import refusal
from precisionmed.io._predict import FEWEST_TO_CENTRE, calls_of, prepare
from precisionmed.io.patients import patients
from precisionmed.pp import normalize
from precisionmed.pp._inputs import store
from precisionmed.pp._order import by_name
from precisionmed.tl import _survival_cohort as cohort
from precisionmed.tl._called import NEAR, called_table, causes
from precisionmed.tl._classifier_tables import MAJORITY, call_rates, rate
from precisionmed.tl._groups import methods as audit_methods
from precisionmed.tl._replication import replication_tables, subtype_survival
from precisionmed.tl._survival_curves import curve_tables
from precisionmed.tl._validate_groups import external_groups, labelled_rows
from precisionmed.tl.receptors import DERIVED, receptors

if TYPE_CHECKING:
    from anndata import AnnData

    from precisionmed.io.model import LockedModel

SINGLE, CENTRED = "single sample", "centred"
_FEWEST = TO_VALIDATE
"""Fewest samples of each class (or events) for an estimate."""
_FEWEST_FOR_SHARES, _FAR_SHARE, _SHARE_LEVEL = 20, 0.2, 0.01
"""Answers whose shares are compared with training's: fewest calls, least difference, largest binomial p."""


@by_name
def validate(adata: AnnData, model: LockedModel, *, seed: int = 1) -> AnnData:
    """Apply a locked model to an external cohort and compare it with what the cohort records.

    Every sample is called alone (mode `single sample`). With at least 20 samples the calls are
    repeated after moving each gene's median to that of the training cohort (mode `centred`), which is
    what another platform may need, but which no single patient can have.

    Parameters
    ----------
    adata
        The external cohort as `read_cohort` gives it; changed in place.
    model
        The locked model.
    seed
        Seed of the bootstrap intervals.

    Returns
    -------
    AnnData
        The cohort with `uns["precisionmed"]["validate"]`. Receptor status that the cohort does not record is
        called from its own expression and marked as such.

    Raises
    ------
    InputError
        The cohort has none of the model's genes, or is on another scale.
    """
    notes: list[str] = []
    samples = {SINGLE: prepare(model, adata, batch=None, centre=False)}
    if adata.n_obs >= FEWEST_TO_CENTRE:
        with cohort.noting([]):
            samples[CENTRED] = prepare(model, adata, batch=None, centre=True)
    calls = {mode: calls_of(model, prepared) for mode, prepared in samples.items()}
    _say_refused(model, notes)
    shifts = _shifts(calls[SINGLE], model, notes)
    labels, derived = _labels(adata, notes)
    endpoints = cohort.endpoints_of(adata, notes)
    patient = patients(adata.obs)
    measured = [
        _performance(mode, found, labels, endpoints, model, seed, patient) for mode, found in calls.items()
    ]
    name = str(adata.uns["precisionmed"]["ingest"]["params"]["cohort"])
    content: dict[str, Any] = {
        "cohort": name,
        "trained_on": str(model.manifest["cohort"]),
        "params": {"seed": seed, "modes": ", ".join(calls)},
        "called": cohort.table(called_table(calls, model)),
        "shifts": shifts,
        "performance": cohort.tables(measured),
        "predictions": _predictions(calls[SINGLE]),
        "proportions": cohort.tables([_proportions(mode, found) for mode, found in calls.items()]),
        "derived_labels": np.array(derived, dtype=object),
    }
    tasks = model.parts["tasks"]
    compared = {task: _endpoint_for(task, endpoints) for task in tasks} if endpoints else {}
    kinds = {task: str(part["kind"]) for task, part in tasks.items()}
    content |= external_groups(adata, calls[SINGLE], labels, compared, kinds, seed)
    content |= replication_tables(model, samples, calls, step_generator(seed, "validate.replication"))
    if endpoints:
        content |= _curves(calls[SINGLE], endpoints[0], model, notes)
        if "subtype" in calls[SINGLE]:
            hazards = subtype_survival(model, calls[SINGLE]["subtype"], endpoints, name)
            content |= {} if hazards is None else {"subtype_survival": hazards}
    content["notes"] = np.array(notes, dtype=object)
    content["methods"] = _methods(content, endpoints, model) + audit_methods([content])
    store(adata, "validate", content)
    return adata


def _say_refused(model: LockedModel, notes: list[str]) -> None:
    """Say which tasks of the model give no calls to anybody."""
    reasons = {name: refusal(task) for name, task in model.parts["tasks"].items()}
    notes += [f"{name} is not called: {reason}." for name, reason in reasons.items() if reason]


def _shifts(calls: pd.DataFrame, model: LockedModel, notes: list[str]) -> pd.DataFrame:
    """Warn where answers are shared out far from training's: a threshold may not hold on these values."""
    rows: list[tuple] = []
    for task, content in model.parts["tasks"].items():
        shares = content.get("shares")
        if shares is None:
            continue
        column = f"{task}_risk_group" if content["kind"] == "survival" else task
        called = calls[column][calls[column] != CANNOT_CALL]
        answer, usual = next(iter(shares.items()))
        n, k = len(called), int((called == answer).sum())
        if n < _FEWEST_FOR_SHARES or abs(k / n - usual) < _FAR_SHARE:
            continue
        if binomtest(k, n, usual).pvalue < _SHARE_LEVEL:
            warn(
                f"{task}: {k} of {n} called samples are {answer} here, {usual:.0%} in training; with "
                "patients of the usual mix the values are shifted against training's, and the threshold "
                "does not hold for single samples.",
                notes,
            )
            rows.append((task, answer, k, n, usual))
    table = pd.DataFrame(rows, columns=["task", "answer", "count", "n", "in_training"])
    return cohort.table(table.astype({"count": int, "n": int, "in_training": float}))


def _labels(adata: AnnData, notes: list[str]) -> tuple[dict[str, pd.Series], list[str]]:
    """Return what the calls are compared with, and which of it comes from the cohort's own expression."""
    with cohort.noting(notes):
        settled = receptors(normalize(adata.copy()))
    source = settled.uns["precisionmed"]["receptors"]["source"]
    labels = {name: settled.obs[f"{name}_status"] for name in ("er", "pr", "her2", "tnbc")}
    if "response" in adata.obs:
        labels["response"] = adata.obs["response"].map({"responder": "positive", "non_responder": "negative"})
    if "intrinsic" in adata.obs:
        labels["intrinsic"] = adata.obs["intrinsic"]
    return labels, [name for name in source if source[name] == DERIVED]


def _performance(
    mode: str,
    calls: pd.DataFrame,
    labels: dict[str, pd.Series],
    endpoints: list[cohort.Endpoint],
    model: LockedModel,
    seed: int,
    patient: np.ndarray | None,
) -> pd.DataFrame:
    """Return one row for each task, metric and (other things equal) this mode."""
    rows: list[tuple] = []
    for task, content in model.parts["tasks"].items():
        if content["kind"] == "survival" and endpoints:
            rows += _risk_rows(task, calls, _endpoint_for(task, endpoints), seed)
        elif content["kind"] in ("receptor", "signature"):
            rows += _binary_rows(task, calls, labels.get(task.removeprefix("signature_")), patient)
        elif task == "intrinsic_subtype" and "intrinsic" in labels:
            rows += _class_rows(task, calls[task], labels["intrinsic"], patient)
    table = pd.DataFrame(rows, columns=["task", "metric", "n", "estimate", "lower", "upper", "count"])
    # Without a row, columns have no type of their own and could not be written to a file.
    table = table.astype({"n": int} | dict.fromkeys(("estimate", "lower", "upper", "count"), float))
    return cohort.labelled(table, mode=mode)


def _endpoint_for(task: str, endpoints: list[cohort.Endpoint]) -> cohort.Endpoint:
    """Return the endpoint of the same name, else the cohort's first (the notes say so)."""
    return next((e for e in endpoints if e.name == task), endpoints[0])


def _risk_rows(task: str, calls: pd.DataFrame, endpoint: cohort.Endpoint, seed: int) -> list[tuple]:
    risk = calls[f"{task}_risk"].to_numpy()[endpoint.rows]
    known = np.isfinite(risk)
    y = endpoint.y[known]
    if y["event"].sum() < _FEWEST:
        return []
    rng = step_generator(seed, f"validate.{task}")
    interval = metrics.concordance_interval(y["time"], y["event"], risk[known], rng, entry=y.get("entry"))
    return [(task, f"c_index ({endpoint.name})", len(y), *interval, np.nan)]


def _binary_rows(
    task: str, calls: pd.DataFrame, label: pd.Series | None, patient: np.ndarray | None
) -> list[tuple]:
    if label is None:
        return []
    probability = calls[f"{task}_probability"]
    # What the model declines for another reason than the threshold, it does not answer for.
    usable = np.isin(causes(calls, task), ["", NEAR])
    rows_known, actual = labelled_rows(probability.where(usable), label)
    known = np.isin(np.arange(len(calls)), rows_known)
    if min((actual == 1).sum(), (actual == 0).sum()) < _FEWEST:
        return []
    subject = None if patient is None else patient[known]
    auc = metrics.auc_interval(actual, probability[known], subject=subject)
    rows: list[tuple] = [(task, "auc", len(actual), *auc, np.nan)]
    if task in calls:
        rates = call_rates(actual, calls[task].to_numpy()[known].astype(str), subject)
        rows += [_rate_row(task, metric, values) for metric, values in rates.items() if values[4]]
    return rows


def _class_rows(task: str, calls: pd.Series, label: pd.Series, patient: np.ndarray | None) -> list[tuple]:
    known = (label.notna() & (calls != CANNOT_CALL)).to_numpy()
    if known.sum() < _FEWEST:
        return []
    truth, called = label[known].astype(str).to_numpy(), calls[known].astype(str).to_numpy()
    subject, everyone = None if patient is None else patient[known], np.ones(len(truth), dtype=bool)
    names, counts = np.unique(truth, return_counts=True)
    return [
        _rate_row(task, "accuracy", rate(truth == called, everyone, subject)),
        _rate_row(task, MAJORITY, rate(truth == names[np.argmax(counts)], everyone, subject)),
    ]


def _rate_row(task: str, metric: str, values: tuple[float, float, float, float, float]) -> tuple:
    estimate, lower, upper, count, n = values
    return task, metric, int(n), estimate, lower, upper, count


def _predictions(calls: pd.DataFrame) -> pd.DataFrame:
    return cohort.table(calls.rename_axis("sample").reset_index())


def _proportions(mode: str, calls: pd.DataFrame) -> pd.DataFrame:
    """Count the intrinsic subtypes called, or the cohort's own subtypes where there are none."""
    column = "intrinsic_subtype" if "intrinsic_subtype" in calls else "subtype"
    if column not in calls:
        return pd.DataFrame(columns=["mode", "subtype", "samples", "fraction"])
    counts = calls[column].value_counts().sort_index()
    table = pd.DataFrame(
        {"subtype": counts.index, "samples": counts.to_numpy(), "fraction": counts / counts.sum()}
    )
    return cohort.labelled(table, mode=mode)


def _curves(
    calls: pd.DataFrame, endpoint: cohort.Endpoint, model: LockedModel, notes: list[str]
) -> dict[str, Any]:
    groupings = {}
    for task, content in model.parts["tasks"].items():
        column = {"survival": f"{task}_risk_group", "class": task}.get(content["kind"])
        if column is None:
            continue
        called = calls[column].iloc[endpoint.rows].rename(task)
        groups = cohort.groups_of(called, notes, omit=(CANNOT_CALL,))
        if groups is not None:
            groupings[column] = groups
        if content["kind"] == "survival" and task != endpoint.name:
            warn(f"risk of {task} is compared with {endpoint.name}, the endpoint of this cohort.", notes)
    return {"endpoint": endpoint.name, "unit": endpoint.unit, **curve_tables(endpoint, groupings)}


def _methods(content: dict[str, Any], endpoints: list[cohort.Endpoint], model: LockedModel) -> str:
    sentences = [
        f"The model locked on {content['trained_on']} was applied to {content['cohort']} one sample at a "
        "time; no parameter was learned from this cohort."
    ]
    if CENTRED in content["params"]["modes"]:
        sentences.append(
            "As a second reading, each gene's median over the cohort was moved to its training median first; "
            "this uses the whole cohort and is not available for a single patient."
        )
    if len(content["derived_labels"]):
        names = ", ".join(str(name).upper() for name in content["derived_labels"])
        sentences.append(
            f"{names} status is not recorded there and was called from the cohort's own expression."
        )
    if "replication" in content:
        sentences.append(
            "A subtype was looked for as a cluster of this cohort by its in-group proportion (Kapp and "
            "Tibshirani 2007), the fraction of its samples whose nearest neighbour by Pearson correlation "
            "over the genes of the locked centroids goes to the same centroid, and by its mean silhouette "
            "(Rousseeuw 1987). p values compare both with random rotations of the samples (Langsrud 2005), "
            "which keep means and covariances of the genes and have no clusters; the smaller of the two, "
            "doubled, is corrected over the subtypes (Benjamini and Hochberg 1995). The cohort was also "
            "clustered on its own, by consensus with the same number of clusters over the same genes, and "
            "compared with the calls."
        )
    if "subtype_survival" in content:
        sentences.append(
            "Hazards of the subtypes are relative to the largest subtype of the training cohort "
            "(Cox 1972, ties by Efron 1977)."
        )
    if endpoints:
        sentences.append("Concordance is Harrell's C with a bootstrap interval; AUC has DeLong's interval.")
    return " ".join(sentences)
