"""From counts to a signed result."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL

from segbench.errors import DatasetError, counted, printable
from segbench.frozen import dataclass
from segbench.late import late
from segbench.protocols.protocol import Protocol
from segbench.result import Provenance, Result, Score, Signature, Slice
from segbench.scoring import hints
from segbench.scoring.outcome import Outcome
from segbench.scoring.plan import Plan, States
from segbench.version import __version__

if TYPE_CHECKING:
    # Few runs ask for intervals.
    from segbench.scoring.units import Resampling

_units = late("segbench.scoring.units:Units")
_with_intervals = late("segbench.scoring.bootstrap:with_intervals")

#: What a truth is refused for, and a part of one warned of.
NOTHING = "no pixel of the truth has a class"

#: What is said of predictions in which something was noticed.
_NOTED = {
    "rgb": "{n} {are} RGB and {were} read by the data set's colours",
    "palette": "{n} {have} a palette whose colours stand for other classes than their indices, by which {they} {were} "
    "read: was a palette re-ordered?",
    "resized": "{n} {were} resized to {their} truth",
}
_ONE = {"are": "is", "were": "was", "have": "has", "they": "it", "their": "its"}
_SEVERAL = {word: word for word in _ONE}


@dataclass(frozen=True)
class Case:
    """What is judged: the rules, and how the run was asked for.

    Parameters
    ----------
    protocol : Protocol
        The rules.
    plan : Plan
        The metrics.
    split : str
        Name of the split.
    expected : int
        Images the data set says the split has; 0 when it does not say.
    missing, resize, input, slice : str
        As in the signature.
    resampling : Resampling, optional
        How intervals are made, where they are asked for.
    """

    protocol: Protocol
    plan: Plan
    split: str
    expected: int = 0
    missing: str = "error"
    resize: str = "-"
    input: str = "-"
    slice: str = "-"
    resampling: Resampling | None = None

    def start(self, **noted: Any) -> Outcome:
        """Return the outcome of nothing counted, with what is `noted` of the submission."""
        unit = "video" if self.protocol.kind == "video" else "image"
        units = None if self.resampling is None else _units(self.plan, unit)
        return Outcome(self.plan.start(), units=units, **noted)

    def result(self, outcome: Outcome, slices: Mapping[str, Outcome] | None = None) -> Result:
        """Judge the counts of a run, and of its slices.

        Parameters
        ----------
        outcome : Outcome
            The counts of all images.
        slices : mapping of str to Outcome, optional
            The counts of each slice.

        Returns
        -------
        Result
            The result, signed, with what a reader should know of it.

        Raises
        ------
        DatasetError
            When no pixel of the truth has a class; of a shard, that is a warning.
        """
        if not self.is_shard:
            refuse_nothing(self.plan, outcome.states)
        scores, warnings = self.scores(outcome, self.slice)
        units, how = outcome.units, self.resampling
        return Result(
            protocol=self.protocol.identity,
            split=self.split,
            n_images=outcome.n_images,
            scores=scores,
            provenance=Provenance(outcome.prediction_digest, outcome.truth_digest, versions()),
            warnings=tuple(dict.fromkeys([*self._run_warnings(outcome), *warnings])),
            slices={name: Slice(part.n_images, self.scores(part, name)[0]) for name, part in (slices or {}).items()},
            resampling=None if how is None or units is None else how.as_record(units.unit, len(units)),
        )

    @property
    def is_shard(self) -> bool:
        """Whether only a part of the images is counted, to be merged with the others."""
        return self.slice.startswith("shard:")

    def scores(self, outcome: Outcome, slice_: str) -> tuple[dict[str, Score], list[str]]:
        """Return the score of each key, and what a reader should know of them."""
        space, signature = self.plan.space, self._signature(outcome, slice_)
        scores: dict[str, Score] = {}
        warnings: list[str] = []
        for key, metric in self.plan.metrics.items():
            state = outcome.states[metric.family]
            scores[key] = replace(metric.compute(state, space), signature=signature.of(metric.signature()))
            warnings += metric.warnings(state, space)
            beside = metric.where_defined() if math.isnan(scores[key].value) else None
            if beside is not None and getattr(metric, "pool", "") == "dataset":
                defined = replace(beside.compute(state, space), signature=signature.of(beside.signature()))
                scores.setdefault(self.protocol.key(beside), defined)
                absent = ", ".join(metric.undefined_classes(state, space))
                warnings.append(f"{key} is undefined: neither truth nor prediction has {absent}")
        if self.resampling is not None and outcome.units is not None:
            scores, more = _with_intervals(scores, outcome.units, self.resampling)
            warnings += more
        return scores, warnings

    def _signature(self, outcome: Outcome, slice_: str) -> Signature:
        return Signature(
            self.protocol.identity,
            self.split,
            outcome.n_images,
            outcome.truth_digest,
            metric="",
            version=__version__,
            missing=self.missing,
            slice=slice_,
            resize=self.resize,
            input=self.input,
        )

    def _run_warnings(self, outcome: Outcome) -> list[str]:
        warnings = []
        n, notes = outcome.n_images, outcome.notes
        if self.expected and n != self.expected:
            warnings.append(f"{counted(n, 'image')} scored, the official {self.split} split has {self.expected}")
        if holds_nothing(self.plan, outcome.states):
            warnings.append(f"{NOTHING} in this part of the images")
        if outcome.missing:
            verbs = "has no prediction and counts" if outcome.missing == 1 else "have no prediction and count"
            warnings.append(f"{outcome.missing} of {counted(n, 'image')} {verbs} as missed")
        if "unmasked" in notes:
            warnings.append("no field-of-view mask: every pixel counts")
        if "unitless" in notes:
            verb = "names" if notes["unitless"] == 1 else "name"
            warnings.append(f"{counted(notes['unitless'], 'truth volume')} {verb} no unit of length: taken for mm")
        if outcome.n_unclaimed:
            # Escaped here already: a warning is part of the result, and the names are a stranger's.
            names = ", ".join(map(printable, outcome.unclaimed))
            more = ", …" if outcome.n_unclaimed > len(outcome.unclaimed) else ""
            belong = "belongs" if outcome.n_unclaimed == 1 else "belong"
            warnings.append(f"{counted(outcome.n_unclaimed, 'file')} {belong} to no image of the split: {names}{more}")
        for note, text in _NOTED.items():
            if note in notes:
                words = _ONE if notes[note] == 1 else _SEVERAL
                warnings.append(text.format(n=counted(notes[note], "prediction"), **words))
        if "confusion" in outcome.states:
            warnings += hints.on_table(outcome.states["confusion"].counts("table").values, self.protocol)
        if "levels" in outcome.states:
            warnings += hints.on_levels(outcome.states["levels"].counts("levels").values)
        return warnings


def refuse_nothing(plan: Plan, states: States) -> None:
    """Refuse counts that hold nothing to judge.

    Parameters
    ----------
    plan : Plan
        The metrics.
    states : dict of str to State
        The counts, by family of metrics.

    Raises
    ------
    DatasetError
        When no pixel of the truth has a class.
    """
    if holds_nothing(plan, states):
        raise DatasetError(NOTHING, expected="something to count")


def holds_nothing(plan: Plan, states: States) -> bool:
    """Return whether some of the counts, by family of metrics, hold no pixel of the truth with a class."""
    return any(tally.is_empty(states[family]) for family, tally in plan.tallies.items())


def versions() -> dict[str, str]:
    """Return the versions of what reads, counts and divides."""
    return {
        "segbench": __version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
    }
