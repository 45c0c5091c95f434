"""Every figure, from one study to forty, in axes of its own and in given ones: nothing overlaps or is clipped."""

from __future__ import annotations

import inspect
import itertools
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figures import assert_tidy, boxes, figure_of, texts, whole
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from herbtc import SynthesisError, measures, plots, synthesis
from herbtc.plots import _ink
from herbtc.plots._letters import Letters

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")

MECHANISMS = ("antibody-drug-conjugate", "monoclonal-antibody", "monoclonal-antibody + tyrosine-kinase-inhibitor")
LINES = ("first", "second", "second-or-later", "first-or-later", None)
GROUPS = ("her2-positive", "her2-low", "ihc-3+", "erbb2-mutated")
POPULATIONS = ("all", "gallbladder", "intrahepatic", "ihc-3+ & extrahepatic")
LONG = "a-randomised-study-with-a-name-that-goes-on-and-on-for-a-while, Universitätsklinikum $x_1$ <&>"


def rates(k: int, *, name: str = "study") -> pd.DataFrame:
    random = np.random.default_rng(k)
    n = random.integers(3, 300, k)
    place = np.arange(k)
    return pd.DataFrame(
        {
            "trial": [f"{name}-{i}" for i in place],
            "arm": "arm",
            "population": [POPULATIONS[i % 4] for i in place],
            "mechanism": [MECHANISMS[i % 3] for i in place],
            "line": [LINES[i % 5] for i in place],
            "her2": [GROUPS[i % 4] for i in place],
            "events": random.binomial(n, 0.35),
            "n": n,
            "year": 2010 + place % 15,
        }
    )


def effects(k: int, **more: Any) -> pd.DataFrame:
    return measures.effects(rates(k, **more), "logit")


