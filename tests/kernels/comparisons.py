"""Holds a kernel to its twin, and makes the cases to do it with. Seeded faults meet the same code."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from segbench.errors import SegbenchError

DTYPES = tuple(np.dtype(name) for name in ("uint8", "uint16", "int32", "int64"))
INT64 = np.iinfo(np.int64)
RUN_LENGTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129)
Case = dict[str, Any]


class OneWay:
    """The compiled confusion loops, each going one of its WAYS where there is a choice."""

    def __init__(self, loops: ModuleType, way: int):
        self._loops, self._way = loops, way

    def count_bytes(self, *arguments: Any) -> None:
        self._loops.count_bytes(*arguments, self._way)

    def count_codes(self, *arguments: Any) -> None:
        self._loops.count_codes(*arguments, self._way)

    def find_code(self, *arguments: Any) -> int:
        return self._loops.find_code(*arguments)


def hold(kernel: Callable[..., Any], twin: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Assert that both give the same values, dtypes or error, and leave what they were given as it was."""
    before = {name: _frozen(value) for name, value in arguments.items()}
    same(_outcome(kernel, arguments), _outcome(twin, arguments))
    for name, value in arguments.items():
        assert _frozen(value) == before[name], f"{name} was changed"


def same(found: Any, expected: Any) -> None:
    """Assert that two results, or two errors, are equal to the last type."""
    assert type(found) is type(expected), (found, expected)
    if isinstance(found, SegbenchError):
        assert found.as_record() == expected.as_record()
    elif isinstance(found, np.ndarray):
        assert (found.dtype, found.shape, found.strides) == (expected.dtype, expected.shape, expected.strides)
        wrong = np.argwhere(found != expected)
        assert not len(wrong), f"{len(wrong)} cells differ, the first at {wrong[0]}"
    elif isinstance(found, tuple):
        assert len(found) == len(expected), (found, expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        assert found == expected


def _outcome(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    try:
        return function(**arguments)
    except SegbenchError as error:
        return error


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tobytes(), value.dtype, value.shape, value.strides
    return value


def byte_table_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        values = np.arange(256, dtype=np.uint8)
        if rng.random() < 0.5:
            values = np.append(rng.choice(values, int(rng.integers(1, 22))), np.uint8(255))
        truth, prediction = pair(rng, values, values)
        yield {"truth": truth, "prediction": prediction}


def coded_table_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        sides = [codes_and_values(rng, dtype) for dtype in rng.choice(DTYPES, 2)]
        truth, prediction = pair(rng, sides[0][2], sides[1][2])
        yield {
            "truth": truth,
            "prediction": prediction,
            "truth_codes": sides[0][0],
            "prediction_codes": sides[1][0],
            "truth_low": sides[0][1],
            "prediction_low": sides[1][1],
        }


def find_code_cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        codes, low, values = codes_and_values(rng, rng.choice(DTYPES))
        labels = arranged(rng, fill(rng, values, shape(rng)))
        outside = int(codes.max()) + 1
        code = outside if rng.random() < 0.3 else int(rng.integers(0, outside + 1))
        yield {"labels": labels, "codes": codes, "low": low, "code": code}


# Every public kernel, with an endless source of good cases.
CASES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "byte_table": byte_table_cases,
    "coded_table": coded_table_cases,
    "find_code": find_code_cases,
}


def codes_and_values(rng: np.random.Generator, dtype: np.dtype) -> tuple[np.ndarray, int, np.ndarray]:
    """A code table, its low, and values of a dtype that lie in it, beside it and at the ends of the dtype."""
    limits = np.iinfo(dtype)
    size = int(rng.choice([1, 2, 21, 150, 255, 256, 257, 700]))
    classes = int(rng.choice([1, 2, 19, 150, 255, 256, 400]))
    codes = rng.integers(rng.choice([-1, 0]), classes, size, dtype=np.int32)
    lows = [0, 0, 1, -1, 100, limits.min, limits.max - size // 2, 2**40 + 3, INT64.min, INT64.max]
    low = int(rng.choice(np.array(lows, dtype=object)))
    near = range(low - 2, low + size + 2)
    ends = (limits.min, limits.min + 1, -1, 0, limits.max - 1, limits.max)
    values = [v for v in (*near, *ends) if limits.min <= v <= limits.max]
    return codes, low, np.array(values, dtype=dtype)


def shape(rng: np.random.Generator) -> tuple[int, ...]:
    """An image of one pixel, of one row or column, of odd sides, larger than 32×32, or a volume."""
    small, large = (int(n) for n in rng.integers(2, 32, 2)), (int(n) for n in rng.integers(33, 90, 2))
    return (
        (1, 1),
        (1, int(rng.integers(1, 200))),
        (int(rng.integers(1, 200)), 1),
        tuple(n | 1 for n in small),
        tuple(large),
        tuple(int(n) for n in rng.integers(1, 14, 3)),
    )[rng.choice(6, p=[0.05, 0.1, 0.1, 0.15, 0.4, 0.2])]


def fill(rng: np.random.Generator, values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A label map in one of several styles."""
    style = rng.choice([noise, lone, even_runs, runs, runs_in_noise, alternation])
    return style(rng, values, int(np.prod(size))).astype(values.dtype).reshape(size)


def noise(rng: np.random.Generator, values: np.ndarray, n: int) -> np.ndarray:
    return rng.choice(values, n)


def lone(rng: np.random.Generator, values: np.ndarray, n: int) -> np.ndarray:
    """One label, with a single pixel that differs."""
    labels = np.full(n, rng.choice(values))
    labels[int(rng.choice([0, n - 1, rng.integers(n)]))] = rng.choice(values)
    return labels


def even_runs(rng: np.random.Generator, values: np.ndarray, n: int) -> np.ndarray:
    length = int(rng.integers(2, 20))
    return np.repeat(rng.choice(values, -(-n // length)), length)[:n]


def runs(rng: np.random.Generator, values: np.ndarray, n: int) -> np.ndarray:
    """Runs that end just before, at and just after the borders of vectors of any width."""
    lengths = rng.choice(RUN_LENGTHS, n)
    return np.repeat(rng.choice(values, n), lengths)[:n]


def runs_in_noise(rng: np.random.Generator, values: np.ndarray, n: int) -> np.ndarray:
    """Runs, with noise from one place to another."""
    labels = runs(rng, values, n)
    begin, end = np.sort(rng.integers(0, n + 1, 2))
    labels[begin:end] = rng.choice(values, end - begin)
    return labels


def alternation(rng: np.random.Generator, values: np.ndarray, n: int) -> np.ndarray:
    """Two labels in turn."""
    return np.resize(rng.choice(values, 2), n)


def pair(
    rng: np.random.Generator, truth_values: np.ndarray, prediction_values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two label maps of equal shape; some share their memory."""
    size = shape(rng)
    if truth_values.dtype == prediction_values.dtype and rng.random() < 0.2:
        return overlapping(rng, fill(rng, truth_values, size))
    truth = arranged(rng, fill(rng, truth_values, size))
    return truth, arranged(rng, fill(rng, prediction_values, truth.shape))


def overlapping(rng: np.random.Generator, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same array twice, against its mirror image, or shifted by a row or a column."""
    views = [(labels, labels), (labels, labels[..., ::-1])]
    views += [(labels[..., 1:], labels[..., :-1])] if labels.shape[-1] > 1 else []
    views += [(labels[:-1], labels[1:])] if len(labels) > 1 else []
    return views[rng.integers(len(views))]


def arranged(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """The same labels in memory of another kind (constant along one axis, for the broadcast ones)."""
    name = list(ARRANGEMENTS)[rng.integers(len(ARRANGEMENTS))]
    return ARRANGEMENTS[name](labels)


def _stepped(labels: np.ndarray) -> np.ndarray:
    wide = np.zeros([3 * n for n in labels.shape], dtype=labels.dtype)
    view = wide[tuple(slice(1, None, 3) for _ in labels.shape)]
    view[...] = labels
    return view


def _cropped(labels: np.ndarray) -> np.ndarray:
    wide = np.zeros([n + 4 for n in labels.shape], dtype=labels.dtype)
    view = wide[tuple(slice(1, -3) for _ in labels.shape)]
    view[...] = labels
    return view


def _moved(labels: np.ndarray) -> np.ndarray:
    view = np.zeros(labels.size + 5, dtype=labels.dtype)[5:].reshape(labels.shape)
    view[...] = labels
    return view


def _read_only(labels: np.ndarray) -> np.ndarray:
    labels = labels.copy()
    labels.flags.writeable = False
    return labels


def _memory_map(labels: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryFile() as file:
        file.write(labels.tobytes())
        file.flush()
        return np.memmap(file, dtype=labels.dtype, mode="r", shape=labels.shape)


def _unaligned(labels: np.ndarray) -> np.ndarray:
    raw = np.zeros(labels.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(labels.dtype).reshape(labels.shape)
    view[...] = labels
    return view


ARRANGEMENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "rows upside down": lambda labels: labels[::-1].copy()[::-1],
    "all axes reversed": lambda labels: np.flip(np.flip(labels).copy()),
    "every third": _stepped,
    "cropped": _cropped,
    "moved by five pixels": _moved,
    "columns equal": lambda labels: np.broadcast_to(labels[..., :1], labels.shape),
    "rows equal": lambda labels: np.broadcast_to(labels[..., :1, :], labels.shape),
    "all equal": lambda labels: np.broadcast_to(labels.flat[0], labels.shape),
    "read-only": _read_only,
    "memory map": _memory_map,
    "big-endian": lambda labels: labels.astype(labels.dtype.newbyteorder(">")),
    "unaligned": _unaligned,
}
