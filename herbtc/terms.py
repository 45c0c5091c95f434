"""Closed vocabularies: every word a data file may use where a word is not free text.

The value of each member is the word as it stands in data files and frames.
The order of members is the order in frames: of sorting, of categories, and, for `SourceKind`, of authority.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


class MechanismClass(StrEnum):
    """How an agent acts; the first five classes are directed at HER2."""

    MONOCLONAL_ANTIBODY = "monoclonal-antibody"
    TYROSINE_KINASE_INHIBITOR = "tyrosine-kinase-inhibitor"
    ANTIBODY_DRUG_CONJUGATE = "antibody-drug-conjugate"
    BISPECIFIC_ANTIBODY = "bispecific-antibody"
    CELL_THERAPY = "cell-therapy"
    CHEMOTHERAPY = "chemotherapy"
    CHECKPOINT_INHIBITOR = "checkpoint-inhibitor"
    ANTI_ANGIOGENIC = "anti-angiogenic"
    OTHER_TARGETED = "other-targeted"
    PLACEBO = "placebo"
    SUPPORTIVE_CARE = "supportive-care"

    @property
    def her2_directed(self) -> bool:
        """Whether agents of this class act on HER2."""
        return self in _HER2_DIRECTED


_HER2_DIRECTED = frozenset(list(MechanismClass)[:5])


class Phase(StrEnum):
    """Phase of a trial as its report or registry names it."""

    ONE = "1"
    ONE_B = "1b"
    ONE_TWO = "1/2"
    TWO = "2"
    TWO_A = "2a"
    TWO_B = "2b"
    TWO_THREE = "2/3"
    THREE = "3"
    FOUR = "4"


class Design(StrEnum):
    """What kind of study it was."""

    RANDOMISED = "randomised"
    SINGLE_ARM = "single-arm"
    BASKET = "basket"
    DOSE_ESCALATION = "dose-escalation"
    PROSPECTIVE_COHORT = "prospective-cohort"
    RETROSPECTIVE = "retrospective"
    POOLED = "pooled"
    META_ANALYSIS = "meta-analysis"


class Status(StrEnum):
    """Recruitment status, in the words of ClinicalTrials.gov."""

    NOT_YET_RECRUITING = "not-yet-recruiting"
    RECRUITING = "recruiting"
    ENROLLING_BY_INVITATION = "enrolling-by-invitation"
    ACTIVE_NOT_RECRUITING = "active-not-recruiting"
    COMPLETED = "completed"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


class SourceKind(StrEnum):
    """Where a figure was read, best first."""

    JOURNAL = "journal"
    REGULATORY_REVIEW = "regulatory-review"
    LABEL = "label"
    CONFERENCE_ABSTRACT = "conference-abstract"
    PREPRINT = "preprint"
    REGISTRY = "registry"
    PRESS_RELEASE = "press-release"
    TRADE_PRESS = "trade-press"
    REVIEW = "review"
    DATABASE = "database"
    UNPUBLISHED = "unpublished"


class Line(StrEnum):
    """Line of systemic therapy, earliest first; a word with "or-later" is a mixed group."""

    NEOADJUVANT = "neoadjuvant"
    ADJUVANT = "adjuvant"
    FIRST = "first"
    FIRST_OR_LATER = "first-or-later"
    SECOND = "second"
    SECOND_OR_LATER = "second-or-later"
    THIRD_OR_LATER = "third-or-later"


class Site(StrEnum):
    """Primary site of a biliary tract cancer; `cholangiocarcinoma` where no finer site is given."""

    INTRAHEPATIC = "intrahepatic"
    EXTRAHEPATIC = "extrahepatic"
    PERIHILAR = "perihilar"
    DISTAL = "distal"
    CHOLANGIOCARCINOMA = "cholangiocarcinoma"
    GALLBLADDER = "gallbladder"
    AMPULLA = "ampulla"


class Her2(StrEnum):
    """HER2 group of a row, from the strictest to none; "positive" and "low" as the study defines them.

    `selected` is a group chosen by HER2 whose definition was not found.
    """

    IHC_3 = "ihc-3+"
    IHC_2_3 = "ihc-2+/3+"
    IHC_2 = "ihc-2+"
    IHC_2_ISH_POSITIVE = "ihc-2+/ish+"
    IHC_2_ISH_NEGATIVE = "ihc-2+/ish-"
    IHC_1_2 = "ihc-1+/2+"
    IHC_1 = "ihc-1+"
    IHC_0_1 = "ihc-0/1+"
    IHC_0 = "ihc-0"
    POSITIVE = "her2-positive"
    EXPRESSING = "her2-expressing"
    LOW = "her2-low"
    NEGATIVE = "her2-negative"
    AMPLIFIED = "erbb2-amplified"
    NOT_AMPLIFIED = "erbb2-not-amplified"
    PLASMA_AMPLIFIED = "plasma-amplified"
    PLASMA_NOT_AMPLIFIED = "plasma-not-amplified"
    MUTATED = "erbb2-mutated"
    WILD_TYPE = "erbb2-wild-type"
    ALTERED = "erbb2-altered"
    NRG1_FUSION = "nrg1-fusion"
    SELECTED = "selected"
    UNSELECTED = "unselected"


class Endpoint(StrEnum):
    """What a figure measures: responses (RECIST best responses among them), then times."""

    ORR = "orr"
    DCR = "dcr"
    CBR = "cbr"
    CR = "cr"
    PR = "pr"
    SD = "sd"
    PD = "pd"
    NE = "ne"
    PFS = "pfs"
    OS = "os"
    DOR = "dor"
    TTR = "ttr"

    @property
    def is_time(self) -> bool:
        """Whether the endpoint is a time (`pfs os dor ttr`) and not a response."""
        return self in _TIMES


_TIMES = frozenset(list(Endpoint)[8:])


class Assessor(StrEnum):
    """Who read the scans, the stricter reading first; a second independent reading is another one."""

    INDEPENDENT = "independent"
    INDEPENDENT_2 = "independent-2"
    INVESTIGATOR = "investigator"


class Sides(StrEnum):
    """How many sides an interval has, and which end a one-sided one bounds."""

    TWO = "two"
    LOWER = "lower"
    UPPER = "upper"


class Interval(StrEnum):
    """What two printed ends are: confidence interval, range, interquartile range."""

    CI = "ci"
    RANGE = "range"
    IQR = "iqr"


class Reach(StrEnum):
    """What stands where a time or an interval end would be."""

    NOT_REACHED = "not-reached"
    NOT_ESTIMABLE = "not-estimable"


class Unit(StrEnum):
    """Unit of a printed time."""

    MONTHS = "months"
    WEEKS = "weeks"
    DAYS = "days"
    YEARS = "years"


class Origin(StrEnum):
    """Where the clock of a time starts, if not at treatment start or randomisation."""

    WEEK_4 = "week-4"
    WEEK_9 = "week-9"
    WEEK_8 = "week-8"
    WEEK_12 = "week-12"
    DIAGNOSIS = "diagnosis"
    SURGERY = "surgery"
    OTHER = "other"


class Ratio(StrEnum):
    """Kind of a contrast."""

    HR = "hr"
    OR = "or"
    RR = "rr"


class Role(StrEnum):
    """What a ratio compares: treatments, treatments within a subgroup, or patients by a trait."""

    TREATMENT = "treatment"
    SUBGROUP = "subgroup"
    PROGNOSTIC = "prognostic"


class Analysis(StrEnum):
    """How a ratio was estimated."""

    ITT = "itt"
    ADJUSTED = "adjusted"
    UNADJUSTED = "unadjusted"
    SENSITIVITY = "sensitivity"
    CROSSOVER_ADJUSTED = "crossover-adjusted"


class Grade(StrEnum):
    """CTCAE grade, or the band of grades that a figure counts."""

    ANY = "any"
    ONE = "1"
    ONE_TWO = "1-2"
    TWO = "2"
    TWO_UP = "2+"
    THREE = "3"
    THREE_FOUR = "3-4"
    THREE_UP = "3+"
    FOUR = "4"
    FOUR_UP = "4+"
    FIVE = "5"


class Attribution(StrEnum):
    """Whether an adverse event is counted whatever its cause or only where related to treatment."""

    ALL_CAUSE = "all-cause"
    TREATMENT_RELATED = "treatment-related"


class Consequence(StrEnum):
    """What an adverse event led to, where the figure counts only events that did."""

    DISCONTINUATION = "discontinuation"
    DOSE_REDUCTION = "dose-reduction"
    DOSE_INTERRUPTION = "dose-interruption"
    DOSE_MODIFICATION = "dose-modification"
    HOSPITALISATION = "hospitalisation"
    DEATH = "death"


class IhcScore(StrEnum):
    """Immunohistochemistry score."""

    ZERO = "0"
    ONE = "1+"
    TWO = "2+"
    THREE = "3+"


class IshResult(StrEnum):
    """Result of in-situ hybridisation, by the study's own cut-off."""

    POSITIVE = "positive"
    NEGATIVE = "negative"


