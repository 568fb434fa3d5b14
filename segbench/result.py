"""What a scoring run ends with: scores, each with the signature of what produced it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

#: Version of the result format.
SCHEMA = 1


@dataclass(frozen=True)
class Score:
    """One number, its parts by class, and how sure it is.

    Parameters
    ----------
    value : float
        A fraction unless `unit` says otherwise; NaN when undefined.
    per_class : mapping of str to float
        Value of each class in the mean, NaN when undefined.
    unit : str
        ``fraction``, or the unit of the value.
    higher_is_better : bool
        Direction of improvement.
    signature : str
        Everything that made the number; empty outside a scoring run.
    ci : (float, float), optional
        Confidence interval.
    """

    value: float
    per_class: Mapping[str, float] = field(default_factory=dict)
    unit: str = "fraction"
    higher_is_better: bool = True
    signature: str = ""
    ci: tuple[float, float] | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the score as JSON shows it: undefined is null."""
        return {
            "value": _or_null(self.value),
            "per_class": {name: _or_null(value) for name, value in self.per_class.items()},
            "ci": None if self.ci is None else list(self.ci),
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "signature": self.signature,
        }


@dataclass(frozen=True)
class Signature:
    """Everything a number depends on; `-` stands for the plain case.

    Two scores may be compared when their signatures are equal apart from the version.

    Parameters
    ----------
    protocol : str
        Name and version, ``voc2012@1``.
    split : str
        Split, or ``custom`` for a truth given by path.
    n_images : int
        Images scored.
    truth : str
        SHA-256 over the content of the truth, of which the signature shows eight digits.
    metric : str
        The metric with all its fields.
    version : str
        Version of segbench.
    missing : str
        What became of missing predictions: ``error`` (refused) or ``miss``.
    slice, resize, input : str
        Part of the images, resizing of predictions, and form of the input, when not plain.
    """

    protocol: str
    split: str
    n_images: int
    truth: str
    metric: str
    version: str
    missing: str = "error"
    slice: str = "-"
    resize: str = "-"
    input: str = "-"

    def __str__(self) -> str:
        return "|".join(
            (
                self.protocol,
                self.split,
                str(self.n_images),
                f"truth:{self.truth[:8]}",
                self.slice,
                self.resize,
                self.missing,
                self.input,
                self.metric,
                f"segbench:{self.version}",
            )
        )

    def of(self, metric: str) -> str:
        """Return the signature text of another metric of the same run."""
        return str(replace(self, metric=metric))


@dataclass(frozen=True)
class StateFile:
    """Where the counts of a result lie.

    Parameters
    ----------
    file : str
        Name of the file beside the result.
    sha256 : str
        Digest of its bytes.
    """

    file: str
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """What went in.

    Parameters
    ----------
    predictions : str
        SHA-256 over the sorted keys and digests of the prediction files.
    truth : str
        SHA-256 over the content of the truth.
    versions : mapping of str to str
        Versions of what reads and counts.
    """

    predictions: str
    truth: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """Scores of one submission.

    Parameters
    ----------
    protocol, split : str
        As in the signature.
    n_images : int
        Images scored.
    scores : mapping of str to Score
        By score key, in the order of the protocol.
    provenance : Provenance
        What went in.
    warnings : tuple of str
        What a reader should know before using the numbers.
    state : StateFile, optional
        Counts kept beside the result.
    entry : mapping, optional
        Description of a leaderboard entry.
    """

    protocol: str
    split: str
    n_images: int
    scores: Mapping[str, Score]
    provenance: Provenance
    warnings: tuple[str, ...] = ()
    state: StateFile | None = None
    entry: Mapping[str, Any] | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the result as JSON shows it."""
        return {
            "schema": SCHEMA,
            "entry": self.entry,
            "protocol": self.protocol,
            "split": self.split,
            "n_images": self.n_images,
            "scores": {key: score.as_record() for key, score in self.scores.items()},
            "state": None if self.state is None else {"file": self.state.file, "sha256": self.state.sha256},
            "provenance": {
                "predictions": self.provenance.predictions,
                "truth": self.provenance.truth,
                "versions": dict(self.provenance.versions),
            },
            "warnings": list(self.warnings),
        }


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value
