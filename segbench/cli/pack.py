"""``segbench pack``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import segbench
from segbench.cli import report
from segbench.cli.options import FOLDER, output_format, packable
from segbench.cli.progress import progress_bar
from segbench.errors import counted


@click.command(short_help="Make the archive that an official server takes.")
@packable
@click.option("--task", help="Competition of the server, where it has several; for voc2012 comp6 (default) or comp5.")
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="The archive; default: named as the server wants, or DATASET-SPLIT, in the working folder.  "
    "Example: -o results.tgz",
)
@click.option("--force", is_flag=True, help="Replace an archive that is there already.")
@output_format("table", "json")
def pack(output: Path | None, format_: str, **asked: Any) -> int:
    """Check PREDICTIONS as `check` does and write them as the official server of the data set takes them.

    Where the truth of the split is not on disk, its images are enough; what could not be checked is said. The same
    predictions give the same bytes, and files that have the right form already are kept as they are.

    \b
    Examples:
      segbench pack preds/ --dataset voc --data-root VOCdevkit/VOC2012 --task comp5
      segbench pack preds/ --dataset cityscapes --input trainids -o submission.zip
    """
    with progress_bar(" steps") as progress:
        packed = segbench.pack(progress=progress, output=output, **asked)
    report.warnings(packed.warnings)
    if format_ == "json":
        record = {
            "status": "packed",
            "file": str(packed.path),
            "protocol": packed.protocol,
            "split": packed.split,
            "n_images": packed.n_images,
            "has_truth": packed.has_truth,
            "warnings": list(packed.warnings),
        }
        report.data(report.json_text(record))
    else:
        what = f"{counted(packed.n_images, 'image')} of {packed.protocol}, {packed.split}"
        held = "the truth" if packed.has_truth else "the images alone, for the truth is not on disk"
        report.data(f"packed: {what}, in {packed.path}; held against {held}\n")
    return 1 if asked["strict"] and packed.warnings else 0
