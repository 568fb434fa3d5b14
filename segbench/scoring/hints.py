"""Hints for the mistakes people really make: what a wrong value, or a low score, usually comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.layouts import split_keys
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError
from segbench.labels import Color, LabelSpace
from segbench.protocols.protocol import Protocol

#: A hint on a score is given when the other reading agrees with the truth in at least this share of the pixels,
#: and in at least this many times more pixels.
_LIKELY, _BETTER = 0.5, 2.0


def on_values(values: set[int], protocol: Protocol) -> str:
    """Return what a refused prediction may be, judged by the values it holds; empty when nothing fits.

    Parameters
    ----------
    values : set of int
        All values of the prediction.
    protocol : Protocol
        What was expected.

    Returns
    -------
    str
        How to mend it.
    """
    ids = set(protocol.space.columns)
    classes = {c.id for c in protocol.space.classes}
    if values <= {0, 255} and 255 in values and not {0, 255} <= classes:
        return "a 0/255 mask? write the class id in every pixel"
    if protocol.train_ids and values <= set(protocol.train_ids):
        return "train ids? score them with --input trainids"
    if {value - 1 for value in values} <= classes:
        return "is every label one too high? subtract 1"
    if 255 in values and values - {255} <= ids and 255 not in ids:
        void = ", ".join(map(str, protocol.space.void_truth)) or "not used"
        return f"255 is no id here (void is {void})"
    if 255 in values and 255 in protocol.space.void:
        return "was the void border of the truth copied? give every pixel the most likely class"
    return ""


def on_split(truth: TruthSet, keys: set[str]) -> str:
    """Return a hint when files that belong to no image are most of another split of the data set."""
    if truth.by_path:
        return ""
    for split in truth.protocol.splits:
        try:
            others = split_keys(truth.protocol, truth.layout, truth.root, split) if split != truth.split else []
        except DatasetError:
            continue
        if others and 2 * len(keys.intersection(others)) > len(keys):
            return f"are these the predictions of the split {split}? score them with --split {split}"
    return ""


def on_table(table: NDArray[np.int64], protocol: Protocol) -> list[str]:
    """Return warnings when predictions agree far better with the truth in another reading.

    Parameters
    ----------
    table : ndarray of int64, shape (n_codes, n_codes + 1)
        The pooled table.
    protocol : Protocol
        The data set.

    Returns
    -------
    list of str
        One line for each likely mistake.
    """
    space = protocol.space
    scored = table[: len(space.evaluated)]
    total = int(scored.sum())
    right = int(scored.diagonal().sum())
    readings = {
        "every label is raised by one": {value: value - 1 for value in space.columns},
        "every label is lowered by one": {value: value + 1 for value in space.columns},
        "they are read as train ids (--input trainids)": {value: train for train, value in protocol.train_ids.items()},
    }
    found = {what: _agreeing(scored, space, written) for what, written in readings.items()}
    return [
        f"predictions agree with the truth in {100 * n / total:.0f} % of the pixels when {what}, "
        f"as they are in {100 * right / total:.0f} %"
        for what, n in found.items()
        if total and n > _LIKELY * total and n > _BETTER * right
    ]


def on_levels(levels: NDArray[np.int64]) -> list[str]:
    """Return warnings about the levels that predictions hold: pixels by class and level, shape (2, 256)."""
    if levels[:, 2:].any() or not levels[:, 1].any():
        return []
    return ["no prediction holds a level above 1: were probabilities or classes saved as 0 and 1, not as 0…255?"]


class Palettes:
    """What palettes say, remembered from image to image.

    Parameters
    ----------
    colors : mapping of color to int
        Id of each colour of the data set.
    """

    def __init__(self, colors: Mapping[Color, int]) -> None:
        self._colors = colors
        self._said: dict[bytes, dict[int, int | None]] = {}

    def repainted(self, palette: bytes, used: Iterable[int]) -> bool:
        """Return whether the colours of the indices in use say other classes than the indices do."""
        if not palette or not self._colors:
            return False
        said = self._said.setdefault(palette, {})
        other = False
        for index in used:
            if index not in said:
                said[index] = self._colors.get((*palette[3 * index : 3 * index + 3],))
            if said[index] is None:
                return False
            other |= said[index] != index
        return other


def _agreeing(scored: NDArray[np.int64], space: LabelSpace, written: Mapping[int, int]) -> int:
    """Return the pixels whose prediction is what stands for the truth in another reading."""
    code = {value: i for i, value in enumerate(space.columns)}
    pairs = ((row, code.get(written.get(c.id, -1))) for row, c in enumerate(space.evaluated))
    return sum(int(scored[row, column]) for row, column in pairs if column is not None)
