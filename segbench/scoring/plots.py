"""Figures of diagrams, as SVG or PNG: the same diagram gives the same bytes."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from segbench.errors import printable, require
from segbench.scoring.diagrams import Diagram, Kind, Series, diagram
from segbench.scoring.figurestyle import COLORS, DASHES, GREY, LIGHT, MARK, MARKS, POINT, POINTS, STYLE
from segbench.version import __version__

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What the legend shows, and what it says.
Entry: TypeAlias = "tuple[Artist, str]"

#: Inches: the figure and what stands left of the axes; the axes, those below them, and a line of the legend.
_WIDTH, _LEFT, _SQUARE, _PANEL, _LINE = 5.0, 0.7, 3.8, 0.8, 0.222
#: Characters of a line of the legend, and of one below the title.
_COLUMNS, _SMALL_COLUMNS = 48, 60

_TITLES = {"roc": "ROC curve", "pr": "Precision and recall", "calibration": "Calibration"}
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


def plot(paths: Sequence[Path], *, kind: Kind, format: str = "svg", dataset: str | None = None) -> bytes:
    """Draw the curves of results in one figure.

    Parameters
    ----------
    paths : sequence of Path
        Results in JSON, their states beside them, all of one data set of probability maps.
    kind : {'roc', 'pr', 'calibration'}
        What is drawn.
    format : {'svg', 'png'}
        What is returned.
    dataset : str, optional
        The data set, where it is a protocol of one's own.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    BadParameter
        When results cannot be drawn, or not together.
    DatasetError
        When a state is damaged.
    MissingPackage
        When matplotlib is not installed.
    """
    require("matplotlib", extra="plot")
    return draw(diagram(paths, kind, dataset), format)


def draw(shown: Diagram, format: str = "svg") -> bytes:
    """Return the figure of a diagram as a file.

    Parameters
    ----------
    shown : Diagram
        What is drawn.
    format : {'svg', 'png'}
        What is returned.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    MissingPackage
        When matplotlib is not installed.
    """
    title = f"{_TITLES[shown.kind]} of {', '.join(series.name for series in shown.series)}: {_terms(shown)}"
    file = io.BytesIO()
    with _own_style():
        # Neither the date nor the version of matplotlib is part of the figure.
        maker = {"Creator": f"segbench {__version__}", "Date": None} if format == "svg" else {"Software": None}
        figure(shown).savefig(file, format=format, metadata={"Title": _readable(title), **maker})
    return file.getvalue()


def figure(shown: Diagram) -> Figure:
    """Return the figure of a diagram.

    Parameters
    ----------
    shown : Diagram
        What is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; its first axes hold the curves.

    Raises
    ------
    MissingPackage
        When matplotlib is not installed.
    """
    require("matplotlib", extra="plot")
    with _own_style():
        entries: list[Entry] = []
        drawn: Figure = require("matplotlib.figure", extra="plot").Figure()
        page = _Page(drawn, _wrapped(_terms(shown), _SMALL_COLUMNS), below=shown.kind == "calibration")
        axes = page.square
        for i, series in enumerate(shown.series):
            entries.append((_draw(axes, series, i, shown.kind), _of(series)))
        entries += [*_marks(axes, shown), *_BACKGROUNDS[shown.kind](axes, shown)]
        _frame(axes, shown)
        if page.panel is not None:
            axes.tick_params(labelbottom=False)
            axes.set_xlabel("")
            _shares(page.panel, shown)
        page.close(_TITLES[shown.kind], entries)
    return drawn


class _Page:
    """A figure that is laid out in inches from its upper left corner, and as high as its legend is long."""

    def __init__(self, drawn: Figure, subtitle: Sequence[str], below: bool) -> None:
        self._drawn, self._subtitle = drawn, subtitle
        self._head = 0.47 + 0.17 * len(subtitle)
        self.square: Axes = drawn.add_axes((0, 0, 1, 1))
        self.panel: Axes | None = drawn.add_axes((0, 0, 1, 1), sharex=self.square) if below else None
        self._foot = self._head + _SQUARE + (_PANEL + 0.15 if below else 0) + 0.6

    def close(self, title: str, entries: Sequence[Entry]) -> None:
        """Write the title, put the legend below the axes, where it hides nothing, and give all its place."""
        texts = [_wrapped(text, _COLUMNS) for _, text in entries]
        self._height = self._foot + _LINE * sum(map(len, texts)) + 0.1
        self._drawn.set_size_inches(_WIDTH, self._height)
        self.square.set_position(self._box(self._head, _SQUARE))
        if self.panel is not None:
            self.panel.set_position(self._box(self._head + _SQUARE + 0.15, _PANEL))
        self._write(0.27, title, fontsize=13, fontweight="bold")
        for i, line in enumerate(self._subtitle):
            self._write(0.48 + 0.17 * i, line, fontsize=9, color=GREY)
        corner = (0.1 / _WIDTH, 1 - self._foot / self._height)
        artists = [artist for artist, _ in entries]
        legend = self._drawn.legend(artists, ["entry"] * len(texts), loc="upper left", bbox_to_anchor=corner)
        for drawn_text, lines in zip(legend.get_texts(), texts, strict=True):
            # Not given at once: a label that begins with an underscore would be left out.
            drawn_text.set_text("\n".join(lines))

    def _box(self, top: float, height: float) -> tuple[float, float, float, float]:
        bottom = 1 - (top + height) / self._height
        return _LEFT / _WIDTH, bottom, _SQUARE / _WIDTH, height / self._height

    def _write(self, top: float, text: str, **look: Any) -> None:
        self._drawn.text(_LEFT / _WIDTH, 1 - top / self._height, text, **look)


@contextmanager
def _own_style() -> Iterator[None]:
    """Draw by our own style, whatever the settings of the user are: they would change the bytes."""
    matplotlib = require("matplotlib", extra="plot")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def _frame(axes: Axes, shown: Diagram) -> None:
    x, y = _AXES[shown.kind]
    ticks = np.linspace(0, 1, 6)
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1), xticks=ticks, yticks=ticks)


def _terms(shown: Diagram) -> str:
    terms = shown.terms
    images = f"{terms['images']} {'image' if terms['images'] == '1' else 'images'}"
    usual = {"missing": "error", "resize": "-", "input": "-"}
    more = [f"{name}={terms[name]}" for name, plain in usual.items() if terms[name] != plain]
    return " | ".join([terms["protocol"], terms["split"], images, f"truth:{terms['truth']}", *more])


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


def _readable(text: str) -> str:
    """Escape what the font has no glyph for: matplotlib would draw the same box for each, and warn."""
    fonts = require("matplotlib.font_manager", extra="plot")
    font = fonts.get_font(fonts.findfont("DejaVu Sans"))
    return "".join(c if font.get_char_index(ord(c)) else ascii(c)[1:-1] for c in printable(text))


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(_readable(text), columns)


_BACKGROUNDS = {"roc": _chance, "pr": _iso_f1, "calibration": _perfect}
