"""Words of studies and their figures."""

from __future__ import annotations

from enum import StrEnum


class MechanismClass(StrEnum):
    """How an agent acts; the first six classes are directed at HER2, the sixth where a report names no agent."""

    MONOCLONAL_ANTIBODY = "monoclonal-antibody"
    TYROSINE_KINASE_INHIBITOR = "tyrosine-kinase-inhibitor"
    ANTIBODY_DRUG_CONJUGATE = "antibody-drug-conjugate"
    BISPECIFIC_ANTIBODY = "bispecific-antibody"
    CELL_THERAPY = "cell-therapy"
    HER2_DIRECTED = "her2-directed"
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


_HER2_DIRECTED = frozenset(list(MechanismClass)[:6])


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
    GALLBLADDER_OR_EXTRAHEPATIC = "gallbladder-or-extrahepatic"
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
    RFS = "rfs"
    TTP = "ttp"

    @property
    def is_time(self) -> bool:
        """Whether the endpoint is a time (`pfs os dor ttr rfs ttp`) and not a response."""
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


class PriorTherapy(StrEnum):
    """What a study asks of earlier HER2-directed therapy."""

    EXCLUDED = "excluded"
    ALLOWED = "allowed"
    REQUIRED = "required"


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
    """Which ERBB2 variants a definition counts; `listed` are those of a list that was not seen."""

    ACTIVATING = "activating"
    LISTED = "listed"
    ANY = "any"


class Laboratory(StrEnum):
    """Where HER2 was tested."""

    CENTRAL = "central"
    LOCAL = "local"
    CENTRAL_OR_LOCAL = "central-or-local"
