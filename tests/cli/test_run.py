"""The whole chain through the command line, and that the three ways in give the same numbers."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from _commands import command, write_cohort

import precisionmed as pm

STEPS = ("ingest", "qc", "normalize", "batch", "subtypes", "classify", "biomarkers", "survival", "response")


def test_everything_promised_is_there(finished_run):
    for name in ("report.html", "model.pmz", "config.yaml", "external/Beta/validate.h5ad"):
        assert (finished_run.results / name).stat().st_size > 0
    assert any((finished_run.results / "figures").glob("*.svg"))
    assert any((finished_run.results / "tables").glob("*.csv"))
    for step in STEPS:
        assert "done in" in (finished_run.results / "logs" / f"{step}.log").read_text()
        assert re.search(rf"✓ {step} +\d+\.\d s", finished_run.stderr)


def test_a_run_reads_back_as_one_anndata(finished_run):
    adata = pm.read_run(finished_run.results)
    assert {"subtype", "her2_call", "er_status"} <= set(adata.obs)
    assert set(STEPS) <= set(adata.uns["precisionmed"])


def test_a_second_run_has_nothing_to_do(finished_run):
    before = (finished_run.results / "model.pmz").stat().st_mtime_ns
    done = command("run", "--config", finished_run.config, cwd=finished_run.folder)
    assert done.returncode == 0, done.stderr
    assert (finished_run.results / "model.pmz").stat().st_mtime_ns == before


@pytest.mark.filterwarnings("ignore::precisionmed.errors.PrecisionMedWarning")  # simulated gene names
def test_snakemake_itself_and_python_give_the_same_numbers(finished_run, tmp_path):
    """The Snakefile up to the subtypes, and the functions one by one, against `precisionmed run`."""
    from precisionmed.cli.run import workflow_folder

    line = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow_folder() / "Snakefile")]
    line += ["--configfile", str(finished_run.config), "--cores", "1", "steps/subtypes.h5ad"]
    subprocess.run([*line, "--config", "output=out"], cwd=tmp_path, check=True, capture_output=True)
    ran = pm.read_run(finished_run.results)
    alone = pm.read_run(tmp_path / "out")

    config = pm.config.load_config(finished_run.config)
    adata = pm.read_cohort(config.cohort)
    pm.pp.qc(adata, **dict(config.qc))
    pm.pp.normalize(adata, **dict(config.normalize))
    pm.pp.batch(adata, **dict(config.batch))
    pm.tl.subtypes(adata, **dict(config.subtypes), seed=config.seed)

    for other in (alone, adata):
        np.testing.assert_array_equal(other.X, ran.X)
        np.testing.assert_array_equal(other.obsp["consensus"], ran.obsp["consensus"])
        assert other.obs["subtype"].astype(str).tolist() == ran.obs["subtype"].astype(str).tolist()


def test_predict_sees_each_sample_alone(finished_run, tmp_path):
    calls = []
    for rows in (slice(None), slice(4, 5)):
        table = pd.read_csv(finished_run.external, sep="\t", index_col=0).iloc[:, rows]
        table.to_csv(tmp_path / "new.tsv", sep="\t")
        model = finished_run.results / "model.pmz"
        arguments = ("--model", model, "--expression", "new.tsv", "--output", "calls.tsv")
        command("predict", *arguments, cwd=tmp_path, check=True)
        calls.append((tmp_path / "calls.tsv").read_text().splitlines())
    assert calls[0][0] == calls[1][0]  # the header
    assert calls[0][5] == calls[1][1]


def test_a_changed_byte_in_the_model_is_refused(finished_run, tmp_path):
    content = bytearray((finished_run.results / "model.pmz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "model.pmz").write_bytes(content)
    arguments = ("--expression", finished_run.external, "--output", "o.tsv")
    done = command("predict", "--model", "model.pmz", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "not an intact model file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o.tsv").exists()


def test_too_few_genes_to_normalize_are_told_for_each_sample(finished_run, tmp_path):
    pd.read_csv(finished_run.external, sep="\t", index_col=0).iloc[:20].to_csv(tmp_path / "few.tsv", sep="\t")
    model = finished_run.results / "model.pmz"
    done = command("predict", "--model", model, "--expression", "few.tsv", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"only \d+ of the model's \d+ genes", done.stdout)


def test_a_wrong_table_stops_the_run_with_one_line(tmp_path):
    cohort = write_cohort(tmp_path, slice(0, 30))
    table = pd.read_csv(cohort["expression"][0], sep="\t", index_col=0).astype(object)
    table.iloc[3, 2] = "high"
    table.to_csv(cohort["expression"][0], sep="\t")
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"cohort": cohort}))
    done = command("run", "--config", "my.yaml", cwd=tmp_path)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "high" in errors[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results" / "steps" / "ingest.h5ad").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cohort: {dataset: unc}\nsed: 1", "Did you mean 'seed'"),
        ("cohort: {dataset: unc}\noutput: /proc/none", "cannot be written"),
        ("cohort: {expression: [none.tsv], clinical: none.tsv}", "none.tsv: no such expression matrix"),
    ],
)
def test_a_wrong_config_is_one_line_and_exit_code_2(tmp_path, text, message):
    (tmp_path / "my.yaml").write_text(text)
    done = command("run", "--config", "my.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
