"""What is learned from a cohort: one function a step, results in slots (docs/data-model.md)."""

from precisionmed.tl.biomarkers import biomarkers
from precisionmed.tl.check import check
from precisionmed.tl.classify import classify
from precisionmed.tl.receptors import receptors
from precisionmed.tl.response import response
from precisionmed.tl.subtypes import subtypes
from precisionmed.tl.survival import survival
from precisionmed.tl.validate import validate

__all__ = ["biomarkers", "check", "classify", "receptors", "response", "subtypes", "survival", "validate"]
