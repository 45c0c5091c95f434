"""One name for each change of the HER2 protein, whichever of its spellings is given."""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

from herbtc.errors import DataError, Problem, shown
from herbtc.terms import ChangeKind
from herbtc.variants._protein import LETTERS, RESIDUES

_CODES = {letter: code for code, letter in LETTERS.items()}
_LENGTH = len(RESIDUES)

# Nobody writes a longer name; and the time to read one grows with the square of its length.
_LONGEST = 200


@frozen(kw_only=True, repr=False)
class ProteinChange:
    """A change of the HER2 protein, by its one name.

    Attributes
    ----------
    name : str
        One-letter codes, as HGVS orders them: ``"S310F"``, ``"Y772_A775dup"``. Of a kind that is unknown, the text as
        it was given.
    kind : ChangeKind
        What the change is; ``"unknown"`` where the text cannot be read.
    start, end : int or None
        First and last residue that changes; of an insertion, the residues before and behind it. None where unknown.
    reference : str
        Residues from `start` to `end` in the reference protein.
    inserted : str
        Residues that are inserted, or that stand in place of `reference`.
    """

    name: str
    kind: ChangeKind
    start: int | None = None
    end: int | None = None
    reference: str = ""
    inserted: str = ""

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"ProteinChange({self.name!r}, {str(self.kind)!r})"

    @property
    def known(self) -> bool:
        """Whether the text names a change that could be read."""
        return self.kind is not ChangeKind.UNKNOWN

    @property
    def hgvs(self) -> str | None:
        """The name in three-letter code, ``"p.Tyr772_Ala775dup"``; None where the change is unknown.

        Examples
        --------
        >>> from herbtc import variants
        >>> variants.name("A775_G776insYVMA").hgvs
        'p.Tyr772_Ala775dup'
        """
        if not self.known:
            return None
        return "p." + re.sub("[A-Z]", lambda letter: _CODES[letter[0]], self.name).replace("*", "Ter")


@lru_cache(maxsize=4096)
def name(text: str) -> ProteinChange:
    """Return the change of the HER2 protein that a text names.

    Read are one-letter and three-letter codes in any case, with or without ``p.``, brackets, the gene
    (``ERBB2``, ``HER2``, ``HER2/neu`` …), the reference sequence (``NP_004439.2:``, ``NM_004448.4:``), the change of
    the coding sequence beside it (``c.929C>T``) and the word *mutation* or *variant*. Several names in one text are
    read where all name the same change.

    The name follows the recommendations of the HGVS: the change is described as short as it can be and as far towards
    the C-terminus as it can be, and an insertion that repeats the residues before it is a duplication. All this is
    computed from the reference sequence (UniProt P04626), so that every spelling of one change gets one name.

    A text that names no change of the protein, or more than one, is kept as it is, with kind ``"unknown"``: an
    amplification, a fusion, ``"exon 20 insertion"``, a residue without what replaces it (``"S310"``, ``"S310X"``),
    an insertion with one neighbour (``"A775insYVMA"``, which authors use for either side), a change of
    another gene that is named (``"BRAF V600E"``), a change of the coding sequence alone.

    Parameters
    ----------
    text : str
        A name as a report prints it.

    Returns
    -------
    ProteinChange

    Raises
    ------
    herbtc.DataError
        If the text is empty, or names a change that HER2 cannot have: a residue that the reference sequence has not
        at that place, a place outside of it, residues that are not in order or, around an insertion, no neighbours.

    References
    ----------
    den Dunnen JT et al. HGVS recommendations for the description of sequence variants: 2016 update. Hum Mutat
    2016;37:564-569. doi:10.1002/humu.22981

    Examples
    --------
    >>> from herbtc import variants
    >>> variants.name("ERBB2 p.Ser310Phe")
    ProteinChange('S310F', 'substitution')
    >>> variants.name("A775_G776insYVMA") == variants.name("p.(Tyr772_Ala775dup)")
    True
    >>> variants.name("exon 20 insertion")
    ProteinChange('exon 20 insertion', 'unknown')
    >>> variants.name("V600E")
    Traceback (most recent call last):
    ...
    herbtc.errors.DataError: 1 fault in ERBB2 variant 'V600E'
      expected C at 600, which UniProt P04626 has there, got V
    """
    if not isinstance(text, str) or not text.strip():
        raise _refused(text, "expected the name of a variant")
    given = text.strip()
    found = _parts(given) if len(given) <= _LONGEST else ()
    changes = {_change(given, *each) for each in found if each is not None} if found and None not in found else set()
    return changes.pop() if len(changes) == 1 else ProteinChange(name=given, kind=ChangeKind.UNKNOWN)


