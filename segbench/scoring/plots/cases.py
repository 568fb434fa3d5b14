"""Pictures of single cases: three orthogonal slices with the outlines of truth and prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from segbench.errors import counted, require
from segbench.markup import number
from segbench.scoring.casepictures import CasePicture
from segbench.scoring.caseslices import outline
from segbench.scoring.figurestyle import GREY
from segbench.scoring.plots.canvas import in_common, readable, wrapped

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from segbench.scoring.casetable import CaseTable

TITLE = "Cases"

#: Blue and orange are told apart by the colour-blind; dashes serve grey print. Truth is below, prediction above.
TRUTH: dict[str, Any] = {"color": "#0072b2", "linewidth": 2.2}
PREDICTION: dict[str, Any] = {"color": "#d55e00", "linewidth": 1.3}
#: On scans: brighter.
_ON_SCANS = ("#56b4e9", "#ff9e2c")

#: Where nothing is, and where the truth has another structure.
_EMPTY, _OTHER = 0.93, 0.78

#: The axes of the array across which the slices go, and those along which they lie: to the right and upwards.
_VIEWS = ((2, 0, 1), (1, 0, 2), (0, 1, 2))

#: Inches: the whole width, the left margin, between slices, a slice at most, and what a slice takes at least.
_WIDTH, _LEFT, _GAP, _HIGHEST, _NARROWEST = 10.2, 0.75, 0.85, 3.6, 1.9
#: Inches: a line of text, the texts above the slices, and what is below them.
_LINE, _ABOVE, _BELOW = 0.17, 0.52, 0.95
#: Characters of a line.
_COLUMNS = 128

Box: TypeAlias = tuple[float, float, float, float]


def compose_cases(drawn: Figure, table: CaseTable, pictures: Sequence[CasePicture]) -> None:
    """Draw the `pictures` of some cases below each other into an empty figure."""
    blocks = [_Block(table, picture) for picture in pictures]
    height = sum(block.height for block in blocks) + 0.1
    drawn.set_size_inches(_WIDTH, height)
    top = 0.0
    for block in blocks:
        block.draw(drawn, top, height)
        top += block.height


class _Block:
    """One case: its caption, its three slices, and what the outlines are."""

    def __init__(self, table: CaseTable, picture: CasePicture) -> None:
        self._picture = picture
        self._lines = [line for text in _captions(table, picture) for line in wrapped(text, _COLUMNS)]
        sides = [len(range(*w.indices(n))) * step for w, n, step in zip(*self._extents(), strict=True)]
        self._sizes = [(sides[right], sides[up]) for _, right, up in _VIEWS]
        room = _WIDTH - _LEFT - 2 * _GAP - 0.3
        # All three in one scale; a narrow slice still takes the place of its texts.
        self._inch = min(_HIGHEST / max(up for _, up in self._sizes), _fitting([w for w, _ in self._sizes], room))
        self._highest = max(up for _, up in self._sizes) * self._inch
        self._head = 0.45 + _LINE * len(self._lines)
        self.height = self._head + _ABOVE + self._highest + _BELOW

    def _extents(self) -> tuple[Any, Any, Any]:
        window = self._picture.cut.window
        return window, [one.stop for one in window], self._picture.spacing

    def draw(self, drawn: Figure, top: float, height: float) -> None:
        """Draw the block, which begins so many inches below the upper edge of a figure of a `height`."""
        case = self._picture.case.name
        title = wrapped(f"{case}: {self._picture.structure.name}", 84)
        _write(drawn, top + 0.3, height, " ".join(title[:1]) + " …" * (len(title) > 1), fontsize=13, fontweight="bold")
        for i, line in enumerate(self._lines):
            _write(drawn, top + 0.52 + _LINE * i, height, line, fontsize=9, color=GREY)
        left = _LEFT
        bottom = top + self._head + _ABOVE + self._highest
        for i, (width, up) in enumerate(self._sizes):
            wide, high = width * self._inch, up * self._inch
            axes = drawn.add_axes((left / _WIDTH, 1 - bottom / height, wide / _WIDTH, high / height))
            _slice(axes, self._picture, i, self._inch)
            left += max(wide, _NARROWEST) + _GAP
        _bar(drawn, self._inch, bottom + 0.62, height)
        _legend(drawn, self._picture, bottom + 0.62, height)


def _fitting(widths: Sequence[float], room: float) -> float:
    """Return how many inches a mm may take so that all slices fit side by side, none in less than the narrowest."""
    wide = sorted(widths)
    for i in range(len(wide)):
        inch = (room - i * _NARROWEST) / sum(wide[i:])
        if wide[i] * inch >= _NARROWEST:
            return inch
    return room / sum(wide)


def _captions(table: CaseTable, picture: CasePicture) -> list[str]:
    structure = picture.structure
    values = ", ".join(f"{key} {_value(value, table.units[key])}" for key, value in structure.values.items())
    of_truth, of_prediction = (counted(n, "voxel") for n in structure.voxels)
    state = "" if structure.state == "found" else f"{structure.state}: "
    return [
        in_common(table.counted.terms),
        f"{state}truth {of_truth}, prediction {of_prediction}; {values}",
        f"{_choice(picture)} Grey lines show where the other slices cut. In mm from the first voxel.",
    ]


def _choice(picture: CasePicture) -> str:
    """Say which slices are shown."""
    if not any(picture.structure.voxels):
        return "The structure is in neither map; the slices are the middle ones."
    which = "wrong voxels" if any(_wrong(picture, i) for i in range(3)) else "voxels, none of them wrong,"
    return f"Each slice is the one along its axis with the most {which} of this structure, cropped to it."


def _value(value: float, unit: str) -> str:
    if math.isnan(value):
        return "left out"
    return f"{number(value, unit)} {'%' if unit == 'fraction' else unit}"


def _slice(axes: Axes, picture: CasePicture, i: int, inch: float) -> None:
    """Draw the slice of one view."""
    across, right, up = _VIEWS[i]
    window, spacing = picture.cut.window, picture.spacing
    low = [window[axis].start * spacing[axis] for axis in (right, up)]
    n_right, n_up = picture.truth[i].shape
    extent = (low[0], low[0] + n_right * spacing[right], low[1], low[1] + n_up * spacing[up])
    look: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest", "origin": "lower"}
    axes.imshow(_background(picture, i).T, extent=extent, aspect="equal", **look)
    for mask, style in _outlines(picture, i):
        if picture.scans:
            below = style | {"color": "black", "linewidth": style["linewidth"] + 1.2, "alpha": 0.6}
            _stroke(axes, outline(mask), (spacing[right], spacing[up]), low, below)
        _stroke(axes, outline(mask), (spacing[right], spacing[up]), low, style)
    for axis, line in ((right, axes.axvline), (up, axes.axhline)):
        line((picture.cut.place[axis] + 0.5) * spacing[axis], color=GREY, linewidth=0.6, alpha=0.6, zorder=2)
    axes.grid(False)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(_axis_name(picture, right), fontsize=9.5)
    axes.set_ylabel(_axis_name(picture, up), fontsize=9.5)
    for side, length in ((axes.xaxis, extent[1] - extent[0]), (axes.yaxis, extent[3] - extent[2])):
        side.set_major_locator(
            require("matplotlib.ticker", extra="plot").MaxNLocator(_n_ticks(length * inch), steps=[1, 2, 5, 10])
        )
    axes.tick_params(labelsize=8.5)
    text = f"slice {picture.cut.place[across]} of axis {across}\n{counted(_wrong(picture, i), 'wrong voxel')}"
    # Not as a title: its place would depend on the height of the slice.
    axes.annotate(text, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", fontsize=9, va="bottom")


def _n_ticks(inches: float) -> int:
    return max(1, min(6, int(inches / 0.45)))


def _axis_name(picture: CasePicture, axis: int) -> str:
    direction = picture.directions[axis]
    return f"axis {axis}" + (f", to {direction}" if direction else "") + " (mm)"


def _wrong(picture: CasePicture, i: int) -> int:
    return int(np.count_nonzero(picture.truth[i] ^ picture.prediction[i]))


def _background(picture: CasePicture, i: int) -> Any:
    if picture.scans:
        return picture.scans[i]
    return np.where(picture.others[i], _OTHER, _EMPTY)


def _outlines(picture: CasePicture, i: int) -> list[tuple[Any, dict[str, Any]]]:
    truth, prediction = _styles(picture)
    return [(picture.truth[i], truth | {"zorder": 3}), (picture.prediction[i], prediction | {"zorder": 4})]


def _styles(picture: CasePicture) -> tuple[dict[str, Any], dict[str, Any]]:
    if not picture.scans:
        return TRUTH, PREDICTION
    return TRUTH | {"color": _ON_SCANS[0]}, PREDICTION | {"color": _ON_SCANS[1]}


def _stroke(
    axes: Axes, strokes: Any, spacing: tuple[float, float], low: Sequence[float], style: dict[str, Any]
) -> None:
    if not len(strokes):
        return
    lines = require("matplotlib.collections", extra="plot").LineCollection
    ends = strokes * np.array(spacing) + np.array(low)
    axes.add_collection(lines(ends, capstyle="projecting", clip_on=False, **style), autolim=False)


def _bar(drawn: Figure, inch: float, top: float, height: float) -> None:
    """Draw the scale of all three slices: 1, 2 or 5 times a power of ten in mm, about one inch long."""
    length = round_length(1.1 / inch)
    y, right = 1 - top / height, (_LEFT + length * inch) / _WIDTH
    line = require("matplotlib.lines", extra="plot").Line2D
    drawn.add_artist(line([_LEFT / _WIDTH, right], [y, y], color="black", linewidth=2.5, solid_capstyle="butt"))
    drawn.text(right + 0.08 / _WIDTH, y, f"{length:g} mm", fontsize=9, va="center")


def round_length(most: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most or step == 1.0)


def _legend(drawn: Figure, picture: CasePicture, top: float, height: float) -> None:
    line = require("matplotlib.lines", extra="plot").Line2D
    patch = require("matplotlib.patches", extra="plot").Patch
    truth, prediction = _styles(picture)
    entries: list[tuple[Artist, str]] = [
        (line([], [], **truth), "truth" if picture.structure.voxels[0] else "truth (none)"),
        (line([], [], **prediction), "prediction" if picture.structure.voxels[1] else "prediction (none)"),
    ]
    if not picture.scans and any(mask.any() for mask in picture.others):
        entries.append((patch(facecolor=str(_OTHER)), "other structures of the truth"))
    drawn.legend(
        *zip(*entries, strict=True),
        loc="center right",
        bbox_to_anchor=(1 - 0.3 / _WIDTH, 1 - top / height),
        ncols=len(entries),
    )


def _write(drawn: Figure, top: float, height: float, text: str, **look: Any) -> None:
    drawn.text(_LEFT / _WIDTH, 1 - top / height, readable(text), **look)
