"""Survival models of one endpoint: out-of-fold risk, Cox tables and the model for new patients."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from precisionmed.errors import PrecisionMedWarning
from precisionmed.estimators.clinical import GenesAndClinical
from precisionmed.estimators.covariates import CovariateEncoder
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.crossval import CrossValidation, TrainingSet, training_sets
from precisionmed.estimators.lasso import LassoCoxCV
from precisionmed.tl._folds import values_as_read
from precisionmed.tl._survival_cohort import Endpoint, labelled, tables

if TYPE_CHECKING:
    from anndata import AnnData

CLINICAL, GENES, COMBINED = "clinical", "genes", "clinical + genes"
UNIVARIABLE = "univariable"
EVENTS_PER_COVARIATE = 5
"""Below this many events for each coefficient a Cox model is called unstable."""
RULE = "min"
"""A risk is wanted, not the shortest list: the penalty with the best cross-validated likelihood."""


@dataclass(frozen=True)
class ModelInput:
    """What the models of one endpoint see; rows are the samples of the endpoint."""

    endpoint: Endpoint
    expression: dict[str, Any]
    """Values as read and how every training set prepares them, as `values_as_read` returns them."""
    tables: dict[str, pd.DataFrame]
    """Clinical table of each model that uses no genes, e.g. `clinical` and `subtype`."""


@dataclass(frozen=True)
class OutOfFold:
    """Risk of each sample from models that never saw it."""

    models: dict[str, CrossValidation]
    high_risk: np.ndarray
    """Whether a sample is above the median training risk of the gene model: 1, 0, or NaN (no genes)."""
    n_genes: np.ndarray
    """Signature size in each training set."""
    notes: list[str]

    @property
    def risk(self) -> np.ndarray:
        """Mean out-of-fold risk of the gene model."""
        return self.models[GENES].score


def model_input(adata: AnnData, endpoint: Endpoint, clinical: dict[str, pd.DataFrame]) -> ModelInput:
    """Pick the rows of an endpoint out of the cohort."""
    rows = endpoint.rows
    known = {name: frame.iloc[rows] for name, frame in clinical.items()}
    return ModelInput(endpoint, values_as_read(adata, rows), known)


def gene_model(n_folds: int, random_state: np.random.Generator) -> LassoCoxCV:
    """Return the gene model, not fitted."""
    seed = int(random_state.integers(2**31))
    return LassoCoxCV(n_folds=n_folds, rule=RULE, ties="efron", random_state=seed)


def out_of_fold(
    data: ModelInput, *, n_folds: int, n_repeats: int, random_state: np.random.Generator
) -> OutOfFold:
    """Cross-validate all models on the same folds; everything learned is learned in the training set."""
    event, batch = data.endpoint.y["event"].to_numpy(), data.expression["batch"]
    strata = event if batch is None else np.char.add(batch.astype(str), event.astype(str))
    parts: dict[str, list[pd.DataFrame]] = {}
    margin, sizes, told = np.zeros((n_repeats, event.size)), [], Counter[str]()
    dealt = training_sets(
        y=data.endpoint.y,
        strata=strata,
        n_folds=n_folds,
        n_repeats=n_repeats,
        random_state=random_state,
        **data.expression,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PrecisionMedWarning)
        for part in dealt:
            scores, threshold, size = _one_fold(data, part, gene_model(n_folds, random_state))
            told.update({str(w.message) for w in caught if issubclass(w.category, PrecisionMedWarning)})
            caught.clear()
            for name, score in scores.items():
                columns = {"row": part.test, "repeat": part.repeat, "fold": part.fold, "score": score}
                parts.setdefault(name, []).append(pd.DataFrame(columns))
            margin[part.repeat, part.test] = scores[GENES] - threshold
            sizes.append(size)
    models = {
        name: CrossValidation(pd.concat(found).sort_values(["repeat", "row"], ignore_index=True), None)
        for name, found in parts.items()
    }
    mean = margin.mean(axis=0)
    high = np.where(mean == 0, np.nan, mean > 0)
    notes = [f"in {k} of {n_folds * n_repeats} training sets: {message}" for message, k in told.items()]
    return OutOfFold(models, high, np.array(sizes), notes)


def _one_fold(
    data: ModelInput, part: TrainingSet, lasso: LassoCoxCV
) -> tuple[dict[str, np.ndarray], float, int]:
    """Return test scores of each model, the gene model's median training risk and its number of genes."""
    train, test, X, X_test = part.train, part.test, part.X_train, part.X_test
    y = data.endpoint.y.iloc[train]
    genes = clone(lasso).fit(X, y)
    scores = {GENES: genes.predict(X_test)}
    for name, frame in data.tables.items():
        encoder = CovariateEncoder().fit(frame.iloc[train])
        Z, Z_test = encoder.transform(frame.iloc[train]), encoder.transform(frame.iloc[test])
        model = CoxModel().fit(Z, y)
        scores[name] = model.predict(Z_test)
        if name == CLINICAL:
            both = GenesAndClinical(lasso).fit(X, y, clinical=frame.iloc[train])
            scores[COMBINED] = both.predict(X_test, clinical=frame.iloc[test])
    return scores, float(np.median(genes.predict(X))), int(np.count_nonzero(genes.coef_))


