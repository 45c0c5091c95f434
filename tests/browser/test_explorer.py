"""The evidence explorer as a reader uses it: load, filter, sort, follow, download, by mouse and by keyboard."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

import herbtc
from herbtc import query
from herbtc.models import FIGURE_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    Opened = Callable[..., AbstractContextManager[Page]]

PAGE = "explorer.html"


def rows(page: Page) -> Locator:
    return page.locator(".explorer-table tbody tr")


def cells(page: Page, column: str) -> list[str]:
    """Return the cells of a column by its heading, of the rows that are shown."""
    headings = page.locator(".explorer-table thead button").all_inner_texts()
    place = headings.index(column)
    texts = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    return [each[place] for each in rows(page).evaluate_all(texts)]


def chosen(page: Page, label: str) -> Locator:
    """Return a filter by its label."""
    return page.get_by_role("combobox", name=label, exact=True)


def told(page: Page) -> tuple[int, int]:
    """Return what the live region says: rows found, rows there are."""
    counts = re.match(r"(\d+) of (\d+) (studies|figures)", page.locator(".explorer-status").inner_text())
    assert counts
    return int(counts[1]), int(counts[2])


def state(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).fragment).items()}


def frames(**asked: Any) -> int:
    return sum(len(getattr(query, kind)(suspect="include", **asked)) for kind in FIGURE_KINDS)


def test_it_shows_every_figure_and_every_study(opened: Opened) -> None:
    with opened(PAGE) as page:
        assert told(page) == (frames(reports="latest"), frames(reports="all"))
        page.get_by_label("Newest report of a figure only").uncheck()
        assert told(page) == (frames(reports="all"), frames(reports="all"))
        page.get_by_label("Studies").check()
        assert told(page) == (len(query.trials()), len(query.trials()))
        assert set(cells(page, "Study")) == set(query.trials()["name"])
        assert herbtc.load().release in page.locator(".explorer-table caption").inner_text()


FILTERS = [
    ("Mechanism", "mechanism", "bispecific-antibody"),
    ("Mechanism", "mechanism", "tyrosine-kinase-inhibitor"),
    ("Line", "line", "first"),
    ("HER2 group", "her2", "ihc-3+"),
    ("Site", "site", "gallbladder"),
]


@pytest.mark.parametrize(("label", "name", "word"), FILTERS)
def test_a_filter_finds_what_the_query_finds(opened: Opened, label: str, name: str, word: str) -> None:
    with opened(PAGE) as page:
        page.get_by_label("Newest report of a figure only").uncheck()
        chosen(page, label).select_option(word)
        assert told(page)[0] == frames(reports="all", **{name: word}) > 0
        assert state(page) == {name: word, "newest": "no"}


def test_filters_by_endpoint_and_design_and_the_search_work_together(opened: Opened) -> None:
    with opened(PAGE) as page:
        page.get_by_label("Newest report of a figure only").uncheck()
        chosen(page, "Endpoint").select_option("orr")
        every = sum(len(getattr(query, kind)(endpoint="orr", reports="all", suspect="include"))
                    for kind in ("proportions", "contrasts"))  # fmt: skip
        assert told(page)[0] == every
        chosen(page, "Design").select_option("basket")
        baskets = set(query.trials().query("design == 'basket'")["name"])
        assert set(cells(page, "Study")) <= baskets
        page.get_by_role("searchbox", name="Search", exact=True).fill("mypathway  JAVLE")
        assert set(cells(page, "Study")) == {"MyPathway"}
        assert all("javle" in source for source in cells(page, "Source"))
        assert state(page) == {"endpoint": "orr", "design": "basket", "q": "mypathway  JAVLE", "newest": "no"}
        page.get_by_role("searchbox", name="Search", exact=True).fill("no such words")
        assert told(page)[0] == 0
        assert rows(page).count() == 0
        page.get_by_role("button", name="Clear filters").click()
        assert told(page)[0] == frames(reports="latest")
        assert page.get_by_role("searchbox", name="Search", exact=True).input_value() == ""
        assert state(page) == {}


def test_columns_sort_both_ways_by_number_with_gaps_last(opened: Opened) -> None:
    with opened(PAGE) as page:
        chosen(page, "Endpoint").select_option("orr")
        heading = page.locator("th", has=page.get_by_role("button", name="n", exact=True))
        page.get_by_role("button", name="n", exact=True).click()
        assert heading.get_attribute("aria-sort") == "ascending"
        shown = cells(page, "n")
        numbers = [int(each) for each in shown if each != "–"]
        assert numbers == sorted(numbers)
        page.get_by_role("button", name="n", exact=True).click()
        assert heading.get_attribute("aria-sort") == "descending"
        shown = cells(page, "n")
        numbers = [int(each) for each in shown if each != "–"]
        assert numbers == sorted(numbers, reverse=True)
        assert "–" not in shown[: len(numbers)]
        page.get_by_role("button", name="Result").click()
        assert heading.get_attribute("aria-sort") == "none"
        percents = [float(found[1]) for each in cells(page, "Result") if (found := re.search(r"([\d.]+) %", each))]
        assert percents == sorted(percents)
        assert len(percents) > 50
        page.get_by_role("button", name="Study").click()
        assert cells(page, "Study")[0].startswith("A")


def test_the_address_keeps_the_state(opened: Opened) -> None:
    asked = "#table=studies&mechanism=bispecific-antibody&sort=n&order=descending"
    with opened(PAGE + asked) as page:
        found = cells(page, "Study")
        assert "HERIZON-BTC-01" in found
        assert page.get_by_label("Studies").is_checked()
        assert chosen(page, "Mechanism").input_value() == "bispecific-antibody"
        assert state(page) == {name: values[0] for name, values in parse_qs(asked[1:]).items()}
        page.reload()
        assert cells(page, "Study") == found
        page.evaluate("location.hash = '#endpoint=os'")
        page.wait_for_function("document.querySelector('[name=endpoint]').value === 'os'")
        assert chosen(page, "Mechanism").input_value() == ""
        assert set(cells(page, "Endpoint")) <= {"OS", "OS rate", "OS ratio"}


@pytest.mark.parametrize(
    "asked",
    [
        "#table=nonsense&sort=nonsense",
        "#mechanism=%3Cscript%3E",
        "#sort=n&order=sideways",
        "#__proto__=x&table=__proto__",
    ],
)
def test_a_strange_address_does_no_harm(opened: Opened, asked: str) -> None:
    with opened(PAGE + asked) as page:
        assert told(page)[0] == frames(reports="latest")
        assert page.get_by_label("Figures").is_checked()


def test_links_lead_to_the_source_and_to_the_reports_of_the_study(opened: Opened) -> None:
    links = {(row["trial"], row["source"]): row["link"] for row in query.sources().to_dict("records")}
    with opened(PAGE + "#q=herizon-btc-01&endpoint=orr") as page:
        first = rows(page).first
        source = first.locator("td a").first
        address = source.get_attribute("href")
        assert address == links["herizon-btc-01", source.inner_text()]
        assert source.get_attribute("rel") == "noopener"
        first.locator("th a").click()
        page.wait_for_url("**/reports.html#reports-herizon-btc-01")
        assert page.locator("#reports-herizon-btc-01").count() == 1
        page.go_back()
        assert state(page) == {"q": "herizon-btc-01", "endpoint": "orr"}
        assert rows(page).first.locator("td a").first.get_attribute("href") == address


def test_every_link_of_the_rows_is_sound(opened: Opened, docs: Path) -> None:
    with opened(PAGE) as page:
        links = page.evaluate(
            "Object.values(HERBTC_EVIDENCE.tables).flatMap(({rows}) => rows.flatMap(row =>"
            " Object.entries(row).filter(([key]) => key.endsWith('_link')).map(([, link]) => link)))"
        )
        known = set(page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)"))
        page.goto(f"{docs.as_uri()}/reports.html")
        reports = set(page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)"))
    assert len(links) > 3000
    for link in set(links):
        if link.startswith("reports.html#"):
            assert link.removeprefix("reports.html#") in reports
        elif link.startswith("#"):
            assert link[1:] in known
        else:
            assert re.fullmatch(r"https?://\S+", link)


def test_a_forest_plot_and_its_rows_lead_to_each_other(opened: Opened) -> None:
    asked: dict[str, Any] = {"her2_directed": True, "her2": "her2-positive", "line": "second-or-later"}
    drawn = query.proportions(endpoint="orr", **asked).dropna(subset=["events", "n"])
    with opened(PAGE) as page:
        figure = page.locator("#forest-orr")
        assert figure.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
        figure.get_by_role("link", name="Its rows").click()
        page.wait_for_function("document.querySelector('[name=drawn]').value === 'forest-orr'")
        assert sorted(cells(page, "Source")) == sorted(drawn["source"])
        assert [int(each) for each in cells(page, "n")] == drawn["n"].tolist()
        before = page.url
        rows(page).first.get_by_role("link", name="Objective response").click()
        assert page.evaluate("document.activeElement.id") == "forest-orr"
        assert page.url == before


def test_the_rows_that_are_found_can_be_downloaded_and_run_nothing(opened: Opened) -> None:
    with opened(PAGE + "#endpoint=orr") as page:
        page.evaluate(
            "Object.assign(HERBTC_EVIDENCE.tables.figures.rows.find(row => row.facets.endpoint.includes('orr')),"
            ' {study: \'=HYPERLINK("https://x.org","a")\', place: "@SUM(1)\\n+1", group: "-1+1", year: -3})'
        )
        page.get_by_role("searchbox", name="Search", exact=True).fill("%")
        found = told(page)[0]
        assert found > 100  # more than are shown
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Download rows as CSV").click()
        name, content = waiting.value.suggested_filename, waiting.value.path().read_text("utf-8-sig")
    assert name == f"herbtc-{herbtc.load().release}-figures.csv"
    lines = [*csv.DictReader(io.StringIO(content))]
    assert len(lines) == found
    assert {"study", "result", "source", "source_link", "place"} <= lines[0].keys()
    changed = next(line for line in lines if "HYPERLINK" in line["study"])
    assert changed["study"] == '\'=HYPERLINK("https://x.org","a")'
    assert changed["place"] == "'@SUM(1)\n+1"
    assert changed["group"] == "'-1+1"
    assert changed["year"] == "-3"
    for line in lines:
        for value in line.values():
            assert not re.match(r"[=+@\t\r]|-(?!\d+(\.\d+)?$)", value)


def test_text_that_poses_as_markup_stays_text(opened: Opened) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    with opened(PAGE) as page:
        page.evaluate(
            "text => Object.assign(HERBTC_EVIDENCE.tables.figures.rows[0], {study: text, place: text})", hostile
        )
        page.get_by_role("searchbox", name="Search", exact=True).fill("a")
        page.get_by_role("searchbox", name="Search", exact=True).fill("")
        assert cells(page, "Study")[0] == hostile
        assert page.locator(".explorer-table :is(img, script)").count() == 0
        assert page.title() != "run"


def test_it_can_be_used_by_keyboard_alone(opened: Opened) -> None:
    with opened(PAGE) as page:
        page.get_by_role("searchbox", name="Search", exact=True).focus()
        page.keyboard.type("zanidatamab herizon")
        seen = []
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "document.activeElement.dataset.sort || document.activeElement.name || document.activeElement.className"
            )
            seen.append(focused)
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", focused
            if focused == "n":
                break
        names = ["mechanism", "line", "her2", "site", "design", "endpoint", "drawn", "newest", "reset", "download"]
        assert seen[: len(names)] == names
        page.keyboard.press("Enter")
        heading = page.locator("th", has=page.get_by_role("button", name="n", exact=True))
        assert heading.get_attribute("aria-sort") == "ascending"
        # The heading keeps the focus, so that a second press turns the order round.
        page.keyboard.press("Space")
        assert heading.get_attribute("aria-sort") == "descending"


def test_more_rows_are_shown_on_demand_and_the_focus_goes_on_there(opened: Opened) -> None:
    with opened(PAGE) as page:
        assert rows(page).count() == 100
        page.get_by_role("button", name="Show more rows").click()
        assert rows(page).count() == 200
        assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 101
        page.get_by_role("searchbox", name="Search", exact=True).fill("herizon-btc-01 orr")
        assert page.get_by_role("button", name="Show more rows").is_hidden()


def test_it_is_a_real_table_with_labels_and_a_live_region(opened: Opened) -> None:
    with opened(PAGE) as page:
        table = page.get_by_role("table", name=re.compile("Figures as printed"))
        assert table.get_by_role("columnheader").count() == len(page.locator(".explorer-table thead button").all())
        assert table.get_by_role("rowheader").count() == 100
        assert page.get_by_role("status").first.get_attribute("aria-live") == "polite"
        for control in page.locator("#explorer :is(input, select)").all():
            assert control.evaluate("control => control.labels.length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1300])
def test_it_fits_the_window_and_can_be_read(opened: Opened, width: int, scheme: str) -> None:
    with opened(PAGE, width=width, scheme=scheme) as page:
        page.wait_for_selector(".explorer-table tbody tr")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for control in page.locator("#explorer :is(input, select, .explorer-actions button)").all():
            box = control.bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        for what in (
            ".explorer-table tbody td",
            ".explorer-table thead button",
            ".explorer-status",
            ".explorer-table a",
        ):
            assert contrast(page, what) >= 4.5, what


CONTRAST = """element => {
  // Painting resolves whatever notation a colour is written in.
  const painted = colour => {
    const context = document.createElement("canvas").getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const behind = element => {
    const colour = painted(getComputedStyle(element).backgroundColor);
    return colour[3] ? colour : element.parentElement ? behind(element.parentElement) : [255, 255, 255, 255];
  };
  return [painted(getComputedStyle(element).color), behind(element)];
}"""


def contrast(page: Page, what: str) -> float:
    """Return the contrast of text by WCAG 2.2."""
    lightness = sorted(map(luminance, page.locator(what).first.evaluate(CONTRAST)))
    return (lightness[1] + 0.05) / (lightness[0] + 0.05)


def luminance(colour: list[int]) -> float:
    parts = [part / 255 for part in colour[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
