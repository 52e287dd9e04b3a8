"""Normalization and batch correction against R on the same simulated counts: speed, memory, difference.

`python benchmarks/normalize.py` compares at 1,000 samples x 20,000 genes; `--large` adds 10,000
samples, ours only; `--jobs tmm vst` takes some jobs only. `combat_seq` runs when asked for by name: R is
slow, `--samples 30` shows as much.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _r import run_python, run_r, spent

from precisionmed.estimators.batch import ComBat
from precisionmed.estimators.combat_seq import ComBatSeq
from precisionmed.estimators.normalize import (
    CPM,
    TMM,
    Log2,
    MedianOfRatios,
    Quantile,
    TMMwsp,
    UpperQuartile,
)
from precisionmed.estimators.remove_batch_effect import remove_batch_effect
from precisionmed.estimators.vst import VST

GENES = 20_000
_CHUNK = 500
_CPM = "; out <- cpm(x, lib.size = colSums(x) * f, log = TRUE, prior.count = 2)"


@dataclass(frozen=True)
class Job:
    """The same work in R (`x`, `batch` to `out`) and here (counts, batch to a matrix, samples in rows).

    With `on_logs` both start from log2(counts + 1), which is not timed.
    """

    r: str
    ours: Callable[[np.ndarray, np.ndarray], np.ndarray]
    packages: list[str] = field(default_factory=list)
    on_logs: bool = False


def normalizer_jobs() -> dict[str, Job]:
    """Return what `precisionmed.estimators.normalize` and `vst` are compared in."""

    def fit(normalizer: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda counts, batch: normalizer.fit_transform(counts)

    def edger(method: str) -> str:
        return f"f <- calcNormFactors(x, method = '{method}')" + _CPM

    sizes = "out <- log2(t(t(x) / estimateSizeFactorsForMatrix(x)) + 1)"
    return {
        "cpm": Job("out <- cpm(x)", fit(CPM()), ["edgeR"]),
        "tmm": Job(edger("TMM"), fit(TMM()), ["edgeR"]),
        "tmmwsp": Job(edger("TMMwsp"), fit(TMMwsp()), ["edgeR"]),
        "upper_quartile": Job(edger("upperquartile"), fit(UpperQuartile()), ["edgeR"]),
        "median_of_ratios": Job(sizes, fit(MedianOfRatios()), ["DESeq2"]),
        "quantile": Job("out <- normalizeQuantiles(log2(x + 1))", fit(Quantile(Log2())), ["limma"]),
        "vst_1000": Job("out <- vst(x, nsub = 1000)", fit(VST(n_genes=1000)), ["DESeq2"]),
        "vst": Job("out <- varianceStabilizingTransformation(x)", fit(VST()), ["DESeq2"]),
    }


def batch_jobs() -> dict[str, Job]:
    """Return the batch corrections that are compared, from counts to corrected values."""

    def combat(counts: np.ndarray, batch: np.ndarray) -> np.ndarray:
        return ComBat().fit(counts, batch).transform(counts, batch)

    def combat_seq(counts: np.ndarray, batch: np.ndarray) -> np.ndarray:
        return ComBatSeq().fit(counts, batch).transform(counts, batch)

    return {
        "combat": Job("out <- ComBat(x, batch)", combat, ["sva"], on_logs=True),
        "remove_batch": Job(
            "out <- removeBatchEffect(x, batch)", remove_batch_effect, ["limma"], on_logs=True
        ),
        "combat_seq": Job("out <- ComBat_seq(x, batch)", combat_seq, ["sva", "edgeR"]),
    }


JOBS = normalizer_jobs() | batch_jobs()
USUAL = [name for name in JOBS if name != "combat_seq"]


def simulate(samples: int, folder: Path, for_r: bool) -> None:
    """Write negative binomial counts of three batches; some libraries are skewed by a few genes."""
    generator = np.random.default_rng(1)
    level = np.exp(generator.normal(4.5, 2, GENES))
    dispersion = 0.15 + 2 / level
    effects = generator.normal(0, 0.3, (3, GENES))
    batch = (np.arange(samples) * 3 // samples).astype(np.int32)
    out = np.lib.format.open_memmap(folder / "counts.npy", "w+", np.float64, (samples, GENES))
    for start in range(0, samples, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, samples))
        means = level * np.exp(effects[batch[rows]]) * generator.lognormal(0, 0.5, (len(rows), 1))
        skewed = generator.random(len(rows)) < 0.1
        means[np.ix_(skewed, generator.choice(GENES, 20, replace=False))] *= 50
        out[rows] = generator.poisson(means * generator.gamma(1 / dispersion, dispersion, means.shape))
    out.flush()
    np.save(folder / "batch.npy", batch)
    if for_r:
        out.astype(np.int32).tofile(folder / "counts.bin")
        batch.tofile(folder / "batch.bin")
        (folder / "shape.txt").write_text(f"{samples} {GENES}")


def work(job: str, folder: Path) -> None:
    """Do one job in this process: compile on a few samples, then time it on all."""
    counts, batch = np.load(folder / "counts.npy"), np.load(folder / "batch.npy")
    if JOBS[job].on_logs:
        counts = np.log2(counts + 1)
    few = np.linspace(0, len(counts) - 1, 12).astype(int)
    JOBS[job].ours(counts[few], batch[few])
    start = time.perf_counter()
    out = JOBS[job].ours(counts, batch)
    spent(time.perf_counter() - start, folder)
    if (folder / "shape.txt").exists():
        np.save(folder / "out.npy", out)


def compare(names: list[str], folder: Path) -> dict[str, float]:
    """Print one row a job; return our seconds."""
    print(f"{'job':<18}{'R s':>8}{'ours s':>8}{'ratio':>7}{'max rel. diff.':>16}{'R GB':>7}{'ours GB':>9}")
    seconds = {}
    for name in names:
        before = "x <- log2(x + 1)" if JOBS[name].on_logs else ""
        r = run_r(JOBS[name].packages, JOBS[name].r, folder, before)
        ours = run_python(__file__, name, folder)
        seconds[name] = ours.seconds
        difference = np.max(np.abs(ours.result - r.result) / np.maximum(np.abs(r.result), 1))
        row = (
            f"{name:<18}{r.seconds:8.2f}{ours.seconds:8.2f}{r.seconds / ours.seconds:7.1f}{difference:16.1e}"
        )
        print(f"{row}{r.peak_gb:7.2f}{ours.peak_gb:9.2f}", flush=True)
    return seconds


def scale_up(names: list[str], seconds: dict[str, float], folder: Path) -> None:
    """Print our cost at ten times the samples."""
    print(f"\n{'job':<18}{'ours s':>8}{'times':>7}{'ours GB':>9}   (10,000 samples)")
    for name in names:
        ours = run_python(__file__, name, folder)
        times = ours.seconds / seconds[name]
        print(f"{name:<18}{ours.seconds:8.2f}{times:7.1f}{ours.peak_gb:9.2f}", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--large", action="store_true", help="also 10,000 samples, ours only")
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=USUAL, metavar="JOB")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], Path(given.worker[1]))
        return
    load = os.getloadavg()[0]
    print(f"{given.samples} samples x {GENES} genes, {os.cpu_count()} cores, load at the start {load:.1f}.")
    print("R has the reference BLAS and one thread; times are without start-up, reading and compiling.")
    print("Differences are relative to R's value, absolute below 1. Peak memory is that of the process.\n")
    with tempfile.TemporaryDirectory() as name:
        simulate(given.samples, Path(name), for_r=True)
        seconds = compare(given.jobs, Path(name))
    if given.large:
        with tempfile.TemporaryDirectory() as name:
            simulate(10 * given.samples, Path(name), for_r=False)
            scale_up(given.jobs, seconds, Path(name))


if __name__ == "__main__":
    main()
