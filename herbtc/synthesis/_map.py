"""Meta-analytic-predictive priors: what earlier groups of patients say of the rate in a new one, as a prior for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd
from attrs import field, frozen

from herbtc._html import Described
from herbtc.errors import SynthesisError, look_up
from herbtc.measures import effects, percent, rows_named
from herbtc.synthesis._bayes import HalfNormal, Normal, TauPrior, binomial_normal
from herbtc.synthesis._distributions import Distribution, Natural
from herbtc.synthesis._mixtures import BetaMixture, fitted
from herbtc.synthesis._refusals import her2_directed
from herbtc.synthesis._studies import admit
from herbtc.synthesis._told import paragraph, warn

if TYPE_CHECKING:
    from herbtc.synthesis._refusals import Mix

Role: TypeAlias = Literal["benchmark", "same-regimen"]

_ROLES = {
    "benchmark": "the rate that a new treatment has to beat, from arms without HER2-directed therapy",
    "same-regimen": "the rate of a regimen, from earlier groups treated with the same one",
}
_MOST_COMPONENTS = 4
_CLOSE = 0.001


@frozen(kw_only=True, eq=False, repr=False)
class MapPrior(Described):
    """A meta-analytic-predictive prior with everything needed to report and check it.

    Attributes
    ----------
    mixture : BetaMixture
        The prior of the rate in a new group of patients, to be made robust, updated and used in a design.
    predictive : Distribution
        The predictive distribution of that rate that the mixture stands for.
    divergence : float
        Kullback-Leibler divergence of the mixture from it, in nats.
    mu, tau : Distribution
        Posterior of the mean logit and of the standard deviation between groups.
    role : str
        ``"benchmark"`` or ``"same-regimen"``.
    k, n, events : int
        Groups, patients, events that the prior comes from.
    prior, mean_prior
        Priors of tau and of the mean logit.
    rows : pandas.DataFrame
        A copy of the rows that were used.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    mixture: BetaMixture
    predictive: Distribution
    divergence: float
    mu: Distribution
    tau: Distribution
    role: str
    k: int
    n: int
    events: int
    prior: TauPrior
    mean_prior: Normal
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were used."""
        return self._rows.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return the mixture as a frame, one row per component: `weight a b`."""
        return pd.DataFrame({"weight": self.mixture.weights, "a": self.mixture.a, "b": self.mixture.b})

    def describe(self) -> str:
        """Return a paragraph for a protocol or a methods section."""
        low, high = self.predictive.interval()
        parts = [
            (
                f"A meta-analytic-predictive prior of {_ROLES[self.role]}, was derived from {self.events} events in "
                f"{self.n} patients of {self.k} groups, with a binomial-normal random-effects model of logits."
            ),
            (
                f"The prior of tau, the standard deviation between groups, was {self.prior}, that of the mean logit "
                f"{self.mean_prior}."
            ),
            (
                f"The predictive median is {percent(self.predictive.median())} % (95 % interval {percent(low)} to "
                f"{percent(high)}); {self.mixture!r} stands for it with a Kullback-Leibler divergence of "
                f"{self.divergence:.5f}."
            ),
            (
                f"It is worth {self.mixture.ess():.0f} patients by the expected local information ratio, "
                f"{self.mixture.ess('moment'):.0f} by its moments."
            ),
            (
                "If the type I error of a design has to be controlled strictly, borrowing gains it no power "
                "(Kopp-Schneider 2020)."
            ),
        ]
        return paragraph(parts, self.notes, self.release)

    def __repr__(self) -> str:
        notes = f", notes: {len(self.notes)}" if self.notes else ""
        return f"<MapPrior {self.role}: {self.mixture!r}, k={self.k}, n={self.n}{notes}>"


