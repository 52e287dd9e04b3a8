"""What all figures share: one style, fixed colours, and reading from slots.

The palette is Okabe and Ito's, which readers with any common colour blindness can tell apart
(Okabe M, Ito K. Color universal design. 2008); discovered subtypes take Tol's muted colours (Tol P.
Colour schemes. 2021), so that none looks like an intrinsic one. Intrinsic subtypes, receptor states and
risk groups have the same colour in every figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from precisionmed.errors import InputError, nearest

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.text import Text

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK, GREY, PALE = "#56B4E9", "#CC79A7", "#222222", "#8A8F98", "#E3E6EA"
SOFT, YELLOW = "#555B63", "#F0E442"
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, "#7A5C00", BLACK, GREY)
TOL = ("#332288", "#999933", "#44AA99", "#882255", "#DDCC77", "#88CCEE", "#AA4499")
FIXED = {
    "Basal": VERMILION,
    "Her2": PURPLE,
    "LumA": BLUE,
    "LumB": SKY,
    "Normal": GREEN,
    **dict(zip((f"S{i}" for i in range(1, 8)), TOL, strict=True)),
    "positive": VERMILION,
    "negative": SKY,
    "equivocal": YELLOW,
    "cannot call": YELLOW,
    "low": BLUE,
    "high": VERMILION,
    "control": BLUE,
    "treated": ORANGE,
    "responder": GREEN,
    "non_responder": ORANGE,
}
DERIVED = "expression-derived"
STEP_FUNCTIONS = {
    "ingest": "pm.read_cohort",
    "qc": "pm.pp.qc",
    "normalize": "pm.pp.normalize",
    "batch": "pm.pp.batch",
}

_SANS = ("Arial", "Helvetica", "Liberation Sans", "Nimbus Sans", "DejaVu Sans")
_offscreen: ContextVar[bool] = ContextVar("offscreen", default=False)


@cache
def style() -> dict[Any, Any]:
    """Return the matplotlib parameters of every figure."""
    from matplotlib import font_manager

    present = set(font_manager.get_font_names())
    fonts = [name for name in _SANS if name in present] or ["DejaVu Sans"]
    return {
        "font.family": fonts,
        "font.size": 8.5,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 8.0,
        "axes.labelsize": 8.5,
        "axes.labelcolor": BLACK,
        "axes.edgecolor": SOFT,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": "#ECEEF1",
        "grid.linewidth": 0.7,
        "text.color": BLACK,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "xtick.labelcolor": BLACK,
        "ytick.labelcolor": BLACK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "legend.title_fontsize": 8,
        "lines.linewidth": 1.5,
        "patch.linewidth": 0.0,
        "figure.facecolor": "white",
        "figure.constrained_layout.w_pad": 0.07,
        "figure.constrained_layout.h_pad": 0.07,
        "savefig.facecolor": "white",
        "svg.fonttype": "path",
        "svg.hashsalt": "precisionmed",
    }


@contextmanager
def offscreen() -> Iterator[None]:
    """Within this block new figures are unknown to pyplot: nothing pops up, nothing is left open."""
    token = _offscreen.set(True)
    try:
        yield
    finally:
        _offscreen.reset(token)


@contextmanager
def styled() -> Iterator[None]:
    """Set the style, and put back what it changed and nothing else.

    `rc_context` puts back everything: a backend that is loaded by the first figure, as in a notebook, makes
    matplotlib interactive, and that would be undone.
    """
    import matplotlib as mpl

    before = {name: mpl.rcParams[name] for name in style()}
    mpl.rcParams.update(style())
    try:
        yield
    finally:
        mpl.rcParams.update(before)


@contextmanager
def canvas(ax: Axes | None, width: float, height: float) -> Iterator[Axes]:
    """Give the axes to draw on in the package's style; new ones (inches) when `ax` is None."""
    with styled():
        if ax is not None:
            tick_style(ax)
            yield ax
            return
        size: dict[str, Any] = {"figsize": (width, height), "layout": "constrained"}
        if _offscreen.get():
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure

            figure = Figure(**size)
            FigureCanvasAgg(figure)
        else:
            import matplotlib.pyplot as plt

            figure = plt.figure(**size)
        ax = figure.add_subplot()
        tick_style(ax)
        yield ax


def tick_style(ax: Axes) -> None:
    """Fix the look of the ticks: matplotlib makes them when it draws, after the style has gone."""
    now = style()
    ax.tick_params(
        color=now["xtick.color"],
        width=now["xtick.major.width"],
        labelcolor=BLACK,
        labelsize=now["xtick.labelsize"],
        labelfontfamily=now["font.family"],
    )


