"""Selections of the same studies, weighted by any tau², and the estimators of tau² for all of them at once.

A selection says which studies count. Leaving each study out in turn, adding them one by one and splitting them into
groups are all one array of selections, so that the arithmetic runs once over the array and not once per refit.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

_STEPS = 60
_MOST_ITERATIONS = 200
_MOST_NUMBERS = 10_000_000
_EPSILON = float(np.finfo(float).eps)


class Weighted:
    """Weighted least squares in an orthonormal basis of the moderators, one model per row of weights."""

    def __init__(self, w: Floats, y: Floats, basis: Floats) -> None:
        weighted = w[:, None, :] * basis.T
        self.w, self.basis = w, basis
        self.inverse = np.linalg.inv(weighted @ basis)
        self.gamma = (self.inverse @ (weighted @ y)[:, :, None])[:, :, 0]
        self.residuals = y - self.gamma @ basis.T

    @cached_property
    def rss(self) -> Floats:
        """The weighted sum of squared residuals, y'Py."""
        return np.asarray((self.w * self.residuals**2).sum(axis=1))

    @cached_property
    def fall(self) -> Floats:
        """By which y'Py falls as tau² grows, y'PPy."""
        return np.asarray((self.w**2 * self.residuals**2).sum(axis=1))

    @cached_property
    def leverages(self) -> Floats:
        """The diagonal of the hat matrix."""
        return np.asarray(self.w * ((self.basis @ self.inverse) * self.basis).sum(axis=2))

    @cached_property
    def trace(self) -> Floats:
        """The sum of w(1 - leverage), tr P."""
        if self.basis.shape[1] == 1:
            return np.asarray((self.w * others(self.w)).sum(axis=1) / self.w.sum(axis=1))
        return np.asarray((self.w * (1 - self.leverages)).sum(axis=1))


def others(w: Floats) -> Floats:
    """Return for each weight of a row the sum of the others."""
    total = w.sum(axis=-1, keepdims=True)
    # Subtraction loses every digit of the one weight that may outgrow the rest; no other is above half the total.
    largest = np.arange(w.shape[-1]) == w.argmax(axis=-1)[..., None]
    return np.asarray(np.where(largest, np.where(largest, 0.0, w).sum(axis=-1, keepdims=True), total - w))


class Selections:
    """Studies with the selections that are made of them.

    Parameters
    ----------
    y, v : array of shape (studies,)
    basis : array of shape (studies, coefficients)
        Orthonormal columns that span the moderators.
    keep : array of bool, shape (selections, studies)
    """

    def __init__(self, y: Floats, v: Floats, basis: Floats, keep: Flags) -> None:
        self.y, self.v, self.basis, self.keep = y, v, basis, keep
        self.k = keep.sum(axis=1)
        self.df = self.k - basis.shape[1]
        self.every = np.arange(len(keep))

    def weighted(self, w: Floats) -> Weighted:
        """Return the models with weights of one's own, which only the selected studies keep."""
        return Weighted(np.where(self.keep, w, 0.0), self.y, self.basis)

    def at(self, tau2: Floats, which: Places | None = None) -> Weighted:
        """Return the models of the selections, or of some, each with the weights 1/(v + tau²)."""
        which = self.every if which is None else which
        return Weighted(self.keep[which] / (self.v + tau2[:, None]), self.y, self.basis)

    def mean(self, values: Floats) -> Floats:
        """Return the mean of a value over the studies of each selection."""
        return np.asarray((self.keep * values).sum(axis=1) / self.k)

    @cached_property
    def top(self) -> Floats:
        """A tau² as large as the spread of the effects and the largest variance."""
        high, low = (np.where(self.keep, self.y, end) for end in (-np.inf, np.inf))
        return np.asarray((high.max(axis=1) - low.min(axis=1)) ** 2 + np.where(self.keep, self.v, 0.0).max(axis=1))


# --- estimators ---------------------------------------------------------------------------------------------------


def _equal_effects(sets: Selections) -> Floats:
    return np.zeros(len(sets.k))


def _dersimonian_laird(sets: Selections) -> Floats:
    model = sets.at(np.zeros(len(sets.k)))
    return _at_least_0((model.rss - sets.df) / model.trace)


def _hedges(sets: Selections) -> Floats:
    model = sets.weighted(np.ones_like(sets.v))
    explained = (sets.keep * sets.v * (1 - model.leverages)).sum(axis=1)
    return _at_least_0((model.rss - explained) / sets.df)


def _hunter_schmidt(sets: Selections) -> Floats:
    model = sets.at(np.zeros(len(sets.k)))
    return _at_least_0((model.rss - sets.k) / model.w.sum(axis=1))


def _sidik_jonkman(sets: Selections) -> Floats:
    first = sets.mean((sets.y - sets.mean(sets.y)[:, None]) ** 2)
    return np.asarray(first * sets.at(first).rss / sets.df)


def _paule_mandel(sets: Selections) -> Floats:
    return generalised_q_root(sets, sets.df.astype(float))


