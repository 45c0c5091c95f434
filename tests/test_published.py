"""Analyses and intervals that others have printed, one function per publication."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

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


# --- moderators, deletions, orders and small studies ------------------------------------------------------------------

few = pytest.mark.filterwarnings("ignore::herbtc.HerbtcWarning")
"""What is said about few studies has tests of its own."""


def on_scale(frame: pd.DataFrame) -> pd.DataFrame:
    """Effects that are no proportions, under a measure without a transform; only the analysis scale is looked at."""
    return frame.assign(events=1, n=2, measure="raw")


def bcg() -> pd.DataFrame:
    """Log relative risks of 13 trials of BCG: Colditz GA et al. JAMA 1994;271:698 (as in metadat, `dat.bcg`)."""
    rows = pd.read_csv(DATA.parent / "structure" / "bcg.csv")
    return on_scale(rows.rename(columns={"number": "ablat", "category": "alloc", "order": "year"}))


# Cases and non-cases among the vaccinated, then among the others, in the order of `bcg`.
BCG_COUNTS = np.array(
    [
        [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
        [119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886],
        [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
        [128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825],
    ],
    float,
)


def printed(values: list[float], digits: int) -> Any:
    return pytest.approx(values, abs=half_unit(digits))


def risks(table: pd.DataFrame) -> list[list[float]]:
    """Relative risks with their 95 % Wald intervals."""
    reach = 1.959964 * table["se"]
    return [np.exp(table["beta"] + sign * reach).tolist() for sign in (0, -1, 1)]


def test_viechtbauer_2010_random_effects() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), p. 14: random-effects model of the BCG trials."""
    result = synthesis.pool(bcg(), test="wald")
    assert [result.tau2, result.beta, result.se, result.q] == printed([0.3132, -0.7145, 0.1798, 152.2330], 4)
    assert [result.i2, result.h2] == printed([92.22, 12.86], 2)


@few
def test_viechtbauer_2010_meta_regression() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), pp. 16-17: absolute latitude and year, and the risks they predict.

    The intercept, far outside the years of the studies, and the joint test hang on where the paper's iterations of tau²
    stopped.
    """
    result = synthesis.regress(bcg(), ["ablat", "year"], test="wald")
    table = result.to_frame().set_index("term")
    intercept = table.loc["intercept"]
    assert intercept[["beta", "se", "statistic", "p", "beta_low", "beta_high"]].to_numpy(float) == pytest.approx(
        [-3.5455, 29.0959, -0.1219, 0.9030, -60.5724, 53.4814], rel=5e-5, abs=half_unit(4)
    )
    slopes = table.loc[["ablat", "year"]]
    assert slopes["beta"].tolist() == printed([-0.0280, 0.0019], 4)
    assert slopes["se"].tolist() == printed([0.0102, 0.0147], 4)
    assert slopes["statistic"].tolist() == printed([-2.7371, 0.1299], 4)
    assert slopes["p"].tolist() == printed([0.0062, 0.8966], 4)
    assert slopes["beta_low"].tolist() == printed([-0.0481, -0.0269], 4)
    assert slopes["beta_high"].tolist() == printed([-0.0080, 0.0307], 4)
    assert [result.tau2, result.qe, result.qe_p] == printed([0.1108, 28.3251, 0.0016], 4)
    assert result.qm == pytest.approx(12.2043, rel=5e-5)
    assert result.qm_p == pytest.approx(0.0022, abs=half_unit(4))
    assert result.r2 == pytest.approx(65, abs=half_unit(0))
    at = result.predict(pd.DataFrame({"ablat": [10, 20, 30, 40, 50, 60], "year": 1970}))
    estimate, low, high = risks(at)
    assert estimate == printed([0.9345, 0.7062, 0.5337, 0.4033, 0.3048, 0.2303], 4)
    assert low == printed([0.5833, 0.5149, 0.4196, 0.2956, 0.1916, 0.1209], 4)
    assert high == printed([1.4973, 0.9686, 0.6789, 0.5502, 0.4848, 0.4386], 4)
    _, low, high = risks(at.assign(se=np.sqrt(at["se"] ** 2 + result.tau2)))
    assert low == printed([0.4179, 0.3421, 0.2663, 0.1958, 0.1369, 0.0921], 4)
    assert high == printed([2.0899, 1.4579, 1.0697, 0.8306, 0.6787, 0.5761], 4)


@few
def test_viechtbauer_2010_subgroups() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), p. 19: kinds of allocation in one model with a common tau²."""
    result = synthesis.subgroups(bcg(), "alloc", test="wald", common_tau2=True)
    assert result.names == ("alternate", "random", "systematic")
    parts = result.to_frame().iloc[:-1]
    assert parts["beta"].tolist() == printed([-0.5180, -0.9658, -0.4289], 4)
    assert parts["se"].tolist() == printed([0.4412, 0.2672, 0.3449], 4)
    assert [result.q_between, result.q_between_p] == printed([1.7675, 0.4132], 4)
    as_regression = synthesis.regress(bcg(), "alloc", test="wald")
    assert [as_regression.qm, as_regression.qm_p] == printed([1.7675, 0.4132], 4)


