"""How often classes occur in what is learned from, and the weights that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.errors import DatasetError
from segbench.frozen import dataclass

Rule: TypeAlias = Literal["none", "inverse", "median_frequency", "median_frequency_by_image", "enet"]

#: What ENet adds to a share before its logarithm, so that weights stay between 1.4 and 50.5.
_ENET = 1.02


@dataclass(frozen=True)
class ClassCounts:
    """Pixels of the classes in a training set.

    Parameters
    ----------
    pixels : tuple of int
        Of each class.
    image_pixels : tuple of int
        Of each class, all pixels that are not void of those images that have the class.
    """

    pixels: tuple[int, ...]
    image_pixels: tuple[int, ...]

    @classmethod
    def of(cls, truths: Iterable[NDArray[Any]], classes: int) -> ClassCounts:
        """Count a training set.

        Parameters
        ----------
        truths : iterable of ndarray of int
            Indices of classes; what is below 0 is void.
        classes : int
            How many there are.

        Returns
        -------
        ClassCounts
            The counts.
        """
        pixels = np.zeros(classes, np.int64)
        image_pixels = np.zeros(classes, np.int64)
        for truth in truths:
            own = np.bincount(truth[truth >= 0].astype(np.int64), minlength=classes)
            pixels += own
            image_pixels += own.sum() * (own > 0)
        return cls(tuple(pixels.tolist()), tuple(image_pixels.tolist()))

    def weights(self, rule: Rule) -> NDArray[np.float64]:
        """Return what each class weighs in a loss.

        Parameters
        ----------
        rule : str
            With n_c pixels of class c, N of all and C classes that occur:

            - ``none``: 1;
            - ``inverse``: N / (C n_c), which gives all classes the same say;
            - ``median_frequency``: median(f) / f_c with f_c = n_c / N, the share of the whole training set, as the
              paper of SegNet words it;
            - ``median_frequency_by_image``: the same with f_c = n_c / pixels of the images that have the class, as
              Eigen & Fergus 2015 define it and the code of SegNet has it;
            - ``enet``: 1 / ln(1.02 + n_c / N).

        Returns
        -------
        ndarray of float64, shape (classes,)
            Positive. Where the rule would divide by zero, a class that never occurs has the largest weight of those
            that do; it has no part in medians.

        Raises
        ------
        DatasetError
            When nothing was counted.
        """
        n = np.array(self.pixels, np.float64)
        occurs = n > 0
        if not occurs.any():
            raise DatasetError("no pixel of any class in the truth", expected="at least one to weigh classes by")
        if rule == "none":
            return np.ones(len(n))
        if rule == "enet":
            bounded: NDArray[np.float64] = 1 / np.log(_ENET + n / n.sum())
            return bounded
        shares = n[occurs] / (np.array(self.image_pixels)[occurs] if rule.endswith("by_image") else n.sum())
        typical = 1 / len(shares) if rule == "inverse" else float(np.median(shares))
        weights = np.full(len(n), typical / shares.min())
        weights[occurs] = typical / shares
        return weights
