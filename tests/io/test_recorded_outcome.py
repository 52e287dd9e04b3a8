"""Endpoints as they stand in `obs`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from precisionmed.errors import InputError
from precisionmed.io._endpoints import recorded_outcome

OBS = pd.DataFrame(
    {
        "os_time": [3.0, 5.0, np.nan, 8.0],
        "os_event": [1.0, 0.0, 1.0, 1.0],
        "os_entry": [0.0, np.nan, 1.0, 2.0],
    },
    index=list("ABCD"),
)


def test_a_sample_without_one_part_has_none():
    found = recorded_outcome(OBS, "os")
    assert list(found.columns) == ["event", "time", "entry"]
    assert found.notna().all(axis=1).tolist() == [True, False, False, True]
    assert found.isna().all(axis=1).tolist() == [False, True, True, False]


def test_without_entry_times_there_is_no_entry():
    found = recorded_outcome(OBS.drop(columns="os_entry"), "os")
    assert list(found.columns) == ["event", "time"]
    assert found.notna().all(axis=1).tolist() == [True, True, False, True]


def test_absent_columns_and_other_events_are_refused():
    with pytest.raises(InputError, match="'os_time' is not in obs"):
        recorded_outcome(OBS.drop(columns="os_time"), "os")
    with pytest.raises(InputError, match="'os_event' in obs must be 0 or 1"):
        recorded_outcome(OBS.assign(os_event=[1, 2, 1, 2]), "os")
