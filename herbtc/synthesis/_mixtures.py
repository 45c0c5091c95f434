"""Mixtures of beta distributions: priors and posteriors of a response rate in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from attrs import field, frozen
from scipy.optimize import minimize
from scipy.special import betainc, betaln, expit, log_expit, logsumexp, psi, softmax

from herbtc.errors import SynthesisError, look_up
from herbtc.synthesis._distributions import Distribution, NormalMixture, read_only

if TYPE_CHECKING:
    from herbtc.measures import Floats

_NODES = 1001
_LEAST = 1e-8


@frozen(eq=False)
class BetaMixture(Distribution):
    """A prior (or posterior) of a response rate: a mixture of beta distributions.

    Attributes
    ----------
    weights, a, b : numpy.ndarray
        One value per component; the weights sum to one, the shapes are above 0.

    Examples
    --------
    >>> from herbtc.synthesis import BetaMixture
    >>> prior = BetaMixture([1.0], [11.0], [32.0])
    >>> round(prior.ess(), 6), round(prior.mean(), 3)
    (43.0, 0.256)
    >>> prior.posterior(events=5, n=10)
    <BetaMixture: 1 Beta(16, 37)>
    """

    weights: Floats = field(converter=read_only)
    a: Floats = field(converter=read_only)
    b: Floats = field(converter=read_only)

    def __attrs_post_init__(self) -> None:
        shapes = {self.weights.shape, self.a.shape, self.b.shape}
        if len(shapes) > 1 or self.weights.ndim != 1 or not self.weights.size:
            raise SynthesisError("expected weights, a and b of one length, at least 1")
        if not (np.all(self.weights > 0) and abs(self.weights.sum() - 1) < 1e-9):  # noqa: PLR2004
            raise SynthesisError(f"expected weights above 0 that sum to 1, got {self.weights.tolist()}")
        for name, shape in {"a": self.a, "b": self.b}.items():
            if not np.all((shape > 0) & np.isfinite(shape)):
                raise SynthesisError(f"expected finite values of {name} above 0, got {shape.tolist()}")

    @property
    def support(self) -> tuple[float, float]:
        """From 0 to 1."""
        return 0.0, 1.0

    def mean(self) -> float:
        """Return the mean rate."""
        return float(self.weights @ (self.a / (self.a + self.b)))

    def sd(self) -> float:
        """Return the standard deviation of the rate."""
        total = self.a + self.b
        second = self.a * (self.a + 1) / (total * (total + 1))
        return float(np.sqrt(self.weights @ second - self.mean() ** 2))

    def pdf(self, x: Floats | float) -> Floats:
        """Return the density."""
        p = np.asarray(x, dtype=float)
        inner = (p > 0) & (p < 1)
        q = np.where(inner, p, 0.5)[..., None]
        logs = (self.a - 1) * np.log(q) + (self.b - 1) * np.log1p(-q) - betaln(self.a, self.b)
        return np.where(inner, np.exp(logs) @ self.weights, 0.0)

    def cdf(self, x: Floats | float) -> Floats:
        """Return the probability of a rate of at most x."""
        p = np.clip(np.asarray(x, dtype=float), 0, 1)
        return np.minimum(betainc(self.a, self.b, p[..., None]) @ self.weights, 1.0)

    def ess(self, method: Literal["elir", "moment"] = "elir") -> float:
        """Return the effective sample size: how many patients the prior is worth.

        Parameters
        ----------
        method : str
            ``"elir"``, the expected local information ratio: the curvature of the log prior over the Fisher
            information of one patient, averaged over the prior. It is the one that is predictively consistent: after n
            patients its mean is larger by n. ``"moment"``, the sample size of the beta distribution with the same
            mean and variance, for comparison.

        Raises
        ------
        herbtc.SynthesisError
            With ``"elir"``, if a shape is below 1: its integral does not exist then.

        References
        ----------
        Neuenschwander B et al. Biometrics 2020;76:578 (arXiv 1907.04185).
        """
        look_up("method", method, {"elir": None, "moment": None})
        if method == "moment":
            mean = self.mean()
            return mean * (1 - mean) / self.sd() ** 2 - 1
        if np.any(self.a < 1) or np.any(self.b < 1):
            raise SynthesisError(
                f'the expected local information ratio needs shapes of at least 1; use method="moment" for {self!r}'
            )
        if len(self.weights) == 1 and self.a[0] > 1 and self.b[0] > 1:
            return float(self.a[0] + self.b[0])
        return self._expected_ratio()

    def robust(self, weight: float = 0.2, mean: float = 0.5) -> BetaMixture:
        """Return this prior with a weak component added, so that a conflict with the data is noticed and wins.

        Parameters
        ----------
        weight : float
            Weight of the weak component, between 0 and 1.
        mean : float
            Its mean, between 0 and 1; it is worth two patients, so that a mean of 0.5 makes it uniform.

        References
        ----------
        Schmidli H et al. Biometrics 2014;70:1023.

        Examples
        --------
        >>> from herbtc.synthesis import BetaMixture
        >>> BetaMixture([1.0], [4.0], [16.0]).robust(weight=0.1)
        <BetaMixture: 0.9 Beta(4, 16) + 0.1 Beta(1, 1)>
        """
        for name, value in {"weight": weight, "mean": mean}.items():
            if not 0 < value < 1:
                raise SynthesisError(f"expected a {name} between 0 and 1, got {value}")
        return BetaMixture(
            np.append(self.weights * (1 - weight), weight),
            np.append(self.a, 2 * mean),
            np.append(self.b, 2 * (1 - mean)),
        )

    def posterior(self, events: int, n: int) -> BetaMixture:
        """Return what is known after `events` responses in `n` patients.

        Raises
        ------
        herbtc.SynthesisError
            For events that are no part of n.
        """
        if not 0 <= events <= n:
            raise SynthesisError(f"expected 0 ≤ events ≤ n, got events={events}, n={n}")
        a, b = self.a + events, self.b + n - events
        logs = np.log(self.weights) + betaln(a, b) - betaln(self.a, self.b)
        weights = softmax(logs)
        # A component that the data exclude leaves no trace in double precision, and has to.
        kept = weights > 0
        return BetaMixture(weights[kept] / weights[kept].sum(), a[kept], b[kept])

    def __repr__(self) -> str:
        parts = [f"{w:.3g} Beta({a:.4g}, {b:.4g})" for w, a, b in zip(self.weights, self.a, self.b, strict=True)]
        return f"<BetaMixture: {' + '.join(parts)}>"

    def _expected_ratio(self) -> float:
        # Integrated by parts: with s the slope of the log density, the mean of s² p(1 - p), and 2, less the density at
        # 0 and 1, which only components with a shape of exactly 1 have. Over logits, where a shape just above 1 leaves
        # a very long tail: hence the nodes that spread out, and the factor of the slopes that is kept apart.
        steps = np.linspace(-12.0, 12.0, 6001)[:, None]
        logits = 2 * np.sinh(steps)
        log_p, log_q = log_expit(logits), log_expit(-logits)
        logs = np.log(self.weights) + self.a * log_p + self.b * log_q - betaln(self.a, self.b)
        total = logsumexp(logs, axis=1)
        far = np.abs(logits)
        slopes = (self.a - 1) * np.exp((-logits - far) / 2) - (self.b - 1) * np.exp((logits - far) / 2)
        slope = (np.exp(logs - total[:, None]) * slopes).sum(axis=1)
        widths = 2 * np.cosh(steps[:, 0]) * (steps[1, 0] - steps[0, 0])
        mean = float((np.exp(total + far[:, 0]) * slope**2) @ widths)
        at_ends = self.weights @ (np.where(self.a == 1, self.b, 0) + np.where(self.b == 1, self.a, 0))
        return mean + 2 - float(at_ends)


def fitted(foreseen: NormalMixture, components: int) -> tuple[float, BetaMixture]:
    """Return the beta mixture nearest to a distribution of logits, with its Kullback-Leibler divergence from it."""
    logits = np.linspace(foreseen.at(_LEAST), foreseen.at(1 - _LEAST), _NODES)
    mass = foreseen.pdf(logits)
    mass /= mass.sum()
    log_p, log_q = log_expit(logits), log_expit(-logits)
    entropy = float(mass @ np.log(mass / (logits[1] - logits[0])))

    def parts(theta: Floats) -> tuple[Floats, Floats, Floats]:
        # Shapes of at least 1: every component has its peak inside, and the effective sample size exists.
        w, a, b = theta.reshape(3, components)
        return softmax(w), 1 + np.exp(a), 1 + np.exp(b)

    def loss(theta: Floats) -> tuple[float, Floats]:
        w, a, b = parts(theta)
        logs = np.log(w) + a * log_p[:, None] + b * log_q[:, None] - betaln(a, b)
        total = logsumexp(logs, axis=1)
        share = mass[:, None] * np.exp(logs - total[:, None])
        held = share.sum(axis=0)
        by_a = (share * log_p[:, None]).sum(axis=0) - held * (psi(a) - psi(a + b))
        by_b = (share * log_q[:, None]).sum(axis=0) - held * (psi(b) - psi(a + b))
        slope = np.concatenate([held - w, by_a * (a - 1), by_b * (b - 1)])
        return entropy - float(mass @ total), -slope

    mean = float(mass @ expit(logits))
    variance = float(mass @ (expit(logits) - mean) ** 2)
    size = max(mean * (1 - mean) / variance - 1, 2.5)
    best = (np.inf, np.zeros(3 * components))
    bounds = [(-12.0, 12.0)] * (3 * components)
    for spread in (1.5, 4.0):
        # Components about one mean, from diffuse to concentrated.
        sizes = size * spread ** np.linspace(-1, 1, components) if components > 1 else np.array([size])
        shapes = [np.log(np.maximum(sizes * share - 1, 0.05)) for share in (mean, 1 - mean)]
        start = np.concatenate([np.zeros(components), *shapes])
        found = minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 1000, "maxcor": 30},
        )
        best = min(best, (float(found.fun), found.x), key=lambda each: each[0])
    w, a, b = parts(best[1])
    order = np.argsort(-w)
    return best[0], BetaMixture(w[order], a[order], b[order])
