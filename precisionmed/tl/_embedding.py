"""Samples in the plane: principal components and UMAP."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from precisionmed.errors import InputError

_COMPONENTS = 10


def principal_components(values: np.ndarray) -> np.ndarray:
    """Return the scores of the samples on the first ten components of `values`, (n_samples, n_genes)."""
    with threadpool_limits(limits=1, user_api="blas"):  # the same bits for any number of threads
        left, singular, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    scores = (left * singular)[:, :_COMPONENTS]
    # The sign of a component is arbitrary; the sample farthest out is put on the positive side.
    farthest = np.abs(scores).argmax(axis=0)
    return scores * np.where(scores[farthest, np.arange(scores.shape[1])] < 0, -1.0, 1.0)


def check_umap() -> None:
    """Refuse, before any work is done, when umap-learn is not installed.

    Raises
    ------
    InputError
        It is not, with the command that installs it.
    """
    try:
        import umap  # noqa: F401
    except ImportError:
        raise InputError(
            "subtypes.umap needs the package umap-learn: pip install 'precisionmed[umap]', or leave it out."
        ) from None


def umap_embedding(components: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the samples in two dimensions by UMAP of their principal components.

    McInnes, Healy and Melville, arXiv:1802.03426. A seed and one thread make it the same in every run.
    """
    import umap

    neighbours = min(15, len(components) - 1)
    model = umap.UMAP(n_neighbors=neighbours, random_state=int(rng.integers(2**31)), n_jobs=1)
    with threadpool_limits(limits=1):
        return model.fit_transform(components).astype(np.float64)
