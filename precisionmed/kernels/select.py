"""The k-th smallest value without a sort."""

from __future__ import annotations

from numba import njit


@njit(cache=True, error_model="numpy")
def select(work, k):
    """Return the k-th smallest value (from 0) of an array without NaN; the array is reordered.

    Quickselect with the median of three as the pivot. Values equal to the pivot are spread over both
    sides, so that many ties do no harm.

    References
    ----------
    Hoare CAR. Algorithm 65: Find. Communications of the ACM 1961;4:321-322.
    """
    low, high = 0, len(work) - 1
    while low < high:
        first, middle, last = work[low], work[(low + high) // 2], work[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        i, j = low, high
        while i <= j:
            while work[i] < pivot:
                i += 1
            while work[j] > pivot:
                j -= 1
            if i <= j:
                work[i], work[j] = work[j], work[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            return pivot
    return work[k]
