import numpy as np
import pandas as pd
import pytest

from precisionmed.config import RolesConfig
from precisionmed.errors import CombinedInputError, InputError, PrecisionMedWarning
from precisionmed.io._values import replace_values
from precisionmed.io.clinical import make_obs, summarize_clinical

INDEX = pd.Index([f"T{i}" for i in range(4)])


def obs_of(columns, roles, notes=None):
    table = pd.DataFrame(columns, index=INDEX, dtype=object)
    return make_obs(table, RolesConfig.model_validate(roles), "clinical.tsv", [] if notes is None else notes)


def endpoint(**more):
    return {"endpoints": {"os": {"time": "months", "event": "status", **more}}}


@pytest.mark.parametrize(
    "events",
    [
        ["1", "0", "0", "1"],
        ["1.0", "0.0", "0", "1.00"],
        ["1:DECEASED", "0:LIVING", "0:LIVING", "1:DECEASED"],
        ["1:Recurred/Progressed", "0:DiseaseFree", "0:DiseaseFree", "1:Recurred/Progressed"],
        ["Dead", "alive", "ALIVE", "deceased"],
    ],
)
def test_codings_of_an_event(events):
    obs, _ = obs_of({"months": ["1", "2", "3.5", "4"], "status": events}, endpoint())
    assert obs["os_event"].tolist() == [1, 0, 0, 1]
    assert obs["os_time"].tolist() == [1, 2, 3.5, 4]


def test_missing_times_and_events_are_counted():
    notes: list[str] = []
    with pytest.warns(PrecisionMedWarning, match="2 samples without a time or event"):
        obs, _ = obs_of(
            {"months": ["1", "[Not Available]", "3", "4"], "status": ["1", "0", "NA", "1"]}, endpoint(), notes
        )
    assert obs["os_time"].isna().tolist() == [False, True, False, False]
    assert obs["os_event"].isna().tolist() == [False, False, True, False]
    assert notes


def test_times_of_zero_stop_or_are_dropped_as_stated():
    columns = {"months": ["0", "2", "-3", "4"], "status": ["1", "0", "0", "1"]}
    with pytest.raises(
        InputError, match=r"'months'.*2 samples have a time of 0 or less \(T0, T2\).*nonpositive_time: drop"
    ):
        obs_of(columns, endpoint())
    with pytest.warns(PrecisionMedWarning, match="2 samples with a time of 0 or less are left out"):
        obs, _ = obs_of(columns, endpoint(nonpositive_time="drop"))
    assert obs["os_time"].isna().tolist() == obs["os_event"].isna().tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"month": ["1"] * 4, "status": ["1"] * 4}, "has no column 'months'.*Did you mean 'month'"),
        (
            {"months": ["1"] * 4, "status": ["1", "0", "2", "1"]},
            "1 samples have the value '2' .first: sample 'T2'",
        ),
        (
            {"months": ["1", "two", "3", "4"], "status": ["1"] * 4},
            "sample 'T1' has 'two', which is no number",
        ),
        ({"months": ["NA"] * 4, "status": ["1"] * 4}, "has no time for any sample"),
    ],
)
def test_a_wrong_endpoint_is_told_with_column_sample_and_fix(columns, message):
    with pytest.raises(InputError, match=message) as caught:
        obs_of(columns, endpoint())
    assert str(caught.value).startswith("clinical.tsv: ")


def test_an_endpoint_without_events_is_told():
    with pytest.warns(PrecisionMedWarning, match="Endpoint os: no event"):
        obs_of({"months": ["1", "2", "3", "4"], "status": ["0"] * 4}, endpoint())


def test_receptor_status_keeps_equivocal_apart_from_negative_and_missing():
    roles = {"receptors": {"er": {"column": "er_ihc"}, "her2": {"column": "fish"}}}
    columns = {
        "er_ihc": ["Positve", "NEGATIVE", "[Not Evaluated]", "1.0"],
        "fish": ["Equivocal", "Indeterminate", "", "Negative"],
    }
    obs, _ = obs_of(columns, roles)
    assert obs["er"].tolist() == ["positive", "negative", np.nan, "positive"]
    assert obs["her2"].tolist() == ["equivocal", "equivocal", np.nan, "negative"]
    assert list(obs["er"].cat.categories) == ["positive", "negative"]


def test_a_value_that_no_list_names_is_an_error_with_the_fix():
    with pytest.raises(
        InputError, match=r"4 samples have the value 'I'.*receptors.er.*positive, negative, equivocal"
    ):
        obs_of({"er_ihc": ["I"] * 4}, {"receptors": {"er": {"column": "er_ihc"}}})
    with pytest.raises(InputError, match=r"'x' is listed both for .*er.positive and .*er.negative"):
        obs_of(
            {"er_ihc": ["x"] * 4},
            {"receptors": {"er": {"column": "er_ihc", "positive": ["x"], "negative": ["X"]}}},
        )


