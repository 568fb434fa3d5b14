"""From the counts of a video to J and F of each object in each frame, and to their statistics.

Source: davisvideochallenge/davis2017-evaluation, files evaluation.py, metrics.py and utils.py. Floats are reduced there
and here by NumPy's mean, over arrays of the same layout.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.frozen import dataclass
from segbench.late import late
from segbench.metrics.parts import Arrays
from segbench.metrics.states import State
from segbench.metrics.videocounts import BOUNDARY, EMPTY, PIXELS, column

Frames: TypeAlias = Literal["inner", "all"]
Assignment: TypeAlias = Literal["identity", "best"]
FrameIds: TypeAlias = Literal["exact", "uint8"]
Series: TypeAlias = NDArray[np.float64]

_best_assignment = late("segbench.metrics.assignment:best_assignment")

#: How many parts of a video decay is measured by: the first less the last of four.
_BINS = 4


@dataclass(frozen=True)
class Answer:
    """An object and the proposal that answers it.

    Parameters
    ----------
    sequence : str
        The video.
    number, proposal : int
        The object and the proposal, from 1.
    frames : ndarray of int64, shape (frames,)
        Positions of the frames that are scored.
    measures : dict of str to ndarray, shape (frames,)
        J of each frame by ``j`` and, where boundaries were counted, F by ``f``.
    """

    sequence: str
    number: int
    proposal: int
    frames: NDArray[np.int64]
    measures: dict[str, Series]


def answers(state: State, *, frames: Frames, assignment: Assignment, bound: float | None) -> list[Answer]:
    """Return the objects of all videos.

    Parameters
    ----------
    state : State
        What a `VideoTally` counted.
    frames : {'inner', 'all'}
        Whether the first and the last frame of each video are left out.
    assignment : {'identity', 'best'}
        Whether an object is answered by the proposal of its number, or by that of the best assignment.
    bound : float, optional
        The tolerance of F; None where F is not asked for.

    Returns
    -------
    list of Answer
        Sorted by video, then by proposal: the order in which the official tool lists and adds them.
    """
    rows = state.rows("frames").columns()
    if not rows:
        return []
    if frames == "inner":
        rows = _chosen(rows, (rows["frame"] > 0) & (rows["frame"] < rows["frames"] - 1))
    if not len(rows["frame"]):
        return []
    names, starts = np.unique(rows["sequence"], return_index=True)
    ends = [*starts[1:].tolist(), len(rows["sequence"])]
    spans = zip(names.tolist(), starts.tolist(), ends, strict=True)
    return [
        answer
        for name, start, end in spans
        for answer in _of_sequence(name, _chosen(rows, slice(start, end)), assignment, bound)
    ]


def _chosen(rows: Arrays, which: Any) -> Arrays:
    return {name: values[which] for name, values in rows.items()}


def _of_sequence(sequence: str, rows: Arrays, assignment: Assignment, bound: float | None) -> Iterator[Answer]:
    j = _j(*(_cube(rows, name) for name in PIXELS))
    measures = {"j": j}
    if bound is not None:
        measures["f"] = _f(*(_cube(rows, column(name, bound)) for name in BOUNDARY))
    if assignment == "identity":
        pairs = [(number, number) for number in range(j.shape[1])]
    else:
        pairs = _best_assignment((j.mean(axis=2) + measures["f"].mean(axis=2)) / 2)
    frames = np.unique(rows["frame"])
    for proposal, number in pairs:
        chosen = {name: values[proposal, number] for name, values in measures.items()}
        yield Answer(sequence, number + 1, proposal + 1, frames, chosen)


def _cube(rows: Arrays, name: str) -> NDArray[np.int64]:
    """Return a count by proposal, object and frame; a proposal that a frame has not is the empty mask there."""
    _, frames = np.unique(rows["frame"], return_inverse=True)
    objects, proposals = rows["object"] - 1, rows["proposal"]
    n_objects = int(objects.max()) + 1
    cube = np.zeros((max(n_objects, int(proposals.max())) + 1, n_objects, int(frames.max()) + 1), np.int64)
    empty = proposals == EMPTY
    cube[:, objects[empty], frames[empty]] = rows[name][empty]
    cube[proposals, objects, frames] = rows[name]
    return cube[1:]


def _j(intersection: NDArray[np.int64], truth: NDArray[np.int64], prediction: NDArray[np.int64]) -> Series:
    """Return J, intersection over union; 1 where both masks are empty."""
    union = truth + prediction - intersection
    j: Series = np.divide(intersection, union, out=np.ones(union.shape), where=union > 0)
    return j


def _f(
    truth: NDArray[np.int64],
    truth_hits: NDArray[np.int64],
    prediction: NDArray[np.int64],
    prediction_hits: NDArray[np.int64],
) -> Series:
    """Return F of boundaries: 0 where one of both is empty, 1 where both are."""
    precision = np.divide(prediction_hits, prediction, out=np.ones(truth.shape), where=prediction > 0)
    recall = np.divide(truth_hits, truth, out=np.ones(truth.shape), where=truth > 0)
    total = precision + recall
    f: Series = np.divide(2 * precision * recall, total, out=np.zeros(truth.shape), where=total > 0)
    return f


def decay(values: Series, frame_ids: FrameIds) -> float:
    """Return the mean over the first quarter of frames less that over the last; neighbouring quarters share a frame.

    Parameters
    ----------
    values : ndarray of float64, shape (frames,)
        A measure by frame.
    frame_ids : {'exact', 'uint8'}
        Whether the numbers of the frames between quarters are kept in 8 bits, as in the official tool: from the 257th
        frame on they begin anew.

    Returns
    -------
    float
        The difference; NaN where a wrapped quarter ends before it begins.
    """
    numbers = np.round(np.linspace(1, len(values), _BINS + 1) + 1e-10).astype(np.int64) - 1
    ids = (numbers % 256 if frame_ids == "uint8" else numbers).tolist()
    first, last = values[ids[0] : ids[1] + 1], values[ids[-2] : ids[-1] + 1]
    return float(np.mean(first) - np.mean(last)) if len(first) and len(last) else math.nan
