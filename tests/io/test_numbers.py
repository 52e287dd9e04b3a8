"""Numbers by stated rules, texts among them told, impossible values refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io._numbers import read_numbers
from precisionmed.io._typed import typed


def series(*values, name="age"):
    return pd.Series(values, index=[f"T{i}" for i in range(len(values))], name=name, dtype=object)


def of(*values, name="x", key="", notes=None):
    return typed(series(*values, name=name), key, "clinical.tsv", [] if notes is None else notes)


def test_top_coded_values_stand_at_the_bound_and_it_is_said():
    notes: list[str] = []
    got = of(
        *["45", "60", "71", "20", "33"], ">89", "89+", "≥90", "90 or older", "<1", name="years", notes=notes
    )
    assert got.tolist() == [45, 60, 71, 20, 33, 89, 89, 90, 90, 1]
    assert "column 'years': read '>89', '89+', '≥90' (+2 more) at the bound (5 samples)." in notes


def test_a_bound_that_other_values_pass_is_no_number():
    assert read_numbers(series("45", "60", "71", ">50")).odd.tolist() == [">50"]
    assert read_numbers(series("0", "5", "60", "<1")).odd.empty
    assert read_numbers(series("0.5", "5", "60", "<1")).odd.tolist() == ["<1"]


def test_scores_with_a_plus_are_categories():
    got = of("0", "1+", "2+", "3+", "0", "1+", name="her2_ihc")
    assert list(got.cat.categories) == ["0", "1+", "2+", "3+"]


@pytest.mark.parametrize(
    ("values", "numbers", "rule"),
    [
        (["1,1", "2,5", "3"], [1.1, 2.5, 3], "decimal commas ('1,1', '2,5')"),
        (["2,395", "415", "12,000"], [2395, 415, 12000], "commas between thousands ('2,395', '12,000')"),
        (["0,125", "415", "12,000"], [0.125, 415, 12], "decimal commas"),
        (["80%", "5 %", "0%"], [80, 5, 0], "percentages without the sign"),
    ],
)
def test_commas_and_percentages(values, numbers, rule):
    notes: list[str] = []
    assert of(*values, notes=notes).tolist() == numbers
    assert rule in notes[0]


@pytest.mark.parametrize(
    ("name", "values", "numbers", "unit"),
    [
        ("Tumour size", ["23 mm", "2.1 cm", "15mm", "3,5 cm"], [23, 21, 15, 35], "mm"),
        ("size", ["2.3 cm", "2.1 CM", "4cm"], [2.3, 2.1, 4], "cm"),
        ("size (cm)", ["23 mm", "2.1", "2.5 cm"], [2.3, 2.1, 2.5], "cm"),
        ("size_mm", ["1,234 mm", "2,001 mm", "3"], [1234, 2001, 3], "mm"),
        ("Age", ["57 y", "60 years old", "49 yrs"], [57, 60, 49], "years"),
        ("follow-up", ["12 months", "3.5 months", "60 mo"], [12, 3.5, 60], "months"),
    ],
)
def test_units_in_the_cells_are_taken_off(name, values, numbers, unit):
    found = read_numbers(series(*values, name=name))
    assert found.numbers.tolist() == numbers
    assert found.unit == unit
    assert any(unit in rule for rule in found.rules)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("size", ["23 mm", "2.1", "18"]),  # 2.1 of what?
        ("follow-up", ["1 year", "14 months", "3 years"]),
        ("Age (months)", ["57 years", "60 years", "49 years"]),
        ("T", ["1", "2", "4d"]),
        ("size", ["23 x 12 mm", "12 mm", "4 mm"]),
    ],
)
def test_units_that_cannot_be_told_are_not_guessed(name, values):
    assert len(read_numbers(series(*values, name=name)).odd)


@given(st.lists(st.integers(1, 3000), min_size=3, unique=True), st.data())
def test_millimetres_and_centimetres_are_one_length(tenths, data):
    """A length is the same in either unit, whatever the others are written in."""
    written = [f"{n / 10:g} mm" if data.draw(st.booleans()) else f"{n / 100:.12g} cm" for n in tenths] + [
        "1 mm",
        "1 cm",
    ]
    got = read_numbers(series(*written, name="size")).numbers
    np.testing.assert_allclose(got, [*[n / 10 for n in tenths], 1, 10], rtol=1e-11)


def test_texts_among_numbers_of_a_role_are_told():
    values = ["45", "60", "71", "50", "refused", "about 60"]
    with pytest.raises(
        InputError,
        match=r"column 'age' \(cohort.roles.covariates\): 2 samples .*'refused', 'about 60'; .*'T4'",
    ):
        of(*values, name="age", key="cohort.roles.covariates")
    notes: list[str] = []
    with pytest.warns(PrecisionMedWarning, match="2 texts among its numbers count as missing"):
        got = of(*values, *map(str, range(20, 30)), name="dose", notes=notes)
    assert got.isna().sum() == 2
    assert len(notes) == 1
    assert of(*values, name="dose", notes=notes).dtype == "category"
    assert "taken as categories" in notes[1]


@pytest.mark.parametrize(
    ("name", "values", "wrong"),
    [
        ("age", ["50", "570", "60"], "'T1': 570"),
        ("Age_at_Dx", ["50", "-1", "60"], "'T1': -1"),
        ("tumourSize", ["2", "-1", "3"], "'T1': -1"),
        ("PR %", ["20", "50", "250"], "'T2': 250"),
    ],
)
def test_values_that_cannot_be(name, values, wrong):
    with pytest.raises(InputError, match=f"cannot be \\(sample {wrong}\\)"):
        of(*values, name=name, key="cohort.roles.covariates")
    with pytest.warns(PrecisionMedWarning, match="cannot be"):
        assert of(*values, name=name).notna().all()


def test_ages_in_days_and_changes_of_size_can_be():
    key = "cohort.roles.covariates"
    assert of("21550", "18200", "30100", name="age_at_diagnosis", key=key).notna().all()
    assert of("-2", "3", "1", name="change in size", key=key).notna().all()
    assert of("1", "2", "1", name="age group", key=key).notna().all()


@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1))
def test_numbers_are_the_same_however_they_are_written(numbers):
    plain = of(*[repr(number) for number in numbers])
    assert plain.tolist() == numbers
    spaced = of(*[f" {number!r}" for number in numbers])
    assert spaced.tolist() == numbers


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_whole_numbers_are_the_same_with_and_without_a_point(numbers):
    written = [of(*[form.format(n) for n in numbers]) for form in ("{}", "{}.0", "{}.")]
    for one in written:
        np.testing.assert_array_equal(one, numbers)
