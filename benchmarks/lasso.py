"""LASSO against glmnet and adelie on the same simulated genes, outcome and folds: time, memory, objective.

`python benchmarks/lasso.py` compares at 1,000 samples x 20,000 genes on all cores; `--samples`, `--genes` and
`--jobs binomial_cv cox_cv` make it smaller. adelie runs when `--adelie /path/to/python` names an interpreter
that has it (it needs numpy below 2, so it has an environment of its own). The excess is that of the fits on
all samples (on the first half): the objective less that of our solution at tolerance 1e-8, relative to the
null model's, the worst on the path.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _r import Measured, spent, timed

from precisionmed.estimators._lasso_cv import CvCurve
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.estimators.lasso import LassoCoxCV, LassoLogisticCV
from precisionmed.kernels.lasso_losses import BINOMIAL, COX_BRESLOW

FOLDS = 10
HALVES = 100
# What R does with `x`, `y`, `fold`, `halves`; `fit` is the path on all samples.
R_JOBS = {
    "path": "fit <- glmnet(x, y, family)",
    "binomial_cv": "fit <- cv.glmnet(x, y, family = family, foldid = fold)$glmnet.fit",
    "binomial_cv_2": "fit <- cv.glmnet(x, y, family = family, foldid = fold, parallel = TRUE)$glmnet.fit",
    "cox_cv": "fit <- cv.glmnet(x, y, family = family, foldid = fold, lambda = lambda)$glmnet.fit",
    "cox_default": "fit <- cv.glmnet(x, y, family = family, foldid = fold)$glmnet.fit",
    "halves": """
        often <- numeric(ncol(x))
        for (h in seq_len(ncol(halves))) {
          fit <- glmnet(x[halves[, h], ], y[halves[, h]], family, lambda = lambda)
          often <- often + (rowSums(fit$beta != 0) > 0)
        }
        writeBin(often / ncol(halves), "often.bin")
        fit <- glmnet(x[halves[, 1], ], y[halves[, 1]], family, lambda = lambda)""",
}
ADELIE_JOBS = {
    "path": "out = ad.grpnet(x, glm, progress_bar=False, **grid)",
    "binomial_cv": "out = ad.grpnet(x, glm, progress_bar=False, **grid)\n"
    "for k in range({folds}):\n"
    "    inside = ((fold != k + 1) / np.sum(fold != k + 1)).astype(float)\n"
    "    ad.grpnet(x, make(inside), lmda_path=out.lmdas, progress_bar=False, early_exit=False)",
}
ADELIE_JOBS["cox_cv"] = ADELIE_JOBS["binomial_cv"]


def family_of(job: str) -> str:
    return "cox" if job.startswith("cox") else "binomial"


def write_cohort(folder: Path, n: int, p: int) -> None:
    """Write genes in correlated modules of 20, a binary and a survival outcome, folds and halves."""
    rng = np.random.default_rng(1)
    X = 0.8 * rng.normal(size=(n, p)) + 0.6 * np.repeat(rng.normal(size=(n, p // 20)), 20, axis=1)[:, :p]
    risk = X[:, :: max(p // 20, 1)][:, :20] @ np.tile([0.5, -0.5], 10)
    survival, censored = rng.exponential(np.exp(-risk)), rng.exponential(2, n)
    np.save(folder / "x.npy", X)
    X.T.tofile(folder / "x.bin")
    pd.DataFrame(
        {
            "y": (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(int),
            "event": (survival <= censored).astype(int),
            "time": np.ceil(50 * np.minimum(survival, censored)) / 50,
            "fold": rng.permutation(n) % FOLDS + 1,
        }
    ).to_csv(folder / "outcome.csv", index=False)
    first = np.array([np.sort(rng.permutation(n)[: n // 2]) for _ in range(HALVES // 2)])
    halves = [half for rows in first for half in (rows, np.setdiff1d(np.arange(n), rows)[: n // 2])]
    np.save(folder / "halves.npy", np.array(halves))
    (np.array(halves, np.int32) + 1).tofile(folder / "halves.bin")


def problem_of(
    job: str,
    folder: Path,
    tolerance: float = 1e-3,
    folds: bool = False,
    halves: int = HALVES,
    X: np.ndarray | None = None,
) -> Problem:
    X, table = np.load(folder / "x.npy") if X is None else X, pd.read_csv(folder / "outcome.csv")
    weight = [np.ones(len(X))]
    if folds:
        weight += [(table.fold != k).to_numpy(float) for k in range(1, FOLDS + 1)]
    if job == "halves":
        weight = [
            np.isin(np.arange(len(X)), half).astype(float) for half in np.load(folder / "halves.npy")[:halves]
        ]
    cox = family_of(job) == "cox"
    return Problem(
        X,
        COX_BRESLOW if cox else BINOMIAL,
        (table.event if cox else table.y).to_numpy(float),
        table.time.to_numpy(float) if cox else None,
        np.array(weight),
        tolerance=tolerance,
    )


def work(job: str, folder: Path) -> None:
    """Do a job here, on compiled kernels, and write the path of the fit on all samples."""
    X, table = np.load(folder / "x.npy"), pd.read_csv(folder / "outcome.csv")
    lambdas = np.load(folder / "lambda.npy") if job in ("halves", "cox_cv") else None
    if job == "cox_default":
        model = LassoCoxCV(rule="min")
        model.fit(X[:50, :50], table[["event", "time"]][:50])
        start = time.perf_counter()
        model.fit(X, table[["event", "time"]], folds=table.fold)
        spent(time.perf_counter() - start, folder)
        save_path(folder, model.lambdas_, model.coef_path_, np.zeros(model.lambdas_.size))
        return
    LassoLogisticCV().fit(X[:50, :50], table.y[:50])
    LassoCoxCV().fit(X[:50, :50], table[["event", "time"]][:50])
    start = time.perf_counter()
    problem = problem_of(job, folder, folds=job.endswith("cv"), X=X)
    curve = CvCurve(problem, np.ones(len(X))) if job.endswith("cv") else None
    walk, path = Walk(problem, lambdas=lambdas), []
    often = np.zeros(problem.scale.shape, bool)
    for step in walk:
        if curve is not None:
            curve.add(step)
        often |= step.beta != 0
        path.append(step.original_scale())
    spent(time.perf_counter() - start, folder)
    np.save(folder / "often.npy", often.mean(axis=0))
    save_path(
        folder,
        walk.lambdas[: len(path)],
        np.array([c[0] for c, _ in path]),
        np.array([a[0] for _, a in path]),
    )


def save_path(folder: Path, lambdas: np.ndarray, coef: np.ndarray, intercept: np.ndarray) -> None:
    np.savez(folder / "path.npz", lambdas=lambdas, coef=coef, intercept=intercept)


def run_glmnet(job: str, folder: Path) -> Measured:
    n, p = np.load(folder / "x.npy", mmap_mode="r").shape
    cox = family_of(job) == "cox"
    parallel = "suppressPackageStartupMessages(library(doParallel)); registerDoParallel(2)"
    script = f"""
        suppressPackageStartupMessages({{library(glmnet); library(survival)}})
        setwd("{folder}")
        x <- matrix(readBin("x.bin", "double", {n * p}), {n})
        halves <- matrix(readBin("halves.bin", "integer", {HALVES * (n // 2)}), {n // 2})
        d <- read.csv("outcome.csv"); fold <- d$fold; family <- "{family_of(job)}"
        y <- {"Surv(d$time, d$event)" if cox else "d$y"}
        lambda <- if (file.exists("lambda.bin")) readBin("lambda.bin", "double", 1000) else NULL
        {parallel if job.endswith("_2") else ""}
        seconds <- system.time({{{R_JOBS[job]}}})[["elapsed"]]
        peak <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
        writeLines(c(format(seconds, digits = 8), gsub("[^0-9]", "", peak)), "spent.txt")
        a0 <- if (is.null(fit$a0)) 0 * fit$lambda else fit$a0
        writeBin(as.numeric(c(fit$lambda, a0, as.matrix(fit$beta))), "path.bin")"""
    (folder / "job.R").write_text(script)
    measured = timed(["Rscript", str(folder / "job.R")], folder)
    values = np.fromfile(folder / "path.bin")
    k = values.size // (p + 2)
    save_path(folder, values[:k], values[2 * k :].reshape(k, p), values[k : 2 * k])
    return measured


def run_adelie(job: str, folder: Path, python: str) -> Measured:
    cox = family_of(job) == "cox"
    make = "ad.glm.cox(np.zeros(n), d.time.values, d.event.values * 1.0, weights=w, tie_method='breslow')"
    make = make if cox else "ad.glm.binomial(d.y.values * 1.0, weights=w)"
    script = f"""
import sys, time, resource, types
import numpy as np, adelie as ad
x = np.asfortranarray(np.load("{folder}/x.npy"))
names = open("{folder}/outcome.csv").readline().strip().split(",")
table = np.loadtxt("{folder}/outcome.csv", delimiter=",", skiprows=1)
d = types.SimpleNamespace(**{{k: types.SimpleNamespace(values=table[:, i]) for i, k in enumerate(names)}})
n, fold = len(x), d.fold.values
make = lambda w: {make}
glm = make(np.full(n, 1 / n))
grid = dict(min_ratio=1e-2, lmda_path_size=100, n_threads={os.cpu_count()})
if {cox}: grid = dict(lmda_path=np.load("{folder}/lambda.npy"), n_threads={os.cpu_count()})
centre, scale = x.mean(axis=0), x.std(axis=0)
x -= centre; x /= scale
start = time.perf_counter()
{ADELIE_JOBS[job].format(folds=FOLDS)}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
open("{folder}/spent.txt", "w").write(f"{{seconds}}\\n{{peak}}")
coef = np.asarray(out.betas.todense()) / scale
np.savez("{folder}/path.npz", lambdas=out.lmdas, coef=coef, intercept=out.intercepts - coef @ centre)
"""
    (folder / "job.py").write_text(script)
    return timed([python, str(folder / "job.py")], folder)


def excess(job: str, folder: Path) -> float:
    """Return the largest excess of the objective on the path that was written last."""
    path = np.load(folder / "path.npz")
    problem = problem_of(job, folder, tolerance=1e-8, halves=1)
    X, scale, worst = problem.X[problem.order], problem.unit * problem.scale[0], -np.inf
    null = 0.0

    def objective(coef: np.ndarray, intercept: float, lambda_: float) -> float:
        on = np.flatnonzero(coef)
        eta = X[:, on] @ coef[on] + intercept
        return problem.loss(eta, problem.weight[0]) + lambda_ * float(np.abs(coef[on]) @ scale[on])

    for k, step in enumerate(Walk(problem, lambdas=path["lambdas"])):
        coef, intercept = step.original_scale()
        best = objective(coef[0], intercept[0], step.lambda_)
        null = null or abs(best)
        found = objective(path["coef"][k], path["intercept"][k], step.lambda_)
        worst = max(worst, (found - best) / null)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--jobs", nargs="+", default=list(R_JOBS), choices=list(R_JOBS))
    parser.add_argument("--adelie", help="an interpreter with adelie")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], Path(given.worker[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cohort(folder, given.samples, given.genes)
        print(f"{'job':<15}{'by':<10}{'seconds':>9}{'peak GB':>9}{'excess':>10}{'ratio':>8}")
        for job in given.jobs:
            compare(job, folder, given.adelie)


def compare(job: str, folder: Path, adelie: str | None) -> None:
    """Print what a job takes here, in R and in adelie."""
    if job in ("halves", "cox_cv"):  # the penalties that matter: well past the cross-validated optimum
        largest = Walk(problem_of(job.replace("halves", "path"), folder)).largest[0]
        lambdas = largest * np.geomspace(1, 0.01, 100)[: 50 if job == "halves" else 45]
        np.save(folder / "lambda.npy", lambdas)
        lambdas.tofile(folder / "lambda.bin")
    ours = timed([sys.executable, __file__, "--worker", job.removesuffix("_2"), str(folder)], folder)
    line = f"{job:<15}{{:<10}}{{:>9.2f}}{{:>9.2f}}{{:>10.1e}}{{:>8.1f}}"
    print(line.format("ours", ours.seconds, ours.peak_gb, excess(job, folder), 1.0), flush=True)
    peers = {"glmnet": lambda: run_glmnet(job, folder)}
    if adelie and job in ADELIE_JOBS:
        peers["adelie"] = lambda: run_adelie(job, folder, adelie)
    for peer, measure in peers.items():
        found = measure()
        ratio = found.seconds / ours.seconds
        print(line.format(peer, found.seconds, found.peak_gb, excess(job, folder), ratio), flush=True)
    if job == "halves":
        often, theirs = np.load(folder / "often.npy"), np.fromfile(folder / "often.bin")
        print(f"selection frequencies differ by at most {np.abs(often - theirs).max():.3f}")
    if not adelie and job in ADELIE_JOBS:
        print(f"{job:<15}adelie: left out, see --adelie")


if __name__ == "__main__":
    main()
