"""Faults put into the loops over many files on purpose: the comparison with one file at a time must catch every one."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from segbench.kernels import files, pairs
from tests.datasets.pngs import PALETTE, RGB, header, join, png
from tests.kernels.comparisons import Case, hold
from tests.kernels.mutants import mutant, unchanged
from tests.kernels.test_count_files import disk_calls, hold_count
from tests.kernels.test_files import every_kind, hold_files
from tests.kernels.test_pairs import case_of, one_by_one, pair_cases
from tests.kernels.test_png import NONE, SUB, chunks_of, filtered, small

SOURCES = {
    "pairs": ("_pairs.pyx", "png.pxi", "counting.pxi", "files.pxi", "runs.h"),
    "files": ("_files.pyx", "files.pxi"),
}
SOURCES["on disk"] = SOURCES["pairs"]
MODULES = {"pairs": pairs, "on disk": pairs, "files": files}

SIZES = "truth.height != prediction.height or truth.width != prediction.width"
CHECKSUM = "library.crc32(0, data.bytes + png.at + 4, length + 4)"
FACED = ", &prediction)\n    shape"
CODES = "_take_codes(&sides[i], codes, low, n - 1)"
TABLE = "&tables[i, 0, 0], tables.shape[2], &seen"
ALL = "for i in range(n):\n                "

# kernel, what is wrong, the right text, the wrong text; none of them can read or write where it should not
FAULTS = [
    ("pairs", "larger predictions let through", SIZES, SIZES.replace("!=", ">")),
    ("pairs", "checksum not tested", CHECKSUM, "read(data.bytes + png.at + CONTENT + length)"),
    ("pairs", "checksum of the content alone", CHECKSUM, CHECKSUM.replace("+ 4, length + 4", "+ CONTENT, length")),
    ("pairs", "whatever is not cut is plain", "return png.verdict == PLAIN", "return png.verdict != CUT"),
    ("pairs", "parts not joined", "if png.n_parts > 1:", "if False:"),
    ("pairs", "missing rows let through", "!= 0 or found != <size_t>size:", "!= 0:"),
    ("pairs", "checksum of the stream ignored", "size, &found) != 0 or", "size, &found) > 1 or"),
    ("pairs", "more rows than declared let through", "&found) != 0 or found != <size_t>size:", "&found) == 1:"),
    ("pairs", "filter 5 let through", "png.width + 1) < 0", "png.width + 1) < png.height"),
    ("pairs", "filter taken for a pixel", "<const char *>rows.bytes + 1", "<const char *>rows.bytes"),
    ("pairs", "rows one pixel short", "side.strides[1] = png.width + 1", "side.strides[1] = png.width"),
    ("pairs", "truth against itself", f"&room.prediction{FACED}", f"&room.truth{FACED}"),
    ("pairs", "sides swapped", "(predictions if i % 2 else truths)", "(truths if i % 2 else predictions)"),
    ("pairs", "axes swapped", "if i == 0 else 1", "if i == 1 else 1"),
    ("pairs", "low ignored", CODES, CODES.replace("low", "0")),
    ("pairs", "no place for what has no code", CODES, CODES.replace(" - 1", " - 1 - (n > 1)")),
    ("pairs", "all in one table", f"{TABLE}\n", f"{TABLE}\n".replace("[i", "[0")),
    ("on disk", "all in one table", f"{TABLE})", f"{TABLE})".replace("[i", "[0")),
    ("pairs", "last pair left out", f"{ALL}counted", f"{ALL}counted".replace("n)", "n - 1)")),
    ("on disk", "links of the submission followed", "most + 1, i == 0,", "most + 1, True,"),
    ("on disk", "links of the truth refused", "most + 1, i == 0,", "most + 1, False,"),
    ("on disk", "what goes on let through", "if not 0 <= pair[i].size <= most:", "if pair[i].size < 0:"),
    ("on disk", "limit one byte too low", "pair[i].size <= most:", "pair[i].size < most:"),
    ("on disk", "the first file again", "room.files[i].used = 0", "pass"),
    ("on disk", "no end of a palette", "size[2] = read(data.bytes + png.palette)", "size[2] = 768"),
    ("on disk", "palette with its name", "png.palette + CONTENT, size[2]", "png.palette + 4, size[2]"),
    ("on disk", "rows for columns", "= png.height, png.width, 0", "= png.width, png.height, 0"),
    ("on disk", "digest of the truth", "(pair[1].bytes, pair[1].size, &dig", "(pair[0].bytes, pair[0].size, &dig"),
    ("on disk", "sides swapped", "(predictions if i % 2 else truths)", "(truths if i % 2 else predictions)"),
    ("files", "what is no file is empty", " or not S_ISREG(found.st_mode)", ""),
    ("files", "links followed", "(0 if follow else O_NOFOLLOW)", "0"),
    ("files", "links never followed", "(0 if follow else O_NOFOLLOW)", "O_NOFOLLOW"),
    ("files", "limit ignored", "min(found.st_size, most), 0", "found.st_size, 0"),
    ("files", "limit of the first", "most[i], follow", "most[0], follow"),
    ("files", "empty files are none", "if lengths[i] < 0:", "if lengths[i] <= 0:"),
    ("files", "read from the first on", "at += lengths[i]", "at += 0"),
    ("files", "left open", "    close(descriptor)\n    return", "    return"),
]  # fmt: skip


def calls() -> Iterator[Case]:
    """Calls of every kind that the faults are about."""
    yield from itertools.islice(pair_cases(1, largest=40), 60)
    case, (head, (kind, content), end) = small(), small().chunks
    rows = filtered(case.labels, case.filters)
    size = case.labels.shape
    spoilt = [
        join([head, (kind, content[:-1] + bytes([content[-1] ^ 1])), end]),
        join([head, (kind, content)]),
        join([header(*size, kind=PALETTE), (kind, content), end]),
        *(join(chunks_of(size, changed)) for changed in (rows[:-1], rows[:124], rows + b"\0", b"\5" + rows[1:])),
        png(np.zeros(size, np.uint8), depth=16),
        png(np.zeros((*size, 3), np.uint8), kind=RGB),
    ]
    for other in [*spoilt, *map(longer, ((7, 123), (6, 124), (7, 124)))]:
        yield case_of([(case.data, case.data), (case.data, other), (other, case.data)])


def longer(size: tuple[int, int]) -> bytes:
    return join(chunks_of(size, filtered(np.ones(size, np.uint8), [SUB, NONE, *[SUB] * (size[0] - 2)])))


def hold_all(kernel: str, folder: Path) -> None:
    if kernel == "pairs":
        for case in calls():
            hold(pairs.count_pairs, one_by_one, case)
    elif kernel == "on disk":
        folder.mkdir()
        for case in disk_calls(folder, 1, 10):
            hold_count(case)
    else:
        folder.mkdir()
        hold_files(every_kind(folder))


def test_three_faults_for_every_kernel():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in SOURCES)


@pytest.mark.parametrize(("kernel", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
def test_seeded_fault_is_caught(kernel, fault, right, wrong, tmp_path, monkeypatch):
    loops = mutant(SOURCES[kernel], tmp_path, right, wrong)
    monkeypatch.setattr(MODULES[kernel], "_loops", loops)
    with pytest.raises(AssertionError):
        hold_all(kernel, tmp_path / "files")


@pytest.mark.parametrize("kernel", SOURCES)
def test_the_unchanged_source_passes(kernel, tmp_path, monkeypatch):
    monkeypatch.setattr(MODULES[kernel], "_loops", unchanged(SOURCES[kernel], tmp_path))
    hold_all(kernel, tmp_path / "files")
