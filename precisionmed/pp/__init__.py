"""Preprocessing of a cohort: quality control, gene filter, normalization, batch correction.

Functions take an AnnData (samples x genes), change it in place and return it.
"""

from __future__ import annotations

from precisionmed.pp.batch import batch
from precisionmed.pp.filter_genes import filter_genes
from precisionmed.pp.normalize import normalize
from precisionmed.pp.qc import qc
from precisionmed.pp.shared_genes import shared_genes

__all__ = ["batch", "filter_genes", "normalize", "qc", "shared_genes"]
