"""Forest plots of subgroups, several models, journals' layouts, and rows that could not be pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from figures import assert_tidy, boxes, texts
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.patches import Polygon

from herbtc import SynthesisError, UnknownKeyError, measures, plots, query, synthesis
from herbtc.plots._habits import LAYOUTS, Spread, _p_of_jama, _p_of_revman

if TYPE_CHECKING:
    from matplotlib.axes import Axes

pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")


def effects() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "trial": list("abcdefgh"),
            "drug": ["one", "one", "one", "two", "two", "two", "two", "three"],
            "year": [2019, 2021, 2020, 2024, 2023, 2022, 2018, 2025],
            "events": [8, 14, 10, 9, 33, 2, 50, 5],
            "n": [22, 30, 34, 39, 80, 9, 90, 40],
        }
    )
    return measures.effects(frame)


def diamonds(ax: Axes, gid: str) -> list[tuple[float, float]]:
    found = [patch for patch in ax.patches if isinstance(patch, Polygon) and patch.get_gid() == gid]
    return [(float(patch.get_xy()[:, 0].min()), float(patch.get_xy()[:, 0].max())) for patch in found]


def points(ax: Axes, gid: str) -> np.ndarray:
    found = [np.asarray(each.get_offsets()) for each in ax.collections if each.get_gid() == gid]
    return np.concatenate(found) if found else np.empty((0, 2))


def column(ax: Axes, name: str) -> list[str]:
    """Return the cells of a column from top to bottom."""
    cells = [
        text for text in ax.texts if str(text.get_gid()).startswith(f"{name}:") and "header" not in str(text.get_gid())
    ]
    return [text.get_text() for text in sorted(cells, key=lambda text: text.get_position()[1])]


# --- subgroups --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("common", [False, True])
def test_every_subgroup_has_its_header_subtotal_and_heterogeneity(layout: str, common: bool) -> None:  # noqa: FBT001
    result = synthesis.subgroups(effects(), by="drug", common_tau2=common)
    ax = plots.forest(result, layout=layout)
    assert_tidy(ax)
    leads = [text.get_label() for text in ax.texts if str(text.get_gid()).startswith("lead:")]
    assert [lead for lead in leads if lead in result.names] == [*result.names]
    table = result.to_frame()
    parts = table[table["drug"] != "all"]
    np.testing.assert_allclose(
        diamonds(ax, "subtotal"), 100 * parts[["conf_low", "conf_high"]].to_numpy(float), rtol=1e-12
    )
    assert diamonds(ax, "model") == [(100 * result.overall.conf_low, 100 * result.overall.conf_high)]
    for row in parts.to_dict("records"):
        spread = Spread(tau2=row["tau2"], i2=row["i2"], q=row["q"], q_p=row["q_p"], k=row["k"])
        assert (LAYOUTS[layout].spread(spread) if spread.k > 1 else "one study: no heterogeneity to see") in leads
    assert ("Study or Subgroup" in texts(ax)) == (layout == "revman")
    told = next(str(lead) for lead in leads if str(lead).startswith("Test for"))
    assert f"{result.q_between:.2f}" in told
    assert (f"F({result.df}, {result.df_residual})" in told or f"df = {result.df}, " in told) if common else True


def test_weights_of_a_subgroup_add_up_to_its_share_of_all() -> None:
    result = synthesis.subgroups(effects(), by="drug")
    ax = plots.forest(result)
    shown = [float(cell.removesuffix(" %")) for cell in column(ax, "weight 0")]
    by_drug = pd.Series(100 * result.overall.weights).groupby(result.rows["drug"].to_numpy()).sum()
    assert shown[-1] == 100.0
    for drug, share in by_drug.items():
        assert round(share, 1) in shown, drug


def test_subgroups_of_sites_are_read_off_populations() -> None:
    frame = effects().assign(population=["gallbladder", "intrahepatic"] * 4, arm="arm")
    ax = plots.forest(synthesis.subgroups(frame, by="site"))
    assert {"gallbladder", "intrahepatic"} <= set(texts(ax))
    assert_tidy(ax)


def test_rows_without_a_subgroup_stand_under_a_heading_that_says_so() -> None:
    frame = effects()
    frame.loc[7, "drug"] = None
    result = synthesis.subgroups(frame, by="drug")
    ax = plots.forest(result, rows=frame)
    assert "drug not known" in texts(ax)
    assert set(frame["trial"]) <= set(column(ax, "study"))
    assert_tidy(ax)


def test_heterogeneity_that_is_not_identified_is_no_number() -> None:
    spread = Spread(tau2=np.nan, i2=np.nan, q=1.0, q_p=0.5, k=3)
    assert LAYOUTS["default"].spread(spread) == "τ² is not identified"
    assert "nan" not in LAYOUTS["revman"].spread(Spread(tau2=np.nan, i2=0.0, q=1.0, q_p=0.5, k=3))


# --- layouts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "order"),
    [
        ("default", ["Study", "Events/total", "Rate (95 % CI)", "Weight"]),
        ("jama", ["Source", "Events", "Total", "Rate (95% CI)", "Weight, %"]),
        ("revman", ["Study", "Events", "Total", "Weight", "Rate\nIV, Random, 95% CI"]),
    ],
)
def test_columns_stand_in_the_order_of_the_journal(layout: str, order: list[str]) -> None:
    ax = plots.forest(synthesis.pool(effects()), layout=layout)
    headers = [(box.x0, text.get_text()) for text, box in boxes(ax) if str(text.get_gid()).endswith(":header")]
    assert [text for _, text in sorted(headers)] == order
    assert_tidy(ax)


def test_numbers_are_spelt_as_each_journal_spells_them() -> None:
    result = synthesis.pool(effects())
    rate, low, high = (measures.percent(each) for each in (result.estimate, result.conf_low, result.conf_high))
    assert f"{rate} ({low}–{high})" in texts(plots.forest(result))
    jama, revman = (texts(plots.forest(result, layout=layout)) for layout in ("jama", "revman"))
    assert {f"{rate} ({low}-{high})", "Total (95% CI)", "100.0"} <= set(jama)
    assert {f"{rate} [{low}, {high}]", "Total (95% CI)", "100.0%"} <= set(revman)
    assert f"Heterogeneity: χ²₇ = {result.q:.2f} (P < .001), I² = {result.i2:.0f}%" in jama
    assert any(f"Tau² = {result.tau2:.2f}; Chi² = {result.q:.2f}, df = 7 (P" in text for text in revman)


@pytest.mark.parametrize(
    ("p", "jama", "revman"),
    [
        (0.5, "P = .50", "P = 0.50"),
        (0.034, "P = .03", "P = 0.03"),
        (0.01, "P = .010", "P = 0.01"),
        (0.0042, "P = .004", "P = 0.004"),
        (0.00042, "P < .001", "P = 0.0004"),
        (0.000042, "P < .001", "P < 0.0001"),
        (1e-9, "P < .001", "P < 0.00001"),
        (0.999, "P > .99", "P = 1.00"),
    ],
)
def test_p_values_are_spelt_as_each_journal_spells_them(p: float, jama: str, revman: str) -> None:
    assert (_p_of_jama(p), _p_of_revman(p)) == (jama, revman)


@pytest.mark.parametrize("test", ["wald", "hksj-adhoc"])
def test_the_overall_effect_of_ratios_is_tested_where_the_journal_asks_for_it(test: str) -> None:
    """Of three ratios with standard errors of 0.2 on the log scale: z = mean / (0.2 / sqrt(3)), tau² being 0."""
    log = np.log([0.5, 0.6, 0.7])
    frame = pd.DataFrame(
        {"estimate": np.exp(log), "low": np.exp(log - 0.2 * 1.959964), "high": np.exp(log + 0.2 * 1.959964)}
    )
    result = synthesis.pool(measures.effects(frame.assign(level=95.0), "log-ratio"), test=test)
    z = log.mean() / (0.2 / np.sqrt(3))
    told = {layout: " ".join(texts(plots.forest(result, layout=layout))) for layout in LAYOUTS}
    assert "overall effect" not in told["default"]
    if test == "wald":
        assert f"Test for overall effect: Z = {-z:.2f} (P < 0.00001)" in told["revman"]
        assert f"Test for overall effect: z = −{-z:.2f} (P < .001)" in told["jama"]
    else:
        assert f"Test for overall effect: T = {-z:.2f}, df = 2 (P = 0.0" in told["revman"]
        assert f"Test for overall effect: t₂ = −{-z:.2f} (P = .0" in told["jama"]
    assert "overall effect" not in " ".join(texts(plots.forest(synthesis.pool(effects()), layout="jama")))


def test_an_unknown_layout_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownKeyError, match=r"unknown layout 'jamma': did you mean 'jama'\?"):
        plots.forest(synthesis.pool(effects()), layout="jamma")


# --- order and columns ------------------------------------------------------------------------------------------------


def test_rows_are_sorted_by_estimate_weight_or_a_column() -> None:
    frame = effects()
    result = synthesis.pool(frame)
    rates = frame["events"] / frame["n"]
    weights = pd.Series(result.weights)
    for sort, keys in (("estimate", rates), ("weight", weights), ("year", frame["year"])):
        for descending in (False, True):
            ax = plots.forest(result, sort=sort, descending=descending)
            expected = frame["trial"].iloc[keys.sort_values(ascending=not descending).index]
            assert column(ax, "study")[:8] == expected.tolist()
            (squares,) = (each for each in ax.collections if isinstance(each, PathCollection))
            offsets = np.asarray(squares.get_offsets())
            np.testing.assert_allclose(offsets[np.argsort(offsets[:, 1]), 0], 100 * rates.loc[expected.index])


def test_subgroups_keep_together_when_sorted() -> None:
    frame = effects()
    ax = plots.forest(synthesis.subgroups(frame, by="drug"), sort="estimate")
    names = [name for name in column(ax, "study") if len(name) == 1]
    for drug in ("one", "two", "three"):
        places = [names.index(trial) for trial in frame.loc[frame["drug"] == drug, "trial"]]
        assert max(places) - min(places) == len(places) - 1


def test_more_columns_come_from_the_frame_with_headers_of_their_own() -> None:
    ax = plots.forest(synthesis.pool(effects()), columns={"drug": "Drug", "year": "Published"})
    assert {"Drug", "Published"} <= set(texts(ax))
    assert column(ax, "more drug") == effects()["drug"].tolist()
    assert column(ax, "more year") == effects()["year"].astype(str).tolist()
    for wrong in ({"columns": ["dose"]}, {"sort": "dose"}):
        with pytest.raises(UnknownKeyError, match="unknown column 'dose'"):
            plots.forest(synthesis.pool(effects()), **wrong)


# --- several models ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_models_stand_under_one_another_each_with_its_weights(layout: str) -> None:
    frame = effects()
    random, equal = synthesis.pool(frame), synthesis.pool(frame, method="EE", test="wald")
    ax = plots.forest(random, models=[equal], weights="each", layout=layout)
    assert_tidy(ax)
    assert diamonds(ax, "model") == [(100 * each.conf_low, 100 * each.conf_high) for each in (random, equal)]
    for number, model in enumerate((random, equal)):
        shown = [float(cell.split(" ")[0].rstrip("%")) for cell in column(ax, f"weight {number}") if cell]
        np.testing.assert_allclose(shown[:8], 100 * model.weights, atol=0.051)
        assert shown[8:] == [100.0]
    assert any("(equal)" in text for text in texts(ax))
    assert sum("of logit-transformed proportions; " in text for text in texts(ax)) == 2
    assert sum(text == "Prediction interval" for text in texts(ax)) == 1


def test_rows_of_a_sensitivity_analysis_stand_under_the_model() -> None:
    grid = synthesis.sensitivity(effects()[["trial", "events", "n"]])
    some = grid[(grid["measure"] == "logit") & (grid["test"] == "wald")]
    failed = some.head(1).assign(estimate=np.nan, conf_low=np.nan, conf_high=np.nan)
    ax = plots.forest(synthesis.pool(effects()), models=pd.concat([some, failed]))
    assert len(diamonds(ax, "model")) == 1 + len(some)
    assert "no answer" in texts(ax)
    assert_tidy(ax)


def test_models_of_other_rows_or_another_scale_are_refused() -> None:
    frame = effects()
    result = synthesis.pool(frame)
    times = pd.DataFrame(
        {"median_months": [5.0, 7.0], "low_months": [3.0, 5.0], "high_months": [8.0, 9.0], "level": 95}
    )
    other = synthesis.pool(measures.effects(times, "log-median"))
    with pytest.raises(SynthesisError, match="models of logit, got one of log-median"):
        plots.forest(result, models=[other])
    with pytest.raises(SynthesisError, match="models of the same rows"):
        plots.forest(result, models=[synthesis.pool(frame.head(5))])
    with pytest.raises(SynthesisError, match="got a frame"):
        plots.forest(frame, models=[result])
    with pytest.raises(UnknownKeyError, match="unknown choice of weights 'both'"):
        plots.forest(result, weights="both")  # type: ignore[arg-type]


# --- rows that could not be pooled ------------------------------------------------------------------------------------


def times() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "trial": ["pooled", "as-well", "third", "no-interval", "unreached", "nothing", "open-end", "range"],
            "median_months": [6.0, 8.0, 5.0, 7.0, np.nan, np.nan, 9.0, 6.5],
            "low_months": [4.0, 6.0, 3.5, np.nan, 12.0, np.nan, 7.0, 1.0],
            "high_months": [9.0, 11.0, 8.0, np.nan, np.nan, np.nan, np.nan, 30.0],
            "level": [95.0, 95.0, 95.0, np.nan, 95.0, np.nan, 95.0, np.nan],
            "interval": ["ci", "ci", "ci", None, "ci", None, "ci", "range"],
            "not_reached": [False] * 4 + [True, True] + [False] * 2,
            "high_status": [None] * 4 + ["not-reached", None, "not-estimable", None],
        }
    )
    return measures.effects(frame, "log-median")


def test_medians_that_were_not_reached_are_arrows_with_words_and_never_dropped() -> None:
    frame = times()
    ax = plots.forest(synthesis.pool(frame), rows=frame)
    assert_tidy(ax)
    shown = column(ax, "study")
    assert set(frame["trial"]) <= set(shown)
    arrows = [text for text in ax.texts if text.get_gid() == "not reached"]
    assert [text.get_text() for text in arrows] == ["not reached"] * 2
    values = dict(zip(shown, column(ax, "value"), strict=True))
    assert values["unreached"] == "not reached (12.0–NR)"
    assert values["nothing"] == "not reached"
    assert values["no-interval"] == "7.0"
    assert values["range"] == "6.5"
    assert values["open-end"].endswith("–NE)")
    heads = [line for line in ax.lines if line.get_gid() == "not reached"]
    assert len(heads) == 3  # two medians and an upper end
    lines = [each for each in ax.collections if isinstance(each, LineCollection) and each.get_gid() == "intervals"]
    starts = sorted(float(each.get_segments()[0][0][0]) for each in lines)
    assert 12.0 in starts
    assert {"NR: not reached; NE: not estimable"} <= set(texts(ax))


def test_rows_that_were_not_pooled_are_hollow_and_have_no_weight() -> None:
    frame = times()
    ax = plots.forest(synthesis.pool(frame), rows=frame)
    np.testing.assert_allclose(sorted(points(ax, "not pooled")[:, 0]), [6.5, 7.0])
    weights = dict(zip(column(ax, "study"), column(ax, "weight 0"), strict=False))
    assert {weights[name] for name in ("no-interval", "unreached", "nothing", "range")} == {"–"}
    assert len(points(ax, "studies")) == 4


def test_what_was_not_reached_is_sorted_behind_all_that_was() -> None:
    frame = times()
    ax = plots.forest(synthesis.pool(frame), rows=frame, sort="estimate")
    assert set(column(ax, "study")[6:8]) == {"unreached", "nothing"}


@pytest.mark.parametrize("name", ["unreached", "nothing", "no-interval"])
def test_one_row_alone_is_drawn(name: str) -> None:
    frame = times()
    ax = plots.forest(frame[frame["trial"] == name])
    assert_tidy(ax)
    assert name in texts(ax)


def test_response_rates_without_counts_are_drawn_as_printed() -> None:
    frame = measures.effects(
        query.proportions(endpoint="orr", her2_directed=True, trial=["zanidatamab-first-in-human", "herizon-btc-01"])
    )
    frame = frame[frame["her2"] == "her2-positive"].reset_index(drop=True)
    others = pd.concat([frame, effects()], ignore_index=True)
    ax = plots.forest(synthesis.pool(others, mix=True), rows=others)
    assert points(ax, "not pooled")[:, 0] == pytest.approx(100 * 0.38)
    assert_tidy(ax)


def test_rows_have_to_be_those_that_were_pooled() -> None:
    frame = effects()
    result = synthesis.pool(frame)
    for wrong in (frame.head(3), frame.set_index(np.zeros(8, int))):
        with pytest.raises(SynthesisError, match="frame that was pooled"):
            plots.forest(result, rows=wrong)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"events": [1], "n": [2]}), "missing columns: measure, yi, vi"),
        (effects().head(0), "got no row"),
        (effects().assign(measure=["logit"] * 4 + ["raw"] * 4), "one measure, got logit, raw"),
    ],
)
def test_frames_that_are_no_effects_are_refused(frame: Any, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        plots.forest(frame)
