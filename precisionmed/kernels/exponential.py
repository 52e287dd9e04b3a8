"""The exponential of many numbers at once, the same bits on every processor.

The compiler turns the plain arithmetic below into vector instructions, which a call of the system's `exp`
is not.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first has so few digits that its multiples are exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LARGEST = 700.0
_BIAS = 4503599627370496.0 + 1023.0
"""2^52 plus the bias of an exponent: added to a whole number k it leaves k + 1023 in the lowest bits."""


@njit(cache=True, error_model="numpy")
def exponential(x, out, spare):
    """Write exp(x) into `out`, within 2 units in the last place; beyond 700 in size x counts as 700.

    Parameters
    ----------
    x, out, spare : float64 arrays (n,)
        Three different arrays; `spare` is overwritten.
    """
    for i in range(x.size):
        v = x[i] if x[i] < _LARGEST else _LARGEST
        v = v if v > -_LARGEST else -_LARGEST
        k = np.floor(v * _LOG2_E + 0.5)
        r = (v - k * _LN2_HIGH) - k * _LN2_LOW
        # Taylor series to r^13 / 13!, with |r| <= ln(2) / 2
        series = 1.0 / 6227020800.0
        series = series * r + 1.0 / 479001600.0
        series = series * r + 1.0 / 39916800.0
        series = series * r + 1.0 / 3628800.0
        series = series * r + 1.0 / 362880.0
        series = series * r + 1.0 / 40320.0
        series = series * r + 1.0 / 5040.0
        series = series * r + 1.0 / 720.0
        series = series * r + 1.0 / 120.0
        series = series * r + 1.0 / 24.0
        series = series * r + 1.0 / 6.0
        series = series * r + 0.5
        out[i] = 1.0 + (r + r * r * series)
        spare[i] = k + _BIAS
    _shift(spare.view(np.int64))
    for i in range(x.size):
        out[i] *= spare[i]


@njit(cache=True)
def _shift(bits):
    """Move the lowest bits to where a float has its exponent."""
    for i in range(bits.size):
        bits[i] = bits[i] << 52
