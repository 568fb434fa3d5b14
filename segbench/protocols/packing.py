"""The form in which the official server of a data set takes a submission."""

from typing import Literal, Self, TypeAlias

from segbench.errors import BadParameter
from segbench.frozen import dataclass

Container: TypeAlias = Literal["zip", "tgz", "tif"]
Content: TypeAlias = Literal["ids", "indexed", "colors", "levels", "birdseye", "stack"]

#: How the names of each container may end; the first is given to a name of ours.
SUFFIXES = {"zip": (".zip",), "tgz": (".tgz", ".tar.gz"), "tif": (".tif", ".tiff")}


@dataclass(frozen=True)
class Packing:
    """The form in which the official server of a data set takes a submission: the table ``[pack]``.

    Parameters
    ----------
    container : str
        ``zip``, ``tgz`` (a tar compressed by gzip), or ``tif`` (one file, not an archive).
    holds : str
        What a file holds. ``ids``: a PNG of one channel of 8 bits, grey or palette, whose values are ids. ``indexed``:
        the same, with a palette. ``colors``: an RGB TIFF. ``levels``: a grey PNG of levels. ``birdseye``: the same, as
        the road is seen from above. ``stack``: a page of 32-bit floats for each image.
    name : str
        Pattern of the name of each file in the container: ``{key}``, ``{split}`` and ``{task}`` stand for image, split
        and task. Empty for ``tif``.
    file : str
        What the server calls the container; empty where it does not say.
    split : str
        The split the server scores; empty for the default split of the protocol.
    files : int
        How many images that split has, where the protocol does not list it; 0 where not known.
    tasks : tuple of str
        Competitions of the server that take the same form; the first is meant unless another is named.
    images : str
        Pattern of the images of the split, where the layout has none.
    calibration : str
        Pattern of the calibration files, for ``birdseye``.
    """

    container: Container
    holds: Content
    name: str = ""
    file: str = ""
    split: str = ""
    files: int = 0
    tasks: tuple[str, ...] = ()
    images: str = ""
    calibration: str = ""

    def check(self) -> Self:
        """Return the packing itself, if its fields fit each other.

        Returns
        -------
        Packing
            The packing.

        Raises
        ------
        BadParameter
            When a pattern is needed and not there, or a name says nothing of the image or the task.
        """
        patterns = {
            "name": (self.name, self.container != "tif"),
            "images": (self.images, False),
            "calibration": (self.calibration, self.holds == "birdseye"),
        }
        for key, (pattern, needed) in patterns.items():
            if pattern.count("{key}") != 1 and (pattern or needed):
                expected = "a pattern that holds {key} once"
                raise BadParameter(f"table pack, key {key}: {pattern!r}", expected=expected)
        if ("{task}" in self.name) != bool(self.tasks):
            raise BadParameter(f"table pack, key tasks: {len(self.tasks)}", expected="tasks where name holds {task}")
        if (self.container == "tif") != (self.holds == "stack"):
            raise BadParameter(f"table pack, key holds: {self.holds!r} in a {self.container}", expected="stack in tif")
        return self

    def choose_task(self, task: str | None) -> str:
        """Return the task meant.

        Parameters
        ----------
        task : str or None
            Its name; None means the first.

        Returns
        -------
        str
            Its name; empty where there are none.

        Raises
        ------
        BadParameter
            When there is no such task.
        """
        if task is not None and task not in self.tasks:
            raise BadParameter(f"task {task!r}", expected=" | ".join(self.tasks) or "none: the server has one task")
        return task or next(iter(self.tasks), "")

    def member(self, key: str, *, split: str, task: str) -> str:
        """Return the name of the file of the image `key` in the container, for a `split` and a `task`."""
        return self.name.format(key=key, split=split, task=task)
