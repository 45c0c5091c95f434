"""Subgroups of studies, each pooled, and whether they differ."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import asdict, evolve, field, frozen

from herbtc.errors import HerbtcWarning, SynthesisError
from herbtc.measures import MEASURES
from herbtc.synthesis._conventions import FEW, TESTS, Options, p_text
from herbtc.synthesis._mixed import fit, joint_p, quantile
from herbtc.synthesis._moderators import levels_of
from herbtc.synthesis._pool import pool
from herbtc.synthesis._refusals import meant
from herbtc.synthesis._selected import Means, label, pooled, spread, table
from herbtc.synthesis._studies import Studies, admit
from herbtc.synthesis._tau2 import TAU2, weighted
from herbtc.synthesis._told import Told, paragraph, warn

if TYPE_CHECKING:
    from herbtc.synthesis._pooled import Pooled
    from herbtc.synthesis._refusals import Mix
    from herbtc.synthesis._selections import Flags


@frozen(kw_only=True, eq=False, repr=False)
class Subgroups(Told):
    """Pooled estimates of subgroups beside the overall one, with the test for differences.

    Attributes
    ----------
    by : str
        The column that divides the studies.
    names : tuple of str
        The subgroups, in the order of the category, else of the alphabet.
    overall : Pooled
        All studies together.
    common_tau2 : bool
        Whether one tau² was estimated for all subgroups.
    q_between, q_between_p : float
        Test for differences between the subgroups' means, on `df` degrees of freedom: chi-squared, or, where
        `df_residual` is not 0, F (then `q_between` is F).
    df, df_residual : int
        Its degrees of freedom.
    measure, method, test, prediction : str
        What was computed.
    level : float
        Level of the intervals, such as 0.95.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    by: str
    names: tuple[str, ...]
    overall: Pooled
    common_tau2: bool
    q_between: float
    q_between_p: float
    df: int
    df_residual: int
    measure: str
    method: str
    test: str
    prediction: str
    level: float
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")
    _table: pd.DataFrame = field(alias="table")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were analysed."""
        return self._rows.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return one row per subgroup and a last one for all studies.

        Its columns are that of the subgroups, `k n events`, `estimate conf_low conf_high pred_low pred_high` on the
        natural scale, and `beta se tau2 i2 h2 q q_p` on that of the analysis.
        """
        return self._table.copy()

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> events = [2, 14, 10, 9, 50, 8, 30, 12, 21, 5]
        >>> frame = pd.DataFrame({"events": events, "n": 60, "line": ["first", "later"] * 5})
        >>> print(synthesis.subgroups(measures.effects(frame), by="line").describe().splitlines()[1][:52])
        first 32.4 % (95 % CI 4.8 to 82.0; k = 5, n = 300);
        """
        level, scale = f"{100 * self.level:g} %", MEASURES[self.measure]
        variance = "one tau² for all" if self.common_tau2 else "a tau² for each"
        model = "equal effects" if self.method == "EE" else f"{variance} (the {TAU2[self.method][0]} estimator)"
        groups = [
            f"{name} {scale.shown(row.estimate)} ({level} CI {scale.bare(row.conf_low)} to "
            f"{scale.bare(row.conf_high)}; k = {row.k}{'' if pd.isna(row.n) else f', n = {row.n}'})"
            for name, (_, row) in zip((*self.names, "all"), self._table.iterrows(), strict=True)
        ]
        against = (
            f"chi-squared({self.df}) = {self.q_between:.2f}"
            if self.df_residual == 0
            else f"F({self.df}, {self.df_residual}) = {self.q_between:.2f}"
        )
        sentences = [
            (
                f"{self.overall.k} groups of patients were divided by {self.by} and pooled as "
                f"{scale.words}, with {model}, each with a {TESTS[self.test]}."
            ),
            f"{'; '.join(groups)}.",
            (
                f"Test for differences between subgroups: {against}, {p_text(self.q_between_p)}. Such differences are "
                "observed between studies, not randomised."
            ),
        ]
        return paragraph(sentences, self.notes, self.release)

    def __repr__(self) -> str:
        return (
            f"<Subgroups {self.method}/{self.measure}/{self.test} by {self.by}: {', '.join(self.names)}; "
            f"{p_text(self.q_between_p)}, k={self.overall.k}{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


def subgroups(
    frame: pd.DataFrame,
    by: str,
    *,
    method: str = "REML",
    test: str = "hksj-adhoc",
    level: float = 0.95,
    prediction: str = "t",
    common_tau2: bool = False,
    mix: Mix = False,
) -> Subgroups:
    """Pool subgroups of studies and test whether they differ.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, as `herbtc.synthesis.pool` takes it.
    by : str
        A column, such as ``"mechanism"``, ``"line"`` or ``"her2"``; or a partition of patients, such as ``"site"``,
        by which the `population` of each row is then read. Rows without a value are left out and named in the notes.
    method, test, level, prediction
        See `herbtc.synthesis.pool`.
    common_tau2 : bool
        Estimate one tau² for all subgroups instead of one for each. It needs a study more than there are subgroups.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    Subgroups
        With a tau² for each subgroup, the test compares the subgroups' means by their standard errors (chi-squared, as
        metafor does for `rma` of the estimates, and meta); with a common one it is that of a meta-regression on the
        subgroup. A single study stands for itself: with its Wald-type interval, or with the common tau².

    Raises
    ------
    herbtc.SynthesisError
        For what `herbtc.synthesis.pool` refuses (a patient in two subgroups would count twice), and for a column with
        one value.
    herbtc.UnknownKeyError
        For a column that is not there, or an unknown option.

    Warns
    -----
    herbtc.HerbtcWarning
        For subgroups of fewer than five studies, and where one study is in several subgroups.

    References
    ----------
    Borenstein M et al. Introduction to Meta-Analysis, 2009, chapter 19; Viechtbauer W. J Stat Softw 2010;36(3).

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> events = [2, 14, 10, 9, 50, 8, 30, 12, 21, 5]
    >>> frame = pd.DataFrame({"events": events, "n": 60, "line": ["first", "later"] * 5})
    >>> result = synthesis.subgroups(measures.effects(frame), by="line")

    >>> result.to_frame()[["line", "k", "estimate", "conf_low", "conf_high"]].round(2)
        line   k  estimate  conf_low  conf_high
    0  first   5      0.32      0.05       0.82
    1  later   5      0.16      0.10       0.25
    2    all  10      0.23      0.10       0.44
    """
    options = Options(method=method, test=test, level=level, prediction=prediction)
    studies = admit(frame, mix=meant(mix, (by,)), needed=(by,))
    names = levels_of(studies.rows[by])
    if len(names) == 1:
        raise SynthesisError(f"expected several subgroups; every row has {by} = {names[0]}")
    x = (studies.rows[by].astype(str).to_numpy(str)[:, None] == np.array(names)).astype(float)
    keep = x.T > 0
    if common_tau2:
        if studies.k <= len(names):
            raise SynthesisError(f"{studies.k} studies in {len(names)} subgroups leave nothing for a common tau²")
        parts, df_residual = _with_one_tau2(studies, keep, options)
    else:
        parts = pooled(studies, keep, options)
        df_residual = 0
    counts = dict(zip(names, parts["k"].tolist(), strict=True))
    df = len(names) - 1
    q = _between(parts)
    doubts = [*studies.doubts, *_doubts(studies, by, counts, common_tau2=common_tau2)]
    if np.isnan(q):
        doubts.append("subgroups are not compared: in one of them the studies agree exactly, so that its error is 0")
    warn(doubts)
    overall = _quietly(studies, options, mix=mix)
    whole = overall.to_frame()[parts.columns]
    divided = pd.concat([parts, whole], ignore_index=True)
    divided.insert(0, label(by, divided), pd.Series([*names, "all"], dtype="string"))
    return Subgroups(
        by=by,
        names=names,
        overall=overall,
        common_tau2=common_tau2,
        q_between=q / df if df_residual else q,
        q_between_p=joint_p(q, df, df_residual),
        df=df,
        df_residual=df_residual,
        measure=studies.measure,
        **asdict(options),
        notes=(*studies.left_out, *doubts),
        release=studies.release,
        rows=studies.rows,
        table=divided,
    )


def _with_one_tau2(studies: Studies, keep: Flags, options: Options) -> tuple[pd.DataFrame, int]:
    """Return the table of subgroups in one model of their means, and the degrees of freedom of its test."""
    model = fit(studies.y, studies.v, keep.T.astype(float), options.method)
    df = model.test_df(options.test)
    means = Means(
        beta=model.beta[0],
        se=np.sqrt(model.factor(options.test) * np.diagonal(model.covariance[0])),
        confidence=quantile(df, options.level),
        prediction=spread(model, options),
    )
    # Q and I² are those of each subgroup by itself; tau² is that of all.
    alone = fit(studies.y, studies.v, np.ones((studies.k, 1)), "EE", keep)
    each = evolve(alone, tau2=np.repeat(model.tau2, len(keep)), method=options.method)
    return table(studies, keep, means, each).assign(tau2=each.tau2), int(df[0])


def _between(parts: pd.DataFrame) -> float:
    """Return the weighted sum of squares of the subgroups' means about their own mean; NaN where one has no error."""
    mean, se = parts["beta"].to_numpy(float), parts["se"].to_numpy(float)
    return weighted(mean, 1 / se**2)[1] if (se > 0).all() else np.nan


def _doubts(studies: Studies, by: str, counts: dict[str, int], *, common_tau2: bool) -> list[str]:
    notes = []
    if alone := [name for name, k in counts.items() if k == 1]:
        lone = f"one study alone stands for {by}: {', '.join(alone)}"
        # By itself it shows no heterogeneity, and its error has none in it.
        notes.append(
            lone if common_tau2 else f"{lone}, so that the test finds too much; a common tau² would lend it some"
        )
    if few := [name for name, k in counts.items() if 1 < k < FEW]:
        notes.append(f"fewer than {FEW} studies in {by}: {', '.join(few)}, so that their heterogeneity is hardly known")
    if "trial" in studies.rows.columns:
        of_trial = studies.rows.groupby(studies.rows["trial"].astype(str))[by].agg(levels_of)
        if divided := [f"{trial} ({', '.join(inside)})" for trial, inside in of_trial.items() if len(inside) > 1]:
            notes.append(f"in several subgroups, which the test takes as independent: {', '.join(divided)}")
    return notes


def _quietly(studies: Studies, options: Options, *, mix: Mix) -> Pooled:
    # What is doubtful about all studies together stands in the notes of `overall`.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HerbtcWarning)
        return pool(studies.rows, **asdict(options), mix=mix)
