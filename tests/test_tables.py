"""Tables for publication: what they say, that all text is escaped, and that nothing is said that nobody found."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herbtc import SynthesisError, UnknownKeyError, measures, query, synthesis, tables
from herbtc.tables._appraisal import LIGHTS
from herbtc.terms import AppraisalTool

if TYPE_CHECKING:
    from pathlib import Path

    from great_tables import GT

    from herbtc.synthesis import Pooled

pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")

HOSTILE = "<script>alert('1')</script> \"A\" & B_1 100% $x$ #2 ~ ^ {y} {{z^2}} \\input{/etc/passwd}"
ASKED: dict[str, Any] = {"her2_directed": True, "her2": "her2-positive", "line": "second-or-later"}


class Cells(HTMLParser):
    """The rows of a table as lists of texts, its notes, its links, and every tag that was met."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.notes: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        classes = dict(attrs).get("class") or ""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._into = self.notes if "gt_sourcenote" in classes else self.rows[-1]
            self._into.append("")
        elif tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


def read(table: GT) -> Cells:
    cells = Cells()
    cells.feed(table.as_raw_html())
    cells.rows = [row for row in cells.rows if row]
    return cells


def records(table: GT) -> list[dict[str, str]]:
    rows = read(table).rows
    header = next(place for place, row in enumerate(rows) if len(row) > 1)
    return [dict(zip(rows[header], row, strict=True)) for row in rows[header + 1 :] if len(row) > 1]


def unlatexed(text: str) -> str:
    """Return what LaTeX would set, for the characters that are special to it."""
    macros = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<", "textgreater": ">"}
    return re.sub(r"\\(?:([&%$#_{}])|(text[a-z]+)\{\})", lambda found: found.group(1) or macros[found.group(2)], text)


def pooled(endpoint: str = "orr") -> Pooled:
    if endpoint == "orr":
        frame = query.proportions(endpoint="orr", **ASKED).dropna(subset=["events", "n"])
        return synthesis.pool(measures.effects(frame, "logit"))
    frame = query.durations(endpoint=endpoint, **ASKED).dropna(subset=["low_months", "high_months"])
    return synthesis.pool(measures.effects(frame, "log-median"))


# --- evidence ---------------------------------------------------------------------------------------------------------


def rates(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"trial": ["a", "b"], "endpoint": "orr", "events": [2, 3], "n": [10, 20], **columns})


def test_every_figure_of_the_frames_is_in_the_evidence_table() -> None:
    proportions = query.proportions(endpoint="orr", **ASKED)
    durations = query.durations(endpoint=["pfs", "os"], **ASKED)
    rows = records(tables.evidence(proportions, durations=durations))
    of = {row["Study"].split(",")[0]: row for row in rows}
    for row in proportions.dropna(subset=["events", "n"]).to_dict("records"):
        star = "*" if row["events_derived"] else ""
        assert of[row["trial"]]["ORR, events/n (%)"].startswith(f"{row['events']}{star}/{row['n']} ("), row["trial"]
    for row in proportions.dropna(subset=["low"]).to_dict("records"):
        ends = f"{row['low']:g}–{row['high']:g} ({row['level']:g} %)"
        assert of[row["trial"]]["ORR, interval"] == ends
    for row in durations.dropna(subset=["median_months"]).to_dict("records"):
        cell = of[row["trial"]][f"{str(row['endpoint']).upper()}, months (interval)"]
        assert cell.startswith(f"{row['median_months']:.3g}")
    assert {row["trial"] for row in durations.to_dict("records")} <= of.keys()


def test_an_interval_shows_its_level() -> None:
    rows = records(
        tables.evidence(query.proportions(endpoint="orr", trial=["herb", "mypathway"], her2="her2-positive"))
    )
    assert [row["ORR, interval"] for row in rows] == ["19.6–56.1 (90 %)", "11–39 (95 %)"]


