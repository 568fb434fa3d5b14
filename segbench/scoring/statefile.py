"""The state file: the counts of every image, one JSON line each, from which every score is derived again.

The first line is a header; the lines after it are in the order of the keys. It is written while counting, so that
memory does not grow with the data set, and takes its name only when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from segbench.codec import canonical_json
from segbench.datasets.truth import TruthSet
from segbench.errors import DatasetError, OutputProblem
from segbench.result import StateFile
from segbench.scoring.plan import Plan, States

#: Version of the format.
VERSION = 1


@dataclass
class StateWriter:
    """Writes a state file, or nothing where no path is given.

    Parameters
    ----------
    path : Path, optional
        The file.
    truth : TruthSet
        What is scored.
    plan : Plan
        What is counted.
    """

    path: Path | None
    truth: TruthSet
    plan: Plan
    _file: IO[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> StateWriter:
        if self.path is not None:
            try:
                self._file = open(self._partial, "wb")
            except OSError as error:
                raise unwritable(self.path, error) from None
            self.write([canonical_json(self._header())])
        return self

    def write(self, lines: Sequence[str]) -> None:
        """Append lines."""
        if self._file is None or self.path is None:
            return
        try:
            self._file.writelines(line.encode() + b"\n" for line in lines)
        except OSError as error:
            raise unwritable(self.path, error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None or self.path is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                os.replace(self._partial, self.path)
            else:
                os.unlink(self._partial)
        except OSError as problem:
            raise unwritable(self.path, problem) from None

    @property
    def _partial(self) -> str:
        return f"{self.path}.part"

    def _header(self) -> dict[str, Any]:
        return {
            "state": VERSION,
            "protocol": self.truth.protocol.identity,
            "protocol_digest": self.truth.protocol.digest(),
            "split": self.truth.split,
            "n_images": len(self.truth.keys),
            "metrics": {key: metric.signature() for key, metric in self.plan.metrics.items()},
        }


def describe(path: Path) -> StateFile:
    """Return name and digest of a state file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return StateFile(path.name, digest.hexdigest())


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the header and then the record of each image.

    Raises
    ------
    DatasetError
        When the file is no state file of this version, or cut.
    """
    with open(path, "rb") as file:
        for i, line in enumerate(file):
            try:
                record = json.loads(line)
            except ValueError:
                raise DatasetError(f"line {i + 1} is no JSON", expected="a whole state file", file=str(path)) from None
            if i == 0 and record.get("state") != VERSION:
                raise DatasetError("not a state file of this version", expected=f"version {VERSION}", file=str(path))
            yield record


def states_of(path: Path, plan: Plan) -> States:
    """Count a state file again: the same states as counting its images."""
    records = read_records(path)
    next(records)
    states = plan.start()
    for record in records:
        plan.add_record(states, record["counts"])
    return states


def unwritable(path: Path, error: OSError) -> OutputProblem:
    """Return the problem of a file that cannot be written."""
    return OutputProblem(
        f"cannot be written: {error.strerror}", mend="choose another place with -o, or free some space", file=str(path)
    )
