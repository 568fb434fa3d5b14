"""Figures of diagrams of probability maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from segbench.errors import require
from segbench.scoring.diagrams import Diagram, Kind, Series
from segbench.scoring.figurestyle import COLORS, DASHES, GREY, LIGHT, MARK, MARKS, POINT, POINTS
from segbench.scoring.plots.canvas import Entry, Page, in_common

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {"roc": "ROC curve", "pr": "Precision and recall", "calibration": "Calibration"}
_AXES = {
    "roc": ("false positive rate", "true positive rate"),
    "pr": ("recall", "precision"),
    "calibration": ("mean predicted probability", "share of positive pixels"),
}

_UNBROKEN = "\N{NO-BREAK SPACE}"

#: Between two thresholds precision is not on a straight line; by steps the area is the average precision.
_CURVES: dict[str, dict[str, Any]] = {
    "roc": {},
    "pr": {"drawstyle": "steps-post"},
    "calibration": {"marker": "o", "markersize": 4.5, "linewidth": 1.2},
}


def compose_levels(drawn: Figure, shown: Diagram) -> None:
    """Draw a diagram that is `shown` into an empty figure."""
    entries: list[Entry] = []
    page = Page(drawn, [in_common(shown.terms)], below=shown.kind == "calibration")
    axes = page.square
    for i, series in enumerate(shown.series):
        entries.append((_draw(axes, series, i, shown.kind), _of(series)))
    entries += [*_marks(axes, shown), *_BACKGROUNDS[shown.kind](axes, shown)]
    _frame(axes, shown)
    if page.panel is not None:
        axes.tick_params(labelbottom=False)
        axes.set_xlabel("")
        _shares(page.panel, shown)
    page.close(TITLES[shown.kind], entries)


def _frame(axes: Axes, shown: Diagram) -> None:
    x, y = _AXES[shown.kind]
    ticks = np.linspace(0, 1, 6)
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1), xticks=ticks, yticks=ticks)


def _draw(axes: Axes, series: Series, i: int, kind: Kind) -> Artist:
    look: dict[str, Any] = {"color": COLORS[i % len(COLORS)], "clip_on": False}
    if not series.is_curve:
        look |= {"linestyle": "none", "marker": POINTS[i % len(POINTS)], "zorder": 5, **POINT}
    else:
        look |= {"linestyle": DASHES[i % len(DASHES)], "zorder": 3, **_CURVES[kind]}
    (line,) = axes.plot(series.x, series.y, **look)
    return line


def _of(series: Series) -> str:
    # The number stays in one line, however long the name is.
    return f"{series.name}: {series.summary.replace(' ', _UNBROKEN)}"


def _marks(axes: Axes, shown: Diagram) -> list[Entry]:
    """Mark working points, and return an entry for each threshold."""
    entries: list[Entry] = []
    names = list(dict.fromkeys(name for series in shown.series for name in series.marks))
    for n, name in enumerate(names):
        shape = MARKS[n % len(MARKS)]
        for i, series in enumerate(shown.series):
            if name in series.marks:
                x, y = series.marks[name]
                color = COLORS[i % len(COLORS)]
                axes.plot([x], [y], marker=shape, color=color, clip_on=False, zorder=4, **MARK)
        entries.append((_sample(marker=shape, color=GREY, **MARK), name))
    return entries


def _sample(**look: Any) -> Artist:
    line: Artist = require("matplotlib.lines", extra="plot").Line2D([], [], **look)
    return line


def _chance(axes: Axes, shown: Diagram) -> list[Entry]:
    return [(_guide(axes, [0, 1], [0, 1]), "chance")]


def _iso_f1(axes: Axes, shown: Diagram) -> list[Entry]:
    """Draw where F1 = 2·P·R / (P + R) is the same, and the precision of chance."""
    for f in (0.2, 0.4, 0.6, 0.8):
        recall = np.linspace(f / (2 - f), 1, 200)
        axes.plot(recall, f * recall / (2 * recall - f), color=LIGHT, linewidth=0.8, zorder=1)
        axes.text(1.01, f / (2 - f), f"F1 {f}", fontsize=9, color=GREY, va="center")
    share = shown.positive
    if math.isnan(share):
        return []
    return [(_guide(axes, [0, 1], [share, share]), f"chance: {share:.4f} of the pixels are positive")]


def _perfect(axes: Axes, shown: Diagram) -> list[Entry]:
    return [(_guide(axes, [0, 1], [0, 1]), "perfect calibration")]


def _guide(axes: Axes, x: Sequence[float], y: Sequence[float]) -> Artist:
    (line,) = axes.plot(x, y, color=GREY, linewidth=1, linestyle=(0, (1, 2)), zorder=2)
    return line


def _shares(axes: Axes, shown: Diagram) -> None:
    """Draw how many pixels each point of a reliability diagram stands for."""
    for i, series in enumerate(shown.series):
        _draw(axes, replace(series, y=series.shares), i, shown.kind)
    lowest = min(float(series.shares.min()) for series in shown.series)
    bottom = 10.0 ** min(-1, math.floor(math.log10(lowest)))
    axes.set(xlabel=_AXES[shown.kind][0], yscale="log", ylim=(bottom, 1))
    axes.text(1.02, 0.5, "pixels", transform=axes.transAxes, fontsize=9, color=GREY, va="center")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    axes.yaxis.set_minor_formatter(lambda share, _: "")
    axes.tick_params(axis="y", labelsize=9)


_BACKGROUNDS = {"roc": _chance, "pr": _iso_f1, "calibration": _perfect}
