"""Frames of variants of ERBB2: what each was found to do, and how often each was counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from herbtc import variants as of_variants
from herbtc.catalog import Catalog, load
from herbtc.query._columns import Column, number, text, whole, word
from herbtc.query._rows import Words, as_frame, passes, wanted
from herbtc.terms import Answer, ChangeKind, ProteinDomain, SourceKind, StudiedIn, VariantEffect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from herbtc.models import Source
    from herbtc.variants import Variant, VariantCount, VariantEvidence


@frozen(eq=False)
class _Known:
    """A variant, the domain it lies in, and whether it activates."""

    variant: Variant
    domain: ProteinDomain | None
    activating: Answer


@frozen(eq=False)
class _EvidenceRow:
    of: _Known
    evidence: VariantEvidence | None
    source: Source | None


@frozen(eq=False)
class _CountRow:
    of: _Known
    count: VariantCount
    source: Source


def _drugs(row: _EvidenceRow) -> str | None:
    return " + ".join((*row.evidence.agents, *row.evidence.other_drugs)) or None if row.evidence else None


def _pmid(row: _EvidenceRow) -> str | None:
    if row.evidence is None or row.source is None:
        return None
    return row.evidence.report or row.source.pmid


_FIRST = (
    text("variant", "the one name of the variant", lambda row: row.of.variant.key),
    text("hgvs", "its name in three-letter code", lambda row: row.of.variant.change.hgvs),
    word("kind", "what it does to the protein", ChangeKind, lambda row: row.of.variant.change.kind),
    whole("start", "first residue that changes", lambda row: row.of.variant.change.start),
    whole("end", "last residue that changes", lambda row: row.of.variant.change.end),
    word("domain", "domain of the protein", ProteinDomain, lambda row: row.of.domain, ordered=True),
    word("activating", "whether it is known to activate HER2, by all evidence", Answer, lambda row: row.of.activating),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "variants": (
        *_FIRST,
        word("effect", "what it was found to do", VariantEffect, lambda row: row.evidence and row.evidence.effect),
        text("drugs", 'keys of agents, then other drugs, given together, joined by " + "', _drugs),
        word("studied_in", "in what it was seen", StudiedIn, lambda row: row.evidence and row.evidence.studied_in),
        text("model", "in which tumours, cells or animals", lambda row: row.evidence and row.evidence.model),
        whole("events", "patients who responded", lambda row: row.evidence and row.evidence.events),
        whole("n", "patients with the variant", lambda row: row.evidence and row.evidence.n),
        text("source", "key of the source", lambda row: row.source and row.source.key),
        word("source_kind", "kind of the source", SourceKind, lambda row: row.source and row.source.kind),
        whole("year", "year of publication", lambda row: row.source and row.source.year),
        text("pmid", "PubMed id of the paper, also of one that a database tells of", _pmid),
        text("doi", "DOI of the source", lambda row: row.source and row.source.doi),
        text("link", "address at which a reader finds it", lambda row: (row.source and row.source.link) or None),
        text("locator", "place in the source", lambda row: row.evidence and row.evidence.locator),
        text("note", "what a reader must know", lambda row: row.evidence and row.evidence.note),
    ),
    "variant_counts": (
        *_FIRST,
        text("dataset", "what was counted in", lambda row: row.count.dataset),
        text("version", "its version", lambda row: row.count.version),
        text("population", "among whom, where not among all of it", lambda row: row.count.population),
        text("of", "what was counted", lambda row: row.count.of),
        whole("events", "how many had the variant", lambda row: row.count.events),
        whole("n", "how many were looked at", lambda row: row.count.n),
        number("percent", "percentage as printed", lambda row: row.count.percent),
        text("source", "key of the source", lambda row: row.source.key),
        word("source_kind", "kind of the source", SourceKind, lambda row: row.source.kind),
        whole("year", "year of publication", lambda row: row.source.year),
        text("pmid", "PubMed id of the source", lambda row: row.source.pmid),
        text("doi", "DOI of the source", lambda row: row.source.doi),
        text("link", "address at which a reader finds it", lambda row: row.source.link or None),
        text("locator", "place in the source", lambda row: row.count.locator),
        text("note", "what a reader must know", lambda row: row.count.note),
    ),
}


def variants(
    *,
    variant: Words = None,
    domain: Words = None,
    effect: Words = None,
    agent: Words = None,
    studied_in: Words = None,
    activating: Words = None,
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return what variants of ERBB2 were found to do, one row per variant and finding, in the order of the protein.

    A variant of which nothing but its count is on record has one row, without effect, unless `effect`, `agent` or
    `studied_in` is asked for. Findings that disagree stand side by side; `activating` is the answer that all evidence
    on activation gives together (`herbtc.variants.activating`).

    Parameters
    ----------
    variant : str or iterable of str, optional
        Variants, by any spelling.
    domain, effect, studied_in : str or iterable of str, optional
        Domains of the protein; effects such as ``resistant``; ``patients animals cells protein``.
    agent : str or iterable of str, optional
        Keys of agents; findings on drugs that are no agents here have none.
    activating : str or iterable of str, optional
        ``yes no unknown``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist, or a variant that is not on record.
    herbtc.DataError
        For a variant that HER2 cannot have.

    Examples
    --------
    >>> from herbtc import query
    >>> found = query.variants(variant="p.Leu755Ser", agent="lapatinib")
    >>> set(found["effect"])
    {'resistant'}
    """
    catalog = load() if catalog is None else catalog
    effects = wanted("effect", effect, VariantEffect)
    agents = wanted("agent", agent, [each.key for each in catalog.agents])
    systems = wanted("studied_in", studied_in, StudiedIn)
    sources = {source.key: source for source in catalog.variant_sources}
    asked_of_evidence = any(words is not None for words in (effects, agents, systems))
    found = []
    for known in _known(catalog, variant, domain, activating):
        evidence = known.variant.evidence
        found += [
            _EvidenceRow(known, each, sources[each.source])
            for each in evidence
            if passes(effects, each.effect) and passes(agents, *each.agents) and passes(systems, each.studied_in)
        ]
        if not evidence and not asked_of_evidence:
            found.append(_EvidenceRow(known, None, None))
    return as_frame(COLUMNS["variants"], found, catalog)


