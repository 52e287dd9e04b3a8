"""Model files from strangers: rightly sealed, and damaged, oversized or made to mislead."""

from __future__ import annotations

import copy
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precisionmed import estimators
from precisionmed.errors import InputError
from precisionmed.io import _archive
from precisionmed.io._archive import sealed
from precisionmed.io._declared import DECLARED, NORMALIZERS, check_estimator
from precisionmed.io.codec import decode, encode
from precisionmed.io.model import LockedModel
from tests.io._damage import Original, what_comes_of

FOLDER = Path(__file__).parents[1] / "reference" / "locked_model"
SAMPLES = pd.read_csv(FOLDER / "samples.csv", index_col="sample").iloc[:2]


@pytest.fixture(scope="module")
def original():
    return Original(FOLDER / "schema1.pmz")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "model.pmz"


def test_the_undamaged_file_is_sane(original, place):
    place.write_bytes(sealed(original.texts, original.arrays))
    assert what_comes_of(place, SAMPLES) == "sane"


@given(seed=st.integers(0, 2**31))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_refused_or_harmless(original, place, seed):
    place.write_bytes(original.damaged(seed))
    what_comes_of(place, SAMPLES)


@pytest.mark.slow
@given(seed=st.integers(0, 2**31))
@settings(max_examples=2000, deadline=20_000, suppress_health_check=list(HealthCheck))
def test_damage_is_refused_or_harmless_at_length(original, place, seed):
    place.write_bytes(original.damaged(seed))
    what_comes_of(place, SAMPLES)


def changed(original, place, task, attribute, change):
    """Write the model with one learned attribute of a task's estimator changed."""
    parts = decode({"json": original.texts["model.json"], "arrays": original.arrays})
    model = parts["tasks"][task]["model"]
    setattr(model, attribute, change(copy.copy(getattr(model, attribute))))
    encoded = encode(parts)
    texts = {**original.texts, "model.json": encoded["json"]}
    place.write_bytes(sealed(texts, encoded["arrays"]))


def with_first(value):
    def change(array):
        array = array.copy()
        array[0] = value
        return array

    return change


@pytest.mark.parametrize(
    ("task", "attribute", "change", "message"),
    [
        ("os", "baseline_time_", with_first(np.nan), "baseline_time_ has the value nan"),
        ("os", "baseline_time_", lambda t: t[::-1].copy(), "do not fit each other"),
        ("os", "baseline_survival_", with_first(1.5), "has the value 1.5"),
        ("os", "baseline_survival_", lambda s: s[::-1].copy(), "do not fit each other"),
        ("os", "with_offset_", lambda _: True, "do not fit each other"),
        ("her2", "coef_", with_first(np.inf), "coef_ has the value inf"),
        ("her2", "coef_", lambda c: c[1:], "instead of 189"),
        ("her2", "intercept_", lambda _: "0", "is no real"),
        ("her2", "uncertain", lambda _: (0.9, 0.1), "do not fit each other"),
        ("subtype", "selected_", with_first(10**9), "do not fit each other"),
        ("subtype", "classes_", with_first("S2"), "one entry twice"),
        ("subtype", "metric", lambda _: "system", "metric has the value 'system'"),
        ("signature_er", "n_features_in_", lambda _: 10**6, "instead of"),
    ],
)
def test_what_contradicts_the_declaration_is_named(original, place, task, attribute, change, message):
    changed(original, place, task, attribute, change)
    with pytest.raises(InputError, match=message) as error:
        LockedModel.load(place)
    assert str(place) in str(error.value)
    assert "\n" not in str(error.value)


def test_names_of_functions_and_private_attributes_get_nowhere(original, place):
    for name in ("import_module", "__getattr__", "Preprocessor\n", "annotations"):
        with pytest.raises(InputError, match="does not have"):
            decode({"json": json.dumps({"estimator": name, "params": {"dict": []}, "learned": {"dict": []}})})
    for attribute in ("_private_", "__class__", "fit", "x.y_"):
        learned = {"dict": [[attribute, 1]]}
        with pytest.raises(InputError, match="does not know"):
            decode({"json": json.dumps({"estimator": "Log2", "params": {"dict": []}, "learned": learned})})
    with pytest.raises(InputError, match="computed"):
        learned = {"dict": [["coef_path_", 1]]}
        decode({"json": json.dumps({"estimator": "LassoCoxCV", "params": {"dict": []}, "learned": learned})})


