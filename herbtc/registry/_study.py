"""A study as ClinicalTrials.gov holds it, in frozen records.

The records follow the registry's own data structure, and so do their names (``nctId`` is `nct_id`). What the registry
does not print is None, or an empty tuple. Words of its vocabularies (``RECRUITING``) stay strings, as the registry adds
to them without notice; so do dates, which are months as often as days.
"""

from typing import Any

from attrs import frozen

from herbtc.registry._fields import NctId, PartialDate, at
from herbtc.registry._results import AdverseEvents, Baseline, Outcome, ParticipantFlow


@frozen(kw_only=True)
class SecondaryId:
    """A number of the study elsewhere, such as in EudraCT or CTIS."""

    id: str | None = None
    type: str | None = None
    domain: str | None = None


@frozen(kw_only=True)
class Sponsor:
    """Who leads a study or works with who does; `category` is the registry's class, such as ``INDUSTRY``."""

    name: str
    category: str | None = at("class", default=None)


@frozen(kw_only=True)
class Arm:
    """An arm as registered; results name their groups anew, and only titles link the two."""

    label: str
    type: str | None = None
    description: str | None = None
    intervention_names: tuple[str, ...] = ()


@frozen(kw_only=True)
class Intervention:
    """What is given in some of the arms."""

    name: str
    type: str | None = None
    description: str | None = None
    arm_group_labels: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()


@frozen(kw_only=True)
class PlannedOutcome:
    """An outcome that the study set out to measure."""

    measure: str
    description: str | None = None
    time_frame: str | None = None


@frozen(kw_only=True)
class Location:
    """A place where the study recruits."""

    facility: str | None = None
    city: str | None = None
    country: str | None = None
    status: str | None = None


@frozen(kw_only=True)
class Retraction:
    """The notice that retracts a paper."""

    pmid: str | None = None
    source: str | None = None


@frozen(kw_only=True)
class Reference:
    """A paper that the record cites (``BACKGROUND``, ``RESULT``), or that was linked to it (``DERIVED``)."""

    pmid: str | None = None
    type: str | None = None
    citation: str | None = None
    retractions: tuple[Retraction, ...] = ()


def _protocol(module: str, key: str, default: Any = None) -> Any:
    return at(f"protocolSection.{module}.{key}", default=default)


