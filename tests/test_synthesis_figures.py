"""Figures of what synthesis returns: that they show its numbers, and mark what they must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from figures import assert_tidy, texts
from matplotlib.collections import LineCollection

from herbtc import SynthesisError, UnknownKeyError, measures, plots, synthesis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from herbtc.measures import Floats

pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")


def effects() -> pd.DataFrame:
    events, n = [1, 14, 10, 9, 50, 16, 30, 12, 21, 20], [9, 30, 34, 39, 90, 22, 80, 40, 60, 25]
    frame = pd.DataFrame({"trial": list("abcdefghij"), "events": events, "n": n, "year": range(2015, 2025)})
    return measures.effects(frame)


def marks(ax: Axes, gid: str) -> Floats:
    """Return the x values of every line artist of a name, from top to bottom."""
    found = [line for line in ax.lines if line.get_gid() == gid]
    return np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in found])


def spans(ax: Axes, gid: str) -> Floats:
    found = [each for each in ax.collections if isinstance(each, LineCollection) and each.get_gid() == gid]
    return np.array([each.get_segments()[0][:, 0] for each in found])


def dots(ax: Axes, gid: str) -> Floats:
    return np.concatenate([np.asarray(each.get_offsets()) for each in ax.collections if each.get_gid() == gid])


# --- the same pooling over and over -----------------------------------------------------------------------------------


def test_each_step_of_a_cumulative_analysis_is_a_row() -> None:
    result = synthesis.cumulative(effects(), by="year")
    ax, table = plots.cumulative(result), result.to_frame()
    np.testing.assert_allclose(marks(ax, "estimates"), 100 * table["estimate"])
    np.testing.assert_allclose(spans(ax, "intervals"), 100 * table[["conf_low", "conf_high"]])
    np.testing.assert_allclose(marks(ax, "estimate"), 100 * result.estimate)
    assert {"+ a", "2015", "Year"} <= set(texts(ax))


def test_each_study_left_out_is_a_row() -> None:
    result = synthesis.leave_one_out(effects())
    ax, table = plots.leave_one_out(result), result.to_frame()
    np.testing.assert_allclose(marks(ax, "estimates"), 100 * table["estimate"])
    assert {f"− {trial}" for trial in "abcdefghij"} <= set(texts(ax))


def test_times_and_ratios_stand_on_a_logarithmic_axis() -> None:
    frame = pd.DataFrame({"estimate": [0.5, 0.7, 0.8], "low": [0.3, 0.5, 0.6], "high": [0.9, 1.0, 1.1], "level": 95.0})
    ratios = measures.effects(frame.assign(year=[2020, 2021, 2022]), "log-ratio")
    ax = plots.cumulative(synthesis.cumulative(ratios, by="year"))
    assert ax.get_xscale() == "log"
    assert_tidy(ax)


# --- influence --------------------------------------------------------------------------------------------------------


def outlying() -> pd.DataFrame:
    frame = pd.DataFrame({"trial": list("abcdef"), "events": [8, 14, 10, 9, 12, 78], "n": [22, 40, 34, 39, 41, 80]})
    return measures.effects(frame)


def test_influential_studies_have_a_mark_and_a_name_of_their_own() -> None:
    result = synthesis.influence(outlying())
    flagged = result.to_frame()["influential"]
    assert 0 < flagged.sum() < len(flagged)
    ax = plots.influence(result)
    names = {text.get_text(): text.get_fontweight() for text in ax.texts if str(text.get_gid()).startswith("study:")}
    bold = {name for name, weight in names.items() if weight == "bold"} - {"Study"}
    assert bold == set(result.rows.loc[flagged, "trial"])
    assert len(marks(ax, "influential")) == 8 * flagged.sum()
    assert len(marks(ax, "studies")) == 8 * (~flagged).sum()


def test_diagnostics_keep_their_order_within_a_lane() -> None:
    result = synthesis.influence(effects())
    ax = plots.influence(result)
    paths = [np.asarray(line.get_xdata(), dtype=float) for line in ax.lines if line.get_gid() == "path"]
    names = ("rstudent", "dffits", "cook_d", "cov_ratio", "tau2_del", "qe_del", "hat", "weight")
    for lane, (path, name) in enumerate(zip(paths, names, strict=True)):
        assert ((lane < path) & (path < lane + 1)).all()
        values = result.to_frame()[name].to_numpy(float)
        assert np.argsort(path).tolist() == np.argsort(values).tolist()
    cuts = marks(ax, "cut-off")
    assert len(cuts) == 2 * 6  # two ends of the axes each: ±1.96, ±DFFITS, Cook's distance, leverage


def test_influence_on_a_regression_is_drawn_too() -> None:
    result = synthesis.influence(effects().assign(dose=np.arange(10.0)), moderators="dose")
    assert_tidy(plots.influence(result))


# --- funnels ----------------------------------------------------------------------------------------------------------


def test_a_funnel_of_proportions_shows_rates_against_patients() -> None:
    frame = effects()
    ax = plots.funnel(synthesis.pool(frame), against="n")
    points = dots(ax, "studies")
    np.testing.assert_allclose(points[:, 0], 100 * frame["events"] / frame["n"])
    np.testing.assert_allclose(points[:, 1], frame["n"])


def test_a_funnel_against_the_standard_error_has_the_most_precise_at_its_top() -> None:
    frame = effects()
    result = synthesis.pool(frame)
    ax = plots.funnel(result)
    points = dots(ax, "studies")
    np.testing.assert_allclose(points, np.column_stack([frame["yi"], np.sqrt(frame["vi"])]))
    bottom, top = ax.get_ylim()
    assert bottom > points[:, 1].max()
    assert top == 0
    np.testing.assert_allclose(marks(ax, "estimate"), result.beta)
    for label, place in zip(ax.get_xticklabels(), ax.get_xticks(), strict=True):
        np.testing.assert_allclose(1 / (1 + np.exp(-place)), float(label.get_text()) / 100)


def test_limits_hold_95_percent_of_studies_of_one_effect() -> None:
    result = synthesis.pool(effects())
    ax = plots.funnel(result)
    ends = [line for line in ax.lines if line.get_gid() == "limits"]
    for line, sign in zip(ends, (-1, 1), strict=True):
        x, y = (np.asarray(each, dtype=float) for each in line.get_data())
        np.testing.assert_allclose(x, result.beta + sign * 1.959964 * y, rtol=1e-6)


def test_imputed_points_are_hollow_and_apart() -> None:
    frame = effects()
    filled = synthesis.trim_and_fill(frame)
    table = filled.to_frame()
    imputed = table[table["imputed"]]
    assert len(imputed)
    for result, points in ((synthesis.pool(frame), filled), (filled, None)):
        np.testing.assert_allclose(
            dots(plots.funnel(result, filled=points), "imputed"),
            np.column_stack([imputed["yi"], np.sqrt(imputed["vi"])]),
        )
        ax = plots.funnel(result, against="n", filled=points)
        np.testing.assert_allclose(dots(ax, "imputed")[:, 0], 100 / (1 + np.exp(-imputed["yi"])))


def test_contours_part_where_p_is_what_they_say() -> None:
    ax = plots.funnel(synthesis.pool(effects()), contours=0.2)
    shades = [patch for patch in ax.patches if patch.get_gid() == "contours"]
    assert len(shades) == 4
    null = np.log(0.2 / 0.8)
    corners = [np.asarray(patch.get_path().vertices, dtype=float) for patch in shades[1:]]
    for corner, z in zip(corners, (2.575829, 1.959964, 1.644854), strict=True):
        edge = corner[np.argmax(corner[:, 0])]
        np.testing.assert_allclose((edge[0] - null) / edge[1], z, rtol=1e-6)


def test_funnels_that_make_no_sense_are_refused() -> None:
    result = synthesis.pool(effects())
    frame = pd.DataFrame(
        {"median_months": [5.0, 7.0], "low_months": [3.0, 5.0], "high_months": [8.0, 9.0], "level": 95}
    )
    times = synthesis.pool(measures.effects(frame, "log-median"))
    assert_tidy(plots.funnel(times))
    with pytest.raises(SynthesisError, match="events and n"):
        plots.funnel(times, against="n")
    with pytest.raises(SynthesisError, match="against='se' only"):
        plots.funnel(result, against="n", contours=0.2)
    with pytest.raises(SynthesisError, match="expected points of log-median, got those of logit"):
        plots.funnel(times, filled=synthesis.trim_and_fill(effects()))
    with pytest.raises(UnknownKeyError, match="unknown size 'size'"):
        plots.funnel(result, against="size")  # type: ignore[arg-type]


# --- models and beliefs -----------------------------------------------------------------------------------------------


def test_every_model_stands_in_the_lane_of_its_measure() -> None:
    grid = synthesis.sensitivity(effects()[["trial", "events", "n"]])
    ax = plots.sensitivity(grid)
    drawn = sorted(marks(ax, "estimates"))
    assert len(drawn) == grid["estimate"].notna().sum()
    measures_ = grid["measure"].drop_duplicates().tolist()
    lanes = np.floor(drawn)
    for lane, name in enumerate(measures_):
        assert (lanes == lane).sum() == grid.loc[grid["measure"] == name, "estimate"].notna().sum()
    assert "reference: " in " ".join(texts(ax))


def test_a_model_without_an_answer_says_so() -> None:
    grid = synthesis.sensitivity(effects()[["trial", "events", "n"]]).head(4)
    grid.loc[1, ["estimate", "conf_low", "conf_high"]] = np.nan
    ax = plots.sensitivity(grid)
    assert texts(ax).count("no answer") == 1
    assert_tidy(ax)
    for wrong in (grid.head(0), grid.drop(columns="measure")):
        with pytest.raises(SynthesisError, match=r"rows of herbtc\.synthesis\.sensitivity"):
            plots.sensitivity(wrong)


def test_a_posterior_is_drawn_with_its_intervals() -> None:
    result = synthesis.pool_bayes(effects(), level=0.9)
    ax = plots.prior(result)
    np.testing.assert_allclose(
        spans(ax, "intervals"),
        100 * np.array([[result.conf_low, result.conf_high], [result.pred_low, result.pred_high]]),
        rtol=1e-9,
    )
    np.testing.assert_allclose(marks(ax, "medians")[0], 100 * result.estimate)
    assert any(text.startswith(f"new study: {measures.percent(result.new_rate.median())} %") for text in texts(ax))
    assert any("90 % intervals" in text for text in texts(ax))
    for name in ("median study", "new study"):
        (line,) = (each for each in ax.lines if each.get_gid() == name)
        x, y = (np.asarray(each, dtype=float) for each in line.get_data())
        assert (np.diff(x / 100) * (y[1:] + y[:-1]) / 2).sum() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("measure", ["log-median", "log-ratio"])
def test_posteriors_of_months_and_ratios_have_axes_of_their_own(measure: str) -> None:
    names = {"log-median": ("median_months", "low_months", "high_months"), "log-ratio": ("estimate", "low", "high")}
    values = dict(zip(names[measure], ([5.0, 7.0, 6.0], [3.0, 5.0, 4.0], [8.0, 9.0, 9.5]), strict=True))
    frame = measures.effects(pd.DataFrame({**values, "level": 95.0}), measure)
    ax = plots.prior(synthesis.pool_bayes(frame, prior=synthesis.HalfNormal(0.5)))
    assert_tidy(ax)
    assert "%" not in ax.get_xlabel()


def test_a_predictive_prior_is_drawn_with_the_mixture_that_stands_for_it() -> None:
    frame = pd.DataFrame(
        {"trial": list("abcd"), "events": [3, 8, 5, 9], "n": [40, 60, 55, 80], "mechanism": "chemotherapy"}
    )
    result = synthesis.map_prior(frame, role="benchmark")
    ax = plots.prior(result)
    assert_tidy(ax)
    low, high = result.mixture.interval()
    np.testing.assert_allclose(spans(ax, "intervals")[1], [100 * low, 100 * high])
    mixed = plots.prior(result.mixture)
    components = [line for line in mixed.lines if str(line.get_gid()).startswith("component")]
    assert len(components) == (len(result.mixture.weights) if len(result.mixture.weights) > 1 else 0)
    with pytest.raises(SynthesisError, match="level between 0 and 1"):
        plots.prior(result, level=95)
