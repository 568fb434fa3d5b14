"""What digests are made of: two writers of one form."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segbench.codec import canonical_json, json_line
from segbench.scoring.outcome import Record

#: All that UTF-8 can hold: names with lone surrogates are refused before.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
LINES = st.lists(st.recursive(TEXTS | NUMBERS | st.none(), lambda inner: st.lists(inner, max_size=4), max_leaves=12))


@given(LINES)
def test_a_line_is_canonical_json(line: list[object]) -> None:
    assert json_line(line).decode() == canonical_json(line)


def test_the_order_of_slices_is_part_of_the_truth() -> None:
    one, other = (
        Record(["a"], None, {"membrane": {"shape": [2, 2, 2], "truth": cells}}).truth()
        for cells in ([[3], [1]], [[1], [3]])
    )
    assert one != other
