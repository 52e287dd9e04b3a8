"""Whether samples of one patient look like one person, and those of different patients like two.

Two kinds of evidence. The profile: samples of one tumour, even from another library, agree in the most
variable genes as no two tumours do. The genotype: a few genes are switched on or off by common germline
variants in whatever tissue, and so is sex; they hold between a tumour and a normal sample of a person.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.estimators._matrix import Matrix
from precisionmed.kernels.qc import gene_moments
from precisionmed.pp._qc_samples import Names

# Deletions (GSTM1, GSTT1, GSTT2B), genes that only some haplotypes have (HLA-DRB4, HLA-DRB5), a haplotype
# whose messenger decays (ERAP2), a promoter variant (ZFP57).
GENOTYPE_GENES = ("GSTM1", "GSTT1", "GSTT2B", "ERAP2", "HLA-DRB4", "HLA-DRB5", "ZFP57")

_VARIABLE = 500
_FEWEST_GENES, _FEWEST_SAMPLES, _FEWEST_TO_SPLIT = 50, 10, 20
_ALIKE, _MARGIN = 0.9, 0.75
_SHARE, _SMALLER, _APART = 0.70, 0.05, 1.5
_GENE_ERROR, _SEX_ERROR = 0.1, 0.02
_FOR, _AGAINST = 0.5, -1.2


class Genotypes(NamedTuple):
    """On or off by gene, as far as the cohort shows two groups."""

    calls: Matrix
    """(n_samples, n_genes): 1 on, 0 off, NaN not known."""
    fractions: NDArray[np.float64]
    """(n_genes,): fraction of people in whom the gene is on, never 0 or 1."""
    errors: NDArray[np.float64]
    """(n_genes,): fraction of calls that are taken to tell nothing."""
    table: pd.DataFrame
    """`gene`, `border` (log2), `fraction_on`, `separation` (share of the variance between the groups)."""


def profile_correlation(values: Matrix) -> Matrix | None:
    """Return correlations of samples over the 500 most variable genes, each less its median.

    Raw correlations of any two tumours are high; without the genes' usual levels strangers are
    scattered around zero. None with fewer than 50 genes or 10 samples, which tell too little.
    """
    if values.shape[1] < _FEWEST_GENES or len(values) < _FEWEST_SAMPLES:
        return None
    spread = gene_moments(values, np.empty(0))[1]
    chosen = np.sort(np.argsort(-spread, kind="stable")[:_VARIABLE])
    part = values[:, chosen] - np.median(values[:, chosen], axis=0)
    part -= part.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(part, axis=1)
    part /= np.where(norms > 0, norms, 1)[:, None]
    return np.asarray(np.clip(part @ part.T, -1, 1))


def standing_out(profile: Matrix) -> NDArray[np.bool_]:
    """Say which pairs are alike as no others are, shape (n_samples, n_samples).

    Correlated above 0.9, and by 0.75 (Fisher's z) more than either is with its next best partner: a kind
    of samples that are all alike, as a few normal tissues among tumours, is no twins. (In cohorts of breast
    tumours strangers reach margins of 0.5; a second library of one tumour starts at 1.)
    """
    z = np.arctanh(np.clip(profile, -0.999, 0.999))
    np.fill_diagonal(z, -np.inf)
    second = -np.partition(-z, 1, axis=1)[:, 1]
    return np.asarray((profile > _ALIKE) & (z > np.maximum(second[:, None], second[None, :]) + _MARGIN))


def genotypes(values: pd.DataFrame, expressed_sex: Names | None = None) -> Genotypes:
    """Call genes of germline presence on or off, where the cohort falls into two groups.

    A gene counts when the best split (Otsu 1979) explains at least 70% of its variance, leaves at least 5%
    of the samples on either side, and the groups' means are 1.5 log2 units apart. Expressed sex is
    one more locus when it is known.

    Parameters
    ----------
    values : DataFrame of shape (n_samples, n_genes)
        Log-scale values of (some of) `GENOTYPE_GENES`, without gaps.
    expressed_sex : ndarray of str, optional
        `female`, `male` or `undetermined`.
    """
    rows: list[tuple[str, float, float, float]] = []
    calls: list[NDArray[np.float64]] = []
    errors: list[float] = []
    for gene in values.columns if len(values) >= _FEWEST_TO_SPLIT else ():
        x = values[gene].to_numpy(dtype=np.float64)
        border, separation = _split(x)
        on = x > border
        apart = x[on].mean() - x[~on].mean() if 0 < on.sum() < len(x) else 0.0
        if separation >= _SHARE and apart >= _APART:
            rows.append((str(gene), border, float(on.mean()), separation))
            calls.append(on.astype(np.float64))
            errors.append(_GENE_ERROR)
    if expressed_sex is not None and np.any(expressed_sex != "undetermined"):
        known = expressed_sex != "undetermined"
        male = np.where(known, (expressed_sex == "male").astype(np.float64), np.nan)
        rows.append(("sex (male)", np.nan, float(np.mean(expressed_sex == "male")), np.nan))
        calls.append(male)
        errors.append(_SEX_ERROR)
    matrix = np.column_stack(calls) if calls else np.empty((len(values), 0))
    described = pd.DataFrame(rows, columns=["gene", "border", "fraction_on", "separation"])
    # Half a person is added to either side: what is not seen in a cohort is rare, not impossible.
    fractions = (described["fraction_on"].to_numpy(dtype=np.float64) * len(values) + 0.5) / (len(values) + 1)
    return Genotypes(matrix, fractions, np.array(errors), described)


def log_odds(
    found: Genotypes, a: NDArray[np.intp], b: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return log10 odds that two samples come from one person, and the number of genes compared.

    At a gene that is on in a fraction f of the samples, strangers agree by chance: f^2 both on, (1 - f)^2
    both off. One person's samples agree, but for a part e of the calls that are taken to tell nothing (a
    tenth; of sex, two in a hundred). The ratio is (1 - e) / f + e for both on, (1 - e) / (1 - f) + e for
    both off, and e when they differ. Genes are taken as independent.
    """
    on = found.fractions
    x, y = found.calls[a], found.calls[b]
    known = ~np.isnan(x) & ~np.isnan(y)
    agreement = (1 - found.errors) / np.where(x == 1, on, 1 - on) + found.errors
    ratios = np.where(x == y, agreement, found.errors)
    return np.log10(np.where(known, ratios, 1.0)).sum(axis=1), known.sum(axis=1)


def identity_table(
    profile: Matrix | None, found: Genotypes, samples: pd.Index, owners: Names
) -> pd.DataFrame:
    """Return the pairs of one patient, and pairs of different patients that look like one tumour.

    Returns
    -------
    DataFrame
        `sample_a`, `sample_b`, `patient_a`, `patient_b`, `profile` (correlation), `log_odds` (NaN without
        genotypes), `genes` (compared), `verdict`. For one patient: `agrees`, `contradicts` (log odds at or
        below -1.2: sex, or more than one gene) or `undecided`; `unexpected` for pairs of different or
        unknown patients.
    """
    same = (owners[:, None] == owners[None, :]) & (owners != "")[:, None]
    twins = np.zeros_like(same) if profile is None else standing_out(profile)
    a, b = np.nonzero(np.triu(same | twins, k=1))
    odds, genes = log_odds(found, a, b)
    verdict = np.where(
        twins[a, b] | (odds >= _FOR), "agrees", np.where(odds <= _AGAINST, "contradicts", "undecided")
    )
    names = samples.astype(str).to_numpy(dtype=object)
    pairs = pd.DataFrame(
        {
            "sample_a": names[a],
            "sample_b": names[b],
            "patient_a": owners[a],
            "patient_b": owners[b],
            "profile": np.nan if profile is None else profile[a, b],
            "log_odds": np.where(genes > 0, odds, np.nan),
            "genes": genes,
            "verdict": np.where(same[a, b], verdict, "unexpected").astype(object),
        }
    )
    return pairs.sort_values("profile", ascending=False, kind="stable", ignore_index=True)


def _split(x: NDArray[np.float64]) -> tuple[float, float]:
    """Return Otsu's border between two groups and the share of the variance between them."""
    n = len(x)
    ascending = np.sort(x)
    deviations = ascending - ascending.mean()
    total = float(deviations @ deviations)
    left = np.arange(1, n)
    between = np.cumsum(deviations)[:-1] ** 2 * n / (left * (n - left))
    fewest = max(1, int(np.ceil(_SMALLER * n)))
    allowed = between[fewest - 1 : n - fewest]
    if not total > 0 or not len(allowed):
        return float(ascending[-1]), 0.0
    best = int(np.argmax(allowed)) + fewest
    return float(ascending[best - 1] + ascending[best]) / 2, float(between[best - 1] / total)
