"""Names of tests and intervals, and what an analysis asks of its options."""

from __future__ import annotations

from attrs import frozen

from herbtc.errors import SynthesisError, look_up
from herbtc.synthesis._tau2 import TAU2

FEW = 5
"""Below this number of studies every result comes with a `herbtc.HerbtcWarning`."""

TESTS = {
    "wald": "Wald-type confidence interval",
    "hksj": "Hartung-Knapp-Sidik-Jonkman confidence interval",
    "hksj-adhoc": "Hartung-Knapp-Sidik-Jonkman confidence interval with the variance factor kept at 1 or above",
}
"""Tests and confidence intervals, with their names in words."""

PREDICTIONS = {
    "t": "t distribution with k - 1 degrees of freedom",
    "z": "normal distribution",
    "hts": "t distribution with k - 2 degrees of freedom (Higgins, Thompson and Spiegelhalter)",
}
"""Conventions of the prediction interval, in words."""


@frozen(kw_only=True)
class Options:
    """The options of an analysis, by the names and with the words of `herbtc.synthesis.pool`.

    Raises
    ------
    herbtc.UnknownKeyError, herbtc.SynthesisError
        For a word that does not exist, or a level that cannot be.
    """

    method: str = "REML"
    test: str = "wald"
    level: float = 0.95
    prediction: str = "t"

    def __attrs_post_init__(self) -> None:
        look_up("method", self.method, TAU2)
        look_up("test", self.test, TESTS)
        look_up("prediction interval", self.prediction, PREDICTIONS)
        check_level(self.level)


def check_level(level: float) -> None:
    """Raise SynthesisError for a level that is not between 0 and 1."""
    if not 0 < level < 1:
        raise SynthesisError(f"expected a level between 0 and 1, such as 0.95, got {level}")


def p_text(p: float) -> str:
    """Return a p-value as papers print it: ``p = 0.034`` or ``p < 0.001``."""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"  # noqa: PLR2004
