"""Several processes that train one model: who they are, and how their gradients become one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from segbench.errors import RunIncomplete
from segbench.frozen import dataclass


@dataclass(frozen=True)
class Ranks:
    """One of several processes.

    Parameters
    ----------
    rank : int
        Which one, from 0; the first writes files.
    count : int
        How many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def average(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace gradients by their means over all processes."""
        if self.count == 1:
            return
        with self._together():
            for parameter in parameters:
                if parameter.grad is not None:
                    dist.all_reduce(parameter.grad)
                    parameter.grad /= self.count

    def mean(self, value: float) -> float:
        """Return the mean of a number over all processes."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        with self._together():
            dist.all_reduce(total)
        return float(total) / self.count

    def agree(self, model: torch.nn.Module) -> None:
        """Give all processes the parameters and buffers of the first."""
        if self.count > 1:
            with self._together():
                for tensor in model.state_dict().values():
                    dist.broadcast(tensor, 0)

    def wait(self) -> None:
        """Wait until all processes have come here."""
        if self.count > 1:
            with self._together():
                dist.all_reduce(torch.zeros(1))

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Tell that another process has stopped, whose own error says why."""
        try:
            yield
        except RuntimeError as error:
            found = f"another of {self.count} processes has stopped: {str(error).splitlines()[0]}"
            raise RunIncomplete(found, mend="see the error of that process") from error


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Join the other processes that `torchrun` has started, if it has, until the block ends."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    # Numbers on the CPU go by gloo, also where gradients go by nccl.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), count)
    finally:
        dist.destroy_process_group()
