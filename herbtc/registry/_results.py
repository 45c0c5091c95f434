"""What a study found, as ClinicalTrials.gov holds it: every number as the registry printed it, and as a number."""

from decimal import Decimal

from attrs import frozen

from herbtc.registry._fields import at, bounded, number


@frozen(kw_only=True)
class Group:
    """A group of participants in one part of the results; its `id` means nothing in the other parts."""

    id: str
    title: str | None = None
    description: str | None = None


@frozen(kw_only=True)
class Count:
    """How many there are in one group."""

    group_id: str
    text: str = at("value")

    @property
    def value(self) -> Decimal | None:
        """The number, None where the text is none."""
        return number(self.text)


@frozen(kw_only=True)
class Denominator:
    """How many were analysed in each group, of which unit (``Participants``)."""

    units: str | None = None
    counts: tuple[Count, ...] = ()


@frozen(kw_only=True)
class Measurement:
    """What was measured in one group: numbers as printed in `text`, `spread_text` …, and as numbers beside them.

    ``"NA"`` is no number: the median was not reached, or an end of its interval cannot be estimated, and `comment`
    says which.
    """

    group_id: str
    text: str | None = at("value", default=None)
    spread_text: str | None = at("spread", default=None)
    lower_text: str | None = at("lowerLimit", default=None)
    upper_text: str | None = at("upperLimit", default=None)
    comment: str | None = None

    @property
    def value(self) -> Decimal | None:
        """The number, None where the text is none."""
        return number(self.text)

    @property
    def spread(self) -> Decimal | None:
        """The standard deviation or error, None where there is none."""
        return number(self.spread_text)

    @property
    def lower(self) -> Decimal | None:
        """The lower end of the interval or range, None where there is none."""
        return number(self.lower_text)

    @property
    def upper(self) -> Decimal | None:
        """The upper end of the interval or range, None where there is none."""
        return number(self.upper_text)


@frozen(kw_only=True)
class Category:
    """One line of a table of results, such as ``Complete response``; without a title where there is only one."""

    title: str | None = None
    measurements: tuple[Measurement, ...] = ()


@frozen(kw_only=True)
class MeasureClass:
    """One block of a table of results, such as ``Week 24``, with denominators of its own where they differ."""

    title: str | None = None
    denominators: tuple[Denominator, ...] = at("denoms", default=())
    categories: tuple[Category, ...] = ()


@frozen(kw_only=True)
class Analysis:
    """A comparison or estimate made for an outcome, such as a hazard ratio with its interval and its p-value."""

    group_ids: tuple[str, ...] = ()
    group_description: str | None = None
    type: str | None = at("nonInferiorityType", default=None)
    type_comment: str | None = at("nonInferiorityComment", default=None)
    p_text: str | None = at("pValue", default=None)
    p_comment: str | None = at("pValueComment", default=None)
    method: str | None = at("statisticalMethod", default=None)
    method_comment: str | None = at("statisticalComment", default=None)
    parameter: str | None = at("paramType", default=None)
    estimate_text: str | None = at("paramValue", default=None)
    estimate_comment: str | None = None
    dispersion_type: str | None = None
    dispersion_text: str | None = at("dispersionValue", default=None)
    sides: str | None = at("ciNumSides", default=None)
    level_text: str | None = at("ciPctValue", default=None)
    lower_text: str | None = at("ciLowerLimit", default=None)
    lower_comment: str | None = at("ciLowerLimitComment", default=None)
    upper_text: str | None = at("ciUpperLimit", default=None)
    upper_comment: str | None = at("ciUpperLimitComment", default=None)
    description: str | None = at("otherAnalysisDescription", default=None)

    @property
    def p(self) -> Decimal | None:
        """The p-value, or the bound where only that is printed ("<0.001"); see `p_bound`."""
        found = bounded(self.p_text)
        return found[1] if found else None

    @property
    def p_bound(self) -> str | None:
        """``"<"``, ``"<="``, ``">"`` or ``">="`` where `p` is only a bound, ``"="`` where it is the p-value."""
        found = bounded(self.p_text)
        return found[0] if found else None

    @property
    def estimate(self) -> Decimal | None:
        """The estimate, None where the text is no number."""
        return number(self.estimate_text)

    @property
    def dispersion(self) -> Decimal | None:
        """The standard deviation or error, None where there is none."""
        return number(self.dispersion_text)

    @property
    def level(self) -> Decimal | None:
        """The level of the interval in percent."""
        return number(self.level_text)

    @property
    def lower(self) -> Decimal | None:
        """The lower end of the interval, None where there is none."""
        return number(self.lower_text)

    @property
    def upper(self) -> Decimal | None:
        """The upper end of the interval, None where there is none."""
        return number(self.upper_text)


