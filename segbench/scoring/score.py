"""From a submission to a signed result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from segbench.datasets.forms import SINGLE, WRITTEN, Form
from segbench.errors import BadParameter, DatasetError, counted
from segbench.late import late
from segbench.protocols.load import load_protocol
from segbench.protocols.observed import input_of
from segbench.protocols.protocol import Protocol
from segbench.result import Result
from segbench.scoring.executors import ExecutorKind, available_cpus
from segbench.scoring.judge import Case
from segbench.scoring.lines import LineWriter
from segbench.scoring.options import Options, Progress
from segbench.scoring.perimage import check_suffix
from segbench.scoring.plan import Plan
from segbench.scoring.statefile import case_of, outcome_of, read_header, whole_of

if TYPE_CHECKING:
    from segbench.datasets.truth import TruthSet

_counted = late("segbench.scoring.run:counted_of")
_open_truth = late("segbench.datasets.truth:open_truth")
_observed = late("segbench.scoring.observing:observed")
_scored_frames = late("segbench.datasets.davis:scored_frames")
_score_instances = late("segbench.scoring.instances:score_instances")
_resampling = late("segbench.scoring.units:Resampling")
_with_iou_type = late("segbench.protocols.categories:with_iou_type")


def score(
    predictions: str | Path,
    *,
    dataset: str,
    split: str | None = None,
    data_root: str | Path | None = None,
    truth: str | Path | None = None,
    metrics: Sequence[str] = (),
    missing: str = "error",
    resize: str | None = None,
    input: str = "ids",
    iou_type: str | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
    shard: str | None = None,
    strict: bool = False,
    workers: int | None = None,
    executor: ExecutorKind = "threads",
    state: str | Path | None = None,
    per_image: str | Path | None = None,
    progress: Progress | None = None,
    ci: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Result:
    """Score a submission by a data set's official protocol.

    Parameters
    ----------
    predictions : path
        Folder or archive (zip, tar, tar.gz, tar.xz) of label maps.
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
    resize : {"nearest"}, optional
        Resize predictions of another size; by default they are refused.
    input : str
        Whether predictions hold ``ids`` or, for data sets that have them, ``trainids``. Of volumes also how a case is
        put together: ``slices(axis=2)`` from PNG slices, ``fused(vote,3)`` or ``fused(mean,3)`` from views.
    iou_type : {"segm", "bbox", "boundary"}, optional
        What of instances is compared: masks, boxes, or masks and their inner bands; masks by default.
    slices : mapping of str to sequence of str, optional
        Image names of parts that are scored on their own as well.
    shard : str, optional
        ``I/N``: count only every N-th image from the I-th on, to be merged later.
    strict : bool
        Whether a file that belongs to no image is a fault.
    workers : int, optional
        Chunks worked on at a time, one for each available CPU by default; never changes a result.
    executor : {"threads", "processes"}
        Where chunks are counted; never changes a result.
    state : path, optional
        File to keep the counts of each image in.
    per_image : path, optional
        File for the scores of each image, ``.csv`` or ``.jsonl``.
    progress : callable, optional
        Called with the images done and all images.
    ci : bool
        Whether scores get 95 % intervals, from a bootstrap over images (of videos over videos).
    resamples, seed : int
        How many data sets are drawn for them, and the seed of the generator.

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
        When a file cannot be written.
    RunIncomplete
        When a worker died.
    """
    _check_choice("missing", missing, ("error", "miss"))
    _check_choice("resize", resize, (None, "nearest"))
    if per_image is not None:
        check_suffix(Path(per_image))
    protocol = load_protocol(dataset)
    if protocol.kind == "volumes" and resize is not None:
        raise BadParameter(
            "--resize with volumes", expected="predictions on the grid of the truth", mend="resample them"
        )
    resampling = _resampling(resamples, seed) if ci else None
    workers = available_cpus() if workers is None else workers
    if protocol.kind == "instances":
        of_instances = _instance_options(missing, resize, input, shard, strict, workers, state, per_image, progress)
        asked: Result = _score_instances(
            protocol if iou_type is None else _with_iou_type(protocol, iou_type),
            Path(predictions),
            metrics=metrics,
            split=split,
            data_root=_path(data_root),
            truth=_path(truth),
            slices=slices or {},
            options=of_instances,
            resampling=resampling,
        )
        return asked
    if iou_type is not None:
        found = f"--iou-type {iou_type} on {protocol.name}, whose predictions are {protocol.kind}"
        raise BadParameter(found, expected="a data set of instances, as coco-instances")
    form = form_of(protocol, input)
    # Of classes that are still to be seen there is no plan; the metrics are read, so that a wrong one is told at once.
    for text in metrics:
        protocol.metric(text)
    plan = None if protocol.observed else Plan.of(protocol, metrics)
    truths = _open_truth(protocol, split=split, data_root=_path(data_root), truth=_path(truth))
    numbering = numbering_of(protocol, input) if form.is_single else {}
    if plan is None:
        truths = _observed(truths, Path(predictions), workers=workers, executor=executor, form=form)
        protocol = truths.protocol
        plan = Plan.of(protocol, metrics)
    truths = _scored(truths, plan)
    case = Case(
        protocol,
        plan,
        truths.split,
        expected=truths.expected,
        missing=missing,
        resize=resize or "-",
        input=_input(protocol, form, input),
        slice="-" if shard is None else f"shard:{shard}",
        resampling=resampling,
    )
    options = Options(
        missing=missing,
        strict=strict,
        workers=workers,
        executor=executor,
        numbering=numbering,
        resize=resize is not None,
        shard=shard,
        state=_path(state),
        per_image=_path(per_image),
        progress=progress,
    )
    is_nothing = protocol.observed and len(protocol.space.classes) == 1
    if is_nothing:
        # Counted all the same, to tell what cannot be read; but what holds no structure leaves nothing to merge.
        options = replace(options, state=None, per_image=None)
    parts = _checked_slices(slices or {}, truths)
    whole, of_slices = _counted(case, truths, Path(predictions), form, options, parts)
    if is_nothing:
        found = "no structure: every label of truth and predictions is 0"
        raise DatasetError(found, expected="something to compare", file=str(truths.root))
    return case.result(whole, of_slices)


def _instance_options(
    missing: str,
    resize: str | None,
    input_: str,
    shard: str | None,
    strict: bool,
    workers: int,
    state: str | Path | None,
    per_image: str | Path | None,
    progress: Progress | None,
) -> Options:
    """Return how a run over instances goes; what only makes sense of maps is refused."""
    _check_choice("resize", resize, (None,))
    _check_choice("input", input_, ("ids",))
    return Options(
        missing=missing,
        strict=strict,
        workers=workers,
        shard=shard,
        state=_path(state),
        per_image=_path(per_image),
        progress=progress,
    )


def merge(
    states: Sequence[str | Path],
    *,
    dataset: str | None = None,
    state: str | Path | None = None,
    ci: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Result:
    """Put the state files of all shards of a submission together.

    Parameters
    ----------
    states : sequence of path
        The state file of every shard.
    dataset : str, optional
        The data set, where it is a protocol of one's own.
    state : path, optional
        File for the merged state: the same bytes as that of an undivided run.
    ci, resamples, seed
        Whether scores get intervals, and how, as for `score`.

    Returns
    -------
    Result
        The same as of an undivided run.

    Raises
    ------
    BadParameter
        When the files are not the shards of one run.
    DatasetError
        When a file is damaged, or its protocol has changed since.
    """
    paths = [Path(path) for path in states]
    headers = [read_header(path) for path in paths]
    whole = whole_of(headers)
    case = case_of(whole, load_protocol(dataset or whole.protocol.partition("@")[0]))
    if ci:
        case = replace(case, resampling=_resampling(resamples, seed))
    with LineWriter(_path(state)) as writer:
        writer.write([whole.line()])
        outcome = outcome_of(paths, case.plan, lambda record: writer.write([record.line()]), case.start())
        if outcome.n_images != whole.n_images:
            raise BadParameter(
                f"{counted(outcome.n_images, 'image')} in {counted(len(paths), 'state file')}",
                expected=counted(whole.n_images, "image"),
            )
        # The file takes its name only when the whole is not refused.
        return case.result(outcome)


def form_of(protocol: Protocol, input_: str) -> Form:
    """Return how the prediction of an image is put together.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    input_ : str
        As for `score`.

    Returns
    -------
    Form
        From slices or views, else a single file.

    Raises
    ------
    BadParameter
        When it is malformed, or predictions are no volumes.
    """
    if not input_.lstrip().startswith(("slices", "fused")):
        return SINGLE
    form = Form.parse(input_)
    if protocol.kind != "volumes":
        raise BadParameter(f"input={form} for {protocol.name}", expected="a data set of volumes, as volumes")
    return form


def numbering_of(protocol: Protocol, input_: str) -> dict[int, int]:
    """Return the id of each value of predictions that hold `input_`; nothing where they hold ids.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    input_ : {"ids", "trainids"}
        What they hold.

    Returns
    -------
    dict of int to int
        Ids by value.

    Raises
    ------
    BadParameter
        When the data set has no such values.
    """
    if input_ == "trainids" and protocol.train_ids:
        return dict(protocol.train_ids)
    forms = WRITTEN if protocol.kind == "volumes" else ()
    choices = ("ids", "trainids") if protocol.train_ids else ("ids", *forms)
    _check_choice("input", input_, choices)
    return {}


def _input(protocol: Protocol, form: Form, input_: str) -> str:
    """Return the field of the signature: how predictions are put together, and which classes were seen."""
    parts = [str(form)] if not form.is_single else []
    if protocol.observed:
        parts.append(input_of(protocol))
    return "+".join(parts) or ("-" if input_ == "ids" else input_)


def _scored(truth: TruthSet, plan: Plan) -> TruthSet:
    """Return the images that are scored: of videos not every frame."""
    if truth.protocol.kind != "video":
        return truth
    with_ends = any(getattr(metric, "frames", "") == "all" for metric in plan.metrics.values())
    frames: TruthSet = _scored_frames(truth, with_ends=with_ends)
    return frames


def _checked_slices(slices: Mapping[str, Sequence[str]], truth: TruthSet) -> dict[str, frozenset[str]]:
    known = frozenset(truth.keys) if slices else frozenset()
    for name, keys in slices.items():
        if not re.fullmatch(r"[\w.+:-]+", name) or name == "-":
            raise BadParameter(f"a slice named {name!r}", expected="a name of letters, digits and . + - _ :")
        strangers = [key for key in keys if key not in known]
        if strangers or not keys:
            found = f"slice {name}: no image {strangers[0]!r}" if strangers else f"slice {name} is empty"
            raise BadParameter(found, expected=f"names of images of {truth.split}")
    return {name: frozenset(keys) for name, keys in slices.items()}


def _check_choice(name: str, value: str | None, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        raise BadParameter(f"{name}={value}", expected=" | ".join(str(choice) for choice in choices))


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
