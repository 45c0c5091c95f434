"""Words about variants of ERBB2, and what is known of them."""

from enum import StrEnum


class ChangeKind(StrEnum):
    """What a variant does to the protein; `unknown` is a text that names no change which can be read."""

    SUBSTITUTION = "substitution"
    INSERTION = "insertion"
    DUPLICATION = "duplication"
    DELETION = "deletion"
    DELETION_INSERTION = "deletion-insertion"
    NONSENSE = "nonsense"
    FRAMESHIFT = "frameshift"
    SILENT = "silent"
    UNKNOWN = "unknown"


class ProteinDomain(StrEnum):
    """Domains of the HER2 protein, from the N-terminus to the C-terminus."""

    EXTRACELLULAR_I = "extracellular-i"
    EXTRACELLULAR_II = "extracellular-ii"
    EXTRACELLULAR_III = "extracellular-iii"
    EXTRACELLULAR_IV = "extracellular-iv"
    TRANSMEMBRANE = "transmembrane"
    JUXTAMEMBRANE = "juxtamembrane"
    KINASE = "kinase"


class VariantEffect(StrEnum):
    """What a variant was found to do: to the receptor, or to the effect of a drug.

    `no-response` is a drug that did not work where the variant was, which does not prove that the variant is why.
    """

    ACTIVATING = "activating"
    NOT_ACTIVATING = "not-activating"
    UNCERTAIN = "uncertain"
    SENSITIVE = "sensitive"
    REDUCED_SENSITIVITY = "reduced-sensitivity"
    RESISTANT = "resistant"
    NO_RESPONSE = "no-response"

    @property
    def of_a_drug(self) -> bool:
        """Whether it is an effect on what a drug does, and not on the receptor."""
        return self not in (VariantEffect.ACTIVATING, VariantEffect.NOT_ACTIVATING, VariantEffect.UNCERTAIN)


class StudiedIn(StrEnum):
    """In what an effect of a variant was seen, nearest to patients first."""

    PATIENTS = "patients"
    ANIMALS = "animals"
    CELLS = "cells"
    PROTEIN = "protein"
