"""One model of a run: every key a user may set, its meaning and its default.

`load_config` reads YAML, names unknown keys with the nearest known one, and resolves paths
relative to the config file. `workflows/schemas/config.schema.json` is generated from `RunConfig`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, Field, ValidationError, model_validator

from precisionmed.config import steps
from precisionmed.config._yaml import read_yaml
from precisionmed.config.cohort import CohortConfig, Section
from precisionmed.errors import InputError, nearest, one_line


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
    raw = read_yaml(path)
    return resolve_paths(parse_config(raw, source=str(path)), path.resolve().parent)


def parse_config(raw: dict[str, Any], source: str = "config") -> RunConfig:
    """Check a config given as a dictionary (paths are left as they are)."""
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error)}") from None
    except RecursionError:
        raise InputError(f"{source}: is nested too deeply.") from None


def resolve_paths(config: RunConfig, folder: Path) -> RunConfig:
    """Make the paths of tables and gene sets relative to `folder`, and `~` the home folder (in place)."""
    config.output = _at_home(config.output)
    return _with_paths(config, lambda path: Path(os.path.normpath(folder / _at_home(path))))


def portable(config: RunConfig, folder: Path) -> RunConfig:
    """Return a copy whose paths start at `folder`: it still holds when a project moves as a whole."""
    start = folder.resolve()
    return _with_paths(
        config.model_copy(deep=True), lambda path: Path(os.path.relpath(_without_links(path), start))
    )


def names_only(config: RunConfig) -> RunConfig:
    """Return a copy for readers who are told the names of files, but not where they lie."""
    return _with_paths(config.model_copy(deep=True), lambda path: Path(path.name))


def tables_of(config: Section) -> list[Path]:
    """Return every file that a config names, in its order."""
    found: list[Path] = []

    def keep(path: Path) -> Path:
        found.append(path)
        return path

    _with_paths(config.model_copy(deep=True), keep)
    return found


_Section = TypeVar("_Section", bound=BaseModel)


def _with_paths(section: _Section, change: Callable[[Path], Path]) -> _Section:
    """Change every path of a section and of those in it, except `output`, which is written and not read."""
    for name, value in section:
        if isinstance(value, Path) and name != "output":
            setattr(section, name, change(value))
        elif isinstance(value, BaseModel):
            _with_paths(value, change)
        elif isinstance(value, list):
            if any(isinstance(item, Path) for item in value):  # an untouched default is not set
                setattr(section, name, [change(v) if isinstance(v, Path) else v for v in value])
            for item in value:
                if isinstance(item, BaseModel):
                    _with_paths(item, change)
    return section


def _at_home(path: Path) -> Path:
    if "\0" in str(path) or any(len(os.fsencode(part)) > 255 for part in path.parts) or len(str(path)) > 4000:
        raise InputError(
            f"{one_line(path, 80)}: is no possible path (too long, or it has a NUL); correct it."
        )
    try:
        return path.expanduser()
    except RuntimeError:  # no such user, or no home: then `~` is a letter as any other
        return path


def _without_links(path: Path) -> Path:
    """Return an absolute path with the links of its folders followed, but not the file's own."""
    return path.parent.resolve() / path.name


def step_generator(seed: int, step: str) -> np.random.Generator:
    """Return the random generator of one step: independent of the other steps and of their order."""
    return np.random.default_rng([seed, zlib.crc32(step.encode())])


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    where = one_line(".".join(str(part) for part in problem["loc"]))
    if problem["type"] == "extra_forbidden":
        *parents, key = problem["loc"]
        return f"unknown key '{where}'.{nearest(str(key), _known_keys(list(parents)))}"
    if problem["type"] == "missing":
        return f"key '{where}' is missing."
    message = one_line(problem["msg"].removeprefix("Value error, "), 300)
    found = problem["input"]
    return f"'{where}': {message}" + (
        "" if isinstance(found, dict | list | BaseModel) else f" (found {one_line(repr(found), 80)})"
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
