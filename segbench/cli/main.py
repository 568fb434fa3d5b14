"""The command line: a lazy list of commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn

import click

import segbench
from segbench.cli import report
from segbench.errors import BadParameter, ResourceError, SegbenchError, UsageError, did_you_mean
from segbench.version import __version__

#: Commands in the order of a user's work: name, home, and the line that the list shows.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("segbench.cli.demo:demo", "Go the whole way on the embedded data set."),
    "score": ("segbench.cli.score:score", "Score a folder of predictions by a data set's official protocol."),
    "check": ("segbench.cli.check:check", "Say whether a submission would be accepted, without a score."),
    "explain": ("segbench.cli.explain:explain", "Explain a data set, a metric, or a signature."),
    "pack": ("segbench.cli.pack:pack", "Make the archive that an official server takes."),
    "datasets": ("segbench.cli.datasets:datasets", "List data sets, show a layout, check the copy on disk."),
    "merge": ("segbench.cli.merge:merge", "Put the shards of one submission together."),
    "compare": ("segbench.cli.compare:compare", "Say by how much submissions differ, and whether that is chance."),
    "board": ("segbench.cli.board:board", "Keep a store of results, and build the site of its leaderboards."),
    "anatomy": ("segbench.cli.anatomy:anatomy", "Say where detected instances go wrong."),
    "models": ("segbench.cli.models:models", "List the reference models and the losses."),
    "train": ("segbench.cli.train:train", "Train a reference model by a recipe."),
    "run": ("segbench.cli.run:run", "Run models over data sets: predictions, scores, costs, entries."),
    "study": ("segbench.cli.study:study", "Train one model with every loss, and compare."),
    "plot": ("segbench.cli.plot:plot", "Draw the curves of results."),
    "env": ("segbench.cli.env:env", "Print versions, kernels and settings."),
}

#: Commands whose options a settings file may give defaults of.
CONFIGURED = ("score", "check")

#: Commands that go on from where they were stopped.
RESUMED = ("train", "run", "study", "demo")

INTERNAL, INTERRUPTED, TERMINATED = 70, 130, 143

#: Objects made between two searches for garbage.
_MANY = 100_000


class Terminated(BaseException):
    """SIGTERM, on its way up to `main` so that files are closed."""


def _command(name: str) -> click.Command:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


class LazyCommands(click.Group):
    """A group that imports a command only when it is run, so that help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        return _command(name) if name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the one that was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}; {did_you_mean(args[0], COMMANDS) or 'see --help'}")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="segbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Exact, fast and signed scores for image segmentation."""
    if ctx.invoked_subcommand not in RESUMED:
        # NumPy's library has a thread for each CPU, which spin for tens of milliseconds from the start; only nets gain.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if ctx.invoked_subcommand in CONFIGURED:
        ctx.default_map = {ctx.invoked_subcommand: _defaults(ctx.invoked_subcommand)}


def _defaults(name: str) -> dict[str, Any]:
    """Return the defaults of options that the settings file gives."""
    settings = segbench.read_configuration()
    known = {n: _command(n).params for n in CONFIGURED} if settings.options else {}
    names = {n: {str(p.name).rstrip("_"): str(p.name) for p in params} for n, params in known.items()}
    for option in settings.options:
        if not any(option in options for options in names.values()):
            raise BadParameter(
                f"table options, key {option}: no such option",
                expected="an option of score or check",
                mend=did_you_mean(option, names["score"]),
                file=settings.file,
            )
    return {names[name][option]: value for option, value in settings.options.items() if option in names[name]}


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the code of its outcome."""
    args = list(sys.argv[1:] if argv is None else argv)
    # What is imported is no garbage: to search it every 700 objects takes a twelfth of a short run.
    gc.set_threshold(_MANY)
    # Nor at the end, when all of it goes.
    atexit.register(gc.freeze)
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What is printed is the same bytes under any locale.
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    try:
        sys.exit(_run(args))
    except BrokenPipeError:
        # The reader has gone (`| head`): leave without a word.
        report.abandon_stdout()
        sys.exit(0)


def _run(args: list[str]) -> int:
    debug = "--debug" in args
    try:
        code: Any = cli.main(args=args or ["--help"], prog_name="segbench", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        raise
    except SystemExit:
        # So click itself ends when the reader of its help has gone; 1 would mean that a gate failed.
        report.abandon_stdout()
        return 0
    except click.ClickException as error:
        report.refusal(UsageError(error.format_message()), as_json=_wants_json(args))
        return UsageError.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        report.message("interrupted", _left(args))
        return INTERRUPTED
    except Terminated:
        report.message("terminated", _left(args))
        return TERMINATED
    except SegbenchError as error:
        if debug:
            sys.excepthook(type(error), error, error.__traceback__)
        report.refusal(error, as_json=_wants_json(args))
        return error.exit
    except MemoryError as error:
        report.refusal(ResourceError(f"no memory left: {error or 'nothing more is known'}"), as_json=_wants_json(args))
        return ResourceError.exit_code
    except Exception as error:  # the last line of defence: whatever arrives here is a bug of ours
        if debug:
            sys.excepthook(type(error), error, error.__traceback__)
        report.message(
            "error[internal]", f"{type(error).__name__}: {error}; this is a bug: run again with --debug and report it"
        )
        return INTERNAL


def _left(args: list[str]) -> str:
    left = "what was finished is kept" if any(command in args for command in RESUMED) else "nothing was written"
    return f"{left}; run the same command again"


def _wants_json(args: list[str]) -> bool:
    asked = [*zip(args, args[1:], strict=False), *(tuple(arg.split("=", 1)) for arg in args)]
    return any(("--format", name) in asked for name in ("json", "jsonl"))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
