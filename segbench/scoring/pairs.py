"""Pairs of files named one by one, each scored on its own: the form for pipes and scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from segbench.datasets.files import as_dataset_error, read_regular, read_truth
from segbench.datasets.images import decode_labels
from segbench.errors import BadParameter, SegbenchError, SubmissionError
from segbench.protocols.load import load_protocol
from segbench.protocols.protocol import Protocol
from segbench.samples import Sample
from segbench.scoring.plan import Plan


def score_pairs(lines: Iterable[str], *, dataset: str, metrics: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Score ``prediction<TAB>truth`` lines.

    Parameters
    ----------
    lines : iterable of str
        One pair of PNG label maps a line; empty lines are passed over.
    dataset : str
        Name or alias of a data set, or the path of a protocol in TOML.
    metrics : sequence of str
        Metrics beside the protocol's own.

    Yields
    ------
    dict
        For each pair its files and either `scores` or, with `status` refused, `errors`.

    Raises
    ------
    UsageError
        For unknown names and bad parameters, or a metric that needs more than two label maps.
    """
    protocol = load_protocol(dataset)
    if protocol.kind == "volumes":
        raise BadParameter(f"{protocol.name}, whose files are volumes", expected="a data set of images")
    own = [metric for metric in protocol.metrics if metric.family == "confusion"]
    plan = Plan.of(protocol, metrics, own=own)
    if set(plan.tallies) != {"confusion"}:
        raise BadParameter("a metric that needs more than two label maps", expected="metrics on label maps")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _scored(line.rstrip("\r\n"), number, plan, protocol)


def _scored(line: str, number: int, plan: Plan, protocol: Protocol) -> dict[str, Any]:
    prediction, tab, truth = line.partition("\t")
    record: dict[str, Any] = {"prediction": prediction, "truth": truth}
    try:
        if not tab or not prediction or not truth:
            raise BadParameter(f"line {number} is no pair", expected="prediction<TAB>truth")
        return {**record, "status": "scored", "scores": _scores(Path(prediction), Path(truth), plan, protocol)}
    except SegbenchError as error:
        errors = [fault.as_record() for fault in error.faults]
        return {**record, "status": "refused", "exit": error.exit, "errors": errors}


def _scores(prediction: Path, truth: Path, plan: Plan, protocol: Protocol) -> dict[str, Any]:
    states = plan.start()
    try:
        expected = decode_labels(read_truth(truth), protocol.colors)
    except SubmissionError as error:
        raise as_dataset_error(error).about(str(truth)) from None
    except SegbenchError as error:
        raise error.about(str(truth)) from None
    try:
        found = decode_labels(read_regular(prediction, follow=True), protocol.colors)
        plan.count_one(states, Sample((), expected, found))
    except SegbenchError as error:
        raise error.about(str(prediction)) from None
    scores = {key: metric.compute(states["confusion"], plan.space) for key, metric in plan.metrics.items()}
    return {key: score.as_record() for key, score in scores.items()}
