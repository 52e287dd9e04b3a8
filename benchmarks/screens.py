"""Univariate screens against loops in R on the same simulated genes: speed, memory, difference.

`python benchmarks/screens.py` compares at 1,000 samples x 20,000 genes (the loop of coxph alone takes more
than a minute); `--samples 200 --genes 1000` is a quick look, `--jobs coxph glm` takes some jobs only.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from _r import run_python, spent, time_r

from precisionmed.estimators import CoxScreen, LogisticScreen, ModeratedScreen

_READ = """
shape <- scan('shape.txt', quiet = TRUE)
x <- matrix(readBin('genes.bin', 'numeric', prod(shape)), shape[1])
y <- matrix(readBin('outcome.bin', 'numeric', 3 * shape[1]), shape[1])
label <- y[, 1]; event <- y[, 2]; time <- y[, 3]
"""
_COXPH_FIT = """
surv <- Surv(time, event); control <- coxph.control(); none <- as.character(seq_along(time))
out <- apply(x, 2, function(g) {
  coxph.fit(as.matrix(g), surv, NULL, NULL, NULL, control, NULL, 'efron', none)$coefficients
})
"""


@dataclass(frozen=True)
class Job:
    """The same coefficients from R code (`x`, `label`, `event`, `time` to `out`) and from a screen."""

    r: str
    ours: Callable[[np.ndarray, pd.DataFrame], np.ndarray]
    packages: list[str] = field(default_factory=list)


def _cox(genes: np.ndarray, outcome: pd.DataFrame) -> np.ndarray:
    return CoxScreen().fit(genes, outcome).coef_


def _logistic(genes: np.ndarray, outcome: pd.DataFrame) -> np.ndarray:
    return LogisticScreen().fit(genes, outcome["label"]).coef_


def _moderated(genes: np.ndarray, outcome: pd.DataFrame) -> np.ndarray:
    return ModeratedScreen().fit(genes, outcome["label"]).statistic_


JOBS = {
    "coxph": Job("out <- apply(x, 2, function(g) coxph(Surv(time, event) ~ g)$coef)", _cox, ["survival"]),
    "coxph.fit": Job(_COXPH_FIT, _cox, ["survival"]),
    "glm": Job("out <- apply(x, 2, function(g) glm(label ~ g, family = binomial)$coef[2])", _logistic),
    "glm.fit": Job(
        "out <- apply(x, 2, function(g) glm.fit(cbind(1, g), label, family = binomial())$coef[2])", _logistic
    ),
    "moderated_t": Job("out <- eBayes(lmFit(t(x), cbind(1, label)))$t[, 2]", _moderated, ["limma"]),
}


def simulate(samples: int, genes: int, folder: Path) -> None:
    """Write genes of which every tenth matters a little, a label, and survival with ties."""
    generator = np.random.default_rng(1)
    values = generator.normal(8, 1.5, (samples, genes))
    signal = (values[:, ::10] - 8) @ generator.normal(0, 2 / np.sqrt(genes), values[:, ::10].shape[1])
    label = generator.random(samples) < 1 / (1 + np.exp(-signal))
    years = np.ceil(12 * generator.exponential(5 * np.exp(-signal)))
    outcome = {"label": label.astype(float), "event": generator.random(samples) < 0.5, "time": years}
    np.save(folder / "genes.npy", values)
    pd.DataFrame(outcome).to_pickle(folder / "outcome.pkl")
    values.T.tofile(folder / "genes.bin")
    pd.DataFrame(outcome).to_numpy(float).T.tofile(folder / "outcome.bin")
    (folder / "shape.txt").write_text(f"{samples} {genes}")


def work(job: str, folder: Path) -> None:
    """Do one job in this process: compile on a few genes, then time it on all."""
    genes, outcome = np.load(folder / "genes.npy"), pd.read_pickle(folder / "outcome.pkl")
    JOBS[job].ours(genes[:, :40], outcome)
    start = time.perf_counter()
    out = JOBS[job].ours(genes, outcome)
    spent(time.perf_counter() - start, folder)
    np.save(folder / "out.npy", out)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS), metavar="JOB")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], Path(given.worker[1]))
        return
    load = os.getloadavg()[0]
    print(
        f"{given.samples} samples x {given.genes} genes, {os.cpu_count()} cores, load {load:.1f}.\n"
        "R runs on one thread; times are without start-up, reading, compiling. Differences are relative to\n"
        "R's value, absolute below 1; R stops when the likelihood changes by less than 1e-9 (glm: 1e-8).\n"
    )
    print(f"{'job':<14}{'R s':>8}{'ours s':>8}{'ratio':>7}{'max rel. diff.':>16}{'R GB':>7}{'ours GB':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(given.samples, given.genes, folder)
        for job in given.jobs:
            r = time_r(JOBS[job].packages, JOBS[job].r, folder, _READ)
            ours = run_python(__file__, job, folder)
            difference = np.max(np.abs(ours.result - r.result) / np.maximum(np.abs(r.result), 1))
            row = f"{job:<14}{r.seconds:8.2f}{ours.seconds:8.2f}{r.seconds / ours.seconds:7.1f}"
            print(f"{row}{difference:16.1e}{r.peak_gb:7.2f}{ours.peak_gb:9.2f}", flush=True)


if __name__ == "__main__":
    main()
