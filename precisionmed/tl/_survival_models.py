"""Survival models of one endpoint: out-of-fold risk, Cox tables and the model for new patients."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from precisionmed.errors import PrecisionMedWarning, first_few
from precisionmed.estimators.clinical import GenesAndClinical
from precisionmed.estimators.covariates import CovariateEncoder
from precisionmed.estimators.cox import CoxModel
from precisionmed.estimators.cox_firth import CoxFirth, fit_cox
from precisionmed.estimators.crossval import CrossValidation, TrainingSet, training_sets
from precisionmed.estimators.lasso import LassoCoxCV
from precisionmed.io.patients import patients_at
from precisionmed.tl._folds import values_as_read
from precisionmed.tl._survival_cohort import Endpoint, labelled, tables

if TYPE_CHECKING:
    from anndata import AnnData

CLINICAL, GENES, COMBINED = "clinical", "genes", "clinical + genes"
UNIVARIABLE = "univariable"
EVENTS_PER_COVARIATE = 5
"""Below this many events for each coefficient a Cox model is called unstable."""
EVENTS_OF_LEVEL = 5
"""Below this many events a level of a covariate has no hazard ratio, nor what is compared with it."""
REFERENCE = " (reference)"
UNTESTED = "out of fold, not tested"
FIRTH = "separates the events: Firth's penalized likelihood"
_RATIOS = ("coefficient", "hazard_ratio", "lower", "upper", "p")
_VALID = {"": len(_RATIOS), FIRTH: len(_RATIOS), UNTESTED: _RATIOS.index("lower")}
"""Remark -> how many of them are shown; none with any other remark."""
GENE_RISK = "gene risk (out of fold, per SD)"


@dataclass(frozen=True)
class ModelInput:
    """What the models of one endpoint see; rows are the samples of the endpoint."""

    endpoint: Endpoint
    expression: dict[str, Any]
    """Values as read and how every training set prepares them, as `values_as_read` returns them."""
    tables: dict[str, pd.DataFrame]
    """Clinical table of each model that uses no genes, e.g. `clinical` and `subtype`."""
    groups: np.ndarray | None = None
    """Patient of each sample, as the signature's folds know them."""


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
    return ModelInput(endpoint, values_as_read(adata, rows), known, patients_at(adata.obs, rows))


