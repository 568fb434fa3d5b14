"""Pictures of the images in which two submissions differ most: the truth, both predictions, and who is right where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.pngwriter import encode_png
from segbench.datasets.predictions import Naming, PredictionSet, open_predictions
from segbench.datasets.truth import CUSTOM, TruthSet, open_truth
from segbench.frozen import dataclass
from segbench.late import late
from segbench.scoring.comparisonverdict import ranked
from segbench.scoring.contenders import Scoring, is_result
from segbench.scoring.duels import Comparison, Duel
from segbench.scoring.inputs import numbering_of
from segbench.scoring.pairing import find_key, pair
from segbench.scoring.palette import Palette
from segbench.scoring.reading import Reader, nearest
from segbench.scoring.recount import Recount

_photo_png = late("segbench.datasets.photos:photo_png")

#: Pixels of the longer side of a map on a page.
MOST = 600

#: Images on a page at most.
_MOST_IMAGES = 20

#: The level from which on a pixel counts as positive: probability 0.5.
_POSITIVE = 128

#: What a pixel of the last picture means, and its colour.
RIGHT = (
    ("not counted", (255, 255, 255)),
    ("both are right", (226, 226, 226)),
    ("both find it", (150, 150, 150)),
    ("only {first} is right", (0, 114, 178)),
    ("only {second} is right", (213, 94, 0)),
    ("neither is right", (40, 40, 40)),
)
_BOTH, _BOTH_FIND, _FIRST, _SECOND, _NEITHER = range(1, 6)


@dataclass(frozen=True)
class Picture:
    """What is shown of an image: PNG files.

    Parameters
    ----------
    key : str
        The image.
    photo : bytes or None
        The photograph, where the data set has one.
    truth, first, second : bytes
        Label maps in the colours of the classes.
    right : bytes
        Who is right where, in the colours of `RIGHT`.
    shown : frozenset of int
        Positions of the classes that occur.
    """

    key: str
    photo: bytes | None
    truth: bytes
    first: bytes
    second: bytes
    right: bytes
    shown: frozenset[int]


@dataclass(frozen=True)
class Gallery:
    """The pictures of one pair.

    Parameters
    ----------
    first, second : str
        The two.
    pictures : tuple of Picture
        The image in which they differ most first.
    classes : tuple of (str, color)
        Name and colour of the classes that occur.
    reason : str
        Why there are no pictures, where there are none.
    seeks_one : bool
        Whether there is one thing to find, so that pixels of it are told apart where both are right.
    """

    first: str = ""
    second: str = ""
    pictures: tuple[Picture, ...] = ()
    classes: tuple[tuple[str, tuple[int, int, int]], ...] = ()
    reason: str = ""
    seeks_one: bool = False


def gallery(comparison: Comparison, recounts: Sequence[Recount], scoring: Scoring, n_images: int) -> Gallery:
    """Draw the images in which two submissions differ most; of more than two, the two best.

    Parameters
    ----------
    comparison : Comparison
        What they come to.
    recounts : sequence of Recount
        The submissions in the order of its contenders.
    scoring : Scoring
        How folders were scored, so where the truth lies.
    n_images : int
        How many images, of which no more than 20 are drawn.

    Returns
    -------
    Gallery
        The pictures, or why there are none.

    Raises
    ------
    SubmissionError, DatasetError
        When a file cannot be read any more.
    """
    best = {contender.name for contender in ranked(comparison)[:2]}
    duel = next(duel for duel in comparison.duels if {duel.first, duel.second} == best)
    files = {c.name: Path(recount.file) for c, recount in zip(comparison.contenders, recounts, strict=True)}
    chosen = [files[duel.first], files[duel.second]]
    if reason := _reason(recounts[0], chosen):
        return Gallery(duel.first, duel.second, reason=reason)
    return _drawn(duel, recounts[0], chosen, scoring, n_images)


def _reason(recount: Recount, files: Sequence[Path]) -> str:
    """Say why there can be no pictures; nothing where there can."""
    protocol = recount.case.protocol
    if protocol.kind not in ("labels", "levels"):
        return f"No pictures: predictions of {protocol.name} are {protocol.kind}, and only maps of labels are drawn."
    results = [path.name for path in files if is_result(path)]
    if results:
        return f"No pictures: name the folder of predictions in place of {' and '.join(results)}."
    return ""


def _drawn(duel: Duel, recount: Recount, files: Sequence[Path], scoring: Scoring, n_images: int) -> Gallery:
    case, options = recount.case, scoring.options
    truths = open_truth(
        case.protocol,
        split=None if case.split == CUSTOM else case.split,
        truth=options.get("truth"),
        data_root=options.get("data_root"),
    )
    palette = Palette(case.protocol)
    with ExitStack() as stack:
        naming = Naming.of(case.protocol.kind, truths.layout)
        sides = [_Side.of(stack.enter_context(open_predictions(path, truths.keys, naming)), truths) for path in files]
        readers = [_reader(truths, side.submission, case.input, resized=case.resize != "-") for side in sides]
        listed = [one.key for one in duel.images[: min(n_images, _MOST_IMAGES)]]
        keys = [key for name in listed if (key := _known(truths.keys, name)) is not None]
        pictures = tuple(_picture(key, sides, readers, palette) for key in keys)
    shown = sorted(frozenset[int]().union(*(picture.shown for picture in pictures)))
    classes = tuple((palette.names[i], palette.colors[palette.index(i)]) for i in shown)
    return Gallery(duel.first, duel.second, pictures, classes, seeks_one=palette.positive > 0)


@dataclass(frozen=True)
class _Side:
    """A submission, and the file of each image."""

    submission: PredictionSet
    truths: TruthSet
    files: list[str | None]

    @classmethod
    def of(cls, submission: PredictionSet, truths: TruthSet) -> _Side:
        return cls(submission, truths, pair(truths.keys, submission).files)

    def file(self, key: str) -> str | None:
        return self.files[self.truths.keys.index(key)]


def _reader(truths: TruthSet, submission: PredictionSet, input_: str, *, resized: bool) -> Reader:
    numbering = numbering_of(truths.protocol, input_ if input_ == "trainids" else "ids")
    return Reader(truths, submission, numbering=numbering, resize=resized)


def _known(keys: list[str], name: str) -> str | None:
    i = find_key(keys, name)
    return None if i is None else keys[i]


def _picture(key: str, sides: Sequence[_Side], readers: Sequence[Reader], palette: Palette) -> Picture:
    samples = [reader.read(key, side.file(key)).sample for reader, side in zip(readers, sides, strict=True)]
    truth = np.asarray(samples[0].truth)
    shape = _shape(truth.shape)
    codes = [palette.codes(nearest(truth, shape))]
    codes += [_predicted(palette, sample.prediction, shape) for sample in samples]
    right = _right(codes[0], codes[1:], palette.counted, positive=palette.positive)
    truth_map, first, second = (encode_png(palette.indices(code), palette.table) for code in codes)
    shown = frozenset(int(i) for code in codes for i in np.unique(code)) - {0}
    who = encode_png(right, bytes(channel for _, color in RIGHT for channel in color))
    return Picture(key, _photo_png(sides[0].truths, key), truth_map, first, second, who, shown)


def _shape(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = min(1.0, MOST / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _predicted(palette: Palette, prediction: Any, shape: tuple[int, int]) -> NDArray[np.intp]:
    if prediction is None:
        return np.zeros(shape, np.intp)
    small = nearest(np.asarray(prediction), shape)
    if palette.positive:
        negative, positive = palette.counted
        return np.where(small >= _POSITIVE, positive, negative)
    return palette.codes(small)


def _right(
    truth: NDArray[np.intp], predictions: Sequence[NDArray[np.intp]], counted: Sequence[int], *, positive: int
) -> NDArray[np.uint8]:
    """Return who is right where, as an index of `RIGHT`."""
    first, second = (prediction == truth for prediction in predictions)
    both = np.where(truth == positive, _BOTH_FIND, _BOTH) if positive else _BOTH
    found = np.select([first & second, first, second], [both, _FIRST, _SECOND], _NEITHER)
    return np.where(np.isin(truth, counted), found, 0).astype(np.uint8)


def legend(gallery: Gallery) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Yield what each colour of the pictures of who is right means."""
    for text, color in RIGHT:
        if gallery.seeks_one or text != RIGHT[_BOTH_FIND][0]:
            # Names may hold braces: they are put in, not formatted.
            name = gallery.first if "{first}" in text else gallery.second
            yield name.join(text.replace("{second}", "{first}").split("{first}")), color
