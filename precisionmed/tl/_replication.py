"""Are the locked subtypes there in a second cohort? Proportions, a clustering of its own, and outcome."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from precisionmed.config.minima import TO_REPLICATE
from precisionmed.estimators import metrics
from precisionmed.estimators.centroids import CANNOT_CALL, NearestCentroid
from precisionmed.estimators.consensus import ConsensusClustering
from precisionmed.estimators.group_hazards import group_hazards
from precisionmed.estimators.replication import replication_test
from precisionmed.io._evidence import FEWEST_CALLED
from precisionmed.io._predict import Prepared
from precisionmed.io.model import LockedModel
from precisionmed.pp._inputs import table
from precisionmed.tl import _survival_cohort as cohort

FEWEST = TO_REPLICATE
"""Fewest samples in which clusters are looked for."""
_LARGE, _ROTATIONS, _ROTATIONS_LARGE = 2000, 1000, 200
_RESAMPLES = 100
_LITTLE, _WELL = 0.2, 0.5
"""Adjusted Rand indices of calls and own clusters below which they hardly agree, and from which they do."""


def replication_tables(
    model: LockedModel,
    samples: dict[str, Prepared],
    calls: dict[str, pd.DataFrame],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Look for the locked subtypes in another cohort.

    Parameters
    ----------
    model
        The locked model.
    samples, calls
        By mode, the prepared samples and what the model calls them.
    rng
        Rotates and resamples.

    Returns
    -------
    dict
        Tables `replication`, `replication_overlap` and `replication_summary` of docs/data-model.md,
        `replication_verdict`, a sentence, and `replication_confirmed`; only the sentence where there is
        nothing to look for.
    """
    if "subtype" not in model.parts["tasks"]:
        return {"replication_verdict": "The locked model has no subtypes, so there were none to find again."}
    classifier: NearestCentroid = model.parts["tasks"]["subtype"]["model"]
    first = next(iter(samples.values()))
    genes = np.asarray(classifier.feature_names_in_, dtype=str)[classifier.selected_]
    measured = ~first.gaps[genes].any().to_numpy()
    rows = ~first.gaps.all(axis=1).to_numpy()
    if rows.sum() < FEWEST or measured.sum() < FEWEST:
        return {
            "replication_verdict": f"{rows.sum()} samples with {measured.sum()} of the {len(genes)} subtype "
            f"genes are too few to look for clusters (at least {FEWEST} of both)."
        }
    own = _own_clusters(first.normal.loc[rows, genes[measured]].to_numpy(), len(classifier.classes_), rng)
    proportions, overlaps, summaries = [], [], []
    for mode, prepared in samples.items():
        called = calls[mode]["subtype"].astype(str)[rows]
        values = prepared.normal.loc[rows, genes[measured]].to_numpy() - classifier.centre_[measured]
        found = _proportions(values, classifier, measured, called, rng)
        proportions.append(cohort.labelled(found, mode=mode))
        overlap, summary = _agreement(called.to_numpy(), own, classifier.classes_)
        overlaps.append(cohort.labelled(overlap, mode=mode))
        summaries.append({"mode": mode, **summary})
    return {
        "replication": cohort.tables(proportions),
        "replication_overlap": cohort.tables(overlaps),
        "replication_summary": table(pd.DataFrame(summaries)),
        "replication_verdict": verdict(cohort.tables(proportions), summaries[0]),
        "replication_confirmed": confirmed(summaries[0]),
    }


def subtype_survival(
    model: LockedModel, called: pd.Series, endpoints: list[cohort.Endpoint], name: str
) -> pd.DataFrame | None:
    """Return the hazards of the subtypes in the training cohort and in this one, called by the model.

    Parameters
    ----------
    model
        The locked model, which remembers those of its training cohort.
    called
        Subtype of each sample of the second cohort.
    endpoints
        Outcomes of the second cohort.
    name
        Name of the second cohort.

    Returns
    -------
    DataFrame or None
        `endpoint`, `cohort`, `part` (`training` or `second`) and the columns of `group_hazards`; the
        largest subtype of the training cohort is the reference in both. Endpoints of the same name
        stand together; when no name is shared, the first of each cohort do. None when there is nothing to
        compare.
    """
    trained = model.parts.get("subtype_survival")
    known = [] if trained is None else list(dict.fromkeys(trained["endpoint"].astype(str)))
    shared = [endpoint for endpoint in endpoints if endpoint.name in known]
    parts = []
    for endpoint in shared or endpoints[:1]:
        group = called.iloc[endpoint.rows].astype(str)
        sure = (group != CANNOT_CALL).to_numpy()
        if group[sure].nunique() < 2:
            continue
        reference = str(group[sure].value_counts().idxmax())
        if trained is not None:
            before = trained[trained["endpoint"] == (endpoint.name if shared else known[0])]
            reference = str(before["subtype"].iloc[0])
            shown = before.drop(columns="endpoint")
            parts.append(
                cohort.labelled(
                    shown, endpoint=before["endpoint"], cohort=model.manifest["cohort"], part="training"
                )
            )
        y = endpoint.y[sure]
        now = group_hazards(y["time"], y["event"], group[sure], reference, entry=y.get("entry"))
        parts.append(cohort.labelled(now, endpoint=endpoint.name, cohort=name, part="second"))
    return cohort.tables(parts) if parts else None


