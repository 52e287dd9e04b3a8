"""From a cohort's tables to the locked model and the report. Each rule is one command of precisionmed."""

from snakemake.utils import min_version

min_version("9.0")


include: "workflows/rules/common.smk"
include: "workflows/rules/ingest.smk"
include: "workflows/rules/check.smk"
include: "workflows/rules/qc.smk"
include: "workflows/rules/normalize.smk"
include: "workflows/rules/batch.smk"
include: "workflows/rules/subtypes.smk"
include: "workflows/rules/classify.smk"
include: "workflows/rules/biomarkers.smk"
include: "workflows/rules/survival.smk"
include: "workflows/rules/response.smk"
include: "workflows/rules/lock.smk"
include: "workflows/rules/validate.smk"
include: "workflows/rules/report.smk"


rule all:
    default_target: True
    input:
        "report.html",
        "model.pmz",
    localrule: True
