"""The sources behind a frame, as reference managers and LaTeX read them."""

from __future__ import annotations

import re
from json import dumps
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from attrs import frozen

from herbtc.catalog import Catalog, load
from herbtc.errors import look_up
from herbtc.export._frames import refuse
from herbtc.export._tables import SOURCES_OF_FACTS
from herbtc.terms import SourceKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from herbtc.models import Source


def bibliography(
    frame: pd.DataFrame,
    *,
    format: Literal["bibtex", "ris", "csl-json"] = "bibtex",  # noqa: A002
    catalog: Catalog | None = None,
) -> str:
    """Return the bibliography of a frame: exactly the sources that its rows were read in, each once.

    The key of an entry is the key of the study and that of the source, ``herizon-btc-01:pant-2025``, or the kind of
    fact and that of the source, ``approvals:fda-2024``; it is the same in every bibliography. The evidence records the
    first author only, so the entries name no other.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame with a column `source`, such as those of `herbtc.query`; rows without a source are passed over.
    format : str
        ``"bibtex"``, ``"ris"`` or ``"csl-json"``.
    catalog : Catalog, optional
        The evidence that the frame came from; the shipped one by default.

    Returns
    -------
    str
        The text of a file, which `write` writes.

    Raises
    ------
    herbtc.DataError
        If the frame has no column `source`, or does not tell which of several sources of that key is meant.
    herbtc.UnknownKeyError
        For a study or a source that is not in the catalog, and for another format.

    Examples
    --------
    >>> from herbtc import export, query
    >>> rates = query.proportions(endpoint="orr", trial="herizon-btc-01", arm="cohort-1")
    >>> print(export.bibliography(rates, format="ris"))
    TY  - JOUR
    ID  - herizon-btc-01:...
    """
    catalog = load() if catalog is None else catalog
    render = look_up("format", format, _FORMATS)
    return render([_Entry(key, source, _KINDS[source.kind]) for key, source in _cited(frame, catalog).items()])


# --- which sources ----------------------------------------------------------------------------------------------------

# The column that tells which facts a frame holds; frames of studies are known by their column `trial`, but an approval
# names its pivotal study there and was read elsewhere.
_OWNERS = {
    "variant": "variants",
    "clause": "definitions",
    "approval": "approvals",
    "guideline": "guidelines",
    "cohort": "prevalence",
    "trial": None,
    "agent": "agents",
    "mechanism": "agents",
    "definition": "definitions",
}


def _cited(frame: pd.DataFrame, catalog: Catalog) -> dict[str, Source]:
    if "source" not in frame.columns:
        raise refuse("source", "expected a column with the keys of sources; it is missing")
    facts = next((facts for column, facts in _OWNERS.items() if column in frame.columns), None)
    found: dict[str, Source] = {}
    rows = frame.drop_duplicates([name for name in ("trial", "source", "title") if name in frame.columns])
    for row in rows.to_dict("records"):
        if pd.isna(row["source"]):
            continue
        if facts is None and "trial" in row and not pd.isna(row["trial"]):
            owner, source = row["trial"], catalog.trial(row["trial"]).source(row["source"])
        else:
            owner, source = _of_fact(row["source"], facts, row.get("title"), catalog)
        found[f"{owner}:{source.key}"] = source
    return found


def _of_fact(key: str, facts: str | None, title: str | None, catalog: Catalog) -> tuple[str, Source]:
    # A frame of sources does not say which facts were read in them, and several may have the same key.
    owners = [facts] if facts else [owner for owner in _OWNERS.values() if owner]
    known = {
        (owner, source.key): source
        for owner in dict.fromkeys(owners)
        for source in getattr(catalog, SOURCES_OF_FACTS[owner])
        if title is None or source.title == title
    }
    found = {owner: source for (owner, each), source in known.items() if each == key}
    if not found:
        look_up("source", key, dict.fromkeys(each for _, each in known))
    if len({source.title for source in found.values()}) > 1:
        raise refuse("source", f"expected a title beside the key {key!r}, which several sources have: {list(found)}")
    return next(iter(found.items()))


# --- entries ----------------------------------------------------------------------------------------------------------


@frozen
class _Kind:
    """What a kind of source is called by each format; `venue` is the field of BibTeX for where it appeared."""

    bibtex: str
    venue: str
    ris: str
    csl: str


_PAGE = _Kind("misc", "howpublished", "ELEC", "webpage")
_REPORT = _Kind("techreport", "institution", "RPRT", "report")
_KINDS = {
    SourceKind.JOURNAL: _Kind("article", "journal", "JOUR", "article-journal"),
    SourceKind.REVIEW: _Kind("article", "journal", "JOUR", "article-journal"),
    SourceKind.CONFERENCE_ABSTRACT: _Kind("inproceedings", "booktitle", "ABST", "paper-conference"),
    SourceKind.PREPRINT: _Kind("misc", "howpublished", "UNPB", "article"),
    SourceKind.REGULATORY_REVIEW: _REPORT,
    SourceKind.LABEL: _REPORT,
    SourceKind.REGISTRY: _PAGE,
    SourceKind.PRESS_RELEASE: _PAGE,
    SourceKind.TRADE_PRESS: _PAGE,
    SourceKind.DATABASE: _Kind("misc", "howpublished", "DBASE", "dataset"),
    SourceKind.UNPUBLISHED: _Kind("unpublished", "note", "UNPB", "manuscript"),
}


