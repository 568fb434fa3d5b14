"""``segbench board add`` and ``check``: what they print, and what they exit with."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from segbench.cli import report
from segbench.cli.board import board
from segbench.errors import BadParameter, SegbenchError
from segbench.leaderboard.entry import Entry
from segbench.leaderboard.entryfile import LARGEST, read_entry, template
from segbench.leaderboard.store import add, read_store
from segbench.version import __version__
from tests.conftest import CommandLine
from tests.leaderboard.submissions import HOSTILE, entry, record, rewrite


def called(*args: object) -> Result:
    return CliRunner().invoke(board, [str(arg) for arg in args], standalone_mode=False)


def refused(*args: object) -> SegbenchError:
    """Run a command that is refused, and return why."""
    error = called(*args).exception
    assert isinstance(error, SegbenchError), error
    return error


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return written(tmp_path / "entry.toml", 'id = "net"\nname = "Net <b>"\nauthors = ["A"]\n')


class TestAdd:
    def test_an_entry(self, result: Path, told: Path, store: Path) -> None:
        store.mkdir()
        outcome = called("add", result, told, "--store", store)
        assert outcome.exception is None
        assert outcome.return_value == 0
        assert outcome.output == f"added: net to shapes@1, test; {store}/shapes@1/net.json, and its state beside it\n"
        assert [stored.entry.name for stored in read_store(store)] == ["Net <b>"]
        assert refused("add", result, told, "--store", store).code == "bad-parameter"

    def test_json(self, result: Path, told: Path, store: Path) -> None:
        store.mkdir()
        outcome = called("add", result, told, "--store", store, "--format", "json")
        assert json.loads(outcome.output) == {
            "status": "added",
            "entry": "net",
            "protocol": "shapes@1",
            "split": "test",
            "file": f"{store}/shapes@1/net.json",
            "state": f"{store}/shapes@1/net.state.jsonl",
        }

    def test_a_store_that_is_not_there(
        self, result: Path, told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        error = refused("add", result, told)
        assert (error.exit, error.file, error.mend) == (2, "leaderboards/results", "name it with --store")
        assert not (tmp_path / "leaderboards").exists()

    def test_a_refusal_on_the_command_line(self, run: CommandLine, result: Path, told: Path, store: Path) -> None:
        store.mkdir()
        found = record(result)
        found["scores"]["mean_iou"]["value"] = 0.875
        rewrite(result, found)
        outcome = run("board", "add", result, told, "--store", store, "--format", "json")
        assert outcome.err.startswith(
            f"segbench: error[submission-error]: {result}: scores.mean_iou.value is 0.875; expected 0."
        )
        assert (outcome.code, outcome.record["status"], outcome.record["exit"]) == (3, "refused", 3)
        assert outcome.codes == ["submission-error"]

    @pytest.mark.parametrize("text", HOSTILE[:-1])
    def test_hostile_text_never_reaches_the_terminal(
        self, text: str, result: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.mkdir()
        quoted = json.dumps(text)
        path = written(tmp_path / "entry.toml", f'id = "net"\nname = {quoted}\nreplaces = "x"\n')
        errors = [refused("add", result, path, "--store", store)]
        for lines in (f'id = {quoted}\nname = "x"', f'id = "net"\nname = "x"\npaper = {quoted}', f"{quoted} = 1"):
            errors.append(refused("add", result, written(path, lines), "--store", store))
        for error in errors:
            report.refusal(error, as_json=True)
        captured = capsys.readouterr()
        assert not set(captured.err) & set("\x00\x1b\u202e\u2066")
        assert not set(captured.out) & set("\x00\x1b\u202e\u2066")
        assert captured.err.count("\n") == len(errors)

    def test_help_and_template(self) -> None:
        assert called("--help").output == called().output
        assert called("add", "--template").output == template()


class TestTemplate:
    def test_it_is_an_entry_as_it_stands(self, tmp_path: Path) -> None:
        assert read_entry(written(tmp_path / "e.toml", template())) == Entry(id="my-network", name="My network")

    def test_every_field_stands_in_it(self, tmp_path: Path) -> None:
        lines = [line.removeprefix("# ") if " = " in line else line for line in template().splitlines()]
        whole = written(tmp_path / "e.toml", "\n".join(lines))
        names = [field.name for field in dataclasses.fields(Entry)]
        assert sorted(tomllib.loads(whole.read_text("utf-8"))) == sorted(set(names) - {"run", "status"})
        assert read_entry(whole).parameters == 31_000_000


class TestEntryFile:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "id"),
            ('id = "net"', "name"),
            ('id = "net"\nname = ""', "name ''"),
            ('id = "Net"\nname = "x"', "id 'Net'"),
            ('id = "net"\nname = "x"\nlicense = "MIT"', "did you mean 'licence'?"),
            ('id = "net"\nname = "x"\nauthors = "A"', "authors"),
            ('id = "net"\nname = "x"\nparameters = -1', "parameters -1"),
            ('id = "net"\nname = "x"\nparameters = 1.5', "parameters"),
            ('id = "net"\nname = "x"\nflops = nan', "flops nan"),
            ('id = "net"\nname = "x"\nstatus = "reported"', "status"),
            ('id = "net"\nname = "x"\npaper = "javascript:alert(1)"', "paper"),
            ('id = "net"\nname = "x"\ncode = "https://"', "code"),
            ('id = "net"\nname = "x"\ndate = "yesterday"', "date"),
            (f'id = "net"\nname = "x"\norigin = "{"x" * 2001}"', "origin of 2001 characters"),
            ('id = "net"\nid = "net"', "no TOML"),
            ("[" * 100_000, "no TOML"),
        ],
    )
    def test_refused(self, text: str, words: str, tmp_path: Path) -> None:
        path = written(tmp_path / "entry.toml", text)
        with pytest.raises(BadParameter) as caught:
            read_entry(path)
        assert words in str(caught.value)
        assert caught.value.file == str(path)
        assert "\n" not in str(caught.value)

    def test_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "entry.toml"
        for data, words in ((None, "cannot be read"), (b"\xff", "no UTF-8"), (b"#" * (LARGEST + 1), "more than")):
            if data is not None:
                path.write_bytes(data)
            with pytest.raises(BadParameter, match=words):
                read_entry(path)


class TestCheck:
    def test_a_sound_store(self, result: Path, store: Path) -> None:
        add(result, entry("a"), store)
        assert called("check", store).output == "checked: 1 entry\n"
        add(result, entry("b"), store)
        outcome = called("check", store)
        assert (outcome.return_value, outcome.output) == (0, "checked: 2 entries\n")
        assert json.loads(called("check", store, "--format", "json").output) == {"status": "checked", "entries": 2}

    def test_faults(self, result: Path, store: Path) -> None:
        first, second = (add(result, entry(name), store) for name in "ab")
        first.path.write_text(first.path.read_text("utf-8").replace(__version__, "0.0.1", 1), "utf-8")
        os.unlink(second.path)
        error = refused("check", store)
        assert [fault.code for fault in error.faults] == ["submission-error", "unclaimed-file"]
        assert error.exit == 3
        second.path.write_bytes(b"")
        assert refused("check", store).exit == 4

    def test_no_store(self, store: Path) -> None:
        assert refused("check", store).exit == 4
