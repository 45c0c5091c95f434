"""Designs of single-arm trials, and the exact probabilities of what comes out of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import frozen
from scipy.special import bdtrc, gammaln, xlog1py, xlogy

from herbtc._html import Described
from herbtc._version import __version__
from herbtc.errors import SynthesisError
from herbtc.measures import percent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import numpy.typing as npt

    from herbtc.measures import Floats

    Counts = npt.NDArray[np.integer[Any]]

_RATES = np.linspace(0.0, 1.0, 101)


class Design(Described):
    """A single-arm design whose decision depends on the number of responses only."""

    n: int

    @abstractmethod
    def success(self, rate: Floats | float) -> Floats:
        """Return the probability that the treatment is taken further if its true rate is `rate`."""

    def early_stop(self, rate: Floats | float) -> Floats:
        """Return the probability that the trial ends before all n patients are treated."""
        return np.zeros_like(np.asarray(rate, dtype=float))

    def expected_n(self, rate: Floats | float) -> Floats:
        """Return the mean number of patients."""
        return np.full_like(np.asarray(rate, dtype=float), self.n)

    def characteristics(self, rates: Iterable[float] | None = None) -> pd.DataFrame:
        """Return how the design behaves, one row per true rate: `rate success expected_n early_stop`.

        At and below the null rate `success` is the type I error, above it the power.
        """
        at = _RATES if rates is None else np.array([rate_between("rate", rate, ends=True) for rate in rates])
        return pd.DataFrame(
            {
                "rate": at,
                "success": self.success(at),
                "expected_n": self.expected_n(at),
                "early_stop": self.early_stop(at),
            }
        )


@frozen
class SingleStage(Design):
    """One stage: n patients, taken further with more than r responses.

    Attributes
    ----------
    r, n : int
    p0, p1 : float
        Null rate, and the rate that the power is for.
    """

    r: int
    n: int
    p0: float
    p1: float

    @property
    def alpha(self) -> float:
        """Type I error at the null rate."""
        return float(self.success(self.p0))

    @property
    def power(self) -> float:
        """Power at p1."""
        return float(self.success(self.p1))

    def success(self, rate: Floats | float) -> Floats:
        """Return the probability of more than r responses."""
        return above(self.r, self.n, rate)

    def describe(self) -> str:
        """Return a paragraph for a protocol."""
        return signed(
            f"Exact single-stage design: {self.n} patients; the treatment is taken further with more than {self.r} "
            f"responses. Against a rate of {percent(self.p0)} % the type I error is {self.alpha:.4f}, the power at "
            f"{percent(self.p1)} % is {self.power:.4f}."
        )


@frozen
class TwoStage(Design):
    """Two stages with a stop for futility, after Simon (1989).

    Attributes
    ----------
    r1, n1 : int
        The trial ends after n1 patients if at most r1 have responded.
    r, n : int
        The treatment is taken further with more than r responses in all n patients.
    p0, p1 : float
        Null rate, and the rate that the power is for.
    """

    r1: int
    n1: int
    r: int
    n: int
    p0: float
    p1: float

    @property
    def alpha(self) -> float:
        """Type I error at the null rate."""
        return float(self.success(self.p0))

    @property
    def power(self) -> float:
        """Power at p1."""
        return float(self.success(self.p1))

    def success(self, rate: Floats | float) -> Floats:
        """Return the probability of going on to stage 2 and of more than r responses in all."""
        p = np.asarray(rate, dtype=float)[..., None]
        first = np.arange(self.r1 + 1, self.n1 + 1)
        return np.asarray((pmf(first, self.n1, p) * above(self.r - first, self.n - self.n1, p)).sum(axis=-1))

    def early_stop(self, rate: Floats | float) -> Floats:
        """Return the probability of at most r1 responses in the first n1 patients."""
        return 1 - above(self.r1, self.n1, rate)

    def expected_n(self, rate: Floats | float) -> Floats:
        """Return the mean number of patients."""
        return self.n1 + (1 - self.early_stop(rate)) * (self.n - self.n1)

    def describe(self) -> str:
        """Return a paragraph for a protocol."""
        return signed(
            f"Two-stage design after Simon (1989): {self.n1} patients in stage 1; with at most {self.r1} responses the "
            f"trial ends; {self.n} patients in all, and the treatment is taken further with more than {self.r} "
            f"responses. Against a rate of {percent(self.p0)} % the type I error is {self.alpha:.4f}, the probability "
            f"of an early end {float(self.early_stop(self.p0)):.4f} and the mean number of patients "
            f"{float(self.expected_n(self.p0)):.1f}; the power at {percent(self.p1)} % is {self.power:.4f}."
        )


@frozen
class SimonDesigns:
    """Simon's two-stage designs for one pair of hypotheses.

    Attributes
    ----------
    optimal : TwoStage
        The smallest mean number of patients under the null rate.
    minimax : TwoStage
        The smallest number of patients in all, and the smallest mean number among those.
    admissible : tuple of TwoStage
        Both, and the designs between them that are best for some weight of the two numbers (Jung 2004), by n.
    """

    optimal: TwoStage
    minimax: TwoStage
    admissible: tuple[TwoStage, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the admissible designs, one row each: `r1 n1 r n expected_n early_stop alpha power`."""
        return pd.DataFrame(
            [
                {
                    "r1": design.r1,
                    "n1": design.n1,
                    "r": design.r,
                    "n": design.n,
                    "expected_n": float(design.expected_n(design.p0)),
                    "early_stop": float(design.early_stop(design.p0)),
                    "alpha": design.alpha,
                    "power": design.power,
                }
                for design in self.admissible
            ]
        )

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, border=0))


# --- binomial probabilities -------------------------------------------------------------------------------------------


def above(r: Counts | int, n: int, rate: Floats | float) -> Floats:
    """Return the probability of more than r of n."""
    r, p = np.asarray(r), np.asarray(rate, dtype=float)
    inside = bdtrc(np.clip(r, 0, n), n, p)
    return np.asarray(np.where(r < 0, 1.0, np.where(r >= n, 0.0, inside)), dtype=float)


def pmf(x: Counts, n: int, p: Floats | float) -> Floats:
    """Return the probability of exactly x of n."""
    logs = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1) + xlogy(x, p) + xlog1py(n - x, -np.asarray(p))
    return np.asarray(np.exp(logs), dtype=float)


def rate_between(name: str, value: float, *, ends: bool = False) -> float:
    """Return a rate, or raise SynthesisError if it is not between 0 and 1."""
    if not (0 < value < 1 or (ends and value in (0, 1))):
        raise SynthesisError(f"expected a {name} between 0 and 1, got {value}")
    return value


def signed(text: str) -> str:
    """Return a paragraph with the version that computed it."""
    return f"{text}\nComputed with herbtc {__version__}."
