"""The exact likelihood of binomial counts whose log odds vary normally from study to study, and its maximum.

Each study's integral over its own log odds is taken by adaptive Gauss-Hermite quadrature: the nodes are centred at the
mode of the integrand and scaled by its curvature (Pinheiro and Bates, J Comput Graph Stat 1995;4:12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen
from scipy.special import expit, gammaln, xlogy

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats

NODES = 25
MODERATE_TAU = 0.8
"""Up to this tau quadrature is centred at the mode; beyond it, where it loses digits, an even grid is taken."""

REACH = 9.0
"""Standard deviations beyond which a normal density is nothing."""

FARTHEST = 40.0
"""Log odds beyond which a rate is 0 or 1 to the last digit."""

LARGEST_TAU = 12.0
"""Where studies have no or all events only, the likelihood rises for ever with tau; nobody's rates differ by more."""

PROFILED_TAU = 40.0
"""Far from its peak the likelihood of a mean can be best at a tau that no peak has."""

_POINTS, _WEIGHTS = np.polynomial.hermite.hermgauss(NODES)
_LOG_WEIGHTS = np.log(_WEIGHTS) + _POINTS**2


@frozen
class Point:
    """Log-likelihood at a mean and a tau, with its slopes and curvatures in both (mean first)."""

    value: float
    slope: Floats
    curvature: Floats


@frozen
class Counts:
    """Events and n of each study, with the part of the likelihood that no parameter changes."""

    x: Floats
    n: Floats
    constant: float

    @classmethod
    def of(cls, x: Floats, n: Floats) -> Counts:
        """Make counts of two arrays of floats."""
        return cls(x, n, float((gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)).sum()))

    def at(self, mean: float, tau: float) -> Point:
        """Return the log-likelihood at a mean log odds and a standard deviation of the studies' log odds."""
        if tau == 0:
            return self._without_spread(mean)
        x, n = self.x[:, None], self.n[:, None]
        nodes, log_weights = self._nodes(mean, tau)
        eta = mean + tau * nodes
        p = expit(eta)
        # The binomial's log(1 - p) is log(p) - eta, and no eta comes near where p would vanish.
        log_terms = n * np.log(p) - (n - x) * eta - nodes**2 / 2 + log_weights
        top = log_terms.max(axis=1, keepdims=True)
        share = np.exp(log_terms - top)
        total = share.sum(axis=1, keepdims=True)
        value = float((top + np.log(total)).sum()) + self.constant
        # Louis (J R Stat Soc B 1982;44:226): slopes and curvatures are moments over each study's own integrand.
        share /= total
        residual = x - n * p
        pull = share * residual
        tilt = pull * nodes
        in_mean, in_tau = pull.sum(axis=1), tilt.sum(axis=1)
        bend = pull * residual - share * (n * p * (1 - p))
        mixed = bend * nodes
        across = float(mixed.sum() - in_mean @ in_tau)
        curvature = np.array(
            [
                [float(bend.sum() - in_mean @ in_mean), across],
                [across, float((mixed * nodes).sum() - in_tau @ in_tau)],
            ]
        )
        return Point(value, np.array([in_mean.sum(), in_tau.sum()]), curvature)

    def _without_spread(self, mean: float) -> Point:
        x, n, p = self.x, self.n, expit(mean)
        value = float((x * mean - n * np.logaddexp(0, mean)).sum()) + self.constant
        # At tau = 0 the slope in tau vanishes by symmetry; its curvature is the slope in tau².
        in_tau = float(((x - n * p) ** 2 - n * p * (1 - p)).sum())
        return Point(
            value,
            np.array([float((x - n * p).sum()), 0.0]),
            np.array([[-float(n.sum()) * p * (1 - p), 0.0], [0.0, in_tau]]),
        )

    def _nodes(self, mean: float, tau: float) -> tuple[Floats, Floats]:
        # Where to look at each study's integrand over its standard normal deviate, and the logarithms of the weights.
        if tau <= MODERATE_TAU:
            z = self._modes(mean, tau)
            p = expit(mean + tau * z)
            scale = np.sqrt(2 / (1 + tau**2 * self.n * p * (1 - p)))
            return z[:, None] + scale[:, None] * _POINTS, np.log(scale / np.sqrt(2 * np.pi))[:, None] + _LOG_WEIGHTS
        # With a wide spread, a study without events has an integrand with one side only, which no bell shape fits.
        # Sums over an even grid are exact to ten digits if its steps are no wider than the narrowest integrand.
        step = 0.9 / np.sqrt(1 + tau**2 * self.n.max() / 4)
        grid = np.arange(-REACH, REACH + step, step)[None, :]
        return grid, np.full_like(grid, np.log(step / np.sqrt(2 * np.pi)))

    def _modes(self, mean: float, tau: float) -> Floats:
        # Newton's steps on a concave function, from the side where they cannot overshoot far.
        z = np.zeros_like(self.x)
        for _ in range(60):
            p = expit(mean + tau * z)
            step = (tau * (self.x - self.n * p) - z) / (1 + tau**2 * self.n * p * (1 - p))
            z += np.minimum(np.maximum(step, -2), 2)
            # Nodes need only lie about the mode, and a step of Newton's leaves the square of its length.
            if np.abs(step).max() < 1e-2:  # noqa: PLR2004
                break
        return z

    def saturated(self) -> float:
        """Return the log-likelihood with a rate of its own for each study."""
        x, n = self.x, self.n
        return float((xlogy(x, x / n) + xlogy(n - x, 1 - x / n)).sum()) + self.constant


