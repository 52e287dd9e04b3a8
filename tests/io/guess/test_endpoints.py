"""Which time goes with which event, in the naming of the sources that people have."""

from __future__ import annotations

import pandas as pd
import pytest

from precisionmed.io._guess import guess_cohort

N = 12
TIMES = [str(5 * i + 3) for i in range(N)]
DAYS = [str(150 * i + 30) for i in range(N)]
BITS = ["1", "0", "0"] * (N // 3)
WORDS = ["Dead", "Alive", "Alive"] * (N // 3)


def guess(**columns):
    table = pd.DataFrame({name: list(values) for name, values in columns.items()}, dtype=str)
    found = guess_cohort(table)
    return found.cohort["roles"]["endpoints"], found


def pairs(endpoints):
    return {name: (e.get("time"), e["event"], e["unit"]) for name, e in endpoints.items()}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {
                "OS": BITS,
                "OS.time": DAYS,
                "DSS": BITS,
                "DSS.time": DAYS,
                "DFI": BITS,
                "DFI.time": DAYS,
                "PFI": BITS,
                "PFI.time": DAYS,
            },
            {
                "os": ("OS.time", "OS", "days"),
                "dss": ("DSS.time", "DSS", "days"),
                "dfi": ("DFI.time", "DFI", "days"),
                "pfi": ("PFI.time", "PFI", "days"),
            },
        ),
        (
            {"t.os": DAYS, "e.os": BITS, "t.dmfs": DAYS, "e.dmfs": BITS},
            {"os": ("t.os", "e.os", "days"), "dmfs": ("t.dmfs", "e.dmfs", "days")},
        ),
        (
            {
                "OS_STATUS": ["1:DECEASED", "0:LIVING"] * 6,
                "OS_MONTHS": TIMES,
                "DFS_STATUS": ["1:Recurred/Progressed", "0:DiseaseFree"] * 6,
                "DFS_MONTHS": TIMES,
            },
            {"os": ("OS_MONTHS", "OS_STATUS", "months"), "dfs": ("DFS_MONTHS", "DFS_STATUS", "months")},
        ),
        (
            {"Overall Survival (Months)": TIMES, "Patient's Vital Status": WORDS},
            {"os": ("Overall Survival (Months)", "Patient's Vital Status", "months")},
        ),
        ({"futime": DAYS, "fustat": BITS}, {"survival": ("futime", "fustat", "days")}),
        ({"time": DAYS, "status": ["1", "2"] * 6}, {"survival": ("time", "status", "days")}),
        ({"survival": TIMES, "eventdeath": BITS}, {"os": ("survival", "eventdeath", "months")}),
        (
            {"followup_years": [f"{i}.5" for i in range(N)], "death": BITS},
            {"os": ("followup_years", "death", "years")},
        ),
        ({"osTime": TIMES, "osEvent": BITS}, {"os": ("osTime", "osEvent", "months")}),
        (
            {"drfs_even_time_years": [f"{i}.5" for i in range(N)], "drfs_1_event_0_censored": BITS},
            {"drfs": ("drfs_even_time_years", "drfs_1_event_0_censored", "years")},
        ),
        (
            {"os_months": TIMES, "os_event": BITS, "rfs_months": TIMES, "relapse": BITS},
            {"os": ("os_months", "os_event", "months"), "rfs": ("rfs_months", "relapse", "months")},
        ),
        ({"Follow-up (mo)": TIMES, "Outcome": WORDS}, {"os": ("Follow-up (mo)", "Outcome", "months")}),
        ({"days_to_event": DAYS, "vital_status": WORDS}, {"os": ("days_to_event", "vital_status", "days")}),
    ],
)
def test_pairs(columns, expected):
    assert pairs(guess(**columns)[0]) == expected


def test_gdc_has_one_endpoint_in_two_columns():
    dead = [w == "Dead" for w in WORDS]
    endpoints, found = guess(
        vital_status=WORDS,
        days_to_death=[t if d else "--" for t, d in zip(DAYS, dead, strict=True)],
        days_to_last_follow_up=["--" if d else t for t, d in zip(DAYS, dead, strict=True)],
        days_to_birth=[f"-{t}" for t in DAYS],
    )
    assert pairs(endpoints) == {"os": (["days_to_death", "days_to_last_follow_up"], "vital_status", "days")}
    assert "of those with the event" in found.remarks["roles.endpoints.os.time"]


