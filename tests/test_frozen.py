"""The dataclasses of the package behave as those of the standard library."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import field
from functools import cached_property

import pytest

from segbench.frozen import dataclass


@dataclass(frozen=True)
class Ours:
    """A class of ours."""

    a: int
    b: str = "x"
    c: int = field(default=0, compare=False, repr=False)
    d: int = field(init=False, default=7)

    @cached_property
    def twice(self) -> int:
        return 2 * self.a


@dataclass(frozen=True)
class OursBelow(Ours):
    """Inherits from a class of ours."""

    e: float = 0.5


@dataclasses.dataclass(frozen=True)
class TheirsBelow(Ours):
    """One of the standard library that inherits from a class of ours."""

    e: float = 0.5


@dataclass(frozen=True)
class OwnEquality:
    """Says itself what is equal."""

    a: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnEquality)


Theirs = dataclasses.make_dataclass(
    "Ours",
    [
        ("a", int),
        ("b", str, "x"),
        ("c", int, field(default=0, compare=False, repr=False)),
        ("d", int, field(init=False, default=7)),
    ],
    frozen=True,
)


@pytest.mark.parametrize("arguments", [(1,), (1, "y"), (2, "x", 5)])
def test_as_the_standard_library_writes_them(arguments: tuple[object, ...]) -> None:
    ours, theirs = Ours(*arguments), Theirs(*arguments)
    assert repr(ours) == repr(theirs)
    assert hash(ours) == hash(theirs)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert ours == Ours(*arguments)
    assert ours != theirs
    assert ours != Ours(9)
    assert pickle.loads(pickle.dumps(ours)) == ours


def test_what_does_not_compare() -> None:
    assert Ours(1, c=1) == Ours(1, c=2)
    assert hash(Ours(1, c=1)) == hash(Ours(1, c=2))


@pytest.mark.parametrize("cls", [Ours, OursBelow, TheirsBelow])
def test_frozen(cls: type[Ours]) -> None:
    value = cls(1)
    for name in ("a", "d", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, 3)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(value, name)
    assert value.twice == 2
    assert dataclasses.replace(value, a=4).twice == 8
    assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_only_what_is_frozen_inherits() -> None:
    with pytest.raises(TypeError, match="non-frozen"):

        @dataclasses.dataclass
        class Loose(Ours):
            f: int = 0


def test_inherited_fields() -> None:
    assert [f.name for f in dataclasses.fields(OursBelow)] == ["a", "b", "c", "d", "e"]
    assert OursBelow(1) != Ours(1)
    assert repr(OursBelow(1)) == "OursBelow(a=1, b='x', d=7, e=0.5)"


def test_an_equality_of_ones_own() -> None:
    assert OwnEquality(1) == OwnEquality(2)
    assert hash(OwnEquality(1)) == hash((1,))
