"""One image's truth and prediction on their way into a count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """What a tally counts.

    Parameters
    ----------
    key : tuple of str
        Identity of the image: its name, or sequence, frame and object where a data set has them.
    truth, prediction : object
        For label maps arrays of raw file values, shape (height, width) or (depth, height, width). A prediction that
        is missing is None.
    instances : array, optional
        Map of instance ids of the truth, for metrics that ask for it.
    """

    key: Key
    truth: Any
    prediction: Any
    instances: Any = None
