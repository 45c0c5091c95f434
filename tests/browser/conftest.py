"""The documentation in a headless Chromium, from disk: `python -m pytest -o addopts= tests/browser`.

`HERBTC_DOCS` names a folder in which it was built; otherwise it is built. `CHROMIUM` names the browser. Where there is
none the tests fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if built := os.environ.get("HERBTC_DOCS"):
        return Path(built).resolve(strict=True)
    folder = tmp_path_factory.mktemp("html")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        str(ROOT / "docs"),
        str(folder),
    ]
    subprocess.run(command, check=True)  # noqa: S603
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "no Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM"
    with sync_playwright() as play:
        # As root, which continuous integration often is, Chromium starts without its sandbox only.
        started = play.chromium.launch(executable_path=chromium, chromium_sandbox=os.geteuid() != 0)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, docs: Path) -> Callable[..., AbstractContextManager[Page]]:
    """Return what opens a page from disk, without a network, and fails if it complains of anything."""

    @contextmanager
    def page_of(name: str, *, width: int = 1300, scheme: str = "light") -> Iterator[Page]:
        complaints: list[str] = []
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            accept_downloads=True,
            offline=True,
        )
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda asked: complaints.append(f"{asked.url}: {asked.failure}"))
        page.on(
            "request",
            lambda asked: complaints.append(asked.url) if not asked.url.startswith(("file:", "blob:")) else None,
        )
        page.goto(f"{docs.as_uri()}/{name}")
        yield page
        assert complaints == []
        context.close()

    return page_of
