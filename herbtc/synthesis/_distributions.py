"""Distributions of one unknown quantity: density, probability, quantiles, intervals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import field, frozen
from numpy.polynomial import legendre
from scipy.optimize import brentq
from scipy.special import ndtr

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES, Floats
from herbtc.synthesis._conventions import check_level

if TYPE_CHECKING:
    from collections.abc import Callable

Kind: TypeAlias = Literal["central", "shortest"]

KINDS: dict[str, str] = {"central": "equal-tailed", "shortest": "shortest"}
"""Kinds of credible interval, with their names in words."""

_XTOL, _RTOL = 1e-13, 8.9e-16


def read_only(values: npt.ArrayLike) -> Floats:
    """Return a float array that nobody can write to, so that what holds it is frozen."""
    array = np.array(values, dtype=float)
    array.setflags(write=False)
    return array


class Distribution(ABC):
    """Distribution of one unknown quantity, with one peak.

    `pdf`, `cdf` and `quantile` take arrays or numbers and return arrays.
    """

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Ends between which all of the probability lies, but for less than any tolerance."""

    @abstractmethod
    def mean(self) -> float:
        """Return the mean."""

    @abstractmethod
    def sd(self) -> float:
        """Return the standard deviation."""

    @abstractmethod
    def pdf(self, x: Floats | float) -> Floats:
        """Return the density."""

    @abstractmethod
    def cdf(self, x: Floats | float) -> Floats:
        """Return the probability of a value of at most x."""

    def quantile(self, p: Floats | float) -> Floats:
        """Return the values below which the probability is p, strictly between 0 and 1."""
        wanted = np.asarray(p, dtype=float)
        if not np.all((wanted > 0) & (wanted < 1)):
            raise SynthesisError(f"expected probabilities between 0 and 1, got {p}")
        return np.reshape([self.at(float(each)) for each in wanted.ravel()], wanted.shape)

    def median(self) -> float:
        """Return the median."""
        return self.at(0.5)

    def interval(self, level: float = 0.95, kind: Kind = "central") -> tuple[float, float]:
        """Return an interval that holds the probability `level`: equal tails, or as short as can be.

        Parameters
        ----------
        level : float
            Between 0 and 1.
        kind : str
            ``"central"`` or ``"shortest"`` (highest density).
        """
        check_level(level)
        look_up("kind of interval", kind, KINDS)
        if kind == "central":
            return self.at((1 - level) / 2), self.at((1 + level) / 2)
        return self._shortest(level)

    def at(self, p: float) -> float:
        """Return the one value below which the probability is p."""
        low, high = self.support
        return float(brentq(lambda x: float(self.cdf(x)) - p, low, high, xtol=_XTOL, rtol=_RTOL))

    def _shortest(self, level: float) -> tuple[float, float]:
        # With one peak, the shortest interval has the same density at both ends, or begins where the support does.
        def slope(tail: float) -> float:
            ends = np.array([self._lower(tail), self.at(tail + level)])
            return float(-np.diff(self.pdf(ends))[0])

        least = 1e-12
        if slope(0.0) >= 0:
            return self._lower(0.0), self.at(level)
        most = 1 - level - least
        if slope(most) <= 0:
            return self.at(1 - level), self.support[1]
        tail = float(brentq(slope, 0.0, most, xtol=1e-11))
        return self._lower(tail), self.at(tail + level)

    def _lower(self, tail: float) -> float:
        return self.at(tail) if tail > 0 else self.support[0]


@frozen(eq=False)
class NormalMixture(Distribution):
    """Mixture of normal distributions.

    Attributes
    ----------
    weights, means, sds : numpy.ndarray
        One value per component; the weights sum to one.
    """

    weights: Floats = field(converter=read_only, repr=False)
    means: Floats = field(converter=read_only, repr=False)
    sds: Floats = field(converter=read_only, repr=False)

    @property
    def support(self) -> tuple[float, float]:
        """Ten standard deviations around each component."""
        return float((self.means - 10 * self.sds).min()), float((self.means + 10 * self.sds).max())

    def mean(self) -> float:
        """Return the mean."""
        return float(self.weights @ self.means)

    def sd(self) -> float:
        """Return the standard deviation."""
        return float(np.sqrt(self.weights @ (self.sds**2 + (self.means - self.mean()) ** 2)))

    def pdf(self, x: Floats | float) -> Floats:
        """Return the density."""
        density = (np.exp(-(self._standard(x) ** 2) / 2) / self.sds) @ self.weights / np.sqrt(2 * np.pi)
        return np.asarray(density, dtype=float)

    def cdf(self, x: Floats | float) -> Floats:
        """Return the probability of a value of at most x."""
        return np.asarray(ndtr(self._standard(x)) @ self.weights)

    def _standard(self, x: Floats | float) -> Floats:
        return (np.asarray(x, dtype=float)[..., None] - self.means) / self.sds


