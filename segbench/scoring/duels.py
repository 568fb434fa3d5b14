"""Two submissions on the same truth: by how much they differ, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from segbench.frozen import dataclass

Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """By how much the first of two differs from the second, in one number.

    Parameters
    ----------
    value : float
        First less second; NaN where one of them is undefined.
    interval : (float, float), optional
        Where it lies, from a paired bootstrap; None where too few resamples define it.
    p : float
        How often chance alone comes to as much, corrected for the number of comparisons; NaN where undefined.
    """

    value: float
    interval: Range | None
    p: float


@dataclass(frozen=True)
class ImageScores:
    """The primary score of both on one image alone, None where it is undefined.

    Parameters
    ----------
    key : str
        The image.
    first, second : float
        Their scores; NaN where undefined.
    """

    key: str
    first: float
    second: float


@dataclass(frozen=True)
class Duel:
    """Two submissions against each other.

    Parameters
    ----------
    first, second : str
        What they are called.
    scores : mapping of str to Difference
        By score key, the primary one among them. The p-value of the primary one is corrected over all pairs that are
        compared, those of the others over all of them and all pairs.
    per_class : mapping of str to Difference
        Of the classes of the primary score, corrected over the classes and over all pairs.
    won, lost, drawn : int
        Images in which the first scores better, worse, and the same in the primary score.
    images : tuple of ImageScores
        Every image in which both are defined, the one in which they differ most first.
    """

    first: str
    second: str
    scores: Mapping[str, Difference]
    per_class: Mapping[str, Difference] = field(default_factory=dict)
    won: int = 0
    lost: int = 0
    drawn: int = 0
    images: tuple[ImageScores, ...] = ()


@dataclass(frozen=True)
class Spread:
    """Intervals of a score and of its classes; a class without one is left out.

    Parameters
    ----------
    value : (float, float), optional
        Of the score itself; None where too few resamples define it.
    per_class : mapping of str to (float, float)
        Of its classes.
    """

    value: Range | None = None
    per_class: Mapping[str, Range] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """One of several submissions that are compared.

    Parameters
    ----------
    name : str
        What it is called: distinct among those compared.
    scores : mapping of str to float
        Values by score key.
    per_class : mapping of str to float
        Classes of the primary score.
    spreads : mapping of str to Spread
        Intervals by score key.
    ranks : (int, int)
        Best and worst rank that chance leaves open, from 1.
    is_top : bool
        Whether its difference to the first is no more than chance.
    """

    name: str
    scores: Mapping[str, float]
    per_class: Mapping[str, float]
    spreads: Mapping[str, Spread]
    ranks: tuple[int, int]
    is_top: bool


@dataclass(frozen=True)
class Comparison:
    """Several submissions on the same truth.

    Parameters
    ----------
    protocol, split, truth : str
        As in the signature.
    n_images : int
        Images of the truth.
    primary : str
        Key of the score that ranks.
    units : mapping of str to str
        ``fraction``, or the unit, by score key.
    higher_is_better : mapping of str to bool
        By score key.
    contenders : tuple of Contender
        In the order they were given.
    duels : tuple of Duel
        Every pair, in that order.
    unit : str
        What was drawn: ``image``, ``video``.
    resamples, permutations, seed : int
        How intervals and p-values were made.
    level : float
        Of the intervals.
    warnings : tuple of str
        What a reader should know.
    """

    protocol: str
    split: str
    truth: str
    n_images: int
    primary: str
    units: Mapping[str, str]
    higher_is_better: Mapping[str, bool]
    contenders: tuple[Contender, ...]
    duels: tuple[Duel, ...]
    unit: str = "image"
    resamples: int = 2000
    permutations: int = 5000
    seed: int = 0
    level: float = 0.95
    warnings: tuple[str, ...] = ()
