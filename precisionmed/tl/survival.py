"""Survival: curves, Cox models, out-of-fold risk, and the risk model for new patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config import step_generator
from precisionmed.errors import warn
from precisionmed.estimators.kaplan_meier import median_follow_up
from precisionmed.io.codec import encode
from precisionmed.io.patients import patients_at
from precisionmed.pp import _inputs
from precisionmed.pp._order import by_name
from precisionmed.tl import _groups
from precisionmed.tl import _survival_cohort as cohort
from precisionmed.tl import _survival_models as models
from precisionmed.tl._endpoint_model import endpoint_model, settings_of, signature_of, streams_of
from precisionmed.tl._survival_curves import curve_tables
from precisionmed.tl._survival_permutation import permutation_test

if TYPE_CHECKING:
    from anndata import AnnData

    from precisionmed.estimators.lasso import LassoCoxCV

GROUPINGS = ("subtype", "intrinsic_subtype", "tnbc_status", "her2_status")
_AS_MODELS = ("subtype", "intrinsic_subtype")


@by_name
def survival(
    adata: AnnData,
    *,
    n_folds: int = 5,
    n_repeats: int = 2,
    horizon: float | None = None,
    n_permutations: int = 0,
    seed: int = 1,
) -> AnnData:
    """Describe and predict the survival of a cohort, for every endpoint of its roles.

    Kaplan-Meier curves and log-rank tests overall and by subtype and receptor status; Cox models of the
    clinical covariates; the out-of-fold C-index of clinical covariates, of a gene signature (LASSO), of
    both, and of the subtypes; an out-of-fold risk of every sample and its two risk groups; and the
    gene signature learned on all samples, which gives a new patient a risk from expression alone.

    Parameters
    ----------
    adata
        Cohort after `normalize` (and whatever other steps are wanted as groups); changed in place.
    n_folds
        Outer folds, and inner folds that choose the penalty.
    n_repeats
        Repeats of the outer cross-validation.
    horizon
        Time of the survival probability of new patients, in the unit of the endpoint; the median follow-up
        (reverse Kaplan-Meier) when None.
    n_permutations
        How often the cross-validation is repeated with outcomes permuted, for a p value of the out-of-fold
        risk groups (at least 1 / (n + 1)); without, they have none, because the log-rank test does not hold
        for groups that were made with the outcomes.
    seed
        Seed of the run.

    Returns
    -------
    AnnData
        The cohort with `uns["precisionmed"]["survival"]`, `obs["risk_<endpoint>"]` and
        `obs["risk_group_<endpoint>"]`. With fewer than 10 events an endpoint has curves only.

    Raises
    ------
    InputError
        The cohort has not been normalized, or a declared covariate or endpoint is no clinical column.
    """
    notes: list[str] = []
    params: dict[str, Any] = {"n_folds": n_folds, "n_repeats": n_repeats, "seed": seed}
    if n_permutations:
        params["n_permutations"] = n_permutations
    if horizon is not None:
        params["horizon"] = float(horizon)
    content: dict[str, Any] = {"params": params}
    endpoints = cohort.endpoints_of(adata, notes)
    if not endpoints:
        notes.append("No endpoint with follow-up is declared in the roles; there are no survival models.")
    clinical = _clinical_tables(adata) if endpoints else {}
    for endpoint in endpoints:
        content[endpoint.name] = _one_endpoint(adata, endpoint, clinical, params, notes)
    audited = [content[endpoint.name] for endpoint in endpoints]
    _groups.settle_tasks(audited)
    content["endpoints"] = np.array([endpoint.name for endpoint in endpoints], dtype=object)
    content["notes"] = np.array(notes, dtype=object)
    content["methods"] = " ".join(_methods(params, clinical, endpoints)) + _groups.methods(audited)
    _inputs.store(adata, "survival", content)
    return adata


def _one_endpoint(
    adata: AnnData,
    endpoint: cohort.Endpoint,
    clinical: dict[str, pd.DataFrame],
    params: dict[str, Any],
    notes: list[str],
) -> dict[str, Any]:
    follow_up = median_follow_up(endpoint.y["time"], endpoint.y["event"], entry=endpoint.entry)
    content: dict[str, Any] = {"unit": endpoint.unit, "n": len(endpoint.y), "n_events": endpoint.n_events}
    content["horizon"] = float(params.get("horizon", follow_up))
    if np.isfinite(follow_up):
        content["median_follow_up"] = follow_up
    elif "horizon" not in params:
        content["horizon"] = float(endpoint.y["time"].median())
        notes.append(f"{endpoint.name}: the median follow-up is not reached; the horizon is the median time.")
    if content["horizon"] > endpoint.y["time"].max():
        last = f"{endpoint.y['time'].max():g} {endpoint.unit}"
        warn(f"{endpoint.name}: the horizon is beyond the last follow-up ({last}).", notes)
    groupings = _groupings(adata, endpoint, notes)
    out_of_fold: dict[str, pd.Series] = {}
    tests: dict[str, dict[str, float]] = {}
    if endpoint.n_events >= cohort.MIN_EVENTS:
        fitted, out_of_fold, tests = _models(adata, endpoint, clinical, params, content["horizon"], notes)
        content |= fitted
    else:
        notes.append(
            f"{endpoint.name}: {endpoint.n_events} events are too few for models (at least "
            f"{cohort.MIN_EVENTS}); only curves were computed."
        )
    return content | curve_tables(endpoint, groupings, out_of_fold, tests)


def _models(
    adata: AnnData,
    endpoint: cohort.Endpoint,
    clinical: dict[str, pd.DataFrame],
    params: dict[str, Any],
    horizon: float,
    notes: list[str],
) -> tuple[dict[str, Any], dict[str, pd.Series], dict[str, dict[str, float]]]:
    """Return what the models of one endpoint found, the risk groups as a grouping, and their test."""
    settings = settings_of(adata, endpoint.name, params)
    _say_settings(endpoint.name, settings, params, notes)
    streams = streams_of(settings["seed"], endpoint.name)
    unfitted = endpoint_model(settings, streams)
    data = models.model_input(adata, endpoint, clinical)
    folds = {key: settings[key] for key in ("n_folds", "n_repeats")}
    found = models.out_of_fold(data, unfitted, **folds, random_state=streams.folds)
    with cohort.noting(notes):
        final = _final_model(adata, endpoint, unfitted, notes)
        genes = bool(final["model"].coef_.any())
        content: dict[str, Any] = {
            "concordance": models.concordance_table(found, endpoint, streams.parts[1], genes=genes)
        }
        risk = pd.Series(found.risk, index=endpoint.y.index) if genes and found.n_genes.any() else None
        designs = models.designs_of(data.tables, risk, endpoint.y["event"], notes)
        content |= models.cox_tables(designs, endpoint.y)
        notes += models.cautions(content, endpoint)
    content["model"] = encode({**final, "horizon": horizon})
    groups = _store_risk(adata, endpoint, found, notes, genes=genes)
    if risk is not None:
        call = adata.obs[f"risk_group_{endpoint.name}"].iloc[endpoint.rows]
        content |= _groups.group_table(
            adata, endpoint.rows, endpoint.y, found.models[models.GENES], call=call, seed=params["seed"]
        )
    n_permutations = params.get("n_permutations", 0)
    if not (groups and n_permutations):
        return content, groups, {}
    test = permutation_test(
        data,
        unfitted,
        found.high_risk,
        n_permutations=n_permutations,
        **folds,
        random_state=step_generator(params["seed"], f"survival.{endpoint.name}.permutations"),
    )
    return content, groups, dict.fromkeys(groups, test)


def _say_settings(name: str, settings: dict[str, Any], params: dict[str, Any], notes: list[str]) -> None:
    """Say where the folds are not those asked for, because the signature has its own."""
    if any(settings[key] != params[key] for key in ("n_folds", "n_repeats", "seed")):
        notes.append(
            f"{name}: folds and seed are those of `biomarkers` ({cohort.scheme(settings)}), whose signature "
            "this is."
        )


def _clinical_tables(adata: AnnData) -> dict[str, pd.DataFrame]:
    """Return the covariates of each model without genes, over all samples."""
    covariates = cohort.covariates_of(adata)
    found = {models.CLINICAL: covariates} if covariates.shape[1] else {}
    for name in _AS_MODELS:
        if name in adata.obs and len(adata.obs[name].dropna().unique()) > 1:
            found[name] = adata.obs[[name]]
    return found


def _groupings(adata: AnnData, endpoint: cohort.Endpoint, notes: list[str]) -> dict[str, pd.Series]:
    columns = {name: adata.obs[name].iloc[endpoint.rows] for name in GROUPINGS if name in adata.obs}
    groups = {name: cohort.groups_of(column, notes) for name, column in columns.items()}
    return {name: column for name, column in groups.items() if column is not None}


def _store_risk(
    adata: AnnData, endpoint: cohort.Endpoint, found: models.OutOfFold, notes: list[str], *, genes: bool
) -> dict[str, pd.Series]:
    """Put risk and risk group into `obs`; return the group as a grouping when there are two.

    Without genes in the signature nobody has a risk.
    """
    notes += [f"{endpoint.name}: {note}" for note in found.notes]
    empty = int((found.n_genes == 0).sum())
    if empty and genes:
        notes.append(
            f"{endpoint.name}: in {empty} of {found.n_genes.size} training sets no gene was selected; their "
            "test samples have risk 0 there and, if so in every repeat, no risk group."
        )
    risk, high = np.full(adata.n_obs, np.nan), np.full(adata.n_obs, np.nan)
    if genes:
        risk[endpoint.rows], high[endpoint.rows] = found.risk, found.high_risk
    adata.obs[f"risk_{endpoint.name}"] = risk
    words = pd.Series(high, index=adata.obs_names).map({0.0: "low", 1.0: "high"})
    group = words.astype(pd.CategoricalDtype(["low", "high"]))
    adata.obs[f"risk_group_{endpoint.name}"] = group
    own = cohort.groups_of(group.iloc[endpoint.rows].rename("risk group"), notes)
    return {} if own is None else {"risk_group": own}


def _final_model(
    adata: AnnData, endpoint: cohort.Endpoint, unfitted: LassoCoxCV, notes: list[str]
) -> dict[str, Any]:
    """Return what a new patient needs: the signature and the threshold of high risk.

    The signature is that of `biomarkers` where it has one. `X` comes from the preprocessor that is locked
    with the model, fitted on the whole cohort.
    """
    X = _inputs.dense(adata.X)[endpoint.rows]
    model = signature_of(adata, endpoint.name)
    if model is None:
        model = unfitted.fit(X, endpoint.y, groups=patients_at(adata.obs, endpoint.rows))
    if not model.coef_.any():
        notes.append(
            f"{endpoint.name}: the signature is empty: no gene predicts survival in this cohort; there is "
            "no gene model, and no new patient is called."
        )
    return {"model": model, "threshold": _threshold(model.predict(X))}


def _threshold(risk: np.ndarray) -> float:
    """Return the median, half-way to the next risk where it would be one patient's; groups are the same."""
    ordered, middle = np.sort(risk), len(risk) // 2
    following = ordered[min(middle + 1, len(risk) - 1)] if len(risk) % 2 else ordered[middle - 1]
    return float((ordered[middle] + following) / 2)