@frozen
class _Entry:
    key: str
    source: Source
    kind: _Kind

    @property
    def title(self) -> str:
        return _on_one_line(self.source.title)

    @property
    def venue(self) -> str:
        return _on_one_line(self.source.venue or "")

    @property
    def year(self) -> int | None:
        return self.source.year or (self.source.published.year if self.source.published else None)

    @property
    def author(self) -> tuple[str, str]:
        """Family name and initials, ``("Harding", "J. J.")``; a name without initials as it stands."""
        name = _on_one_line(self.source.first_author or "")
        parts = re.fullmatch(r"(.+) ([A-Z]{1,4})", name)
        return (parts[1], " ".join(f"{initial}." for initial in parts[2])) if parts else (name, "")

    @property
    def link(self) -> str:
        return self.source.link.translate(_IN_ADDRESS)

    @property
    def quoted(self) -> str:
        """Where it was read, if not in the source itself."""
        return f"As quoted in {self.source.via}" if self.source.via else ""


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


# What would end a field of BibTeX; an address may spell them so.
_IN_ADDRESS = str.maketrans({character: f"%{ord(character):02X}" for character in '{}\\"<> '})


# --- BibTeX -----------------------------------------------------------------------------------------------------------

# BibTeX counts braces even behind a backslash, so a brace is named and not escaped.
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{character: f"\\{character}" for character in "$&#%_"},
    }
)


def _bibtex(entries: Iterable[_Entry]) -> str:
    return "\n".join(map(_as_bibtex, entries))


def _as_bibtex(entry: _Entry) -> str:
    family, given = (each.translate(_LATEX) for each in entry.author)
    source = entry.source
    notes = [entry.quoted.translate(_LATEX)]
    fields = {
        # A second pair of braces keeps a name whole, and the capitals of a title.
        "author": f"{family}, {given}" if given else f"{{{family}}}" if family else "",
        "title": f"{{{entry.title.translate(_LATEX)}}}",
        "year": str(entry.year or ""),
    }
    if entry.kind.venue == "note":
        notes.insert(0, entry.venue.translate(_LATEX) or "Unpublished")
    else:
        fields[entry.kind.venue] = entry.venue.translate(_LATEX)
    fields |= {
        "note": ". ".join(filter(None, notes)),
        # Styles print these as they are, so nothing in them is escaped.
        "doi": (source.doi or "").translate(_IN_ADDRESS),
        "pmid": source.pmid or "",
        "url": entry.link,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{entry.kind.bibtex}{{{entry.key},", *lines, "}", ""])


# --- RIS --------------------------------------------------------------------------------------------------------------


def _ris(entries: Iterable[_Entry]) -> str:
    return "\n".join("\n".join([*_as_ris(entry), ""]) for entry in entries)


def _as_ris(entry: _Entry) -> Iterator[str]:
    source = entry.source
    fields = {
        "TY": entry.kind.ris,
        "ID": entry.key,
        "AU": ", ".join(filter(None, entry.author)),
        "TI": entry.title,
        "T2": entry.venue,
        "PY": str(entry.year or ""),
        "DA": f"{source.published:%Y/%m/%d}" if source.published else "",
        "DO": source.doi or "",
        "AN": source.pmid or "",
        "DB": "PubMed" if source.pmid else "",
        "UR": entry.link,
        "N1": entry.quoted,
    }
    yield from (f"{tag}  - {value}" for tag, value in fields.items() if value)
    yield "ER  - "


# --- CSL --------------------------------------------------------------------------------------------------------------


def _csl(entries: Iterable[_Entry]) -> str:
    return dumps([_as_csl(entry) for entry in entries], ensure_ascii=False, indent=2) + "\n"


def _as_csl(entry: _Entry) -> Mapping[str, Any]:
    source, (family, given) = entry.source, entry.author
    day = source.published
    issued = [day.year, day.month, day.day] if day else [entry.year] if entry.year else None
    fields: dict[str, Any] = {
        "id": entry.key,
        "type": entry.kind.csl,
        "author": [{"family": family, "given": given} if given else {"literal": family}] if family else None,
        "title": entry.title,
        "container-title": entry.venue,
        "issued": {"date-parts": [issued]} if issued else None,
        "DOI": source.doi,
        "PMID": source.pmid,
        "URL": entry.link,
        "note": entry.quoted,
    }
    return {name: value for name, value in fields.items() if value}


_FORMATS: dict[str, Callable[[Iterable[_Entry]], str]] = {"bibtex": _bibtex, "ris": _ris, "csl-json": _csl}
