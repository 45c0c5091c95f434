"""Bayesian random-effects models, by numerical integration over tau."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from attrs import field, frozen
from scipy.special import erfinv, log_expit, softmax

from herbtc.errors import SynthesisError
from herbtc.synthesis._distributions import Bells, NormalMixture, Panels, Rule

if TYPE_CHECKING:
    from attrs import Attribute

    from herbtc.measures import Floats


def _finite(prior: object, attribute: Attribute[float], value: float) -> None:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SynthesisError(f"{type(prior).__name__}: expected a number as {attribute.name}, got {value!r}")


def _positive(prior: object, attribute: Attribute[float], value: float) -> None:
    _finite(prior, attribute, value)
    if value <= 0:
        raise SynthesisError(f"{type(prior).__name__}: expected a {attribute.name} above 0, got {value!r}")


# --- priors -----------------------------------------------------------------------------------------------------------


@frozen
class HalfNormal:
    """Half-normal prior of tau, the standard deviation between studies.

    Attributes
    ----------
    scale : float
        The standard deviation of the normal distribution whose upper half it is; the median is 0.67 times it, and
        95 % of the probability lies below 1.96 times it.

    Examples
    --------
    >>> from herbtc.synthesis import HalfNormal
    >>> round(HalfNormal(0.5).quantile(0.95), 2)
    0.98
    """

    scale: float = field(validator=_positive)

    def log_pdf(self, tau: Floats) -> Floats:
        """Return the logarithm of the density at values of at least 0."""
        constant = 0.5 * math.log(2 / math.pi) - math.log(self.scale)
        return constant - (tau / self.scale) ** 2 / 2

    def quantile(self, p: float) -> float:
        """Return the value below which the probability is p."""
        return float(self.scale * np.sqrt(2) * erfinv(p))

    def __str__(self) -> str:
        return f"half-normal with scale {self.scale:g}"


@frozen
class HalfCauchy:
    """Half-Cauchy prior of tau, the standard deviation between studies: a heavier tail than the half-normal.

    Attributes
    ----------
    scale : float
        Its median.

    Examples
    --------
    >>> from herbtc.synthesis import HalfCauchy
    >>> round(HalfCauchy(0.5).quantile(0.95), 2)
    6.35
    """

    scale: float = field(validator=_positive)

    def log_pdf(self, tau: Floats) -> Floats:
        """Return the logarithm of the density at values of at least 0."""
        constant = math.log(2 / math.pi) - math.log(self.scale)
        return constant - np.log1p((tau / self.scale) ** 2)

    def quantile(self, p: float) -> float:
        """Return the value below which the probability is p."""
        return float(self.scale * np.tan(np.pi * p / 2))

    def __str__(self) -> str:
        return f"half-Cauchy with scale {self.scale:g}"


@frozen
class Normal:
    """Normal prior of the mean effect, on the analysis scale.

    Attributes
    ----------
    mean, sd : float
    """

    mean: float = field(validator=_finite)
    sd: float = field(validator=_positive)

    def log_pdf(self, mu: Floats) -> Floats:
        """Return the logarithm of the density."""
        constant = -0.5 * math.log(2 * math.pi) - math.log(self.sd)
        return constant - ((mu - self.mean) / self.sd) ** 2 / 2

    def __str__(self) -> str:
        return f"normal with mean {self.mean:g} and standard deviation {self.sd:g}"


TauPrior: TypeAlias = HalfNormal | HalfCauchy


@frozen(eq=False)
class Marginals:
    """Posterior distributions of one quantity each, on the analysis scale.

    Attributes
    ----------
    mu, tau, new : Distribution
        The mean effect, the standard deviation between studies, the effect of a new study.
    studies : tuple of Distribution
        The effect of each study.
    """

    mu: NormalMixture
    tau: Panels
    new: NormalMixture
    studies: tuple[NormalMixture, ...]


# --- normal likelihood ------------------------------------------------------------------------------------------------


@frozen(eq=False)
class _Given:
    """What is known of the mean if tau is known: a normal distribution for each of several tau."""

    mean: Floats
    variance: Floats
    log_likelihood: Floats


def _given(y: Floats, v: Floats, tau: Floats, prior: Normal | None) -> _Given:
    w = 1 / (v + tau[:, None] ** 2)
    prior_weight, prior_mean = (0.0, 0.0) if prior is None else (1 / prior.sd**2, prior.mean)
    total = w.sum(axis=1) + prior_weight
    mean = (w @ y + prior_weight * prior_mean) / total
    squares = (w * (y - mean[:, None]) ** 2).sum(axis=1) + prior_weight * (mean - prior_mean) ** 2
    return _Given(mean, 1 / total, (np.log(w).sum(axis=1) - squares - np.log(total)) / 2)


def _masses(rule: Rule, prior: TauPrior, log_likelihood: Floats) -> Floats:
    logs = log_likelihood + prior.log_pdf(rule.nodes) + np.log(rule.weights)
    return np.asarray(softmax(logs), dtype=float)


def _rule(y: Floats, v: Floats, tau: TauPrior, mean: Normal | None, *, panels: int, order: int) -> Rule:
    # The map of the half line is centred on the posterior median, found with a first map centred on the prior's.
    first = Rule(tau.quantile(0.5), 48, 12)
    mass = _masses(first, tau, _given(y, v, first.nodes, mean).log_likelihood)
    return Rule(max(Panels.of(first, mass).median(), 1e-6 * tau.scale), panels, order)


def normal_normal(y: Floats, v: Floats, tau: TauPrior, mean: Normal | None) -> Marginals:
    """Return the posterior of the normal-normal model: given tau everything is normal, and tau is integrated out.

    Parameters
    ----------
    y, v : numpy.ndarray
        Effects and their sampling variances.
    tau : HalfNormal or HalfCauchy
        Prior of the standard deviation between studies.
    mean : Normal or None
        Prior of the mean effect; uniform for None.
    """
    rule = _rule(y, v, tau, mean, panels=48, order=12)
    given = _given(y, v, rule.nodes, mean)
    mass = _masses(rule, tau, given.log_likelihood)
    shrink = rule.nodes[:, None] ** 2 / (rule.nodes[:, None] ** 2 + v)
    centres = shrink * y + (1 - shrink) * given.mean[:, None]
    spreads = np.sqrt(shrink * v + (1 - shrink) ** 2 * given.variance[:, None])
    return Marginals(
        mu=NormalMixture(mass, given.mean, np.sqrt(given.variance)),
        tau=Panels.of(rule, mass),
        new=NormalMixture(mass, given.mean, np.sqrt(given.variance + rule.nodes**2)),
        studies=tuple(NormalMixture(mass, centres[:, i], spreads[:, i]) for i in range(len(y))),
    )


# --- binomial likelihood ----------------------------------------------------------------------------------------------

_Z = np.arange(-8.0, 8.25, 0.5)


def _log_binomial(x: float, n: float, logit: Floats) -> Floats:
    value: Floats = x * log_expit(logit) + (n - x) * log_expit(-logit)
    return value


def log_marginal(x: float, n: float, mu: Floats, tau: Floats) -> Floats:
    """Return the logarithm of a study's likelihood with its own logit integrated out, but for a constant.

    The integrand is bell-shaped, with one peak, so that sums over an even grid about the peak are exact for all that
    matters here. Where events are none or all it falls off like the normal distribution on one side.
    """
    y, v = _rough(np.array(x), np.array(n))
    z = (y - mu) * tau / (tau**2 + v)
    for _ in range(12):
        p = np.exp(log_expit(mu + tau * z))
        curvature = 1 + tau**2 * n * p * (1 - p)
        # Where p is near 0 or 1 a full step would go too far; no step moves the logit by more than 1.5.
        most = 1.5 / tau
        z = z + np.clip((tau * (x - n * p) - z) / curvature, -most, most)
    p = np.exp(log_expit(mu + tau * z))
    width = 1 / np.sqrt(1 + tau**2 * n * p * (1 - p))
    points = z[..., None] + width[..., None] * _Z
    logs = _log_binomial(x, n, mu[..., None] + tau[..., None] * points) - points**2 / 2
    top = logs.max(axis=-1)
    sums = np.exp(logs - top[..., None]).sum(axis=-1) * width * (_Z[1] - _Z[0])
    value: Floats = top + np.log(sums / np.sqrt(2 * np.pi))
    return value


def binomial_normal(x: Floats, n: Floats, tau: TauPrior, mean: Normal, *, shrunken: bool = True) -> Marginals:
    """Return the posterior of the binomial-normal model on the logit scale, with the exact likelihood of the counts.

    Parameters
    ----------
    x, n : numpy.ndarray
        Events and patients.
    tau : HalfNormal or HalfCauchy
    mean : Normal
        Prior of the mean logit. It has to be proper: counts of 0 alone bound the mean on one side only.
    shrunken : bool
        Whether to work out the effects of the studies too, which takes most of the time.
    """
    y, v = _rough(x, n)
    rule = _rule(y, v, tau, mean, panels=10, order=8)
    start = _given(y, v, rule.nodes, mean)
    taus = rule.nodes[:, None]

    def log_study(i: int, mu: Floats) -> Floats:
        return log_marginal(x[i], n[i], mu, np.broadcast_to(taus, mu.shape))

    def log_posterior(mu: Floats) -> Floats:
        return sum((log_study(i, mu) for i in range(len(x))), mean.log_pdf(mu))

    bells = Bells.of(log_posterior, start.mean, np.sqrt(start.variance))
    mass = _masses(rule, tau, bells.log_total)

    def study(i: int) -> NormalMixture:
        # What the other studies say of this one, times its own likelihood.
        others = Bells.through(bells.logs - log_study(i, bells.means), bells.means, bells.sds)
        foreseen = _joint(_masses(rule, tau, others.log_total), others, taus)

        def log_density(logit: Floats) -> Floats:
            return _log_binomial(x[i], n[i], logit) + np.log(np.maximum(foreseen.pdf(logit), 1e-300))

        w, prior = 1 / v[i], 1 / foreseen.sd() ** 2
        centre = (w * y[i] + prior * foreseen.mean()) / (w + prior)
        own = Bells.of(log_density, np.array([centre]), np.array([1 / np.sqrt(w + prior)]))
        return _joint(np.ones(1), own, np.zeros((1, 1)))

    return Marginals(
        mu=_joint(mass, bells, np.zeros_like(taus)),
        tau=Panels.of(rule, mass),
        new=_joint(mass, bells, taus),
        studies=tuple(study(i) for i in range(len(x))) if shrunken else (),
    )


def _rough(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    # Logits that exist for all counts, with their variances: where to look for the peak of a likelihood.
    return np.log((x + 0.5) / (n - x + 0.5)), 1 / (x + 0.5) + 1 / (n - x + 0.5)


def _joint(mass: Floats, bells: Bells, taus: Floats) -> NormalMixture:
    sds = np.sqrt(bells.sds**2 + taus**2)
    return NormalMixture((mass[:, None] * bells.weights).ravel(), bells.means.ravel(), sds.ravel())
