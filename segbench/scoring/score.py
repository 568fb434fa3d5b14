"""From a submission to a signed result."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segbench.datasets.predictions import PredictionSet, open_predictions
from segbench.datasets.truth import TruthSet, open_truth
from segbench.errors import BadParameter, DatasetError, Refusal, SegbenchError, UnclaimedFile
from segbench.metrics.region import ClassMean
from segbench.protocols.load import load_protocol
from segbench.result import Provenance, Result, Score, Signature
from segbench.scoring.counting import Count, Job, Task
from segbench.scoring.executors import ExecutorKind, available_cpus, run_chunks
from segbench.scoring.pairing import Pairing, check_headers, pair
from segbench.scoring.plan import Plan, States, merge_states
from segbench.scoring.statefile import StateWriter
from segbench.version import __version__

#: Images in a chunk: enough to outweigh handing it over, few enough to share out evenly.
CHUNK = 25

#: Below this many images starting processes costs more than they bring.
_FEW_IMAGES = 400

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Options:
    """How a run goes: the keywords of `score` that are not about what is scored."""

    missing: str
    strict: bool
    workers: int
    executor: ExecutorKind | None
    state: Path | None
    progress: Progress | None


def score(
    predictions: str | Path,
    *,
    dataset: str,
    split: str | None = None,
    data_root: str | Path | None = None,
    truth: str | Path | None = None,
    metrics: Sequence[str] = (),
    missing: str = "error",
    strict: bool = False,
    workers: int | None = None,
    executor: ExecutorKind | None = None,
    state: str | Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Score a folder of label maps by a data set's official protocol.

    Parameters
    ----------
    predictions : path
        The submission.
    dataset : str
        Name or alias of a data set, or the path of a protocol in TOML.
    split : str, optional
        Split of the data set, else its default.
    data_root : path, optional
        Where the data set lies in its own layout.
    truth : path, optional
        A tree of truth label maps that replaces the layout.
    metrics : sequence of str
        Metrics beside the protocol's own, as ``name(field=value)``.
    missing : {"error", "miss"}
        Whether an image without prediction refuses the submission or counts as missed in every pixel.
    strict : bool
        Whether a file that belongs to no image is a fault.
    workers : int, optional
        Chunks worked on at a time, one for each available CPU by default; never changes a result.
    executor : {"threads", "processes"}, optional
        Where chunks are counted; processes for many images by default; never changes a result.
    state : path, optional
        File to keep the counts of each image in.
    progress : callable, optional
        Called with the images done and all images.

    Returns
    -------
    Result
        Scores with signatures.

    Raises
    ------
    UsageError
        For unknown names and bad parameters.
    SubmissionError, Refusal
        For everything wrong with the submission, found in one pass.
    DatasetError
        When the data set is missing or damaged, or no pixel was counted.
    OutputProblem
        When the state file cannot be written.
    RunIncomplete
        When a worker died.
    """
    if missing not in ("error", "miss"):
        raise BadParameter(f"missing={missing}", expected="error | miss")
    options = Options(
        missing, strict, available_cpus() if workers is None else workers, executor, _path(state), progress
    )
    protocol = load_protocol(dataset)
    plan = Plan.of(protocol, metrics)
    truths = open_truth(protocol, split=split, data_root=_path(data_root), truth=_path(truth))
    run = _Run(plan, truths, open_predictions(Path(predictions), truths.keys), options)
    return run.result(run.count())


