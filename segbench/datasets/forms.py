"""What the prediction of a case may be made of: one volume, its slices, or several views of it (``--input``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from segbench.datasets.files import normal
from segbench.errors import BadParameter
from segbench.frozen import dataclass

#: How the forms are written, for messages.
WRITTEN = (
    "slices(axis=2)",
    "fused(vote,3)",
    "fused(mean,3)",
    "fused(vote,slices(axis=0),slices(axis=1),slices(axis=2))",
)

#: Views of a case at most.
_MOST_VIEWS = 64

#: Files that a view of slices may have for each case, on average: four times the slices of a whole body at 1 mm.
_MOST_SLICES = 1 << 13

_AXIS = r"slices\(axis=([0-9]{1,9})\)"
_FUSED = rf"fused\((vote|mean),(?:([0-9]{{1,9}})|({_AXIS}(?:,{_AXIS})*))\)"
#: A case, then the last number of the name, which may be called a slice; the word is no part of the case.
_SLICE = r"(.+?)[/_-](?:[Ss]lice[_-]?)?([0-9]{1,9})"


class Piece(NamedTuple):
    """What the name of a file says of its place in a submission.

    Parameters
    ----------
    view : str
        The view it belongs to; empty where a case has only one.
    key : str
        The case, in the form names are compared in.
    number : int
        That of the slice; 0 for a volume.
    """

    view: str
    key: str
    number: int


class Parts(str):
    """Several files that make up the prediction of a case; as text, what messages call them together.

    Parameters
    ----------
    name : str
        The text.
    views : sequence of mapping of int to str
        For each view, in the order of their names, its files by the number of the slice; 0 for a volume.
    """

    __slots__ = ("views",)
    views: Sequence[Mapping[int, str]]

    def __new__(cls, name: str, views: Sequence[Mapping[int, str]]) -> Parts:
        """Make one; text is fixed before `__init__`."""
        made = super().__new__(cls, name)
        made.views = views
        return made

    def __getnewargs__(self) -> tuple[str, Sequence[Mapping[int, str]]]:  # type: ignore[override]
        """Return what it is made anew of in another process."""
        return str(self), self.views


@dataclass(frozen=True)
class Form:
    """How the prediction of a case is put together.

    Parameters
    ----------
    rule : {"", "vote", "mean"}
        How the views of a case are fused; empty where there is one view.
    axes : tuple of int or None
        For each view the axis of the truth's array along which it is cut into slices; None where it is one volume.
    """

    rule: str = ""
    axes: tuple[int | None, ...] = (None,)

    @classmethod
    def parse(cls, text: str) -> Form:
        """Read a form.

        Parameters
        ----------
        text : str
            ``slices(axis=2)``, ``fused(vote,3)``, ``fused(mean,3)``, or ``fused(vote,slices(axis=0),…)`` with an axis
            for each view. Blanks are passed over.

        Returns
        -------
        Form
            The form.

        Raises
        ------
        BadParameter
            When it is malformed, an axis is none of 0, 1, 2, there are too few or many views, or slices are to be
            averaged.
        """
        packed = re.sub(r"\s", "", text)
        single, fused = re.fullmatch(_AXIS, packed), re.fullmatch(_FUSED, packed)
        if single is not None:
            return cls("", (_axis(text, single[1]),))
        if fused is None:
            raise BadParameter(f"input {text!r}", expected=" | ".join(WRITTEN))
        rule, count, listed = fused[1], fused[2], fused[3]
        n_views = int(count) if count else listed.count("slices")
        if not 2 <= n_views <= _MOST_VIEWS:
            raise BadParameter(f"input {text!r}: {n_views} views", expected=f"2 to {_MOST_VIEWS}")
        if count:
            return cls(rule, (None,) * n_views)
        if rule == "mean":
            mend = "average probabilities in NIfTI volumes: fused(mean,3)"
            raise BadParameter(f"input {text!r}: a mean of labels", expected="a vote", mend=mend)
        return cls(rule, tuple(_axis(text, axis) for axis in re.findall(r"=([0-9]+)", listed)))

    def __str__(self) -> str:
        slices = [f"slices(axis={axis})" for axis in self.axes if axis is not None]
        if not self.rule:
            return slices[0] if slices else "ids"
        return f"fused({self.rule},{','.join(slices) or len(self.axes)})"

    @property
    def is_single(self) -> bool:
        """Whether each case is one file."""
        return not self.rule and not self.has_slices

    @property
    def has_slices(self) -> bool:
        """Whether files are slices."""
        return self.axes[0] is not None

    @property
    def most_files(self) -> int:
        """Files that an archive may hold for each case."""
        return len(self.axes) * (_MOST_SLICES if self.has_slices else 4)

    def piece(self, path: str) -> Piece | None:
        """Return what the name of a file says.

        Parameters
        ----------
        path : str
            The path with ``/``, without the folders that wrap the submission.

        Returns
        -------
        Piece or None
            Its place; None where the name says none. A view is the first folder. The number of a slice is the last
            of the name, behind ``/``, ``_`` or ``-`` and perhaps the word slice: ``CASE/012.png``,
            ``CASE_012.png``, ``CASE-012.png``, ``CASE_slice012.png``.
        """
        view, slash, rest = path.partition("/") if self.rule else ("", "/", path)
        stem = (rest[:-3] if rest.lower().endswith(".gz") else rest).rpartition(".")[0] if slash else ""
        if not self.has_slices:
            return Piece(view, normal(stem), 0) if stem else None
        match = re.fullmatch(_SLICE, stem, re.DOTALL)
        return Piece(view, normal(match[1]), int(match[2])) if match else None

    def names(self, key: str, view: str = "VIEW") -> tuple[str, ...]:
        """Return how the files of a case are usually named; of slices the first."""
        folder = f"{view}/" if self.rule else ""
        if not self.has_slices:
            return (f"{folder}{key}.nii.gz",)
        return (f"{folder}{key}/000.png", f"{folder}{key}_000.png")


#: A file for each case.
SINGLE = Form()


def _axis(text: str, axis: str) -> int:
    if int(axis) > 2:
        raise BadParameter(f"input {text!r}: axis {int(axis)}", expected="0, 1 or 2, an axis of the truth's array")
    return int(axis)
