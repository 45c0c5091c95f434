"""Registries and literature: what is registered, posted and published, beside what the catalog holds."""

from herbtc.registry._study import Study
from herbtc.registry._transport import Transport

__all__ = ["Study", "Transport"]
