"""Dispersions of counts by maximum of the Cox-Reid adjusted profile likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fminbound

from precisionmed.estimators._matrix import Matrix
from precisionmed.kernels.negative_binomial_glm import adjusted_profile, fit_genes

_LARGEST = 4.0
_FEWEST_COUNTS = 5  # a gene with fewer tells nothing and keeps the common dispersion
_DOUBLINGS = np.linspace(-6.0, 6.0, 11)


@dataclass(frozen=True)
class Layout:
    """A design matrix as the kernels want it."""

    design: Matrix
    groups: NDArray[np.intp]
    n_groups: int
    constant: Matrix
    rows: Matrix

    @classmethod
    def of(cls, design: Matrix) -> Self:
        """Find out whether a design of full rank, whose span holds the constant, is a one-way layout."""
        rows, groups = np.unique(design, axis=0, return_inverse=True)
        n_groups = len(rows) if len(rows) == design.shape[1] else 0
        constant = np.asarray(np.linalg.lstsq(design, np.ones(len(design)), rcond=None)[0], dtype=np.float64)
        return cls(np.ascontiguousarray(design), groups.ravel(), n_groups, constant, rows)

    def fit(
        self,
        counts: Matrix,
        library: Matrix,
        phi: Matrix,
        codes: NDArray[np.intp],
        shift: Matrix | None = None,
        prior: float = 0.0,
    ) -> Matrix:
        """Return coefficients, shape (n_genes, n_columns); `prior` counts are added to an average library."""
        shift = np.zeros(len(counts)) if shift is None else shift
        added = prior * library / library.mean()
        fitted = fit_genes(
            counts, library, shift, added, phi, codes, self.design, self.groups, self.n_groups, self.constant
        )
        return np.linalg.solve(self.rows, fitted.T).T if self.n_groups else fitted

    def profile(self, counts: Matrix, library: Matrix, phi: Matrix) -> Matrix:
        """Return adjusted profile log-likelihoods, shape of `phi` (n_genes, n_points)."""
        return adjusted_profile(counts, library, phi, self.design, self.groups, self.n_groups, self.constant)


def common_dispersion(counts: Matrix, library: Matrix, layout: Layout) -> float:
    """Return the dispersion at which the summed likelihood of all genes is highest, at most 4.

    Parameters
    ----------
    counts : ndarray of shape (n_genes, n_samples)
    library : ndarray of shape (n_samples,)
    layout : Layout
        Of `n_samples` rows.

    References
    ----------
    McCarthy DJ, Chen Y, Smyth GK. Nucleic Acids Research 2012;40:4288-4297, equation 5.
    """
    used = counts[counts.sum(axis=1) >= _FEWEST_COUNTS]

    def loss(root: float) -> float:
        return -float(layout.profile(used, library, np.full((len(used), 1), root**4)).sum())

    # The fourth root makes the likelihood nearly symmetric about its maximum.
    return float(fminbound(loss, 0.0, _LARGEST**0.25, xtol=1e-5)) ** 4


def gene_dispersions(counts: Matrix, library: Matrix, layout: Layout, common: float) -> Matrix:
    """Return the dispersion at which each gene's own likelihood is highest.

    The likelihood is evaluated on a grid of 2^-6 to 2^6 times the common dispersion and interpolated by a
    cubic spline (as edgeR's `estimateGLMTagwiseDisp(prior.df = 0)`).

    Parameters
    ----------
    counts, library, layout
        As in `common_dispersion`.
    common : float
        Kept by genes with fewer than 5 counts.
    """
    out = np.full(len(counts), common)
    told = counts.sum(axis=1) >= _FEWEST_COUNTS
    points = common * 2.0**_DOUBLINGS
    heights = layout.profile(counts[told], library, np.tile(points, (int(told.sum()), 1)))
    out[told] = common * 2.0 ** spline_maximum(_DOUBLINGS, heights)
    return out


def spline_maximum(grid: Matrix, heights: Matrix) -> Matrix:
    """Return where the cubic spline through each row of heights is highest, next to its highest knot.

    Parameters
    ----------
    grid : ndarray of shape (n_points,)
        Equally spaced, at least four.
    heights : ndarray of shape (n_rows, n_points)

    References
    ----------
    Forsythe GE, Malcolm MA, Moler CB. Computer methods for mathematical computations, 1977, chapter 4:
    at either end the third derivative is that of the cubic through the four last points.
    """
    width = grid[1] - grid[0]
    curvature = heights @ _curvatures(len(grid), width).T
    top = np.argmax(heights, axis=1)
    best, highest = grid[top], heights.max(axis=1)
    rows = np.arange(len(heights))
    for side in (-1, 0):
        left = np.clip(top + side, 0, len(grid) - 2)
        at, then = heights[rows, left], heights[rows, left + 1]
        bend, next_bend = curvature[rows, left], curvature[rows, left + 1]
        a, b = (next_bend - bend) / width, 3 * bend
        c = (then - at) / width - width * (next_bend + 2 * bend)
        with np.errstate(invalid="ignore", divide="ignore"):
            # Of the derivative's two zeros the one with a negative second derivative.
            step = (-b - np.sqrt(b**2 - 3 * a * c)) / (3 * a)
            value = ((a * step + b) * step + c) * step + at
            better = (step > 0) & (step < width) & (value > highest)
        best, highest = np.where(better, grid[left] + step, best), np.where(better, value, highest)
    return best


def _curvatures(n: int, width: float) -> Matrix:
    """Return the matrix from heights to a sixth of the spline's second derivatives at the knots."""
    system, differences = np.zeros((n, n)), np.zeros((n, n))
    for i in range(1, n - 1):
        system[i, i - 1 : i + 2] = (1, 4, 1)
        differences[i, i - 1 : i + 2] = (1, -2, 1)
    system[0, :2], system[-1, -2:] = (-1, 1), (-1, 1)
    differences[0, :4] = differences[-1, -4:] = np.array([-1, 3, -3, 1]) / 6
    return np.asarray(np.linalg.solve(system, differences) / width**2, dtype=np.float64)
