import builtins
import sys

import pytest

from precisionmed.config import CohortConfig
from precisionmed.datasets import tables
from precisionmed.errors import InputError


@pytest.mark.parametrize(
    ("name", "shape", "endpoint", "events"),
    [("unc", (15528, 124), "rfs", 35), ("stanford", (12793, 115), "os", 38), ("bild", (8659, 158), "os", 50)],
)
def test_tables_are_what_a_cohort_consists_of(name, shape, endpoint, events):
    pytest.importorskip("SurvSet")
    expression, clinical, defaults = tables(name)
    assert expression.shape == shape
    assert expression.index.is_unique
    assert not expression.index.str.contains("_").any()
    assert list(expression.columns) == list(clinical.index)
    config = CohortConfig(dataset=name, **defaults)
    roles = config.roles
    assert list(roles.endpoints) == [endpoint]
    assert (clinical[roles.endpoints[endpoint].event] == "yes").sum() == events
    assert clinical[roles.endpoints[endpoint].time].between(0, 120).all()
    assert set(roles.covariates) <= set(clinical.columns)


def test_recorded_oestrogen_receptor_is_decoded():
    pytest.importorskip("SurvSet")
    for name, expected in {"unc": (72, 50, 2), "stanford": (82, 31, 2)}.items():
        status = tables(name)[1]["er_status"]
        assert ((status == "positive").sum(), (status == "negative").sum(), status.isna().sum()) == expected


def test_unc_names_what_is_no_primary_tumour():
    pytest.importorskip("SurvSet")
    specimen = tables("unc")[1]["specimen"]
    assert specimen.value_counts().to_dict() == {
        "primary": 117,
        "metastasis": 4,
        "primary after chemotherapy": 2,
        "recurrence": 1,
    }


def test_unknown_name_is_told():
    with pytest.raises(InputError, match="Did you mean 'unc'"):
        tables("ucn")


def test_missing_package_names_the_extra(monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.startswith("SurvSet"):
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.delitem(sys.modules, "SurvSet.data", raising=False)
    with pytest.raises(InputError, match=r"pip install 'precisionmed\[demo\]'"):
        tables("unc")