@few
def test_viechtbauer_2010_knapp_and_hartung() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), p. 20: allocation and latitude, Knapp and Hartung's adjustment."""
    result = synthesis.regress(bcg(), ["alloc", "ablat"], test="hksj")
    assert result.references == {"alloc": "alternate"}
    table = result.to_frame()
    assert table["term"].tolist() == ["intercept", "alloc: random", "alloc: systematic", "ablat"]
    assert table["beta"].tolist() == printed([0.2932, -0.2675, 0.0585, -0.0273], 4)
    assert table["se"].tolist() == printed([0.4188, 0.3624, 0.3925, 0.0095], 4)
    assert table["statistic"].tolist() == printed([0.7000, -0.7381, 0.1490, -2.8669], 4)
    assert table["p"].tolist() == printed([0.5016, 0.4793, 0.8849, 0.0186], 4)
    assert table["beta_low"].tolist() == printed([-0.6543, -1.0873, -0.8294, -0.0488], 4)
    assert table["beta_high"].tolist() == printed([1.2407, 0.5523, 0.9463, -0.0058], 4)
    assert [result.tau2, result.qe, result.qe_p, result.qm, result.qm_p] == printed(
        [0.1446, 26.2034, 0.0019, 3.4471, 0.0650], 4
    )
    assert (result.qm_df, result.qm_df_residual) == (3, 9)


@few
def test_viechtbauer_2010_influence() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), pp. 23-24: studentised residuals; study 4 is influential."""
    table = synthesis.influence(bcg(), moderators=["ablat", "year"]).to_frame()
    rows = [0, 1, 2, 3, 6, 11, 12]
    assert table["rstudent"].iloc[rows].tolist() == printed(
        [0.2978, -0.4303, -0.5100, -1.4032, -2.5961, 1.4677, 2.1302], 4
    )
    assert np.flatnonzero(table["influential"]).tolist() == [3]


def test_viechtbauer_2010_leave_one_out() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), p. 24."""
    table = synthesis.leave_one_out(bcg(), test="wald").to_frame()
    estimate, low, high = risks(table)
    assert estimate == printed(
        [0.493, 0.520, 0.504, 0.533, 0.466, 0.491, 0.519, 0.452, 0.477, 0.520, 0.469, 0.468, 0.460], 3
    )
    assert low == printed(
        [0.340, 0.365, 0.350, 0.377, 0.320, 0.332, 0.365, 0.317, 0.324, 0.363, 0.319, 0.327, 0.319], 3
    )
    assert high == printed(
        [0.716, 0.741, 0.725, 0.754, 0.678, 0.727, 0.740, 0.643, 0.701, 0.747, 0.688, 0.668, 0.661], 3
    )
    assert table["q"].iloc[[3, 7]].tolist() == printed([96.563, 67.986], 3)
    assert table["tau2"].tolist() == printed(
        [0.336, 0.293, 0.321, 0.263, 0.328, 0.360, 0.293, 0.273, 0.349, 0.299, 0.340, 0.308, 0.304], 3
    )
    assert table["i2"].iloc[[0, 7]].tolist() == printed([93.226, 87.031], 3)
    assert table["h2"].iloc[[0, 7]].tolist() == printed([14.762, 7.711], 3)


