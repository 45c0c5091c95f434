"""Studies of ClinicalTrials.gov that may belong in the catalog, found by asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from herbtc.registry._ctgov import search
from herbtc.registry._terms import matched, searches

if TYPE_CHECKING:
    from datetime import date

    from herbtc.catalog import Catalog
    from herbtc.registry._study import Study
    from herbtc.registry._transport import Fetch

PROTOCOL = ("ProtocolSection", "HasResults", "VersionHolder")
"""What is fetched of a record for surveillance: everything but its results, which are most of it."""


def candidates(catalog: Catalog, *, changed_since: date | None = None, fetch: Fetch) -> dict[str, tuple[Study, str]]:
    """Return the studies of HER2 in biliary tract cancer and the HER2 baskets, by number, with the kind of each.

    Parameters
    ----------
    catalog : Catalog
        Whose agents to look for; its own studies are among the candidates.
    changed_since : datetime.date, optional
        Only those whose record was changed on this day or later, which new ones were too.
    fetch : callable
        As for `registry.fetch`.
    """
    advanced = f"AREA[LastUpdatePostDate]RANGE[{changed_since},MAX]" if changed_since else None
    found: dict[str, tuple[Study, str]] = {}
    for words in searches(catalog):
        for study in search(**words, advanced=advanced, fields=PROTOCOL, fetch=fetch):
            if kind := matched(study, catalog).kind:
                found[study.nct_id] = (study, kind)
    return found
