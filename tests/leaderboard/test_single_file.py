"""The site as one file: all pages are in it, and it needs no other."""

from __future__ import annotations

from collections import Counter
from urllib.parse import unquote

import pytest

from segbench.leaderboard.pages import pages
from segbench.leaderboard.site import build
from tests.leaderboard.boards import made_up
from tests.leaderboard.readpages import Read


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("single") / "boards.html"
    assert build(made_up(), file, single_file=True) == file
    return file.read_text("utf-8")


def test_one_file_holds_all_pages(single: str) -> None:
    page = Read(single)
    ids = page.ids()
    assert len(ids) == len(set(ids))
    shown = [a["id"] for tag, a in page.tags if tag == "div" and a.get("class") == "page"]
    assert sorted(map(str, shown)) == sorted(page.path for page in pages(made_up(), {}))
    for tag, attributes in page.tags:
        for kind in ("href", "src"):
            target = attributes.get(kind)
            if target and target.startswith("#"):
                assert unquote(target[1:].partition("?")[0]) in ids, target
            elif target:
                assert target.startswith("data:") or (tag == "a" and target.startswith("https://")), target


def test_one_file_runs_only_its_own_script(single: str) -> None:
    page = Read(single)
    (policy,) = [str(a["content"]) for tag, a in page.tags if tag == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    assert Counter(tag for tag, _ in page.tags)["script"] == 2
