"""The part of ``segbench demo --train`` that needs torch: a small net learns, answers, and is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segbench.cli import report, runtable
from segbench.cli.progress import progress_bar
from segbench.cli.trial import Wish, attempt, entry_of
from segbench.errors import require
from segbench.harness.device import open_device
from segbench.harness.plan import RECORD, RESULT, jobs_of
from segbench.harness.subjects import read_subject
from segbench.leaderboard.entry import Entry
from segbench.leaderboard.entryfile import read_run
from segbench.training.loop import Training
from segbench.training.plots import draw
from segbench.training.ranks import Ranks
from segbench.training.recipes import Recipe, Stage

#: As many steps as take some two minutes on two cores, counted in steps so that the weights are the same everywhere.
STEPS = 400

RECIPE = Recipe(
    name="unet16",
    model="unet_half",
    # Sixteen channels at first, a quarter of the paper's.
    options={"width": 0.25, "norm": True, "channels": 3},
    save_every=100,
    stage=(
        Stage(
            data="shapes",
            steps=STEPS,
            batch=8,
            crop=(96, 96),
            augment=("mirror", "flip"),
            optimiser="adam(lr=0.003)",
            schedule="poly(power=0.9)",
        ),
    ),
)


def trained(folder: Path) -> tuple[Path, Entry]:
    """Train the net, run it over the test split, and score it.

    Parameters
    ----------
    folder : Path
        Folder of the demonstration, with the data set in ``shapes``.

    Returns
    -------
    (Path, Entry)
        The result, and what is told of it.

    Raises
    ------
    SegbenchError
        When a package is missing, or something cannot be written.
    """
    require("matplotlib", extra="run")
    roots, device = {"shapes": folder / "shapes"}, open_device("cpu")
    work = Training(RECIPE, folder / RECIPE.name, roots)
    with progress_bar(" steps") as bar:
        if bar is not None:
            work.progress = lambda done, total, row: bar(done, total)
        work.run()
    draw(work.history, folder / RECIPE.name / "curves.svg")
    subject = read_subject(str(folder / RECIPE.name))
    (job,) = jobs_of([subject], ["shapes"], folder / "runs", data_roots=roots)
    with progress_bar(" images") as bar:
        trial: Any = attempt(job, device, Wish(), Ranks(), bar=bar)
    if trial.error is not None:
        raise trial.error
    report.data(runtable.trials([trial], "table"))
    print(f"\nHow it learned: {folder / RECIPE.name / 'curves.svg'}; what it cost: {job.folder / RECORD}")
    return job.folder / RESULT, entry_of(job, read_run(job.folder / RECORD))
