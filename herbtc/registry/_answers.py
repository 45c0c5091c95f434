"""What came back from an address, read as what should be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from herbtc.errors import DataError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.registry._transport import Fetch

T = TypeVar("T")

_MOST_FAULTS = 3  # a page of studies can have thousands


def answer(url: str, read: Callable[[bytes], T], fetch: Fetch) -> T:
    """Return what is at an address; what cannot be read there was not sent as it should have been.

    Raises
    ------
    herbtc.RegistryError
        If there is no answer, or another than `read` takes.
    """
    data = fetch(url)
    try:
        return read(data)
    except DataError as error:
        faults = "; ".join(map(str, error.problems[:_MOST_FAULTS]))
        more = f"; and {len(error.problems) - _MOST_FAULTS} more" if len(error.problems) > _MOST_FAULTS else ""
        raise RegistryError(
            f"{url}: the answer is not what should be there ({faults}{more}); try again, and look at the address "
            "in a browser: something between may have answered instead"
        ) from error
