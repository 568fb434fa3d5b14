"""Pairs read and counted in one call against the kernels that read files and count bytes, and against hashlib."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.datasets.images import palette_of
from segbench.errors import BadParameter, ResourceError
from segbench.kernels import pairs
from segbench.kernels.files import read_files
from segbench.kernels.pairs import CountedFiles, count_files, count_pairs
from segbench.kernels.png import decode
from tests.datasets import pngs
from tests.datasets.pngs import PALETTE, RGB
from tests.kernels.comparisons import Case
from tests.kernels.test_files import every_kind
from tests.kernels.test_pairs import case_of, pair_cases
from tests.kernels.test_png import NONE, PAETH, encoded, small
from tests.kernels.turns import others_run_during

MOST = 1 << 20


def one_after_the_other(
    *, truths: Sequence[bytes], predictions: Sequence[bytes], most: int, codes: NDArray[np.int32], low: int
) -> CountedFiles:
    """Return what `count_files` must: files are read, those that are whole are counted, and then looked at."""
    data = [_whole(truths, most, follow=True), _whole(predictions, most, follow=False)]
    tables, counted = count_pairs(truths=data[0], predictions=data[1], codes=codes, low=low)
    shapes, palettes, digests = [], [], []
    for answer, is_counted in zip(data[1], counted, strict=True):
        labels = decode(answer) if is_counted else None
        shapes.append([0, 0] if labels is None else list(labels.shape))
        palettes.append(palette_of(answer) if is_counted else b"")
        digests.append(hashlib.sha256(answer).hexdigest() if is_counted else "")
    return CountedFiles(tables, counted, shapes, palettes, digests)


def _whole(paths: Sequence[bytes], most: int, *, follow: bool) -> list[bytes]:
    contents = read_files(paths, most=[most + 1] * len(paths), follow=follow)
    return [b"" if content is None or len(content) > most else content for content in contents]


def same(found: CountedFiles, expected: CountedFiles) -> bool:
    """Return whether all of both is equal, types as well."""
    arrays = zip(found[:2], expected[:2], strict=True)
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in arrays) and found[2:] == expected[2:]


def hold_count(case: Case) -> CountedFiles:
    """Assert that a call comes to what it must, and leaves no descriptor open; return it."""
    before = len(os.listdir("/proc/self/fd"))
    found = count_files(**case)
    assert same(found, one_after_the_other(**case))
    assert len(os.listdir("/proc/self/fd")) == before
    return found


def stored(folder: Path, case: Case, most: int = MOST) -> Case:
    """Return a call of `count_pairs` as one of `count_files`."""
    return {**case, "most": most, **{side: written(folder / side, case[side]) for side in ("truths", "predictions")}}


def written(folder: Path, contents: Sequence[bytes]) -> list[bytes]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{i}.png" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [os.fsencode(path) for path in paths]


def disk_calls(folder: Path, seed: int, n: int) -> list[Case]:
    """Return calls of every kind: random pairs, palettes in every place, links, and what is no file."""
    calls = []
    for number, case in enumerate(itertools.islice(pair_cases(seed, largest=40), n)):
        (folder / f"{number}").mkdir()
        calls.append(stored(folder / f"{number}", case))
    (folder / "kinds").mkdir()
    calls += [kinds(folder / "kinds"), stored(folder, palettes())]
    longest = max(os.path.getsize(path) for path in calls[-1]["predictions"])
    return [*calls, {**calls[-1], "most": longest - 1}, {**calls[-1], "most": longest}]


def palettes() -> Case:
    """Pairs whose predictions have palettes of every length, behind other chunks and not."""
    labels = np.zeros((5, 7), np.uint8)
    rng = np.random.default_rng(0)
    files = []
    for n in (1, 2, 21, 255, 256):
        head, _, *rest = pngs.chunks_of(labels, kind=PALETTE)
        palette = (b"PLTE", rng.bytes(3 * n))
        files += [[head, palette, *rest], [head, (b"gAMA", bytes(4)), palette, (b"tRNS", bytes(1)), *rest]]
    data = [pngs.join(chunks) for chunks in files] + [pngs.png(labels), pngs.png(labels) + b"behind the end"]
    return case_of([(data[-2 - i % 2], one) for i, one in enumerate(data)])


def kinds(folder: Path) -> Case:
    """Pairs of a good file and whatever else a path may be, on both sides."""
    data = small(PALETTE).data
    good = folder / "good.png"
    every_kind(folder)
    good.write_bytes(data)
    (folder / "to_good").symlink_to(good)
    paths = [b"", b"/dev/zero", *(os.fsencode(path) for path in sorted(folder.iterdir()))]
    both = [os.fsencode(good)] * len(paths)
    return {**case_of([]), "truths": [*paths, *both], "predictions": [*both, *paths], "most": MOST}


class TestAgainstOneAfterTheOther:
    @pytest.mark.parametrize("seed", range(4))
    def test_calls_of_every_kind(self, seed: int, tmp_path: Path) -> None:
        seen: Counter[bool] = Counter()
        for case in disk_calls(tmp_path, seed, 120):
            seen.update(hold_count(case).counted.tolist())
        assert min(seen.values()) > 50

    def test_links(self, tmp_path: Path) -> None:
        # A link is taken as a truth and not as a prediction.
        found = hold_count(kinds(tmp_path))
        assert found.counted.sum() == 2 + 1

    def test_every_palette(self, tmp_path: Path) -> None:
        found = hold_count(stored(tmp_path, palettes()))
        assert found.counted.all()
        assert [len(palette) // 3 for palette in found.palettes] == [1, 1, 2, 2, 21, 21, 255, 255, 256, 256, 0, 0]
        assert found.shapes == [[5, 7]] * 12

    def test_limits(self, tmp_path: Path) -> None:
        data = [small().data, small().data + b"a", b"", small(PALETTE).data + b"ab"]
        case = stored(tmp_path, case_of(list(itertools.product(data, data))))
        for most in (0, 1, *(len(one) + less for one in data for less in (-1, 0, 1) if one), (1 << 62) - 1):
            hold_count({**case, "most": most})

    def test_a_large_file_between_small_ones(self, tmp_path: Path) -> None:
        # Beyond 16 MiB a workspace is given back.
        labels = np.random.default_rng(0).integers(0, 4, (3000, 3000)).astype(np.uint8)
        large = encoded(labels, NONE, level=0).data
        case = stored(tmp_path, case_of([(small().data,) * 2, (large, large), (small().data,) * 2]), most=1 << 24)
        for _ in range(3):
            assert hold_count(case).counted.all()

    def test_by_hand(self, tmp_path: Path) -> None:
        truth, prediction = np.array([[7, 7, 9], [0, 255, 9]]), np.array([[7, 9, 9], [7, 7, 8]])
        data = pngs.png(prediction, kind=PALETTE)
        case = stored(tmp_path, case_of([(pngs.png(truth), data)], np.array([1, -1, 0], np.int32), 7))
        found = count_files(**case)
        # Values 7 and 9 have codes 1 and 0; 8 has none, and 0 and 255 lie outside.
        assert found.tables.tolist() == [[[1, 0, 1], [1, 1, 0], [0, 2, 0]]]
        assert (found.counted.tolist(), found.shapes) == ([True], [[2, 3]])
        assert found.digests == [hashlib.sha256(data).hexdigest()]


class TestArguments:
    def test_nothing_to_count(self) -> None:
        found = count_files(**case_of([]), most=9)
        assert (found.tables.shape, found.counted.shape, found[2:]) == ((0, 6, 6), (0,), ([], [], []))

    @pytest.mark.parametrize("wrong", [None, "text.png", Path("a"), bytearray(b"a"), b"a\0b"])
    @pytest.mark.parametrize("side", ["truths", "predictions"])
    def test_what_is_no_path(self, side: str, wrong: object) -> None:
        case: dict[str, Any] = {**case_of([(b"a", b"b")] * 2), "most": 9}
        case[side][1] = wrong
        with pytest.raises(BadParameter, match="a path"):
            count_files(**case)

    def test_what_is_no_pair(self) -> None:
        case = case_of([(b"a", b"b")] * 2)
        with pytest.raises(BadParameter, match="pairs"):
            count_files(**{**case, "truths": [b"a"]}, most=9)

    @pytest.mark.parametrize("most", [-1, 1 << 62, 1 << 70, 0.5, None])
    def test_bad_limits(self, most: Any) -> None:
        with pytest.raises(BadParameter, match="most"):
            count_files(**case_of([(b"a", b"b")]), most=most)

    def test_more_cells_than_are_allowed(self) -> None:
        with pytest.raises(ResourceError, match="a table of 20001 × 20001 cells"):
            count_files(**case_of([(b"a", b"b")], np.arange(20_000, dtype=np.int32)), most=9)


class TestWithoutALibrary:
    @pytest.mark.parametrize("name", ["ADDRESSES", "SHA256"])
    def test_nothing_is_counted(self, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        case = stored(tmp_path, case_of([(small().data, small().data)] * 3))
        assert count_files(**case).counted.all()
        monkeypatch.setattr(pairs, name, None)
        found = count_files(**case)
        assert not found.counted.any()
        assert found[2:] == ([[0, 0]] * 3, [b""] * 3, [""] * 3)

    def test_no_such_function(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hidden = type("Module", (), {"__file__": pairs._loops.__file__})
        for module in (hidden, type("Builtin", (), {})):
            monkeypatch.setitem(pairs.sys.modules, "_hashlib", module)  # type: ignore[attr-defined]
            assert pairs._sha256_address() is None
        monkeypatch.delitem(pairs.sys.modules, "_hashlib")  # type: ignore[attr-defined]
        assert pairs._sha256_address() is None


class TestThreads:
    def test_side_by_side(self, tmp_path: Path) -> None:
        calls = disk_calls(tmp_path, 3, 30)
        expected = [one_after_the_other(**call) for call in calls]
        wrong = []

        def count(seed: int) -> None:
            for i in np.random.default_rng(seed).integers(0, len(calls), 60).tolist():
                if not same(count_files(**calls[i]), expected[i]):
                    wrong.append(i)

        threads = [threading.Thread(target=count, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_other_threads_run_during_a_call(self, tmp_path: Path) -> None:
        labels = np.random.default_rng(0).integers(0, 256, (2000, 4000)).astype(np.uint8)
        case = stored(tmp_path, case_of([(encoded(labels, PAETH, level=0).data,) * 2] * 4), most=1 << 30)
        assert others_run_during(lambda: count_files(**case))


def test_other_kinds_are_left(tmp_path: Path) -> None:
    labels = np.zeros((4, 6), np.uint8)
    others = [pngs.png(labels, depth=16), pngs.png(np.stack([labels] * 3, axis=-1), kind=RGB), b"GIF89a" + bytes(50)]
    found = hold_count(stored(tmp_path, case_of([(pngs.png(labels), other) for other in others])))
    assert not found.counted.any()
