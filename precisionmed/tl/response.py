"""Treatment response: treatment-by-biomarker interaction, and a classifier of responders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from precisionmed.config import RolesConfig
from precisionmed.errors import warn
from precisionmed.estimators._operating_point import parse_aim
from precisionmed.io._evidence import FEWEST_CALLED, by_chance
from precisionmed.pp import _inputs
from precisionmed.pp._order import by_name
from precisionmed.tl import _groups
from precisionmed.tl import _survival_cohort as cohort
from precisionmed.tl._classifier import threshold_methods
from precisionmed.tl._response_classifier import response_classifier
from precisionmed.tl._response_interaction import Trial, interaction_tables, trial_of

if TYPE_CHECKING:
    from anndata import AnnData

BIOMARKERS = ("subtype", "intrinsic_subtype", "er_status", "her2_status", "tnbc_status")


@by_name
def response(
    adata: AnnData,
    *,
    n_folds: int = 5,
    n_repeats: int = 2,
    aim: str = "balanced",
    uncertain: tuple[float, float] = (0.35, 0.65),
    seed: int = 1,
) -> AnnData:
    """Ask who benefits from treatment, as far as the cohort can tell.

    With recorded treatment and an endpoint: Cox models with an interaction of treatment and each biomarker
    (subtype, intrinsic subtype, receptor status, out-of-fold risk group). Unless treatment was randomized,
    they are adjusted for the clinical covariates, and the notes say that the effects remain confounded.
    With recorded response: a LASSO classifier of responders, tested out of fold. With neither, a
    sentence that says so.

    Parameters
    ----------
    adata
        Cohort after `normalize`; the biomarkers are what `subtypes`, `classify` and `survival` stored.
        Changed in place.
    n_folds
        Outer and inner folds of the response classifier.
    n_repeats
        Repeats of the outer cross-validation.
    aim, uncertain
        Threshold of the response classifier and the band around it, as in `classify`.
    seed
        Seed of the run.

    Returns
    -------
    AnnData
        The cohort with `uns["precisionmed"]["response"]`.

    Raises
    ------
    InputError
        `aim` is none.
    """
    parse_aim(aim)
    notes: list[str] = []
    roles = _inputs.roles_of(adata)
    treatment = _two_sided(adata, "treatment", roles.treatment.column if roles.treatment else None, notes)
    outcome = _two_sided(adata, "response", roles.response.column if roles.response else None, notes)
    settings: dict[str, Any] = {"n_folds": n_folds, "n_repeats": n_repeats, "aim": aim, "seed": seed}
    content: dict[str, Any] = {"params": {**settings, "uncertain": np.array(uncertain, dtype=float)}}
    if treatment is not None:
        with cohort.noting(notes):
            content |= _interaction(adata, roles, treatment, notes)
    if outcome is not None:
        with cohort.noting(notes):
            found = response_classifier(adata, outcome, **settings, uncertain=uncertain, notes=notes)
        if found:
            _groups.settle_tasks([found])
            content["classifier"] = found
    known = {"treatment": treatment is not None, "response": outcome is not None}
    content["available"] = (
        "both" if all(known.values()) else next((name for name, there in known.items() if there), "neither")
    )
    content["sentence"] = _sentence(content, roles)
    content["notes"] = np.array(notes, dtype=object)
    content["methods"] = _methods(content, roles) + _groups.methods([content.get("classifier", {})])
    _inputs.store(adata, "response", content)
    return adata


def _two_sided(adata: AnnData, name: str, column: str | None, notes: list[str]) -> pd.Series | None:
    """Return treatment or response, None when it is not recorded or the same for all."""
    if column is None or name not in adata.obs:
        return None
    found = adata.obs[name].astype("category")
    values = [str(value) for value in found.cat.categories if (found == value).any()]
    if not values:
        return None
    if len(values) == 1:
        warn(f"column '{column}': every sample is '{values[0]}'; there is nothing to compare.", notes)
        return None
    return found


def _interaction(
    adata: AnnData, roles: RolesConfig, treatment: pd.Series, notes: list[str]
) -> dict[str, pd.DataFrame]:
    randomized = roles.treatment is not None and roles.treatment.randomized
    covariates = pd.DataFrame(index=adata.obs_names) if randomized else cohort.covariates_of(adata)
    if not randomized:
        names = ", ".join(str(name) for name in covariates.columns)
        notes.append(
            "Treatment was not randomized: who was treated was chosen, often for a worse prognosis. Its "
            f"effects here ({f'adjusted for {names}' if names else 'not adjusted'}) are confounded and must "
            "not be read as causal."
        )
    trials, biomarkers = [], {}
    for endpoint in cohort.endpoints_of(adata, notes):
        trial = trial_of(endpoint, treatment, covariates, notes)
        arms = [int((trial.treated == arm).sum()) for arm in (1, 0)]
        if trial.y["event"].sum() < cohort.MIN_EVENTS or min(arms) < cohort.MIN_GROUP:
            notes.append(
                f"{endpoint.name}: {int(trial.y['event'].sum())} events in {arms[0]} treated and {arms[1]} "
                "control patients are too few for treatment effects."
            )
            continue
        trials.append(trial)
        biomarkers[endpoint.name] = _biomarkers(adata, endpoint.name, trial, notes)
    return interaction_tables(trials, biomarkers, notes)


def _biomarkers(adata: AnnData, endpoint: str, trial: Trial, notes: list[str]) -> dict[str, pd.Series]:
    columns = {name: name for name in BIOMARKERS} | {f"risk_group_{endpoint}": "risk_group"}
    found = {}
    for column, name in columns.items():
        if column in adata.obs:
            own = adata.obs[column].loc[trial.y.index].rename(name)
            groups = cohort.groups_of(own, notes)
            if groups is not None:
                found[name] = groups
    return found


def _sentence(content: dict[str, Any], roles: RolesConfig) -> str:
    if content["available"] == "neither":
        return (
            "Neither treatment nor response is declared for this cohort, so that treatment benefit was not "
            "modelled; subtypes and risk here are prognostic, not predictive of benefit."
        )
    parts = []
    if content["available"] in ("treatment", "both"):
        how = (
            "randomized"
            if roles.treatment and roles.treatment.randomized
            else "not randomized, so confounded"
        )
        tests = content.get("interaction")
        if tests is None:
            parts.append(
                f"Treatment ({how}) is recorded, but no interaction with a biomarker could be tested"
            )
        else:
            n = len(tests.drop_duplicates(["endpoint", "biomarker"]))
            small = tests[tests["fdr"] < 0.05].drop_duplicates(["endpoint", "biomarker"])
            parts.append(
                f"Treatment ({how}): {len(small)} of {n} biomarker interactions have a false discovery rate "
                "below 5%"
            )
    if content["available"] in ("response", "both"):
        parts.append(_classifier_words(content.get("classifier")))
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _classifier_words(classifier: dict[str, Any] | None) -> str:
    """Say what the classifier is worth: nothing where it is no better than chance or calls too few."""
    if classifier is None:
        return "response is recorded, but in too few samples for a classifier"
    table = classifier["performance"].set_index("metric")
    auc, called = table.loc["auc"], table.loc["called"]
    words = (
        f"out-of-fold AUC {auc['estimate']:.2f}, 95% CI {auc['lower']:.2f} to {auc['upper']:.2f}; "
        f"{classifier['n_positive']:.0f} responders in {auc['n']:.0f} patients"
    )
    if not np.isfinite(auc["estimate"]):
        return "whether expression predicts response could not be measured: no test set has both outcomes"
    if by_chance({"evidence": auc}):
        return f"response is not predicted from expression better than by chance ({words})"
    counts = f"{called['count']:.0f} of {called['n']:.0f} patients"
    if called["estimate"] < FEWEST_CALLED:
        return (
            f"only {counts} could be called responder or non-responder; the others' probabilities lie too "
            "near the threshold"
        )
    rates = ", ".join(
        f"{name} {_of(table.loc[name])}"
        for name in ("sensitivity", "specificity")
        if np.isfinite(table.loc[name, "estimate"])
    )
    return f"response is predicted from expression ({words}); {counts} could be called, with {rates}"


def _of(row: pd.Series) -> str:
    return f"{row['estimate']:.0%} ({row['count']:g} of {row['n']:g})"


def _methods(content: dict[str, Any], roles: RolesConfig) -> str:
    sentences = []
    if "interaction" in content:
        randomized = roles.treatment is not None and roles.treatment.randomized
        adjusted = "" if randomized else " adjusted for the clinical covariates"
        sentences.append(
            f"Interactions of treatment with biomarkers were tested in Cox models{adjusted} that hold "
            "treatment, biomarker and their product, by Wald tests of each term and a likelihood-ratio test "
            "of all terms of a biomarker; the false discovery rate (Benjamini and Hochberg 1995) is over the "
            "latter. Risk groups are out of fold."
        )
    if "classifier" in content:
        sentences.append(
            "Response was classified by LASSO logistic regression with recalibrated probabilities, tested by "
            f"{cohort.scheme(content['params'])} in which everything was learned in the training set only. "
            + threshold_methods(str(content["params"]["aim"]), tuple(content["params"]["uncertain"]))
        )
    return " ".join(sentences) or content["sentence"]
