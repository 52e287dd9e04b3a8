"""Stability selection: the genes that a LASSO chooses in most halves of the cohort."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import Interval

from precisionmed.estimators._gene_selector import GeneSelector, Samples, competing
from precisionmed.estimators._halves import Progress, entry_frequency, first_genes, penalties
from precisionmed.estimators._lasso_base import Linear
from precisionmed.estimators._matrix import columns_of
from precisionmed.estimators._parameters import POSITIVE, SEED, one_of, whole
from precisionmed.estimators._stability_bounds import BOUNDS, complete
from precisionmed.estimators.half_refits import interval, refit

_RIDGE = 1e-3  # of the refits, per sample and standardized gene: halves that separate stay finite


class StabilitySelection(GeneSelector):
    """Select the genes that enter the LASSO path early in most of the complementary halves of a cohort.

    The cohort is split into two halves `n_pairs` times. In each half the first `q` genes on the LASSO path
    are chosen; genes chosen in at least `threshold` of the halves are selected. The expected number of
    selected genes whose chance is no better than average (`pfer`) is bounded without a model for
    the outcome. Of `q`, `threshold` and `pfer` two are given and the third is solved.

    `pfer` bounds an expectation and does not promise an empty list where there is nothing to find: the chance
    of selecting any gene is then at most `pfer` (Markov), as far as all genes have the same. It was 21% with
    `pfer=1` in 240 simulated cohorts without a true gene (400 samples; 500 genes, independent, correlated or
    real; two classes or survival), 12% in 300 more (200 samples, 1,000 independent genes), and 2.3% in these
    with `pfer=0.2`. To keep such cohorts empty set `pfer=0.05`, or use `DecoySelection`.

    In a pipeline it hands on the selected genes; see `transform` for an empty selection.

    Parameters
    ----------
    model : estimator
        `LassoLogistic`, `LassoCox` or another LASSO of this package: the outcome, elastic-net mixing,
        penalty factors and tolerance are its; its penalty is not used. Genes without a penalty are in
        every fit, are not counted and not selected.
    n_pairs : int, default=50
        Complementary pairs; 50 are 100 halves.
    q : int, optional
        Genes chosen in each half.
    threshold : float or None, default=0.75
        Smallest frequency that selects, above 0.5.
    pfer : float or None, default=1.0
        Expected number of false genes that is tolerated (per-family error rate).
    bound : {"unimodal", "r-concave", "meinshausen-buehlmann"}, default="unimodal"
        What is assumed of the frequencies of false genes: a unimodal or an r-concave distribution (Shah
        and Samworth 2013), or that false genes are exchangeable and no worse than chance
        (Meinshausen and Bühlmann 2010).
    random_state : int, Generator or None
        Deals the halves.

    Attributes
    ----------
    selected_ : (p,) bool array
    frequency_ : (p,) array
        Fraction of the halves in which a gene is among the first `q_`.
    path_genes_, path_frequency_ : (g,), (q, g) arrays
        Genes chosen in any half; fraction of the halves in which each is among the first 1, ..., `q_`.
    lambdas_ : (k,) array
        Penalties walked by all halves.
    q_, threshold_, pfer_ : int, float, float
        The values used; `pfer_` is the bound they keep, at most the one asked for.
    fdr_bound_ : float
        Bound of the false discovery rate, min(1, `pfer_`): the false fraction is never above the
        number of false genes. Rigorous, and crude when many genes are selected.
    false_fraction_ : float
        `pfer_` over the number of selected genes, at most 1: what to expect of the list at
        hand, not a bound; 0 when nothing is selected.
    refits_ : (2 n_pairs, s) array, or (2 n_pairs, k, s) with k classes
        Coefficients of the selected genes, per unit of the input, fitted in each half to these genes alone
        (and those without a penalty), with hardly any penalty.
    interval_ : (2, s) or (2, k, s) array
        `half_refits.interval` of `refits_`: 95% intervals from the stability refits. Halves vary as much
        about the estimate of the cohort as that does about the truth. The intervals do not account for
        the selection, which favours genes that look strong.

    References
    ----------
    Meinshausen and Bühlmann, J R Stat Soc B 72:417 (2010); Shah and Samworth, J R Stat Soc B 75:55 (2013);
    Hofner, Boccuto and Göker, BMC Bioinformatics 16:144 (2015). Half-samples: Efron, The Jackknife, the
    Bootstrap and Other Resampling Plans, Section 8.4 (1982).

    Examples
    --------
    >>> import numpy as np
    >>> from precisionmed.estimators import LassoLogistic
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 300))
    >>> y = (2 * X[:, 7] - 2 * X[:, 9] + rng.logistic(size=200) > 0).astype(int)
    >>> np.flatnonzero(StabilitySelection(LassoLogistic(), random_state=1).fit(X, y).selected_)
    array([7, 9])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "model": [Linear],
        "n_pairs": [whole(2)],
        "q": [whole(1), None],
        "threshold": [Interval(Real, 0.5, 1, closed="right"), None],
        "pfer": [POSITIVE, None],
        "bound": [one_of(*BOUNDS)],
        "random_state": SEED,
    }

    def __init__(
        self,
        model: Linear,
        n_pairs: int = 50,
        q: int | None = None,
        threshold: float | None = 0.75,
        pfer: float | None = 1.0,
        bound: str = "unimodal",
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.model = model
        self.n_pairs = n_pairs
        self.q = q
        self.threshold = threshold
        self.pfer = pfer
        self.bound = bound
        self.random_state = random_state

    def _select(self, model: Linear, values: np.ndarray, samples: Samples, progress: Progress) -> None:
        rng = np.random.default_rng(self.random_state)
        halves, _ = samples.halves(model, self.n_pairs, rng)
        problem = samples.problem(model, values, halves)
        factor = penalties(model, problem.unit.size)
        self.q_, self.threshold_, self.pfer_ = complete(
            self.bound,
            int(np.sum(competing(problem, factor))),
            self.n_pairs,
            self.q,
            self.threshold,
            self.pfer,
        )
        genes, self.lambdas_ = first_genes(problem, self.q_, progress)
        del problem  # the refits need no single-precision copy of all genes
        self._decide(entry_frequency(genes, factor.size))
        self.refits_ = self._refit(model, values, samples, halves, factor == 0)
        self.interval_ = interval(self.refits_)

    def _decide(self, path: np.ndarray) -> None:
        """Select from the fraction of halves with a gene among the first 1, ..., q, (q, p)."""
        self.frequency_ = path[-1]
        self.path_genes_ = np.flatnonzero(self.frequency_)
        self.path_frequency_ = path[:, self.path_genes_]
        self.selected_ = self.frequency_ >= self.threshold_ - 1e-9
        self.fdr_bound_ = min(1.0, self.pfer_)
        count = int(self.selected_.sum())
        self.false_fraction_ = min(1.0, self.pfer_ / count) if count else 0.0

    def _refit(
        self, model: Linear, values: np.ndarray, samples: Samples, halves: np.ndarray, free: np.ndarray
    ) -> np.ndarray:
        """Return coefficients of the selected genes in each half, fitted to them and unpenalized genes."""
        used = self.selected_ | free
        if not self.selected_.any():
            return np.zeros((len(halves), 0))
        ridge = clone(model).set_params(alpha=1e-3, penalty_factor=None, adaptive=False)
        coef = refit(ridge, columns_of(values, used), samples, halves, _RIDGE)
        return coef[..., self.selected_[used]]
