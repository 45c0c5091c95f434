"""A publication as PubMed and Europe PMC cite it, in frozen records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from herbtc.registry._fields import NUMBER_OF_STUDY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_ERRATUM = frozenset({"erratumin", "correctedandrepublishedin"})
_RETRACTION = frozenset({"retractionin", "retractedandrepublishedin"})
_CONCERN = frozenset({"expressionofconcernin"})
_NUMBER_IN_TEXT = re.compile(rf"(?<![A-Za-z0-9]){NUMBER_OF_STUDY.pattern}(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])(?:1[6-9]|20)[0-9]{2}(?![0-9])")

# Without these, 10 to the power of 6 would become 106.
_SUPERSCRIPT = dict(zip("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾", strict=True))
_SUBSCRIPT = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
_RAISED = {"sup": _SUPERSCRIPT, "sub": _SUBSCRIPT}


def flat(pieces: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return text without its markup, given as pieces with the names of the elements that each stands in.

    Digits and signs in ``sup`` and ``sub`` become raised and lowered characters; every run of space becomes one.
    """
    return " ".join("".join(_raised(text, names) for text, names in pieces).split())


def _raised(text: str, names: tuple[str, ...]) -> str:
    table = next((_RAISED[name] for name in reversed(names) if name in _RAISED), {})
    return "".join(table[letter] for letter in text) if all(letter in table for letter in text) else text


@frozen(kw_only=True)
class Author:
    """Who wrote it, as printed: a person, or a group under its `collective_name`."""

    last_name: str | None = None
    fore_name: str | None = None
    initials: str | None = None
    collective_name: str | None = None

    @property
    def name(self) -> str:
        """The name as PubMed lists it, such as ``Harding JJ``."""
        person = " ".join(part for part in (self.last_name, self.initials or self.fore_name) if part)
        return person or self.collective_name or ""


@frozen(kw_only=True)
class Accession:
    """A number of the work in a data bank, such as its study's in ``ClinicalTrials.gov``."""

    bank: str
    number: str


@frozen(kw_only=True)
class Notice:
    """What links a publication to another that corrects, retracts or comments on it, or that it cites.

    Attributes
    ----------
    kind : str
        ``ErratumIn``, ``RetractionIn``, ``ExpressionOfConcernIn``, ``CommentIn``, ``Cites`` …: PubMed's word, also
        where Europe PMC spells it ``Erratum in``.
    reference : str or None
        The other publication, as printed.
    """

    kind: str
    reference: str | None = None
    pmid: str | None = None
    note: str | None = None

    def is_of(self, kinds: frozenset[str]) -> bool:
        """Whether its kind is one of these, which stand in lower case without spaces."""
        return "".join(self.kind.split()).lower() in kinds


@frozen(kw_only=True)
class Citation:
    """A publication.

    Attributes
    ----------
    pmid : str or None
        Its number in PubMed; None for what stands in Europe PMC only, such as preprints.
    title, abstract : str or None
        Without inline markup; each labelled part of an abstract is a line, with its label before it.
    journal, journal_abbreviation : str or None
        The journal, or the book that a chapter stands in.
    pub_date : str or None
        Date of the issue, its parts as printed and joined by a space: ``1976 Sep 28``, ``1990 Spring``, ``2017 06``.
    medline_date : str or None
        The date of an issue that is no single day, month or season, as printed: ``1998 Dec-1999 Jan``.
    article_date : str or None
        Date of the electronic version, which may be a year before the issue's: ``2016 10 27``.
    entered : datetime.date or None
        The day on which it came into PubMed or Europe PMC.
    revised : datetime.date or None
        The day on which its record was last changed.
    accessions : tuple of Accession
        Its numbers in data banks.
    notices : tuple of Notice
        Links to other publications, what it cites included.
    """

    pmid: str | None = None
    pmcid: str | None = None
    doi: str | None = None
    title: str | None = None
    abstract: str | None = None
    authors: tuple[Author, ...] = ()
    journal: str | None = None
    journal_abbreviation: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    pub_date: str | None = None
    medline_date: str | None = None
    article_date: str | None = None
    entered: date | None = None
    revised: date | None = None
    publication_types: tuple[str, ...] = ()
    accessions: tuple[Accession, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def nct_ids(self) -> tuple[str, ...]:
        """The studies of ClinicalTrials.gov that the record itself is linked to: the best link from trial to paper."""
        return tuple(dict.fromkeys(each.number for each in self.accessions if NUMBER_OF_STUDY.fullmatch(each.number)))

    @property
    def mentioned_nct_ids(self) -> tuple[str, ...]:
        """The numbers of ClinicalTrials.gov in its title and abstract, which may be those of other studies."""
        return tuple(dict.fromkeys(_NUMBER_IN_TEXT.findall(f"{self.title or ''}\n{self.abstract or ''}")))

    @property
    def errata(self) -> tuple[Notice, ...]:
        """What corrects it."""
        return tuple(each for each in self.notices if each.is_of(_ERRATUM))

    @property
    def retractions(self) -> tuple[Notice, ...]:
        """What retracts it."""
        return tuple(each for each in self.notices if each.is_of(_RETRACTION))

    @property
    def concerns(self) -> tuple[Notice, ...]:
        """What expresses concern about it."""
        return tuple(each for each in self.notices if each.is_of(_CONCERN))

    @property
    def retracted(self) -> bool:
        """Whether it was retracted; a notice that retracts another publication was not."""
        return bool(self.retractions) or any(each.lower() == "retracted publication" for each in self.publication_types)

    @property
    def year(self) -> int | None:
        """The year of the issue, else of the electronic version."""
        found = (_YEAR.search(text) for text in (self.pub_date, self.medline_date, self.article_date) if text)
        return next((int(year[0]) for year in found if year), None)

    @property
    def link(self) -> str | None:
        """Address at which a reader finds it."""
        if self.pmid:
            return f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/"
        return f"https://doi.org/{self.doi}" if self.doi else None
