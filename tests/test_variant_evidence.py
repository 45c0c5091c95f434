"""What is recorded of ERBB2 variants: three-valued answers, the shipped records, a folder's own, and the frames."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import variants as any_variant

import herbtc
from herbtc import query, variants
from herbtc.models import Source
from herbtc.terms import Answer, ChangeKind, ProteinDomain, VariantEffect, VariantKind
from herbtc.variants import ProteinRegion, Variant, VariantCount, VariantEvidence
from herbtc.variants._answers import RULES

if TYPE_CHECKING:
    from pathlib import Path

    from herbtc import Catalog

CATALOG = herbtc.load()
SHIPPED = CATALOG.variants
YES, NO, UNKNOWN = Answer
ACTIVATING, NOT_ACTIVATING, UNCERTAIN = list(VariantEffect)[:3]


def found(effect: VariantEffect) -> VariantEvidence:
    drugs = ("neratinib",) if effect.of_a_drug else ()
    return VariantEvidence(effect=effect, agents=drugs, source="own", locator="L")


def own_variant(key: str, *effects: VariantEffect) -> Variant:
    count = VariantCount(dataset="D", version="1", events=95, of="tumours", source="own", locator="L")
    return Variant(key=key, counts=(count,), evidence=tuple(map(found, effects)))


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pro", "contra", "undecided"), [*product([0, 1, 2], repeat=3)])
def test_activation_is_answered_from_evidence_of_activation_alone(pro: int, contra: int, undecided: int) -> None:
    effects = [ACTIVATING] * pro + [NOT_ACTIVATING] * contra + [UNCERTAIN] * undecided
    drugs = [effect for effect in VariantEffect if effect.of_a_drug]
    answer = variants.activating(
        "p.Ser310Phe", [own_variant("L755S", ACTIVATING), own_variant("S310F", *drugs, *effects)]
    )
    expected = UNKNOWN if bool(pro) == bool(contra) else YES if pro else NO
    assert answer.answer is expected
    assert [each.effect for each in answer.evidence] == effects
    assert answer.change == variants.name("S310F")
    for number in {pro, contra} - {0} if expected is not UNKNOWN or (pro and contra) else ():
        assert f"({number})" in answer.reason


@pytest.mark.parametrize(
    ("text", "answer", "reason"),
    [
        ("S310F", UNKNOWN, "no evidence recorded"),
        ("R288*", UNKNOWN, "no evidence recorded"),
        ("S310=", NO, "the protein is unchanged"),
        ("Y772_A775delinsYVMA", NO, "the protein is unchanged"),
        ("exon 20 insertion", UNKNOWN, "the text names no change of the protein that can be read"),
        ("BRAF V600E", UNKNOWN, "the text names no change of the protein that can be read"),
    ],
)
def test_without_evidence_a_variant_is_unknown_and_a_silent_one_is_not_activating(
    text: str, answer: Answer, reason: str
) -> None:
    for records in ((), (own_variant("S310F"),)):
        found = variants.activating(text, records)
        assert (found.answer, found.reason, found.evidence) == (answer, reason, ())


def test_a_high_count_and_a_response_are_no_evidence_of_activation() -> None:
    record = own_variant("S310F", VariantEffect.SENSITIVE)
    assert record.counts[0].events == 95
    assert variants.activating("S310F", [record]).answer is UNKNOWN


@given(any_variant(["neratinib"], [Source(key="own", kind=next(iter(herbtc.terms.SourceKind)), title="T", pmid="1")]))
def test_yes_needs_evidence_for_and_no_needs_evidence_against(record: Variant) -> None:
    answer = variants.activating(record.key, [record])
    effects = {each.effect for each in record.evidence}
    assert (answer.answer is YES) == (ACTIVATING in effects and NOT_ACTIVATING not in effects)
    assert (answer.answer is NO) == (NOT_ACTIVATING in effects and ACTIVATING not in effects)


@pytest.mark.parametrize(
    ("text", "any_", "activating"),
    [
        ("V842I", YES, YES),
        ("I767M", YES, UNKNOWN),
        ("L755S", YES, UNKNOWN),
        ("A775insYVMA", YES, YES),
        ("K2A", None, None),
        ("E2A", YES, UNKNOWN),
        ("S310=", NO, NO),
        ("exon 20 insertion", UNKNOWN, UNKNOWN),
        ("amplification", UNKNOWN, UNKNOWN),
    ],
)
def test_which_kind_of_variant_counts_a_variant(text: str, any_: Answer | None, activating: Answer | None) -> None:
    for kind, expected in ((VariantKind.ANY, any_), (VariantKind.ACTIVATING, activating)):
        if expected is None:
            with pytest.raises(herbtc.DataError, match="expected E at 2"):
                variants.counted(text, kind, SHIPPED)
        else:
            assert variants.counted(text, kind, SHIPPED).answer is expected


def test_there_is_a_rule_for_each_kind_of_variant() -> None:
    assert set(RULES) == set(VariantKind)


def test_other_names_lead_to_the_record() -> None:
    for text in ("A775insYVMA", "a775insyvma", "M774insAYVM", "A775_G776insYVMA", "p.Tyr772_Ala775dup"):
        assert CATALOG.variant(text).key == "Y772_A775dup"
    assert variants.record("P780ins", SHIPPED) is CATALOG.variant("P780_Y781insGSP")
    assert variants.record("S310C", SHIPPED) is None
    with pytest.raises(herbtc.UnknownKeyError, match="did you mean 'S310"):
        CATALOG.variant("S310C")
    with pytest.raises(herbtc.DataError, match="expected S at 310"):
        CATALOG.variant("A310F")


def test_the_narrowest_region_with_all_of_a_variant_gives_its_domain() -> None:
    def region(domain: ProteinDomain, start: int, end: int) -> ProteinRegion:
        return ProteinRegion(domain=domain, start=start, end=end, source="own", locator="L")

    wide, narrow = region(ProteinDomain.KINASE, 700, 1000), region(ProteinDomain.JUXTAMEMBRANE, 750, 760)
    for regions in ((wide, narrow), (narrow, wide)):
        assert variants.domain("L755S", regions) is ProteinDomain.JUXTAMEMBRANE
        assert variants.domain("L755_E757delinsS", regions) is ProteinDomain.JUXTAMEMBRANE
        assert variants.domain("T759_P761del", regions) is ProteinDomain.KINASE
        assert variants.domain("S310F", regions) is None
        assert variants.domain("exon 20 insertion", regions) is None


# --- the shipped records ----------------------------------------------------------------------------------------------

SOURCES = {source.key: source for source in CATALOG.variant_sources}


@pytest.mark.parametrize("variant", SHIPPED, ids=lambda variant: variant.key)
def test_a_variant_is_what_its_reports_name(variant: Variant) -> None:
    assert variant.change.kind not in {ChangeKind.UNKNOWN, ChangeKind.SILENT}
    assert variants.domain(variant.key, CATALOG.protein_regions) is not None, "say where it lies"
    records: list[VariantCount | VariantEvidence] = [*variant.counts, *variant.evidence]
    for record in records:
        assert SOURCES[record.source].seen, "say where the source was seen"
        assert len(record.locator) > 4
    for count in variant.counts:
        assert count.version
        assert (count.events or count.percent or 0) > 0
    assert len(set(variant.evidence)) == len(variant.evidence)


def test_a_population_is_counted_within_its_data_set() -> None:
    for variant in SHIPPED:
        every = {count.dataset: count for count in variant.counts if count.population is None}
        for count in variant.counts:
            whole = every.get(count.dataset)
            if count.population is not None and whole is not None:
                assert None not in (count.events, count.n, whole.events, whole.n)
                assert (count.events, count.n) <= (whole.events, whole.n)


def test_evidence_of_a_database_names_the_paper() -> None:
    for variant in SHIPPED:
        for each in variant.evidence:
            if each.source == "civic-2021":
                assert each.report, variant.key
            if each.source.startswith("reactome"):
                assert each.note, variant.key


def test_sources_are_used_and_none_is_there_twice() -> None:
    used = {each.source for variant in SHIPPED for each in variant.evidence}
    used |= {each.source for variant in SHIPPED for each in variant.counts}
    used |= {region.source for region in CATALOG.protein_regions}
    assert used == set(SOURCES)


def test_other_drugs_are_no_names_of_agents() -> None:
    names = {name.casefold() for agent in CATALOG.agents for name in (agent.key, agent.name, *agent.synonyms)}
    others = {drug for variant in SHIPPED for each in variant.evidence for drug in each.other_drugs}
    assert {drug.casefold() for drug in others} & names == set()


def test_what_two_reports_say_against_each_other_is_unknown() -> None:
    """Bose 2013 found no activation by L755S and none by R678Q; later reports did."""
    for key in ("L755S", "R678Q"):
        answer = variants.activating(key, SHIPPED)
        assert answer.answer is UNKNOWN
        assert {each.effect for each in answer.evidence} == {ACTIVATING, NOT_ACTIVATING}


def test_the_seven_activating_mutations_of_bose_2013() -> None:
    """Abstract, PMID 23220880: G309A, D769H, D769Y, V777L, P780ins, V842I, R896C; all sensitive to neratinib."""
    told = {
        variant.key: {each.effect for each in variant.evidence if each.source == "bose-2013" and not each.agents}
        for variant in SHIPPED
    }
    assert {key for key, effects in told.items() if effects == {ACTIVATING}} == {
        "G309A",
        "D769H",
        "D769Y",
        "V777L",
        "G778_P780dup",
        "V842I",
        "R896C",
    }
    assert {key for key, effects in told.items() if effects == {NOT_ACTIVATING}} == {"L755S"}


def test_hotspots_are_those_of_the_data_base() -> None:
    """Cancer Hotspots, version 2, counts by residue: S310 113 with one S, L755 44 with two L, R678 32, V842 26."""
    by_residue: dict[int, int] = {}
    for variant in SHIPPED:
        for count in variant.counts:
            if count.dataset == "Cancer Hotspots" and count.population is None:
                assert count.events is not None
                start = variant.place[0]
                by_residue[start] = by_residue.get(start, 0) + count.events
    assert len(by_residue) == 21
    assert [by_residue[place] for place in (310, 755, 678, 842)] == [113 - 1, 44 - 2, 32, 26]


def test_regions_lie_in_the_protein_and_follow_each_other() -> None:
    order = list(ProteinDomain).index
    regions = sorted(CATALOG.protein_regions, key=lambda region: region.start)
    assert [order(region.domain) for region in regions] == sorted(order(region.domain) for region in regions)
    assert all(one.end < other.start for one, other in pairwise(regions))


# --- a folder's own ---------------------------------------------------------------------------------------------------

OWN = """
[[sources]]
key = "own"
kind = "journal"
title = 'T'
pmid = "1"

