"""The door of a step: samples and genes are worked on in the order of their names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from precisionmed.estimators._order import name_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData

P = ParamSpec("P")


def by_name(step: Callable[Concatenate[AnnData, P], AnnData]) -> Callable[Concatenate[AnnData, P], AnnData]:
    """Make the results of a step independent of the order of samples and genes.

    Inside the step both stand in the order of their names. Afterwards samples stand as they did before; genes
    stay in the order of their names, which is the one that the models of all steps share.
    """

    @wraps(step)
    def ordered(adata: AnnData, *args: P.args, **kwargs: P.kwargs) -> AnnData:
        _order_genes(adata)
        with _ordered_samples(adata):
            step(adata, *args, **kwargs)
        return adata

    return ordered


@contextmanager
def _ordered_samples(adata: AnnData) -> Iterator[None]:
    order, before = name_order(adata.obs_names), adata.obs_names
    if order is None:
        yield
        return
    adata._inplace_subset_obs(order)
    try:
        yield
    finally:
        left = before[before.isin(adata.obs_names)]
        adata._inplace_subset_obs(adata.obs_names.get_indexer(left))


def _order_genes(adata: AnnData) -> None:
    raw_order = None if adata.raw is None else name_order(adata.raw.var_names)
    order = name_order(adata.var_names)
    if order is not None:
        adata._inplace_subset_var(order)
    if raw_order is not None:
        adata.raw = adata.raw.to_adata()[:, raw_order]
