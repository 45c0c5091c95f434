"""IHC scores from what was seen, by the criteria's tables."""

from collections.abc import Callable, Iterator

from attrs import frozen

from herbtc._html import Shown
from herbtc.errors import look_up
from herbtc.her2._assays import Assay, Staining
from herbtc.terms import Answer, IhcScore, Intensity, Membrane, Specimen

YES, NO, UNKNOWN = Answer
ZERO, ONE, TWO, THREE = IhcScore
_NONE, _FAINT, _WEAK, _MODERATE, _STRONG = Intensity


@frozen(kw_only=True)
class Score(Shown):
    """An IHC score, and the clause that gives it.

    Attributes
    ----------
    score : {"0", "1+", "2+", "3+"} or None
    clause : str
        Key of the clause that decided; see `herbtc.query.criteria`.
    covered : bool
        False where the criteria have no score for what was seen, which is not the score 0.
    missing : tuple of str
        Fields of `Staining`, or ``specimen``, without which the score stays open.
    """

    score: IhcScore | None
    clause: str
    covered: bool = True
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.score is not None:
            return str(self.score)
        return "unknown" if self.covered else "not covered"


@frozen
class _Rule:
    # A line of a scoring table; the first that fits gives the score, None where the table has none.
    clause: str
    score: IhcScore | None
    intensity: frozenset[Intensity]
    membrane: frozenset[Membrane]
    enough: Callable[[float], bool] | None = None
    cluster: Callable[[int], bool] | None = None

    def fits(self, seen: Staining) -> Answer:
        asked = [
            _in(seen.intensity, self.intensity),
            _in(seen.membrane, self.membrane),
            _passes(seen.percent, self.enough),
            _passes(seen.cluster, self.cluster),
        ]
        return NO if NO in asked else UNKNOWN if UNKNOWN in asked else YES


def _in(value: object, among: frozenset[object] | frozenset[Intensity] | frozenset[Membrane]) -> Answer:
    return UNKNOWN if value is None else YES if value in among else NO


def _passes(value: float | None, test: Callable[[float], bool] | Callable[[int], bool] | None) -> Answer:
    if test is None:
        return YES
    return UNKNOWN if value is None else YES if test(value) else NO  # type: ignore[arg-type]


_ANY = frozenset({_FAINT, _WEAK, _MODERATE, _STRONG})
_MIDDLE = frozenset({_WEAK, _MODERATE})
_CYTOPLASM = frozenset({Membrane.NONE})
_PART = frozenset({Membrane.INCOMPLETE, Membrane.LATERAL, Membrane.BASOLATERAL})
_SIDES = frozenset({Membrane.LATERAL, Membrane.BASOLATERAL, Membrane.COMPLETE})
_ROUND = frozenset({Membrane.COMPLETE})
_MEMBRANE = _PART | _ROUND


def _from_10(percent: float) -> bool:
    return percent >= 10  # noqa: PLR2004


def _below_10(percent: float) -> bool:
    return percent < 10  # noqa: PLR2004


def _above_10(percent: float) -> bool:
    return percent > 10  # noqa: PLR2004


def _to_10(percent: float) -> bool:
    return percent <= 10  # noqa: PLR2004


def _from_5(cells: int) -> bool:
    return cells >= 5  # noqa: PLR2004


def _below_5(cells: int) -> bool:
    return cells < 5  # noqa: PLR2004


_GASTRIC_RESECTION = (
    _Rule("gastric-ihc-0-resection", ZERO, _ANY, _MEMBRANE, _below_10),
    _Rule("gastric-ihc-0-resection", ZERO, _ANY, _CYTOPLASM),
    _Rule("gastric-ihc-1-resection", ONE, frozenset({_FAINT}), _PART, _from_10),
    _Rule("gastric-ihc-2-resection", TWO, _MIDDLE, _SIDES, _from_10),
    _Rule("gastric-ihc-3-resection", THREE, frozenset({_STRONG}), _SIDES, _from_10),
    _Rule("gastric-ihc-pattern-open", None, _ANY, _MEMBRANE, _from_10),
)
_GASTRIC_BIOPSY = (
    _Rule("gastric-ihc-0-biopsy", ZERO, _ANY, _CYTOPLASM),
    _Rule("gastric-ihc-cluster-below-5", None, _ANY, _MEMBRANE, cluster=_below_5),
    _Rule("gastric-ihc-1-biopsy", ONE, frozenset({_FAINT}), _MEMBRANE, cluster=_from_5),
    _Rule("gastric-ihc-2-biopsy", TWO, _MIDDLE, _SIDES, cluster=_from_5),
    _Rule("gastric-ihc-3-biopsy", THREE, frozenset({_STRONG}), _SIDES, cluster=_from_5),
    _Rule("gastric-ihc-pattern-open", None, _ANY, _MEMBRANE, cluster=_from_5),
)
_BREAST = (
    _Rule("breast-ihc-3", THREE, frozenset({_STRONG}), _ROUND, _above_10),
    _Rule("breast-ihc-2", TWO, _MIDDLE, _ROUND, _above_10),
    _Rule("breast-ihc-1", ONE, frozenset({_FAINT}), _PART, _above_10),
    _Rule("breast-ihc-0", ZERO, frozenset({_FAINT}), _PART, _to_10),
    _Rule("breast-ihc-unusual-limited", TWO, frozenset({_STRONG}), _ROUND, _to_10),
    _Rule("breast-ihc-unusual-incomplete", TWO, frozenset({_MODERATE, _STRONG}), _PART, _above_10),
    _Rule("breast-ihc-unusual", TWO, _ANY, _MEMBRANE),
    _Rule("breast-ihc-cytoplasmic", None, _ANY, _CYTOPLASM),
)
_TABLES: dict[str, dict[Specimen, tuple[_Rule, ...]]] = {
    "gastric": {Specimen.BIOPSY: _GASTRIC_BIOPSY, Specimen.RESECTION: _GASTRIC_RESECTION},
    "breast": {Specimen.BIOPSY: _BREAST, Specimen.RESECTION: _BREAST},
}
_UNSTAINED = {
    "gastric": {Specimen.BIOPSY: "gastric-ihc-0-biopsy", Specimen.RESECTION: "gastric-ihc-0-resection"},
    "breast": {Specimen.BIOPSY: "breast-ihc-0", Specimen.RESECTION: "breast-ihc-0"},
}
SCORED_BY = {
    "gastric-2016": "gastric",
    "breast-2018": "breast",
    "breast-2023": "breast",
    "destiny-breast04": "breast",
}
"""Which scoring table each criteria use."""


