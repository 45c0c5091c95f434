"""What differs between two catalogs: each change is named, and nothing else is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import catalogs

import herbtc
from herbtc import Catalog, _changes
from herbtc.models import FIGURE_KINDS, Figures, Trial

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

COLUMNS = [
    "change",
    "section",
    "trial",
    "arm",
    "population",
    "endpoint",
    "source",
    "record",
    "before",
    "after",
    "reason",
]
HERIZON = "herizon-btc-01"
GENERATED = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def changed(trial: Trial | None, key: str = HERIZON) -> Catalog:
    """The shipped evidence with one study in place of another, or without it."""
    base = herbtc.load()
    others = [each for each in base.trials if each.key != key]
    made = sorted([*others, *([trial] if trial else [])], key=lambda each: each.key)
    return attrs.evolve(base, trials=tuple(made))


def with_figures(trial: Trial, kind: str, figures: list[Any]) -> Trial:
    return attrs.evolve(trial, figures=attrs.evolve(trial.figures, **{kind: tuple(figures)}))


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items() if value is not None} for row in rows]


# --- any catalog ------------------------------------------------------------------------------------------------------


@given(catalogs())
@GENERATED
def test_a_catalog_does_not_differ_from_itself(catalog: Catalog) -> None:
    assert catalog.diff(catalog).empty
    assert catalog.changelog(catalog) == "- No change."


@given(catalogs(), catalogs())
@GENERATED
def test_the_other_way_round_what_was_added_is_withdrawn(one: Catalog, other: Catalog) -> None:
    there, back = one.diff(other), other.diff(one)
    turned = there.assign(
        change=there["change"].astype("string").replace({"added": "withdrawn", "withdrawn": "added"}),
        before=there["after"],
        after=there["before"],
    )
    names = [name for name in COLUMNS if name != "reason"]
    order = sorted(map(str, turned[names].to_numpy().tolist()))
    assert order == sorted(map(str, back.assign(change=back["change"].astype("string"))[names].to_numpy().tolist()))


@given(catalogs(), catalogs())
@GENERATED
def test_catalogs_that_differ_in_a_figure_are_told_apart(one: Catalog, other: Catalog) -> None:
    def of(catalog: Catalog) -> set[Any]:
        return {
            (trial.key, kind, figure)
            for trial in catalog.trials
            for kind in FIGURE_KINDS
            for figure in getattr(trial.figures, kind)
        }

    frame = one.diff(other)
    counts = frame[frame["section"].isin(FIGURE_KINDS)]["change"].value_counts()
    # A figure that is in one alone is added, or one side of a change.
    assert counts["added"] + counts["changed"] == len(of(one) - of(other))
    assert counts["withdrawn"] + counts["changed"] == len(of(other) - of(one))


@given(catalogs())
@GENERATED
def test_beside_nothing_every_record_is_added(catalog: Catalog) -> None:
    frame = catalog.diff(Catalog(release="nothing"))
    assert set(frame["change"]) == {"added"}
    counts = frame["section"].value_counts()
    assert counts["trials"] == len(catalog.trials)
    assert counts["agents"] == len(catalog.agents)
    assert counts["arms"] == sum(len(trial.arms) for trial in catalog.trials)
    for kind in FIGURE_KINDS:
        assert counts[kind] == sum(len(getattr(trial.figures, kind)) for trial in catalog.trials)


@pytest.mark.parametrize("earlier", [herbtc.load, lambda: Catalog(release="nothing")])
def test_columns_and_dtypes_are_fixed(earlier: Any) -> None:
    frame = herbtc.load().diff(earlier())
    assert list(frame.columns) == COLUMNS
    assert {str(frame[name].dtype) for name in ("change", "section")} == {"category"}
    assert {str(frame[name].dtype) for name in COLUMNS[2:]} == {"string"}
    assert list(frame["change"].cat.categories) == ["added", "changed", "withdrawn"]


def test_every_kind_of_record_of_a_catalog_is_compared() -> None:
    inside = {name for name in attrs.fields_dict(Trial) if name in ("sources", "arms", "appraisals")}
    compared = {name for name in attrs.fields_dict(Catalog) if name not in ("release", "corrections")}
    assert set(_changes.SECTIONS) == compared | inside | set(attrs.fields_dict(Figures))


# --- one scripted change ----------------------------------------------------------------------------------------------


def test_a_changed_figure_is_named_with_both_values_and_why() -> None:
    trial = herbtc.load().trial(HERIZON)
    first, *rest = trial.figures.proportions
    newer = changed(with_figures(trial, "proportions", [attrs.evolve(first, events=34, note="Erratum of 2026"), *rest]))
    expected = {
        "change": "changed",
        "section": "proportions",
        "trial": HERIZON,
        "arm": "cohort-1",
        "population": "all",
        "endpoint": "orr",
        "source": "harding-2023",
        "record": "assessor independent, confirmed true",
        "before": "events 33",
        "after": "events 34",
        "reason": "Erratum of 2026",
    }
    assert plain(newer.diff(herbtc.load())) == [expected]
    line = "proportions changed: cohort-1, orr, harding-2023, assessor independent, confirmed true: "
    assert newer.changelog(herbtc.load()) == f"- `{HERIZON}`:\n  - {line}events 33 → events 34 (Erratum of 2026)."


def test_a_figure_that_is_declared_a_misprint_says_why() -> None:
    trial = herbtc.load().trial(HERIZON)
    first, *rest = trial.figures.proportions
    newer = changed(with_figures(trial, "proportions", [attrs.evolve(first, suspect="contradicted", low=None), *rest]))
    [row] = plain(newer.diff(herbtc.load()))
    assert row["before"] == "suspect not reported, low 30.4"
    assert row["after"] == "suspect contradicted, low not reported"
    assert row["reason"] == "contradicted"


def test_the_reason_of_a_correction_is_the_reason_of_its_change(tmp_path: Path) -> None:
    (tmp_path / "corrections.toml").write_text(
        f"""
