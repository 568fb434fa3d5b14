"""Stage one of scoring: which file answers which image, and whether sizes and kinds fit; no pixel is decoded."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TypeAlias

from segbench.datasets.files import as_dataset_error, read_truth
from segbench.datasets.images import HEADER_BYTES, PngHeader, read_header
from segbench.datasets.layouts import SUFFIX
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

#: Other files that could be meant as a label map: beside a PNG of the same name they make it ambiguous.
_RIVALS = (".npy", ".npz", ".tif", ".tiff", ".bmp", ".gif", ".webp")

#: A key, and what is wrong with its image.
Fault: TypeAlias = tuple[str, SegbenchError]


@dataclass(frozen=True)
class Pairing:
    """Which file answers which image.

    Parameters
    ----------
    files : list of str or None
        For each key of the truth the file of the submission, None where it is missing.
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
    files: list[str | None] = [None] * len(keys)
    unclaimed: list[str] = []
    faults: list[Fault] = []
    for file in predictions.files:
        i = _find(keys, predictions.key(file))
        if i is None:
            unclaimed.append(file)
        elif (other := files[i]) is not None:
            faults.append((keys[i], _twice(predictions, keys[i], other, file)))
        else:
            files[i] = file
    for file in predictions.others:
        i = _find(keys, predictions.key(file))
        if i is not None and file.lower().endswith(_RIVALS) and (png := files[i]) is not None:
            faults.append((keys[i], _twice(predictions, keys[i], png, file)))
        else:
            unclaimed.append(file)
    near = {predictions.key(file).lower(): file for file in reversed(unclaimed)}
    missing = (key for key, file in zip(keys, files, strict=True) if file is None)
    faults += ((key, _missing(key, near.get(key.lower()), predictions)) for key in missing)
    return Pairing(files, unclaimed, faults)


def _find(keys: list[str], key: str) -> int | None:
    i = bisect_left(keys, key)
    return i if i < len(keys) and keys[i] == key else None


def check_headers(
    truth: TruthSet, keys: list[str], predictions: PredictionSet, files: list[str | None], *, any_size: bool = False
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

    Returns
    -------
    dict of str to SegbenchError
        The fault of each key that has one: its image is not worth decoding.
    """
    faults: dict[str, SegbenchError] = {}
    for key, file in zip(keys, files, strict=True):
        try:
            expected = _truth_header(truth, key)
            if file is not None:
                found = read_header(predictions.read(file, most=HEADER_BYTES))
                _check_size(found, found if any_size else expected)
        except DatasetError as error:
            faults[key] = error.about(str(truth.path(key)))
        except SubmissionError as error:
            faults[key] = error.about(predictions.where(str(file)))
    return faults


def _truth_header(truth: TruthSet, key: str) -> PngHeader:
    try:
        return read_header(read_truth(truth.path(key), most=HEADER_BYTES))
    except UnreadableImage as error:
        raise as_dataset_error(error) from None


def _check_size(found: PngHeader, expected: PngHeader) -> None:
    size, wanted = (found.height, found.width), (expected.height, expected.width)
    if size != wanted:
        raise ShapeMismatch(
            f"{size[0]}×{size[1]} pixels (rows × columns)",
            expected=f"{wanted[0]}×{wanted[1]} as the truth",
            mend="transposed?" if size == wanted[::-1] else "",
        )


def _twice(predictions: PredictionSet, key: str, first: str, second: str) -> DuplicatePrediction:
    return DuplicatePrediction(
        f"{second!r} and {first!r} are both the prediction of {key}",
        expected="one file for each image",
        mend="remove one of them",
        file=predictions.where(second),
    )


def _missing(key: str, near: str | None, predictions: PredictionSet) -> MissingPrediction:
    return MissingPrediction(
        f"no prediction of {key}",
        expected=f"{key}{SUFFIX}",
        mend=f"is {near!r} meant?" if near else "",
        file=predictions.where(f"{predictions.prefix}{key}{SUFFIX}"),
    )
