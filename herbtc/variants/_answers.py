"""What the records say of a variant: three-valued, with the evidence behind each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from herbtc.terms import Answer, ChangeKind, VariantEffect, VariantKind
from herbtc.variants._names import ProteinChange, name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from herbtc.terms import ProteinDomain
    from herbtc.variants._records import ProteinRegion, Variant, VariantEvidence


@frozen(kw_only=True)
class VariantAnswer:
    """Yes, no or unknown about a variant, and why.

    Attributes
    ----------
    answer : Answer
    change : ProteinChange
        The change that was asked about; of unknown kind where the text names none.
    reason : str
        Why, in words.
    evidence : tuple of VariantEvidence
        What the records hold for and against.
    """

    answer: Answer
    change: ProteinChange
    reason: str
    evidence: tuple[VariantEvidence, ...] = ()


def record(text: str, records: Iterable[Variant]) -> Variant | None:
    """Return the record of the variant that a text names, by any spelling or any other name in use; None for none.

    Parameters
    ----------
    text : str
        A name as a report prints it.
    records : iterable of Variant
        What is known, such as ``herbtc.load().variants``.

    Raises
    ------
    herbtc.DataError
        If the text is empty or names a change that HER2 cannot have.

    Examples
    --------
    >>> import herbtc
    >>> from herbtc import variants
    >>> variants.record("A775insYVMA", herbtc.load().variants).key
    'Y772_A775dup'
    """
    change = name(text)
    for each in records:
        if each.key == change.name or (
            not change.known and change.name.casefold() in {other.casefold() for other in each.also}
        ):
            return each
    return None


def activating(text: str, records: Iterable[Variant]) -> VariantAnswer:
    """Return whether a variant is known to activate HER2: yes, no or unknown, with the evidence.

    Yes where evidence says that it activates and none says that it does not; no where it is the other way round;
    unknown where there is evidence of both or of neither. A high count is no evidence: that a place is often mutated
    does not prove that a change there activates. Nor is a response to a drug. A silent change cannot activate.

    Parameters
    ----------
    text : str
        A name as a report prints it.
    records : iterable of Variant
        What is known, such as ``herbtc.load().variants``.

    Raises
    ------
    herbtc.DataError
        If the text is empty or names a change that HER2 cannot have.

    Examples
    --------
    >>> import herbtc
    >>> from herbtc import variants
    >>> known = herbtc.load().variants
    >>> variants.activating("p.Val842Ile", known).answer
    <Answer.YES: 'yes'>
    >>> variants.activating("L755S", known).reason
    'evidence that it activates (3) and that it does not (1)'
    >>> variants.activating("I767M", known).answer
    <Answer.UNKNOWN: 'unknown'>
    """
    found = record(text, records)
    change = found.change if found else name(text)
    if change.kind is ChangeKind.SILENT:
        return VariantAnswer(answer=Answer.NO, change=change, reason="the protein is unchanged")
    every = found.evidence if found else ()
    by = {
        effect: [each for each in every if each.effect is effect]
        for effect in (VariantEffect.ACTIVATING, VariantEffect.NOT_ACTIVATING, VariantEffect.UNCERTAIN)
    }
    pro, contra, open_ = map(len, by.values())
    if pro and contra:
        answer, reason = Answer.UNKNOWN, f"evidence that it activates ({pro}) and that it does not ({contra})"
    elif pro or contra:
        answer = Answer.YES if pro else Answer.NO
        reason = f"evidence that it {'activates' if pro else 'does not activate'} ({pro or contra})"
    elif not change.known:
        answer, reason = Answer.UNKNOWN, "the text names no change of the protein that can be read"
    else:
        answer, reason = Answer.UNKNOWN, "evidence is undecided" if open_ else "no evidence recorded"
    return VariantAnswer(
        answer=answer, change=change, reason=reason, evidence=tuple(each for some in by.values() for each in some)
    )


def counted(text: str, kind: VariantKind, records: Iterable[Variant]) -> VariantAnswer:
    """Return whether a definition that counts variants of a kind counts this one: yes, no or unknown.

    ``any`` counts every change of the protein, known to activate or not; a silent change is none. Of a text that
    names no change that can be read, such as ``"exon 20 insertion"``, it is unknown. ``activating`` counts those
    known to activate (`activating`). ``listed`` counts those of a list that was not seen, so that it stays unknown.

    Parameters
    ----------
    text : str
        A name as a report prints it.
    kind : VariantKind
        Which variants the definition counts.
    records : iterable of Variant
        What is known, such as ``herbtc.load().variants``.

    Raises
    ------
    herbtc.DataError
        If the text is empty or names a change that HER2 cannot have.

    Examples
    --------
    >>> import herbtc
    >>> from herbtc import variants
    >>> from herbtc.terms import VariantKind
    >>> known = herbtc.load().variants
    >>> variants.counted("R678Q", VariantKind.ANY, known).answer
    <Answer.YES: 'yes'>
    >>> variants.counted("R678Q", VariantKind.ACTIVATING, known).answer
    <Answer.UNKNOWN: 'unknown'>
    """
    return RULES[kind](text, records)


def _changes(text: str, records: Iterable[Variant]) -> VariantAnswer:
    found = record(text, records)
    change = found.change if found else name(text)
    if change.kind is ChangeKind.SILENT:
        return VariantAnswer(answer=Answer.NO, change=change, reason="the protein is unchanged")
    if not change.known:
        reason = "the text names no change of the protein that can be read"
        return VariantAnswer(answer=Answer.UNKNOWN, change=change, reason=reason)
    return VariantAnswer(answer=Answer.YES, change=change, reason=f"{change.kind} of the protein")


def _listed(text: str, records: Iterable[Variant]) -> VariantAnswer:
    made = _changes(text, records)
    if made.answer is Answer.YES:
        return evolve(made, answer=Answer.UNKNOWN, reason="the list was not seen")
    return made


RULES: dict[VariantKind, Callable[[str, Iterable[Variant]], VariantAnswer]] = {
    VariantKind.ANY: _changes,
    VariantKind.ACTIVATING: activating,
    VariantKind.LISTED: _listed,
}
"""How each kind of variant that a definition counts is recognised."""


def domain(text: str, regions: Sequence[ProteinRegion]) -> ProteinDomain | None:
    """Return the domain in which a variant lies: that of the narrowest region with all of it, None for none.

    Parameters
    ----------
    text : str
        A name as a report prints it.
    regions : sequence of ProteinRegion
        Domains of the protein, such as ``herbtc.load().protein_regions``.

    Raises
    ------
    herbtc.DataError
        If the text is empty or names a change that HER2 cannot have.

    Examples
    --------
    >>> import herbtc
    >>> from herbtc import variants
    >>> variants.domain("S310F", herbtc.load().protein_regions)
    <ProteinDomain.EXTRACELLULAR_II: 'extracellular-ii'>
    """
    start, end = name(text).start, name(text).end
    if start is None or end is None:
        return None
    around = [region for region in regions if region.start <= start and end <= region.end]
    return min(around, key=lambda region: region.end - region.start).domain if around else None
