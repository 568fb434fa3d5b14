"""Exact squared distances: segbench against its peers, on one thread, as called from Python.

Images are OpenCV's, which gives distances in 32 bits; volumes are those of `edt`, which gives squares in 32 bits.
"To" says where the sources are: the pixels to which the distance of all others is measured. The limit is writing the
result. Run with ``python -m benchmarks distance``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.packages import package
from benchmarks.race import Row, as_table, race
from benchmarks.workloads import city, voc
from segbench.kernels.distance import squared_distances
from segbench.kernels.thinning import connected_segments

Mask = NDArray[np.bool_]
Goal = tuple[float | None, float | None]

#: The distribution of each module that a peer comes from.
PACKAGES = {"cv2": "opencv-python-headless", "edt": "edt"}

#: How far squares of the peers may be off, at all and as a share. Both count in 32 bits; `edt` rounds spacings, their
#: squares and every sum, OpenCV a root. On one thread, though not on two, OpenCV 5.0 also has squares that are one too
#: small, in 0.2 % of the pixels far from a segment. segbench's own are held to SciPy's in the tests, exactly.
OFF = {"cv2": (1.0, 2.0**-21), "edt": (0.0, 2.0**-19)}
SMALL_SEGMENT = 0.004


@dataclass(frozen=True)
class Transform:
    """Sources, and how many times faster than the peer of its kind segbench must be, and would like to be."""

    name: str
    sources: Mask
    spacing: tuple[float, ...] | None
    goal: Goal


def rows(quick: bool = False) -> list[Row]:
    """Race all masks; quick repeats less."""
    return [row for work in (*images(), *volumes()) for row in _rows(work, 3 if quick else 15)]


def images() -> Iterator[Transform]:
    """Yield the masks of two label maps."""
    small, large = voc().prediction, city().prediction
    segment = segment_of(large, SMALL_SEGMENT)
    yield Transform("500×375, inside objects", small == 0, None, (1.8, 3.0))
    yield Transform("500×375, to edges", edges(small), None, (1.8, 3.0))
    yield Transform(f"2048×1024, inside a segment of {segment.mean():.1%}", ~segment, None, (8.0, None))
    yield Transform(f"2048×1024, to a segment of {segment.mean():.1%}", segment, None, (1.8, 3.0))
    yield Transform("2048×1024, to edges", edges(large), None, (1.8, 3.0))


def volumes() -> Iterator[Transform]:
    """Yield both sides of a body, with spacing in halves, and with one that has to be rounded."""
    inside = body()
    yield Transform("128³ (2.5, 1, 1), inside", ~inside, (2.5, 1, 1), (4.0, 7.0))
    yield Transform("128³ (2.5, 1, 1), outside", inside, (2.5, 1, 1), (2.5, 5.0))
    yield Transform("128³ (3.3, 0.7, 0.7), inside", ~inside, (3.3, 0.7, 0.7), (None, None))
    yield Transform("128³ (3.3, 0.7, 0.7), outside", inside, (3.3, 0.7, 0.7), (None, None))


def segment_of(labels: NDArray[np.integer], share: float) -> Mask:
    """Return the segment whose share of all pixels is nearest to one that is asked for."""
    found = []
    for label in np.unique(labels):
        segments = connected_segments(foreground=labels == label)
        sizes = np.bincount(segments.ravel())
        sizes[0] = 0
        nearest = int(np.argmin(np.abs(sizes / labels.size - share)))
        found.append((abs(float(sizes[nearest]) / labels.size - share), segments == nearest))
    return min(found, key=lambda item: item[0])[1]


def edges(labels: NDArray[np.integer]) -> Mask:
    """Return the pixels whose right or lower neighbour has another label."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def body(seed: int = 0) -> Mask:
    """Return a ball in 128³ voxels, an eighth of them, with a surface of slow and fast waves."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.arange(128) - 64.0] * 3, indexing="ij", sparse=True)
    waves = 0.0
    for wavelength in (60.0, 60.0, 25.0, 25.0, 10.0, 10.0):
        direction = rng.standard_normal(3)
        direction *= 2 * np.pi / wavelength / np.linalg.norm(direction)
        waves = waves + np.sin(sum(a * k for a, k in zip(axes, direction, strict=True)) + rng.uniform(0, 7))
    radius = np.sqrt(sum(a * a for a in axes))
    return np.asarray(radius + 2.0 * waves < 40.0)


def peer_of(work: Transform) -> tuple[str, Callable[[], NDArray[np.floating]]] | None:
    """Return the peer that does such work, by name with version, and its call; None when it does not import."""
    module = "cv2" if work.spacing is None else "edt"
    found = package(module, PACKAGES[module])
    if found is None:
        return None
    loaded, name = found
    others = np.ascontiguousarray(~work.sources).view(np.uint8)
    if work.spacing is not None:
        return f"{name} edtsq", partial(loaded.edtsq, others, anisotropy=work.spacing, parallel=1)
    loaded.setNumThreads(1)
    return f"{name} precise", partial(loaded.distanceTransform, others, loaded.DIST_L2, loaded.DIST_MASK_PRECISE)


def same(work: Transform, squares: NDArray[Any], found: NDArray[np.floating]) -> bool:
    """Whether a peer's answer, distances of an image and squares of a volume, is ours but for rounding."""
    answer = found.astype(np.float64) ** (2 if work.spacing is None else 1)
    off, share = OFF["cv2" if work.spacing is None else "edt"]
    return bool((np.abs(answer - squares) <= off + share * squares).all())


def _rows(work: Transform, repetitions: int) -> list[Row]:
    own = partial(squared_distances, sources=work.sources, spacing=work.spacing)
    squares, peer = own(), peer_of(work)
    if peer is None:
        return []
    name, call = peer
    if not same(work, squares, call()):
        raise AssertionError(f"{name} measures otherwise on {work.name}")
    limit, mine, other = race([lambda: np.empty_like(squares).fill(0), own, call], repetitions)
    return [Row(work.name, mine, name, other, *work.goal, limit)]


if __name__ == "__main__":
    print(as_table(rows()))
