"""Correct batch effects; refuse a batch that is confounded with an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.errors import InputError, first_few, nearest, warn
from precisionmed.estimators.batch import ComBat
from precisionmed.estimators.combat_seq import ComBatSeq
from precisionmed.estimators.preprocessor import Preprocessor
from precisionmed.io.codec import encode
from precisionmed.pp._confounding import note_imbalance, refuse_confounded
from precisionmed.pp._inputs import (
    batch_corrector,
    measured,
    preprocessor,
    roles_of,
    scale_of,
    store,
    table,
)
from precisionmed.pp._order import by_name
from precisionmed.pp._separation import before_and_after, component_table, describe

if TYPE_CHECKING:
    from anndata import AnnData

_METHODS = ("none", "combat", "combat_seq")
_SMALL = 5


@by_name
def batch(
    adata: AnnData,
    *,
    method: str = "none",
    covariates: Sequence[str] = (),
    parametric: bool = True,
    mean_only: bool = False,
    reference: str | None = None,
) -> AnnData:
    """Correct `X` for batch effects; store how far batch and biology are apart before and after.

    Parameters
    ----------
    adata : AnnData
        A cohort after `normalize`; changed in place.
    method : {"none", "combat", "combat_seq"}, default="none"
        `combat`: empirical Bayes location and scale adjustment by `obs["batch"]`; `combat_seq`: negative
        binomial regression of the counts, which are then normalized.
    covariates : sequence of str, default=()
        Biology to preserve: clinical columns in the design. A missing category counts as one of its own,
        a missing number as the column's median.
    parametric, mean_only, reference
        Of `combat`; see `ComBat`.

    Returns
    -------
    AnnData
        The same object.

    Raises
    ------
    InputError
        There is no batch, or only one, or one of a single sample; a covariate or the reference does not
        exist; batch and a label or covariate cannot be told apart; `combat_seq` without counts.

    Notes
    -----
    Covariates shape what is learned. The samples themselves, new ones and those of training alike, are
    corrected without theirs (see `ComBat`, `ComBatSeq`): a patient whose status is to be predicted has none.
    """
    unfitted = preprocessor(adata)
    if "batch" in adata.uns["precisionmed"]:
        raise InputError("the cohort went through the batch step already; start from the normalized cohort.")
    if method not in _METHODS:
        raise InputError(f"unknown batch method '{method}'.{nearest(method, _METHODS)}")
    notes: list[str] = []
    params: dict[str, Any] = {
        "method": method,
        "covariates": np.array([str(name) for name in covariates], dtype=object),
    }
    if method == "combat":
        params |= {"parametric": parametric, "mean_only": mean_only}
        params |= {} if reference is None else {"reference": str(reference)}
    content: dict[str, Any] = {"params": params, "methods": "Expression was not corrected for batch."}
    if method != "none":
        check_batch(adata, method, list(covariates), reference, notes)
    before = after = describe(adata)
    adata.obsm["X_pca_before_batch"] = before.scores
    if method != "none":
        learner = unfitted.set_params(batch_corrector=batch_corrector(params))
        adata.X = _fit(learner, adata, list(covariates))
        after = describe(adata)
        adata.obsm["X_pca_batch"] = after.scores
        content |= {"model": encode(learner), "methods": _methods(learner.batch_corrector_, covariates)}
    content |= {
        "variance": before_and_after(before.variance, after.variance),
        "separation": before_and_after(before.silhouette, after.silhouette),
        "pca_variance": component_table(before.fractions, after.fractions),
    }
    if "batch" in adata.obs:
        sizes = adata.obs["batch"].astype(str).value_counts().sort_index()
        content["batches"] = table(pd.DataFrame({"batch": list(sizes.index), "samples": sizes.to_numpy()}))
    content["notes"] = np.array(notes, dtype=object)
    store(adata, "batch", content)
    return adata


def check_batch(
    adata: AnnData, method: str, covariates: list[str], reference: str | None, notes: list[str]
) -> None:
    """Raise an InputError where roles and scale tell that a correction cannot be done."""
    _check(adata, covariates, notes)
    _check_method(adata, method, reference)


def _check_method(adata: AnnData, method: str, reference: str | None) -> None:
    """Raise an InputError where the method does not suit the values or the batches."""
    sizes = adata.obs["batch"].astype(str).value_counts()
    if method == "combat_seq":
        scale = scale_of(adata)
        if scale != "counts":
            raise InputError(f"batch.method 'combat_seq' needs counts, the scale is '{scale}'; use 'combat'.")
        if reference is not None:
            raise InputError("batch.reference is for 'combat' only; remove it or use method 'combat'.")
        if (sizes < 3).any():
            raise InputError(
                f"batch.method 'combat_seq' needs 3 samples of a batch ({first_few(sizes.index[sizes < 3])} "
                "has fewer), of which 2 train when one is tested; merge batches or use 'combat'."
            )
    elif reference is not None and str(reference) not in sizes.index:
        raise InputError(
            f"batch.reference: there is no batch '{reference}'.{nearest(reference, sorted(sizes.index))}"
        )


def _check(adata: AnnData, covariates: list[str], notes: list[str]) -> None:
    """Raise an InputError where ComBat would do harm or cannot run; note what is doubtful."""
    if "batch" not in adata.obs:
        raise InputError("batch correction needs a batch column; declare cohort.roles.batch.")
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
        covariates=adata.obs[covariates] if covariates else None,
    )


def _methods(corrector: ComBat | ComBatSeq, covariates: Sequence[str]) -> str:
    kept = f", preserving {', '.join(covariates)}" if covariates else ""
    fixed = int((~corrector.adjusted_).sum())
    between = f"Differences between {len(corrector.batches_)} batches were corrected"
    if isinstance(corrector, ComBatSeq):
        what = (
            f"{between} in the counts by negative binomial regression and quantile matching (ComBat-seq; "
            f"Zhang, Parmigiani and Johnson, NAR Genomics and Bioinformatics 2020){kept}, before they were "
            "normalized."
        )
        rule = "have no count in some batch"
    else:
        kind = "parametric" if corrector.parametric else "non-parametric"
        only = " of batch means alone" if corrector.mean_only else ""
        to = f" towards batch {corrector.reference}" if corrector.reference is not None else ""
        what = (
            f"{between}{to} with {kind} empirical Bayes{only} (ComBat; Johnson et al., Biostatistics 2007)"
            f"{kept}."
        )
        rule = "do not vary within every batch"
    left = f" {fixed:,} genes that {rule} were left as they were." if fixed else ""
    return f"{what}{left} Batch parameters are stored; samples of an unknown batch are left uncorrected."
