"""A text file that grows while counting and takes its name only when it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from segbench.atomic import unwritable


@dataclass
class LineWriter:
    """Writes lines to a file, or nowhere where no path is given.

    Parameters
    ----------
    path : Path, optional
        The file. Until the block ends without an error it is called ``PATH.part``.
    """

    path: Path | None
    _file: IO[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> LineWriter:
        if self.path is not None:
            try:
                self._file = open(self._partial, "wb")
            except OSError as error:
                raise unwritable(self.path, error) from None
        return self

    def write(self, lines: Iterable[str]) -> None:
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
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
                os.replace(self._partial, self.path)
        except OSError as problem:
            raise unwritable(self.path, problem) from None
        finally:
            # On a full disk closing fails as flushing did; the partial file goes all the same.
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                os.unlink(self._partial)

    @property
    def _partial(self) -> str:
        return f"{self.path}.part"
