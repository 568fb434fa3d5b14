"""Figures of trimap curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from segbench.scoring.bandcurves import BandCurve, BandDiagram
from segbench.scoring.figurestyle import COLORS, DASHES
from segbench.scoring.plots.canvas import RIGHT, SQUARE, Entry, Page, in_common, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

TITLE = "Trimap curve"

#: Inches beside the axes: to the name of a line, the longest name, and from one name to the next.
_GAP, _LONGEST, _APART = 0.2, 2.2, 0.2
#: Ticks at most.
_TICKS = 10


def compose_bands(drawn: Figure, shown: BandDiagram) -> None:
    """Draw a diagram that is `shown` into an empty figure."""
    # A long metric is broken between its parameters.
    page = Page(drawn, [in_common(shown.terms), *(metric.replace(",", ", ") for metric in shown.metrics)])
    axes = page.square
    _frame(axes, shown)
    lines = [_draw(axes, curve, i) for i, curve in enumerate(shown.curves)]
    names = [readable(curve.name) for curve in shown.curves]
    longest = max(_width_of(drawn, name) for name in names)
    if longest <= _LONGEST and all(_reaches(curve, axes.get_xlim()[1]) for curve in shown.curves):
        _name(axes, lines, names)
        page.close(TITLE, [], right=max(RIGHT, _GAP + longest + 0.1))
    else:
        page.close(TITLE, list[Entry](zip(lines, names, strict=True)))


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Move places between 0 and 1 as little as possible, so that they are some way apart.

    Parameters
    ----------
    places : sequence of float
        Where each would like to be.
    apart : float
        The least distance of two.

    Returns
    -------
    list of float
        Where each is, in the order of `places`: the sum of the squared moves is the smallest possible.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    # Without the distances between them they have to rise: neighbours that do not are put at their mean.
    blocks: list[list[float]] = []
    for i, place in enumerate(places[j] for j in order):
        blocks.append([place - i * apart])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    highest = 1 - (len(places) - 1) * apart
    risen = [min(max(float(np.mean(block)), 0.0), highest) for block in blocks for _ in block]
    found = {j: place + i * apart for i, (j, place) in enumerate(zip(order, risen, strict=True))}
    return [found[j] for j in range(len(places))]


def _frame(axes: Axes, shown: BandDiagram) -> None:
    widths = sorted({width for curve in shown.curves for width in curve.widths_px.tolist()})
    low, high = (widths[0], widths[-1]) if len(widths) > 1 else (widths[0] / 2, widths[0] * 2)
    axes.set(xlabel="width of the band in pixels", ylabel=f"{shown.quantity} inside the band", xscale="log")
    axes.set(xlim=(low, high), ylim=(0, 1), yticks=np.linspace(0, 1, 6))
    axes.minorticks_off()
    axes.set_xticks(_powers_of_two(low, high) if len(widths) > 1 else [low, *widths, high])
    axes.xaxis.set_major_formatter(lambda width, _: f"{width:.10g}")


def _powers_of_two(low: float, high: float) -> list[float]:
    """Return those from `low` to `high`, of many every second or third; the ends where there are fewer than two."""
    exponents = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
    return [2.0**i for i in exponents[:: math.ceil(len(exponents) / _TICKS)]] if len(exponents) > 1 else [low, high]


def _draw(axes: Axes, curve: BandCurve, i: int) -> Line2D:
    look: dict[str, Any] = {"color": COLORS[i % len(COLORS)], "linestyle": DASHES[i % len(DASHES)]}
    (line,) = axes.plot(curve.widths_px, curve.values, marker="o", markersize=4.5, clip_on=False, zorder=3, **look)
    return line


def _reaches(curve: BandCurve, right: float) -> bool:
    """Return whether a `curve` ends at the `right` of the axes: a stroke from elsewhere would look like part of it."""
    return bool(curve.widths_px[-1] == right and not math.isnan(curve.values[-1]))


def _name(axes: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    """Write the name of each line at its end, as near as the others let it, and join both by a stroke."""
    ends = [float(np.asarray(line.get_ydata())[-1]) for line in lines]
    beside = 1 + _GAP / SQUARE
    for line, end, place, name in zip(lines, ends, spread(ends, _APART / SQUARE), names, strict=True):
        stroke: dict[str, Any] = {"color": line.get_color(), "linewidth": 0.8, "clip_on": False, "zorder": 2}
        axes.plot([1, beside - 0.01], [end, place], transform=axes.transAxes, **stroke)
        axes.text(beside, place, name, transform=axes.transAxes, va="center", fontsize=10.5)


def _width_of(drawn: Figure, name: str) -> float:
    """Return the inches that a name takes."""
    text = drawn.text(0, 0, name, fontsize=10.5)
    inches = text.get_window_extent().width / drawn.dpi
    text.remove()
    return float(inches)
