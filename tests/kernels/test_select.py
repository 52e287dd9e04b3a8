import numpy as np
import pytest

from precisionmed.kernels.select import select


@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 257])
def test_equals_a_sort(n, levels):
    values = np.random.default_rng([n, levels]).integers(0, levels, n).astype(float)
    for shape in (values, np.sort(values), np.sort(values)[::-1]):
        for k in range(0, n, max(1, n // 9)):
            work = shape.copy()
            assert select(work, k) == np.sort(values)[k]
            np.testing.assert_array_equal(np.sort(work), np.sort(values))
