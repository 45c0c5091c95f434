"""The summary of findings, after GRADE: what was found for each outcome, and how certain it is, if anyone judged it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd
from attrs import field, frozen

from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES
from herbtc.synthesis import Pooled, Posterior
from herbtc.tables._layout import NONE, laid_out, note, released

if TYPE_CHECKING:
    from collections.abc import Mapping

    from great_tables import GT

RATINGS = ("high", "moderate", "low", "very-low")
"""GRADE's four words."""

DOMAINS = (
    "risk-of-bias",
    "inconsistency",
    "indirectness",
    "imprecision",
    "publication-bias",
    "large-effect",
    "dose-response",
    "confounding",
)
"""What GRADE rates certainty down for, then up."""

_PER = {100: "%", 1000: "per 1000"}
_BLANK = "Certainty is blank where no judgement was given; none is made here."
_NAMES = {
    "orr": "Objective response",
    "dcr": "Disease control",
    "cbr": "Clinical benefit",
    "pfs": "Progression-free survival",
    "os": "Overall survival",
    "dor": "Duration of response",
}


def _reasons(given: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(given))


@frozen(kw_only=True)
class Certainty:
    """Somebody's judgement of how certain a finding is, with the reasons, by GRADE (Guyatt et al. 2008).

    Attributes
    ----------
    rating : {"high", "moderate", "low", "very-low"}
    reasons : mapping of str to str
        What was judged, by domain, in words; the domains are ``risk-of-bias inconsistency indirectness imprecision
        publication-bias``, for which certainty goes down, and ``large-effect dose-response confounding``. At least
        one: a rating without a reason is no judgement.

    Raises
    ------
    herbtc.UnknownKeyError
        For a rating or a domain that GRADE has not.
    herbtc.SynthesisError
        If there is no reason, or an empty one.

    References
    ----------
    Guyatt GH, et al. GRADE: an emerging consensus on rating quality of evidence and strength of recommendations.
    BMJ 2008;336:924-926.

    Examples
    --------
    >>> from herbtc import tables
    >>> tables.Certainty(rating="very-low", reasons={"risk-of-bias": "single-arm studies"}).rating
    'very-low'
    """

    rating: str
    reasons: Mapping[str, str] = field(converter=_reasons)

    def __attrs_post_init__(self) -> None:
        look_up("rating", self.rating, {each: each for each in RATINGS})
        for domain in self.reasons:
            look_up("domain", domain, {each: each for each in DOMAINS})
        if not self.reasons or not all(reason.strip() for reason in self.reasons.values()):
            raise SynthesisError(f"expected a reason for the rating {self.rating}, by domain: {', '.join(DOMAINS)}")


