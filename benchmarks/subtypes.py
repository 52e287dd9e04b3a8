"""Consensus clustering against ConsensusClusterPlus on the same simulated cohort: speed, memory, PAC.

`python benchmarks/subtypes.py` compares at 1,000 samples x 2,000 genes, k = 2 to 8, 200 resamples;
`--jobs hierarchical kmeans null growth` takes some jobs only: `null` is ours alone (1,000 resamples and 100
references without subtypes), `growth` ours from 500 to 10,000 samples.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from _r import Measured, run_python, spent, time_r

from precisionmed.estimators.consensus import ConsensusClustering

GENES, CLASSES = 2_000, 4
KS = tuple(range(2, 9))
GROWTH = (500, 1_000, 2_000, 5_000, 10_000)
JOBS = ("hierarchical", "kmeans", "null", "growth")
_IN_R = {"hierarchical": "'hc', distance = 'pearson'", "kmeans": "'km', distance = 'euclidean'"}
_READ = """
shape <- scan('shape.txt', quiet = TRUE)
x <- matrix(readBin('values.bin', 'double', prod(shape)), shape[2])
colnames(x) <- paste0('s', seq_len(shape[1]))
# The heat maps it draws for every k are left out of its time.
imports <- parent.env(getNamespace('ConsensusClusterPlus'))
unlockBinding('heatmap', imports)
assign('heatmap', function(...) plot.new(), imports)
pdf(NULL)
"""


def simulate(samples: int, folder: Path) -> None:
    """Write normal values with four classes on 400 genes and ten factors that all genes share."""
    rng = np.random.default_rng(1)
    labels = rng.integers(CLASSES, size=samples)
    centre = np.zeros((CLASSES, GENES))
    centre[:, :400] = rng.normal(0, 1, (CLASSES, 400))
    values = centre[labels] + rng.normal(size=(samples, GENES))
    values += rng.normal(size=(samples, 10)) @ rng.normal(0, 0.15, (10, GENES))
    values -= np.median(values, axis=0)
    np.save(folder / "values.npy", values)
    values.tofile(folder / "values.bin")
    (folder / "shape.txt").write_text(f"{samples} {GENES}")


def peer(job: str, resamples: int, folder: Path) -> Measured:
    """Return what ConsensusClusterPlus takes, and its PAC at each k."""
    code = f"""
        found <- ConsensusClusterPlus(x, maxK = {KS[-1]}, reps = {resamples}, pItem = 0.8,
            clusterAlg = {_IN_R[job]}, innerLinkage = 'average', finalLinkage = 'average', seed = 1)
        out <- sapply({KS[0]}:{KS[-1]}, function(k) {{
            pairs <- found[[k]]$consensusMatrix[lower.tri(found[[k]]$consensusMatrix)]
            mean(pairs > 0.1 & pairs <= 0.9)
        }})
    """
    return time_r(["ConsensusClusterPlus"], code, folder, _READ)


def work(job: str, folder: Path) -> None:
    """Do one job in this process: compile on a few samples, then time it on all."""
    name, resamples, n_null = job.split(":")
    values = np.load(folder / "values.npy")
    settings = {"clusterer": name, "resamples": int(resamples), "n_null": int(n_null), "random_state": 1}
    if name == "kmeans":
        settings["metric"] = "euclidean"
    few = {**settings, "resamples": 10, "n_null": min(int(n_null), 19)}
    ConsensusClustering(KS, **few).fit(values[:60])
    start = time.perf_counter()
    model = ConsensusClustering(KS, **settings).fit(values)
    spent(time.perf_counter() - start, folder)
    np.save(
        folder / "out.npy", np.append(model.scores_["pac"], model.k_ if model.evidence_ is not False else 1)
    )


def ours(clusterer: str, resamples: int, n_null: int, folder: Path) -> Measured:
    """Return what the estimator takes, its PAC at each k and the k it chooses."""
    return run_python(__file__, f"{clusterer}:{resamples}:{n_null}", folder)


def compare(job: str, resamples: int, folder: Path) -> None:
    """Print one line: both times, their ratio, both peaks, the largest difference in PAC."""
    there, here = peer(job, resamples, folder), ours(job, resamples, 0, folder)
    apart = np.abs(there.result - here.result[:-1]).max()
    print(
        f"{job}, {resamples} resamples: ConsensusClusterPlus {there.seconds:.1f} s, {there.peak_gb:.2f} GB; "
        f"ours {here.seconds:.2f} s, {here.peak_gb:.2f} GB; {there.seconds / here.seconds:.1f} x; "
        f"PAC differs by {apart:.3f} at most (other resamples)"
    )


def null_share(folder: Path) -> None:
    """Print what 1,000 resamples take without and with 100 references."""
    plain, tested = ours("hierarchical", 1000, 0, folder), ours("hierarchical", 1000, 100, folder)
    print(
        f"1,000 resamples {plain.seconds:.1f} s; with 100 references {tested.seconds:.1f} s, "
        f"{tested.peak_gb:.2f} GB; k = {tested.result[-1]:.0f} of {CLASSES} planted"
    )


def growth(folder: Path) -> None:
    """Print time and memory of 50 resamples as the cohort grows."""
    for samples in GROWTH:
        simulate(samples, folder)
        here = ours("hierarchical", 50, 0, folder)
        print(f"{samples:>6,} samples, 50 resamples: {here.seconds:7.1f} s, {here.peak_gb:.2f} GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], Path(given.worker[1]))
        return
    print(f"{given.samples:,} x {GENES:,}, k = {KS[0]} to {KS[-1]}; load {os.getloadavg()[0]:.1f}")
    others = {"null": null_share, "growth": growth}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for job in given.jobs:
            simulate(given.samples, folder)
            if job in _IN_R:
                compare(job, given.resamples, folder)
            else:
                others[job](folder)


if __name__ == "__main__":
    main()
