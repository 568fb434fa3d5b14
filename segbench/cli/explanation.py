"""The work behind ``segbench explain``: which page is meant, and the list of all there is."""

from __future__ import annotations

from typing import Any

from segbench.cli import metric_page, page, protocol_page, report, signature_page
from segbench.cli.prediction_page import KINDS
from segbench.errors import UnknownName, did_you_mean
from segbench.metrics.base import Metric
from segbench.metrics.table import METRICS, parse_metric
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.protocol import Protocol
from segbench.result import Signature


def run(name: str | None, format_: str) -> int:
    """Print the page of a name and return the exit code."""
    record, lines = explain(name)
    report.data(report.json_text(record) if format_ == "json" else page.text(lines))
    return 0


def explain(name: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return what is known of a name: as a record, and as a page.

    Parameters
    ----------
    name : str, optional
        A data set, metric or signature; without one, all there is.

    Returns
    -------
    dict, list of str
        Both forms.

    Raises
    ------
    UnknownName
        When it is neither a data set nor a metric.
    BadParameter
        For a malformed signature or metric.
    """
    if name is None:
        return listing()
    if "|" in name and "(" not in name.partition("|")[0]:
        signature = Signature.parse(name)
        return signature_page.record(signature), signature_page.lines(signature)
    subject = _subject(name)
    if isinstance(subject, Protocol):
        return protocol_page.record(subject), protocol_page.lines(subject)
    return metric_page.record(subject), metric_page.lines(subject)


def listing() -> tuple[dict[str, Any], list[str]]:
    """Return all data sets and metrics."""
    protocols = [load_protocol(name) for name in sorted(set(protocol_names().values()))]
    metrics = [cls() for cls in METRICS.values()]
    record = {
        "datasets": [protocol_page.summary(protocol) for protocol in protocols],
        "metrics": [metric_page.summary(metric) for metric in metrics],
    }
    datasets = [
        (p.name, f"{p.title}{_also(p)}\n{_n_classes(p)}, {KINDS[p.kind]}, ranked by {p.primary}") for p in protocols
    ]
    described = [(m.name, f"{metric_page.summary(m)['description']}\n= {m.formula}") for m in metrics]
    lines = [
        *page.section("Data sets", page.pairs(datasets))[1:],
        *page.section("Metrics", page.pairs(described)),
        "",
        "segbench explain NAME tells more of each.",
    ]
    return record, lines


def _subject(name: str) -> Protocol | Metric[Any]:
    plain, _, version = name.partition("@")
    if name.endswith(".toml"):
        return load_protocol(name)
    if plain in protocol_names():
        protocol = load_protocol(plain)
        if version and version != str(protocol.version):
            raise UnknownName(f"no version {version!r} of {protocol.name}", expected=protocol.identity)
        return protocol
    if "(" in name or name in METRICS:
        return parse_metric(name)
    known = (*protocol_names(), *METRICS)
    raise UnknownName(
        f"no data set or metric {name!r}",
        mend=did_you_mean(name, known) or "`segbench explain` without a name lists both",
    )


def _n_classes(protocol: Protocol) -> str:
    return "classes as observed" if protocol.observed else f"{len(protocol.space.evaluated)} classes"


def _also(protocol: Protocol) -> str:
    return f"; also called {', '.join(protocol.aliases)}" if protocol.aliases else ""
