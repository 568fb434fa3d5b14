"""The page that ``segbench anatomy`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segbench.cli import page
from segbench.errors import counted

#: Rows shown of the confusions, and of what the truth may have wrong.
SHOWN = 15

_KINDS = {
    "Cls": "would be right of another class",
    "Loc": "of the right class, badly placed",
    "Both": "badly placed and of another class",
    "Dupe": "a second one of the same instance",
    "Bkg": "where nothing is",
    "Miss": "instances that no mended one finds",
    "FalsePos": "all that is wrong, scored lowest",
    "FalseNeg": "all that is not found, not asked for",
}
_REASONS = {
    "missing": "nothing is annotated here",
    "class": "another class is annotated",
    "shape": "odd shape, and nothing finds it",
}


def text(record: Mapping[str, Any]) -> str:
    """Return the page of an anatomy, from its record."""
    lines = [*page.title(f"{record['protocol']}  {record['split']}  {counted(record['n_images'], 'image')}")]
    numbers = f"{counted(record['n_annotations'], 'annotation')}, {counted(record['n_detections'], 'detection')}"
    lines += page.paragraph(f"{numbers}, compared by {record['iou_type']}")
    lines += page.section(f"Errors at IoU {record['iou']:g}, background {record['background_iou']:g}", _errors(record))
    sure = f"from score {record['least_score']:g} on"
    lines += page.section(f"Confusions, {sure}", _confusions(record))
    lines += page.section("Calibration", _calibration(record))
    lines += page.section(f"What the truth may have wrong, by detections {sure}", _doubts(record))
    return page.text(lines)


def _errors(record: Mapping[str, Any]) -> Iterator[str]:
    errors = record["errors"]
    rows = [
        (kind, str(errors["counts"].get(kind, "")), _percent(delta), _KINDS[kind])
        for kind, delta in errors["delta"].items()
    ]
    yield from page.table(("kind", "number", "ΔAP %", ""), rows)
    yield ""
    yield from page.paragraph(
        f"AP {_percent(errors['ap'])} %, as TIDE counts it. ΔAP is how much higher it would be without the errors of "
        "this kind alone."
    )


def _confusions(record: Mapping[str, Any]) -> Iterator[str]:
    confusion = record["confusion"]
    listed = [(row["truth"], row["prediction"], str(row["count"])) for row in confusion["frequent"]]
    yield from page.table(("truth", "detected", "number"), listed[:SHOWN]) if listed else page.paragraph("none")
    yield ""
    background = sorted(confusion["background"].items(), key=lambda item: -sum(item[1].values()))
    rows = [(name, str(counts["missed"]), str(counts["spurious"])) for name, counts in background]
    if rows:
        yield from page.table(("with background", "not found", "where nothing is"), rows[:SHOWN])
    if len(rows) > SHOWN or len(listed) > SHOWN:
        yield from page.paragraph("--format json has the whole table.")


def _calibration(record: Mapping[str, Any]) -> Iterator[str]:
    found = record["calibration"]
    if found is None:
        yield from page.paragraph("Scores are no probabilities.")
        return
    rows = [
        (f"{row['lower']:.3g}–{row['upper']:.3g}", f"{row['score']:.4f}", f"{row['precision']:.4f}", row["detections"])
        for row in found["points"]
    ]
    if rows:
        yield from page.table(
            ("score", "mean score", "precision", "detections"), [(*row[:3], str(row[3])) for row in rows]
        )
        yield ""
    errors = [f"{name} {_fraction(found[key])}" for name, key in (("ECE", "expected_error"), ("MCE", "largest_error"))]
    yield from page.paragraph(f"{', '.join(errors)}, in {counted(found['bins'], 'bin')}")


def _doubts(record: Mapping[str, Any]) -> Iterator[str]:
    listed = record["label_errors"]
    if not listed:
        yield from page.paragraph("nothing")
        return
    rows = [
        (
            f"{row['weight']:.3f}",
            str(row["image"]),
            _id(row["annotation"]),
            _named(row["annotation"]),
            _named(row["detection"]),
            row["reason"],
        )
        for row in listed[:SHOWN]
    ]
    yield from page.table(("weight", "image", "annotation", "truth", "detected", "why"), rows)
    yield ""
    shown = dict.fromkeys(row["reason"] for row in listed[:SHOWN])
    yield from page.pairs((reason, _REASONS[reason]) for reason in shown)
    if len(listed) > SHOWN:
        yield from page.paragraph(f"{len(listed) - SHOWN} more: --format json has all of them.")


def _id(annotation: Mapping[str, Any] | None) -> str:
    return "" if annotation is None or annotation["id"] is None else str(annotation["id"])


def _named(one: Mapping[str, Any] | None) -> str:
    return "" if one is None else str(one["class"])


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"


def _fraction(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
