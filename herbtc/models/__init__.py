"""Frozen records: what an agent is, what a trial did and reported, and where that was read.

Every record checks itself when it is made: a value that cannot be raises `herbtc.DataError` with all its faults.
Numbers are `decimal.Decimal` with the digits of the source; None means *not reported*.
"""

from herbtc.models._acts import Approval, Guideline
from herbtc.models._agents import Agent, Conjugate, DrugAntibodyRatio, Identifier, Mechanism, Target
from herbtc.models._appraisals import Appraisal, AppraisalItem
from herbtc.models._corrections import Correction
from herbtc.models._definitions import Clause, CriteriaClause, Definition
from herbtc.models._figures import (
    FIGURE_KINDS,
    VALUES,
    AdverseEvent,
    Baseline,
    Contrast,
    Duration,
    Figure,
    Figures,
    Landmark,
    PatientReported,
    Proportion,
)
from herbtc.models._record import (
    KEY,
    Record,
    Rule,
    as_number,
    as_tuple,
    as_word,
    broken,
    fields_in_files,
    filled,
    key_rule,
    matching,
    some,
    unique,
    within,
)
from herbtc.models._studies import Arm, Eligibility, Hypothesis, Population, Source, Testing, Trial
from herbtc.models._testing import Concordance, Prevalence, Prognosis

__all__ = [
    "FIGURE_KINDS",
    "KEY",
    "VALUES",
    "AdverseEvent",
    "Agent",
    "Appraisal",
    "AppraisalItem",
    "Approval",
    "Arm",
    "Baseline",
    "Clause",
    "Concordance",
    "Conjugate",
    "Contrast",
    "Correction",
    "CriteriaClause",
    "Definition",
    "DrugAntibodyRatio",
    "Duration",
    "Eligibility",
    "Figure",
    "Figures",
    "Guideline",
    "Hypothesis",
    "Identifier",
    "Landmark",
    "Mechanism",
    "PatientReported",
    "Population",
    "Prevalence",
    "Prognosis",
    "Proportion",
    "Record",
    "Rule",
    "Source",
    "Target",
    "Testing",
    "Trial",
    "as_number",
    "as_tuple",
    "as_word",
    "broken",
    "fields_in_files",
    "filled",
    "key_rule",
    "matching",
    "some",
    "unique",
    "within",
]
