"""What counting a submission comes to: everything a result is made of, and nothing of how it was counted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from segbench.codec import canonical_json, json_line, json_lines
from segbench.frozen import dataclass
from segbench.metrics.base import Content
from segbench.scoring.plan import Plan, States, merge_states

if TYPE_CHECKING:
    # Few runs keep each image by itself.
    from segbench.scoring.units import Units

#: Names shown of files that belong to no image.
SHOWN = 5


@dataclass(frozen=True)
class Record:
    """One counted image.

    Parameters
    ----------
    key : list of str
        Its identity.
    prediction : str or None
        SHA-256 of the prediction file; None where it is missing.
    counts : mapping of str to Content
        What each family of metrics counted.
    notes : tuple of str
        What was noticed in reading it: ``rgb``, ``palette``, ``resized``, ``unmasked``.
    """

    key: list[str]
    prediction: str | None
    counts: Mapping[str, Content]
    notes: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the line of the state file."""
        fields = {"key": self.key, "prediction": self.prediction, "counts": self.counts}
        return canonical_json({**fields, "notes": self.notes} if self.notes else fields)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Record:
        """Rebuild a record from its line; see that its key is one."""
        if not isinstance(fields["key"], list) or not all(isinstance(part, str) for part in fields["key"]):
            raise TypeError(fields["key"])
        return cls(fields["key"], fields["prediction"], fields["counts"], tuple(fields.get("notes", ())))

    def truth(self) -> list[Any]:
        """Return what the truth digest is made of beside the key: shape, count of each value, sizes, spacing."""
        if "confusion" not in self.counts:
            content = next(content for content in self.counts.values() if "truth" in content)
            # As it stands: of membranes it is the slices in their order.
            return [content["shape"], content["truth"]]
        counted: dict[int, int] = {}
        for value, _, count in self.counts["confusion"]["cells"]:
            counted[value] = counted.get(value, 0) + count
        truth = [self.counts["confusion"]["shape"], sorted(counted.items())]
        if "instances" in self.counts:
            truth.append([row[:2] for row in self.counts["instances"]["instances"]])
        if spacing := self.counts.get("surface", {}).get("spacing"):
            # As text, because only whole numbers and text have one form in all encoders of JSON.
            truth.append([str(step) for step in spacing])
        return truth


@dataclass
class Notes:
    """What digests and warnings need of images, in the order of their keys.

    Parameters
    ----------
    truth, predictions : bytearray
        The lines that digests are made of, one an image: key and content of the truth, key and digest of the file.
    n_images, missing : int
        Images counted, and those of them without a prediction.
    noticed : dict of str to int
        How many predictions were noticed for what.
    """

    truth: bytearray = field(default_factory=bytearray)
    predictions: bytearray = field(default_factory=bytearray)
    n_images: int = 0
    missing: int = 0
    noticed: dict[str, int] = field(default_factory=dict)

    def take_alike(self, keys: Sequence[str], truths: Sequence[list[Any]], prediction: str) -> None:
        """Note images that one file answers for, by their keys and what `Record.truth` is of each."""
        self.truth += json_lines([[[key], *truth] for key, truth in zip(keys, truths, strict=True)])
        self.predictions += json_lines([[[key], prediction] for key in keys])
        self.n_images += len(keys)

    def take(self, key: list[str], truth: list[Any], prediction: str | None, noticed: Sequence[str]) -> None:
        """Note an image: its key, `Record.truth`, the digest of its prediction, and what was noticed."""
        self.truth += json_line([key, *truth]) + b"\n"
        self.predictions += json_line([key, prediction]) + b"\n"
        self.n_images += 1
        self.missing += prediction is None
        for note in noticed:
            self.noticed[note] = self.noticed.get(note, 0) + 1


@dataclass
class Outcome:
    """Counts of images, added in the order of their keys.

    Parameters
    ----------
    states : dict of str to State
        The counts, by family of metrics.
    n_images, missing : int
        Images counted, and those of them without a prediction.
    notes : dict of str to int
        How many predictions were noticed for what.
    unclaimed : list of str
        Names of files that belong to no image, of which the first few are kept.
    n_unclaimed : int
        How many such files there are.
    units : Units, optional
        The counts of each image by itself, where resamples are drawn from them.
    """

    states: States
    n_images: int = 0
    missing: int = 0
    notes: dict[str, int] = field(default_factory=dict)
    unclaimed: Sequence[str] = ()
    n_unclaimed: int = 0
    units: Units | None = None

    def __post_init__(self) -> None:
        self._truth, self._predictions = hashlib.sha256(), hashlib.sha256()

    def add(self, plan: Plan, record: Record) -> None:
        """Count a recorded image."""
        plan.add_record(self.states, record.counts)
        self.keep(record)
        noted = Notes()
        noted.take(record.key, record.truth(), record.prediction, record.notes)
        self.note(noted)

    def keep(self, record: Record) -> None:
        """Keep the record of an image that is counted beside, where resamples are drawn from it."""
        if self.units is not None:
            self.units.add(record)

    def add_states(self, states: States) -> None:
        """Add counts of images that are noted beside."""
        self.states = merge_states(self.states, states)

    def note(self, noted: Notes) -> None:
        """Take the next images into digests and numbers."""
        self._truth.update(noted.truth)
        self._predictions.update(noted.predictions)
        self.n_images += noted.n_images
        self.missing += noted.missing
        for note, count in noted.noticed.items():
            self.notes[note] = self.notes.get(note, 0) + count

    @property
    def truth_digest(self) -> str:
        """SHA-256 over the content of the truth."""
        return self._truth.hexdigest()

    @property
    def prediction_digest(self) -> str:
        """SHA-256 over keys and digests of the predictions."""
        return self._predictions.hexdigest()
