"""Who is a patient."""

import numpy as np
import pandas as pd
import pytest

from precisionmed.io.patients import first_of_patient, patients, patients_at


def obs(**columns):
    return pd.DataFrame(columns, index=["d", "b", "c", "a"])


def test_a_sample_without_patient_is_its_own():
    table = obs(patient=pd.Categorical(["p", np.nan, "p", np.nan]))
    assert patients(table).tolist() == ["p", "b", "p", "a"]
    assert patients_at(table, np.array([1, 2])).tolist() == ["b", "p"]
    assert patients_at(table, np.array([True, False, False, True])).tolist() == ["p", "a"]


@pytest.mark.parametrize("table", [obs(), obs(patient=["p", "q", "r", None]), obs(patient=[None] * 4)])
def test_no_groups_where_nobody_has_two_samples(table):
    assert patients(table) is None and patients_at(table, np.arange(2)) is None
    known = np.array([True, False, True, True])
    assert first_of_patient(table, known).tolist() == known.tolist()


def test_the_first_sample_by_name_stands_for_its_patient():
    table = obs(patient=["p", "q", "p", None])
    assert first_of_patient(table, np.ones(4, bool)).tolist() == [False, True, True, True]
    assert first_of_patient(table, np.array([True, True, False, True])).tolist() == [True, True, False, True]
    shuffled = table.loc[["a", "d", "c", "b"]]
    assert first_of_patient(shuffled, np.ones(4, bool)).tolist() == [True, False, True, True]
