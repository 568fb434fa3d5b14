"""How a study of losses is shown: as a table, JSON, CSV or Markdown, of the same numbers."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict
from typing import Any

from segbench.cli import page, report
from segbench.cli.lossstudy import LossStudy, Row
from segbench.errors import counted
from segbench.formats import number
from segbench.markup import bounds

_HEADS = ("loss", "score", "95 % interval", "difference to the first", "95 % interval of it", "p")


def render(study: LossStudy, format_: str) -> str:
    """Return a study as text.

    Parameters
    ----------
    study : LossStudy
        What several losses have come to.
    format_ : {'table', 'json', 'csv', 'md'}
        JSON and CSV hold fractions as they are; the others percent with two decimals.

    Returns
    -------
    str
        Lines, with a line feed each.
    """
    if format_ == "json":
        return report.json_text(_record(study))
    if format_ == "csv":
        return _csv(study)
    cells = [_cells(row, study) for row in study.rows]
    lines = _markdown(cells) if format_ == "md" else page.table(_HEADS, cells)
    return page.text([*lines, "", *_below(study, hanging=format_ != "md")])


def _cells(row: Row, study: LossStudy) -> list[str]:
    if row.contender is None or study.comparison is None:
        return [row.loss, "–", row.error, "", "", ""]
    primary, difference = study.comparison.primary, row.difference
    unit, spread = study.comparison.units[primary], row.contender.spreads.get(primary)
    cells = [
        row.loss,
        number(row.contender.scores[primary], unit),
        "" if spread is None or spread.value is None else bounds(spread.value, unit),
    ]
    if difference is None:
        return [*cells, "", "", ""]
    between = "" if difference.interval is None else bounds(difference.interval, unit)
    return [
        *cells,
        _signed(difference.value, unit),
        between,
        "–" if math.isnan(difference.p) else f"{difference.p:.4f}",
    ]


def _signed(value: float, unit: str) -> str:
    return f"+{number(value, unit)}" if value > 0 else number(value, unit)


def _markdown(cells: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(_HEADS) - 1)]
    shown = [[f"`{row[0]}`", *row[1:]] for row in cells]
    return [f"| {' | '.join(row)} |" for row in (_HEADS, rule, *shown)]


def _below(study: LossStudy, *, hanging: bool) -> list[str]:
    """Return what was trained and compared, and how."""
    stage, compared = study.recipe.stage[-1], study.comparison
    texts = [
        f"Recipe {study.recipe.name}: {study.recipe.model_of(stage)}, {study.recipe.steps} steps, seed "
        f"{study.recipe.seed}, on {stage.data} {stage.split}."
    ]
    if compared is not None:
        texts.append(
            f"{compared.primary} in percent on {compared.protocol} {compared.split}, {compared.n_images} images; "
            f"{compared.resamples} resamples, {compared.permutations} permutations, p corrected for "
            f"{counted(len(compared.duels), 'pair')}."
        )
    texts.append(", ".join(f"{name} {version}" for name, version in sorted(study.versions.items())) + ".")
    return [line for text in texts for line in page.paragraph(text, "")] if hanging else [" ".join(texts)]


def _record(study: LossStudy) -> dict[str, Any]:
    compared = study.comparison
    about = {
        name: None if compared is None else getattr(compared, name)
        for name in ("protocol", "split", "truth", "n_images", "primary", "resamples", "permutations", "seed", "level")
    }
    return {
        **about,
        "recipe": asdict(study.recipe),
        "versions": dict(study.versions),
        "losses": [_row(row, study) for row in study.rows],
    }


def _row(row: Row, study: LossStudy) -> dict[str, Any]:
    if row.contender is None or study.comparison is None:
        return {"loss": row.loss, "status": "failed", "error": row.error}
    primary, difference = study.comparison.primary, row.difference
    spread = row.contender.spreads.get(primary)
    return {
        "loss": row.loss,
        "status": "scored",
        "value": _or_none(row.contender.scores[primary]),
        "interval": None if spread is None else spread.value,
        "scores": {key: _or_none(value) for key, value in row.contender.scores.items()},
        "difference": None if difference is None else _or_none(difference.value),
        "difference_interval": None if difference is None else difference.interval,
        "p": None if difference is None else _or_none(difference.p),
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _csv(study: LossStudy) -> str:
    fields = ("loss", "status", "value", "low", "high", "difference", "difference_low", "difference_high", "p", "error")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    for row in study.rows:
        record = _row(row, study)
        low, high = record.get("interval") or ("", "")
        least, most = record.get("difference_interval") or ("", "")
        record |= {"low": low, "high": high, "difference_low": least, "difference_high": most}
        writer.writerow(["" if record.get(name) is None else record[name] for name in fields])
    return text.getvalue()