def test_viechtbauer_2010_cumulative() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), p. 33, figure 9."""
    table = synthesis.cumulative(bcg(), by="year", test="wald").to_frame()
    estimate, low, high = risks(table)
    assert estimate == printed([0.41, 0.27, 0.38, 0.37, 0.33, 0.38, 0.41, 0.45, 0.42, 0.46, 0.49, 0.45, 0.49], 2)
    assert low == printed([0.13, 0.13, 0.23, 0.24, 0.22, 0.26, 0.28, 0.31, 0.29, 0.32, 0.35, 0.32, 0.34], 2)
    assert high == printed([1.26, 0.53, 0.61, 0.57, 0.49, 0.55, 0.59, 0.67, 0.62, 0.65, 0.70, 0.64, 0.70], 2)


@few
def test_viechtbauer_2010_small_studies() -> None:
    """Viechtbauer W. J Stat Softw 2010;36(3), pp. 30-32: Egger's test, the total size beside two moderators, and
    trim and fill around a common effect.
    """
    egger = synthesis.small_studies(bcg(), test="egger")
    assert [egger.statistic, egger.p] == printed([-1.4013, 0.1887], 4)
    assert egger.df == 11
    sizes = bcg().assign(total=BCG_COUNTS.sum(axis=0))
    size = synthesis.regress(sizes, ["ablat", "year", "total"], test="wald").coefficients.iloc[-1]
    assert [size["statistic"], size["p"]] == printed([0.7470, 0.4550], 4)
    filled = synthesis.trim_and_fill(bcg(), method="EE")
    assert (filled.side, filled.missing) == ("right", 4)
    # What the paper makes of the points; herbtc itself computes nothing from them.
    result = synthesis.pool(on_scale(filled.to_frame()), method="EE", test="wald")
    assert [result.beta, result.se, result.q] == printed([-0.2910, 0.0383, 262.7316], 4)


@few
def test_lipsey_and_wilson_2001() -> None:
    """Lipsey MW, Wilson DB. Practical Meta-Analysis, 2001: Exhibits 7.3 (p. 133), 7.4 (p. 138), 7.6 and 7.7 (p. 141).

    Numbers as in metafor's check of the book, which notes where the book rounds the last digit otherwise.
    """
    frame = on_scale(
        pd.DataFrame(
            {
                "yi": [-0.33, 0.32, 0.39, 0.31, 0.17, 0.64, -0.33, 0.15, -0.02, 0.00],
                "vi": [0.084, 0.035, 0.017, 0.034, 0.072, 0.117, 0.102, 0.093, 0.012, 0.067],
                "random": [0, 0, 0, 0, 0, 0, 1, 1, 1, 1],
                "intensity": [7, 3, 7, 5, 7, 7, 4, 4, 5, 6],
            }
        )
    )
    one = synthesis.pool(frame, method="EE", test="wald")
    assert [one.beta, one.se, one.q, one.q_p] == printed([0.1549, 0.0609, 14.7640, 0.0976], 4)
    several = synthesis.pool(frame, method="DL", test="wald")
    assert [several.beta, several.se] == printed([0.1534, 0.0858], 4)
    assert several.tau2 == pytest.approx(0.025955, abs=half_unit(6))
    groups = synthesis.subgroups(frame, "random", method="EE", test="wald")
    parts = groups.to_frame().iloc[:-1]
    assert parts["beta"].tolist() == printed([0.2984, -0.0277], 4)
    assert parts["se"].tolist() == printed([0.0813, 0.0917], 4)
    assert parts["q"].tolist() == printed([6.4382, 1.2519], 4)
    assert [groups.q_between, groups.q_between_p] == printed([7.0739, 0.0078], 4)
    fixed = synthesis.regress(frame, ["random", "intensity"], method="EE", test="wald")
    assert fixed.to_frame()["beta"].tolist() == printed([0.3223, -0.3298, -0.0041], 4)
    assert fixed.to_frame()["se"].tolist() == printed([0.2998, 0.1304, 0.0493], 4)
    assert [fixed.qm, fixed.qm_p, fixed.qe, fixed.qe_p] == printed([7.0807, 0.0290, 7.6832, 0.3614], 4)
    mixed = synthesis.regress(frame, ["random", "intensity"], method="DL", test="wald")
    assert mixed.to_frame()["beta"].tolist() == printed([0.3311, -0.3269, -0.0068], 4)
    assert mixed.to_frame()["se"].tolist() == printed([0.3198, 0.1439, 0.0528], 4)
    assert [mixed.qm, mixed.qm_p] == printed([5.5711, 0.0617], 4)
    assert mixed.tau2 == pytest.approx(0.00488, abs=half_unit(5))


@few
def test_van_houwelingen_2002() -> None:
    """Van Houwelingen HC et al. Stat Med 2002;21:589: log odds ratios of BCG trials (Table I), pp. 596-597, 608-609.

    Numbers as on the metafor project's page "van Houwelingen et al. (2002)" and in metafor's check of the paper. The
    paper has 0.703 where these digits are 0.7024, and an interval of tau² by another approximation. The page's lower
    end of 0.1302 is where its root finder stopped; 0.13015 is the root.
    """
    a, b, c, d = BCG_COUNTS
    effects = {"yi": np.log(a * d / (b * c)), "vi": 1 / a + 1 / b + 1 / c + 1 / d}
    frame = on_scale(bcg().assign(**effects))
    one = synthesis.pool(frame, method="EE", test="wald")
    assert np.exp(one.beta + np.array([0, -1, 1]) * 1.959964 * one.se).tolist() == printed([0.6465, 0.5951, 0.7024], 4)
    several = synthesis.pool(frame, method="ML", test="wald")
    assert np.exp(several.beta + np.array([0, -1, 1]) * 1.959964 * several.se).tolist() == printed(
        [0.4762, 0.3360, 0.6749], 4
    )
    assert [several.tau2, several.tau2_high] == printed([0.3025, 1.1812], 4)
    assert several.tau2_low == pytest.approx(0.1302, abs=1e-4)
    latitude = synthesis.regress(frame, "ablat", method="ML", test="wald")
    assert latitude.to_frame()["beta"].tolist() == printed([0.371, -0.033], 3)
    assert latitude.to_frame()["se"].tolist() == printed([0.106, 0.003], 3)
    assert latitude.tau2 == pytest.approx(0.004, abs=half_unit(3))


@few
def test_raudenbush_and_bryk_1985() -> None:
    """Raudenbush SW, Bryk AS. J Educ Stat 1985;10:75, pp. 83-92: what teachers expect, by weeks of acquaintance.

    Also Raudenbush SW. In: The Handbook of Research Synthesis and Meta-Analysis, 2009, Table 16.2, p. 301. Numbers as
    in metafor's checks of both; the paper has Q = 35.85 and 16.58, from unrounded effects. Where tau² is 0, z hangs on
    where the iterations of the checks stopped.
    """
    yi = [0.03, 0.12, -0.14, 1.18, 0.26, -0.06, -0.02, -0.32, 0.27, 0.80, 0.54, 0.18, -0.02, 0.23, -0.18, -0.06, 0.30]
    vi = [156, 216, 279, 1391, 1362, 106, 106, 484, 269, 630, 912, 497, 835, 841, 253, 279, 193, 88, 303]
    weeks = [2, 21, 19, 0, 0, 3, 17, 24, 0, 1, 0, 0, 1, 2, 17, 5, 1, 2, 7]
    frame = on_scale(
        pd.DataFrame({"yi": [*yi, 0.07, -0.07], "vi": np.array(vi) / 10_000, "weeks": np.minimum(weeks, 3)})
    )
    one = synthesis.pool(frame, method="EE", test="wald")
    assert [one.beta, one.q, one.beta / one.se] == printed([0.0604, 35.8295, 1.6553], 4)
    several = synthesis.pool(frame, test="wald")
    assert [several.tau2, several.beta, several.beta / several.se] == printed([0.0188, 0.0837, 1.6208], 4)
    mixed = synthesis.regress(frame, "weeks", test="wald")
    assert mixed.to_frame()["beta"].tolist() == printed([0.4072, -0.1572], 4)
    assert mixed.to_frame()["statistic"].tolist() == pytest.approx([4.6782, -4.3884], abs=1e-4)
    assert [mixed.tau2, mixed.qe] == printed([0.0, 16.5708], 4)


# --- a review of HER2-directed therapy of biliary tract cancer --------------------------------------------------------

REVIEWED = {
    "herizon-btc-01": "cohort-1",
    "mypathway": "btc",
    "sgntuc-019": "btc",
    "herb": "her2-positive",
    "destiny-pantumor02": "btc",
    "tab": "trastuzumab-gemcis",
    "kcsg-hb19-14": "trastuzumab-folfox",
    "summit": "btc",
}


def test_naleid_2025() -> None:
    """Naleid N et al. JCO Precis Oncol 2025;9:e2400594 (PMID 40239136), Abstract, Results: 368 patients, 34 % (24-44).

    The abstract gives k, patients, agents and the REML model, and no study by itself. Its 368 patients are those of the
    eight studies with its seven agents from 2019 to March 2024, with both cohorts of HERIZON-BTC-01 (87); the rate of
    its first cohort (80), which is HER2-positive, gives the printed interval, on the scale of raw proportions.
    """
    rates = query.proportions(endpoint="orr", trial=list(REVIEWED), population="all")
    rates = rates[rates["arm"] == rates["trial"].map(REVIEWED)]
    assert sorted(rates["trial"]) == sorted(REVIEWED)
    assert rates["n"].sum() + 7 == 368
    result = synthesis.pool(measures.effects(rates, "raw"), test="wald", mix="line")
    assert (100 * np.array(ends(result))).tolist() == pytest.approx([34, 24, 44], abs=half_unit(0))


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
