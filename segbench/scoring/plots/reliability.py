"""Reliability diagrams of detected instances."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from segbench.scoring.figurestyle import COLORS, DASHES, GREY
from segbench.scoring.plots.canvas import Entry, Page, in_common
from segbench.scoring.reliabilitycurves import ReliabilityDiagram

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

TITLE = "Reliability of scores"

#: What is compared, in words.
_COMPARED = {"segm": "masks", "bbox": "boxes", "boundary": "masks and boundaries"}


def compose_reliability(drawn: Figure, shown: ReliabilityDiagram) -> None:
    """Draw a diagram that is `shown` into an empty figure."""
    right = f"right: IoU of {_COMPARED[shown.iou_type]} of {shown.iou:g} or more"
    page = Page(drawn, [in_common(shown.terms), right], below=True)
    entries: list[Entry] = []
    for i, (name, curve) in enumerate(zip(shown.names, shown.curves, strict=True)):
        line = _draw(page.square, curve.predicted, curve.observed, i)
        entries.append((line, f"{name}: ECE {curve.expected_error:.4f}, MCE {curve.largest_error:.4f}"))
    (perfect,) = page.square.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (1, 2)), zorder=2)
    entries.append((perfect, "perfect calibration"))
    ticks = np.linspace(0, 1, 6)
    page.square.set(ylabel="precision", xlim=(0, 1), ylim=(0, 1), xticks=ticks, yticks=ticks)
    page.square.tick_params(labelbottom=False)
    if page.panel is not None:
        _shares(page.panel, shown)
    page.close(TITLE, entries)


def _draw(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], i: int) -> Artist:
    look: dict[str, Any] = {"color": COLORS[i % len(COLORS)], "linestyle": DASHES[i % len(DASHES)], "linewidth": 1.2}
    (line,) = axes.plot(x, y, marker="o", markersize=4.5, clip_on=False, zorder=3, **look)
    return line


def _shares(axes: Axes, shown: ReliabilityDiagram) -> None:
    """Draw how many of the detections each point stands for."""
    shares = [curve.detections / curve.detections.sum() for curve in shown.curves]
    for i, (curve, share) in enumerate(zip(shown.curves, shares, strict=True)):
        _draw(axes, curve.predicted, share, i)
    lowest = min((float(share.min()) for share in shares if len(share)), default=1.0)
    bottom = 10.0 ** min(-1, math.floor(math.log10(lowest)))
    axes.set(xlabel="mean score", yscale="log", ylim=(bottom, 1))
    axes.text(1.02, 0.5, "detections", transform=axes.transAxes, fontsize=9, color=GREY, va="center", rotation=90)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    axes.yaxis.set_minor_formatter(lambda share, _: "")
    axes.tick_params(axis="y", labelsize=9)
