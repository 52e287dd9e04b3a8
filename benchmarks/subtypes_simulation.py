"""How many subtypes are there? Simulated cohorts of known truth, our choice and the usual ones.

`python benchmarks/subtypes_simulation.py` prints, for 1, 2, 3 and 5 true subtypes, how often each method
finds the right number and how well its subtypes agree with the true ones (adjusted Rand index); for one
population, how often it finds subtypes that are not there (peers: in the first `--seeds` cohorts).
`--csv FILE` also writes a row for each cohort and method; `--seeds` and `--null-seeds` set the number of
cohorts of each kind, `--first-seed` where they begin.

`--study clusterers` compares the clusterers that a consensus can be built of instead: 1, 2 and 4 subtypes
among `--samples` (100, 300, 1,000, 3,000); subtypes with outliers, 1% of the samples and at least 3,
each with a fifth of its genes 3 SD off. It counts right numbers, agreement (outliers left out), the smallest
subtype
and seconds.

A cohort has 160 samples and 1,000 genes of variance 1. Three factors make 6%, 4% and 2% of the variance and
load on all genes; 400 genes form 20 blocks with a correlation of 0.5 among their other variance. Subtypes
of unequal size shift genes of their own up or down: 8% of the genes by 1.0 SD (weak), 10% by 1.2 (moderate),
20% by 1.5 (strong). One population comes in four kinds: all normal; factors and blocks with heavy tails (t,
4 df); genes with heavy tails (t, 4 df); and whole samples louder than others (a multivariate t, 5 df).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numba import set_num_threads
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from precisionmed.estimators import ConsensusClustering

N_SAMPLES, N_GENES = 160, 1000
KS = range(2, 9)
EFFECTS = {"weak": (0.08, 1.0), "moderate": (0.10, 1.2), "strong": (0.20, 1.5)}  # fraction of genes, SDs
POPULATIONS = ("normal", "heavy factors", "heavy genes", "loud samples")
_FACTORS = np.array([0.06, 0.04, 0.02])  # of the variance
_BLOCKS, _BLOCK_SIZE, _BLOCK_SHARE = 20, 20, 0.5
_RULES = {
    "relative_pac": "PAC against null alone",
    "pac": "ConsensusClusterPlus, PAC",
    "delta_area": "ConsensusClusterPlus, delta area",
    "cola": "cola's rule",
}
_SETTINGS = {
    "resamples": 200,
    "n_null": 39,
}  # fewer null cohorts than by default: as exact, a little less power
_PCS = 10
_REFERENCES = 20  # of the gap statistic


def simulate(
    k: int, effect: str, population: str, rng: np.random.Generator, n: int = N_SAMPLES, outliers: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return values (samples x genes) and true subtypes, -1 for outliers."""
    p = N_GENES
    shares = np.maximum(rng.dirichlet(np.full(k, 20.0)), 0.6 / k)
    edges = np.cumsum(shares / shares.sum())
    truth = np.minimum(np.searchsorted(edges, (np.arange(n) + 0.5) / n), k - 1)

    def draw(shape: tuple[int, int], heavy: bool) -> np.ndarray:
        return rng.standard_t(4, shape) / np.sqrt(2) if heavy else rng.normal(size=shape)

    loadings = rng.normal(size=(_FACTORS.size, p))
    loadings *= np.sqrt(_FACTORS * p)[:, None] / np.linalg.norm(loadings, axis=1, keepdims=True)
    heavy_factors = population == "heavy factors"
    own = draw((n, p), population == "heavy genes")
    correlated = rng.permutation(p)[: _BLOCKS * _BLOCK_SIZE]
    shared = draw((n, _BLOCKS), heavy_factors)[:, np.repeat(np.arange(_BLOCKS), _BLOCK_SIZE)]
    own[:, correlated] = np.sqrt(_BLOCK_SHARE) * shared + np.sqrt(1 - _BLOCK_SHARE) * own[:, correlated]
    X = draw((n, _FACTORS.size), heavy_factors) @ loadings + np.sqrt(1 - _FACTORS.sum()) * own
    if population == "loud samples":
        X *= np.sqrt(5 / rng.chisquare(5, (n, 1)))
    if k > 1:
        fraction, shift = EFFECTS[effect]
        for subtype in range(k):
            genes = rng.permutation(p)[: int(fraction * p)]
            X[np.ix_(truth == subtype, genes)] += shift * rng.choice([-1.0, 1.0], genes.size)
    for sample in rng.permutation(n)[:outliers]:
        genes = rng.permutation(p)[: p // 5]
        X[sample, genes] += 3 * rng.choice([-1.0, 1.0], genes.size)
        truth[sample] = -1
    return X - np.median(X, axis=0), truth


def consensus(X: np.ndarray, seed: int) -> dict[str, tuple[np.ndarray, float]]:
    """Our subtypes with their p, and those by other rules from the same consensus.

    Given the same resamples, the consensus of average linkage is that of ConsensusClusterPlus.
    """
    one = np.zeros(len(X), dtype=np.int64)
    found = {}
    for name, clusterer in (("ours, average linkage", "hierarchical"), ("ours, k-means", "kmeans")):
        model = ConsensusClustering(tuple(KS), clusterer=clusterer, random_state=seed, **_SETTINGS).fit(X)
        labels = model.labels_[model.k_] if model.evidence_ else one
        found[name] = (labels, model.scores_["p_family"].min())
        if clusterer == "hierarchical":
            for rule, said in _RULES.items():
                found[said] = (model.labels_.get(model.votes_[rule], one), np.nan)
    return found


def kmeans_silhouette(X: np.ndarray, seed: int) -> np.ndarray:
    """k-means on all genes; the k of the largest mean silhouette."""
    tried = [KMeans(k, n_init=10, random_state=seed).fit_predict(X) for k in KS]
    return max(tried, key=lambda labels: silhouette_score(X, labels))


def kmeans_gap(X: np.ndarray, seed: int) -> np.ndarray:
    """k-means on 10 principal components; gap statistic (Tibshirani et al. 2001) with its one-SE rule."""
    rng = np.random.default_rng(seed)
    scores = principal_components(X)
    low, high = scores.min(axis=0), scores.max(axis=0)
    uniform = [rng.uniform(low, high, scores.shape) for _ in range(_REFERENCES)]
    ks = [1, *KS]
    logs = np.array([[_log_inertia(cohort, k, seed) for k in ks] for cohort in uniform])
    gap = logs.mean(axis=0) - [_log_inertia(scores, k, seed) for k in ks]
    error = logs.std(axis=0) * np.sqrt(1 + 1 / _REFERENCES)
    enough = np.append(gap[:-1] >= gap[1:] - error[1:], True)
    return KMeans(ks[int(enough.argmax())], n_init=10, random_state=seed).fit_predict(scores)


def _log_inertia(X: np.ndarray, k: int, seed: int) -> float:
    return float(np.log(KMeans(k, n_init=2, random_state=seed).fit(X).inertia_))


def gaussian_mixture(X: np.ndarray, seed: int) -> np.ndarray:
    """Gaussian mixture on 10 principal components, full or diagonal covariances; the smallest BIC."""
    scores = principal_components(X)
    models = [
        GaussianMixture(k, covariance_type=kind, n_init=2, reg_covar=1e-3, random_state=seed).fit(scores)
        for k in (1, *KS)
        for kind in ("full", "diag")
    ]
    return min(models, key=lambda model: model.bic(scores)).predict(scores)


def principal_components(X: np.ndarray) -> np.ndarray:
    """Return the scores of the leading components."""
    left, singular, _ = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    return (left * singular)[:, :_PCS]


_PEERS = {
    "k-means, silhouette": kmeans_silhouette,
    "k-means, gap": kmeans_gap,
    "Gaussian mixture, BIC": gaussian_mixture,
}


def rows(seed: int, planted: bool, peers: bool) -> Iterator[dict]:
    """Run all methods on one cohort of each kind; one row a cohort and method."""
    cells = [(1, "none", population) for population in POPULATIONS]
    cells += [(k, effect, "normal") for k in (2, 3, 5) for effect in EFFECTS]
    for cell, (k, effect, population) in enumerate(cells):
        if k > 1 and not planted:
            continue
        X, truth = simulate(k, effect, population, np.random.default_rng([seed, cell]))
        found = consensus(X, seed)
        if peers:
            found |= {name: (peer(X, seed), np.nan) for name, peer in _PEERS.items()}
        cohort = {"subtypes": k, "effect": effect, "population": population, "seed": seed}
        for method, (labels, p) in found.items():
            k_found, ari = np.unique(labels).size, adjusted_rand_score(truth, labels)
            yield cohort | {"method": method, "found": k_found, "ari": ari, "p": p}


_CLUSTERERS = {
    "average linkage": {"clusterer": "hierarchical", "linkage": "average"},
    "complete linkage": {"clusterer": "hierarchical", "linkage": "complete"},
    "Ward": {"clusterer": "hierarchical", "linkage": "ward", "metric": "euclidean"},
    "k-means": {"clusterer": "kmeans"},
    "PAM": {"clusterer": "pam"},
}
_QUICK = {"resamples": 100, "n_null": 19}


def clusterer_rows(seed: int, n: int, planted: bool) -> Iterator[dict]:
    """Run every clusterer on one cohort of each kind; one row a cohort and clusterer."""
    cells = [(1, "none", population) for population in POPULATIONS]
    if planted:
        cells += [(k, effect, "normal") for k in (2, 4) for effect in ("moderate", "strong")]
    for k, effect, population in cells:
        rng = np.random.default_rng([seed, k, len(effect), len(population), n])
        outliers = max(3, n // 100) if k > 1 else 0
        X, truth = simulate(k, effect, population, rng, n, outliers)
        for method, settings in _CLUSTERERS.items():
            start = time.perf_counter()
            model = ConsensusClustering((2, 3, 4, 5, 6), random_state=seed, **settings, **_QUICK).fit(X)
            labels = model.labels_[model.k_]
            sizes = np.bincount(labels[labels >= 0])
            yield {
                "samples": n,
                "subtypes": k,
                "effect": effect,
                "population": population,
                "seed": seed,
                "method": method,
                "found": len(sizes) if model.evidence_ else 1,
                "ari": adjusted_rand_score(truth[truth >= 0], labels[truth >= 0]),
                "smallest": sizes.min(),
                "seconds": time.perf_counter() - start,
            }


def show_clusterers(results: pd.DataFrame) -> None:
    """Print, by number of samples, what each clusterer makes of planted subtypes, and of none."""
    results = results.assign(right=results["found"] == results["subtypes"])
    order, planted = list(_CLUSTERERS), results[results["subtypes"] > 1]
    if len(planted):
        columns = ["samples", "subtypes", "effect"]
        table = planted.pivot_table("right", "method", columns).loc[order]
        print(f"\nRight number of subtypes\n{table.round(2).to_string()}")
        table = planted.pivot_table("ari", "method", columns).loc[order]
        print(f"\nAdjusted Rand index, mean\n{table.round(3).to_string()}")
        print(f"\nCohorts\n{planted.groupby(columns)['seed'].nunique().to_string()}")
    none = results[results["subtypes"] == 1]
    if len(none):
        table = 1 - none.pivot_table("right", "method", ["samples", "population"]).loc[order]
        print(f"\nSubtypes found in one population\n{table.round(3).to_string()}")
        print(none.groupby(["samples", "population"])["seed"].nunique().to_string())
    print(results.pivot_table("seconds", "method", "samples").loc[order].round(1).to_string())
    print(f"\nSmallest subtype: {results.groupby('samples')['smallest'].min().to_dict()}")


def show(results: pd.DataFrame) -> None:
    """Print the share of right numbers and the mean ARI, and the share of false subtypes."""
    right = results.assign(right=results["found"] == results["subtypes"])
    planted, none = right[right["subtypes"] > 1], right[right["subtypes"] == 1]
    order = list(dict.fromkeys(results["method"]))
    if len(planted):
        cohorts = planted.groupby(["subtypes", "effect"])["seed"].nunique().max()
        planted = planted.astype({"effect": pd.CategoricalDtype(list(EFFECTS))})
        for column, said in (("right", "Right number of subtypes"), ("ari", "Adjusted Rand index, mean")):
            table = planted.pivot_table(column, "method", ["subtypes", "effect"], observed=True)
            print(f"\n{said} ({cohorts} cohorts a column)\n{table.loc[order].round(2).to_string()}")
    if len(none):
        cohorts = none.groupby("population")["seed"].nunique().max()
        share = 1 - none.pivot_table("right", "method", "population")
        error = np.sqrt(0.05 * 0.95 / cohorts)  # Monte Carlo, of a method that holds the level
        print(f"\nSubtypes found in one population ({cohorts} cohorts a column; SE {error:.3f} at 0.05)")
        print(share.loc[order, list(POPULATIONS)].round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20, help="cohorts of each kind with subtypes")
    parser.add_argument("--null-seeds", type=int, default=100, help="cohorts of each kind without")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--csv", type=Path, help="write a row for each cohort and method")
    parser.add_argument("--study", choices=["methods", "clusterers"], default="methods")
    parser.add_argument("--samples", type=int, nargs="+", default=[100, 300, 1000, 3000])
    options = parser.parse_args()
    done: list[dict] = []
    # The cohorts are small: threads would wait for each other more than they work.
    set_num_threads(1)
    with threadpool_limits(limits=1):
        for i in range(max(options.seeds, options.null_seeds)):
            seed, planted = options.first_seed + i, i < options.seeds
            if options.study == "methods":
                done += rows(seed, planted=planted, peers=planted)
            else:
                for n in options.samples:
                    done += clusterer_rows(seed, n, planted)
            results = pd.DataFrame(done)
            if options.csv:
                results.to_csv(options.csv, index=False)
            print(f"{i + 1} seeds done", file=sys.stderr, flush=True)
    show(results) if options.study == "methods" else show_clusterers(results)


if __name__ == "__main__":
    main()
