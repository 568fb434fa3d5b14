"""The membrane scores against the reference of ISBI 2012, and the laws of their states."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segbench.errors import BadParameter, DatasetError, ShapeMismatch, StrayLabel
from segbench.labels import LabelClass, LabelSpace
from segbench.metrics.base import Content
from segbench.metrics.cells import THRESHOLDS, Shares, SliceScores
from segbench.metrics.membrane import METRICS, MembraneTally, VInfo, VRand, as_probabilities
from segbench.metrics.states import State
from segbench.samples import Sample
from tests.oracles import isbi2012

SPACE = LabelSpace((LabelClass("membrane", 0), LabelClass("inside", 255)))
TALLY = MembraneTally(SPACE)
SLICE = np.array([[255, 255, 0, 255, 255]], np.uint8)


def counted(truth: np.ndarray, prediction: np.ndarray | None) -> tuple[State, Content]:
    state = TALLY.start()
    return state, TALLY.count_one(state, Sample(("a",), truth, prediction))


def stacks(seed: int, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Truths and 32-bit predictions: related, unrelated, on the thresholds, of two values, and of one kind of pixel."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        size = (
            int(rng.integers(1, 4)),
            *(int(n) for n in rng.integers(*((33, 60), (1, 8), (33, 60), (8, 33))[i % 4], 2)),
        )
        truth = np.stack([smooth(rng, size[1:]) > 0.35 for _ in range(size[0])])
        truth[rng.random(size[0]) < 0.1] = rng.random() < 0.5
        prediction = truth * 0.6 + rng.random(size) * 0.4 if rng.random() < 0.6 else rng.random(size)
        style = i % 5
        if style == 1:
            prediction = np.round(prediction, 1)  # values beside the thresholds
        elif style == 2:
            prediction = np.round(prediction)
        elif style == 3:
            prediction[rng.integers(size[0])] = rng.choice([0, 1])
        elif style == 4:
            prediction = np.stack([smooth(rng, size[1:]) for _ in range(size[0])])
        yield truth.astype(np.uint8) * 255, prediction.astype(np.float32)


def smooth(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Cells with soft borders, from 0 to 1."""
    y, x = np.indices(size)
    waves = [np.cos(rng.normal(0, 0.5) * x + rng.normal(0, 0.5) * y + rng.uniform(0, 7)) for _ in range(5)]
    return np.minimum(np.abs(sum(waves)) / 2, 1)


def hold(truth: np.ndarray, prediction: np.ndarray) -> isbi2012.MembraneResult:
    """Assert that every slice has the bits of the reference at every threshold, and the scores follow from them."""
    expected = isbi2012.evaluate(truth, prediction)
    state, content = counted(truth, prediction)
    assert list(THRESHOLDS) == expected["thresholds"]
    for metric in (VRand(), VInfo()):
        by_threshold = [[getattr(one, metric.name) for one in row] for row in expected["slices"]]
        by_slice = [list(row) for row in zip(*by_threshold, strict=True)]
        assert content[metric.name] == [[None if math.isnan(v) else v for v in row] for row in by_slice]
        means = [math.nan if any(map(math.isnan, row)) else math.fsum(row) / len(row) for row in by_threshold]
        score = metric.compute(state, SPACE)
        assert list(score.per_class) == ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
        assert np.array_equal(list(score.per_class.values()), means, equal_nan=True)
        assert (score.value, metric.best(state)[1]) == isbi2012.best(means, expected["thresholds"])
        # The one difference: n numbers up to 1 are added there with n - 1 roundings, each of half an ulp of at most n,
        # and the quotient is rounded on both sides.
        assert abs(score.value - expected[metric.name]) <= (len(truth) + 1) * 2.0**-53
    return expected


@pytest.mark.parametrize("seed", range(4))
def test_random_stacks(seed: int) -> None:
    for truth, prediction in stacks(seed, 20):
        hold(truth, prediction)