def months(k: int, *, name: str = "study") -> pd.DataFrame:
    random = np.random.default_rng(k)
    median = np.exp(random.normal(2, 0.5, 2 * k)).round(1)
    width = random.uniform(1.2, 2.2, 2 * k)
    unreached = np.arange(2 * k) % 7 == 3
    return pd.DataFrame(
        {
            "trial": [f"{name}-{i // 2}" for i in range(2 * k)],
            "arm": "arm",
            "population": "all",
            "line": [LINES[(i // 2) % 5] for i in range(2 * k)],
            "endpoint": ["pfs", "os"] * k,
            "median_months": np.where(unreached, np.nan, median),
            "low_months": median / width,
            "high_months": np.where(unreached, np.nan, median * width),
            "level": 95.0,
            "not_reached": unreached,
            "high_status": pd.array(["not-reached" if each else None for each in unreached], dtype="string"),
            "n": random.integers(5, 200, 2 * k),
        }
    )


def events(k: int, *, name: str = "study") -> pd.DataFrame:
    random = np.random.default_rng(k)
    terms = ("any", "diarrhoea", "alanine-aminotransferase-increased", "interstitial-lung-disease", "anaemia")
    rows = [
        {"trial": f"{name}-{i % 8}", "arm": f"arm-{i // 8}", "population": "all", "term": term, "grade": "3+", "n": 40}
        for i in range(k)
        for term in terms[: 1 + i % 5]
    ]
    return pd.DataFrame(rows).assign(
        events=random.integers(0, 40, len(rows)),
        percent=np.nan,
        attribution="treatment-related",
        consequence=None,
        related_to=None,
    )


def best(k: int, *, name: str = "study") -> pd.DataFrame:
    random = np.random.default_rng(k)
    rows = []
    for i in range(k):
        n = int(random.integers(5, 200))
        counts = random.multinomial(n, [0.05, 0.3, 0.3, 0.25, 0.1])
        rows += [
            {"trial": f"{name}-{i}", "arm": "arm", "population": "all", "endpoint": each, "events": count, "n": n}
            for each, count in zip(("cr", "pr", "sd", "pd", "ne"), counts.tolist(), strict=True)
        ][: 5 - i % 4]
    return pd.DataFrame(rows)


def frequencies(k: int, *, name: str = "cohort") -> pd.DataFrame:
    random = np.random.default_rng(k)
    n = random.integers(20, 400, k)
    found = random.binomial(n, 0.15)
    return pd.DataFrame(
        {
            "cohort": [f"{name}-{i}" for i in range(k)],
            "site": [("all", "gallbladder", "intrahepatic", "intrahepatic; distal")[i % 4] for i in range(k)],
            "her2": [GROUPS[i % 4] for i in range(k)],
            "method": [("ihc", "tissue-sequencing", "ihc-and-ish")[i % 3] for i in range(k)],
            "events": pd.array([None if i % 4 == 1 else int(x) for i, x in enumerate(found)], dtype="Int64"),
            "n": n,
            "percent": 100 * found / n,
            "low": np.nan,
            "high": np.nan,
            "level": np.nan,
            "pooled": [i % 9 == 8 for i in range(k)],
        }
    )


def dated(k: int, *, name: str = "study") -> dict[str, pd.DataFrame]:
    keys = [f"{name}-{i}" for i in range(k)]
    place = np.arange(k)
    return {
        "studies": pd.DataFrame(
            {
                "trial": keys,
                "start": [f"{2005 + i % 15}-0{1 + i % 9}" if i % 4 else None for i in place],
                "primary_completion": [f"{2012 + i % 15}-06-30" if i % 3 else None for i in place],
            }
        ),
        "reports": pd.DataFrame(
            {
                "trial": keys * 2,
                "year": 2012 + np.tile(place, 2) % 12,
                "published": pd.to_datetime(["2020-01-31"] * 2 * k),
            }
        ),
        "approvals": pd.DataFrame(
            {
                "agents": keys,
                "agency": "fda",
                "act": "accelerated-approval",
                "decided": pd.to_datetime(["2024-11-20"] * k),
                "authorises": place % 2 == 0,
            }
        ),
        "guidelines": pd.DataFrame({"body": ["nccn"], "year": [2024], "published": [pd.NaT]}),
    }


def draw_timeline(k: int, ax: Axes | None, name: str) -> Axes:
    frames = dated(k, name=name)
    studies = frames.pop("studies")
    return plots.timeline(studies, ax=ax, title="Title", **frames)  # type: ignore[arg-type]


def forest_of_models(k: int, ax: Axes | None, name: str) -> Axes:
    frame = effects(k, name=name)
    if k == 1:
        return plots.forest(frame, ax=ax, columns=["line", "year"], title="Title")
    other = synthesis.pool(frame, method="EE", test="wald", mix=True)
    main = synthesis.pool(frame, mix=True)
    return plots.forest(main, models=[other], weights="each", columns=["line", "year"], ax=ax, title="Title")


def forest_of_subgroups(layout: str) -> Callable[[int, Axes | None, str], Axes]:
    def draw(k: int, ax: Axes | None, name: str) -> Axes:
        frame = effects(max(k, 3), name=name)
        result = synthesis.subgroups(frame, by="mechanism", mix=True)
        return plots.forest(result, rows=frame, layout=layout, ax=ax, title="Title", provenance="Data: somewhere")

    return draw


def forest_of_months(k: int, ax: Axes | None, name: str) -> Axes:
    frame = measures.effects(months(max(k, 2), name=name).iloc[1::2][:k], "log-median")
    main = synthesis.pool(frame, mix=True) if frame["yi"].notna().sum() > 1 else frame
    return plots.forest(main, rows=frame, sort="estimate", ax=ax)


FIGURES: dict[str, Callable[[int, Axes | None, str], Axes]] = {
    "forest of models": forest_of_models,
    "forest of subgroups": forest_of_subgroups("default"),
    "forest, jama": forest_of_subgroups("jama"),
    "forest, revman": forest_of_subgroups("revman"),
    "forest of months": forest_of_months,
    "cumulative": lambda k, ax, name: plots.cumulative(
        synthesis.cumulative(effects(max(k, 2), name=name), by="year", mix=True), ax=ax
    ),
    "leave_one_out": lambda k, ax, name: plots.leave_one_out(
        synthesis.leave_one_out(effects(max(k, 2), name=name), mix=True), ax=ax
    ),
    "influence": lambda k, ax, name: plots.influence(
        synthesis.influence(effects(max(k, 3), name=name), mix=True), ax=ax, title="Title"
    ),
    "funnel against n": lambda k, ax, name: plots.funnel(
        synthesis.pool(effects(max(k, 2), name=name), mix=True), against="n", ax=ax
    ),
    "funnel": lambda k, ax, name: plots.funnel(
        synthesis.trim_and_fill(effects(max(k, 3), name=name), mix=True), contours=0.2, ax=ax, title="Title"
    ),
    "sensitivity": lambda k, ax, name: plots.sensitivity(
        synthesis.sensitivity(rates(5, name=name), mix=True).head(k), ax=ax
    ),
    "prior": lambda k, ax, name: plots.prior(
        synthesis.pool_bayes(effects(max(k, 2), name=name), mix=True), ax=ax, title="Title"
    ),
    "prior, mixture": lambda _k, ax, _: plots.prior(synthesis.BetaMixture([0.3, 0.7], [2, 11], [9, 32]), ax=ax),
    "evidence_map": lambda k, ax, name: plots.evidence_map(rates(k, name=name), ax=ax, title="Title"),
    "timeline": draw_timeline,
    "responses": lambda k, ax, name: plots.responses(best(k, name=name), ax=ax, title="Title"),
    "survival": lambda k, ax, name: plots.survival(
        months(k, name=name), benchmarks=months(min(k, 5), name="benchmark"), ax=ax, title="Title"
    ),
    "prevalence": lambda k, ax, name: plots.prevalence(frequencies(k, name=name), ax=ax, title="Title"),
    "safety": lambda k, ax, name: plots.safety(events(k, name=name), ax=ax, title="Title"),
}
every = pytest.mark.parametrize("name", FIGURES)


@every
@pytest.mark.parametrize("k", [1, 5, 40])
def test_nothing_overlaps_or_is_clipped(name: str, k: int) -> None:
    assert_tidy(FIGURES[name](k, None, "study"))


@every
@pytest.mark.parametrize("size", [(16.0, 12.0), (40.0, 30.0)])
def test_given_axes_are_filled_and_not_left(name: str, size: tuple[float, float]) -> None:
    ax = Figure(figsize=size).add_subplot()
    before = ax.get_position(original=True)
    assert FIGURES[name](5, ax, "study") is ax
    assert_tidy(ax)
    after = ax.get_position()
    assert before.x0 <= after.x0 < after.x1 <= before.x1
    assert before.y0 <= after.y0 < after.y1 <= before.y1


@every
def test_axes_that_are_too_small_are_refused(name: str) -> None:
    with pytest.raises(SynthesisError, match=r"too small for .*: expected more than [\d.]+ by [\d.]+ inches"):
        FIGURES[name](5, Figure(figsize=(1.2, 0.8)).add_subplot(), "study")


@every
def test_long_and_strange_names_are_broken_and_cut_and_kept_whole(name: str) -> None:
    ax = FIGURES[name](3, None, LONG)
    assert_tidy(ax)
    width, _ = figure_of(ax).get_size_inches()
    assert width < 26
    if name.startswith(("forest", "influence", "responses", "survival", "prevalence")):
        assert any(LONG in told for told in whole(ax))


@every
def test_other_font_sizes_are_as_tidy(name: str) -> None:
    # A figure of its own at another resolution has letters that come out a little differently.
    ax = Figure(figsize=(30, 24), dpi=73).add_subplot()
    assert_tidy(FIGURES[name](5, ax, "study"))


@every
@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_figures_are_written_as_vectors_and_touch_nothing_global(name: str, suffix: str, tmp_path: Any) -> None:
    before = dict(mpl.rcParams)
    ax = FIGURES[name](4, None, "study")
    figure_of(ax).savefig(tmp_path / f"figure.{suffix}")
    written = (tmp_path / f"figure.{suffix}").read_bytes()
    assert len(written) > 1000
    assert b"<image" not in written
    assert dict(mpl.rcParams) == before


@every
def test_artists_have_names_to_style_them_by(name: str) -> None:
    ax = FIGURES[name](5, None, "study")
    assert all(text.get_gid() for text in ax.texts)
    drawn = [*ax.lines, *ax.collections, *ax.patches]
    assert [artist for artist in drawn if not artist.get_gid() and artist is not ax.patch] == []


@pytest.mark.parametrize("name", plots.__all__)
def test_every_figure_stands_in_the_gallery_with_its_code(name: str) -> None:
    page = (Path(__file__).parents[1] / "docs" / "figures.md").read_text("utf-8")
    code = rf"^>>> ax = plots\.{name}\([^`]*^```\n\n```{{figure}} _generated/figures/\S+\.png"
    assert re.search(code, page, re.MULTILINE)


@pytest.mark.parametrize("name", plots.__all__)
def test_every_figure_takes_axes_and_a_provenance_and_has_an_example(name: str) -> None:
    function = getattr(plots, name)
    parameters = inspect.signature(function).parameters
    assert {"ax", "provenance", "title", "fontsize"} <= parameters.keys()
    assert all(each.kind is each.KEYWORD_ONLY for each in [*parameters.values()][1:])
    assert ">>> " in (inspect.getdoc(function) or "")
    assert any(figure.split(",")[0].split(" ")[0] == name for figure in FIGURES)


@pytest.mark.parametrize(
    ("place", "fault"),
    [((0.1, 0.5), "overlaps"), ((-0.5, 3.0), "leaves the canvas"), ((0.6, 0.2), "stands in the plot")],
)
def test_the_judge_of_figures_sees_what_is_wrong(place: tuple[float, float], fault: str) -> None:
    ax = plots.forest(synthesis.pool(effects(5), mix=True))
    left = ax.transAxes.inverted().transform(boxes(ax)[0][1].get_points())[0, 0]
    x = left if fault == "overlaps" else place[0]
    ax.text(
        x, place[1], "one text too many\nin two lines\nin three", transform=ax.transAxes, va="center", clip_on=False
    )
    with pytest.raises(AssertionError, match=fault):
        assert_tidy(ax)


def test_where_figures_come_from_is_told_on_request() -> None:
    result = synthesis.pool(effects(5), mix=True)
    assert not any("Data:" in text for text in texts(plots.forest(result)))
    assert "Data: somewhere" in texts(plots.forest(result, provenance="Data: somewhere"))
    with pytest.raises(SynthesisError, match="name no data release"):
        plots.forest(result, provenance=True)


def lightness(colour: str) -> float:
    """Lightness of CIE Lab, 0 to 100."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    y = float(linear @ [0.2126, 0.7152, 0.0722])
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


def test_shades_get_lighter_all_the_way_so_that_their_order_holds_in_print() -> None:
    steps = [lightness(_ink.shade(share)) for share in np.linspace(0, 1, 21)]
    assert all(b > a for a, b in itertools.pairwise(steps))


def test_colours_of_different_meaning_differ_in_lightness_alone() -> None:
    """Whatever hues an eye tells apart, or a printer prints."""
    steps = sorted(lightness(colour) for colour in (_ink.INK, _ink.BLUE, _ink.ORANGE, _ink.SKY, _ink.PAPER))
    assert min(np.diff(steps)) > 12


@pytest.mark.parametrize("share", np.linspace(0, 1, 11))
def test_letters_on_a_shade_have_the_contrast_that_wcag_asks_for_large_text(share: float) -> None:
    def luminance(colour: str) -> float:
        return ((lightness(colour) + 16) / 116) ** 3 if lightness(colour) > 8 else lightness(colour) / 903.3

    on = luminance(_ink.shade(share))
    ink = luminance(_ink.ink_on(_ink.shade(share)))
    assert (max(on, ink) + 0.05) / (min(on, ink) + 0.05) >= 3


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z", "M"]) | st.just(" "), max_size=80)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, most=st.floats(30, 300), lines=st.none() | st.integers(1, 4), bold=st.booleans())
def test_broken_texts_fit_and_lose_nothing_but_what_is_cut(
    text: str,
    most: float,
    lines: int | None,
    bold: bool,  # noqa: FBT001
) -> None:
    letters = Letters(9.0, 100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that the font does not have
        found = letters.wrap(text, most, lines=lines, bold=bold)
        assert all(letters.width(line, bold=bold) <= most for line in found)
    assert lines is None or len(found) <= lines
    joined = "".join("".join(found).split())
    if joined.endswith("…") and not "".join(text.split()).endswith("…"):
        assert "".join(text.split()).startswith(joined.removesuffix("…"))
    else:
        assert joined == "".join(text.split())


def test_a_sign_stays_with_its_numbers() -> None:
    letters = Letters(9.0, 100.0)
    told = "Test for differences between subgroups: χ²(2) = 12.26, p < 0.001, I² = 45 %"
    widest = letters.width("χ²(2) = 12.26,")
    for most in np.linspace(widest, 6 * widest, 50):
        for line in letters.wrap(told, float(most)):
            assert not line.startswith(("=", "<", "%"))
            assert not line.endswith(("=", "<"))


def test_axes_of_no_figure_are_refused() -> None:
    ax = Figure().add_subplot()
    ax.remove()
    with pytest.raises(SynthesisError, match="axes that belong to a figure"):
        plots.forest(synthesis.pool(effects(5), mix=True), ax=ax)


def test_a_text_that_was_cut_ends_in_a_mark_and_has_the_whole_as_its_label() -> None:
    name = "one-word-after-another-" * 12
    ax = plots.forest(measures.effects(pd.DataFrame({"trial": [name], "events": [3], "n": [9]})))
    (cell,) = (text for text in ax.texts if text.get_gid() == "study:0")
    assert cell.get_text().count("\n") == 2
    assert cell.get_text().endswith("…")
    assert cell.get_label() == name
    assert boxes(ax)


NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_categories=["C"]), max_size=120)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), k=st.integers(1, 12), size=st.sampled_from([6.0, 9.0, 13.0]))
def test_whatever_studies_are_called_and_found_their_figures_can_be_read(
    data: st.DataObject, k: int, size: float
) -> None:
    n = data.draw(st.lists(st.integers(1, 10**6), min_size=k, max_size=k))
    found = [data.draw(st.integers(0, each)) for each in n]
    names = data.draw(st.lists(NAMES, min_size=k, max_size=k))
    frame = measures.effects(pd.DataFrame({"trial": names, "events": found, "n": n, "about": names[::-1]}))
    how: dict[str, Any] = {"columns": {"about": data.draw(NAMES)}, "title": data.draw(NAMES), "fontsize": size}
    assert_tidy(
        plots.forest(frame, labels=names, layout=data.draw(st.sampled_from(["default", "jama", "revman"])), **how)
    )
