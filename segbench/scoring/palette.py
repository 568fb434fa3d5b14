"""The colours in which label maps are drawn on pages."""

from __future__ import annotations

import colorsys
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.labels import Color
from segbench.protocols.protocol import Protocol

#: Colours of a palette beside that of void; what has more classes shares them.
_COLORS = 255
_VOID = (255, 255, 255)


@dataclass(frozen=True)
class Palette:
    """The colours of a data set: code 0 is whatever is no class, code i the class at position i − 1.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    """

    protocol: Protocol

    @cached_property
    def names(self) -> list[str]:
        """The name of each code."""
        return ["", *(c.name for c in self.protocol.space.classes)]

    @cached_property
    def colors(self) -> list[Color]:
        """The colour of each code: the data set's own, or one of ours."""
        classes = self.protocol.space.classes
        return [_VOID, *(c.color or _made_up(i) for i, c in enumerate(classes))]

    @cached_property
    def table(self) -> bytes:
        """Red, green and blue of each index of a PNG."""
        return bytes(channel for color in self.colors[: _COLORS + 1] for channel in color)

    @cached_property
    def counted(self) -> list[int]:
        """Codes of the classes that are evaluated."""
        return [i for i, c in enumerate(self.protocol.space.classes, 1) if c.evaluated]

    @property
    def positive(self) -> int:
        """The code of what is sought, where there is one thing to find; else 0."""
        return self.counted[1] if self.protocol.kind == "levels" else 0

    def index(self, code: Any) -> Any:
        """Return the index in a PNG of a code, or of an array of them."""
        return (code - 1) % _COLORS + 1

    def indices(self, codes: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return the pixels of a PNG."""
        return np.where(codes > 0, self.index(codes), 0).astype(np.uint8)

    def codes(self, labels: NDArray[Any]) -> NDArray[np.intp]:
        """Return the code of each id of a label map."""
        ids = np.array([c.id for c in self.protocol.space.classes])
        order = np.argsort(ids)
        place = np.searchsorted(ids[order], labels).clip(max=len(ids) - 1)
        return np.where(ids[order][place] == labels, order[place] + 1, 0)


def _made_up(i: int) -> Color:
    """Return a colour of our own: hues a golden section of the circle apart, in three kinds of brightness."""
    red, green, blue = colorsys.hsv_to_rgb(i * 0.61803398875 % 1, 0.65, (0.95, 0.75, 0.55)[i % 3])
    return round(255 * red), round(255 * green), round(255 * blue)
