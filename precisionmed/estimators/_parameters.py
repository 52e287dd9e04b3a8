"""Constructor parameters are checked when a model is fitted, against what its class declares."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)

from precisionmed.errors import InputError

NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
FRACTION = Interval(Real, 0, 1, closed="both")
PART = Interval(Real, 0, 1, closed="right")
LEVEL = Interval(Real, 0, 1, closed="neither")
TRIM = Interval(Real, 0, 0.5, closed="left")
"""Of each end."""
SEED: list[Any] = [Interval(Integral, 0, None, closed="left"), np.random.Generator, None]


TIES = StrOptions({"efron", "breslow"})


def whole(least: int) -> Interval:
    """Return the constraint of a whole number from `least` up."""
    return Interval(Integral, least, None, closed="left")


def one_of(*words: str) -> StrOptions:
    """Return the constraint of one of a few words."""
    return StrOptions(set(words))


def check_parameters(estimator: Any) -> None:
    """Check an estimator's parameters against its `_parameter_constraints`, as scikit-learn does.

    Raises
    ------
    InputError
        A parameter is of another type or out of range; the message names it and what it must be.
    """
    declared = estimator._parameter_constraints
    given = {name: value for name, value in estimator.get_params(deep=False).items() if name in declared}
    try:
        validate_parameter_constraints(declared, given, caller_name=type(estimator).__name__)
    except InvalidParameterError as error:
        raise InputError(" ".join(str(error).split())) from None
