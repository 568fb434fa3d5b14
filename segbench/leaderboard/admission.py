"""What a board takes: whole splits, judged by its rules on its truth, and corrections of what is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from segbench.errors import SubmissionError, counted
from segbench.frozen import dataclass
from segbench.leaderboard.entry import Entry
from segbench.leaderboard.stored import Stored
from segbench.scoring.recount import Recount
from segbench.scoring.statefile import read_header


@dataclass(frozen=True)
class Terms:
    """What the entries of one board have in common.

    Parameters
    ----------
    truth : str
        Digest of the truth.
    images : int
        Images scored.
    rules : str
        Digest of the protocol, as it was for this run: of instances it knows what was compared.
    input : str
        Form of the predictions, as in the signature.
    """

    truth: str
    images: int
    rules: str
    input: str

    @classmethod
    def of(cls, stored: Stored) -> Terms:
        """Return the terms of an entry of a store."""
        header = read_header(stored.state)
        return cls(stored.result["provenance"]["truth"], stored.result["n_images"], header.digest, header.input)

    @classmethod
    def counted(cls, again: Recount) -> Terms:
        """Return the terms of what was counted again."""
        case, outcome = again.case, again.outcome
        return cls(outcome.truth_digest, outcome.n_images, case.protocol.digest(), case.input)


def refuse_unfit(again: Recount, record: Mapping[str, Any]) -> None:
    """Refuse what no board ranks.

    Parameters
    ----------
    again : Recount
        The result, counted again.
    record : mapping of str to object
        Its JSON.

    Raises
    ------
    SubmissionError
        For missing or resized predictions, slices, a truth given by path, and a part of a split.
    """
    case, outcome = again.case, again.outcome
    wanted = case.protocol.splits.get(case.split)
    unfit = (
        (case.missing != "error", "--missing miss", "a prediction of every image"),
        (outcome.missing, f"{counted(outcome.missing, 'image')} without a prediction", "one of every image"),
        (case.resize != "-", f"--resize {case.resize}", "predictions of the size of the truth"),
        (record.get("slices"), "a result with slices", "one of the whole split alone, scored without --slices"),
        (wanted is None, f"the split {case.split!r}", " | ".join(case.protocol.splits)),
        (wanted and outcome.n_images != wanted, counted(outcome.n_images, "image"), f"{wanted}, the whole split"),
    )
    for is_unfit, found, expected in unfit:
        if is_unfit:
            raise SubmissionError(found, expected=expected, file=again.file)


def refuse_stranger(terms: Terms, others: Iterable[Stored], file: str) -> None:
    """Refuse what may not be compared with the entries of its board.

    Parameters
    ----------
    terms : Terms
        Of the newcomer.
    others : iterable of Stored
        The entries of the board that stand.
    file : str
        The newcomer, for the error.

    Raises
    ------
    SubmissionError
        When it differs from one of them in truth, images, rules or input.
    """
    for other in others:
        theirs = Terms.of(other)
        for name, value in vars(terms).items():
            if value != vars(theirs)[name]:
                raise SubmissionError(
                    f"{name} {_brief(value)}", expected=f"{_brief(vars(theirs)[name])}, as {other.file} has", file=file
                )


def _brief(value: str | int) -> str:
    """Return a digest in the length that signatures show."""
    return value[:8] if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) else str(value)


def refuse_correction(entry: Entry, board: tuple[str, str], others: Sequence[Stored], file: str) -> None:
    """Refuse an entry that corrects none, or one that is corrected already.

    Parameters
    ----------
    entry : Entry
        The newcomer.
    board : (str, str)
        Its protocol and split.
    others : sequence of Stored
        All other entries of the protocol.
    file : str
        The newcomer, for the error.

    Raises
    ------
    SubmissionError
        When it replaces an entry that is not on its board, or that another one replaces.
    """
    if not entry.replaces:
        return
    known = [other.entry.id for other in others if other.board == board]
    if entry.replaces not in known:
        raise SubmissionError(
            f"replaces {entry.replaces!r}",
            expected=f"an entry of {board[0]}, {board[1]}: {' | '.join(sorted(known)) or 'it has none'}",
            file=file,
        )
    for other in others:
        if other.entry.replaces == entry.replaces:
            raise SubmissionError(
                f"replaces {entry.replaces!r}, as {other.entry.id!r} does already",
                expected="the latest correction as the one that is replaced",
                mend=f"set replaces = {other.entry.id!r}",
                file=file,
            )
