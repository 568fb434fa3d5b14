"""What the values of a label map mean: classes, their ids, and void.

An *index* is a position in the space; an *id* is a value in a file. The two never mix.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import cached_property
from typing import TypeAlias

from segbench.errors import BadParameter, UnknownName, did_you_mean
from segbench.frozen import dataclass

Color: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class LabelClass:
    """One class of a label space.

    Parameters
    ----------
    name : str
        Name as the data set writes it.
    id : int
        Value in label files.
    color : (int, int, int), optional
        Colour in colour-coded files, red, green, blue in 0…255.
    group : str, optional
        Category the class belongs to.
    is_thing : bool
        Whether its instances are counted one by one.
    evaluated : bool
        False for classes that a prediction may hold but that are void in the truth.
    instance_size : float, optional
        Average size of an instance in pixels, for instance-weighted metrics.
    """

    name: str
    id: int
    color: Color | None = None
    group: str | None = None
    is_thing: bool = False
    evaluated: bool = True
    instance_size: float | None = None


@dataclass(frozen=True)
class LabelSpace:
    """The ordered classes of a data set and its void ids.

    Rows of a confusion table are the `evaluated` classes. Its columns are the same classes, then the classes that
    are not evaluated, then the void ids: everything a prediction may say.

    Parameters
    ----------
    classes : tuple of LabelClass
        In the order of the data set.
    void : tuple of int
        Ids that mean "no label".

    Raises
    ------
    BadParameter
        When two classes share a name or an id, an id is both class and void, or no class is evaluated.

    Examples
    --------
    >>> space = LabelSpace.of(3, void=255)
    >>> space.names, space.columns
    (('0', '1', '2'), (0, 1, 2, 255))
    """

    classes: tuple[LabelClass, ...]
    void: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _refuse_repeats([c.name for c in self.classes], "class name")
        _refuse_repeats([*(c.id for c in self.classes), *self.void], "id")
        if not self.evaluated:
            raise BadParameter("a label space without an evaluated class", expected="at least one class")

    @classmethod
    def of(cls, space: LabelSpace | int, *, void: int | Iterable[int] = ()) -> LabelSpace:
        """Return a space for the ids 0…K−1, or the given space with more void ids.

        Parameters
        ----------
        space : LabelSpace or int
            A space, or the number of classes K.
        void : int or iterable of int
            Ids without a label, none by default.

        Returns
        -------
        LabelSpace
            The space.

        Raises
        ------
        BadParameter
            For less than one class, or a void id that is a class of the space.
        """
        # By operator.index also for the integers of NumPy, which JSON would not write.
        listed = void if isinstance(void, Iterable) else (void,)
        extra = tuple(operator.index(value) for value in listed)
        if isinstance(space, LabelSpace):
            return space if not extra else cls(space.classes, tuple(dict.fromkeys((*space.void, *extra))))
        if (n := operator.index(space)) < 1:
            raise BadParameter(f"{n} classes", expected="at least one")
        return cls(tuple(LabelClass(str(i), i) for i in range(n) if i not in extra), extra)

    @cached_property
    def evaluated(self) -> tuple[LabelClass, ...]:
        """The classes that are scored: the rows of a table."""
        return tuple(c for c in self.classes if c.evaluated)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the evaluated classes."""
        return tuple(c.name for c in self.evaluated)

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Ids a prediction may hold: evaluated classes, other classes, void ids."""
        others = (c.id for c in self.classes if not c.evaluated)
        return (*(c.id for c in self.evaluated), *others, *self.void)

    @cached_property
    def void_truth(self) -> tuple[int, ...]:
        """Ids whose truth pixels are not scored: void, and classes that are not evaluated."""
        return self.columns[len(self.evaluated) :]

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Groups that hold an evaluated class, in order of appearance."""
        return tuple(dict.fromkeys(c.group for c in self.evaluated if c.group is not None))

    def group_of(self, value: int) -> str | None:
        """Return the group of the class with the id `value`, evaluated or not; None for void."""
        return next((c.group for c in self.classes if c.id == value), None)

    def select(self, which: str | tuple[str, ...]) -> tuple[int, ...]:
        """Return the row indices that a choice of classes means.

        Parameters
        ----------
        which : str or tuple of str
            ``all``, ``foreground`` (all but the class named background), or names of classes or groups.

        Returns
        -------
        tuple of int
            Row indices in the order of the space.

        Raises
        ------
        UnknownName
            For a name that is neither a class nor a group.
        """
        if which == "all":
            return tuple(range(len(self.evaluated)))
        if which == "foreground":
            if "background" not in self.names:
                raise BadParameter("classes=foreground in a space without a class named 'background'")
            return tuple(i for i, name in enumerate(self.names) if name != "background")
        wanted = (which,) if isinstance(which, str) else which
        for name in wanted:
            if name not in self.names and name not in self.groups:
                raise UnknownName(f"no class {name!r}", mend=did_you_mean(name, (*self.names, *self.groups)))
        return tuple(i for i, c in enumerate(self.evaluated) if c.name in wanted or c.group in wanted)


def _refuse_repeats(values: list[str] | list[int], what: str) -> None:
    seen: set[str | int] = set()
    for value in values:
        if value in seen:
            raise BadParameter(f"{what} {value!r} twice in one label space", expected="each once")
        seen.add(value)
