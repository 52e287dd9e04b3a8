"""What the simulated samples express: genes, log2 means and negative-binomial counts."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd

AMPLICON = ("ERBB2", "GRB7", "STARD3", "PGAP3", "MIEN1")
ER_MODULE = ("ESR1", "GATA3", "XBP1", "TFF1", "TFF3", "CA12", "AGR2")
PR_MODULE = ("PGR",)
Y_GENES = ("RPS4Y1", "DDX3Y", "KDM5D", "EIF1AY")
AMPLIFICATION = 3.5  # log2 over the diploid level
ER_EFFECT = 4.0
PR_EFFECT = 4.0
SIGNAL_SD = 1.0  # log2 between tumours, of genes that matter for response or survival
NOISE_SD = 0.3


def pam50_centroids() -> pd.DataFrame:
    """Return the published PAM50 centroids (50 genes x 5 classes; Parker et al., JCO 2009;27:1160)."""
    return pd.read_csv(str(files("precisionmed") / "resources" / "pam50_centroids.csv"), index_col="gene")


def special_genes() -> list[str]:
    """Return the genes under their real symbols: PAM50, the ERBB2 amplicon, ER, PR and sex."""
    names = [*pam50_centroids().index, *AMPLICON, *ER_MODULE, *PR_MODULE, "XIST", *Y_GENES]
    return list(dict.fromkeys(names))


def draw_genes(
    n_genes: int, k: int, n_signal: int, dispersion: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the genes: what each belongs to, its level, length and dispersion.

    Returns
    -------
    DataFrame (n_genes, ...)
        `role` (`special`, `response`, `survival`, `module`, `background`), `module` (number from 0,
        -1 for none), `loading`, `log2_level`, `length` (bases), `dispersion`; indexed by symbol.
    """
    special = special_genes()
    n_free = n_genes - len(special)
    role = np.array(["background"] * n_free, dtype=object)
    role[:n_signal] = "response"
    role[n_signal : 2 * n_signal] = "survival"
    n_module = (n_free - 2 * n_signal) // 4
    role[2 * n_signal : 2 * n_signal + n_module] = "module"
    module = np.full(n_free, -1)
    module[role == "module"] = np.arange(n_module) % (2 * k)
    level = rng.normal(4.0, 2.2, n_free)
    level[: 2 * n_signal] = rng.uniform(4.0, 7.0, 2 * n_signal)
    loading = np.where(role == "module", rng.uniform(0.5, 1.2, n_free) * rng.choice([-1, 1], n_free), 0.0)
    order = rng.permutation(n_free)
    genes = pd.DataFrame(
        {
            "role": np.r_[["special"] * len(special), role[order]],
            "module": np.r_[np.full(len(special), -1), module[order]],
            "loading": np.r_[np.zeros(len(special)), loading[order]],
            "log2_level": np.r_[rng.uniform(5.0, 7.0, len(special)), level[order]],
        },
        index=pd.Index([*special, *(f"G{i + 1:05d}" for i in range(n_free))], name="gene"),
    )
    genes["length"] = np.exp(rng.normal(np.log(2000), 0.6, n_genes)).round().clip(200)
    # Noise falls with the level, as in real RNA-seq, and varies from gene to gene.
    trend = dispersion * (1 + 4 * 2.0 ** -genes["log2_level"])
    genes["dispersion"] = trend * np.exp(rng.normal(0, 0.3, n_genes))
    return genes


def log2_means(
    genes: pd.DataFrame,
    patients: pd.DataFrame,
    response_activity: np.ndarray,
    survival_activity: np.ndarray,
    subtype_effect: float,
    batch_effect: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the expected log2 expression per base, up to a constant, shape (n, p)."""
    n = len(patients)
    eta = np.tile(genes["log2_level"].to_numpy(), (n, 1))
    eta += _module_activity(genes, patients, subtype_effect, rng) @ _loadings(genes)
    eta[:, (genes["role"] == "response").to_numpy()] += SIGNAL_SD * response_activity
    eta[:, (genes["role"] == "survival").to_numpy()] += SIGNAL_SD * survival_activity
    _add_special(eta, genes, patients, rng)
    batch, batches = pd.factorize(patients["batch"], sort=True)
    shift = rng.normal(0, batch_effect, (len(batches), len(genes)))
    return np.asarray(eta + (shift - shift.mean(axis=0))[batch])


def draw_counts(
    eta: np.ndarray, genes: pd.DataFrame, mean_count: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw counts (n, p): expression times length, shared out over a log-normal library size.

    Returns
    -------
    counts : ndarray of float (n, p)
    mean : ndarray (n, p)
        Expected counts.
    """
    mean = np.exp2(eta)
    mean *= genes["length"].to_numpy()
    library_size = mean_count * len(genes) * np.exp(rng.normal(0, 0.35, len(eta)))
    mean *= (library_size / mean.sum(axis=1))[:, None]
    return negative_binomial(mean, genes["dispersion"].to_numpy(), rng), mean


def negative_binomial(mean: np.ndarray, dispersion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw negative-binomial counts with variance `mean + dispersion * mean**2` (Poisson-gamma)."""
    rate = rng.standard_gamma(np.broadcast_to(1.0 / dispersion, mean.shape))
    rate *= mean * dispersion
    return rng.poisson(rate).astype(float)


def _module_activity(
    genes: pd.DataFrame, patients: pd.DataFrame, subtype_effect: float, rng: np.random.Generator
) -> np.ndarray:
    n_modules = int(genes["module"].max()) + 1
    subtype, names = pd.factorize(patients["subtype"], sort=True)
    activity = rng.normal(0, 0.5, (len(patients), n_modules))
    # Each subtype switches two modules on.
    activity += subtype_effect * (np.arange(n_modules) % max(len(names), 1) == subtype[:, None])
    return activity


def _loadings(genes: pd.DataFrame) -> np.ndarray:
    n_modules = int(genes["module"].max()) + 1
    member = genes["module"].to_numpy() == np.arange(n_modules)[:, None]
    return member * genes["loading"].to_numpy()


def _add_special(
    eta: np.ndarray, genes: pd.DataFrame, patients: pd.DataFrame, rng: np.random.Generator
) -> None:
    n = len(patients)

    def at(names: tuple[str, ...] | list[str]) -> np.ndarray:
        return np.asarray(genes.index.get_indexer(pd.Index(names)))

    def own(names: tuple[str, ...]) -> np.ndarray:
        return rng.normal(0, NOISE_SD, (n, len(names)))

    def switch(names: tuple[str, ...], on: pd.Series, effect: float, spread: float) -> None:
        shared = on.to_numpy() * effect + rng.normal(0, spread, n)
        eta[:, at(names)] = genes["log2_level"].to_numpy()[at(names)] + shared[:, None] + own(names)

    centroids = pam50_centroids()
    eta[:, at(list(centroids.index))] += centroids[patients["subtype"]].to_numpy().T
    eta[:, at(list(centroids.index))] += own(tuple(centroids.index))
    switch(AMPLICON, patients["her2"], AMPLIFICATION, 0.5)
    switch(ER_MODULE, patients["er"], ER_EFFECT, 0.7)
    switch(PR_MODULE, patients["pr"], PR_EFFECT, 0.7)
    female = patients["sex"] == "female"
    switch(("XIST",), female, 8.0, 0.5)
    switch(Y_GENES, ~female, 8.0, 0.5)
    eta[:, at(["XIST", *Y_GENES])] -= 6.0  # off is off
