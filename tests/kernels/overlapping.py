"""Groups of boxes and of masks that overlap in all ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

Case = dict[str, Any]


class Masks(NamedTuple):
    """What the kernels read of `Runs`."""

    counts: np.ndarray
    offsets: np.ndarray
    heights: np.ndarray
    widths: np.ndarray


def offsets(rng: np.random.Generator, groups: int, most: int) -> np.ndarray:
    """Groups of 0 to `most` rows."""
    sizes = rng.integers(0, most + 1, groups)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def box_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        groups = int(rng.integers(0, 6))
        both = offsets(rng, groups, 5), offsets(rng, groups, 7)
        sides = [boxes(rng, int(o[-1])) for o in both]
        if len(sides[1]) and len(sides[0]) and rng.random() < 0.5:
            # The same box on both sides.
            sides[1][: len(sides[0])] = sides[0][: len(sides[1])]
        yield {
            "truth": sides[0],
            "prediction": sides[1],
            "crowd": rng.random(len(sides[0])) < 0.2,
            "truth_offsets": both[0],
            "prediction_offsets": both[1],
        }


def boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    """Boxes on a coarse grid, which touch; anywhere, of any length; without area; turned inside out; far away."""
    style = rng.integers(0, 5)
    if style == 0:
        return rng.integers(0, 6, (n, 4)).astype(float)
    made = rng.uniform(0, 30, (n, 4))
    if style == 1:
        made[:, 2:] *= rng.integers(0, 2, (n, 2))
    elif style == 2:
        made = rng.normal(0, 20, (n, 4))
    elif style == 3:
        made = made * 10.0 ** rng.integers(-9, 9, (n, 1)) + 10.0 ** rng.integers(0, 17)
    return made.round(int(rng.integers(0, 4)))


def mask_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        groups = int(rng.integers(0, 5))
        both = offsets(rng, groups, 4), offsets(rng, groups, 5)
        sizes = [tuple(rng.choice([1, 2, 3, 7, 20, 33, 50], 2).tolist()) for _ in range(groups)]
        sides = [masks(rng, sizes, o) for o in both]
        n = len(sides[0].heights)
        yield {
            "truth": sides[0],
            "prediction": sides[1],
            "crowd": rng.random(n) < 0.2,
            "truth_offsets": both[0],
            "prediction_offsets": both[1],
        }


def masks(rng: np.random.Generator, sizes: list[tuple[int, int]], offsets: np.ndarray) -> Masks:
    """Masks of a size for each group."""
    each = [size for size, n in zip(sizes, np.diff(offsets).tolist(), strict=True) for _ in range(n)]
    runs = [broken(rng, runs_of(mask(rng, *size))) for size in each]
    heights, widths = np.array(each, np.int64).reshape(-1, 2).T.copy()
    return joined(runs, heights, widths)


def joined(runs: list[list[int]], heights: np.ndarray, widths: np.ndarray) -> Masks:
    """Masks by their run lengths."""
    starts = np.concatenate([[0], np.cumsum([len(own) for own in runs])]).astype(np.int64)
    counts = np.array([run for own in runs for run in own], np.uint32)
    return Masks(counts, starts, heights, widths)


def mask(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Nothing, all, noise, an ellipse, a rectangle, or columns."""
    style = rng.integers(0, 7)
    y, x = np.ogrid[:height, :width]
    if style == 0:
        return np.full((height, width), rng.random() < 0.4)
    if style == 1:
        return rng.random((height, width)) < rng.random()
    top, left = rng.integers(0, height), rng.integers(0, width)
    if style == 2:
        whole: np.ndarray = (x >= left) & (x < left + rng.integers(1, width + 1)) & (y >= 0)
        return whole
    down, right = rng.integers(1, height + 1), rng.integers(1, width + 1)
    if style < 5:
        return ((y - top) / down) ** 2 + ((x - left) / right) ** 2 <= rng.random()
    return (y >= top) & (y < top + down) & (x >= left) & (x < left + right)


def runs_of(image: np.ndarray) -> list[int]:
    """Run lengths down the columns, background first."""
    flat = np.concatenate([[False], image.T.ravel()])
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]), len(flat) - 1)
    return np.diff(ends, prepend=0).tolist()


def broken(rng: np.random.Generator, runs: list[int]) -> list[int]:
    """The same mask with runs of length 0 here and there, mostly at places that other masks have too."""
    if rng.random() < 0.5:
        return runs
    made: list[int] = []
    places = [4, 9, 16] if rng.random() < 0.8 else [int(rng.integers(1, 60))]
    at = 0
    for run in runs:
        cuts = [place - at for place in places if at < place < at + run]
        parts = np.diff([0, *cuts, run]).tolist()
        for i, part in enumerate(parts):
            made += [part] if i == 0 else [0, part]
        at += run
    return made + [0] * int(rng.integers(0, 3))


OVERLAP_CASES = {"box_iou": box_cases, "mask_iou": mask_cases}
