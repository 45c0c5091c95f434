"""What ClinicalTrials.gov said on a day about the studies that matter here, kept as files."""

import json
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from attrs import field, frozen

from herbtc.catalog import Catalog, load
from herbtc.errors import DataError, Problem, RegistryError
from herbtc.registry._candidates import PROTOCOL, candidates
from herbtc.registry._compare import numbers_of
from herbtc.registry._ctgov import search, version
from herbtc.registry._fields import Form
from herbtc.registry._reading import made, parsed
from herbtc.registry._saving import save
from herbtc.registry._study import Study, Version
from herbtc.registry._transport import Transport

if TYPE_CHECKING:
    from herbtc.registry._transport import Fetch

_NAMED = "clinicaltrials-"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_TRIES = 2


def _is_moment(text: str) -> bool:
    try:
        return datetime.strptime(text, _MOMENT).strftime(_MOMENT) == text  # noqa: DTZ007  (the Z is UTC)
    except ValueError:
        return False


@frozen(kw_only=True)
class _File:
    """What a file holds: a page of studies as the registry gives it out, and where and when it is from."""

    api_version: str
    data_timestamp: str | None = None
    taken: Annotated[str, Form(_is_moment, "a moment such as 2026-08-11T09:00:05Z")]
    release: str | None = None
    studies: tuple[Study, ...]


@frozen(kw_only=True)
class Snapshot:
    """What ClinicalTrials.gov said about the studies of a catalog, and about candidates for it.

    Attributes
    ----------
    version : Version
        Of its interface and of its data, the same before and after all was read.
    taken : datetime.datetime
        When it was read, in UTC.
    release : str or None
        Of the catalog whose studies and agents were looked for.
    studies : tuple of Study
        By their numbers; without results, which `registry.fetch` has.
    data : bytes
        The content of its file, with every record as the registry gave it out; `registry.page` and `registry.scan`
        read it too.
    """

    version: Version
    taken: datetime
    release: str | None
    studies: tuple[Study, ...] = field(repr=False)
    data: bytes = field(repr=False)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write a file into a folder and return its path; it is there whole or not at all.

        Raises
        ------
        FileExistsError
            If the snapshot of that second is there already.
        OSError
            If it cannot be written.
        """
        return save(Path(folder) / f"{_NAMED}{self.taken:%Y-%m-%dT%H%M%SZ}.json", self.data)


def snapshot(catalog: Catalog | None = None, *, fetch: "Fetch | None" = None) -> Snapshot:
    """Return what ClinicalTrials.gov says now about the studies of a catalog and the candidates for it.

    Parameters
    ----------
    catalog : Catalog, optional
        Whose studies and agents to look for; the shipped evidence by default.
    fetch : callable, optional
        As for `registry.fetch`.

    Raises
    ------
    herbtc.RegistryError
        If the registry does not answer, or its data change twice while they are read.

    Examples
    --------
    >>> from herbtc import registry
    >>> def recorded(url: str) -> bytes:
    ...     if url.endswith("/version"):
    ...         return b'{"apiVersion": "2.0.5", "dataTimestamp": "2026-08-11T09:00:05"}'
    ...     return b'{"studies": [{"protocolSection": {"identificationModule": {"nctId": "NCT04466891"}}}]}'
    >>> taken = registry.snapshot(fetch=recorded)
    >>> taken.version.data_timestamp, [study.nct_id for study in taken.studies]
    ('2026-08-11T09:00:05', ['NCT04466891'])
    """
    catalog = load() if catalog is None else catalog
    fetch = fetch or Transport()
    for _ in range(_TRIES):
        before = version(fetch=fetch)
        records = _records(catalog, fetch)
        if version(fetch=fetch) == before:
            document = {
                "apiVersion": before.api_version,
                "dataTimestamp": before.data_timestamp,
                "taken": datetime.now(UTC).strftime(_MOMENT),
                "release": catalog.release,
                "studies": records,
            }
            # One value a line, so that two files can be compared by eye and by version control.
            return _made(json.dumps(document, ensure_ascii=False, indent=1).encode(), "the snapshot")
    raise RegistryError("the data of ClinicalTrials.gov changed while they were read, twice; try again in an hour")


def snapshots(folder: str | PathLike[str]) -> tuple[Snapshot, ...]:
    """Return the snapshots in a folder, oldest first.

    Raises
    ------
    herbtc.DataError
        If there is no such folder, or a file in it whose name is that of a snapshot is none, with every fault.

    Examples
    --------
    >>> import tempfile
    >>> from herbtc import registry
    >>> registry.snapshots(tempfile.mkdtemp())
    ()
    """
    if not Path(folder).is_dir():
        raise DataError(str(folder), [Problem("", "", "no such folder")])
    found: list[Snapshot] = []
    problems: list[Problem] = []
    for path in sorted(Path(folder).glob(f"{_NAMED}*.json")):
        try:
            found.append(_made(path.read_bytes(), path.name))
        except DataError as error:
            problems += [Problem(path.name, each.path, each.message) for each in error.problems]
        except OSError as error:
            problems.append(Problem(path.name, "", f"cannot be read: {error.strerror}"))
    if problems:
        raise DataError(str(folder), problems)
    return tuple(sorted(found, key=lambda each: each.taken))


def _made(data: bytes, where: str) -> Snapshot:
    file = made(parsed(data, where), _File, where)
    return Snapshot(
        version=Version(api_version=file.api_version, data_timestamp=file.data_timestamp),
        taken=datetime.strptime(file.taken, _MOMENT).replace(tzinfo=UTC),
        release=file.release,
        studies=file.studies,
        data=data,
    )


def _records(catalog: Catalog, fetch: "Fetch") -> list[Any]:
    # The records as they came, of the studies that are kept of what was found.
    answers: list[bytes] = []

    def recorded(url: str) -> bytes:
        answers.append(fetch(url))
        return answers[-1]

    numbers = numbers_of(catalog)
    known = search(ids=numbers, fields=PROTOCOL, fetch=recorded) if numbers else ()
    kept = {study.nct_id for study in known} | candidates(catalog, fetch=recorded).keys()
    records = {}
    for answer in answers:
        for record in json.loads(answer.decode("utf-8-sig"))["studies"]:
            number = record["protocolSection"]["identificationModule"]["nctId"]
            if number in kept:
                records[number] = record
    return [records[number] for number in sorted(records)]
