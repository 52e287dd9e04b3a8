"""Correct batch effects; refuse a batch that is confounded with an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.errors import InputError, first_few, nearest, warn
from precisionmed.estimators.batch import ComBat
from precisionmed.estimators.preprocessor import Preprocessor
from precisionmed.io.codec import encode
from precisionmed.pp._confounding import note_imbalance, refuse_confounded
from precisionmed.pp._factors import clinical_factors, explained_fraction, gram
from precisionmed.pp._inputs import complete_covariates, dense, measured, preprocessor, roles_of, store, table

if TYPE_CHECKING:
    from anndata import AnnData

_SMALL = 5


def batch(adata: AnnData, *, method: str = "none", covariates: Sequence[str] = ()) -> AnnData:
    """Correct `X` for batch effects; store what batch and biology explain before and after.

    Parameters
    ----------
    adata : AnnData
        A cohort after `normalize`; changed in place.
    method : {"none", "combat"}, default="none"
        `combat`: empirical Bayes location and scale adjustment by `obs["batch"]`.
    covariates : sequence of str, default=()
        Biology to preserve: clinical columns in the ComBat design. A missing category counts as one of
        its own, a missing number as the column's median.

    Returns
    -------
    AnnData
        The same object.

    Raises
    ------
    InputError
        There is no batch, or only one, or one of a single sample; a covariate does not exist; batch and a
        label or covariate cannot be told apart.

    Notes
    -----
    Covariates shape what is learned. The samples themselves, new ones and those of training alike, are
    corrected without theirs (see `ComBat`): a patient whose status is to be predicted has none.
    """
    unfitted = preprocessor(adata)
    if "batch" in adata.uns["precisionmed"]:
        raise InputError("the cohort went through the batch step already; start from the normalized cohort.")
    if method not in ("none", "combat"):
        raise InputError(f"unknown batch method '{method}'.{nearest(method, ['none', 'combat'])}")
    notes: list[str] = []
    before = _explained(adata)
    content: dict[str, Any] = {
        "params": {
            "method": method,
            "covariates": np.array([str(name) for name in covariates], dtype=object),
        },
        "methods": "Expression was not corrected for batch.",
    }
    if method == "combat":
        _check(adata, list(covariates), notes)
        learner = unfitted.set_params(batch_corrector=ComBat(unknown="none"))
        adata.X = _fit(learner, adata, list(covariates))
        content |= {"model": encode(learner), "methods": _methods(learner.batch_corrector_, covariates)}
    after = _explained(adata) if method == "combat" else before
    content["variance"] = table(
        pd.DataFrame({"factor": list(before), "before": list(before.values()), "after": list(after.values())})
    )
    if "batch" in adata.obs:
        sizes = adata.obs["batch"].astype(str).value_counts().sort_index()
        content["batches"] = table(pd.DataFrame({"batch": list(sizes.index), "samples": sizes.to_numpy()}))
    content["notes"] = np.array(notes, dtype=object)
    store(adata, "batch", content)
    return adata


def _explained(adata: AnnData) -> dict[str, float]:
    products = gram(dense(adata.X))
    factors = clinical_factors(adata.obs, roles_of(adata))
    return {name: explained_fraction(products, factor) for name, factor in factors.items()}


def _check(adata: AnnData, covariates: list[str], notes: list[str]) -> None:
    """Raise an InputError where ComBat would do harm or cannot run; note what is doubtful."""
    if "batch" not in adata.obs:
        raise InputError("batch.method 'combat' needs a batch column; declare cohort.roles.batch.")
    roles, labels = roles_of(adata), adata.obs["batch"]
    column = roles.batch or "batch"
    if labels.isna().any():
        raise InputError(
            f"batch column '{column}' is empty for {int(labels.isna().sum())} sample(s) "
            f"({first_few(adata.obs_names[labels.isna()])}); fill in or exclude them."
        )
    sizes = labels.astype(str).value_counts()
    if len(sizes) < 2:
        only = sizes.index[0]
        raise InputError(
            f"batch column '{column}' holds one batch only ('{only}'); set batch.method to 'none'."
        )
    if (sizes < 2).any():
        single = first_few(sorted(sizes.index[sizes < 2]))
        raise InputError(
            f"batch column '{column}': a batch of one sample cannot be corrected ({single}); "
            "merge such batches (cohort.values) or exclude them."
        )
    if (sizes < _SMALL).any():
        small = first_few(sorted(sizes.index[sizes < _SMALL]))
        warn(
            f"batch: batches of fewer than {_SMALL} samples ({small}) are corrected poorly; where a training "
            "fold has only one of their samples, batch means alone are adjusted.",
            notes,
        )
    _check_covariates(adata.obs, covariates, notes)
    refuse_confounded(adata.obs, roles)
    note_imbalance(adata.obs, roles, covariates, notes)


def _check_covariates(obs: pd.DataFrame, covariates: list[str], notes: list[str]) -> None:
    for name in covariates:
        if name not in obs or name == "batch":
            raise InputError(
                f"batch.covariates: there is no clinical column '{name}'.{nearest(name, obs.columns)}"
            )
        missing = int(obs[name].isna().sum())
        if missing:
            filling = "the median" if pd.api.types.is_numeric_dtype(obs[name]) else "a category of their own"
            warn(
                f"batch: covariate '{name}' is missing in {missing} sample(s); they count as {filling}.",
                notes,
            )


def _fit(learner: Preprocessor, adata: AnnData, covariates: list[str]) -> NDArray[np.float64]:
    values, genes = measured(adata)
    return learner.fit_transform(
        pd.DataFrame(values, index=adata.obs_names, columns=genes),
        batch=adata.obs["batch"].astype(str),
        covariates=complete_covariates(adata.obs[covariates]) if covariates else None,
    )


def _methods(corrector: ComBat, covariates: Sequence[str]) -> str:
    kept = f", preserving {', '.join(covariates)}" if covariates else ""
    fixed = int((~corrector.adjusted_).sum())
    left = f" {fixed:,} genes that do not vary within every batch were left as they were." if fixed else ""
    return (
        f"Differences between {len(corrector.batches_)} batches were corrected with parametric empirical "
        f"Bayes (ComBat; Johnson et al., Biostatistics 2007){kept}.{left} Batch parameters are stored; "
        "samples of an unknown batch are left uncorrected."
    )
