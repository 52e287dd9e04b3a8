"""Draw a figure once, write it as PNG and SVG, and give it back for the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from precisionmed.io.run import replacing
from precisionmed.pl._base import offscreen, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 180
SVG_LIMIT = 220_000
"""Larger vector figures (bytes) are shown as PNG: the page stays light, the SVG lies beside it."""
PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class Drawing:
    """A drawn figure: its data address and its size on the page (CSS pixels)."""

    source: str
    width: int
    height: int


def draw(function: Callable[[], Axes], folder: Path, name: str) -> Drawing:
    """Call a plotting function and write `figures/<name>.png` and `.svg` below `folder`.

    The bytes depend on the figure alone: no date, no random identifiers.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with offscreen(), styled():
        figure = function().get_figure(root=True)
        if figure is None:
            raise RuntimeError(f"{name}: the plotting function returned axes without a figure")
        figure.set_dpi(DPI)
        png, svg = io.BytesIO(), io.BytesIO()
        # The writers themselves, not `savefig`, which draws several times; the layout is settled once.
        FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
        figure.set_layout_engine("none")
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None, "Creator": None})
        inches = figure.get_size_inches()
    for suffix, content in (("png", png), ("svg", svg)):
        with replacing(folder / "figures" / f"{name}.{suffix}") as temporary:
            temporary.write_bytes(content.getvalue())
    light = len(svg.getvalue()) <= SVG_LIMIT
    kind, content = ("svg+xml", svg) if light else ("png", png)
    encoded = base64.b64encode(content.getvalue()).decode()
    width, height = (round(float(side) * PIXELS_PER_INCH) for side in inches)
    return Drawing(f"data:image/{kind};base64,{encoded}", width, height)