def out_of_fold(
    data: ModelInput, lasso: LassoCoxCV, *, n_folds: int, n_repeats: int, random_state: np.random.Generator
) -> OutOfFold:
    """Cross-validate all models on the same folds; everything learned is learned in the training set.

    The folds are those of `biomarkers` when the generator is that of the endpoint's name, and so is the risk
    of the genes.
    """
    event = data.endpoint.y["event"].to_numpy()
    parts: dict[str, list[pd.DataFrame]] = {}
    margin, sizes, told = np.zeros((n_repeats, event.size)), [], Counter[str]()
    dealt = training_sets(
        y=data.endpoint.y,
        groups=data.groups,
        n_folds=n_folds,
        n_repeats=n_repeats,
        random_state=random_state,
        **data.expression,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PrecisionMedWarning)
        for part in dealt:
            scores, threshold, size = _one_fold(data, part, lasso)
            told.update({str(w.message) for w in caught if issubclass(w.category, PrecisionMedWarning)})
            caught.clear()
            for name, score in scores.items():
                columns = {"row": part.test, "repeat": part.repeat, "fold": part.fold, "score": score}
                parts.setdefault(name, []).append(pd.DataFrame(columns))
            margin[part.repeat, part.test] = scores[GENES] - threshold
            sizes.append(size)
    models = {
        name: CrossValidation(
            pd.concat(found).sort_values(["repeat", "row"], ignore_index=True),
            None,
            data.endpoint.y.index,
            data.groups,
        )
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
    groups = None if data.groups is None else data.groups[train]
    genes = clone(lasso).fit(X, y, groups=groups)
    scores = {GENES: genes.predict(X_test)}
    for name, frame in data.tables.items():
        encoder = CovariateEncoder().fit(frame.iloc[train])
        Z, Z_test = encoder.transform(frame.iloc[train]), encoder.transform(frame.iloc[test])
        model = fit_cox(Z, y)
        scores[name] = model.predict(Z_test)
        if name == CLINICAL:
            both = GenesAndClinical(lasso).fit(X, y, clinical=frame.iloc[train], groups=groups)
            scores[COMBINED] = both.predict(X_test, clinical=frame.iloc[test])
    return scores, float(np.median(genes.predict(X))), int(np.count_nonzero(genes.coef_))


def concordance_table(found: OutOfFold, endpoint: Endpoint, seed: int, *, genes: bool) -> pd.DataFrame:
    """Return the out-of-fold C-index of each model, with a bootstrap interval on the same samples for all.

    Without `genes` the signature is empty, and there is no model of them to measure.
    """
    order = [name for name in (CLINICAL, GENES, COMBINED) if name in found.models]
    order += [name for name in found.models if name not in order]
    rows = []
    for name in order if genes else [name for name in order if name not in (GENES, COMBINED)]:
        estimate, lower, upper = found.models[name].concordance(endpoint.y, seed)
        rows.append((name, estimate, lower, upper, len(endpoint.y), endpoint.n_events))
    columns = ["model", "estimate", "lower", "upper", "n", "n_events"]
    types = dict.fromkeys(columns[1:4], float) | dict.fromkeys(columns[4:], int)
    return tables([pd.DataFrame(rows, columns=columns).astype(types)])


@dataclass(frozen=True)
class Design:
    """The encoded covariates of one Cox model that is shown."""

    model: str
    columns: pd.DataFrame
    levels: pd.DataFrame
    """Samples and events behind each column and each reference (`CovariateEncoder.level_table`)."""


def cox_tables(designs: list[Design], y: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return tables `cox` and `proportional_hazards` of the models, if any."""
    cox, tests = [], []
    for design in designs:
        model = CoxModel().fit(design.columns, y)
        if not model.kept_.any():
            continue
        cox.append(labelled(_hazard_rows(model, design, y), model=design.model))
        # Wald and score tests do not hold for a risk that was learned from the other samples' outcomes.
        if design.model != UNIVARIABLE and GENE_RISK not in design.columns:
            found = model.proportional_hazards(design.columns, y).reset_index()
            tests.append(labelled(found, model=design.model))
    shown = {"cox": cox, "proportional_hazards": tests}
    return {name: tables(frames) for name, frames in shown.items() if frames}


def _hazard_rows(model: CoxModel, design: Design, y: pd.DataFrame) -> pd.DataFrame:
    """Return the hazard ratios with the samples and events behind each, references first.

    A level with fewer than `EVENTS_OF_LEVEL` events, or compared with so few, has no ratio; what separates
    more events than that has one by Firth's penalized likelihood. The out-of-fold risk has a ratio, but
    neither interval nor p: without any signal Wald's p < 0.05 comes far too often.
    """
    estimates = model.summary_[model.kept_][list(_RATIOS)]
    levels = design.levels
    references: dict[Any, Any] = levels[levels["column"] == ""].set_index("covariate").to_dict("index")
    known: dict[Any, Any] = levels[levels["column"] != ""].set_index("column").to_dict("index")
    everybody = {"n": len(y), "events": int(y["event"].sum())}
    rows, introduced = [], set()
    penalized: pd.DataFrame | None = None
    for column, estimate in estimates.iterrows():
        counts: dict[str, Any] = {"covariate": column, "level": "", **everybody, **known.get(column, {})}
        name = str(counts["covariate"])
        base = references.get(name) if counts["level"] else None
        if base is not None and name not in introduced:
            label = f"{name}: {base['level']}{REFERENCE}"
            rows.append([label, base["n"], base["events"], 0.0, 1.0, np.nan, np.nan, np.nan, ""])
            introduced.add(name)
        remark = _remark(column, counts, base, estimate)
        if remark == FIRTH:
            penalized = CoxFirth().fit(design.columns, y).summary_ if penalized is None else penalized
            estimate = penalized.loc[[str(column)], list(_RATIOS)].iloc[0]
        shown = estimate.to_numpy(float).copy()
        shown[_VALID.get(remark, 0) :] = np.nan
        rows.append([column, counts["n"], counts["events"], *shown, remark])
    table = pd.DataFrame(rows, columns=["covariate", "n", "events", *_RATIOS, "remark"])
    return table.astype({"n": int, "events": int} | dict.fromkeys(_RATIOS, float))


def _remark(column: object, counts: dict[str, Any], base: dict[Any, Any] | None, estimate: pd.Series) -> str:
    """Say why a row has no ratio, one without a test, or one of another likelihood; else nothing."""
    few = f"fewer than {EVENTS_OF_LEVEL} events"
    if column == GENE_RISK:
        return UNTESTED
    if counts["level"] and counts["events"] < EVENTS_OF_LEVEL:
        return few
    if base is not None and base["events"] < EVENTS_OF_LEVEL:
        return f"{few} in the reference"
    if not 0 < estimate["hazard_ratio"] < np.inf:
        return FIRTH
    return ""


def designs_of(
    clinical: dict[str, pd.DataFrame], risk: pd.Series | None, event: pd.Series, notes: list[str]
) -> list[Design]:
    """Encode the covariates of every Cox model that is shown, the fullest last.

    `risk` is the out-of-fold risk of the genes ("pre-validated": Tibshirani and Efron, Stat Appl Genet Mol
    Biol 1:1, 2002); it enters per standard deviation, None when it does not vary. Its coefficient has no
    valid test, as samples share outcomes through their training sets.
    """
    designs: list[Design] = []
    encoded: dict[str, Design] = {}
    for name, frame in clinical.items():
        encoder = CovariateEncoder().fit(frame)
        encoded[name] = _design(name, encoder, frame, event)
        notes += [note for note in encoder.notes_ if note not in notes]
    if CLINICAL in clinical:
        for covariate in clinical[CLINICAL]:
            alone = clinical[CLINICAL][[covariate]]
            designs.append(_design(UNIVARIABLE, CovariateEncoder().fit(alone), alone, event))
    designs += [design for name, design in encoded.items() if name != CLINICAL]
    if CLINICAL in encoded:
        designs.append(encoded[CLINICAL])
    if risk is not None:
        score = {GENE_RISK: (risk - risk.mean()) / risk.std(ddof=0)}
        if CLINICAL in encoded:
            base, levels = encoded[CLINICAL].columns, encoded[CLINICAL].levels
            designs.append(Design(f"{CLINICAL} + gene risk", base.assign(**score), levels))
        else:
            base = pd.DataFrame(index=risk.index)
            levels = pd.DataFrame(columns=["covariate", "level", "column", "n", "events"])
            designs.append(Design("gene risk", base.assign(**score), levels))
    return designs


def _design(name: str, encoder: CovariateEncoder, frame: pd.DataFrame, event: pd.Series) -> Design:
    return Design(name, encoder.transform(frame), encoder.level_table(frame, event))


def cautions(content: dict[str, Any], endpoint: Endpoint) -> list[str]:
    """Say when a Cox model has few events for its covariates, or hazards that are not proportional."""
    notes = []
    if "cox" in content:
        for name, part in content["cox"].groupby("model", sort=False):
            reference = part["covariate"].str.endswith(REFERENCE)
            size = int((~reference).sum())
            absent = part[part["hazard_ratio"].isna()] if name == UNIVARIABLE else part[:0]
            notes += [
                f"{endpoint.name}: no hazard ratio is shown for {first_few(those['covariate'])}: {why}."
                for why, those in absent.groupby("remark", sort=False)
            ]
            if name != UNIVARIABLE and endpoint.n_events < EVENTS_PER_COVARIATE * size:
                notes.append(
                    f"{endpoint.name}: {endpoint.n_events} events are few for the {size} coefficients "
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
