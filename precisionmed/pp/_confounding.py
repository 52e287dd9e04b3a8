"""Find labels whose classes cannot be told apart from batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from precisionmed.config import RolesConfig
from precisionmed.errors import InputError, warn
from precisionmed.estimators._batches import separate_parts

_LABELS = ("er", "pr", "her2", "intrinsic", "treatment", "response")
_STRONG = 0.5
_NOTABLE = 0.3


def refuse_confounded(obs: pd.DataFrame, roles: RolesConfig) -> None:
    """Raise an InputError when no batch links two classes of a label.

    The difference between the parts is one of batch and of class at once: batch correction would remove the
    biology, and no model could tell.
    """
    for label in _labels(obs, roles):
        counts = _counts(obs, label)
        if min(counts.shape) > 1 and separate_parts(counts) > 1:
            column = roles.batch or "batch"
            raise InputError(
                f"batch column '{column}' is confounded with '{label}', correcting it would remove the "
                f"biology ({_one_line(counts)}); set batch.method to 'none' or exclude a batch."
            )


def note_imbalance(obs: pd.DataFrame, roles: RolesConfig, covariates: list[str], notes: list[str]) -> None:
    """Note labels that differ between batches, whether or not they are preserved.

    Without the label as a covariate its biology is taken for batch and removed. With it, errors in the
    estimated batch effects point along the label: where classes are unequally spread over batches, a
    model of this label then tells batches apart, also out of fold (Nygaard V, Rødland EA, Hovig E.
    Biostatistics 2016;17:29-39).
    """
    for label in _labels(obs, roles):
        counts = _counts(obs, label)
        if min(counts.shape) < 2:
            continue
        test = chi2_contingency(counts.to_numpy(), correction=False)
        strength = np.sqrt(test.statistic / (counts.to_numpy().sum() * (min(counts.shape) - 1)))
        if label in covariates and strength > _NOTABLE and test.pvalue < 0.01:
            warn(
                f"batch: '{label}' is preserved and differs between batches (Cramér's V {strength:.2f}), so "
                f"a model of '{label}' may tell batches apart, and its performance be too good; compare "
                "with a run that does not preserve it.",
                notes,
            )
        elif label not in covariates and strength > _STRONG and test.pvalue < 0.001:
            warn(
                f"batch: '{label}' differs strongly between batches (Cramér's V {strength:.2f}), so the "
                "correction also removes part of its biology; compare with a run that preserves it "
                "(batch.covariates) or that corrects nothing.",
                notes,
            )


def _labels(obs: pd.DataFrame, roles: RolesConfig) -> list[str]:
    names = [*_LABELS, *(f"{endpoint}_event" for endpoint in roles.endpoints)]
    return [name for name in names if name in obs and obs[name].notna().any()]


def _counts(obs: pd.DataFrame, label: str) -> pd.DataFrame:
    classes = obs[label].where(obs[label].astype(str) != "equivocal")
    if pd.api.types.is_numeric_dtype(classes):
        classes = classes.map({0.0: "no event", 1.0: "event"})
    return pd.crosstab(obs["batch"].astype(str), classes.astype(object))


def _one_line(counts: pd.DataFrame, most: int = 6) -> str:
    rows = [
        f"{name}: " + ", ".join(f"{number} {level}" for level, number in row.items() if number)
        for name, row in counts.head(most).iterrows()
    ]
    return "; ".join(rows) + ("; ..." if len(counts) > most else "")
