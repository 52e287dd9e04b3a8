"""A small cohort as `ingest` leaves it."""

from collections.abc import Callable

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from precisionmed.config import EndpointConfig, RolesConfig


def cohort(scale: str = "counts", n: int = 36, genes: int = 300, seed: int = 0) -> ad.AnnData:
    """Return a cohort with three batches and two kinds of tumour in each."""
    generator = np.random.default_rng(seed)
    er, batch = np.arange(n) % 2 == 0, np.arange(n) * 3 // n
    level = generator.gamma(1, 200, genes) + 5
    logs = np.log(level) + er[:, None] * generator.normal(0, 0.7, genes)
    logs += generator.normal(0, 0.5, (3, genes))[batch] + generator.normal(0, 0.2, (n, genes))
    counts = generator.poisson(np.exp(logs) * generator.lognormal(0, 0.2, (n, 1))).astype(float)
    counts[:, :10] = generator.poisson(0.05, (n, 10))  # not expressed
    names = [f"G{i}" for i in range(genes)]
    names[20:24] = ["XIST", "RPS4Y1", "DDX3Y", "KDM5D"]
    counts[:, 20], counts[:, 21:24] = 900, generator.poisson(0.1, (n, 3))
    values = counts if scale in ("counts", "rsem", "tpm", "fpkm") else np.log2(counts + 1)
    obs = pd.DataFrame(
        {
            "er": pd.Categorical(np.where(er, "positive", "negative")),
            "batch": pd.Categorical(np.array(["x", "y", "z"])[batch]),
            "sex": pd.Categorical(["female"] * n, categories=["female", "male"]),
            "patient": pd.Categorical([f"P{i}" for i in range(n)]),
            "age": generator.normal(55, 9, n),
            "os_time": generator.exponential(30, n),
            "os_event": generator.integers(0, 2, n).astype(float),
        },
        index=[f"S{i}" for i in range(n)],
    )
    adata = ad.AnnData(values, obs=obs, var=pd.DataFrame(index=names))
    adata.layers["counts" if scale == "counts" else "measured"] = values.copy()
    roles = RolesConfig(
        endpoints={"os": EndpointConfig(time="t", event="e")}, batch="centre", covariates=["age"]
    )
    adata.uns["precisionmed"] = {"ingest": {"params": {"scale": scale}, "roles": roles.model_dump_json()}}
    return adata


@pytest.fixture
def make_cohort() -> Callable[..., ad.AnnData]:
    return cohort
