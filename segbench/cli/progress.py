"""A progress bar on stderr, when somebody looks and the work takes more than a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a callback that takes what is done and all there is; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = import_module("tqdm").tqdm(unit=unit, delay=1.0, leave=False, file=sys.stderr)

    def update(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield update
    finally:
        bar.close()
