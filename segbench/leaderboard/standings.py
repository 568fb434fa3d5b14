"""A board: the entries of one data set, split and protocol, how they rank, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from segbench.frozen import dataclass
from segbench.leaderboard.entry import Entry
from segbench.scoring.duels import Duel, Spread


@dataclass(frozen=True)
class Confusions:
    """How often each class of the truth met each class of the predictions.

    Parameters
    ----------
    truth, prediction : tuple of str
        Names of the rows and of the columns.
    counts : tuple of tuple of int
        Pixels.
    """

    truth: tuple[str, ...]
    prediction: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Standing:
    """A verified entry on its board.

    Parameters
    ----------
    entry : Entry
        What is told of it.
    result : mapping
        The result as its JSON has it; undefined numbers are None.
    file : str
        The result below the store, as ``drive@1/laddernet.json``.
    ranks : (int, int)
        Best and worst rank that chance leaves open, from 1.
    is_top : bool
        Whether its difference to the first is no more than chance.
    spreads : mapping of str to Spread
        By score key.
    images : mapping of str to (float or None)
        The primary score of each image on its own, by its name; empty where there is none.
    confusions : Confusions, optional
        Of label maps.
    curves : mapping of str to list of (float, float)
        Points of curves by name: ``precision recall``, ``roc``, ``trimap``.
    """

    entry: Entry
    result: Mapping[str, Any]
    file: str
    ranks: tuple[int, int]
    is_top: bool
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    images: Mapping[str, float | None] = field(default_factory=dict)
    confusions: Confusions | None = None
    curves: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reported:
    """A number somebody published; repeated with its source, never ranked.

    Parameters
    ----------
    system, dataset, split, metric : str
        What was measured, on what, and how: in the words of the source.
    value : float
        In the `unit`.
    unit : str
        ``percent``, ``fraction``, ``seconds`` …
    board : str
        The protocol whose board shows it, as ``voc2012``; empty where there is none.
    parameters : int, optional
        Numbers that are learned, as the source says.
    time : str
        Time or rate, as the source says.
    source, table, url : str
        Where it stands: work, place in it, address.
    caveat : str
        What to know before comparing.
    file : str
        The file it stands in.
    """

    system: str
    dataset: str
    split: str
    metric: str
    value: float
    unit: str = "percent"
    board: str = ""
    parameters: int | None = None
    time: str = ""
    source: str = ""
    table: str = ""
    url: str = ""
    caveat: str = ""
    file: str = ""


@dataclass(frozen=True)
class Board:
    """All entries of one data set, split and version of the protocol.

    Parameters
    ----------
    id : str
        Name in addresses: ``drive-test``; of older versions of a protocol ``drive-test-v1``.
    protocol : str
        Name and version, ``drive@1``.
    title : str
        What the data set is called.
    split : str
        The split.
    n_images : int
        Its images; 0 where nothing is verified yet.
    truth : str
        Digest of the truth; empty where nothing is verified yet.
    primary : str
        Key of the score that ranks.
    higher_is_better : bool
        Of the primary score.
    unit : str
        Of the primary score.
    standings : tuple of Standing
        The best first; empty for boards that only repeat published numbers.
    duels : tuple of Duel
        Every pair of entries by their ids, in the order of the standings.
    reported : tuple of Reported
        Published numbers.
    resampling : str
        How intervals were made, in words.
    """

    id: str
    protocol: str
    title: str
    split: str
    n_images: int
    truth: str
    primary: str
    higher_is_better: bool = True
    unit: str = "fraction"
    standings: tuple[Standing, ...] = ()
    duels: tuple[Duel, ...] = ()
    reported: tuple[Reported, ...] = ()
    resampling: str = ""

    @property
    def changed(self) -> str:
        """The latest date of an entry; empty where there is none."""
        return max((standing.entry.date for standing in self.standings), default="")
