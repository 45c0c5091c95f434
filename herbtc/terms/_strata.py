"""Groups of an arm's patients: which unite which, and which can share nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


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
    GALLBLADDER_OR_EXTRAHEPATIC = "gallbladder-or-extrahepatic", Partition.SITE, "gallbladder perihilar distal"
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
