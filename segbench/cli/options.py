"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path)


#: The folder whose files are the known data sets.
_PROTOCOLS = Path(__file__).parent.parent / "protocols" / "data"

#: Options by which a submission is scored that a server would refuse.
_MENDED = ("missing", "resize")

#: Two readings of values, of any data set; see `segbench.datasets.forms` for the other forms.
_VALUES = click.Choice(["ids", "trainids"])


def _datasets(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return sorted(path.stem for path in _PROTOCOLS.glob(f"{incomplete}*.toml"))


def submission(command: F) -> F:
    """Add what names a submission and the truth it is held against."""
    return _with(command, _scored())


def scored_first(command: F) -> F:
    """Add how predictions are scored that are named where a result may be; all of it may be left out."""
    options = _scored()
    options["dataset"] = click.option(
        "--dataset",
        shell_complete=_datasets,
        help="Data set by name, or the path of a protocol in TOML; of results only in the latter case.",
    )
    return _with(command, options, but=("predictions", "executor", "strict"))


def _scored() -> dict[str, Any]:
    options = _offered()
    options["input"] = click.option(
        "--input",
        metavar="FORM",
        default="ids",
        show_default=True,
        help="What predictions are: ids, or trainids of Cityscapes. Of volumes also PNG slices along an axis of the "
        "truth's array, slices(axis=2), or folders of views: fused(vote,3) of labels, fused(mean,3) of probabilities, "
        "fused(vote,slices(axis=0),slices(axis=1),slices(axis=2)).  Example: --input 'slices(axis=2)'",
    )
    options["iou-type"] = click.option(
        "--iou-type",
        type=click.Choice(["segm", "bbox", "boundary"]),
        help="What of instances is compared: masks (the default), boxes, or masks and their boundaries.",
    )
    return options


def packable(command: F) -> F:
    """Add what names a submission that is packed: whole, and in its right size."""
    return _with(
        command, _offered(split="Split to pack; default: the one that the server scores, for most test."), but=_MENDED
    )


def _with(command: F, options: Mapping[str, Callable[[F], F]], but: Container[str] = ()) -> F:
    for name, option in reversed(list(options.items())):
        command = command if name in but else option(command)
    return command


def _offered(split: str = "Split to score; default: the data set's own, for most val.") -> dict[str, Any]:
    return {
        "predictions": click.argument("predictions", type=FOLDER),
        "dataset": click.option(
            "--dataset",
            required=True,
            shell_complete=_datasets,
            help="Data set by name, or the path of a protocol in TOML.  Example: --dataset voc",
        ),
        "split": click.option("--split", help=split),
        "data-root": click.option(
            "--data-root",
            type=FOLDER,
            help="Folder of the data set in its own layout; default: $SEGBENCH_DATA/NAME.",
        ),
        "truth": click.option("--truth", type=FOLDER, help="Folder of truth label maps, in place of --data-root."),
        "missing": click.option(
            "--missing",
            type=click.Choice(["error", "miss"]),
            default="error",
            show_default=True,
            help="An image without prediction refuses the submission, or counts as missed in every pixel.",
        ),
        "resize": click.option(
            "--resize",
            type=click.Choice(["nearest"]),
            help="Resize predictions of another size to their truth; default: they are refused.",
        ),
        "input": click.option(
            "--input",
            type=_VALUES,
            default="ids",
            show_default=True,
            help="What the values of predictions are: ids, or train ids of Cityscapes.",
        ),
        "workers": click.option(
            "--workers", type=click.IntRange(min=1), help="Chunks worked on at a time; default: one for each CPU."
        ),
        "executor": click.option(
            "--executor",
            type=click.Choice(["threads", "processes"]),
            default="threads",
            show_default=True,
            help="Where to count.",
        ),
        "strict": click.option("--strict", is_flag=True, help="Treat warnings as faults."),
    }


def intervals(command: F) -> F:
    """Add what asks for intervals."""
    return _with(
        command,
        {
            "ci": click.option(
                "--ci",
                is_flag=True,
                help="Give each score, and each class, a 95 % interval from a bootstrap over images (or whole videos).",
            ),
            "resamples": resamples,
            "seed": seed,
        },
    )


def resamples(command: F) -> F:
    """Add how many resamples an interval is made of."""
    kind = click.IntRange(1, 1_000_000)
    return click.option(
        "--resamples", type=kind, default=2000, show_default=True, help="Data sets drawn for intervals."
    )(command)


def seed(command: F) -> F:
    """Add the seed of what is drawn."""
    return click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of what is drawn at random."
    )(command)


def output_format(*choices: str) -> Callable[[F], F]:
    """Add ``--format`` with the given choices, the first of which is the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="What to print on standard output.",
    )
