"""Where the files of a data set are expected: a tree of folders, what its files hold, and the splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segbench.cli import page, prediction_page
from segbench.errors import counted
from segbench.protocols.protocol import Layout, Protocol

#: What stands for the key of an image, by the layout's reader; of a frame of a video it is another.
EXAMPLES = {"plain": "NAME", "cityscapes": "CITY_SEQUENCE_FRAME"}

#: What a truth file holds, by how its values are read.
_VALUES = {
    "ids": "class ids",
    "objects": "numbers of objects, from 1; 0 is background",
    "colors": "colours of classes",
    "positive": "0 is {negative}, whatever is above 0 is {positive}",
    "road": "red > 0 says that a pixel counts, blue > 0 that it is {positive}",
    "road_birdseye": "red > 0 says that a pixel counts, blue > 0 that it is {positive}; it is seen from above by the "
    "calibration of the image",
    "rectangles": "rectangles in XML, drawn in the size of the image",
}
#: What a line of a list names.
_LISTED = {
    "images": "the images of the split, one a line",
    "videos": "the sequences of the split, one a line, or their images and annotations",
}

Tree = dict[str, "Tree | str"]


def record(protocol: Protocol) -> list[dict[str, Any]]:
    """Return the layouts of a protocol: which splits lie so, their files, and what these hold."""
    return [
        {
            "splits": list(layout.splits or protocol.splits),
            "roots": list(layout.roots),
            "files": dict(expected_files(layout, (layout.splits or (protocol.default_split,))[0])),
            "values": layout.values,
            "instance_base": layout.instance_base if layout.instances else None,
            "predictions": prediction_page.names(protocol, layout),
        }
        for layout in protocol.layouts
    ]


def expected_files(layout: Layout, split: str) -> Mapping[str, str]:
    """Return the files of a split below the data root, with a name that stands for all, and what they are."""
    patterns = {
        layout.images: "images",
        layout.truth: "truth",
        layout.mask: "mask",
        layout.instances: "instance ids",
        layout.calibration: "calibration",
        layout.list: "list",
    }
    key = prediction_page.FRAME if layout.listed == "videos" else EXAMPLES[layout.reader]
    return {layout.path(p, split=split, key=key): what for p, what in patterns.items() if p}


def lines(protocol: Protocol, split: str) -> list[str]:
    """Return where files are expected, what they hold, and the splits."""
    layouts = protocol.layouts_of(split)
    return [
        *(line for i in range(len(layouts)) for line in _files(protocol, split, i)),
        "",
        *_places(protocol, split),
        *page.section("Predictions", prediction_page.lines(protocol, layouts)),
        *page.section("Splits", page.pairs(_splits(protocol))),
    ]


def tree(files: Mapping[str, str]) -> list[str]:
    """Return paths as a tree, with what each file is."""
    root: Tree = {}
    for path, what in files.items():
        *folders, name = path.split("/")
        here = root
        for folder in folders:
            below = here.setdefault(f"{folder}/", {})
            assert isinstance(below, dict)
            here = below
        here[name] = what
    drawn = list(_branches(root, ""))
    width = max(len(branch) for branch, _ in drawn)
    return ["  DIR/", *(f"  {branch:<{width}}  {what}".rstrip() for branch, what in drawn)]


def _branches(tree: Tree, trunk: str) -> Iterator[tuple[str, str]]:
    for i, (name, below) in enumerate(tree.items(), 1):
        last = i == len(tree)
        yield f"{trunk}{'└─ ' if last else '├─ '}{name}", below if isinstance(below, str) else ""
        if not isinstance(below, str):
            yield from _branches(below, trunk + ("   " if last else "│  "))


def _files(protocol: Protocol, split: str, i: int) -> list[str]:
    """Return the tree of the layout at a position; what its files hold is said where it is not what others' hold."""
    layouts = protocol.layouts_of(split)
    meanings = [list(_meanings(protocol, layout)) for layout in layouts]
    said = meanings[i] if meanings[i] not in meanings[:i] else []
    heading = f"Files (split {split})" if i == 0 else "Or, where those are not found"
    drawn = tree(expected_files(layouts[i], split))
    return page.section(heading, [*drawn, *([""] if said else []), *page.pairs(said)])


def _meanings(protocol: Protocol, layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield what the values of each kind of file mean."""
    if protocol.kind == "instances":
        yield from _of_instances(layout)
        return
    plain = protocol.kind in ("labels", "volumes")
    negative, positive = ("", "") if plain else [c.name for c in protocol.space.evaluated][:2]
    values = "objects" if protocol.kind == "video" and layout.values == "ids" else layout.values
    yield "truth", _VALUES[values].format(negative=negative, positive=positive)
    if layout.but:
        yield "left alone", layout.but
    if layout.mask:
        yield "mask", "only pixels above 0 count; those outside are void"
    elif any(other.mask for other in protocol.layouts):
        yield "mask", "none here: every pixel counts"
    if layout.instances:
        yield "instance ids", f"class id × {layout.instance_base} + number"
    if layout.calibration:
        yield "calibration", "NAME is that of the truth without the category: um_000000 of um_road_000000"
    if layout.list:
        yield "list", _LISTED[layout.listed] + ("; may be missing" if layout.optional_list else "")


def _of_instances(layout: Layout) -> Iterator[tuple[str, str]]:
    if not layout.instances:
        yield "truth", "images, annotations and categories, in the JSON of COCO"
        return
    yield "truth", _VALUES["ids"]
    yield "instance ids", "numbers of objects; 0 and 255 are none"
    yield "list", _LISTED[layout.listed]


def _places(protocol: Protocol, split: str) -> list[str]:
    names = " or ".join(f"$SEGBENCH_DATA/{name}" for name in (protocol.name, *protocol.aliases))
    roots = dict.fromkeys(root for layout in protocol.layouts_of(split) for root in layout.roots if root != ".")
    below = f", or the folder {' or '.join(roots)} in it" if roots else ""
    others = [other for other in protocol.splits if protocol.layouts_of(other) != protocol.layouts_of(split)]
    more = f" For other places of {_listed(others)} see segbench datasets show {protocol.name} --split SPLIT."
    text = f"DIR is --data-root, or {names}, or what segbench.toml says{below}."
    return page.paragraph(text + (more if others else ""))


def _listed(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


def _splits(protocol: Protocol) -> Iterator[tuple[str, str]]:
    for split, n in protocol.splits.items():
        count = counted(n, "image") if n else "any number of images"
        layout = protocol.layouts_of(split)[0]
        folder = layout.split_folders.get(split, split)
        notes = [f"in folders named {folder}"] if folder != split and "{split}" in layout.truth else []
        notes += ["scored unless --split names another"] if split == protocol.default_split else []
        named = [name.replace("*", "…") for name in protocol.keys.get(split, ())]
        yield split, "; ".join([count, *notes]) + (f"\nnamed {', '.join(named)}" if named else "")
