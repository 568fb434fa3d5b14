"""What all archives share: reading by name, and copies for worker processes.

Nothing is ever extracted, and no name from an archive is joined to a path.
"""

from __future__ import annotations

import functools
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from segbench.datasets.members import Limits, Listing, Member, changed
from segbench.datasets.streams import Source
from segbench.errors import UnreadableImage, UnsafeArchive


class Archive(ABC):
    """The members of an archive, read in memory by name.

    Pickles small: a copy opens the file again and lists it once a process, and stays open as long as that lives.

    Parameters
    ----------
    path : Path
        The archive, as the user knows it.
    source : Source
        The file the members are read from; closed with the archive.
    limits : Limits
        How large it may be.

    Raises
    ------
    UnsafeArchive
        When the listing holds one fault.
    Refusal
        When it holds several.
    """

    def __init__(self, path: Path, source: Source, limits: Limits) -> None:
        self.path = path
        self._source = source
        self._limits = limits
        self._shared = False
        try:
            self._rows = self._listed()
        except BaseException:
            source.close()
            raise

    @abstractmethod
    def _members(self) -> Iterable[Member]:
        """Yield all members; raise UnsafeArchive where the listing breaks."""

    @abstractmethod
    def _content(self, row: bytes, most: int) -> bytes:
        """Return the first bytes of a member; raise UnreadableImage when it is damaged."""

    def names(self) -> list[str]:
        """Return the names of the files, sorted, without folders and without junk that systems leave behind."""
        return list(self._rows)

    def read(self, name: str, most: int) -> bytes:
        """Read a member.

        Parameters
        ----------
        name : str
            One of `names`.
        most : int
            Bytes returned at most; the rest of a longer member is left unread and unchecked.

        Returns
        -------
        bytes
            The content, or its first `most` bytes.

        Raises
        ------
        UnreadableImage
            When the member is damaged, not as long as the archive says, or not there.
        """
        row = self._rows.get(name)
        if row is None:
            raise UnreadableImage("no such member", expected="a member of the archive", file=self.where(name))
        try:
            return self._content(row, max(most, 0))
        except UnreadableImage as error:
            error.about(self.where(name))
            raise

    def read_many(self, names: Sequence[str], most: Sequence[int]) -> list[bytes | None]:
        """Return several members, or the first bytes of each; None for one that is damaged."""
        contents: list[bytes | None] = []
        for name, limit in zip(names, most, strict=True):
            try:
                contents.append(self.read(name, limit))
            except UnreadableImage:
                contents.append(None)
        return contents

    def where(self, name: str) -> str:
        """Return how messages call a member: ``results.zip:val/x.png``."""
        return f"{self.path}:{name}"

    def close(self) -> None:
        """Close the file. A copy made by unpickling is shared within its process, and stays open."""
        if not self._shared:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _shared_copy, (type(self), self.path, self._source.path, self._source.stamp, self._limits)

    def _listed(self) -> dict[str, bytes]:
        listing = Listing(self.path, self._limits)
        try:
            for member in self._members():
                listing.add(member)
        except UnsafeArchive as fault:
            listing.faults.append(fault)
        return listing.settled()


_copies = threading.Lock()


def _shared_copy(kind: type[Archive], path: Path, file: Path, stamp: tuple[int, ...], limits: Limits) -> Archive:
    # A chunk of work brings its own pickle of the archive: listing it for each would cost more than the work.
    with _copies:
        return _copy(kind, path, file, stamp, limits)


@functools.lru_cache(maxsize=4)
def _copy(kind: type[Archive], path: Path, file: Path, stamp: tuple[int, ...], limits: Limits) -> Archive:
    source = Source(file, shown=path)
    if source.stamp != stamp:
        source.close()
        raise changed(path)
    archive = kind(path, source, limits)
    archive._shared = True
    return archive
