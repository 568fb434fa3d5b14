"""Tables straight from PNG files against the kernels that take one file, or one pair of maps, at a time."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import deflate
import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.errors import BadParameter, ResourceError, UnreadableImage
from segbench.kernels import pairs, png
from segbench.kernels.arrays import empty_table
from segbench.kernels.confusion import coded_table
from segbench.kernels.pairs import count_pairs
from tests.datasets import pngs
from tests.datasets.damage import DAMAGES
from tests.datasets.pngs import GREY, PALETTE, RGB, header, join
from tests.kernels.comparisons import INT64, Case, codes_and_values, hold
from tests.kernels.test_png import NONE, PAETH, SILENT, chunks_of, encoded, filtered, small, some_file
from tests.kernels.turns import others_run_during

BYTES = np.dtype(np.uint8)


def one_by_one(
    *, truths: Sequence[bytes], predictions: Sequence[bytes], codes: NDArray[np.int32], low: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return what `count_pairs` must: counted is what `png.decode` reads on both sides, in equal shapes."""
    tables = np.zeros((len(truths), *empty_table(codes, codes).shape), np.int64)
    counted = np.zeros(len(truths), np.bool_)
    for i, (truth, prediction) in enumerate(zip(map(read, truths), map(read, predictions), strict=True)):
        if truth is not None and prediction is not None and truth.shape == prediction.shape:
            counted[i] = True
            tables[i] = coded_table(
                truth=truth,
                prediction=prediction,
                truth_codes=codes,
                prediction_codes=codes,
                truth_low=low,
                prediction_low=low,
            )
    return tables, counted


def read(data: bytes) -> NDArray[np.uint8] | None:
    try:
        return png.decode(data)
    except UnreadableImage:
        return None


def pair_cases(seed: int, largest: int = 70) -> Iterator[Case]:
    """Yield calls without end: a few pairs each, most of them plain, the others spoilt in one way or another."""
    rng, dice = np.random.default_rng(seed), random.Random(seed)
    while True:
        files = [some_pair(rng, dice, largest) for _ in range(rng.integers(0, 7))]
        codes, low, _ = codes_and_values(rng, BYTES)
        yield case_of(files, codes, low)


def case_of(files: Sequence[tuple[bytes, bytes]], codes: NDArray[np.int32] | None = None, low: int = 0) -> Case:
    truths, predictions = [one for one, _ in files], [other for _, other in files]
    codes = np.arange(5, dtype=np.int32) if codes is None else codes
    return {"truths": truths, "predictions": predictions, "codes": codes, "low": low}


def some_pair(rng: np.random.Generator, dice: random.Random, largest: int) -> tuple[bytes, bytes]:
    shape = [int(n) for n in rng.integers(1, largest, 2)]
    one, other = some_file(rng, shape), some_file(rng, shape)
    files = [one.data, other.data]
    side = dice.randrange(2)
    match dice.randrange(8):
        case 0:
            damage, _ = DAMAGES[dice.choice(list(DAMAGES))]
            files[side] = damage((one, other)[side].chunks, dice)
        case 1:
            files[side] = dice.choice(others(rng, shape))
        case 2:
            files[side] += dice.randbytes(dice.randint(1, 40))
    return files[0], files[1]


def others(rng: np.random.Generator, shape: Sequence[int]) -> list[bytes]:
    """Return good files of kinds that are not plain, or of a size that differs in one side, the other or both."""
    height, width = shape
    labels = rng.integers(0, 2, shape)
    sizes = [(height + 1, width), (height, width + 1), (height + 1, width + 1), (height * width, 1)]
    return [
        pngs.png(labels, depth=16),
        pngs.png(labels, depth=1, kind=PALETTE),
        pngs.png(labels, interlaced=True),
        pngs.png(np.stack([labels] * 3, axis=-1), kind=RGB),
        *(some_file(rng, size).data for size in sizes),
    ]


