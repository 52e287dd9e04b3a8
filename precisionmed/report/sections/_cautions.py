"""What a careful reader should know before using a result; each line follows from stored values."""

from __future__ import annotations

from precisionmed.errors import first_few
from precisionmed.io._evidence import reaches_chance
from precisionmed.pl._base import DERIVED
from precisionmed.report import _calls
from precisionmed.report._format import count, heading, join, named_model, words
from precisionmed.report._page import Run
from precisionmed.report.sections import _groups
from precisionmed.report.sections._called import elsewhere, few_called

FEW_EVENTS = 50


def cautions(run: Run) -> list[str]:
    """Return the cautions that apply to this run, the most consequential first."""
    said = [
        *_unused(run),
        *_subtypes(run),
        *_labels(run),
        *few_called(run),
        *_survival(run),
        *_groups.cautions(run),
        *_treatment(run),
        *_elsewhere(run),
        *_data(run),
    ]
    return [
        *said,
        "For research. Nothing here has been tested prospectively; it must not decide a treatment.",
    ]


def _unused(run: Run) -> list[str]:
    """Return what the clinical table seems to record and this analysis does not use."""
    table = run.step("ingest").get("unused_columns")
    if table is None or not len(table):
        return []
    missed = table[table["caution"].astype(bool)]
    if not len(missed):
        return []
    kinds = dict.fromkeys(words(kind) for kind in missed["looks_like"])
    columns = first_few((f"“{column}”" for column in missed["column"]), 6)
    return [
        f"Clinical columns that look like {join(list(kinds))} are not used: {columns}. The reasons are in "
        "the section on the cohort; declare them under cohort.roles if they are what they look like."
    ]


def _subtypes(run: Run) -> list[str]:
    """Return why the groups found are not announced as subtypes."""
    found = run.step("subtypes")
    if "stopped" not in found:
        return []
    return [
        f"{found['stopped']} {found['remedy']} Whatever is shown by subtype, survival too, is shown by these "
        "groups."
    ]


def _labels(run: Run) -> list[str]:
    trained = {str(t) for step in ("classify", "biomarkers") for t in run.step(step).get("tasks", [])}
    source = run.step("receptors").get("source", {})
    names = [words(n) for n, kind in source.items() if str(kind) == DERIVED and n in trained]
    if not names:
        return []
    return [
        f"{heading(join(names))} labels are {DERIVED}, not from pathology. The performance of what was "
        "trained on them says how well that expression-based call is reproduced, not how well pathology "
        "is."
    ]


def _survival(run: Run) -> list[str]:
    found, said = run.step("survival"), []
    for endpoint in [str(e) for e in found.get("endpoints", [])]:
        events = int(found[endpoint]["n_events"])
        if events < FEW_EVENTS:
            said.append(
                f"{words(endpoint)}: with {count(events, 'event')}, estimates of survival are imprecise."
            )
        table = found[endpoint].get("concordance")
        if table is not None:
            weak = [
                named_model(m)
                for m, low in zip(table["model"], table["lower"], strict=True)
                if reaches_chance(low)
            ]
            if weak:
                plural = "s" if len(weak) > 1 else ""
                said.append(
                    f"{words(endpoint)}: out of fold, the C-index of the model{plural} of {join(weak)} is "
                    "not clearly better than chance (its interval reaches 0.5)."
                )
        tests = found[endpoint].get("proportional_hazards")
        if tests is not None and "model" in tests:
            broken = tests[(tests["covariate"].astype(str) == "GLOBAL") & (tests["p"] < 0.05)]
            if len(broken):
                models = join([named_model(m) for m in broken["model"]])
                said.append(
                    f"{words(endpoint)}: hazards may not be proportional over time in the Cox "
                    f"model{'s' if len(broken) > 1 else ''} of {models}."
                )
    return said


def _treatment(run: Run) -> list[str]:
    treatment = run.config.cohort.roles.treatment
    if treatment is None or treatment.randomized or not len(run.step("response").get("interaction", ())):
        return []
    return [
        "Treatment was not randomized; differences between treated and untreated patients are confounded."
    ]


def _elsewhere(run: Run) -> list[str]:
    if not run.validations:
        return [
            "No external cohort was tested; performance elsewhere, above all on other platforms, is unknown."
        ]
    said = []
    inside = {call.task: call for call in _calls.calls(run) if call.performance is not None}
    for cohort in run.validations:
        outside = _calls.outside(run, cohort)
        worse = [
            inside[task].name
            for task, row in outside.items()
            if task in inside and row["estimate"] < (inside[task].performance or row)["lower"]
        ]
        if worse:
            said.append(
                f"In {cohort}, performance is clearly below that within the cohort for: {join(worse)}."
            )
        if not run.validation(cohort).get("replication_confirmed", True):
            said.append(f"In {cohort}, the subtypes are not confirmed: see “In {cohort}” above.")
        said += elsewhere(run, cohort)
    return said


def _data(run: Run) -> list[str]:
    said = []
    method = str(run.step("batch").get("params", {}).get("method", "none"))
    if run.config.cohort.roles.batch and method == "none":
        said.append("The cohort has batches, but no batch correction was configured.")
    sex = run.step("qc").get("sex_check")
    wrong = 0 if sex is None else int((sex["agrees"].astype("string").str.lower() == "false").sum())
    if wrong:
        said.append(
            f"In {count(wrong, 'sample')} expression disagrees with the recorded sex: look for swaps."
        )
    outliers = len(run.step("qc").get("outliers", ()))
    if outliers and not run.config.qc.drop_outliers:
        said.append(f"{count(outliers, 'outlier')} stayed in the analysis (qc.drop_outliers is off).")
    return said
