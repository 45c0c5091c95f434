"""The words for HER2 and for biliary tract cancer, stated once, and where in a record they stand.

Searches ask with these words, scans filter by them. A word is found in any case, with any mark or none between its
letters and digits ("HER2", "HER-2", "ErbB-2", "RC48 ADC"), and with any ending ("cholangiocarcinomas").
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from attrs import frozen

from herbtc.terms import MechanismClass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from herbtc.catalog import Catalog
    from herbtc.registry._study import Study

HER2 = ("HER2", "ERBB2", "erb-B2", "human epidermal growth factor receptor 2")
"""Words for the target; the agents of the catalog that act on it stand beside them."""

BILIARY = (
    "biliary",
    "bile duct",
    "cholangiocarcinoma",
    "gallbladder",
    "gall bladder",
    "ampulla of Vater",
    "ampullary",
    "Klatskin",
)
"""Words for the sites; in running text they count only beside a word for cancer, as drugs harm these organs too."""

SOLID = (
    *(f"solid {what}" for what in ("tumor", "tumour", "cancer", "malignancy", "malignancies", "neoplasm", "carcinoma")),
    *("solid malignant tumor", "solid malignant neoplasm", "malignant solid tumor", "malignant solid neoplasm"),
    *("tumor agnostic", "tumour agnostic", "pan tumor", "pan tumour", "basket"),
    *("advanced cancer", "advanced malignancy", "advanced malignancies", "metastatic cancer"),
)
"""Words for trials of any tumour, which may name biliary tract cancer nowhere, or only inside a long condition."""

_CANCER = r"(?:cancer|carcinoma|adenocarcinoma|tumou?r|malignan|neoplas)"

# What names a study, then what runs on in sentences.
_NAMING: dict[str, Callable[[Study], Iterable[str | None]]] = {
    "title": lambda study: (study.brief_title, study.official_title, study.acronym),
    "conditions": lambda study: study.conditions,
    "keywords": lambda study: study.keywords,
    "interventions": lambda study: (name for each in study.interventions for name in (each.name, *each.other_names)),
    "arms": lambda study: (each.label for each in study.arms),
    "summary": lambda study: (study.brief_summary,),
}
_RUNNING: dict[str, Callable[[Study], Iterable[str | None]]] = {
    "description": lambda study: (
        study.detailed_description,
        *(each.description for each in study.arms),
        *(each.description for each in study.interventions),
    ),
    "outcomes": lambda study: (
        text
        for each in (*study.primary_outcomes, *study.secondary_outcomes, *study.other_outcomes)
        for text in (each.measure, each.description)
    ),
    "eligibility": lambda study: (study.eligibility,),
}


@frozen(kw_only=True)
class Match:
    """Where in a record words of the field stand: names of parts, such as ``title`` or ``eligibility``.

    Attributes
    ----------
    her2, biliary, solid : tuple of str
        Where HER2 or an agent that acts on it, biliary tract cancer, and solid tumours in general are named.
    """

    her2: tuple[str, ...]
    biliary: tuple[str, ...]
    solid: tuple[str, ...]

    @property
    def kind(self) -> str | None:
        """``"biliary"`` for a candidate that names the cancer, ``"basket"`` for one of solid tumours, else None.

        A basket must name HER2 in what names the study: nearly all trials of solid tumours mention it somewhere.
        """
        if self.her2 and self.biliary:
            return "biliary"
        return "basket" if self.solid and any(part in _NAMING for part in self.her2) else None


def matched(study: Study, catalog: Catalog) -> Match:
    """Return where a study names HER2, biliary tract cancer and solid tumours."""
    her2, biliary, biliary_cancer, solid = _patterns(target_words(catalog))

    def where(naming: re.Pattern[str], running: re.Pattern[str] | None) -> tuple[str, ...]:
        parts = [(_NAMING, naming)] + ([(_RUNNING, running)] if running else [])
        return tuple(
            name
            for texts, pattern in parts
            for name, read in texts.items()
            if any(text is not None and pattern.search(text) for text in read(study))
        )

    return Match(her2=where(her2, her2), biliary=where(biliary, biliary_cancer), solid=where(solid, None))


def target_words(catalog: Catalog) -> tuple[str, ...]:
    """Return all words for HER2 and for the agents of a catalog that act on it, under every name and code."""
    agents = [
        agent
        for agent in catalog.agents
        if agent.mechanism.her2_directed and agent.mechanism is not MechanismClass.HER2_DIRECTED  # no name of a drug
    ]
    named = (word for agent in agents for word in (agent.name, *agent.synonyms, *agent.codes))
    return tuple(dict.fromkeys((*HER2, *named)))


def searches(catalog: Catalog) -> tuple[dict[str, str], ...]:
    """Return what `registry.search` is asked for: biliary tract cancer, then solid tumours, each with HER2."""
    target = _any_of(target_words(catalog))
    return tuple({"term": target, "condition": _any_of(words)} for words in (BILIARY, SOLID))


def coarse(words: Iterable[str]) -> str:
    """Return a pattern for RE2 that finds any of the words in the JSON of a record, where characters may be escaped.

    It finds at least what `matched` finds; what it finds beside that is for `matched` to leave out.
    """
    gap = r"(?:[^a-z0-9]|\\u[0-9a-f]{4}|\\[nrtbf]){0,3}"
    begin = r"(?:\b|_|\\u[0-9a-f]{4}|\\[nrtbf])"
    return rf"(?i){begin}(?:{'|'.join(dict.fromkeys(gap.join(_pieces(word)) for word in words))})"


def _any_of(words: Iterable[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)


def _pieces(word: str) -> list[str]:
    return re.findall(r"[a-z]+|[0-9]+", word.lower())


@cache
def _patterns(target: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    def either(words: Iterable[str]) -> str:
        return "|".join(dict.fromkeys(r"[^a-z0-9]{0,3}".join(_pieces(word)) for word in words))

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE | re.ASCII)

    sites = either(BILIARY)
    return (
        compiled(rf"(?<![a-z0-9])(?:{either(target)})(?![0-9])"),
        compiled(sites),  # no boundary before: pancreatobiliary, periampullary
        compiled(
            rf"cholangiocarcinoma|klatskin|(?:{sites})(?:\W+\w+)?\W+{_CANCER}|"
            rf"{_CANCER}\w*\W+(?:of|in)\W+(?:the\W+)?(?:\w+\W+)?(?:{sites})"
        ),
        compiled(rf"(?<![a-z0-9])(?:{either(SOLID)})"),
    )
