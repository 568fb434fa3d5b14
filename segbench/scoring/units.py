"""The counts of each image or video by itself, from which resamples are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.states import State
from segbench.result import Score
from segbench.scoring.plan import Plan, States, merge_states

if TYPE_CHECKING:
    from segbench.scoring.outcome import Record

#: A resample takes units of which some may be left out.
LEAST = 2

#: How often an interval should hold the true value.
LEVEL = 0.95


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Parameters
    ----------
    resamples : int
        How many data sets are drawn.
    seed : int
        Of the generator.
    level : float
        Of the intervals.
    """

    resamples: int = 2000
    seed: int = 0
    level: float = LEVEL

    def __post_init__(self) -> None:
        if not 1 <= self.resamples <= 1_000_000:
            raise BadParameter(f"resamples {self.resamples}", expected="a number from 1 to 1000000")
        if self.seed < 0:
            raise BadParameter(f"seed {self.seed}", expected="a whole number from 0 on")

    def as_record(self, unit: str, n_units: int) -> dict[str, object]:
        """Return what a result says of its intervals: drawn were `n_units`, each a `unit`."""
        return {"method": "percentile", "unit": unit, "n_units": n_units, **vars(self)}


@dataclass
class Units:
    """The counts of each unit by itself.

    Parameters
    ----------
    plan : Plan
        What is counted.
    unit : str
        ``image``, or ``video`` where a score is one of whole videos.
    """

    plan: Plan
    unit: str = "image"
    _states: dict[str, States] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self._states)

    def add(self, record: Record) -> None:
        """Take the record of an image."""
        states = self.plan.start()
        self.plan.add_record(states, record.counts)
        name = record.key[0] if self.unit == "video" else "/".join(record.key)
        mine = self._states.get(name)
        self._states[name] = states if mine is None else merge_states(mine, states)

    @property
    def names(self) -> list[str]:
        """The units in their order."""
        return sorted(self._states)

    def scores(self, key: str) -> dict[str, Score]:
        """Return the score of each unit alone, by its name."""
        metric = self.plan.metrics[key]
        return {name: metric.compute(self._states[name][metric.family], self.plan.space) for name in self.names}

    def states(self, family: str) -> Iterator[State]:
        """Yield the counts of each unit, in their order, for one family of metrics."""
        return (self._states[name][family] for name in self.names)