def test_every_source_is_a_note_with_its_place_and_every_number_has_a_note() -> None:
    proportions = query.proportions(endpoint="orr", her2_directed=True)
    durations = query.durations(endpoint=["pfs", "os"], her2_directed=True)
    cells = read(tables.evidence(proportions, durations=durations, sources=query.sources(), by="mechanism"))
    numbered = [text for text in cells.notes if text.startswith("[")]
    cited = [int(number) for row in cells.rows for number in re.findall(r"\[(\d+)\]", row[-1])]
    assert [*dict.fromkeys(cited)] == [*range(1, len(numbered) + 1)]  # in the order of the rows
    for frame in (proportions, durations):
        for row in frame.to_dict("records"):
            place = f"{str(row['endpoint']).upper()}: {row['locator']}"
            assert any(f"] {row['trial']}: " in text and place in text for text in numbered), (row["trial"], place)
    sources = query.sources().set_index(["trial", "source"])
    for row in proportions.to_dict("records"):
        source = sources.loc[(row["trial"], row["source"])]
        assert any(source["title"].rstrip(".") in text for text in numbered)
        assert source["link"] in cells.links


def test_the_data_release_is_named_and_a_frame_of_ones_own_names_none() -> None:
    named = read(tables.evidence(query.proportions(endpoint="orr", trial="herb"))).notes
    assert named[-1].startswith("Data release: herbtc 20")
    assert not [text for text in read(tables.evidence(rates())).notes if "release" in text]


def test_what_is_not_there_is_a_dash_and_what_was_not_reached_says_so() -> None:
    times = pd.DataFrame(
        {
            "trial": ["a", "c", "d"],
            "endpoint": "os",
            "median_months": [np.nan, np.nan, 9.5],
            "low_months": [4.0, np.nan, 7.25],
            "high_months": [np.nan, np.nan, 12.0],
            "level": [95.0, np.nan, 90.0],
            "not_reached": pd.array([True, False, False], dtype="boolean"),
            "high_status": ["not-reached", None, None],
        }
    )
    rows = {row["Study"]: row for row in records(tables.evidence(rates(events=[2, None]), durations=times))}
    assert {name: row["OS, months (interval)"] for name, row in rows.items()} == {
        "a": "not reached (4–not reached; 95 %)",
        "b": "–",
        "c": "not estimable",
        "d": "9.5 (7.25–12; 90 %)",
    }
    assert {name: row["ORR, events/n (%)"] for name, row in rows.items()} == {
        "a": "2/10 (20 %)", "b": "–", "c": "–", "d": "–",
    }  # fmt: skip
    assert rows["c"]["n"] == rows["c"]["Sources"] == "–"


def test_a_suspect_figure_is_marked_and_the_reason_is_a_note() -> None:
    table = tables.evidence(rates(suspect=[None, "percent contradicts events"]))
    assert [row["ORR, events/n (%)"] for row in records(table)] == ["2/10 (20 %)", "3/20 (15 %) (suspect)"]
    assert "Suspect: b, ORR: percent contradicts events." in read(table).notes


def test_arms_and_populations_are_named_where_they_tell_rows_apart() -> None:
    frame = rates(arm=["x", "x"], population=["all", "ihc-3+"])
    assert [row["Study"] for row in records(tables.evidence(frame))] == ["a", "b, ihc-3+"]
    frame = rates(arm=["x", "y"], population="all").assign(trial="a")
    assert [row["Study"] for row in records(tables.evidence(frame))] == ["a, x", "a, y"]


def test_headings_gather_the_rows_of_a_column() -> None:
    frame = pd.concat([rates(line="first"), rates(line=[None, "second-or-later"]).assign(trial=["c", "d"])])
    frame = frame.iloc[[0, 3, 1, 2]]
    rows = read(tables.evidence(frame, by="line")).rows
    first = [row[0] for row in rows]
    assert first[-7:] == ["first", "a", "b", "second or later", "d", "Not known", "c"]


@pytest.mark.parametrize("missing", ["trial", "endpoint"])
def test_a_missing_column_is_named(missing: str) -> None:
    with pytest.raises(SynthesisError, match=rf"query.proportions\(\); missing: {missing}$"):
        tables.evidence(rates().drop(columns=missing))
    with pytest.raises(SynthesisError, match=rf"query.durations\(\); missing: {missing}$"):
        tables.evidence(rates(), durations=rates().drop(columns=missing))


