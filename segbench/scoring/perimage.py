"""The scores of each image on its own, as lines of CSV or JSON."""

from __future__ import annotations

from pathlib import Path

from segbench.codec import canonical_json
from segbench.errors import BadParameter
from segbench.formats import csv_line
from segbench.scoring.outcome import Record
from segbench.scoring.plan import Plan

SUFFIXES = (".csv", ".jsonl")


def check_suffix(path: Path) -> None:
    """Refuse a file that is neither CSV nor JSON Lines.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    BadParameter
        When its name ends in neither ``.csv`` nor ``.jsonl``.
    """
    if path.suffix not in SUFFIXES:
        raise BadParameter(f"--per-image {path.name}", expected="a file name that ends in .csv or .jsonl")


def image_title(path: Path | None, plan: Plan) -> list[str]:
    """Return the first line of the file: the columns of CSV."""
    return [csv_line(["image", *plan.metrics])] if path is not None and path.suffix == ".csv" else []


def image_lines(path: Path | None, plan: Plan, record: Record) -> list[str]:
    """Return the line of one image: overall scores in CSV, classes too in JSON Lines."""
    if path is None:
        return []
    states = plan.start()
    plan.add_record(states, record.counts)
    scores = {key: metric.compute(states[metric.family], plan.space) for key, metric in plan.metrics.items()}
    if path.suffix == ".csv":
        return [csv_line(["/".join(record.key), *(score.value for score in scores.values())])]
    records = {key: score.as_record() for key, score in scores.items()}
    parts = {
        key: {name: r[name] for name in ("infinite", "value", "per_class") if name in r} for key, r in records.items()
    }
    return [canonical_json({"key": record.key, "scores": parts})]
