"""HER2 status by published criteria: three-valued, with the clause that decides and the test that would settle."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product

from attrs import frozen

from herbtc._html import Shown
from herbtc.errors import look_up
from herbtc.her2._assays import Assay, Profile, profile_of
from herbtc.her2._ish import breast_groups, gastric_groups, numbers
from herbtc.her2._score import score_of
from herbtc.terms import Her2Status, IhcScore, IshGroup, NextTest

POSITIVE, LOW, NEGATIVE, EQUIVOCAL, UNKNOWN = Her2Status
ZERO, ONE, TWO, THREE = IhcScore


@frozen(kw_only=True)
class Classification(Shown):
    """HER2 status of a tumour by criteria, and why.

    Attributes
    ----------
    status : {"positive", "low", "negative", "equivocal", "unknown"}
        ``low`` only by criteria that define it; a 2+ without ISH is equivocal, never negative.
    criteria : str
    clause : str
        Key of the clause that decided; see `herbtc.query.criteria`.
    group : str or None
        What in-situ hybridisation amounts to by these criteria.
    missing : tuple of str
        Fields of `Assay` that are missing for a settled status.
    next_test : str or None
        The test that would settle it; None where it is settled.
    discordances : tuple of str
        Where IHC and ISH, or two assays, point to opposite statuses; named and never averaged away.
    """

    status: Her2Status
    criteria: str
    clause: str
    group: IshGroup | None = None
    missing: tuple[str, ...] = ()
    next_test: NextTest | None = None
    discordances: tuple[str, ...] = ()

    def __str__(self) -> str:
        following = f", next: {self.next_test}" if self.next_test else ""
        return f"{self.status} by {self.criteria} ({self.clause}){following}"


@frozen
class _Outcome:
    status: Her2Status
    clause: str
    next_test: NextTest | None = None
    discordant: bool = False


def classify(tumour: Assay | Profile | Iterable[Assay], criteria: str = "gastric-2016") -> Classification:
    """Return the HER2 status of a tumour by published criteria.

    Sequencing and plasma settle no status by these criteria; `meets` asks definitions that admit them.
    Several assays are read together, IHC of one with ISH of another; where they lead to different statuses, the
    status is unknown and the discordance is named.

    Parameters
    ----------
    tumour : Assay, Profile or iterable of Assay
    criteria : {"gastric-2016", "breast-2018", "breast-2023", "destiny-breast04"}
        CAP/ASCP/ASCO for gastro-oesophageal cancer [1]_, the norm in biliary tract cancer; ASCO/CAP for breast
        cancer [2]_, with its five dual-probe groups; and HER2-low as DESTINY-Breast04 reads it upon the latter.

    Raises
    ------
    herbtc.UnknownKeyError
        For criteria that do not exist.

    References
    ----------
    .. [1] Bartley AN, et al. Arch Pathol Lab Med 2016;140:1345-1363.
    .. [2] Wolff AC, et al. J Clin Oncol 2018;36:2105-2122, affirmed in J Clin Oncol 2023;41:3867-3872.

    Examples
    --------
    >>> from herbtc import her2
    >>> print(her2.classify(her2.Assay(ihc="2+")))
    equivocal by gastric-2016 (gastric-ihc-2-equivocal), next: reflex-ish
    >>> print(her2.classify(her2.Assay(ihc="2+", ish_ratio=2.4)))
    positive by gastric-2016 (gastric-ihc-2-ish)
    >>> her2.classify([her2.Assay(ihc="3+", specimen="biopsy"), her2.Assay(ihc="0", specimen="resection")]).discordances
    ('IHC 3+ (biopsy) against IHC 0 (resection)',)
    """
    rules = look_up("criteria", criteria, CRITERIA)
    profile = profile_of(tumour)
    scores: list[tuple[IhcScore | None, str]] = [
        (score, _told(f"IHC {score}", assay)) for assay in profile.assays if (score := score_of(assay, criteria))
    ]
    hybridised: list[tuple[IshGroup | None, str, bool]] = [
        (group, _told(_ish_words(assay, group), assay), bool(assay.recounted))
        for assay in profile.assays
        for group, _ in rules.groups(assay)
    ]
    outcomes = {
        rules.decide(score, group, recounted): (group, ihc, ish)
        for (score, ihc), (group, ish, recounted) in product(
            scores or [(None, "IHC not known")], hybridised or [(None, "ISH not known", False)]
        )
    }
    discordances = [f"{ihc} beside {ish}" for made, (_, ihc, ish) in outcomes.items() if made.discordant]
    if len({made.status for made in outcomes}) > 1:
        discordances += [
            " against ".join(dict.fromkeys(words for _, words in told))
            for told in (scores, [(group, ish) for group, ish, _ in hybridised])
            if len({value for value, _ in told}) > 1
        ]
        return Classification(
            status=UNKNOWN,
            criteria=criteria,
            clause="assays-disagree",
            next_test=NextTest.NEW_SPECIMEN,
            discordances=tuple(dict.fromkeys(discordances)),
        )
    made = next(iter(outcomes))
    group = outcomes[made][0]
    return Classification(
        status=made.status,
        criteria=criteria,
        clause=made.clause,
        group=group,
        missing=_MISSING[made.next_test],
        next_test=made.next_test,
        discordances=tuple(dict.fromkeys(discordances)),
    )


def _told(words: str, assay: Assay) -> str:
    return f"{words} ({assay.where})" if assay.where else words


def _ish_words(assay: Assay, group: IshGroup) -> str:
    return f"ISH {group}{f' ({numbers(assay)})' if numbers(assay) else ''}"


_MISSING: dict[NextTest | None, tuple[str, ...]] = {
    None: (),
    NextTest.IHC: ("ihc",),
    NextTest.REFLEX_ISH: ("ish",),
    NextTest.DUAL_PROBE_ISH: ("ish_ratio",),
    NextTest.IHC_OR_DUAL_PROBE_ISH: ("ihc", "ish_ratio"),
    NextTest.COPIES: ("ish_copies",),
    NextTest.RECOUNT: ("recounted",),
    NextTest.NEW_SPECIMEN: (),
}

# --- the criteria: what decides, top down -----------------------------------------------------------------------------


def _gastric(score: IhcScore | None, group: IshGroup | None, _: bool) -> _Outcome:  # noqa: FBT001
    amplified, not_amplified = group is IshGroup.POSITIVE, group is IshGroup.NEGATIVE
    if score is None:
        return _Outcome(UNKNOWN, "gastric-ihc-first", NextTest.IHC)
    if score is THREE:
        return _Outcome(POSITIVE, "gastric-ihc-3-positive", discordant=not_amplified)
    if score in (ZERO, ONE):
        return _Outcome(NEGATIVE, "gastric-ihc-0-1-negative", discordant=amplified)
    if group is None:
        return _Outcome(EQUIVOCAL, "gastric-ihc-2-equivocal", NextTest.REFLEX_ISH)
    if group in _OPEN:
        return _Outcome(EQUIVOCAL, "gastric-ihc-2-ish", _OPEN[group])
    return _Outcome(POSITIVE if amplified else NEGATIVE, "gastric-ihc-2-ish")


_OPEN = {IshGroup.OPEN: NextTest.COPIES, IshGroup.OPEN_SINGLE: NextTest.DUAL_PROBE_ISH}
_LIKE_ONE = (IshGroup.ONE, IshGroup.SINGLE_POSITIVE)
_LIKE_FIVE = (IshGroup.FIVE, IshGroup.SINGLE_NEGATIVE)
_BREAST_CLAUSES = {
    IshGroup.SINGLE_POSITIVE: "breast-ish-single-positive",
    IshGroup.SINGLE_EQUIVOCAL: "breast-ish-single-equivocal",
    IshGroup.SINGLE_NEGATIVE: "breast-ish-single-negative",
    IshGroup.ONE_OR_TWO: "breast-ish-copies-missing",
    IshGroup.THREE_TO_FIVE: "breast-ish-copies-missing",
} | {group: f"breast-group-{group}" for group in list(IshGroup)[:5]}
_BY_IHC_ALONE = {
    THREE: _Outcome(POSITIVE, "breast-ihc-3-positive"),
    TWO: _Outcome(EQUIVOCAL, "breast-ihc-2-equivocal", NextTest.REFLEX_ISH),
    ONE: _Outcome(NEGATIVE, "breast-ihc-0-1-negative"),
    ZERO: _Outcome(NEGATIVE, "breast-ihc-0-1-negative"),
    None: _Outcome(UNKNOWN, "breast-no-test", NextTest.IHC),
}


def _breast(  # noqa: PLR0911  (one return a branch of the guideline's algorithm)
    score: IhcScore | None,
    group: IshGroup | None,
    recounted: bool,  # noqa: FBT001
) -> _Outcome:
    if group is None:
        return _BY_IHC_ALONE[score]
    clause = _BREAST_CLAUSES[group]
    low = score in (ZERO, ONE)
    if group in _LIKE_ONE:
        return _Outcome(POSITIVE, clause, discordant=low)
    if group in _LIKE_FIVE:
        if score is THREE:
            return _Outcome(POSITIVE, "breast-ihc-3-positive", discordant=True)
        return _Outcome(NEGATIVE, clause)
    if group is IshGroup.SINGLE_EQUIVOCAL:
        return _with_ihc(score, clause, _Outcome(EQUIVOCAL, clause, NextTest.DUAL_PROBE_ISH))
    if group in (IshGroup.ONE_OR_TWO, IshGroup.THREE_TO_FIVE):
        return _without_copies(score, group)
    if score is TWO and recounted:
        return _Outcome(POSITIVE if group is IshGroup.THREE else NEGATIVE, clause)
    return _with_ihc(score, clause, _Outcome(UNKNOWN, clause, NextTest.RECOUNT))


def _with_ihc(score: IhcScore | None, clause: str, at_two: _Outcome) -> _Outcome:
    # Groups 2 to 4 and the middle band of a single probe: IHC of the same sample decides, save with 2+.
    if score is None:
        either = at_two.next_test is NextTest.DUAL_PROBE_ISH
        return _Outcome(
            EQUIVOCAL if either else UNKNOWN, clause, NextTest.IHC_OR_DUAL_PROBE_ISH if either else NextTest.IHC
        )
    return at_two if score is TWO else _Outcome(POSITIVE if score is THREE else NEGATIVE, clause)


def _without_copies(score: IhcScore | None, group: IshGroup) -> _Outcome:
    clause = "breast-ish-copies-missing"
    if score is THREE:
        return _Outcome(POSITIVE, "breast-ihc-3-positive")
    if score in (ZERO, ONE) and group is IshGroup.THREE_TO_FIVE:
        return _Outcome(NEGATIVE, "breast-ihc-0-1-negative")
    return _Outcome(EQUIVOCAL if score is TWO else UNKNOWN, clause, NextTest.COPIES)


def _destiny_breast04(score: IhcScore | None, group: IshGroup | None, recounted: bool) -> _Outcome:  # noqa: FBT001
    made = _breast(score, group, recounted)
    if made.status is NEGATIVE and score in (ONE, TWO):
        return _Outcome(LOW, "destiny-breast04-low", discordant=made.discordant)
    if made.status is NEGATIVE and score is None:
        # Negative by ISH alone: whether 1+ or 2+ is a matter of IHC.
        return _Outcome(UNKNOWN, "destiny-breast04-low", NextTest.IHC)
    return made


@frozen(kw_only=True)
class Criteria:
    """Published criteria: their name, how ISH is read, and what IHC and ISH make together."""

    name: str
    groups: Callable[[Assay], Iterator[tuple[IshGroup, str]]]
    decide: Callable[[IhcScore | None, IshGroup | None, bool], _Outcome]


CRITERIA: dict[str, Criteria] = {
    "gastric-2016": Criteria(name="CAP/ASCP/ASCO 2016", groups=gastric_groups, decide=_gastric),
    "breast-2018": Criteria(name="ASCO/CAP 2018", groups=breast_groups, decide=_breast),
    "breast-2023": Criteria(name="ASCO/CAP 2023", groups=breast_groups, decide=_breast),
    "destiny-breast04": Criteria(name="DESTINY-Breast04", groups=breast_groups, decide=_destiny_breast04),
}
"""The criteria that `classify` knows, by the word that asks for them."""
