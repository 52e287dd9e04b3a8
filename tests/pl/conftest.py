from __future__ import annotations

import anndata as ad
import pytest

from .._fabricated import cohort as make_cohort
from .._fabricated import external as make_external


@pytest.fixture(scope="session")
def cohort() -> ad.AnnData:
    return make_cohort()


@pytest.fixture(scope="session")
def external() -> ad.AnnData:
    return make_external()
