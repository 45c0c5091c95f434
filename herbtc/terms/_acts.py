"""Words of appraisals, approvals, guidelines and HER2 testing, and of what patients report."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class PatientReport(StrEnum):
    """What a patient-reported figure says: a share of patients by how they fared, a score or its change, a time."""

    IMPROVED = "improved"
    STABLE = "stable"
    IMPROVED_OR_STABLE = "improved-or-stable"
    WORSENED = "worsened"
    MEAN = "mean"
    MEDIAN = "median"
    MEAN_CHANGE = "mean-change"
    MEDIAN_CHANGE = "median-change"
    TIME_TO_DETERIORATION = "time-to-deterioration"

    @property
    def is_share(self) -> bool:
        """Whether it counts patients and is no score or time."""
        return self in _SHARES


_SHARES = frozenset(list(PatientReport)[:4])


class AppraisalTool(StrEnum):
    """Checklist by which a study was appraised; `items` are its questions or domains, `answers` the words it allows."""

    items: tuple[str, ...]
    answers: tuple[str, ...]

    def __new__(cls, word: str, items: str = "", answers: str = "") -> Self:
        """Make a member of `word`; items and answers are separated by spaces."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.items = tuple(items.split())
        member.answers = tuple(answers.split())
        return member

    JBI_CASE_SERIES = (
        "jbi-case-series",
        (
            "clear-inclusion-criteria condition-measured-reliably valid-identification consecutive-inclusion "
            "complete-inclusion demographics-reported clinical-information-reported outcomes-reported sites-reported "
            "statistics-appropriate"
        ),
        "yes no unclear not-applicable",
    )
    ROB_2 = (
        "rob-2",
        (
            "randomisation-process deviations-from-intended-interventions missing-outcome-data "
            "measurement-of-the-outcome selection-of-the-reported-result overall"
        ),
        "low some-concerns high",
    )
    ROBINS_I = (
        "robins-i",
        (
            "confounding selection-of-participants classification-of-interventions "
            "deviations-from-intended-interventions missing-data measurement-of-outcomes "
            "selection-of-the-reported-result overall"
        ),
        "low moderate serious critical no-information",
    )


class Agency(StrEnum):
    """Who decided: agencies that authorise medicines, then bodies that assess them for reimbursement."""

    FDA = "fda"
    EC = "ec"
    EMA = "ema"
    NMPA = "nmpa"
    MHLW = "mhlw"
    MHRA = "mhra"
    HEALTH_CANADA = "health-canada"
    TGA = "tga"
    SWISSMEDIC = "swissmedic"
    MFDS = "mfds"
    TFDA = "tfda"
    HSA = "hsa"
    ANVISA = "anvisa"
    OTHER = "other"
    NICE = "nice"
    SMC = "smc"
    G_BA = "g-ba"
    HAS = "has"
    AIFA = "aifa"
    ZIN = "zin"
    CDA = "cda"
    PBAC = "pbac"
    NHSA = "nhsa"


class Act(StrEnum):
    """What an agency did; the first three authorise an indication until another act replaces them."""

    APPROVAL = "approval"
    ACCELERATED_APPROVAL = "accelerated-approval"
    CONDITIONAL_APPROVAL = "conditional-approval"
    WITHDRAWAL = "withdrawal"
    REFUSAL = "refusal"
    POSITIVE_OPINION = "positive-opinion"
    APPLICATION_ACCEPTED = "application-accepted"
    PRIORITY_REVIEW = "priority-review"
    BREAKTHROUGH_DESIGNATION = "breakthrough-designation"
    ORPHAN_DESIGNATION = "orphan-designation"
    FAST_TRACK_DESIGNATION = "fast-track-designation"
    SAFETY_CHANGE = "safety-change"
    COMPANION_TEST_APPROVAL = "companion-test-approval"
    RECOMMENDED = "recommended"
    RECOMMENDED_WITH_RESTRICTIONS = "recommended-with-restrictions"
    NOT_RECOMMENDED = "not-recommended"
    APPRAISAL_TERMINATED = "appraisal-terminated"
    BENEFIT_NOT_PROVEN = "benefit-not-proven"
    BENEFIT_RATED = "benefit-rated"
    EARLY_ACCESS = "early-access"

    @property
    def authorises(self) -> bool:
        """Whether the act lets the drug be marketed for its indication."""
        return self in _AUTHORISING


_AUTHORISING = frozenset(list(Act)[:3])


class Scope(StrEnum):
    """Which tumours an approval or recommendation is about."""

    BILIARY = "biliary"
    SOLID_TUMOURS = "solid-tumours"


class GuidelineBody(StrEnum):
    """Who wrote a guideline."""

    ESMO = "esmo"
    NCCN = "nccn"
    CSCO = "csco"
    JAPAN = "japan"
    PAN_ASIAN = "pan-asian"
    KOREA = "korea"
    ASCO = "asco"
    CHINA = "china"
    INDIA = "india"
    GERMANY = "germany"
    OTHER = "other"


class OptionKind(StrEnum):
    """What stands behind an option for a patient, in the order in which options are grouped."""

    APPROVED = "approved"
    GUIDELINE = "guideline"
    STUDIED = "studied"
    RECRUITING = "recruiting"


class Topic(StrEnum):
    """What a guideline statement is about."""

    THERAPY = "therapy"
    TESTING = "testing"


class TestMethod(StrEnum):
    """How HER2 was looked at."""

    __test__ = False  # no test case, whatever pytest makes of the name

    IHC = "ihc"
    ISH = "ish"
    IHC_AND_ISH = "ihc-and-ish"
    TISSUE_SEQUENCING = "tissue-sequencing"
    PLASMA_SEQUENCING = "plasma-sequencing"
    SEVERAL = "several"


class Quantity(StrEnum):
    """Two quantities that are easily taken for each other: how many at a site are positive, and where positives sit."""

    PREVALENCE = "prevalence"
    SHARE_OF_POSITIVES = "share-of-positives"


class Agreement(StrEnum):
    """How well two tests agree."""

    OVERALL_AGREEMENT = "overall-agreement"
    POSITIVE_AGREEMENT = "positive-agreement"
    NEGATIVE_AGREEMENT = "negative-agreement"
    POSITIVE_PREDICTIVE_VALUE = "positive-predictive-value"
    KAPPA = "kappa"
