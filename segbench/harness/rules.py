"""Classical rules as anybody's model: fitted on the train split, they say what a data set gives away for nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.models.classical import NearestColour, smooth_edges
from segbench.training.pictures import VOID, Pictures

Image = NDArray[np.uint8]

#: What stands for void in the maps that a rule is fitted on.
_VOID = 255


@dataclass(frozen=True)
class Rule:
    """A fitted rule.

    Parameters
    ----------
    classes_of : callable
        From an image to indices of classes, shape (height, width).
    ids : ndarray of uint8
        What stands in a file for each class.
    parameters : int
        Numbers that were learned.
    """

    classes_of: Callable[[Image], NDArray[np.uint8]]
    ids: NDArray[np.uint8]
    parameters: int

    def predict(self, images: Sequence[Image], names: Sequence[str]) -> list[NDArray[np.uint8]]:
        """Return the ids of each image; see `segbench.harness.networks.Networks.predict`."""
        return [self.ids[self.classes_of(image)] for image in images]


def fit_rule(name: str, pictures: Pictures, ids: NDArray[np.uint8], kind: str) -> Rule:
    """Fit a rule.

    Parameters
    ----------
    name : {'majority', 'nearest_colour', 'smoothed_colour'}
        The rule.
    pictures : Pictures
        What it is fitted on.
    ids : ndarray of uint8
        What stands in a file for each class.
    kind : str
        What predictions hold.

    Returns
    -------
    Rule
        The fitted rule.

    Raises
    ------
    BadParameter
        For predictions that are no labels: a rule knows no probabilities.
    """
    if kind != "labels":
        raise BadParameter(f"rule {name} for predictions that are {kind}", expected="a data set of labels")
    if name == "majority":
        counts = np.zeros(len(ids), np.int64)
        for key in pictures.keys:
            truth = pictures.read(key).truth
            counts += np.bincount(truth[truth != VOID], minlength=len(ids))
        most = np.uint8(counts.argmax())
        return Rule(lambda image: np.full(image.shape[:2], most), ids, 1)
    prepare = smooth_edges if name == "smoothed_colour" else _as_it_is
    rule = NearestColour.fit(
        (prepare(pictures.read(key).image) for key in pictures.keys),
        (_labels(pictures, key) for key in pictures.keys),
        len(ids),
        _VOID,
    )
    return Rule(lambda image: rule.predict(prepare(image)), ids, rule.means.size)


def _as_it_is(image: Image) -> Image:
    return image


def _labels(pictures: Pictures, key: str) -> NDArray[np.uint8]:
    truth = pictures.read(key).truth
    return np.where(truth == VOID, _VOID, truth).astype(np.uint8)
