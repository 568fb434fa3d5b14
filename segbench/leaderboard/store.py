"""The store: a folder of entries, each a result with its state, and nothing that cannot be counted again.

::

    STORE/<protocol>@<version>/<entry>.json          the result, with what is told of it as "entry"
    STORE/<protocol>@<version>/<entry>.state.jsonl   the counts of its images

Entries are added and never changed: a correction is a new entry that names the one it replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from segbench.codec import canonical_json
from segbench.errors import BadParameter, DatasetError, SegbenchError, UnclaimedFile
from segbench.late import late
from segbench.leaderboard import admission, rederivation
from segbench.leaderboard.entry import Entry
from segbench.leaderboard.stored import PART, read_record, read_stored
from segbench.leaderboard.stored import Stored as Stored
from segbench.leaderboard.stored import standing_entries as standing_entries
from segbench.scoring.output import state_path

# Whoever only reads needs no locks.
_commit = late("segbench.leaderboard.commits:commit")


def read_store(folder: Path) -> list[Stored]:
    """Read all entries, also those that others replace.

    Parameters
    ----------
    folder : Path
        The store.

    Returns
    -------
    list of Stored
        By protocol and id.

    Raises
    ------
    DatasetError
        When there is no such folder, or an entry is damaged; names its file.
    """
    return [read_stored(path) for path in _results(folder)]


def add(result: Path, entry: Entry, store: Path) -> Stored:
    """Add a result to a store.

    Parameters
    ----------
    result : Path
        The result, in JSON, with its state beside it. Its intervals are left out: boards draw their own.
    entry : Entry
        What is told of it.
    store : Path
        The store; its folders are made where they are missing.

    Returns
    -------
    Stored
        The entry in the store.

    Raises
    ------
    UnknownName
        When its protocol is none that comes with segbench.
    SubmissionError
        When a number does not derive again from the state, or no board may rank the result beside the others.
    BadParameter
        When the result has no state or is a shard, or the id is taken.
    DatasetError
        When the state is missing or damaged, or the protocol has changed since.
    OutputProblem
        When a file cannot be written.
    """
    record = read_record(result)
    again = rederivation.count_again(result, record)
    admission.refuse_unfit(again, record)
    expected = rederivation.expected_record(again, record)
    record = _without_intervals(record, expected)
    rederivation.refuse_differing(record, expected, str(result))
    path = store / record["protocol"] / f"{entry.id}.json"
    state = state_path(path)
    described = {"file": state.name, "sha256": record["state"]["sha256"]}
    stored = Stored(entry, {**record, "entry": _told(entry), "state": described}, path, state)
    terms = admission.Terms.counted(again)

    def refuse() -> None:
        others = [read_stored(other) for other in _entries(path.parent)]
        admission.refuse_correction(entry, stored.board, others, str(result))
        admission.refuse_stranger(terms, _mates(stored, others)[:1], str(result))

    _commit(stored.result, result.with_name(record["state"]["file"]), path, refuse)
    return stored


def holds(result: Path, entry: str, store: Path) -> bool:
    """Return whether a store holds a result under a name already, count for count.

    Parameters
    ----------
    result : Path
        The result, in JSON.
    entry : str
        Id of the entry.
    store : Path
        The store.

    Returns
    -------
    bool
        Whether the entry is there with the same state.

    Raises
    ------
    DatasetError
        When the entry is damaged.
    """
    record = read_record(result)
    path = store / record["protocol"] / f"{entry}.json"
    return path.is_file() and bool(read_stored(path).result["state"]["sha256"] == record["state"]["sha256"])


def _told(entry: Entry) -> dict[str, Any]:
    told = entry.as_record()
    try:
        canonical_json(told).encode()
    except UnicodeEncodeError:
        raise BadParameter("a text with half a character", expected="Unicode", file=entry.id) from None
    return told


def check(store: Path, progress: Callable[[int, int], None] | None = None) -> list[SegbenchError]:
    """Count every entry again.

    Parameters
    ----------
    store : Path
        The store.
    progress : callable, optional
        Called with the entries done and all entries.

    Returns
    -------
    list of SegbenchError
        What is wrong: entries that are damaged, do not derive again or may not stand beside the others, and files that
        belong to no entry; nothing when all is well.

    Raises
    ------
    DatasetError
        When there is no such folder.
    """
    faults: list[SegbenchError] = []
    sound: list[Stored] = []
    results = _results(store)
    for done, path in enumerate(results):
        if progress is not None:
            progress(done, len(results))
        try:
            sound.append(_derived(path))
        except SegbenchError as error:
            faults += error.about(str(path)).faults
    if progress is not None:
        progress(len(results), len(results))
    return [*faults, *_faults_beside(sound), *_left_over(store)]


def _derived(path: Path) -> Stored:
    stored = read_stored(path)
    if stored.state.is_symlink():
        raise DatasetError("a link", expected="the state itself", file=str(stored.state))
    again = rederivation.count_again(path, stored.result)
    admission.refuse_unfit(again, stored.result)
    rederivation.refuse_differing(stored.result, rederivation.expected_record(again, stored.result), str(path))
    return stored


def _faults_beside(sound: Sequence[Stored]) -> Iterator[SegbenchError]:
    """Yield why entries may not stand beside the others of their protocol."""
    first: dict[tuple[str, str], Stored] = {}
    for stored in standing_entries(sound):
        first.setdefault(stored.board, stored)
        try:
            admission.refuse_stranger(admission.Terms.of(stored), [first[stored.board]], str(stored.path))
        except SegbenchError as error:
            yield error
    for stored in (stored for stored in sound if stored.entry.replaces):
        others = [other for other in sound if other.board[0] == stored.board[0] and other is not stored]
        try:
            admission.refuse_correction(stored.entry, stored.board, others, str(stored.path))
            _refuse_circle(stored, others)
        except SegbenchError as error:
            yield error


def _mates(stored: Stored, others: Sequence[Stored]) -> list[Stored]:
    """Return the other entries of a board that stand once `stored` is there."""
    standing = standing_entries([*others, stored])
    return [other for other in standing if other.board == stored.board and other is not stored]


def _refuse_circle(stored: Stored, others: Sequence[Stored]) -> None:
    replaced = {other.entry.id: other.entry.replaces for other in others}
    behind = stored.entry.replaces
    for _ in others:
        behind = replaced.get(behind, "")
        if behind == stored.entry.id:
            raise DatasetError(
                f"{behind!r} replaces itself by way of others", expected="an older entry", file=str(stored.path)
            )


def _without_intervals(record: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return a result as it is without ``--ci``, whose warnings are among its own."""
    scores = {key: {**score, "ci": None} for key, score in record["scores"].items()}
    for score in scores.values():
        score.pop("class_ci", None)
    plain = {key: value for key, value in record.items() if key not in ("resampling", "slices")}
    had_intervals = record.get("resampling") is not None
    return {**plain, "scores": scores, "warnings": (expected if had_intervals else record)["warnings"]}


def _results(store: Path) -> list[Path]:
    if not store.is_dir():
        raise DatasetError("no such folder", expected="a store of entries, as leaderboards/results", file=str(store))
    return [path for folder in _folders(store) for path in _entries(folder)]


def _folders(store: Path) -> list[Path]:
    """Return the folders of protocols, and whatever other folders there are."""
    return sorted(path for path in store.iterdir() if path.is_dir() and not path.name.startswith("."))


def _entries(folder: Path) -> list[Path]:
    """Return the results of a protocol; what begins with a dot is unfinished."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def _left_over(store: Path) -> Iterator[UnclaimedFile]:
    """Yield what is no part of an entry: what a killed writer left, and what somebody put there."""
    for folder in _folders(store):
        claimed = {name for path in _entries(folder) for name in (path.name, state_path(path).name)}
        for path in sorted(folder.iterdir()):
            if path.name not in claimed:
                what = "left by a writer that is still at work or was killed" if _is_part(path) else "of no entry"
                expected = "ENTRY.json with ENTRY.state.jsonl beside it"
                yield UnclaimedFile(f"a file {what}", expected=expected, mend="remove it", file=str(path))


def _is_part(path: Path) -> bool:
    return path.name.startswith(".") and path.suffix == PART