def score(staining: Staining, criteria: str = "gastric-2016", *, specimen: str | None = None) -> Score:
    """Return the IHC score of what was seen, by published criteria.

    Parameters
    ----------
    staining : Staining
    criteria : {"gastric-2016", "breast-2018", "breast-2023", "destiny-breast04"}
        The gastro-oesophageal criteria [1]_ are the norm in biliary tract cancer; the breast ones [2]_ ask for more
        than 10 % of cells where those ask for 10 % or more, and score no clusters.
    specimen : {"biopsy", "resection", "cytology"}, optional
        Where it is not told, a score is given if it is the same in biopsy and resection. No scheme is known by which
        cytology is scored.

    Raises
    ------
    herbtc.UnknownKeyError
        For criteria or a specimen that does not exist.

    References
    ----------
    .. [1] Bartley AN, et al. Arch Pathol Lab Med 2016;140:1345-1363.
    .. [2] Wolff AC, et al. J Clin Oncol 2018;36:2105-2122, affirmed in J Clin Oncol 2023;41:3867-3872.

    Examples
    --------
    >>> from herbtc import her2
    >>> seen = her2.Staining(percent=10, intensity="strong", membrane="complete")
    >>> [str(her2.score(seen, criteria, specimen="resection")) for criteria in ("gastric-2016", "breast-2018")]
    ['3+', '2+']
    >>> few = her2.Staining(cluster=4, intensity="strong", membrane="lateral")
    >>> str(her2.score(few, specimen="biopsy"))
    'not covered'
    """
    table = look_up("criteria", criteria, SCORED_BY)
    if specimen is not None:
        look_up("specimen", specimen, {str(each): each for each in Specimen})
        if specimen not in _TABLES[table]:
            return Score(score=None, clause=f"{table}-cytology", covered=False)
        return _scored(staining, table, Specimen(specimen))
    either = {_scored(staining, table, each) for each in _TABLES[table]}
    if len(either) == 1 or len({(each.score, each.covered) for each in either}) == 1:
        return min(either, key=lambda each: each.clause)
    return Score(score=None, clause="incomplete-findings", missing=("specimen",))


def _scored(seen: Staining, table: str, specimen: Specimen) -> Score:
    if seen.percent == 0 or seen.intensity is _NONE:
        return Score(score=ZERO, clause=_UNSTAINED[table][specimen])
    if seen == Staining():
        return Score(score=None, clause="incomplete-findings", missing=("percent", "intensity", "membrane"))
    rules = _TABLES[table][specimen]
    possible = [*_possible(rules, seen)]
    if len({rule.score for rule in possible}) == 1:
        rule = possible[0]
        return Score(score=rule.score, clause=rule.clause, covered=rule.score is not None)
    # What the table for this specimen does not ask for settles nothing.
    asks = ("percent", "intensity", "membrane", "cluster")
    idle = {"percent"} if not any(rule.enough for rule in rules) else set()
    idle |= {"cluster"} if not any(rule.cluster for rule in rules) else set()
    missing = tuple(name for name in asks if getattr(seen, name) is None and name not in idle)
    return Score(score=None, clause="incomplete-findings", missing=missing)


def _possible(rules: tuple[_Rule, ...], seen: Staining) -> Iterator[_Rule]:
    for rule in rules:
        fits = rule.fits(seen)
        if fits is not NO:
            yield rule
        if fits is YES:
            return


def score_of(assay: Assay, criteria: str = "gastric-2016") -> IhcScore | None:
    """Return the score that the laboratory gave, else that of what was seen; None if neither is known."""
    if assay.ihc is not None or assay.staining is None:
        return assay.ihc
    return score(assay.staining, criteria, specimen=assay.specimen).score
