"""What the figures of signatures say, in the cases that are easily drawn wrong."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from precisionmed import pl
from precisionmed.errors import InputError
from precisionmed.pl._base import offscreen


@pytest.fixture
def adata(cohort: ad.AnnData) -> ad.AnnData:
    return cohort.copy()


def _task(adata: ad.AnnData, name: str = "er") -> dict[str, Any]:
    return adata.uns["precisionmed"]["biomarkers"][name]


def _draw(name: str, adata: ad.AnnData, task: str = "er", **options: Any) -> Axes:
    with offscreen():
        return getattr(pl.biomarkers, name)(adata, task, **options)


def _texts(ax: Axes) -> str:
    return "\n".join(text.get_text() for text in ax.texts)


def _panels(ax: Axes) -> list[Axes]:
    return [panel for panel in ax.child_axes if isinstance(panel, Axes)]


def test_effects_stand_beside_how_often_refits_chose_the_gene(adata: ad.AnnData) -> None:
    main, halves, folds = _panels(_draw("signature", adata))
    table = _task(adata)["signature"]
    strongest = str(table["gene"].iloc[np.abs(np.log(table["ratio"])).argmax()])
    assert main.get_yticklabels()[0].get_text().rstrip("*") == strongest
    assert "ERBB2*" in [label.get_text() for label in main.get_yticklabels()]  # the one with a drug
    assert [side.get_xlabel() for side in (halves, folds)] == [
        "Chosen in\nhalves (%)",
        "Selected in\nfolds (%)",
    ]
    widths = {round(bar.get_width(), 6) for bar in halves.patches}  # type: ignore[attr-defined]
    assert widths == set((100 * table["stability"]).round(6))


def test_a_signature_without_intervals_or_stability_is_drawn_too(adata: ad.AnnData) -> None:
    task = _task(adata)
    task["signature"] = task["signature"][["gene", "coefficient", "ratio", "selection_frequency"]]
    assert len(_panels(_draw("signature", adata))) == 2
    with offscreen():
        assert len(_panels(pl.classify.signature(adata))) == 2


def test_differences_have_their_p_and_no_panel_when_there_are_none(adata: ad.AnnData) -> None:
    estimates, differences = _panels(_draw("performance", adata))
    assert "0.85 (0.75 to 0.95)" in _texts(estimates)
    assert "0.10 (0.02 to 0.18), p = 0.014" in _texts(differences)
    rows = [label.get_text() for label in differences.get_yticklabels()]
    assert rows == [
        "Signature vs best single gene",
        "Signature vs clinical only",
        "Signature + clinical vs clinical only",
    ]
    del _task(adata)["comparisons"]
    assert len(_panels(_draw("performance", adata))) == 1


def test_rows_name_the_metric_only_when_there_are_several(adata: ad.AnnData) -> None:
    table = _task(adata)["performance"]
    _task(adata)["performance"] = pd.concat([table, table.assign(metric="brier")], ignore_index=True)
    rows = [label.get_text() for label in _panels(_draw("performance", adata))[0].get_yticklabels()]
    assert rows[0] == "Signature: AUC"
    assert rows[-1] == "Signature + clinical: Brier score"


def test_decoys_say_how_many_genes_are_selected(adata: ad.AnnData) -> None:
    ax = _draw("decoys", adata)
    assert "10 genes selected at a false discovery rate of 10%" in _texts(ax)
    assert all(len(panel.lines) >= 2 for panel in _panels(ax))
    task = _task(adata)
    task["decoy_genes"] = np.array([], dtype=object)
    del task["decoy_threshold"]
    assert "no gene selected" in _texts(_draw("decoys", adata))


def test_stable_genes_are_named_and_the_bound_is_said(adata: ad.AnnData) -> None:
    task = _task(adata)
    ax = _draw("stability", adata, n=20)
    assert "above 75%: at most 0.9 false genes expected" in _texts(ax)
    coloured = {
        text.get_text()
        for text in ax.texts
        if text.get_fontstyle() == "italic" and text.get_color() != "#8A8F98"
    }
    assert coloured == set(task["stability"].loc[task["stability"]["selected"], "gene"])
    task["stability_path"] = task["stability_path"].rename(columns={"n_genes": "lambda"})
    ax = _draw("stability", adata)
    assert ax.get_xlabel() == "Penalty λ"
    left, right = ax.get_xlim()
    assert left > right  # strict to the left


def test_names_on_the_volcano_do_not_overlap(adata: ad.AnnData) -> None:
    task = _task(adata)
    screen = task["screen"]
    screen.loc[:5, "p"] = 1e-9  # all signature genes at one height
    ax = _draw("volcano", adata)
    ax.figure.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in ax.texts if text.get_fontstyle() == "italic"]
    assert len(boxes) == 6
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
    inside = ax.get_window_extent()
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and box.y1 <= inside.y1 + 4 for box in boxes)


def test_genes_that_could_not_be_tested_are_left_out_of_the_screen(adata: ad.AnnData) -> None:
    task = _task(adata)
    task["screen"].loc[[0, 3], ["ratio", "p"]] = np.nan
    task["screen"].loc[5, "ratio"] = np.inf
    ax = _draw("volcano", adata)
    legend = ax.get_legend()
    assert legend is not None
    counted = sum(int(entry.get_text().split("(")[1].rstrip(")")) for entry in legend.get_texts())
    assert counted == len(task["screen"]) - 3
    shown = [label.get_text() for label in _draw("univariate", adata, n=4).get_yticklabels()]
    assert shown == [str(task["screen"]["gene"].iloc[i]) for i in (1, 2, 4, 6)]
    task["screen"]["p"] = np.nan
    with pytest.raises(InputError, match="no gene could be tested alone"):
        _draw("volcano", adata)


def test_a_p_of_zero_is_drawn_at_a_finite_height(adata: ad.AnnData) -> None:
    _task(adata)["screen"].loc[0, "p"] = 0.0
    assert _draw("volcano", adata).get_ylim()[1] < 400


def test_the_signature_is_marked_among_random_ones(adata: ad.AnnData) -> None:
    ax = _draw("random_signatures", adata)
    assert "signature 0.85" in _texts(ax)
    assert "of as many genes; p = 0.010" in _texts(ax)


def test_the_panel_chosen_is_ringed(adata: ad.AnnData) -> None:
    ax = _draw("panel", adata)
    ring = next(line for line in ax.lines if line.get_markerfacecolor() == "none")
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (3, 0.84)  # type: ignore[index]
    assert "3" in _texts(ax).split("\n")


def test_samples_of_the_heat_map_are_ordered_by_score(adata: ad.AnnData) -> None:
    task = _task(adata)
    truth = task["predictions"].set_index("sample")["truth"]
    adata.obs["score_er"] = truth.reindex(adata.obs_names).astype(float)
    adata.obs.loc[adata.obs_names[:5], "score_er"] = np.nan  # samples without the label
    ax = _draw("heatmap", adata)
    heat, strip = _panels(ax)
    image = heat.images[0].get_array()
    assert image is not None
    assert image.shape == (6, adata.n_obs - 5)
    bar = next(panel for panel in _panels(heat) if panel.images)
    outcome = np.asarray(bar.images[0].get_array())[0]
    n_negative = int((truth.reindex(adata.obs_names[5:]) == 0).sum())
    assert len({tuple(colour) for colour in outcome[:n_negative]}) == 1
    assert not np.array_equal(outcome[0], outcome[-1])
    assert strip.get_xlabel() == f"Samples by out-of-fold score (n = {adata.n_obs - 5})"


def test_the_points_read_off_a_nomogram_are_those_stored(adata: ad.AnnData) -> None:
    ax = _draw("nomogram", adata)
    table = _task(adata)["nomogram"]
    rows = [label.get_text() for label in ax.get_yticklabels()]
    assert rows == ["Points", *table["gene"].drop_duplicates(), "Total points", "Probability of\nER status"]
    own = table[table["gene"] == rows[1]].sort_values("value")
    for text in ax.texts:
        x, y = text.get_position()
        if abs(y - 1.18) < 1e-9:  # the scale of the first gene
            value = float(text.get_text().replace("−", "-"))
            np.testing.assert_allclose(x, np.interp(value, own["value"], own["points"]))
    assert (
        _draw("nomogram", adata, "os").get_yticklabels()[-1].get_text()
        == "Overall survival event before\n60 months"
    )


def test_a_nomogram_nobody_could_read_is_not_drawn(adata: ad.AnnData) -> None:
    rows = [(f"G{i}", v, v) for i in range(30) for v in (0.0, 1.0)]
    _task(adata)["nomogram"] = pd.DataFrame(rows, columns=["gene", "value", "points"])
    with pytest.raises(InputError, match="30 genes; a nomogram of more than 25"):
        _draw("nomogram", adata)


def test_what_is_absent_or_empty_is_said(adata: ad.AnnData) -> None:
    del _task(adata)["stability_path"]
    with pytest.raises(InputError, match="'biomarkers/er' has no 'stability_path'"):
        _draw("stability", adata)
    _task(adata)["decoys"] = _task(adata)["decoys"].iloc[:0]
    with pytest.raises(InputError, match=r"'biomarkers/er/decoys' is empty"):
        _draw("decoys", adata)


def test_expression_derived_labels_are_marked_on_every_figure(adata: ad.AnnData) -> None:
    adata.uns["precisionmed"]["receptors"]["source"]["er"] = "expression-derived"
    for name in pl.biomarkers.__all__:
        assert "labels are expression-derived" in _texts(_draw(name, adata)), name
