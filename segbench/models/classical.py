"""Two classical baselines: the nearest class colour, and the same on pictures smoothed up to their edges.

They need no training beyond one mean per class, and say how much of a data set colour alone explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class NearestColour:
    """Give every pixel the class whose mean colour is nearest.

    Parameters
    ----------
    means : ndarray of float64, shape (K, 3)
        Mean colour of each class; NaN for a class without pixels, which is then never predicted.
    """

    means: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        images: Iterable[NDArray[np.uint8]],
        label_maps: Iterable[NDArray[np.uint8]],
        n_classes: int,
        void: int = 255,
    ) -> NearestColour:
        """Average the colours of each class.

        Parameters
        ----------
        images : iterable of ndarray of uint8, shape (H, W, 3)
            RGB pictures; each may have its own size.
        label_maps : iterable of ndarray of uint8, shape (H, W)
            Their classes, 0 to ``n_classes - 1``, or `void`.
        n_classes : int
            Number of classes K, background included.
        void : int
            Value of the pixels to leave out.

        Returns
        -------
        NearestColour
            The fitted rule.

        Raises
        ------
        ValueError
            For a label beyond the classes, lists of different lengths, or no labelled pixel at all.
        """
        totals = np.zeros((n_classes, 3), dtype=np.int64)
        counts = np.zeros(n_classes, dtype=np.int64)
        for image, labels in zip(images, label_maps, strict=True):
            kept = labels != void
            ids, colours = labels[kept], image[kept]
            if ids.size and int(ids.max()) >= n_classes:
                raise ValueError(f"label {int(ids.max())} is beyond the {n_classes} classes")
            counts += np.bincount(ids, minlength=n_classes)
            # Sums of whole numbers are exact in float64: the means do not depend on the order of the images.
            sums = [np.bincount(ids, weights=colours[:, c], minlength=n_classes) for c in range(3)]
            totals += np.stack(sums, axis=1).astype(np.int64)
        if not counts.any():
            raise ValueError("no labelled pixel to fit")
        means = np.full((n_classes, 3), np.nan)
        np.divide(totals, counts[:, None], out=means, where=counts[:, None] > 0)
        return cls(means)

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the class of every pixel.

        Parameters
        ----------
        image : ndarray of uint8, shape (H, W, 3)
            RGB picture.

        Returns
        -------
        ndarray of uint8, shape (H, W)
            The nearest class; the smaller id where two are equally near.
        """
        pixels = image.astype(np.float64)
        distances = np.stack([((pixels - mean) ** 2).sum(axis=-1) for mean in self.means])
        nearest: NDArray[np.int64] = np.where(np.isnan(distances), np.inf, distances).argmin(axis=0)
        return nearest.astype(np.uint8)


def smooth_edges(image: NDArray[np.uint8], radius: int = 3, rounds: int = 2) -> NDArray[np.uint8]:
    """Smooth a picture without blurring its edges: the filter of Kuwahara, repeated.

    Every pixel takes the mean of the calmest of the four squares that have it as a corner. Next to an edge at
    least one of them lies wholly on the pixel's side.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        RGB picture.
    radius : int
        The squares are ``radius + 1`` pixels wide.
    rounds : int
        How often the filter is applied; 0 returns the picture as it is.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        The smoothed picture.
    """
    for _ in range(rounds):
        image = _kuwahara(image, radius)
    return image


def _kuwahara(image: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Apply the filter once, in whole numbers."""
    height, width = image.shape[:2]
    area = (radius + 1) ** 2
    wide = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge").astype(np.int64)
    sums, squares = _square_sums(wide, radius + 1), _square_sums(wide * wide, radius + 1)
    unrest = (area * squares - sums * sums).sum(axis=-1)
    corners = [(row, column) for row in (0, radius) for column in (0, radius)]
    views = [np.s_[row : row + height, column : column + width] for row, column in corners]
    calmest = np.stack([unrest[view] for view in views]).argmin(axis=0)
    chosen: NDArray[np.int64] = np.choose(calmest[..., None], [sums[view] for view in views])
    return ((chosen + area // 2) // area).astype(np.uint8)


def _square_sums(values: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Return the sums over all squares of `side` pixels, (H - side + 1, W - side + 1, 3)."""
    table = np.pad(values, ((1, 0), (1, 0), (0, 0))).cumsum(axis=0).cumsum(axis=1)
    lower, upper = table[side:], table[:-side]
    sums: NDArray[np.int64] = lower[:, side:] - lower[:, :-side] - upper[:, side:] + upper[:, :-side]
    return sums
