"""Parts and states: commutative monoids with a file form, whose sums are exact."""

from __future__ import annotations

import io
import json
import math
import pickle
import sys
from collections.abc import Callable
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segbench.errors import BadParameter
from segbench.metrics.parts import Counts, ExactMeans, ExactSum, Rows
from segbench.metrics.states import STATE_VERSION, State

TINY = 5e-324  # the smallest subnormal
LEAST_NORMAL = sys.float_info.min
HUGE = sys.float_info.max

ADVERSARIAL = {
    "nothing": [],
    "one": [0.1],
    "zeros of both signs": [0.0, -0.0],
    "tenths": [0.1] * 10,
    "lost beside a large number": [1e16, 1.0, -1e16],
    "lost beside the largest number": [HUGE, TINY, -HUGE],
    "cancels to nothing": [1e300, -1e-300, -1e300, 1e-300],
    "cancels to the last bit": [1.0, 2.0**-53, -1.0, 2.0**-1000],
    "half a unit, tied to even": [2.0**53, 1.0],
    "half a unit, and a trace above": [2.0**53, 1.0, TINY],
    "half a unit, and a trace below": [2.0**53, 1.0, -TINY],
    "subnormals": [TINY, 3 * TINY, LEAST_NORMAL, -7 * TINY, LEAST_NORMAL / 2],
    "subnormal result": [LEAST_NORMAL, -LEAST_NORMAL + TINY],
    "largest number reached": [HUGE / 2, HUGE / 2, -1.0],
    "negative": [-0.1, -0.2, -0.3, -1e-17],
    "thirds of ones": [n / 3 for n in range(1, 200)],
}


def summed(values: list[float]) -> ExactSum:
    total = ExactSum()
    for value in values:
        total.add(value)
    return total


