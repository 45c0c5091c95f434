"""Several studies to one posterior: Bayesian random-effects models and what they say of a new study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from attrs import field, frozen

from herbtc._html import Described
from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES, effects
from herbtc.synthesis._bayes import HalfNormal, Marginals, Normal, TauPrior, binomial_normal, normal_normal
from herbtc.synthesis._conventions import FEW, check_level
from herbtc.synthesis._distributions import KINDS, Distribution, Kind, Natural
from herbtc.synthesis._refusals import one_measure
from herbtc.synthesis._studies import admit, counted, harmonic
from herbtc.synthesis._told import paragraph, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.synthesis._distributions import NormalMixture, Panels
    from herbtc.synthesis._refusals import Mix


@frozen(kw_only=True, eq=False, repr=False)
class Posterior(Described):
    """What is known after several studies, with everything needed to report, check and draw it.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        Rate (0-1), median or ratio of the median study: posterior median and credible interval.
    pred_low, pred_high : float
        Credible interval of that of a new study.
    beta, se : float
        Posterior mean and standard deviation of the mean effect on the analysis scale.
    tau_median, tau_low, tau_high : float
        Posterior median and credible interval of the standard deviation between studies.
    mu, tau, new : Distribution
        Posterior of the mean effect, of the standard deviation between studies and of the effect of a new study, on
        the analysis scale, with `pdf cdf quantile median mean sd interval`.
    studies : tuple of Distribution
        Posterior of the effect of each row: shrunken towards the mean.
    k : int
        Studies.
    n, events : int or None
        Patients and events; None where a row does not print them, or the measure does not count them.
    measure, likelihood : str
        Analysis scale, and ``"normal"`` or ``"binomial"``.
    prior : HalfNormal or HalfCauchy
        Prior of tau.
    mean_prior : Normal or None
        Prior of the mean effect; None is uniform.
    level : float
        Level of all intervals, such as 0.95.
    interval : str
        ``"central"`` (equal tails) or ``"shortest"`` (highest density on the analysis scale).
    rows : pandas.DataFrame
        A copy of the rows that were pooled.
    notes : tuple of str
        What a reader must know: warnings, rows left out.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    mu: NormalMixture
    tau: Panels
    new: NormalMixture
    studies: tuple[NormalMixture, ...]
    k: int
    n: int | None
    events: int | None
    measure: str
    likelihood: str
    prior: TauPrior
    mean_prior: Normal | None
    level: float
    interval: Kind
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")
    estimate: float = field(init=False)
    conf_low: float = field(init=False)
    conf_high: float = field(init=False)
    pred_low: float = field(init=False)
    pred_high: float = field(init=False)
    beta: float = field(init=False)
    se: float = field(init=False)
    tau_median: float = field(init=False)
    tau_low: float = field(init=False)
    tau_high: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        conf_low, conf_high = self.mu_rate.interval(self.level, self.interval)
        pred_low, pred_high = self.new_rate.interval(self.level, self.interval)
        tau_low, tau_high = self.tau.interval(self.level, self.interval)
        for name, value in {
            "estimate": self.mu_rate.median(),
            "conf_low": conf_low,
            "conf_high": conf_high,
            "pred_low": pred_low,
            "pred_high": pred_high,
            "beta": self.mu.mean(),
            "se": self.mu.sd(),
            "tau_median": self.tau.median(),
            "tau_low": tau_low,
            "tau_high": tau_high,
        }.items():
            object.__setattr__(self, name, value)

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were pooled."""
        return self._rows.copy()

    @property
    def mu_rate(self) -> Distribution:
        """Posterior of the rate (0-1), median or ratio of the median study, on the natural scale."""
        return self._natural(self.mu)

    @property
    def new_rate(self) -> Distribution:
        """Posterior of the rate (0-1), median or ratio of a new study, whose mean is the mean over studies.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
        >>> posterior = synthesis.pool_bayes(measures.effects(frame, "logit"))
        >>> f"a rate below 20 % in a new study: {posterior.new_rate.cdf(0.2):.3f}"
        'a rate below 20 % in a new study: 0.057'
        """
        return self._natural(self.new)

    def shrunken(self) -> pd.DataFrame:
        """Return the rows with each study's own effect on the natural scale.

        `estimate` is its posterior median, `conf_low` and `conf_high` are the ends of its credible interval.
        """
        rates = [self._natural(study) for study in self.studies]
        ends = [rate.interval(self.level, self.interval) for rate in rates]
        return self._rows.assign(
            estimate=[rate.median() for rate in rates],
            conf_low=[low for low, _ in ends],
            conf_high=[high for _, high in ends],
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame of one row; the natural scale is that of the measure."""
        names = (
            "estimate conf_low conf_high pred_low pred_high beta se tau_median tau_low tau_high "
            "k n events measure likelihood level interval release"
        )
        values = {name: getattr(self, name) for name in names.split()}
        words = {"prior": str(self.prior), "mean_prior": str(self.mean_prior or "uniform")}
        return pd.DataFrame([{**values, **words, "notes": "; ".join(self.notes)}])

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
        >>> print(synthesis.pool_bayes(measures.effects(frame, "logit")).describe().splitlines()[3])
        The rate of a new study lies between 14.9 and 62.6 % with a probability of 95 %.
        """
        level = f"{100 * self.level:g} %"
        model = {
            "normal": f"as {MEASURES[self.measure].words} in a normal-normal random-effects model",
            "binomial": "by their exact binomial likelihood in a binomial-normal random-effects model of logits",
        }[self.likelihood]
        scale = MEASURES[self.measure]
        rate = {"logit": "rate of the median study"}.get(self.measure, f"pooled {scale.what}")
        parts = [
            (f"{counted(self.events, self.n, self.k)} were pooled {model}, Bayesian, by numerical integration."),
            (
                f"The prior of tau, the standard deviation between studies, was {self.prior}, "
                f"that of the mean {self.mean_prior or 'uniform'}."
            ),
            (
                f"The posterior median of the {rate} was {scale.shown(self.estimate)} "
                f"({level} {KINDS[self.interval]} credible interval {scale.bare(self.conf_low)} to "
                f"{scale.bare(self.conf_high)}); that of tau was {self.tau_median:.3f} "
                f"({self.tau_low:.3f} to {self.tau_high:.3f})."
            ),
            (
                f"The {scale.what} of a new study lies between {scale.bare(self.pred_low)} and "
                f"{scale.shown(self.pred_high)} with a probability of {level}."
            ),
        ]
        return paragraph(parts, self.notes, self.release)

    def __repr__(self) -> str:
        scale = MEASURES[self.measure]
        n = f", n={self.n}" if self.n is not None else ""
        return (
            f"<Posterior {self.likelihood}/{self.measure}: {scale.shown(self.estimate)} "
            f"({scale.bare(self.conf_low)} to {scale.bare(self.conf_high)}), k={self.k}{n}"
            f"{f', notes: {len(self.notes)}' if self.notes else ''}>"
        )

    def _natural(self, distribution: Distribution) -> Natural:
        return Natural(distribution, self.measure, harmonic(self._rows))


def pool_bayes(
    frame: pd.DataFrame,
    *,
    prior: TauPrior | None = None,
    mean_prior: Normal | None = None,
    level: float = 0.95,
    interval: Kind = "central",
    mix: Mix = False,
) -> Posterior:
    """Pool effects of several groups of patients in a Bayesian normal-normal model.

    Given the standard deviation between studies everything is normal; it is integrated out numerically, without
    sampling, as R's bayesmeta does.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `herbtc.synthesis.pool` takes it.
    prior : HalfNormal or HalfCauchy, optional
        Prior of tau on the scale of the measure. The default, ``HalfNormal(1.0)``, is for logits only: with any other
        measure a prior has to be named.
    mean_prior : Normal, optional
        Prior of the mean effect on the scale of the measure; uniform by default.
    level : float
        Level of all intervals, between 0 and 1.
    interval : str
        ``"central"`` for equal tails, ``"shortest"`` for highest density on the analysis scale.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    Posterior

    Raises
    ------
    herbtc.SynthesisError
        For what `pool` refuses, and for a measure other than logit without a prior.
    herbtc.UnknownKeyError
        For an unknown measure or kind of interval.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than five studies, and where nothing says whether several arms of one study share patients.

    References
    ----------
    Röver C. J Stat Softw 2020;93(6). Priors of tau: Röver C et al. Res Synth Methods 2021;12:448.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> synthesis.pool_bayes(measures.effects(frame, "logit"), prior=synthesis.HalfNormal(0.5))
    <Posterior normal/logit: 35.9 % (26.0 to 46.2), k=5, n=205>
    """
    measure = one_measure(frame)
    if prior is None:
        if measure != "logit":
            raise SynthesisError(f"prior is needed: the default prior of tau is one of logits, not of {measure}")
        prior = HalfNormal(1.0)

    def marginals(rows: pd.DataFrame) -> Marginals:
        return normal_normal(rows["yi"].to_numpy(float), rows["vi"].to_numpy(float), prior, mean_prior)

    return _posterior(
        frame,
        marginals,
        likelihood="normal",
        measure=measure,
        prior=prior,
        mean_prior=mean_prior,
        level=level,
        interval=interval,
        mix=mix,
    )


def pool_bayes_binomial(
    frame: pd.DataFrame,
    *,
    prior: TauPrior | None = None,
    mean_prior: Normal | None = None,
    level: float = 0.95,
    interval: Kind = "central",
    mix: Mix = False,
) -> Posterior:
    """Pool events and n of several groups of patients in a Bayesian binomial-normal model of logits.

    The likelihood of the counts is exact, so that groups without an event, or with events only, need nothing added.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group, with `events` and `n`.
    prior : HalfNormal or HalfCauchy, optional
        Prior of tau, the standard deviation between studies of the logit; ``HalfNormal(1.0)`` by default.
    mean_prior : Normal, optional
        Prior of the mean logit; ``Normal(0, 2)`` by default, which is nearly flat for rates between 5 and 95 %.
    level, interval, mix
        See `pool_bayes`.

    Returns
    -------
    Posterior

    Raises
    ------
    herbtc.SynthesisError
        For what `pool` refuses.

    Warns
    -----
    herbtc.HerbtcWarning
        As `pool_bayes`.

    References
    ----------
    Weber S et al. J Stat Softw 2021;100(19) (the same model and default priors, there by sampling).

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33, 0], "n": [22, 30, 34, 39, 80, 7]})
    >>> synthesis.pool_bayes_binomial(frame)
    <Posterior binomial/logit: 33.1 % (19.6 to 45.3), k=6, n=212>
    """
    prior = HalfNormal(1.0) if prior is None else prior
    mean = Normal(0.0, 2.0) if mean_prior is None else mean_prior

    def marginals(rows: pd.DataFrame) -> Marginals:
        return binomial_normal(rows["events"].to_numpy(float), rows["n"].to_numpy(float), prior, mean)

    return _posterior(
        effects(frame, "logit"),
        marginals,
        likelihood="binomial",
        measure="logit",
        prior=prior,
        mean_prior=mean,
        level=level,
        interval=interval,
        mix=mix,
    )


def _posterior(
    frame: pd.DataFrame,
    marginals: Callable[[pd.DataFrame], Marginals],
    *,
    likelihood: str,
    measure: str,
    prior: TauPrior,
    mean_prior: Normal | None,
    level: float,
    interval: Kind,
    mix: Mix,
) -> Posterior:
    check_level(level)
    look_up("kind of interval", interval, KINDS)
    studies = admit(frame, mix=mix)
    few = [f"only {studies.k} studies: the prior of tau weighs on all intervals"] * (studies.k < FEW)
    doubts = (*few, *studies.doubts)
    warn(doubts)
    rows = studies.rows
    found = marginals(rows)
    return Posterior(
        mu=found.mu,
        tau=found.tau,
        new=found.new,
        studies=found.studies,
        k=studies.k,
        n=studies.total("n"),
        events=studies.total("events"),
        measure=measure,
        likelihood=likelihood,
        prior=prior,
        mean_prior=mean_prior,
        level=level,
        interval=interval,
        notes=(*studies.left_out, *doubts),
        release=studies.release,
        rows=rows,
    )
