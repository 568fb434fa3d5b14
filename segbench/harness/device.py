"""Where models are computed: a CPU or an accelerator, and what is told of it."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import torch

from segbench.errors import BadParameter
from segbench.frozen import dataclass

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Device:
    """What computes.

    Parameters
    ----------
    torch : torch.device
        As torch knows it.
    precision : str
        Of the forward pass: ``float32``, ``bfloat16`` or ``float16``.
    """

    torch: torch.device
    precision: str = "float32"

    @property
    def is_cuda(self) -> bool:
        """Whether it is an accelerator that keeps account of its memory."""
        return self.torch.type == "cuda"

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the block in which the forward pass has its precision."""
        dtype = PRECISIONS[self.precision]
        return torch.autocast(self.torch.type, dtype=dtype, enabled=dtype != torch.float32)

    def wait(self) -> None:
        """Wait until everything that was asked of it is done, so that a clock tells the truth."""
        if self.torch.type == "cpu":
            return
        torch.accelerator.synchronize(self.torch)

    def forget_peak(self) -> None:
        """Begin anew to watch how much memory is held, where the system can: Linux, and accelerators."""
        if self.is_cuda:
            torch.cuda.reset_peak_memory_stats(self.torch)
            return
        with suppress(OSError):
            # 5 sets the largest size of this process back to its size of now.
            Path("/proc/self/clear_refs").write_text("5")

    def peak_memory(self) -> tuple[int, str]:
        """Return the bytes that were held at most, and by whom; by the process since it began where none can forget."""
        if self.is_cuda:
            return torch.cuda.max_memory_allocated(self.torch), "device"
        try:
            status = Path("/proc/self/status").read_text("utf-8")
        except OSError:
            status = ""
        if kibibytes := re.search(r"^VmHWM:\s*([0-9]+) kB$", status, re.MULTILINE):
            return int(kibibytes[1]) * 1024, "process"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return (peak if sys.platform == "darwin" else peak * 1024), "process"

    def release(self) -> None:
        """Give back what is held for the next time, after memory has run out."""
        if self.is_cuda:
            torch.cuda.empty_cache()

    def __str__(self) -> str:
        if self.is_cuda:
            return f"cuda: {torch.cuda.get_device_name(self.torch)}"
        if self.torch.type != "cpu":
            return self.torch.type
        n = torch.get_num_threads()
        return f"cpu: {processor()}, {n} thread{'s'[: n != 1]}"


def open_device(name: str, precision: str = "float32", threads: int | None = None) -> Device:
    """Return a device, after a try.

    Parameters
    ----------
    name : str
        As ``cpu``, ``cuda`` or ``cuda:1``. Several processes of one machine (``LOCAL_RANK``) take one each of ``cuda``.
    precision : {'float32', 'bfloat16', 'float16'}
        Of the forward pass.
    threads : int, optional
        Threads of torch on a CPU; by default its own choice.

    Returns
    -------
    Device
        Ready to compute.

    Raises
    ------
    BadParameter
        When it is not there.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    try:
        device = torch.device(name)
        # One of the kinds that hold no numbers fails here, too.
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        found = f"--device {name}: {str(error).splitlines()[0]}"
        raise BadParameter(found, expected="cpu, or a device that is there") from None
    torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
    return Device(device, precision)


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
