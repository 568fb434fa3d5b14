"""Files that something happened to: the scanner takes what its twin takes, and refuses what it refuses."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segbench.kernels import records, reference_records
from segbench.kernels.jsonfaults import JsonFault, Reason
from tests.kernels.jsonfiles import Writer, agree, mutated

SCANS = {name: (getattr(records, name), getattr(reference_records, name)) for name in ("scan_results", "scan_truth")}


def written(name: str, writer: Writer) -> bytes:
    return writer.results() if name == "scan_results" else writer.truth()


@pytest.mark.parametrize("name", SCANS)
def test_files_in_any_writing(name):
    random = Random(1)
    rows = 0
    for _ in range(1500):
        found = agree(*SCANS[name], written(name, Writer(random)))
        assert not isinstance(found, JsonFault), found
        rows += len(found)
    assert rows > 2000


@pytest.mark.parametrize("name", SCANS)
def test_values_that_do_not_belong(name):
    random = Random(2)
    found = Counter()
    for _ in range(3000):
        columns = agree(*SCANS[name], written(name, Writer(random, 0.05)))
        found[columns.reason if isinstance(columns, JsonFault) else None] += 1
    # All but what the writer cannot make.
    rare = {Reason.ENCODING, Reason.EMPTY, Reason.TOO_MANY_KEYS, Reason.TOO_DEEP, Reason.SEVERAL_VALUES}
    rare |= {Reason.TRAILING_COMMA, Reason.TRUNCATED, Reason.BAD_UTF8, Reason.BAD_ESCAPE, Reason.CONTROL_CHARACTER}
    assert found[None] > 300
    assert set(Reason) - rare - {Reason.TOP_LEVEL} <= set(found), set(Reason) - set(found)


@pytest.mark.parametrize("name", SCANS)
def test_one_accident(name):
    random = Random(3)
    found = Counter()
    files = [data for data in (written(name, Writer(random)) for _ in range(60)) if len(data) > 200]
    for _ in range(15_000):
        columns = agree(*SCANS[name], mutated(random, random.choice(files)))
        found[columns.reason if isinstance(columns, JsonFault) else None] += 1
    assert found[None] > 300
    assert {Reason.TRUNCATED, Reason.SYNTAX, Reason.BAD_UTF8, Reason.CONTROL_CHARACTER} <= set(found)
    assert {Reason.BAD_ESCAPE, Reason.MISSING_KEY, Reason.WRONG_TYPE, Reason.DUPLICATE_KEY} <= set(found)


@pytest.mark.parametrize("name", SCANS)
def test_every_cut(name):
    random = Random(4)
    data = max((written(name, Writer(random)) for _ in range(40)), key=len).rstrip()
    for end in range(len(data)):
        found = agree(*SCANS[name], data[:end])
        assert isinstance(found, JsonFault)
        assert found.offset <= end


@pytest.mark.parametrize("name", SCANS)
@settings(max_examples=200)
@given(random=st.randoms(use_true_random=False), wrong=st.sampled_from((0, 0.02, 0.2)))
def test_files_of_hypothesis(name, random, wrong):
    agree(*SCANS[name], written(name, Writer(random, wrong)))


@pytest.mark.parametrize("name", SCANS)
@settings(max_examples=300)
@given(data=st.one_of(st.binary(max_size=60), st.text('[]{}",:\\u0129eE.-ntf aNI\n', max_size=40).map(str.encode)))
def test_bytes_of_hypothesis(name, data):
    agree(*SCANS[name], data)
