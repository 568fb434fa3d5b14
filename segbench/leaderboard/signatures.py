"""A signature part by part, in words."""

from __future__ import annotations

from segbench.errors import SegbenchError
from segbench.leaderboard.metricpages import fields_of
from segbench.metrics.table import parse_metric
from segbench.result import Signature


def explained(text: str) -> list[tuple[str, str, str]]:
    """Return each part of a signature: what it is called, its text, what it means.

    Parameters
    ----------
    text : str
        A signature.

    Returns
    -------
    list of (str, str, str)
        Empty for a text that is no signature.
    """
    try:
        signature = Signature.parse(text)
    except SegbenchError:
        return []
    return [
        ("protocol", signature.protocol, "Data set and version of its rules: classes, void, files, metrics."),
        ("split", signature.split, "The part of the data set that was scored."),
        ("images", str(signature.n_images), "How many images were scored."),
        ("truth", signature.truth, "The first digits of a SHA-256 over the content of the truth."),
        ("slice", signature.slice, "All images." if signature.slice == "-" else "A part of the images."),
        ("resize", signature.resize, _resize(signature.resize)),
        ("missing", signature.missing, _missing(signature.missing)),
        ("input", signature.input, _input(signature.input)),
        ("metric", signature.metric, "The metric with all its parameters, see below."),
        *_parameters(signature.metric),
        ("segbench", signature.version, "The version that counted. Scores may be compared when all else is equal."),
    ]


def _resize(word: str) -> str:
    return "No prediction was resized." if word == "-" else "How predictions were resized."


def _missing(word: str) -> str:
    if word == "error":
        return "An image without a prediction would have refused the submission."
    return "An image without a prediction counts as missed."


def _input(word: str) -> str:
    return "Predictions hold what the data set asks for." if word == "-" else "The form in which predictions came."


def _parameters(text: str) -> list[tuple[str, str, str]]:
    try:
        metric = parse_metric(text)
    except SegbenchError:
        return []
    return [(field["name"], field["value"], field["meaning"]) for field in fields_of(metric)]
