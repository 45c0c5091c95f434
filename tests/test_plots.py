"""Forest plots: what they draw, and that nothing overlaps or leaves the canvas (artists, not pixels)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from figures import assert_tidy, boxes, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from herbtc import SynthesisError, measures, plots, query, synthesis
from herbtc.plots._axis import Axis

if TYPE_CHECKING:
    from herbtc.synthesis import Pooled

pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")


def pooled(k: int, *, seed: int = 1, name: str = "study", **settings: Any) -> Pooled:
    random = np.random.default_rng(seed)
    n = random.integers(5, 400, k)
    frame = pd.DataFrame({"trial": [f"{name}-{i}" for i in range(k)], "events": random.binomial(n, 0.4), "n": n})
    return synthesis.pool(measures.effects(frame, "logit"), **settings)


@pytest.mark.parametrize("k", range(2, 31))
def test_nothing_overlaps_or_is_clipped_at_any_number_of_studies(k: int) -> None:
    assert_tidy(plots.forest(pooled(k, seed=k), title="Objective response"))


@pytest.mark.parametrize("fontsize", [6.0, 9.0, 14.0])
@pytest.mark.parametrize(
    "title", [None, "A title that is a good deal longer than the columns of a figure usually are " * 2]
)
def test_nothing_overlaps_at_other_sizes_and_with_long_titles(fontsize: float, title: str | None) -> None:
    assert_tidy(plots.forest(pooled(6), fontsize=fontsize, title=title))


def test_long_names_widen_the_figure_and_overlap_nothing() -> None:
    assert_tidy(plots.forest(pooled(5, name="a-randomised-study-with-a-name-that-goes-on-and-on-for-a-while")))


@pytest.mark.parametrize("size", [(6.4, 4.8), (8.0, 6.0), (12.0, 5.0), (20.0, 14.0)])
def test_given_axes_are_filled_and_not_left(size: tuple[float, float]) -> None:
    figure = Figure(figsize=size)
    ax = figure.add_subplot()
    before = ax.get_position(original=True)
    assert plots.forest(pooled(8), ax=ax) is ax
    assert_tidy(ax)
    after = ax.get_position()
    assert before.x0 <= after.x0 < after.x1 <= before.x1
    assert before.y0 <= after.y0 < after.y1 <= before.y1


def test_two_plots_stand_side_by_side() -> None:
    figure = Figure(figsize=(14, 5))
    left, right = figure.subplots(1, 2)
    plots.forest(pooled(8), ax=left)
    plots.forest(pooled(8, seed=2), ax=right)
    edge = {ax: [box for text, box in boxes(left) if text.axes is ax] for ax in (left, right)}
    assert max(box.x1 for box in edge[left]) < min(box.x0 for box in edge[right])


def test_axes_that_are_too_small_to_be_read_are_refused_with_the_size_that_is_needed() -> None:
    ax = Figure(figsize=(2, 1)).add_subplot()
    with pytest.raises(SynthesisError, match=r"too small for 12 studies: expected more than [\d.]+ by [\d.]+ inches"):
        plots.forest(pooled(12), ax=ax)


def test_the_columns_are_those_that_clinicians_expect() -> None:
    result = pooled(3)
    shown = texts(plots.forest(result))
    assert {"Study", "Events/total", "Rate (95 % CI)", "Weight", "Prediction interval"} <= set(shown)
    for row in result.rows.itertuples():
        assert f"{row.events}/{row.n}" in shown
    assert f"{result.events}/{result.n}" in shown
    assert "100.0 %" in shown
    low, high = measures.percent(result.conf_low), measures.percent(result.conf_high)
    assert f"{measures.percent(result.estimate)} ({low}–{high})" in shown
    assert f"({measures.percent(result.pred_low)}–{measures.percent(result.pred_high)})" in shown


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {},
            ["REML", "restricted maximum-likelihood estimator of τ²", "Hartung-Knapp CI with ad hoc floor", "t(k − 1)"],
        ),
        ({"method": "DL", "test": "wald", "prediction": "z"}, ["DerSimonian-Laird", "Wald CI", "normal"]),
        ({"method": "EE", "test": "wald"}, ["Equal-effects model", "Wald CI"]),
        ({"method": "PM", "test": "hksj", "prediction": "hts"}, ["Paule-Mandel", "Hartung-Knapp CI", "t(k − 2)"]),
    ],
)
def test_the_footer_names_model_estimator_and_interval(settings: dict[str, Any], words: list[str]) -> None:
    shown = " ".join(texts(plots.forest(pooled(6, **settings))))
    assert [word for word in words if word not in shown] == []
    assert "I² =" in shown


def test_the_equal_effects_model_has_no_prediction_interval() -> None:
    assert "none" in texts(plots.forest(pooled(4, method="EE", test="wald")))


def test_the_axis_runs_from_nought_to_a_hundred_percent() -> None:
    ax = plots.forest(pooled(4))
    assert ax.get_xlim() == (0, 100)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "20", "40", "60", "80", "100"]
    assert "%" in ax.get_xlabel()


def test_squares_have_an_area_in_proportion_to_the_weights() -> None:
    result = pooled(7)
    (squares,) = (artist for artist in plots.forest(result).collections if isinstance(artist, PathCollection))
    sizes = np.asarray(squares.get_sizes())
    np.testing.assert_allclose(sizes / sizes.sum(), result.weights)
    rates = 100 * result.rows["events"].to_numpy(float) / result.rows["n"].to_numpy(float)
    np.testing.assert_allclose(np.asarray(squares.get_offsets())[:, 0], rates)


def test_the_diamond_spans_the_confidence_interval() -> None:
    result = pooled(7)
    (diamond,) = (patch for patch in plots.forest(result).patches if isinstance(patch, Polygon))
    corners = diamond.get_xy()[:, 0]
    assert corners.min() == pytest.approx(100 * result.conf_low)
    assert corners.max() == pytest.approx(100 * result.conf_high)


def test_labels_are_a_column_or_given_one_by_one() -> None:
    result = pooled(2)
    assert {"First", "Second"} <= set(texts(plots.forest(result, labels=["First", "Second"])))
    assert {"study-0", "study-1"} <= set(texts(plots.forest(result, labels="trial")))
    with pytest.raises(SynthesisError, match="expected 2 labels"):
        plots.forest(result, labels=["First"])
    with pytest.raises(SynthesisError, match="no column 'nickname'"):
        plots.forest(result, labels="nickname")


def test_arm_and_population_are_named_only_where_they_are_needed() -> None:
    frame = pd.DataFrame(
        {
            "trial": ["alpha", "alpha", "beta", "gamma"],
            "arm": ["one", "two", "only", "only"],
            "population": ["all", "all", "all", "ihc-3+"],
            "events": [3, 4, 5, 6],
            "n": [10, 11, 12, 13],
        }
    )
    result = synthesis.pool(measures.effects(frame))
    assert {"alpha, one", "alpha, two", "beta", "gamma, ihc-3+"} <= set(texts(plots.forest(result)))


def test_frames_without_names_are_numbered() -> None:
    frame = pd.DataFrame({"events": [3, 4], "n": [10, 11]})
    assert {"Study 1", "Study 2"} <= set(texts(plots.forest(synthesis.pool(measures.effects(frame)))))


def test_notes_of_the_result_stand_under_the_plot() -> None:
    assert any("only 3 studies" in text for text in texts(plots.forest(pooled(3))))


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_figures_are_written_without_pyplot(tmp_path: Any, suffix: str) -> None:
    figure = plots.forest(pooled(4)).get_figure(root=True)
    assert figure is not None
    figure.savefig(tmp_path / f"forest.{suffix}")
    assert (tmp_path / f"forest.{suffix}").stat().st_size > 1000


def test_nothing_global_is_touched() -> None:
    import matplotlib as mpl  # noqa: PLC0415

    before = dict(mpl.rcParams)
    plots.forest(pooled(4))
    assert dict(mpl.rcParams) == before


def test_extreme_rates_stay_on_the_axis() -> None:
    frame = pd.DataFrame({"trial": ["none", "all", "some"], "events": [0, 9, 4], "n": [7, 9, 11]})
    ax = plots.forest(synthesis.pool(measures.effects(frame)))
    assert_tidy(ax)
    assert "0.0 (0.0–41.0)" in texts(ax)
    assert "100.0 (66.4–100.0)" in texts(ax)


# --- months and ratios ------------------------------------------------------------------------------------------------


PRINTED = {
    "log-median": ("median_months", "low_months", "high_months"),
    "log-ratio": ("estimate", "low", "high"),
    "log-log": ("percent", "low", "high"),
}
on_a_log_axis = pytest.mark.parametrize("measure", ["log-median", "log-ratio"])


def printed(measure: str, k: int, *, spread: float = 0.4, **columns: Any) -> pd.DataFrame:
    """Groups of patients with a value and its 95 % interval, as papers print them."""
    random = np.random.default_rng(k)
    centre = {"log-median": np.log(7.0), "log-ratio": np.log(0.8), "log-log": 0.3}[measure]
    effect, se = random.normal(centre, spread, k), random.uniform(0.1, 0.4, k)
    values = measures.back(np.column_stack([effect, effect - 1.96 * se, effect + 1.96 * se]), measure, np.nan)
    named = dict(zip(PRINTED[measure], values.T * (100 if measure == "log-log" else 1), strict=True))
    return measures.effects(
        pd.DataFrame({"trial": [f"study-{place}" for place in range(k)], **named, "level": 95.0, **columns}), measure
    )


@pytest.mark.parametrize("measure", sorted(PRINTED))
@pytest.mark.parametrize("k", [2, 3, 12])
@pytest.mark.parametrize("n", [None, 40])
def test_nothing_overlaps_in_plots_of_months_ratios_and_rates_at_a_time(measure: str, k: int, n: int | None) -> None:
    frame = printed(measure, k, **({} if n is None else {"n": n}))
    assert_tidy(plots.forest(synthesis.pool(frame), title="A title"))


@on_a_log_axis
@pytest.mark.parametrize("k", [3, 12])
def test_months_and_ratios_fit_into_given_axes(measure: str, k: int) -> None:
    figure = Figure(figsize=(9.0, 7.0))
    ax = figure.add_subplot()
    assert_tidy(plots.forest(synthesis.pool(printed(measure, k, n=40)), ax=ax))


@on_a_log_axis
def test_months_and_ratios_stand_on_a_logarithmic_axis(measure: str) -> None:
    result = synthesis.pool(printed(measure, 7))
    ax = plots.forest(result)
    assert ax.get_xscale() == "log"
    low, high = ax.get_xlim()
    for value in (result.conf_low, result.conf_high, result.pred_low, result.pred_high):
        assert low < value < high
    (squares,) = (artist for artist in ax.collections if isinstance(artist, PathCollection))
    np.testing.assert_allclose(
        np.asarray(squares.get_offsets())[:, 0], result.rows[PRINTED[measure][0]].to_numpy(float)
    )
    (diamond,) = (patch for patch in ax.patches if isinstance(patch, Polygon))
    assert diamond.get_xy()[:, 0].min() == pytest.approx(result.conf_low)
    assert diamond.get_xy()[:, 0].max() == pytest.approx(result.conf_high)
    assert ("months" in ax.get_xlabel()) == (measure == "log-median")


def test_studies_are_shown_with_the_interval_that_was_pooled() -> None:
    """From 4 to 9 months at 90 % are 3.7 to 9.7 at 95 %: exp(log 6 ± 1.96 · log(9/4) / (2 · 1.645))."""
    frame = pd.DataFrame({"median_months": [6.0, 6.0], "low_months": 4.0, "high_months": 9.0, "level": 90.0})
    shown = texts(plots.forest(synthesis.pool(measures.effects(frame, "log-median"))))
    assert shown.count("6.0 (3.7–9.7)") == 2
    assert "Median (95 % CI)" in shown
    assert any("standard errors that were pooled" in text for text in shown)


def test_a_ratio_of_one_is_marked_and_always_on_the_axis() -> None:
    frame = pd.DataFrame(
        {"estimate": [0.3, 0.32, 0.28], "low": [0.25, 0.27, 0.2], "high": [0.36, 0.38, 0.39], "level": 95.0}
    )
    ax = plots.forest(synthesis.pool(measures.effects(frame, "log-ratio"), method="EE", test="wald"))
    assert ax.get_xlim()[1] > 1
    assert any(np.allclose(np.asarray(line.get_xdata(), float), 1.0) for line in ax.lines)


def test_patients_are_shown_where_they_are_known_and_events_never() -> None:
    frame = printed("log-median", 3, n=[20, 30, 41])
    shown = texts(plots.forest(synthesis.pool(frame)))
    assert {"Patients", "20", "30", "41", "91"} <= set(shown)
    assert "Events/total" not in shown
    some = texts(plots.forest(synthesis.pool(frame.assign(n=[20, np.nan, 41]))))
    assert {"20", "41"} <= set(some)
    assert some.count("–") == 2  # the study that prints none, and the sum
    for none in (frame.assign(n=np.nan), frame.drop(columns="n")):
        assert "Patients" not in texts(plots.forest(synthesis.pool(none)))


def test_rates_at_a_time_keep_the_axis_of_rates() -> None:
    result = synthesis.pool(printed("log-log", 5))
    ax = plots.forest(result)
    assert ax.get_xlim() == (0, 100)
    assert ax.get_xlabel() == "Rate (%)"
    assert f"{measures.percent(result.estimate)} " in " ".join(texts(ax))


@settings(max_examples=40, deadline=None)
@given(low=st.floats(1e-4, 1e3), factor=st.floats(1.05, 1e6), size=st.sampled_from([5.0, 9.0, 14.0]))
def test_ticks_are_inside_and_apart_on_any_axis(low: float, factor: float, size: float) -> None:
    axis = Axis(low=low, high=low * factor, log=True)
    width = 14 * size
    ticks = [value for value, _ in axis.marks(width, lambda text: 0.64 * size * len(text), ends=axis.ends(14.0))]
    assert ticks
    assert all(axis.low <= tick <= axis.high for tick in ticks)
    places = [width * np.log(tick / low) / np.log(factor) for tick in ticks]
    halves = [0.32 * size * len(f"{tick:g}") for tick in ticks]
    assert all(b - a > one + other for a, b, one, other in zip(places, places[1:], halves, halves[1:], strict=False))


def test_the_evidence_is_drawn_in_months_and_as_ratios() -> None:
    survival = query.durations(endpoint="pfs", her2_directed=True, her2_selected=True, btc_only=True)
    assert_tidy(plots.forest(synthesis.pool(measures.effects(survival, "log-median"), mix=True)))
    ratios = query.contrasts(endpoint="os", population="all", trial=["topaz-1", "abc-02", "keynote-966"])
    ratios = ratios[(ratios["role"] == "treatment") & (ratios["kind"] == "hr")]
    assert_tidy(plots.forest(synthesis.pool(measures.effects(ratios, "log-ratio"))))


@pytest.mark.parametrize("interval", ["profile", "wald"])
def test_the_binomial_normal_model_is_drawn_and_named(interval: Any) -> None:
    result = synthesis.pool_binomial(pooled(6).rows[["trial", "events", "n"]], interval=interval)
    ax = plots.forest(result)
    assert_tidy(ax)
    shown = " ".join(texts(ax))
    assert "exact likelihood" in shown
    assert ("profile-likelihood CI" if interval == "profile" else "Wald CI") in shown
    assert "likelihood-ratio statistic = " in shown


def test_a_variance_that_is_not_identified_is_no_number() -> None:
    frame = pd.DataFrame({"events": [0, 0, 0], "n": [7, 9, 11]})
    result = synthesis.pool_binomial(frame)
    assert np.isnan(result.tau2)
    ax = plots.forest(result)
    assert_tidy(ax)
    assert "nan" not in " ".join(texts(ax))
