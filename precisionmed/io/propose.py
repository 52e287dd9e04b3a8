"""Write a first config for a pair of tables: everything explained, roles proposed, for a person to check."""

from __future__ import annotations

import os
import textwrap
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pydantic import BaseModel

from precisionmed.config import EndpointConfig, RunConfig
from precisionmed.errors import first_few
from precisionmed.io._clinical_tables import read_clinical
from precisionmed.io._guess import (
    COLUMNS,
    Proposal,
    choose_batch,
    guess_cohort,
    keep_rows,
    unused_columns,
)
from precisionmed.io._guess._draft import matches
from precisionmed.io._guess._unused import looks_like
from precisionmed.io._samples import match_samples, names_in
from precisionmed.io._tissue import NO_TUMOUR, tissue_of_barcode
from precisionmed.io.cohort import refusal
from precisionmed.io.expression import Matrix, read_expressions
from precisionmed.io.scale import describe_scale, detect_scale

_WIDTH = 100
_HEAD = """\
# Configuration of a precisionmed run, proposed from the tables themselves.
# Check everything under `roles` before the first run: only you know what the columns mean. What became of
# each column stands at the end.
"""


@dataclass(frozen=True)
class ProposedConfig:
    """A config as text, and what became of the clinical columns."""

    text: str
    """YAML that `load_config` reads: every key with its meaning and what a person should check."""
    used: pd.DataFrame
    """`column` and `role`."""
    unused: pd.DataFrame
    """Columns that look like something, as `unused_columns` returns them."""
    others: int
    """How many columns look like nothing that an analysis asks for."""
    remarks: dict[str, str]
    """Config key (dotted) -> what to check."""


def without_role(others: int) -> str:
    """Say how many columns have no role."""
    return f"{others} more column{'s have' if others > 1 else ' has'} no role."


def propose_config(
    expression: str | Path | Sequence[str | Path],
    clinical: str | Path | Sequence[str | Path] | None = None,
    *,
    folder: str | Path = ".",
) -> ProposedConfig:
    """Propose a commented YAML config for a cohort's files.

    Parameters
    ----------
    expression, clinical
        The files (paths relative to the working directory); several clinical tables are joined.
    folder
        Where the config will be written; its paths are made relative to it.

    Returns
    -------
    ProposedConfig
        Every key is there with its meaning; roles are proposed from the columns' names and values.

    Raises
    ------
    InputError
        A file cannot be read, or the tables have no sample in common.
    """
    paths, tables = _paths(expression), _paths(clinical)
    notes: list[str] = []
    table = read_clinical(tables, None, notes) if tables else None
    matrices = read_expressions(paths, sample_names=names_in(table, None))
    matrix = matrices[0]
    scale, _ = detect_scale(matrix.frame, paths[0].name)
    remarks = {"cohort.orientation": f"Found: {matrix.orientation} ({matrix.evidence}).",
               "cohort.scale": describe_scale(matrix.frame, paths[0].name)}  # fmt: skip
    cohort: dict[str, Any] = {"expression": [_relative(path, folder) for path in paths]}
    source, values = matrix.obs, matrix.frame
    if table is not None:
        names = (paths[0].name, " and ".join(path.name for path in tables))
        match = match_samples(values.columns, table, sample_column=None, names=names, notes=[])
        source, values = table.iloc[match.rows[match.rows >= 0]], values.loc[:, match.rows >= 0]
        written = [_relative(path, folder) for path in tables]
        cohort |= {"clinical": written[0] if len(written) == 1 else written, "sample_column": match.column}
    raw: dict[str, Any] = {"cohort": cohort}
    if source is None:
        config = RunConfig.model_validate(raw)
        _say_refusal(config, matrices, table, remarks, scale)
        return _proposed(config, remarks, None, None)
    source = source.astype(str).reset_index(drop=True)
    tumours = _tumours(values.columns, remarks)
    proposal = guess_cohort(source, cohort.get("sample_column"), tumours)
    raw["cohort"] = cohort | proposal.cohort
    why = ""
    if proposal.cohort["roles"]["batch"]:
        stay = keep_rows(source[tumours], proposal.cohort["keep"])
        method, why = choose_batch(values.iloc[:, stay.index], scale or "", stay, proposal)
        raw["batch"] = {"method": method}
    remarks |= {f"cohort.{key}": text for key, text in proposal.remarks.items()}
    if len(tables) == 1 and _only_samples(source, proposal):
        remarks["cohort.clinical"] = (
            f"{tables[0].name} has patients and samples but no follow-up: where another table has it "
            "(cBioPortal: data_clinical_patient.txt), give both."
        )
    remarks |= {"batch.method": why} if why else {}
    config = RunConfig.model_validate(raw)
    _say_refusal(config, matrices, table, remarks, scale)
    return _proposed(config, remarks, source, proposal)


def _say_refusal(
    config: RunConfig,
    matrices: Sequence[Matrix],
    clinical: pd.DataFrame | None,
    remarks: dict[str, str],
    scale: str | None,
) -> None:
    """Say why a run with the proposed config would stop at reading, beside what is said of the scale."""
    why = refusal(config.cohort, matrices, clinical)
    if why and not (scale is None and "state it as cohort.scale" in why):
        remarks["cohort.expression"] = f"A run stops here until this is mended: {why}"


