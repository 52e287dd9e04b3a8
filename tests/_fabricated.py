"""A cohort with every slot of docs/data-model.md filled with made-up values: for figures and the report."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd

N, P = 60, 80
GENES = ["ERBB2", "GRB7", "ESR1", "PGR", "XIST", *[f"GENE{i}" for i in range(P - 5)]]
INTRINSIC = ["Basal", "Her2", "LumA", "LumB", "Normal"]


def cohort(seed: int = 0) -> ad.AnnData:
    """Return a cohort after all steps."""
    rng = np.random.default_rng(seed)
    names = pd.Index([f"T{i:03d}" for i in range(N)])
    raw = ad.AnnData(
        rng.poisson(200, (N, P + 20)).astype(float),
        var=pd.DataFrame(index=GENES + [f"LOW{i}" for i in range(20)]),
    )
    adata = ad.AnnData(rng.normal(6, 1, (N, P)), obs=_obs(rng, names), var=pd.DataFrame(index=GENES))
    raw.obs_names = names
    adata.raw = raw
    adata.obsm["X_qc_pca"] = rng.normal(size=(N, 10))
    adata.obsm["X_pca"] = rng.normal(size=(N, 10))
    adata.obsm["X_umap"] = np.random.default_rng(5).normal(size=(N, 2))
    for when in ("X_pca_before_batch", "X_pca_batch"):
        adata.obsm[when] = np.random.default_rng(len(when)).normal(size=(N, 10))
    adata.obsm["intrinsic_correlation"] = pd.DataFrame(rng.uniform(-1, 1, (N, 5)), names, INTRINSIC)
    same = adata.obs["subtype"].to_numpy()[:, None] == adata.obs["subtype"].to_numpy()[None, :]
    adata.obsp["consensus"] = np.where(same, 0.9, 0.1)
    adata.uns["precisionmed"] = {
        "ingest": _ingest(),
        "qc": _qc(rng, names),
        "normalize": {
            "params": {"method": "tmm"},
            "methods": "Counts were normalized by TMM (Robinson and Oshlack 2010).",
            "notes": np.array([], dtype=object),
            "summary": pd.DataFrame({"metric": ["genes kept", "genes measured"], "value": [P, P + 20]}),
            "rle": _rle(rng, names),
            "density": _density(names),
            "mean_variance": _mean_variance(rng),
        },
        "batch": _batch(),
        "subtypes": _subtypes(rng, names),
        "biomarkers": {
            "params": {"n_folds": 5, "rule": "1se"},
            "methods": "Signatures were fitted by the LASSO (Tibshirani 1996).",
            "notes": np.array(["label 'her2' was skipped: 3 positive samples"], dtype=object),
            "tasks": np.array(["er", "os"], dtype=object),
            "er": _task(rng, names, "binary"),
            "os": _task(rng, names, "survival"),
        },
        "receptors": _receptors(rng, names),
        "classify": _classify(rng, names),
        "survival": _survival(rng),
        "response": _response(rng, names),
    }
    return adata


def external(seed: int = 1) -> ad.AnnData:
    """Return an external cohort after validation."""
    rng = np.random.default_rng(seed)
    names = pd.Index([f"V{i:03d}" for i in range(30)])
    adata = ad.AnnData(
        rng.normal(size=(30, 5)), obs=pd.DataFrame(index=names), var=pd.DataFrame(index=GENES[:5])
    )
    kinds = [("er", "auc"), ("her2", "auc"), ("os", "concordance")]
    performance = pd.DataFrame(
        [
            (task, metric, mode, 30, 0.8, 0.7, 0.9)
            for task, metric in kinds
            for mode in ("single sample", "centred")
        ],
        columns=["task", "metric", "mode", "n", "estimate", "lower", "upper"],
    )
    proportions = pd.DataFrame(
        [(s, mode, 6, 0.2) for mode in ("single sample", "centred") for s in INTRINSIC],
        columns=["subtype", "mode", "samples", "fraction"],
    )
    survival = _survival(rng)["os"]
    adata.uns["precisionmed"] = {
        "ingest": {"endpoint_units": {"os": "months"}},
        "validate": {
            "cohort": "elsewhere",
            "methods": "The locked model was applied to each sample alone.",
            "notes": np.array(["2 genes of the model are missing and were imputed"], dtype=object),
            "called": called_in(30, 28),
            "shifts": pd.DataFrame(
                {"task": ["os"], "answer": ["high"], "count": [25], "n": [28], "in_training": [0.5]}
            ),
            "performance": performance,
            "proportions": proportions,
            "predictions": pd.DataFrame(
                {"sample": names, "intrinsic_subtype": "LumA", "her2_probability": 0.1}
            ),
            "endpoint": "os",
            "unit": "months",
            "kaplan_meier": survival["kaplan_meier"],
            "logrank": survival["logrank"],
            **_replication(),
        },
    }
    return adata


def called_in(samples: int, called: int) -> pd.DataFrame:
    """Return how many samples of an external cohort were called, the rest being unlike those of training."""
    unlike = "values unlike those of training (platform, preparation or tissue)"
    rows = [
        (mode, task, samples, called, unlike, samples - called, "centre the whole cohort")
        for mode in ("single sample", "centred")
        for task in ("er", "her2", "os")
    ]
    return pd.DataFrame(rows, columns=["mode", "task", "samples", "called", "cause", "refused", "remedy"])


def _replication() -> dict:
    modes, subtypes = ("single sample", "centred"), ("S1", "S2", "S3")
    rows = [
        (mode, s, 10, 9, 0.9, 0.6, 0.4, 0.8, 0.001, 0.4, 0.1, 0.0, 0.2, 0.001, 0.002)
        for mode in modes
        for s in subtypes
    ]
    names = ["mode", "subtype", "samples", "called", "in_group_proportion", "null_mean", "null_lower"]
    names += ["null_upper", "p", "silhouette", "silhouette_mean", "silhouette_lower", "silhouette_upper"]
    names += ["silhouette_p", "fdr"]
    overlap = [
        (mode, s, f"C{i}", 9 if s.endswith(str(i)) else 1)
        for mode in modes
        for s in (*subtypes, "cannot call")
        for i in (1, 2, 3)
    ]
    hazards = [
        (place, cohort, name, 20, 8, ratio, lower, upper, p)
        for place, cohort in (("training", "made up"), ("second", "elsewhere"))
        for name, ratio, lower, upper, p in (
            ("S1", 1.0, np.nan, np.nan, np.nan),
            ("S2", 2.1, 1.1, 4.0, 0.02),
            ("S3", np.nan, np.nan, np.nan, np.nan),
        )
    ]
    columns = ["part", "cohort", "subtype", "n", "events", "hazard_ratio", "lower", "upper", "p"]
    return {
        "replication_verdict": "3 of 3 subtypes are clusters here too (S1, S2, S3).",
        "replication_confirmed": True,
        "replication": pd.DataFrame(rows, columns=names),
        "replication_overlap": pd.DataFrame(overlap, columns=["mode", "called", "found", "samples"]),
        "replication_summary": pd.DataFrame(
            {"mode": modes, "samples": 30, "none_of_these": 0.1, "adjusted_rand": 0.7, "agreement": 0.9}
        ),
        "subtype_survival": pd.DataFrame(hazards, columns=columns).assign(endpoint="os"),
    }


def _obs(rng: np.random.Generator, names: pd.Index) -> pd.DataFrame:
    status = ["positive", "negative"]

    def draw(options: list[str]) -> pd.Categorical:
        return pd.Categorical(rng.choice(options, N), categories=options)

    time = rng.exponential(40, N)
    obs = pd.DataFrame(
        {
            "os_time": time,
            "os_event": rng.integers(0, 2, N).astype(float),
            "library_size": rng.uniform(1e6, 3e7, N),
            "detected_genes": rng.integers(60, 100, N),
            "median_correlation": rng.uniform(0.8, 0.95, N),
            "qc_outlier": np.arange(N) == 7,
            "qc_reason": pd.Categorical(np.where(np.arange(N) == 7, "low correlation", "")),
            "batch": draw(["A", "B"]),
            "subtype": draw(["S1", "S2", "S3"]),
            "subtype_confidence": rng.uniform(0.5, 1, N),
            "subtype_core": rng.integers(0, 2, N).astype(bool),
            "subtype_silhouette": rng.uniform(-0.1, 0.6, N),
            "subtype_robustness": np.linspace(0.4, 1, N),
            "intrinsic_subtype": draw(INTRINSIC),
            "intrinsic_confidence": rng.uniform(0, 1, N),
            "score_er": rng.normal(size=N),
            "score_os": rng.normal(size=N),
            "er_status": draw(status),
            "pr_status": draw(status),
            "her2_status": draw([*status, "equivocal"]),
            "tnbc_status": draw(status),
            "her2_probability": rng.uniform(size=N),
            "her2_call": draw([*status, "cannot call"]),
            "risk_os": rng.normal(size=N),
            "risk_group_os": draw(["low", "high"]),
        },
        index=names,
    )
    obs.loc[names[:4], "er_status"] = np.nan
    return obs


def _ingest() -> dict:
    return {
        "params": {
            "cohort": "made up",
            "scale": "counts",
            "orientation": "genes_by_samples",
            "gene_ids": "symbol",
        },
        "methods": "Expression and clinical tables were read and checked.",
        "notes": np.array(["2 samples have no clinical row and were left out: X1, X2"], dtype=object),
        "roles": json.dumps({"endpoints": {"os": {"time": "t", "event": "e"}}}),
        "endpoint_units": {"os": "months"},
        "files": pd.DataFrame({"file": ["expression.tsv.gz"], "sha256": ["ab" * 32], "bytes": [12345]}),
        "flow": pd.DataFrame(
            {
                "stage": ["read", "with clinical data"],
                "samples": [62, 60],
                "genes": [100, 100],
                "reason": ["", "no clinical row"],
            }
        ),
        "excluded": pd.DataFrame({"sample": ["X1", "X2"], "reason": ["no clinical row"] * 2}),
        "gene_mapping": pd.DataFrame(
            {"outcome": ["current", "renamed"], "genes": [99, 1], "examples": ["ERBB2", "CDCA1 to NUF2"]}
        ),
        "unused_columns": pd.DataFrame(
            {
                "column": ["relapse", "plate"],
                "looks_like": ["follow-up", "batch"],
                "reason": ["no column with the time that goes with it was found", "the batch is 'centre'"],
                "caution": [True, False],
            }
        ),
        "clinical_summary": pd.DataFrame(
            {
                "variable": ["age", "er"],
                "kind": ["number", "category"],
                "missing": [0, 4],
                "summary": ["median 58 (27 to 90)", "positive 30, negative 26"],
            }
        ),
    }


def _rle(rng: np.random.Generator, names: pd.Index) -> pd.DataFrame:
    middle = rng.normal(0, 0.1, N)
    return pd.DataFrame(
        {
            "sample": names,
            "q05": middle - 1,
            "q25": middle - 0.3,
            "median": middle,
            "q75": middle + 0.3,
            "q95": middle + 1,
        }
    )


def _qc(rng: np.random.Generator, names: pd.Index) -> dict:
    pcs = [f"PC{i}" for i in range(1, 6)]
    pairs = [(pc, v, rng.uniform(0, 1), 0.01) for v in ("batch", "age", "er") for pc in pcs]
    return {
        "params": {"outlier_sd": 5.0},
        "methods": "Samples were compared by Spearman correlation.",
        "notes": np.array([], dtype=object),
        "summary": pd.DataFrame({"metric": ["samples", "outliers"], "value": [N, 1]}),
        "outliers": pd.DataFrame({"sample": ["T007"], "reason": ["low correlation"]}),
        "duplicates": pd.DataFrame(
            {
                "sample_a": ["T001"],
                "sample_b": ["T002"],
                "correlation": [0.995],
                "patient_a": ["P1"],
                "patient_b": ["P2"],
            }
        ),
        "sex_check": pd.DataFrame(
            {
                "sample": names,
                "recorded": "female",
                "expressed": np.where(np.arange(N) == 3, "male", "female"),
                "xist": rng.normal(8, 1, N),
                "chr_y": rng.normal(1, 0.3, N),
                "agrees": np.arange(N) != 3,
            }
        ),
        "pca_variance": pd.DataFrame({"pc": range(1, 11), "fraction": np.linspace(0.3, 0.02, 10)}),
        "pca_association": pd.DataFrame(pairs, columns=["pc", "variable", "r2", "p"]),
        "identity": pd.DataFrame(
            {
                "sample_a": ["T001", "T010"],
                "sample_b": ["T002", "T011"],
                "patient_a": ["P1", "P9"],
                "patient_b": ["P2", "P9"],
                "profile": [0.97, 0.4],
                "log_odds": [np.nan, -2.5],
                "genes": [0, 4],
                "verdict": ["unexpected", "contradicts"],
            }
        ),
        "rle": _rle(rng, names),
        "density": _density(names),
        "mean_variance": _mean_variance(rng),
    }


def _density(names: pd.Index) -> pd.DataFrame:
    grid = np.linspace(0, 12, 20)
    shares = np.exp(-((grid - 5) ** 2) / 6) + 3 * (grid == 0)
    table = pd.DataFrame(np.tile(shares / shares.sum(), (N, 1)), columns=[f"{x:.4f}" for x in grid])
    table.insert(0, "sample", names.to_numpy())
    return table


def _mean_variance(rng: np.random.Generator) -> pd.DataFrame:
    mean = rng.uniform(0, 10, P)
    sd = 1 / (1 + mean) + rng.uniform(0, 0.3, P)
    return pd.DataFrame({"gene": GENES, "mean": mean, "sd": sd, "trend": 1 / (1 + mean) + 0.15})


def _batch() -> dict:
    return {
        "params": {"method": "combat"},
        "methods": "Batches were corrected by ComBat (Johnson, Li and Rabinovic 2007).",
        "notes": np.array([], dtype=object),
        "variance": pd.DataFrame(
            {"factor": ["batch", "er_status"], "before": [0.21, 0.1], "after": [0.002, 0.11]}
        ),
        "separation": pd.DataFrame(
            {"factor": ["batch", "er_status"], "before": [0.31, 0.12], "after": [-0.01, 0.14]}
        ),
        "pca_variance": pd.DataFrame({"pc": ["PC1", "PC2"], "before": [0.3, 0.1], "after": [0.2, 0.1]}),
        "batches": pd.DataFrame({"batch": ["A", "B"], "samples": [30, 30]}),
    }


def _subtypes(rng: np.random.Generator, names: pd.Index) -> dict:
    ks = np.arange(2, 6)
    grid = np.linspace(0, 1, 20)
    markers = [
        (g, s, rng.normal(1), rng.normal(3), 0.001, 0.01) for s in ("S1", "S2", "S3") for g in GENES[:12]
    ]
    cross = pd.DataFrame(rng.integers(0, 15, (3, 5)), columns=INTRINSIC)
    cross.insert(0, "subtype", ["S1", "S2", "S3"])
    confusion = pd.DataFrame(rng.integers(0, 15, (5, 5)), columns=INTRINSIC)
    confusion.insert(0, "recorded", INTRINSIC)
    return {
        "params": {"n_genes": 50, "k": 3},
        "methods": "Samples were clustered by consensus (Monti et al. 2003).",
        "notes": np.array([], dtype=object),
        "order": names[np.argsort(rng.uniform(size=N))].to_numpy(),
        "k_scores": pd.DataFrame(
            {
                "k": ks,
                "pac": [0.3, 0.1, 0.2, 0.3],
                "silhouette": 0.4,
                "cophenetic": 0.9,
                "delta_area": 0.1,
                "stability": [0.7, 0.9, 0.8, 0.7],
                "null_pac": 0.4,
                "null_lower": 0.3,
                "null_upper": 0.5,
                "relative_pac": [0.75, 0.25, 0.5, 0.75],
                "p": [0.06, 0.0099, 0.0198, 0.06],
                "p_family": [0.12, 0.0198, 0.04, 0.12],
                "chosen": ks == 3,
            }
        ),
        "evidence": True,
        "votes": pd.DataFrame(
            {"rule": ["pac", "silhouette"], "k": [3, 2], "reason": ["lowest PAC", "largest mean silhouette"]}
        ),
        **_subtype_character(),
        "cdf": pd.concat(
            [pd.DataFrame({"k": k, "consensus": grid, "cdf": grid ** (1 / k)}) for k in ks], ignore_index=True
        ),
        "markers": pd.DataFrame(markers, columns=["gene", "subtype", "log_fold_change", "t", "p", "fdr"]),
        "associations": pd.DataFrame(
            {
                "variable": ["er", "age"],
                "test": ["chi-squared", "Kruskal-Wallis"],
                "n": [56, 60],
                "statistic": [20.0, 3.0],
                "p": [1e-5, 0.2],
                "fdr": [2e-5, 0.2],
            }
        ),
        "reason": "k = 3 has the lowest PAC.",
        "intrinsic_source": "published",
        "intrinsic_proportions": pd.DataFrame(
            {
                "subtype": INTRINSIC,
                "samples": [12, 8, 25, 14, 1],
                "fraction": np.array([12, 8, 25, 14, 1]) / 60,
            }
        ),
        "intrinsic_by_subtype": cross,
        "intrinsic_performance": pd.DataFrame(
            {"metric": ["accuracy"], "estimate": [0.8], "lower": [0.7], "upper": [0.9]}
        ),
        "intrinsic_confusion": confusion,
    }


def _subtype_character() -> dict:
    """Return the tables of what the subtypes are, and of how robust they are."""
    ways = ["sd average", "mad ward", "atc kmeans"]
    agreement = pd.DataFrame([[1, 0.8, 0.6], [0.8, 1, 0.7], [0.6, 0.7, 1]], ways, ways)
    sets = ["immune response", "HALLMARK_E2F_TARGETS"]
    return {
        "robustness": pd.DataFrame(
            {
                "genes": ["sd", "mad", "atc"],
                "clusterer": ["average", "ward", "kmeans"],
                "n_genes": 50,
                "agreement": [1.0, 0.8, 0.6],
            }
        ),
        "robustness_agreement": agreement,
        "gene_sets": pd.DataFrame(
            [(s, g, 40, d, 0.001, 0.01) for s, d in (("S1", "up"), ("S2", "down")) for g in sets],
            columns=["subtype", "gene_set", "n_genes", "direction", "p", "fdr"],
        ),
        "known_classes": pd.DataFrame(
            {
                "classification": ["intrinsic", "er"],
                "n": [60, 56],
                "ari": [0.5, 0.3],
                "lower": [0.4, 0.2],
                "upper": [0.6, 0.4],
                "p": [0.001, 0.002],
            }
        ),
        "known_counts": pd.DataFrame(
            [("intrinsic", s, c, 4) for s in ("S1", "S2", "S3") for c in INTRINSIC]
            + [("er", s, c, 9) for s in ("S1", "S2", "S3") for c in ("positive", "negative")],
            columns=["classification", "subtype", "known", "samples"],
        ),
    }


def _performance(metric: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": ["signature", "clinical"],
            "metric": metric,
            "estimate": [0.85, 0.7],
            "lower": [0.75, 0.55],
            "upper": [0.95, 0.85],
        }
    )


def _signature(rng: np.random.Generator) -> pd.DataFrame:
    coefficient = rng.normal(size=6)
    return pd.DataFrame(
        {
            "gene": GENES[:6],
            "coefficient": coefficient,
            "ratio": np.exp(coefficient),
            "selection_frequency": rng.uniform(size=6),
        }
    )


def _stable_signature(rng: np.random.Generator) -> pd.DataFrame:
    """Return a signature with what the biomarkers step alone adds."""
    table = _signature(rng)
    table.insert(3, "lower", table["ratio"] / 1.4)
    table.insert(4, "upper", table["ratio"] * 1.4)
    return table.assign(
        stability=np.linspace(1, 0.4, 6),
        univariate_p=0.0004,
        univariate_fdr=0.02,
        drug=["trastuzumab", "", "", "", "", ""],
    )


def _task(rng: np.random.Generator, names: pd.Index, kind: str) -> dict:
    grid = np.geomspace(1, 0.01, 20)
    curve = pd.DataFrame(
        {
            "lambda": grid,
            "n_genes": np.arange(20),
            "cv_mean": 1 + (np.log(grid) + 2) ** 2 / 20,
            "cv_se": 0.05,
            "lambda_min": 0.13,
            "lambda_1se": 0.3,
        }
    )
    path = pd.concat(
        [
            pd.DataFrame({"lambda": grid, "gene": g, "coefficient": rng.normal() * np.arange(20) / 20})
            for g in GENES[:10]
        ]
    )
    outcome = (
        {"truth": rng.integers(0, 2, N)}
        if kind == "binary"
        else {"time": rng.exponential(40, N), "event": rng.integers(0, 2, N)}
    )
    return {
        "kind": kind,
        "label": "ER status" if kind == "binary" else "overall survival",
        "n": N,
        "n_events": 28,
        "signature": _stable_signature(rng),
        "cv_curve": curve,
        "path": path.reset_index(drop=True),
        "predictions": pd.DataFrame(
            {"sample": names, "repeat": 0, "fold": 0, **outcome, "score": rng.normal(size=N)}
        ),
        **_rivals("auc" if kind == "binary" else "c_index"),
        **_signature_evidence(kind),
    }


def _rivals(metric: str) -> dict:
    """Return how well a signature does, and what it is compared with."""
    rng = np.random.default_rng(11)
    models = ["signature", "best single gene", "clinical only", "signature + clinical"]
    against = [("signature", m) for m in models[1:3]] + [("signature + clinical", "clinical only")]
    return {
        "performance": pd.DataFrame(
            {
                "model": models,
                "metric": metric,
                "estimate": [0.85, 0.75, 0.7, 0.87],
                "lower": [0.75, 0.63, 0.55, 0.78],
                "upper": [0.95, 0.87, 0.85, 0.96],
            }
        ),
        "comparisons": pd.DataFrame(against, columns=["model", "against"]).assign(
            metric=metric,
            difference=[0.10, 0.15, 0.17],
            lower=[0.02, 0.05, 0.06],
            upper=[0.18, 0.25, 0.28],
            p=[0.014, 0.003, 0.002],
        ),
        "random_signatures": pd.DataFrame({"estimate": rng.normal(0.65, 0.04, 100)}),
        "random_p": 1 / 101,
        "random_percentile": 100.0,
        "panel": pd.DataFrame(
            {
                "n_genes": [1, 2, 3, 5, 8],
                "estimate": [0.75, 0.8, 0.84, 0.85, 0.85],
                "se": 0.02,
                "chosen": [False, False, True, False, False],
            }
        ),
        "panel_genes": np.array(GENES[:3], dtype=object),
    }


def _signature_evidence(kind: str) -> dict:
    """Return what speaks for the genes of a signature, and the signature as a product."""
    rng = np.random.default_rng(12)
    frequency = np.sort(rng.uniform(0, 1, 20))[::-1]
    p = np.sort(rng.uniform(0, 1, P) ** 4)
    ratio = np.exp(rng.normal(0, 0.4, P))
    thresholds = np.linspace(0.02, 0.98, 25)
    real, decoy = np.linspace(60, 10, 25).round(), np.linspace(55, 0, 25).round()
    return {
        "formula": "score = 0.52 x ERBB2 - 0.31 x GRB7 + 1.2, of expression as normalized here.",
        "screen": pd.DataFrame(
            {
                "gene": GENES,
                "coefficient": np.log(ratio),
                "ratio": ratio,
                "lower": ratio / 1.3,
                "upper": ratio * 1.3,
                "statistic": np.log(ratio) * 4,
                "p": p,
                "fdr": np.minimum(p * P / np.arange(1, P + 1), 1),
            }
        ),
        "stability": pd.DataFrame(
            {"gene": GENES[:20], "frequency": frequency, "selected": frequency >= 0.75}
        ),
        "stability_path": pd.DataFrame(
            [(g, n, f * n / 6) for g, f in zip(GENES, frequency, strict=False) for n in range(1, 7)],
            columns=["gene", "n_genes", "frequency"],
        ),
        "stability_q": 6,
        "stability_threshold": 0.75,
        "stability_pfer": 0.9,
        "decoys": pd.DataFrame(
            {
                "threshold": thresholds,
                "n_real": real.astype(int),
                "n_decoy": decoy.astype(int),
                "fdp": (1 + decoy) / real,
            }
        ),
        "decoy_genes": np.array(GENES[:10], dtype=object),
        "decoy_fdr": 0.1,
        "decoy_threshold": float(thresholds[-1]),
        "nomogram": pd.DataFrame(
            [
                (g, v, (v if i % 2 else 12 - v) * 8.3)
                for i, g in enumerate(GENES[:6])
                for v in range(0, 13, 2)
            ],
            columns=["gene", "value", "points"],
        ),
        "nomogram_total": pd.DataFrame(
            {"points": np.arange(0, 600, 100.0), "probability": [0.01, 0.1, 0.3, 0.6, 0.9, 0.99]}
        ),
        **({"nomogram_horizon": 60.0, "nomogram_unit": "months"} if kind == "survival" else {}),
    }


def _receptors(rng: np.random.Generator, names: pd.Index) -> dict:
    receptors = ["er", "pr", "her2"]
    return {
        "params": {},
        "methods": "Receptor status was called from a mixture of two normals.",
        "notes": np.array(["HER2 is not recorded: its status is expression-derived"], dtype=object),
        "source": {
            "er": "recorded",
            "pr": "recorded",
            "her2": "expression-derived",
            "tnbc": "expression-derived",
        },
        "mixtures": pd.DataFrame(
            {
                "receptor": receptors,
                "genes": ["ESR1", "PGR", "ERBB2, GRB7"],
                "mean_low": 4.0,
                "mean_high": 8.0,
                "sd_low": 0.8,
                "sd_high": 0.7,
                "weight_high": 0.4,
                "threshold": 6.2,
                "bimodality_index": 1.6,
            }
        ),
        "counts": pd.DataFrame(
            {
                "receptor": [*receptors, "tnbc"],
                "source": ["recorded", "recorded", "expression-derived", "expression-derived"],
                "positive": [30, 25, 12, 10],
                "negative": [26, 30, 40, 50],
                "equivocal": [0, 0, 8, 0],
                "missing": [4, 5, 0, 0],
            }
        ),
        "agreement": pd.DataFrame(
            {
                "receptor": ["er"],
                "n": [56],
                "agreement": [0.9],
                "lower": [0.8],
                "upper": [0.96],
                "kappa": [0.8],
                "sensitivity": [0.9],
                "specificity": [0.9],
            }
        ),
        "values": pd.DataFrame(
            np.where(rng.uniform(size=(N, 3)) < 0.4, 8, 4) + rng.normal(0, 0.7, (N, 3)), names, receptors
        ),
    }


def _call_performance() -> pd.DataFrame:
    """Return the performance of a classifier that called 54 of 60."""
    counts = {
        "called": (54, 60),
        "sensitivity": (20, 25),
        "specificity": (25, 29),
        "positive_predictive_value": (20, 24),
        "negative_predictive_value": (25, 30),
        "accuracy": (45, 54),
        "majority_share": (29, 54),
    }
    rows = [("signature", "auc", 0.85, 0.75, 0.95, np.nan, 60)]
    rows += [("signature", m, k / n, k / n - 0.1, min(k / n + 0.1, 1), k, n) for m, (k, n) in counts.items()]
    rows.append(("ERBB2 alone", "auc", 0.82, 0.7, 0.94, np.nan, 60))
    return pd.DataFrame(rows, columns=["model", "metric", "estimate", "lower", "upper", "count", "n"])


def _classifier(rng: np.random.Generator, names: pd.Index) -> dict:
    truth = rng.integers(0, 2, N)
    rate = np.linspace(0, 1, 15)
    probability = np.clip(truth * 0.6 + rng.uniform(0, 0.4, N), 0, 1)
    return {
        "label_source": "expression-derived",
        "excluded_genes": np.array(["ERBB2", "GRB7"], dtype=object),
        "n_positive": int(truth.sum()),
        "n_negative": int(N - truth.sum()),
        "n_excluded": 8,
        "aim": "balanced",
        "threshold": 0.5,
        "band": np.array([0.35, 0.65]),
        "performance": _call_performance(),
        "counts": pd.DataFrame(
            {
                "truth": ["positive", "negative"],
                "positive": [20, 4],
                "negative": [5, 25],
                "cannot_call": [3, 3],
            }
        ),
        "comparisons": pd.DataFrame(
            [("signature", "ERBB2 alone", "auc", 0.03, -0.02, 0.08, 0.2)],
            columns=["model", "against", "metric", "difference", "lower", "upper", "p"],
        ),
        "roc": pd.DataFrame({"false_positive_rate": rate, "true_positive_rate": np.sqrt(rate)}),
        "calibration": pd.DataFrame(
            {"predicted": [0.1, 0.3, 0.5, 0.7, 0.9], "observed": [0.05, 0.3, 0.55, 0.6, 1.0], "n": 12}
        ),
        "predictions": pd.DataFrame(
            {
                "sample": names,
                "truth": truth,
                "probability": probability,
                "threshold": 0.5,
                "call": np.where(probability > 0.5, "positive", "negative"),
            }
        ),
        "signature": _signature(rng),
    }


def _classify(rng: np.random.Generator, names: pd.Index) -> dict:
    return {
        "params": {"uncertain": np.array([0.35, 0.65])},
        "methods": "Classifiers are LASSO logistic regressions.",
        "notes": np.array([], dtype=object),
        "tasks": np.array(["her2"], dtype=object),
        "her2": _classifier(rng, names),
        "skipped": pd.DataFrame({"task": ["tnbc"], "reason": ["only 3 positive samples"]}),
    }


def _survival(rng: np.random.Generator) -> dict:
    curves = []
    for group, rate in (("low", 0.004), ("high", 0.015)):
        time = np.sort(rng.uniform(0, 100, 20))
        s = np.exp(-rate * time)
        curves.append(
            pd.DataFrame(
                {
                    "grouping": "risk_group",
                    "group": group,
                    "time": time,
                    "survival": s,
                    "lower": s * 0.9,
                    "upper": np.minimum(s * 1.1, 1),
                    "at_risk": np.arange(30, 10, -1),
                }
            )
        )
    names = ["clinical", "clinical", "clinical + signature"]
    return {
        "params": {"n_folds": 5},
        "methods": "Survival was estimated by Kaplan and Meier (1958).",
        "notes": np.array([], dtype=object),
        "endpoints": np.array(["os"], dtype=object),
        "os": {
            "unit": "months",
            "n": N,
            "n_events": 28,
            "median_follow_up": 48.0,
            "horizon": 48.0,
            "kaplan_meier": pd.concat(curves, ignore_index=True),
            "at_risk": pd.DataFrame(
                {
                    "grouping": "risk_group",
                    "group": ["low", "high"],
                    "0": [30, 30],
                    "50": [20, 15],
                    "100": [10, 3],
                }
            ),
            "logrank": pd.DataFrame(
                {
                    "grouping": ["risk_group"],
                    "test": ["log-rank, outcomes permuted"],
                    "chi2": [9.0],
                    "df": [1],
                    "p": [0.005],
                    "p_adjusted": [0.005],
                }
            ),
            "cox": pd.DataFrame(
                {
                    "model": names,
                    "covariate": ["age", "node positive", "risk_os"],
                    "coefficient": 0.3,
                    "hazard_ratio": [1.2, 2.0, 2.7],
                    "lower": [0.9, 1.1, 1.5],
                    "upper": [1.6, 3.6, 4.9],
                    "p": [0.2, 0.02, 0.0004],
                }
            ),
            "proportional_hazards": pd.DataFrame({"covariate": ["age"], "statistic": [0.3], "p": [0.6]}),
            "concordance": pd.DataFrame(
                {
                    "model": ["clinical", "genes"],
                    "estimate": [0.61, 0.66],
                    "lower": [0.5, 0.55],
                    "upper": [0.72, 0.77],
                    "n": N,
                    "n_events": 28,
                }
            ),
        },
    }


def _response(rng: np.random.Generator, names: pd.Index) -> dict:
    return {
        "params": {},
        "methods": "Interaction was tested in Cox models.",
        "notes": np.array([], dtype=object),
        "available": "both",
        "sentence": "Treatment and response are recorded.",
        "interaction": pd.DataFrame(
            {
                "endpoint": "os",
                "biomarker": ["ERBB2", "risk_os"],
                "n_treated": 30,
                "n_control": 30,
                "term": "treated : high vs low",
                "coefficient": [0.4, -0.2],
                "hazard_ratio": [1.5, 0.8],
                "lower": [0.8, 0.3],
                "upper": [2.8, 2.1],
                "p": [0.2, 0.7],
                "fdr": [0.4, 0.7],
            }
        ),
        "subgroups": pd.DataFrame(
            {
                "endpoint": "os",
                "biomarker": "ERBB2",
                "level": ["low", "high"],
                "n_treated": 15,
                "n_control": 15,
                "hazard_ratio": [0.9, 1.4],
                "lower": [0.4, 0.7],
                "upper": [2.0, 2.8],
                "p": [0.8, 0.3],
            }
        ),
        "classifier": _classifier(rng, names),
    }
