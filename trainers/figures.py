"""How the project's pictures look: palette, axes, files that are whole or absent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, distinct to every kind of colour vision and in grey.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6B6B6B"
SERIES = (BLUE, ORANGE, GREEN, VERMILION, "#CC79A7", "#56B4E9", GREY, "#F0E442")
"""For curves side by side."""
NOTHING = "not measured in this run"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches."""
    # A figure of its own canvas: neither pyplot's global state nor a display is touched.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style(axis: Axes, title: str) -> None:
    """The look of every picture's axes."""
    axis.set_title(title, loc="left", fontsize=10.5, pad=14)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#E4E4E4", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=9)


def save(figure: Figure, path: Path) -> Path:
    """As a PNG, which is whole or absent."""
    beside = path.with_name(f".{path.name}")
    figure.savefig(beside, format="png")
    beside.replace(path)
    return path
