"""What it looks like when memory is at an end."""

from __future__ import annotations

import torch

#: What torch says when the memory of a CPU is at an end; an accelerator has an error of its own.
_FULL = ("can't allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory is at an end."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _FULL)