class TestAgainstOneByOne:
    @pytest.mark.parametrize("seed", range(4))
    def test_random_calls(self, seed: int) -> None:
        for case in itertools.islice(pair_cases(seed), 150):
            hold(count_pairs, one_by_one, case)

    def test_the_calls_reach_both_answers(self) -> None:
        seen: Counter[bool] = Counter()
        for case in itertools.islice(pair_cases(0), 250):
            seen.update(count_pairs(**case)[1].tolist())
        assert min(seen[True] // 2, seen[False]) > 100

    @pytest.mark.parametrize("name", sorted(DAMAGES))
    @pytest.mark.parametrize("side", [0, 1], ids=["truth", "prediction"])
    def test_damaged_files(self, name: str, side: int) -> None:
        rng = np.random.default_rng(side)
        damage, n = DAMAGES[name]
        files = []
        for seed in range(n // 2):
            shape = [int(size) for size in rng.integers(1, 24, 2)]
            case, data = some_file(rng, shape), some_file(rng, shape).data
            damaged = damage(case.chunks, random.Random(f"{name} {seed}"))
            files.append((data, damaged) if side else (damaged, data))
        hold(count_pairs, one_by_one, case_of(files, np.arange(21, dtype=np.int32)))

    @pytest.mark.parametrize("kind", [GREY, PALETTE])
    def test_cut_anywhere(self, kind: int) -> None:
        data = small(kind).data
        cuts = [data[:n] for n in range(len(data))]
        case = case_of([(data, cut) for cut in cuts] + [(cut, data) for cut in cuts])
        hold(count_pairs, one_by_one, case)
        assert not count_pairs(**case)[1].any()

    def test_every_flipped_bit(self) -> None:
        data = small(PALETTE, (PAETH, NONE)).data
        flipped = [(int.from_bytes(data, "big") ^ 1 << i).to_bytes(len(data), "big") for i in range(8 * len(data))]
        for i in range(0, len(flipped), 500):
            case = case_of([(data, other) for other in flipped[i : i + 500]])
            hold(count_pairs, one_by_one, case)

    def test_every_value_of_a_filter(self) -> None:
        case = small()
        rows = np.frombuffer(bytearray(filtered(case.labels, case.filters)), np.uint8).reshape(6, -1)
        files = []
        for y, value in itertools.product(range(6), range(256)):
            changed = rows.copy()
            changed[y, 0] = value
            files.append((case.data, join(chunks_of(case.labels.shape, changed.tobytes(), n_parts=2))))
        call = case_of(files)
        hold(count_pairs, one_by_one, call)
        assert count_pairs(**call)[1].sum() == 6 * 5

    @pytest.mark.parametrize("rest", [b"", b"\0", bytes(124), b"\7" * 500])
    def test_more_and_fewer_pixels_than_declared(self, rest: bytes) -> None:
        case = small()
        rows = filtered(case.labels, case.filters)
        files = [rows + rest, rows[: -len(rest) or None], rows[:1], b""]
        data = [join(chunks_of(case.labels.shape, content)) for content in files]
        hold(count_pairs, one_by_one, case_of([(case.data, other) for other in data]))

    def test_streams_that_end_badly_or_go_on(self) -> None:
        head, (kind, content), end = small().chunks
        wrong = bytes([content[-1] ^ 1])
        streams = (content[:-4], content[:-1], content[:-1] + wrong, content + wrong, content[:9])
        files = [join([head, (kind, stream), end]) for stream in streams]
        case = case_of([(small().data, data) for data in files])
        hold(count_pairs, one_by_one, case)
        # What stands behind the stream belongs to nobody.
        assert count_pairs(**case)[1].tolist() == [False, False, False, True, False]

    def test_pixels_in_two_places(self) -> None:
        head, (kind, content), end = small().chunks
        parts = [(kind, content[:9]), (kind, content[9:])]
        files = [[head, *parts, end], [head, parts[0], SILENT[0], parts[1], end], [head, (kind, b""), *parts, end]]
        case = case_of([(small().data, join(chunks)) for chunks in files])
        hold(count_pairs, one_by_one, case)
        assert count_pairs(**case)[1].tolist() == [True, False, True]

    def test_what_is_no_file(self) -> None:
        data = small().data
        wrong = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff" + bytes(99), bytes(len(data)), data[:33]]
        case = case_of([(data, other) for other in wrong] + [(other, data) for other in wrong])
        hold(count_pairs, one_by_one, case)
        assert not count_pairs(**case)[1].any()


class TestCodes:
    """Every value in every pixel meets every code."""

    @pytest.fixture
    def files(self) -> list[tuple[bytes, bytes]]:
        rng = np.random.default_rng(0)
        maps = [rng.permutation(np.arange(256, dtype=np.uint8).repeat(9)).reshape(48, 48) for _ in range(2)]
        maps += [np.sort(labels, axis=None).reshape(48, 48) for labels in maps]
        one, other, *_ = files = [encoded(labels, PAETH).data for labels in maps]
        return [(one, other), (other, one), *zip(files, reversed(files), strict=True)]

    @pytest.mark.parametrize("low", [0, 1, -1, -255, -256, 200, 255, 256, 2**40, INT64.min, INT64.max])
    @pytest.mark.parametrize("size", [1, 2, 21, 255, 256, 257, 300, 20_000])
    @pytest.mark.parametrize("n_codes", [1, 2, 21, 150])
    def test_any_low_and_span(self, files: list[tuple[bytes, bytes]], low: int, size: int, n_codes: int) -> None:
        codes = np.random.default_rng(size).integers(-1, n_codes, size).astype(np.int32)
        case = case_of(files, codes, low)
        hold(count_pairs, one_by_one, case)
        assert (count_pairs(**case)[0].sum(axis=(1, 2)) == 48 * 48).all()

    @pytest.mark.parametrize("largest", [254, 255, 256, 300, 1000])
    def test_more_codes_than_a_byte_tells(self, files: list[tuple[bytes, bytes]], largest: int) -> None:
        spread = np.linspace(0, largest, 256).astype(np.int32)
        for codes in (spread, spread[::-1].copy(), np.arange(largest + 1, dtype=np.int32)):
            hold(count_pairs, one_by_one, case_of(files, codes))

    def test_no_value_has_a_code(self, files: list[tuple[bytes, bytes]]) -> None:
        tables, counted = count_pairs(**case_of(files, np.full(256, -1, np.int32)))
        assert counted.all()
        assert tables.tolist() == [[[48 * 48]]] * len(files)

    def test_a_table_by_hand(self) -> None:
        truth, prediction = np.array([[7, 7, 9], [0, 255, 9]]), np.array([[7, 9, 9], [7, 7, 8]])
        files = [(pngs.png(truth), pngs.png(prediction, kind=PALETTE))]
        # Values 7 and 9 have codes 1 and 0; 8 has none, and 0 and 255 lie outside.
        tables, counted = count_pairs(**case_of(files, np.array([1, -1, 0], np.int32), 7))
        assert counted.tolist() == [True]
        assert tables.tolist() == [[[1, 0, 1], [1, 1, 0], [0, 2, 0]]]

    def test_more_cells_than_are_allowed(self) -> None:
        codes = np.arange(20_000, dtype=np.int32)
        for function in (count_pairs, one_by_one):
            with pytest.raises(ResourceError, match="a table of 20001 × 20001 cells"):
                function(**case_of([(small().data, small().data)], codes))


class TestArguments:
    def test_nothing_to_count(self) -> None:
        hold(count_pairs, one_by_one, case_of([]))
        tables, counted = count_pairs(**case_of([]))
        assert (tables.shape, counted.shape) == ((0, 6, 6), (0,))

    def test_any_sequence(self) -> None:
        case = case_of([(small().data, small().data)] * 3)
        hold(count_pairs, one_by_one, {**case, "truths": tuple(case["truths"])})

    @pytest.mark.parametrize("wrong", [None, "text", 3, bytearray(b"a"), memoryview(b"a"), np.zeros(3, np.uint8)])
    @pytest.mark.parametrize("side", ["truths", "predictions"])
    def test_what_is_no_file(self, side: str, wrong: object) -> None:
        case = case_of([(small().data, small().data)] * 2)
        case[side][1] = wrong
        with pytest.raises(BadParameter, match="bytes"):
            count_pairs(**case)

    def test_what_is_no_pair(self) -> None:
        case = case_of([(small().data, small().data)] * 2)
        for side in ("truths", "predictions"):
            with pytest.raises(BadParameter, match="pairs"):
                count_pairs(**{**case, side: case[side][:1]})

    @pytest.mark.parametrize(
        ("codes", "low"),
        [
            (np.zeros(0, np.int32), 0), (np.array([-2], np.int32), 0), (np.zeros(3, np.int64), 0), ([0, 1], 0),
            (np.zeros((2, 2), np.int32), 0), (np.zeros(2, np.int32), 1 << 63), (np.zeros(2, np.int32), 0.5),
        ],
    )  # fmt: skip
    def test_bad_codes(self, codes: object, low: object) -> None:
        with pytest.raises(BadParameter):
            count_pairs(**{**case_of([(small().data, small().data)]), "codes": codes, "low": low})


class TestWithoutTheLibrary:
    def test_nothing_is_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pairs, "ADDRESSES", None)
        tables, counted = count_pairs(**case_of([(small().data, small().data)] * 3))
        assert (tables.shape, tables.any(), counted.tolist()) == ((3, 6, 6), False, [False] * 3)

    def test_it_is_here(self) -> None:
        # Everything above would hold without it, if nothing were ever counted on either side.
        assert pairs.ADDRESSES is not None
        assert all(pairs.ADDRESSES)
        assert len(set(pairs.ADDRESSES)) == 4

    def test_no_such_functions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for file in ("/nowhere/deflate.so", pairs._loops.__file__, __file__):
            monkeypatch.setattr(deflate._deflate, "__file__", file)
            assert png._addresses() is None
        monkeypatch.delattr(deflate, "_deflate")
        assert png._addresses() is None


class TestResources:
    @pytest.mark.parametrize("size", [(20_000, 20_000), ((1 << 31) - 1, 1), ((1 << 31) - 1, (1 << 31) - 1)], ids=str)
    def test_a_header_that_promises_too_much(self, size: tuple[int, int]) -> None:
        liar = join([header(*size), *small().chunks[1:]])
        start = time.process_time()
        assert not count_pairs(**case_of([(liar, liar)] * 100))[1].any()
        assert time.process_time() - start < 1

    def test_large_images_between_small_ones(self) -> None:
        # Beyond 16 MiB a workspace is given back, and the next call begins with a new one.
        rng = np.random.default_rng(0)
        large = [encoded(rng.integers(0, 4, (3000, 3)).astype(np.uint8).repeat(1100, axis=1), PAETH).data for _ in "ab"]
        files = [(small().data, small(PALETTE).data), (large[0], large[1]), (small().data, small().data)]
        for _ in range(3):
            hold(count_pairs, one_by_one, case_of(files))

    def test_threads(self) -> None:
        calls = list(itertools.islice(pair_cases(3), 40))
        expected = [one_by_one(**call) for call in calls]
        wrong = []

        def count(seed: int) -> None:
            for i in np.random.default_rng(seed).integers(0, len(calls), 150).tolist():
                found = count_pairs(**calls[i])
                if not all(np.array_equal(a, b) for a, b in zip(found, expected[i], strict=True)):
                    wrong.append(i)

        threads = [threading.Thread(target=count, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_other_threads_run_during_a_call(self) -> None:
        labels = np.random.default_rng(0).integers(0, 256, (2000, 4000)).astype(np.uint8)
        case = case_of([(encoded(labels, PAETH, level=0).data,) * 2] * 4)
        assert others_run_during(lambda: count_pairs(**case))
