"""The truth of instances: where it lies, and what its images are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from segbench.datasets.coco import CocoTruth, read_coco
from segbench.datasets.truth import CUSTOM
from segbench.errors import BadParameter
from segbench.late import late
from segbench.protocols.protocol import Protocol

if TYPE_CHECKING:
    from segbench.datasets.vocinstances import VocTruth

InstanceTruth: TypeAlias = "CocoTruth | VocTruth"

_find_root = late("segbench.datasets.layouts:find_root")
_read_voc = late("segbench.datasets.vocinstances:read_voc")

#: Digits of the number of an image in its key, as in the file names of COCO.
_DIGITS = 12


def open_instances(
    protocol: Protocol, *, split: str | None, data_root: Path | None, truth: Path | None
) -> tuple[InstanceTruth, str]:
    """Return the truth of a split, and the name of the split.

    Parameters
    ----------
    protocol : Protocol
        The data set.
    split, data_root, truth
        As in `segbench.score`; `truth` is a JSON file.

    Returns
    -------
    CocoTruth or VocTruth
        The truth.
    str
        The split.

    Raises
    ------
    UsageError, DatasetError
        When the truth is not there, or damaged.
    """
    if truth is not None:
        if data_root is not None:
            raise BadParameter("--truth together with --data-root", expected="one of them")
        return read_coco(truth, crowds=_has_crowds(protocol)), split or CUSTOM
    split = protocol.check_split(split)
    root, layout = _find_root(protocol, data_root, split)
    if layout.instances:
        return _read_voc(protocol, layout, root, split), split
    return read_coco(root / layout.path(layout.truth, split=split), crowds=_has_crowds(protocol)), split


def _has_crowds(protocol: Protocol) -> bool:
    """Return whether a truth says of its annotations if they are crowds; LVIS does not."""
    return protocol.policies.get("rules") not in ("lvis", "lvis_fixed")


def keys_of_slices(slices: Mapping[str, Sequence[str]], truth: InstanceTruth) -> dict[str, frozenset[str]]:
    """Return the keys of the images of each slice.

    Parameters
    ----------
    slices : mapping of str to sequence of str
        Numbers or keys of the images of each slice.
    truth : CocoTruth or VocTruth
        The images.

    Returns
    -------
    dict of str to frozenset of str
        The keys.

    Raises
    ------
    BadParameter
        For an empty slice, or an image that the truth does not have.
    """
    keys = keys_of(truth)
    known = {**dict(zip(map(str, truth.ids.tolist()), keys, strict=True)), **{key: key for key in keys}}
    for name, listed in slices.items():
        stranger = next((key for key in listed if key not in known), None)
        if stranger is not None or not listed:
            found = f"slice {name}: no image {stranger!r}" if listed else f"slice {name} is empty"
            raise BadParameter(found, expected="numbers of images of the truth")
    return {name: frozenset(known[key] for key in listed) for name, listed in slices.items()}


def keys_of(truth: InstanceTruth) -> list[str]:
    """Return the keys of images: their numbers with leading zeros, so that text is sorted as numbers are."""
    width = max(_DIGITS, *(len(str(number)) for number in truth.ids[-1:].tolist()))
    return [f"{number:0{width}d}" for number in truth.ids.tolist()]
