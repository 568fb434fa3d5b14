"""Other programs that count boundary pixels near another boundary; each peer that is not installed is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.packages import package

Mask = NDArray[np.bool_]
#: Boundary pixels and hits of the truth, then those of the prediction.
Counts = tuple[int, int, int, int]


@dataclass(frozen=True)
class Peer:
    """A program, and how to make it ready for a reach in pixels.

    `prepare` returns a call that takes the masks of truth and prediction and returns what it counts.
    """

    name: str
    kind: str
    prepare: Callable[[int], Callable[[Mask, Mask], Counts]]


def installed() -> list[Peer]:
    """Return the peers that import."""
    found = [(package(module, distribution), make) for module, distribution, make in _MAKERS]
    return [make(*known) for known, make in found if known is not None]


def _davis(cv2: Any, release: str) -> Peer:
    """The steps of f_measure in davis2017-evaluation, which dilates both boundaries by a disk."""
    cv2.setNumThreads(1)

    def prepare(reach: int) -> Callable[[Mask, Mask], Counts]:
        def count(truth: Mask, prediction: Mask) -> Counts:
            void = np.zeros_like(truth)
            t = seg2bmap(truth * np.logical_not(void))
            p = seg2bmap(prediction * np.logical_not(void))
            element = disk(reach)
            t_near = cv2.dilate(t.astype(np.uint8), element)
            p_near = cv2.dilate(p.astype(np.uint8), element)
            return int(np.sum(t)), int(np.sum(t * p_near)), int(np.sum(p)), int(np.sum(p * t_near))

        return count

    return Peer(f"{release.replace('-python-headless', '')} f_measure of DAVIS", "davis", prepare)


def seg2bmap(mask: Mask) -> Mask:
    """Return the pixels that differ from their right, lower or lower right neighbour, as that tool finds them."""
    mask = mask.astype(bool)
    mask[mask > 0] = 1
    right, below, diagonal = (np.zeros_like(mask) for _ in range(3))
    right[:, :-1] = mask[:, 1:]
    below[:-1, :] = mask[1:, :]
    diagonal[:-1, :-1] = mask[1:, 1:]
    found = mask ^ right | mask ^ below | mask ^ diagonal
    found[-1, :] = mask[-1, :] ^ right[-1, :]
    found[:, -1] = mask[:, -1] ^ below[:, -1]
    found[-1, -1] = 0
    return found


def disk(radius: int) -> NDArray[np.uint8]:
    """Return the element of scikit-image's `disk`."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (x**2 + y**2 <= radius**2).astype(np.uint8)


_MAKERS: tuple[tuple[str, str, Callable[[Any, str], Peer]], ...] = (("cv2", "opencv-python-headless", _davis),)

#: The distribution of each module that a peer comes from.
PACKAGES = {module: distribution for module, distribution, _ in _MAKERS}