def _methods(
    params: dict[str, Any], clinical: dict[str, pd.DataFrame], endpoints: list[cohort.Endpoint]
) -> list[str]:
    if not endpoints:
        return ["No survival analysis was done because no endpoint is declared."]
    sentences = [
        "Survival curves were estimated by Kaplan and Meier's method with log(-log) 95% confidence "
        "intervals and compared with log-rank tests, Holm's adjusted p values being over the groupings of an "
        "endpoint; the median follow-up is the reverse Kaplan-Meier "
        "estimate (Schemper and Smith 1996).",
        "Cox models use Efron's treatment of ties; proportional hazards were tested with the score test "
        "of Grambsch and Therneau (1994) on the Kaplan-Meier time scale.",
    ]
    late = ", ".join(endpoint.name for endpoint in endpoints if endpoint.entry is not None)
    if late:
        sentences.append(
            f"Left truncation ({late}): a sample counts as at risk only after its time of entry, in curves, "
            "tests, models and C-index."
        )
    if models.CLINICAL in clinical:
        names = ", ".join(str(name) for name in clinical[models.CLINICAL].columns)
        sentences.append(
            f"Clinical covariates ({names}) entered as they are when numeric (missing: training median and "
            "an indicator) and otherwise as indicators against the lowest level (stage, grade and other "
            "ordered covariates; levels with fewer than 5 samples join the next lower one), the negative or "
            "the most frequent one (smaller levels pooled); no ratio is given for fewer than "
            f"{models.EVENTS_OF_LEVEL} events. Beside genes their joint risk is one covariate, not penalized."
        )
    sentences += [
        "The gene model is the signature of the endpoint, the same that is shown among the biomarkers and "
        "locked: LASSO-penalized Cox regression (Tibshirani 1997; Simon et al. 2011), Efron's ties, penalty "
        "chosen by cross-validation.",
        f"Risk and C-index (Harrell) are out of fold, from {cohort.scheme(params)} in which gene filter, "
        "normalization, batch correction, imputation, penalty and coefficients were learned in the training "
        "set only; intervals are bootstrap percentiles, corrected for training sets that overlap (Nadeau and "
        "Bengio, Mach Learn 2003;52:239). Risk groups were split at the median risk of the training set. "
        + _tested(params),
    ]
    if any(name in clinical for name in _AS_MODELS):
        sentences.append(
            "Subtypes were found in all samples without knowledge of the outcome; the Cox model of the "
            "subtypes was refitted in the training sets."
        )
    return sentences


def _tested(params: dict[str, Any]) -> str:
    if "n_permutations" not in params:
        return (
            "They and the hazard ratio of the out-of-fold risk were not tested: outcomes of all samples went "
            "into the groups, for which log-rank and Wald tests do not hold."
        )
    return (
        "They were compared by the log-rank statistic, its p value from "
        f"{params['n_permutations']} repeats of the whole cross-validation with outcomes permuted (Simon et "
        "al., Brief Bioinform 2011;12:203); the hazard ratio of the out-of-fold risk was not tested."
    )
