"""What survival models are scored by, so that scikit-learn can choose between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.errors import warn
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._outcome import survival_outcome
from precisionmed.estimators._ranking import c_index, sorted_for_concordance
from precisionmed.estimators._vectors import weights


class SurvivalScore:
    """A model whose `predict` returns a log hazard."""

    def score(
        self,
        X: ArrayLike | pd.DataFrame,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        strata: ArrayLike | None = None,
        **known: Any,
    ) -> float:
        """Return Harrell's C of the predicted log hazard; 0.5 is chance.

        Parameters
        ----------
        X : DataFrame or array (n_samples, p)
        y : structured array or DataFrame
            `event` and `time`, and perhaps `entry`.
        sample_weight : array (n_samples,), optional
            A pair counts with the product of its weights.
        strata : array (n_samples,), optional
            Only pairs of the same stratum are compared.
        **known
            Passed to `predict` (an offset).

        Returns
        -------
        float
            NaN, with a warning, when no two samples can be compared.

        Raises
        ------
        InputError
            As `fit` and `predict`.
        """
        X, y, sample_weight, strata = aligned(X=X, y=y, sample_weight=sample_weight, strata=strata)
        risk = self.predict(X, **known)  # type: ignore[attr-defined]
        outcome = survival_outcome(y, risk.size)
        weight = np.ones(risk.size)
        if sample_weight is not None:
            weight = weights(sample_weight, "sample_weight", risk.size)
        followed = sorted_for_concordance(outcome, risk, strata)
        value = c_index(followed, weight[followed.order])
        if np.isnan(value):
            warn("no two of these samples can be compared: the C-index is not defined.")
        return value
