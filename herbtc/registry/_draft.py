"""The first draft of a study file: what the registry says, and what a curator has to find out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from herbtc.catalog import load
from herbtc.models._record import KEY, PARTIAL_DATE
from herbtc.registry._compare import numbers_of, status_word
from herbtc.registry._ctgov import fetch as fetch_study
from herbtc.registry._draft_results import results
from herbtc.registry._saving import save
from herbtc.registry._toml_text import one_line, quoted, words
from herbtc.terms import Design, Line, Phase, Site, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    from herbtc.catalog import Catalog
    from herbtc.registry._study import Arm, Study
    from herbtc.registry._transport import Fetch

_PHASES = {
    ("PHASE1",): Phase.ONE,
    ("PHASE1", "PHASE2"): Phase.ONE_TWO,
    ("PHASE2",): Phase.TWO,
    ("PHASE2", "PHASE3"): Phase.TWO_THREE,
    ("PHASE3",): Phase.THREE,
    ("PHASE4",): Phase.FOUR,
}
_REGISTERS = {"EUDRACT_NUMBER": "EudraCT ", "CTIS": "CTIS ", "REGISTRY": ""}
_LONGEST_KEY = 48
_MOST_PATIENTS = 10**7


def draft(
    study: str | Study,
    *,
    folder: str | PathLike[str] | None = None,
    key: str | None = None,
    catalog: Catalog | None = None,
    fetch: Fetch | None = None,
) -> str:
    """Return a study file with everything that its record in ClinicalTrials.gov can fill.

    Nothing is made up: what the record does not say stands in a comment that begins with TODO, and so does what it says
    in words that need judgement. ``# TODO key = ?`` is handled by putting the value for the question mark and taking
    ``# TODO`` away; forgetting the first is no TOML. The draft itself is TOML, and once these are handled, a study that
    `herbtc.read` takes. Posted results stand as comments, one line a measurement, as only a reader can tell which of
    them is which endpoint.

    Parameters
    ----------
    study : str or Study
        The number of a study, which is then fetched, or its record.
    folder : path, optional
        A folder of evidence, to write ``trials/<key>.toml`` in; the file is there whole or not at all.
    key : str, optional
        Key of the study; from its acronym by default, else its number.
    catalog : Catalog, optional
        Whose agents to look for in the interventions; the shipped evidence by default.
    fetch : callable, optional
        As for `registry.fetch`.

    Returns
    -------
    str
        The file's text.

    Raises
    ------
    FileExistsError
        If the folder has a file of that key; a file that a curator wrote is never touched.
    herbtc.RegistryError
        If the study cannot be fetched.
    ValueError
        If `key` is none.
    ImportError
        If Babel, which knows the codes of countries, is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from herbtc import registry
    >>> record = registry.study(Path("tests/samples/ctgov/NCT06008288.json").read_bytes())
    >>> print(registry.draft(record)[:350])
    # Draft from the record of NCT06008288 in ClinicalTrials.gov, data of 2025-11-14.
    key = "nct06008288"
    ...
    """
    if isinstance(study, str):
        study = fetch_study(study, fetch=fetch)
    catalog = load() if catalog is None else catalog
    if key is not None and (not KEY.fullmatch(key) or "/" in key):
        raise ValueError(f"expected a key in lower case with hyphens, got {key!r}")
    key = key or _slug(study.acronym or "") or study.nct_id.lower()
    arms = _keyed(study.arms)
    blocks = [
        [*_head(study, catalog), *_study(study, key)],
        _source(study),
        *(_arm(study, arm, name, catalog) for name, arm in arms.items()),
        results(study, {arm.label: name for name, arm in arms.items()}),
    ]
    text = "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
    if folder is not None:
        save(Path(folder) / "trials" / f"{key}.toml", text.encode())
    return text


def todo(line: str) -> str:
    """Return a line that a curator has to handle."""
    return f"# TODO {one_line(line)}"


def _first(*texts: str | None) -> str:
    # The first that says anything.
    return next(text for text in texts if text and one_line(text))


def _slug(text: str) -> str:
    ascii_text = normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    parts = re.findall(r"[a-z0-9]+", ascii_text)
    while len("-".join(parts)) > _LONGEST_KEY:
        parts.pop()
    return "-".join(parts)


def _keyed(arms: Iterable[Arm]) -> dict[str, Arm]:
    found: dict[str, Arm] = {}
    for place, arm in enumerate(arms, 1):
        name = _slug(arm.label) or f"arm-{place}"
        found[name if name not in found else f"{name}-{place}"] = arm
    return found


def _head(study: Study, catalog: Catalog) -> Iterator[str]:
    day = f", data of {study.version}" if study.version else ""
    yield f"# Draft from the record of {study.nct_id} in ClinicalTrials.gov{day}."
    if keys := numbers_of(catalog).get(study.nct_id):
        yield todo(f"the catalog has this number already: {', '.join(keys)}")


def _study(study: Study, key: str) -> Iterator[str]:
    yield f'key = "{key}"'
    yield f"name = {quoted(_first(study.acronym, study.brief_title, study.nct_id))}"
    yield from _numbers(study)
    yield from _kind(study)
    yield from _size_and_dates(study)
    yield from _countries(study)
    if study.lead_sponsor and one_line(study.lead_sponsor.name):
        yield f"sponsor = {quoted(study.lead_sponsor.name)}"
    if study.collaborators:
        yield todo(f"sponsor: with {'; '.join(each.name for each in study.collaborators)}?")
    yield todo("overlaps = ?  # keys of studies that share, or may share, patients")
    yield todo("reviewed = ?  # day on which this file was compared with its sources")


def _numbers(study: Study) -> Iterator[str]:
    named = [(_REGISTERS.get(each.type or ""), each.id) for each in study.secondary_ids if each.id]
    ids = [study.nct_id, *(f"{register}{number}" for register, number in named if register is not None)]
    yield "registry_ids = [" + ", ".join(f'"{_plain(each)}"' for each in dict.fromkeys(ids)) + "]"
    if others := [number for register, number in named if register is None]:
        yield todo(f"registry_ids: is one of these a number in a register? {'; '.join(others)}")


def _plain(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _kind(study: Study) -> Iterator[str]:
    phase = _PHASES.get(study.phases)
    if phase:
        yield f'phase = "{phase}"'
    elif study.phases not in {(), ("NA",)}:
        yield todo(f"phase = ?  # one of {' '.join(Phase)}; the record says {' '.join(study.phases)}")
    facts = " ".join(each for each in (study.study_type, study.allocation, study.intervention_model) if each)
    if study.allocation == "RANDOMIZED":
        yield f'design = "{Design.RANDOMISED}"'
    else:
        yield todo(f"design = ?  # one of {' '.join(Design)}; the record says {facts or 'nothing'}")
    status = status_word(study.overall_status)
    if status in list(Status):
        yield f'status = "{status}"'
        if study.last_known_status:
            yield todo(f"status: what became of it? It was last known as {status_word(study.last_known_status)}")
    elif status:
        yield todo(f"status = ?  # one of {' '.join(Status)}; the record says {study.overall_status}")
    if study.why_stopped:
        yield todo(f"note: why it stopped: {study.why_stopped}")


def _size_and_dates(study: Study) -> Iterator[str]:
    if study.enrollment is not None and study.enrollment_type == "ESTIMATED" and study.enrollment <= _MOST_PATIENTS:
        yield f"planned_n = {study.enrollment}"
    elif study.enrollment is not None:
        kind = (study.enrollment_type or "number").lower()
        yield todo(f"planned_n = ?  # what was planned; the {kind} enrolment is {study.enrollment}")
    for name in ("start", "primary_completion", "completion"):
        day = getattr(study, f"{name}_date")
        if day and PARTIAL_DATE.fullmatch(day):
            expected = "  # expected" if getattr(study, f"{name}_date_type") == "ESTIMATED" else ""
            yield f'{name} = "{day}"{expected}'
        elif day:
            yield todo(f"{name} = ?  # the record says {day}")


def _countries(study: Study) -> Iterator[str]:
    codes = _codes()
    known = [codes[name.casefold()] for name in study.countries if name.casefold() in codes]
    if known:
        yield f"countries = {words(known)}"
    if unknown := [name for name in study.countries if name.casefold() not in codes]:
        yield todo(f"countries: and the ISO 3166 codes of {'; '.join(unknown)}")


def _codes() -> dict[str, str]:
    # English names, as the registry prints most of them.
    try:
        from babel import Locale  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise ImportError("registry.draft needs Babel: pip install 'herbtc[registry]'") from error
    return {name.casefold(): code for code, name in Locale("en").territories.items() if re.fullmatch("[A-Z]{2}", code)}


def _source(study: Study) -> list[str]:
    url = f"https://clinicaltrials.gov/study/{study.nct_id}"
    updated = study.last_update_posted or ""
    lines = [
        "[[sources]]",
        f'key = "{study.nct_id.lower()}"',
        'kind = "registry"',
        f"title = {quoted(_first(study.official_title, study.brief_title, study.nct_id))}",
    ]
    note = []
    if PARTIAL_DATE.fullmatch(updated):
        lines.append(f"year = {updated[:4]}")
        if len(updated) == len("2024-05-17"):
            lines.append(f"published = {updated}")
            note.append("Day is that of the last update.")
    if study.version:
        note.append(f"Record in the data of {study.version}.")
    lines += [f"venue = 'ClinicalTrials.gov, {study.nct_id}'", f"url = '{url}'", f"seen = ['{url}']"]
    return [*lines, f"note = {quoted(' '.join(note))}"] if note else lines


def _arm(study: Study, arm: Arm, key: str, catalog: Catalog) -> list[str]:
    agents, unknown = _agents(study, arm, catalog)
    started = _started(study, arm)
    lines = ["[[arms]]", f'key = "{key}"', f"label = {quoted(_first(arm.label, key))}"]
    lines.append(todo("n = ?  # patients" + (f"; the participant flow begins with {started}" if started else "")))
    if agents:
        lines.append(f"agents = {words(agents)}")
        if unknown:
            lines.append(todo(f"agents: also {'; '.join(unknown)}?"))
    else:
        lines.append(todo(f"agents = ?  # keys into agents.toml of {'; '.join(unknown) or 'what was given'}"))
    lines += [
        todo(f"line = ?  # one of {' '.join(Line)}"),
        todo(f"sites = ?  # any of {' '.join(Site)}"),
        todo("definition = ?  # key into definitions.toml, where patients were selected by HER2"),
        todo("her2_selected = ?  # true or false"),
        todo("btc_only = ?  # true or false"),
    ]
    if arm.description:
        lines.append(todo(f"dose: {arm.description}"))
    return lines


def _agents(study: Study, arm: Arm, catalog: Catalog) -> tuple[list[str], list[str]]:
    # Keys of the agents that are given, and the interventions in which no agent of the catalog was recognised.
    known = {
        _bare(name): agent.key
        for agent in catalog.agents
        for name in (agent.key, agent.name, *agent.synonyms, *agent.codes)
    }
    others = {each.name: each.other_names for each in study.interventions}
    found: dict[str, None] = {}
    unknown: list[str] = []
    for listed in arm.intervention_names:
        name = listed.partition(": ")[2] or listed  # the registry puts its kind before it: "Drug: "
        names = (name, *others.get(name, ()))
        key = next((known[_bare(each)] for each in names if _bare(each) in known), None)
        if key is None:
            unknown.append(name)
        else:
            found[key] = None
    return list(found), unknown


def _bare(name: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", name.lower()))


def _started(study: Study, arm: Arm) -> str | None:
    # Only a title links an arm to a group of the results.
    if study.participant_flow is None or not study.participant_flow.periods:
        return None
    ids = [each.id for each in study.participant_flow.groups if (each.title or "").casefold() == arm.label.casefold()]
    for milestone in study.participant_flow.periods[0].milestones:
        if milestone.type == "STARTED":
            return next((each.text for each in milestone.counts if each.group_id in ids), None)
    return None