def test_the_stacks_reach_every_rule() -> None:
    found = [counted(truth, prediction)[1] for truth, prediction in itertools.chain(stacks(0, 20), stacks(1, 20))]
    numbers = [
        (r, i) for c in found for rows in zip(c["v_rand"], c["v_info"], strict=True) for r, i in zip(*rows, strict=True)
    ]
    assert any(rand == 0 for rand, _ in numbers)  # no true cell
    assert any(rand == 1 for rand, _ in numbers)
    assert any(info == 0 and rand > 0 for rand, info in numbers)  # one cell
    assert len({number for number in numbers if 0 < number[0] < 1}) > 200
    assert any(min(c["shape"][1:]) == 1 for c in found) and sum(min(c["shape"][1:]) > 32 for c in found) == 20
    # The best threshold is not always the first.
    assert len({VRand().best(counted(*pair)[0])[1] for pair in stacks(0, 20)}) > 4


def test_information_by_hand() -> None:
    # Two true columns, two predicted rows with a line between: n = 6, p = 1/6 four times, q = 1/3.
    truth = np.array([[255, 0, 255]] * 3, np.uint8)
    prediction = np.array([[1, 1, 1], [0, 0, 0], [1, 1, 1]], np.float32)
    # H(T) = ln 2. H(S) = 2/3 ln 3 + 1/3 ln 6. SAB = 2/3 ln 1/6 - 1/3 ln 6, so I = SAB + H(T) + H(S) = 1/3 ln 2.
    h_truth, h_prediction = math.log(2), (2 * math.log(3) + math.log(6)) / 3
    expected = 2 * (math.log(2) / 3) / (h_truth + h_prediction)
    assert VInfo().compute(counted(truth, prediction)[0], SPACE).value == pytest.approx(expected, abs=1e-15)
    # AB = 4/36 + 2/36 = 6/36, A = 2/4 = 18/36, B = 2/9 + 2/36 = 10/36: V = 2 · 6 / 28.
    assert VRand().compute(counted(truth, prediction)[0], SPACE).value == pytest.approx(12 / 28, abs=1e-15)


def test_an_undefined_slice_makes_the_threshold_lose() -> None:
    # Precision and recall cannot both be 0 while predicted cells are parted by lines: a line tells its pixels apart.
    state, content = counted(SLICE, SLICE)
    undefined = TALLY.start()
    TALLY.add_record(undefined, content | {"v_info": [[None, 0.25, *[0.125] * 9]]})
    score = VInfo().compute(undefined, SPACE)
    assert (score.value, VInfo().best(undefined)) == (0.25, (0.25, THRESHOLDS[1]))
    assert math.isnan(score.per_class["0.0"])
    assert math.isnan(VInfo().compute(undefined.merge(state), SPACE).per_class["0.0"])
    assert math.isnan(Shares.of(np.array([[1, 1, 1], [1, 2, 1], [2, 1, 1], [2, 2, 1]])).v_info())


def test_where_no_threshold_is_defined_the_score_is_zero() -> None:
    state, content = counted(SLICE, SLICE)
    TALLY.add_record(state, content | {"v_info": [[None] * 11]})
    assert VInfo().best(state) == (0.0, 0.0)
    assert VInfo().compute(state, SPACE).value == 0.0


def test_of_equal_thresholds_the_first_wins() -> None:
    state, _ = counted(SLICE, SLICE)
    assert VRand().best(state) == VInfo().best(state) == (1.0, 0.0)
    state, _ = counted(SLICE, np.where(SLICE == 0, 0.35, 1.0))
    assert VRand().best(state) == (1.0, THRESHOLDS[4])


def test_nothing_counted_is_undefined() -> None:
    assert math.isnan(VRand().compute(TALLY.start(), SPACE).value)


# States.