def test_the_time_of_the_dead_alone_is_no_follow_up():
    endpoints, found = guess(
        vital_status=WORDS, days_to_death=[t if w == "Dead" else "" for t, w in zip(DAYS, WORDS, strict=True)]
    )
    assert endpoints == {}
    assert "only patients with the event" in found.reasons["days_to_death"]
    assert "vital_status" in found.reasons


def test_dates_are_an_endpoint_when_there_is_no_time():
    start = [f"2010-01-{i + 1:02d}" for i in range(N)]
    last = [f"201{i % 5 + 1}-03-01" for i in range(N)]
    endpoints, _ = guess(diagnosis_date=start, last_follow_up_date=last, date_of_birth=start, dead=BITS)
    assert (endpoints["os"]["start"], endpoints["os"]["end"]) == ("diagnosis_date", "last_follow_up_date")
    both, _ = guess(
        diagnosis_date=start,
        date_of_death=[d if b == "1" else "" for d, b in zip(last, BITS, strict=True)],
        date_last_contact=last,
        vital_status=WORDS,
    )
    assert both["os"]["end"] == ["date_of_death", "date_last_contact"]
    numbers, found = guess(diagnosis_date=start, last_follow_up_date=last, os_months=TIMES, dead=BITS)
    assert numbers["os"]["time"] == "os_months"
    assert "date" in found.reasons["last_follow_up_date"]


def test_dates_that_could_be_either_way_round_are_not_taken():
    either = [f"0{i % 9 + 1}/0{(i + 3) % 9 + 1}/2012" for i in range(N)]
    endpoints, found = guess(diagnosis_date=either, last_follow_up_date=either, dead=BITS)
    assert endpoints == {}
    assert "day or the month first" in " ".join(found.reasons.values())


@pytest.mark.parametrize(
    ("column", "values", "unit", "said"),
    [
        ("os_days", DAYS, "days", ""),
        ("os_months", TIMES, "months", ""),
        ("OS (yrs)", [f"{i}.2" for i in range(N)], "years", ""),
        ("os_time", DAYS, "days", "Guessed"),
        ("os_time", TIMES, "months", "Guessed"),
        ("os_time", [f"{i}.2" for i in range(N)], "years", "could be months"),
        ("os_months", [str(900 * (i + 1)) for i in range(N)], "days", "The name says months"),
    ],
)
def test_units(column, values, unit, said):
    endpoints, found = guess(**{column: values, "os_event": BITS})
    assert endpoints["os"]["unit"] == unit
    remark = found.remarks.get("roles.endpoints.os.unit", "")
    assert (said in remark) if said else not remark


def test_what_is_no_follow_up_is_left_alone():
    endpoints, found = guess(
        age_at_event=TIMES,
        days_to_birth=DAYS,
        year_of_diagnosis=DAYS,
        aol_os_10y=[f"0.{i + 10}" for i in range(N)],
        node_status=BITS,
        er_status=BITS,
        menopausal_status=BITS,
        freezing_time=TIMES,
        os_event=BITS,
    )
    assert endpoints == {}
    assert "no column with the time" in found.reasons["os_event"]


def test_few_texts_among_times_are_blanked_and_said():
    _, found = guess(os_months=["lost", *TIMES[1:]], os_event=BITS)
    assert found.cohort["values"] == {"os_months": {"lost": ""}}
    assert "'lost' (1)" in found.remarks["roles.endpoints.os.time"]


def test_times_of_zero_are_dropped_and_an_entry_is_used():
    endpoints, found = guess(os_months=["0", *TIMES[1:]], os_event=BITS, entry=["1"] * 6 + ["2"] * 6)
    assert endpoints["os"]["nonpositive_time"] == "drop"
    assert endpoints["os"]["entry"] == "entry"
    assert "1 rows have a time of 0" in found.remarks["roles.endpoints.os.nonpositive_time"]