@frozen(kw_only=True)
class _Measured:
    """What outcomes and baseline characteristics share."""

    title: str
    description: str | None = None
    population: str | None = at("populationDescription", default=None)
    param_type: str | None = None
    dispersion_type: str | None = None
    unit: str | None = at("unitOfMeasure", default=None)
    denominator_units: str | None = at("denomUnitsSelected", default=None)
    denominators: tuple[Denominator, ...] = at("denoms", default=())
    classes: tuple[MeasureClass, ...] = ()

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """All measurements, in the order of the record."""
        return tuple(each for block in self.classes for line in block.categories for each in line.measurements)


@frozen(kw_only=True)
class Outcome(_Measured):
    """The results of one outcome.

    Attributes
    ----------
    type : str or None
        ``PRIMARY``, ``SECONDARY``, ``OTHER_PRE_SPECIFIED`` or ``POST_HOC``.
    dispersion_type : str or None
        What `Measurement.spread` or its ends are, in the words of the registry's page (``95% Confidence Interval``).
    """

    type: str | None = None
    reporting_status: str | None = None
    time_frame: str | None = None
    type_units_analyzed: str | None = None
    groups: tuple[Group, ...] = ()
    analyses: tuple[Analysis, ...] = ()


@frozen(kw_only=True)
class Characteristic(_Measured):
    """A baseline characteristic."""


@frozen(kw_only=True)
class Baseline:
    """The participants at the beginning."""

    population: str | None = at("populationDescription", default=None)
    type_units_analyzed: str | None = None
    groups: tuple[Group, ...] = ()
    denominators: tuple[Denominator, ...] = at("denoms", default=())
    characteristics: tuple[Characteristic, ...] = at("measures", default=())


@frozen(kw_only=True)
class EventGroup:
    """A group whose adverse events were counted: how many had any, and how many died."""

    id: str
    title: str | None = None
    description: str | None = None
    deaths_num_affected: int | None = None
    deaths_num_at_risk: int | None = None
    serious_num_affected: int | None = None
    serious_num_at_risk: int | None = None
    other_num_affected: int | None = None
    other_num_at_risk: int | None = None


@frozen(kw_only=True)
class EventCount:
    """How often an adverse event occurred in one group; the registry prints these as numbers."""

    group_id: str
    num_affected: int | None = None
    num_at_risk: int | None = None
    num_events: int | None = None


@frozen(kw_only=True)
class AdverseEvent:
    """An adverse event, by its term and its organ system."""

    term: str
    organ_system: str | None = None
    source_vocabulary: str | None = None
    assessment_type: str | None = None
    notes: str | None = None
    counts: tuple[EventCount, ...] = at("stats", default=())


@frozen(kw_only=True)
class AdverseEvents:
    """The adverse events of a study; those that are not serious only above a frequency that the study chose."""

    frequency_threshold: str | None = None
    time_frame: str | None = None
    description: str | None = None
    mortality_comment: str | None = at("allCauseMortalityComment", default=None)
    groups: tuple[EventGroup, ...] = at("eventGroups", default=())
    serious: tuple[AdverseEvent, ...] = at("seriousEvents", default=())
    other: tuple[AdverseEvent, ...] = at("otherEvents", default=())


@frozen(kw_only=True)
class Flow:
    """How many participants of one group came to a point; units where those were randomised (clinics, eyes)."""

    group_id: str
    text: str | None = at("numSubjects", default=None)
    units_text: str | None = at("numUnits", default=None)
    comment: str | None = None

    @property
    def value(self) -> Decimal | None:
        """The number of participants, None where the text is no number."""
        return number(self.text)

    @property
    def units(self) -> Decimal | None:
        """The number of units, None where there is none."""
        return number(self.units_text)


@frozen(kw_only=True)
class Milestone:
    """A point of the study: ``STARTED``, ``COMPLETED``, ``NOT COMPLETED``, or one of the study's own."""

    type: str | None = None
    comment: str | None = None
    counts: tuple[Flow, ...] = at("achievements", default=())


@frozen(kw_only=True)
class Withdrawal:
    """A reason for which participants did not complete."""

    type: str | None = None
    comment: str | None = None
    counts: tuple[Flow, ...] = at("reasons", default=())


@frozen(kw_only=True)
class Period:
    """A period of the study."""

    title: str | None = None
    milestones: tuple[Milestone, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = at("dropWithdraws", default=())


@frozen(kw_only=True)
class ParticipantFlow:
    """How participants went through the study."""

    recruitment_details: str | None = None
    pre_assignment_details: str | None = None
    type_units_analyzed: str | None = None
    groups: tuple[Group, ...] = ()
    periods: tuple[Period, ...] = ()