def _own_clusters(values: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Cluster the second cohort without looking at the calls."""
    clustering = ConsensusClustering((k,), resamples=_RESAMPLES, k=k, n_null=0, random_state=rng)
    return clustering.fit(values - np.median(values, axis=0)).labels_[k]


def _proportions(
    values: np.ndarray,
    classifier: NearestCentroid,
    measured: np.ndarray,
    called: pd.Series,
    rng: np.random.Generator,
) -> pd.DataFrame:
    found = replication_test(
        values,
        classifier.centroids_[:, measured],
        offsets=classifier.offsets_ / (classifier.sharpness_ or 1.0),
        n_rotations=_ROTATIONS if len(values) <= _LARGE else _ROTATIONS_LARGE,
        random_state=rng,
    )
    found.insert(0, "subtype", classifier.classes_)
    found.insert(2, "called", [int((called == name).sum()) for name in classifier.classes_])
    return found


def _agreement(
    called: np.ndarray, own: np.ndarray, classes: np.ndarray
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Cross the calls with the cohort's own clusters, numbered so that cluster i matches class i best."""
    sure = called != CANNOT_CALL
    k = len(classes)
    counts = np.array([[np.sum((called == name) & (own == j)) for j in range(k)] for name in classes])
    _, partner = linear_sum_assignment(-counts)
    names = [f"C{i + 1}" for i in range(k)]
    rows = [
        (name, names[i], int(counts[r, j])) for r, name in enumerate(classes) for i, j in enumerate(partner)
    ]
    if not sure.all():
        rows += [(CANNOT_CALL, names[i], int((~sure & (own == j)).sum())) for i, j in enumerate(partner)]
    matched = int(counts[np.arange(k), partner].sum())
    refused = metrics.proportion_interval(int((~sure).sum()), len(called))
    agreed = metrics.proportion_interval(matched, int(sure.sum())) if sure.any() else (np.nan,) * 3
    summary = {
        "samples": len(called),
        "none_of_these": refused[0],
        "none_lower": refused[1],
        "none_upper": refused[2],
        "called": int(sure.sum()),
        "adjusted_rand": float(adjusted_rand_score(called[sure], own[sure])) if sure.any() else np.nan,
        "agreement": agreed[0],
        "lower": agreed[1],
        "upper": agreed[2],
    }
    return pd.DataFrame(rows, columns=["called", "found", "samples"]), summary


def confirmed(summary: dict[str, Any]) -> bool:
    """Return whether most samples were called, and the cohort's own clusters agree at least in part."""
    enough = int(summary["called"]) >= FEWEST_CALLED * int(summary["samples"])
    return enough and float(summary["adjusted_rand"]) >= _LITTLE


def verdict(found: pd.DataFrame, summary: dict[str, Any]) -> str:
    """Say whether the subtypes are there again, by the first mode, a patient's.

    They are not confirmed by clusters that keep to themselves alone: most samples must have been called, and
    the cohort clustered on its own must agree with the calls.

    Parameters
    ----------
    found
        The table `replication`.
    summary
        The first mode's row of `replication_summary`.
    """
    mode = str(found["mode"].iloc[0])
    rows = found[found["mode"] == mode]
    again = rows.loc[rows["fdr"] < 0.05, "subtype"].astype(str).tolist()
    said = (
        f"{len(again)} of {len(rows)} subtypes are clusters here too"
        + (f" ({', '.join(again)})" if again else "")
        + ": their samples keep to themselves more than in cohorts that are the same but for clusters "
        f"({mode}, false discovery rate 5%)."
    )
    agreement, called, n = float(summary["adjusted_rand"]), int(summary["called"]), int(summary["samples"])
    index = f"adjusted Rand index {agreement:.2f}".replace("-", "−")
    if called < FEWEST_CALLED * n:
        return f"The subtypes are not confirmed here: only {called} of {n} samples could be called ({mode})."
    if not confirmed(summary):
        return (
            "The subtypes are not confirmed here: clusters that this cohort shows on its own hardly agree "
            f"with the calls ({index}); {len(again)} of {len(rows)} subtypes alone keep to themselves "
            f"({mode}, false discovery rate 5%)."
        )
    if agreement < _WELL:
        return f"{said} The cohort's own clusters agree with the calls only in part ({index})."
    return f"{said} The cohort's own clusters agree with the calls ({index})."
