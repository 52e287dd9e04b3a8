"""Write a first config for a pair of tables: everything explained, roles proposed, for a person to check."""

from __future__ import annotations

import os
import textwrap
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from precisionmed.config import EndpointConfig, RunConfig
from precisionmed.io._guess import guess_cohort
from precisionmed.io._samples import match_samples, names_in
from precisionmed.io.expression import read_expression
from precisionmed.io.scale import detect_scale
from precisionmed.io.tables import read_text_table

_WIDTH = 100
_HEAD = """\
# Configuration of a precisionmed run, proposed from the tables themselves.
# Check everything under `roles` before the first run: only you know what the columns mean.
"""


def propose_config(
    expression: str | Path | Sequence[str | Path],
    clinical: str | Path | None = None,
    *,
    folder: str | Path = ".",
) -> str:
    """Propose a commented YAML config for a cohort's files.

    Parameters
    ----------
    expression, clinical
        The files (paths relative to the working directory).
    folder
        Where the config will be written; its paths are made relative to it.

    Returns
    -------
    str
        YAML that `load_config` reads. Every key is there with its meaning; what the columns could mean is
        proposed from their names and values.

    Raises
    ------
    InputError
        A file cannot be read, or the tables have no sample in common.
    """
    paths = [Path(expression)] if isinstance(expression, str | Path) else [Path(path) for path in expression]
    table = None if clinical is None else read_text_table(Path(clinical), "clinical table")
    matrix = read_expression(paths[0], sample_names=names_in(table, None))
    remarks = {"orientation": f"Found: {matrix.orientation} ({matrix.evidence}).",
               "scale": "Found: {} ({}).".format(*detect_scale(matrix.frame))}  # fmt: skip
    cohort: dict[str, Any] = {"expression": [_relative(path, folder) for path in paths]}
    source = matrix.obs
    if table is not None and clinical is not None:
        names = (paths[0].name, Path(clinical).name)
        match = match_samples(matrix.frame.columns, table, sample_column=None, names=names, notes=[])
        source = table.iloc[match.rows[match.rows >= 0]]
        cohort |= {"clinical": _relative(Path(clinical), folder), "sample_column": match.column}
    if source is not None:
        proposed, why = guess_cohort(source.astype(str))
        cohort |= proposed
        remarks |= why
    config = RunConfig.model_validate({"cohort": cohort})
    return (
        _HEAD
        + "\n".join(_lines(config, 0, {f"cohort.{key}": text for key, text in remarks.items()}, ""))
        + "\n"
    )


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
    text = " ".join(text.split())
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _scalar(value: Any) -> str:
    if isinstance(value, Path):
        value = value.as_posix()
    elif isinstance(value, list | tuple):
        value = [v.as_posix() if isinstance(v, Path) else v for v in value]
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return text.removesuffix("...\n").strip()
