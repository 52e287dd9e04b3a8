"""Which codes and words are events: a swap of deaths and censorings must never come from a name."""

from __future__ import annotations

import pandas as pd
import pytest

from precisionmed.io._guess._draft import Draft
from precisionmed.io._guess._events import Coding, outcome_word, read_events


def coding(column, values, **others):
    table = pd.DataFrame({column: [str(v) for v in values], **others})
    return read_events(Draft(table), column)


@pytest.mark.parametrize(
    "column",
    [
        "os_censored",
        "OS_censorship",
        "censor",
        "censored",
        "CENSORING",
        "cens",
        "OSCensored",
        "censor_os",
        "is.censored",
        "alive",
        "Alive at last FU",
        "still living",
        "disease_free",
    ],
)
@pytest.mark.parametrize(
    ("yes", "no"), [("1", "0"), ("yes", "no"), ("TRUE", "FALSE"), ("1.0", "0.0"), ("Y", "N")]
)
def test_names_of_censoring_or_life_invert(column, yes, no):
    found = coding(column, [yes, no, yes, yes])
    assert isinstance(found, Coding)
    assert (found.event, found.censored) == ([no], [yes])
    assert "1 events, 3 censored" in found.remarks[0]


@pytest.mark.parametrize(
    "column",
    [
        "os_event",
        "dead",
        "Death",
        "OS",
        "os_status",
        "OS.status",
        "relapse",
        "uncensored",
        "status",
        "DSS",
        "recurrence_event",
        "Overall Survival Status",
        "rfs.event",
        "e.os",
        "disease free survival event",
    ],
)
def test_names_of_events_do_not(column):
    found = coding(column, ["1", "0", "0", "0"])
    assert isinstance(found, Coding)
    assert (found.event, found.censored) == (["1"], ["0"])


@pytest.mark.parametrize(
    "column",
    [
        "vital_status",
        "event_or_censored",
        "death_censor",
        "censoring_status",
        "cens_event",
        "survival status",
    ],
)
def test_what_a_name_cannot_tell_is_left_to_the_user(column):
    found = coding(column, ["1", "0", "0", "1"])
    assert isinstance(found, str)
    assert "not known" in found


def test_a_column_that_only_the_dead_have_settles_an_unclear_code():
    for codes, event in ((["1", "0", "0", "1"], "1"), (["0", "1", "1", "0"], "0")):
        found = coding("vital_status", codes, days_to_death=["100", "", "NA", "50"])
        assert isinstance(found, Coding)
        assert found.event == [event]
        assert "days_to_death" in found.remarks[0]


@pytest.mark.parametrize(
    ("column", "event"),
    [
        ("vital status (1=dead, 0=alive)", "1"),
        ("status: 1 = alive, 0 = dead", "0"),
        ("censor (0=event, 1=censored)", "0"),
        ("cens (1=event)", "1"),
        ("vital_status (0=deceased)", "0"),
    ],
)
def test_a_name_that_explains_its_codes_is_believed(column, event):
    found = coding(column, ["1", "0", "0", "1"])
    assert isinstance(found, Coding)
    assert found.event == [event]
    assert found.remarks == []


def test_one_and_two_are_read_as_in_r_and_said():
    found = coding("os_status", ["1", "2", "2", "1", "1"])
    assert isinstance(found, Coding)
    assert (found.event, found.censored) == (["2"], ["1"])
    assert "2 is taken as the event" in found.remarks[0]
    assert "not known" in str(coding("censoring", ["1", "2", "2"]))


@pytest.mark.parametrize(
    "word",
    [
        "Dead",
        "DECEASED",
        "died of disease",
        "DOD",
        "1:DECEASED",
        "Dead of other causes",
        "Relapsed",
        "recurrence",
        "Expired",
        "1:Recurred/Progressed",
        "distant metastasis",
        "Event",
        "not alive",
        "1:DEAD WITH TUMOR",
        "1:PROGRESSION",
        "progressed",
    ],
)
def test_words_of_events(word):
    assert outcome_word(word) == "event"


@pytest.mark.parametrize(
    "word",
    [
        "alive",
        "LIVING",
        "Censored",
        "0:LIVING",
        "disease free",
        "Disease-free",
        "NED",
        "no evidence of disease",
        "No relapse",
        "Not recurred",
        "0:DiseaseFree",
        "0:Not Recurred",
        "relapse-free",
        "0:CENSORED",
        "0:ALIVE OR DEAD TUMOR FREE",
        "tumor free",
        "alive without disease",
        "remission",
        "none",
        "no event",
        "event-free",
        "progression free",
    ],
)
def test_words_of_censoring(word):
    assert outcome_word(word) == "censored"


@pytest.mark.parametrize("word", ["Lost to follow-up", "unknown", "1", "yes", "xyz", "", "lost", "pending"])
def test_words_that_say_nothing(word):
    assert outcome_word(word) is None


def test_alive_with_relapse_is_no_word_of_a_relapse():
    assert outcome_word("alive with recurrence", "rfs") is None
    assert outcome_word("alive with recurrence", "os") == "censored"
    assert outcome_word("alive without recurrence", "rfs") == "censored"


def test_a_few_odd_values_are_left_out_and_listed_and_many_stop():
    found = coding("vital", ["Dead", "Alive"] * 20 + ["Lost to follow-up", "moved"])
    assert isinstance(found, Coding)
    assert found.missing == ["Lost to follow-up", "moved"]
    assert "'Lost to follow-up' (1)" in " ".join(found.remarks)
    assert "'moved' (9)" in str(coding("vital", ["Dead", "Alive"] * 20 + ["moved"] * 9))
    assert isinstance(coding("vital", ["Dead", "Alive"] * 5 + ["lost to follow up"] * 5), Coding)


def test_a_column_of_one_meaning_is_no_event():
    assert "no value in it means an event" in str(coding("os_event", ["0", "0"]))
    assert "no value in it means censored" in str(coding("dead", ["yes", "yes"]))
    assert "no values" in str(coding("dead", ["", "NA"]))


@pytest.mark.parametrize("column", ["dead", "Death", "died", "relapse", "os_dead", "Deceased"])
def test_one_and_two_under_the_name_of_the_event_are_left_to_the_user(column):
    found = coding(column, ["1", "2"] * 5)
    assert isinstance(found, str)
    assert "is not known" in found
