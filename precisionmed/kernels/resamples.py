"""What the clusterers of resamples share: labels in one byte, sub-matrices."""

from __future__ import annotations

import numpy as np
from numba import njit

UNDRAWN = 255  # label of a sample that is not in a resample
MOST_CLUSTERS = 250
RUNS = 48  # pieces of work to share between threads


@njit(cache=True)
def drawn_part(matrix, drawn, space):  # pragma: no cover
    """Return the samples drawn, and their rows and columns of a square matrix, written to `space`."""
    members = np.flatnonzero(drawn)
    out = space[: members.size**2].reshape(members.size, members.size)
    for i in range(members.size):
        source, target = matrix[members[i]], out[i]
        for j in range(members.size):
            target[j] = source[members[j]]
    return members, out


@njit(cache=True)
def store_labels(label, members, out):  # pragma: no cover
    """Write the clusters of `members` to `out`, numbered in order of first appearance."""
    number = np.full(label.max() + 1, -1)
    found = 0
    for i in range(label.size):
        if number[label[i]] < 0:
            number[label[i]] = found
            found += 1
        out[members[i]] = number[label[i]]
