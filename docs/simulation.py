"""Simulate meta-analyses of this field, and count how often each interval holds what it should.

`python docs/simulation.py` writes `simulation.csv` and `images/coverage.png`, in six minutes on one core. What the
page says of them stands in `simulation.md`; `tests/test_simulation.py` checks that what is simulated here is what
`herbtc.synthesis` computes.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr, ndtri, stdtrit

from herbtc.synthesis import HalfNormal, Normal
from herbtc.synthesis._bayes import log_marginal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

DOCS = Path(__file__).parent
STUDIES = (3, 5, 8, 15)
RATES = (0.10, 0.25, 0.50)
TAUS = (0.0, 0.4, 0.8)
PATIENTS = (15, 90)
REPLICATES = 4000
SEED = 20261125
LEVEL = 0.95


# --- data -------------------------------------------------------------------------------------------------------------


def counts(random: np.random.Generator, replicates: int, k: int, rate: float, tau: float) -> tuple[Floats, Floats]:
    """Return events and n of many meta-analyses, one a row: logits are normal about that of the median rate."""
    n = random.integers(*PATIENTS, size=(replicates, k), endpoint=True).astype(float)
    logits = np.log(rate / (1 - rate)) + tau * random.standard_normal((replicates, k))
    return random.binomial(n.astype(int), expit(logits)).astype(float), n


def logits(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return logits and their variances, with 1/2 added to both cells where one is 0, as `measures.effects` does."""
    add = ((x == 0) | (x == n)) / 2
    return np.log((x + add) / (n - x + add)), 1 / (x + add) + 1 / (n - x + add)


# --- two-stage models, all rows at once -------------------------------------------------------------------------------