def summary_of_findings(
    pooled: Pooled | Posterior | Mapping[str, Pooled | Posterior],
    *,
    per: int = 100,
    certainty: Certainty | Mapping[str, Certainty] | None = None,
    title: str = "Summary of findings",
    subtitle: str | None = None,
) -> GT:
    """Return a summary of findings: outcome, studies, patients, estimate with interval, certainty.

    Parameters
    ----------
    pooled : Pooled, Posterior, or mapping of str to one of them
        One result, or several by the name of their outcome.
    per : {100, 1000}
        Rates in percent, or per 1000 patients.
    certainty : Certainty, or mapping of str to Certainty, optional
        Judgements, by outcome where there are several. Where there is none the column stays blank: how certain a
        finding is follows from no number.
    title, subtitle : str
        Plain text.

    Returns
    -------
    great_tables.GT
        A note per outcome says how it was pooled, how much the studies differ, what a new study may find, and what was
        left out; others give the reasons of each judgement, and the data release.

    Raises
    ------
    herbtc.SynthesisError
        If there is no result, or one of another kind, or `per` is another number.
    herbtc.UnknownKeyError
        For the certainty of an outcome that is not there.

    Examples
    --------
    >>> from herbtc import measures, query, synthesis, tables
    >>> rates = query.proportions(endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later")
    >>> pooled = synthesis.pool(measures.effects(rates.dropna(subset=["events", "n"]), "logit"))
    >>> table = tables.summary_of_findings(pooled, per=1000)
    >>> "359 per 1000 (250 to 483)" in table.as_raw_html()
    True
    """
    unit = _unit(per)
    single = isinstance(pooled, Pooled | Posterior)
    results = {_outcome(pooled): pooled} if isinstance(pooled, Pooled | Posterior) else dict(pooled)
    if not results:
        raise SynthesisError("expected at least one result")
    for name, result in results.items():
        if not isinstance(result, Pooled | Posterior):
            raise SynthesisError(f"expected a Pooled or a Posterior for {name!r}, got {type(result).__name__}")
    if isinstance(certainty, Certainty):
        if not single:
            raise SynthesisError("expected certainty by outcome, since there are several")
        certainty = dict.fromkeys(results, certainty)
    judged = dict(certainty or {})
    for name in judged:
        look_up("outcome", name, results)
    rows: list[dict[str, str]] = []
    notes: list[str] = []
    for name, result in results.items():
        # What was computed, and by what, is said once, in the paragraph that the result has of itself.
        *said, _ = result.describe().splitlines()
        notes.append(note(f"[{len(notes) + 1}] {name}: {' '.join(said)}"))
        row = {
            "outcome": f"{name} [{len(notes)}]",
            "studies": _studies(result),
            "patients": NONE if result.n is None else str(result.n),
            "estimate": _estimate(result, per, unit),
            "certainty": "",
        }
        if name in judged:
            judgement = judged[name]
            reasons = "; ".join(f"{domain.replace('-', ' ')}, {text}" for domain, text in judgement.reasons.items())
            notes.append(note(f"[{len(notes) + 1}] {name}, certainty: {reasons}."))
            row["certainty"] = f"{judgement.rating.replace('-', ' ').capitalize()} [{len(notes)}]"
        rows.append(row)
    if len(judged) < len(results):
        notes.append(note(_BLANK))
    notes += released(dict.fromkeys(result.release for result in results.values() if result.release))
    labels = {
        "outcome": "Outcome",
        "studies": "Studies",
        "patients": "Patients",
        "estimate": "Estimate (interval)",
        "certainty": "Certainty (GRADE)",
    }
    return laid_out(pd.DataFrame(rows), labels=labels, title=title, subtitle=subtitle, notes=notes)


def _unit(per: int) -> str:
    if per not in _PER:
        raise SynthesisError(f"expected per to be 100 or 1000, got {per}")
    return _PER[per]


def _outcome(result: Pooled | Posterior) -> str:
    rows = result.rows
    words = [*dict.fromkeys(map(str, rows["endpoint"]))] if "endpoint" in rows.columns else []
    if len(words) == 1:
        return _NAMES.get(words[0], words[0].upper())
    return MEASURES[result.measure].what.capitalize()


def _studies(result: Pooled | Posterior) -> str:
    rows = result.rows
    studies = int(rows["trial"].nunique()) if "trial" in rows.columns else result.k
    return str(studies) if studies == result.k else f"{studies} ({result.k} groups)"


def _estimate(result: Pooled | Posterior, per: int, unit: str) -> str:
    level = f"{100 * result.level:g} % {'CI' if isinstance(result, Pooled) else 'CrI'}"
    values = (result.estimate, result.conf_low, result.conf_high)
    scale = MEASURES[result.measure]
    if scale.natural == "rate":
        middle, low, high = (f"{per * value:.{1 if per == 100 else 0}f}" for value in values)  # noqa: PLR2004
        return f"{middle} {unit} ({low} to {high}); {level}"
    return f"{scale.shown(values[0])} ({scale.bare(values[1])} to {scale.bare(values[2])}); {level}"
