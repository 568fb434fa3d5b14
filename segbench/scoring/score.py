"""The front door of scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from segbench.errors import BadParameter
from segbench.late import late
from segbench.protocols.load import load_protocol
from segbench.protocols.protocol import Protocol
from segbench.result import Result
from segbench.scoring.executors import ExecutorKind, available_cpus
from segbench.scoring.options import Options, Progress, check_choice
from segbench.scoring.perimage import check_suffix

_score_maps = late("segbench.scoring.maps:score_maps")
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
    check_choice("missing", missing, ("error", "miss"))
    check_choice("resize", resize, (None, "nearest"))
    if per_image is not None:
        check_suffix(Path(per_image))
    protocol = load_protocol(dataset)
    _check_kind(protocol, resize, input, iou_type)
    options = Options(
        missing=missing,
        strict=strict,
        workers=available_cpus() if workers is None else workers,
        executor=executor,
        resize=resize is not None,
        shard=shard,
        state=_path(state),
        per_image=_path(per_image),
        progress=progress,
    )
    asked = {
        "metrics": metrics,
        "split": split,
        "data_root": _path(data_root),
        "truth": _path(truth),
        "slices": slices or {},
        "options": options,
        "resampling": _resampling(resamples, seed) if ci else None,
    }
    result: Result
    if protocol.kind == "instances":
        if iou_type is not None:
            protocol = _with_iou_type(protocol, iou_type)
        result = _score_instances(protocol, Path(predictions), **asked)
    else:
        result = _score_maps(protocol, Path(predictions), input=input, **asked)
    return result


def _check_kind(protocol: Protocol, resize: str | None, input_: str, iou_type: str | None) -> None:
    """Refuse what makes no sense of the predictions of this data set."""
    if protocol.kind == "instances":
        check_choice("resize", resize, (None,))
        check_choice("input", input_, ("ids",))
    elif iou_type is not None:
        found = f"--iou-type {iou_type} on {protocol.name}, whose predictions are {protocol.kind}"
        raise BadParameter(found, expected="a data set of instances, as coco-instances")
    if protocol.kind == "volumes" and resize is not None:
        expected = "predictions on the grid of the truth"
        raise BadParameter("--resize with volumes", expected=expected, mend="resample them")


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
