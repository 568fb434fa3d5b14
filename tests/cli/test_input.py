"""What the command line says of ``--input``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segbench.datasets.forms import WRITTEN
from segbench.result import Signature
from tests.conftest import CommandLine

METRIC = "mean_dice(absent=one,classes=foreground,fp_only=count,pool=image,void_prediction=miss)"
SIGNATURE = f"volumes@1|custom|4|truth:9403f2d6|-|-|error|classes(0..3)|{METRIC}|segbench:0.1.0"


@pytest.mark.parametrize(
    ("input_", "says"),
    [
        ("classes(0..3)", ["the classes are the ids that truths hold"]),
        (
            "slices(axis=1)+classes(0..3)+spurious(4)",
            ["along an axis of the truth's array", "the ids that truths hold", "ids that only predictions hold"],
        ),
        ("fused(vote,slices(axis=0),slices(axis=1))", ["fused by vote of their labels"]),
        ("fused(mean,3)", ["were averaged, and the largest mean taken"]),
    ],
)
def test_a_signature_is_explained(input_: str, says: list[str], run: CommandLine) -> None:
    done = run("explain", str(replace(Signature.parse(SIGNATURE), input=input_)))
    assert done.code == 0
    text = " ".join(done.out.split())
    for part in says:
        assert part in text


def test_forms_are_offered(run: CommandLine) -> None:
    for command in (("score", "--help"), ("check", "--help"), ("datasets", "show", "volumes")):
        text = "".join(run(*command).out.split())
        assert all("".join(form.split()) in text for form in WRITTEN)
    assert "slices(" not in run("pack", "--help").out


def test_no_archive_is_packed_of_slices(run: CommandLine) -> None:
    done = run("pack", "nowhere", "--dataset", "cityscapes", "--input", "slices(axis=2)", "-o", "a.zip")
    assert (done.code, "'slices(axis=2)' is not one of" in done.err) == (2, True)
