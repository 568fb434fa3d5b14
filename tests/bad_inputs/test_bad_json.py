"""Every bad file in the JSON of COCO gets the answer it must get, whatever command reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_inputs.json_cases import CASES, Case, Refused, Same, as_text, results, truth
from tests.bad_inputs.test_bad_inputs import MOST_CPU_SECONDS, MOST_KIB, RAW
from tests.conftest import CommandLine, Outcome


def write(folder: Path, case: Case | None = None, iou_type: str = "segm") -> list[object]:
    """Write the files and return what `segbench score` is called with."""
    iou_type = case.iou_type if case else iou_type
    files = {"truth.json": as_text(truth()), "results.json": as_text(results(iou_type))}
    if case:
        name = "truth.json" if case.of_truth else "results.json"
        files[name] = case.spoil(files[name])
    for name, data in files.items():
        (folder / name).write_bytes(data)
    where = ["--dataset", "instances", "--truth", folder / "truth.json", "--iou-type", iou_type]
    return ["score", folder / "results.json", *where, "--format", "json", "--workers", "1"]


def hold(case: Case, outcome: Outcome, clean: Outcome) -> None:
    assert not RAW.search(outcome.out + outcome.err)
    assert "Traceback" not in outcome.err
    if isinstance(case.answer, Refused):
        hold_refusal(case, case.answer, outcome)
        return
    assert outcome.code == 0
    more = [text for text in outcome.record["warnings"] if text not in clean.record["warnings"]]
    assert len(more) == bool(case.answer.warning) and case.answer.warning in "".join(more)
    if isinstance(case.answer, Same):
        values = [{name: score["value"] for name, score in o.scores.items()} for o in (outcome, clean)]
        assert values[0] == values[1]
    assert 0 <= outcome.scores["ap"]["value"] <= 1


def hold_refusal(case: Case, answer: Refused, outcome: Outcome) -> None:
    assert (outcome.code, outcome.codes) == (answer.exit, [answer.code])
    (error,) = outcome.record["errors"]
    assert error["file"].endswith("truth.json" if case.of_truth else "results.json")
    assert answer.found in error["found"]
    assert error["expected"] and answer.expected in error["expected"]
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"segbench: error[{answer.code}]: {error['file']}: ")
    assert error["found"] in line and error["expected"] in line


def test_clean_files_are_scored(tmp_path: Path, run: CommandLine) -> None:
    for iou_type, ap in (("segm", 0.6), ("bbox", 1.0)):
        outcome = run(*write(tmp_path, iou_type=iou_type))
        assert (outcome.code, outcome.record["warnings"]) == (0, [])
        # Moved by one row of seven, masks have an IoU of 6 / 8: six thresholds of ten.
        assert outcome.scores["ap"]["value"] == pytest.approx(ap)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer(case: Case, tmp_path: Path, run: CommandLine) -> None:
    clean = run(*write(tmp_path, iou_type=case.iou_type))
    hold(case, run(*write(tmp_path, case)), clean)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_anatomy_agrees(case: Case, tmp_path: Path, run: CommandLine) -> None:
    _, *rest = write(tmp_path, case)
    outcome = run("anatomy", *rest[:-2])
    assert "Traceback" not in outcome.err
    assert outcome.code == (case.answer.exit if isinstance(case.answer, Refused) else 0)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if str(case) in (
        "cj_deep_nesting", "cj_deep_nesting_within", "cj_digits_bomb", "cj_rle_size_huge", "cj_rle_far_too_long",
        "cj_rle_cut_string", "cj_gt_poly_1e7", "cj_gt_poly_giant", "cj_gt_image_huge",
    )],
    ids=str,
)  # fmt: skip
def test_answer_of_a_process(case: Case, tmp_path: Path, run: CommandLine) -> None:
    clean = run(*write(tmp_path, iou_type=case.iou_type))
    outcome = run.process(*write(tmp_path, case))
    hold(case, outcome, clean)
    assert outcome.peak_kib < MOST_KIB
    assert outcome.cpu_seconds < MOST_CPU_SECONDS


def test_each_name_is_of_one_case() -> None:
    assert len({str(case) for case in CASES}) == len(CASES)


def test_files_that_are_none(tmp_path: Path, run: CommandLine) -> None:
    command = write(tmp_path)
    (tmp_path / "results.json").unlink()
    assert run(*command).codes == ["submission-error"]
    (tmp_path / "results.json").mkdir()
    outcome = run(*command)
    assert (outcome.code, outcome.codes) == (3, ["submission-error"])
    assert "no JSON file" in outcome.record["errors"][0]["found"]
    (tmp_path / "truth.json").unlink()
    outcome = run(*command)
    assert (outcome.code, outcome.codes) == (4, ["dataset-error"])
