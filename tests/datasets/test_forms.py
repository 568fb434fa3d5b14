"""The texts of ``--input`` for volumes, and what names of slices and views say."""

from __future__ import annotations

import pickle

import pytest

from segbench.datasets.forms import SINGLE, WRITTEN, Form, Parts, Piece
from segbench.errors import BadParameter

SLICES = Form("", (2,))
VOTE = Form("vote", (None, None, None))
AXES = Form("vote", (0, 1, 2))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("slices(axis=2)", SLICES),
        ("fused(vote,3)", VOTE),
        ("fused(mean,64)", Form("mean", (None,) * 64)),
        ("fused(vote,slices(axis=0),slices(axis=1),slices(axis=2))", AXES),
        ("fused(vote,slices(axis=2),slices(axis=2))", Form("vote", (2, 2))),
    ],
)
def test_the_canonical_text_is_read_again(text: str, form: Form) -> None:
    assert (Form.parse(text), str(form)) == (form, text)
    assert Form.parse(" " + text.replace(",", ", ").replace("=", " = ")) == form
    assert not form.is_single


def test_all_that_messages_offer_is_read() -> None:
    assert [str(Form.parse(text)) for text in WRITTEN] == list(WRITTEN)
    assert (str(SINGLE), SINGLE.is_single, SINGLE.has_slices) == ("ids", True, False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("slices", "expected slices"),
        ("slices(2)", "expected slices"),
        ("slices(axis=)", "expected slices"),
        ("slices(axis=-1)", "expected slices"),
        ("slices(axis=2)x", "expected slices"),
        ("slices(axis=٢)", "expected slices"),
        ("slices(axis=3)", "axis 3; expected 0, 1 or 2"),
        ("fused(vote)", "expected slices"),
        ("fused(median,3)", "expected slices"),
        ("fused(vote,3,slices(axis=1))", "expected slices"),
        ("fused(vote,slices(axis=1),)", "expected slices"),
        ("fused(vote,0)", "0 views; expected 2 to 64"),
        ("fused(mean,1)", "1 views; expected 2 to 64"),
        ("fused(vote,65)", "65 views; expected 2 to 64"),
        ("fused(vote,99999999999999999999)", "expected slices"),
        ("fused(vote,slices(axis=1))", "1 views; expected 2 to 64"),
        ("fused(vote,slices(axis=1),slices(axis=5))", "axis 5"),
        ("fused(mean,slices(axis=0),slices(axis=1))", "a mean of labels"),
    ],
)
def test_malformed_texts(text: str, found: str) -> None:
    with pytest.raises(BadParameter) as caught:
        Form.parse(text)
    assert found in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "key", "number"),
    [
        ("case/12.png", "case", 12),
        ("case_012.png", "case", 12),
        ("case-0.PNG", "case", 0),
        ("case_slice7.png", "case", 7),
        ("case/slice_07.png", "case", 7),
        ("case-Slice-7.png", "case", 7),
        ("site/case_1_7.png", "site/case_1", 7),
        ("hippocampus_001_slice003.png", "hippocampus_001", 3),
        ("a.b/000.png", "a.b", 0),
        ("two\nlines_3.png", "two\nlines", 3),
        ("e\u0301_1.png", "\u00e9", 1),
    ],
)
def test_names_of_slices(path: str, key: str, number: int) -> None:
    assert SLICES.piece(path) == Piece("", key, number)
    assert AXES.piece(f"view_2/{path}") == Piece("view_2", key, number)


@pytest.mark.parametrize("path", ["12.png", "case12.png", "case.png", "case_.png", "case_1x.png", "_1234567890.png"])
def test_names_that_say_no_slice(path: str) -> None:
    assert SLICES.piece(path) is None
    assert AXES.piece(f"view/{path}") is None


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".NII.GZ"])
def test_names_of_views(suffix: str) -> None:
    assert VOTE.piece(f"axial/site/a.b{suffix}") == Piece("axial", "site/a.b", 0)
    assert VOTE.piece(f"a{suffix}") is None


def test_how_files_are_usually_named() -> None:
    assert SLICES.names("c") == ("c/000.png", "c_000.png")
    assert AXES.names("c", "v") == ("v/c/000.png", "v/c_000.png")
    assert VOTE.names("c") == ("VIEW/c.nii.gz",)


def test_parts_are_a_text_that_survives_pickling() -> None:
    parts = Parts("case", [{0: "a", 1: "b"}, {0: "c"}])
    again = pickle.loads(pickle.dumps(parts))
    assert (again, again.views, type(again)) == ("case", parts.views, Parts)
