"""The classes and void ids of a protocol, as its TOML lists them, and what follows from the lists."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.labels import Color, LabelClass, LabelSpace, Region


@dataclass(frozen=True)
class Class:
    """An entry of ``classes``.

    Parameters
    ----------
    id : int
        Value in files.
    name : str
        Name.
    color : color, optional
        Colour in colour-coded files.
    colors : tuple of color
        Further colours that stand for the class.
    group : str, optional
        The category it belongs to.
    thing : bool
        Whether it has instances.
    evaluated : bool
        Whether it is scored.
    train_id : int, optional
        Its number where networks commonly answer in others.
    instance_size : float, optional
        Pixels of an instance, on the average.
    """

    id: int
    name: str
    color: tuple[int, int, int] | None = None
    colors: tuple[tuple[int, int, int], ...] = ()
    group: str | None = None
    thing: bool = False
    evaluated: bool = True
    train_id: int | None = None
    instance_size: float | None = None


@dataclass(frozen=True)
class Void:
    """A table of ``[[void]]``.

    Parameters
    ----------
    id : int
        Value in files.
    name : str
        Name.
    color : color, optional
        Colour in colour-coded files.
    colors : tuple of color
        Further colours that stand for it.
    """

    id: int
    name: str = "void"
    color: tuple[int, int, int] | None = None
    colors: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True)
class Union:
    """A table of ``[[regions]]``.

    Parameters
    ----------
    name : str
        Name.
    ids : tuple of int
        Ids of the classes that it unites.
    """

    name: str
    ids: tuple[int, ...]


#: The classes of a protocol that takes whatever ids there are, before anyone has looked.
UNSEEN = (Class(0, "background"),)


def sized(classes: Sequence[Class], sizes: Mapping[str, float]) -> tuple[Class, ...]:
    """Return classes with the sizes of instances by name, where there are any.

    Parameters
    ----------
    classes : sequence of Class
        The classes.
    sizes : mapping of str to float
        Pixels of an instance on the average, by the name of its class.

    Returns
    -------
    tuple of Class
        The classes; without any sizes, as they are.

    Raises
    ------
    BadParameter
        For a name that no class has.
    """
    unknown = sorted(set(sizes) - {c.name for c in classes})
    if unknown:
        raise BadParameter(f"table instance_sizes, key {unknown[0]}: no such class")
    return tuple(replace(c, instance_size=sizes.get(c.name)) if sizes else c for c in classes)


def label_space(classes: Sequence[Class], void: Sequence[Void], regions: Sequence[Union] = ()) -> LabelSpace:
    """Return the label space of `classes`, `void` and `regions`.

    Parameters
    ----------
    classes : sequence of Class
        The classes, in the order of the data set.
    void : sequence of Void
        The ids without a label.
    regions : sequence of Union
        Unions of classes.

    Returns
    -------
    LabelSpace
        The space.

    Raises
    ------
    BadParameter
        When a name or an id comes twice, no class is evaluated, or a region names an id that is no such class.
    """
    made = tuple(LabelClass(c.name, c.id, c.color, c.group, c.thing, c.evaluated, c.instance_size) for c in classes)
    try:
        return LabelSpace(made, tuple(v.id for v in void), tuple(Region(r.name, r.ids) for r in regions))
    except BadParameter as error:
        raise BadParameter(f"table classes, keys id and name: {error.found}", expected=error.expected) from None


def more_colors(classes: Sequence[Class], void: Sequence[Void]) -> dict[Color, int]:
    """Return the further colours of `classes` and `void`, and the id that each stands for."""
    of_classes = {color: c.id for c in classes for color in c.colors}
    return of_classes | {color: v.id for v in void for color in v.colors}


def train_ids(classes: Sequence[Class]) -> dict[int, int]:
    """Return the id of each train id of `classes`; 255 means the first id without one."""
    ids = {c.train_id: c.id for c in classes if c.train_id is not None}
    without = [c.id for c in classes if c.train_id is None and not c.evaluated]
    return {**ids, 255: without[0]} if ids and without else ids
