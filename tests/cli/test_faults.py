"""Runs under faults: odd names, two runs at once, killed steps, changed tables, moved folders, full disks."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from _commands import ROLES, command

from precisionmed.cli._guard import machine_fault
from precisionmed.cli._run_folder import claimed, clean
from precisionmed.cli.run import _explain
from precisionmed.datasets import simulate, write_tables
from precisionmed.errors import InputError

NASTY = "-o $(touch ran) `touch ran` b{r}ace {{x}} [bold]b 'q\" ü;&|*?#~%(seed)s"


def write_run(folder: Path, output: str = "results", table: str = "counts", **keys: object) -> Path:
    """Write a small cohort and its config."""
    folder.mkdir(parents=True, exist_ok=True)
    expression, clinical = write_tables(
        simulate(n_samples=24, n_genes=130, n_signal_genes=10, seed=1), folder / "made"
    )
    names = [f"{table}.tsv", f"{table} clinical.tsv"]
    for path, name in zip((expression, clinical), names, strict=True):
        path.rename(folder / name)
    cohort = {"expression": [names[0]], "clinical": names[1], "roles": ROLES}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"output": output, "cohort": cohort, **keys}))
    return config


def ingest(config: Path, *more: str, **options: object) -> subprocess.CompletedProcess[str]:
    arguments = ("run", "--config", config.name, "--cores", "1", "--", "--until", "ingest", *more)
    return command(*arguments, cwd=config.parent, **options)


def test_any_name_is_only_a_name(tmp_path):
    folder = tmp_path / NASTY
    config = write_run(folder, output=NASTY, table=NASTY)
    done = ingest(config)
    assert done.returncode == 0, done.stderr
    assert (folder / NASTY / "steps" / "ingest.h5ad").exists()
    assert not list(tmp_path.rglob("ran"))


def test_the_users_own_config_is_not_overwritten(tmp_path):
    config = write_run(tmp_path, output=".")
    before = config.read_text()
    done = ingest(config)
    assert done.returncode == 2
    assert "that no run has written" in done.stderr
    assert config.read_text() == before
    assert not (tmp_path / "logs").exists()


def test_a_second_run_into_one_folder_is_refused_and_touches_nothing(tmp_path):
    config = write_run(tmp_path / "two", output=str(tmp_path / "out"))
    with claimed(tmp_path / "out", Path("first.yaml"), []):
        status = tmp_path / "out" / "logs" / "ingest.status.json"
        status.write_text('{"step": "ingest", "state": "running", "started": 0}')
        done = ingest(config)
        assert done.returncode == 2
        assert "another run works in this folder" in done.stderr
        assert "first.yaml" in done.stderr
        assert status.exists()
    assert ingest(config).returncode == 0


def test_what_is_wrong_is_told_together_and_before_anything_is_computed(tmp_path):
    config = write_run(tmp_path)
    other = yaml.safe_load(write_run(tmp_path / "other").read_text())["cohort"]
    table = tmp_path / "other" / "counts.tsv"
    lines = table.read_text().splitlines()
    logs = ["\t".join(f"{5 + (7 * row + 3 * column) % 40 / 8}" for column in range(24)) for row in range(130)]
    rows = [f"{line.split(chr(9))[0]}\t{log}" for line, log in zip(lines[1:], logs, strict=False)]
    table.write_text("\n".join([lines[0], *rows]))
    other |= {"name": "other", "scale": "log2", "expression": ["other/counts.tsv"]}
    other |= {"clinical": "other/counts clinical.tsv"}
    asked = yaml.safe_load(config.read_text()) | {"external": [other]}
    asked |= {"batch": {"method": "combat", "reference": "B9"}, "biomarkers": {"endpoints": ["dfs"]}}
    config.write_text(yaml.safe_dump(asked))
    done = command("run", "--config", config.name, cwd=tmp_path)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 3, done.stderr
    assert "B9" in errors[0]
    assert "dfs" in errors[1]
    assert "scale 'log2'" in errors[2]
    assert not (tmp_path / "results" / "steps" / "qc.h5ad").exists()


@pytest.mark.parametrize("killed", [True, False])
def test_only_the_lock_of_a_killed_run_is_taken_away(tmp_path, killed):
    """Snakemake started by hand in the same folder keeps its own lock."""
    locks = tmp_path / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (tmp_path / ".precisionmed.lock").write_text("process 1 on here" if killed else "")
    with claimed(tmp_path, Path("c.yaml"), []):
        assert locks.exists() is not killed
    assert (tmp_path / ".precisionmed.lock").read_text() == ""


@pytest.mark.parametrize("look", ["-n", "--unlock"])
def test_what_only_looks_does_not_say_done(tmp_path, look):
    done = command("run", "--config", write_run(tmp_path).name, "--", look, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Done" not in done.stderr + done.stdout
    assert "report.html" not in done.stderr


def test_only_content_counts_not_time_nor_place(tmp_path):
    config = write_run(tmp_path / "here")
    assert ingest(config).returncode == 0
    made = tmp_path / "here" / "results" / "steps" / "ingest.h5ad"

    def redone(act: Callable[[], None]) -> bool:
        before = made.stat().st_mtime_ns
        act()
        done = ingest(config)
        assert done.returncode == 0, done.stderr
        return made.stat().st_mtime_ns != before

    table = tmp_path / "here" / "counts.tsv"

    def change_but_keep_the_time() -> None:
        times = table.stat()
        lines = table.read_text().splitlines(keepends=True)
        table.write_text("".join([*lines[:-1], lines[-1].rsplit("\t", 1)[0] + "\t77777\n"]))
        os.utime(table, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert redone(change_but_keep_the_time)

    (tmp_path / "here").rename(tmp_path / "there")
    config, made = (
        tmp_path / "there" / "config.yaml",
        tmp_path / "there" / "results" / "steps" / "ingest.h5ad",
    )
    assert not redone(lambda: None)


def test_a_run_of_another_version_is_said_and_done_again(tmp_path):
    config = write_run(tmp_path)
    assert ingest(config).returncode == 0
    written = tmp_path / "results" / "config.yaml"
    written.write_text(written.read_text().replace("precisionmed 0.1.0", "precisionmed 0.0.1"))
    assert "made by precisionmed 0.0.1" in ingest(config).stderr


def test_killed_runs_are_taken_up_again_without_a_word_about_locks(tmp_path):
    """The whole tree is killed in the middle of a step; the next run finishes what it left."""
    config = write_run(tmp_path)
    line = [sys.executable, "-m", "precisionmed", "run", "--config", str(config), "--cores", "1"]
    run = subprocess.Popen(line, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL)
    status = tmp_path / "results" / "logs" / "ingest.status.json"
    _wait(status.exists)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    (tmp_path / "results" / "steps").mkdir(exist_ok=True)
    (tmp_path / "results" / "steps" / ".ingest-abcdefgh.h5ad").write_text("half")
    done = ingest(config)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "results" / "steps").iterdir()] == ["ingest.h5ad"]


def test_a_killed_step_is_named_with_its_signal(tmp_path):
    config = write_run(tmp_path)
    line = [sys.executable, "-m", "precisionmed", "run", "--config", str(config), "--cores", "1"]
    run = subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    _wait((tmp_path / "results" / "logs" / "ingest.status.json").exists)
    victims = _processes_with(b"precisionmed\0ingest", tmp_path / "results")
    for process in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    _, said = run.communicate(timeout=60)
    assert victims
    assert run.returncode == 2
    assert "ingest: killed by signal SIGKILL" in said


def _processes_with(words: bytes, folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes()
            if words in line and (process / "cwd").readlink() == folder and b"-c" not in line.split(b"\0"):
                found.append(int(process.name))
    return found


def _wait(ready: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x.h5ad"), "/data/x.h5ad: the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/data"), "may not be read or written"),
        (PermissionError(errno.EACCES, "Permission denied", "a\nb"), "a b: may not be read or written"),
        (OSError(errno.ENAMETOOLONG, "File name too long"), "choose another path"),
        (MemoryError("Unable to allocate 3 TiB"), "not enough memory (Unable to allocate 3 TiB)"),
        (KeyError("a fault of ours"), None),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), None),
    ],
)
def test_faults_of_the_machine_are_told_from_ours(error, words):
    said = machine_fault(error)
    assert said is None if words is None else words in said
    assert said is None or "\n" not in said


def test_a_wrapped_full_disk_is_still_a_full_disk():
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("Can't write data") from error
    except RuntimeError as error:
        assert "disk is full" in machine_fault(error)
    assert "disk is full" in machine_fault(OSError("Can't write data (errno = 28, message = 'No space ...')"))


def test_a_nearly_full_disk_is_refused_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr("precisionmed.cli._run_folder.FEWEST_FREE", 1e18)
    with pytest.raises(InputError, match=r"MB are free there, and the run needs about \d+"):
        claimed(tmp_path / "out", Path("c.yaml"), []).__enter__()


def test_a_disk_that_fills_up_is_named(tmp_path, monkeypatch):
    (tmp_path / "snakemake.log").write_text("OSError: [Errno 28] No space left on device\n")
    with pytest.raises(InputError, match="the disk is full"):
        _explain(tmp_path, 1e8)


def test_cleaning_removes_only_what_a_killed_run_left(tmp_path):
    for name in ("steps/.ingest-12345678.h5ad", "steps/ingest.h5ad", "logs/qc.status.json", "logs/qc.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    clean(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"steps/ingest.h5ad", "logs/qc.log"}


def test_an_unknown_profile_names_those_that_ship(tmp_path):
    done = command("run", "--config", write_run(tmp_path).name, "--profile", "slurmy", cwd=tmp_path)
    assert done.returncode == 2
    assert "slurm" in done.stderr


def test_output_to_a_closed_pipe_is_no_fault(tmp_path):
    reader = f"{sys.executable} -m precisionmed --help | true"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {reader}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
