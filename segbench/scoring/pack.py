"""From a submission to the archive that an official server takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from segbench.datasets.packing import Packer, natural
from segbench.datasets.pictures import as_pictures, open_pictures
from segbench.datasets.predictions import Naming, PredictionSet, open_predictions
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import BadParameter, DatasetError, SegbenchError, UsageError
from segbench.frozen import dataclass
from segbench.late import late
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.packing import SUFFIXES, Packing
from segbench.protocols.protocol import Protocol
from segbench.scoring.blind import Blind
from segbench.scoring.bundle import Bundle, writing
from segbench.scoring.executors import ExecutorKind, available_cpus
from segbench.scoring.inputs import numbering_of
from segbench.scoring.options import Progress
from segbench.scoring.pairing import pair
from segbench.scoring.score import score

_has_truth = late("segbench.datasets.davis:has_truth")
_pictured_frames = late("segbench.datasets.davis:pictured_frames")
_scored_frames = late("segbench.datasets.davis:scored_frames")

#: A whole submission as its only shard: a split whose truth is void alone can be packed, though not scored.
_WHOLE = "1/1"


@dataclass(frozen=True)
class Packed:
    """What was packed.

    Parameters
    ----------
    path : Path
        The archive.
    protocol : str
        Name and version of the protocol.
    split : str
        The split.
    n_images : int
        How many images it answers.
    has_truth : bool
        Whether predictions were held against the truth of the split, else against its images alone.
    warnings : tuple of str
        What a reader should know of it.
    """

    path: Path
    protocol: str
    split: str
    n_images: int
    has_truth: bool
    warnings: tuple[str, ...] = ()


def pack(
    predictions: str | Path,
    *,
    dataset: str,
    output: str | Path | None = None,
    split: str | None = None,
    data_root: str | Path | None = None,
    truth: str | Path | None = None,
    task: str | None = None,
    input: str = "ids",
    strict: bool = False,
    force: bool = False,
    workers: int | None = None,
    executor: ExecutorKind = "threads",
    progress: Progress | None = None,
) -> Packed:
    """Check a submission and write the archive that the official server of a data set takes.

    The same predictions give the same bytes. Files that have the form already are kept byte by byte.

    Parameters
    ----------
    predictions : path
        Folder or archive of predictions, as `score` takes it.
    dataset : str
        Name or alias of a data set, or the path of a protocol in TOML.
    output : path, optional
        The archive; else a file in the working folder, named as the server wants, or after data set and split.
    split : str, optional
        Split of the data set, else the one its server scores.
    data_root : path, optional
        Where the data set lies in its own layout. Where the truth of the split is not there, its images are enough.
    truth : path, optional
        A tree of truth that replaces the layout.
    task : str, optional
        Which competition of the server, where it has several; else the first.
    input : {"ids", "trainids"}
        Whether predictions hold ids or, for data sets that have them, train ids, of which ids are made.
    strict : bool
        Whether a file that belongs to no image is a fault.
    force : bool
        Whether an archive that is there already is replaced.
    workers : int, optional
        Predictions checked at a time, one for each available CPU by default.
    executor : {"threads", "processes"}
        Where they are checked.
    progress : callable, optional
        Called with the steps done and all steps, two an image.

    Returns
    -------
    Packed
        Where the archive is, and what is worth knowing of it.

    Raises
    ------
    UsageError
        When no server takes submissions, the archive is there already, or a name is unknown.
    SubmissionError, Refusal
        For everything wrong with the submission, as `score` finds it.
    DatasetError
        When neither truth nor images of the split are there, or they are damaged.
    OutputProblem
        When the archive cannot be written.
    """
    protocol = load_protocol(dataset)
    form = _form(protocol)
    task, numbering = form.choose_task(task), numbering_of(protocol, input)
    split = _split(protocol, form, split, truth)
    path = _checked(Path(output) if output is not None else _usual(protocol, form, split), form, force=force)
    images, has_truth = _open(protocol, split, *(None if p is None else Path(p) for p in (data_root, truth)))
    workers = available_cpus() if workers is None else workers
    halves = _Halves(progress)
    warnings: list[str] = []
    if has_truth:
        asked = {"dataset": dataset, "split": split, "data_root": data_root, "truth": truth, "input": input}
        how = {"strict": strict, "workers": workers, "executor": executor, "shard": _WHOLE, "progress": halves.first}
        warnings += score(predictions, **asked, **how).warnings  # type: ignore[arg-type]
    with open_predictions(Path(predictions), images.keys, Naming.of(protocol.kind, images.layout)) as submission:
        if not has_truth:
            blind = Blind(images, submission.without(images.beside), strict)
            warnings += blind.check(numbering, workers=workers, executor=executor, progress=halves.first)
        writer = _Writer(Packer(images, form, numbering), submission, task, halves.second)
        with writing(path, form.container) as bundle:
            writer.write(bundle)
    return Packed(path, protocol.identity, images.split, len(writer.answered), has_truth, tuple(warnings))


@dataclass(frozen=True)
class _Halves:
    """Two halves of the work, told as one."""

    told: Progress | None

    def first(self, done: int, total: int) -> None:
        if self.told:
            self.told(done, 2 * total)

    def second(self, done: int, total: int) -> None:
        if self.told:
            self.told(total + done, 2 * total)


@dataclass(frozen=True)
class _Writer:
    """Writes the files of a submission, one at a time."""

    packer: Packer
    submission: PredictionSet
    task: str
    progress: Progress

    @cached_property
    def answered(self) -> list[tuple[str, str]]:
        """Keys and their files; of frames that nobody scores only those that are there."""
        keys = sorted([*self.packer.truth.keys, *self.packer.truth.beside])
        files = zip(keys, pair(keys, self.submission).files, strict=True)
        return sorted(((key, file) for key, file in files if file is not None), key=lambda pair: natural(pair[0]))

    def write(self, bundle: Bundle) -> None:
        answered = self.answered
        if self.packer.pack.holds == "stack":
            bundle.add("", self.packer.stack([(self._where(file), self._reader(file)) for _, file in answered]))
            self.progress(len(answered), len(answered))
            return
        for done, (name, key, file) in enumerate(sorted((self._name(key), key, file) for key, file in answered), 1):
            bundle.add(name, self._content(key, file))
            self.progress(done, len(answered))

    def _name(self, key: str) -> str:
        return self.packer.pack.member(key, split=self.packer.truth.split, task=self.task)

    def _content(self, key: str, file: str) -> Iterator[bytes]:
        try:
            yield self.packer.content(key, self.submission.read(file))
        except SegbenchError as error:
            raise error.about(self._where(file)) from None

    def _reader(self, file: str) -> Callable[[], bytes]:
        return lambda: self.submission.read(file)

    def _where(self, file: str) -> str:
        return self.submission.where(file)


def _form(protocol: Protocol) -> Packing:
    if protocol.pack is None:
        known = [name for name in sorted(set(protocol_names().values())) if load_protocol(name).pack]
        raise UsageError(
            f"no form of a submission to a server is known for {protocol.name}", expected=" | ".join(known)
        )
    return protocol.pack


def _split(protocol: Protocol, form: Packing, split: str | None, truth: str | Path | None) -> str | None:
    """Return the split meant; None for a truth that is given by its path and has no name."""
    if truth is not None:
        return split
    if split is None or split == form.split:
        return form.split or protocol.default_split
    return protocol.check_split(split)


def _usual(protocol: Protocol, form: Packing, split: str | None) -> Path:
    """Return the name of an archive that was given none."""
    named = "-".join(filter(None, (protocol.name, split)))
    return Path(form.file or named + SUFFIXES[form.container][0])


def _checked(path: Path, form: Packing, *, force: bool) -> Path:
    """Return the path of the archive, if it can be written there."""
    suffixes = SUFFIXES[form.container]
    if not path.name.lower().endswith(suffixes):
        raise BadParameter(f"-o {path.name}", expected=f"a name that ends in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(path.parent))
    if os.path.lexists(path) and not (force and path.is_file()):
        found = "is there already" if path.is_file() else "is there already, and is no file"
        raise BadParameter(found, mend="choose another name with -o, or replace a file with --force", file=str(path))
    return path


def _open(protocol: Protocol, split: str | None, data_root: Path | None, truth: Path | None) -> tuple[TruthSet, bool]:
    """Return the images of a split, and whether their truth is on disk; of videos the frames that are scored."""
    found, has_truth = _opened(protocol, split, data_root, truth)
    if protocol.kind != "video":
        return found, has_truth
    frames: TruthSet = _scored_frames(found, with_ends=False) if has_truth else _pictured_frames(found, protocol)
    return frames, has_truth


def _opened(protocol: Protocol, split: str | None, data_root: Path | None, truth: Path | None) -> tuple[TruthSet, bool]:
    if truth is not None:
        return open_truth(protocol, split=split, data_root=data_root, truth=truth), True
    assert split is not None
    found: TruthSet | None = None
    if split in protocol.splits:
        try:
            found = open_truth(protocol, split=split, data_root=data_root)
        except DatasetError:
            found = None
        if found is not None and any(os.path.exists(found.path(key)) for key in found.keys):
            if protocol.kind != "video" or _has_truth(found):
                return found, True
            # First frames alone do not say which frames there are.
            found = None
    try:
        return open_pictures(protocol, split=split, data_root=data_root), False
    except DatasetError:
        if found is None:
            raise
        # A list alone says which images there are.
        return as_pictures(found), False
