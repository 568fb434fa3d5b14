"""Outlines of the masks in frames, from which it is seen how much they change: how they are recorded and found again.

Which frames are compared is not known while they are counted, so outlines are kept themselves: whole numbers, a row for
each point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.kernels.arrays import as_labels
from segbench.kernels.polygons import Outline, Reading, refuse_many
from segbench.late import late
from segbench.metrics.parts import Rows
from segbench.metrics.states import State
from segbench.samples import Place

#: The part of a state and of a record that holds outlines, and what orders its rows.
OUTLINES = "outlines"
KEY = ("sequence", "frame", "number", "reading", "point")

#: Video, position of the frame, and number of the mask: that of an object in the first frame, whose truth it is.
Mask: TypeAlias = tuple[str, int, int]

_outline = late("segbench.kernels.stability:outline")


def outlines_of(
    prediction: NDArray[Any], numbers: Sequence[int], place: Place, readings: Sequence[Reading]
) -> list[list[Any]]:
    """Return what is recorded of the outlines in a frame.

    Parameters
    ----------
    prediction : ndarray of int, shape (rows, columns)
        A map of numbers.
    numbers : sequence of int
        Those whose masks have outlines, if they have any pixels.
    place : Place
        Where the frame stands in its video.
    readings : sequence of {'python', 'matlab'}
        The official tools by whose rules outlines are taken. For ``matlab`` the truth of the first frame stands for its
        prediction, and is recorded with the second frame.

    Returns
    -------
    list of [int, int, str, list of int, list of int]
        Position of the frame, number, reading, and the columns and rows of the points. Masks without an outline are
        left out.

    Raises
    ------
    BadParameter
        For ``matlab``, when the second frame of a video does not know the truth of the first.
    ResourceError
        For an outline too long to be matched.
    """
    found: list[list[Any]] = []
    for reading in readings:
        if reading == "python" or place.index:
            found += _of_frame(prediction, numbers, place.index, reading)
        if reading == "matlab" and place.index == 1:
            found += _of_frame(_first(place), range(1, place.n_objects + 1), 0, reading)
    return found


def add_outlines(rows: Rows, sequence: str, recorded: Iterable[Sequence[Any]]) -> None:
    """Add the recorded outlines of a frame.

    Parameters
    ----------
    rows : Rows
        The part of a state; written to.
    sequence : str
        The video.
    recorded : iterable
        What `outlines_of` returned.
    """
    points = [
        (frame, number, reading, i, x, y)
        for frame, number, reading, xs, ys in recorded
        for i, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]
    frames, numbers, readings, places, xs, ys = zip(*points, strict=True) if points else ((),) * 6
    rows.add(
        sequence=np.full(len(points), sequence),
        frame=np.array(frames, np.int64),
        number=np.array(numbers, np.int64),
        reading=np.array(readings, np.str_),
        point=np.array(places, np.int64),
        x=np.array(xs, np.int64),
        y=np.array(ys, np.int64),
    )


def counted_outlines(state: State, reading: Reading) -> dict[Mask, Outline]:
    """Return the outlines in a state.

    Parameters
    ----------
    state : State
        What a `VideoTally` counted.
    reading : {'python', 'matlab'}
        The official tool by whose rules they were taken.

    Returns
    -------
    dict of (str, int, int) to ndarray of int64, shape (points, 2)
        Outlines by video, position of the frame and number; masks without an outline are not in it.
    """
    rows = state.rows(OUTLINES).columns()
    if not rows:
        return {}
    chosen = {name: values[rows["reading"] == reading] for name, values in rows.items()}
    points = np.stack([chosen["x"], chosen["y"]], axis=1)
    starts = np.flatnonzero(chosen["point"] == 0).tolist()
    names = zip(*(chosen[name][starts].tolist() for name in KEY[:3]), strict=True)
    ends = [*starts, len(points)][1:]
    return {name: points[start:end] for name, start, end in zip(names, starts, ends, strict=True)}


def _first(place: Place) -> NDArray[Any]:
    if place.first is None:
        raise BadParameter(
            "the second frame of a video without the truth of the first", expected="it in the place of the frame"
        )
    return as_labels(place.first, name="truth")


def _of_frame(labels: NDArray[Any], numbers: Iterable[int], frame: int, reading: Reading) -> Iterator[list[Any]]:
    for number in numbers:
        points = _outline(mask=labels == number, reading=reading)
        if len(points):
            # Here it is known yet which frame it is.
            refuse_many(points)
            yield [frame, number, reading, *points.T.tolist()]
