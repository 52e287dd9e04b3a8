"""Figures of LASSO signatures."""

from __future__ import annotations

from precisionmed.pl._biomarkers_genes import decoys, signature, stability
from precisionmed.pl._biomarkers_path import cv_curve, panel, path
from precisionmed.pl._biomarkers_product import heatmap, nomogram
from precisionmed.pl._biomarkers_rivals import performance, random_signatures, scores
from precisionmed.pl._biomarkers_screen import univariate, volcano

__all__ = [
    "cv_curve",
    "decoys",
    "heatmap",
    "nomogram",
    "panel",
    "path",
    "performance",
    "random_signatures",
    "scores",
    "signature",
    "stability",
    "univariate",
    "volcano",
]