def map_prior(
    frame: pd.DataFrame,
    *,
    role: Role,
    prior: TauPrior | None = None,
    mean_prior: Normal | None = None,
    components: int | None = None,
    mix: Mix = False,
) -> MapPrior:
    """Derive a prior of the response rate in a new group of patients from earlier groups.

    The rate is foreseen by the binomial-normal model of `pool_bayes_binomial`, and what is foreseen is put into a
    mixture of beta distributions, which Bayes' rule updates in closed form.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per earlier group, with `events` and `n`.
    role : str
        What the prior is for, as the rows have to suit it. ``"benchmark"``: the rate that a new treatment has to beat;
        no row may be of HER2-directed therapy. ``"same-regimen"``: the rate of one regimen; all rows have to name the
        same `agents`. Success of other agents is never a prior of a new one.
    prior : HalfNormal or HalfCauchy, optional
        Prior of tau on the logit scale; ``HalfNormal(1.0)`` by default.
    mean_prior : Normal, optional
        Prior of the mean logit; ``Normal(0, 2)`` by default.
    components : int, optional
        Number of components, 1 to 4. By default the fewest whose Kullback-Leibler divergence from the predictive
        distribution is at most 0.001, else 4.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`; the rule of `role` stands.

    Returns
    -------
    MapPrior

    Raises
    ------
    herbtc.SynthesisError
        For rows that do not suit the role, which the message names, and for what `pool` refuses.
    herbtc.UnknownKeyError
        For an unknown role.

    Warns
    -----
    herbtc.HerbtcWarning
        If the frame does not say what the groups were treated with, and as `herbtc.synthesis.pool` does of mixtures.

    References
    ----------
    Neuenschwander B et al. Clin Trials 2010;7:5; Schmidli H et al. Biometrics 2014;70:1023; Weber S et al. J Stat
    Softw 2021;100(19). On power: Kopp-Schneider A et al. Biom J 2020;62:361.

    Examples
    --------
    The rate of a control group in ankylosing spondylitis, from eight trials (Baeten D et al. Lancet 2013;382:1705):

    >>> import pandas as pd
    >>> from herbtc import synthesis
    >>> n = [107, 44, 51, 39, 139, 20, 78, 35]
    >>> trials = pd.DataFrame({"events": [23, 12, 19, 9, 39, 6, 9, 10], "n": n, "agents": "placebo"})
    >>> prior = synthesis.map_prior(trials, role="same-regimen")
    >>> prior.mixture
    <BetaMixture: 0.585 Beta(6.669, 19.56) + 0.312 Beta(36.4, 110.9) + 0.103 Beta(2.187, 4.741)>
    >>> round(prior.mixture.ess()), round(prior.mixture.robust(weight=0.2).ess())
    (37, 26)
    """
    look_up("role", role, _ROLES)
    if components is not None and components not in range(1, _MOST_COMPONENTS + 1):
        raise SynthesisError(f"expected 1 to {_MOST_COMPONENTS} components, got {components}")
    prior = HalfNormal(1.0) if prior is None else prior
    mean = Normal(0.0, 2.0) if mean_prior is None else mean_prior
    studies = admit(effects(frame, "logit"), mix=mix)
    rows = studies.rows
    doubts = (*_unsuited(rows, role), *studies.doubts)
    warn(doubts)
    found = binomial_normal(rows["events"].to_numpy(float), rows["n"].to_numpy(float), prior, mean, shrunken=False)
    for count in range(1, _MOST_COMPONENTS + 1) if components is None else (components,):
        divergence, mixture = fitted(found.new, count)
        if divergence <= _CLOSE:
            break
    return MapPrior(
        mixture=mixture,
        predictive=Natural(found.new, "logit", 1.0),
        divergence=divergence,
        mu=found.mu,
        tau=found.tau,
        role=role,
        k=studies.k,
        n=int(rows["n"].sum()),
        events=int(rows["events"].sum()),
        prior=prior,
        mean_prior=mean,
        notes=(*studies.left_out, *doubts),
        release=studies.release,
        rows=rows,
    )


def _unsuited(rows: pd.DataFrame, role: Role) -> list[str]:
    """Raise SynthesisError for rows that must not speak for this role; return what could not be checked."""
    needed = {"benchmark": "mechanism", "same-regimen": "agents"}[role]
    if needed not in rows.columns:
        return [f"the frame has no column {needed}, so that it is not known whether the rows suit the role {role}"]
    words = rows[needed].astype("string").fillna("").to_numpy()
    if role == "benchmark":
        directed = np.array([her2_directed(str(word)) for word in words])
        if directed.any():
            raise SynthesisError(
                "a benchmark comes from arms without HER2-directed therapy; the success of other agents is no prior of "
                f"a new one: {rows_named(rows, directed)}"
            )
    elif len(set(words)) > 1:
        other = words != words[0]
        raise SynthesisError(
            f"expected one regimen in all rows, {words[0]} as in {rows_named(rows, ~other)}; another in "
            f"{rows_named(rows, other)}"
        )
    return []
