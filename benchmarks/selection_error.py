"""False discoveries and power of gene selection on simulated cohorts whose true genes are known.

`python benchmarks/selection_error.py` prints the table; `--csv out.csv` also writes it, row by row as cohorts
are done; `--expression tumours.tsv.gz` (genes x samples, counts or log values) adds real genes with a
planted signal; `--cohorts 200` narrows the Monte Carlo errors. A gene is false when it has no coefficient of
its own, however correlated with one that has.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.estimators import (
    DecoySelection,
    LassoCox,
    LassoCoxCV,
    LassoLogistic,
    LassoLogisticCV,
    StabilitySelection,
)
from precisionmed.estimators.decoys import choose_threshold

RATES = (0.05, 0.1, 0.2)
BLOCK, CORRELATION = 10, 0.5
STRENGTH = {"binary": 1.0, "survival": 0.5}  # of every true gene, in standard deviations
Selections = Iterator[tuple[str, float, np.ndarray]]


def genes_of(design: str, n: int, p: int, real: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Return standardized genes, (n, p)."""
    if design == "real":
        rows, columns = rng.permutation(len(real))[:n], rng.permutation(real.shape[1])[:p]
        X = real[np.ix_(rows, columns)]
        X = X[:, X.std(axis=0) > 0]
    else:
        X = rng.normal(size=(n, p))
        if design == "blocks":
            shared = np.repeat(rng.normal(size=(n, -(-p // BLOCK))), BLOCK, axis=1)[:, :p]
            X = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * X
    return (X - X.mean(axis=0)) / X.std(axis=0)


def outcome_of(kind: str, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray | pd.DataFrame:
    """Return classes, or survival with about a third censored, of a linear predictor."""
    if kind == "binary":
        return (eta + rng.logistic(size=eta.size) > 0).astype(int)
    time_of_death = rng.exponential(np.exp(-eta))
    censoring = rng.exponential(2 * np.median(time_of_death), eta.size)
    return pd.DataFrame({"event": time_of_death <= censoring, "time": np.minimum(time_of_death, censoring)})


def select(kind: str, X: np.ndarray, y: np.ndarray | pd.DataFrame, seed: int) -> Selections:
    """Yield each method's name, nominal rate (NaN: it states none) and selected genes."""
    model = LassoLogistic() if kind == "binary" else LassoCox()
    lasso = (LassoLogisticCV if kind == "binary" else LassoCoxCV)(n_folds=10, rule="1se", random_state=seed)
    yield "glmnet's LASSO, 1-SE rule", np.nan, lasso.fit(X, y).coef_ != 0
    for name, bound in (
        ("stability, stabs' bound of 2010", "meinshausen-buehlmann"),
        ("stability", "unimodal"),
    ):
        fit = StabilitySelection(model, bound=bound, random_state=seed).fit(X, y)
        yield f"{name} (PFER 1)", np.nan, fit.selected_
    for decoys, copies in (("permutation", 1), ("knockoff", 1), ("knockoff", 4)):
        fit = DecoySelection(model, decoys=decoys, n_copies=copies, random_state=seed).fit(X, y)
        name = f"{decoys}, {copies} cop{'y' if copies == 1 else 'ies'}"
        for rate in RATES:
            threshold, _ = choose_threshold(fit.fdp_curve_, rate)
            yield name, rate, (fit.frequency_ > fit.decoy_frequency_) & (fit.frequency_ >= threshold)
        if copies == 1:
            yield f"Stabl's rule, {decoys}", np.nan, smallest_estimate(fit)


def smallest_estimate(fit: DecoySelection) -> np.ndarray:
    """Select as Stabl does: all decoys against all genes, at the threshold of the smallest estimate."""
    real, decoy = fit.frequency_, fit.decoy_frequency_
    thresholds = np.unique(np.concatenate([real, decoy]))
    estimates = [(1 + np.sum(decoy > t)) / max(1, np.sum(real > t)) for t in thresholds]
    return real > thresholds[int(np.argmin(estimates))]


def study(options: argparse.Namespace, real: np.ndarray | None) -> Iterator[dict[str, object]]:
    """Yield one row a cohort and method."""
    designs = ("independent", "blocks") if real is None else ("independent", "blocks", "real")
    for cohort in range(options.cohorts):
        for number, design in enumerate(designs):
            for kind in ("binary", "survival"):
                for n_true in (options.true, 0):
                    rng = np.random.default_rng([cohort, number, kind == "binary", n_true])
                    X = genes_of(design, options.samples, options.genes, real, rng)
                    true = rng.permutation(X.shape[1] // BLOCK)[:n_true] * BLOCK  # one in a block at most
                    sign = rng.choice([-1.0, 1.0], true.size)
                    y = outcome_of(kind, STRENGTH[kind] * X[:, true] @ sign, rng)
                    is_true = np.isin(np.arange(X.shape[1]), true)
                    for method, nominal, selected in select(kind, X, y, cohort):
                        false = int(np.sum(selected & ~is_true))
                        yield {
                            "outcome": kind, "design": design, "true": n_true, "method": method,
                            "nominal": nominal, "cohort": cohort, "selected": int(selected.sum()),
                            "fdp": false / max(1, selected.sum()),
                            "power": (selected.sum() - false) / n_true if n_true else np.nan,
                        }  # fmt: skip


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return means over cohorts, and the Monte Carlo error of the false discovery rate.

    Without true genes the false discovery rate is the chance of selecting anything.
    """
    by = rows.groupby(["outcome", "design", "true", "method", "nominal"], sort=False, dropna=False)
    table = by.agg(
        cohorts=("fdp", "size"), selected=("selected", "mean"), fdr=("fdp", "mean"),
        error=("fdp", lambda fdp: fdp.std(ddof=1) / np.sqrt(fdp.size)), power=("power", "mean"),
    ).reset_index()  # fmt: skip
    table["above"] = table.fdr > table.nominal + 2 * table.error
    return table


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=50, help="of each kind")
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--genes", type=int, default=500)
    parser.add_argument("--true", type=int, default=20, help="true genes")
    parser.add_argument("--expression", type=Path, help="real genes: table of genes x samples")
    parser.add_argument("--csv", type=Path, help="write the table here")
    options = parser.parse_args()
    real = None if options.expression is None else read(options.expression)
    rows: list[dict[str, object]] = []
    started = last = time.perf_counter()
    for row in study(options, real):
        rows.append(row)
        if options.csv and time.perf_counter() - last > 30:
            summary(pd.DataFrame(rows)).to_csv(options.csv, index=False)
            last = time.perf_counter()
    table = summary(pd.DataFrame(rows))
    if options.csv:
        table.to_csv(options.csv, index=False)
    print(table.round(3).to_string(index=False))
    print(f"{time.perf_counter() - started:.0f} s")


def read(path: Path) -> np.ndarray:
    """Return log2 values, (samples, genes), of the genes that are expressed and vary."""
    values = pd.read_csv(path, sep="\t", index_col=0).dropna().to_numpy(float).T
    values = np.log2(values + 1) if values.max() > 50 else values
    return values[:, values.std(axis=0) > 0.5]


if __name__ == "__main__":
    main()
