"""``segbench plot case``: the cases of a result of volumes as a table, a picture or a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segbench.cli import report
from segbench.errors import BadParameter, printable
from segbench.formats import csv_line, json_text
from segbench.frozen import dataclass
from segbench.late import late
from segbench.markup import markdown_table, number

_tables = late("segbench.scoring.casetable:case_table")
_rows = late("segbench.scoring.casetable:rows")
_caption = late("segbench.scoring.casetable:caption")
_as_record = late("segbench.scoring.casetable:as_record")
_volumes = late("segbench.scoring.casepictures:Volumes")
_pictures = late("segbench.scoring.casepictures:case_pictures")
_draw = late("segbench.scoring.plots:draw_cases")
_page = late("segbench.scoring.casepage:case_page")
_write_bytes = late("segbench.atomic:write_bytes")

#: Formats of a report by the suffix of its file.
SUFFIXES = {".svg": "svg", ".png": "png", ".html": "html"}
#: Cases in one picture at most, and on a page where nothing else was asked for.
MOST, ON_A_PAGE = 20, 5

_NAMES = ("case", "structure", "state", "truth_voxels", "prediction_voxels")


@dataclass(frozen=True)
class Asked:
    """What ``segbench plot case`` was asked for; None for each option that was not given.

    Parameters
    ----------
    case : str, optional
        The one case to show.
    worst : int, optional
        How many of the worst are shown.
    by : str, optional
        Key of the score that the order goes by.
    structure : str, optional
        The structure that is drawn.
    truth, data_root, predictions, images : Path, optional
        Where the volumes lie, as for `Volumes`.
    format_ : str, optional
        How the cases are printed.
    """

    case: str | None = None
    worst: int | None = None
    by: str | None = None
    structure: str | None = None
    truth: Path | None = None
    data_root: Path | None = None
    predictions: Path | None = None
    images: Path | None = None
    format_: str | None = None

    @property
    def named(self) -> list[str]:
        """The options that were given."""
        return ["--" + name.rstrip("_").replace("_", "-") for name, value in vars(self).items() if value is not None]


def cases(result: Path, asked: Asked, dataset: str | None, output: Path | None) -> None:
    """Print the cases of a result, and write their pictures where an `output` is named.

    Parameters
    ----------
    result : Path
        The result in JSON.
    asked : Asked
        The options.
    dataset : str or None
        The data set, where it is a protocol of one's own.
    output : Path or None
        The file of the report.

    Raises
    ------
    BadParameter, SubmissionError, DatasetError
        When an option is wrong, or the volumes are not those that were scored.
    """
    suffix = _checked(asked, output)
    table = _tables(result, dataset=dataset, by=asked.by)
    listed = [table.case(asked.case)] if asked.case is not None else list(table.cases)[: asked.worst]
    if output is not None:
        n = (ON_A_PAGE if suffix == "html" else 1) if asked.worst is None else asked.worst
        volumes = _volumes(asked.predictions, asked.truth, asked.data_root, asked.images)
        pictures = _pictures(table, listed[:n], volumes, asked.structure)
        is_page = suffix == "html"
        data = _page(table, listed, pictures).encode() if is_page else _draw(table, pictures, suffix)
        _write_bytes(output, data)
    report.data(_FORMATS[asked.format_ or "table"](table, listed))


def _checked(asked: Asked, output: Path | None) -> str:
    """Refuse options that do not fit before anything is read; return the format of the report."""
    if asked.case is not None and asked.worst is not None:
        raise BadParameter("--case together with --worst", expected="one of them")
    if output is None:
        alone = [n for n in ("--structure", "--truth", "--data-root", "--predictions", "--images") if n in asked.named]
        if alone:
            raise BadParameter(f"{alone[0]} without -o", expected="-o FILE.svg, .png or .html for a picture")
        return ""
    if output.suffix.lower() not in SUFFIXES:
        raise BadParameter(f"-o {output.name}", expected="a file name that ends in .svg, .png or .html")
    if not output.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(output.parent))
    if asked.predictions is None or (asked.truth is None and asked.data_root is None):
        raise BadParameter(
            "a picture without volumes", expected="--predictions PREDICTIONS and --truth TRUTH (or --data-root ROOT)"
        )
    if (asked.worst or 0) > MOST:
        raise BadParameter(f"--worst {asked.worst}", expected=f"at most {MOST} pictures in one file")
    return SUFFIXES[output.suffix.lower()]


def _table(table: Any, listed: Sequence[Any]) -> str:
    keys = list(table.units)
    width = max(map(len, keys), default=0)
    legend = [f"[{i}] {key:<{width}}  {_unit(table.units[key])}" for i, key in enumerate(keys, 1)]
    head = [*_NAMES[:3], "truth", "prediction", *(f"[{i}]" for i in range(1, len(keys) + 1))]
    body, last = [], None
    for names, values in _rows(listed):
        # The name of a case stands once, before its structures.
        shown = ["" if names[0] == last else names[0], *names[1:]]
        last = names[0]
        body.append([printable(cell) for cell in shown] + [number(values[k], table.units[k]) for k in keys])
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [
        "  ".join(f"{c:<{w}}" if i < 3 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in (head, *body)
    ]
    return "\n".join([_caption(table), "", *legend, "", *(line.rstrip() for line in lines)]) + "\n"


def _csv(table: Any, listed: Sequence[Any]) -> str:
    lines = [[*_NAMES, *table.units]]
    lines += [[*names, *(values[key] for key in table.units)] for names, values in _rows(listed)]
    return "".join(f"{csv_line(line)}\n" for line in lines)


def _markdown(table: Any, listed: Sequence[Any]) -> str:
    head = [*_NAMES, *(f"{key} ({_unit(unit)})" for key, unit in table.units.items())]
    body = [[*names, *(number(values[k], unit) for k, unit in table.units.items())] for names, values in _rows(listed)]
    return markdown_table(head, body, 3)


def _json(table: Any, listed: Sequence[Any]) -> str:
    return json_text(_as_record(table, listed))


def _unit(unit: str) -> str:
    return "%" if unit == "fraction" else unit


_FORMATS = {"table": _table, "json": _json, "csv": _csv, "md": _markdown}