def resealed(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + _archive.hashlib.sha256(body).hexdigest().encode()


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_oversized_and_foreign_members_are_refused_unread(original, place, monkeypatch):
    members = members_of(FOLDER / "schema1.pmz")
    bomb = b"[" + b"0," * (20 * 2**20) + b"0]"
    cases = [
        ({**members, "model.json": bomb}, "unpacks to"),
        ({**members, "../evil": b"x"}, "no model has"),
        ({**members, "arrays/b.npy": b"x"}, "no model has"),
        ({"manifest.json": members["manifest.json"]}, "has no model.json"),
        ({**members, "arrays/a0.npy": b"\x93NUMPY\x01\x00\x02\x00{}"}, "a0.npy has no readable header"),
        ({**members, "model.json": b"[" * 100_000}, "nested too deeply|cannot be read"),
        ({**members, "model.json": b'{"dict": [], "dict": []}'}, "a key twice"),
        ({**members, "manifest.json": b"\xff"}, "no usable model file"),
    ]
    for content, message in cases:
        place.write_bytes(resealed(content))
        with pytest.raises(InputError, match=message):
            LockedModel.load(place)
    place.write_bytes(resealed(members, zipfile.ZIP_BZIP2))
    with pytest.raises(InputError, match="packed as in no model file"):
        LockedModel.load(place)
    monkeypatch.setattr(_archive, "LARGEST_FILE", 1000)
    with pytest.raises(InputError, match="larger than any model file"):
        LockedModel.load(FOLDER / "schema1.pmz")


def test_headers_of_arrays_are_checked_before_memory_is_taken(original, place):
    def npy(header: str, body: bytes = b"\0" * 8) -> bytes:
        text = header.encode() + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body

    members = members_of(FOLDER / "schema1.pmz")
    for header, message in (
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (10**15,)}", "no readable header"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}", "another size"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}", "another size"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "values of type object"),
        ("{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}", "values of type"),
        ("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,)}", "values of type"),
        (
            "{'descr': '<f8', 'shape': " + "(" * 400 + ")" * 400 + "}",
            "no readable header",
        ),
    ):
        place.write_bytes(resealed({**members, "arrays/a0.npy": npy(header)}))
        with pytest.raises(InputError, match=message):
            LockedModel.load(place)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.pmz")
    with pytest.raises(InputError, match="no ordinary file"):
        LockedModel.load(tmp_path / "model.pmz")


def fitted(name: str):
    """Return an estimator of a class, fitted to a small cohort."""
    rng = np.random.default_rng(3)
    genes = [f"G{i}" for i in range(60)]
    counts = pd.DataFrame(rng.poisson(rng.gamma(2, 60, 60), (40, 60)) + 1.0, columns=genes)
    logs = np.log2(counts + 1)
    y = np.repeat([0, 1], 20)
    logs.iloc[:, :5] += 2 * y[:, None]
    batch = np.tile(["a", "b"], 20)
    kind = getattr(estimators, name)
    if name in NORMALIZERS:
        given = {"lengths": np.full(60, 1000.0)} if name in ("FPKM", "TPM") else {}
        return kind(**given).fit(counts)
    if name == "GeneFilter":
        return kind().fit(counts)
    if name in ("ComBat", "ComBatSeq"):
        age = pd.DataFrame({"age": rng.integers(30, 80, 40), "er": rng.choice(["p", "n"], 40)})
        return kind().fit(logs if name == "ComBat" else counts, batch, covariates=age)
    if name == "Preprocessor":
        return kind(estimators.TMM(), estimators.GeneFilter(), estimators.ComBat()).fit(counts, batch=batch)
    if name == "LassoCoxCV":
        outcome = pd.DataFrame({"time": rng.exponential(50 * np.exp(-y)), "event": rng.random(40) < 0.8})
        return kind(random_state=0).fit(logs, outcome)
    if name == "IntrinsicSubtypeClassifier":
        return kind(random_state=0).fit(logs, np.where(y == 1, "Basal", "LumA"))
    return kind(random_state=0).fit(logs, y if name != "NearestCentroid" else np.where(y == 1, "A", "B"))


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_what_a_class_learns_is_declared_and_survives(name):
    estimator = fitted(name)
    check_estimator(estimator)
    again = decode(encode(estimator))
    check_estimator(again)
    assert encode(again)["json"] == encode(estimator)["json"]


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_nothing_undeclared_or_missing_passes(name):
    estimator = fitted(name)
    estimator.extra_ = 1
    with pytest.raises(InputError, match="unknown extra_"):
        check_estimator(estimator)
    del estimator.extra_
    for attribute in DECLARED[name]:
        lacking = copy.copy(estimator)
        delattr(lacking, attribute)
        with pytest.raises(InputError, match=f"lacks {attribute}"):
            check_estimator(lacking)


def test_a_vst_with_a_local_trend_is_declared():
    rng = np.random.default_rng(1)
    means = rng.gamma(1, 200, 300)
    counts = rng.negative_binomial(5, 5 / (5 + means), (30, 300)) + 1.0
    check_estimator(decode(encode(estimators.VST(fit_type="local").fit(counts))))