def slot(adata: AnnData, step: str, *path: str) -> Any:
    """Return what a step stored, e.g. `slot(adata, "biomarkers", "er", "signature")`.

    Raises
    ------
    InputError
        The step was not run, or has nothing under that name.
    """
    steps = adata.uns.get("precisionmed", {})
    if step not in steps:
        function = STEP_FUNCTIONS.get(step, f"pm.tl.{step}")
        raise InputError(f"nothing is stored for '{step}': run {function} first.")
    found = steps[step]
    for depth, key in enumerate(path):
        if not isinstance(found, dict) or key not in found:
            where = "/".join([step, *path[:depth]])
            options = found if isinstance(found, dict) else []
            raise InputError(f"'{where}' has no '{key}' in this cohort.{nearest(key, options)}")
        found = found[key]
    return found


def one_of(adata: AnnData, step: str, listing: str, name: str | None) -> str:
    """Return `name`, or the first of a step's tasks (or endpoints) when it is None."""
    names = [str(n) for n in slot(adata, step, listing)]
    if not names:
        raise InputError(f"'{step}' has no {listing} in this cohort.")
    if name is None:
        return names[0]
    if name not in names:
        raise InputError(f"'{step}' has no {listing[:-1]} '{name}'.{nearest(name, names)}")
    return name


def column(adata: AnnData, name: str) -> pd.Series:
    """Return a column of `obs`."""
    if name not in adata.obs:
        raise InputError(f"obs has no column '{name}'.{nearest(name, adata.obs.columns)}")
    return adata.obs[name]


def levels(values: pd.Series) -> list[str]:
    """Return the categories present, in their declared order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        present = set(values.dropna().unique())
        return [str(c) for c in values.cat.categories if c in present]
    return sorted({str(v) for v in values.dropna()})


def colours(names: Sequence[str]) -> dict[str, str]:
    """Return one colour a category: fixed ones where the category has one, else the palette in order."""
    free = iter(
        [c for c in CYCLE if c not in {FIXED[n] for n in names if n in FIXED}] * (len(names) // 4 + 1)
    )
    return {name: FIXED[name] if name in FIXED else next(free) for name in names}


def ink_on(colour: str) -> str:
    """Return white or black, whichever reads better on `colour`."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else BLACK


def in_bar(ax: Axes, x: float, y: float, text: str, colour: str, **look: Any) -> None:
    """Write in the middle of a bar of this colour."""
    ax.text(x, y, text, ha="center", va="center", color=ink_on(colour), **{"fontsize": 8, **look})


def note(
    ax: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float] = (0, 0),
    of: str | tuple[str, str] = "axes fraction",
    **look: Any,
) -> None:
    """Write small text `shift` points away from `at` (in axes fractions unless `of` says otherwise)."""
    look = {"fontsize": 7.5, "color": SOFT, "annotation_clip": False, **look}
    ax.annotate(text, at, shift, xycoords=of, textcoords="offset points", **look)


def is_derived(adata: AnnData, label: str) -> bool:
    """Say whether a receptor label of the cohort was called from expression."""
    source = adata.uns.get("precisionmed", {}).get("receptors", {}).get("source", {})
    return str(source.get(label, "")) == DERIVED


def derived_mark(ax: Axes, what: str, *, lift: float = 0) -> None:
    """Write under the title that the labels come from expression."""
    subtitle(ax, f"{what} {DERIVED}", lift=lift, color=VERMILION, weight="bold")


def subtitle(ax: Axes, text: str, *, lift: float = 0, **look: Any) -> None:
    """Write a line between the title and the axes, `lift` points above its usual place."""
    ax.set_title(ax.get_title(loc="left"), pad=20 + lift)
    note(ax, text, (0, 1), (0, 7 + lift), **look)


def italic_genes(labels: Iterable[Text]) -> None:
    """Set gene symbols in italics, as journals do."""
    for label in labels:
        label.set_fontstyle("italic")


def key(
    ax: Axes, entries: dict[str, str], *, title: str | None = None, outside: bool = True, **place: Any
) -> None:
    """Draw a legend of coloured squares, to the right of the axes unless `outside` is False."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="s", linestyle="", markersize=6, color=colour, label=label)
        for label, colour in entries.items()
    ]
    where = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if outside else {"loc": "best"}
    legend = ax.legend(
        handles=handles, title=title, **{**where, "handletextpad": 0.3, "borderaxespad": 0, **place}
    )
    legend.set_alignment("left")