[[corrections]]
trial = "{HERIZON}"
section = "proportions"
arm = "cohort-1"
source = "harding-2023"
field = "events"
printed = 33
corrected = 34
reason = "Letter of the authors"
by = "A. Curator"
on = 2026-01-10
""",
        "utf-8",
    )
    [row] = plain(herbtc.load().extend(tmp_path).diff(herbtc.load()))
    assert (row["before"], row["after"]) == ("events 33", "events 34")
    assert row["reason"] == "events 33 → 34: Letter of the authors (A. Curator, 2026-01-10)"


def test_figures_of_a_new_source_are_added_with_it() -> None:
    trial = herbtc.load().trial(HERIZON)
    new = attrs.evolve(trial.sources[0], key="new-2026")
    figure = attrs.evolve(trial.figures.proportions[0], source="new-2026")
    newer = changed(
        attrs.evolve(
            with_figures(trial, "proportions", [*trial.figures.proportions, figure]), sources=(*trial.sources, new)
        )
    )
    rows = plain(newer.diff(herbtc.load()))
    assert [(row["change"], row["section"], row.get("reason")) for row in rows] == [
        ("added", "sources", None),
        ("added", "proportions", "with its source, which is new"),
    ]
    assert newer.changelog(herbtc.load()).splitlines() == [
        f"- `{HERIZON}`:",
        "  - sources: 1 added, `new-2026`.",
        "  - proportions: 1 added from `new-2026`.",
    ]


def test_a_withdrawn_study_takes_its_figures_with_it() -> None:
    count = sum(len(getattr(herbtc.load().trial("herb").figures, kind)) for kind in FIGURE_KINDS)
    newer = changed(None, "herb")
    frame = newer.diff(herbtc.load())
    assert set(frame["change"]) == {"withdrawn"}
    assert set(frame["trial"]) == {"herb"}
    assert set(frame["reason"].dropna()) == {"with its study, which is withdrawn"}
    assert frame["section"].isin(FIGURE_KINDS).sum() == count
    assert newer.changelog(herbtc.load()) == f"- Studies withdrawn: `herb` ({count} figures)."
    assert herbtc.load().changelog(newer) == f"- Studies added: `herb` ({count} figures)."


def test_records_beside_the_studies_are_compared_too() -> None:
    base = herbtc.load()
    first, *rest = base.approvals
    rate, *rates = base.prevalence
    newer = attrs.evolve(
        base,
        approvals=(attrs.evolve(first, population="everyone"), *rest),
        agents=base.agents[1:],
        prevalence=(attrs.evolve(rate, percent=Decimal("12.5")), *rates),
    )
    rows = plain(newer.diff(base))
    assert [(row["change"], row["section"]) for row in rows] == [
        ("changed", "approvals"),
        ("changed", "prevalence"),
        ("withdrawn", "agents"),
    ]
    assert (rows[0]["record"], rows[0]["after"]) == (first.key, "population everyone")
    assert rows[1]["after"] == "percent 12.5"
    assert rows[2]["record"] == base.agents[0].key


def test_a_study_that_was_only_looked_at_again_has_not_changed() -> None:
    trial = herbtc.load().trial(HERIZON)
    assert changed(attrs.evolve(trial, reviewed=None)).diff(herbtc.load()).empty


def test_of_two_figures_about_the_same_the_one_that_changed_is_named() -> None:
    trial = herbtc.load().trial(HERIZON)
    first = trial.figures.proportions[0]
    both = [first, attrs.evolve(first, locator="Table 2"), *trial.figures.proportions[1:]]
    one = changed(with_figures(trial, "proportions", both))
    other = changed(with_figures(trial, "proportions", [attrs.evolve(both[0], percent=Decimal(41)), *both[1:]]))
    [row] = plain(other.diff(one))
    assert (row["change"], row["before"], row["after"]) == ("changed", "percent 41.3", "percent 41")
