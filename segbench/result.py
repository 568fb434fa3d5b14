"""What a scoring run ends with: scores, each with the signature of what produced it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from segbench.errors import BadParameter
from segbench.formats import flat, frame, render
from segbench.frozen import dataclass

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
        Confidence interval of the value.
    class_ci : mapping of str to (float, float)
        Confidence interval of each class that has one.
    """

    value: float
    per_class: Mapping[str, float] = field(default_factory=dict)
    unit: str = "fraction"
    higher_is_better: bool = True
    signature: str = ""
    ci: tuple[float, float] | None = None
    class_ci: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __float__(self) -> float:
        return float(self.value)

    def as_record(self) -> dict[str, Any]:
        """Return the score as JSON shows it: what is undefined is null, and what is infinite, with how many are."""
        infinite = sum(map(math.isinf, (self.value, *self.per_class.values())))
        return {
            **({"infinite": infinite} if infinite else {}),
            **({"class_ci": {name: list(ci) for name, ci in self.class_ci.items()}} if self.class_ci else {}),
            "value": _or_null(self.value),
            "per_class": {name: _or_null(value) for name, value in self.per_class.items()},
            "ci": None if self.ci is None else list(self.ci),
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "signature": self.signature,
        }


#: The parts of a signature in order, and the form of each.
_PARTS = {
    "protocol@version": r"[^|@]+@[0-9]+",
    "split": r"[^|]+",
    "images": r"[1-9][0-9]*",
    "truth:digest": r"truth:[0-9a-f]{8}",
    "slice": r"[^|]+",
    "resize": r"[^|]+",
    "missing": r"error|miss",
    "input": r"[^|]+",
    "metric": r"[a-z][a-z0-9_]*(\(.*\))?",
    "segbench:version": r"segbench:[^|]+",
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

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Read a signature; of the truth's digest it holds the eight digits that the text has.

        Parameters
        ----------
        text : str
            What `str` makes of a signature.

        Returns
        -------
        Signature
            The parts.

        Raises
        ------
        BadParameter
            When a part is missing or malformed; says which.
        """
        # Names in a metric may hold bars, so it is what remains between the first eight parts and the last.
        *head, tail = text.split("|", 8)
        parts = [*head, *tail.rsplit("|", 1)]
        if len(parts) != len(_PARTS):
            raise BadParameter(f"a signature of {len(parts)} parts", expected="|".join(_PARTS))
        for (name, pattern), part in zip(_PARTS.items(), parts, strict=True):
            if not re.fullmatch(pattern, part, re.DOTALL):
                raise BadParameter(f"a signature whose part {name} is {part!r}", expected="|".join(_PARTS))
        protocol, split, n, truth, piece, resize, missing, form, metric, version = parts
        truth, version = truth.removeprefix("truth:"), version.removeprefix("segbench:")
        return cls(protocol, split, int(n), truth, metric, version, missing, piece, resize, form)

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
class Slice:
    """Scores of a part of the images.

    Parameters
    ----------
    n_images : int
        Images of the slice.
    scores : mapping of str to Score
        By score key.
    """

    n_images: int
    scores: Mapping[str, Score]


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
    slices : mapping of str to Slice
        Scores of named parts of the images.
    resampling : mapping, optional
        How intervals were made, where they were asked for.
    """

    protocol: str
    split: str
    n_images: int
    scores: Mapping[str, Score]
    provenance: Provenance
    warnings: tuple[str, ...] = ()
    state: StateFile | None = None
    entry: Mapping[str, Any] | None = None
    slices: Mapping[str, Slice] = field(default_factory=dict)
    resampling: Mapping[str, Any] | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the result as JSON shows it; `slices` and `resampling` are there only when they were asked for."""
        record = self._record()
        if self.resampling is not None:
            record["resampling"] = dict(self.resampling)
        if self.slices:
            parts = {name: (part.n_images, part.scores) for name, part in self.slices.items()}
            record["slices"] = {
                name: {"n_images": n, "scores": {key: score.as_record() for key, score in scores.items()}}
                for name, (n, scores) in parts.items()
            }
        return record

    def _record(self) -> dict[str, Any]:
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

    def flat(self, prefix: str = "") -> dict[str, float]:
        """Return the numbers by name for loggers: ``prefix/mean_iou``, ``prefix/mean_iou/road``; NaN stays NaN."""
        return flat(self, prefix)

    def to_frame(self) -> Any:
        """Return the numbers as a pandas DataFrame: a row for each score, with no class, and each of its classes.

        Returns
        -------
        pandas.DataFrame
            The rows.

        Raises
        ------
        MissingPackage
            When pandas is not installed.
        """
        return frame(self)

    def _repr_html_(self) -> str:
        return render(self, "html")


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None