@pytest.mark.parametrize("seed", range(3))
def test_any_split_of_slices_gives_the_same_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [(t, p) for truth, prediction in stacks(seed, 5) for t, p in zip(truth, prediction, strict=True)]
    whole, records = TALLY.start(), []
    for truth, prediction in stacks(seed, 5):
        records.append(TALLY.count_one(whole, Sample(("a",), truth, prediction)))
    order = rng.permutation(len(pairs))
    parts = [TALLY.start() for _ in range(3)]
    for i in order:
        TALLY.count_one(parts[rng.integers(3)], Sample((str(i),), *pairs[i]))
    assert parts[0].merge(parts[1]).merge(parts[2]).to_bytes() == whole.to_bytes()
    assert parts[2].merge(parts[1].merge(parts[0])).to_bytes() == whole.to_bytes()
    again = TALLY.start()
    for record in reversed(records):
        TALLY.add_record(again, json.loads(json.dumps(record)))
    assert again.to_bytes() == whole.to_bytes() == State.from_bytes(whole.to_bytes()).to_bytes()


def test_a_record_holds_the_pixels_of_true_cells() -> None:
    truth = np.array([[[255, 255, 0], [0, 0, 0], [0, 255, 0]], [[0] * 3] * 3], np.uint8)
    content = counted(truth, truth)[1]
    assert (content["shape"], content["truth"]) == ([2, 3, 3], [[2, 1], []])
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_a_slice_is_a_stack_of_one() -> None:
    truth, prediction = next(stacks(5, 1))
    flat, stack = counted(truth[0], prediction[0])[0], counted(truth[:1], prediction[:1])[0]
    assert flat.to_bytes() == stack.to_bytes()


def test_a_faulty_sample_is_not_counted() -> None:
    state = TALLY.start()
    with pytest.raises(StrayLabel):
        TALLY.count_one(state, Sample(("a",), np.stack([SLICE] * 2), np.stack([SLICE / 255, SLICE.astype(float)])))
    assert state.to_bytes() == TALLY.start().to_bytes()


# What a prediction may be.


def test_a_missing_prediction_is_probability_zero() -> None:
    truth, prediction = next(stacks(6, 1))
    assert counted(truth, None)[0].to_bytes() == counted(truth, np.zeros_like(prediction))[0].to_bytes()


def test_bytes_are_divided_by_255_in_32_bits() -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    assert as_probabilities(levels).dtype == np.float32
    assert as_probabilities(levels).tolist() == [[float(np.float32(v) / np.float32(255)) for v in range(256)]]
    # 51 / 255 = 0.2 is above the threshold 0.2, as 0.2 in 32 bits is; 178.5 / 255 = 0.7 lies between two levels.
    assert float(as_probabilities(levels)[0, 51]) > THRESHOLDS[2]
    truth, prediction = next(stacks(7, 1))
    levels = (prediction * 255).astype(np.uint8)
    hold(truth, as_probabilities(levels))
    assert counted(truth, levels)[1] == counted(truth, as_probabilities(levels))[1]


def test_doubles_and_booleans_become_32_bit_probabilities() -> None:
    truth, prediction = next(stacks(8, 1))
    assert counted(truth, prediction.astype(np.float64))[1] == counted(truth, prediction)[1]
    # 0.7 lies below the threshold in 32 bits and on it in 64; 0.3 is above it in 32.
    assert as_probabilities([[0.7, 0.3]]).astype(np.float64).tolist() == [[0.699999988079071, 0.30000001192092896]]
    assert counted(truth, prediction > 0.5)[1] == counted(truth, (prediction > 0.5).astype(np.float32))[1]


def test_memory_order_does_not_matter() -> None:
    truth, prediction = next(itertools.islice(stacks(9, 3), 2, None))
    moved = [np.asfortranarray(array[:, ::-1].copy()[:, ::-1]) for array in (truth, prediction)]
    assert counted(*moved)[1] == counted(truth, prediction)[1]


