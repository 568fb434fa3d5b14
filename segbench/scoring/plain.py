"""The fast lane of stage two: pairs of plain PNG files, counted many at a time.

It takes whole 8-bit grey or palette files of a submission without a fault. Whatever else an image is, it is left to
the careful way, which comes to the same counts and knows what to say.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.images import palette_of
from segbench.datasets.predictions import PredictionSet
from segbench.datasets.truth import TruthSet
from segbench.kernels.pairs import count_pairs
from segbench.metrics.confusion import ConfusionTally

#: Longer files are not label maps as they are usually written; bounds what a chunk holds in memory.
_MOST_BYTES = 1 << 20

#: Cells of the tables of one call of the kernel: 32 MiB.
_MOST_CELLS = 1 << 22

_SIZE_AT = 16  # Position of width and height in a PNG file.


@dataclass
class PlainPair:
    """One image whose two files are plain.

    Parameters
    ----------
    shape : list of int
        Rows and columns.
    truth : list of [int, int]
        Each id of the truth with its count of pixels, sorted.
    used : list of int
        Ids that the prediction holds.
    table : ndarray of int64, shape (n_codes, n_codes + 1)
        Pixels by truth code and prediction code.
    palette : bytes
        The palette of the prediction, three bytes an index; empty for grey.
    digest : str
        SHA-256 of the prediction.
    """

    shape: list[int]
    truth: list[list[int]]
    used: list[int]
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
    # A byte more than is taken: what goes on beyond the limit is not whole.
    truths = _whole(truth.read_many(keys, _MOST_BYTES + 1))
    answers = _whole(predictions.read_many(files, [_MOST_BYTES + 1] * len(files)))
    tables, counted = count_pairs(
        truths=truths, predictions=answers, codes=tally.encoding.codes, low=tally.encoding.low
    )
    whole = (counted & tally.accepts(tables)).tolist()
    tables = tables[:, :-1]
    ids = sorted(tally.space.columns)
    order = np.argsort(tally.space.columns)
    rows, columns = tables.sum(axis=2)[:, order].tolist(), tables.sum(axis=1)[:, order].tolist()
    return [
        PlainPair(
            shape=list(struct.unpack_from(">II", truths[i], _SIZE_AT))[::-1],
            truth=[[value, n] for value, n in zip(ids, rows[i], strict=True) if n],
            used=[value for value, n in zip(ids, columns[i], strict=True) if n],
            table=tables[i],
            palette=palette_of(answers[i]),
            digest=hashlib.sha256(answers[i]).hexdigest(),
        )
        if whole[i]
        else None
        for i in range(len(keys))
    ]


def _whole(files: Sequence[bytes | None]) -> list[bytes]:
    """Put nothing in the place of what could not be read, or not to its end."""
    return [b"" if data is None or len(data) > _MOST_BYTES else data for data in files]