class VariantKind(StrEnum):
    """Which ERBB2 variants a definition counts."""

    ACTIVATING = "activating"
    ANY = "any"


class Laboratory(StrEnum):
    """Where HER2 was tested."""

    CENTRAL = "central"
    LOCAL = "local"
    CENTRAL_OR_LOCAL = "central-or-local"


class Partition(StrEnum):
    """A way to divide the patients of an arm; two strata of one partition may be disjoint."""

    IHC = "ihc"
    HER2_STATUS = "her2-status"
    AMPLIFICATION = "amplification"
    PLASMA = "plasma"
    MUTATION = "mutation"
    ALTERATION = "alteration"
    FUSION = "fusion"
    SITE = "site"
    SEX = "sex"
    AGE = "age"
    REGION = "region"
    ECOG = "ecog"
    EXTENT = "extent"
    ONSET = "onset"
    PRIOR_LINES = "prior-lines"
    PLATINUM = "platinum"
    GENES = "genes"
    KRAS = "kras"
    PD_L1 = "pd-l1"
    SURVIVAL = "survival"
    IMMUNE_EVENT = "immune-event"
    RESPONSE = "response"
    ANALYSIS_SET = "analysis-set"


class Stratum(StrEnum):
    """A group of an arm's patients: a word, the partition it belongs to (`by`) and the smallest groups that it unites.

    Two strata of one partition are disjoint when they share no group; strata of different partitions never are.
    """

    by: Partition
    groups: frozenset[str]

    def __new__(cls, word: str, partition: Partition = Partition.ANALYSIS_SET, groups: str = "") -> Self:
        """Make a member of `word`; `groups` are separated by spaces and default to the word itself."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.by = partition
        member.groups = frozenset((groups or word).split())
        return member

    IHC_3 = "ihc-3+", Partition.IHC, "3+"
    IHC_2_3 = "ihc-2+/3+", Partition.IHC, "2+/ish+ 2+/ish- 3+"
    IHC_2 = "ihc-2+", Partition.IHC, "2+/ish+ 2+/ish-"
    IHC_2_ISH_POSITIVE = "ihc-2+/ish+", Partition.IHC, "2+/ish+"
    IHC_2_ISH_NEGATIVE = "ihc-2+/ish-", Partition.IHC, "2+/ish-"
    IHC_1_2 = "ihc-1+/2+", Partition.IHC, "1+ 2+/ish+ 2+/ish-"
    IHC_1 = "ihc-1+", Partition.IHC, "1+"
    IHC_0_1 = "ihc-0/1+", Partition.IHC, "0 1+"
    IHC_0 = "ihc-0", Partition.IHC, "0"
    HER2_POSITIVE = "her2-positive", Partition.HER2_STATUS
    HER2_EXPRESSING = "her2-expressing", Partition.HER2_STATUS, "her2-positive her2-low"
    HER2_LOW = "her2-low", Partition.HER2_STATUS
    HER2_NEGATIVE = "her2-negative", Partition.HER2_STATUS
    AMPLIFIED = "erbb2-amplified", Partition.AMPLIFICATION
    NOT_AMPLIFIED = "erbb2-not-amplified", Partition.AMPLIFICATION
    PLASMA_AMPLIFIED = "plasma-amplified", Partition.PLASMA
    PLASMA_NOT_AMPLIFIED = "plasma-not-amplified", Partition.PLASMA
    MUTATED = "erbb2-mutated", Partition.MUTATION
    WILD_TYPE = "erbb2-wild-type", Partition.MUTATION
    ALTERED = "erbb2-altered", Partition.ALTERATION
    NRG1_FUSION = "nrg1-fusion", Partition.FUSION
    INTRAHEPATIC = "intrahepatic", Partition.SITE
    EXTRAHEPATIC = "extrahepatic", Partition.SITE, "perihilar distal"
    PERIHILAR = "perihilar", Partition.SITE
    DISTAL = "distal", Partition.SITE
    CHOLANGIOCARCINOMA = "cholangiocarcinoma", Partition.SITE, "intrahepatic perihilar distal"
    GALLBLADDER = "gallbladder", Partition.SITE
    AMPULLA = "ampulla", Partition.SITE
    FEMALE = "female", Partition.SEX
    MALE = "male", Partition.SEX
    AGE_UNDER_65 = "age-under-65", Partition.AGE
    AGE_65_OR_OVER = "age-65-or-over", Partition.AGE
    ASIA = "asia", Partition.REGION
    OUTSIDE_ASIA = "outside-asia", Partition.REGION, "europe north-america south-america oceania"
    EUROPE = "europe", Partition.REGION
    NORTH_AMERICA = "north-america", Partition.REGION
    ECOG_0 = "ecog-0", Partition.ECOG, "0"
    ECOG_0_OR_1 = "ecog-0-or-1", Partition.ECOG, "0 1"
    ECOG_1 = "ecog-1", Partition.ECOG, "1"
    ECOG_1_OR_2 = "ecog-1-or-2", Partition.ECOG, "1 2"
    ECOG_2 = "ecog-2", Partition.ECOG, "2"
    LOCALLY_ADVANCED = "locally-advanced", Partition.EXTENT
    METASTATIC = "metastatic", Partition.EXTENT
    INITIALLY_UNRESECTABLE = "initially-unresectable", Partition.ONSET
    RECURRENT = "recurrent", Partition.ONSET
    NO_PRIOR_LINE = "no-prior-line", Partition.PRIOR_LINES, "0"
    ONE_PRIOR_LINE = "one-prior-line", Partition.PRIOR_LINES, "1"
    TWO_OR_MORE_PRIOR_LINES = "two-or-more-prior-lines", Partition.PRIOR_LINES, "2+"
    PLATINUM_SENSITIVE = "platinum-sensitive", Partition.PLATINUM
    PLATINUM_RESISTANT = "platinum-resistant", Partition.PLATINUM
    ISOLATED_TP53_MUTATION = "isolated-tp53-mutation", Partition.GENES
    OTHER_MUTATION = "other-mutation", Partition.GENES
    NO_DETECTED_MUTATION = "no-detected-mutation", Partition.GENES
    KRAS_MUTATED = "kras-mutated", Partition.KRAS
    KRAS_WILD_TYPE = "kras-wild-type", Partition.KRAS
    PD_L1_POSITIVE = "pd-l1-positive", Partition.PD_L1
    PD_L1_NEGATIVE = "pd-l1-negative", Partition.PD_L1
    ALIVE_AT_18_MONTHS = "alive-at-18-months", Partition.SURVIVAL, "18-to-30 30-or-more"
    ALIVE_AT_30_MONTHS = "alive-at-30-months", Partition.SURVIVAL, "30-or-more"
    IMMUNE_EVENT = "immune-mediated-event", Partition.IMMUNE_EVENT
    NO_IMMUNE_EVENT = "no-immune-mediated-event", Partition.IMMUNE_EVENT
    RESPONDER = "responder", Partition.RESPONSE, "responder"
    NON_RESPONDER = "non-responder", Partition.RESPONSE, "stable progressed"
    STABLE_DISEASE = "stable-disease", Partition.RESPONSE, "stable"
    PROGRESSIVE_DISEASE = "progressive-disease", Partition.RESPONSE, "progressed"
    DISEASE_CONTROL = "disease-control", Partition.RESPONSE, "responder stable"
    RESPONSE_EVALUABLE = "response-evaluable", Partition.ANALYSIS_SET, "patient"
    CENTRALLY_CONFIRMED = "centrally-confirmed", Partition.ANALYSIS_SET, "patient"
    PER_PROTOCOL = "per-protocol", Partition.ANALYSIS_SET, "patient"


def disjoint(one: Iterable[Stratum], other: Iterable[Stratum]) -> bool:
    """Whether two populations of one arm, each the patients in all of its strata, can share no patient.

    Examples
    --------
    >>> from herbtc.terms import Stratum, disjoint
    >>> disjoint([Stratum("ihc-3+")], [Stratum("ihc-2+"), Stratum("female")])
    True
    >>> disjoint([Stratum("ihc-3+")], [Stratum("gallbladder")])
    False
    """
    others = tuple(other)
    return any(a.by is b.by and not a.groups & b.groups for a in one for b in others)


EVERYONE = "all"
"""What stands in place of strata where a figure is about all patients of its arm."""


def population(strata: Iterable[Stratum]) -> str:
    """Name the patients in all of some strata: ``"ihc-3+ & gallbladder"``; ``"all"`` for none."""
    return " & ".join(strata) or EVERYONE


def strata(population: str) -> tuple[Stratum, ...]:
    """Return the strata of a population's name, the inverse of `population`; ValueError for unknown words."""
    return () if population == EVERYONE else tuple(map(Stratum, population.split(" & ")))
