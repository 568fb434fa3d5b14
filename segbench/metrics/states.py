"""What is kept of counted images: named parts with one version of a file form."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TypeAlias, TypeVar

import numpy as np

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.metrics.parts import Arrays, Counts, ExactMeans, Rows

#: Version of the file form of a state.
STATE_VERSION = 1

_KINDS: Mapping[str, type[Counts] | type[Rows] | type[ExactMeans]] = {
    "counts": Counts,
    "rows": Rows,
    "means": ExactMeans,
}
AnyPart: TypeAlias = Counts | Rows | ExactMeans
P = TypeVar("P", Counts, Rows, ExactMeans)


@dataclass(frozen=True)
class State:
    """Named parts that are merged name by name.

    Parameters
    ----------
    parts : mapping of str to Counts, Rows or ExactMeans
        The parts.
    """

    parts: Mapping[str, AnyPart]

    def merge(self, other: State) -> State:
        """Return a new state that holds what both have counted.

        Parameters
        ----------
        other : State
            With the same parts; left as it is.

        Returns
        -------
        State
            The sum.

        Raises
        ------
        BadParameter
            When the two do not hold the same parts.
        """
        if self.parts.keys() != other.parts.keys():
            raise BadParameter(
                f"states with the parts {sorted(self.parts)} and {sorted(other.parts)}", expected="the same parts"
            )
        return State({name: _merge(part, other.parts[name]) for name, part in self.parts.items()})

    def counts(self, name: str) -> Counts:
        """Return the part called `name`, which is Counts."""
        return _as(Counts, self.parts[name])

    def rows(self, name: str) -> Rows:
        """Return the part called `name`, which is Rows."""
        return _as(Rows, self.parts[name])

    def means(self, name: str) -> ExactMeans:
        """Return the part called `name`, which is ExactMeans."""
        return _as(ExactMeans, self.parts[name])

    def to_bytes(self) -> bytes:
        """Return the file form: an npz archive with a header, the same bytes for equal states."""
        header = {"version": STATE_VERSION, "parts": {}}
        arrays: Arrays = {}
        for i, (name, part) in enumerate(sorted(self.parts.items())):
            kind = next(kind for kind, cls in _KINDS.items() if isinstance(part, cls))
            header["parts"][name] = {"kind": kind, "member": str(i)}  # type: ignore[index]
            arrays |= {f"{i}/{column}": values for column, values in part.to_arrays().items()}
        text = json.dumps(header, sort_keys=True).encode()
        file = io.BytesIO()
        np.savez(file, **{"header": np.frombuffer(text, np.uint8), **arrays})  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> State:
        """Rebuild a state.

        Parameters
        ----------
        data : bytes
            What `to_bytes` returned.

        Returns
        -------
        State
            Equal to the one it was called on.

        Raises
        ------
        BadParameter
            When the data is of another version.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as members:
            header = json.loads(members["header"].tobytes())
            if header["version"] != STATE_VERSION:
                raise BadParameter(f"a state of version {header['version']}", expected=f"version {STATE_VERSION}")
            parts = {}
            for name, entry in header["parts"].items():
                prefix = f"{entry['member']}/"
                arrays = {n.removeprefix(prefix): members[n] for n in members.files if n.startswith(prefix)}
                parts[name] = _KINDS[entry["kind"]].from_arrays(arrays)
        return cls(parts)


def _merge(mine: AnyPart, other: AnyPart) -> AnyPart:
    if isinstance(mine, Counts):
        return mine.merge(_as(Counts, other))
    if isinstance(mine, Rows):
        return mine.merge(_as(Rows, other))
    return mine.merge(_as(ExactMeans, other))


def _as(kind: type[P], part: AnyPart) -> P:
    if not isinstance(part, kind):
        raise BadParameter(f"a part of kind {type(part).__name__}", expected=kind.__name__)
    return part
