"""A patient, as far as known."""

from typing import Any, ClassVar

from attrs import field, frozen

from herbtc.her2 import Assay, Profile
from herbtc.models import Record, Rule, as_number, as_tuple, as_word, within
from herbtc.terms import Site


def _profile(value: Any) -> Any:
    if isinstance(value, Assay):
        return Profile(value)
    return Profile(*value) if isinstance(value, (list, tuple)) else value


def _site(value: Any) -> Any:
    return as_word(Site, value)


@frozen(kw_only=True, repr=False)
class Patient(Record):
    """A patient with advanced biliary tract cancer; None is what is not known.

    Attributes
    ----------
    her2 : Profile
        The assays of the tumour; one `herbtc.her2.Assay` or a list of them will do.
    site : str, optional
        Primary site, a word of `herbtc.terms.Site`.
    prior_lines : int, optional
        Lines of systemic therapy for advanced disease so far.
    prior_agents : tuple of str, optional
        Keys of the agents given so far; () for none, None where it is not known.
    ecog : int, optional
        ECOG performance status, 0 to 4.
    lvef : float, optional
        Left ventricular ejection fraction in percent.
    measurable : bool, optional
        Whether there is measurable disease by RECIST.
    drivers : tuple of str
        Gene symbols of other drivers found, such as ``"FGFR2"``.

    Raises
    ------
    herbtc.DataError
        With every field that cannot be.

    Examples
    --------
    >>> from herbtc import her2, matching
    >>> matching.Patient(her2=her2.Assay(ihc="3+"), site="gallbladder", prior_lines=1, ecog=1)
    Patient(her2=Profile(Assay(ihc='3+')), site='gallbladder', prior_lines=1, ecog=1)
    """

    her2: Profile = field(converter=_profile)
    site: Site | None = field(default=None, converter=_site)
    prior_lines: int | None = None
    prior_agents: tuple[str, ...] | None = field(default=None, converter=as_tuple)
    ecog: int | None = None
    lvef: float | None = field(default=None, converter=as_number)
    measurable: bool | None = None
    drivers: tuple[str, ...] = field(default=(), converter=as_tuple)

    RULES: ClassVar[tuple[Rule, ...]] = (
        within("prior_lines", 0, 20),
        within("ecog", 0, 4),
        within("lvef", 0, 100),
        *(
            Rule(
                (name,),
                lambda words: all(isinstance(each, str) and each.strip() for each in words),
                "expected words, got {0}",
            )
            for name in ("prior_agents", "drivers")
        ),
        Rule(
            ("prior_lines", "prior_agents"),
            lambda lines, agents: lines or not agents,
            "expected at least one line where agents were given, got {0}",
        ),
    )
