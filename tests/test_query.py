"""Frames: their columns and dtypes, which rows are in them, and what a wrong question is answered with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import herbtc
from herbtc import Catalog, HerbtcWarning, UnknownKeyError, measures, query, synthesis
from herbtc.her2 import Clause, Definition
from herbtc.models import (
    AdverseEvent,
    Agent,
    Arm,
    Baseline,
    Contrast,
    Duration,
    Figures,
    Landmark,
    Population,
    Proportion,
    Source,
    Trial,
)
from herbtc.terms import (
    Assessor,
    Attribution,
    Design,
    Endpoint,
    Grade,
    Her2,
    IhcScore,
    Line,
    MechanismClass,
    Origin,
    Ratio,
    Reach,
    Role,
    Sides,
    Site,
    SourceKind,
    Stratum,
    Unit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = ["trial", "arm", "population", "agents", "mechanism", "line", "her2", "endpoint"]
LAST = [
    "source",
    "source_kind",
    "year",
    "data_cutoff",
    "followup_months",
    "registry_id",
    "pmid",
    "doi",
    "locator",
    "suspect",
    "corrected",
]
MIDDLE = {
    "proportions": "events n percent low high level sides assessor confirmed definition events_derived",
    "durations": "median_months low_months high_months level sides interval not_reached high_status assessor n origin",
    "landmarks": "at_months percent low high level assessor n origin",
    "contrasts": (
        "kind estimate low high level sides reference_arm reference_population role analysis assessor p p_is_bound "
        "p_sides n"
    ),
    "baseline": "item events n percent median low high interval",
    "adverse_events": "term grade attribution related_to serious consequence events n percent",
}
DTYPES = {
    "string": (
        "trial arm population agents mechanism source registry_id pmid doi locator suspect corrected definition "
        "reference_arm reference_population item term related_to"
    ),
    "category": (
        "line her2 endpoint source_kind sides assessor interval high_status origin kind role analysis grade "
        "attribution consequence"
    ),
    "Int64": "year events n p_sides",
    "float64": (
        "followup_months percent low high level median_months low_months high_months at_months estimate p median"
    ),
    "boolean": "confirmed events_derived not_reached p_is_bound serious",
    "datetime64[s]": "data_cutoff",
}
DTYPE = {name: dtype for dtype, names in DTYPES.items() for name in names.split()}
NOTHING = Catalog(release="empty")
KINDS = list(MIDDLE)


def ask(kind: str, **filters: Any) -> pd.DataFrame:
    frame: pd.DataFrame = getattr(query, kind)(**filters)
    return frame


# --- columns and dtypes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_what_they_were(kind: str) -> None:
    assert list(ask(kind).columns) == [*FIRST, *MIDDLE[kind].split(), *LAST]


@pytest.mark.parametrize("kind", KINDS)
def test_dtypes_are_what_they_were(kind: str) -> None:
    frame = ask(kind)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {name: DTYPE[name] for name in frame.columns}


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_frame_has_the_same_columns_dtypes_and_categories(kind: str) -> None:
    full, empty = ask(kind), ask(kind, catalog=NOTHING)
    assert empty.empty
    assert not full.empty
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)


@pytest.mark.parametrize("kind", ["mechanisms", "agents", "trials", "arms", "sources", "definitions"])
def test_frames_of_records_have_the_columns_they_declare_also_when_empty(kind: str) -> None:
    full, empty = ask(kind), ask(kind, catalog=NOTHING)
    assert list(full.columns) == [column.name for column in query.COLUMNS[kind]]
    assert [str(dtype) for dtype in full.dtypes] == [column.dtype for column in query.COLUMNS[kind]]
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    assert empty.empty
    assert not full.empty


SHARED = ("definition", "agent", "approval", "guideline", "prevalence", "variant")


def test_each_report_that_other_records_were_read_in_has_one_row() -> None:
    read_in = [each for name in SHARED for each in getattr(herbtc.load(), f"{name}_sources")]
    frame = query.sources()
    rows = frame[frame["trial"].isna()]
    assert set(zip(rows["source"], rows["link"].fillna("").str.lower(), strict=True)) == {
        (each.key, each.link.casefold()) for each in read_in
    }
    for column in ("source", "pmid", "doi"):
        assert not rows[column].dropna().duplicated().any(), f"give one report one key, and each key to one: {column}"


def test_two_reports_of_one_key_are_two_rows_and_one_report_of_two_files_is_one() -> None:
    def read(**values: Any) -> Source:
        return Source(**{"key": "kim-2024", "kind": SourceKind.JOURNAL, "title": "T", "pmid": None, **values})

    one, same = read(doi="10.1000/A"), read(doi="10.1000/a", pmid="7", note="another word on it")
    other, unpublished = read(pmid="8"), read(kind=SourceKind.UNPUBLISHED)
    rows = query.sources(
        catalog=Catalog(
            release="test",
            agent_sources=(one, unpublished),
            definition_sources=(other,),
            variant_sources=(same, unpublished, read(title="U", kind=SourceKind.UNPUBLISHED)),
        )
    )
    assert sorted(zip(rows["title"], rows["pmid"].fillna(""), rows["doi"].fillna(""), strict=True)) == [
        ("T", "", ""),
        ("T", "", "10.1000/A"),
        ("T", "8", ""),
        ("U", "", ""),
    ]


def test_lines_of_therapy_are_ordered() -> None:
    line = query.proportions()["line"]
    assert line.cat.ordered
    assert list(line.cat.categories) == list(map(str, Line))


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_of_a_frame_is_sorted_the_same_way_each_time_and_new(kind: str) -> None:
    one, other = ask(kind, reports="all"), ask(kind, reports="all")
    pd.testing.assert_frame_equal(one, other)
    assert list(one.index) == list(range(len(one)))
    assert list(one["trial"]) == sorted(one["trial"])
    one["trial"] = "changed"
    assert not (other["trial"] == "changed").any()


# --- a small catalog whose answers can be seen by eye -----------------------------------------------------------------

EARLY, LATE = date(2021, 1, 1), date(2023, 1, 1)


def source(key: str, kind: SourceKind = SourceKind.JOURNAL, **values: Any) -> Source:
    return Source(key=key, kind=kind, title=key, **{"year": 2020, "url": "https://example.org/x", **values})


def arm(key: str, *agents: str, **values: Any) -> Arm:
    return Arm(
        key=key, label=key, agents=agents or ("antibody",), **{"her2_selected": True, "btc_only": True, **values}
    )


def orr(of: str, events: int | None, n: int | None, read: str = "new", **values: Any) -> Proportion:
    return Proportion(arm=of, endpoint=Endpoint.ORR, events=events, n=n, source=read, locator="Abstract", **values)


def trial(key: str, arms: tuple[Arm, ...], figures: Figures, **values: Any) -> Trial:
    sources = (
        source("old", cutoffs=(EARLY,)),
        source("new", cutoffs=(LATE,)),
        source("press", SourceKind.TRADE_PRESS, year=2025),
        source("undated", year=2019),
    )
    return Trial(
        key=key,
        name=key.upper(),
        sources=sources,
        arms=arms,
        figures=figures,
        **{"design": Design.SINGLE_ARM, **values},
    )


def catalog(*trials: Trial) -> Catalog:
    return Catalog(
        release="test",
        agents=(
            Agent(key="antibody", name="Antibody", mechanism=MechanismClass.MONOCLONAL_ANTIBODY),
            Agent(key="inhibitor", name="Inhibitor", mechanism=MechanismClass.TYROSINE_KINASE_INHIBITOR),
            Agent(key="poison", name="Poison", mechanism=MechanismClass.CHEMOTHERAPY),
        ),
        definitions=(
            Definition(
                key="strict",
                name="Strict",
                words="IHC 3+",
                group=Her2.IHC_3,
                any_of=(Clause(ihc=(IhcScore.THREE,)),),
                source="s",
                locator="l",
            ),
        ),
        trials=trials,
    )


def rates(*trials: Trial, **filters: Any) -> list[tuple[Any, ...]]:
    frame = query.proportions(catalog=catalog(*trials), **filters)
    return list(frame[["arm", "population", "events", "n", "source"]].itertuples(index=False, name=None))


def one_arm(*figures: Proportion, **values: Any) -> Trial:
    return trial("alpha", (arm("a", n=50, **values),), Figures(proportions=figures))


# --- primary, latest, all ---------------------------------------------------------------------------------------------


def test_primary_takes_the_newest_cutoff() -> None:
    figures = orr("a", 10, 50, "old"), orr("a", 12, 50, "new")
    assert rates(one_arm(*figures)) == [("a", "all", 12, 50, "new")]
    assert rates(one_arm(*reversed(figures))) == [("a", "all", 12, 50, "new")]


def test_primary_takes_the_newest_publication_where_a_cutoff_is_not_printed() -> None:
    assert rates(one_arm(orr("a", 10, 50, "old"), orr("a", 12, 50, "press"))) == [("a", "all", 12, 50, "press")]


def test_a_later_page_that_repeats_the_value_is_no_newer_report() -> None:
    assert rates(one_arm(orr("a", 10, 50, "old"), orr("a", 10, 50, "press"))) == [("a", "all", 10, 50, "old")]


def test_a_value_printed_with_its_count_comes_before_one_without() -> None:
    bare = orr("a", None, None, "new", percent=Decimal(20))
    assert rates(one_arm(bare, orr("a", 10, 50, "undated"))) == [("a", "all", 10, 50, "undated")]


def test_primary_takes_the_better_source_then_independent_then_confirmed() -> None:
    journal = orr("a", 10, 50, "new", assessor=Assessor.INVESTIGATOR)
    independent = orr("a", 9, 50, "new", assessor=Assessor.INDEPENDENT, confirmed=False)
    confirmed = orr("a", 8, 50, "new", assessor=Assessor.INDEPENDENT, confirmed=True)
    assert rates(one_arm(journal, independent)) == [("a", "all", 9, 50, "new")]
    assert rates(one_arm(journal, independent, confirmed)) == [("a", "all", 8, 50, "new")]


def test_latest_keeps_each_reader_and_all_keeps_each_report() -> None:
    figures = (
        orr("a", 7, 50, "old", assessor=Assessor.INDEPENDENT),
        orr("a", 8, 50, "new", assessor=Assessor.INDEPENDENT),
        orr("a", 10, 50, "new", assessor=Assessor.INVESTIGATOR),
    )
    assert rates(one_arm(*figures), reports="latest") == [("a", "all", 8, 50, "new"), ("a", "all", 10, 50, "new")]
    assert len(rates(one_arm(*figures), reports="all")) == len(figures)


def test_suspect_figures_are_left_out_unless_asked_for() -> None:
    figures = orr("a", 10, 50, "old"), orr("a", 49, 50, "new", suspect="a slip of the pen")
    study = one_arm(*figures)
    assert rates(study) == [("a", "all", 10, 50, "old")]
    assert rates(study, suspect="include") == [("a", "all", 49, 50, "new")]
    assert rates(study, suspect="only", reports="all") == [("a", "all", 49, 50, "new")]


def test_a_figure_with_another_start_of_the_clock_does_not_speak_for_its_arm() -> None:
    def pfs(median: str, **values: Any) -> Duration:
        return Duration(
            arm="a", endpoint=Endpoint.PFS, median=Decimal(median), locator="Abstract", **{"source": "old", **values}
        )

    figures = Figures(durations=(pfs("5.5"), pfs("8.5", source="new", origin=Origin.WEEK_9)))
    frame = query.durations(catalog=catalog(trial("alpha", (arm("a"),), figures)))
    assert frame["median_months"].tolist() == [5.5]


# --- populations, HER2 groups, sites ----------------------------------------------------------------------------------


def with_subgroups(**values: Any) -> Trial:
    populations = tuple(
        Population(strata=strata)
        for strata in ((Stratum.IHC_3,), (Stratum.GALLBLADDER,), (Stratum.IHC_3, Stratum.GALLBLADDER))
    )
    figures = (
        orr("a", 20, 50),
        orr("a", 15, 30, population="ihc-3+"),
        orr("a", 8, 20, population="gallbladder"),
        orr("a", 6, 12, population="ihc-3+ & gallbladder"),
    )
    return one_arm(*figures, populations=populations, **values)


def test_a_subgroup_never_poses_as_its_arm() -> None:
    assert rates(with_subgroups()) == [("a", "all", 20, 50, "new")]


def test_asking_for_a_her2_group_returns_that_group_and_no_population_that_merely_includes_it() -> None:
    assert rates(with_subgroups(), her2="ihc-3+") == [("a", "ihc-3+", 15, 30, "new")]


def test_an_arm_defined_by_a_her2_group_is_that_group() -> None:
    study = one_arm(orr("a", 20, 50), definition="strict")
    assert rates(study, her2="ihc-3+") == [("a", "all", 20, 50, "new")]
    assert rates(study, her2="her2-positive") == []


def test_asking_for_a_site_returns_that_site_and_arms_of_that_site_alone() -> None:
    assert rates(with_subgroups(), site="gallbladder") == [("a", "gallbladder", 8, 20, "new")]
    study = one_arm(orr("a", 20, 50), sites=(Site.GALLBLADDER,))
    assert rates(study, site="gallbladder") == [("a", "all", 20, 50, "new")]


def test_her2_and_site_together_ask_for_the_patients_in_both() -> None:
    found = rates(with_subgroups(), site="gallbladder", her2="ihc-3+")
    assert found == [("a", "ihc-3+ & gallbladder", 6, 12, "new")]


def test_a_population_is_found_by_its_name() -> None:
    found = rates(with_subgroups(), population=["ihc-3+", "all"])
    assert [row[1] for row in found] == ["all", "ihc-3+"]


def test_patients_who_could_be_assessed_stand_for_their_arm_only_where_nothing_else_is_printed() -> None:
    populations = (Population(strata=(Stratum.RESPONSE_EVALUABLE,), n=45),)
    evaluable = orr("a", 20, 45, population="response-evaluable")
    assert rates(one_arm(evaluable, populations=populations)) == [("a", "response-evaluable", 20, 45, "new")]
    both = one_arm(evaluable, orr("a", 20, 50, "old"), populations=populations)
    assert rates(both) == [("a", "all", 20, 50, "old")]


# --- no patient twice -------------------------------------------------------------------------------------------------


def test_parts_are_kept_where_they_account_for_the_whole() -> None:
    arms = arm("whole", n=50, parts=("one", "two")), arm("one", n=30), arm("two", n=20)
    figures = orr("whole", 20, 50), orr("one", 15, 30), orr("two", 5, 20)
    assert [row[0] for row in rates(trial("alpha", arms, Figures(proportions=figures)))] == ["one", "two"]
    assert [row[0] for row in rates(trial("alpha", arms, Figures(proportions=figures[:2])))] == ["whole"]


def test_the_cohort_of_biliary_cancer_is_kept_and_not_the_basket_that_contains_it() -> None:
    arms = arm("basket", n=200, btc_only=False, parts=("btc",)), arm("btc", n=30)
    figures = Figures(proportions=(orr("basket", 80, 200), orr("btc", 10, 30)))
    assert [row[0] for row in rates(trial("alpha", arms, figures))] == ["btc"]


def test_of_arms_that_share_patients_the_larger_is_kept() -> None:
    arms = arm("interim", n=11, overlaps=("final",)), arm("final", n=39)
    figures = Figures(proportions=(orr("interim", 4, 11), orr("final", 9, 39)))
    assert [row[0] for row in rates(trial("alpha", arms, figures))] == ["final"]
    assert len(rates(trial("alpha", arms, figures), reports="all")) == 2


def test_arms_that_share_a_part_share_patients() -> None:
    arms = (
        arm("global", n=685, parts=("treated", "control")),
        arm("treated", n=341),
        arm("control", n=344),
        arm("extended", n=405, parts=("treated",)),
    )
    study = trial("alpha", arms, Figures(proportions=(orr("global", 150, 685), orr("extended", 110, 405))))
    assert [row[0] for row in rates(study)] == ["global"]
    both = query.proportions(reports="all", catalog=catalog(study))
    with pytest.raises(herbtc.SynthesisError, match=r"counted twice: alpha/global .*alpha/extended"):
        synthesis.pool(measures.effects(both))
    assert query.trials(catalog=catalog(study))["n"].tolist() == [685]


def test_of_studies_that_share_patients_the_larger_is_kept() -> None:
    small = trial("alpha", (arm("a"),), Figures(proportions=(orr("a", 2, 10),)), overlaps=("beta",))
    large = trial("beta", (arm("b"),), Figures(proportions=(orr("b", 9, 40),)))
    assert [row[0] for row in rates(small, large)] == ["b"]


def test_disjoint_subgroups_of_a_whole_and_its_part_are_both_kept() -> None:
    low, high = Population(strata=(Stratum.IHC_2,)), Population(strata=(Stratum.IHC_3,))
    arms = arm("whole", n=50, parts=("part",), populations=(low,)), arm("part", n=30, populations=(high,))
    figures = orr("whole", 2, 20, population="ihc-2+"), orr("part", 15, 30, population="ihc-3+")
    found = rates(trial("alpha", arms, Figures(proportions=figures)), her2=["ihc-2+", "ihc-3+"])
    assert len(found) == 2


def test_a_published_meta_analysis_is_shown_only_when_it_is_asked_for() -> None:
    study = trial("alpha", (arm("a"),), Figures(proportions=(orr("a", 90, 300),)), design=Design.META_ANALYSIS)
    assert rates(study) == []
    assert len(rates(study, trial="alpha")) == 1


def test_unselected_patients_are_left_out_of_her2_directed_therapy_unless_asked_for() -> None:
    study = one_arm(orr("a", 5, 60), her2_selected=False)
    assert rates(study, her2_directed=True) == []
    assert len(rates(study, her2_directed=True, her2_selected=False)) == 1
    assert len(rates(study)) == 1


# --- columns that are worked out --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "n", "events"),
    [
        ("46.7", 30, 14),
        ("47", 30, 14),
        ("41.3", 80, 33),
        ("41.2", 80, 33),
        ("47", 300, None),
        ("12.5", 8, 1),
        ("0", 7, 0),
        ("33", 10, None),
    ],
)
def test_events_are_filled_in_only_where_percent_and_n_leave_one_whole_number(
    percent: str, n: int, events: int | None
) -> None:
    frame = query.proportions(catalog=catalog(one_arm(orr("a", None, n, percent=Decimal(percent)))))
    assert frame["events_derived"].tolist() == [events is not None]
    assert (None if frame["events"].isna().item() else frame["events"].item()) == events


def test_times_are_converted_to_months_and_what_was_not_reached_is_said() -> None:
    figures = Figures(
        durations=(
            Duration(
                arm="a",
                endpoint=Endpoint.PFS,
                median=Decimal(11),
                low=Decimal("7.9"),
                high=Decimal("16.1"),
                level=Decimal(95),
                unit=Unit.WEEKS,
                source="new",
                locator="l",
            ),
            Duration(
                arm="a",
                endpoint=Endpoint.OS,
                median=Reach.NOT_REACHED,
                low=Decimal(9),
                high=Reach.NOT_ESTIMABLE,
                level=Decimal(95),
                source="new",
                locator="l",
            ),
        )
    )
    frame = query.durations(catalog=catalog(trial("alpha", (arm("a"),), figures)))
    # 11 weeks of 7 days, at 365.25 / 12 days a month
    assert frame["median_months"].tolist()[0] == pytest.approx(2.5298, abs=1e-4)
    assert frame["not_reached"].tolist() == [False, True]
    assert frame["high_status"].tolist()[1] == "not-estimable"
    assert pd.isna(frame["median_months"].tolist()[1])


def test_p_values_keep_their_sign() -> None:
    figures = Figures(
        contrasts=tuple(
            Contrast(
                arm="a",
                reference_arm="b",
                kind=Ratio.HR,
                endpoint=endpoint,
                role=Role.TREATMENT,
                estimate=Decimal("0.64"),
                p=p,
                source="new",
                locator="l",
            )
            for endpoint, p in ((Endpoint.PFS, "<0.001"), (Endpoint.OS, Decimal("0.02")), (Endpoint.ORR, None))
        )
    )
    frame = query.contrasts(catalog=catalog(trial("alpha", (arm("a"), arm("b")), figures)))
    assert frame["endpoint"].tolist() == ["orr", "pfs", "os"]
    assert frame["p"].tolist()[1:] == [0.001, 0.02]
    assert frame["p_is_bound"].tolist()[1:] == [True, False]
    assert frame["p_is_bound"].isna().tolist() == [True, False, False]


def test_the_mechanism_names_the_her2_directed_classes_and_otherwise_all() -> None:
    arms = arm("both", "inhibitor", "antibody", "poison"), arm("control", "poison", her2_selected=False)
    figures = Figures(proportions=(orr("both", 1, 10), orr("control", 1, 10)))
    frame = query.proportions(catalog=catalog(trial("alpha", arms, figures)))
    assert frame["mechanism"].tolist() == ["monoclonal-antibody + tyrosine-kinase-inhibitor", "chemotherapy"]
    assert frame["agents"].tolist()[0] == "inhibitor + antibody + poison"
    member = query.proportions(mechanism="tyrosine-kinase-inhibitor", catalog=catalog(trial("alpha", arms, figures)))
    assert member["arm"].tolist() == ["both"]


def test_an_interval_has_sides_and_no_interval_has_none() -> None:
    figures = (
        orr("a", 9, 28, "old"),
        orr("a", 9, 28, "new", low=Decimal(16), high=Decimal(100), level=Decimal(95), sides=Sides.LOWER),
    )
    frame = query.proportions(reports="all", catalog=catalog(one_arm(*figures)))
    assert sorted(frame["sides"].dropna()) == ["lower"]
    assert frame["sides"].isna().sum() == 1


def test_baseline_and_adverse_events_are_asked_by_item_and_term() -> None:
    figures = Figures(
        baseline=(Baseline(arm="a", item="female", events=5, n=10, source="new", locator="l"),),
        adverse_events=(
            AdverseEvent(
                arm="a",
                term="diarrhoea",
                grade=Grade.ANY,
                attribution=Attribution.ALL_CAUSE,
                events=5,
                n=10,
                source="new",
                locator="l",
            ),
        ),
        landmarks=(
            Landmark(
                arm="a",
                endpoint=Endpoint.OS,
                at=Decimal(1),
                unit=Unit.YEARS,
                percent=Decimal(50),
                source="new",
                locator="l",
            ),
        ),
    )
    evidence = catalog(trial("alpha", (arm("a"),), figures))
    assert query.baseline(item="female", catalog=evidence)["events"].tolist() == [5]
    assert query.adverse_events(term="diarrhoea", catalog=evidence)["term"].tolist() == ["diarrhoea"]
    assert query.landmarks(endpoint="os", catalog=evidence)["at_months"].tolist() == [12.0]
    with pytest.raises(UnknownKeyError, match="diarrhoea"):
        query.adverse_events(term="diarrhea", catalog=evidence)


# --- wrong questions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "nearest"),
    [
        ({"endpoint": "orrr"}, "orr"),
        ({"endpoint": ["orr", "pfss"]}, "pfs"),
        ({"trial": "herizon-btc-02"}, "herizon-btc-01"),
        ({"agent": "zanidatmab"}, "zanidatamab"),
        ({"mechanism": "bispecific"}, "bispecific-antibody"),
        ({"line": "2nd"}, "second"),
        ({"her2": "IHC 3+"}, "ihc-3+"),
        ({"site": "gall bladder"}, "gallbladder"),
        ({"population": "ihc 3+"}, "ihc-3+"),
        ({"assessor": "central"}, ""),
        ({"arm": "cohort1"}, "cohort-1"),
        ({"reports": "newest"}, ""),
        ({"suspect": "yes"}, ""),
        ({"endpoint": 3}, ""),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest_that_exist(filters: dict[str, Any], nearest: str) -> None:
    with pytest.raises(UnknownKeyError) as caught:
        query.proportions(**filters) if "pfss" not in str(filters) else query.durations(endpoint="pfss")
    assert caught.value.known
    assert nearest in (*caught.value.nearest, *caught.value.known, "")
    assert all(word in str(caught.value) for word in caught.value.nearest)


def test_a_filter_takes_one_word_several_or_none() -> None:
    one, several = query.proportions(endpoint="orr"), query.proportions(endpoint=["orr", "dcr"])
    assert set(one["endpoint"]) == {"orr"}
    assert set(several["endpoint"]) == {"orr", "dcr"}
    assert query.proportions(endpoint=[]).empty


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_that_does_not_exist_is_refused(kind: str) -> None:
    with pytest.raises(TypeError, match="her3"):
        ask(kind, her3="positive")


def test_a_truth_is_not_a_number() -> None:
    with pytest.raises(TypeError, match="her2_directed"):
        query.proportions(her2_directed=1)  # type: ignore[arg-type]


# --- on the shipped evidence ------------------------------------------------------------------------------------------


def test_the_natural_way_goes_from_query_to_pooled_estimate_as_it_is() -> None:
    frame = query.proportions(endpoint="orr", her2_directed=True)
    with pytest.warns(HerbtcWarning, match="first-line and later-line groups are mixed"):
        pooled = synthesis.pool(measures.effects(frame, "logit"))
    assert pooled.k >= 8
    assert pooled.release == herbtc.load().release
    assert 0 < pooled.conf_low < pooled.estimate < pooled.conf_high < 1


@pytest.mark.parametrize("kind", KINDS)
def test_primary_has_one_row_per_arm_population_and_thing_measured(kind: str) -> None:
    frame = ask(kind)
    extra = {
        "landmarks": ["at_months"],
        "contrasts": ["kind", "reference_arm", "role"],
        "baseline": ["item"],
        "adverse_events": ["term", "grade", "attribution", "related_to", "serious", "consequence"],
    }
    keys = ["trial", "arm", "endpoint", *extra.get(kind, [])]
    assert not frame.duplicated(keys).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reports", ["latest", "all"])
def test_every_choice_of_reports_contains_the_primary_rows(kind: str, reports: str) -> None:
    keys = ["trial", "arm", "population", "source", "locator"]
    primary = set(ask(kind)[keys].itertuples(index=False, name=None))
    chosen = set(ask(kind, reports=reports)[keys].itertuples(index=False, name=None))
    assert primary <= chosen


def test_her2_three_plus_returns_no_mixed_population() -> None:
    frame = query.proportions(her2="ihc-3+", reports="all")
    assert set(frame["her2"]) == {"ihc-3+"}
    assert ("herizon-btc-01", "all") not in set(zip(frame["trial"], frame["population"], strict=True))


@pytest.mark.parametrize(
    ("function", "filters"),
    [
        (query.trials, {"her2_directed": True}),
        (query.arms, {"agent": "zanidatamab"}),
        (query.agents, {"mechanism": "antibody-drug-conjugate"}),
        (query.sources, {"kind": "journal"}),
        (query.definitions, {"her2": "ihc-3+"}),
        (query.mechanisms, {"her2_directed": True}),
    ],
)
def test_frames_of_records_are_filtered(function: Callable[..., pd.DataFrame], filters: dict[str, Any]) -> None:
    some, every = function(**filters), function()
    assert 0 < len(some) < len(every)


def test_patients_of_a_study_are_counted_once() -> None:
    trials = query.trials().set_index("trial")
    assert trials.loc["herizon-btc-01", "n"] == 87
    assert trials.loc["abc-02", "n"] == 410
    assert trials.loc["topaz-1", "n"] == 685
    assert trials.loc["mypathway", "mechanism"] == "monoclonal-antibody"