def test_two_reports_of_one_group_are_refused() -> None:
    with pytest.raises(SynthesisError, match=r"several: herb/her2-positive \(row 0\)"):
        tables.evidence(query.proportions(endpoint="orr", trial="herb", reports="all"))
    with pytest.raises(UnknownKeyError, match="unknown column 'mechansim'"):
        tables.evidence(query.proportions(endpoint="orr", trial="herb"), by="mechansim")


def test_an_empty_frame_is_an_empty_table() -> None:
    table = tables.evidence(query.proportions(endpoint="orr").iloc[:0])
    assert records(table) == []


# --- appraisal --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", AppraisalTool)
def test_every_answer_is_a_light_with_its_word_and_the_legend_names_every_item(tool: AppraisalTool) -> None:
    frame = query.appraisal(tool=tool)
    table = tables.appraisal(frame)
    html = table.as_raw_html()
    legend = read(table).notes
    for item in tool.items:
        assert re.search(rf"D\d+: {item.replace('-', ' ')}[;.]", legend[0])
    for answer in tool.answers:
        assert f"{LIGHTS[answer][0]} {answer.replace('-', ' ')}" in legend[1]
        shown = html.count(f'role="img" aria-label="{answer.replace("-", " ")}"') - 1  # the one in the legend
        assert shown == (frame["answer"] == answer).sum()
    assert html.count("</span>*</td>") == frame["second"].notna().sum()


@pytest.mark.parametrize("tool", AppraisalTool)
def test_lights_of_one_tool_differ_by_their_sign_and_by_their_lightness(tool: AppraisalTool) -> None:
    lights = {answer: LIGHTS[answer] for answer in tool.answers}
    assert len({sign for sign, _ in lights.values()}) == len(lights)
    colours = {colour for _, (colour, _) in lights.values()}
    for one, other in combinations(colours, 2):
        assert contrast(one, other) > 1.2, (one, other)


