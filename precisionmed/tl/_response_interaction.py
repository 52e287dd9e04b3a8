"""Tests of whether the effect of treatment on survival depends on a biomarker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from precisionmed.estimators.covariates import CovariateEncoder
from precisionmed.estimators.cox import CoxModel
from precisionmed.tl._survival_cohort import MIN_EVENTS, MIN_GROUP, Endpoint, tables

TREATED = "treated"


@dataclass(frozen=True)
class Trial:
    """Samples of one endpoint with known treatment."""

    endpoint: str
    y: pd.DataFrame
    treated: np.ndarray
    """1.0 or 0.0."""
    adjustment: pd.DataFrame
    """Encoded covariates to adjust for; no columns when treatment was randomized."""


def trial_of(endpoint: Endpoint, treatment: pd.Series, covariates: pd.DataFrame, notes: list[str]) -> Trial:
    """Pick the samples with known treatment and encode the covariates to adjust for."""
    arm = treatment.iloc[endpoint.rows]
    known = arm.notna().to_numpy()
    adjustment = pd.DataFrame(index=endpoint.y.index[known])
    if covariates.shape[1]:
        encoder = CovariateEncoder()
        adjustment = encoder.fit_transform(covariates.iloc[endpoint.rows[known]])
        notes += [note for note in encoder.notes_ if note not in notes]
    treated = (arm[known].astype(str) == TREATED).to_numpy().astype(float)
    return Trial(endpoint.name, endpoint.y[known], treated, adjustment)


def treatment_effects(trial: Trial) -> list[dict[str, Any]]:
    """Return the effect of treatment in all patients, unadjusted and (when there are covariates) adjusted."""
    alone = pd.DataFrame({TREATED: trial.treated}, index=trial.y.index)
    designs = {"unadjusted": alone}
    if trial.adjustment.shape[1]:
        designs["adjusted"] = pd.concat([alone, trial.adjustment], axis=1)
    rows = []
    for name, design in designs.items():
        model = CoxModel().fit(design, trial.y)
        rows.append(
            {"endpoint": trial.endpoint, "model": name, **_counts(trial), **_estimates(model, TREATED)}
        )
    return rows


def interaction(
    trial: Trial, biomarker: str, groups: pd.Series, notes: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Test the interaction of treatment with one biomarker.

    Parameters
    ----------
    trial
        Patients with known treatment.
    biomarker
        Name of the biomarker.
    groups
        Its level for each patient (categorical; missing ones are left out).
    notes
        Takes the levels that were left out.

    Returns
    -------
    terms : list of dict
        One row an interaction term: ratio of the treatment's hazard ratios in a level and in the reference
        (the most frequent level), with Wald's p and the likelihood-ratio p of all terms together.
    subgroups : list of dict
        The treatment's hazard ratio in each level, from the same model.
    """
    levels = _usable_levels(trial, biomarker, groups, notes)
    if len(levels) < 2:
        return [], []
    part = groups.astype(str).isin(levels).to_numpy() & groups.notna().to_numpy()
    inside = Trial(trial.endpoint, trial.y[part], trial.treated[part], trial.adjustment[part])
    member = groups[part].astype(str)
    if inside.y["event"].sum() < MIN_EVENTS:
        notes.append(f"{trial.endpoint}, {biomarker}: fewer than {MIN_EVENTS} events; not tested.")
        return [], []
    reference, *others = levels
    names = {level: f"{TREATED} : {level} vs {reference}" for level in others}
    main, product = _design(inside, member, names)
    # Adjustment comes last, so that a collinear covariate is dropped and not the interaction.
    full = CoxModel().fit(pd.concat([main, product, inside.adjustment], axis=1), inside.y)
    reduced = CoxModel().fit(pd.concat([main, inside.adjustment], axis=1), inside.y)
    statistic = max(0.0, 2 * float(full.loglik_[1] - reduced.loglik_[1]))
    df = int(full.kept_.sum() - reduced.kept_.sum())
    test = {
        "likelihood_ratio": statistic,
        "df": df,
        "likelihood_ratio_p": float(stats.chi2.sf(statistic, df)),
    }
    label = {"endpoint": trial.endpoint, "biomarker": biomarker}
    terms = [
        {**label, **_counts(inside), "term": name, **_estimates(full, name), **test}
        for name in names.values()
    ]
    subgroups = [
        {**label, "level": level, **_counts(inside, (member == level).to_numpy()), **effect}
        for level, effect in _effects(full, names, reference).items()
    ]
    return terms, subgroups


