"""Variants of ERBB2: one name for each change of the protein.

A name alone says nothing about what the change does: that a place is often mutated does not prove that a change there
activates HER2.
"""

from herbtc.variants._names import ProteinChange, name

__all__ = ["ProteinChange", "name"]