def wild(rng: np.random.Generator, n: int) -> list[float]:
    """Numbers of every size, half of them with a near twin of the other sign."""
    scale = rng.integers(-1074, 1000, n)
    values = [math.ldexp(float(rng.uniform(-1, 1)), int(e)) for e in scale]
    return values + [-v * (1 + 2.0**-52) for v in values[: n // 2]]


@pytest.mark.parametrize("values", ADVERSARIAL.values(), ids=ADVERSARIAL.keys())
def test_exact_sum_equals_fsum_on_hard_lists(values: list[float]) -> None:
    assert summed(values).sum() == math.fsum(values)
    assert summed(values[::-1]).sum() == math.fsum(values)


def test_exact_sum_equals_fsum_on_random_lists() -> None:
    rng = np.random.default_rng(20)
    for case in range(500):
        values = wild(rng, int(rng.integers(1, 60)))
        assert summed(values).sum() == math.fsum(values), f"seed 20, case {case}"


@settings(derandomize=True, database=None, max_examples=300)
@given(st.lists(st.floats(-1e300, 1e300), max_size=40))
def test_exact_sum_equals_fsum_on_any_list(values: list[float]) -> None:
    total = summed(values)
    assert total.sum() == math.fsum(values)
    if values:
        assert total.mean() == math.fsum(values) / len(values)


def test_a_sum_beyond_the_doubles_is_an_overflow_as_in_fsum() -> None:
    with pytest.raises(OverflowError):
        math.fsum([HUGE, HUGE])
    with pytest.raises(OverflowError):
        summed([HUGE, HUGE]).sum()
    # On the way to a finite sum nothing overflows, where fsum would give up.
    assert summed([HUGE, HUGE, -HUGE]).sum() == HUGE


def test_exact_sum_has_no_order_and_no_grouping() -> None:
    rng = np.random.default_rng(21)
    for case in range(100):
        values = wild(rng, 40)
        expected = summed(values)
        rng.shuffle(values)
        cuts = sorted(rng.integers(0, len(values), 3).tolist())
        parts = [summed(values[a:b]) for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True)]
        rng.shuffle(parts)  # type: ignore[arg-type]
        assert reduce(ExactSum.merge, parts) == expected, f"seed 21, case {case}"


def test_an_exact_sum_of_fractions_stays_small() -> None:
    rng = np.random.default_rng(22)
    total = summed([*rng.random(2000).tolist(), TINY, 1.0, 0.0])
    for _ in range(40):  # the sum of 2e15 numbers
        total = total.merge(total)
    assert total.added == 2003 * 2**40
    assert sys.getsizeof(total.scaled) <= 300


def test_the_mean_of_nothing_or_of_something_undefined_is_undefined() -> None:
    assert math.isnan(ExactSum().mean())
    assert math.isnan(summed([1.0, math.nan]).mean())
    assert summed([1.0, math.nan]).added == 2
    merged = summed([0.5]).merge(summed([math.nan]))
    assert math.isnan(merged.mean()) and merged.sum() == 0.5


def test_exact_means_leave_none_out_and_keep_nan() -> None:
    means = ExactMeans.zeros(3)
    means.add([0.25, None, math.nan])
    means.add([None, None, 0.5])
    means.add([0.75, None, None])
    assert means.sums[0].mean() == 0.5  # (0.25 + 0.75) / 2: None is no zero
    assert means.sums[1].added == 0 and math.isnan(means.sums[1].mean())
    assert means.sums[2].added == 2 and math.isnan(means.sums[2].mean())


def random_state(rng: np.random.Generator, shard: int) -> State:
    """Everything a state can hold, as one shard of a run counts it; shards have images of their own."""
    counts = Counts.zeros(3, 4)
    rows = Rows(("image", "index"))
    means = ExactMeans.zeros(2)
    for image in range(int(rng.integers(0, 4))):
        counts.add(rng.integers(0, 2**40, (3, 4)))
        n = int(rng.integers(0, 5))
        rows.add(
            image=np.array([f"{'x' * shard}{image}"] * n, np.str_),
            index=rng.permutation(n),
            score=rng.choice([0.1, 0.5, 0.9], n),
        )
        means.add([float(rng.random()), None if rng.random() < 0.3 else float(rng.random())])
    return State({"table": counts, "detections": rows, "mean_iou(pool=image)": means})


def shards(seed: int) -> list[State]:
    rng = np.random.default_rng(seed)
    return [random_state(rng, shard) for shard in range(5)]


EMPTY = State(
    {
        "detections": Rows(("image", "index")),
        "mean_iou(pool=image)": ExactMeans.zeros(2),
        "table": Counts.zeros(3, 4),
    }
)
SEEDS = range(30, 60)


def same(one: State, other: State) -> bool:
    return one == other and one.to_bytes() == other.to_bytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_merge_is_commutative_associative_and_has_an_identity(seed: int) -> None:
    a, b, c, *_ = shards(seed)
    before = [state.to_bytes() for state in (a, b, c)]
    assert same(a.merge(b), b.merge(a))
    assert same(a.merge(b).merge(c), a.merge(b.merge(c)))
    assert same(a.merge(EMPTY), a) and same(EMPTY.merge(a), a)
    assert [state.to_bytes() for state in (a, b, c)] == before, "a merge changed what it merged"


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_states_have_equal_bytes_whatever_the_order(seed: int) -> None:
    parts = shards(seed)
    expected = reduce(State.merge, parts)
    rng = np.random.default_rng(seed)
    while len(parts) > 1:  # a random tree of merges
        i, j = rng.permutation(len(parts))[:2]
        merged = parts[i].merge(parts[j])
        parts = [part for k, part in enumerate(parts) if k not in (i, j)] + [merged]
    assert same(parts[0], expected)


def test_states_that_differ_are_unequal() -> None:
    state = next(s for s in (random_state(np.random.default_rng(n), 1) for n in range(9)) if s != EMPTY)
    for name in state.parts:
        other = State({**state.parts, name: EMPTY.parts[name]})
        assert state != other and state.to_bytes() != other.to_bytes(), name


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "copy",
    [lambda s: State.from_bytes(s.to_bytes()), lambda s: pickle.loads(pickle.dumps(s))],
    ids=["file form", "pickle"],
)
def test_a_copy_is_equal_and_goes_on_counting(seed: int, copy: Callable[[State], State]) -> None:
    state, other, *_ = shards(seed)
    copied = copy(state)
    assert same(copied, state)
    assert same(copied.merge(other), state.merge(other))
    for counted in (state, copied):
        counted.counts("table").add(np.ones((3, 4), np.int64))
        counted.means("mean_iou(pool=image)").add([0.1, math.nan])
        counted.rows("detections").add(image=np.array(["z"]), index=np.array([0]), score=np.array([0.3]))
    assert same(copied, state)


def test_the_file_form_keeps_more_than_ten_parts_apart() -> None:
    state = State({f"part {i}": Counts(np.full((2,), i, np.int64)) for i in range(25)})
    assert State.from_bytes(state.to_bytes()) == state


