"""Which studies an analysis hangs on: case-deletion diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import field, frozen
from scipy.special import chdtri

from herbtc.measures import MEASURES, rows_named
from herbtc.synthesis._conventions import Options
from herbtc.synthesis._mixed import covariances, fit
from herbtc.synthesis._moderators import Design, design, named
from herbtc.synthesis._studies import admit
from herbtc.synthesis._tau2 import TAU2
from herbtc.synthesis._told import Told, paragraph, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from herbtc.synthesis._refusals import Mix


@frozen(kw_only=True, eq=False, repr=False)
class Influence(Told):
    """Case-deletion diagnostics of each study.

    Attributes
    ----------
    moderators : tuple of str
        Moderators of the model; empty for a pooled mean.
    measure, method : str
        What was computed.
    tau2, qe : float
        Between-study variance and Q of all studies, beside those without each study.
    k : int
        Studies.
    n, events : int or None
        Patients and events; None where a row does not print them, or the measure does not count them.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    moderators: tuple[str, ...]
    measure: str
    method: str
    tau2: float
    qe: float
    k: int
    n: int | None
    events: int | None
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")
    _table: pd.DataFrame = field(alias="table")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the rows that were analysed."""
        return self._rows.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return one row per study with its diagnostics on the analysis scale.

        `rstudent` is the studentised deleted residual, `dffits` the change of the study's fitted value in standard
        errors, `cook_d` Cook's distance, `cov_ratio` the ratio of the determinants of the coefficients' covariance
        without and with the study, `tau2_del` and `qe_del` tau² and Q without it, `hat` its leverage, `weight` its
        weight in percent, `dfbetas` (one column for each coefficient where there are several) the change of a
        coefficient in standard errors; `influential` marks what metafor marks.
        """
        return self._table.copy()

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> frame = pd.DataFrame({"trial": list("ABCDE"), "events": [8, 14, 10, 9, 75], "n": [22, 30, 34, 39, 80]})
        >>> print(synthesis.influence(measures.effects(frame)).describe().splitlines()[1])
        Influential groups: E (row 4); groups with a studentised deleted residual beyond ±1.96: E (row 4).
        """
        flagged, outlying = (
            rows_named(self._rows, which.to_numpy(bool)) or "none"
            for which in (self._table["influential"], self._table["rstudent"].abs() > NORMAL)
        )
        model = "an equal-effects model" if self.method == "EE" else f"{TAU2[self.method][0]} estimates of tau²"
        on = f" with the moderators {' and '.join(self.moderators)}" if self.moderators else ""
        sentences = [
            (
                f"Case-deletion diagnostics (Viechtbauer and Cheung 2010) of {self.k} groups, pooled as "
                f"{MEASURES[self.measure].words}{on} by {model}."
            ),
            f"Influential groups: {flagged}; groups with a studentised deleted residual beyond ±1.96: {outlying}.",
        ]
        return paragraph(sentences, self.notes, self.release)

    def __repr__(self) -> str:
        return (
            f"<Influence {self.method}/{self.measure}: {int(self._table['influential'].sum())} of {self.k} influential"
            f"{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


NORMAL = 1.959963984540054
"""The two-sided 5 % point of the normal distribution."""


def influence(
    frame: pd.DataFrame, *, moderators: str | Sequence[str] = (), method: str = "REML", mix: Mix = False
) -> Influence:
    """Return how much each study influences a pooled mean, or a meta-regression.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, as `herbtc.synthesis.pool` takes it.
    moderators : str or sequence of str
        Columns, as for `herbtc.synthesis.regress`; none for a pooled mean.
    method : str
        Estimator of tau², see `herbtc.synthesis.pool`. Variances are those of the Wald test, tau² taken as known.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    Influence
        A study is marked as influential where DFFITS is beyond 3√(p/(k - p)), Cook's distance beyond the median of
        chi-squared with p degrees of freedom, the hat value above 3p/k or a DFBETAS beyond 1, with p coefficients:
        metafor's rule, which is a convention. Diagnostics are NaN, with a note, for a study without which the model
        cannot be fitted.

    Raises
    ------
    herbtc.SynthesisError, herbtc.UnknownKeyError
        As `herbtc.synthesis.pool` and `herbtc.synthesis.regress` do.

    References
    ----------
    Viechtbauer W, Cheung MWL. Res Synth Methods 2010;1:112; metafor's ``influence.rma.uni``.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> frame = pd.DataFrame({"trial": list("ABCDE"), "events": [8, 14, 10, 9, 75], "n": [22, 30, 34, 39, 80]})
    >>> table = synthesis.influence(measures.effects(frame)).to_frame()

    >>> table[["trial", "rstudent", "cook_d", "tau2_del", "influential"]].round(2)
      trial  rstudent  cook_d  tau2_del  influential
    0     A     -0.34    0.04      2.94        False
    1     B     -0.07    0.00      3.07        False
    2     C     -0.56    0.10      2.76        False
    3     D     -0.81    0.19      2.48        False
    4     E      5.73    0.92      0.08         True
    """
    Options(method=method)
    names = named(moderators)
    studies = admit(frame, mix=mix, needed=names)
    made = design(studies.rows, names) if names else Design(())
    x, y, v, k = made.matrix(studies.rows), studies.y, studies.v, studies.k
    p = x.shape[1]
    keep = ~np.eye(k, dtype=bool)
    possible = np.array([np.linalg.matrix_rank(x[kept] / np.linalg.norm(x, axis=0)) == p for kept in keep])
    doubts = list(studies.doubts)
    if not possible.all():
        doubts.append(f"the model cannot be fitted without {rows_named(studies.rows, ~possible)}")
    warn(doubts)

    whole, without = fit(y, v, x, method), fit(y, v, x, method, keep[possible])
    place = np.flatnonzero(possible)
    xi, vi, hat = x[place], v[place], whole.leverages[0]
    root, tau2 = whole.root[0], without.tau2
    change = whole.beta[0] - without.beta
    fitted_variance = ((xi[:, None, :] @ without.root) ** 2).sum(axis=(1, 2))
    # Of all studies, with tau² as it is without the one.
    errors = np.sqrt(np.diagonal(covariances(v, x, tau2), axis1=1, axis2=2))
    diagnostics = {
        "rstudent": without.residuals[np.arange(len(place)), place] / np.sqrt(vi + tau2 + fitted_variance),
        "dffits": (xi * change).sum(axis=1) / np.sqrt(hat[place] * (tau2 + vi)),
        "cook_d": (np.linalg.solve(root, change.T) ** 2).sum(axis=0),
        "cov_ratio": np.linalg.det(np.linalg.solve(root, without.root)) ** 2,
        "tau2_del": tau2,
        "qe_del": without.qe,
    }
    names_of_dfbetas = ["dfbetas"] if p == 1 else [f"dfbetas: {term}" for term in made.terms]
    dfbetas = dict(zip(names_of_dfbetas, (change / errors).T, strict=True))
    table = pd.DataFrame(diagnostics | dfbetas, index=studies.rows.index[place]).reindex(studies.rows.index)
    table.insert(6, "hat", hat)
    table.insert(7, "weight", 100 * whole.weights[0] / whole.weights[0].sum())
    table["influential"] = (
        (table["dffits"].abs() > 3 * np.sqrt(p / (k - p)))
        | (table["cook_d"] > chdtri(p, 0.5))
        | (table["hat"] > 3 * p / k)
        | (table[names_of_dfbetas].abs() > 1).any(axis=1)
    )
    return Influence(
        moderators=names,
        measure=studies.measure,
        method=method,
        tau2=float(whole.tau2[0]),
        qe=float(whole.qe[0]),
        k=k,
        n=studies.total("n"),
        events=studies.total("events"),
        notes=(*studies.left_out, *doubts),
        release=studies.release,
        rows=studies.rows,
        table=pd.concat([studies.named, table], axis=1),
    )
