"""The fast lane of stage two: pairs of plain PNG files, counted many at a time.

It takes whole 8-bit grey or palette files of a submission without a fault. Whatever else an image is, it is left to
the careful way, which comes to the same counts and knows what to say.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.images import palette_of
from segbench.datasets.predictions import Folder, PredictionSet
from segbench.datasets.truth import TruthSet
from segbench.encoding import Encoding
from segbench.kernels import pairs
from segbench.kernels.pairs import CountedFiles
from segbench.metrics.confusion import ConfusionTally

#: Longer files are not label maps as they are usually written; bounds what a chunk holds in memory.
_MOST_BYTES = 1 << 20

#: Cells of the tables of one call of the kernel: 32 MiB.
_MOST_CELLS = 1 << 22

_SIZE_AT = 16  # Position of width and height in a PNG file.

#: Ids, each with its count of pixels.
Held: TypeAlias = list[tuple[int, int]]


class PlainPair(NamedTuple):
    """One image whose two files are plain.

    Parameters
    ----------
    shape : list of int
        Rows and columns.
    truth, prediction : list of (int, int)
        Each id that the map holds with its count of pixels, sorted.
    table : ndarray of int64, shape (n_codes, n_codes + 1)
        Pixels by truth code and prediction code.
    palette : bytes
        The palette of the prediction, three bytes an index; empty for grey.
    digest : str
        SHA-256 of the prediction.
    """

    shape: list[int]
    truth: Held
    prediction: Held
    table: NDArray[np.int64]
    palette: bytes
    digest: str


def plain_pairs(
    truth: TruthSet, predictions: PredictionSet, tally: ConfusionTally, keys: Sequence[str], files: Sequence[str]
) -> list[PlainPair | None]:
    """Count pairs into a table each.

    Parameters
    ----------
    truth : TruthSet
        Where truth lies.
    predictions : PredictionSet
        Where predictions lie.
    tally : ConfusionTally
        Says what the values mean, and which are refused.
    keys : sequence of str
        The images.
    files : sequence of str
        The file of each.

    Returns
    -------
    list of PlainPair or None
        None for each image that is left to the careful way.
    """
    at_once = max(1, _MOST_CELLS // (tally.encoding.n_codes + 1) ** 2)
    found: list[PlainPair | None] = []
    for start in range(0, len(keys), at_once):
        span = slice(start, start + at_once)
        found += _counted(truth, predictions, tally, keys[span], files[span])
    return found


def _counted(
    truth: TruthSet, predictions: PredictionSet, tally: ConfusionTally, keys: Sequence[str], files: Sequence[str]
) -> list[PlainPair | None]:
    on_disk = isinstance(predictions.source, Folder) and pairs.SHA256 is not None
    found = (_from_disk if on_disk else _from_memory)(truth, predictions, tally.encoding, keys, files)
    whole = (found.counted & tally.accepts(found.tables)).tolist()
    tables = found.tables[:, :-1]
    order = np.argsort(tally.space.columns)
    ids = np.asarray(tally.space.columns)[order]
    truths, used = _held(ids, tables.sum(axis=2)[:, order]), _held(ids, tables.sum(axis=1)[:, order])
    made = zip(found.shapes, truths, used, tables, found.palettes, found.digests, whole, strict=True)
    return [PlainPair(*pair) if is_whole else None for *pair, is_whole in made]


def _held(ids: NDArray[np.int64], counts: NDArray[np.int64]) -> list[Held]:
    """Return which ids each image holds, with the count of pixels of each; all images at once."""
    images, places = np.nonzero(counts)
    held = list(zip(ids[places].tolist(), counts[images, places].tolist(), strict=True))
    ends = np.cumsum(np.bincount(images, minlength=len(counts))).tolist()
    return [held[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _from_disk(
    truth: TruthSet, predictions: PredictionSet, encoding: Encoding, keys: Sequence[str], files: Sequence[str]
) -> CountedFiles:
    """Count files where they lie: nothing of them becomes an object of the interpreter."""
    folder = os.fsencode(predictions.where(""))
    return pairs.count_files(
        truths=[os.fsencode(truth.path(key)) for key in keys],
        predictions=[folder + os.fsencode(file) for file in files],
        most=_MOST_BYTES,
        codes=encoding.codes,
        low=encoding.low,
    )


def _from_memory(
    truth: TruthSet, predictions: PredictionSet, encoding: Encoding, keys: Sequence[str], files: Sequence[str]
) -> CountedFiles:
    """Count the members of an archive."""
    # A byte more than is taken: what goes on beyond the limit is not whole.
    truths = _whole(truth.read_many(keys, _MOST_BYTES + 1))
    answers = _whole(predictions.read_many(files, [_MOST_BYTES + 1] * len(files)))
    tables, counted = pairs.count_pairs(truths=truths, predictions=answers, codes=encoding.codes, low=encoding.low)
    is_counted = counted.tolist()
    return CountedFiles(
        tables,
        counted,
        [_shape(data) if is_counted[i] else [0, 0] for i, data in enumerate(answers)],
        [palette_of(data) if is_counted[i] else b"" for i, data in enumerate(answers)],
        [hashlib.sha256(data).hexdigest() if is_counted[i] else "" for i, data in enumerate(answers)],
    )


def _shape(data: bytes) -> list[int]:
    """Return rows and columns of a PNG that was counted."""
    width, height = struct.unpack_from(">II", data, _SIZE_AT)
    return [height, width]


def _whole(files: Sequence[bytes | None]) -> list[bytes]:
    """Put nothing in the place of what could not be read, or not to its end."""
    return [b"" if data is None or len(data) > _MOST_BYTES else data for data in files]
