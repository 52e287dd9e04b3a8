"""What the numbers of a matrix are, with the evidence, and whether that contradicts what was stated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from precisionmed.config import Scale
from precisionmed.errors import InputError, warn
from precisionmed.io._detect_scale import UNSCALED, detect_scale, scaled_exactly
from precisionmed.io._scale_evidence import LARGEST_LOG, depth_spread, few_negatives, logs_of_whole_numbers

LINEAR = ("counts", "rsem", "tpm", "fpkm", "linear")
LOGS = ("log2", "log_ratio", "zscore")
_FEWEST_FRACTIONS = 0.005
"""Of fewer positive values with a fraction than this, the values are not estimates but have slips."""
_LOWEST_TOP = 11.0
"""The most expressed gene usually reaches more on a log2 scale, hardly so on others."""
OTHER_LOGS = {"ln": float(np.e), "log10": 10.0}
"""Logarithms that become log2 when they are read, and their bases."""


@dataclass(frozen=True)
class Scaled:
    """Values on a scale that the package works on."""

    frame: pd.DataFrame
    """Genes x samples; logarithms of any base as log2, no linear value below 0."""
    scale: Scale
    evidence: str
    as_read: Scale
    """What the values of the file are, `ln` or `log10` where those became log2."""


def to_log2(values: np.ndarray, scale: str) -> np.ndarray:
    """Return natural or base-10 logarithms as log2; values of other scales as they are."""
    return values / np.log(2) * np.log(OTHER_LOGS[scale]) if scale in OTHER_LOGS else values


def resolve_scale(values: pd.DataFrame, stated: str, file: Path | str, notes: list[str]) -> Scaled:
    """Find out the scale or check the stated one, and bring the values onto it.

    Natural and base-10 logarithms become log2; values slightly below 0 of a linear scale become 0.

    Parameters
    ----------
    values
        Genes x samples; NaN = missing.
    stated
        A scale, or `auto`.

    Raises
    ------
    InputError
        The scale cannot be told, or the numbers cannot be what is stated (see `check_scale`).
    """
    name = Path(file).name
    found, why = detect_scale(values, name)
    if stated == "auto" and found is None:
        raise InputError(
            f"{file}: what the numbers are cannot be told ({why}); state it as cohort.scale "
            f"({', '.join([*LINEAR, *LOGS, *OTHER_LOGS])})."
        )
    scale: Scale = cast(Scale, found if stated == "auto" else stated)
    evidence = check_scale(values, scale, file, (found, why))
    _note_fractions(values, scale, name, notes)
    if scale in OTHER_LOGS:
        notes.append(f"{name}: the values are {scale} and were brought to log2 ({evidence}).")
        logs = pd.DataFrame(to_log2(values.to_numpy(), scale), values.index, values.columns)
        return Scaled(logs, "log2", f"{scale}; {evidence}", scale)
    if scale in LINEAR:
        values = _without_negatives(values, scale, name, notes)
    elif scale == "log2" and stated == "auto":
        _note_doubtful_logs(values.to_numpy(), name, notes)
    return Scaled(values, scale, why if stated == "auto" else evidence, scale)


def check_scale(
    values: pd.DataFrame, stated: Scale, file: Path | str, detected: tuple[Scale | None, str] | None = None
) -> str:
    """Check that the numbers can be what is stated; return the evidence.

    `detected` is what `detect_scale` says of them, where that is known.

    Raises
    ------
    InputError
        Counts that are negative, missing or scaled to one library size, linear values of which many are
        negative, logarithms where linear values are stated, or the other way round.
    """
    found, evidence = detected or detect_scale(values, Path(file).name)
    x = values.to_numpy()
    if stated in LINEAR:
        if stated == "counts" or not few_negatives(x):
            more = f"state the scale it is ({found}?)" if found else "state the scale it is"
            _refuse(values, values < 0, file, f"is negative, which {stated} cannot be; {more}")
        _check_linear(values, stated, found, evidence, file)
    else:
        _check_log(x, stated, found, evidence, file)
    return f"as stated in the configuration; {evidence}"


def describe_scale(values: pd.DataFrame, name: str = "") -> str:
    """Return the scale found and the evidence as a remark, or that it has to be stated."""
    found, evidence = detect_scale(values, name)
    return f"Found: {found} ({evidence})." if found else f"State it: it cannot be told ({evidence})."


def _check_linear(
    values: pd.DataFrame, stated: Scale, found: Scale | None, evidence: str, file: Path | str
) -> None:
    x = values.to_numpy()
    high = float(np.nanmax(x)) if np.isfinite(x).any() else 0.0
    is_log = found in (*LOGS, *OTHER_LOGS) or (found is None and high <= LARGEST_LOG)
    if stated == "counts":
        fractional = values.notna() & (values != np.rint(values))
        if is_log or fractional.to_numpy().sum() < max(2, _FEWEST_FRACTIONS * (x > 0).sum()):
            what = "" if found == "counts" else f"state `scale: {found or 'log2'}`, or "
            _refuse(values, fractional, file, f"is no whole number; {what}give raw counts")
        missing = "is missing, which counts cannot be; write 0 where no read was counted"
        _refuse(values, values.isna(), file, missing)
        too_many = f"is too large for counts, of which every one must be told from the next ({2**53:.0e})"
        _refuse(values, values >= 2.0**53, file, too_many)
        exact = None if found == "counts" else scaled_exactly(np.where(x < 0, 0.0, x))
        if exact is not None:
            raise InputError(
                f"{file}: `scale: counts` is stated but {exact[1]}, which counts do not; "
                f"state `scale: {exact[0]}`, or give raw counts."
            )
    elif is_log:
        raise InputError(
            f"{file}: `scale: {stated}` is stated but the numbers look like logarithms ({evidence}); "
            f"state `scale: {found or 'log2'}`, or give values that are not logarithms."
        )
    elif stated == "tpm" and (sums := np.nansum(x, axis=0)).max(initial=0.0) > 1.05e6:
        raise InputError(
            f"{file}: `scale: tpm` is stated but sample '{values.columns[sums.argmax()]}' adds up to "
            f"{sums.max():,.0f}, more than a million; state `scale: {found or 'counts'}`."
        )
    elif stated == "rsem" and found == "counts" and (depth_spread(x) or 0.0) > UNSCALED:
        raise InputError(
            f"{file}: `scale: rsem` is stated but the library sizes differ as "
            f"those of counts do ({evidence}); state `scale: counts`, which estimated counts may be."
        )


def _check_log(x: np.ndarray, stated: Scale, found: Scale | None, evidence: str, file: Path | str) -> None:
    finite = x[np.isfinite(x)]
    if not finite.size:
        return
    limit = LARGEST_LOG * np.log(2) / np.log(OTHER_LOGS.get(stated, 2.0))
    if finite.max() > limit or finite.min() < -limit:
        fix = f"state `scale: {found}`" if found else "state the scale they are on"
        raise InputError(
            f"{file}: `scale: {stated}` is stated but the numbers are no logarithms ({evidence}); "
            f"{fix} or take the logarithm first."
        )
    if stated in ("zscore", "log_ratio") and finite.min() >= 0 and finite.size >= 100:
        raise InputError(
            f"{file}: `scale: {stated}` is stated but no value is below 0 ({evidence}); "
            f"state `scale: {found or 'log2'}`."
        )
    if found == "counts" and finite.size >= 100 and finite.max() > 0:
        raise InputError(
            f"{file}: `scale: {stated}` is stated but {evidence}, which logarithms are not; "
            "state `scale: counts`."
        )
    if found in ("log2", *OTHER_LOGS) and found != stated and "undone as" in evidence:
        raise InputError(
            f"{file}: `scale: {stated}` is stated but the numbers are {found} ({evidence}); "
            f"state `scale: {found}`."
        )


def _without_negatives(values: pd.DataFrame, scale: Scale, name: str, notes: list[str]) -> pd.DataFrame:
    below = values.to_numpy() < 0
    if not below.any():
        return values
    warn(
        f"{name}: {int(below.sum()):,} values of {int(below.any(axis=1).sum()):,} genes are below 0 (lowest "
        f"{np.nanmin(values.to_numpy()):.4g}), which {scale} values cannot be; they were set to 0.",
        notes,
    )
    return values.mask(values < 0, 0.0)


def _note_fractions(values: pd.DataFrame, scale: Scale, name: str, notes: list[str]) -> None:
    if scale != "counts":
        return
    x = values.to_numpy()
    share = float((x != np.rint(x)).mean())
    if share:
        notes.append(
            f"{name}: {share:.0%} of the counts have fractions: they are estimates (salmon, RSEM, kallisto) "
            "and are normalized as counts are; where whole numbers are needed (vst, combat_seq) they are "
            "rounded."
        )


def _note_doubtful_logs(x: np.ndarray, name: str, notes: list[str]) -> None:
    if logs_of_whole_numbers(x):
        notes.append(
            f"{name}: the values are logarithms of whole numbers: if these are read counts, differences in "
            "library size are still in them; give the counts themselves."
        )
    elif np.isfinite(x).any() and np.nanmin(x) >= 0 and np.nanmax(x) < _LOWEST_TOP:
        notes.append(
            f"{name}: the values were taken as log2 but reach {np.nanmax(x):.3g} only; if they are natural "
            "logarithms or log10, state it as cohort.scale (ln, log10)."
        )


def _refuse(values: pd.DataFrame, bad: pd.DataFrame, file: Path | str, problem: str) -> None:
    cells = np.argwhere(bad.to_numpy())
    if len(cells):
        gene, sample = cells[0]
        value = values.iloc[gene, sample]
        shown = "the value" if np.isnan(value) else f"{value:g}"
        raise InputError(
            f"{file}: gene '{values.index[gene]}', sample '{values.columns[sample]}': {shown} {problem} "
            f"({len(cells):,} such cells)."
        )