[[regions]]
domain = "kinase"
start = {start}
end = 990
source = "{source}"
locator = 'L'

[[variants]]
key = "{key}"
also = ['{also}']
evidence = [
  {{ effect = "{effect}", {drugs} source = "own", locator = 'L' }},
]
"""
SOUND = {
    "start": "712",
    "source": "own",
    "key": "K753M",
    "also": "exon 19 something",
    "effect": "resistant",
    "drugs": "agents = ['lapatinib'], other_drugs = ['erlotinib'],",
}


def own(folder: Path, **changes: str) -> Catalog:
    (folder / "variants.toml").write_text(OWN.format(**(SOUND | changes)), "utf-8")
    return CATALOG.extend(folder)


def test_a_folder_may_bring_variants_of_its_own(tmp_path: Path) -> None:
    catalog = own(tmp_path)
    assert len(catalog.variants) == len(SHIPPED) + 1
    assert [each.place for each in catalog.variants] == sorted(each.place for each in catalog.variants)
    [row] = query.variants(variant="p.Lys753Met", catalog=catalog).to_dict("records")
    assert (row["drugs"], row["effect"], row["activating"]) == ("lapatinib + erlotinib", "resistant", "unknown")
    assert row["pmid"] == "1"


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"key": "A775_G776insYVMA"}, "variants[0].key", "expected the name that herbtc.variants.name gives"),
        ({"key": "p.Lys753Met"}, "variants[0].key", "expected the name that herbtc.variants.name gives"),
        ({"key": "L753M"}, "variants[0].key", "expected the name that herbtc.variants.name gives"),
        ({"key": "exon 20"}, "variants[0].key", "expected the name that herbtc.variants.name gives"),
        ({"key": "S310F"}, "variants[0].key", "expected a new key; 'S310F' is in the catalog already"),
        ({"also": "K753M"}, "variants[0].also", "expected names that herbtc.variants.name cannot read"),
        ({"also": "L753M"}, "variants[0].also", "expected names that herbtc.variants.name cannot read"),
        ({"drugs": ""}, "variants[0].evidence[0].effect", "expected a drug beside an effect on drugs"),
        ({"effect": "activating"}, "variants[0].evidence[0].effect", "expected a drug beside an effect on drugs"),
        ({"drugs": "agents = ['lapatinip'],"}, "variants[0].evidence[0].agents[0]", "expected the key of an agent"),
        (
            {"drugs": "other_drugs = ['neratinib'],"},
            "variants[0].evidence[0].other_drugs[0]",
            "expected a drug that is no agent; 'neratinib' belongs in agents",
        ),
        ({"drugs": "agents = ['lapatinib'], n = 3, events = 4,"}, "variants[0].evidence[0].events", "events ≤ n"),
        ({"drugs": "agents = ['lapatinib'], report = 'PMC1',"}, "variants[0].evidence[0].report", "a PubMed id"),
        ({"source": "nobody-2020"}, "regions[0].source", "expected the key of a source of this file"),
        ({"start": "1256"}, "regions[0].start", "expected a number from 1 to 1255"),
        ({"start": "991"}, "regions[0].start", "expected start ≤ end"),
    ],
)
def test_what_a_folder_may_not_say(tmp_path: Path, changes: dict[str, str], path: str, message: str) -> None:
    with pytest.raises(herbtc.DataError) as caught:
        own(tmp_path, **changes)
    told = [(problem.file, problem.path) for problem in caught.value.problems if message in problem.message]
    assert told == [("variants.toml", path)], str(caught.value)


def test_a_variant_of_which_nothing_is_known_is_no_record() -> None:
    with pytest.raises(herbtc.DataError, match="expected at least one count or one piece of evidence"):
        Variant(key="S310F")
    with pytest.raises(herbtc.DataError, match="expected events or percent"):
        VariantCount(dataset="D", version="1", of="tumours", source="own", locator="L")


# --- frames -----------------------------------------------------------------------------------------------------------

FIRST = ["variant", "hgvs", "kind", "start", "end", "domain", "activating"]
WHERE = ["source", "source_kind", "year", "pmid", "doi", "link", "locator", "note"]
PINNED = {
    "variants": [*FIRST, "effect", "drugs", "studied_in", "model", "events", "n", *WHERE],
    "variant_counts": [*FIRST, "dataset", "version", "population", "of", "events", "n", "percent", *WHERE],
}


@pytest.mark.parametrize("kind", PINNED)
def test_frames_have_the_columns_they_declare_also_when_empty(kind: str) -> None:
    full, empty = getattr(query, kind)(), getattr(query, kind)(catalog=herbtc.Catalog(release="empty"))
    assert list(full.columns) == [column.name for column in query.COLUMNS[kind]] == PINNED[kind]
    assert [str(dtype) for dtype in full.dtypes] == [column.dtype for column in query.COLUMNS[kind]]
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    assert empty.empty
    assert full.attrs["herbtc"] == {"release": CATALOG.release}


def test_one_row_per_variant_and_finding() -> None:
    frame = query.variants()
    assert len(frame) == sum(len(each.evidence) or 1 for each in SHIPPED)
    assert set(frame["variant"]) == {each.key for each in SHIPPED}
    assert frame["start"].is_monotonic_increasing
    bare = frame[frame["effect"].isna()]
    assert set(bare["variant"]) == {each.key for each in SHIPPED if not each.evidence}
    assert bare[["drugs", "source", "locator"]].isna().all(axis=None)
    assert len(query.variant_counts()) == sum(len(each.counts) for each in SHIPPED)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"variant": ["L755S", "p.Tyr772_Ala775dup"]}, lambda row: row["variant"] in {"L755S", "Y772_A775dup"}),
        ({"domain": "extracellular-ii"}, lambda row: row["domain"] == "extracellular-ii"),
        ({"effect": ["resistant", "no-response"]}, lambda row: row["effect"] in {"resistant", "no-response"}),
        ({"agent": "dacomitinib"}, lambda row: "dacomitinib" in str(row["drugs"])),
        ({"studied_in": "patients"}, lambda row: row["studied_in"] == "patients"),
        ({"activating": "yes"}, lambda row: row["activating"] == "yes"),
        (
            {"agent": "lapatinib", "domain": "kinase"},
            lambda row: row["domain"] == "kinase" and "lapatinib" in str(row["drugs"]),
        ),
    ],
)
def test_filters_keep_what_was_asked_for(asked: dict[str, Any], kept: Any) -> None:
    frame, every = query.variants(**asked), query.variants()
    expected = every[[bool(kept(row)) for row in every.to_dict("records")]].reset_index(drop=True)
    assert not frame.empty
    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize(
    "asked",
    [
        {"variant": "S310C"},
        {"domain": "kinases"},
        {"effect": "response"},
        {"agent": "erlotinib"},
        {"studied_in": "mice"},
        {"activating": "maybe"},
    ],
)
def test_an_unknown_word_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(herbtc.UnknownKeyError):
        query.variants(**asked)


def test_a_variant_that_cannot_be_is_refused() -> None:
    with pytest.raises(herbtc.DataError, match="expected L at 755"):
        query.variants(variant="S755L")


@given(st.sampled_from(SHIPPED), st.sampled_from(["{}", "p.{}", "ERBB2 {}", "HER2:p.({})"]))
def test_any_spelling_asks_for_the_same(variant: Variant, form: str) -> None:
    frame = query.variants(variant=form.format(variant.key))
    assert set(frame["variant"]) == {variant.key}
    assert len(frame) == (len(variant.evidence) or 1)
