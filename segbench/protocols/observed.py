"""Protocols whose classes are whatever ids truth and predictions hold.

The ids that were seen stand in the `input` field of signatures and state files, so that only results with the same
structures are compared, and every score derives again from the state alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from segbench.errors import BadParameter
from segbench.labels import LabelClass, LabelSpace
from segbench.protocols.protocol import Protocol

#: Different ids that may be seen: more are no structures but instances, or an image.
MOST_IDS = 1024

_RUN = r"-?\d{1,19}(?:\.\.-?\d{1,19})?"
#: Behind how predictions are put together, see `segbench.datasets.forms`; compiled when first used, as that takes long.
_FORM = (
    r"(?:(?:slices|fused)\([^|+]{1,2000}\)\+)?"
    rf"classes\(({_RUN}(?:,{_RUN})*)\)(?:\+spurious\(({_RUN}(?:,{_RUN})*)\))?"
)


def with_ids(protocol: Protocol, ids: Iterable[int], spurious: Iterable[int] = ()) -> Protocol:
    """Return a protocol with the classes that were seen, named by their ids; 0 is the background, seen or not.

    Parameters
    ----------
    protocol : Protocol
        One whose classes are observed.
    ids : iterable of int
        The ids that truths hold.
    spurious : iterable of int
        Those that only predictions hold.

    Returns
    -------
    Protocol
        The same rules for these classes.
    """
    true = set(ids) | {0}
    alone = tuple(sorted(set(spurious) - true))
    others = sorted({*true, *alone} - {0})
    classes = (LabelClass("background", 0), *(LabelClass(str(value), value) for value in others))
    return replace(protocol, space=LabelSpace(classes, spurious=alone))


def input_of(protocol: Protocol) -> str:
    """Return the classes of a protocol as the `input` field of a signature writes them.

    Parameters
    ----------
    protocol : Protocol
        With the classes seen.

    Returns
    -------
    str
        ``classes(0..3,7)``, with ``+spurious(9)`` behind it for those that only predictions hold.
    """
    spurious = protocol.space.spurious
    text = f"classes({_runs(c.id for c in protocol.space.classes if c.id not in spurious)})"
    return f"{text}+spurious({_runs(spurious)})" if spurious else text


def _runs(values: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ",".join(str(a) if a == b else f"{a}..{b}" for a, b in runs)


def resolved(protocol: Protocol, input_: str) -> Protocol:
    """Return a protocol with the classes that an `input` field names; as it is where its classes are given.

    Parameters
    ----------
    protocol : Protocol
        Any protocol.
    input_ : str
        The field.

    Returns
    -------
    Protocol
        With its classes.

    Raises
    ------
    BadParameter
        When the field names no classes where it should, or too many.
    """
    if not protocol.observed or protocol.kind != "volumes":
        return protocol
    match = re.fullmatch(_FORM, input_)
    listed = [_spans(match[1]), _spans(match[2])] if match else []
    sizes = [last - first + 1 for spans in listed for first, last in spans]
    if not sizes or min(sizes) < 1 or sum(sizes) > MOST_IDS + 1:
        raise BadParameter(f"input {input_!r}", expected="classes(0..3,7) or the like")
    return with_ids(protocol, *([v for first, last in spans for v in range(first, last + 1)] for spans in listed))


def _spans(text: str | None) -> list[tuple[int, int]]:
    runs = [run.split("..") for run in text.split(",")] if text else []
    return [(int(run[0]), int(run[-1])) for run in runs]
