"""Lines and axes in one style: as PNG for a file, as SVG for the page."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
from markupsafe import escape
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE = "#235ea8", "#d05a1e"
INK, PALE, GREY, GROUND = "#2b2b2b", "#d9d9d5", "#666666", "#ffffff"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is a dollar
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
}
# What style.css calls them, where they are light or dark as the page is.
_NAMES = {BLUE: "accent", ORANGE: "mark", INK: "ink", PALE: "line", GREY: "soft", GROUND: "paper"}


def png(figure: Figure) -> bytes:
    """Returns a figure as PNG."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def svg(figure: Figure, told: str) -> str:
    """Returns a figure as SVG for a page, without a ground and in the page's own colours.

    Args:
        figure: in `STYLE`'s colours.
        told: what a reader hears who cannot see it.
    """
    buffer = io.StringIO()
    # Equal figures give equal texts, and no two on a page the same names of their parts.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": told}):
        figure.savefig(buffer, format="svg", transparent=True)
    head, _, inside = buffer.getvalue().partition("<svg ")[2].partition(">")
    for noise in (r"<metadata>.*?</metadata>", r"<style.*?</style>", r' id="[A-Za-z0-9.]+_\d+"'):
        inside = re.sub(noise, "", inside, flags=re.DOTALL)
    for colour, name in _NAMES.items():
        inside = inside.replace(colour, f"var(--{name})")
    size = re.search(r'viewBox="[^"]*"', head)
    return f'<svg {size[0] if size else ""} role="img" aria-label="{escape(told)}">{inside}'
