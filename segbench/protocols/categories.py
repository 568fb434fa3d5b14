"""The classes of instances: those that a protocol lists, or those that the truth's own file names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segbench.errors import DatasetError
from segbench.labels import LabelClass, LabelSpace
from segbench.protocols.protocol import Protocol, with_policies

#: How often a class of LVIS occurs, as its file says it and as a group is named.
_FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}


def with_categories(protocol: Protocol, categories: Sequence[tuple[int, str, str]], *, file: str) -> Protocol:
    """Return a protocol with the classes of a truth.

    Parameters
    ----------
    protocol : Protocol
        Any protocol of instances.
    categories : sequence of (int, str, str)
        Id, name and frequency of each category of the truth.
    file : str
        The truth, for messages.

    Returns
    -------
    Protocol
        The protocol as it is where it lists its classes, else with those of the truth.

    Raises
    ------
    DatasetError
        When the truth names no category, two alike, or others than the protocol lists.
    """
    if not categories:
        raise DatasetError("no category", expected="categories, as in COCO", file=file)
    if protocol.observed:
        names = [name for _, name, _ in categories]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DatasetError(f"two categories named {twice!r}", expected="each name once", file=file)
        return with_classes(protocol, [(i, name, _FREQUENCIES.get(group)) for i, name, group in categories])
    known = {c.id: c.name for c in protocol.space.classes}
    other = next(((i, name) for i, name, _ in categories if known.get(i) != name), None)
    if other is not None:
        raise DatasetError(
            f"category {other[0]} {other[1]!r}",
            expected=f"the categories of {protocol.name}, where {other[0]} is {known.get(other[0], 'none')!r}",
            mend="other categories are scored with --dataset instances",
            file=file,
        )
    return protocol


def with_classes(protocol: Protocol, classes: Sequence[tuple[int, str, str | None]]) -> Protocol:
    """Return a protocol with classes given by id, name and group."""
    return replace(protocol, space=LabelSpace(tuple(LabelClass(n, i, group=g, is_thing=True) for i, n, g in classes)))


def with_iou_type(protocol: Protocol, iou_type: str) -> Protocol:
    """Return a protocol of instances whose own metrics compare `iou_type`: masks, boxes or boundaries."""
    policies = {**protocol.policies, "iou_type": iou_type}
    metrics = tuple(with_policies(metric, {"iou_type": iou_type}) for metric in protocol.metrics)
    return replace(protocol, policies=policies, metrics=metrics)
