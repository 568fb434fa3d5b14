"""Where the files of a data set are expected: a tree of folders, and the splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from segbench.cli import page
from segbench.protocols.protocol import Protocol

#: What stands for the key of an image, by the layout's reader.
_EXAMPLES = {"plain": "NAME", "cityscapes": "CITY_SEQUENCE_FRAME"}

Tree = dict[str, "Tree | str"]


def expected_files(protocol: Protocol, split: str) -> Mapping[str, str]:
    """Return the files of a split below the data root, with a name that stands for all, and what they are."""
    layout = protocol.layout
    listing = "the images of the split, one a line" + (" (may be missing)" if layout.optional_list else "")
    patterns = {
        layout.images: "images",
        layout.truth: "truth",
        layout.instances: "instance ids",
        layout.list: listing,
    }
    key = _EXAMPLES[layout.reader]
    return {layout.path(p, split=split, key=key): what for p, what in patterns.items() if p}


def lines(protocol: Protocol, split: str) -> list[str]:
    """Return where files are expected, and the splits."""
    return [
        *page.section(f"Files (split {split})", [*tree(expected_files(protocol, split)), *_places(protocol)]),
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


def _places(protocol: Protocol) -> list[str]:
    names = " or ".join(f"$SEGBENCH_DATA/{name}" for name in (protocol.name, *protocol.aliases))
    roots = [root for root in protocol.layout.roots if root != "."]
    below = f", or the folder {' or '.join(roots)} in it" if roots else ""
    return ["", *page.paragraph(f"DIR is --data-root, or {names}, or what segbench.toml says{below}.")]


def _splits(protocol: Protocol) -> Iterator[tuple[str, str]]:
    for split, n in protocol.splits.items():
        count = f"{n} images" if n else "any number of images"
        folder = protocol.layout.split_folders.get(split, split)
        notes = [f"in folders named {folder}"] if folder != split else []
        notes += ["scored unless --split names another"] if split == protocol.default_split else []
        yield split, "; ".join([count, *notes])
