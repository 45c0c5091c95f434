"""Every model on every scale, side by side: what the choice between them does to the answer."""

from __future__ import annotations

import warnings
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, cast

import pandas as pd

from herbtc import measures
from herbtc.errors import HerbtcWarning, SynthesisError
from herbtc.measures import PROPORTIONS
from herbtc.synthesis._binomial import INTERVALS, pool_binomial
from herbtc.synthesis._conventions import TESTS
from herbtc.synthesis._pool import pool
from herbtc.synthesis._pooled import BINOMIAL_NORMAL, Pooled
from herbtc.synthesis._studies import admit
from herbtc.synthesis._tau2 import TAU2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from herbtc.synthesis._refusals import Mix

_SHOWN = ("estimate", "conf_low", "conf_high", "pred_low", "pred_high", "tau2", "i2")


def sensitivity(frame: pd.DataFrame, *, level: float = 0.95, mix: Mix = False) -> pd.DataFrame:
    """Return what each model makes of the same studies.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per group of patients, with `events` and `n`; the effects are computed here, on each scale.
    level : float
        Level of the intervals, between 0 and 1.
    mix : bool, str or iterable of str
        What may be mixed, as for `herbtc.synthesis.pool`.

    Returns
    -------
    pandas.DataFrame
        One row per model: `model` (``"two-stage"`` for effects and variances, ``"binomial-normal"`` for the exact
        likelihood), `measure method test`, then `estimate conf_low conf_high pred_low pred_high` (0-1), `tau2` on the
        scale of the measure, `i2`, `k`, and `notes`. Where a model has no answer, `failed` says why.
        Hartung-Knapp tests are not made for the equal-effects model, which stands with its Wald test alone.

    Raises
    ------
    herbtc.SynthesisError
        For what `herbtc.synthesis.pool` refuses whatever the model.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import synthesis
    >>> frame = pd.DataFrame({"events": [8, 14, 10, 9, 33], "n": [22, 30, 34, 39, 80]})
    >>> grid = synthesis.sensitivity(frame)
    >>> grid.groupby("measure")["estimate"].agg(["min", "max"]).round(3)
                     min    max
    measure
    arcsine        0.353  0.359
    freeman-tukey  0.353  0.358
    log            0.363  0.380
    logit          0.356  0.366
    raw            0.350  0.351
    """
    admit(measures.effects(frame), mix=mix)
    two_stage = (row for measure in PROPORTIONS for row in _two_stage(frame, measure, level, mix=mix))
    return pd.DataFrame([*two_stage, *_exact(frame, level, mix=mix)])


def _two_stage(frame: pd.DataFrame, measure: str, level: float, *, mix: Mix) -> Iterator[dict[str, Any]]:
    effects = measures.effects(frame, measure)
    for method, test in product(TAU2, TESTS):
        if method != "EE" or test == "wald":
            names = {"model": "two-stage", "measure": measure, "method": method, "test": test}
            yield names | _answer(lambda: pool(effects, method=method, test=test, level=level, mix=mix))  # noqa: B023


def _exact(frame: pd.DataFrame, level: float, *, mix: Mix) -> Iterator[dict[str, Any]]:
    for test in cast("tuple[Literal['profile', 'wald'], ...]", tuple(INTERVALS)):
        names = {"model": BINOMIAL_NORMAL, "measure": "logit", "method": BINOMIAL_NORMAL, "test": test}
        yield names | _answer(lambda: pool_binomial(frame, interval=test, level=level, mix=mix))  # noqa: B023


def _answer(model: Callable[[], Pooled]) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HerbtcWarning)
            result = model()
    except SynthesisError as error:
        return {**dict.fromkeys(_SHOWN, float("nan")), "k": pd.NA, "notes": "", "failed": str(error)}
    shown = {name: getattr(result, name) for name in _SHOWN}
    return {**shown, "k": result.k, "notes": "; ".join(result.notes), "failed": ""}