@dataclass
class _Run:
    plan: Plan
    truth: TruthSet
    predictions: PredictionSet
    options: Options

    def count(self) -> States:
        """Go through both stages and return the counts, or raise every fault found."""
        paired = pair(self.truth.keys, self.predictions)
        self.missing = sum(file is None for file in paired.files)
        faults = self._stage_one(paired)
        self.unclaimed = paired.unclaimed
        states, found = self._stage_two(paired)
        faults += found
        if faults:
            raise faults[0] if len(faults) == 1 else Refusal(faults)
        return states

    def _stage_one(self, paired: Pairing) -> list[SegbenchError]:
        faults: list[SegbenchError] = list(paired.faults)
        if self.options.missing == "miss":
            faults = [fault for fault in faults if fault.code != "missing-prediction"]
        faults += check_headers(self.truth, self.predictions, paired.files)
        if self.options.strict:
            faults += (self._unclaimed(name) for name in paired.unclaimed)
        return faults

    def _stage_two(self, paired: Pairing) -> tuple[States, list[SegbenchError]]:
        job = Job(
            replace(self.truth, keys=[]),
            replace(self.predictions, files=[], others=[]),
            self.plan,
            self.truth.protocol.colors,
            self.options.state is not None,
        )
        states, faults = self.plan.start(), []
        digests = hashlib.sha256(), hashlib.sha256()
        self.colored, done = 0, 0
        with StateWriter(self.options.state, self.truth, self.plan) as writer:
            for chunk, count in self._counts(job, paired):
                states = merge_states(states, count.states)
                faults += count.faults
                self.colored += count.colored
                _update(digests, count)
                writer.write(count.records)
                done += len(chunk)
                if self.options.progress:
                    self.options.progress(done, len(self.truth.keys))
        self.truth_digest, self.prediction_digest = (digest.hexdigest() for digest in digests)
        return states, faults

    def _counts(self, job: Job, paired: Pairing) -> Iterator[tuple[list[Task], Count]]:
        few = len(self.truth.keys) < _FEW_IMAGES
        return run_chunks(
            job,
            self._chunks(paired),
            executor=self.options.executor or ("threads" if few else "processes"),
            workers=self.options.workers,
        )

    def _chunks(self, paired: Pairing) -> Iterator[list[Task]]:
        keys = self.truth.keys
        for start in range(0, len(keys), CHUNK):
            span = slice(start, start + CHUNK)
            pairs = zip(keys[span], paired.files[span], strict=True)
            chunk = [Task(key, file) for key, file in pairs if file is not None or self.options.missing == "miss"]
            if chunk:
                yield chunk

    def result(self, states: States) -> Result:
        """Judge the counts."""
        scores, warnings = self._scores(states)
        return Result(
            protocol=self.truth.protocol.identity,
            split=self.truth.split,
            n_images=len(self.truth.keys),
            scores=scores,
            provenance=Provenance(self.prediction_digest, self.truth_digest, versions()),
            warnings=tuple(dict.fromkeys([*self._warnings(), *warnings])),
        )

    def _signature(self) -> Signature:
        truth = self.truth
        return Signature(
            truth.protocol.identity,
            truth.split,
            len(truth.keys),
            self.truth_digest,
            metric="",
            version=__version__,
            missing=self.options.missing,
        )

    def _scores(self, states: States) -> tuple[dict[str, Score], list[str]]:
        space = self.plan.space
        if not states["confusion"].counts("table").values[: len(space.evaluated)].any():
            raise DatasetError(
                "no pixel of the truth has a class", expected="something to count", file=str(self.truth.root)
            )
        signature = self._signature()
        scores: dict[str, Score] = {}
        warnings: list[str] = []
        for key, metric in self.plan.metrics.items():
            state = states[metric.family]
            scores[key] = replace(metric.compute(state, space), signature=signature.of(metric.signature()))
            warnings += metric.warnings(state, space)
            if math.isnan(scores[key].value) and isinstance(metric, ClassMean) and metric.pool == "dataset":
                absent = metric.undefined_classes(state, space)
                beside = metric.where_defined()
                scores[self.truth.protocol.key(beside)] = replace(
                    beside.compute(state, space), signature=signature.of(beside.signature())
                )
                warnings.append(f"{key} is undefined: neither truth nor prediction has {', '.join(absent)}")
        return scores, warnings

    def _warnings(self) -> list[str]:
        """Return what is to be known of the run itself."""
        warnings = []
        n, expected = len(self.truth.keys), self.truth.expected
        if expected and n != expected:
            warnings.append(f"{n} images scored, the official {self.truth.split} split has {expected}")
        if self.options.missing == "miss" and self.missing:
            warnings.append(f"{self.missing} of {n} images have no prediction and count as missed")
        if self.unclaimed:
            names = ", ".join(self.unclaimed[:5]) + (", …" if len(self.unclaimed) > 5 else "")
            warnings.append(f"{len(self.unclaimed)} files belong to no image of the split: {names}")
        if self.colored:
            warnings.append(f"{self.colored} predictions are RGB and were read by the data set's colours")
        return warnings

    def _unclaimed(self, name: str) -> UnclaimedFile:
        return UnclaimedFile(
            "belongs to no image of the split",
            expected="only the predictions of the split",
            mend="remove it, or score without --strict",
            file=str(self.predictions.root / name),
        )


def versions() -> dict[str, str]:
    """Return the versions of what reads, counts and divides."""
    return {
        "segbench": __version__,
        "numpy": np.__version__,
        "pillow": importlib.metadata.version("pillow"),
        "python": platform.python_version(),
    }


def _update(digests: tuple[hashlib._Hash, hashlib._Hash], count: Count) -> None:
    for digest, lines in zip(digests, (count.truth, count.predictions), strict=True):
        for line in lines:
            digest.update(line.encode() + b"\n")


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