@pytest.mark.parametrize("answer", LIGHTS)
def test_a_sign_can_be_read_on_its_light(answer: str) -> None:
    _, (colour, ink) = LIGHTS[answer]
    assert contrast(colour, ink) >= 4.5  # level AA of WCAG 2.2


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it; it knows no hue."""
    lightness = sorted(map(luminance, (one, other)))
    return (lightness[1] + 0.05) / (lightness[0] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_several_tools_in_one_table_are_refused() -> None:
    with pytest.raises(SynthesisError, match="expected one tool, got rob-2, jbi-case-series"):
        tables.appraisal(query.appraisal())
    with pytest.raises(SynthesisError, match="expected one tool, got no row"):
        tables.appraisal(query.appraisal().iloc[:0])


def test_an_item_that_is_missing_or_there_twice_is_refused_and_so_is_an_unknown_answer() -> None:
    frame = query.appraisal(tool="rob-2")
    with pytest.raises(SynthesisError, match=r"missing: abc-02 \(OS\), randomisation-process"):
        tables.appraisal(frame.iloc[1:])
    with pytest.raises(SynthesisError, match=r"several: abc-02 \(OS\), randomisation-process"):
        tables.appraisal(pd.concat([frame.iloc[:1], frame]))
    with pytest.raises(UnknownKeyError, match="unknown answer 'lowish'"):
        tables.appraisal(frame.assign(answer="lowish"))
    with pytest.raises(UnknownKeyError, match="unknown tool 'rob-3'"):
        tables.appraisal(frame.assign(tool="rob-3"))


# --- summary of findings ----------------------------------------------------------------------------------------------


def test_findings_are_those_of_the_results() -> None:
    response, survival = pooled(), pooled("os")
    rows = records(tables.summary_of_findings({"Response": response, "Survival": survival}, per=1000))
    assert rows[0]["Patients"] == str(response.n)
    assert rows[0]["Studies"] == str(response.k)
    expected = (
        f"{1000 * response.estimate:.0f} per 1000 ({1000 * response.conf_low:.0f} to {1000 * response.conf_high:.0f})"
    )
    assert rows[0]["Estimate (interval)"] == f"{expected}; 95 % CI"
    assert rows[1]["Estimate (interval)"].startswith(f"{survival.estimate:.1f} months ({survival.conf_low:.1f} to ")


def test_one_result_goes_by_its_endpoint() -> None:
    table = tables.summary_of_findings(pooled())
    assert records(table)[0]["Outcome"] == "Objective response [1]"
    assert records(table)[0]["Estimate (interval)"] == "35.9 % (25.0 to 48.3); 95 % CI"


def test_a_bayesian_result_has_a_credible_interval() -> None:
    posterior = synthesis.pool_bayes(pooled().rows)
    assert records(tables.summary_of_findings({"x": posterior}))[0]["Estimate (interval)"].endswith("95 % CrI")


def test_the_notes_say_how_it_was_pooled_and_what_a_reader_must_know() -> None:
    result = pooled("os")
    notes = read(tables.summary_of_findings({"Survival": result})).notes
    assert result.notes
    for said in (*result.notes, "restricted maximum-likelihood", "prediction interval"):
        assert said in notes[0]
    assert notes[-1] == f"Data release: herbtc {result.release}."


def test_groups_of_one_study_are_one_study() -> None:
    frame = pd.DataFrame({"trial": ["a", "a", "b"], "arm": ["x", "y", "x"], "events": [2, 5, 4], "n": [10, 20, 15]})
    result = synthesis.pool(measures.effects(frame, "logit"))
    assert records(tables.summary_of_findings({"x": result}))[0]["Studies"] == "2 (3 groups)"


def test_certainty_is_blank_unless_somebody_judged_it() -> None:
    response, survival = pooled(), pooled("os")
    judged = tables.Certainty(rating="very-low", reasons={"risk-of-bias": "no comparison"})
    blank = "Certainty is blank where no judgement was given; none is made here."
    alone = tables.summary_of_findings(response)
    assert records(alone)[0]["Certainty (GRADE)"] == ""
    assert blank in read(alone).notes
    both = tables.summary_of_findings({"A": response, "B": survival}, certainty={"A": judged})
    assert [row["Certainty (GRADE)"] for row in records(both)] == ["Very low [2]", ""]
    assert "[2] A, certainty: risk of bias, no comparison." in read(both).notes
    assert blank in read(both).notes
    assert blank not in read(tables.summary_of_findings(response, certainty=judged)).notes


def test_a_rating_without_a_reason_is_no_judgement() -> None:
    for reasons in ({}, {"imprecision": "  "}):
        with pytest.raises(SynthesisError, match="expected a reason for the rating low"):
            tables.Certainty(rating="low", reasons=reasons)
    with pytest.raises(UnknownKeyError, match="unknown rating 'lowish': did you mean 'low'"):
        tables.Certainty(rating="lowish", reasons={"imprecision": "few events"})
    with pytest.raises(UnknownKeyError, match="unknown domain 'imprecison': did you mean 'imprecision'"):
        tables.Certainty(rating="low", reasons={"imprecison": "few events"})


def test_a_judgement_keeps_its_reasons_whatever_becomes_of_the_mapping() -> None:
    reasons = {"imprecision": "few events"}
    judged = tables.Certainty(rating="low", reasons=reasons)
    reasons.clear()
    assert dict(judged.reasons) == {"imprecision": "few events"}


def test_findings_that_cannot_be_are_refused() -> None:
    judged = tables.Certainty(rating="low", reasons={"imprecision": "few events"})
    with pytest.raises(SynthesisError, match="expected per to be 100 or 1000, got 10"):
        tables.summary_of_findings(pooled(), per=10)
    with pytest.raises(SynthesisError, match="at least one result"):
        tables.summary_of_findings({})
    with pytest.raises(SynthesisError, match="for 'A', got float"):
        tables.summary_of_findings({"A": 0.4})  # type: ignore[dict-item]
    with pytest.raises(SynthesisError, match="certainty by outcome"):
        tables.summary_of_findings({"A": pooled(), "B": pooled()}, certainty=judged)
    with pytest.raises(UnknownKeyError, match="unknown outcome 'B'"):
        tables.summary_of_findings({"A": pooled()}, certainty={"B": judged})


# --- hostile text, LaTeX, plain pandas --------------------------------------------------------------------------------


def hostile(text: str) -> list[GT]:
    columns = dict.fromkeys(("agents", "mechanism", "her2", "line", "source", "locator", "suspect", "arm"), text)
    frame = rates(**columns, doi=text).assign(trial=[text, f"{text} 2"])
    sources = frame[["trial", "source"]].assign(
        title=text, venue=text, year=2024, first_author=text, link="javascript:x"
    )
    appraised = query.appraisal(tool="rob-2")
    appraised["trial"] = text + appraised["trial"]
    judged = tables.Certainty(rating="low", reasons={"imprecision": text})
    heads: dict[str, Any] = {"title": text, "subtitle": text}
    return [
        tables.evidence(frame, sources=sources, by="mechanism", **heads),
        tables.evidence(frame, by="line", **heads),
        tables.appraisal(appraised, **heads),
        tables.summary_of_findings({text: pooled()}, certainty={text: judged}, **heads),
    ]


def test_hostile_text_is_escaped_in_html() -> None:
    for table in hostile(HOSTILE):
        html = table.as_raw_html()
        cells = read(table)
        assert "script" not in cells.tags
        assert cells.tags <= {"div", "style", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "span", "a"}
        assert not [link for link in cells.links if not link.startswith("https://")]
        assert "<script" not in html.lower()
        assert HOSTILE in "\n".join([text for row in cells.rows for text in row])


def test_hostile_text_is_escaped_in_latex() -> None:
    for table in hostile(HOSTILE):
        latex = table.as_latex()
        assert "\\input" not in latex
        assert HOSTILE in unlatexed(latex)
        balanced(latex)


def balanced(latex: str) -> None:
    """Assert that what is left once specials are taken away opens and closes in order."""
    depth = 0
    for sign in re.sub(r"\\[\\{}&%$#_]", "", latex):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    assert re.findall(r"(?<!\\)[$#%]", latex) == []
    begun, ended = (re.findall(rf"\\{word}{{(\w+\*?)}}", latex) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30))
def test_any_text_comes_back_from_html_as_it_went_in(text: str) -> None:
    table = tables.evidence(rates(agents=text), title=text)
    shown = [row["Agents"] for row in records(table)]
    # Outer blanks are no text of a cell.
    assert [each.strip() for each in shown] == [text.strip() or "–"] * 2 or shown == [text, text]
    assert "script" not in read(table).tags
    balanced(table.as_latex())


def test_no_note_begins_with_a_star_which_latex_would_take_for_its_own() -> None:
    for table in (tables.evidence(query.proportions(endpoint="orr")), tables.appraisal(query.appraisal(tool="rob-2"))):
        assert not re.search(r"\\\\\s*\*", table.as_latex())


@pytest.mark.parametrize("kind", ["proportions", "durations", "contrasts", "trials", "sources", "appraisal"])
def test_frames_go_into_latex_and_excel_as_they_are(kind: str, tmp_path: Path) -> None:
    frame: pd.DataFrame = getattr(query, kind)()
    latex = frame.to_latex(escape=True)
    assert latex.count("\\\\") == len(frame) + 1
    frame.to_excel(tmp_path / "frame.xlsx", index=False)
    strings = {str(name): "string" for name in frame if frame[name].dtype == "string"}
    back = pd.read_excel(tmp_path / "frame.xlsx", dtype=strings)
    assert back.columns.tolist() == frame.columns.tolist()
    for name in frame.columns:
        if frame[name].dtype in ("string", "float64"):
            pd.testing.assert_series_equal(back[name], frame[name], check_dtype=False)


def test_a_formula_in_a_text_is_no_formula_of_html() -> None:
    cell = records(tables.evidence(rates(agents='=HYPERLINK("https://x.org")')))[0]["Agents"]
    assert unescape(cell) == '=HYPERLINK("https://x.org")'
