"""The config: defaults, messages for wrong keys and values, generated files up to date."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from precisionmed.config import load_config, parse_config, step_generator
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
