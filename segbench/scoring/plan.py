"""What a scoring run counts and judges: the metrics asked for, gathered by the tally they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segbench.frozen import dataclass
from segbench.labels import LabelSpace
from segbench.late import late
from segbench.metrics.base import Content, Metric, Tally
from segbench.metrics.states import State
from segbench.protocols.protocol import Protocol
from segbench.samples import Sample

_confusion_tally = late("segbench.metrics.confusion:ConfusionTally")

#: One state for each family of metrics.
States = dict[str, State]


@dataclass(frozen=True)
class Plan:
    """The metrics of a run by score key, and one tally for each family of them.

    Parameters
    ----------
    space : LabelSpace
        The classes.
    metrics : mapping of str to Metric
        Metrics by score key, in the order they are shown.
    tallies : mapping of str to Tally
        By family.
    """

    space: LabelSpace
    metrics: Mapping[str, Metric[Any]]
    tallies: Mapping[str, Tally]

    @classmethod
    def of(cls, protocol: Protocol, extra: Sequence[str] = (), *, own: Sequence[Metric[Any]] | None = None) -> Plan:
        """Return the plan of a protocol's own metrics, or some of them, and those asked for beside them."""
        asked = [*(protocol.metrics if own is None else own), *(protocol.metric(text) for text in extra)]
        metrics = {protocol.key(metric): metric for metric in asked}
        families: dict[str, list[Metric[Any]]] = {}
        for metric in metrics.values():
            families.setdefault(metric.family, []).append(metric)
        tallies: dict[str, Tally] = {
            name: members[0].tally(members, protocol.space) for name, members in families.items()
        }
        if protocol.kind in ("labels", "volumes"):
            # The digest of the truth is made of its table, whatever is judged.
            tallies.setdefault("confusion", _confusion_tally(protocol.space))
        return cls(protocol.space, metrics, tallies)

    def start(self) -> States:
        """Return the states of nothing counted."""
        return {family: tally.start() for family, tally in self.tallies.items()}

    def count_one(self, states: States, sample: Sample) -> dict[str, Content]:
        """Count one image into every state and return what is recorded of it, by family."""
        return {family: tally.count_one(states[family], sample) for family, tally in self.tallies.items()}

    def add_record(self, states: States, contents: Mapping[str, Content]) -> None:
        """Count one recorded image into every state."""
        for family, tally in self.tallies.items():
            tally.add_record(states[family], contents[family])


def merge_states(mine: States, other: States) -> States:
    """Return the states of what both have counted."""
    return {family: state.merge(other[family]) for family, state in mine.items()}
