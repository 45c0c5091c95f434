"""Standard tumours: the kinds on which definitions of HER2-positive agree or part."""

from herbtc.her2._assays import Assay, Profile

_NOTHING_ELSE = {"ngs_amplified": False, "plasma_amplified": False, "sequenced": True, "her3_altered": False} | {
    "nrg1_fusion": False
}


def _tumour(**found: object) -> Profile:
    # All was looked for, so that only the definitions make the difference.
    amplified = found.get("ish") == "positive"
    usual = _NOTHING_ELSE | {
        "ngs_amplified": amplified,
        "plasma_amplified": amplified,
        "ngs_copies": 10 if amplified else 2,
    }
    return Profile(Assay(**(usual | found)))  # type: ignore[arg-type]


TUMOURS: dict[str, Profile] = {
    "IHC 3+/ISH+": _tumour(ihc="3+", ish="positive"),
    "IHC 3+/ISH−": _tumour(ihc="3+", ish="negative"),
    "IHC 2+/ISH+": _tumour(ihc="2+", ish="positive"),
    "IHC 2+/ISH−": _tumour(ihc="2+", ish="negative"),
    "IHC 2+, no ISH": Profile(Assay(ihc="2+")),
    "IHC 1+/ISH+": _tumour(ihc="1+", ish="positive"),
    "IHC 1+/ISH−": _tumour(ihc="1+", ish="negative"),
    "IHC 0/ISH+": _tumour(ihc="0", ish="positive"),
    "IHC 0/ISH−": _tumour(ihc="0", ish="negative"),
    "NGS amplified only": Profile(Assay(ngs_amplified=True, ngs_copies=10, sequenced=True)),
    "S310F mutant": _tumour(ihc="1+", ish="negative", variants=("S310F",)),
    "ctDNA amplified only": Profile(Assay(plasma_amplified=True, specimen="plasma")),
    "NRG1 fusion": _tumour(ihc="0", ish="negative", nrg1_fusion=True),
}
"""Kinds of tumour, by what was found; what is "only" found was not looked for in any other way."""