@frozen(eq=False)
class Panels(Distribution):
    """Distribution of a quantity of at least 0, known by its density at Gauss-Legendre nodes.

    The half line is mapped to 0-1 by ``t = x / (x + scale)`` and cut into panels of one width; within each the density
    is a polynomial, so that integrals of it are exact.

    Attributes
    ----------
    scale : float
        Where the map reaches one half.
    coefficients : numpy.ndarray
        Legendre coefficients of the density of t, one column per panel.
    """

    scale: float
    coefficients: Floats = field(converter=read_only, repr=False)
    _moments: tuple[float, float] = field(repr=False)
    _below: Floats = field(init=False, repr=False)
    _integral: Floats = field(init=False, repr=False)

    @_below.default
    def _sums(self) -> Floats:
        return read_only(np.concatenate([[0.0], np.cumsum(self.coefficients[0])]) / self.coefficients.shape[1])

    @_integral.default
    def _within(self) -> Floats:
        return read_only(legendre.legint(self.coefficients, lbnd=-1) / (2 * self.coefficients.shape[1]))

    @classmethod
    def of(cls, rule: Rule, mass: Floats) -> Panels:
        """Make the distribution with this probability mass at the nodes of a rule; the masses sum to one."""
        density = (mass / rule.t_weights).reshape(rule.panels, rule.order)
        x, w = legendre.leggauss(rule.order)
        degrees = np.arange(rule.order)
        projection = legendre.legvander(x, rule.order - 1) * w[:, None] * (degrees + 0.5)
        mean = float(mass @ rule.nodes)
        return cls(rule.scale, (density @ projection).T, (mean, float(np.sqrt(mass @ (rule.nodes - mean) ** 2))))

    @property
    def support(self) -> tuple[float, float]:
        """From 0 up."""
        return 0.0, 1e15 * self.scale

    def mean(self) -> float:
        """Return the mean."""
        return self._moments[0]

    def sd(self) -> float:
        """Return the standard deviation."""
        return self._moments[1]

    def pdf(self, x: Floats | float) -> Floats:
        """Return the density."""
        x = np.asarray(x, dtype=float)
        panel, place = self._places(np.maximum(x, 0))
        density = legendre.legval(place, self.coefficients[:, panel], tensor=False)
        slope = self.scale / (np.maximum(x, 0) + self.scale) ** 2
        return np.asarray(np.where(x < 0, 0.0, np.maximum(density, 0) * slope), dtype=float)

    def cdf(self, x: Floats | float) -> Floats:
        """Return the probability of a value of at most x."""
        panel, place = self._places(np.maximum(np.asarray(x, dtype=float), 0))
        within = legendre.legval(place, self._integral[:, panel], tensor=False)
        return np.asarray(np.clip(self._below[panel] + within, 0, 1), dtype=float)

    def _places(self, x: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
        panels = self.coefficients.shape[1]
        t = x / (x + self.scale) * panels
        panel = np.minimum(t.astype(np.intp), panels - 1)
        return panel, 2 * (t - panel) - 1


@frozen(eq=False)
class Rule:
    """Nodes and weights to integrate over 0 to infinity, as `Panels` cuts it.

    Attributes
    ----------
    scale : float
    panels, order : int
        Number of panels, and of nodes in each.
    nodes, weights : numpy.ndarray
        Nodes on the half line, with the weights of an integral over it.
    t_weights : numpy.ndarray
        The weights of an integral over t.
    """

    scale: float
    panels: int
    order: int
    nodes: Floats = field(init=False)
    weights: Floats = field(init=False)
    t_weights: Floats = field(init=False)

    def __attrs_post_init__(self) -> None:
        x, w = legendre.leggauss(self.order)
        t = ((np.arange(self.panels)[:, None] + (x + 1) / 2) / self.panels).ravel()
        t_weights = np.tile(w / 2 / self.panels, self.panels)
        object.__setattr__(self, "nodes", read_only(self.scale * t / (1 - t)))
        object.__setattr__(self, "t_weights", read_only(t_weights))
        object.__setattr__(self, "weights", read_only(t_weights * self.scale / (1 - t) ** 2))


@frozen(eq=False)
class Natural(Distribution):
    """A distribution on the analysis scale of a measure, seen on the natural scale: rates 0-1, months, ratios.

    Attributes
    ----------
    inner : Distribution
    measure : str
    n : float
        Harmonic mean of the studies' n, which only ``"freeman-tukey"`` uses.
    """

    inner: Distribution
    measure: str
    n: float

    @property
    def support(self) -> tuple[float, float]:
        """From 0 to 1 for rates, from 0 upwards for months and ratios."""
        return 0.0, MEASURES[self.measure].most

    def mean(self) -> float:
        """Return the mean rate."""
        rates, mass = self._points()
        return float(mass @ rates)

    def sd(self) -> float:
        """Return the standard deviation of the rate."""
        rates, mass = self._points()
        return float(np.sqrt(mass @ (rates - mass @ rates) ** 2))

    def pdf(self, x: Floats | float) -> Floats:
        """Return the density of the rate."""
        p = np.asarray(x, dtype=float)
        inner = (p > 0) & (p < self.support[1])
        q = np.where(inner, p, 0.5)
        step = 1e-5 * np.minimum(q, self.support[1] - q)
        slope = (self._effect(q + step) - self._effect(q - step)) / (2 * step)
        return np.where(inner, self.inner.pdf(self._effect(q)) * slope, 0.0)

    def cdf(self, x: Floats | float) -> Floats:
        """Return the probability of a rate of at most x."""
        p = np.asarray(x, dtype=float)
        inner = (p > 0) & (p < self.support[1])
        below = self.inner.cdf(self._effect(np.where(inner, p, 0.5)))
        return np.where(inner, below, (p > 0).astype(float))

    def at(self, p: float) -> float:
        """Return the one value below which the probability is p."""
        return float(self._back(self.inner.at(p)))

    def _shortest(self, level: float) -> tuple[float, float]:
        # As bayesmeta does: the shortest interval of the analysis scale, seen on this one.
        low, high = self.inner.interval(level, "shortest")
        return float(self._back(low)), float(self._back(high))

    def _points(self) -> tuple[Floats, Floats]:
        # Cells of equal probability would be coarse in the tails; an even grid on the analysis scale is not.
        low, high = self.inner.at(1e-9), self.inner.at(1 - 1e-9)
        grid = np.linspace(low, high, 4001)
        mass = self.inner.pdf(grid)
        return self._back(grid), mass / mass.sum()

    def _effect(self, rate: Floats) -> Floats:
        return MEASURES[self.measure].forth(rate, self.n)

    def _back(self, value: Floats | float) -> Floats:
        return MEASURES[self.measure].back(np.asarray(value, dtype=float), self.n)


_STEP = 0.25
_REACH = 9.0
_STEPS = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
_BELLS = np.exp(-(((_STEPS[:, None] - _STEPS) / _STEP) ** 2) / 2) / (_STEP * np.sqrt(2 * np.pi))


@frozen(eq=False)
class Bells:
    """Bell-shaped densities as mixtures of normal distributions of one width on an even grid, one density a row.

    The mixture passes through the density at every node. For a density without detail finer than the grid it is the
    density, but for about 1e-8, and whatever is done with normal distributions can then be done with it.

    Attributes
    ----------
    log_total : numpy.ndarray
        The logarithm of the integral of each density, shape (j,).
    weights, means, sds : numpy.ndarray
        Of the normal distributions, shape (j, m); the weights of a row sum to one.
    logs : numpy.ndarray
        The logarithm of each density at its nodes, which are the means.
    """

    log_total: Floats
    weights: Floats
    means: Floats
    sds: Floats
    logs: Floats

    @classmethod
    def through(cls, logs: Floats, means: Floats, sds: Floats) -> Bells:
        """Make the mixtures that pass through densities at even nodes."""
        top = logs.max(axis=1)
        heights = np.linalg.solve(_BELLS, np.exp(logs - top[:, None]).T).T
        total = heights.sum(axis=1)
        return cls(top + np.log(total * sds[:, 0] / _STEP), heights / total[:, None], means, sds, logs)

    @classmethod
    def of(cls, log_density: Callable[[Floats], Floats], centre: Floats, scale: Floats) -> Bells:
        """Make the mixtures of densities that are known but for a constant.

        Parameters
        ----------
        log_density : callable
            Takes values of shape (j, m), returns the logarithms of j densities, each at its m values.
        centre, scale : numpy.ndarray
            Rough mean and standard deviation of each of the j densities; the grid is moved to better ones.
        """
        for _ in range(3):
            values = centre[:, None] + scale[:, None] * _STEPS
            logs = log_density(values)
            mass = np.exp(logs - logs.max(axis=1, keepdims=True))
            mass /= mass.sum(axis=1, keepdims=True)
            centre = (mass * values).sum(axis=1)
            scale = np.sqrt((mass * (values - centre[:, None]) ** 2).sum(axis=1))
        values = centre[:, None] + scale[:, None] * _STEPS
        return cls.through(log_density(values), values, np.broadcast_to(scale[:, None] * _STEP, values.shape))
