"""scikit-learn estimators on arrays or data frames: samples in rows, genes in columns.

Every class listed here can be locked: its constructor parameters and learned attributes are plain
data (see `precisionmed.io.codec`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "CPM": "normalize",
    "ClinicalOnly": "clinical",
    "ComBat": "batch",
    "ComBatSeq": "combat_seq",
    "ConsensusClustering": "consensus",
    "CovariateEncoder": "covariates",
    "CoxFirth": "cox_firth",
    "CoxModel": "cox",
    "CoxScreen": "screen",
    "DecoySelection": "decoys",
    "FPKM": "lengths",
    "GeneFilter": "gene_filter",
    "GenesAndClinical": "clinical",
    "IntrinsicSubtypeClassifier": "intrinsic",
    "LassoCox": "lasso",
    "LassoCoxCV": "lasso",
    "LassoLinear": "lasso",
    "LassoLinearCV": "lasso",
    "LassoLogistic": "lasso",
    "LassoLogisticCV": "lasso",
    "LassoMultinomial": "lasso_multinomial",
    "LassoMultinomialCV": "lasso_multinomial",
    "Log2": "normalize",
    "LogCPM": "normalize",
    "LogisticScreen": "screen",
    "MedianOfRatios": "normalize",
    "ModeratedScreen": "screen",
    "NearestCentroid": "centroids",
    "Preprocessor": "preprocessor",
    "Quantile": "normalize",
    "RankScores": "normalize",
    "ReceptorClassifier": "receptors",
    "StabilitySelection": "stability",
    "TMM": "normalize",
    "TMMwsp": "normalize",
    "TPM": "lengths",
    "TwoComponentMixture": "mixture",
    "UpperQuartile": "normalize",
    "VST": "vst",
}

__all__ = sorted(_HOMES)

if TYPE_CHECKING:
    from precisionmed.estimators.preprocessor import Preprocessor as Preprocessor


def __getattr__(name: str) -> Any:
    # Loaded on first use: numba and scipy make an eager import of all of them slow.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
