"""Figures as positions on a canvas; a template draws them in the colours of the reader's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import field

from segbench.frozen import dataclass

#: The canvas, and where axes lie in it: left, top, right, bottom.
WIDTH, HEIGHT = 420, 300
LEFT, TOP, RIGHT, BOTTOM = 48, 12, 408, 256

#: Kinds of line and marker that can be told apart, with and without colour.
KINDS = 6


@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    label : str
        What it shows, and in which unit.
    low, high : float
        Its ends.
    is_log : bool
        Whether equal steps are equal factors.
    """

    label: str
    low: float
    high: float
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1."""
        ends = (self.low, self.high, value)
        low, high, at = map(math.log10, ends) if self.is_log else ends
        return (at - low) / (high - low)

    @property
    def ticks(self) -> list[float]:
        """Round values between the ends."""
        if self.is_log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            # Few powers of ten alone say too little.
            factors = (1, 2, 5) if last - first < 3 else (1,)
            marks = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
            return [mark for mark in marks if mark <= self.high]
        step = _step(self.high - self.low)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


@dataclass(frozen=True)
class Line:
    """A curve.

    Parameters
    ----------
    name : str
        What the legend calls it.
    points : tuple of (float, float)
        Its x and y.
    """

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Dot:
    """A point.

    Parameters
    ----------
    name : str
        What it is called.
    x, y : float
        Where it lies.
    page : str
        The page that it leads to; empty where there is none.
    is_front : bool
        Whether none is both better and cheaper.
    """

    name: str
    x: float
    y: float
    page: str = ""
    is_front: bool = False


@dataclass(frozen=True)
class Figure:
    """Curves or points over two axes.

    Parameters
    ----------
    title : str
        What it shows.
    x, y : Axis
        The axes.
    lines : tuple of Line
        Curves, drawn in kinds 1, 2, …
    dots : tuple of Dot
        Points.
    is_published : bool
        Whether the points are published numbers.
    note : str
        What to know of it.
    """

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = field(default=())
    is_published: bool = False
    note: str = ""

    def across(self, value: float) -> float:
        """Return the position of a value on the canvas, from the left."""
        return round(LEFT + (RIGHT - LEFT) * self.x.share(value), 1)

    def down(self, value: float) -> float:
        """Return the position of a value on the canvas, from the top."""
        return round(BOTTOM - (BOTTOM - TOP) * self.y.share(value), 1)

    def path(self, line: Line) -> str:
        """Return a curve in the words of SVG."""
        return "M" + "L".join(f"{self.across(x)} {self.down(y)}" for x, y in line.points)

    @property
    def front(self) -> str:
        """The steps along the best points at each cost, in the words of SVG; empty where there are less than two."""
        best = sorted((dot.x, dot.y) for dot in self.dots if dot.is_front)
        if len(best) < 2:
            return ""
        path = f"M{self.across(best[0][0])} {self.down(best[0][1])}"
        return path + "".join(f"H{self.across(x)}V{self.down(y)}" for x, y in best[1:])


def curve_figure(name: str, lines: Sequence[Line]) -> Figure:
    """Return the figure of curves of one name, see `Standing.curves`."""
    if name == "trimap":
        x = Axis("width of the band, pixels", 0.0, max(x for line in lines for x, _ in line.points))
        return Figure(
            "IoU inside a band around boundaries",
            x,
            _around([y for line in lines for _, y in line.points]),
            tuple(lines),
        )
    labels = {
        "roc": ("ROC", "false positive rate", "true positive rate"),
        "precision recall": ("Precision and recall", "recall", "precision"),
    }
    title, x_label, y_label = labels.get(name, (name, "x", "y"))
    return Figure(title, Axis(x_label, 0.0, 1.0), Axis(y_label, 0.0, 1.0), tuple(lines))


def cost_figure(title: str, cost: str, score: str, dots: Sequence[Dot], *, higher_is_better: bool = True) -> Figure:
    """Return the figure of scores against what they cost, with the best at each cost marked.

    Parameters
    ----------
    title : str
        What it shows.
    cost, score : str
        Labels of the axes.
    dots : sequence of Dot
        At least one; costs above 0.
    higher_is_better : bool
        Direction of the score.

    Returns
    -------
    Figure
        With a logarithmic axis of costs.
    """
    sign = 1 if higher_is_better else -1
    marked = tuple(
        Dot(dot.name, dot.x, dot.y, dot.page, is_front=not any(_beats(other, dot, sign) for other in dots))
        for dot in sorted(dots, key=lambda dot: (dot.x, dot.y, dot.name))
    )
    costs = [dot.x for dot in dots]
    low, high = 10 ** math.floor(math.log10(min(costs))), 10 ** math.ceil(math.log10(max(costs)))
    x = Axis(cost, float(low), float(high if high > low else 10 * low), is_log=True)
    return Figure(title, x, _around([dot.y for dot in dots], score), dots=marked)


def _beats(other: Dot, dot: Dot, sign: int) -> bool:
    """Return whether another is at least as good at no more cost, and better in one of them."""
    gain, saving = sign * (other.y - dot.y), dot.x - other.x
    return gain >= 0 and saving >= 0 and (gain > 0 or saving > 0)


def _around(values: Sequence[float], label: str = "IoU") -> Axis:
    """Return an axis with round ends around values."""
    low, high = min(values), max(values)
    step = _step(high - low) if high > low else abs(high) / 10 or 0.1
    return Axis(label, step * math.floor(low / step - 0.1), step * math.ceil(high / step + 0.3))


def _step(length: float) -> float:
    """Return the round step that divides a length into some five parts."""
    power = 10.0 ** math.floor(math.log10(length / 4))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= length / 5.5)
