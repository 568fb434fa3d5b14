"""Files that pages offer arrive as they were built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.visitor import Visitor

OFFERED = [
    ("boards/drive-test.html", "data/drive-test.csv"),
    ("boards/drive-test.html", "data/drive-test.json"),
    ("boards/drive-test.html", "data/drive-test.reported.csv"),
    ("boards/hostile-test.html", "data/hostile-test.csv"),
    ("entries/drive-test/laddernet.html", "data/results/drive-test/laddernet.json"),
    ("entries/drive-test/laddernet.html", "badges/drive-test-laddernet.svg"),
]


@pytest.mark.parametrize(("page", "file"), OFFERED)
def test_a_link_downloads_the_file(page: str, file: str, visit_http: Visitor, site: Path) -> None:
    opened = visit_http(page)
    with opened.expect_download() as download:
        opened.locator(f"a[href$='{file}']").first.click()
    assert Path(download.value.path()).read_bytes() == (site / file).read_bytes()
    assert download.value.suggested_filename.endswith(Path(file).name.removeprefix("drive-test-"))


@pytest.mark.parametrize(("page", "file"), OFFERED)
def test_a_link_on_the_disk_names_the_file(page: str, file: str, visit_file: Visitor, site: Path) -> None:
    opened = visit_file(page)
    address = opened.locator(f"a[href$='{file}']").first.evaluate("link => link.href")
    assert address == (site / file).as_uri()
