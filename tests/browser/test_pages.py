"""Every page of the documentation: its internal links lead somewhere, and it opens from disk on a phone and a desk."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Page

    Opened = Callable[..., AbstractContextManager[Page]]


class Links(HTMLParser):
    """What a page refers to, and the places in it that can be referred to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            elif name == "id" or (name == "name" and tag == "a"):
                self.places.add(value or "")


def pages_of(docs: Path) -> list[Path]:
    # The theme keeps a template of its own among its static files.
    return sorted(page for page in docs.rglob("*.html") if "_static" not in page.relative_to(docs).parts)


def test_every_internal_link_leads_to_a_page_and_a_place_in_it(docs: Path) -> None:
    pages = {page: Links(page) for page in pages_of(docs)}
    assert docs / "explorer.html" in pages
    broken, followed = [], 0
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            followed += 1
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            place = unquote(parts.fragment)
            if not target.is_file():
                broken.append(f"{page.name}: {link}: no such file")
            # A state of the explorer, which is no place in its page.
            elif place and target in pages and place not in pages[target].places and "=" not in place:
                broken.append(f"{page.name}: {link}: no such place")
    assert broken == []
    assert followed > 1000


@pytest.mark.parametrize("width", [390, 1300])
def test_every_page_opens_from_disk_and_fits_the_window(opened: Opened, docs: Path, width: int) -> None:
    names = [page.relative_to(docs).as_posix() for page in pages_of(docs)]
    assert len(names) > 10
    too_wide = []
    for name in names:
        with opened(name, width=width) as page:
            if page.evaluate("document.documentElement.scrollWidth") > width:
                too_wide.append(name)
    assert too_wide == []
