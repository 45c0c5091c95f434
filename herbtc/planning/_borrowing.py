"""Single-arm designs with a Bayesian rule, and what borrowing from earlier groups does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import evolve, frozen
from scipy.special import betainc, betaln, digamma, expit, log_expit, polygamma, softmax

from herbtc._html import Described
from herbtc.errors import SynthesisError
from herbtc.measures import percent
from herbtc.planning._designs import Design, SingleStage, above, rate_between, signed
from herbtc.planning._sizes import single_stage
from herbtc.synthesis import BetaMixture

if TYPE_CHECKING:
    from collections.abc import Iterable

    from herbtc.measures import Floats

WEAK = BetaMixture([1.0], [1.0], [1.0])
"""The uniform prior of a rate: no borrowing."""

_MOST = 400


@frozen(eq=False)
class BayesDesign(Design):
    """One stage with a Bayesian rule: taken further if the rate exceeds the benchmark with a probability above `cut`.

    Attributes
    ----------
    prior : BetaMixture
        Prior of the treatment's rate; `WEAK` for no borrowing.
    benchmark : float or BetaMixture
        The rate to exceed; a mixture where it is itself known from earlier groups only.
    n : int
    cut : float
        Posterior probability that has to be exceeded.
    """

    prior: BetaMixture
    benchmark: float | BetaMixture
    n: int
    cut: float

    def __attrs_post_init__(self) -> None:
        rate_between("cut", self.cut)
        if isinstance(self.benchmark, float | int):
            rate_between("benchmark", self.benchmark)
        if self.n < 1:
            raise SynthesisError(f"expected at least one patient, got n={self.n}")

    def probability(self) -> Floats:
        """Return the posterior probability of a rate above the benchmark, for 0, 1 … n responses."""
        x = np.arange(self.n + 1.0)[:, None]
        a, b = self.prior.a + x, self.prior.b + self.n - x
        weights = softmax(np.log(self.prior.weights) + betaln(a, b) - betaln(self.prior.a, self.prior.b), axis=1)
        rates, mass = _points(self.benchmark)
        below = betainc(a[..., None], b[..., None], rates) @ mass
        return np.asarray(1 - (weights * below).sum(axis=1))

    @property
    def r(self) -> int:
        """The largest number of responses with which the treatment is not taken further."""
        return int((self.probability() <= self.cut).sum()) - 1

    def success(self, rate: Floats | float) -> Floats:
        """Return the probability of more than r responses."""
        return above(self.r, self.n, rate)

    def describe(self) -> str:
        """Return a paragraph for a protocol."""
        against = f"{percent(self.benchmark)} %" if isinstance(self.benchmark, float | int) else repr(self.benchmark)
        return signed(
            f"Bayesian single-stage design: {self.n} patients; the treatment is taken further if its rate exceeds "
            f"{against} with a posterior probability above {self.cut:.4g}, which takes more than {self.r} responses. "
            f"The prior of its rate is {self.prior!r}."
        )


def bayes_design(
    prior: BetaMixture, benchmark: float | BetaMixture, p1: float, *, power: float = 0.8, cut: float = 0.95
) -> BayesDesign:
    """Return the Bayesian single-stage design with the fewest patients that has the power at p1.

    Its type I error is not controlled; look at `BayesDesign.characteristics`.

    Parameters
    ----------
    prior : BetaMixture
        Prior of the treatment's rate: `WEAK`, or one from earlier groups of the same regimen (see
        `herbtc.synthesis.map_prior`), made robust.
    benchmark : float or BetaMixture
        The rate to exceed, fixed or as known from earlier groups under standard care.
    p1, power : float
        The power, at least, at this rate.
    cut : float
        Posterior probability that has to be exceeded.

    Raises
    ------
    herbtc.SynthesisError
        For numbers that are not between 0 and 1, and if 400 patients are not enough.

    Examples
    --------
    >>> from herbtc import planning
    >>> design = planning.bayes_design(planning.WEAK, 0.15, 0.40, power=0.80, cut=0.95)
    >>> design.n, design.r
    (13, 3)
    >>> f"type I error: {design.success(0.15):.3f}"
    'type I error: 0.118'
    """
    for name, value in {"p1": p1, "power": power, "cut": cut}.items():
        rate_between(name, value)
    for n in range(1, _MOST + 1):
        design = BayesDesign(prior, benchmark, n, cut)
        if float(design.success(p1)) >= power:
            return design
    raise SynthesisError(f"{_MOST} patients are not enough for a power of {power} at {p1}")


@frozen(eq=False)
class Borrowing(Described):
    """The same question with and without borrowing.

    Attributes
    ----------
    exact : SingleStage
        The exact design without borrowing.
    weak, borrowed : BayesDesign
        Bayesian designs with the cut 1 - alpha and a uniform prior, and with the prior.
    calibrated : BayesDesign
        With the prior, and with the cut at which the type I error at p0 is at most alpha: the exact test again.
    alpha, power : float
        What was asked for.
    """

    exact: SingleStage
    weak: BayesDesign
    borrowed: BayesDesign
    calibrated: BayesDesign
    alpha: float
    power: float

    def to_frame(self) -> pd.DataFrame:
        """Return the four designs, one row each: `design n r cut type1 power`, type I error at p0 and power at p1."""
        p0, p1 = self.exact.p0, self.exact.p1
        return pd.DataFrame(
            [
                {
                    "design": name,
                    "n": design.n,
                    "r": design.r,
                    "cut": design.cut if isinstance(design, BayesDesign) else np.nan,
                    "type1": float(design.success(p0)),
                    "power": float(design.success(p1)),
                }
                for name, design in self._designs().items()
            ]
        )

    def characteristics(self, rates: Iterable[float] | None = None) -> pd.DataFrame:
        """Return the probability of success of the four designs, one row per true rate, one column per design."""
        frames = {name: design.characteristics(rates) for name, design in self._designs().items()}
        first = next(iter(frames.values()))
        return first[["rate"]].assign(**{name: frame["success"] for name, frame in frames.items()})

    def describe(self) -> str:
        """Return a paragraph for a protocol."""
        table = self.to_frame().set_index("design")
        p0, p1 = percent(self.exact.p0), percent(self.exact.p1)
        return signed(
            f"Without borrowing, {self.exact.n} patients give a power of {table.power['exact']:.3f} at {p1} % with a "
            f"type I error of {table.type1['exact']:.3f} at {p0} %.\n"
            f"With the prior {self.borrowed.prior!r} and a cut of {self.borrowed.cut:.4g}, {self.borrowed.n} patients "
            f"do, at a type I error of {table.type1['borrowed']:.3f}.\n"
            f"If the type I error has to stay at {self.alpha:g}, the cut has to rise to {self.calibrated.cut:.4g}, and "
            f"{self.calibrated.n} patients are needed again: under strict control borrowing gains no power "
            f"(Kopp-Schneider 2020)."
        )

    def _designs(self) -> dict[str, SingleStage | BayesDesign]:
        return {"exact": self.exact, "weak": self.weak, "borrowed": self.borrowed, "calibrated": self.calibrated}


def borrowing(prior: BetaMixture, p0: float, p1: float, *, alpha: float = 0.05, power: float = 0.8) -> Borrowing:
    """Compare designs with and without borrowing, with and without control of the type I error.

    Whatever the prior, the rule is "more than r responses". So a rule whose type I error at p0 is at most alpha is
    never better than the exact test, and what borrowing seems to save is paid for in type I error.

    Parameters
    ----------
    prior : BetaMixture
        Prior of the treatment's rate from earlier groups of the same regimen.
    p0, p1, alpha, power : float
        See `single_stage`.

    Returns
    -------
    Borrowing

    Raises
    ------
    herbtc.SynthesisError
        As `single_stage` and `bayes_design`.

    References
    ----------
    Kopp-Schneider A, Calderazzo S, Wiesenfarth M. Biom J 2020;62:361 (PMC7079072).

    Examples
    --------
    >>> from herbtc import planning
    >>> from herbtc.synthesis import BetaMixture
    >>> prior = BetaMixture([1.0], [8.0], [14.0]).robust(weight=0.5)
    >>> planning.borrowing(prior, 0.15, 0.40).to_frame().round(3)
           design   n  r    cut  type1  power
    0       exact  22  6    NaN  0.037  0.842
    1        weak  13  3  0.950  0.118  0.831
    2    borrowed   7  1  0.950  0.283  0.841
    3  calibrated  22  6  0.985  0.037  0.842
    """
    exact = single_stage(p0, p1, alpha, power)
    borrowed = bayes_design(prior, p0, p1, power=power, cut=1 - alpha)
    calibrated = evolve(borrowed, n=exact.n)
    # The rule of the exact test: with exact.r responses the posterior probability is not above the cut.
    calibrated = evolve(calibrated, cut=float(calibrated.probability()[exact.r]))
    return Borrowing(
        exact=exact,
        weak=bayes_design(WEAK, p0, p1, power=power, cut=1 - alpha),
        borrowed=borrowed,
        calibrated=calibrated,
        alpha=alpha,
        power=power,
    )


def _points(benchmark: float | BetaMixture) -> tuple[Floats, Floats]:
    """Return rates, with probabilities that sum to one, that stand for the benchmark in a mean over it."""
    if not isinstance(benchmark, BetaMixture):
        return np.array([float(benchmark)]), np.ones(1)
    # An even grid of logits for each component, as wide as that is.
    a, b = benchmark.a[:, None], benchmark.b[:, None]
    logits = digamma(a) - digamma(b) + np.sqrt(polygamma(1, a) + polygamma(1, b)) * np.linspace(-14.0, 14.0, 561)
    mass = softmax(a * log_expit(logits) + b * log_expit(-logits), axis=1) * benchmark.weights[:, None]
    return expit(logits).ravel(), mass.ravel()
