"""The eight studies of docs/figures.md: what metafor's forest plots show, ours show with the same numbers.

`tests/reference/forest.R` wrote the numbers of `forest.json`, and drew the pictures of metafor's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from figures import texts

from herbtc import measures, plots, query, synthesis

if TYPE_CHECKING:
    from herbtc.synthesis import Pooled

pytestmark = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")

REFERENCE = Path(__file__).parent / "reference"
THEIRS: dict[str, Any] = json.loads((REFERENCE / "forest.json").read_text("utf-8"))
CLOSE = 1e-8


def eight() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "forest" / "eight.csv")


def effects() -> pd.DataFrame:
    return measures.effects(eight())


def assert_same(ours: Pooled, theirs: dict[str, Any]) -> None:
    for name in ("estimate", "conf_low", "conf_high", "pred_low", "pred_high", "tau2", "i2", "q", "q_p"):
        expected = np.nan if theirs[name] is None else theirs[name]
        np.testing.assert_allclose(getattr(ours, name), expected, rtol=CLOSE, err_msg=name)
    np.testing.assert_allclose(100 * ours.weights, theirs["weights"], rtol=CLOSE)


def test_the_eight_studies_are_those_of_the_evidence() -> None:
    frame = eight()
    rates = query.proportions(
        endpoint="orr", trial=frame["trial"].tolist(), her2=["her2-positive", "ihc-2+/3+"], btc_only=True
    )
    assert rates[["trial", "line", "events", "n"]].astype(str).to_numpy().tolist() == (
        frame[["trial", "line", "events", "n"]].astype(str).to_numpy().tolist()
    )


def test_both_models_agree_with_metafor() -> None:
    frame = effects()
    assert_same(synthesis.pool(frame, mix="line"), THEIRS["random"])
    assert_same(synthesis.pool(frame, method="EE", test="wald", mix="line"), THEIRS["equal"])


def test_subgroups_and_the_test_between_them_agree_with_metafor() -> None:
    frame = effects()
    result = synthesis.subgroups(frame, by="line")
    np.testing.assert_allclose(result.q_between, THEIRS["between"]["q"], rtol=CLOSE)
    np.testing.assert_allclose(result.q_between_p, THEIRS["between"]["p"], rtol=CLOSE)
    for line, theirs in THEIRS["subgroups"].items():
        assert_same(synthesis.pool(frame[frame["line"] == line]), theirs)


def test_our_figure_shows_each_of_their_numbers() -> None:
    frame = effects()
    random, equal = synthesis.pool(frame, mix="line"), synthesis.pool(frame, method="EE", test="wald", mix="line")
    shown = " | ".join(texts(plots.forest(random, models=[equal], weights="each")))
    for theirs in (THEIRS["random"], THEIRS["equal"]):
        estimate, low, high = (measures.percent(theirs[name]) for name in ("estimate", "conf_low", "conf_high"))
        assert f"{estimate} ({low}–{high})" in shown
        for weight in theirs["weights"]:
            assert f"{weight:.1f} %" in shown
    theirs = THEIRS["random"]
    assert f"({measures.percent(theirs['pred_low'])}–{measures.percent(theirs['pred_high'])})" in shown
    assert f"τ² = {theirs['tau2']:.3f}" in shown
    assert f"I² = {theirs['i2']:.0f} %, Q = {theirs['q']:.1f} (df = 7, p = {theirs['q_p']:.3f})" in shown
    for row in frame.itertuples():
        assert f"{row.events}/{row.n}" in shown
    assert f"{frame['events'].sum()}/{frame['n'].sum()}" in shown


@pytest.mark.parametrize("layout", ["default", "jama", "revman"])
def test_our_figure_shows_subgroups_as_theirs_does(layout: str) -> None:
    shown = " | ".join(texts(plots.forest(synthesis.subgroups(effects(), by="line"), layout=layout)))
    for line, theirs in THEIRS["subgroups"].items():
        assert line in shown
        assert all(measures.percent(theirs[name]) in shown for name in ("estimate", "conf_low", "conf_high"))
        assert f"I² = {theirs['i2']:.0f}" in shown
    assert f"{THEIRS['between']['q']:.2f}" in shown
