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
class Region:
    """A union of classes that is scored as if it were one; regions may overlap.

    Parameters
    ----------
    name : str
        Name of the region.
    ids : tuple of int
        Ids of its classes.
    """

    name: str
    ids: tuple[int, ...]


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
    regions : tuple of Region
        Unions of classes that metrics may be asked for by name.
    spurious : tuple of int
        Ids of classes that no truth holds, known only by predictions: one of these counts where a map of an image has
        it, and nowhere else, so that nothing is gained by naming what is not there.

    Raises
    ------
    BadParameter
        When two classes share a name or an id, an id is both class and void, no class is evaluated, or a region has
        the name of another or an id that is no evaluated class.

    Examples
    --------
    >>> space = LabelSpace.of(3, void=255)
    >>> space.names, space.columns
    (('0', '1', '2'), (0, 1, 2, 255))
    """

    classes: tuple[LabelClass, ...]
    void: tuple[int, ...] = ()
    regions: tuple[Region, ...] = ()
    spurious: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _refuse_repeats([*(c.name for c in self.classes), *(r.name for r in self.regions)], "class name")
        _refuse_repeats([*(c.id for c in self.classes), *self.void], "id")
        if not self.evaluated:
            raise BadParameter("a label space without an evaluated class", expected="at least one class")
        known = {c.id for c in self.evaluated}
        for region in self.regions:
            _refuse_repeats([*region.ids], f"region {region.name!r}: id")
            if not region.ids or not known.issuperset(region.ids):
                found = f"region {region.name!r} of the ids {list(region.ids)}"
                raise BadParameter(found, expected="ids of evaluated classes, at least one")

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
            void_ids = tuple(dict.fromkeys((*space.void, *extra)))
            return cls(space.classes, void_ids, space.regions, space.spurious) if extra else space
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

    def is_spurious(self, rows: Iterable[int]) -> bool:
        """Return whether the classes of some `rows` are in predictions alone."""
        return bool(self.spurious) and all(self.evaluated[i].id in self.spurious for i in rows)

    def parts(self, which: str | tuple[str, ...]) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Return the name and the row indices of each class and region that a choice means.

        Parameters
        ----------
        which : str or tuple of str
            As for `select`; beside it ``regions`` (all of them), or names of regions.

        Returns
        -------
        tuple of (str, tuple of int)
            Classes first, then regions, each in the order of the space.

        Raises
        ------
        UnknownName
            For a name that is neither a class, nor a group, nor a region.
        """
        wanted = (which,) if isinstance(which, str) else which
        named = [region for region in self.regions if region.name in wanted or which == "regions"]
        rest = tuple(name for name in wanted if name not in {region.name for region in named} and name != "regions")
        if not named and rest != wanted:
            raise BadParameter("classes=regions in a space without regions")
        chosen = self.select(which if isinstance(which, str) else rest) if rest else ()
        rows = {c.id: i for i, c in enumerate(self.evaluated)}
        return (
            *((self.names[i], (i,)) for i in chosen),
            *((region.name, tuple(sorted(rows[value] for value in region.ids))) for region in named),
        )


def _refuse_repeats(values: list[str] | list[int], what: str) -> None:
    seen: set[str | int] = set()
    for value in values:
        if value in seen:
            raise BadParameter(f"{what} {value!r} twice in one label space", expected="each once")
        seen.add(value)
