"""Who the simulated patients are: subtype, receptors, clinic, treatment and outcome, with the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

# Intrinsic classes: share, P(ER), P(PR | ER), P(HER2 amplified), log hazard ratio, P(grade 1, 2, 3).
CLASSES = pd.DataFrame(
    {
        "LumA": [0.40, 0.98, 0.90, 0.03, 0.0, (0.35, 0.50, 0.15)],
        "LumB": [0.20, 0.96, 0.70, 0.15, 0.4, (0.05, 0.45, 0.50)],
        "Basal": [0.20, 0.05, 0.30, 0.03, 0.7, (0.01, 0.14, 0.85)],
        "Her2": [0.15, 0.35, 0.40, 0.90, 0.6, (0.02, 0.28, 0.70)],
        "Normal": [0.05, 0.75, 0.70, 0.02, 0.1, (0.40, 0.40, 0.20)],
    },
    index=["share", "er", "pr", "her2", "log_hazard", "grade"],
).T
AGE_LOG_HAZARD = 0.02  # for each year
NODE_LOG_HAZARD = 0.5
WEIBULL_SHAPE = 1.2
BASELINE_MEDIAN = 100.0  # months
IHC_ERROR = 0.02
HER2_EQUIVOCAL = 0.06
MISSING = 0.02


def draw_patients(
    n: int, k: int, n_batches: int, male_fraction: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw subtype, true receptor status and clinic of `n` patients.

    Returns
    -------
    DataFrame (n, ...)
        `subtype`, `er`, `pr`, `her2` (true, bool), `batch`, `sex`, `age` (years), `grade` (1-3),
        `node_status`, `race`; the index are the sample names.
    """
    classes = CLASSES.iloc[:k]
    share = classes["share"].to_numpy(float)
    subtype = rng.choice(k, n, p=share / share.sum())
    own = classes.iloc[subtype]
    er = rng.random(n) < own["er"].to_numpy(float)
    pr = er & (rng.random(n) < own["pr"].to_numpy(float))
    her2 = rng.random(n) < own["her2"].to_numpy(float)
    to_grade = np.cumsum(np.array(list(own["grade"])), axis=1)
    grade = 1 + (rng.random(n)[:, None] > to_grade[:, :2]).sum(axis=1)
    batch = rng.permutation(np.arange(n) % n_batches)
    return pd.DataFrame(
        {
            "subtype": classes.index.to_numpy()[subtype],
            "er": er,
            "pr": pr,
            "her2": her2,
            "batch": [f"B{b + 1}" for b in batch],
            "sex": np.where(rng.random(n) < male_fraction, "male", "female"),
            "age": np.clip(rng.normal(58, 12, n), 25, 95).round(),
            "grade": grade.astype(float),
            "node_status": np.where(rng.random(n) < 0.25 + 0.1 * grade, "positive", "negative"),
            "race": rng.choice(["Asian", "Black", "White"], n, p=[0.1, 0.2, 0.7]),
        },
        index=pd.Index([f"P{i + 1:05d}" for i in range(n)], name="sample"),
    )


def recorded_status(truth: np.ndarray, equivocal: float, rng: np.random.Generator) -> pd.Categorical:
    """Return a status as the pathologist records it: rarely wrong, at times equivocal or missing."""
    n = len(truth)
    positive = np.where(rng.random(n) < IHC_ERROR, ~truth, truth)
    status = np.where(positive, "positive", "negative").astype(object)
    status[rng.random(n) < equivocal] = "equivocal"
    status[rng.random(n) < MISSING] = np.nan
    return pd.Categorical(status, categories=["negative", "positive", "equivocal"])


def log_hazard(patients: pd.DataFrame, activity: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return the true log hazard ratio of each patient without treatment, centred, shape (n,)."""
    subtype = patients["subtype"].map(CLASSES["log_hazard"]).to_numpy(float)
    clinic = AGE_LOG_HAZARD * (patients["age"].to_numpy() - 58.0)
    clinic += NODE_LOG_HAZARD * (patients["node_status"] == "positive").to_numpy()
    risk = subtype + clinic + activity @ coefficients
    return risk - risk.mean()


def draw_treatment(kind: str, risk: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return who is treated: by the toss of a coin, or (`confounded`) rather those at high risk."""
    chance = 0.5 if kind == "randomized" else expit(1.5 * risk / risk.std())
    return np.asarray(rng.random(len(risk)) < chance)


def draw_survival(
    risk: np.ndarray, censoring: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw Weibull survival times (months) under `risk`, censored by uniform accrual.

    Accrual ends at the time at which exactly the fraction `censoring` of the patients is censored:
    patient i is censored at `a * u_i`, which comes before the event if `a < t_i / u_i`.

    Returns
    -------
    time, event : ndarray (n,)
    """
    n = len(risk)
    scale = BASELINE_MEDIAN / np.log(2) ** (1 / WEIBULL_SHAPE)
    time = scale * (rng.exponential(size=n) * np.exp(-risk)) ** (1 / WEIBULL_SHAPE)
    if censoring == 0:
        return time, np.ones(n)
    follow_up = 1.0 - rng.random(n)  # in (0, 1]
    follow_up *= np.quantile(time / follow_up, 1 - censoring)
    return np.minimum(time, follow_up), (time <= follow_up).astype(float)


def draw_response(
    logit: np.ndarray, prevalence: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a binary label from a logistic model whose intercept gives the wanted prevalence.

    Returns
    -------
    label : ndarray of bool (n,)
    probability : ndarray (n,)
    """
    reach = 50 + np.abs(logit).max()
    intercept = brentq(lambda b: expit(b + logit).mean() - prevalence, -reach, reach)
    probability = expit(intercept + logit)
    return rng.random(len(logit)) < probability, probability
