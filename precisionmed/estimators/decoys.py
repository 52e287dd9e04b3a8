"""Decoy control: select genes that beat their own decoys, at a stated false discovery rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import clone

from precisionmed.estimators._decoy_genes import KINDS, knockoffs, permuted
from precisionmed.estimators._gene_selector import GeneSelector, Samples, competing
from precisionmed.estimators._halves import Progress, entry_frequency, first_genes, penalties
from precisionmed.estimators._lasso_base import Linear
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.estimators._order import inverse, name_order
from precisionmed.estimators._parameters import LEVEL, SEED, one_of, whole

_Make = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


class DecoySelection(GeneSelector):
    """Select genes whose stability no decoy reaches.

    Every gene gets decoys: made-up genes that look alike and know nothing of the outcome. Genes and
    decoys together enter the LASSO in complementary halves of the cohort, as in `StabilitySelection`. A gene
    competes with its own decoys: who is more often among the first `q` genes of a half wins and has that
    frequency as its score; a draw counts for nobody. At a threshold t the false discovery proportion is
    estimated as ::

        FDP+(t) = (1 + decoys that win with t or more) / (n_copies x genes that win with t or more)

    A false gene is as likely to lose as to win, so decoys that win count the false genes that do. The
    threshold whose estimate is at most `fdr` keeps the false discovery rate at `fdr` if a false gene
    and its decoy can be swapped without a trace (Barber and Candès). Knockoffs keep the correlations that
    needs, as far as they can be estimated. Permutation decoys do not: they are for genes that are nearly
    independent. Among correlated genes the neighbours of a true gene beat their decoys, and several
    times the nominal rate gets through. Genes without a penalty have no part in making decoys.

    With `fdr` the smallest list that can be selected has 1 / (n_copies x fdr) genes: 10 at 10% and one
    copy. More copies allow shorter lists but are harder to tell apart from their genes. Decoys of all genes
    are in memory once, as float64.

    Where there is nothing to find every selected gene is false: the chance of selecting any is at most `fdr`.
    At 10%, 1 of the 240 simulated cohorts of `StabilitySelection` gave any, with the defaults.

    In a pipeline it hands on the selected genes; see `transform` for an empty selection.

    Parameters
    ----------
    model : estimator
        As in `StabilitySelection`. Genes without a penalty, or never selected, get no decoys.
    decoys : {"knockoff", "permutation"}, default="knockoff"
        Second-order Gaussian model-X knockoffs, or genes with the samples shuffled.
    fdr : float or None, default=0.1
        False discovery rate to keep: the lowest threshold whose estimate is at most `fdr`; nothing is
        selected when there is none. None: the threshold of the smallest estimate (Hédou et al.),
        which controls nothing; nothing is selected when it is 1 or more.
    n_copies : int, default=1
        Decoys of each gene.
    n_screened : int, default=1000
        Genes that enter the LASSO, each with its decoys: those with the largest score statistic of the gene
        or one of its decoys in the whole cohort. A gene and its decoys are screened as one, so that
        the screening cannot favour real genes.
    n_pairs : int, default=50
        Complementary pairs of halves.
    q : int, optional
        Genes or decoys chosen in each half; by default the square root of the number that compete, and at
        most half of the events, or samples of the rarest class, in a half.
    random_state : int, Generator or None
        Makes the decoys and deals the halves.

    Attributes
    ----------
    selected_ : (p,) bool array
    threshold_ : float
        Lowest selected frequency; infinite when nothing is selected.
    estimated_fdp_ : float
        `FDP+` at the threshold; 0 when nothing is selected.
    fdp_curve_ : DataFrame
        `threshold`, `n_real`, `n_decoy`, `fdp`: winners at each possible threshold, and `FDP+`.
    frequency_, decoy_frequency_ : (p,) arrays
        Fraction of the halves in which a gene, or the best of its decoys, is chosen.
    screened_ : (p,) bool array
        Genes that entered the LASSO.
    q_ : int

    References
    ----------
    Hédou et al., Nat Biotechnol 42:1581 (2024): decoys for stability selection. Barber and Candès,
    Ann Stat 43:2055 (2015), Equation 1.9: the threshold. Candès et al., J R Stat Soc B 80:551 (2018): model-X
    knockoffs. Gimenez and Zou, AISTATS (2019): several knockoffs.

    Examples
    --------
    >>> import numpy as np
    >>> from precisionmed.estimators import LassoLogistic
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 50))
    >>> y = (X[:, :12].sum(axis=1) + rng.logistic(size=400) > 0).astype(int)
    >>> np.flatnonzero(DecoySelection(LassoLogistic(), random_state=1).fit(X, y).selected_)  # 33: false
    array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 33])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "model": [Linear],
        "decoys": [one_of(*KINDS)],
        "fdr": [LEVEL, None],
        "n_copies": [whole(1)],
        "n_screened": [whole(1)],
        "n_pairs": [whole(1)],
        "q": [whole(1), None],
        "random_state": SEED,
    }

    def __init__(
        self,
        model: Linear,
        decoys: str = "knockoff",
        fdr: float | None = 0.1,
        n_copies: int = 1,
        n_screened: int = 1000,
        n_pairs: int = 50,
        q: int | None = None,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.model = model
        self.decoys = decoys
        self.fdr = fdr
        self.n_copies = n_copies
        self.n_screened = n_screened
        self.n_pairs = n_pairs
        self.q = q
        self.random_state = random_state

    def _select(self, model: Linear, values: np.ndarray, samples: Samples, progress: Progress) -> None:
        # Streams of their own: data simulated with the same seed must not come back as decoys.
        decoy_rng, half_rng = np.random.default_rng(self.random_state).spawn(2)
        halves, rarest = samples.halves(model, self.n_pairs, half_rng)
        screened, players = self._screen(model, samples, values, decoy_rng)
        factor = penalties(model, values.shape[1])
        self.q_ = self.q or int(min(np.sqrt(len(players) * screened.size), max(1, rarest // 4)))
        game = _Game(model, samples, values[:, factor == 0])
        chosen = game.frequency(players, factor[screened], halves, self.q_, progress)
        self.frequency_, self.decoy_frequency_ = np.zeros((2, factor.size))
        self.frequency_[screened] = chosen[0]
        self.decoy_frequency_[screened] = chosen[1:].max(axis=0)
        self.screened_ = np.isin(np.arange(factor.size), screened)
        self._decide()

    def _screen(
        self, model: Linear, samples: Samples, values: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the genes that enter the LASSO, (g,), and them and their decoys, (1 + copies, n, g)."""
        model = clone(model).set_params(adaptive=False)  # what a first stage adapts to is known in halves
        make = knockoffs if self.decoys == "knockoff" else permuted
        factor = penalties(model, values.shape[1])
        competes, genes = _standardized(model, samples, values)
        decoys = self._by_name(make, genes, competes, rng)
        game = _Game(model, samples, values[:, factor == 0])
        score = [game.score(player, factor[competes]) for player in (genes, *decoys)]
        kept = np.sort(np.argsort(-np.max(score, axis=0), kind="stable")[: self.n_screened])
        return competes[kept], np.stack([player[:, kept] for player in (genes, *decoys)])

    def _by_name(
        self, make: _Make, genes: np.ndarray, columns: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Make the decoys of named genes in the order of their names."""
        names = self.feature_names_in_
        order = None if names is None else name_order(pd.Index(names[columns]))
        if order is None:
            return make(genes, self.n_copies, rng)
        return make(genes[:, order], self.n_copies, rng)[:, :, inverse(order)]

    def _decide(self) -> None:
        real, decoy = self.frequency_, self.decoy_frequency_
        self.fdp_curve_ = fdp_curve(real, decoy, self.n_copies)
        self.threshold_, self.estimated_fdp_ = choose_threshold(self.fdp_curve_, self.fdr)
        self.selected_ = (real > decoy) & (real >= self.threshold_)


def fdp_curve(real: np.ndarray, decoy: np.ndarray, n_copies: int) -> pd.DataFrame:
    """Return `threshold`, `n_real`, `n_decoy`, `fdp` at each frequency with which a gene or decoy wins.

    Parameters
    ----------
    real, decoy : (p,) arrays
        Frequency of each gene, and of the best of its decoys.
    n_copies : int
        Decoys of each gene.
    """
    won, lost = np.sort(real[real > decoy]), np.sort(decoy[decoy > real])
    thresholds = np.unique(np.concatenate([won, lost]))
    n_real = won.size - np.searchsorted(won, thresholds)
    n_decoy = lost.size - np.searchsorted(lost, thresholds)
    fdp = (1 + n_decoy) / (n_copies * np.maximum(1, n_real))
    return pd.DataFrame({"threshold": thresholds, "n_real": n_real, "n_decoy": n_decoy, "fdp": fdp})


def choose_threshold(curve: pd.DataFrame, fdr: float | None) -> tuple[float, float]:
    """Return the threshold that keeps `fdr` (None: of the smallest estimate) and the estimate there.

    Returns
    -------
    threshold, estimated_fdp
        Infinite and 0 when nothing is to be selected.
    """
    fdp = curve.fdp.to_numpy()
    good = fdp <= fdr + 1e-12 if fdr is not None else (fdp == fdp.min(initial=1.0)) & (fdp < 1)
    if not good.any():
        return np.inf, 0.0
    first = int(np.argmax(good))
    return float(curve.threshold[first]), float(fdp[first])


def _standardized(model: Linear, samples: Samples, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which genes compete, (g,), and their standardized values, (n, g)."""
    cohort = samples.problem(model, values)
    competes = competing(cohort, penalties(model, values.shape[1]))
    genes = np.compress(competes, values, axis=1)
    genes -= cohort.shift[competes]
    genes /= cohort.unit[competes]
    return np.flatnonzero(competes), genes


class _Game:
    """Lets genes and decoys compete, beside genes without a penalty."""

    def __init__(self, model: Linear, samples: Samples, free: np.ndarray) -> None:
        self.model = model
        self.samples = samples
        self.free = free

    def score(self, player: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """Return the score statistic of each column relative to its penalty, (g,), in the whole cohort."""
        walk = Walk(self._problem(player, factor), lambdas=np.ones(1))
        slope = np.abs(walk.gradient).reshape(-1, self.free.shape[1] + factor.size).max(axis=0)
        return slope[self.free.shape[1] :] / factor

    def frequency(
        self,
        players: np.ndarray,
        factor: np.ndarray,
        halves: np.ndarray,
        q: int,
        progress: Progress = None,
    ) -> np.ndarray:
        """Return how often each player is among the first `q` columns of a half, (1 + copies, g)."""
        together = np.concatenate(list(players), axis=1)
        problem = self._problem(together, np.tile(factor, len(players)), halves)
        chosen = entry_frequency(first_genes(problem, q, progress)[0], problem.unit.size)[-1]
        return chosen[self.free.shape[1] :].reshape(len(players), -1)

    def _problem(self, columns: np.ndarray, factor: np.ndarray, halves: np.ndarray | None = None) -> Problem:
        n_free = self.free.shape[1]
        model = clone(self.model).set_params(penalty_factor=np.concatenate([np.zeros(n_free), factor]))
        columns = np.hstack([self.free, columns]) if n_free else columns
        return self.samples.problem(model, columns, halves)