@frozen
class Peak:
    """Where the likelihood is greatest: mean, tau, the point there, and whether tau ran to the largest tried."""

    mean: float
    tau: float
    point: Point
    unbounded: bool


def best_mean(counts: Counts, tau: float, start: float) -> tuple[float, Point]:
    """Return the mean that is best for a tau, by Newton's method on a concave function, and the point there."""
    mean = start
    for _ in range(60):
        point = counts.at(mean, tau)
        step = float(np.clip(-point.slope[0] / point.curvature[0, 0], -2, 2))
        mean += step
        if abs(step) < 1e-6 * (1 + abs(mean)):
            point = counts.at(mean, tau)
            break
    return mean, point


def best_tau(counts: Counts, mean: float, start: float) -> tuple[float, Point]:
    """Return the tau that is best for a mean, and the point there."""
    zero = counts.at(mean, 0.0)
    # At a peak the height changes with the square of the place, so half of its digits are enough.
    _, tau, point = _ascend(counts, mean, start, free=(False, True), near=1e-5, most=PROFILED_TAU)
    # Where the slope in tau² is negative at 0, the boundary is a peak of its own.
    return max((0.0, zero), (tau, point), key=lambda pair: pair[1].value)


def highest(counts: Counts) -> Peak:
    """Return where the likelihood is greatest, over the boundary tau = 0 and climbs from two starts."""
    rate = float(counts.x.sum() / counts.n.sum())
    mean, zero = best_mean(counts, 0.0, float(np.log(rate / (1 - rate))))
    peaks = [(mean, 0.0, zero), *(_ascend(counts, mean, start) for start in (0.4, 1.5))]
    best = max(peaks, key=lambda peak: peak[2].value)
    if best[2].value - zero.value < 1e-11:  # noqa: PLR2004  (a spread that adds nothing is none)
        best = peaks[0]
    return Peak(*best, unbounded=best[1] >= LARGEST_TAU * (1 - 1e-9))


def _ascend(
    counts: Counts,
    mean: float,
    tau: float,
    *,
    free: tuple[bool, bool] = (True, True),
    near: float = 1e-9,
    most: float = LARGEST_TAU,
) -> tuple[float, float, Point]:
    # Newton's method in mean and tau with halved steps; the likelihood is even in tau, so a step below 0 is reflected.
    place, moves = np.array([mean, tau]), np.array(free)
    point = counts.at(*place)
    for _ in range(100):
        slope = np.where(moves, point.slope, 0.0)
        bend = np.where(np.outer(moves, moves), point.curvature, np.diag(np.where(moves, 0.0, -1.0)))
        values, vectors = np.linalg.eigh(bend)
        # Directions in which the surface does not bend down are climbed all the same.
        step = np.clip(vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), 1e-4)), -1.5, 1.5)
        while True:
            there = place + step
            there[1] = min(abs(there[1]), most)
            other = counts.at(*there)
            if other.value >= point.value or np.abs(step).max() < 1e-9:  # noqa: PLR2004
                break
            step /= 2
        moved = float(np.abs(there - place).max())
        place, point = there, other
        if moved < near:
            break
    return float(place[0]), float(place[1]), point


def mean_ends(counts: Counts, peak: Peak, drop: float) -> tuple[float, float]:
    """Return the means at which the likelihood, with the best tau for each, is lower by `drop` than at its peak."""
    reach = np.sqrt(-2 * drop / peak.point.curvature[0, 0])
    warm = max(peak.tau, 0.2)

    def excess(mean: float) -> tuple[float, float]:
        nonlocal warm
        tau, point = best_tau(counts, mean, warm)
        warm = max(tau, 0.05)
        return peak.point.value - drop - point.value, -float(point.slope[0])

    low, high = (_crossing(excess, peak.mean, side * reach) for side in (-1, 1))
    return low, high


def tau_ends(counts: Counts, peak: Peak, drop: float) -> tuple[float, float]:
    """Return the taus at which the likelihood, with the best mean for each, is lower by `drop`; 0 where it is not."""

    def excess(tau: float) -> tuple[float, float]:
        _, point = best_mean(counts, tau, peak.mean)
        return peak.point.value - drop - point.value, -float(point.slope[1])

    bend = abs(peak.point.curvature[1, 1])
    reach = float(np.clip(np.sqrt(2 * drop / bend), 0.1, 1.0)) if bend > 0 else 0.5
    low = 0.0
    if peak.tau > 0 and excess(0.0)[0] > 0:
        low = _crossing(excess, peak.tau, -min(reach, 0.9 * peak.tau), least=0.0)
    return low, _crossing(excess, peak.tau, reach)


def _crossing(
    excess: Callable[[float], tuple[float, float]], inside: float, reach: float, *, least: float = -np.inf
) -> float:
    # Where a function (given with its slope) that is below 0 at `inside` comes to 0: Newton's steps, kept between what
    # lies inside and what lies outside; infinite where it stays below 0 however far one goes.
    outside, at = None, inside + reach
    for _ in range(60):
        value, slope = excess(at)
        if value < 0:
            inside = at
        else:
            outside = at
        step = -value / slope if slope * reach > 0 else reach
        there = at + float(np.clip(step, -2 * abs(reach), 2 * abs(reach)))
        if outside is None:
            if abs(at) > FARTHEST:
                return float(np.copysign(np.inf, reach))
            there = max(there, (at + least) / 2) if np.isfinite(least) else there
        elif not min(inside, outside) < there < max(inside, outside):
            there = (inside + outside) / 2
        # Newton's steps shrink to their squares, so what is left after this one is nothing.
        if abs(there - at) < 1e-5 * (1 + abs(at)):
            return there
        at = there
    return at
