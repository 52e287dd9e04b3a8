"""YAML of strangers: one line for whatever is wrong with it, and no time or memory lost on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from precisionmed.errors import InputError, one_line

LARGEST_CONFIG = 1_000_000
"""Bytes that a config may have."""
_MOST_VALUES = 100_000
"""Values that a config may hold once its aliases are written out."""


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Refuses a key that is written twice in one mapping, where YAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge" or not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: key '{key.value}' is there twice; keep one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    InputError
        The file is missing, too large, cannot be read, or is no mapping.
    """
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise InputError(f"{path}: has more than 1 MB; a config is a short text, is this the right file?")
        raw = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
        _check_size(raw)
    except FileNotFoundError:
        raise InputError(f"{one_line(path)}: no such config file; `precisionmed init` writes one.") from None
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply; `precisionmed init` writes a config.") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, AttributeError, OSError) as error:
        reason = re.sub(r'in "<unicode string>", ', "", one_line(error))
        raise InputError(f"{one_line(path)}: cannot be read as YAML: {reason}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: is not a YAML mapping of keys to values; `precisionmed init` writes one.")
    return raw


def _check_size(raw: Any) -> None:
    """Count values as they are once aliases are written out: a few lines can stand for billions."""
    pending, count = [raw], 0
    while pending:
        count += 1
        if count > _MOST_VALUES:
            raise ValueError(f"it holds more than {_MOST_VALUES:,} values")
        node = pending.pop()
        if isinstance(node, dict):
            pending.extend([*node.keys(), *node.values()])
        elif isinstance(node, list | tuple | set):
            pending.extend(node)
