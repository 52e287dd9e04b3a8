"""Batch labels of samples, and their numbers among the batches of training."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from precisionmed.errors import InputError, first_few, nearest, warn
from precisionmed.estimators._levels import level_words
from precisionmed.estimators._matrix import Matrix, sample_name
from precisionmed.estimators._vectors import group_codes


def read_labels(batch: ArrayLike, n_samples: int) -> NDArray[np.str_]:
    """Return batch labels as text, 1 and 1.0 as one; raise an InputError when some are missing."""
    names, codes = group_codes(batch, "batch", n_samples)
    return level_words(pd.Series(names, dtype=object), "").to_numpy(dtype=str)[codes]


def learn_batches(
    batch: ArrayLike, n_samples: int
) -> tuple[NDArray[np.str_], NDArray[np.intp], NDArray[np.intp]]:
    """Return the batches (sorted), each sample's number among them, and their sizes; two at least."""
    batches, codes, sizes = np.unique(read_labels(batch, n_samples), return_inverse=True, return_counts=True)
    if len(batches) < 2:
        raise InputError(f"batch correction needs at least two batches, found only '{batches[0]}'.")
    return batches, codes, sizes


def separate_parts(counts: pd.DataFrame) -> int:
    """Return into how many parts batches (rows) and classes (columns) fall.

    They are the two sides of a graph, joined where a batch has samples of a class. When it falls apart, the
    difference between the parts is one of batch and of class at once.
    """
    batches, classes = counts.shape
    graph = np.zeros((batches + classes, batches + classes))
    graph[:batches, batches:] = counts.to_numpy() > 0
    return int(connected_components(graph, directed=False)[0])


def known_codes(
    batches: NDArray[np.str_],
    X: ArrayLike | pd.DataFrame,
    batch: ArrayLike | None,
    n_samples: int,
    unknown: str,
) -> NDArray[np.intp]:
    """Return each sample's number among the batches of training, -1 where its batch was not there.

    Raises
    ------
    InputError
        A batch is unknown and `unknown` is "error"; with "none" there is a warning.
    """
    if unknown not in ("error", "none"):
        raise InputError(f"unknown='{unknown}' is no choice.{nearest(unknown, ['error', 'none'])}")
    if batch is None:
        codes = np.full(n_samples, -1, dtype=np.intp)
        what = "the batch is not given"
    else:
        labels = read_labels(batch, n_samples)
        names = batches.astype(str)
        places = np.minimum(np.searchsorted(names, labels), len(names) - 1)
        codes = np.where(names[places] == labels, places, -1)
        what = f"not in training: batch {first_few(np.unique(labels[codes < 0]))}"
    if (codes < 0).any():
        message = f"{what} ({sample_name(X, int(np.argmin(codes)))}); training had {first_few(batches)}"
        if unknown == "error":
            raise InputError(f"{message}; use unknown='none' to leave such samples uncorrected.")
        warn(f"{message}; such samples are not batch corrected.")
    return codes


def place(learned: NDArray[np.floating], adjusted: NDArray[np.bool_], fill: float) -> Matrix:
    """Put numbers of the adjusted genes (last axis) in their places among all genes."""
    out = np.full((*learned.shape[:-1], len(adjusted)), float(fill))
    out[..., adjusted] = learned
    return out


def vary_within_batches(values: Matrix, codes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return the genes that are not constant in any batch of several samples."""
    vary = np.ones(values.shape[1], dtype=bool)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        constant = np.arange(values.shape[1])
        for row in rows[1:]:  # almost all genes differ between the first two samples already
            constant = constant[values[row, constant] == values[rows[0], constant]]
        if len(rows) > 1:
            vary[constant] = False
    return vary
