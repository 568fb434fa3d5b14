"""Encodings: the code of an id is its position in the columns of its space."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from segbench import encoding
from segbench.encoding import LARGEST_SPAN, Encoding
from segbench.errors import BadParameter
from segbench.labels import LabelClass, LabelSpace
from segbench.metrics.confusion import ConfusionTally
from segbench.samples import Sample


def space_of(ids: list[int], void: tuple[int, ...] = (), unscored: tuple[int, ...] = ()) -> LabelSpace:
    return LabelSpace(tuple(LabelClass(str(i), i, evaluated=i not in unscored) for i in ids), void)


SPACES = {
    "from 0": LabelSpace.of(5),
    "void above": LabelSpace.of(21, void=255),
    "void inside": LabelSpace.of(12, void=4),
    "negative void": LabelSpace.of(3, void=-1),
    "gaps and an unscored class": space_of([30, 7, 200, 11], void=(255, 0), unscored=(200,)),
    "beyond a byte": space_of([3, 300, 70000], void=(255, -5)),
    "one id": space_of([9]),
    "one id far away": space_of([2**40]),
    "a full byte": LabelSpace.of(256),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
def test_codes_are_positions_in_the_columns(space: LabelSpace) -> None:
    found = Encoding(space)
    assert found.n_codes == len(space.columns)
    assert found.low == min(space.columns)
    assert found.codes.dtype == np.int32
    assert found.codes.shape == (max(space.columns) - min(space.columns) + 1,)
    assert {found.low + i: c for i, c in enumerate(found.codes.tolist()) if c >= 0} == {
        value: code for code, value in enumerate(space.columns)
    }
    assert set(found.codes.tolist()) <= {-1, *range(found.n_codes)}


@pytest.mark.parametrize("name", ["void above", "void inside", "gaps and an unscored class", "a full byte"])
def test_bytes_and_wider_integers_count_the_same(name: str) -> None:
    space, rng = SPACES[name], np.random.default_rng(6)
    ids = np.array([value for value in space.columns if 0 <= value < 256])
    truth, prediction = rng.choice(ids, (2, 40, 37)).astype(np.uint8)
    tally, states = ConfusionTally(space), []
    for dtypes in (("u1", "u1"), ("i8", "i8"), ("u1", "u2"), ("i4", "u1"), ("f4", "f8")):
        states.append(tally.start())
        sample = Sample((), truth.astype(dtypes[0]), prediction.astype(dtypes[1]))
        tally.count_into(states[-1], [sample])
    assert states[0].counts("table").values.sum() == truth.size
    assert all(state.to_bytes() == states[0].to_bytes() for state in states)


def test_ids_too_far_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadParameter, match=f"ids from 0 to {LARGEST_SPAN}.*at most {LARGEST_SPAN}"):
        _ = Encoding(space_of([0, LARGEST_SPAN])).codes
    monkeypatch.setattr(encoding, "LARGEST_SPAN", 100)
    assert Encoding(space_of([-40, 59])).codes.shape == (100,)
    with pytest.raises(BadParameter, match="ids from -40 to 60"):
        _ = Encoding(space_of([-40, 60])).codes


def test_codes_cannot_be_changed_and_are_made_once() -> None:
    found = Encoding(LabelSpace.of(3, void=255))
    with pytest.raises(ValueError, match="read-only"):
        found.codes[0] = 1
    assert found.codes is found.codes


def test_an_encoding_is_a_value() -> None:
    found = Encoding(LabelSpace.of(3, void=255))
    assert found.codes.size == 256
    other = pickle.loads(pickle.dumps(found))
    assert other == found == Encoding(LabelSpace.of(3, void=255)) != Encoding(LabelSpace.of(3))
    np.testing.assert_array_equal(other.codes, found.codes)
