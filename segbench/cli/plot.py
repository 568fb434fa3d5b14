"""``segbench plot``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import click

from segbench.cli import report
from segbench.cli.cases import Asked, cases
from segbench.cli.options import FOLDER
from segbench.errors import BadParameter
from segbench.late import late

_plot = late("segbench.scoring.plots:plot")
_write_bytes = late("segbench.atomic:write_bytes")

#: Formats of a figure by the suffix of its file.
SUFFIXES = {".svg": "svg", ".png": "png"}


@click.command(short_help="Draw the curves of results.")
@click.argument("kind", type=click.Choice(["roc", "pr", "calibration", "trimap", "reliability", "case"]))
@click.argument("results", metavar="RESULT...", nargs=-1, required=True, type=FOLDER)
@click.option("--dataset", help="The path of the protocol, where it is one of your own.")
@click.option("--case", help="Of kind case: the case to show; default: the worst.  Example: --case case7")
@click.option("--worst", type=click.IntRange(min=1), help="Of kind case: only so many, the worst; default: all.")
@click.option("--by", help="Of kind case: the score whose worst come first; default: the first one of RESULT.")
@click.option("--structure", help="Of kind case: the structure to draw; default: the worst of each case.")
@click.option("--truth", type=FOLDER, help="Of kind case: the folder of truth volumes that were scored.")
@click.option("--data-root", type=FOLDER, help="Of kind case: the folder of the data set, in place of --truth.")
@click.option("--predictions", type=FOLDER, help="Of kind case: the folder or archive that was scored.")
@click.option("--images", type=FOLDER, help="Of kind case: a folder of scans to draw behind the outlines.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv", "md"]),
    help="Of kind case: how the cases are printed; default: table.",
)
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="The figure, .svg or .png by suffix, of kind case also .html; default: SVG on standard output, unless that is "
    "a terminal.  Example: -o roc.svg",
)
def plot(
    kind: Literal["roc", "pr", "calibration", "trimap", "reliability", "case"],
    results: tuple[Path, ...],
    dataset: str | None,
    output: Path | None,
    **asked: Any,
) -> int:
    """Draw the curves of one or more RESULTs in one figure.

    A RESULT is what `segbench score … -o RESULT.json` has written, with its state beside it; its file name is the name
    of its curve.

    Of probability maps (drive, chasedb, kitti-road, …) KIND is roc, pr (precision and recall) or calibration. Curves
    have a point at every level that occurs, of the pixels of all images together; the threshold of f1 and its like is
    marked. A binary map is a point.

    Of label maps KIND is trimap: mean IoU or accuracy inside a band against its width, with a point at every width
    the RESULT was scored at, and a curve for every kind of band.

    Of instances KIND is pr, the mean over classes at 101 recalls, or reliability: the precision of detections against
    their scores, in ten bins.

    Of volumes KIND is case: the scores by case and structure are printed, the worst first. With -o, --predictions and
    --truth three slices of the worst case are drawn, with the outlines of truth and prediction.

    \b
    Examples:
      segbench score unet/ --dataset drive --data-root DRIVE -o unet.json
      segbench plot roc unet.json -o roc.svg
      segbench plot pr unet.json observer2.json -o pr.png
      segbench score net/ --dataset voc --data-root VOC2012 --metric 'trimap_iou(band_px=2)' \\
          --metric 'trimap_iou(band_px=8)' --metric 'trimap_iou(band_px=32)' -o net.json
      segbench plot trimap net.json -o trimap.svg
      segbench score dets.json --dataset coco-instances --data-root COCO -o mask-rcnn.json
      segbench plot reliability mask-rcnn.json -o reliability.svg
      segbench score seg/ --dataset volumes --truth labels/ -o seg.json
      segbench plot case seg.json --worst 3
      segbench plot case seg.json --predictions seg/ --truth labels/ -o worst.html
    """
    options = Asked(**asked)
    if kind == "case":
        if len(results) != 1:
            raise BadParameter(f"{len(results)} results", expected="one whose cases are shown")
        cases(results[0], options, dataset, output)
        return 0
    if options.named:
        raise BadParameter(f"{options.named[0]} with {kind}", expected="it with kind case")
    format_ = _format_of(output)
    data: bytes = _plot(results, kind=kind, format=format_, dataset=dataset)
    if output is None:
        report.data(data.decode())
    else:
        _write_bytes(output, data)
    return 0


def _format_of(output: Path | None) -> str:
    """Find out whether and how the figure can be written, before anything is read."""
    if output is None:
        if sys.stdout.isatty():
            raise BadParameter("no file for the figure", expected="-o FILE.svg or -o FILE.png, or a pipe")
        return "svg"
    if output.suffix.lower() not in SUFFIXES:
        raise BadParameter(f"-o {output.name}", expected="a file name that ends in .svg or .png")
    if not output.parent.is_dir():
        raise BadParameter("no such folder", expected="an existing folder for -o", file=str(output.parent))
    return SUFFIXES[output.suffix.lower()]
