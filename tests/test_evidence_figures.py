"""Figures of the evidence: that they show what the frames say, count nobody twice and hide nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from figures import assert_tidy, texts
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from herbtc import SynthesisError, plots, query
from herbtc.plots._cells import darkness

# --- evidence map -----------------------------------------------------------------------------------------------------


def rates() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trial": ["a", "b", "b", "c", "d"],
            "arm": ["one", "one", "one", "one", "one"],
            "population": ["all", "all", "gallbladder", "intrahepatic", "all"],
            "mechanism": ["antibody", "antibody", "antibody", "antibody", "inhibitor"],
            "line": ["first", "second", "second", "second", None],
            "her2": ["her2-positive"] * 5,
            "events": pd.array([10, 20, 8, 3, None], dtype="Int64"),
            "n": pd.array([40, 50, 20, 30, None], dtype="Int64"),
            "percent": [25.0, 40.0, 40.0, 10.0, 38.0],
        }
    )


def cells(frame: pd.DataFrame, **how: object) -> list[str]:
    ax = plots.evidence_map(frame, **how)  # type: ignore[arg-type]
    assert_tidy(ax)
    return [text.get_text() for text in ax.texts if text.get_gid() == "figures"]


def test_a_cell_counts_no_patient_twice() -> None:
    ax = plots.evidence_map(rates(), across=["line"])
    # b's gallbladder patients are among all of b; c is another study.
    assert {"25 %, k = 1\n10/40", "29 %, k = 2\n23/80"} <= set(texts(ax))
    assert "Rows not counted because others hold their patients already: 1" in texts(ax)


def test_sites_are_read_off_populations_and_empty_ones_are_shown() -> None:
    ax = plots.evidence_map(rates(), across=["site"])
    assert {"40 %, k = 1\n8/20", "10 %, k = 1\n3/30", "33 %, k = 2\n30/90"} <= set(texts(ax))
    heads = [text.get_label() for text in ax.texts if text.get_gid() == "head"]
    assert heads == ["intrahepatic", "extrahepatic", "gallbladder", "all sites", "Primary site"]


def test_empty_cells_are_visible_as_gaps() -> None:
    ax = plots.evidence_map(rates(), across=["line"])
    gaps = [patch for patch in ax.patches if patch.get_gid() == "gap"]
    filled = [patch for patch in ax.patches if patch.get_gid() == "cell"]
    assert (len(filled), len(gaps)) == (3, 3)  # two mechanisms by first, second, not stated


def test_bubbles_have_an_area_in_proportion_to_patients_and_a_colour_by_their_rate() -> None:
    ax = plots.evidence_map(rates(), across=["line"])
    bubbles = [line for line in ax.lines if line.get_gid() == "bubble"]
    areas = [float(line.get_markersize()) ** 2 for line in bubbles[:2]]
    assert areas[0] / areas[1] == pytest.approx(40 / 80)
    assert [line.get_markerfacecolor() for line in bubbles[:2]] == [darkness(10 / 40, 0.6), darkness(23 / 80, 0.6)]


def test_a_rate_without_patients_is_shown_as_printed() -> None:
    assert "38 %, k = 1\nn = –" in cells(rates(), across=["her2"])


def test_studies_that_share_patients_are_counted_once() -> None:
    frame = rates().iloc[:2].assign(line="first")
    frame.attrs["herbtc"] = {"overlapping_trials": [["a", "b"]], "shared_arms": {}}
    assert cells(frame, across=["line"]) == ["40 %, k = 1\n20/50"]
    arms = frame.assign(trial="a", arm=["one", "both"])
    arms.attrs["herbtc"] = {"overlapping_trials": [], "shared_arms": {"a": [["both", "one"]]}}
    assert cells(arms, across=["line"]) == ["40 %, k = 1\n20/50"]
    arms.attrs["herbtc"] = {"overlapping_trials": [], "shared_arms": {}}
    assert cells(arms, across=["line"]) == ["33 %, k = 2\n30/90"]


def test_frames_of_ones_own_need_no_names_and_no_vocabulary() -> None:
    frame = rates().drop(columns=["trial", "arm"]).assign(population="our own cohort", line="first")
    assert cells(frame, across=["line"])[0] == "29 %, k = 4\n41/140"  # nothing says that they share patients
    named = frame.assign(trial="a", arm="one")
    assert cells(named, across=["line"])[0] == "40 %, k = 1\n20/50"  # of one arm, and nothing says that they do not
    heads = [text.get_label() for text in plots.evidence_map(frame, across=["site"]).texts if text.get_gid() == "head"]
    assert "all sites" in heads


def test_the_evidence_is_mapped() -> None:
    frame = query.proportions(endpoint="orr", her2_directed=True)
    ax = plots.evidence_map(frame, provenance=True)
    assert_tidy(ax)
    assert any(text.startswith("Data: herbtc 20") for text in texts(ax))
    shown = [text for text in cells(frame, across=["site"]) if "/" in text]
    total = sum(int(text.rsplit("/", 1)[1]) for text in shown)
    assert total == frame["n"].sum()
    with pytest.raises(SynthesisError, match="missing: events"):
        plots.evidence_map(frame.drop(columns="events"))


# --- adverse events ---------------------------------------------------------------------------------------------------


def adverse() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trial": ["a", "a", "b", "b"],
            "arm": "one",
            "population": "all",
            "term": ["any", "diarrhoea", "diarrhoea", "diarrhoea"],
            "grade": ["3+", "any", "any", "3"],
            "attribution": ["all-cause", "all-cause", "all-cause", "treatment-related"],
            "serious": pd.array([True, None, None, None], dtype="boolean"),
            "consequence": [None, None, None, "discontinuation"],
            "events": pd.array([4, 20, None, 1], dtype="Int64"),
            "n": pd.array([40, 40, None, None], dtype="Int64"),
            "percent": [np.nan, 50.0, 30.0, np.nan],
        }
    )


def test_rates_stand_with_their_denominators() -> None:
    ax = plots.safety(adverse())
    assert_tidy(ax)
    shown = [text.get_text() for text in ax.texts if text.get_gid() == "figures"]
    assert shown == ["10.0 %\nof 40", "50.0 %\nof 40", "30.0 %\nof –", "1 of –"]
    assert {"serious", "all causes", "treatment related, led to discontinuation"} <= {
        str(text.get_label()) for text in ax.texts
    }
    colours = [patch.get_gid() for patch in ax.patches if isinstance(patch, Rectangle)]
    assert colours.count("cell") == 3
    assert colours.count("gap") == 3  # two that no report fills, and one without a rate


def test_two_rows_for_one_cell_are_refused() -> None:
    with pytest.raises(SynthesisError, match="two rows for any, 3\\+, serious in a: expected one row an event and arm"):
        plots.safety(pd.concat([adverse(), adverse().head(1)]))
    with pytest.raises(SynthesisError, match="missing: rows"):
        plots.safety(adverse().head(0))


def test_studies_go_by_the_names_that_are_given() -> None:
    heads = [
        text.get_label() for text in plots.safety(adverse(), names={"a": "ALPHA"}).texts if text.get_gid() == "head"
    ]
    assert heads == ["ALPHA", "b"]


def test_the_safety_of_the_evidence_is_drawn() -> None:
    events = query.adverse_events(term=["diarrhoea", "anaemia", "infusion-related-reaction"], her2_directed=True)
    assert_tidy(plots.safety(events))


# --- best responses ---------------------------------------------------------------------------------------------------


def bars(frame: pd.DataFrame) -> list[dict[str, float]]:
    ax = plots.responses(frame, sort=False)
    assert_tidy(ax)
    found: dict[float, dict[str, float]] = {}
    for patch in ax.patches:
        if isinstance(patch, Rectangle) and patch.get_gid() != "key":
            found.setdefault(patch.get_y(), {})[str(patch.get_gid())] = patch.get_width()
    return [found[y] for y in sorted(found)]


def best(**counts: int | None) -> pd.DataFrame:
    rows = [{"trial": "a", "arm": "x", "endpoint": each, "events": count, "n": 40} for each, count in counts.items()]
    frame = pd.DataFrame(rows).assign(percent=np.nan)
    return frame.astype({"events": "Int64", "n": "Int64"})


def test_bars_are_shares_of_all_patients() -> None:
    (bar,) = bars(best(cr=4, pr=10, sd=12, pd=10, ne=4))
    assert bar == pytest.approx({"cr": 10, "pr": 25, "sd": 30, "pd": 25, "ne": 10})


def test_responders_that_are_not_told_apart_stand_together() -> None:
    (bar,) = bars(best(orr=14, sd=12))
    assert bar == pytest.approx({"orr": 35, "sd": 30, "other": 35})
    (bar,) = bars(best(orr=14, cr=4))
    assert bar == pytest.approx({"cr": 10, "orr": 25, "other": 65})
    (bar,) = bars(best(orr=14, cr=4, pr=10))
    assert bar == pytest.approx({"cr": 10, "pr": 25, "other": 65})


def test_what_is_not_reported_is_no_progression() -> None:
    (bar,) = bars(best(pr=10))
    assert bar == pytest.approx({"pr": 25, "rest": 75})
    frame = best(pr=10)
    frame["n"] = pd.NA
    (bar,) = bars(frame)
    assert bar == pytest.approx({"rest": 100})


def test_more_than_all_patients_and_two_rows_of_one_kind_are_refused() -> None:
    with pytest.raises(SynthesisError, match="the best responses of a are 150 % of its patients"):
        plots.responses(best(pr=30, sd=30))
    with pytest.raises(SynthesisError, match="two rows of pr for a"):
        plots.responses(pd.concat([best(pr=3), best(pr=3)]))
    with pytest.raises(SynthesisError, match="missing: rows"):
        plots.responses(best(dcr=30))


def test_the_responses_of_the_evidence_are_drawn_with_more_responders_first() -> None:
    frame = query.proportions(endpoint=["orr", "cr", "pr", "sd", "pd", "ne"], her2_directed=True)
    ax = plots.responses(frame)
    assert_tidy(ax)
    widths: dict[float, float] = {}
    for patch in ax.patches:
        if isinstance(patch, Rectangle) and patch.get_gid() != "key":
            share = patch.get_width() if patch.get_gid() in ("cr", "pr", "orr") else 0.0
            widths[patch.get_y()] = widths.get(patch.get_y(), 0.0) + share
    ordered = [widths[y] for y in sorted(widths)]
    assert ordered == sorted(ordered, reverse=True)
    assert all(patch.get_x() + patch.get_width() < 100.01 for patch in ax.patches if isinstance(patch, Rectangle))


# --- survival ---------------------------------------------------------------------------------------------------------


def test_benchmarks_of_the_same_line_stand_apart_and_are_marked() -> None:
    studies = query.durations(endpoint=["pfs", "os"], her2_directed=True)
    others = query.durations(endpoint=["pfs", "os"], her2_directed=False)
    ax = plots.survival(studies, benchmarks=others)
    assert_tidy(ax)
    assert texts(ax).count("Benchmarks: another population") == 4  # PFS and OS, first and later lines
    drawn = {gid: sum(line.get_gid() == gid for line in ax.lines) for gid in ("studies", "benchmarks")}
    assert drawn["studies"] == studies["median_months"].notna().sum()
    assert 0 < drawn["benchmarks"] < len(others)
    assert any(
        text.startswith("Benchmarks of lines or endpoints without a study here, not drawn: ") for text in texts(ax)
    )
    hollow = [line.get_markerfacecolor() for line in ax.lines if line.get_gid() == "benchmarks"]
    assert set(hollow) == {"#ffffff"}


def test_medians_and_intervals_are_those_printed() -> None:
    studies = query.durations(endpoint="os", trial=["herizon-btc-01", "sgntuc-019", "herbot"])
    ax = plots.survival(studies)
    assert {"15.5 (10.4–18.7)", "15.5 (6.5–16.7)*", "not reached", "* interval at 90 %"} <= set(texts(ax))
    spans = [each.get_segments()[0][:, 0] for each in ax.collections if isinstance(each, LineCollection)]
    assert any(np.allclose(span, [10.4, 18.7]) for span in spans)
    assert texts(ax).count("not reached") == 2  # in the plot, and in the column of values


def test_every_row_of_the_frame_is_drawn_whatever_its_line() -> None:
    frame = query.durations(endpoint=["pfs", "os"])
    ax = plots.survival(frame)
    rows = [
        text for text in ax.texts if str(text.get_gid()).startswith("study:") and "header" not in str(text.get_gid())
    ]
    assert len(rows) == len(frame)
    for wrong, missing in ((frame.head(0), "rows"), (frame.drop(columns="line"), "line")):
        with pytest.raises(SynthesisError, match=f"missing: {missing}"):
            plots.survival(wrong)


# --- prevalence -------------------------------------------------------------------------------------------------------


def test_cohorts_stand_by_site_and_method_with_printed_or_exact_intervals() -> None:
    frame = query.prevalence(site=["gallbladder", "intrahepatic"])
    ax = plots.prevalence(frame)
    assert_tidy(ax)
    leads = [text.get_text() for text in ax.texts if str(text.get_gid()).startswith("lead:")]
    assert leads[:2] == ["Intrahepatic", "Gallbladder"]
    shown = set(texts(ax))
    assert "36/223" in shown
    assert "4.8 (0.0–14.5)" in shown  # as the review prints it
    assert "0.0 (0.0–5.5)" in shown  # exact: 0 of 65
    rows = [text for text in ax.texts if str(text.get_gid()).startswith("cohort:") and text.get_text() != "Cohort"]
    assert len(rows) == len(frame)
    assert sum(line.get_gid() in ("cohorts", "reviews") for line in ax.lines) == len(frame)


def test_two_quantities_are_not_drawn_as_one() -> None:
    with pytest.raises(SynthesisError, match="missing: rows"):
        plots.prevalence(query.prevalence().head(0))
    both = query.prevalence().head(2).assign(quantity=["prevalence", "share-of-positives"])
    with pytest.raises(SynthesisError, match="expected one quantity, got"):
        plots.prevalence(both)


# --- timeline ---------------------------------------------------------------------------------------------------------


def marks(ax: object, gid: str) -> list[float]:
    return [float(np.asarray(line.get_xdata())[0]) for line in ax.lines if line.get_gid() == gid]  # type: ignore[attr-defined]


def test_spans_and_marks_stand_at_their_dates() -> None:
    studies = pd.DataFrame(
        {
            "trial": ["a", "b", "c"],
            "start": ["2019-07-02", "2020", None],
            "primary_completion": ["2021-01-01", None, None],
        }
    )
    reports = pd.DataFrame(
        {
            "trial": ["a", "a", "z"],
            "year": [2022, 2023, 2020],
            "published": [pd.Timestamp("2022-01-01"), pd.NaT, pd.NaT],
        }
    )
    ax = plots.timeline(studies, reports=reports)
    assert_tidy(ax)
    spans = [each.get_segments()[0][:, 0] for each in ax.collections if each.get_gid() == "span"]  # type: ignore[attr-defined]
    np.testing.assert_allclose(spans[0], [2019.5, 2021.0], atol=0.01)
    assert spans[1][0] == 2020.5
    assert marks(ax, "report") == [2022.0, 2023.5]
    shown = texts(ax)
    assert {"a", "b", "c", "2019-07 to 2021-01", "2020 to ?", "–"} <= set(shown)
    small = [float(line.get_markersize()) for line in ax.lines if line.get_gid() == "report"]
    assert small[1] < small[0]


def test_acts_and_statements_are_rows_of_their_own() -> None:
    approvals, guidelines = query.approvals(agent="zanidatamab"), query.guidelines()
    ax = plots.timeline(approvals=approvals, guidelines=guidelines, provenance=True)
    assert_tidy(ax)
    assert len(marks(ax, "approval")) == approvals["authorises"].sum()
    assert len(marks(ax, "other act")) == (~approvals["authorises"]).sum()
    assert len(marks(ax, "statement")) == len(guidelines)
    assert "by 2025-07-10" in texts(ax)  # known only to lie no later
    assert "2024-11-20" in texts(ax)


def test_the_whole_evidence_has_a_timeline() -> None:
    studies = query.trials(her2_directed=True)
    ax = plots.timeline(studies, reports=query.sources(), approvals=query.approvals(), guidelines=query.guidelines())
    assert_tidy(ax)
    assert len(marks(ax, "report")) <= len(query.sources())


def test_dates_that_cannot_be_are_refused() -> None:
    def of(start: str) -> pd.DataFrame:
        return pd.DataFrame({"trial": ["a"], "start": [start], "primary_completion": [None]})

    for wrong in ("soon", "2021-13-40"):
        with pytest.raises(SynthesisError, match=f"expected a date such as .*, got {wrong}"):
            plots.timeline(of(wrong))
    with pytest.raises(SynthesisError, match="got no row"):
        plots.timeline()
    with pytest.raises(SynthesisError, match="missing: start, primary_completion"):
        plots.timeline(pd.DataFrame({"trial": ["a"]}))
