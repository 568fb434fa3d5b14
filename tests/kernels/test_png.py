"""The PNG label reader against its twin, against Pillow, and against what was encoded."""

from __future__ import annotations

import itertools
import random
import struct
import threading
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import deflate
import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.datasets.images import decode_labels
from segbench.errors import BadParameter, ResourceError, UnreadableImage
from segbench.kernels import png, reference_png
from tests.datasets.damage import DAMAGES
from tests.datasets.pngs import GREY, PALETTE, Chunk, chunk, header, join
from tests.kernels.comparisons import fill, hold
from tests.kernels.turns import others_run_during

FILTERS = ("None", "Sub", "Up", "Average", "Paeth")
NONE, SUB, UP, AVERAGE, PAETH = range(5)
COLORS: Chunk = (b"PLTE", bytes(range(256)) * 3)

#: Chunks that the reader passes over, before and behind the pixels.
SILENT: Sequence[Chunk] = (
    (b"gAMA", b"\0\0\xb1\x8f"), (b"cHRM", bytes(32)), (b"sRGB", b"\0"), (b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\1"),
    (b"tIME", b"\7\xda\1\1\0\0\0"), (b"bKGD", b"\0"), (b"sBIT", b"\x08"), (b"tEXt", b"Software\0someone's"),
    (b"tEXt", b"date:create\0today"),
)  # fmt: skip


@dataclass(frozen=True)
class Encoded:
    """Labels, the filter of each row, and the chunks that hold them."""

    labels: NDArray[np.uint8]
    filters: Sequence[int]
    chunks: list[Chunk]

    @property
    def data(self) -> bytes:
        return join(self.chunks)


def filtered(labels: NDArray[np.uint8], filters: Sequence[int]) -> bytes:
    """Return the rows as the specification stores them (section 9)."""
    padded = np.pad(labels.astype(np.int64), ((1, 0), (1, 0)))
    pixels, left, above, corner = padded[1:, 1:], padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    estimate = left + above - corner
    to_left, to_above, to_corner = (abs(estimate - neighbour) for neighbour in (left, above, corner))
    nearest = np.where(to_above <= to_corner, above, corner)
    paeth = np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)
    predicted = np.stack([np.zeros_like(pixels), left, above, (left + above) // 2, paeth])
    rows = (pixels - predicted[np.array(filters), np.arange(len(labels))]).astype(np.uint8)
    return np.column_stack([np.array(filters, np.uint8), rows]).tobytes()


def encoded(
    labels: NDArray[np.uint8],
    filters: Sequence[int] | int,
    *,
    kind: int = GREY,
    level: int = 6,
    n_parts: int = 1,
    before: Sequence[Chunk] = (),
    behind: Sequence[Chunk] = (),
) -> Encoded:
    """Encode labels, with one filter for all rows or one for each."""
    filters = [filters] * len(labels) if isinstance(filters, int) else filters
    return Encoded(
        labels, filters, chunks_of(labels.shape, filtered(labels, filters), kind, level, n_parts, before, behind)
    )


def chunks_of(
    shape: tuple[int, ...],
    rows: bytes,
    kind: int = GREY,
    level: int = 6,
    n_parts: int = 1,
    before: Sequence[Chunk] = (),
    behind: Sequence[Chunk] = (),
) -> list[Chunk]:
    stream = zlib.compress(rows, level)
    cuts = np.linspace(0, len(stream), min(n_parts, len(stream)) + 1).astype(int).tolist()
    parts = [(b"IDAT", stream[a:b]) for a, b in itertools.pairwise(cuts)]
    colors = [COLORS] if kind == PALETTE else []
    return [header(shape[0], shape[1], 8, kind), *colors, *before, *parts, *behind, (b"IEND", b"")]


def cases(seed: int, largest: int = 90) -> Iterator[Encoded]:
    """Yield files without end: noise, runs and flat maps, any filters, either kind, any level, many or few chunks."""
    rng = np.random.default_rng(seed)
    while True:
        shape = [int(n) for n in rng.integers(1, largest, 2)]
        if rng.random() < 0.2:
            shape[rng.integers(2)] = 1
        yield some_file(rng, shape)


def some_file(rng: np.random.Generator, shape: Sequence[int]) -> Encoded:
    """Return a file of a shape, of any kind that `cases` yields."""
    values = rng.choice(256, int(rng.choice([1, 2, 5, 21, 256])), replace=False).astype(np.uint8)
    labels = regions(rng, values, shape) if rng.random() < 0.5 else fill(rng, values, tuple(shape))
    one = int(rng.integers(5))
    return encoded(
        labels,
        one if rng.random() < 0.4 else rng.integers(0, 5, shape[0]).tolist(),
        kind=int(rng.choice([GREY, PALETTE])),
        level=int(rng.integers(0, 10)),
        n_parts=int(rng.choice([1, 1, 2, 7, 10_000])),
        before=[SILENT[i] for i in rng.integers(0, len(SILENT), rng.integers(3))],
        behind=[SILENT[i] for i in rng.integers(0, len(SILENT), rng.integers(2))],
    )


def regions(rng: np.random.Generator, values: NDArray[np.uint8], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Boxes over one another, and lone pixels on top: the shortcuts begin and end at any column."""
    labels = np.full(shape, rng.choice(values), np.uint8)
    for _ in range(rng.integers(1, 12)):
        top, left = (rng.integers(n) for n in shape)
        labels[top : top + rng.integers(1, 40), left : left + rng.integers(1, 80)] = rng.choice(values)
    for _ in range(rng.integers(4)):
        labels[tuple(rng.integers(n) for n in shape)] = rng.integers(256)
    return labels


def small(kind: int = GREY, filters: Sequence[int] = (PAETH, SUB, UP, AVERAGE, PAETH, NONE)) -> Encoded:
    labels = np.random.default_rng(1).integers(0, 5, (len(filters), 41)).astype(np.uint8).repeat(3, axis=1)
    return encoded(labels, filters, kind=kind, level=9)


def plain(data: bytes | memoryview) -> NDArray[np.uint8]:
    """Decode a file that the reader must not leave to others."""
    labels = png.decode(data)
    assert labels is not None
    return labels


@pytest.fixture
def general(monkeypatch: pytest.MonkeyPatch):
    """The general reader, which must not come back to the one under test."""

    def decode(data: bytes) -> NDArray[np.integer]:
        with monkeypatch.context() as patch:
            patch.setattr(png, "decode", lambda data: None)
            return decode_labels(data, {})

    return decode


class Verdicts:
    """Hold the reader to the general one: the same pixels, a refusal both give, or nothing said."""

    def __init__(self, general) -> None:
        self.general = general
        self.seen: Counter[str] = Counter()

    def take(self, data: bytes) -> None:
        try:
            labels = png.decode(data)
        except UnreadableImage as error:
            assert error.found.startswith("a damaged PNG: ")
            assert error.expected == "a complete PNG"
            with pytest.raises(UnreadableImage):
                self.general(data)
            self.seen["refused"] += 1
        else:
            self.seen["left" if labels is None else "decoded"] += 1
            if labels is not None:
                assert np.array_equal(labels, self.general(data))
        hold(png.decode, reference_png.decode, {"data": data})


class TestPixels:
    @pytest.mark.parametrize("seed", range(4))
    def test_random_files(self, seed: int, general) -> None:
        for case in itertools.islice(cases(seed), 1000):
            data = case.data
            labels = plain(data)
            assert np.array_equal(labels, case.labels)
            assert np.array_equal(labels, general(data))

    @pytest.mark.parametrize("seed", range(4, 8))
    def test_random_files_against_the_twin(self, seed: int) -> None:
        for case in itertools.islice(cases(seed), 500):
            hold(png.decode, reference_png.decode, {"data": case.data})

    def test_the_cases_reach_every_filter_kind_and_level(self) -> None:
        drawn = list(itertools.islice(cases(0), 1000))
        assert {case.filters[0] for case in drawn} == set(range(5))
        assert {f for case in drawn for f in case.filters[1:]} == set(range(5))
        assert sum(min(case.labels.shape) > 32 for case in drawn) > 300
        assert sum(case.labels.shape[1] == 1 for case in drawn) > 50
        assert sum(case.labels.shape[0] == 1 for case in drawn) > 50
        parts = [sum(kind == b"IDAT" for kind, _ in case.chunks) for case in drawn]
        assert parts.count(1) > 200
        assert max(parts) > 1000
        assert sum(COLORS in case.chunks for case in drawn) > 300

    @pytest.mark.parametrize("first", range(5), ids=FILTERS)
    @pytest.mark.parametrize("second", range(5), ids=FILTERS)
    @pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 31, 32, 33, 40, 64, 100])
    def test_filters_after_one_another(self, first: int, second: int, width: int, general) -> None:
        rng = np.random.default_rng(width)
        for labels in (
            rng.integers(0, 256, (6, width)).astype(np.uint8),
            rng.integers(0, 2, (6, 1)).astype(np.uint8).repeat(width, axis=1),
            rng.integers(0, 2, (1, width)).astype(np.uint8).repeat(6, axis=0),
            np.full((6, width), 255, np.uint8),
        ):
            case = encoded(labels, [first, second] * 3)
            assert np.array_equal(plain(case.data), labels)
            assert np.array_equal(general(case.data), labels)

    @pytest.mark.parametrize("residual", [0, 1, 128, 255])
    @pytest.mark.parametrize("method", range(5), ids=FILTERS)
    def test_rows_no_encoder_writes(self, method: int, residual: int, general) -> None:
        # Any residuals are a picture; flat ones over any row above lead the shortcuts astray if anything does.
        rng = np.random.default_rng(residual)
        for width in range(1, 140):
            above = rng.integers(0, 3, width).astype(np.uint8).repeat(2)[:width]
            rows = np.full((3, width + 1), residual, np.uint8)
            rows[0, 1:], rows[:, 0] = above, (NONE, method, method)
            data = join(chunks_of((3, width), rows.tobytes()))
            assert np.array_equal(plain(data), general(data))
            hold(png.decode, reference_png.decode, {"data": data})

    @pytest.mark.parametrize("method", range(5), ids=FILTERS)
    def test_a_large_file(self, method: int, general) -> None:
        rng = np.random.default_rng(method)
        labels = regions(rng, np.arange(34, dtype=np.uint8), (1025, 2049))
        data = encoded(labels, method, n_parts=3).data
        assert np.array_equal(plain(data), labels)
        assert np.array_equal(general(data), labels)

    @pytest.mark.parametrize("kind", [GREY, PALETTE])
    def test_transparency_changes_nothing(self, kind: int, general) -> None:
        for content in (bytes(2), b"\xff\0", bytes(range(256)), b"\0" * 257, b""):
            case = small(kind)
            at = 2 if kind == PALETTE else 1
            data = join([*case.chunks[:at], (b"tRNS", content), *case.chunks[at:]])
            labels = png.decode(data)
            assert (labels is None) == (len(content) not in (range(1, 257) if kind == PALETTE else [2]))
            if labels is not None:
                assert np.array_equal(labels, general(data))

    def test_what_stands_behind_the_end(self, general) -> None:
        case = small()
        for data in (case.data + b"whatever", case.data + case.data):
            assert np.array_equal(plain(data), case.labels)

    def test_bytes_behind_the_stream(self, general) -> None:
        case = small()
        case.chunks[1] = (b"IDAT", case.chunks[1][1] + b"more than there should be")
        assert np.array_equal(plain(case.data), case.labels)
        assert np.array_equal(general(case.data), case.labels)


class TestArguments:
    def test_the_array_is_writable_and_alone(self) -> None:
        data = small().data
        labels, again = plain(data), plain(data)
        labels[:] = 99
        assert not (again == 99).any()
        assert labels.dtype == np.uint8

    @pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)])
    def test_any_buffer_of_bytes(self, wrap) -> None:
        case = small()
        assert np.array_equal(plain(wrap(case.data)), case.labels)

    def test_a_part_of_a_buffer(self) -> None:
        case = small()
        assert np.array_equal(plain(memoryview(b"abc" + case.data)[3:]), case.labels)

    @pytest.mark.parametrize("wrong", [None, "text", 3, memoryview(bytes(99))[::2]])
    def test_what_is_no_buffer_of_bytes(self, wrong) -> None:
        with pytest.raises(BadParameter):
            png.decode(wrong)

    def test_no_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none_left(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(deflate, "zlib_decompress", none_left)
        with pytest.raises(ResourceError, match="6×123 pixels"):
            png.decode(small().data)


class TestOthers:
    """What is left to the general reader."""

    @pytest.mark.parametrize(
        "data", [b"", b"text", b"\x89PNG\r\n\x1a\n", small().data[:32], b"\xff\xd8\xff" + bytes(99)]
    )
    def test_no_png(self, data: bytes) -> None:
        assert png.decode(data) is None
        assert reference_png.decode(data) is None

    def test_other_headers(self) -> None:
        chunks = small().chunks
        for at, values in {8: range(256), 9: range(256), 10: (1, 2), 11: (1,), 12: (1, 2)}.items():
            for value in values:
                content = bytearray(chunks[0][1])
                content[at] = value
                if (content[8], content[9]) == (8, 0) and not any(content[10:]):
                    continue
                assert png.decode(join([(b"IHDR", bytes(content)), *chunks[1:]])) is None, (at, value)

    @pytest.mark.parametrize("size", [(0, 5), (5, 0), (1 << 31, 5), (5, 1 << 31), ((1 << 32) - 1, (1 << 32) - 1)])
    def test_sizes_that_are_none(self, size: tuple[int, int]) -> None:
        assert png.decode(join([header(*size), *small().chunks[1:]])) is None

    @pytest.mark.parametrize(
        "extra",
        [
            (b"acTL", struct.pack(">II", 1, 0)), (b"iCCP", b"k\0\0" + zlib.compress(b"")), (b"zTXt", b"k\0\0"),
            (b"iTXt", b"k\0\0\0\0\0"), (b"eXIf", b""), (b"juNk", b""), (b"tEXt", b"transparency\0x"), (b"tEXt", b""),
            (b"gAMA", b""), (b"cHRM", b""), (b"sRGB", b""), (b"pHYs", b""), (b"tEXt", b"Comment\0" + bytes(1 << 16)),
            (b"PLTE", bytes(3)), (b"\0\0\0\0", b""), (b"IDaT", b""),
        ],
        ids=lambda extra: ascii(extra[0]),
    )  # fmt: skip
    def test_other_chunks(self, extra: Chunk, general) -> None:
        chunks = small().chunks
        verdicts = Verdicts(general)
        for at in range(1, len(chunks)):
            verdicts.take(join([*chunks[:at], extra, *chunks[at:]]))
        assert verdicts.seen.total() == verdicts.seen["left"] == len(chunks) - 1

    def test_palettes(self, general) -> None:
        verdicts = Verdicts(general)
        head, colors, *rest = small(PALETTE).chunks
        for chunks in ([], [colors, colors], [(b"PLTE", b"")], [(b"PLTE", bytes(4))], [(b"PLTE", bytes(771))]):
            verdicts.take(join([head, *chunks, *rest]))
        verdicts.take(join([head, *rest[:-1], colors, rest[-1]]))
        assert verdicts.seen == {"left": 6}

    def test_pixels_in_two_places(self, general) -> None:
        verdicts = Verdicts(general)
        head, (kind, content), end = small().chunks
        parts = [(kind, content[:9]), (kind, content[9:])]
        verdicts.take(join([head, *parts, end]))
        verdicts.take(join([head, parts[0], SILENT[0], parts[1], end]))
        assert verdicts.seen == {"decoded": 1, "left": 1}

    def test_an_end_that_is_not_there(self, general) -> None:
        verdicts = Verdicts(general)
        chunks = small().chunks
        verdicts.take(join(chunks[:-1]))
        verdicts.take(join(chunks[:-1]) + bytes(11))
        assert verdicts.seen == {"left": 2}

    def test_more_than_the_inflater_can_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = small().data
        monkeypatch.setattr(png, "_MOST_BYTES", 6 * 124)
        assert plain(data).shape == (6, 123)
        monkeypatch.setattr(png, "_MOST_BYTES", 6 * 124 - 1)
        assert png.decode(data) is None

    @pytest.mark.parametrize("rest", [b"\0", b"\0" * 500, b"\7" * 124])
    def test_more_pixels_than_declared(self, rest: bytes, general) -> None:
        case = small()
        verdicts = Verdicts(general)
        verdicts.take(join(chunks_of(case.labels.shape, filtered(case.labels, case.filters) + rest)))
        assert verdicts.seen == {"left": 1}

    def test_a_stream_that_ends_badly(self, general) -> None:
        head, (kind, content), end = small().chunks
        verdicts = Verdicts(general)
        for stream in (content[:-4], content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
            verdicts.take(join([head, (kind, stream), end]))
        assert verdicts.seen["left"] == 3


class TestDamage:
    @pytest.mark.parametrize("kind", [GREY, PALETTE])
    def test_cut_anywhere(self, kind: int, general) -> None:
        data = small(kind).data
        verdicts = Verdicts(general)
        for n in range(33, len(data)):
            verdicts.take(data[:n])
        # What is left are cuts between two chunks, where Pillow misses nothing or says so itself.
        assert verdicts.seen["decoded"] == 0
        assert verdicts.seen["refused"] > 0.8 * verdicts.seen.total()
        for n in range(33):
            assert png.decode(data[:n]) is None

    @pytest.mark.parametrize("kind", [GREY, PALETTE])
    def test_every_flipped_bit(self, kind: int, general) -> None:
        data = small(kind).data
        verdicts = Verdicts(general)
        for i in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[i // 8] ^= 1 << i % 8
            verdicts.take(bytes(flipped))
        assert verdicts.seen["decoded"] == 0
        assert verdicts.seen["refused"] > 0.8 * verdicts.seen.total()

    def test_every_flipped_bit_of_the_stream_under_a_right_checksum(self, general) -> None:
        head, (kind, content), end = small().chunks
        verdicts = Verdicts(general)
        for i in range(8 * len(content)):
            flipped = bytearray(content)
            flipped[i // 8] ^= 1 << i % 8
            verdicts.take(join([head, (kind, bytes(flipped)), end]))
        assert verdicts.seen["refused"] > 0.2 * verdicts.seen.total()

    def test_every_value_of_a_filter(self, general) -> None:
        verdicts = Verdicts(general)
        case = small()
        rows = np.frombuffer(bytearray(filtered(case.labels, case.filters)), np.uint8).reshape(6, -1)
        for y, value in itertools.product(range(6), range(256)):
            changed = rows.copy()
            changed[y, 0] = value
            verdicts.take(join(chunks_of(case.labels.shape, changed.tobytes(), n_parts=2)))
        assert verdicts.seen == {"decoded": 6 * 5, "refused": 6 * 251}

    def test_missing_bytes(self, general) -> None:
        verdicts = Verdicts(general)
        case = small()
        rows = filtered(case.labels, case.filters)
        for n in range(len(rows)):
            verdicts.take(join(chunks_of(case.labels.shape, rows[:n], level=n % 10)))
        assert verdicts.seen == {"refused": len(rows)}

    def test_sizes_that_lie(self, general) -> None:
        case = small()
        verdicts = Verdicts(general)
        height, width = case.labels.shape
        for size in itertools.product((1, height - 1, height, height + 1, 900), (1, width - 1, width, width + 1, 900)):
            verdicts.take(join([header(*size), *case.chunks[1:]]))
        assert verdicts.seen["decoded"] >= 1
        assert verdicts.seen["refused"] >= 10

    @pytest.mark.parametrize("name", sorted(DAMAGES))
    def test_thousands_of_damaged_files(self, name: str, general) -> None:
        verdicts = Verdicts(general)
        damage, n = DAMAGES[name]
        for seed, case in enumerate(itertools.islice(cases(99, largest=24), n)):
            verdicts.take(damage(case.chunks, random.Random(f"{name} {seed}")))
        assert verdicts.seen.total() == n
        assert verdicts.seen["refused"] > 0 or name in ("added_chunks", "compressed_bomb")

    @pytest.mark.parametrize("seed", range(4))
    def test_damage_under_right_checksums(self, seed: int, general) -> None:
        dice = random.Random(seed)
        verdicts = Verdicts(general)
        for case in itertools.islice(cases(seed, largest=20), 800):
            stream = bytearray(b"".join(content for kind, content in case.chunks if kind == b"IDAT"))
            for _ in range(dice.randint(1, 3)):
                mutate(stream, dice)
            verdicts.take(join([header(*case.labels.shape), (b"IDAT", bytes(stream)), (b"IEND", b"")]))
        assert min(verdicts.seen["refused"], verdicts.seen["left"]) > 50

    def test_a_code_that_deflate_does_not_use(self, general) -> None:
        # The one known difference. The fixed code has two words more than there are lengths: zlib refuses them, and
        # libdeflate reads them as the length 258. Nothing is lost: the pixels agree with the stream's own checksum.
        stream = bytes.fromhex("785e639cce800918c7045103651006080036430c79")
        data = join([header(21, 20), (b"IDAT", stream), (b"IEND", b"")])
        rows = deflate.zlib_decompress(stream, 21 * 21)
        assert len(rows) == 21 * 21
        assert zlib.adler32(rows) == int.from_bytes(stream[-4:], "big")
        assert plain(data).shape == (21, 20)
        with pytest.raises(UnreadableImage):
            general(data)

    def test_noise_in_all_places(self, general) -> None:
        dice = random.Random(0)
        verdicts = Verdicts(general)
        for _ in range(1500):
            stream = b"\x78\x9c" + dice.randbytes(dice.randint(0, 60))
            verdicts.take(join([header(dice.randint(1, 4), dice.randint(1, 9)), (b"IDAT", stream), (b"IEND", b"")]))
        assert verdicts.seen["refused"] > 1000


def mutate(stream: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(stream) + 1)
    match dice.randrange(4):
        case 0 if at < len(stream):
            stream[at] ^= 1 << dice.randrange(8)
        case 1:
            del stream[at:]
        case 2:
            stream[at:at] = dice.randbytes(dice.randint(1, 9))
        case _:
            del stream[at : at + dice.randint(1, 9)]
    if not stream:
        stream += b"\x78"


class TestResources:
    @pytest.mark.parametrize("size", [(20_000, 20_000), ((1 << 31) - 1, 1), ((1 << 31) - 1, (1 << 31) - 1)], ids=str)
    def test_a_header_that_promises_too_much(self, size: tuple[int, int]) -> None:
        peak, error = peak_of(join([header(*size), *small().chunks[1:]]))
        assert error is not None
        assert error.found == "a damaged PNG: rows are missing"
        assert peak < 100_000

    @pytest.mark.parametrize("n_parts", [1, 50])
    def test_pixels_that_unpack_to_more_than_declared(self, n_parts: int) -> None:
        data = join(chunks_of((8, 8), bytes(50 << 20), level=9, n_parts=n_parts))
        peak, error = peak_of(data)
        assert error is None
        assert peak < 3 * len(data)

    def test_many_small_chunks(self) -> None:
        case = encoded(small().labels, NONE, level=0, n_parts=100_000, before=[SILENT[2]] * 20_000)
        start = time.process_time()
        assert np.array_equal(plain(case.data), case.labels)
        assert time.process_time() - start < 5

    def test_many_empty_chunks(self) -> None:
        head, pixels, end = small().chunks
        data = join([head]) + chunk(b"IDAT", b"") * 50_000 + join([pixels, end])[8:]
        peak, error = peak_of(data)
        assert error is None
        assert peak < len(data)

    def test_threads(self) -> None:
        files = [(case.data, case.labels) for case in itertools.islice(cases(5), 60)]
        wrong = []

        def read(seed: int) -> None:
            for i in np.random.default_rng(seed).integers(0, len(files), 500).tolist():
                if not np.array_equal(plain(files[i][0]), files[i][1]):
                    wrong.append(i)

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_other_threads_run_during_a_call(self) -> None:
        labels = np.random.default_rng(0).integers(0, 256, (4000, 8000)).astype(np.uint8)
        data = encoded(labels, PAETH, level=0).data
        assert others_run_during(lambda: plain(data))


def peak_of(data: bytes) -> tuple[int, UnreadableImage | None]:
    tracemalloc.start()
    try:
        png.decode(data)
    except UnreadableImage as error:
        return tracemalloc.get_traced_memory()[1], error
    else:
        return tracemalloc.get_traced_memory()[1], None
    finally:
        tracemalloc.stop()
