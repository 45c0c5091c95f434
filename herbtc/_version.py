"""The version of the package, which is that of the shipped evidence (CalVer)."""

__version__ = "2026.11.0"
