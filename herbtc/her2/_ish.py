"""In-situ hybridisation by numbers: what ratio and copies amount to, by published criteria."""

from collections.abc import Iterator

from herbtc.her2._assays import Assay
from herbtc.terms import IshGroup, IshResult

_RATIO, _FEW, _MANY = 2.0, 4.0, 6.0


def gastric_groups(assay: Assay) -> Iterator[tuple[IshGroup, str]]:
    """Yield what the assay amounts to by the criteria of 2016, with the clause: as called, and by its numbers."""
    if assay.ish is not None:
        yield IshGroup(assay.ish), "gastric-ihc-2-ish"
    ratio, copies = assay.ratio, assay.ish_copies
    if ratio is not None and ratio >= _RATIO:
        yield IshGroup.POSITIVE, "gastric-ish-ratio"
    elif copies is not None and copies >= _MANY:
        yield IshGroup.POSITIVE, "gastric-ish-copies" if copies > _MANY else "gastric-ish-copies-6"
    elif ratio is not None:
        if copies is None:
            yield IshGroup.OPEN, "gastric-ish-copies-missing"
        else:
            yield IshGroup.NEGATIVE, "gastric-ish-copies-4-to-6" if copies >= _FEW else "gastric-ish-negative"
    elif copies is not None:
        yield IshGroup.OPEN_SINGLE, "gastric-ish-single-probe-below-6"


def breast_groups(assay: Assay) -> Iterator[tuple[IshGroup, str]]:
    """Yield what the assay amounts to by the criteria of 2018: as called, and by its numbers."""
    if assay.ish is not None:
        # A laboratory's own word has its work-up behind it: it stands where groups 1 and 5 stand.
        called = assay.ish is IshResult.POSITIVE
        yield (IshGroup.ONE, "breast-group-1") if called else (IshGroup.FIVE, "breast-group-5")
    ratio, copies = assay.ratio, assay.ish_copies
    if ratio is None and copies is None:
        return
    if ratio is None:
        yield _single(copies)
    elif copies is None:
        group = IshGroup.ONE_OR_TWO if ratio >= _RATIO else IshGroup.THREE_TO_FIVE
        yield group, "breast-ish-copies-missing"
    else:
        group = _dual(ratio, copies)
        yield group, f"breast-ish-group-{group}"


def _single(copies: float | None) -> tuple[IshGroup, str]:
    if copies is not None and copies >= _MANY:
        return IshGroup.SINGLE_POSITIVE, "breast-ish-single-positive"
    if copies is not None and copies >= _FEW:
        return IshGroup.SINGLE_EQUIVOCAL, "breast-ish-single-equivocal"
    return IshGroup.SINGLE_NEGATIVE, "breast-ish-single-negative"


def _dual(ratio: float, copies: float) -> IshGroup:
    if ratio >= _RATIO:
        return IshGroup.ONE if copies >= _FEW else IshGroup.TWO
    if copies >= _MANY:
        return IshGroup.THREE
    return IshGroup.FOUR if copies >= _FEW else IshGroup.FIVE


def numbers(assay: Assay) -> str:
    """Return the numbers of an assay in words: ``HER2/CEP17 2.1, HER2 copies 5.4``."""
    told = (("HER2/CEP17", assay.ratio), ("HER2 copies", assay.ish_copies))
    return ", ".join(f"{name} {value:.3g}" for name, value in told if value is not None)
