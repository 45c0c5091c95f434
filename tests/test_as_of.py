"""What was public on a day: nothing known too early, nothing lost later, every reference still leads somewhere."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import catalogs
from toml_writer import write

import herbtc
from herbtc import Catalog, UnknownKeyError, models, query
from herbtc._public import day_of
from herbtc.models import FIGURE_KINDS, Arm, Figures, Population, Proportion, Source, Trial
from herbtc.terms import Design, Endpoint, SourceKind, Status, Stratum

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = st.dates(date(1999, 1, 1), date(2027, 1, 1))


def figures(catalog: Catalog) -> Iterator[tuple[str, models.Figure]]:
    for trial in catalog.trials:
        for kind in FIGURE_KINDS:
            for figure in getattr(trial.figures, kind):
                yield trial.key, figure


# --- HERIZON-BTC-01 ---------------------------------------------------------------------------------------------------


def events(day: str) -> list[str]:
    frame = query.proportions(
        endpoint="orr", trial="herizon-btc-01", arm="cohort-1", reports="all", catalog=herbtc.load(as_of=day)
    )
    return sorted(frame["source"])


def test_the_paper_of_herizon_is_known_from_its_day_on() -> None:
    # Harding et al., Lancet Oncol 2023, published on 2 June 2023; the press release is of 2022.
    assert events("2023-06-01") == ["jazz-2022"]
    assert events("2023-06-02") == ["harding-2023", "jazz-2022"]


def test_herizon_is_absent_before_its_first_report() -> None:
    first = min(source.public_by for source in herbtc.load().trial("herizon-btc-01").sources if source.public_by)
    with pytest.raises(UnknownKeyError):
        herbtc.load(as_of=first - timedelta(days=1)).trial("herizon-btc-01")
    assert herbtc.load(as_of=first).trial("herizon-btc-01").sources


def test_survival_of_the_later_cutoff_is_not_known_with_the_first_paper() -> None:
    then = herbtc.load(as_of="2023-06-30")
    assert query.durations(endpoint="os", trial="herizon-btc-01", reports="all", catalog=then).empty
    assert not query.durations(endpoint="os", trial="herizon-btc-01").empty


def test_the_approval_of_zanidatamab_is_known_from_its_day_on() -> None:
    decided = herbtc.load().approval("fda-zanidatamab-2024").decided
    before, after = (herbtc.load(as_of=decided - timedelta(days=each)) for each in (1, 0))
    assert "fda-zanidatamab-2024" not in [each.key for each in before.approvals]
    assert after.approval("fda-zanidatamab-2024").trial == "herizon-btc-01"


# --- any day ----------------------------------------------------------------------------------------------------------


@given(DAYS)
@settings(max_examples=60, deadline=None)
def test_nothing_is_known_too_early(day: date) -> None:
    then = herbtc.load(as_of=day)
    for trial in then.trials:
        assert trial.sources
        for source in trial.sources:
            # Whatever a curator compared a study with was public by then.
            known = [each for each in (source.public_by, trial.reviewed) if each is not None]
            assert min(known) <= day
    assert all(each.decided <= day for each in then.approvals)
    assert all(each.day <= day for each in then.guidelines)
    assert all(source.public_by and source.public_by <= day for source in then.prevalence_sources)


@given(DAYS, DAYS)
@settings(max_examples=60, deadline=None)
def test_whatever_is_known_on_a_day_is_known_on_every_later_one(one: date, other: date) -> None:
    early, late = (herbtc.load(as_of=day) for day in sorted((one, other)))
    assert set(figures(early)) <= set(figures(late)) <= set(figures(herbtc.load()))
    for trial in early.trials:
        later = late.trial(trial.key)
        assert set(trial.sources) <= set(later.sources)
        assert {arm.key for arm in trial.arms} <= {arm.key for arm in later.arms}
        for arm in trial.arms:
            assert arm.n in (None, later.arm(arm.key).n)
            assert {each.key for each in arm.populations} <= {each.key for each in later.arm(arm.key).populations}
        assert set(trial.appraisals) <= set(later.appraisals)
        assert set(trial.overlaps) <= set(later.overlaps)
    for kind in ("approvals", "guidelines", "definitions"):
        assert {each.key for each in getattr(early, kind)} <= {each.key for each in getattr(late, kind)}
    for kind in ("prevalence", "concordance", "prognosis", "agents", "mechanisms"):
        assert set(getattr(early, kind)) <= set(getattr(late, kind))


@given(DAYS, DAYS)
@settings(max_examples=40, deadline=None)
def test_to_ask_of_two_days_is_to_ask_of_the_earlier(one: date, other: date) -> None:
    assert herbtc.load(as_of=one).as_of(other) == herbtc.load(as_of=min(one, other))


@given(DAYS)
@settings(max_examples=15, deadline=None)
def test_what_was_known_on_a_day_is_a_sound_catalog(day: date) -> None:
    # Written as files and read again: every cross-check of a folder holds.
    then = herbtc.load(as_of=day)
    with tempfile.TemporaryDirectory() as folder:
        again = herbtc.read(write(then, Path(folder)))
    assert attrs.evolve(again, release=then.release) == then


@given(catalogs(), st.dates(date(1990, 1, 1), date(2050, 1, 1)))
@settings(max_examples=60, deadline=None)
def test_of_any_catalog_what_was_known_is_sound_and_asks_no_more(catalog: Catalog, day: date) -> None:
    then = catalog.as_of(day)
    assert then.as_of(day) == then
    assert set(figures(then)) <= set(figures(catalog))
    if then.agents and any(then.trials):
        with tempfile.TemporaryDirectory() as folder:
            again = herbtc.read(write(then, Path(folder)))
        assert attrs.evolve(again, release=then.release) == then


@pytest.mark.parametrize("day", ["2016-06-30", "2024-06-30", "2026-11-01"])
def test_every_query_answers_of_any_day(day: str) -> None:
    then = herbtc.load(as_of=day)
    for name in query.__all__:
        if name != "COLUMNS":
            frame: pd.DataFrame = getattr(query, name)(catalog=then)
            assert frame.attrs["herbtc"]["release"] == f"{herbtc.__version__} as of {day}"


# --- how a day is given -----------------------------------------------------------------------------------------------


def test_a_day_may_be_given_in_any_way_and_is_worked_out_once() -> None:
    day: Any
    same = herbtc.load(as_of="2024-06-30")
    for day in (date(2024, 6, 30), datetime(2024, 6, 30, 12, tzinfo=UTC), pd.Timestamp("2024-06-30")):
        assert herbtc.load(as_of=day) is same
    assert herbtc.load(as_of=None) is herbtc.load()


@pytest.mark.parametrize("day", ["June 2024", "2024-06-31", "", "2024"])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match=r"nvalid isoformat|out of range|must be in"):
        herbtc.load(as_of=day)


def test_the_release_says_the_day() -> None:
    then = herbtc.load(as_of="2024-06-30")
    assert then.release == f"{herbtc.__version__} as of 2024-06-30"
    assert then.as_of("2025-01-01").release == then.release
    assert then.as_of("2020-01-01").release == f"{herbtc.__version__} as of 2020-01-01"
    assert day_of("2024-06-30") == date(2024, 6, 30)


# --- which facts of a study are public --------------------------------------------------------------------------------


def source(key: str, **values: Any) -> Source:
    return Source(key=key, kind=SourceKind.JOURNAL, title=key, pmid="1", **values)


def orr(arm: str, read: str, n: int, population: str | None = None) -> Proportion:
    return Proportion(
        arm=arm, source=read, locator="Abstract", endpoint=Endpoint.ORR, events=1, n=n, population=population
    )


def arm(key: str, **values: Any) -> Arm:
    return Arm(key=key, label=key, agents=("drug",), her2_selected=True, btc_only=True, **values)


STUDY = Trial(
    key="study",
    name="Study",
    design=Design.BASKET,
    status=Status.COMPLETED,
    start="2019",
    primary_completion="2021-12",
    completion="2024-07-15",
    reviewed=date(2026, 1, 1),
    note="A remark of 2026",
    sources=(source("early", published=date(2021, 5, 1)), source("year", year=2022), source("undated")),
    arms=(
        arm("whole", n=30, parts=("part", "later"), populations=(Population(strata=(Stratum.IHC_3,), n=10),)),
        arm("part", n=20),
        arm("later", n=10),
        arm("planned", n=None),
        arm("never"),
    ),
    figures=Figures(
        proportions=(
            orr("whole", "early", 20),
            orr("whole", "year", 30),
            orr("whole", "year", 10, "ihc-3+"),
            orr("part", "early", 20),
            orr("later", "year", 10),
            orr("never", "undated", 5),
        )
    ),
)
CATALOG = Catalog(release="x", trials=(STUDY,))


def test_a_year_counts_from_its_last_day() -> None:
    sources = [[each.key for each in CATALOG.as_of(day).trials[0].sources] for day in ("2022-12-30", "2022-12-31")]
    assert sources == [["early"], ["early", "year"]]


def test_a_report_without_a_day_or_year_is_known_from_when_a_curator_had_seen_it() -> None:
    before, since = (CATALOG.as_of(day).trials[0] for day in ("2025-12-31", "2026-01-01"))
    assert [each.key for each in before.sources] == ["early", "year"]
    assert "never" not in [each.key for each in before.arms]
    assert since == STUDY
    unseen = Catalog(release="x", trials=(attrs.evolve(STUDY, reviewed=None),))
    assert [each.key for each in unseen.as_of(date.max).trials[0].sources] == ["early", "year"]


def test_an_arm_is_known_from_its_first_report_or_else_with_its_study() -> None:
    assert [each.key for each in CATALOG.as_of("2021-05-01").trials[0].arms] == ["whole", "part", "planned"]
    assert CATALOG.as_of("2021-05-01").trials[0].arm("whole").parts == ("part",)
    assert CATALOG.as_of("2023-01-01").trials[0].arm("whole").parts == ("part", "later")


def test_the_patients_of_an_arm_are_those_that_a_public_report_counts() -> None:
    first, second = (CATALOG.as_of(day).trials[0].arm("whole") for day in ("2021-05-01", "2023-01-01"))
    assert (first.n, first.populations) == (None, ())
    assert (second.n, [each.n for each in second.populations]) == (30, [10])


@pytest.mark.parametrize(
    ("printed", "last"),
    [("2019", "2019-12-31"), ("2020-02", "2020-02-29"), ("2021-12", "2021-12-31"), ("2021-04-05", "2021-04-05")],
)
def test_a_month_or_year_has_passed_on_its_last_day(printed: str, last: str) -> None:
    study = Catalog(release="x", trials=(attrs.evolve(STUDY, start=printed, sources=(source("early", year=1999),)),))
    day = date.fromisoformat(last)
    assert study.as_of(day).trials[0].start == printed
    assert study.as_of(day - timedelta(days=1)).trials[0].start is None


def test_dates_and_status_that_lay_ahead_are_not_known() -> None:
    known = {
        day: [getattr(CATALOG.as_of(day).trials[0], name) for name in ("start", "primary_completion", "completion")]
        for day in ("2021-12-30", "2021-12-31", "2024-07-14", "2024-07-15")
    }
    assert known == {
        "2021-12-30": ["2019", None, None],
        "2021-12-31": ["2019", "2021-12", None],
        "2024-07-14": ["2019", "2021-12", None],
        "2024-07-15": ["2019", "2021-12", "2024-07-15"],
    }
    ahead, since = (CATALOG.as_of(day).trials[0] for day in ("2025-12-31", "2026-01-01"))
    assert (ahead.status, ahead.note) == (None, None)
    assert (since.status, since.note) == (Status.COMPLETED, "A remark of 2026")
