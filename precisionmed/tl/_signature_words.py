"""Signatures in words: how the score is computed, and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from precisionmed.tl._signature_tasks import Task
from precisionmed.tl._survival_cohort import scheme

_UNITS = {
    "tmm": "log2 counts per million (TMM)",
    "tmmwsp": "log2 counts per million (TMM with singleton pairing)",
    "log_cpm": "log2 counts per million",
    "upper_quartile": "log2 counts per million (upper quartile)",
    "median_of_ratios": "log2 counts (median of ratios)",
    "vst": "variance-stabilized counts, on a log2 scale",
    "tpm": "log2 TPM",
    "fpkm": "log2 FPKM",
    "quantile": "quantile-normalized log2 expression",
    "rank": "normal scores of the ranks within a sample",
    "log2": "log2 expression",
}
_SCALES = {"log2": "log2 expression", "log_ratio": "log2 ratio", "zscore": "z score"}


def unit_of(steps: Mapping[str, Any]) -> str:
    """Return the unit of normalized expression, from what the steps were."""
    chosen = steps["normalize"]["params"]
    method = str(chosen["method"])
    unit = _UNITS[method] if method in _UNITS else _SCALES.get(str(chosen["scale"]), "expression as read")
    corrected = str(steps.get("batch", {}).get("params", {}).get("method", "none")) != "none"
    return f"{unit}, batch corrected" if corrected else unit


def formula(task: Task, signature: pd.DataFrame, intercept: float, unit: str) -> str:
    """Return how to compute the score of a patient, and what it means.

    Parameters
    ----------
    task
        What is predicted.
    signature
        Its table, the strongest gene first.
    intercept
        Score of a sample whose genes are all 0.
    unit
        Unit of the expression.
    """
    if signature.empty:
        same = 0.0 if task.kind == "survival" else round(intercept, 10) + 0.0  # no -0
        return f"The signature holds no gene: everybody's score is {same:.4g}, {_everybody(task, intercept)}."
    terms = [
        f"{'-' if b < 0 else '+'} {abs(b):.4g} x {gene}"
        for gene, b in zip(signature["gene"], signature["coefficient"], strict=True)
    ]
    sum_ = " ".join([f"{intercept:.4g}", *terms])
    return f"score = {sum_}, where a gene stands for its normalized expression ({unit}). {_meaning(task)}"


def _everybody(task: Task, intercept: float) -> str:
    if task.kind == "survival":
        return "the hazard of the cohort"
    return (
        f"a probability of {1 / (1 + np.exp(-intercept)):.0%}, as frequent as {task.label} is in the cohort"
    )


def _meaning(task: Task) -> str:
    if task.kind == "survival":
        return (
            f"The score is the log hazard of {task.label} relative to the cohort's mean score, which is 0: a "
            "patient's hazard is exp(score) times that, and one point more multiplies it by 2.72."
        )
    return (
        f"The score is the log odds of {task.label}: the probability is 1 / (1 + exp(-score)), 50% at a "
        "score of 0, and one point more multiplies the odds by 2.72."
    )


def methods(tasks: list[Task], params: dict[str, Any], *, clinical: bool) -> str:
    """Return the sentences of the methods section."""
    if not tasks:
        return "No signature was sought: no label or endpoint has enough samples."
    sentences = [_learned(tasks, params), *_measured(params, clinical), *_screened(tasks), _intervals(params)]
    if params["stability"]:
        sentences += _stable(params)
    derived = [task.label for task in tasks if task.excluded]
    if derived:
        sentences.append(
            f"The label {', '.join(derived)} is derived from expression; the genes that define it were left "
            "out."
        )
    return " ".join(sentences)


def _learned(tasks: list[Task], params: dict[str, Any]) -> str:
    kinds = {task.kind for task in tasks}
    models = {
        "binary": "logistic regression (Friedman et al., J Stat Softw 2010;33(1))",
        "survival": "Cox regression (Simon et al., J Stat Softw 2011;39(5))",
    }
    named = " and ".join(text for kind, text in models.items() if kind in kinds)
    penalty = (
        "a LASSO penalty" if params["alpha"] == 1 else f"an elastic-net penalty (alpha {params['alpha']:g})"
    )
    choice = {
        "1se": "the sparsest within one standard error of the smallest cross-validated deviance",
        "min": "that of the smallest cross-validated deviance",
    }[params["rule"]]
    return (
        f"Signatures of {', '.join(task.label for task in tasks)} were learned by {named} with {penalty} "
        f"(Tibshirani, J R Stat Soc B 1996;58:267); the penalty was {choice} in {params['n_folds']} folds."
    )


def _measured(params: dict[str, Any], clinical: bool) -> list[str]:
    rivals = "with the best single gene, chosen in each training set" + (
        ", and with a regression on the clinical covariates; so was the signature with these covariates, "
        "as one score without a penalty"
        if clinical
        else ""
    )
    sentences = [
        f"Performance is that of {scheme(params)} in which gene filter, normalization, batch correction, "
        "penalty and genes were chosen anew in each training set.",
        "AUC and C-index (Harrell's) compare samples of the same test fold only, because scores of different "
        "folds come from different models. Their intervals are DeLong's (DeLong et al., Biometrics "
        "1988;44:837) and bootstrap percentiles over patients, with the variance corrected for training sets "
        "that overlap (Nadeau and Bengio, Mach Learn 2003;52:239).",
        f"The signature was compared {rivals}, by paired tests on the same folds with the same correction.",
    ]
    if params["random_signatures"]:
        sentences.append(
            f"It was placed among {params['random_signatures']} signatures of as many genes drawn at random "
            "(Venet et al., PLoS Comput Biol 2011;7:e1002240), fitted by ridge regression."
        )
    sentences.append(
        "The minimal panel is the fewest genes, in the order in which they enter the path, whose performance "
        "out of fold is within one standard error of the best number of genes (Breiman et al. 1984)."
    )
    return sentences


def _screened(tasks: list[Task]) -> list[str]:
    kinds = {task.kind for task in tasks}
    tests = {
        "binary": "logistic regression (likelihood-ratio test)",
        "survival": "Cox regression (Wald test)",
    }
    named = " and ".join(text for kind, text in tests.items() if kind in kinds)
    return [
        f"Every gene alone was tested by {named}, with the false discovery rate of Benjamini and Hochberg "
        "(1995)."
    ]


def _intervals(params: dict[str, Any]) -> str:
    return (
        "Intervals of the ratios are from refits: the 2.5% and 97.5% points when the signature's genes are "
        f"fitted, with its penalty, in {2 * params['n_pairs']} complementary halves of the cohort. They do "
        "not account for the selection of the genes."
    )


def _stable(params: dict[str, Any]) -> list[str]:
    kind = {
        "knockoff": "Gaussian knockoffs (Candès et al., J R Stat Soc B 2018;80:551)",
        "permutation": "the genes with samples shuffled",
    }[params["decoys"]]
    return [
        "Stability is the fraction of these halves in which a gene is among the first on the LASSO path "
        "(Meinshausen and Bühlmann, J R Stat Soc B 2010;72:417): as many as keep the expected number of "
        f"false genes at {params['pfer']:g} or less with a threshold of {params['threshold']:.0%} (Shah and "
        "Samworth, J R Stat Soc B 2013;75:55), and at most one for each event, or sample of the rarer class, "
        "in the half.",
        f"Genes were also selected against decoys, {kind}, in halves of the cohort (Hédou et al., Nat "
        f"Biotechnol 2024;42:1581), at a false discovery rate of {params['fdr']:.0%} (Barber and Candès, Ann "
        "Stat 2015;43:2055).",
    ]
