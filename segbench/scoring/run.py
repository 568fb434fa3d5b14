"""One run over a submission: pairing, both stages, and what the counts come to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import field, replace
from pathlib import Path

from segbench.datasets.forms import Form
from segbench.datasets.predictions import Naming, PredictionSet, open_predictions
from segbench.datasets.truth import TruthSet
from segbench.errors import (
    DatasetError,
    MissingPrediction,
    Refusal,
    SegbenchError,
    UnclaimedFile,
)
from segbench.frozen import dataclass
from segbench.scoring import hints
from segbench.scoring.counting import Count, Job, Task
from segbench.scoring.executors import run_chunks
from segbench.scoring.judge import Case, refuse_nothing
from segbench.scoring.lines import LineWriter
from segbench.scoring.options import Options, Slices, shard_of
from segbench.scoring.outcome import SHOWN, Outcome
from segbench.scoring.pairing import Fault, Pairing, check_headers, pair
from segbench.scoring.perimage import image_lines, image_title
from segbench.scoring.reading import Reader
from segbench.scoring.statefile import header_of

#: Images in a chunk at most: enough to outweigh what is done once a chunk, few enough to hold little.
CHUNK = 64

#: Chunks that a worker would have of the images left, if all were as large as the next one.
_SHARES = 4

#: Chunks for each worker at most, while none is full.
_MOST_CHUNKS = 64


@dataclass(frozen=True)
class Run:
    """A submission held against the truth of a split.

    Parameters
    ----------
    case : Case
        What is counted, under which rules.
    truth : TruthSet
        The images.
    predictions : PredictionSet
        The submission.
    options : Options
        How.
    slices : mapping of str to frozenset of str
        Keys of the images of each slice that is judged on its own.
    """

    case: Case
    truth: TruthSet
    predictions: PredictionSet
    options: Options
    slices: Slices = field(default_factory=dict)

    def count(self) -> tuple[Outcome, dict[str, Outcome]]:
        """Go through both stages.

        Returns
        -------
        Outcome
            The counts of all images.
        dict of str to Outcome
            Those of each slice.

        Raises
        ------
        SubmissionError, DatasetError, Refusal
            With every fault found, in the order of the keys.
        """
        paired = pair(self.truth.keys, self.predictions)
        unclaimed, n_unclaimed = paired.unclaimed[:SHOWN], len(paired.unclaimed)
        self._hint_at_split(paired)
        keys, paired = self._mine(paired)
        job = self._job()
        refused = self._refused(keys, paired, job)
        faults = self._stage_one(paired) + list(refused.items())
        plan = self.case.plan
        whole = self.case.start(unclaimed=unclaimed, n_unclaimed=n_unclaimed)
        parts = {name: self.case.start() for name in self.slices}
        # Files take their names only when no error leaves this block.
        with ExitStack() as files:
            state, images = (files.enter_context(LineWriter(p)) for p in (self.options.state, self.options.per_image))
            state.write(self._header(unclaimed, n_unclaimed))
            images.write(image_title(self.options.per_image, plan))
            for count in self._counts(job, self._chunks(keys, paired, refused), len(keys)):
                faults += count.faults
                self._take(count, whole, parts, state, images)
            self._refuse(faults, whole)
        return whole, parts

    def _header(self, unclaimed: list[str], n_unclaimed: int) -> Iterator[str]:
        """Yield the first line of the state; where no state is kept, nobody asks for it."""
        header = header_of(self.case, len(self.truth.keys), self.options.shard)
        yield replace(header, unclaimed=unclaimed, n_unclaimed=n_unclaimed).line()

    def _hint_at_split(self, paired: Pairing) -> None:
        missing = [fault for _, fault in paired.faults if isinstance(fault, MissingPrediction) and not fault.mend]
        if 2 * len(missing) > len(self.truth.keys) and paired.unclaimed:
            hint = hints.on_split(self.truth, {self.predictions.key(name) for name in paired.unclaimed})
            for fault in missing:
                fault.mend = hint

    def _mine(self, paired: Pairing) -> tuple[list[str], Pairing]:
        """Return the keys of this shard, and what is paired with them."""
        if self.options.shard is None:
            return self.truth.keys, paired
        keys = shard_of(self.truth.keys, self.options.shard)
        chosen = frozenset(keys)
        faults = [(key, fault) for key, fault in paired.faults if key in chosen]
        return keys, replace(paired, files=shard_of(paired.files, self.options.shard), faults=faults)

    def _stage_one(self, paired: Pairing) -> list[Fault]:
        faults = paired.faults
        if self.options.missing == "miss":
            faults = [(key, fault) for key, fault in faults if not isinstance(fault, MissingPrediction)]
        if self.options.strict:
            faults = faults + [(self.predictions.key(name), self._unclaimed(name)) for name in paired.unclaimed]
        return list(faults)

    def _refused(self, keys: list[str], paired: Pairing, job: Job) -> dict[str, SegbenchError]:
        """Return the images whose headers are at fault; where the fast lane reads them anyway, it looks at them."""
        is_plain = job.is_plain
        chosen = [i for i, file in enumerate(paired.files) if file is None or not is_plain]
        return check_headers(
            self.truth,
            [keys[i] for i in chosen],
            self.predictions,
            [paired.files[i] for i in chosen],
            any_size=self.options.resize,
            workers=self.options.workers,
        )

    def _take(
        self, count: Count, whole: Outcome, parts: dict[str, Outcome], state: LineWriter, images: LineWriter
    ) -> None:
        whole.add_states(count.states)
        whole.note(count.noted)
        for record in count.records:
            whole.keep(record)
            state.write([record.line()])
            images.write(image_lines(self.options.per_image, self.case.plan, record))
            for name, keys in self.slices.items():
                if "/".join(record.key) in keys:
                    parts[name].add(self.case.plan, record)

    def _refuse(self, faults: list[Fault], whole: Outcome) -> None:
        if faults:
            ordered = [fault for _, fault in sorted(faults, key=lambda fault: fault[0])]
            raise ordered[0] if len(ordered) == 1 else Refusal(ordered)
        if self.case.is_shard:
            # Void alone is nothing yet: the other shards may hold more.
            return
        try:
            refuse_nothing(self.case.plan, whole.states)
        except DatasetError as error:
            raise error.about(str(self.truth.root)) from None

    def _job(self) -> Job:
        plan = self.case.plan
        reader = Reader(
            replace(self.truth, keys=[]),
            self.predictions.without_lists(),
            with_instances="instances" in plan.tallies,
            with_first=any(getattr(metric, "starts_from_truth", False) for metric in plan.metrics.values()),
            numbering=self.options.numbering,
            resize=self.options.resize,
        )
        options = self.options
        wanted = options.state or options.per_image or self.slices or self.case.resampling
        return Job(reader, plan, recording=bool(wanted))

    def _counts(self, job: Job, chunks: Iterator[list[Task]], n_images: int) -> Iterator[Count]:
        done = 0
        for chunk, count in run_chunks(job, chunks, executor=self.options.executor, workers=self.options.workers):
            done += len(chunk)
            if self.options.progress:
                self.options.progress(done, n_images)
            yield count

    def _chunks(self, keys: list[str], paired: Pairing, refused: Collection[str]) -> Iterator[list[Task]]:
        miss = self.options.missing == "miss"
        for span in spans(len(keys), self.options.workers):
            pairs = zip(keys[span], paired.files[span], strict=True)
            chunk = [Task(key, file) for key, file in pairs if key not in refused and (file is not None or miss)]
            if chunk:
                yield chunk

    def _unclaimed(self, name: str) -> UnclaimedFile:
        return UnclaimedFile(
            "belongs to no image of the split",
            expected="only the predictions of the split",
            mend="remove it, or score without --strict",
            file=self.predictions.where(name),
        )


def counted_of(
    case: Case, truth: TruthSet, predictions: Path, form: Form, options: Options, slices: Slices
) -> tuple[Outcome, dict[str, Outcome]]:
    """Open a submission and count it.

    Parameters
    ----------
    case, truth, options, slices
        As of `Run`.
    predictions : Path
        Folder or archive.
    form : Form
        How the prediction of an image is put together.

    Returns
    -------
    tuple
        As `Run.count`.

    Raises
    ------
    SubmissionError, DatasetError, Refusal
        As `Run.count`, and for a submission that cannot be opened.
    """
    naming = Naming.of(case.protocol.kind, truth.layout, form)
    with open_predictions(predictions, truth.keys, naming) as submission:
        return Run(case, truth, submission.without(truth.beside), options, slices).count()


def spans(n: int, workers: int) -> Iterator[slice]:
    """Yield which of `n` images make a chunk: fewer and fewer, so that no worker ends long before the others."""
    least, start = -(-n // (_MOST_CHUNKS * workers)), 0
    while start < n:
        size = min(CHUNK, max(least, -(-(n - start) // (_SHARES * workers))))
        yield slice(start, min(start + size, n))
        start += size
