"""Endpoints from dates, from a pair of columns, with entry times, and with values that say nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precisionmed.config import EndpointConfig, parse_config
from precisionmed.errors import InputError, PrecisionMedWarning
from precisionmed.io._endpoints import endpoint_columns

GDC = {"time": ["days_to_death", "days_to_last_follow_up"], "event": "vital", "unit": "days"}


def read(columns, notes=None, **endpoint):
    n = len(next(iter(columns.values())))
    table = pd.DataFrame(columns, index=[f"T{i}" for i in range(n)], dtype=object)
    config = {"os": EndpointConfig.model_validate(endpoint)}
    return endpoint_columns(table, config, "clinical.tsv", [] if notes is None else notes)


def test_two_columns_are_one_endpoint():
    found = read(
        {
            "days_to_death": ["--", "1138", "307", "--"],
            "days_to_last_follow_up": ["3391", "--", "200", "1163"],
            "vital": ["Alive", "Dead", "Dead", "Alive"],
        },
        **GDC,
    )
    assert found["os_time"].tolist() == [3391, 1138, 307, 1163]
    assert found["os_event"].tolist() == [0, 1, 1, 0]


def test_an_event_without_its_time_is_not_one_at_the_last_follow_up():
    columns = {
        "days_to_death": ["", "10", "20"],
        "days_to_last_follow_up": ["500", "", "600"],
        "vital": ["Dead", "Dead", "Alive"],
    }
    with pytest.warns(PrecisionMedWarning) as told:
        found = read(columns, **GDC)
    texts = " ".join(str(one.message) for one in told)
    assert "1 samples have the event but no time in 'days_to_death' (T0)" in texts
    assert "1 samples have a time in 'days_to_death' without the event (T2)" in texts
    assert found["os_time"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize("unit", ["days", "months", "years"])
def test_dates_give_times_in_the_stated_unit(unit):
    notes: list[str] = []
    found = read(
        {"from": ["2012-03-01", "2012-03-01"], "to": ["2013-03-01", "2014-03-01"], "dead": ["1", "0"]},
        notes,
        start="from",
        end="to",
        event="dead",
        unit=unit,
    )
    days = np.array([365, 730])
    per = {"days": 1, "months": 30.4375, "years": 365.25}[unit]
    np.testing.assert_allclose(found["os_time"], days / per, rtol=1e-15)
    assert notes == [f"Endpoint os: time in {unit} from 'from' to 'to'."]


def test_dates_of_death_and_of_last_contact():
    found = read(
        {
            "op": ["01.03.2012", "02.03.2012"],
            "death": ["15.03.2012", ""],
            "contact": ["", "01.04.2012"],
            "dead": ["yes", "no"],
        },
        start="op",
        end=["death", "contact"],
        event="dead",
        unit="days",
    )
    assert found["os_time"].tolist() == [14, 30]


def test_an_entry_time_is_kept_and_checked():
    columns = {"t": ["10", "20", "30"], "e": ["1", "0", "1"], "seen": ["2", "0", "29"]}
    found = read(columns, time="t", event="e", entry="seen")
    assert found["os_entry"].tolist() == [2, 0, 29]
    late = columns | {"seen": ["2", "20", "40"]}
    with pytest.raises(InputError, match=r"2 samples have an entry \(column 'seen'\) .*\(T1, T2\)"):
        read(late, time="t", event="e", entry="seen")
    with pytest.warns(PrecisionMedWarning, match="2 samples with an entry"):
        found = read(late, time="t", event="e", entry="seen", nonpositive_time="drop")
    assert all(values.isna().tolist() == [False, True, True] for values in found.values())
    with pytest.warns(PrecisionMedWarning, match="1 samples without a time, event or entry"):
        found = read(columns | {"seen": ["", "0", "1"]}, time="t", event="e", entry="seen")
    assert all(values.isna().tolist() == [True, False, False] for values in found.values())


def test_an_entry_beside_dates_is_a_date_or_a_time():
    columns = {"a": ["2012-03-01"] * 2, "b": ["2013-03-01", "2014-03-01"], "e": ["1", "0"]}
    how = {"start": "a", "end": "b", "event": "e", "entry": "seen", "unit": "days"}
    assert read(columns | {"seen": ["2012-03-11", "2012-02-01"]}, **how)["os_entry"].tolist() == [10, 0]
    assert read(columns | {"seen": ["10", "0"]}, **how)["os_entry"].tolist() == [10, 0]


def test_an_end_before_the_start_is_told():
    columns = {"a": ["2012-03-01"] * 2, "b": ["2011-03-01", "2014-03-01"], "e": ["1", "0"]}
    with pytest.raises(InputError, match=r"column 'b' .*1 samples have a time of 0 or less \(T0\)"):
        read(columns, start="a", end="b", event="e")


def test_values_that_say_nothing_are_listed():
    columns = {"t": ["1", "2", "3"], "e": ["Dead", "Alive", "Lost to follow-up"]}
    with pytest.raises(InputError, match=r"'Lost to follow-up'.*missing_values"):
        read(columns, time="t", event="e")
    with pytest.warns(PrecisionMedWarning, match="1 samples without a time or event"):
        found = read(columns, time="t", event="e", missing_values=["lost to follow-up"])
    assert found["os_event"].tolist()[:2] == [1, 0]
    assert np.isnan(found["os_event"].iloc[2])
    with pytest.raises(InputError, match=r"'Dead' is listed both for .*event_values and .*missing_values"):
        read(columns, time="t", event="e", missing_values=["dead"])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"event": "e"}, "key 'time' is missing"),
        ({"event": "e", "start": "a"}, "dates need both columns"),
        ({"event": "e", "time": "t", "start": "a", "end": "b"}, "not both"),
        ({"event": "e", "time": []}, "list of columns is empty"),
    ],
)
def test_a_config_has_a_time_or_dates(keys, message):
    with pytest.raises(InputError, match=message):
        parse_config({"cohort": {"dataset": "unc", "roles": {"endpoints": {"os": keys}}}})


@given(
    st.lists(
        st.tuples(st.dates(pd.Timestamp("1950-01-01").date(), pd.Timestamp("2020-01-01").date()),
                  st.integers(1, 9000)),
        min_size=1, max_size=6,
    ),
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d %b %Y", "%b %d, %Y", "%Y-%m-%d 00:00:00", "%d-%b-%Y"]),
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")
def test_the_way_dates_are_written_does_not_matter(people, how):
    starts = [pd.Timestamp(start) for start, _ in people]
    ends = [start + pd.Timedelta(days=days) for start, (_, days) in zip(starts, people, strict=True)]
    columns = {
        "a": [f"{start:{how}}" for start in starts],
        "b": [f"{end:{how}}" for end in ends],
        "e": ["1"] * len(people),
    }
    found = read(columns, start="a", end="b", event="e", unit="days")
    assert found["os_time"].tolist() == [days for _, days in people]


def test_a_unit_in_the_cells_must_be_the_stated_one():
    columns = {"follow-up": ["12 months", "3 months"], "status": ["1", "0"]}
    roles = {"time": "follow-up", "event": "status"}
    assert read(columns, **roles, unit="months")["os_time"].tolist() == [12, 3]
    with pytest.raises(InputError, match="its cells are in months, not in days"):
        read(columns, **roles, unit="days")
