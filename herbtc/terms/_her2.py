"""Words of HER2 testing: what was looked at, what was seen, what follows."""

from __future__ import annotations

from enum import StrEnum


class Answer(StrEnum):
    """Three-valued truth: what is not known is neither true nor false."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Her2Status(StrEnum):
    """What criteria make of a tumour; `low` only by criteria that define it."""

    POSITIVE = "positive"
    LOW = "low"
    NEGATIVE = "negative"
    EQUIVOCAL = "equivocal"
    UNKNOWN = "unknown"

    @property
    def settled(self) -> bool:
        """Whether nothing more needs to be tested."""
        return self in _SETTLED


_SETTLED = frozenset(list(Her2Status)[:3])


class Specimen(StrEnum):
    """What was tested."""

    BIOPSY = "biopsy"
    RESECTION = "resection"
    CYTOLOGY = "cytology"
    PLASMA = "plasma"


class Intensity(StrEnum):
    """How strongly tumour cells stain, weakest first; `faint` is faint or barely perceptible."""

    NONE = "none"
    FAINT = "faint"
    WEAK = "weak"
    MODERATE = "moderate"
    STRONG = "strong"


class Membrane(StrEnum):
    """How much of the cell membrane stains; `incomplete` is a part, `none` cytoplasm or nuclei only."""

    NONE = "none"
    INCOMPLETE = "incomplete"
    LATERAL = "lateral"
    BASOLATERAL = "basolateral"
    COMPLETE = "complete"


class IshGroup(StrEnum):
    """What in-situ hybridisation amounts to: the five dual-probe groups of ASCO/CAP 2018, a single probe, a result.

    A word with bars is open between groups, for want of copies.
    """

    ONE = "1"
    TWO = "2"
    THREE = "3"
    FOUR = "4"
    FIVE = "5"
    ONE_OR_TWO = "1|2"
    THREE_TO_FIVE = "3|4|5"
    SINGLE_POSITIVE = "single-positive"
    SINGLE_EQUIVOCAL = "single-equivocal"
    SINGLE_NEGATIVE = "single-negative"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    OPEN = "open"
    OPEN_SINGLE = "open-single"


class NextTest(StrEnum):
    """The test that would settle an open status."""

    IHC = "ihc"
    REFLEX_ISH = "reflex-ish"
    DUAL_PROBE_ISH = "dual-probe-ish"
    IHC_OR_DUAL_PROBE_ISH = "ihc-or-dual-probe-ish"
    COPIES = "copies"
    RECOUNT = "recount"
    NEW_SPECIMEN = "new-specimen"


class Seen(StrEnum):
    """How a rule of a guideline was seen: in its own words, as other pages restate it, in none, or it is ours."""

    GUIDELINE = "guideline"
    RESTATED = "restated"
    NOT_SEEN = "not-seen"
    OURS = "ours"
