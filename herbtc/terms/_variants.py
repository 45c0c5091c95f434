"""Words about variants of ERBB2."""

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
