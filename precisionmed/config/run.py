"""One model of a run: every key a user may set, its meaning and its default.

`load_config` reads YAML, names unknown keys with the nearest known one, and resolves paths
relative to the config file. `workflows/schemas/config.schema.json` is generated from `RunConfig`.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import Field, ValidationError, model_validator

from precisionmed.config import steps
from precisionmed.config.cohort import CohortConfig, Section
from precisionmed.errors import InputError, nearest


class RunConfig(Section):
    """A whole run."""

    output: Path = Path("results")
    """Folder for everything that is written."""
    seed: int = Field(1, ge=0)
    """The one seed of the run."""
    cohort: CohortConfig
    """The cohort to learn from."""
    external: list[CohortConfig] = []
    """Cohorts for external validation: the locked model is applied to each of their samples alone."""
    shared_genes: bool = False
    """Learn only from genes that every external cohort measures too (names only, no values are looked at)."""
    qc: steps.QcConfig = steps.QcConfig()
    """Quality control."""
    normalize: steps.NormalizeConfig = steps.NormalizeConfig()
    """Gene filter and normalization."""
    batch: steps.BatchConfig = steps.BatchConfig()
    """Batch correction."""
    subtypes: steps.SubtypesConfig = steps.SubtypesConfig()
    """Molecular subtypes."""
    biomarkers: steps.BiomarkersConfig = steps.BiomarkersConfig()
    """LASSO signatures."""
    classify: steps.ClassifyConfig = steps.ClassifyConfig()
    """HER2 and triple-negative classifiers."""
    survival: steps.SurvivalConfig = steps.SurvivalConfig()
    """Survival models."""
    response: steps.ResponseModelConfig = steps.ResponseModelConfig()
    """Treatment response."""
    report: steps.ReportConfig = steps.ReportConfig()
    """The report."""

    @model_validator(mode="after")
    def _distinct_names(self) -> RunConfig:
        names = [self.cohort.name, *(c.name for c in self.external)]
        if len(set(names)) < len(names):
            raise ValueError(f"cohort names must differ, found {names}; set 'name' in each cohort")
        return self


def load_config(path: str | Path) -> RunConfig:
    """Read and check a YAML config; paths in it are relative to the file's folder.

    The output folder stays relative to the working directory, as Snakemake has it.

    Raises
    ------
    InputError
        The file is missing, is no YAML, or has an unknown key or a wrong value.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such config file; `precisionmed init` writes one.") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as YAML: {reason}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: is not a YAML mapping of keys to values; `precisionmed init` writes one.")
    return resolve_paths(parse_config(raw, source=str(path)), path.resolve().parent)


def parse_config(raw: dict[str, Any], source: str = "config") -> RunConfig:
    """Check a config given as a dictionary (paths are left as they are)."""
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error)}") from None


def resolve_paths(config: RunConfig, folder: Path) -> RunConfig:
    """Make the paths of tables and gene sets relative to `folder` (in place)."""
    for cohort in [config.cohort, *config.external]:
        cohort.expression = [folder / p for p in cohort.expression]
        tables = [folder / p for p in cohort.clinical_tables]
        cohort.clinical = tables if isinstance(cohort.clinical, list) else next(iter(tables), None)
        cohort.probe_annotation = folder / cohort.probe_annotation if cohort.probe_annotation else None
    gene_sets = config.subtypes.gene_sets
    config.subtypes.gene_sets = folder / gene_sets if gene_sets else None
    drug_targets = config.biomarkers.drug_targets
    config.biomarkers.drug_targets = folder / drug_targets if drug_targets else None
    return config


def step_generator(seed: int, step: str) -> np.random.Generator:
    """Return the random generator of one step: independent of the other steps and of their order."""
    return np.random.default_rng([seed, zlib.crc32(step.encode())])


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *parents, key = problem["loc"]
        return f"unknown key '{where}'.{nearest(str(key), _known_keys(list(parents)))}"
    if problem["type"] == "missing":
        return f"key '{where}' is missing."
    message = problem["msg"].removeprefix("Value error, ")
    return f"'{where}': {message}" + (
        "" if isinstance(problem["input"], dict) else f" (found {problem['input']!r})"
    )


def _known_keys(parents: list[str | int]) -> list[str]:
    """Return the keys allowed at a place of the config, by walking the generated schema."""
    schema = RunConfig.model_json_schema()
    node: dict[str, Any] = schema
    for part in parents:
        node = _deref(schema, node)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return list(_deref(schema, node).get("properties", {}))


def _deref(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", node.get("allOf", [])):
        if "$ref" in option:
            node = option
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node
