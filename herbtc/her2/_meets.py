"""Whether a tumour meets a definition: yes, no or unknown, with the reasons."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias

from attrs import frozen

from herbtc._html import Shown
from herbtc.catalog import Catalog, load
from herbtc.her2._assays import Assay, Profile, profile_of
from herbtc.her2._ish import gastric_groups, numbers
from herbtc.her2._score import score_of
from herbtc.models import Clause, Definition
from herbtc.terms import Answer, IhcScore, IshGroup, IshResult, Laboratory, Specimen, VariantKind
from herbtc.variants import counted

_Found: TypeAlias = tuple[Answer, str]

YES, NO, UNKNOWN = Answer


@frozen(kw_only=True)
class Verdict(Shown):
    """Whether a tumour meets a definition, and why.

    Attributes
    ----------
    answer : {"yes", "no", "unknown"}
    definition : str
        Key of the definition.
    reasons : tuple of str
        What decided: the results that meet a clause, those that rule each clause out, or what is open.
    missing : tuple of str
        Fields of `Assay` that would settle an open answer.
    discordances : tuple of str
        Where assays contradict each other about something that the definition asks for; never resolved here.
    cautions : tuple of str
        What a reader must know besides: a test asked for centrally and done locally, a threshold that was not seen.
    """

    answer: Answer
    definition: str
    reasons: tuple[str, ...]
    missing: tuple[str, ...] = ()
    discordances: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.answer}: {'; '.join(self.reasons)}"


@frozen
class _Condition:
    # One test result that a clause asks for, and what the assays say of it.
    asks: str
    formula: str
    answer: Answer
    found: tuple[str, ...]
    discordant: bool

    def __str__(self) -> str:
        if self.discordant:
            return f"{' against '.join(self.found)}: whether {self.formula} stays open"
        if self.answer is UNKNOWN:
            known = " and ".join(self.found) or f"{_ASKED[self.asks].words} not known"
            return f"{known}: whether {self.formula} stays open"
        return f"{' and '.join(self.found)}: {'' if self.answer is YES else 'not '}{self.formula}"


@frozen
class _Held:
    # A clause held against a tumour: each result that it asks for, and whether all are there.
    conditions: tuple[_Condition, ...]
    answer: Answer


def meets(
    tumour: Assay | Profile | Iterable[Assay], definition: str | Definition, *, catalog: Catalog | None = None
) -> Verdict:
    """Return whether a tumour meets a definition of a study, a label or a guideline.

    Truth is three-valued [1]_: a clause is met where all that it asks for is, and stays open where a test is missing
    or two assays contradict each other, unless every result that the missing test could have leads to one answer.
    Where the record of a definition says that a part of it was not seen, a tumour outside its clauses is unknown.

    Parameters
    ----------
    tumour : Assay, Profile or iterable of Assay
    definition : str or Definition
        A key, such as ``"ziihera-label"``, or a definition of your own.
    catalog : Catalog, optional
        Where keys are looked up, and what is known of variants; by default the shipped evidence.

    Raises
    ------
    herbtc.UnknownKeyError
        If there is no such definition.

    References
    ----------
    .. [1] Kleene SC. Introduction to Metamathematics. 1952, § 64 (strong tables), and van Fraassen BC. Singular terms,
       truth-value gaps, and free logic. J Philos 1966;63:481-495 (all completions agree).

    Examples
    --------
    >>> from herbtc import her2
    >>> print(her2.meets(her2.Assay(ihc="3+"), "ziihera-label"))
    yes: IHC 3+: IHC in {3+}
    >>> print(her2.meets(her2.Assay(ihc="2+"), "herb-positive"))
    unknown: ISH not known: whether ISH = positive stays open
    >>> tumour = her2.Assay(ihc="0", ish="positive")
    >>> [str(her2.meets(tumour, key).answer) for key in ("herizon-btc-01", "herb-low", "ziihera-label")]
    ['yes', 'yes', 'no']
    """
    catalog = load() if catalog is None else catalog
    if isinstance(definition, str):
        definition = catalog.definition(definition)
    return _verdict(profile_of(tumour), definition, catalog)


@lru_cache(maxsize=8192)
def _verdict(profile: Profile, definition: Definition, catalog: Catalog) -> Verdict:
    clauses = [_held(profile, clause, catalog) for clause in definition.any_of]
    answer = _any(clause.answer for clause in clauses)
    cautions = [*_tested_elsewhere(profile, definition)]
    if answer is UNKNOWN and (whatever := _whatever(profile, definition, clauses)):
        answer, reasons = whatever
    else:
        reasons = [*_reasons(clauses, answer)]
    if definition.open is not None:
        cautions.append(f"not seen of this definition: {definition.open}")
    doubtful = [_held(profile, clause, catalog) for clause in definition.perhaps]
    if answer is NO and (more := _any(clause.answer for clause in doubtful)) is not NO:
        answer = UNKNOWN
        reasons = [f"{each} (may count: not seen is {definition.open})" for each in _reasons(doubtful, more)]
        clauses = [*clauses, *doubtful] if more is UNKNOWN else clauses
    every = [each for clause in clauses for each in clause.conditions]
    return Verdict(
        answer=answer,
        definition=definition.key,
        reasons=tuple(dict.fromkeys(reasons)),
        missing=_missing(clauses) if answer is UNKNOWN else (),
        discordances=tuple(dict.fromkeys(" against ".join(each.found) for each in every if each.discordant)),
        cautions=tuple(cautions),
    )


# Definitions share their clauses: a tumour is held against each once.
@lru_cache(maxsize=8192)
def _held(profile: Profile, clause: Clause, catalog: Catalog) -> _Held:
    made = []
    for asks, formula in clause.conditions.items():
        wanted = getattr(clause, asks)
        several = len(profile.assays) > 1
        found = [
            (answer, f"{seen} ({assay.where})" if several and assay.where else seen)
            for assay in profile.assays
            for answer, seen in _ASKED[asks].read(assay, wanted, catalog)
        ]
        settled = {answer for answer, _ in found} - {UNKNOWN}
        answer = next(iter(settled)) if len(settled) == 1 else UNKNOWN
        said = [seen for each, seen in found if each is not UNKNOWN or not settled]
        made.append(_Condition(asks, formula, answer, tuple(dict.fromkeys(said)), len(settled) > 1))
    return _Held(tuple(made), _all(each.answer for each in made))


def _reasons(clauses: list[_Held], answer: Answer) -> Iterator[str]:
    for clause in clauses:
        if answer is clause.answer:
            # One result rules a clause out, while all that it asks for must be there, or may be missing.
            decisive = [each for each in clause.conditions if each.answer is answer]
            yield from map(str, decisive[:1] if answer is NO else decisive)
            if answer is YES:
                return


def _missing(clauses: list[_Held]) -> tuple[str, ...]:
    open_clauses = [clause for clause in clauses if clause.answer is UNKNOWN]
    return tuple(
        dict.fromkeys(
            _ASKED[each.asks].field
            for clause in open_clauses
            for each in clause.conditions
            if each.answer is UNKNOWN and not each.discordant
        )
    )


def _whatever(profile: Profile, definition: Definition, clauses: list[_Held]) -> tuple[Answer, list[str]] | None:
    # Whether every result that a missing IHC score or ISH result could have leads to the same answer.
    unseen = [
        asks
        for asks in _COMPLETIONS
        if all(
            each.answer is UNKNOWN and not each.found
            for clause in clauses
            for each in clause.conditions
            if each.asks == asks
        )
        and any(each.asks == asks for clause in clauses for each in clause.conditions)
    ]
    if not unseen or not profile.assays:
        return None
    answers = set()
    for values in product(*(_COMPLETIONS[asks] for asks in unseen)):
        given = dict(zip(unseen, values, strict=True))
        answers.add(
            _any(
                _all(
                    _given(each.asks, given[each.asks], clause) if each.asks in given else each.answer
                    for each in held.conditions
                )
                for clause, held in zip(definition.any_of, clauses, strict=True)
            )
        )
    if len(answers) != 1 or UNKNOWN in answers:
        return None
    names = " and ".join(_ASKED[asks].words for asks in unseen)
    seen = [str(each) for clause in clauses for each in clause.conditions if each.answer is not UNKNOWN]
    return answers.pop(), [*dict.fromkeys(seen), f"whatever {names} would be"]


def _given(asks: str, value: Any, clause: Clause) -> Answer:
    wanted = getattr(clause, asks)
    return _answer(value in wanted if isinstance(wanted, tuple) else value is wanted)


def _tested_elsewhere(profile: Profile, definition: Definition) -> Iterator[str]:
    places = {assay.laboratory for assay in profile.assays} - {None}
    if definition.laboratory is Laboratory.CENTRAL and places and Laboratory.CENTRAL not in places:
        yield "the definition asks for central testing, and this was tested locally"


def _all(answers: Iterable[Answer]) -> Answer:
    seen = set(answers)
    return NO if NO in seen else UNKNOWN if UNKNOWN in seen else YES


def _any(answers: Iterable[Answer]) -> Answer:
    seen = set(answers)
    return YES if YES in seen else UNKNOWN if UNKNOWN in seen else NO


def _answer(truth: bool) -> Answer:  # noqa: FBT001
    return YES if truth else NO


# --- what an assay says of each result that a clause can ask for ------------------------------------------------------


def _ihc(assay: Assay, wanted: tuple[IhcScore, ...], _: Catalog) -> Iterator[_Found]:
    score = score_of(assay)
    if score is not None:
        yield _answer(score in wanted), f"IHC {score}"


def _ish(assay: Assay, wanted: IshResult, _: Catalog) -> Iterator[_Found]:
    # Where a definition names no cut-off of its own, the gastro-oesophageal criteria say what is amplified.
    for group, clause in gastric_groups(assay):
        seen = f"ISH {group}" if clause == "gastric-ihc-2-ish" else numbers(assay)
        open_still = group in (IshGroup.OPEN, IshGroup.OPEN_SINGLE)
        yield UNKNOWN if open_still else _answer(group.value == wanted.value), seen


def _at_least(field: str, words: str) -> Callable[[Assay, Any, Catalog], Iterator[_Found]]:
    def read(assay: Assay, least: Any, _: Catalog) -> Iterator[_Found]:
        if (value := getattr(assay, field)) is not None:
            yield _answer(value >= least), f"{words} {value:g}"

    return read


def _above(assay: Assay, most: Any, _: Catalog) -> Iterator[_Found]:
    if assay.ngs_copies is not None:
        yield _answer(assay.ngs_copies > most), f"NGS copies {assay.ngs_copies:g}"


def _ngs(assay: Assay, wanted: bool, _: Catalog) -> Iterator[_Found]:  # noqa: FBT001
    if assay.ngs_amplified is not None:
        yield _answer(assay.ngs_amplified is wanted), f"NGS {'' if assay.ngs_amplified else 'not '}amplified"
    if assay.ngs_copies is not None:
        seen = f"NGS copies {assay.ngs_copies:g}"
        if assay.ngs_threshold is None:
            yield UNKNOWN, f"{seen} on a platform whose threshold is not given"
        else:
            reached = assay.ngs_copies >= assay.ngs_threshold
            yield _answer(reached is wanted), f"{seen} ({'≥' if reached else '<'} {assay.ngs_threshold:g})"


def _truth(field: str, words: str) -> Callable[[Assay, bool, Catalog], Iterator[_Found]]:
    def read(assay: Assay, wanted: bool, _: Catalog) -> Iterator[_Found]:  # noqa: FBT001
        if (value := getattr(assay, field)) is not None:
            yield _answer(value is wanted), f"{'' if value else 'no '}{words}"

    return read


def _variant(assay: Assay, wanted: VariantKind, catalog: Catalog) -> Iterator[_Found]:
    # One variant that counts is enough, whatever others are there.
    answers = [_counted(variant, wanted, catalog) for variant in assay.variants]
    if answers:
        yield _any(answer for answer, _ in answers), "ERBB2 " + ", ".join(seen for _, seen in answers)
    elif assay.sequenced:
        # What plasma does not show may still be in the tumour.
        yield UNKNOWN if assay.specimen is Specimen.PLASMA else NO, "no ERBB2 variant found"


def _counted(text: str, wanted: VariantKind, catalog: Catalog) -> _Found:
    made = counted(text, wanted, catalog.variants)
    return made.answer, f"{made.change} ({made.reason})"


@frozen
class _Asked:
    # A result that a clause can ask for: what an assay says of it, the field that holds it, and its name in words.
    read: Callable[[Assay, Any, Catalog], Iterator[_Found]]
    field: str
    words: str


_ASKED = {
    "ihc": _Asked(_ihc, "ihc", "IHC"),
    "ish": _Asked(_ish, "ish", "ISH"),
    "ish_ratio_min": _Asked(_at_least("ratio", "HER2/CEP17"), "ish_ratio", "HER2/CEP17 ratio"),
    "ish_copies_min": _Asked(_at_least("ish_copies", "HER2 copies"), "ish_copies", "HER2 copies by ISH"),
    "ngs_amplified": _Asked(_ngs, "ngs_amplified", "amplification by NGS"),
    "ngs_copies_min": _Asked(_at_least("ngs_copies", "NGS copies"), "ngs_copies", "copies by NGS"),
    "ngs_copies_above": _Asked(_above, "ngs_copies", "copies by NGS"),
    "plasma_amplified": _Asked(
        _truth("plasma_amplified", "amplification in plasma"), "plasma_amplified", "amplification in plasma"
    ),
    "variant": _Asked(_variant, "variants", "ERBB2 sequence"),
    "her3_altered": _Asked(_truth("her3_altered", "ERBB3 alteration"), "her3_altered", "ERBB3"),
    "nrg1_fusion": _Asked(_truth("nrg1_fusion", "NRG1 fusion"), "nrg1_fusion", "NRG1"),
}
_COMPLETIONS: dict[str, tuple[Any, ...]] = {"ihc": tuple(IhcScore), "ish": tuple(IshResult)}
