"""HER2-directed therapy next to standard care of the same line: side by side, and never compared.

Nearly all studies of HER2-directed therapy in biliary tract cancer have no control arm, so readers set their figures
beside those of standard care. Here both stand in one frame, with what differs between them and what a valid comparison
would need. Nothing is computed from the two groups: no difference, no ratio, no p-value, no shared estimate.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd
from attrs import field, frozen

from herbtc import query
from herbtc._version import __version__
from herbtc.catalog import load
from herbtc.errors import look_up
from herbtc.terms import Design, Endpoint, Line, MechanismClass, Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from herbtc.catalog import Catalog
    from herbtc.models import Arm, Trial

LineWord: TypeAlias = Literal["first", "second-or-later"]
EndpointWord: TypeAlias = Literal["orr", "pfs", "os"]

HER2_DIRECTED, BENCHMARK = "HER2-directed", "benchmark"

STANDARD_CARE = frozenset(
    {
        MechanismClass.CHEMOTHERAPY,
        MechanismClass.CHECKPOINT_INHIBITOR,
        MechanismClass.PLACEBO,
        MechanismClass.SUPPORTIVE_CARE,
    }
)
"""Classes of agents that an arm of standard care may consist of."""

_LINES: dict[str, tuple[Line, ...]] = {
    "first": (Line.FIRST,),
    "second-or-later": (Line.SECOND, Line.SECOND_OR_LATER, Line.THIRD_OR_LATER),
}
_ENDPOINTS = {
    "orr": (Endpoint.ORR, "objective response rate"),
    "pfs": (Endpoint.PFS, "median progression-free survival"),
    "os": (Endpoint.OS, "median overall survival"),
}
_VALUES = {"orr": ["events", "n", "percent"], "pfs": ["median_months"], "os": ["median_months"]}
_ALWAYS_NEEDED = (
    "Randomisation between the two, in patients whose HER2 status is known before; or, short of it:",
    (
        "individual data of patients under standard care with the same HER2 status: what HER2 does to the course of "
        "the disease itself is not known from unselected patients"
    ),
    (
        "a protocol written before the figures are seen, with the trial that the comparison imitates: who is eligible, "
        "when the clock starts, which estimand, how prognostic factors are adjusted for, and what is done about those "
        "that were not recorded"
    ),
)


# --- result -----------------------------------------------------------------------------------------------------------


@frozen(kw_only=True, eq=False, repr=False)
class Beside:
    """Figures of HER2-directed therapy and of standard care, side by side.

    Attributes
    ----------
    line : str
        ``"first"`` or ``"second-or-later"``.
    endpoint : str
        ``"orr"``, ``"pfs"`` or ``"os"``.
    needed : tuple of str
        What a valid comparison would need.
    notes : tuple of str
        What was left out, and why.
    release : str
        Data release.
    """

    line: str
    endpoint: str
    needed: tuple[str, ...]
    notes: tuple[str, ...]
    release: str
    _figures: pd.DataFrame = field(alias="figures")
    _arms: pd.DataFrame = field(alias="arms")
    _differences: pd.DataFrame = field(alias="differences")

    @property
    def figures(self) -> pd.DataFrame:
        """The figures as printed, with their sources: a column `group`, then those of `herbtc.query`."""
        return self._figures.copy()

    @property
    def arms(self) -> pd.DataFrame:
        """What is known of each arm: `group trial arm`, then one column per characteristic, in words."""
        return self._arms.copy()

    @property
    def differences(self) -> pd.DataFrame:
        """What differs, one row per characteristic, in words with numbers of arms: `characteristic`, the two groups."""
        return self._differences.copy()

    def describe(self) -> str:
        """Return both groups, what differs and what a comparison would need, in words."""
        parts = [f"{_ENDPOINTS[self.endpoint][1].capitalize()}, line: {self.line}."]
        for group in (HER2_DIRECTED, BENCHMARK):
            rows = self._figures[self._figures["group"] == group]
            named = "; ".join(_shown(row, self.endpoint) for row in rows.to_dict("records"))
            parts.append(f"{group}: {named or 'no figure'}.")
        parts.append("Nothing was computed from the two groups: they are different patients.")
        parts += [
            f"{row['characteristic']}: {row[HER2_DIRECTED]} (HER2-directed) beside {row[BENCHMARK]} (benchmark)."
            for row in self._differences.to_dict("records")
        ]
        parts.append("A valid comparison would need:")
        parts += [f"- {need}" for need in self.needed]
        parts += [f"Note: {note}." for note in self.notes]
        parts.append(f"Compiled with herbtc {__version__}, data release {self.release}.")
        return "\n".join(parts)

    def __repr__(self) -> str:
        counts = self._figures["group"].value_counts()
        return (
            f"<Beside {self.endpoint}, line {self.line}: {counts.get(HER2_DIRECTED, 0)} figures of HER2-directed "
            f"therapy, {counts.get(BENCHMARK, 0)} of standard care>"
        )

    def _repr_html_(self) -> str:
        shown = ["group", "trial", "arm", "agents", "line", "her2", *_VALUES[self.endpoint], "source", "year"]
        return "".join(
            (
                f"<p>{escape(_ENDPOINTS[self.endpoint][1].capitalize())}, line: {escape(self.line)}</p>",
                self._figures[shown].to_html(index=False, na_rep=""),
                "<p>What differs</p>",
                self._differences.to_html(index=False),
                "<p>A valid comparison would need</p><ul>",
                *(f"<li>{escape(need)}</li>" for need in self.needed),
                "</ul>",
                *(f"<p>Note: {escape(note)}</p>" for note in self.notes),
            )
        )


def _shown(row: dict[Any, Any], endpoint: str) -> str:
    if endpoint != "orr":
        if pd.notna(row["median_months"]):
            return f"{row['trial']}/{row['arm']} {row['median_months']:.3g} months"
        return f"{row['trial']}/{row['arm']} {'not reached' if row['not_reached'] is True else 'not estimable'}"
    counts = "" if pd.isna(row["events"]) or pd.isna(row["n"]) else f" ({row['events']} of {row['n']})"
    percent = "" if pd.isna(row["percent"]) else f" {row['percent']:g} %"
    return f"{row['trial']}/{row['arm']}{percent}{counts}"


# --- who is who -------------------------------------------------------------------------------------------------------


def beside(*, line: LineWord, endpoint: EndpointWord, catalog: Catalog | None = None) -> Beside:
    """Set figures of HER2-directed therapy beside those of standard care of the same line.

    Standard care is an arm of chemotherapy, checkpoint inhibitors, placebo or supportive care alone, in a study none of
    whose arms got targeted agents other than HER2-directed ones: the control arm of a trial in another molecular
    subgroup says nothing of the patients here. Arms that mix biliary with other cancers are on neither side.

    Parameters
    ----------
    line : str
        ``"first"``, or ``"second-or-later"`` for all later lines. Arms that mix the first line with later ones are
        left out and named in the notes.
    endpoint : str
        ``"orr"``, ``"pfs"`` or ``"os"``.
    catalog : Catalog, optional
        The evidence; the shipped one by default.

    Returns
    -------
    Beside

    Raises
    ------
    herbtc.UnknownKeyError
        For another line or endpoint.

    Examples
    --------
    >>> from herbtc import benchmarks
    >>> result = benchmarks.beside(line="first", endpoint="os")
    >>> some = result.figures[result.figures["trial"].isin(["tab", "abc-02"])]
    >>> print(some[["group", "trial", "arm", "median_months"]].to_string(index=False))
            group  trial                   arm  median_months
    HER2-directed    tab    trastuzumab-gemcis           9.96
        benchmark abc-02 gemcitabine-cisplatin          11.70
        benchmark abc-02           gemcitabine           8.10
    >>> result.needed[0]
    'Randomisation between the two, in patients whose HER2 status is known before; or, short of it:'
    """
    lines = look_up("line", line, _LINES)
    word, _ = look_up("endpoint", endpoint, _ENDPOINTS)
    catalog = load() if catalog is None else catalog
    ask: Callable[..., pd.DataFrame] = query.durations if word.is_time else query.proportions
    directed = ask(endpoint=word, line=lines, her2_directed=True, btc_only=True, catalog=catalog)
    others = ask(endpoint=word, line=lines, her2_directed=False, btc_only=True, catalog=catalog)
    standard = {
        (trial.key, arm.key) for trial in catalog.trials for arm in trial.arms if _standard(trial, arm, catalog)
    }
    places = pd.MultiIndex.from_frame(others[["trial", "arm"]]).isin(standard)
    kept = others[places]
    figures = pd.concat([directed, kept], ignore_index=True)
    groups = pd.Series([HER2_DIRECTED] * len(directed) + [BENCHMARK] * len(kept), dtype="string")
    figures.insert(0, "group", groups.astype(pd.CategoricalDtype([HER2_DIRECTED, BENCHMARK])))
    figures.attrs = dict(directed.attrs)
    arms = _facts(figures, catalog)
    differences = _differences(arms, endpoint)
    return Beside(
        line=line,
        endpoint=endpoint,
        needed=(*_ALWAYS_NEEDED, *_needed(differences)),
        notes=_notes(catalog, word, others[~places], ask),
        release=catalog.release,
        figures=figures,
        arms=arms,
        differences=differences,
    )


def _classes(arm: Arm, catalog: Catalog) -> set[MechanismClass]:
    return {catalog.agent(key).mechanism for key in arm.agents}


def _standard(trial: Trial, arm: Arm, catalog: Catalog) -> bool:
    if trial.design is Design.META_ANALYSIS or not _classes(arm, catalog) <= STANDARD_CARE:
        return False
    given = set[MechanismClass]().union(*(_classes(other, catalog) for other in trial.arms))
    return all(each in STANDARD_CARE or each.her2_directed for each in given)


def _notes(
    catalog: Catalog, endpoint: Endpoint, left_out: pd.DataFrame, ask: Callable[..., pd.DataFrame]
) -> tuple[str, ...]:
    notes = []
    mixed = ask(endpoint=endpoint, line=Line.FIRST_OR_LATER, catalog=catalog)
    for what, rows in {
        "the first line is mixed with later ones": mixed,
        "neither HER2-directed therapy nor standard care": left_out,
    }.items():
        if len(rows):
            named = ", ".join(f"{trial}/{arm}" for trial, arm in rows[["trial", "arm"]].itertuples(index=False))
            notes.append(f"left out, as {what}: {named}")
    return tuple(notes)


# --- what differs -----------------------------------------------------------------------------------------------------

_UNKNOWN = "not reported"

_CHARACTERISTICS = {
    "line of therapy": "the same line, counted in the same way",
    "HER2 selection": "patients selected by HER2 in the same way, in both groups",
    "first report": "the same years, as later lines, imaging and supportive care have changed",
    "checkpoint inhibitor in the regimen": "the same place of checkpoint inhibitors, in this line and before it",
    "chemotherapy in the regimen": "the same chemotherapy beside the agent in question, or none in both",
    "reader": "scans read by the same kind of reader at the same intervals",
    "confirmed response": "responses confirmed, or not, in both",
    "sites": "the same mix of primary sites, as gallbladder and bile ducts differ in course and in HER2",
    "biliary cancer only": "biliary tract cancer only",
    "design": "the same selection into a study: who enters a single-arm trial is not who is randomised",
    "countries": "patients from the same regions, or adjustment for them",
}
"""Each characteristic, with what a comparison would need if it differs."""


_NOT_OF = {"orr": (), "pfs": ("confirmed response",), "os": ("confirmed response", "reader")}


def _facts(figures: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    rows = []
    for figure in figures.to_dict("records"):
        trial = catalog.trial(figure["trial"])
        arm = trial.arm(figure["arm"])
        classes = _classes(arm, catalog)
        years = [source.year for source in trial.sources if source.year is not None]
        confirmed = figure.get("confirmed")
        facts = {
            "line of therapy": _word(figure["line"]),
            "HER2 selection": _word(figure["her2"]),
            "first report": str(min(years)) if years else _UNKNOWN,
            "checkpoint inhibitor in the regimen": _yes(MechanismClass.CHECKPOINT_INHIBITOR in classes),
            "chemotherapy in the regimen": _yes(MechanismClass.CHEMOTHERAPY in classes),
            "reader": _word(figure["assessor"]),
            "confirmed response": _UNKNOWN if confirmed is None or pd.isna(confirmed) else _yes(bool(confirmed)),
            "sites": " + ".join(site for site in Site if site in arm.sites) or _UNKNOWN,
            "biliary cancer only": _yes(arm.btc_only),
            "design": str(trial.design),
            "countries": " + ".join(sorted(trial.countries)) or _UNKNOWN,
        }
        rows.append({"group": figure["group"], "trial": figure["trial"], "arm": figure["arm"], **facts})
    return pd.DataFrame(rows, columns=["group", "trial", "arm", *_CHARACTERISTICS]).astype(
        dict.fromkeys(("group", "trial", "arm", *_CHARACTERISTICS), "string")
    )


def _word(value: object) -> str:
    return _UNKNOWN if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _yes(value: bool) -> str:  # noqa: FBT001
    return "yes" if value else "no"


def _differences(arms: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    rows = []
    for name in _CHARACTERISTICS:
        if name in _NOT_OF[endpoint]:
            continue
        words = {group: arms.loc[arms["group"] == group, name] for group in (HER2_DIRECTED, BENCHMARK)}
        known = [set(found) - {_UNKNOWN} for found in words.values()]
        # Where nothing is reported of an arm, nothing says that it is alike.
        alike = (
            known[0] == known[1]
            and len(known[0]) == 1
            and not any((found == _UNKNOWN).any() for found in words.values())
        )
        if not alike:
            rows.append({"characteristic": name, **{group: _counted(found) for group, found in words.items()}})
    return pd.DataFrame(rows, columns=["characteristic", HER2_DIRECTED, BENCHMARK]).astype("string")


def _counted(words: pd.Series[str]) -> str:
    counts = words.value_counts(sort=False).sort_index()
    return "; ".join(f"{word} ({count} arm{'s' if count > 1 else ''})" for word, count in counts.items()) or "no arm"


def _needed(differences: pd.DataFrame) -> tuple[str, ...]:
    return tuple(_CHARACTERISTICS[name] for name in differences["characteristic"])