def add_fdr(terms: pd.DataFrame) -> pd.DataFrame:
    """Add `fdr` (Benjamini-Hochberg) over the likelihood-ratio tests, one a biomarker and endpoint."""
    tests = terms.drop_duplicates(["endpoint", "biomarker"])
    fdr = pd.Series(stats.false_discovery_control(tests["likelihood_ratio_p"]), index=tests.index)
    keys = ["endpoint", "biomarker"]
    return terms.merge(tests[keys].assign(fdr=fdr), on=keys, how="left")


def interaction_tables(
    trials: list[Trial], biomarkers: dict[str, dict[str, pd.Series]], notes: list[str]
) -> dict[str, pd.DataFrame]:
    """Return tables `treatment_effect`, `interaction` and `subgroups` of all trials.

    `biomarkers` holds, for each endpoint, name -> levels of the patients of its trial.
    """
    effects, terms, subgroups = [], [], []
    for trial in trials:
        effects += treatment_effects(trial)
        for name, groups in biomarkers[trial.endpoint].items():
            found, inside = interaction(trial, name, groups, notes)
            terms += found
            subgroups += inside
    content = {"treatment_effect": effects, "subgroups": subgroups}
    stored = {name: tables([pd.DataFrame(rows)]) for name, rows in content.items() if rows}
    if terms:
        stored["interaction"] = tables([add_fdr(pd.DataFrame(terms))])
    return stored


def _usable_levels(trial: Trial, biomarker: str, groups: pd.Series, notes: list[str]) -> list[str]:
    """Return the levels with enough patients in both arms, the most frequent first."""
    member = groups.astype(str)
    known = groups.notna().to_numpy()
    sizes, small = {}, []
    for level in dict.fromkeys(str(level) for level in groups.cat.categories):
        arms = [int(((member == level).to_numpy() & known & (trial.treated == arm)).sum()) for arm in (0, 1)]
        if min(arms) >= MIN_GROUP:
            sizes[level] = sum(arms)
        elif sum(arms):
            small.append(level)
    if small:
        notes.append(
            f"{trial.endpoint}, {biomarker}: fewer than {MIN_GROUP} patients in an arm of "
            f"{', '.join(small)}; left out of the test of interaction."
        )
    return sorted(sizes, key=lambda level: (-sizes[level], level))


def _design(trial: Trial, member: pd.Series, names: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return main effects and products."""
    main, product = {TREATED: trial.treated}, {}
    for level, name in names.items():
        carrier = (member == level).to_numpy().astype(float)
        main[level] = carrier
        product[name] = carrier * trial.treated
    return pd.DataFrame(main, index=trial.y.index), pd.DataFrame(product, index=trial.y.index)


def _effects(full: CoxModel, names: dict[str, str], reference: str) -> dict[str, dict[str, float]]:
    """Return the treatment's effect in each level: the main effect and, off the reference, its product."""
    position = {name: j for j, name in enumerate(full.feature_names_)}
    effects = {}
    for level, name in {reference: None, **names}.items():
        used = [position[TREATED]] + ([position[name]] if name else [])
        effects[level] = _wald(full, used)
    return effects


def _wald(model: CoxModel, used: list[int]) -> dict[str, float]:
    if model.infinite_[used].any():
        return dict.fromkeys(("coefficient", "hazard_ratio", "lower", "upper", "p"), float("nan"))
    coefficient = float(model.coef_[used].sum())
    se = float(np.sqrt(model.covariance_[np.ix_(used, used)].sum()))
    width = stats.norm.ppf(0.5 + model.level / 2) * se
    return {
        "coefficient": coefficient,
        "hazard_ratio": float(np.exp(coefficient)),
        "lower": float(np.exp(coefficient - width)),
        "upper": float(np.exp(coefficient + width)),
        "p": float(2 * stats.norm.sf(abs(coefficient) / se)),
    }


def _estimates(model: CoxModel, covariate: str) -> dict[str, float]:
    row = model.feature_names_.index(covariate)
    columns = ("coefficient", "hazard_ratio", "lower", "upper", "p")
    return {name: float(model.summary_[name].to_numpy()[row]) for name in columns}


def _counts(trial: Trial, part: np.ndarray | None = None) -> dict[str, int]:
    part = np.ones(trial.treated.size, dtype=bool) if part is None else part
    n_treated = int(trial.treated[part].sum())
    return {
        "n_treated": n_treated,
        "n_control": int(part.sum()) - n_treated,
        "n_events": int(trial.y["event"].to_numpy()[part].sum()),
    }
