"""The summary for the clinician: what was found, what to be careful about, what can be called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from precisionmed.io._evidence import reaches_chance
from precisionmed.report import _calls
from precisionmed.report._format import ci_text, count, heading, join, named_model, p_text, percent, words
from precisionmed.report._page import Block, Page, Run
from precisionmed.report.sections._called import classifier, external
from precisionmed.report.sections._cautions import cautions
from precisionmed.report.sections._how_many import LEVEL, descriptive, family_p
from precisionmed.report.sections._signature_verdict import against, empty

CANNOT_CALL = "cannot call"


def fill(run: Run, page: Page) -> None:
    """Fill the section."""
    page.blocks.append(Block("tiles", items=_tiles(run)))
    page.heading("Key findings")
    finders = (_cohort, _subtypes, _intrinsic, _signatures, _classifiers, _survival, _response, _external)
    page.listing([finding for finder in finders for finding in finder(run)], kind="findings")
    page.heading("Read with care")
    page.listing(cautions(run), kind="cautions")
    page.heading("What the locked model can call")
    calls = _calls.table(run)
    if calls.empty:
        page.quiet("Nothing was learned that a model could call.")
    page.table(
        ("lock", "calls"),
        calls,
        "What the model returns for one new sample, what it learned that from, and how well it did on "
        "samples it had not seen: within the cohort (out of fold) and, if given, in external cohorts "
        "(each sample alone); how many could be called, and estimates with 95% confidence intervals where at "
        "least half could. “Use” is a statement about the numbers here, never about a treatment.",
    )


def _tiles(run: Run) -> list[tuple[str, str]]:
    tiles = [(f"{run.adata.n_obs:,}", "samples"), (f"{run.adata.n_vars:,}", "genes after filtering")]
    if "subtype" in run.adata.obs:
        k = str(run.adata.obs["subtype"].dropna().nunique())
        tiles.append(("none" if descriptive(run.step("subtypes")) else k, "molecular subtypes"))
    survival = run.step("survival")
    for endpoint in [str(e) for e in survival.get("endpoints", [])][:1]:
        tiles.append((f"{int(survival[endpoint]['n_events']):,}", f"{words(endpoint)} events"))
    if run.validations:
        n = sum(adata.n_obs for adata in run.validations.values())
        tiles.append((f"{n:,}", "external samples"))
    return tiles


def _cohort(run: Run) -> list[tuple[str, str]]:
    flow, qc = run.step("ingest").get("flow"), run.step("qc")
    said = f"{count(run.adata.n_obs, 'sample')} were analysed."
    if flow is not None and len(flow) and int(flow["samples"].iloc[0]) != run.adata.n_obs:
        said = f"{count(run.adata.n_obs, 'sample')} of {int(flow['samples'].iloc[0]):,} read were analysed."
    if qc:
        said += f" Quality control called {count(len(qc.get('outliers', ())), 'outlier')}."
    return [("Cohort", said)]


def _subtypes(run: Run) -> list[tuple[str, str]]:
    if "subtype" not in run.adata.obs:
        return []
    sizes = run.adata.obs["subtype"].value_counts(sort=False)
    listed = join([f"{name} ({int(n)})" for name, n in sizes.items() if n])
    outliers = int(run.adata.obs["subtype"].isna().sum())
    if outliers:
        listed += f"; {count(outliers, 'outlier')} without a subtype"
    if "stopped" in run.step("subtypes"):
        said = f"none are announced. {run.step('subtypes')['stopped']}"
        return [("Subtypes", f"{said} Groups that only describe the cohort: {listed}.")]
    if descriptive(run.step("subtypes")):
        said = "no subtypes: the cohort is not clearly more structured than one without."
        return [("Subtypes", f"{said} Groups that only describe it: {listed}.")]
    said = f"The tumours fall into {count((sizes > 0).sum(), 'molecular subtype')}: {listed}."
    p = family_p(run.step("subtypes"))
    if np.isfinite(p):
        verdict = "More" if p <= LEVEL else "Not clearly more"
        said += f" {verdict} stable than in cohorts without subtypes ({p_text(p)})."
    if "subtype_core" in run.adata.obs:
        core = percent(float(run.adata.obs["subtype_core"].mean()))
        said += f" {core} of the samples lie clearly in their subtype, the others between two."
    return [("Subtypes", said)]


def _intrinsic(run: Run) -> list[tuple[str, str]]:
    found = run.step("subtypes").get("intrinsic_proportions")
    if found is None or not len(found):
        return []
    share = {
        str(name): float(f) for name, f in zip(found["subtype"], found["fraction"], strict=True) if f > 0
    }
    declined = share.pop(CANNOT_CALL, 0.0)
    said = f"{join([f'{name} {percent(f)}' for name, f in share.items()])} of {run.adata.n_obs:,} samples."
    if declined:
        said += f" {percent(declined)} could not be called."
    return [("Intrinsic subtypes", said)]


def _signatures(run: Run) -> list[tuple[str, str]]:
    found = run.step("biomarkers")
    lines = []
    for task in [str(t) for t in found.get("tasks", [])]:
        label, genes = str(found[task].get("label", task)), len(found[task]["signature"])
        name = f"Signature for {label}"
        if not genes:
            lines.append((name, f"{empty(found[task])}{_derived(run, task)}"))
            continue
        said = (
            f"{count(genes, 'gene')} alone, without clinical variables: {_best(found[task]['performance'])} "
            f"in samples not used for learning ({_learned(found[task])}); {against(found[task])[1]}."
        )
        if str(found[task].get("kind")) == "survival":
            said += f" Shown, not locked: new patients get the risk of genes under Survival ({words(task)})."
        lines.append((name, said + _derived(run, task)))
    return lines


def _classifiers(run: Run) -> list[tuple[str, str]]:
    found = run.step("classify")
    lines = []
    for task in [str(t) for t in found.get("tasks", [])]:
        lines.append((f"{heading(task)} classifier", classifier(found[task]) + _derived(run, task)))
    return lines


def _survival(run: Run) -> list[tuple[str, str]]:
    found = run.step("survival")
    lines = []
    for endpoint in [str(e) for e in found.get("endpoints", [])]:
        table, parts = found[endpoint].get("concordance"), []
        if table is not None and len(table):
            parts = [f"{_model_words(r)} {_c_index(r)}" for _, r in table.iterrows()]
        said = f"{_events(found[endpoint])}; "
        said += f"out-of-fold C-index of {join(parts)}." if parts else _without_model(found[endpoint])
        lines.append((f"Survival ({words(endpoint)})", said + _risk_test(found[endpoint])))
    return lines


def _events(found: dict[str, Any]) -> str:
    return f"{count(found['n_events'], 'event')} in {count(found['n'], 'patient')}"


def _without_model(found: dict[str, Any]) -> str:
    return "the signature is empty: no gene model." if "model" in found else "too few events for a model."


def _model_words(row: pd.Series) -> str:
    """Return a model of survival in words, and whether it is the one that is locked and called by."""
    model = str(row["model"])
    if model == "genes":
        weak = reaches_chance(float(row["lower"]))
        calls = "" if not weak else ", but gives no call: not better than chance"
        return f"genes alone (locked{calls})"
    named = named_model(model)
    return named if "+" in model else f"{named} alone"


def _c_index(row: pd.Series) -> str:
    if not np.isfinite(row["estimate"]):
        return "not measured (the LASSO kept no gene)"
    return ci_text(row["estimate"], row["lower"], row["upper"])


def _risk_test(found: dict[str, Any]) -> str:
    """Say whether the out-of-fold risk groups differ: by a valid test, and only if the risk ranks at all."""
    tests, models = found.get("logrank"), found.get("concordance")
    if tests is None or models is None:
        return ""
    risk = tests[tests["grouping"].astype(str) == "risk_group"]
    genes = models[models["model"].astype(str) == "genes"]
    if risk.empty or genes.empty:
        return ""
    p = float(risk["p"].iloc[0])
    weak = reaches_chance(float(genes["lower"].iloc[0]))
    verdict = "differ" if p < LEVEL and not weak else "do not differ clearly"
    return f" Survival of its high-risk and low-risk groups {verdict} ({p_text(p)}, outcomes permuted)."


def _response(run: Run) -> list[tuple[str, str]]:
    sentence = str(run.step("response").get("sentence", ""))
    return [("Response", sentence)] if sentence else []


def _external(run: Run) -> list[tuple[str, str]]:
    said = {}
    for cohort in run.validations:
        again = str(run.validation(cohort).get("replication_verdict", ""))
        verdict = again if "subtype" in run.adata.obs else ""
        said[cohort] = f"{external(run, cohort)} {verdict}".strip()
    return [(f"In {cohort}", text) for cohort, text in said.items() if text]


def _learned(found: dict[str, Any]) -> str:
    """Return of how many samples (and events or positives) an out-of-fold estimate is."""
    what = "with the event" if str(found.get("kind")) == "survival" else "positive"
    return f"{count(found['n'], 'sample')}, {int(found['n_events']):,} {what}"


def _best(performance: pd.DataFrame) -> str:
    row = _calls.main_row(performance)
    if row is None:
        return "performance could not be measured"
    return f"{words(row['metric'])} {ci_text(row['estimate'], row['lower'], row['upper'])}"


def _derived(run: Run, task: str) -> str:
    return " Its labels are expression-derived." if run.derived(task) else ""