def _only_samples(clinical: pd.DataFrame, proposal: Proposal) -> bool:
    """Return whether a table names patients and their samples, and nothing of it is follow-up."""
    roles = proposal.cohort["roles"]
    named = [
        any(matches(column, rf"\b{word}s?( ids?| barcode| name)?$") for column in clinical.columns)
        for word in ("patient", "sample")
    ]
    follow_up = any(looks_like(clinical, column, proposal) == "follow-up" for column in clinical.columns)
    return all(named) and not roles["endpoints"] and not follow_up


def _tumours(samples: pd.Index, remarks: dict[str, str]) -> np.ndarray:
    """Return which samples are tumours as far as their barcodes say, and say how many are not."""
    other = np.isin([tissue_of_barcode(str(sample)) for sample in samples], NO_TUMOUR)
    if other.any():
        remarks["cohort.normal_samples"] = (
            f"{int(other.sum())} samples are no tumours by their barcode ({first_few(samples[other], 3)})."
        )
    return ~other if not other.all() else np.ones(len(samples), dtype=bool)


def _proposed(
    config: RunConfig, remarks: dict[str, str], clinical: pd.DataFrame | None, proposal: Proposal | None
) -> ProposedConfig:
    used, unused, others = pd.DataFrame(columns=["column", "role"]), pd.DataFrame(columns=list(COLUMNS)), 0
    if clinical is not None and proposal is not None:
        used = pd.DataFrame(
            [(column, proposal.roles[column]) for column in clinical.columns if column in proposal.roles],
            columns=["column", "role"],
        )
        unused = unused_columns(clinical, config.cohort, proposal)
        others = clinical.shape[1] - len(used) - len(unused)
    lines = [_HEAD, *_lines(config, 0, remarks, "")]
    if clinical is not None:
        lines += ["", *_comment("What became of the columns of the clinical table:", "")]
        lines += [f"#   {one_line(column)}: {role}" for column, role in used.itertuples(index=False)]
        for row in unused.itertuples(index=False):
            lines += _comment(f"not used: {row.column} looks like {row.looks_like}; {row.reason}.", "")
        lines += _comment(without_role(others), "") if others else []
    text = "\n".join(lines) + "\n"
    return ProposedConfig(text, used, unused, others, {key: one_line(told) for key, told in remarks.items()})


def one_line(text: object) -> str:
    """Return a text from a table as it can be shown in a line: without control characters."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def _paths(given: str | Path | Sequence[str | Path] | None) -> list[Path]:
    if given is None:
        return []
    return [Path(given)] if isinstance(given, str | Path) else [Path(path) for path in given]


def _relative(path: Path, folder: str | Path) -> str:
    return Path(os.path.relpath(path.resolve(), Path(folder).resolve())).as_posix()


def _lines(model: BaseModel, depth: int, remarks: dict[str, str], place: str) -> list[str]:
    """Return the YAML lines of a section: comments above each key."""
    indent = "  " * depth
    lines: list[str] = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        key = f"{place}.{name}" if place else name
        if depth == 0:
            lines.append("")
        lines += _comment(field.description or "", indent)
        lines += _comment(remarks.get(key, ""), indent)
        lines += _entry(name, value, field.annotation, depth, remarks, key)
    return lines


def _entry(
    name: str, value: Any, annotation: Any, depth: int, remarks: dict[str, str], key: str
) -> list[str]:
    indent = "  " * depth
    if isinstance(value, BaseModel):
        return [f"{indent}{name}:", *_lines(value, depth + 1, remarks, key)]
    if isinstance(value, dict) and value and isinstance(next(iter(value.values())), BaseModel):
        lines = [f"{indent}{name}:"]
        for entry, model in value.items():
            lines += [f"{indent}  {_scalar(entry)}:", *_lines(model, depth + 2, remarks, f"{key}.{entry}")]
        return lines
    lines = [f"{indent}{name}: {_scalar(value)}"]
    template = _template(annotation) if value is None else None
    if name == "endpoints":
        template = EndpointConfig(time="<time column>", event="<event column>")
        lines += [f"{indent}#  os:", *(f"{indent}#{line}" for line in _bare(template, 2))]
    elif template is not None:  # what to fill in when the cohort has it
        lines += [f"{indent}#{line}" for line in _bare(template, 1)]
    return lines


def _bare(model: BaseModel, depth: int) -> list[str]:
    return [f"{'  ' * depth}{name}: {_scalar(value)}" for name, value in model]


def _template(annotation: Any) -> BaseModel | None:
    """Return an example of an optional section, for its keys."""
    if isinstance(annotation, types.UnionType):
        for option in typing.get_args(annotation):
            if isinstance(option, type) and issubclass(option, BaseModel):
                return option(column="<column>")
    return None


def _comment(text: str, indent: str) -> list[str]:
    text = " ".join(one_line(text).split())
    return textwrap.wrap(
        text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_long_words=False
    )


def _scalar(value: Any) -> str:
    if isinstance(value, Path):
        value = value.as_posix()
    elif isinstance(value, list | tuple):
        value = [v.as_posix() if isinstance(v, Path) else v for v in value]
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return text.removesuffix("...\n").strip()
