"""`segbench board build` and `serve`, and pictures of the hardest images where the data set lies."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from segbench.cli.board_site import HEADERS, build, serve
from segbench.errors import BadParameter
from segbench.leaderboard.board import boards_of
from segbench.leaderboard.site import build as build_site
from segbench.leaderboard.store import add
from segbench.scoring.units import Resampling
from tests.leaderboard.submissions import entry

RESULTS = Path(__file__).parents[2] / "leaderboards/results"


@pytest.fixture
def filled(result: Path, store: Path) -> Path:
    """A store with one entry of `shapes`."""
    add(result, entry("net"), store)
    return store


def run(*arguments: str) -> str:
    done = CliRunner().invoke(build, list(arguments), catch_exceptions=False, standalone_mode=False)
    return done.output


def test_a_site_is_built_from_a_store(filled: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert run(str(filled), "-o", str(site)) == f"built: 1 board, 1 entry; open {site / 'index.html'}\n"
    assert (site / "boards/shapes-test.html").is_file() and (site / "entries/shapes-test/net.html").is_file()


def test_published_numbers_beside_the_store_are_shown(filled: Path, tmp_path: Path) -> None:
    reported = filled.parent / "reported"
    reported.mkdir()
    number = '[[number]]\nsystem = "Net"\nsplit = "val"\nmetric = "mean IoU"\nvalue = 60.0\nsource = "a paper"\n'
    (reported / "voc.toml").write_text(f'dataset = "VOC"\nboard = "voc2012"\n{number}', "utf-8")
    told = json.loads(run(str(filled), "-o", str(tmp_path / "site"), "--format", "json"))
    assert told == {"status": "built", "page": str(tmp_path / "site/index.html"), "boards": 2, "entries": 1}
    assert (tmp_path / "site/boards/voc2012-val.html").is_file()


def test_one_file(filled: Path, tmp_path: Path) -> None:
    run(str(filled), "-o", str(tmp_path / "one/boards.html"), "--single-file")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["boards.html"]


def test_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="no such folder"):
        run(str(tmp_path / "absent"), "-o", str(tmp_path / "site"))


@pytest.fixture
def served(filled: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a site that is served by a process of its own."""
    run(str(filled), "-o", str(tmp_path / "site"))
    command = [sys.executable, "-m", "segbench", "board", "serve", str(tmp_path / "site"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.match(r"(http://127\.0\.0\.1:[0-9]+/) ", process.stdout.readline())
        assert found
        yield found[1]
        process.terminate()


def test_pages_are_served_with_careful_headers(served: str) -> None:
    with urllib.request.urlopen(f"{served}boards/shapes-test.html") as answer:
        assert answer.headers["Content-Type"].startswith("text/html") and b"<h1>" in answer.read()
        for name, value in HEADERS.items():
            assert answer.headers[name] == value


@pytest.mark.parametrize(
    "path", ["data/", "absent.html", "../store/shapes@1/net.json", "%2e%2e/store/shapes@1/net.json"]
)
def test_nothing_else_is_served(path: str, served: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(served + path)
    assert (
        caught.value.code == 404 and HEADERS["X-Content-Type-Options"] == caught.value.headers["X-Content-Type-Options"]
    )


def test_no_site_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match=r"no index\.html"):
        CliRunner().invoke(serve, [str(tmp_path)], catch_exceptions=False, standalone_mode=False)


def test_the_hardest_images_are_drawn_where_they_are(shapes_root: Path, tmp_path: Path) -> None:
    shutil.copytree(RESULTS / "shapes@1", tmp_path / "store/shapes@1")
    boards = boards_of(tmp_path / "store", how=Resampling(resamples=20), permutations=5)
    build_site(boards, tmp_path / "site", data_root=shapes_root)
    page = (tmp_path / "site/entries/shapes-test/nearest-colour.html").read_text("utf-8")
    shown = re.findall(r'<img src="\.\./\.\./(pictures/[^"]+)"', page)
    assert len(shown) == 20
    for path in shown:
        assert (tmp_path / "site" / path).read_bytes().startswith(b"\x89PNG")
    # The folder of the data set may also stand in one of several.
    shutil.copytree(shapes_root, tmp_path / "data/shapes")
    build_site(boards, tmp_path / "again", data_root=tmp_path / "data")
    assert (tmp_path / "again" / shown[0]).read_bytes() == (tmp_path / "site" / shown[0]).read_bytes()


def test_a_folder_without_data_is_refused(filled: Path, shapes_root: Path, tmp_path: Path) -> None:
    boards = boards_of(filled, how=Resampling(resamples=20), permutations=5)
    (tmp_path / "empty").mkdir()
    # The entry of the test is of other images than those of `shapes`, whose names are all that one sees of them.
    for root in (tmp_path / "empty", shapes_root):
        with pytest.raises(BadParameter, match="no data set of any board"):
            build_site(boards, tmp_path / "site", data_root=root)
    assert not (tmp_path / "site").exists()
