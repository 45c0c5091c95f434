"""Registries and literature: what is registered, posted and published, beside what the catalog holds.

Nothing is fetched unless a function that does so is called, and all of these take the way of fetching as an argument.
"""

from herbtc.registry import europepmc, pubmed
from herbtc.registry._citation import Citation
from herbtc.registry._compare import compare
from herbtc.registry._ctgov import fetch, page, search, study, version
from herbtc.registry._diff import diff
from herbtc.registry._draft import draft
from herbtc.registry._frames import adverse_events, analyses, outcomes
from herbtc.registry._news import news
from herbtc.registry._scan import scan
from herbtc.registry._snapshots import Snapshot, snapshot, snapshots
from herbtc.registry._study import Page, Study, Version
from herbtc.registry._transport import Transport

__all__ = [
    "Citation",
    "Page",
    "Snapshot",
    "Study",
    "Transport",
    "Version",
    "adverse_events",
    "analyses",
    "compare",
    "diff",
    "draft",
    "europepmc",
    "fetch",
    "news",
    "outcomes",
    "page",
    "pubmed",
    "scan",
    "search",
    "snapshot",
    "snapshots",
    "study",
    "version",
]
