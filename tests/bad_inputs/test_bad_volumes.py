"""Every bad volume gets the answer it must get, and costs little."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bad_inputs import volumes
from tests.bad_inputs.cases import Case, Refused
from tests.bad_inputs.test_bad_inputs import MOST_CPU_SECONDS, MOST_KIB, hold, hold_refusal
from tests.bad_inputs.volumes import CASES, VolumeSite, build
from tests.conftest import CommandLine, Outcome


@pytest.fixture
def site(tmp_path: Path) -> VolumeSite:
    return build(tmp_path)


@pytest.fixture
def clean(site: VolumeSite, run: CommandLine) -> Outcome:
    """The outcome of the site before it is spoilt."""
    return run(*arguments(site))


def arguments(site: VolumeSite) -> list[object]:
    where = ["--dataset", "msd-hippocampus", "--truth", site.truth, "--format", "json", "--workers", "1"]
    return ["score", site.predictions, *where]


def test_the_clean_submission_is_scored(clean: Outcome) -> None:
    assert clean.code == 0
    # One of two structures is right, two thirds of the other.
    assert clean.scores["mean_dice"]["value"] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer(case: Case, site: VolumeSite, clean: Outcome, run: CommandLine) -> None:
    case.spoil(site)  # type: ignore[arg-type]
    hold(case, run(*arguments(site)), clean)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_observed_run_refuses_the_same(case: Case, site: VolumeSite, run: CommandLine) -> None:
    """Where classes are those that are seen, each volume is read once more, before."""
    if not isinstance(case.answer, Refused) or "label" in str(case) or "uint64" in str(case):
        pytest.skip("any label is a class")
    case.spoil(site)  # type: ignore[arg-type]
    asked = [argument if argument != "msd-hippocampus" else "volumes" for argument in arguments(site)]
    hold_refusal(case.answer, run(*asked))


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if str(case) in (
        "nv_header_bomb", "nv_header_larger_than_memory", "nv_gzip_bomb", "nv_gzip_bomb_of_megabytes",
        "nv_many_empty_members", "nv_offset_huge",
        "nv_fifo", "nv_name_with_newline",
    )],
    ids=str,
)  # fmt: skip
def test_answer_of_a_process(case: Case, site: VolumeSite, clean: Outcome, run: CommandLine) -> None:
    case.spoil(site)  # type: ignore[arg-type]
    outcome = run.process(*arguments(site))
    hold(case, outcome, clean)
    assert outcome.peak_kib < MOST_KIB
    assert outcome.cpu_seconds < MOST_CPU_SECONDS


def test_every_case_has_its_answer() -> None:
    functions = {name for name in vars(volumes) if re.match("nv_", name)}
    assert functions == {str(case) for case in CASES}
