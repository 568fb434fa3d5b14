"""Videos as folders of frames: which frames are scored, and how many objects each video has, by the rules of DAVIS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

import numpy as np

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.images import decode_labels
from segbench.datasets.truth import TruthSet, Video
from segbench.errors import DatasetError, Refusal, SubmissionError, counted
from segbench.protocols.protocol import Protocol

#: Values of a frame that are no objects; as the largest value, 255 marks void or a mask of DAVIS 2016.
_BACKGROUND, _LAST = 0, 255


def scored_frames(truth: TruthSet, *, with_ends: bool) -> TruthSet:
    """Return the frames of videos that are scored, with what is known of each video.

    Parameters
    ----------
    truth : TruthSet
        All frames with truth, their keys ``SEQUENCE/FRAME``.
    with_ends : bool
        Whether the first and the last frame of each video are scored too.

    Returns
    -------
    TruthSet
        The frames that are scored, the others beside them.

    Raises
    ------
    DatasetError, Refusal
        When a key names no sequence, a video is too short, or its first frame is missing, damaged or of DAVIS 2016
        where objects have numbers.
    """
    videos: dict[str, Video] = {}
    faults: list[DatasetError] = []
    for sequence, frames in sequences(truth).items():
        try:
            videos[sequence] = _video(truth, sequence, frames, with_ends=with_ends)
        except DatasetError as error:
            faults.append(error)
    if faults:
        raise faults[0] if len(faults) == 1 else Refusal(faults)
    beside = frozenset() if with_ends else frozenset(_ends(videos))
    return replace(truth, keys=[key for key in truth.keys if key not in beside], videos=videos, beside=beside)


def sequences(truth: TruthSet) -> dict[str, list[str]]:
    """Return the frames of each video of a `truth`, sorted by name.

    Parameters
    ----------
    truth : TruthSet
        All frames with truth.

    Returns
    -------
    dict of str to list of str
        Names of frames by the name of their video.

    Raises
    ------
    DatasetError
        When a key names no sequence.
    """
    split = sorted(key.rpartition("/")[::2] for key in truth.keys)
    if alone := next((frame for sequence, frame in split if not sequence), None):
        raise DatasetError(
            f"a frame {alone!r} of no sequence", expected="folders SEQUENCE/FRAME.png", file=str(truth.root)
        )
    return {sequence: [frame for _, frame in group] for sequence, group in groupby(split, key=lambda pair: pair[0])}


def has_truth(truth: TruthSet) -> bool:
    """Return whether there is more of a `truth` than first frames, which come with the images of test splits."""
    return any(len(frames) > 1 for frames in sequences(truth).values())


def pictured_frames(pictures: TruthSet, protocol: Protocol) -> TruthSet:
    """Return the frames of videos that a server scores, where only images and first frames of the truth are on disk.

    Parameters
    ----------
    pictures : TruthSet
        All images, as if they were the truth.
    protocol : Protocol
        Says where the first frames are.

    Returns
    -------
    TruthSet
        The images but for the first and the last of each video, those beside them.

    Raises
    ------
    DatasetError, Refusal
        As for `scored_frames`.
    """
    (layout,) = {layout.truth: layout for layout in protocol.layouts if layout.images == pictures.layout.truth}.values()
    first = replace(pictures, layout=layout, protocol=protocol)
    found = scored_frames(first, with_ends=False)
    return replace(found, layout=pictures.layout, protocol=pictures.protocol)


def _video(truth: TruthSet, sequence: str, frames: list[str], *, with_ends: bool) -> Video:
    if len(frames) < (1 if with_ends else 3):
        raise DatasetError(
            f"{counted(len(frames), 'frame')} of {sequence}",
            expected="3 at least: the first and the last are not scored",
            file=str(truth.root),
        )
    return Video(tuple(frames), _n_objects(truth, f"{sequence}/{frames[0]}"))


def _ends(videos: dict[str, Video]) -> Iterator[str]:
    for sequence, video in videos.items():
        yield from (f"{sequence}/{frame}" for frame in (video.frames[0], video.frames[-1]))


def _n_objects(truth: TruthSet, key: str) -> int:
    """Return how many objects a first frame has: its largest value, or one where values are no numbers."""
    path = truth.path(key)
    try:
        values = np.unique(decode_labels(read_truth(path), {})).tolist()
    except SubmissionError as error:
        raise as_dataset_error(error).about(path) from None
    except DatasetError as error:
        raise error.about(path) from None
    if truth.layout.values == "positive":
        return 1
    return _largest(values, path)


def _largest(values: list[int], path: str) -> int:
    numbers = [value for value in values if value not in (_BACKGROUND, _LAST)]
    if numbers and numbers[-1] > _LAST:
        raise DatasetError(f"value {numbers[-1]}", expected="numbers of objects below 255", file=path)
    if _LAST in values and not numbers:
        raise DatasetError(
            "a first frame of 0 and 255, without an object" if _BACKGROUND in values else "a first frame of 255 alone",
            expected="objects numbered 1, 2, …",
            mend="masks of DAVIS 2016? score them with --dataset davis2016",
            file=path,
        )
    return max(numbers, default=0)