def variant_counts(
    *,
    variant: Words = None,
    domain: Words = None,
    activating: Words = None,
    catalog: Catalog | None = None,
) -> pd.DataFrame:
    """Return how often variants of ERBB2 were counted, one row per variant, data set and population.

    A variant that is counted often need not activate HER2. Counts of data sets, and of a population inside one, share
    patients, so they do not add up.

    Parameters
    ----------
    variant, domain, activating : str or iterable of str, optional
        Variants, by any spelling; domains of the protein; ``yes no unknown``.
    catalog : Catalog, optional
        The evidence to ask; the shipped one by default.

    Raises
    ------
    herbtc.UnknownKeyError
        For a word that does not exist, or a variant that is not on record.
    herbtc.DataError
        For a variant that HER2 cannot have.

    Examples
    --------
    >>> from herbtc import query
    >>> counts = query.variant_counts(variant="S310F")
    >>> counts.loc[counts["dataset"] == "Cancer Hotspots", "events"].tolist()
    [95, 3]
    """
    catalog = load() if catalog is None else catalog
    sources = {source.key: source for source in catalog.variant_sources}
    found = [
        _CountRow(known, each, sources[each.source])
        for known in _known(catalog, variant, domain, activating)
        for each in known.variant.counts
    ]
    return as_frame(COLUMNS["variant_counts"], found, catalog)


def _known(catalog: Catalog, variant: Words, domain: Words, activating: Words) -> Iterator[_Known]:
    if variant is None:
        keys = None
    else:
        names = [variant] if isinstance(variant, str) else list(variant)
        keys = frozenset(catalog.variant(each).key for each in names)
    domains, answers = wanted("domain", domain, ProteinDomain), wanted("activating", activating, Answer)
    for each in catalog.variants:
        if passes(keys, each.key):
            known = _Known(
                each,
                of_variants.domain(each.key, catalog.protein_regions),
                of_variants.activating(each.key, [each]).answer,
            )
            if passes(domains, known.domain) and passes(answers, known.activating):
                yield known
