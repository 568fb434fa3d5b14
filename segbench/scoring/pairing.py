"""Stage one of scoring: which file answers which image, and whether sizes and kinds fit; no pixel is decoded."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Pairing:
    """Which file answers which image.

    Parameters
    ----------
    files : list of str or None
        For each key of the truth the file of the submission, None where it is missing.
    unclaimed : list of str
        Files that belong to no image.
    faults : list of SubmissionError
        Images with two files, and images with none.
    """

    files: list[str | None]
    unclaimed: list[str]
    faults: list[SubmissionError]


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
    faults: list[SubmissionError] = []
    for file in predictions.files:
        i = _find(keys, predictions.key(file))
        if i is None:
            unclaimed.append(file)
        elif (other := files[i]) is not None:
            faults.append(_twice(predictions, keys[i], other, file))
        else:
            files[i] = file
    for file in predictions.others:
        i = _find(keys, predictions.key(file))
        rival = file.lower().endswith(_RIVALS) and i is not None
        if rival and i is not None and (png := files[i]) is not None:
            faults.append(_twice(predictions, keys[i], png, file))
        else:
            unclaimed.append(file)
    faults += (_missing(key, unclaimed, predictions) for key, file in zip(keys, files, strict=True) if file is None)
    return Pairing(files, unclaimed, faults)


def _find(keys: list[str], key: str) -> int | None:
    i = bisect_left(keys, key)
    return i if i < len(keys) and keys[i] == key else None


def check_headers(truth: TruthSet, predictions: PredictionSet, files: list[str | None]) -> list[SegbenchError]:
    """Compare kind and size of each pair by the first bytes of both files.

    Parameters
    ----------
    truth : TruthSet
        The images.
    predictions : PredictionSet
        The submission.
    files : list of str or None
        File of each key. A file that is refused here becomes None: it is not decoded later.

    Returns
    -------
    list of SegbenchError
        The faults, in the order of the keys.
    """
    faults: list[SegbenchError] = []
    for i, key in enumerate(truth.keys):
        file = files[i]
        try:
            expected = _truth_header(truth, key)
            if file is not None:
                _check_size(read_header(predictions.read(file, most=HEADER_BYTES)), expected)
        except DatasetError as error:
            faults.append(error.about(str(truth.path(key))))
        except SubmissionError as error:
            faults.append(error.about(str(predictions.root / str(file))))
            files[i] = None
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
        file=str(predictions.root / second),
    )


def _missing(key: str, unclaimed: list[str], predictions: PredictionSet) -> MissingPrediction:
    near = [file for file in unclaimed[:1000] if predictions.key(file).lower() == key.lower()]
    return MissingPrediction(
        f"no prediction of {key}",
        expected=f"{key}{SUFFIX}",
        mend=f"is {near[0]!r} meant?" if near else "",
        file=str(predictions.root / f"{predictions.prefix}{key}{SUFFIX}"),
    )
