"""What the figures of subtypes say, in the cases that are easily drawn wrong."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle

from precisionmed import pl
from precisionmed.errors import InputError
from precisionmed.pl._base import offscreen
from precisionmed.pl._flow import alluvial, spread
from precisionmed.pl.subtypes import _short


@pytest.fixture
def adata(cohort: ad.AnnData) -> ad.AnnData:
    return cohort.copy()


def _texts(ax: Axes) -> str:
    return "\n".join(text.get_text() for text in ax.texts)


def test_the_chosen_k_is_ringed_and_every_k_has_its_p(adata: ad.AnnData) -> None:
    with offscreen():
        ax = pl.subtypes.k_scores(adata)
    assert "chosen" in _texts(ax)
    assert "3 against none, all k considered: p = 0.020" in _texts(ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "2\n0.060",
        "3\n0.010",
        "4\n0.020",
        "5\n0.060",
    ]


def test_without_subtypes_no_k_is_ringed(adata: ad.AnnData) -> None:
    adata.uns["precisionmed"]["subtypes"]["k_scores"]["chosen"] = False
    with offscreen():
        for draw in (pl.subtypes.k_scores, pl.subtypes.votes, pl.subtypes.delta_area):
            assert "chosen" not in _texts(draw(adata))


def test_without_evidence_the_answer_is_none_and_k_is_only_shown(adata: ad.AnnData) -> None:
    found = adata.uns["precisionmed"]["subtypes"]
    found["evidence"] = False
    found["votes"].loc[0, "k"] = 1
    with offscreen():
        scores, rules = pl.subtypes.k_scores(adata), pl.subtypes.votes(adata)
    assert "shown" in _texts(scores)
    assert "chosen" not in _texts(scores)
    shaded = next(patch for patch in rules.patches if isinstance(patch, Rectangle))
    assert shaded.get_x() == -0.5  # the column of "none"


def test_scores_without_a_null_are_drawn_too(adata: ad.AnnData) -> None:
    table = adata.uns["precisionmed"]["subtypes"]["k_scores"]
    adata.uns["precisionmed"]["subtypes"]["k_scores"] = table[["k", "pac", "silhouette", "chosen"]]
    with offscreen():
        ax = pl.subtypes.k_scores(adata)
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["this cohort"]


def test_a_vote_for_no_subtypes_has_its_own_column(adata: ad.AnnData) -> None:
    adata.uns["precisionmed"]["subtypes"]["votes"].loc[0, "k"] = 1
    with offscreen():
        ax = pl.subtypes.votes(adata)
    assert next(iter(ax.get_xticklabels())).get_text() == "none"


def test_the_embedding_counts_core_and_uncertain_samples(adata: ad.AnnData) -> None:
    core = int(adata.obs["subtype_core"].sum())
    with offscreen():
        ax = pl.subtypes.embedding(adata, basis="X_umap")
    labels = [label.get_text() for label in ax.get_legend().get_texts()]
    assert labels[-2:] == [f"core ({core})", f"uncertain ({adata.n_obs - core})"]
    with pytest.raises(InputError, match="obsm has no 'X_tsne'"):
        pl.subtypes.embedding(adata, basis="X_tsne")


def test_known_classes_have_their_agreement_in_the_title(adata: ad.AnnData) -> None:
    with offscreen():
        best, other = pl.subtypes.known(adata), pl.subtypes.known(adata, "er")
    assert best.get_title(loc="left") == "Intrinsic"
    assert "ARI 0.50 (0.40 to 0.60), p = 0.001, n = 60" in _texts(best)
    assert other.get_title(loc="left") == "ER"
    with pytest.raises(InputError, match=r"no known classification 'err'. Did you mean 'er'"):
        pl.subtypes.known(adata, "err")


def test_heights_of_an_alluvial_are_numbers_of_samples() -> None:
    counts = pd.DataFrame([[30, 0], [10, 20]], ["S1", "S2"], ["Basal", "LumA"])
    ax = Figure().add_subplot()
    alluvial(ax, counts)
    ribbons = [p for p in ax.patches if isinstance(p, PathPatch)]
    assert len(ribbons) == 3  # none for the empty cell
    tall = [p.get_height() for p in ax.patches if isinstance(p, Rectangle)]
    np.testing.assert_allclose(np.array(tall) / tall[0], [1, 1, 40 / 30, 20 / 30])
    first = ribbons[0].get_path().vertices
    np.testing.assert_allclose(first[0, 1] - first[-2, 1], tall[0])
    assert "Basal (40)" in _texts(ax)


def test_labels_that_would_overlap_are_pushed_apart_in_order() -> None:
    moved = spread([0.9, 0.5, 0.499, 0.498, 0.1], least=0.05)
    assert (-np.diff(moved) >= 0.05 - 1e-6).all()
    np.testing.assert_allclose(moved[[0, -1]], [0.9, 0.1])
    np.testing.assert_allclose(moved[2], 0.499, atol=1e-3)


def test_gene_sets_without_a_finding_say_so(adata: ad.AnnData) -> None:
    with offscreen():
        ax = pl.subtypes.gene_sets(adata)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["HALLMARK E2F TARGETS", "Immune response"]
    assert _short("DNA replication initiation (GO:0006270)") == "DNA replication initiation"
    assert _short("rRNA processing (GO:0006364)") == "rRNA processing"
    assert len(_short("a very long name " * 9)) == 46
    adata.uns["precisionmed"]["subtypes"]["gene_sets"]["fdr"] = 0.5
    with pytest.raises(InputError, match="no gene set differs between the subtypes"):
        pl.subtypes.gene_sets(adata)
