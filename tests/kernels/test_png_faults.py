"""Faults put into the PNG reader on purpose: the comparison with the twin must catch every one."""

import itertools
import random
import struct
from collections.abc import Iterator

import numpy as np
import pytest

from segbench.kernels import png, reference_png
from tests.datasets.damage import truncated, two_headers, wrong_checksum
from tests.datasets.pngs import PALETTE, chunk, header, join
from tests.kernels.comparisons import hold
from tests.kernels.mutants import mutant, unchanged
from tests.kernels.test_png import AVERAGE, PAETH, SUB, cases, chunks_of, encoded, small

SOURCES = ("_png.pyx", "png.pxi")
CORNER = "return corner if to_corner < nearest else value"

# what is wrong, the right text, the wrong text
FAULTS = [
    # (A tie of left and above decides nothing: then they are equal, or the corner is nearer than both.)
    ("Paeth: tie of left and corner", CORNER, CORNER.replace("nearest", "nearest + (value == left)")),
    ("Paeth: tie of above and corner", CORNER, CORNER.replace("nearest", "nearest + (value == above)")),
    ("Paeth: corner held to left alone", "nearest = to_above if to_above < nearest else nearest", "pass"),
    ("Paeth: sign of a distance", "abs(left + above - 2 * corner)", "(left + above - 2 * corner)"),
    ("Paeth: copied where left and corner differ", "if n and left == corner:", "if n:"),
    ("Paeth: filled under a row that is not flat", "if n and all_are(corner, above + x, n):", "if n:"),
    ("Paeth: left lost after a copy", "left = corner = above[x - 1]", "corner = above[x - 1]"),
    ("Paeth: corner lost", "            corner = above[x]\n", ""),
    ("Average: rounded up", "((<int>left + <int>above[x]) >> 1)", "((<int>left + <int>above[x] + 1) >> 1)"),
    ("Average: sum in 8 bits", "(<int>left + <int>above[x])", "<uint8_t>(left + above[x])"),
    ("Average: row above not looked at", "if n and all_are(left, above + x, n):", "if n:"),
    ("Average: first row", "row[x] += row[x - 1] >> 1", "row[x] += row[x - 1]"),
    ("Sub: left lost after a fill", "            fill(row + x, left, n)\n            x += n\n            continue\n"
     "        end = min(x + WORD, width)\n        while x < end:\n            left = <uint8_t>(left + row[x])",
     "            fill(row + x, left, n)\n            x += n\n            left = 0\n            continue\n"
     "        end = min(x + WORD, width)\n        while x < end:\n            left = <uint8_t>(left + row[x])"),
    ("Up: first row", "elif filter == SUB or filter == PAETH:", "elif filter != NONE:"),
    ("Up: last pixel", "width):\n        row[x] += above", "width - 1):\n        row[x] += above"),
    ("first row: Paeth is Sub", "elif filter == SUB or filter == PAETH:", "elif filter == SUB:"),
    ("shortcut: copies too little", "memcpy(at, source, BLOCK)", "memcpy(at, source, BLOCK - WORD)"),
    ("shortcut: fills too little", "memset(at, value, BLOCK)", "memset(at, value, BLOCK - 1)"),
    ("shortcut: last word not looked at", " | (word(at + 24) ^ same)", ""),
    ("filter 5 let through", "if row[0] > PAETH:", "if row[0] > PAETH + 1:"),
    ("checksum not tested", "if checksum != read(chunk + CONTENT + length):", "if False:"),
    ("checksum of the content alone", "file[png.at + 4 : png", "file[png.at + CONTENT : png"),
    ("second header let through", "return not previous", "return True"),
    ("pixels in two places let through", "return png.n_parts == 1 or previous == IDAT", "return True"),
    ("parts joined with their frames", "length\n        at += FRAME", "length\n        at += CONTENT"),
    ("interlaced let through", " and content[12] == 0", ""),
    ("palette not asked for", "if png.has_palette == (png.color == PALETTE):", "if True:"),
    ("sides swapped", "png.width = read(content)", "png.width = read(content + 4)"),
    ("last chunk not read", "if left < FRAME:", "if left <= FRAME:"),
]  # fmt: skip


def files() -> Iterator[bytes]:
    """Files of every kind that the faults are about."""
    for case in itertools.islice(cases(7), 300):
        yield case.data
    dice = random.Random(0)
    for case in itertools.islice(cases(8, largest=12), 100):
        for damage in (truncated, wrong_checksum, two_headers):
            yield damage(case.chunks, dice)
    flat = np.zeros((6, 123), np.uint8)
    for method, residuals in itertools.product((AVERAGE, PAETH), itertools.product((0, 9), repeat=6)):
        rows = np.column_stack([np.array([SUB, *[method] * 5], np.uint8), flat])
        rows[:, [1, 30, 40, 41, 60, 90]] += np.array(residuals, np.uint8)
        yield join(chunks_of(flat.shape, rows.tobytes()))
    rows = np.column_stack([np.full(6, 5, np.uint8), flat])
    yield join(chunks_of(flat.shape, rows.tobytes()))
    head, *rest = small().chunks
    yield join([(b"IHDR", head[1][:12] + b"\1"), *rest])
    yield join([header(6, 123, kind=PALETTE), *rest])
    pixels = small().chunks[1][1]
    yield join([head, (b"IDAT", pixels[:5]), (b"sRGB", b"\0"), (b"IDAT", pixels[5:]), rest[-1]])
    yield join([head]) + struct.pack(">I", 0) + chunk(b"IEND", b"")[4:]
    yield encoded(flat, SUB, n_parts=99).data


def hold_all() -> None:
    for data in files():
        hold(png.decode, reference_png.decode, {"data": data})


@pytest.mark.parametrize(("fault", "right", "wrong"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_seeded_fault_is_caught(fault, right, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(png, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all()


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(png, "_loops", unchanged(SOURCES, tmp_path))
    hold_all()
