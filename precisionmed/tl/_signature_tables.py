"""A fitted LASSO path as the tables that are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from precisionmed.estimators.crossval import CrossValidation
from precisionmed.tl._survival_cohort import table

_FIRST = 30


def signature_table(model: Any, genes: pd.Index, selection_frequency: pd.Series) -> pd.DataFrame:
    """Return the selected genes, strongest (per standard deviation) first."""
    used = np.flatnonzero(model.coef_)
    effect = model.coef_[used] * model.scale_[used]
    order = np.argsort(-np.abs(effect), kind="stable")
    return table(
        pd.DataFrame(
            {
                "gene": genes[used].astype(str),
                "coefficient": model.coef_[used],
                "ratio": np.exp(effect),
                "selection_frequency": selection_frequency.reindex(genes[used]).to_numpy(float),
            }
        ).iloc[order]
    )


def screen_table(screen: Any) -> pd.DataFrame:
    """Return a fitted univariate screen, the smallest p first."""
    columns = ["gene", "coefficient", "ratio", "lower", "upper", "statistic", "p", "fdr"]
    return table(screen.table_[columns].sort_values(["p", "gene"], kind="stable"))


def evidence_columns(
    signature: pd.DataFrame,
    interval: pd.DataFrame,
    stability: pd.Series | None,
    screen: pd.DataFrame,
    drugs: pd.Series | None,
) -> pd.DataFrame:
    """Add to a signature what is known of its genes, all of it by gene.

    Parameters
    ----------
    signature
        As from `signature_table`.
    interval
        `lower` and `upper` of the ratio.
    stability
        Frequency over halves, if they were dealt.
    screen
        As from `screen_table`.
    drugs
        Drugs that hit a gene, if given.
    """
    genes = signature["gene"]
    alone = screen.set_index("gene")[["p", "fdr"]].reindex(genes)
    frame = signature[["gene", "coefficient", "ratio"]].assign(
        lower=interval["lower"].reindex(genes).to_numpy(float),
        upper=interval["upper"].reindex(genes).to_numpy(float),
        selection_frequency=signature["selection_frequency"],
    )
    if stability is not None:
        frame["stability"] = stability.reindex(genes).to_numpy(float)
    frame["univariate_p"], frame["univariate_fdr"] = alone.to_numpy(float).T
    if drugs is not None:
        frame["drug"] = drugs.reindex(genes).fillna("").to_numpy(object)
    return frame


def cv_curve_table(model: Any) -> pd.DataFrame:
    """Return the cross-validated deviance along the penalties walked."""
    return table(
        pd.DataFrame(
            {
                "lambda": model.lambdas_,
                "n_genes": model.n_nonzero_,
                "cv_mean": model.cv_mean_,
                "cv_se": model.cv_se_,
                "lambda_min": model.lambda_min_,
                "lambda_1se": model.lambda_1se_,
            }
        )
    )


def path_table(model: Any, genes: pd.Index) -> pd.DataFrame:
    """Return coefficients per standard deviation of the first genes to enter, from just before they do."""
    entered = np.argmax(model.path_coef_ != 0, axis=0)
    first = np.argsort(entered, kind="stable")[:_FIRST]
    parts = []
    for g in first:
        rows = slice(max(int(entered[g]) - 1, 0), None)
        gene = int(model.path_genes_[g])
        parts.append(
            pd.DataFrame(
                {
                    "lambda": model.lambdas_[rows],
                    "gene": str(genes[gene]),
                    "coefficient": model.path_coef_[rows, g] * model.scale_[gene],
                }
            )
        )
    empty = pd.DataFrame({"lambda": np.zeros(0), "gene": np.zeros(0, object), "coefficient": np.zeros(0)})
    return table(pd.concat(parts, ignore_index=True) if parts else empty)


def predictions_table(result: CrossValidation, samples: pd.Index, outcome: pd.DataFrame) -> pd.DataFrame:
    """Return the out-of-fold score of each sample and repeat beside its outcome."""
    found = result.predictions
    row = found["row"].to_numpy()
    known = {
        name: outcome[name].to_numpy(float)[row] for name in ("truth", "time", "event") if name in outcome
    }
    return table(
        pd.DataFrame(
            {
                "sample": samples[row].astype(str),
                "repeat": found["repeat"].to_numpy() + 1,
                "fold": found["fold"].to_numpy() + 1,
                **known,
                "score": found["score"].to_numpy(float),
            }
        )
    )
