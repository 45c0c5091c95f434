"""Trim and fill: how a funnel plot would look if it were symmetric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from attrs import field, frozen

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES
from herbtc.synthesis._conventions import Options
from herbtc.synthesis._mixed import fit
from herbtc.synthesis._small_studies import LEAST, MANY
from herbtc.synthesis._studies import admit
from herbtc.synthesis._told import Told, paragraph, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.measures import Floats
    from herbtc.synthesis._refusals import Mix

_MOST_ROUNDS = 100
_SIDES = {"left": 1.0, "right": -1.0}


@frozen(kw_only=True, eq=False, repr=False)
class TrimAndFill(Told):
    """The studies with mirror images of those that stand alone in the funnel plot.

    Attributes
    ----------
    side : str
        ``"left"`` or ``"right"``: where studies seem to be missing.
    missing : int
        How many; the estimate that is called k0.
    missing_se : float
        Its standard error.
    estimator : str
        ``"L0"`` or ``"R0"``.
    k, n, events : int
        Observed studies, patients, events.
    measure, method : str
        What was computed.
    notes : tuple of str
        What a reader must know.
    release : str
        Data release of the rows; empty for a frame of your own.
    """

    side: str
    missing: int
    missing_se: float
    estimator: str
    k: int
    n: int | None
    events: int | None
    measure: str
    method: str
    notes: tuple[str, ...]
    release: str
    _rows: pd.DataFrame = field(alias="rows")
    _table: pd.DataFrame = field(alias="table")

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of the observed rows."""
        return self._rows.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return the points of the picture: the observed studies, then the imputed ones.

        `yi vi n` are as drawn; `imputed` marks the points that nobody observed, under the names of the studies that
        they mirror.
        """
        return self._table.copy()

    def describe(self) -> str:
        """Return a paragraph for a methods and results section.

        Examples
        --------
        >>> import pandas as pd
        >>> from herbtc import measures, synthesis
        >>> events = [1, 14, 10, 9, 50, 16, 30, 12, 21, 20]
        >>> frame = pd.DataFrame({"events": events, "n": [9, 30, 34, 39, 90, 22, 80, 40, 60, 25]})
        >>> print(synthesis.trim_and_fill(measures.effects(frame)).describe().splitlines()[1])
        On the right side the funnel plot lacks 1 study (standard error 2.2) to be symmetric.
        """
        lacking = "1 study" if self.missing == 1 else f"{self.missing} studies"
        sentences = [
            (
                f"Trim and fill (Duval and Tweedie 2000, estimator {self.estimator}) was applied to {self.k} groups, "
                f"analysed as {MEASURES[self.measure].words}."
            ),
            (
                f"On the {self.side} side the funnel plot lacks {lacking} (standard error {self.missing_se:.1f}) "
                "to be symmetric."
            ),
        ]
        return paragraph(sentences, self.notes, self.release)

    def __repr__(self) -> str:
        return (
            f"<TrimAndFill {self.estimator}/{self.measure}: {self.missing} on the {self.side}, k={self.k}"
            f"{f', notes: {len(self.notes)}' * bool(self.notes)}>"
        )


def trim_and_fill(
    frame: pd.DataFrame,
    *,
    side: str | None = None,
    estimator: str = "L0",
    method: str = "REML",
    mix: Mix = False,
) -> TrimAndFill:
    """Return the points that would make a funnel plot symmetric: a picture, and no adjusted rate.

    The points show how a result could look under one kind of selection. No pooled rate is computed from them:
    the rates of small studies are skewed without any selection, and points that nobody observed are no data.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, with `events n measure yi vi`, as `herbtc.synthesis.pool` takes it.
    side : str, optional
        ``"left"`` or ``"right"``; by default where the regression on the standard error points.
    estimator : str
        ``"L0"`` or ``"R0"``, of the number of missing studies.
    method : str
        Estimator of tau² for the centre, see `herbtc.synthesis.pool`.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    herbtc.SynthesisError
        For what `herbtc.synthesis.pool` refuses, and fewer than three studies.
    herbtc.UnknownKeyError
        For an unknown side, estimator or method.

    Warns
    -----
    herbtc.HerbtcWarning
        For fewer than ten studies.

    References
    ----------
    Duval S, Tweedie R. Biometrics 2000;56:455; J Am Stat Assoc 2000;95:89; Hunter JP et al. J Clin Epidemiol
    2014;67:897.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import measures, synthesis
    >>> events = [1, 14, 10, 9, 50, 16, 30, 12, 21, 20]
    >>> frame = pd.DataFrame({"events": events, "n": [9, 30, 34, 39, 90, 22, 80, 40, 60, 25]})
    >>> filled = synthesis.trim_and_fill(measures.effects(frame))

    >>> filled.to_frame().query("imputed").round(2)
       n    yi    vi  imputed
    0  9  1.64  1.12     True
    """
    Options(method=method)
    missing_of = look_up("estimator", estimator, ESTIMATORS)
    if side is not None:
        look_up("side", side, _SIDES)
    studies = admit(frame, mix=mix)
    if studies.k < LEAST:
        raise SynthesisError(f"expected at least {LEAST} studies, since fewer show no asymmetry; got {studies.k}")
    y, v = studies.y, studies.v
    if side is None:
        side = _empty_side(y, v, method)
    places, centre, k0, se = _trim(_SIDES[side] * y, v, method, missing_of)
    doubts = list(studies.doubts)
    if studies.k < MANY:
        doubts.append(f"only {studies.k} studies: below ten, the shape of a funnel says little")
    warn(doubts)
    columns = [*studies.named.columns, "n", "yi", "vi"]
    observed = studies.rows[columns].assign(imputed=False)
    mirrored = observed.iloc[places].assign(yi=2 * _SIDES[side] * centre - y[places], imputed=True)
    return TrimAndFill(
        side=side,
        missing=k0,
        missing_se=se,
        estimator=estimator,
        k=studies.k,
        n=studies.total("n"),
        events=studies.total("events"),
        measure=studies.measure,
        method=method,
        notes=(
            *studies.left_out,
            *doubts,
            "imputed points are a picture of what may be missing; no rate is adjusted by them",
        ),
        release=studies.release,
        rows=studies.rows,
        table=pd.concat([observed, mirrored]),
    )


def _empty_side(y: Floats, v: Floats, method: str) -> str:
    # Where small studies lie lower, those that lie higher are missing.
    if np.ptp(v) == 0:
        return "left"
    slope = fit(y, v, np.column_stack([np.ones(len(y)), np.sqrt(v)]), method).beta[0, 1]
    return "right" if slope < 0 else "left"


def _trim(
    y: Floats, v: Floats, method: str, missing_of: Callable[[Floats], tuple[float, float]]
) -> tuple[list[int], float, int, float]:
    """Return the places of the outermost studies, the centre without them, their number and its standard error."""
    order = np.argsort(y, kind="stable")
    k, k0, before = len(y), 0, -1
    centre = se = np.nan
    for _ in range(_MOST_ROUNDS):
        if k0 == before:
            break
        inner = order[: k - k0]
        centre = float(fit(y[inner], v[inner], np.ones((len(inner), 1)), method).beta[0, 0])
        distance = y[order] - centre
        ranks = np.empty(k)
        ranks[np.argsort(np.abs(distance), kind="stable")] = np.arange(1, k + 1)
        found, se = missing_of(np.sign(distance) * ranks)
        k0, before = round(found), k0
    return order[k - k0 :].tolist(), centre, k0, se


# --- signed ranks of the distances from the centre -> how many studies are missing, and the standard error of that ---


def _run(ranks: Floats) -> tuple[float, float]:
    # The run of outermost studies that all lie on one side.
    inside = -ranks[ranks < 0]
    k0 = max(0.0, len(ranks) - float(inside.max(initial=0.0)) - 1)
    return k0, float(np.sqrt(2 * k0 + 2))


def _linear(ranks: Floats) -> tuple[float, float]:
    # Linear in the sum of the ranks on one side.
    k, total = len(ranks), float(ranks[ranks > 0].sum())
    k0 = max(0.0, (4 * total - k * (k + 1)) / (2 * k - 1))
    variance = k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0 - 18 * k * k0 * (k0 + 1) + 6 * k**2 * k0
    return k0, 4 * float(np.sqrt(variance / 24)) / (2 * k - 1)


ESTIMATORS: dict[str, Callable[[Floats], tuple[float, float]]] = {"L0": _linear, "R0": _run}
"""The estimators of Duval and Tweedie by name."""