def mean_and_spread(y: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return weighted means and weighted sums of squares about them."""
    mean = (w * y).sum(axis=1) / w.sum(axis=1)
    return mean, (w * (y - mean[:, None]) ** 2).sum(axis=1)


def dersimonian_laird(y: Floats, v: Floats) -> Floats:
    """Return the estimates of tau² of DerSimonian and Laird."""
    w = 1 / v
    _, q = mean_and_spread(y, w)
    scale = w.sum(axis=1) - (w**2).sum(axis=1) / w.sum(axis=1)
    return np.maximum(0, (q - (y.shape[1] - 1)) / scale)


def paule_mandel(y: Floats, v: Floats) -> Floats:
    """Return the estimates of tau² of Paule and Mandel."""
    return _root(lambda tau2: mean_and_spread(y, 1 / (v + tau2[:, None]))[1] - (y.shape[1] - 1), y, v)


def reml(y: Floats, v: Floats) -> Floats:
    """Return the restricted maximum-likelihood estimates of tau²: the highest of the peaks and 0."""

    def slope(tau2: Floats) -> Floats:
        w = 1 / (v + tau2[:, None])
        mean, _ = mean_and_spread(y, w)
        squares = (w**2 * (y - mean[:, None]) ** 2).sum(axis=1)
        return squares - w.sum(axis=1) + (w**2).sum(axis=1) / w.sum(axis=1)

    def height(tau2: Floats) -> Floats:
        w = 1 / (v + tau2[:, None])
        return np.log(w).sum(axis=1) - np.log(w.sum(axis=1)) - mean_and_spread(y, w)[1]

    top = np.ptp(y, axis=1) ** 2 + v.max(axis=1)
    grid = [np.zeros(len(y)), *(top * step for step in np.geomspace(1e-6, 1, 24))]
    slopes = [slope(tau2) for tau2 in grid]
    best, highest = np.zeros(len(y)), height(np.zeros(len(y)))
    for low, high, before, after in zip(grid, grid[1:], slopes, slopes[1:], strict=False):
        peak = (before > 0) & (after <= 0)
        if peak.any():
            found = np.where(peak, _bisect(slope, low, high), 0)
            heights = height(found)
            better = peak & (heights > highest)
            best, highest = np.where(better, found, best), np.where(better, heights, highest)
    return best


def _bisect(falling: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    for _ in range(60):
        middle = (low + high) / 2
        above = falling(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def _root(excess: Callable[[Floats], Floats], y: Floats, v: Floats) -> Floats:
    high = np.ptp(y, axis=1) ** 2 + v.max(axis=1)
    for _ in range(40):
        high = np.where(excess(high) > 0, 4 * high, high)
    return np.where(excess(np.zeros(len(y))) <= 0, 0, _bisect(excess, np.zeros(len(y)), high))


ESTIMATORS = {"DL": dersimonian_laird, "PM": paule_mandel, "REML": reml}


def two_stage(x: Floats, n: Floats, method: str) -> Iterator[tuple[str, Floats, Floats, Floats]]:
    """Yield test, means, reach of the confidence interval and standard deviation of a new study, for each test."""
    y, v = logits(x, n)
    k = y.shape[1]
    tau2 = ESTIMATORS[method](y, v)
    w = 1 / (v + tau2[:, None])
    mean, spread = mean_and_spread(y, w)
    factor = spread / (k - 1)
    tail = (1 + LEVEL) / 2
    for test, multiplier, quantile in (
        ("wald", np.ones_like(factor), ndtri(tail)),
        ("hksj", factor, stdtrit(k - 1, tail)),
        ("hksj-adhoc", np.maximum(1, factor), stdtrit(k - 1, tail)),
    ):
        variance = multiplier / w.sum(axis=1)
        yield test, mean, quantile * np.sqrt(variance), np.sqrt(variance + tau2)


# --- Bayesian model, all rows at once ---------------------------------------------------------------------------------


def bayes(x: Floats, n: Floats, scale: float) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return central credible intervals of the mean logit and of a new study's, half-normal prior, uniform mean."""
    y, v = logits(x, n)
    points, weights = np.polynomial.legendre.leggauss(60)
    t = (points + 1) / 2
    tau = 0.5 * t / (1 - t)
    w = 1 / (v[:, None, :] + tau[:, None] ** 2)
    total = w.sum(axis=2)
    mean = (w * y[:, None, :]).sum(axis=2) / total
    squares = (w * (y[:, None, :] - mean[..., None]) ** 2).sum(axis=2)
    logs = (np.log(w).sum(axis=2) - squares - np.log(total)) / 2 + HalfNormal(scale).log_pdf(tau)
    mass = np.exp(logs - logs.max(axis=1, keepdims=True)) * weights / (1 - t) ** 2
    mass /= mass.sum(axis=1, keepdims=True)

    def quantile(p: float, sd: Floats) -> Floats:
        far = 40 * sd[:, -8] + 1
        centre = (mass * mean).sum(axis=1)
        return _bisect(lambda at: p - (mass * ndtr((at[:, None] - mean) / sd)).sum(axis=1), centre - far, centre + far)

    sd = 1 / np.sqrt(total)
    new = np.sqrt(sd**2 + tau**2)
    low, high = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    return (quantile(low, sd), quantile(high, sd)), (quantile(low, new), quantile(high, new))


# --- exact likelihood, all rows at once -------------------------------------------------------------------------------

TAU_GRID = np.concatenate([[1e-4], 3.0 * (np.arange(1, 33) / 32) ** 1.5])
SPREAD = 0.25 * np.sinh(np.linspace(-4.4, 4.4, 161))


class Exact:
    """Log-likelihoods of the binomial-normal model on a grid of the mean logit and tau, looked up by events and n.

    Attributes
    ----------
    mu : numpy.ndarray
        The grid of the mean logit, dense about the true one.
    """

    def __init__(self, rate: float) -> None:
        self.mu = float(np.log(rate / (1 - rate))) + SPREAD
        self._points = [each.ravel() for each in np.meshgrid(self.mu, TAU_GRID, indexing="ij")]
        self._table: dict[tuple[float, float], Floats] = {}

    def log_likelihood(self, x: Floats, n: Floats) -> Floats:
        """Return the log-likelihood of one meta-analysis, but for a constant, of shape (mu, tau)."""
        total = np.sum([self._study(float(a), float(b)) for a, b in zip(x, n, strict=True)], axis=0, dtype=float)
        return np.asarray(total).reshape(len(self.mu), len(TAU_GRID))

    def _study(self, x: float, n: float) -> Floats:
        if (x, n) not in self._table:
            self._table[x, n] = log_marginal(x, n, *self._points).astype(np.float32)
        return self._table[x, n]

    def likelihood(self, x: Floats, n: Floats) -> Iterator[tuple[str, Floats, Floats]]:
        """Yield Wald and profile-likelihood intervals of the mean logit, of many meta-analyses."""
        wald, profile = [], []
        quantile = float(ndtri((1 + LEVEL) / 2))
        for row in range(len(x)):
            height = _tops(self.log_likelihood(x[row], n[row]))
            # A polynomial through all nodes near the top: tops are good to 0.001, which three nodes would magnify.
            start = self.mu[height.argmax()]
            near = height > height.max() - 0.6
            near[height.argmax() - 2 : height.argmax() + 3] = True
            curve = np.polynomial.Polynomial.fit(self.mu[near] - start, height[near], min(6, near.sum() - 1))
            peaks = curve.deriv().roots()
            peak = float(peaks[np.abs(peaks).argmin()].real)
            centre, top = float(start) + peak, float(curve(peak))
            reach = quantile / np.sqrt(-curve.deriv(2)(peak))
            wald.append((centre - reach, centre + reach))
            # The signed root of the deviance is nearly a line, so that the grid may be coarse.
            root = np.sign(self.mu - centre) * np.sqrt(np.maximum(0, 2 * (top - height)))
            rising = np.maximum.accumulate(root)
            profile.append((np.interp(-quantile, rising, self.mu), np.interp(quantile, rising, self.mu)))
        yield "binomial-normal wald", *np.array(wald).T
        yield "binomial-normal profile", *np.array(profile).T

    def bayes(self, x: Floats, n: Floats, scale: float) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Return central credible intervals of the mean logit and of a new study's; priors of `pool_bayes_binomial`."""
        prior = Normal(0.0, 2.0).log_pdf(self.mu)[:, None] + HalfNormal(scale).log_pdf(TAU_GRID)
        weights = _trapezoid(self.mu)[:, None] * _trapezoid(TAU_GRID)
        at = self.mu[None, :, None]
        below = ndtr((at.transpose(1, 0, 2) - at) / TAU_GRID)
        ends = []
        for row in range(len(x)):
            logs = self.log_likelihood(x[row], n[row]) + prior
            mass = np.exp(logs - logs.max()) * weights
            mass /= mass.sum()
            mean = np.cumsum(mass.sum(axis=1)) - mass.sum(axis=1) / 2
            new = np.tensordot(below, mass, axes=([1, 2], [0, 1]))
            ends.append([np.interp((1 + sign * LEVEL) / 2, of, self.mu) for of in (mean, new) for sign in (-1, 1)])
        low, high, new_low, new_high = np.array(ends).T
        return (low, high), (new_low, new_high)


def _trapezoid(nodes: Floats) -> Floats:
    halves = np.diff(nodes) / 2
    return np.concatenate([halves, [0.0]]) + np.concatenate([[0.0], halves])


def _tops(heights: Floats) -> Floats:
    """Return the maximum over tau, by the parabola through the highest node and its neighbours."""
    peak = np.clip(heights.argmax(axis=1), 1, heights.shape[1] - 2)
    rows = np.arange(len(heights))
    left, middle, right = (heights[rows, peak + step] for step in (-1, 0, 1))
    t0, t1, t2 = (TAU_GRID[peak + step] for step in (-1, 0, 1))
    slope_left, slope_right = (middle - left) / (t1 - t0), (right - middle) / (t2 - t1)
    bend = (slope_right - slope_left) / (t2 - t0)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.clip((t0 + t1) / 2 - slope_left / (2 * bend), t0, t2)
        top = left + slope_left * (best - t0) + bend * (best - t0) * (best - t1)
    return np.where(bend < 0, np.maximum(top, heights.max(axis=1)), heights.max(axis=1))


# --- the study --------------------------------------------------------------------------------------------------------


def approximate(x: Floats, n: Floats) -> Iterator[tuple[str, str, Floats, Floats]]:
    """Yield method, what is bounded ("mean" or "new") and the ends on the logit scale, with normal likelihoods."""
    k = x.shape[1]
    tail = (1 + LEVEL) / 2
    for method in ESTIMATORS:
        for test, mean, reach, sd in two_stage(x, n, method):
            yield f"{method} {test}", "mean", mean - reach, mean + reach
            if method == "REML" and test == "hksj-adhoc":
                for name, quantile in (("t", stdtrit(k - 1, tail)), ("hts", stdtrit(k - 2, tail)), ("z", ndtri(tail))):
                    yield f"{method} {test}, {name}", "new", mean - quantile * sd, mean + quantile * sd
    for scale in (0.5, 1.0):
        (low, high), (new_low, new_high) = bayes(x, n, scale)
        yield f"Bayes half-normal {scale:g}", "mean", low, high
        yield f"Bayes half-normal {scale:g}", "new", new_low, new_high


def exactly(x: Floats, n: Floats, exact: Exact) -> Iterator[tuple[str, str, Floats, Floats]]:
    """Yield the same with exact likelihoods."""
    for name, low, high in exact.likelihood(x, n):
        yield name, "mean", low, high
    (low, high), (new_low, new_high) = exact.bayes(x, n, 1.0)
    yield "binomial Bayes half-normal 1", "mean", low, high
    yield "binomial Bayes half-normal 1", "new", new_low, new_high


def held(low: Floats, high: Floats, what: str, logit: float, tau: float) -> float:
    """Return the share of intervals that hold the mean, or the mean probability that they hold a new study's logit."""
    if what == "mean" or tau == 0:
        return float(np.mean((low <= logit) & (logit <= high)))
    return float(np.mean(ndtr((high - logit) / tau) - ndtr((low - logit) / tau)))


@lru_cache(maxsize=1)
def _exact(rate: float) -> Exact:
    return Exact(rate)


def study(replicates: int = REPLICATES) -> pd.DataFrame:
    """Return coverage and mean width, in percentage points, of every interval in every setting."""
    rows = []
    for rate, k, tau in product(RATES, STUDIES, TAUS):
        exact = _exact(rate)
        random = np.random.default_rng([SEED, int(100 * rate), k, int(10 * tau)])
        x, n = counts(random, replicates, k, rate, tau)
        logit = float(np.log(rate / (1 - rate)))
        for method, what, low, high in chain(approximate(x, n), exactly(x, n, exact)):
            width = 100 * float(np.mean(expit(high) - expit(low)))
            setting = {"k": k, "rate": rate, "tau": tau, "interval": what, "method": method}
            coverage = 100 * held(low, high, what, logit, tau)
            rows.append({**setting, "coverage": round(coverage, 2), "width": round(width, 2)})
    return pd.DataFrame(rows)


def draw(results: pd.DataFrame, path: Path) -> None:
    """Draw the coverage of the intervals of the mean against k, one panel per tau."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (for the picture only)

    shown = {
        "DL wald": ("Wald, DerSimonian-Laird", "#b0413e", "o"),
        "REML wald": ("Wald, REML", "#d98c3f", "s"),
        "REML hksj": ("Hartung-Knapp, REML", "#7a7a7a", "^"),
        "REML hksj-adhoc": ("Hartung-Knapp with the floor, REML", "#1f5c99", "D"),
        "binomial-normal profile": ("Exact likelihood, profile", "#8a5fa8", "P"),
        "binomial Bayes half-normal 1": ("Exact likelihood, Bayesian", "#3a8f5c", "v"),
    }
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, len(TAUS), sharey=True)
    means = results[results["interval"] == "mean"].groupby(["tau", "method", "k"])["coverage"].mean()
    for ax, tau in zip(axes, TAUS, strict=True):
        ax.axhline(100 * LEVEL, color="black", linewidth=0.8)
        for method, (label, colour, marker) in shown.items():
            line = means.loc[tau, method]
            ax.plot(line.index, line.to_numpy(), color=colour, marker=marker, markersize=4, linewidth=1.3, label=label)
        ax.set_title(f"τ = {tau:g}", fontsize=10)
        ax.set_xticks(STUDIES)
        ax.set_xlabel("studies")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("coverage, %")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Run the study, write its results and draw them."""
    results = study()
    results.to_csv(DOCS / "simulation.csv", index=False)
    draw(results, DOCS / "images" / "coverage.png")


if __name__ == "__main__":
    main()