def test_the_file_form_keeps_every_kind_of_sum() -> None:
    means = ExactMeans((summed([-1.5, TINY]), summed([HUGE, HUGE]), summed([]), summed([math.nan])))
    state = State({"means": means, "none": ExactMeans.zeros(0)})
    assert State.from_bytes(state.to_bytes()) == state


def test_equal_counts_have_equal_bytes_whatever_their_memory() -> None:
    values = np.arange(12, dtype=np.int64).reshape(3, 4)
    by_row, by_column = State({"t": Counts(values)}), State({"t": Counts(np.asfortranarray(values))})
    assert by_row == by_column and by_row.to_bytes() == by_column.to_bytes()


def test_rows_are_read_in_the_order_of_their_keys() -> None:
    rows = Rows(("image", "index"))
    rows.add(image=np.array(["b", "a"]), index=np.array([0, 1]), score=np.array([0.3, 0.2]))
    rows.add(image=np.array(["a", "ab"]), index=np.array([0, 0]), score=np.array([0.1, 0.4]))
    columns = {name: column.tolist() for name, column in rows.columns().items()}
    assert columns == {"image": ["a", "a", "ab", "b"], "index": [0, 1, 0, 0], "score": [0.1, 0.2, 0.4, 0.3]}


def test_rows_refuse_columns_of_unequal_length() -> None:
    with pytest.raises(BadParameter, match="unequal length"):
        Rows(("image",)).add(image=np.array(["a"]), score=np.array([0.1, 0.2]))


def test_rows_refuse_a_block_with_other_columns() -> None:
    rows = Rows(("image",))
    rows.add(image=np.array(["a"]), score=np.array([0.1]))
    for columns in ({"image": np.array(["b"])}, {"image": np.array(["b"]), "score": np.ones(1), "hit": np.ones(1)}):
        with pytest.raises(BadParameter, match="columns"):
            rows.add(**columns)
        other = Rows(("image",), [columns])
        for one, two in ((rows, other), (other, rows)):
            with pytest.raises(BadParameter, match="columns"):
                one.merge(two)


MISMATCHES = {
    "another shape": (Counts.zeros(3, 4), Counts.zeros(4, 4)),
    "a shape that would broadcast": (Counts.zeros(3, 4), Counts.zeros(1, 4)),
    "fewer axes": (Counts.zeros(3, 4), Counts.zeros(4)),
    "other keys": (Rows(("image",)), Rows(("image", "index"))),
    "the keys in another order": (Rows(("index", "image")), Rows(("image", "index"))),
    "another number of sums": (ExactMeans.zeros(2), ExactMeans.zeros(3)),
    "counts and rows": (Counts.zeros(2), Rows(("image",))),
    "rows and means": (Rows(("image",)), ExactMeans.zeros(1)),
    "means and counts": (ExactMeans.zeros(1), Counts.zeros(1)),
}


@pytest.mark.parametrize(("mine", "other"), MISMATCHES.values(), ids=MISMATCHES.keys())
def test_parts_that_do_not_match_are_refused_both_ways(
    mine: Counts | Rows | ExactMeans, other: Counts | Rows | ExactMeans
) -> None:
    for one, two in ((mine, other), (other, mine)):
        with pytest.raises(BadParameter):
            State({"part": one}).merge(State({"part": two}))


def test_states_with_other_parts_are_refused_by_name() -> None:
    with pytest.raises(BadParameter, match=r"\['a'\].*\['a', 'b'\]"):
        State({"a": Counts.zeros(1)}).merge(State({"a": Counts.zeros(1), "b": Counts.zeros(1)}))


def test_a_part_is_read_as_what_it_is() -> None:
    state = State({"table": Counts.zeros(1), "rows": Rows(("image",)), "means": ExactMeans.zeros(1)})
    readers = {"table": state.counts, "rows": state.rows, "means": state.means}
    for name, read in readers.items():
        assert read(name) is state.parts[name]
        for other in state.parts.keys() - {name}:
            with pytest.raises(BadParameter, match="expected"):
                read(other)


def test_a_state_of_another_version_is_refused() -> None:
    with np.load(io.BytesIO(EMPTY.to_bytes())) as members:
        arrays = {name: members[name] for name in members.files}
    header = json.loads(arrays["header"].tobytes())
    assert header["version"] == STATE_VERSION
    header["version"] = STATE_VERSION + 1
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    with pytest.raises(BadParameter, match=f"version {STATE_VERSION + 1}.*expected version {STATE_VERSION}"):
        State.from_bytes(file.getvalue())