@pytest.mark.parametrize("value", [math.nan, -0.001, 1.001, math.inf, -math.inf, 255.0, 1e300])
def test_stray_probabilities(value: float) -> None:
    prediction = np.ones((2, 3, 4))
    prediction[1, 0, 2] = prediction[1, 2, 3] = value
    with pytest.raises(StrayLabel) as caught:
        counted(np.full((2, 3, 4), 255, np.uint8), prediction)
    assert (caught.value.pixel, caught.value.count, caught.value.exit) == ((1, 0, 2), 2, 3)


def test_the_ends_are_no_strays() -> None:
    counted(SLICE, np.array([[0.0, -0.0, 1.0, 1.0 + 1e-9, 0.5]]))  # 1 + 1e-9 is 1 in 32 bits


@pytest.mark.parametrize(
    ("truth", "prediction", "error"),
    [
        (SLICE, SLICE.T, ShapeMismatch),
        (SLICE, SLICE[None], ShapeMismatch),
        (SLICE[0], SLICE[0], ShapeMismatch),
        (SLICE[:, :0], SLICE[:, :0], BadParameter),
        (SLICE, SLICE.astype(np.int64), BadParameter),
        (SLICE, SLICE.astype(complex), BadParameter),
        (SLICE - 1, SLICE, DatasetError),
        (SLICE - 1, None, DatasetError),
        (SLICE / 254, SLICE, DatasetError),
    ],
)
def test_other_faults(truth: np.ndarray, prediction: np.ndarray | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        counted(truth, prediction)


def test_the_second_class_is_inside_and_void_is_not() -> None:
    space = LabelSpace((LabelClass("membrane", 7), LabelClass("inside", 3)), void=(9,))
    tally = MembraneTally(space)
    record = tally.count_one(tally.start(), Sample(("a",), np.array([[3, 3, 9, 3, 7]]), SLICE))
    assert record == counted(np.array([[255, 255, 0, 255, 0]], np.uint8), SLICE)[1]
    with pytest.raises(BadParameter):
        MembraneTally(LabelSpace.of(3))


def test_labels_of_16_bits() -> None:
    # A chessboard of 363 × 363 has 65885 cells: in the truth the last ones begin anew, in the prediction they are one.
    board = (np.indices((363, 363)).sum(axis=0) % 2 == 0).astype(np.uint8) * 255
    halves = np.full((363, 363), 255, np.uint8)
    halves[:, 180] = 0
    for truth, prediction in ((halves, board), (board, halves)):
        expected = isbi2012.score_slice(truth, prediction / np.float32(255), 0.0)
        content = counted(truth, prediction)[1]
        assert SliceScores(content["v_rand"][0][0], content["v_info"][0][0]) == expected


# As metrics.


def test_text_and_family() -> None:
    assert [cls.name for cls in METRICS] == ["v_rand", "v_info"]
    assert {cls.family for cls in METRICS} == {"membrane"}
    assert [str(cls()) for cls in METRICS] == [cls().signature() for cls in METRICS] == ["v_rand", "v_info"]
    assert VRand.tally((VRand(), VInfo()), SPACE) == TALLY


def test_real_slices_with_a_perturbed_truth(real_data: Path) -> None:
    """Crops of the training labels. There are no predictions for them: the truth is blurred and noise is added."""
    folder = real_data / "isbi2012-membrane" / "train" / "label"
    truth = np.stack([np.asarray(Image.open(folder / f"{i}.png"))[200:296, 150:246] for i in (0, 17)])
    rng = np.random.default_rng(2012)
    shifts = [np.roll(truth / 255, shift, axis=(1, 2)) for shift in itertools.product((-1, 0, 1), repeat=2)]
    prediction = np.clip(np.mean(shifts, axis=0) + rng.normal(0, 0.15, truth.shape), 0, 1).astype(np.float32)
    assert {0, 255} == set(np.unique(truth).tolist())
    expected = hold(truth, prediction)
    assert 0.5 < expected["v_rand"] < 1 and 0.5 < expected["v_info"] < 1
