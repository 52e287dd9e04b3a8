"""Subtypes found in a real cohort against the classes it records: ours, ConsensusClusterPlus, plain k-means.

`python benchmarks/known_classes.py config.yaml` reads the cohort of a run's config, which must have
`roles.intrinsic`; all three get the same normalized, centred, most variable genes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from _r import time_r
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from subtypes import _READ

import precisionmed as pm
from precisionmed.config import load_config
from precisionmed.estimators.consensus import ConsensusClustering
from precisionmed.tl.subtypes import variable_genes

KS = tuple(range(2, 9))


class Found(NamedTuple):
    """Clusters by one method: at each k, and the k it prefers."""

    method: str
    labels: dict[int, np.ndarray]
    k: int
    said: str
    seconds: float


def read(config: Path, n_genes: int) -> tuple[np.ndarray, pd.Series]:
    """Return the clustered values and the recorded class of each sample."""
    adata = pm.read_cohort(load_config(config).cohort)
    pm.pp.normalize(adata)
    frame = pd.DataFrame(np.asarray(adata.X), columns=adata.var_names)
    return variable_genes(frame, n_genes), adata.obs["intrinsic"]


def ours(values: np.ndarray, resamples: int) -> Found:
    start = time.perf_counter()
    model = ConsensusClustering(KS, resamples=resamples, random_state=1).fit(values)
    return Found("ours", model.labels_, model.k_, model.reason_, time.perf_counter() - start)


def consensus_cluster_plus(values: np.ndarray, resamples: int) -> Found:
    code = f"""
        found <- ConsensusClusterPlus(x, maxK = {KS[-1]}, reps = {resamples}, pItem = 0.8, clusterAlg = 'hc',
            distance = 'pearson', innerLinkage = 'average', finalLinkage = 'average', seed = 1)
        out <- sapply({KS[0]}:{KS[-1]}, function(k) {{
            pairs <- found[[k]]$consensusMatrix[lower.tri(found[[k]]$consensusMatrix)]
            c(mean(pairs > 0.1 & pairs <= 0.9), found[[k]]$consensusClass)
        }})
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.ascontiguousarray(values).tofile(folder / "values.bin")
        (folder / "shape.txt").write_text(" ".join(map(str, values.shape)))
        measured = time_r(["ConsensusClusterPlus"], code, folder, _READ)
    columns = measured.result.reshape(len(KS), -1)
    pac = columns[:, 0]
    labels = dict(zip(KS, columns[:, 1:].astype(int), strict=True))
    return Found("ConsensusClusterPlus", labels, KS[int(np.argmin(pac))], "smallest PAC", measured.seconds)


def k_means(values: np.ndarray) -> Found:
    start = time.perf_counter()
    labels = {k: KMeans(k, n_init=10, random_state=1).fit_predict(values) for k in KS}
    best = max(KS, key=lambda k: silhouette_score(values, labels[k]))
    return Found("k-means", labels, best, "largest silhouette", time.perf_counter() - start)


def rows(found: Found, known: pd.Series) -> Iterator[tuple[str, str, float]]:
    """Yield the agreement at the preferred k, and at as many clusters as there are classes."""
    recorded = known.notna().to_numpy()
    classes = known[recorded].nunique()
    for k, why in ((found.k, found.said), (classes, "as many as classes")):
        agreement = adjusted_rand_score(known[recorded].astype(str), found.labels[k][recorded])
        yield found.method, f"{k} ({why})", agreement


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--genes", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=500)
    given = parser.parse_args()
    values, known = read(given.config, given.genes)
    print(
        f"{values.shape[0]:,} samples, {known.notna().sum():,} of them in {known.nunique()} recorded classes"
    )
    for found in (
        ours(values, given.resamples),
        consensus_cluster_plus(values, given.resamples),
        k_means(values),
    ):
        for method, k, agreement in rows(found, known):
            print(f"{method}: k = {k}: ARI {agreement:.3f} ({found.seconds:.0f} s)")


if __name__ == "__main__":
    main()
