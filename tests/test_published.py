"""Analyses and intervals that others have printed, one function per publication."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from herbtc import HerbtcWarning, measures, query, synthesis

if TYPE_CHECKING:
    from herbtc.synthesis import Pooled

DATA = Path(__file__).parent / "reference" / "data"


def effects(data: str, measure: str) -> pd.DataFrame:
    return measures.effects(pd.read_csv(DATA / f"{data}.csv"), measure)


def half_unit(digits: int) -> float:
    """Half a unit of the last printed digit, and a little for halves that were rounded up."""
    return 0.5 * 10.0**-digits * 1.0001


def ends(result: Pooled) -> list[float]:
    return [result.estimate, result.conf_low, result.conf_high]


# --- pooled proportions -----------------------------------------------------------------------------------------------


def test_miller_1978() -> None:
    """Miller JJ. Am Stat 1978;32:138, table on p. 138, and its text on weighted and unweighted means.

    Miller's transform is twice ours. The proportions are those of the metafor project's page "Miller (1978)".
    """
    frame = effects("miller-1978", "freeman-tukey")
    assert (2 * frame["yi"]).tolist() == pytest.approx([1.1391, 1.2888, 1.5253, 0.9515], abs=half_unit(4))
    assert (4 * frame["vi"]).tolist() == pytest.approx([0.0870, 0.0571, 0.0465, 0.1538], abs=half_unit(4))
    with pytest.warns(HerbtcWarning, match="only 4 studies"):
        weighted = synthesis.pool(frame, method="EE", test="wald")
    assert 2 * weighted.beta == pytest.approx(1.3093, abs=half_unit(4))
    assert weighted.estimate == pytest.approx(0.3595, abs=half_unit(4))
    mean = float(frame["yi"].mean())
    assert 2 * mean == pytest.approx(1.2262, abs=half_unit(4))
    harmonic = 4 / float((1 / frame["n"]).sum())
    assert measures.back(mean, "freeman-tukey", harmonic).item() == pytest.approx(0.3164, abs=half_unit(4))


def test_viechtbauer_2010() -> None:
    """Viechtbauer W. R-help, 16 December 2010, on back-transforming Freeman-Tukey effects: five groups."""
    frame = measures.effects(pd.DataFrame({"events": [0, 1, 12, 38, 40], "n": [10, 10, 20, 40, 40]}), "freeman-tukey")
    assert frame["yi"].tolist() == pytest.approx(
        [0.1531387, 0.3733940, 0.8813361, 1.3224900, 1.4923885], abs=half_unit(7)
    )
    assert frame["vi"].tolist() == pytest.approx(
        [0.02380952, 0.02380952, 0.01219512, 0.00617284, 0.00617284], abs=half_unit(8)
    )
    each = [
        measures.back(yi, "freeman-tukey", n).item() for yi, n in frame[["yi", "n"]].itertuples(index=False, name=None)
    ]
    assert each == pytest.approx([0.0, 0.10, 0.60, 0.95, 1.0], abs=1e-9)


def test_zhou_1999() -> None:
    """Zhou XH, Brizendine EJ, Pritz MB. Stat Med 1999;18:557: hyperdynamic therapy, 246 of 326 patients improved.

    Random-effects results as the examples of metadat's help page "dat.pritz1997" print them, and R's binom.test.
    """
    raw = synthesis.pool(effects("pritz-1997", "raw"), test="wald", prediction="z")
    assert [*ends(raw), raw.se] == pytest.approx([0.7968, 0.7138, 0.8797, 0.0423], abs=half_unit(4))
    # metafor prints an upper prediction limit of 1.0629, which is no proportion.
    assert [raw.pred_low, raw.pred_high] == pytest.approx([0.5306, 1.0], abs=half_unit(4))
    logit = synthesis.pool(effects("pritz-1997", "logit"), test="wald", prediction="z")
    assert [*ends(logit), logit.pred_low, logit.pred_high] == pytest.approx(
        [0.7575, 0.6605, 0.8337, 0.4661, 0.9179], abs=half_unit(4)
    )
    low, high = synthesis.exact_interval(np.array([logit.events]), np.array([logit.n]))
    assert [low.item(), high.item()] == pytest.approx([0.7041627, 0.8003469], abs=half_unit(7))


@pytest.mark.parametrize(
    ("data", "beta", "se", "tau2", "rates"),
    [
        ("nielweise-2007-standard", -3.3018, 0.2378, 0.6629, [0.0355, 0.0226, 0.0554]),
        ("nielweise-2007-anti-infective", -4.2604, 0.2589, 0.3928, [0.0139, 0.0084, 0.0229]),
    ],
)
def test_stijnen_2010(data: str, beta: float, se: float, tau2: float, rates: list[float]) -> None:
    """Stijnen T, Hamza TH, Özdemir P. Stat Med 2010;29:3046, Table II (p. 3050), normal-normal model.

    To four digits as in metafor's check of that table; the paper has 0.035 and 0.056 where these digits are 0.0355 and
    0.0554.
    """
    result = synthesis.pool(effects(data, "logit"), test="wald")
    assert [result.beta, result.se, result.tau2] == pytest.approx([beta, se, tau2], abs=half_unit(4))
    assert ends(result) == pytest.approx(rates, abs=half_unit(4))


def test_de_bruin_2009() -> None:
    """De Bruin M et al. Health Psychol 2009;28:668: random-effects model of raw proportions.

    As the example of metadat's help page "dat.debruin2009" prints it.
    """
    result = synthesis.pool(effects("debruin-2009", "raw"), test="wald")
    assert [*ends(result), result.se, result.tau2] == pytest.approx([0.48, 0.39, 0.57, 0.05, 0.02], abs=half_unit(2))
    assert [result.i2, result.h2, result.q] == pytest.approx([91.77, 12.14, 135.51], abs=half_unit(2))


# --- exact intervals that trials print: the shipped figures against mathematics ---------------------------------------


def agree(trial: str, arm: str, digits: int = 1, **expected: float) -> bool:
    """Whether the shipped response rate is the printed one, and percent and interval follow from its counts."""
    rates = query.proportions(trial=trial, arm=arm, endpoint="orr", population="all", reports="all")
    same = np.logical_and.reduce([(rates[name] == value).fillna(value=False) for name, value in expected.items()])
    assert same.any(), f"no such figure is shipped; there are\n{rates[list(expected)]}"
    row = rates[same].iloc[0]
    low, high = synthesis.exact_interval(np.array([row["events"]]), np.array([row["n"]]), row["level"] / 100)
    computed = [100 * row["events"] / row["n"], 100 * low.item(), 100 * high.item()]
    return computed == pytest.approx([row["percent"], row["low"], row["high"]], abs=half_unit(digits))


def test_herizon_btc_01() -> None:
    """Harding JJ et al. Lancet Oncol 2023;24:772, Abstract, Findings: 33 of 80, 41.3 % (95 % CI 30.4-52.8)."""
    assert agree("herizon-btc-01", "cohort-1", events=33, n=80, percent=41.3, low=30.4, high=52.8, level=95)


def test_summit() -> None:
    """Harding JJ et al. Nat Commun 2023, doi:10.1038/s41467-023-36399-y: 4 of 25, 16 % (95 % CI 4.5-36.1)."""
    assert agree("summit", "btc", events=4, n=25, percent=16, low=4.5, high=36.1, level=95)


def test_kcsg_hb19_14() -> None:
    """Lee CK et al. ASCO Annual Meeting 2022, Abstract, Results: 10 of 34, 29.4 % (95 % CI 15.1-47.5)."""
    assert agree("kcsg-hb19-14", "trastuzumab-folfox", events=10, n=34, percent=29.4, low=15.1, high=47.5, level=95)


def test_sgntuc_019() -> None:
    """Nakamura Y et al. J Clin Oncol 2023;41:5569, Abstract: 14 of 30, 46.7 % (90 % CI 30.8-63.0)."""
    assert agree("sgntuc-019", "btc", events=14, n=30, percent=46.7, low=30.8, high=63.0, level=90)


def test_mypathway() -> None:
    """Javle M et al. Lancet Oncol 2021;22:1290, Abstract, Findings: 9 of 39, 23 % (95 % CI 11-39)."""
    assert agree("mypathway", "btc", digits=0, events=9, n=39, percent=23, low=11, high=39, level=95)


def test_herb() -> None:
    """Ohba A et al. J Clin Oncol 2024, doi:10.1200/jco.23.02010, Abstract: 36.4 % of 22 (90 % CI 19.6-56.1)."""
    assert agree("herb", "her2-positive", events=8, n=22, percent=36.4, low=19.6, high=56.1, level=90)
