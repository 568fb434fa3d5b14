"""What the predictions for a data set hold, and how they are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segbench.cli import page
from segbench.datasets.forms import WRITTEN
from segbench.datasets.predictions import Naming
from segbench.protocols.protocol import Layout, Protocol

#: What predictions are, in a word or two.
KINDS = {
    "labels": "label maps",
    "levels": "maps of probability",
    "membranes": "maps of the probability of being inside",
    "multilabel": "maps of classes that may overlap",
    "video": "maps of objects in frames",
    "volumes": "label volumes",
    "instances": "detected instances",
}

#: What stands for the key of a frame of a video.
FRAME = "SEQUENCE/FRAME"

_LEVELS = (
    "p = value / 255 is the probability of {positive}; a binary map holds 0 and 255; of 16 bits the high byte counts"
)
_MEMBRANES = (
    "PNG, or TIFF with a page for each slice: p is the probability of {positive}, as floats from 0 to 1, 8 bits "
    "(value / 255) or 16 bits (value / 65535)"
)
_SEVERAL = "grey PNG whose bit i is the class of index i (8 or 16 classes at most), or TIFF with a page for each class"

_OBJECT = "PNG, grey or palette by value: 0 is background, whatever is above 0 is the object"
_OBJECTS = "PNG, grey or palette by value: 0 is background, 1, 2, … are objects, of the same numbers in every frame"
_INSTANCES = (
    "one JSON file, which may lie alone in a folder, zip or tar: a list of objects with image_id, category_id, score "
    "and a segmentation, whose size is height and width and whose counts are run lengths, or a bbox: left, top, width "
    "and height"
)


def lines(protocol: Protocol, layouts: Sequence[Layout]) -> list[str]:
    """Return what the predictions of a protocol hold, and their names where the truth lies in one of the `layouts`."""
    named = dict.fromkeys(name for layout in layouts for name in names(protocol, layout))
    rows = [("hold", _values(protocol)), ("are named", ", ".join(named))]
    if protocol.train_ids:
        rows.append(("may hold", f"train ids {page.ids(protocol.train_ids)}, with --input trainids"))
    if protocol.kind == "volumes":
        rows.append(("may be", "PNG slices or several views of a case, with --input: " + ", ".join(WRITTEN)))
    return page.pairs(rows)


def names(protocol: Protocol, layout: Layout) -> list[str]:
    """Return how the prediction for an image may be named, where the truth lies in a layout."""
    if protocol.kind == "instances":
        return ["any name.json"]
    naming = Naming.of(protocol.kind, layout)
    if naming.reader == "cityscapes":
        return [f"CITY_SEQUENCE_FRAME*{suffix}" for suffix in naming.suffixes]
    before, behind = naming.affixes
    stems = dict.fromkeys((FRAME,) if protocol.kind == "video" else ("NAME", f"{before}NAME{behind}"))
    return [stem + suffix for stem in stems for suffix in naming.suffixes]


def _values(protocol: Protocol) -> str:
    if protocol.kind == "labels":
        return "; ".join(_labels(protocol))
    if protocol.kind == "multilabel":
        return _SEVERAL
    if protocol.kind == "video":
        return _OBJECT if protocol.layout.values == "positive" else _OBJECTS
    if protocol.kind == "volumes":
        return "NIfTI volumes of class ids, integers, on the grid of the truth; from a folder, zip or tar"
    if protocol.kind == "instances":
        return _INSTANCES
    positive = protocol.space.evaluated[1].name
    if protocol.kind == "membranes":
        return _MEMBRANES.format(positive=positive)
    size = " of 800×400 pixels, seen from above" if protocol.layout.values == "road_birdseye" else ""
    return f"grey PNG{size}: {_LEVELS.format(positive=positive)}"


def _labels(protocol: Protocol) -> Iterator[str]:
    formats = "PNG or TIFF" if any(layout.suffix == ".tif" for layout in protocol.layouts) else "PNG"
    yield f"{formats} of class ids, grey or palette by value"
    if protocol.colors:
        yield "RGB by the colours of the classes"
