"""What the page of an entry shows."""

from __future__ import annotations

from typing import Any

from segbench.errors import counted
from segbench.harness.record import RunModel, RunRecord
from segbench.leaderboard.boardpage import protocol_name
from segbench.leaderboard.boardrows import class_names, numbers, score, score_keys
from segbench.leaderboard.charts import curves
from segbench.leaderboard.citation import bibtex
from segbench.leaderboard.signatures import explained
from segbench.leaderboard.standings import Board, Confusions, Standing

#: Images listed as the hardest.
_HARDEST = 10

#: Classes up to which a whole table of confusions is readable, and confusions listed below it.
_TABLE, _LISTED = 40, 12

#: What is told of an entry in words, and its heading.
_FACTS = {
    "training_data": "Training data",
    "backbone": "Backbone",
    "post_processing": "Post-processing",
    "device": "Measured on",
    "licence": "Licence",
    "origin": "Origin of the predictions",
    "replaces": "Replaces",
}


def entry_context(board: Board, standing: Standing) -> dict[str, Any]:
    """Return what the page of an entry shows."""
    found = {(number.key, number.part): number for number in numbers(board, standing)}
    primary = score(standing, board.primary)
    keys = [key for key in score_keys(board) if (key, None) in found]
    parts = class_names(board, board.primary)
    return {
        "board": board,
        "standing": standing,
        "entry": standing.entry,
        "protocol": protocol_name(board),
        "primary": primary,
        "place": place(board, standing),
        "scores": [found[key, None] for key in keys],
        "classes": [found[board.primary, name] for name in parts if (board.primary, name) in found],
        "tables": [_class_table(standing, key) for key in keys if key != board.primary],
        "facts": [(head, getattr(standing.entry, name)) for name, head in _FACTS.items()],
        "run": None if standing.entry.run is None else run_facts(standing.entry.run),
        "curves": curves([standing]),
        "confusions": None if standing.confusions is None else confusion_rows(standing.confusions),
        "hardest": hardest(board, standing),
        "signature": [] if primary is None else explained(primary.signature),
        "provenance": standing.result["provenance"],
        "state": standing.result["state"],
        "warnings": standing.result["warnings"],
        "bibtex": bibtex(board, standing),
        "others": [other.entry for other in board.standings if other is not standing],
    }


def place(board: Board, standing: Standing) -> str:
    """Return in words how an entry stands to the others of its board."""
    n_top = sum(other.is_top for other in board.standings)
    if len(board.standings) == 1:
        return "The only entry so far."
    if not standing.is_top:
        return "Behind the best by more than chance."
    if n_top == 1:
        return "Ahead of all others by more than chance."
    return f"One of {n_top} whose differences to the best are no more than chance."


def hardest(board: Board, standing: Standing) -> list[tuple[str, float]]:
    """Return the images on which an entry is worst in the primary score, the worst first."""
    sign = 1 if board.higher_is_better else -1
    defined = [(key, value) for key, value in standing.images.items() if value is not None]
    return sorted(defined, key=lambda image: (sign * image[1], image[0]))[:_HARDEST]


def run_facts(run: RunRecord) -> list[tuple[str, str]]:
    """Return what is told of how `segbench run` has made the predictions, and what they cost."""
    cost = run.cost
    models = [f"{model.name}: {model.model}{_options(model)}, {model.weights}" for model in run.models]
    timed = counted(cost.images_timed, "image")
    seconds = [f"{value:.4g}" for value in (cost.seconds_median, cost.seconds_p95) if value is not None]
    sized = f" for {' × '.join(map(str, cost.flops_of))} pixels" if cost.flops_of else ""
    memory = "" if cost.peak_memory is None else f"{cost.peak_memory / 2**20:,.0f} MiB of the {cost.memory_of}"
    facts = [
        *(("Model", model) for model in models),
        ("Views", "the image as it is" if run.views == "-" else run.views),
        ("Computed on", f"{run.device}; {run.precision}, batches of {run.batch}"),
        ("Parameters", "" if cost.parameters is None else f"{cost.parameters:,}"),
        ("Operations", f"{cost.flops:.4g}{sized}" if cost.flops else ""),
        ("Seconds per image", f"median {seconds[0]}, 95 % below {seconds[1]} ({timed})" if len(seconds) > 1 else ""),
        ("Peak memory", memory),
        ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))),
        ("Finished", run.finished),
    ]
    return [(head, text) for head, text in facts if text]


def _options(model: RunModel) -> str:
    return f"({', '.join(f'{name}={value}' for name, value in sorted(model.options.items()))})" if model.options else ""


def confusion_rows(confusions: Confusions) -> dict[str, Any]:
    """Return shares of each true class, and the largest of those that are wrong."""
    totals = [sum(row) for row in confusions.counts]
    rows = [
        (name, total, [(count, count / total if total else None) for count in row])
        for name, total, row in zip(confusions.truth, totals, confusions.counts, strict=True)
    ]
    wrong = [
        (count, count / total, confusions.truth[i], confusions.prediction[j])
        for i, (row, total) in enumerate(zip(confusions.counts, totals, strict=True))
        for j, count in enumerate(row)
        if count and i != j
    ]
    wrong.sort(key=lambda item: (-item[0], item[2], item[3]))
    return {
        "rows": rows if len(confusions.truth) <= _TABLE else [],
        "heads": confusions.prediction,
        "wrong": wrong[:_LISTED],
        "n": len(confusions.truth),
    }


def _class_table(standing: Standing, key: str) -> dict[str, Any]:
    score = standing.result["scores"][key]
    spread = standing.spreads.get(key)
    intervals = {} if spread is None else spread.per_class
    parts = score.get("per_class", {})
    return {"key": key, "unit": score["unit"], "parts": [(name, parts[name], intervals.get(name)) for name in parts]}
