"""The data files beside ``trials/``, and what each holds."""

from attrs import frozen

from herbtc.models import (
    Agent,
    Approval,
    Concordance,
    Correction,
    CriteriaClause,
    Definition,
    Guideline,
    Mechanism,
    Prevalence,
    Prognosis,
    Record,
    Source,
)
from herbtc.variants import ProteinRegion, Variant


@frozen(kw_only=True, repr=False)
class AgentFile(Record):
    """What ``agents.toml`` holds."""

    sources: tuple[Source, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    agents: tuple[Agent, ...] = ()


@frozen(kw_only=True, repr=False)
class DefinitionFile(Record):
    """What ``definitions.toml`` holds."""

    sources: tuple[Source, ...] = ()
    definitions: tuple[Definition, ...] = ()
    clauses: tuple[CriteriaClause, ...] = ()


@frozen(kw_only=True, repr=False)
class ApprovalFile(Record):
    """What ``approvals.toml`` holds."""

    sources: tuple[Source, ...] = ()
    approvals: tuple[Approval, ...] = ()


@frozen(kw_only=True, repr=False)
class GuidelineFile(Record):
    """What ``guidelines.toml`` holds."""

    sources: tuple[Source, ...] = ()
    guidelines: tuple[Guideline, ...] = ()


@frozen(kw_only=True, repr=False)
class PrevalenceFile(Record):
    """What ``prevalence.toml`` holds."""

    sources: tuple[Source, ...] = ()
    prevalence: tuple[Prevalence, ...] = ()
    concordance: tuple[Concordance, ...] = ()
    prognosis: tuple[Prognosis, ...] = ()


@frozen(kw_only=True, repr=False)
class VariantFile(Record):
    """What ``variants.toml`` holds."""

    sources: tuple[Source, ...] = ()
    regions: tuple[ProteinRegion, ...] = ()
    variants: tuple[Variant, ...] = ()


@frozen(kw_only=True, repr=False)
class CorrectionFile(Record):
    """What ``corrections.toml`` holds."""

    corrections: tuple[Correction, ...] = ()


FILES: dict[str, type[Record]] = {
    "agents.toml": AgentFile,
    "definitions.toml": DefinitionFile,
    "approvals.toml": ApprovalFile,
    "guidelines.toml": GuidelineFile,
    "prevalence.toml": PrevalenceFile,
    "variants.toml": VariantFile,
    "corrections.toml": CorrectionFile,
}
"""The data files beside ``trials/``, and what each holds."""
