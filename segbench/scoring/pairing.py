"""Stage one of scoring: which file answers which image, and whether sizes and kinds fit; no pixel is decoded."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache, partial
from typing import TypeAlias

from segbench.datasets.forms import Parts
from segbench.datasets.images import HEADER_BYTES, read_header
from segbench.datasets.layouts import SUFFIX
from segbench.datasets.maps import truth_size
from segbench.datasets.predictions import PredictionSet
from segbench.datasets.truth import TruthSet
from segbench.errors import (
    DatasetError,
    DuplicatePrediction,
    MissingPrediction,
    SegbenchError,
    ShapeMismatch,
    SubmissionError,
    UnreadableImage,
)
from segbench.frozen import dataclass
from segbench.late import late
from segbench.scoring.executors import run_chunks

_check_heads = late("segbench.datasets.volumes:check_heads")
_check_parts = late("segbench.datasets.views:check_parts")
_gather = late("segbench.scoring.gathering:gather")

#: So many bytes of a volume hold its header.
_VOLUME_HEAD = 1 << 16

#: Other files that could be meant as a label map: beside a PNG of the same name they make it ambiguous.
_RIVALS = (".npy", ".npz", ".tif", ".tiff", ".bmp", ".gif", ".webp")

#: Images whose first bytes are read at once.
_AT_ONCE = 128

#: A key, and the file that answers it.
Pair: TypeAlias = tuple[str, str | None]

#: A key, and what is wrong with its image.
Fault: TypeAlias = tuple[str, SegbenchError]


@dataclass(frozen=True)
class Pairing:
    """Which file answers which image.

    Parameters
    ----------
    files : list of str or None
        For each key of the truth the file of the submission, or the `Parts` that make it up; None where it is missing.
    unclaimed : list of str
        Files that belong to no image.
    faults : list of (str, SubmissionError)
        Images with two files, and images with none, each with its key.
    """

    files: list[str | None]
    unclaimed: list[str]
    faults: list[Fault]


def pair(keys: list[str], predictions: PredictionSet) -> Pairing:
    """Join the files of a submission with the images of a split by key.

    Parameters
    ----------
    keys : list of str
        Sorted keys of the truth.
    predictions : PredictionSet
        The submission.

    Returns
    -------
    Pairing
        Files in the order of the keys, what is left over, and the faults.
    """
    if not predictions.naming.form.is_single:
        gathered: Pairing = _gather(keys, predictions)
        return gathered
    files: list[str | None] = [None] * len(keys)
    unclaimed: list[str] = []
    faults: list[Fault] = []
    for file in predictions.files:
        i = find_key(keys, predictions.key(file))
        if i is None:
            unclaimed.append(file)
        elif (other := files[i]) is not None:
            faults.append((keys[i], twice(predictions, keys[i], other, file)))
        else:
            files[i] = file
    for file in predictions.others:
        i = find_key(keys, predictions.key(file))
        if i is not None and file.lower().endswith(_RIVALS) and (png := files[i]) is not None:
            faults.append((keys[i], twice(predictions, keys[i], png, file)))
        else:
            unclaimed.append(file)
    near = {predictions.key(file).lower(): file for file in reversed(unclaimed)}
    missing = (key for key, file in zip(keys, files, strict=True) if file is None)
    faults += ((key, missing_fault(key, near.get(key.lower()), predictions)) for key in missing)
    return Pairing(files, unclaimed, faults)


def find_key(keys: list[str], key: str) -> int | None:
    """Return the place of a key among the sorted `keys`, None where it is not there."""
    i = bisect_left(keys, key)
    return i if i < len(keys) and keys[i] == key else None


def check_headers(
    truth: TruthSet,
    keys: list[str],
    predictions: PredictionSet,
    files: list[str | None],
    *,
    any_size: bool = False,
    workers: int = 1,
) -> dict[str, SegbenchError]:
    """Compare kind and size of each pair by the first bytes of both files.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    keys : list of str
        The images.
    predictions : PredictionSet
        The submission.
    files : list of str or None
        File of each key.
    any_size : bool
        Whether sizes may differ.
    workers : int
        Threads that read; never changes what is found.

    Returns
    -------
    dict of str to SegbenchError
        The fault of each key that has one: its image is not worth decoding.
    """
    faults: dict[str, SegbenchError] = {}
    starts = range(0, len(keys), _AT_ONCE)
    spans = (list(zip(keys[i : i + _AT_ONCE], files[i : i + _AT_ONCE], strict=True)) for i in starts)
    suspects = partial(_suspects, truth, predictions, any_size=any_size)
    for _, found in run_chunks(suspects, spans, executor="threads", workers=min(workers, max(1, len(starts)))):
        for key, file in found:
            try:
                _check_pair(truth, key, predictions, file, any_size=any_size)
            except DatasetError as error:
                faults[key] = error.about(truth.path(key))
            except SubmissionError as error:
                faults[key] = error.about(predictions.where(str(file)))
    return faults


def _suspects(truth: TruthSet, predictions: PredictionSet, pairs: list[Pair], *, any_size: bool) -> list[Pair]:
    """Return the pairs whose first bytes are not in order: one at a time, they are looked at with care."""
    if truth.layout.values == "road_birdseye" or truth.protocol.kind == "volumes":
        return pairs
    given = [file for _, file in pairs if file is not None]
    heads = iter(predictions.read_many(given, [HEADER_BYTES] * len(given)))
    suspects = []
    for (key, file), head in zip(pairs, truth.read_many([key for key, _ in pairs], HEADER_BYTES), strict=True):
        expected = _size(head)
        found = expected if file is None else _size(next(heads))
        if expected is None or found is None or (found != expected and not any_size):
            suspects.append((key, file))
    return suspects


# Most files of a split begin with the same bytes.
@lru_cache(maxsize=256)
def _size(head: bytes | None) -> tuple[int, int] | None:
    """Return rows and columns of a PNG by its first bytes; None for any other file."""
    try:
        header = read_header(head or b"")
    except UnreadableImage:
        return None
    return header.height, header.width


def _check_pair(truth: TruthSet, key: str, predictions: PredictionSet, file: str | None, *, any_size: bool) -> None:
    if isinstance(file, Parts):
        _check_parts(truth, key, predictions, file)
        return
    if truth.protocol.kind == "volumes":
        _check_heads(truth, key, None if file is None else predictions.read(file, most=_VOLUME_HEAD))
        return
    expected = truth_size(truth, key)
    if file is None or not file.lower().endswith(SUFFIX):
        # What else may hold a prediction tells its size only as a whole, which is for stage two.
        return
    header = read_header(predictions.read(file, most=HEADER_BYTES))
    if expected is not None and not any_size:
        _check_size((header.height, header.width), expected)


def _check_size(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    if size != wanted:
        raise ShapeMismatch(
            f"{size[0]}×{size[1]} pixels (rows × columns)",
            expected=f"{wanted[0]}×{wanted[1]} as the truth",
            mend="transposed?" if size == wanted[::-1] else "",
        )


def twice(predictions: PredictionSet, key: str, first: str, second: str) -> DuplicatePrediction:
    """Return the fault of two files that claim one thing, for which messages have the name `key`."""
    return DuplicatePrediction(
        f"{second!r} and {first!r} are both the prediction of {key}",
        expected="one file for each image",
        mend="remove one of them",
        file=predictions.where(second),
    )


def missing_fault(key: str, near: str | None, predictions: PredictionSet) -> MissingPrediction:
    """Return the fault of an image without a prediction; `near` is a file that could be meant."""
    names = predictions.naming.names(key)
    return MissingPrediction(
        f"no prediction of {key}",
        expected=" or ".join(names),
        mend=f"is {near!r} meant?" if near else "",
        file=predictions.where(f"{predictions.prefix}{names[0]}"),
    )
