"""A job from its predictions to a place on a board: predicted, scored as anybody's submission, told of."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import segbench
from segbench.atomic import write_text
from segbench.errors import BadParameter, SegbenchError, counted
from segbench.frozen import dataclass
from segbench.harness.device import Device
from segbench.harness.plan import RECORD, RESULT, Job
from segbench.harness.record import RunRecord
from segbench.harness.runs import Run, Share
from segbench.late import late
from segbench.leaderboard.entry import Entry
from segbench.leaderboard.entryfile import read_run, render
from segbench.training.ranks import Ranks

_add = late("segbench.leaderboard.store:add")
_read_record = late("segbench.leaderboard.stored:read_record")
_holds = late("segbench.leaderboard.store:holds")

#: What is told of a model, for boards.
ENTRY = "ENTRY.toml"

Bar = Callable[[int, int], None]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What is wanted of every job.

    Parameters
    ----------
    batch : int
        Images at a time.
    share : Share
        What of each split is predicted here.
    ci, resamples, seed
        Whether scores get intervals, and how, as for `segbench.score`.
    store : Path, optional
        Folder of entries that each result is added to.
    """

    batch: int = 1
    share: Share = Share()
    ci: bool = False
    resamples: int = 2000
    seed: int = 0
    store: Path | None = None


@dataclass(frozen=True)
class Trial:
    """What became of a job.

    Parameters
    ----------
    job : Job
        The job.
    status : str
        ``scored``; ``predicted``, where there is no truth; ``there``, where all of it was done before; ``part``, where
        others predict the rest; ``failed``.
    images : int
        Images that were predicted this time.
    result : mapping of str to object, optional
        The result, as its JSON has it.
    record : mapping of str to object, optional
        The record of the run, as its JSON has it.
    error : SegbenchError, optional
        Why it failed.
    """

    job: Job
    status: str
    images: int = 0
    result: dict[str, Any] | None = None
    record: dict[str, Any] | None = None
    error: SegbenchError | None = None


def attempt(
    job: Job, device: Device, wish: Wish, ranks: Ranks, *, bar: Bar | None = None, note: Note | None = None
) -> Trial:
    """Predict and score a job; what goes wrong with it is kept, so that others go on.

    Parameters
    ----------
    job : Job
        The job.
    device : Device
        What computes.
    wish : Wish
        What is wanted.
    ranks : Ranks
        Beside whom; the first process alone scores.
    bar : callable, optional
        Told images done and all images.
    note : callable, optional
        Told in words what a reader should know.

    Returns
    -------
    Trial
        What became of it.
    """
    try:
        try:
            run = Run(job, wish.share)
            n = run.predict(device, batch=wish.batch, progress=bar, note=note)
        finally:
            # Also when it fails here: the others wait for everybody.
            ranks.wait()
        return _finished(run, n, device, wish, note) if ranks.is_first else Trial(job, "part", n)
    except SegbenchError as error:
        return Trial(job, "failed", error=error)


def _finished(run: Run, n: int, device: Device, wish: Wish, note: Note | None) -> Trial:
    """Return what a job has come to, of which `n` images were predicted here."""
    job = run.job
    if missing := run.missing:
        if note is not None:
            note(f"{job.title}: {counted(len(missing), 'image')} left to the other shards")
        return Trial(job, "part", n)
    if not n and (there := _there(job, wish, run)) is not None:
        return there
    predictions, record = run.finish(device)
    if not run.has_truth:
        if note is not None:
            note(f"{job.title}: no truth here; the archive for its server: segbench pack {predictions}")
        return Trial(job, "predicted", n, record=record.as_record())
    result = _scored(job, predictions, wish)
    entry = entry_of(job, record)
    write_text(job.folder / ENTRY, render(entry))
    if wish.store is not None and not _holds(job.folder / RESULT, entry.id, wish.store):
        _add(job.folder / RESULT, entry, wish.store)
    return Trial(job, "scored", n, result, record.as_record())


def _there(job: Job, wish: Wish, run: Run) -> Trial | None:
    """Return what an earlier run has come to, if it has come to all that is wanted now."""
    if wish.store is not None:
        return None
    try:
        record = read_run(job.folder / RECORD).as_record()
        result = _read_record(job.folder / RESULT) if run.has_truth else None
    except BadParameter:
        # Not written yet, or damaged since: it is made again.
        return None
    if result is not None and job.protocol.primary not in result["scores"]:
        return None
    drawn = (result or {}).get("resampling") or {}
    if result is not None and wish.ci and (drawn.get("resamples"), drawn.get("seed")) != (wish.resamples, wish.seed):
        return None
    return Trial(job, "there", 0, result, record)


def _scored(job: Job, predictions: Path, wish: Wish) -> dict[str, Any]:
    """Score predictions by the same door as anybody's, and keep the result."""
    output = job.folder / RESULT
    state = segbench.state_path(output)
    start = time.monotonic()
    result = segbench.score(
        predictions,
        dataset=job.dataset,
        split=job.split,
        data_root=job.data_root,
        state=state,
        ci=wish.ci,
        resamples=wish.resamples,
        seed=wish.seed,
    )
    segbench.write_result(result, output, seconds=time.monotonic() - start, state=state)
    return dict(json.loads(output.read_text("utf-8")))


def entry_of(job: Job, record: RunRecord) -> Entry:
    """Return what boards tell of a job, from its `record`."""
    cost, models = record.cost, record.models
    several = f"mean probabilities of {counted(len(models), 'model')}" if len(models) > 1 else ""
    return Entry(
        id=re.sub(r"[^a-z0-9]+", "-", job.name.lower()).strip("-")[:64].strip("-"),
        name=job.name,
        date=record.finished[:10],
        training_data="; ".join(dict.fromkeys(model.trained_on for model in models if model.trained_on)),
        backbone="; ".join(dict.fromkeys(model.model for model in models)),
        parameters=cost.parameters,
        flops=cost.flops,
        seconds_per_image=cost.seconds_median,
        device=f"{record.device}, {record.precision}, batches of {record.batch}",
        post_processing="; ".join(filter(None, (several, record.views if record.views != "-" else ""))),
        origin=f"made by `segbench run`, weights {', '.join(model.weights for model in models)}",
        run=record,
    )
