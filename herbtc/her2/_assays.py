"""What was tested and seen: assays of a tumour, complete or not, and several of them as a profile."""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

from attrs import field, frozen

from herbtc._html import Shown
from herbtc.errors import DataError, Problem, shown
from herbtc.models import Record, Rule, as_number, as_tuple, as_word, within
from herbtc.terms import IhcScore, Intensity, IshResult, Laboratory, Membrane, Specimen
from herbtc.variants import name

_RATIO_TOLERANCE = 0.15


def _ihc_score(value: Any) -> Any:
    return as_word(IhcScore, value)


def _ish_result(value: Any) -> Any:
    return as_word(IshResult, value)


def _specimen(value: Any) -> Any:
    return as_word(Specimen, value)


def _laboratory(value: Any) -> Any:
    return as_word(Laboratory, value)


def _intensity(value: Any) -> Any:
    return as_word(Intensity, value)


def _membrane(value: Any) -> Any:
    return as_word(Membrane, value)


def _is_possible(variant: Any) -> bool:
    try:
        name(variant)
    except DataError:
        return False
    return True


@frozen(kw_only=True, repr=False)
class Staining(Record):
    """What immunohistochemistry shows before it is given a score.

    Attributes
    ----------
    percent : float, optional
        Share of tumour cells that stain so, in percent.
    intensity : {"none", "faint", "weak", "moderate", "strong"}, optional
        How strongly; `faint` is faint or barely perceptible.
    membrane : {"none", "incomplete", "lateral", "basolateral", "complete"}, optional
        How much of the membrane; `none` where only cytoplasm or nuclei stain.
    cluster : int, optional
        Cells in the largest stained cluster; what counts in a biopsy.

    Examples
    --------
    >>> from herbtc import her2
    >>> her2.Staining(percent=40, intensity="strong", membrane="basolateral")
    Staining(percent=40.0, intensity='strong', membrane='basolateral')
    """

    percent: float | None = field(default=None, converter=as_number)
    intensity: Intensity | None = field(default=None, converter=_intensity)
    membrane: Membrane | None = field(default=None, converter=_membrane)
    cluster: int | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        within("percent", 0, 100),
        within("cluster", 0, 10**6),
        Rule(
            ("percent", "intensity"),
            lambda percent, intensity: not (percent > 0 and intensity is Intensity.NONE),
            "expected no share of stained cells where nothing stains, got {0}",
        ),
    )


