"""Draw the figure and the table of docs/how-to/choose-a-normalization.md.

Call it with a table of counts (genes x samples), a clinical table with the columns `sample` and `er_ihc`, and
the figure to write:

python docs/how-to/choose_a_normalization.py counts.tsv.gz clinical.tsv docs/images/choose-a-normalization.png
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData

import precisionmed as pm
from precisionmed.config import CohortConfig
from precisionmed.pl import normalize as figures
from precisionmed.pl._base import style
from precisionmed.pp._factors import explained_fraction, gram

METHODS = ("log_cpm", "upper_quartile", "tmm", "vst", "quantile", "rank")
DRAWN = ("log_cpm", "tmm", "vst", "rank")


def main(counts: Path, clinical: Path, image: Path) -> None:
    """Normalize the cohort by each method, print what it did, draw four of them."""
    cohort = CohortConfig.model_validate(
        {
            "expression": [counts],
            "clinical": clinical,
            "scale": "counts",
            "roles": {"receptors": {"er": {"column": "er_ihc"}}},
        }
    )
    read = pm.read_cohort(cohort)
    rows = []
    plt.rcParams.update(style())
    figure, axes = plt.subplots(len(DRAWN), 3, figsize=(12.5, 2.8 * len(DRAWN)), layout="constrained")
    for method in METHODS:
        adata = read.copy()
        start = time.perf_counter()
        pm.pp.normalize(adata, method=method)
        seconds = time.perf_counter() - start
        rows.append((method, *described(adata), seconds))
        if method in DRAWN:
            line = axes[DRAWN.index(method)]
            for ax, draw in zip(line, (figures.rle, figures.density, figures.mean_variance), strict=True):
                draw(adata, ax=ax)
                ax.set_title(f"{WORDS[method]}: {TITLES[draw.__name__]}", loc="left")
    table = pd.DataFrame(rows, columns=["method", "RLE medians, SD", "ER R2", "seconds"])
    print(table.round(3).to_string(index=False))
    figure.savefig(image, dpi=80)


WORDS = {"log_cpm": "log-CPM", "tmm": "TMM", "vst": "VST", "rank": "normal scores"}
TITLES = {"rle": "relative log expression", "density": "density", "mean_variance": "mean and variance"}


def described(adata: AnnData) -> tuple[float, float]:
    """Return the SD of RLE medians over the median gene's SD, and the variance explained by ER."""
    rle = adata.uns["precisionmed"]["normalize"]["rle"]["median"]
    spread = float(rle.std() / np.median(adata.X.std(axis=0)))
    return spread, explained_fraction(gram(adata.X), adata.obs["er"])


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
