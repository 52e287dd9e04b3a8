"""Dispersion as a smooth function of the mean, and the transformation that stabilizes that variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

FEWEST_GENES = 10
"""Genes that a local regression needs."""
_NEAREST = 0.7  # of the genes are in a neighbourhood
_CUT = 0.8  # a cell wider than this part of its smaller bandwidth is split
_POINTS = 1000  # of the grid over which is integrated
_QUANTILES = (0.95, 0.999)  # of the gene means, at which the result is the logarithm


@dataclass(frozen=True)
class LocalTrend:
    """Local quadratic regression of the log dispersion on the log mean, as R's `locfit` has it.

    The regression is made at the vertices only; between them the deviation from one quadratic through all
    genes is interpolated by cubics, and beyond them continued as a line.

    Attributes
    ----------
    vertices : (v,) array
        Log means, ascending.
    deviation : (v, 2) array
        Value and slope of the local fit minus those of the quadratic.
    quadratic : (3,) array
        Its coefficients, the constant first.
    """

    vertices: Vector
    deviation: Matrix
    quadratic: Vector

    @classmethod
    def fit(cls, means: Vector, dispersions: Vector) -> LocalTrend:
        """Learn from means and dispersions above 0, (n_genes,); genes are weighted by their means.

        References
        ----------
        Loader C. Local Regression and Likelihood, Springer 1999, chapters 2, 3 (fit) and 12 (vertices and
        interpolation).
        """
        x, y = np.log(means), np.log(dispersions)
        quadratic = _weighted_quadratic(x, y, means)
        local = _grow(x, y, means)
        vertices = np.array(sorted(local))
        fitted = np.array([local[vertex][:2] for vertex in vertices])
        level = np.polynomial.polynomial.polyval(vertices, quadratic)
        slope = np.polynomial.polynomial.polyval(vertices, np.polynomial.polynomial.polyder(quadratic))
        return cls(vertices, fitted - np.column_stack([level, slope]), quadratic)

    def __call__(self, means: Vector) -> Vector:
        """Return the dispersion at means above 0."""
        x = np.log(means)
        cell = np.clip(np.searchsorted(self.vertices, x) - 1, 0, len(self.vertices) - 2)
        width = np.diff(self.vertices)[cell]
        h = (x - self.vertices[cell]) / width
        inside = np.clip(h, 0, 1)
        upper = inside**2 * (3 - 2 * inside)
        left = inside * (1 - inside) ** 2 + np.minimum(h, 0)
        right = inside**2 * (inside - 1) + np.maximum(h - 1, 0)
        value, slope = self.deviation.T
        between = (1 - upper) * value[cell] + upper * value[cell + 1]
        between += width * (left * slope[cell] + right * slope[cell + 1])
        return np.exp(np.polynomial.polynomial.polyval(x, self.quadratic) + between)


def stabilizing_curve(
    trend: LocalTrend, largest: float, inverse_size: float, gene_means: Vector
) -> dict[str, Vector | Matrix]:
    """Integrate the inverse standard deviation of normalized counts, numerically.

    Parameters
    ----------
    trend : LocalTrend
    largest : float
        Largest normalized count: how far the integral goes.
    inverse_size : float
        Mean of 1 / size factor: the shot noise of a normalized count of 1.
    gene_means : (p,) array
        Mean normalized counts of all genes.

    Returns
    -------
    dict of arrays
        `knots`, (k,), in asinh of a normalized count, `cubics`, (k, 4), constant first, and `largest`.
        At the 95% and 99.9% points of the gene means the curve is log2 of them.

    References
    ----------
    Anders S, Huber W. Genome Biology 2010;11:R106; `DESeq2::getVarianceStabilizedData`, local fits.
    """
    grid = np.sinh(np.linspace(0, np.arcsinh(largest), _POINTS))[1:]
    rate = 1 / np.sqrt(trend(grid) * grid**2 + inverse_size * grid)
    knots = np.arcsinh((grid[1:] + grid[:-1]) / 2)
    cubics = _spline(knots, np.cumsum(np.diff(grid) * (rate[1:] + rate[:-1]) / 2))
    curve = {"knots": knots, "cubics": cubics, "largest": np.array([largest])}
    low, high = np.quantile(gene_means, _QUANTILES)
    at_low, at_high = stabilized(curve, np.array([low, high]))
    scale = (np.log2(high) - np.log2(low)) / (at_high - at_low)
    cubics *= scale
    cubics[:, 0] += np.log2(low) - scale * at_low
    return curve


def stabilized(curve: dict[str, Vector | Matrix], normalized: Matrix) -> Matrix:
    """Return the curve at normalized counts; beyond the largest one seen it goes on as a line in asinh."""
    x, end = np.arcsinh(normalized), float(np.arcsinh(curve["largest"][0]))
    within = np.minimum(x, end)
    piece = np.clip(np.searchsorted(curve["knots"], within, side="right") - 1, 0, len(curve["knots"]) - 1)
    a, b, c, d = (curve["cubics"][piece, power] for power in range(4))
    step = within - curve["knots"][piece]
    return a + step * (b + step * (c + step * d)) + (x - within) * (b + step * (2 * c + step * 3 * d))


def without_largest(curve: dict[str, Vector | Matrix]) -> dict[str, Vector | Matrix]:
    """Return nearly the same curve on round knots: those of `stabilizing_curve` tell the largest count seen.

    It ends at a quarter in asinh below that count and goes on from there as a line, as any curve does beyond
    its largest count.
    """
    end = max(np.floor(4 * np.arcsinh(curve["largest"][0])) / 4, 0.25)
    grid = np.sinh(np.linspace(0, end, _POINTS))[1:]
    knots = np.arcsinh((grid[1:] + grid[:-1]) / 2)
    cubics = _spline(knots, stabilized(curve, np.sinh(knots)))
    return {"knots": knots, "cubics": cubics, "largest": np.array([np.sinh(end)])}


def _grow(x: Vector, y: Vector, weights: Vector) -> dict[float, tuple[float, float, float]]:
    """Return the local fits at the vertices: cells are halved until none is wide for its bandwidth."""
    fits: dict[float, tuple[float, float, float]] = {}
    cells = [(float(x.min()), float(x.max()))]
    while cells:
        low, high = cells.pop()
        for vertex in (low, high):
            if vertex not in fits:
                fits[vertex] = _local_quadratic(x, y, weights, vertex)
        if high - low > _CUT * min(fits[low][2], fits[high][2]):
            middle = (low + high) / 2
            cells += [(low, middle), (middle, high)]
    return fits


def _local_quadratic(x: Vector, y: Vector, weights: Vector, at: float) -> tuple[float, float, float]:
    """Return value, slope and bandwidth of the local fit: tricube weights over the nearest genes."""
    distance = np.abs(x - at)
    bandwidth = float(np.partition(distance, int(len(x) * _NEAREST) - 1)[int(len(x) * _NEAREST) - 1])
    near = np.maximum(1 - (distance / bandwidth) ** 3, 0) ** 3
    value, slope, _ = _weighted_quadratic((x - at) / bandwidth, y, weights * near)
    return value, slope / bandwidth, bandwidth


def _weighted_quadratic(x: Vector, y: Vector, weights: Vector) -> Vector:
    root = np.sqrt(weights / weights.max())
    columns = np.vander(x, 3, increasing=True) * root[:, None]
    return np.linalg.lstsq(columns, y * root, rcond=None)[0]


def _spline(x: Vector, y: Vector) -> Matrix:
    """Return the cubics, (n, 4), of the spline whose ends have the third derivative of the cubic there.

    Forsythe, Malcolm and Moler, Computer Methods for Mathematical Computations, 1977, chapter 4: R's
    `splinefun`. The last cubic goes on beyond the last knot.
    """
    step, slope = np.diff(x), np.diff(y) / np.diff(x)
    right = np.concatenate([[0.0], np.diff(slope), [0.0]])
    right[0] = right[2] / (x[3] - x[1]) - right[1] / (x[2] - x[0])
    right[-1] = right[-2] / (x[-1] - x[-3]) - right[-3] / (x[-2] - x[-4])
    right[0] *= step[0] ** 2 / (x[3] - x[0])
    right[-1] *= -(step[-1] ** 2) / (x[-1] - x[-4])
    diagonal = np.concatenate([[-step[0]], 2 * (step[:-1] + step[1:]), [-step[-1]]])
    bands = np.vstack([np.append(0.0, step), diagonal, np.append(step, 0.0)])
    bend = solve_banded((1, 1), bands, right)
    third = np.append(np.diff(bend) / step, (bend[-1] - bend[-2]) / step[-1])
    first = slope - step * (bend[1:] + 2 * bend[:-1])
    last = slope[-1] + step[-1] * (bend[-2] + 2 * bend[-1])
    return np.column_stack([y, np.append(first, last), 3 * bend, third])
