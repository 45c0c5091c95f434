"""Figures that check themselves: rules of arithmetic and of plausibility over a catalog.

The audit works from the figures alone: there is no second copy and no checksum.
A *necessary* rule is mathematics, and a figure that breaks it is either a slip of ours or a misprint of its source; a
rule of *plausibility* holds in nearly all reports, and a figure that breaks it is worth a second look at the source.
Tolerances follow the printed digits.
Figures that are declared misprints (`suspect`) are left out unless asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pandas as pd
from attrs import asdict, evolve

from herbtc.audit import _shares, _studies, _times
from herbtc.audit._finding import Finding, Rule, without_suspects
from herbtc.catalog import Catalog, load
from herbtc.errors import look_up

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RULES", "Finding", "Rule", "check", "rules"]

RULES: dict[str, Rule] = {rule.key: rule for rule in (*_shares.RULES, *_times.RULES, *_studies.RULES)}
"""The rules by name."""

_COLUMNS = ("severity", "rule", "trial", "arm", "population", "endpoint", "printed", "expected", "message", "source")
_SEVERITIES = ("error", "warning")


def check(
    catalog: Catalog | None = None,
    *,
    rule: str | Iterable[str] | None = None,
    suspect: Literal["exclude", "include"] = "exclude",
) -> pd.DataFrame:
    """Return what is wrong or doubtful in a catalog, one row per finding, errors first.

    Parameters
    ----------
    catalog : Catalog, optional
        The evidence to check; the shipped one by default.
    rule : str or iterable of str, optional
        Names of rules (`RULES`); all by default.
    suspect : str
        ``"exclude"`` leaves out figures that are declared misprints, ``"include"`` checks them too.

    Returns
    -------
    pandas.DataFrame
        Columns ``severity rule trial arm population endpoint printed expected message source``; `severity` is
        ``"error"`` where a necessary rule is broken and ``"warning"`` where a figure is merely implausible.

    Raises
    ------
    herbtc.UnknownKeyError
        For an unknown rule.

    Examples
    --------
    >>> from herbtc import audit
    >>> found = audit.check()
    >>> (found["severity"] == "error").any()
    np.False_
    """
    catalog = load() if catalog is None else catalog
    names = list(RULES) if rule is None else [rule] if isinstance(rule, str) else list(rule)
    chosen = [look_up("rule", name, RULES) for name in names]
    look_up("suspect", suspect, {"exclude": 0, "include": 1})
    if suspect == "exclude":
        catalog = evolve(catalog, trials=tuple(map(without_suspects, catalog.trials)))
    found = [
        {"severity": each.severity, "rule": each.key} | asdict(one) for each in chosen for one in each.find(catalog)
    ]
    frame = pd.DataFrame(found, columns=list(_COLUMNS)).astype(dict.fromkeys(_COLUMNS, "string"))
    frame["severity"] = pd.Categorical(frame["severity"], categories=list(_SEVERITIES), ordered=True)
    frame["rule"] = pd.Categorical(frame["rule"], categories=list(RULES))
    frame = frame.sort_values(["severity", "trial", "rule"], kind="stable", ignore_index=True)
    frame.attrs["herbtc"] = {"release": catalog.release}
    return frame


def rules() -> pd.DataFrame:
    """Return the rules of the audit, one row each: name, severity of a breach, reasoning.

    Examples
    --------
    >>> from herbtc import audit
    >>> audit.rules().loc[0, ["rule", "severity"]].tolist()
    ['percentage', 'error']
    """
    return pd.DataFrame(
        [(each.key, each.severity, each.why) for each in RULES.values()], columns=["rule", "severity", "why"]
    ).astype("string")
