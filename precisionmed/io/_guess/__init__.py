"""What clinical columns probably mean, for a config that a person then checks. Nothing else ever guesses."""

from precisionmed.io._guess._batch_effect import choose_batch
from precisionmed.io._guess._cohort import keep_rows, names_a_batch
from precisionmed.io._guess._propose import Proposal, guess_cohort
from precisionmed.io._guess._unused import COLUMNS, unused_columns

__all__ = [
    "COLUMNS",
    "Proposal",
    "choose_batch",
    "guess_cohort",
    "keep_rows",
    "names_a_batch",
    "unused_columns",
]
