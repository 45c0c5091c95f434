"""How journals set a forest plot: order and names of columns, spelling of intervals, p-values and heterogeneity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from herbtc.plots._ink import BLUE, INK, SKY
from herbtc.synthesis import TAU2, p_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Measure
    from herbtc.plots._values import Value
    from herbtc.synthesis import Pooled


@frozen(kw_only=True)
class Spread:
    """Heterogeneity of one group of studies."""

    tau2: float
    i2: float
    q: float
    q_p: float
    k: int
    test: str = "Q"


@frozen(kw_only=True)
class Habit:
    """How a journal sets a forest plot.

    Attributes
    ----------
    study, grouped, subtotal : str
        Header of the first column, and with subgroups; name of the row of a subgroup.
    events, patients : str
        Headers; without `events` both stand in one column.
    left, right : tuple of str
        Names of columns on either side of the plot, in order: ``"events" "n" "total" "value" "weight"``.
    brackets, dash : str
        Of an interval.
    percent : str
        The sign behind a number.
    ruled : bool
        Whether rules stand around the header.
    diamond : str
        Its colour.
    spread, differences, effect : callable
        Heterogeneity in words; the test for differences by statistic, its degrees of freedom and p; the test for an
        overall effect, of ratios only, by statistic, degrees of freedom (0 for a normal one) and p.
    below : bool
        Whether heterogeneity stands under the totals, as rows, and not with the notes.
    gap : float
        Room above a subgroup, in rows.
    label : str
        What stands behind the label of the axis, with the level of the intervals to fill in.
    total, weight : str
        Names of the row of a model, without which models go by their own, and of the column of weights.
    method : bool
        Whether the header names weights and model, and stands above the plot as well.
    """

    study: str
    grouped: str
    subtotal: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    brackets: str
    dash: str
    percent: str
    ruled: bool
    diamond: str
    below: bool
    spread: Callable[[Spread], str]
    differences: Callable[[float, int, int, float], str]
    effect: Callable[[float, int, float], str] | None = None
    gap: float = 0.4
    label: str = ""
    total: str = ""
    weight: str = "Weight"
    method: bool = False

    def interval(self, scale: Measure, low: float, high: float, *, beyond: str = "") -> str:
        """Return the interval as text, without its estimate."""
        opening, closing = self.brackets[0], self.brackets[1]
        ends = [scale.bare(low) if np.isfinite(low) else "–", scale.bare(high) if np.isfinite(high) else beyond or "–"]
        return f"{opening}{self.dash.join(ends)}{closing}"

    def value(self, scale: Measure, value: Value) -> str:
        """Return an estimate with its interval as text."""
        middle = value.instead or scale.bare(value.estimate)
        if not (np.isfinite(value.low) or np.isfinite(value.high) or (value.open and not value.instead)):
            return middle
        return f"{middle} {self.interval(scale, value.low, value.high, beyond=value.open)}"

    def header(self, scale: Measure, level: float, models: tuple[Pooled, ...]) -> str:
        """Return the header of the column of values."""
        interval = f"{100 * level:g}{self.percent} CI"
        if self.method:
            # RevMan names the weights and the model of its first total.
            model = "Random" if models and models[0].method != "EE" else "Fixed"
            return f"{scale.what.capitalize()}\n{f'IV, {model}, ' if models else ''}{interval}"
        return f"{scale.what.capitalize()} ({interval})"

    def share(self, weight: float) -> str:
        """Return a weight as text."""
        return f"{100 * weight:.1f}{'' if '%' in self.weight else self.percent}"

    def model(self, pooled: Pooled, *, alone: bool) -> str:
        """Return the name of the row of a model."""
        if not self.total:
            return model_name(pooled)
        interval = f"{100 * pooled.level:g}{self.percent} CI"
        kind = "" if alone else ("common effect, " if pooled.method == "EE" else f"{_short(pooled)}, ")
        return f"{self.total} ({kind}{interval})"


def _short(pooled: Pooled) -> str:
    return f"random effects, {pooled.method}"


def model_name(pooled: Pooled) -> str:
    """Return the name of a model."""
    return "Equal-effects model" if pooled.method == "EE" else f"Random-effects model ({pooled.method})"


def exact(pooled: Pooled) -> bool:
    """Whether a model is one of counts, which estimate tau² by no estimator of effects."""
    return pooled.method not in TAU2


def spread_of(pooled: Pooled) -> Spread:
    """Return the heterogeneity that a model found."""
    test = "likelihood-ratio statistic" if exact(pooled) else "Q"
    return Spread(tau2=pooled.tau2, i2=pooled.i2, q=pooled.q, q_p=pooled.q_p, k=pooled.k, test=test)


def _p_of_jama(p: float) -> str:
    # No zero before the point; two digits, three below .01.
    if p < 0.001:  # noqa: PLR2004
        return "P < .001"
    text = f"{p:.3f}" if p <= 0.01 else f"{p:.2f}"  # noqa: PLR2004
    return "P > .99" if text == "1.00" else f"P = {text[1:]}"


def _p_of_revman(p: float) -> str:
    for bound in ("0.00001", "0.0001"):
        if p < float(bound):
            return f"P < {bound}"
    return f"P = {p:.2f}" if p >= 0.01 else f"P = {p:.1g}"  # noqa: PLR2004


def _default_spread(spread: Spread) -> str:
    if not np.isfinite(spread.tau2):
        return "τ² is not identified"
    return (
        f"τ² = {spread.tau2:.3f}, I² = {spread.i2:.0f} %, {spread.test} = {spread.q:.1f} "
        f"(df = {spread.k - 1}, {p_text(spread.q_p)})"
    )


def _jama_spread(spread: Spread) -> str:
    chi2 = f"χ²{_subscript(spread.k - 1)} = {spread.q:.2f} ({_p_of_jama(spread.q_p)})"
    return f"Heterogeneity: {chi2}, I² = {spread.i2:.0f}%"


def _revman_spread(spread: Spread) -> str:
    tau2 = f"Tau² = {spread.tau2:.2f}; " if np.isfinite(spread.tau2) else ""
    return (
        f"Heterogeneity: {tau2}Chi² = {spread.q:.2f}, df = {spread.k - 1} ({_p_of_revman(spread.q_p)}); "
        f"I² = {spread.i2:.0f}%"
    )


def _jama_effect(statistic: float, df: int, p: float) -> str:
    told = f"t{_subscript(df)}" if df else "z"
    return f"Test for overall effect: {told} = {statistic:.2f} ({_p_of_jama(p)})".replace("-", "−")


def _revman_effect(statistic: float, df: int, p: float) -> str:
    told = f"T = {abs(statistic):.2f}, df = {df}" if df else f"Z = {abs(statistic):.2f}"
    return f"Test for overall effect: {told} ({_p_of_revman(p)})"


def _subscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _default_differences(statistic: float, df: int, df_residual: int, p: float) -> str:
    told = f"F({df}, {df_residual})" if df_residual else f"χ²({df})"
    return f"Test for differences between subgroups: {told} = {statistic:.2f}, {p_text(p)}"


def _jama_differences(statistic: float, df: int, df_residual: int, p: float) -> str:
    told = f"F({df}, {df_residual})" if df_residual else f"χ²{_subscript(df)}"
    return f"Test for subgroup differences: {told} = {statistic:.2f} ({_p_of_jama(p)})"


def _revman_differences(statistic: float, df: int, df_residual: int, p: float) -> str:
    if df_residual:
        return f"Test for subgroup differences: F = {statistic:.2f}, df = {df}, {df_residual} ({_p_of_revman(p)})"
    i2 = max(0.0, 100 * (statistic - df) / statistic) if statistic > 0 else 0.0
    return f"Test for subgroup differences: Chi² = {statistic:.2f}, df = {df} ({_p_of_revman(p)}), I² = {i2:.1f}%"


# By what the manual of R's meta says of its layouts, after JAMA's instructions for authors and Review Manager 5.
LAYOUTS: dict[str, Habit] = {
    "default": Habit(
        study="Study",
        grouped="Study",
        subtotal="Subtotal",
        left=("total",),
        right=("value", "weight"),
        brackets="()",
        dash="–",
        percent=" %",
        ruled=False,
        diamond=BLUE,
        below=False,
        spread=_default_spread,
        differences=_default_differences,
    ),
    "jama": Habit(
        study="Source",
        grouped="Source",
        subtotal="Subtotal",
        left=("events", "n", "value"),
        right=("weight",),
        brackets="()",
        dash="-",
        percent="%",
        ruled=True,
        diamond=SKY,
        below=True,
        spread=_jama_spread,
        differences=_jama_differences,
        effect=_jama_effect,
        gap=0.1,
        label=", {level:g}% CI",
        total="Total",
        weight="Weight, %",
    ),
    "revman": Habit(
        study="Study",
        grouped="Study or Subgroup",
        subtotal="Subtotal",
        left=("events", "n", "weight", "value"),
        right=(),
        brackets="[]",
        dash=", ",
        percent="%",
        ruled=True,
        diamond=INK,
        below=True,
        spread=_revman_spread,
        differences=_revman_differences,
        effect=_revman_effect,
        total="Total",
        method=True,
    ),
}
"""The layouts of a forest plot by name."""
