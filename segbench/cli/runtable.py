"""How jobs and what became of them are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segbench.cli import page, report
from segbench.formats import number
from segbench.harness.plan import Job


def plan(jobs: Sequence[tuple[Job, int]], format_: str) -> str:
    """Return what there is to do: `jobs`, and how many images of each are left."""
    if format_ == "json":
        rows = [{**_named(job), "images_left": left} for job, left in jobs]
        return report.json_text(rows)
    cells = [[job.protocol.name, job.split, job.name, str(left)] for job, left in jobs]
    return page.text(page.table(["data set", "split", "model", "images left"], cells))


def trials(found: Sequence[Any], format_: str) -> str:
    """Return what became of jobs, as a table or as JSON."""
    if format_ == "json":
        return report.json_text([_record(trial) for trial in found])
    heads = ["data set", "split", "model", "score", "", "s/image", "parameters", "status"]
    return page.text(page.table(heads, [_cells(trial) for trial in found]))


def _cells(trial: Any) -> list[str]:
    job, cost = trial.job, (trial.record or {}).get("cost", {})
    seconds, parameters = cost.get("seconds_median"), cost.get("parameters")
    value, key = "–", job.protocol.primary
    if trial.result is not None:
        score = trial.result["scores"][key]
        value = f"{number(_value(score), score['unit'])} %" if score["unit"] == "fraction" else f"{score['value']}"
    timed = "–" if seconds is None else f"{seconds:.3f}"
    counted = "–" if parameters is None else f"{parameters:,}"
    return [job.protocol.name, job.split, job.name, value, key, timed, counted, trial.status]


def _value(score: dict[str, Any]) -> float:
    return float("nan") if score["value"] is None else float(score["value"])


def _record(trial: Any) -> dict[str, Any]:
    scores = {} if trial.result is None else {k: v["value"] for k, v in trial.result["scores"].items()}
    errors = [] if trial.error is None else [fault.as_record() for fault in trial.error.faults]
    return {
        **_named(trial.job),
        "status": trial.status,
        "images_predicted": trial.images,
        "folder": str(Path(trial.job.folder)),
        "scores": scores,
        "run": trial.record,
        "errors": errors,
    }


def _named(job: Job) -> dict[str, Any]:
    return {"dataset": job.protocol.identity, "split": job.split, "model": job.name}
