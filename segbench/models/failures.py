"""What is told when the code of a model fails: it is anybody's, and its failures are no faults of segbench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from segbench.errors import SegbenchError

#: What torch says when the memory of a CPU is at an end; an accelerator has an error of its own.
_FULL = ("can't allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory is at an end."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _FULL)


@contextmanager
def told(refused: Callable[[str], SegbenchError]) -> Iterator[None]:
    """Raise what fails in the block as an error that says whose code it was.

    Parameters
    ----------
    refused : callable
        From what was raised, in a line, to the error.

    Yields
    ------
    None
        For the block that runs the model.

    Raises
    ------
    SegbenchError
        For whatever is raised in the block, but for errors that speak of themselves and memory that is at an end.
    """
    try:
        yield
    except SegbenchError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        first = (str(error).splitlines() or [""])[0]
        raise refused(f"{type(error).__name__}: {first}") from error
