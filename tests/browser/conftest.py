"""Headless Chromium for tests of pages; where there is none they are skipped, or fail if they are required."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segbench.cli.board_site import Handler
from segbench.leaderboard.site import build
from tests.browser.pages import boards
from tests.browser.visitor import Visitor
from tests.required import missing, node_package

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Nothing asked of the network, and nothing that a machine without a screen lacks.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running browser. Of the module only: playwright's event loop is in the way of other tests' own."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        missing("no Chromium on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which is installed beside the tests and no part of the repository."""
    return (node_package("axe-core") / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    build(boards(), folder)
    return folder


@pytest.fixture
def visit_file(browser: Browser, site: Path) -> Iterator[Visitor]:
    """Opens pages of the site from the disk."""
    with Visitor(browser, f"{site.as_uri()}/") as visitor:
        yield visitor


@pytest.fixture
def visit_http(browser: Browser, served: str) -> Iterator[Visitor]:
    """Opens pages of the site from a server."""
    with Visitor(browser, served) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The address of a server of the site, which sends what `segbench board serve` sends."""
    handler = partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
