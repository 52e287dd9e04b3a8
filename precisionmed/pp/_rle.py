"""Relative log expression: how far each sample lies from the genes' medians."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.kernels.qc import deviation_quantiles, gene_medians
from precisionmed.pp._inputs import table

_QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def rle_table(values: NDArray[np.float64], samples: Iterable[str]) -> pd.DataFrame:
    """Return quantiles over genes of each sample's log-scale values less the genes' medians.

    References
    ----------
    Gandolfo LC, Speed TP. PLoS ONE 2018;13:e0191629.
    """
    found = deviation_quantiles(values, gene_medians(values), np.array(list(_QUANTILES.values())))
    quantiles = pd.DataFrame(found, columns=list(_QUANTILES))
    quantiles.insert(0, "sample", [str(sample) for sample in samples])
    return table(quantiles)
