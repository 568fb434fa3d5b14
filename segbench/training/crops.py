"""What is cut out of images at random: the same for the same seed, stage, step and place in the batch.

Nothing is drawn from a state that grows: each crop has a generator of its own, so that training resumes in the middle,
and on any number of ranks, with the very pixels it would have seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.listing import digest_of
from segbench.datasets.pillow import resized
from segbench.errors import BadParameter, DatasetError, UnknownName, did_you_mean
from segbench.frozen import dataclass
from segbench.training.pictures import VOID, Picture
from segbench.training.recipes import Stage

Change: TypeAlias = Callable[[Picture, np.random.Generator], Picture]


class Source(Protocol):
    """Images with what is learned from them, by their keys."""

    def __len__(self) -> int: ...

    @property
    def keys(self) -> Sequence[str]:
        """The names of the images, sorted."""

    @property
    def is_of_one_size(self) -> bool:
        """Whether the images of a batch have to be of one size."""

    def read(self, key: str) -> Picture:
        """Return an image by its `key`."""

    def size(self, key: str) -> int:
        """Return the bytes of an image and of its truth, by its `key`."""


#: The most that an image is enlarged by.
_MOST = 16

_CALL = re.compile(r"([a-z][a-z0-9_]*)(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class Crops:
    """The batches of a stage.

    Parameters
    ----------
    pictures : Source
        The images.
    stage : Stage
        How they are changed.
    seed : int
        Of the recipe.
    place : int
        Which stage of the recipe it is, from 0.
    seen : dict of str to int
        The bytes of each image that was learned from, with its truth.
    """

    pictures: Source
    stage: Stage
    seed: int
    place: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        changes_of(self.stage.augment)

    def batch(self, step: int, rank: int = 0, ranks: int = 1) -> list[Picture]:
        """Return the share of one rank of the batch of a step.

        Parameters
        ----------
        step : int
            From 0.
        rank, ranks : int
            Which of how many processes; together they have the same batch as one alone.

        Returns
        -------
        list of Picture
            Changed and cut, of one size where the pictures ask for it.

        Raises
        ------
        BadParameter
            When images of several sizes are not cut to one.
        """
        n = self.stage.batch
        crops = [self._crop(step * n + i) for i in range(rank, n, ranks)]
        if self.pictures.is_of_one_size and len({crop.truth.shape for crop in crops}) > 1:
            raise BadParameter("images of several sizes in a batch", expected="crop = [rows, columns], or batch = 1")
        return crops

    def resume(self, keys: str, seen: Mapping[str, int]) -> None:
        """Go on where others stopped.

        Parameters
        ----------
        keys : str
            The digest of the names of their images.
        seen : mapping of str to int
            The images that they have learned from, see `seen`.

        Raises
        ------
        DatasetError
            When there are other images now, or one that was learned from has changed.
        """
        is_other = keys != digest_of(self.pictures.keys)
        changed = "" if is_other else next((key for key in seen if self.pictures.size(key) != seen[key]), "")
        if is_other or changed:
            found = f"image {changed} has changed" if changed else "images have come or gone"
            raise DatasetError(
                f"{found} since the training began",
                expected="the images that it was begun with",
                mend="bring them back, or begin in another folder",
            )
        self.seen.update(seen)

    def noise(self, step: int, rank: int) -> int:
        """Return the seed of all else that is drawn in a step of a rank, as dropout."""
        return int(np.random.default_rng([self.seed, self.place, 2, step, rank]).integers(1 << 62))

    def _crop(self, number: int) -> Picture:
        """Return crop by its number in the whole stage: images come in a new order in each pass over them."""
        n = len(self.pictures)
        order = np.random.default_rng([self.seed, self.place, 0, number // n]).permutation(n)
        rng = np.random.default_rng([self.seed, self.place, 1, number])
        key = self.pictures.keys[order[number % n]]
        picture = fitted(self.pictures.read(key), self.stage.resize)
        if key not in self.seen:
            self.seen[key] = self.pictures.size(key)
        for change in changes_of(self.stage.augment):
            picture = change(picture, rng)
        return cut(picture, self.stage.crop, rng) if self.stage.crop else picture


def fitted(picture: Picture, size: tuple[int, ...]) -> Picture:
    """Return a picture resized to rows and columns, its truth to the nearest class; as it is for an empty `size`."""
    if not size or picture.truth.shape[:2] == size:
        return picture
    rows, columns = size
    return _changed(picture, resized(picture.image, (rows, columns)), nearest(picture.truth, (rows, columns)))


def _changed(picture: Picture, image: NDArray[np.uint8], truth: NDArray[np.int16]) -> Picture:
    """Return a picture with other pixels, of the same type and with whatever else it holds."""
    return replace(picture, image=image, truth=truth)


def nearest(labels: NDArray[np.int16], size: tuple[int, int]) -> NDArray[np.int16]:
    """Return labels at another size: of each new pixel the one at its centre."""
    rows, columns = (
        np.minimum((np.arange(new) + 0.5) * old / new, old - 1).astype(np.intp)
        for new, old in zip(size, labels.shape[:2], strict=True)
    )
    chosen: NDArray[np.int16] = labels[rows[:, np.newaxis], columns]
    return chosen


def cut(picture: Picture, size: tuple[int, ...], rng: np.random.Generator) -> Picture:
    """Return a part of a picture at a random place; what is smaller is framed by grey pixels that count nothing."""
    rows, columns = size
    below, right = (max(0, want - have) for want, have in zip(size, picture.truth.shape, strict=True))
    image = np.pad(picture.image, ((0, below), (0, right), (0, 0)), constant_values=127)
    truth = np.pad(picture.truth, ((0, below), (0, right)), constant_values=VOID)
    top = int(rng.integers(0, truth.shape[0] - rows + 1))
    left = int(rng.integers(0, truth.shape[1] - columns + 1))
    place = slice(top, top + rows), slice(left, left + columns)
    return _changed(picture, image[place], truth[place])


def changes_of(texts: tuple[str, ...]) -> list[Change]:
    """Return the changes that a recipe names.

    Parameters
    ----------
    texts : tuple of str
        As ``mirror`` or ``scale(0.5,2)``.

    Returns
    -------
    list of callable
        Each takes a picture and a generator.

    Raises
    ------
    UnknownName
        For a change that there is not.
    BadParameter
        For numbers that it does not take.
    """
    return [_change(text) for text in texts]


def _change(text: str) -> Change:
    match = _CALL.fullmatch(text.replace(" ", ""))
    name = match[1] if match else text
    if match is None or name not in _CHANGES:
        raise UnknownName(f"no augmentation {text!r}", mend=did_you_mean(name, _CHANGES) or ", ".join(_CHANGES))
    try:
        numbers = [float(number) for number in (match[2] or "").split(",") if number]
        return _CHANGES[name](*numbers)
    except (TypeError, ValueError):
        raise BadParameter(f"augment {text!r}", expected=_FORMS[name]) from None


def _mirror() -> Change:
    return lambda p, rng: _changed(p, p.image[:, ::-1], p.truth[:, ::-1]) if rng.random() < 0.5 else p


def _flip() -> Change:
    return lambda p, rng: _changed(p, p.image[::-1], p.truth[::-1]) if rng.random() < 0.5 else p


def _rotate90() -> Change:
    def change(picture: Picture, rng: np.random.Generator) -> Picture:
        turns = int(rng.integers(0, 4))
        return _changed(picture, np.rot90(picture.image, turns), np.rot90(picture.truth, turns))

    return change


def _scale(low: float, high: float) -> Change:
    if not 0 < low <= high <= _MOST:
        raise ValueError

    def change(picture: Picture, rng: np.random.Generator) -> Picture:
        factor = low + (high - low) * rng.random()
        return fitted(picture, tuple(max(1, round(side * factor)) for side in picture.truth.shape[:2]))

    return change


def _colour(amount: float) -> Change:
    if not 0 <= amount < 1:
        raise ValueError

    def change(picture: Picture, rng: np.random.Generator) -> Picture:
        gain = 1 + amount * (2 * rng.random(3) - 1)
        shift = 255 * amount * (rng.random() - 0.5)
        return _changed(picture, np.clip(picture.image * gain + shift, 0, 255).astype(np.uint8), picture.truth)

    return change


_CHANGES: Mapping[str, Callable[..., Change]] = {
    "mirror": _mirror,
    "flip": _flip,
    "rotate90": _rotate90,
    "scale": _scale,
    "colour": _colour,
}
_FORMS = {
    "mirror": "mirror: left and right change places in every second crop",
    "flip": "flip: top and bottom change places in every second crop",
    "rotate90": "rotate90: 0 to 3 quarter turns",
    "scale": f"scale(low,high): a factor between two positive numbers, {_MOST} at most",
    "colour": "colour(amount): gain of each channel and brightness, amount from 0 to below 1",
}
