"""The data files beside ``trials/``, and what each holds."""

from attrs import frozen

from herbtc.her2 import Definition
from herbtc.models import (
    Agent,
    Approval,
    Concordance,
    Correction,
    Guideline,
    Mechanism,
    Prevalence,
    Prognosis,
    Record,
    Source,
)


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
class CorrectionFile(Record):
    """What ``corrections.toml`` holds."""

    corrections: tuple[Correction, ...] = ()


FILES: dict[str, type[Record]] = {
    "agents.toml": AgentFile,
    "definitions.toml": DefinitionFile,
    "approvals.toml": ApprovalFile,
    "guidelines.toml": GuidelineFile,
    "prevalence.toml": PrevalenceFile,
    "corrections.toml": CorrectionFile,
}
"""The data files beside ``trials/``, and what each holds."""
