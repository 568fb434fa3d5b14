"""Faults put into the scanner of COCO files on purpose: the comparison with the twin must catch every one."""

from __future__ import annotations

from random import Random

import pytest

from segbench.kernels import records, reference_records
from tests.kernels.jsonfiles import ANNOTATION, RESULT, Writer, agree, beside, listed, mutated, true
from tests.kernels.mutants import mutant, unchanged

SOURCES = ("_records.pyx", "records.h", "record_values.h", "json_values.h", "json_numbers.h", "json_text.h")
MARKS = "_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash))"
COMMA = "return fails(t, TRAILING_COMMA, t->at) - 1;"
CARRY = "low += more;\n        high += low < more;"
ROW = "c->starts[row] = begin - s->text.begin;"
POLYGON = "[++*n] = s->n[FULL_POINTS - FULL_ROWS];"
AGAIN = "            memcpy(s->n, n, sizeof n);\n            return"

# scan, what is wrong, the right text, the wrong text; none of them can write where it should not
FAULTS = [
    ("scan_results", "escapes not seen", "            s->escaped = 1;\n", ""),
    ("scan_results", "surrogates are UTF-8", "s[0] == 0xED ? 0x9F", "s[0] == 0xED ? 0xBF"),
    ("scan_results", "strings end at backslashes only", MARKS, "_mm_cmpeq_epi8(bytes, backslash)"),
    ("scan_results", "comma before the end", COMMA, "return next_item(t, w, closing);"),
    ("scan_results", "escaped keys never the same", "t->hashes[i] == hash && same_key(t, i, s)", "0"),
    ("scan_results", "keys of objects around count", "i >= first; i =", "i >= 0; i ="),
    ("scan_results", "pairs of surrogates apart", "(code & 0xFC00) != 0xD800 ||", "1 ||"),
    ("scan_results", "depth of the record forgotten", "if (depth + open == MOST_DEEP)", "if (open == MOST_DEEP)"),
    ("scan_results", "boxes of three", "return n == 4 ? 1", "return n >= 3 ? 1"),
    ("scan_results", "records from the byte before", ROW, ROW.replace("begin -", "begin - 1 -")),
    ("scan_truth", "ties away from zero", "power >= -4 && power <= 23", "power > 23"),
    ("scan_truth", "no carry from the second product", CARRY, "low += more;"),
    ("scan_truth", "digits after the 19th do not matter", "d->cut |= digit != 0;", ""),
    ("scan_truth", "polygons end where run lengths do", POLYGON, POLYGON.replace("POINTS", "COUNTS")),
    ("scan_truth", "points kept of a record read twice", AGAIN, "            return"),
    ("scan_truth", "what follows is left alone", "t->at == t->end ? DONE : ", "1 ? DONE : "),
]


RECORDS = [
    *(beside("x", "[" * depth + "]" * depth) for depth in (62, 63)),
    beside("bbox", "[1,2,3]"),
    beside("x", '{"\\ud83d\\ude00":1,"\U0001f600":2}'),
    beside("x", '{"a":1,"\\u0061":2}'),
    beside("x", '{"k":1,"y":{"k":2,"z":3},"z":3}'),
    f"{RESULT},",
]
ENDS = (b"", b"\xed\xa0\x80", b'","y":"\\\\')


def files(name: str) -> list[bytes]:
    """Return files of any writing, right, wrong and mutated, and those that make columns full or numbers hard."""
    random = Random(7)
    found = []
    for i in range(900):
        writer = Writer(random, 0.03 if i % 3 == 0 else 0)
        data = writer.results() if name == "scan_results" else writer.truth()
        found.append(mutated(random, data) if i % 3 == 1 else data)
    found += [listed(record).encode() for record in RECORDS]
    found += [
        listed(RESULT).encode().replace(b"1", b'1,"x":"%s"' % (b"m" * i + end)) for i in range(20) for end in ENDS
    ]
    found += [b"[] 1", b'{"annotations":[]} 1']
    found += [data.encode() for data in truths(random)]
    return found


def truths(random: Random) -> list[str]:
    numbers = [f"{random.randrange(2**64)}e{random.randrange(-60, 60)}" for _ in range(30_000)]
    numbers += [str((2 * random.randrange(2**52, 2**53) + 1) << random.randrange(4)) for _ in range(500)]
    numbers += [f"{2**53 + 1}.{'0' * 9}{i}" for i in range(3)] + ["-0", "-0.0", "1.7976931348623157e308"]
    polygons = f"[[{','.join(numbers)}],[],[1],[]]"
    many = ",".join(beside("segmentation", "[[1,2],[],[3]]", beside("x", "1", ANNOTATION)) for _ in range(400))
    return [true(beside("segmentation", polygons, ANNOTATION)), true(many)]


@pytest.fixture(scope="module")
def all_files() -> dict[str, list[bytes]]:
    return {name: files(name) for name in ("scan_results", "scan_truth")}


def test_three_faults_for_every_scan():
    assert all(sum(fault[0] == name for fault in FAULTS) >= 3 for name in ("scan_results", "scan_truth"))


@pytest.mark.parametrize(("name", "fault", "right", "wrong"), FAULTS, ids=[": ".join(f[:2]) for f in FAULTS])
def test_seeded_fault_is_caught(name, fault, right, wrong, all_files, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "_loops", mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all(name, all_files[name])


def test_the_unchanged_source_passes(all_files, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "_loops", unchanged(SOURCES, tmp_path))
    for name, data in all_files.items():
        hold_all(name, data)


def hold_all(name: str, data: list[bytes]) -> None:
    for one in data:
        agree(getattr(records, name), getattr(reference_records, name), one)
