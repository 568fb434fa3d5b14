"""From the entries of a store to boards: ranked, with intervals, and every pair compared."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from segbench.leaderboard.curves import confusions_of, curves_of
from segbench.leaderboard.standings import Board, Reported, Standing
from segbench.leaderboard.store import read_store
from segbench.leaderboard.stored import Stored, standing_entries
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.protocol import Protocol
from segbench.scoring.comparison import standing
from segbench.scoring.duels import Comparison, Contender
from segbench.scoring.recount import Recount, recount
from segbench.scoring.units import Resampling

#: Ways of swapping that are tried for each pair of entries.
PERMUTATIONS = 2000


def boards_of(
    store: Path,
    reported: Sequence[Reported] = (),
    *,
    how: Resampling | None = None,
    permutations: int = PERMUTATIONS,
    progress: Callable[[int, int], None] | None = None,
) -> list[Board]:
    """Return the boards of a store, and of published numbers beside them.

    Parameters
    ----------
    store : Path
        Folder of entries; see `segbench.leaderboard.store`.
    reported : sequence of Reported
        Published numbers.
    how : Resampling, optional
        How resamples are drawn.
    permutations : int
        How many ways of swapping are tried for each pair.
    progress : callable, optional
        Called with the boards done and all boards.

    Returns
    -------
    list of Board
        By id: those with entries, which repeat the published numbers of their data set and split, and one for each
        other split of a known data set that has only published numbers.

    Raises
    ------
    DatasetError
        When an entry is damaged, or its protocol has changed.
    BadParameter
        When two entries of a board may not be compared.
    """
    groups: dict[tuple[str, str], list[Stored]] = {}
    for stored in standing_entries(read_store(store)):
        groups.setdefault((stored.result["protocol"], stored.result["split"]), []).append(stored)
    boards = []
    for done, ((protocol, split), members) in enumerate(sorted(groups.items())):
        if progress is not None:
            progress(done, len(groups))
        boards.append(_board(protocol, split, members, reported, how or Resampling(), permutations))
    if progress is not None:
        progress(len(groups), len(groups))
    return sorted([*boards, *_only_reported(reported, boards)], key=lambda board: board.id)


def _board(
    identity: str,
    split: str,
    members: Sequence[Stored],
    reported: Sequence[Reported],
    how: Resampling,
    permutations: int,
) -> Board:
    protocol = load_protocol(identity.partition("@")[0])
    ranked = _ranked(members, protocol.primary)
    counted = [recount(stored.path, resampling=how) for stored in ranked]
    compared = standing(
        counted,
        [stored.entry.id for stored in ranked],
        primary=None,
        how=how,
        permutations=permutations,
        judged=[protocol.primary],
    )
    standings = map(_standing, ranked, counted, compared.contenders, [protocol.primary] * len(ranked))
    return Board(
        id=_id(protocol.name, split),
        protocol=identity,
        title=protocol.title,
        split=split,
        n_images=compared.n_images,
        truth=compared.truth,
        primary=compared.primary,
        higher_is_better=compared.higher_is_better[compared.primary],
        unit=compared.units[compared.primary],
        standings=tuple(standings),
        duels=compared.duels,
        reported=tuple(number for number in reported if _is_of(number, protocol, split)),
        resampling=_words(compared),
    )


def _ranked(members: Sequence[Stored], primary: str) -> list[Stored]:
    """Return the best first; undefined ones last, and equal ones by their ids."""

    def place(stored: Stored) -> tuple[bool, float, str]:
        score = stored.result["scores"][primary]
        value = score["value"]
        sign = -1 if score["higher_is_better"] else 1
        return value is None, 0.0 if value is None else sign * value, stored.entry.id

    return sorted(members, key=place)


def _standing(stored: Stored, counted: Recount, contender: Contender, primary: str) -> Standing:
    units = counted.outcome.units
    alone = units.scores(primary) if units is not None else {}
    return Standing(
        entry=stored.entry,
        result=stored.result,
        file=stored.file,
        ranks=contender.ranks,
        is_top=contender.is_top,
        spreads=contender.spreads,
        images={key: None if math.isnan(score.value) else score.value for key, score in alone.items()},
        confusions=confusions_of(counted),
        curves=curves_of(counted),
    )


def _words(compared: Comparison) -> str:
    return (
        f"{100 * compared.level:g} % intervals and ranks from a paired bootstrap over {compared.unit}s, "
        f"{compared.resamples} resamples, seed {compared.seed}; p-values from {compared.permutations} permutations, "
        "corrected by Holm's method, for the score that ranks and its classes"
    )


def _is_of(number: Reported, protocol: Protocol, split: str) -> bool:
    return number.board == protocol.name and _slug(number.split) == _slug(split)


def _only_reported(reported: Sequence[Reported], boards: Sequence[Board]) -> list[Board]:
    known, shown = set(protocol_names()), {board.id for board in boards}
    groups: dict[tuple[str, str], list[Reported]] = {}
    for number in reported:
        if number.board in known and _id(number.board, number.split) not in shown:
            groups.setdefault((number.board, _slug(number.split)), []).append(number)
    return [_unranked(load_protocol(name), numbers) for (name, _), numbers in sorted(groups.items())]


def _unranked(protocol: Protocol, numbers: Sequence[Reported]) -> Board:
    split = numbers[0].split
    return Board(
        id=_id(protocol.name, split),
        protocol=protocol.identity,
        title=protocol.title,
        split=split,
        n_images=0,
        truth="",
        primary=protocol.primary,
        reported=tuple(numbers),
    )


def _id(protocol: str, split: str) -> str:
    return f"{protocol}-{_slug(split)}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "all"
