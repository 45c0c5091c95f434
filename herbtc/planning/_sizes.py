"""The smallest single-arm designs for a pair of hypotheses."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from herbtc.errors import SynthesisError
from herbtc.planning._designs import SimonDesigns, SingleStage, TwoStage, above, pmf, rate_between

if TYPE_CHECKING:
    from herbtc.measures import Floats
    from herbtc.planning._designs import Counts

_MOST_IN_ONE, _MOST_IN_TWO = 2000, 250


def single_stage(p0: float, p1: float, alpha: float = 0.05, power: float = 0.8) -> SingleStage:
    """Return the exact single-stage design with the fewest patients.

    Power does not rise steadily with n: some larger trials have less of it.

    Parameters
    ----------
    p0, p1 : float
        Null rate, and the larger rate that the power is for.
    alpha : float
        One-sided type I error, at most, at p0.
    power : float
        Power, at least, at p1.

    Raises
    ------
    herbtc.SynthesisError
        For rates, alpha or power that are not between 0 and 1, p1 not above p0, or more than 2000 patients.

    References
    ----------
    A'Hern RP. Stat Med 2001;20:859.

    Examples
    --------
    The HERB trial assumed a threshold of 15 % and an expected response rate of 40 %:

    >>> from herbtc import planning
    >>> planning.single_stage(0.15, 0.40, alpha=0.05, power=0.80)
    SingleStage(r=6, n=22, p0=0.15, p1=0.4)
    """
    _hypotheses(p0, p1, alpha, power)
    n = _least_n(p0, p1, alpha, power, most=_MOST_IN_ONE)
    while float(above(_fewest(n, p0, alpha), n, p1)) < power:
        n += 1
    return SingleStage(_fewest(n, p0, alpha), n, p0, p1)


def simon(p0: float, p1: float, alpha: float = 0.05, power: float = 0.8) -> SimonDesigns:
    """Return Simon's optimal, minimax and admissible two-stage designs.

    All designs are searched; the search ends where no larger trial can have a smaller mean number of patients.

    Parameters
    ----------
    p0, p1, alpha, power : float
        See `single_stage`.

    Returns
    -------
    SimonDesigns

    Raises
    ------
    herbtc.SynthesisError
        As `single_stage`, and where more than 250 patients would be needed.

    References
    ----------
    Simon R. Control Clin Trials 1989;10:1; Jung SH et al. Stat Med 2004;23:561 (admissible designs).

    Examples
    --------
    >>> from herbtc import planning
    >>> designs = planning.simon(0.05, 0.25, alpha=0.05, power=0.80)
    >>> designs.optimal
    TwoStage(r1=0, n1=9, r=2, n=17, p0=0.05, p1=0.25)
    >>> designs.minimax
    TwoStage(r1=0, n1=12, r=2, n=16, p0=0.05, p1=0.25)

    TAB tested a rate of 60 % without progression at six months against the 40 % seen before; alpha and power were not
    found. A stop for futility would have been possible with

    >>> tab = planning.simon(0.40, 0.60, alpha=0.05, power=0.90).optimal
    >>> (tab.r1, tab.n1), (tab.r, tab.n)
    ((11, 25), (32, 66))
    >>> f"power {tab.power:.3f}, early end under the null rate {float(tab.early_stop(0.40)):.3f}"
    'power 0.902, early end under the null rate 0.732'
    """
    _hypotheses(p0, p1, alpha, power)
    found: list[TwoStage] = []
    best = np.inf
    # Going on to stage 2 has to have at least the power, which bounds r1 and with it the mean number of patients.
    first: list[int] = []
    goes_on: list[float] = []
    for n in count(_least_n(p0, p1, alpha, power, most=_MOST_IN_TWO)):
        for m in range(len(first) + 1, n):
            first.append(int((_tail(m, p1) >= power).sum()) - 1)
            goes_on.append(float(above(first[-1], m, p0)))
        least = [m + going * (n - m) for m, going in enumerate(goes_on, start=1)]
        if found and min(least) >= best:
            return SimonDesigns(found[-1], found[0], _hull(found, p0))
        for m in range(1, n):
            if first[m - 1] < 0 or least[m - 1] >= best:
                continue
            design = _two_stage(n, m, first[m - 1], p0=p0, p1=p1, alpha=alpha, power=power)
            if design is not None and (mean := float(design.expected_n(p0))) < best - 1e-12:
                best = mean
                found = [*(other for other in found if other.n < n), design]
    raise AssertionError  # pragma: no cover  (a count has no end)


def _two_stage(n: int, n1: int, most: int, *, p0: float, p1: float, alpha: float, power: float) -> TwoStage | None:
    """Return the design with the largest r1 of at most `most`, which stops most often, if one holds."""
    x, r = np.arange(n1 + 1)[:, None], np.arange(n)
    # Row r1: the probability of more than r1 responses in stage 1 and more than r in all.
    success = [
        np.cumsum((pmf(x, n1, p) * _tails(n - n1, p, r - x))[::-1], axis=0)[::-1][1 : most + 2] for p in (p0, p1)
    ]
    limits = (success[0] > alpha).sum(axis=1)
    rows = np.arange(len(limits))
    good = (limits < n) & (success[1][rows, np.minimum(limits, n - 1)] >= power)
    if not good.any():
        return None
    r1 = int(rows[good][-1])
    return TwoStage(r1, n1, int(limits[r1]), n, p0, p1)


def _hull(found: list[TwoStage], p0: float) -> tuple[TwoStage, ...]:
    """Return the corners of the lower left hull of the points (n, mean number of patients)."""
    corners: list[TwoStage] = []
    for design in found:
        while len(corners) > 1:
            one, two = corners[-2:]
            fall, whole = (float(later.expected_n(p0) - one.expected_n(p0)) for later in (two, design))
            if fall * (design.n - one.n) < whole * (two.n - one.n):
                break
            corners.pop()
        corners.append(design)
    return tuple(corners)


def _tail(n: int, p: float) -> Floats:
    """Return the probabilities of more than 0, 1 … n - 1 of n."""
    return above(np.arange(n), n, p)


def _tails(n: int, p: float, r: Counts) -> Floats:
    """Return the probability of more than r of n, for many r, looked up in a table."""
    return np.concatenate([[1.0], _tail(n, p), [0.0]])[np.clip(r + 1, 0, n + 1)]


def _fewest(n: int, p0: float, alpha: float) -> int:
    """Return the smallest r with a type I error of at most alpha."""
    return int((_tail(n, p0) > alpha).sum())


def _hypotheses(p0: float, p1: float, alpha: float, power: float) -> None:
    for name, value in {"p0": p0, "p1": p1, "alpha": alpha, "power": power}.items():
        rate_between(name, value)
    if not p0 < p1:
        raise SynthesisError(f"expected p1 above p0, got p0={p0} and p1={p1}")
    if not alpha < power:
        raise SynthesisError(f"expected a power above alpha, got alpha={alpha} and power={power}")


def _least_n(p0: float, p1: float, alpha: float, power: float, *, most: int) -> int:
    """Return the number of patients below which no test has the power (Neyman and Pearson: the randomised one)."""
    for n in range(1, most + 1):
        r = _fewest(n, p0, alpha)
        share = (alpha - float(above(r, n, p0))) / float(pmf(np.array(r), n, p0))
        if float(above(r, n, p1)) + share * float(pmf(np.array(r), n, p1)) >= power:
            return n
    raise SynthesisError(f"{most} patients are not enough to tell {p1} from {p0}")
