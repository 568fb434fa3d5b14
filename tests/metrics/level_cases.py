"""Random probability maps: many sizes, masks, heavy ties, few levels and many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.labels import LabelClass, LabelSpace
from segbench.metrics.base import Metric
from segbench.metrics.levels import LevelsTally
from segbench.metrics.states import State
from segbench.result import Score
from segbench.samples import Sample

NEGATIVE, POSITIVE, VOID = 4, 9, 200
#: The positive class has the larger id here and the smaller one in `SWAPPED`: the order decides, not the id.
SPACE = LabelSpace((LabelClass("background", NEGATIVE), LabelClass("vessel", POSITIVE)), void=(VOID,))
SWAPPED = LabelSpace((LabelClass("background", POSITIVE), LabelClass("vessel", NEGATIVE)), void=(VOID,))


@dataclass(frozen=True)
class Case:
    """Images of truth ids and levels."""

    seed: int
    pairs: list[tuple[NDArray[np.integer[Any]], NDArray[np.uint8]]]

    @property
    def samples(self) -> list[Sample]:
        return [Sample((str(i),), truth, levels) for i, (truth, levels) in enumerate(self.pairs)]

    @property
    def pixels(self) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """What is counted, of all images: whether it is positive, and its level."""
        return pixels_of(self.pairs)

    @property
    def has_both(self) -> bool:
        """Whether positive and negative pixels are counted."""
        positive, _ = self.pixels
        return bool(positive.any() and not positive.all())


def pixels_of(pairs: list[tuple[NDArray[Any], NDArray[np.uint8]]]) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Whether each counted pixel is positive, and its level."""
    positive = np.concatenate([(truth == POSITIVE)[truth != VOID] for truth, _ in pairs])
    return positive, np.concatenate([levels[truth != VOID] for truth, levels in pairs])


def random_case(seed: int) -> Case:
    """One to three images whose truth is rare, frequent or everywhere, and levels that know something of it."""
    rng = np.random.default_rng(seed)
    largest = int(rng.choice([1, 4, 20, 90]))
    pairs = []
    for _ in range(int(rng.integers(1, 4))):
        shape = tuple(rng.integers(1, largest + 1, 3 if largest < 20 and rng.random() < 0.2 else 2).tolist())
        positive = rng.random(shape) < rng.choice([0.02, 0.3, 0.8, 1.0], p=[0.3, 0.4, 0.2, 0.1])
        truth = np.where(positive, POSITIVE, NEGATIVE)
        truth[rng.random(shape) < rng.choice([0.0, 0.3, 0.95])] = VOID
        dtype = str(rng.choice(["u1", "u2", "i8"]))
        pairs.append((truth.astype(dtype), random_levels(rng, positive)))
    return Case(seed, pairs)


def random_levels(rng: np.random.Generator, positive: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Levels from few values with many ties, from two, from one, or from all."""
    known = [np.arange(256), rng.integers(0, 256, 7), np.array([0, 255]), rng.integers(0, 256, 1), np.arange(3) + 126]
    values = np.sort(known[int(rng.integers(len(known)))])
    rank = rng.beta(2, 3, positive.shape) + positive * rng.choice([0.0, 0.3, 1.0])
    return values[np.minimum((rank * len(values)).astype(int), len(values) - 1)].astype(np.uint8)


def cases(n: int) -> list[Case]:
    return [random_case(seed) for seed in range(n)]


def counted(metric: Metric[Any], samples: list[Sample], space: LabelSpace = SPACE) -> State:
    tally = metric.tally((metric,), space)
    assert isinstance(tally, LevelsTally)
    state = tally.start()
    tally.count_into(state, samples)
    return state


def scored(metric: Metric[Any], samples: list[Sample], space: LabelSpace = SPACE) -> Score:
    return metric.compute(counted(metric, samples, space), space)


def table_of(positive: NDArray[np.bool_], levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels by class and level, counted by NumPy."""
    return np.stack([np.bincount(levels[positive == row], minlength=256) for row in (0, 1)])