def _refused(text: object, expected: str) -> DataError:
    return DataError(f"ERBB2 variant {shown(text)}", [Problem("", "", expected)])


# --- reading ----------------------------------------------------------------------------------------------------------

_GENE = r"(?:c-?)?(?:erbb-?2|her-?2)(?:[-_]?neu)?"
_SEQUENCE = r"(?:NP_004439|NM_004448|ENSP00000269571|ENST00000269571|P04626)(?:\.[0-9]+)?"
# What may stand beside the change and says nothing more about it.
_BESIDE = re.compile(
    rf"{_GENE}|neu|{_SEQUENCE}|p\.|c\.[-*+0-9_]+[a-z>]*|mutations?|mutants?|variants?", re.IGNORECASE | re.ASCII
)
_BEFORE = re.compile(rf"{_GENE}[-_^]?(?=[a-z*])|p\.", re.IGNORECASE | re.ASCII)
_DASHES = str.maketrans(dict.fromkeys("\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "-"))


def _grammar(residue: str) -> re.Pattern[str]:
    place = "[0-9]{1,5}"
    return re.compile(
        rf"(?P<first>{residue})(?P<start>{place})"
        rf"(?:(?:[_-](?P<last>{residue})(?P<end>{place}))?"
        rf"(?:(?P<dup>dup)(?P<doubled>(?:{residue})*)"
        rf"|(?:del(?P<replaced>(?:{residue})*?)ins|>)(?P<replacing>(?:{residue})+)"
        rf"|(?P<del>del)(?!ins)(?P<deleted>(?:{residue})*)"
        rf"|(?(last)ins(?P<inserted>(?:{residue})+)|(?!))"
        r"|(?P<silent>=))"
        rf"|(?P<new>{residue})|(?P<stop>\*|Ter)"
        rf"|(?P<shifted>{residue})?(?P<fs>fs)(?:(?:\*|Ter|X)(?:(?P<length>{place})|\?)?)?)",
        re.IGNORECASE | re.ASCII,
    )


# Each way to write residues, with the length of its codes: a name keeps to one of them.
_GRAMMARS = ((1, _grammar(f"[{''.join(_CODES)}]")), (3, _grammar("|".join(LETTERS))))


def _parts(text: str) -> list[tuple[int, re.Match[str]] | None]:
    # How each part of a text that should name a change is to be read; None for a part that names none.
    text = text.translate(_DASHES)
    text = re.sub(r"(?<=[0-9])\s+(?=(?:dup|del|ins)(?:[A-Za-z]|\s|$))", "", text)
    text = re.sub(r"([0-9](?:del)?ins)\s+", r"\1", text)
    return [_part(part) for part in re.split(r"[\s:;,/()\[\]]+", text) if part and not _BESIDE.fullmatch(part)]


def _part(part: str) -> tuple[int, re.Match[str]] | None:
    while before := _BEFORE.match(part):
        part = part[before.end() :]
    return next(((width, found) for width, grammar in _GRAMMARS if (found := grammar.fullmatch(part))), None)


# --- what a name says, against the reference sequence -----------------------------------------------------------------


def _change(text: str, width: int, found: re.Match[str]) -> ProteinChange:
    said = {group: _letters(codes, width) for group, codes in found.groupdict().items()}
    start = int(found["start"])
    end = int(found["end"] or start)
    reference = _checked(text, said, start, end)
    if found["inserted"]:
        return _described(start, "", said["inserted"])
    if found["dup"]:
        return _described(end, "", reference)
    if found["fs"]:
        length = f"*{int(found['length'])}" if found["length"] else ""
        return _named(ChangeKind.FRAMESHIFT, start, end, f"{said['shifted']}fs{length}")
    if found["stop"]:
        return _named(ChangeKind.NONSENSE, start, end, "*")
    return _described(start - 1, reference, reference if found["silent"] else said["new"] or said["replacing"])


def _letters(codes: str | None, width: int) -> str:
    # Residues in one-letter code; nonsense for what holds none.
    codes = codes or ""
    if width == 1:
        return codes.upper()
    return "".join(LETTERS.get(codes[at : at + width].title(), "") for at in range(0, len(codes), width))


def _checked(text: str, said: dict[str, str], start: int, end: int) -> str:
    # The residues of the reference sequence from start to end, if they are what the name says they are.
    for residue, place in ((said["first"], start), (said["last"], end)):
        if not 1 <= place <= _LENGTH:
            raise _refused(text, f"expected a place from 1 to {_LENGTH}, got {place}")
        if residue and residue != (there := RESIDUES[place - 1]):
            raise _refused(text, f"expected {there} at {place}, which UniProt P04626 has there, got {residue}")
    if start > end:
        raise _refused(text, f"expected residues in the order of the sequence, got {start} before {end}")
    if said["inserted"] and end != start + 1:
        raise _refused(text, f"expected an insertion between neighbours, got {start} and {end}")
    reference = RESIDUES[start - 1 : end]
    for stated in (said["doubled"], said["replaced"], said["deleted"]):
        if stated and stated != reference:
            raise _refused(text, f"expected {reference} from {start} to {end}, got {stated}")
    return reference


def _described(before: int, reference: str, inserted: str) -> ProteinChange:
    # The change of the residues behind place `before`, as short and as far to the C-terminus as it can be described.
    if reference == inserted:
        return _named(ChangeKind.SILENT, before + 1, before + len(reference), "=", reference)
    shared = _shared(reference, inserted)
    before, reference, inserted = before + shared, reference[shared:], inserted[shared:]
    shared = _shared(reference[::-1], inserted[::-1])
    reference, inserted = reference[: len(reference) - shared], inserted[: len(inserted) - shared]
    if not reference:
        return _inserted(before, inserted)
    size = len(reference)
    while not inserted and before + size < _LENGTH and RESIDUES[before] == RESIDUES[before + size]:
        before += 1
    first, last = before + 1, before + size
    if not inserted:
        return _named(ChangeKind.DELETION, first, last, "del")
    if size == len(inserted) == 1:
        return _named(ChangeKind.SUBSTITUTION, first, last, inserted, inserted)
    return _named(ChangeKind.DELETION_INSERTION, first, last, f"delins{inserted}", inserted)


def _shared(one: str, other: str) -> int:
    # How many residues both begin with.
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _inserted(before: int, inserted: str) -> ProteinChange:
    while before < _LENGTH and RESIDUES[before] == inserted[0]:
        before, inserted = before + 1, inserted[1:] + inserted[0]
    if RESIDUES[max(0, before - len(inserted)) : before] == inserted:
        return _named(ChangeKind.DUPLICATION, before - len(inserted) + 1, before, "dup", inserted)
    if before == _LENGTH:
        # There is no residue behind it to name.
        before, inserted = before - 1, inserted[-1] + inserted[:-1]
    return _named(ChangeKind.INSERTION, before, before + 1, f"ins{inserted}", inserted)


def _named(kind: ChangeKind, start: int, end: int, edit: str, inserted: str = "") -> ProteinChange:
    reference = RESIDUES[start - 1 : end]
    last = f"_{reference[-1]}{end}" if end > start else ""
    return ProteinChange(
        name=f"{reference[0]}{start}{last}{edit}",
        kind=kind,
        start=start,
        end=end,
        reference=reference,
        inserted=inserted,
    )
