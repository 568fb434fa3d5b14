"""What the parts of a signature mean."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from segbench.cli import metric_page, page
from segbench.errors import BadParameter, UsageError
from segbench.metrics.base import Metric
from segbench.metrics.table import parse_metric
from segbench.protocols import metricfacts
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.protocol import Protocol
from segbench.result import Signature
from segbench.version import __version__

_INPUTS = {
    "-": "predictions hold what the data set asks for: its own values, or probabilities",
    "ids": "predictions hold class ids",
    "trainids": "predictions held train ids and were turned into ids",
}
#: Parts of an input of several, by how they begin; see `segbench.datasets.forms` and `segbench.protocols.observed`.
_PARTS = {
    "slices(": "the slices of each case were put together along an axis of the truth's array",
    "fused(vote": "the views of each case were fused by vote of their labels",
    "fused(mean": "the probabilities of the views of each case were averaged, and the largest mean taken",
    "classes(": "the classes are the ids that truths hold",
    "spurious(": "ids that only predictions hold",
}
_MISSING = {
    "error": "an image without a prediction refuses the submission",
    "miss": "an image without a prediction {counts}; not for a leaderboard",
}
#: How a missing image counts, by the family of the metric.
_COUNTS = {
    "levels": "has level 0 everywhere",
    "membrane": "has probability 0 everywhere",
    "video": "has an empty mask for every object",
}


def record(signature: Signature) -> dict[str, Any]:
    """Return the parts of a signature."""
    return {**asdict(signature), "metric_fields": metric_page.record(_metric(signature))["fields"]}


def lines(signature: Signature) -> list[str]:
    """Return the page of a signature.

    Parameters
    ----------
    signature : Signature
        The signature.

    Returns
    -------
    list of str
        Its lines.

    Raises
    ------
    BadParameter
        When its metric is none.
    """
    metric = _metric(signature)
    protocol = _protocol(signature)
    parts = [
        (signature.protocol, _of_protocol(signature, protocol)),
        (signature.split, _of_split(signature, protocol)),
        (str(signature.n_images), _of_images(signature, protocol)),
        (f"truth:{signature.truth}", "truth: the first digits of a SHA-256 over its content"),
        (
            signature.slice,
            f"slice: {'all images' if signature.slice == '-' else 'the part of the images that was scored'}",
        ),
        (
            signature.resize,
            f"resize: {'no prediction was resized' if signature.resize == '-' else 'how predictions were resized'}",
        ),
        (signature.missing, f"missing: {_missing(signature, metric)}"),
        (signature.input, f"input: {_of_input(signature.input)}"),
        (metric.name, f"metric: {metric_page.summary(metric)['description']}\n= {metric.formula}"),
        (f"segbench:{signature.version}", _of_version(signature)),
    ]
    return [
        *page.title("A signature: everything that made a number"),
        *page.section("Parts, in order", page.pairs(parts)),
        *page.section(f"Parameters of {metric.name}", _fields(metric)),
        *page.section("Its score key", page.paragraph(protocol.key(metric)) if protocol else []),
        "",
        *page.paragraph("Two scores may be compared when their signatures are equal apart from the version.", ""),
    ]


def _missing(signature: Signature, metric: Metric[Any]) -> str:
    return _MISSING[signature.missing].format(counts=_COUNTS.get(metric.family, "counts as missed in every pixel"))


def _of_input(text: str) -> str:
    if text in _INPUTS:
        return _INPUTS[text]
    parts = (means for part in text.split("+") for begin, means in _PARTS.items() if part.startswith(begin))
    return "; ".join(parts) or "the form of the predictions"


def _metric(signature: Signature) -> Metric[Any]:
    try:
        return parse_metric(signature.metric)
    except UsageError as error:
        raise BadParameter(
            f"a signature whose metric is {signature.metric!r}: {error.found}", expected=error.expected, mend=error.mend
        ) from None


def _protocol(signature: Signature) -> Protocol | None:
    """Return the protocol that is meant, None where it is another version or somebody's own."""
    name = signature.protocol.partition("@")[0]
    protocol = load_protocol(name) if name in protocol_names() else None
    return protocol if protocol and protocol.identity == signature.protocol else None


def _of_protocol(signature: Signature, protocol: Protocol | None) -> str:
    if protocol:
        return f"protocol@version: {protocol.title}"
    return "protocol@version: none that this segbench knows"


def _of_split(signature: Signature, protocol: Protocol | None) -> str:
    if protocol and signature.split not in protocol.splits:
        return "split: none of the data set's own; its truth was given by path"
    return "split"


def _of_images(signature: Signature, protocol: Protocol | None) -> str:
    official = protocol.splits.get(signature.split, 0) if protocol else 0
    if not official:
        return "images: how many were scored"
    if official == signature.n_images:
        return "images: the whole official split was scored"
    return f"images: scored, while the official split has {official}"


def _of_version(signature: Signature) -> str:
    same = "the one that runs here" if signature.version == __version__ else f"here runs {__version__}"
    return f"version that scored: {same}"


def _fields(metric: Metric[Any]) -> list[str]:
    values = ((f"{name}={metricfacts.shown(getattr(metric, name))}", name) for name in metricfacts.fields(metric))
    return page.pairs((term, metricfacts.meaning(metric, name)) for term, name in values)