def _maximum_likelihood(sets: Selections) -> Floats:
    return _highest_peak(sets, restricted=False)


def _restricted_maximum_likelihood(sets: Selections) -> Floats:
    return _highest_peak(sets, restricted=True)


ESTIMATORS: dict[str, Callable[[Selections], Floats]] = {
    "EE": _equal_effects,
    "DL": _dersimonian_laird,
    "PM": _paule_mandel,
    "REML": _restricted_maximum_likelihood,
    "ML": _maximum_likelihood,
    "EB": _paule_mandel,
    "SJ": _sidik_jonkman,
    "HE": _hedges,
    "HS": _hunter_schmidt,
}
"""The estimators of `herbtc.synthesis.TAU2` with moderators, for selections that leave a degree of freedom."""


def estimate(sets: Selections, method: str) -> Floats:
    """Return tau² of each selection, all of which leave a degree of freedom."""
    # The search for peaks looks at a grid of tau² for each selection: so many at a time as memory bears.
    pieces = -(-sets.keep.size * _STEPS // _MOST_NUMBERS)
    blocks = np.array_split(sets.keep, min(pieces, len(sets.keep)))
    return np.concatenate([ESTIMATORS[method](Selections(sets.y, sets.v, sets.basis, block)) for block in blocks])


def _at_least_0(tau2: Floats) -> Floats:
    return np.asarray(np.maximum(0.0, tau2))


def _highest_peak(sets: Selections, *, restricted: bool) -> Floats:
    # The (restricted) likelihood can have several maxima: each zero of its slope is a candidate, and the highest wins.
    def slope(tau2: Floats, which: Places) -> Floats:
        model = sets.at(tau2, which)
        return np.asarray(model.fall - (model.trace if restricted else model.w.sum(axis=1)))

    def height(tau2: Floats, which: Places) -> Floats:
        model = sets.at(tau2, which)
        value = np.log(np.where(model.w > 0, model.w, 1.0)).sum(axis=1) - model.rss
        return np.asarray(value + np.linalg.slogdet(model.inverse)[1] if restricted else value)

    top = sets.top.copy()
    while (rising := slope(top, sets.every) > 0).any():
        top[rising] *= 4
    grid = np.concatenate(([0.0], np.geomspace(1e-9, 1.0, _STEPS))) * top[:, None]
    slopes = slope(grid.ravel(), np.repeat(sets.every, grid.shape[1])).reshape(grid.shape)
    which, place = np.nonzero((slopes[:, :-1] > 0) & (slopes[:, 1:] <= 0))
    peaks = _root(lambda tau2, at: slope(tau2, which[at]), grid[which, place], grid[which, place + 1])
    best, highest = np.zeros(len(top)), height(np.zeros(len(top)), sets.every)
    for peak, of, at in zip(peaks, which, height(peaks, which), strict=True):
        if at > highest[of]:
            best[of], highest[of] = peak, at
    return best


def generalised_q_root(sets: Selections, target: Floats) -> Floats:
    """Return the tau² at which the weighted sum of squares of each selection is its target, 0 where it never is."""

    def excess(tau2: Floats, which: Places) -> Floats:
        return sets.at(tau2, which).rss - target[which]

    found = np.zeros(len(sets.k))
    which = np.flatnonzero(excess(found, sets.every) > 0)
    if len(which):
        top = sets.top[which]
        while (short := excess(top, which) > 0).any():
            top[short] *= 4
        found[which] = _root(lambda tau2, at: excess(tau2, which[at]), np.zeros(len(which)), top)
    return found


def _root(f: Callable[[Floats, Places], Floats], low: Floats, high: Floats) -> Floats:
    """Return the root in each bracket (Chandrupatla, Adv Eng Softw 1997;28:145), to the last digits of a double."""
    a, b = high.copy(), low.copy()
    active = np.arange(len(a))
    fa, fb = f(a, active), f(b, active)
    # The root is at the end where f is least; `a` is always the newest point, `b` on the other side of the root.
    root = np.where(np.abs(fa) < np.abs(fb), a, b)
    t = np.full(len(a), 0.5)
    for _ in range(_MOST_ITERATIONS):
        if not len(active):
            break
        x = a + t * (b - a)
        fx = f(x, active)
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best, fbest = np.where(np.abs(fa) < np.abs(fb), a, b), np.minimum(np.abs(fa), np.abs(fb))
        root[active] = best
        width = np.abs(b - a)
        margin = np.divide(2 * _EPSILON * np.abs(best), width, out=np.ones_like(width), where=width > 0)
        going = (margin < 0.5) & (fbest > 0)  # noqa: PLR2004
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            inverse = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            curved = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
        t = np.clip(np.where(curved & np.isfinite(inverse), inverse, 0.5), margin, 1 - margin)
        a, b, fa, fb, t = (np.asarray(each[going]) for each in (a, b, fa, fb, t))
        active = active[going]
    return root