def test_a_treatment_needs_two_arms():
    with pytest.raises(
        InputError, match=r"'chemo' .* has only treated samples \(4\); list the values of both arms"
    ):
        obs_of({"chemo": ["YES"] * 4}, {"treatment": {"column": "chemo"}})
    obs, _ = obs_of({"chemo": ["YES", "no", "1", "0"]}, {"treatment": {"column": "chemo"}})
    assert obs["treatment"].tolist() == ["treated", "control", "treated", "control"]


def test_response_intrinsic_and_sex():
    roles = {"response": {"column": "pcr"}, "intrinsic": {"column": "pam50"}, "sex": "gender"}
    columns = {
        "pcr": ["pCR", "RD", "NA", "RD"],
        "pam50": ["Luminal A", "HER2-enriched", "claudin-low", "NA"],
        "gender": ["F", "FEMALE", "Male", ""],
    }
    obs, _ = obs_of(columns, roles)
    assert obs["response"].tolist() == ["responder", "non_responder", np.nan, "non_responder"]
    assert obs["intrinsic"].tolist() == ["LumA", "Her2", "claudin-low", np.nan]
    assert obs["sex"].tolist() == ["female", "female", "male", np.nan]
    with pytest.raises(InputError, match=r"value '2'.*rename it with cohort.values"):
        obs_of({"gender": ["2"] * 4}, {"sex": "gender"})


def test_patients_that_are_not_named_are_their_own():
    with pytest.warns(PrecisionMedWarning, match="1 samples without a patient"):
        obs, _ = obs_of({"p": ["a", "a", "", "b"]}, {"patient": "p"})
    assert obs["patient"].tolist() == ["a", "a", "T2", "b"]


def test_names_that_collide_with_canonical_ones_are_kept_as_recorded():
    notes: list[str] = []
    columns = {
        "er": ["a", "b", "a", "b"],
        "er_ihc": ["pos", "neg", "pos", "neg"],
        "batch": ["1", "2", "1", "2"],
    }
    roles = {"receptors": {"er": {"column": "er_ihc"}}, "covariates": ["batch"]}
    obs, kept = obs_of(columns, roles, notes)
    assert list(obs.columns) == ["er", "er_recorded", "er_ihc", "batch_recorded"]
    assert kept.covariates == ["batch_recorded"]
    assert "er, batch" in notes[0]


def test_other_columns_are_typed_and_slashes_leave_their_names():
    obs, roles = obs_of(
        {"age": ["50", "61.5", "NA", "40"], "T/N": ["T1", "T2", "", "T1"]}, {"covariates": ["T/N"]}
    )
    assert obs["age"].dtype == float
    assert obs["T_N"].tolist() == ["T1", "T2", np.nan, "T1"]
    assert roles.covariates == ["T_N"]
    summary = summarize_clinical(obs).set_index("variable")
    assert summary.loc["age", "summary"] == "median 50 (40 to 61.5)"
    assert summary.loc["T_N"].tolist() == ["category", 1, "T1 2, T2 1"]


def test_replacements_and_their_misprints():
    table = pd.DataFrame({"stage": ["I", "ii", "III"]}, dtype=object)
    with pytest.warns(PrecisionMedWarning, match="no value 'VI' to replace"):
        got = replace_values(table, {"stage": {"I": "1", "II": "2", "VI": ""}}, "clinical.tsv", [])
    assert got["stage"].tolist() == ["1", "2", "III"]
    with pytest.raises(InputError, match=r"has no column 'stge' .*Did you mean 'stage'"):
        replace_values(table, {"stge": {}}, "clinical.tsv", [])


def test_all_that_is_wrong_with_the_roles_is_told_together(tmp_path):
    table = pd.DataFrame(
        {
            "time": ["1", "x", "3"],
            "event": ["1", "0", "1"],
            "er": ["+", "maybe", "-"],
            "age": ["50", "60", "70"],
        },
        index=["a", "b", "c"],
    )
    roles = RolesConfig.model_validate(
        {
            "endpoints": {"os": {"time": "time", "event": "event"}, "rfs": {"time": "rfs", "event": "event"}},
            "receptors": {"er": {"column": "er"}},
            "covariates": ["age", "stage"],
        }
    )
    with pytest.raises(CombinedInputError) as error:
        make_obs(table, roles, "clinical.tsv", [])
    told = error.value.messages
    assert len(told) == 4
    for message, word in zip(told, ("'x'", "'rfs'", "'maybe'", "'stage'"), strict=True):
        assert word in message
        assert "\n" not in message