def concordance_table(
    found: OutOfFold, endpoint: Endpoint, random_state: np.random.Generator
) -> pd.DataFrame:
    """Return the out-of-fold C-index of each model, with a bootstrap interval."""
    order = [name for name in (CLINICAL, GENES, COMBINED) if name in found.models]
    seed = int(random_state.integers(2**31))  # the same bootstrap samples for all models
    rows = []
    for name in order + [name for name in found.models if name not in order]:
        estimate, lower, upper = found.models[name].concordance(endpoint.y, seed)
        rows.append((name, estimate, lower, upper, len(endpoint.y), endpoint.n_events))
    return tables([pd.DataFrame(rows, columns=["model", "estimate", "lower", "upper", "n", "n_events"])])


def cox_tables(designs: list[tuple[str, pd.DataFrame]], y: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return tables `cox` and `proportional_hazards` of (model, encoded covariates) pairs, if any."""
    cox, tests = [], []
    columns = ["covariate", "coefficient", "hazard_ratio", "lower", "upper", "p"]
    for name, design in designs:
        model = CoxModel().fit(design, y)
        if not model.kept_.any():
            continue
        cox.append(labelled(model.summary_[model.kept_].reset_index()[columns], model=name))
        if name != UNIVARIABLE:
            tests.append(labelled(model.proportional_hazards(design, y).reset_index(), model=name))
    found = {"cox": cox, "proportional_hazards": tests}
    return {name: tables(frames) for name, frames in found.items() if frames}


def designs_of(
    clinical: dict[str, pd.DataFrame], risk: pd.Series | None, notes: list[str]
) -> list[tuple[str, pd.DataFrame]]:
    """Encode the covariates of every Cox model that is shown, the fullest last.

    `risk` is the out-of-fold risk of the genes ("pre-validated": Tibshirani and Efron, Stat Appl Genet Mol
    Biol 1:1, 2002); it enters per standard deviation, None when it does not vary.
    """
    designs: list[tuple[str, pd.DataFrame]] = []
    encoded = {}
    for name, frame in clinical.items():
        encoder = CovariateEncoder().fit(frame)
        encoded[name] = encoder.transform(frame)
        notes += [note for note in encoder.notes_ if note not in notes]
    if CLINICAL in clinical:
        for covariate in clinical[CLINICAL]:
            designs.append((UNIVARIABLE, CovariateEncoder().fit_transform(clinical[CLINICAL][[covariate]])))
    designs += [(name, design) for name, design in encoded.items() if name != CLINICAL]
    if CLINICAL in encoded:
        designs.append((CLINICAL, encoded[CLINICAL]))
    if risk is not None:
        base = encoded.get(CLINICAL, pd.DataFrame(index=risk.index))
        score = {"gene risk (out of fold, per SD)": (risk - risk.mean()) / risk.std(ddof=0)}
        name = f"{CLINICAL} + gene risk" if CLINICAL in encoded else "gene risk"
        designs.append((name, base.assign(**score)))
    return designs


def cautions(content: dict[str, Any], endpoint: Endpoint) -> list[str]:
    """Say when a Cox model has few events for its covariates, or hazards that are not proportional."""
    notes = []
    if "cox" in content:
        for name, part in content["cox"].groupby("model", sort=False):
            if name != UNIVARIABLE and endpoint.n_events < EVENTS_PER_COVARIATE * len(part):
                notes.append(
                    f"{endpoint.name}: {endpoint.n_events} events are few for the {len(part)} coefficients "
                    f"of the model '{name}'; its estimates are unstable."
                )
    if "proportional_hazards" in content:
        tests = content["proportional_hazards"].query("covariate == 'GLOBAL' and p < 0.05")
        notes += [
            f"{endpoint.name}: hazards are not proportional in the model '{name}' (p = {p:.2g}); its hazard "
            "ratios are averages over time."
            for name, p in zip(tests["model"], tests["p"], strict=True)
        ]
    return notes
