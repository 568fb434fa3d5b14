"""The pool of processes that chunks are counted in."""

from __future__ import annotations

import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess


class _Worker(SpawnProcess):
    """A process that Ctrl-C never reaches, not even while it starts."""

    def start(self) -> None:
        # Ctrl-C reaches every process of the terminal; only the parent answers it. What is blocked is inherited.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    Process = _Worker


def pool_of(workers: int) -> ProcessPoolExecutor:
    """Return a pool of so many `workers`; they are spawned, not forked: the caller may have threads of its own."""
    return ProcessPoolExecutor(workers, mp_context=_Context())
