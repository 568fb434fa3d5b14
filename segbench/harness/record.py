"""What a run of a model leaves beside its predictions: what was run, how, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from segbench.errors import BadParameter
from segbench.frozen import dataclass


@dataclass(frozen=True)
class Cost:
    """What a prediction takes.

    Parameters
    ----------
    parameters : int, optional
        Numbers that the models have learned.
    flops : float, optional
        Multiplications and additions for one image, all its views together; a multiplication with its addition is two.
    flops_of : tuple of int
        Rows and columns of the image that they were counted on.
    seconds_median, seconds_p95 : float, optional
        Seconds for an image, from its pixels to its prediction: files are read and written outside of that. Of a batch
        each image has its share.
    images_timed, images_warming : int
        Images that these are of, and those left out because a process began with them.
    peak_memory : int, optional
        Bytes.
    memory_of : str
        ``device``: what its allocator has held at most; ``process``: the resident memory of the process, torch
        included.
    """

    parameters: int | None = None
    flops: float | None = None
    flops_of: tuple[int, ...] = ()
    seconds_median: float | None = None
    seconds_p95: float | None = None
    images_timed: int = 0
    images_warming: int = 0
    peak_memory: int | None = None
    memory_of: str = "process"

    def __post_init__(self) -> None:
        for name in ("parameters", "flops", "seconds_median", "seconds_p95", "peak_memory"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise BadParameter(f"{name} {value}", expected="a number from 0 on")


@dataclass(frozen=True)
class RunModel:
    """One of the models of a run.

    Parameters
    ----------
    name : str
        What it is called there.
    model : str
        Name or place of its card, or of a classical rule.
    options : mapping of str to object
        What it was built with.
    weights : str
        ``sha256:…`` of a file, ``torchvision:…`` by name, or where a rule was fitted.
    trained_on : str
        Protocol and split, where that is known.
    """

    name: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
    trained_on: str = ""


@dataclass(frozen=True)
class RunRecord:
    """A run of a model, or of several whose probabilities are averaged, on a split.

    Parameters
    ----------
    models : tuple of RunModel
        The models.
    dataset, split : str
        Protocol, as ``camvid@1``, and split.
    images : int
        Images predicted.
    device : str
        Kind and name of what computed, and threads of a CPU.
    precision : str
        Of the numbers in the forward pass.
    batch : int
        Images at a time.
    views : str
        Scales, flips, sizes and tiles, as ``resize(120,160)+scales(0.5,1)+flip``; ``-`` for the image as it is.
    cost : Cost
        What it took.
    versions : mapping of str to str
        Of the packages that computed.
    finished : str
        Date and time, UTC.
    """

    models: tuple[RunModel, ...]
    dataset: str
    split: str
    images: int
    device: str
    precision: str
    batch: int
    views: str
    cost: Cost
    versions: Mapping[str, str]
    finished: str = ""

    def as_record(self) -> dict[str, Any]:
        """Return the record as JSON holds it."""
        return asdict(self)
