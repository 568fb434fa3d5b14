"""The charts of a comparison: drawings in SVG that a page scales, with all words outside, so that they stay legible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from segbench.markup import escaped
from segbench.scoring.duels import Range

#: Units of a drawing from left to right, and those that are left free at each side.
_WIDTH, _MARGIN = 1000, 20

#: Rules of CSS for the charts; the page defines the colours.
STYLE = (
    ".rows{display:grid;grid-template-columns:minmax(4em,max-content) minmax(6em,1fr) max-content;gap:.15em .7em;"
    "align-items:center;max-width:56em;margin:.7em 0}"
    ".rows>span{overflow-wrap:anywhere;max-width:18em}.rows>span.value{text-align:right}"
    ".rows>svg{width:100%;height:1.3em;display:block}"
    ".bars{width:100%;height:7em;display:block;overflow:visible}"
    ".axis{stroke:var(--axis);stroke-width:1}.whisker{stroke:var(--text);stroke-width:1.5}"
    ".first{fill:var(--first)}.second{fill:var(--second)}.dot{stroke:var(--text);stroke-width:7}"
)


class Line(NamedTuple):
    """A line of a chart: what it is called, where it lies, what is written behind it, and who is better, if any."""

    name: str
    value: float
    interval: Range | None
    text: str
    better: str = ""


def bars(lines: Sequence[Line], label: str) -> Iterator[str]:
    """Yield a chart of differences: a bar from zero in the colour of who is better, and its interval.

    Parameters
    ----------
    lines : sequence of Line
        From top to bottom; `better` is ``first``, ``second`` or empty.
    label : str
        What it shows, for those who do not see it.

    Yields
    ------
    str
        HTML.
    """
    ends = [abs(x) for line in lines for x in (line.value, *(line.interval or ())) if math.isfinite(x)]
    largest = max(ends, default=0.0) or 1.0

    def place(x: float) -> float:
        return _WIDTH / 2 + (_WIDTH / 2 - _MARGIN) * max(-1.0, min(1.0, x / largest))

    yield f"<div class='rows' role='group' aria-label='{escaped(label)}'>"
    for line in lines:
        marks = [_upright(_WIDTH / 2)]
        if not math.isnan(line.value):
            left, right = sorted((place(0.0), place(line.value)))
            marks.append(
                f"<rect class='{line.better}' x='{left:.1f}' y='4' width='{max(right - left, 1):.1f}' height='12'/>"
            )
        marks += _whisker(line.interval, place)
        yield from _row(line, marks)
    yield "</div>"


def dots(lines: Sequence[Line], label: str) -> Iterator[str]:
    """Yield a chart of scores: a dot and its interval; see `bars`."""
    ends = [x for line in lines for x in (line.value, *(line.interval or ())) if math.isfinite(x)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    width = high - low or 1.0

    def place(x: float) -> float:
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * max(0.0, min(1.0, (x - low) / width))

    yield f"<div class='rows' role='group' aria-label='{escaped(label)}'>"
    for line in lines:
        marks = [_stroke("axis", 0, _WIDTH, 10, 10)]
        marks += _whisker(line.interval, place)
        if not math.isnan(line.value):
            marks.append(_upright(place(line.value), "dot", 3, 17))
        yield from _row(line, marks)
    yield "</div>"


def sorted_bars(gains: Sequence[float], label: str) -> str:
    """Return a chart of many differences, the largest first: upward in the first colour, downward in the second.

    Parameters
    ----------
    gains : sequence of float
        By how much the first is better on each image, negative where it is worse.
    label : str
        What it shows, for those who do not see it.

    Returns
    -------
    str
        HTML.
    """
    finite = [gain for gain in gains if math.isfinite(gain)]
    top, bottom = max([0.0, *finite]), min([0.0, *finite])
    scale = 100 / ((top - bottom) or 1.0)
    paths = {"first": "", "second": ""}
    for i, gain in enumerate(sorted(gains, reverse=True)):
        height = scale * max(bottom, min(top, gain))
        paths["first" if gain > 0 else "second"] += f"M{i + 0.1:g} {scale * top:.1f}v{-height:.1f}h.8v{height:.1f}z"
    n = max(1, len(gains))
    drawn = "".join(f"<path class='{who}' d='{path}'/>" for who, path in paths.items() if path)
    axis = _stroke("axis", 0, n, scale * top, scale * top)
    return (
        f"<svg class='bars' role='img' aria-label='{escaped(label)}' viewBox='0 0 {n} 100' preserveAspectRatio='none' "
        f"style='max-width:{3 * n}em'>{drawn}{axis}</svg>"
    )


def _row(line: Line, marks: Sequence[str]) -> Iterator[str]:
    yield f"<span>{escaped(line.name)}</span>"
    # The words beside it say the same.
    drawing = f"<svg aria-hidden='true' viewBox='0 0 {_WIDTH} 20' preserveAspectRatio='none'>"
    yield f"{drawing}{''.join(marks)}</svg><span class='value'>{escaped(line.text)}</span>"


def _upright(x: float, kind: str = "axis", top: float = 0, bottom: float = 20) -> str:
    return _stroke(kind, x, x, top, bottom)


def _whisker(interval: Range | None, place: Callable[[float], float]) -> list[str]:
    if interval is None:
        return []
    low, high = map(place, interval)
    return [_stroke("whisker", low, high, 10, 10), *(_upright(x, "whisker", 6, 14) for x in (low, high))]


def _stroke(kind: str, x1: float, x2: float, y1: float, y2: float) -> str:
    ends = f"x1='{x1:.1f}' x2='{x2:.1f}' y1='{y1:.1f}' y2='{y2:.1f}'"
    return f"<line class='{kind}' {ends} vector-effect='non-scaling-stroke'/>"
