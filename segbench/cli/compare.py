"""``segbench compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from segbench.cli import report
from segbench.cli.options import FOLDER, output_format, resamples, scored_first, seed
from segbench.cli.progress import progress_bar
from segbench.errors import BadParameter
from segbench.formats import format_of
from segbench.late import late

_compare = late("segbench.scoring.comparison:compare_counts")
_resampling = late("segbench.scoring.units:Resampling")
_scoring = late("segbench.scoring.contenders:Scoring")
_is_result = late("segbench.scoring.contenders:is_result")
_read_contender = late("segbench.scoring.contenders:read_contender")
_primary_of = late("segbench.scoring.contenders:primary_of")
_names_of = late("segbench.scoring.contenders:names_of")
_gallery = late("segbench.scoring.comparisonpictures:gallery")
_page = late("segbench.scoring.comparisonpage:page")
_render = late("segbench.scoring.comparisontext:render")
_write_text = late("segbench.atomic:write_text")

#: What to print; a file may be of any of these but the first.
FORMATS = ("table", "json", "jsonl", "csv", "md", "latex", "html")

#: Options that only make sense where something is scored first; what each is when it is left out.
_OF_FOLDERS = {
    "split": None,
    "data_root": None,
    "truth": None,
    "missing": "error",
    "resize": None,
    "input": "ids",
    "iou_type": None,
}


@click.command(short_help="Compare submissions on the same truth.")
@click.argument("contenders", metavar="A B...", nargs=-1, required=True, type=FOLDER)
@scored_first
@click.option(
    "--metric", help="The score that is judged; default: the one that ranks.  Example: --metric 'mean_iou(pool=image)'"
)
@resamples
@click.option(
    "--permutations",
    type=click.IntRange(1, 1_000_000),
    default=5000,
    show_default=True,
    help="Ways of swapping two submissions image by image that a p-value is made of.",
)
@seed
@click.option(
    "--images",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many of the images in which two differ most are listed, and drawn on the page (20 at most).",
)
@output_format(*FORMATS)
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="Also write the comparison, in the format of the suffix: .json .jsonl .csv .md .tex .html.",
)
@click.option("--quiet", is_flag=True, help="No warnings on standard error.")
def compare(
    contenders: tuple[Path, ...],
    dataset: str | None,
    metric: str | None,
    resamples: int,
    permutations: int,
    seed: int,
    images: int,
    format_: str,
    output: Path | None,
    quiet: bool,
    **asked: Any,
) -> int:
    """Compare two or more submissions A, B, … on the same truth: by how much they differ, and whether chance alone
    can explain that.

    Each is a result that `segbench score … -o RESULT.json` has written, with its state beside it, or a folder or
    archive of predictions, which is scored first. The table of two has their scores, their differences by score and
    by class, and the images in which they differ most; that of more has a matrix of differences.

    Intervals are from a paired bootstrap over images (or whole videos), p-values from paired permutations, corrected
    for the number of comparisons by Holm's method.

    \b
    Examples:
      segbench compare mine.json theirs.json
      segbench compare unet/ laddernet/ --dataset drive --data-root DRIVE -o comparison.html
    """
    _check(contenders, asked)
    formats = [format_, *([] if output is None else [_format_of(output)])]
    how, scoring = _resampling(resamples, seed), _scoring(dataset, metric, asked)
    counted, warnings = [], []
    names = _names_of(contenders)
    for path, name in zip(contenders, names, strict=True):
        with progress_bar(" images") as progress:
            recount, noted = _read_contender(path, scoring, how, progress)
        counted.append(recount)
        warnings += [f"{name}: {text}" for text in noted]
    found = _compare(counted, names, primary=_primary_of(counted, metric), how=how, permutations=permutations)
    pictures = _gallery(found, counted, scoring, images) if "html" in formats and images else None
    texts = [_page(found, images, pictures) if name == "html" else _render(found, name, images) for name in formats]
    if output is not None:
        _write_text(output, texts[1])
    report.data(texts[0])
    if not quiet:
        report.warnings([*warnings, *found.warnings])
    return 0


def _check(contenders: tuple[Path, ...], asked: dict[str, Any]) -> None:
    """Refuse what cannot be compared before anything is read."""
    if len(contenders) < 2:
        raise BadParameter("one submission", expected="at least two to compare")
    if all(map(_is_result, contenders)):
        given = [name for name, default in _OF_FOLDERS.items() if asked[name] != default]
        if given:
            option = f"--{given[0].replace('_', '-')}"
            raise BadParameter(f"{option} with results alone", expected=f"{option} with a folder of predictions")


def _format_of(output: Path) -> str:
    if not output.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(output.parent))
    return format_of(output.name)
