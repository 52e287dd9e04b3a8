"""Every figure draws what is stored, on new axes or on the ones given."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import anndata as ad
import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from precisionmed import pl
from precisionmed.errors import InputError
from precisionmed.pl._base import canvas, colours, offscreen
from precisionmed.pl._words import p_text, words


def _needs_only_the_cohort(function) -> bool:
    """Tell whether a figure is drawn of the cohort alone; those of one step and task have their own tests."""
    first, *others = inspect.signature(function).parameters.values()
    return first.name == "adata" and all(other.default is not other.empty for other in others)


FIGURES = [
    (module, name)
    for module in pl.__all__
    for name, function in vars(getattr(pl, module)).items()
    if inspect.isfunction(function)
    and function.__module__.removeprefix("precisionmed.pl.").removeprefix("_").startswith(module)
    and _needs_only_the_cohort(function)
    and name in getattr(getattr(pl, module), "__all__", [name])
    and not name.startswith("_")
]


@pytest.mark.parametrize(("module", "name"), FIGURES)
def test_draws_on_new_axes_and_on_given_ones(
    module: str, name: str, cohort: ad.AnnData, external: ad.AnnData
) -> None:
    draw = getattr(getattr(pl, module), name)
    adata = external if module == "validate" else cohort
    with offscreen():
        own = draw(adata)
    assert isinstance(own, Axes)
    assert own.get_xlabel() or own.get_title(loc="left")
    own.figure.canvas.draw()  # type: ignore[union-attr]
    given = Figure().add_subplot()
    assert draw(adata, ax=given) is given


def test_offscreen_figures_are_not_left_open_and_the_style_does_not_leak(cohort: ad.AnnData) -> None:
    import matplotlib.pyplot as plt

    before, size = plt.get_fignums(), mpl.rcParams["font.size"]
    with offscreen():
        pl.qc.rle(cohort)
    assert plt.get_fignums() == before
    assert mpl.rcParams["font.size"] == size


def test_says_which_step_is_missing(cohort: ad.AnnData) -> None:
    bare = ad.AnnData(cohort.X)
    with pytest.raises(InputError, match=r"nothing is stored for 'survival': run pm.tl.survival first"):
        pl.survival.kaplan_meier(bare)
    with pytest.raises(InputError, match=r"'biomarkers' has no task 'err'. Did you mean 'er'"):
        pl.biomarkers.cv_curve(cohort, "err")


def test_expression_derived_labels_are_marked_on_the_figure(cohort: ad.AnnData) -> None:
    with offscreen():
        for axes in (pl.receptors.mixtures(cohort, "her2"), pl.classify.roc(cohort, "her2")):
            assert any("expression-derived" in text.get_text() for text in axes.texts)
        recorded = pl.receptors.mixtures(cohort, "er")
    assert not any("expression-derived" in text.get_text() for text in recorded.texts)


def test_empty_signature_is_said_in_words(cohort: ad.AnnData) -> None:
    copy = cohort.copy()
    task = copy.uns["precisionmed"]["biomarkers"]["er"]
    task["signature"] = task["signature"].iloc[:0]
    with pytest.raises(InputError, match="holds no gene"):
        pl.biomarkers.signature(copy, "er")


def test_fixed_categories_keep_their_colour() -> None:
    assert colours(["Basal", "LumA"])["LumA"] == colours(["LumA", "Normal"])["LumA"]
    several = colours([f"group {i}" for i in range(6)])
    assert len(set(several.values())) == 6


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0001, "p < 0.001"), (0.0031, "p = 0.003"), (0.34, "p = 0.34"), (float("nan"), "p not available")],
)
def test_p_values_read_as_in_journals(p: float, text: str) -> None:
    assert p_text(p) == text


def test_names_become_words() -> None:
    assert words("risk_group_os") == "risk group OS"
    assert words("non_responder") == "non-responder"


def test_canvas_uses_the_axes_it_is_given() -> None:
    axes = Figure().add_subplot()
    with canvas(axes, 1, 1) as same:
        assert same is axes


_NOTEBOOK = """
import matplotlib
from precisionmed.pl._base import canvas

font = matplotlib.rcParams["font.size"]
for _ in range(2):
    with canvas(None, 3, 2) as ax:
        ax.plot([0, 1])
    assert matplotlib.is_interactive(), "the package's figure turned plotting off"
    assert matplotlib.rcParams["font.size"] == font
import matplotlib.pyplot as plt
plt.figure()
assert matplotlib.is_interactive()
print(len(plt.get_fignums()), plt.get_backend())
"""
_BACKEND = """
import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

matplotlib.interactive(True)  # as the backend of notebooks does when the first figure loads it
"""


def test_a_notebook_goes_on_plotting(tmp_path: Path) -> None:
    (tmp_path / "notebook_backend.py").write_text(_BACKEND)
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")]), *sys.path]
    environment = os.environ | {
        "MPLBACKEND": "module://notebook_backend",
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
    }
    done = subprocess.run(
        [sys.executable, "-c", _NOTEBOOK], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3", "module://notebook_backend"]


def test_the_style_leaves_with_the_figure_and_nothing_else_does() -> None:
    before = dict(mpl.rcParams)
    with mpl.rc_context():
        with pytest.raises(RuntimeError), offscreen(), canvas(None, 2, 2):
            mpl.rcParams["figure.dpi"] = 77.0  # set by something else meanwhile
            raise RuntimeError
        assert mpl.rcParams["figure.dpi"] == 77.0
        changed = {name for name, value in mpl.rcParams.items() if value != before[name]}
        assert changed <= {"figure.dpi"}