@frozen(kw_only=True, repr=False, cache_hash=True)
class Assay(Record):
    """What one or several tests of one specimen found; None is what was not tested or not told.

    Attributes
    ----------
    ihc : {"0", "1+", "2+", "3+"}, optional
        Score as the laboratory gave it.
    staining : Staining, optional
        What was seen before a score was given; see `herbtc.her2.score`.
    ish : {"positive", "negative"}, optional
        Result of in-situ hybridisation as the laboratory called it.
    ish_ratio, ish_copies, cep17_copies : float, optional
        HER2/CEP17 ratio, mean HER2 copies and mean CEP17 copies a cell, by in-situ hybridisation.
    ish_cells : int, optional
        Cells that were counted.
    recounted : bool, optional
        Whether a second, blinded count confirmed the group, as ASCO/CAP asks for IHC 2+ in groups 2 to 4.
    ngs_amplified : bool, optional
        Whether the sequencing laboratory calls ERBB2 amplified in tissue.
    ngs_copies, ngs_threshold : float, optional
        ERBB2 copies by sequencing, and from how many on its platform calls an amplification.
    ngs_fold : float, optional
        Fold change by sequencing, where the platform gives that in place of copies.
    ngs_platform : str, optional
        Name of the platform.
    plasma_amplified : bool, optional
        Whether ERBB2 is amplified in plasma cell-free DNA.
    variants : tuple of str
        ERBB2 variants found, by whichever name.
    sequenced : bool, optional
        Whether ERBB2 was sequenced: with True, no variants means that none was found; else it means nothing.
    her3_altered, nrg1_fusion : bool, optional
        Whether ERBB3 is altered, and whether there is an NRG1 fusion.
    specimen : {"biopsy", "resection", "cytology", "plasma"}, optional
    test, laboratory, day : str, {"central", "local", "central-or-local"}, date, optional
        Name of the test, who tested, and when.

    Raises
    ------
    herbtc.DataError
        With every field that cannot be: a score that does not exist, a number out of range, a ratio that is not that
        of the copies.

    Examples
    --------
    >>> from herbtc import her2
    >>> her2.Assay(ihc="2+", ish_ratio=2.4, specimen="biopsy", laboratory="central")
    Assay(ihc='2+', ish_ratio=2.4, specimen='biopsy', laboratory='central')
    >>> her2.Assay(ihc="4+", ish_ratio=-1)
    Traceback (most recent call last):
    ...
    herbtc.errors.DataError: 2 faults in Assay
      ihc: expected nothing or one of 0 1+ 2+ 3+, got '4+'
      ish_ratio: expected a number from 0 to 100, got -1.0
    """

    ihc: IhcScore | None = field(default=None, converter=_ihc_score)
    staining: Staining | None = None
    ish: IshResult | None = field(default=None, converter=_ish_result)
    ish_ratio: float | None = field(default=None, converter=as_number)
    ish_copies: float | None = field(default=None, converter=as_number)
    cep17_copies: float | None = field(default=None, converter=as_number)
    ish_cells: int | None = None
    recounted: bool | None = None
    ngs_amplified: bool | None = None
    ngs_copies: float | None = field(default=None, converter=as_number)
    ngs_threshold: float | None = field(default=None, converter=as_number)
    ngs_fold: float | None = field(default=None, converter=as_number)
    ngs_platform: str | None = None
    plasma_amplified: bool | None = None
    variants: tuple[str, ...] = field(default=(), converter=as_tuple)
    sequenced: bool | None = None
    her3_altered: bool | None = None
    nrg1_fusion: bool | None = None
    specimen: Specimen | None = field(default=None, converter=_specimen)
    test: str | None = None
    laboratory: Laboratory | None = field(default=None, converter=_laboratory)
    day: date | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        within("ish_ratio", 0, 100),
        within("ish_copies", 0, 1000),
        within("cep17_copies", 0, 100),
        within("ish_cells", 1, 10**5),
        *(within(name, 0, 10**4) for name in ("ngs_copies", "ngs_threshold", "ngs_fold")),
        Rule(
            ("ish_ratio", "ish_copies", "cep17_copies"),
            lambda ratio, copies, cep17: (
                None in (copies, cep17)
                or not cep17
                or abs(ratio - copies / cep17) <= _RATIO_TOLERANCE * max(ratio, copies / cep17)
            ),
            "expected the ratio of HER2 to CEP17 copies, {1} to {2}, got {0}",
        ),
        Rule(
            ("variants",),
            lambda variants: all(isinstance(each, str) and each.strip() for each in variants),
            "expected names of variants, got {0}",
        ),
        Rule(
            ("variants",),
            lambda variants: all(map(_is_possible, variants)),
            "expected changes that the HER2 protein can have, got {0}: another residue stands there, or none",
        ),
        Rule(
            ("sequenced", "variants"),
            lambda sequenced, variants: sequenced or not variants,
            "expected True where variants were found, got {0}",
        ),
        Rule(
            ("specimen", "ihc", "staining", "ish", "ish_ratio", "ish_copies", "ngs_amplified"),
            lambda specimen, *tissue: specimen is not Specimen.PLASMA or all(each is None for each in tissue),
            "expected tissue or cells for immunohistochemistry and hybridisation, got {0}: what sequencing finds in "
            "plasma is plasma_amplified",
        ),
    )

    @property
    def where(self) -> str:
        """Specimen, laboratory, test and day in words, to tell one assay from another."""
        parts = (self.specimen, self.laboratory, self.test, self.day)
        return ", ".join(str(part) for part in parts if part is not None)

    @property
    def ratio(self) -> float | None:
        """HER2/CEP17 ratio, as given or from the copies; None if neither is known."""
        if self.ish_ratio is None and self.ish_copies is not None and self.cep17_copies:
            return self.ish_copies / self.cep17_copies
        return self.ish_ratio

    @property
    def cep17(self) -> float | None:
        """Mean CEP17 copies, as given or from ratio and HER2 copies; None if neither is known."""
        if self.cep17_copies is None and self.ish_copies is not None and self.ish_ratio:
            return self.ish_copies / self.ish_ratio
        return self.cep17_copies


@frozen(repr=False, init=False)
class Profile(Shown):
    """All assays of one tumour, kept side by side: where they disagree, both stand.

    Attributes
    ----------
    assays : tuple of Assay
        In the order given.

    Raises
    ------
    herbtc.DataError
        If anything else than an assay is given.

    Examples
    --------
    >>> from herbtc import her2
    >>> her2.Profile(her2.Assay(ihc="2+"), her2.Assay(ish_ratio=2.6, specimen="resection"))
    Profile(Assay(ihc='2+'), Assay(ish_ratio=2.6, specimen='resection'))
    """

    assays: tuple[Assay, ...]

    def __init__(self, *assays: Assay) -> None:
        strange = [
            Problem("", f"assays[{place}]", f"expected an Assay, got {shown(each)}")
            for place, each in enumerate(assays)
            if not isinstance(each, Assay)
        ]
        if strange:
            raise DataError("Profile", strange)
        self.__attrs_init__(assays)

    def __repr__(self) -> str:
        return f"Profile({', '.join(map(repr, self.assays))})"


def profile_of(tumour: Assay | Profile | Iterable[Assay]) -> Profile:
    """Return the profile of a tumour that was given as one assay, several, or a profile."""
    if isinstance(tumour, Profile):
        return tumour
    return Profile(tumour) if isinstance(tumour, Assay) else Profile(*tumour)
