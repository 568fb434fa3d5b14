"""What all figures share: a page laid out in inches, our own style, and text that can be drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from segbench.errors import printable, require
from segbench.scoring.figurestyle import GREY, STYLE

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What the legend shows, and what it says.
Entry: TypeAlias = "tuple[Artist, str]"

#: Inches: the axes, and what stands left and right of them.
SQUARE, RIGHT = 3.8, 0.5
_LEFT = 0.7
#: Inches: axes below the others, and a line of the legend.
_PANEL, _LINE = 0.8, 0.222
#: Characters of a line of the legend, and of one below the title.
_COLUMNS, _SMALL_COLUMNS = 48, 60


class Page:
    """A figure that is laid out in inches from its upper left corner, and as high as its legend is long.

    Parameters
    ----------
    drawn : matplotlib.figure.Figure
        The figure, empty.
    subtitle : sequence of str
        What stands below the title, each on lines of its own.
    below : bool
        Whether there are axes below the others.
    """

    def __init__(self, drawn: Figure, subtitle: Sequence[str], below: bool = False) -> None:
        self._drawn = drawn
        self._subtitle = [line for text in subtitle for line in wrapped(text, _SMALL_COLUMNS)]
        self._head = 0.47 + 0.17 * len(self._subtitle)
        self.square: Axes = drawn.add_axes((0, 0, 1, 1))
        self.panel: Axes | None = drawn.add_axes((0, 0, 1, 1), sharex=self.square) if below else None
        self._foot = self._head + SQUARE + (_PANEL + 0.15 if below else 0) + 0.6

    def close(self, title: str, entries: Sequence[Entry], right: float = RIGHT) -> None:
        """Write the title, put the legend below the axes, where it hides nothing, and give all its place.

        Parameters
        ----------
        title : str
            The title.
        entries : sequence of (Artist, str)
            The legend; none where there is nothing in it.
        right : float
            Inches that are needed right of the axes.
        """
        texts = [wrapped(text, _COLUMNS) for _, text in entries]
        self._width, self._height = _LEFT + SQUARE + right, self._foot + _LINE * sum(map(len, texts)) + 0.1
        self._drawn.set_size_inches(self._width, self._height)
        self.square.set_position(self._box(self._head, SQUARE))
        if self.panel is not None:
            self.panel.set_position(self._box(self._head + SQUARE + 0.15, _PANEL))
        self._write(0.27, title, fontsize=13, fontweight="bold")
        for i, line in enumerate(self._subtitle):
            self._write(0.48 + 0.17 * i, line, fontsize=9, color=GREY)
        if entries:
            self._legend([artist for artist, _ in entries], texts)

    def _legend(self, artists: Sequence[Artist], texts: Sequence[Sequence[str]]) -> None:
        corner = (0.1 / self._width, 1 - self._foot / self._height)
        legend = self._drawn.legend(artists, ["entry"] * len(texts), loc="upper left", bbox_to_anchor=corner)
        for drawn_text, lines in zip(legend.get_texts(), texts, strict=True):
            # Not given at once: a label that begins with an underscore would be left out.
            drawn_text.set_text("\n".join(lines))

    def _box(self, top: float, height: float) -> tuple[float, float, float, float]:
        bottom = 1 - (top + height) / self._height
        return _LEFT / self._width, bottom, SQUARE / self._width, height / self._height

    def _write(self, top: float, text: str, **look: Any) -> None:
        self._drawn.text(_LEFT / self._width, 1 - top / self._height, text, **look)


@contextmanager
def own_style() -> Iterator[None]:
    """Draw by our own style, whatever the settings of the user are: they would change the bytes."""
    matplotlib = require("matplotlib", extra="plot")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def in_common(terms: Mapping[str, str]) -> str:
    """Return in one line what all results have in common; `terms` are those of a `Recount`."""
    images = f"{terms['images']} {'image' if terms['images'] == '1' else 'images'}"
    usual = {"missing": "error", "resize": "-", "input": "-"}
    more = [f"{name}={terms[name]}" for name, plain in usual.items() if terms[name] != plain]
    return " | ".join([terms["protocol"], terms["split"], images, f"truth:{terms['truth']}", *more])


def readable(text: str) -> str:
    """Escape what the font has no glyph for: matplotlib would draw the same box for each, and warn."""
    fonts = require("matplotlib.font_manager", extra="plot")
    font = fonts.get_font(fonts.findfont("DejaVu Sans"))
    return "".join(c if font.get_char_index(ord(c)) else ascii(c)[1:-1] for c in printable(text))


def wrapped(text: str, columns: int) -> list[str]:
    """Break a readable text into lines."""
    return textwrap.wrap(readable(text), columns)
