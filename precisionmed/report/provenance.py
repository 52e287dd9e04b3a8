"""Versions, configuration and durations of a run, as text."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import yaml

from precisionmed.config import RunConfig

PACKAGES = (
    *("precisionmed", "numpy", "scipy", "pandas", "anndata", "scikit-learn", "statsmodels", "numba"),
    *("matplotlib", "jinja2", "pydantic", "snakemake"),
)


def versions() -> list[tuple[str, str]]:
    """Return Python and package versions; packages that are not installed are left out."""
    found = [("Python", platform.python_version()), ("System", f"{platform.system()} {platform.machine()}")]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def config_yaml(config: RunConfig) -> str:
    """Return the whole configuration, defaults included, as YAML."""
    return yaml.safe_dump(
        config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    ).strip()


def duration_rows(durations: dict[str, dict[str, float]]) -> list[tuple[str, str, str]]:
    """Return `(step, seconds, peak memory)` as text, the longest first."""
    ordered = sorted(durations.items(), key=lambda item: (-item[1].get("seconds", 0.0), item[0]))
    return [
        (
            step,
            f"{measured['seconds']:.1f} s" if "seconds" in measured else "–",
            f"{measured['peak_mb']:,.0f} MB" if "peak_mb" in measured else "–",
        )
        for step, measured in ordered
    ]
