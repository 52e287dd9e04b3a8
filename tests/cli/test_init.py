"""`precisionmed init`: what it writes, where, and what it says."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from precisionmed.cli.app import app
from precisionmed.config import load_config
from precisionmed.io import read_cohort
from tests.io.conftest import Files


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def init(*arguments):
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


@pytest.mark.parametrize(
    "output", ["config.yaml", "analysis/config.yaml", "analysis/deeper/c.yaml", "../c.yaml"]
)
def test_the_config_finds_its_tables_wherever_it_is_written(files, tmp_path, monkeypatch, output):
    files.write()
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    result = init("--expression", "../expression.tsv", "--clinical", "../clinical.tsv", "--output", output)
    assert result.exit_code == 0, result.output
    monkeypatch.chdir("/")
    assert read_cohort(load_config(folder / output).cohort).n_obs == 12
