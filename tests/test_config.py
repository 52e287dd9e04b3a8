"""The config: defaults, messages for wrong keys and values, generated files up to date."""

from __future__ import annotations

import os
import runpy
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precisionmed.config import (
    load_config,
    parse_config,
    portable,
    resolve_paths,
    step_generator,
    tables_of,
)
from precisionmed.errors import InputError

ROOT = Path(__file__).parents[1]
COHORT = {"dataset": "unc"}


def test_defaults_are_filled_in():
    config = parse_config({"cohort": COHORT})
    assert config.seed == 1
    assert config.subtypes.k_max == 6


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"cohort": COHORT, "sed": 1}, "unknown key 'sed'. Did you mean 'seed'?"),
        (
            {"cohort": {**COHORT, "roles": {"endpoints": {"os": {"time": "t", "evnt": "e"}}}}},
            "unknown key 'cohort.roles.endpoints.os.evnt'. Did you mean 'event'",
        ),
        ({"cohort": COHORT, "external": [{"dataset": "bild", "scle": "log2"}]}, "Did you mean 'scale'"),
        ({}, "key 'cohort' is missing"),
        ({"cohort": {}}, "give either 'expression' (files) or 'dataset'"),
        ({"cohort": {**COHORT, "expression": ["a.tsv"]}}, "exclude each other"),
        ({"cohort": COHORT, "seed": -1}, "'seed': Input should be greater than or equal to 0 (found -1)"),
        ({"cohort": COHORT, "external": [COHORT]}, "cohort names must differ"),
        ({"cohort": {**COHORT, "name": "my cohort"}}, "'cohort.name'"),
    ],
)
def test_problems_are_named_in_one_line(raw, message):
    with pytest.raises(InputError) as error:
        parse_config(raw)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


HOSTILE = {
    "an int that is none": "cohort: !!int x",
    "a date that is none": "cohort: !!timestamp x",
    "a code object": "cohort: !!python/object/apply:os.system ['true']",
    "deep nesting": "cohort: " + "[" * 5000,
    "aliases that grow": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{n}: &{n} [{', '.join([f'*{m}'] * 9)}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "a key twice": "cohort: {dataset: unc}\nseed: 1\nseed: 2",
    "a key that is a list": "? [a, b]\n: 1",
    "a huge number": "seed: 1" + "0" * 6000 + "\ncohort: {dataset: unc}",
    "a path with a NUL": 'cohort: {expression: ["a\\0b"]}',
    "a path that is too long": "cohort: {expression: [" + "a" * 5000 + "]}",
    "a long wrong value": "cohort: {dataset: unc}\nseed: " + "x" * 5000,
    "a long wrong key": "cohort: {dataset: unc}\n" + "x" * 500 + ": 1",
    "a file of another kind": "\x00\x01\x02",
    "a list": "- a\n- b",
    "a recursive alias": "&a [*a]",
    "a recursive mapping": "cohort: &c {dataset: unc, values: *c}",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_yaml_of_strangers_is_one_short_line(tmp_path, what):
    path = tmp_path / "c.yaml"
    path.write_text(HOSTILE[what])
    with pytest.raises(InputError) as error:
        load_config(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_is_a_config_or_one_line(text):
    path = Path(tempfile.gettempdir()) / f"precisionmed-test-{os.getpid()}.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        load_config(path)
    except InputError as error:
        assert "\n" not in str(error)
    finally:
        path.unlink()


def test_a_home_folder_is_written_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "c.yaml"
    path.write_text("output: ~/out\ncohort: {expression: [~/a.tsv]}")
    assert load_config(path).output == tmp_path / "out"
    assert load_config(path).cohort.expression == [tmp_path / "a.tsv"]


def test_a_portable_config_reads_the_same_files(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("cohort: {expression: [data/a.tsv], clinical: c.tsv}\nsubtypes: {gene_sets: g.gmt}")
    moved = portable(load_config(path), tmp_path / "out")
    assert not any(found.is_absolute() for found in tables_of(moved))
    assert tables_of(resolve_paths(moved, tmp_path / "out")) == tables_of(load_config(path))


def test_values_that_yaml_reads_as_numbers_and_truth_are_texts(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "cohort:\n  dataset: unc\n  keep: {grade: [1, 2.5]}\n  values: {node: {yes: positive, 0: no, 9: }}\n"
        "  roles:\n    endpoints:\n      os: {time: t, event: e, event_values: [yes, 2],\n"
        "           censored_values: [no]}\n"
    )
    cohort = load_config(path).cohort
    assert cohort.keep == {"grade": ["1", "2.5"]}
    assert cohort.values == {"node": {"yes": "positive", "true": "positive", "0": "no", "9": ""}}
    assert cohort.roles.endpoints["os"].event_values == ["yes", "true", "2"]
    assert cohort.roles.endpoints["os"].censored_values == ["no", "false"]


def test_missing_file_and_bad_yaml(tmp_path):
    with pytest.raises(InputError, match="no such config file"):
        load_config(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [1\nb: 2")
    with pytest.raises(InputError, match="cannot be read as YAML"):
        load_config(bad)
    bad.write_text("just words")
    with pytest.raises(InputError, match="not a YAML mapping"):
        load_config(bad)


def test_paths_are_relative_to_the_config_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("cohort: {expression: [counts.tsv], clinical: clinical.tsv}")
    assert load_config(path).cohort.expression == [tmp_path / "counts.tsv"]
    assert load_config(path).cohort.clinical == tmp_path / "clinical.tsv"
    assert load_config(path).subtypes.gene_sets is None
    path.write_text(path.read_text() + "\nsubtypes: {gene_sets: sets/hallmarks.gmt}")
    assert load_config(path).subtypes.gene_sets == tmp_path / "sets" / "hallmarks.gmt"


def test_the_demo_config_is_valid():
    assert load_config(ROOT / "config" / "config.yaml").external[0].name == "Stanford"


def test_generated_schema_and_readme_are_up_to_date():
    generated = runpy.run_path(str(ROOT / "scripts" / "build_config_docs.py"))
    assert generated["SCHEMA"].read_text() == generated["schema_text"]()
    assert generated["README"].read_text() == generated["readme_text"]()


def test_steps_draw_from_independent_generators():
    first, again, other = (step_generator(1, s).random(3).tolist() for s in ("qc", "qc", "subtypes"))
    assert first == again != other
