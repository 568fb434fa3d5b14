"""How a run goes, whatever it is over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TypeAlias, TypeVar

from segbench.errors import BadParameter, counted
from segbench.frozen import dataclass
from segbench.scoring.executors import ExecutorKind

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int], None]
Slices: TypeAlias = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Options:
    """How a run goes.

    Parameters
    ----------
    missing : str
        ``error`` refuses a submission with missing predictions, ``miss`` counts them as missed in every pixel.
    strict : bool
        Whether a file that belongs to no image is a fault.
    workers, executor
        Where chunks are counted; never changes a result.
    numbering : mapping of int to int
        Id of each value of a prediction that is not written in ids.
    resize : bool
        Whether predictions of another size are resized.
    shard : str, optional
        ``I/N`` counts every N-th image from the I-th on.
    state, per_image : Path, optional
        Files for the counts and for the scores of each image.
    progress : Progress, optional
        Told of images done and of all images.
    """

    missing: str = "error"
    strict: bool = False
    workers: int = 1
    executor: ExecutorKind = "threads"
    numbering: Mapping[int, int] = field(default_factory=dict)
    resize: bool = False
    shard: str | None = None
    state: Path | None = None
    per_image: Path | None = None
    progress: Progress | None = None


def shard_of(items: Sequence[T], shard: str) -> list[T]:
    """Return every N-th item from the I-th on.

    Parameters
    ----------
    items : sequence
        All items.
    shard : str
        ``I/N``, with I from 1 to N.

    Returns
    -------
    list
        Those of the shard, at least one, in order.

    Raises
    ------
    BadParameter
        When the text is no shard, or the shard holds no image.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", shard)
    if match is None or int(match[1]) > int(match[2]):
        raise BadParameter(f"shard {shard!r}", expected="I/N with I from 1 to N")
    mine = list(items[int(match[1]) - 1 :: int(match[2])])
    if not mine:
        found = f"shard {shard} of {counted(len(items), 'image')} is empty"
        raise BadParameter(found, expected="no more shards than images")
    return mine


def check_choice(name: str, value: str | None, choices: tuple[str | None, ...]) -> None:
    """Refuse a value that is none of the choices.

    Parameters
    ----------
    name : str
        The option.
    value : str, optional
        What was asked for.
    choices : tuple of str or None
        What there is.

    Raises
    ------
    BadParameter
        When the value is not among them.
    """
    if value not in choices:
        raise BadParameter(f"{name}={value}", expected=" | ".join(str(choice) for choice in choices))
