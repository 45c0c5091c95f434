"""Variants of ERBB2: one name for each change of the protein, and what is known of it.

`name` reads any spelling. A name alone says nothing about what the change does, and a high count says little: that a
place is often mutated does not prove that a change there activates HER2. So `activating` and `counted` answer yes, no
or unknown from the evidence on record, and show it.
"""

from herbtc.variants._answers import VariantAnswer, activating, counted, domain, record
from herbtc.variants._names import ProteinChange, name
from herbtc.variants._records import ProteinRegion, Variant, VariantCount, VariantEvidence

__all__ = [
    "ProteinChange",
    "ProteinRegion",
    "Variant",
    "VariantAnswer",
    "VariantCount",
    "VariantEvidence",
    "activating",
    "counted",
    "domain",
    "name",
    "record",
]
