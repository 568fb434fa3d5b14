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

_FORM = re.compile(r"classes\((-?\d{1,19}(?:\.\.-?\d{1,19})?(?:,-?\d{1,19}(?:\.\.-?\d{1,19})?)*)\)")


def with_ids(protocol: Protocol, ids: Iterable[int]) -> Protocol:
    """Return a protocol with the classes that were seen, named by their ids; 0 is the background, seen or not.

    Parameters
    ----------
    protocol : Protocol
        One whose classes are observed.
    ids : iterable of int
        The ids seen.

    Returns
    -------
    Protocol
        The same rules for these classes.
    """
    others = sorted(set(ids) - {0})
    classes = (LabelClass("background", 0), *(LabelClass(str(value), value) for value in others))
    return replace(protocol, space=LabelSpace(classes))


def input_of(protocol: Protocol) -> str:
    """Return the classes of a protocol as the `input` field of a signature writes them: ``classes(0..3,7)``."""
    runs: list[list[int]] = []
    for value in sorted(c.id for c in protocol.space.classes):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return f"classes({','.join(str(a) if a == b else f'{a}..{b}' for a, b in runs)})"


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
    if not protocol.observed:
        return protocol
    match = _FORM.fullmatch(input_)
    runs = [run.split("..") for run in match[1].split(",")] if match else []
    spans = [(int(run[0]), int(run[-1])) for run in runs]
    sizes = [last - first + 1 for first, last in spans]
    if not sizes or min(sizes) < 1 or sum(sizes) > MOST_IDS + 1:
        raise BadParameter(f"input {input_!r}", expected="classes(0..3,7) or the like")
    return with_ids(protocol, (value for first, last in spans for value in range(first, last + 1)))
