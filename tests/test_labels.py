"""Label spaces: what ids mean, and which classes a choice means."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

from segbench.errors import BadParameter, UnknownName
from segbench.labels import LabelClass, LabelSpace

STREET = LabelSpace(
    (
        LabelClass("background", 4),
        LabelClass("road", 7, (128, 64, 128), "flat"),
        LabelClass("parking", 9, group="flat", evaluated=False),
        LabelClass("car", 26, group="vehicle", is_thing=True),
        LabelClass("caravan", 29, group="trailer", evaluated=False),
        LabelClass("pavement", 8, group="flat"),
    ),
    void=(255, 0),
)


def test_rows_are_the_evaluated_classes_and_columns_everything_a_prediction_may_say() -> None:
    assert STREET.names == ("background", "road", "car", "pavement")
    assert [c.id for c in STREET.evaluated] == [4, 7, 26, 8]
    assert STREET.columns == (4, 7, 26, 8, 9, 29, 255, 0)
    assert STREET.void_truth == (9, 29, 255, 0)
    assert set(STREET.columns) == {c.id for c in STREET.classes} | set(STREET.void)


def test_groups_hold_an_evaluated_class_in_order_of_appearance() -> None:
    assert STREET.groups == ("flat", "vehicle")
    assert [STREET.group_of(value) for value in (7, 9, 26, 29, 4, 255, 99)] == [
        *("flat", "flat", "vehicle", "trailer"),
        *(None, None, None),
    ]


@pytest.mark.parametrize(
    ("which", "rows"),
    [
        ("all", (0, 1, 2, 3)),
        ("foreground", (1, 2, 3)),
        ("road", (1,)),
        ("flat", (1, 3)),  # parking is not evaluated
        (("car", "road"), (1, 2)),  # in the order of the space
        (("pavement", "flat", "vehicle"), (1, 2, 3)),  # each once
        (("background",), (0,)),
    ],
)
def test_a_choice_means_rows(which: str | tuple[str, ...], rows: tuple[int, ...]) -> None:
    assert STREET.select(which) == rows


@pytest.mark.parametrize("which", ["raod", ("car", "raod"), ("parking",), "trailer", ("all",), ("foreground",), ""])
def test_a_name_that_is_no_evaluated_class_and_no_group_is_unknown(which: str | tuple[str, ...]) -> None:
    with pytest.raises(UnknownName, match="no class"):
        STREET.select(which)


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(UnknownName, match="'raod'.*did you mean 'road'"):
        STREET.select("raod")
    with pytest.raises(UnknownName, match="'vehicles'.*did you mean 'vehicle'"):
        STREET.select(("vehicles",))


def test_foreground_needs_a_background() -> None:
    with pytest.raises(BadParameter, match="background"):
        LabelSpace.of(3).select("foreground")


def test_a_number_of_classes_is_a_space() -> None:
    space = LabelSpace.of(3)
    assert (space.names, space.columns, space.void) == (("0", "1", "2"), (0, 1, 2), ())
    assert LabelSpace.of(3, void=255).columns == (0, 1, 2, 255)
    assert LabelSpace.of(2, void=(-1, 255)).columns == (0, 1, -1, 255)
    assert LabelSpace.of(2, void=iter([9])).void == (9,)


def test_void_inside_the_numbers_is_no_class() -> None:
    space = LabelSpace.of(4, void=(0, 2))
    assert (space.names, space.columns) == (("1", "3"), (1, 3, 0, 2))


@pytest.mark.parametrize("void", [np.uint8(255), np.int64(255), np.array([255], np.uint8), [np.int32(255)]])
def test_numbers_of_numpy_are_numbers(void: Any) -> None:
    space = LabelSpace.of(np.int64(2), void=void)  # type: ignore[arg-type]
    assert space == LabelSpace.of(2, void=255)
    assert all(type(value) is int for value in space.columns), "a record could not be written as JSON"


def test_void_is_added_to_a_space() -> None:
    assert LabelSpace.of(STREET) is STREET
    assert LabelSpace.of(STREET, void=1).void == (255, 0, 1)
    assert LabelSpace.of(STREET, void=(0, 3)).void == (255, 0, 3)  # each once
    assert LabelSpace.of(STREET, void=1).classes == STREET.classes
    with pytest.raises(BadParameter, match="id 7 twice"):
        LabelSpace.of(STREET, void=7)


@pytest.mark.parametrize(
    ("classes", "void", "found"),
    [
        ((LabelClass("a", 0), LabelClass("a", 1)), (), "class name 'a' twice"),
        ((LabelClass("a", 3), LabelClass("b", 3)), (), "id 3 twice"),
        ((LabelClass("a", 3),), (3,), "id 3 twice"),
        ((LabelClass("a", 3),), (4, 4), "id 4 twice"),
        ((LabelClass("a", 3), LabelClass("b", 3, evaluated=False)), (), "id 3 twice"),
        ((), (255,), "without an evaluated class"),
        ((LabelClass("a", 0, evaluated=False),), (), "without an evaluated class"),
    ],
)
def test_a_space_that_says_something_twice_or_nothing_is_refused(
    classes: tuple[LabelClass, ...], void: tuple[int, ...], found: str
) -> None:
    with pytest.raises(BadParameter, match=found):
        LabelSpace(classes, void)


@pytest.mark.parametrize("n", [0, -1])
def test_no_classes_are_no_space(n: int) -> None:
    with pytest.raises(BadParameter, match="expected at least one"):
        LabelSpace.of(n)
    with pytest.raises(BadParameter, match="expected at least one"):
        LabelSpace.of(1, void=0)


def test_a_space_is_a_value() -> None:
    assert STREET.columns and STREET.groups  # what is cached is no part of the value
    other = pickle.loads(pickle.dumps(STREET))
    assert other == STREET and hash(other) == hash(STREET) and other.columns == STREET.columns
    assert dataclasses.replace(STREET, void=(255,)) != STREET
    with pytest.raises(dataclasses.FrozenInstanceError):
        STREET.void = ()  # type: ignore[misc]