@frozen(kw_only=True)
class Study:
    r"""A registered study.

    Attributes
    ----------
    nct_id : str
        ``NCT`` and eight digits.
    overall_status : str or None
        ``RECRUITING``, ``COMPLETED`` …; of a study that is ``UNKNOWN``, `last_known_status` says what it was before.
    start_date, primary_completion_date, completion_date : str or None
        ``YYYY-MM-DD``, or ``YYYY-MM``, as printed; ``…_type`` says whether it is ``ACTUAL`` or ``ESTIMATED``.
    phases : tuple of str
        Empty for an observational study, ``("NA",)`` for a trial without phase, two words for phase 1/2 or 2/3.
    eligibility, brief_summary, detailed_description : str or None
        Text with CommonMark markup and escapes (``\<``), as printed.
    outcomes : tuple of Outcome
        The results, where some are posted; what was planned is in `primary_outcomes` and so on.
    version : str or None
        The day of the registry's data that the record was read from.

    None and empty tuples stand for what the record does not hold, which in an answer of only some fields includes what
    was not asked for.
    """

    nct_id: NctId = at("protocolSection.identificationModule.nctId")
    org_study_id: str | None = _protocol("identificationModule", "orgStudyIdInfo.id")
    secondary_ids: tuple[SecondaryId, ...] = _protocol("identificationModule", "secondaryIdInfos", ())
    aliases: tuple[str, ...] = _protocol("identificationModule", "nctIdAliases", ())
    brief_title: str | None = _protocol("identificationModule", "briefTitle")
    official_title: str | None = _protocol("identificationModule", "officialTitle")
    acronym: str | None = _protocol("identificationModule", "acronym")
    overall_status: str | None = _protocol("statusModule", "overallStatus")
    last_known_status: str | None = _protocol("statusModule", "lastKnownStatus")
    why_stopped: str | None = _protocol("statusModule", "whyStopped")
    verified_date: PartialDate | None = _protocol("statusModule", "statusVerifiedDate")
    start_date: PartialDate | None = _protocol("statusModule", "startDateStruct.date")
    start_date_type: str | None = _protocol("statusModule", "startDateStruct.type")
    primary_completion_date: PartialDate | None = _protocol("statusModule", "primaryCompletionDateStruct.date")
    primary_completion_date_type: str | None = _protocol("statusModule", "primaryCompletionDateStruct.type")
    completion_date: PartialDate | None = _protocol("statusModule", "completionDateStruct.date")
    completion_date_type: str | None = _protocol("statusModule", "completionDateStruct.type")
    first_submitted: PartialDate | None = _protocol("statusModule", "studyFirstSubmitDate")
    first_posted: PartialDate | None = _protocol("statusModule", "studyFirstPostDateStruct.date")
    results_first_submitted: PartialDate | None = _protocol("statusModule", "resultsFirstSubmitDate")
    results_first_posted: PartialDate | None = _protocol("statusModule", "resultsFirstPostDateStruct.date")
    last_update_submitted: PartialDate | None = _protocol("statusModule", "lastUpdateSubmitDate")
    last_update_posted: PartialDate | None = _protocol("statusModule", "lastUpdatePostDateStruct.date")
    lead_sponsor: Sponsor | None = _protocol("sponsorCollaboratorsModule", "leadSponsor")
    collaborators: tuple[Sponsor, ...] = _protocol("sponsorCollaboratorsModule", "collaborators", ())
    brief_summary: str | None = _protocol("descriptionModule", "briefSummary")
    detailed_description: str | None = _protocol("descriptionModule", "detailedDescription")
    conditions: tuple[str, ...] = _protocol("conditionsModule", "conditions", ())
    keywords: tuple[str, ...] = _protocol("conditionsModule", "keywords", ())
    study_type: str | None = _protocol("designModule", "studyType")
    phases: tuple[str, ...] = _protocol("designModule", "phases", ())
    allocation: str | None = _protocol("designModule", "designInfo.allocation")
    intervention_model: str | None = _protocol("designModule", "designInfo.interventionModel")
    primary_purpose: str | None = _protocol("designModule", "designInfo.primaryPurpose")
    masking: str | None = _protocol("designModule", "designInfo.maskingInfo.masking")
    enrollment: int | None = _protocol("designModule", "enrollmentInfo.count")
    enrollment_type: str | None = _protocol("designModule", "enrollmentInfo.type")
    arms: tuple[Arm, ...] = _protocol("armsInterventionsModule", "armGroups", ())
    interventions: tuple[Intervention, ...] = _protocol("armsInterventionsModule", "interventions", ())
    primary_outcomes: tuple[PlannedOutcome, ...] = _protocol("outcomesModule", "primaryOutcomes", ())
    secondary_outcomes: tuple[PlannedOutcome, ...] = _protocol("outcomesModule", "secondaryOutcomes", ())
    other_outcomes: tuple[PlannedOutcome, ...] = _protocol("outcomesModule", "otherOutcomes", ())
    eligibility: str | None = _protocol("eligibilityModule", "eligibilityCriteria")
    sex: str | None = _protocol("eligibilityModule", "sex")
    minimum_age: str | None = _protocol("eligibilityModule", "minimumAge")
    maximum_age: str | None = _protocol("eligibilityModule", "maximumAge")
    locations: tuple[Location, ...] = _protocol("contactsLocationsModule", "locations", ())
    references: tuple[Reference, ...] = _protocol("referencesModule", "references", ())
    participant_flow: ParticipantFlow | None = at("resultsSection.participantFlowModule", default=None)
    baseline: Baseline | None = at("resultsSection.baselineCharacteristicsModule", default=None)
    outcomes: tuple[Outcome, ...] = at("resultsSection.outcomeMeasuresModule.outcomeMeasures", default=())
    adverse_events: AdverseEvents | None = at("resultsSection.adverseEventsModule", default=None)
    limitations: str | None = at("resultsSection.moreInfoModule.limitationsAndCaveats.description", default=None)
    has_results: bool | None = None
    version: PartialDate | None = at("derivedSection.miscInfoModule.versionHolder", default=None)

    @staticmethod
    def contradictions(table: dict[str, Any]) -> list[tuple[str, str]]:
        """Return what cannot stand in one record, with its path; the types in `table` are sound."""
        protocol, results = table.get("protocolSection") or {}, table.get("resultsSection") or {}
        # An answer of some fields may lack the module, but not hold it without the outcome that has results.
        planned = protocol.get("outcomesModule")
        posted = (results.get("outcomeMeasuresModule") or {}).get("outcomeMeasures") or ()
        if planned is None or planned.get("primaryOutcomes") or all(each.get("type") != "PRIMARY" for each in posted):
            return []
        return [
            (
                "protocolSection.outcomesModule",
                "expected the primary outcome of which there are results; the record was edited, download it again",
            )
        ]

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries in which the study recruits, each once, in the order of its places."""
        return tuple(dict.fromkeys(place.country for place in self.locations if place.country is not None))

    @property
    def pmids(self) -> tuple[str, ...]:
        """The PubMed numbers of its references."""
        return tuple(each.pmid for each in self.references if each.pmid is not None)


@frozen(kw_only=True)
class Page:
    """One page of the studies that a search found.

    Attributes
    ----------
    studies : tuple of Study
        May be empty, also where more pages follow.
    total_count : int or None
        How many there are on all pages; on the first page only, and only if asked for.
    next_page_token : str or None
        What the next page is asked for with; None on the last one. Dies when the registry's data change.
    """

    studies: tuple[Study, ...]
    total_count: int | None = None
    next_page_token: str | None = None


@frozen(kw_only=True)
class Version:
    """Which data the registry answers from; kept with everything that is fetched for later.

    Attributes
    ----------
    api_version : str
    data_timestamp : str
        When the data were last changed, in the registry's own time, such as ``2026-08-11T09:00:05``.
    """

    api_version: str
    data_timestamp: str | None = None
