"""Time a job in R and in Python: each in a process of its own, so that peak memory is its own too."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Measured:
    """What one job took: seconds of work (without start-up and reading), peak memory, its result."""

    seconds: float
    peak_gb: float
    result: np.ndarray


def run_r(packages: list[str], code: str, folder: Path, before: str = "") -> Measured:
    """Time R code that finds `x` (integer counts, genes x samples) and `batch`, and makes `out`.

    Parameters
    ----------
    packages : list of str
        Attached before the clock starts.
    code : str
        R statements.
    folder : Path
        Holds `counts.bin` and `batch.bin` (int32, sample by sample) and `shape.txt` (samples, genes).
    before : str
        R statements that are not timed.
    """
    read = [
        "shape <- scan('shape.txt', quiet = TRUE)",
        "x <- matrix(readBin('counts.bin', 'integer', prod(shape)), shape[2])",
        "dimnames(x) <- list(paste0('g', seq_len(shape[2])), paste0('s', seq_len(shape[1])))",
        "batch <- factor(readBin('batch.bin', 'integer', shape[1]))",
        before,
    ]
    return time_r(packages, code, folder, "\n".join(read))


def time_r(packages: list[str], code: str, folder: Path, before: str) -> Measured:
    """Time R code that makes `out`, in `folder`; `before` reads what it needs and is not timed."""
    script = "\n".join(
        [
            *(f"suppressPackageStartupMessages(library({name}))" for name in packages),
            f"setwd('{folder}')",
            before,
            "invisible(gc())",
            "seconds <- system.time({" + code + "})[['elapsed']]",
            "peak <- grep('VmHWM', readLines('/proc/self/status'), value = TRUE)",
            "writeLines(c(format(seconds, digits = 8), gsub('[^0-9]', '', peak)), 'spent.txt')",
            "writeBin(as.numeric(out), 'r_out.bin')",
        ]
    )
    (folder / "job.R").write_text(script)
    seconds, peak = _run(["Rscript", str(folder / "job.R")], folder)
    return Measured(seconds, peak, np.fromfile(folder / "r_out.bin"))


def run_python(script: str, job: str, folder: Path) -> Measured:
    """Time `python <script> --worker <job> <folder>`, which calls `spent` and may write `out.npy`."""
    seconds, peak = _run([sys.executable, script, "--worker", job, str(folder)], folder)
    out = folder / "out.npy"
    return Measured(seconds, peak, np.load(out).ravel() if out.exists() else np.empty(0))


def spent(seconds: float, folder: Path) -> None:
    """Write what the work in this process took (Linux: peak memory as the kernel counts it)."""
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    (folder / "spent.txt").write_text(f"{seconds}\n{peak}")


def timed(command: list[str], folder: Path) -> Measured:
    """Time a command that writes what it took to `spent.txt`, as `spent` does."""
    return Measured(*_run(command, folder), np.empty(0))


def _run(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a process; return its seconds of work and its peak memory in GB."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    seconds, kilobytes = (folder / "spent.txt").read_text().split()
    return float(seconds), float(kilobytes) * 1024 / 1e9
