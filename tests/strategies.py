"""Hypothesis strategies for the records of herbtc: any catalog that a folder of evidence can hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from herbtc import Catalog, terms
from herbtc.her2 import Clause, Definition
from herbtc.models import (
    AdverseEvent,
    Agent,
    Arm,
    Baseline,
    Conjugate,
    Contrast,
    DrugAntibodyRatio,
    Duration,
    Figures,
    Hypothesis,
    Identifier,
    Landmark,
    Mechanism,
    Population,
    Proportion,
    Source,
    Target,
    Testing,
    Trial,
)
from herbtc.variants import ProteinRegion, Variant, VariantCount, VariantEvidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum

    from herbtc.terms import Stratum

Values = dict[str, Any]
Strategies = dict[str, st.SearchStrategy[Any]]

# --- values -----------------------------------------------------------------------------------------------------------

keys = st.from_regex(r"[a-z0-9]{1,4}((-[a-z0-9]{1,3}){0,2}|\.[a-z0-9]|\+)", fullmatch=True)
"""Keys of records: lower case, hyphens, and what HER2 scores need."""

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda text: text == text.strip()
)
"""Text of any script, with quotes, backslashes, line ends and control characters, not padded with space."""

sentences = texts | st.sampled_from(
    ['a "quoted" \\ path', "C:\\new\\table", "'''", '"""', "# no comment", "é → 胆道", "a\nb"]
)
dates = st.dates(date(1960, 1, 1), date(2090, 12, 31))
truths = st.booleans()
links = st.builds("https://{}.org/{}".format, keys, keys)
counts = st.integers(0, 500)


def numbers(low: int, high: int) -> st.SearchStrategy[Decimal]:
    """Numbers from `low` to `high` as a report prints them: with at most three decimals, zeros at the end kept."""
    return st.integers(0, 3).flatmap(
        lambda places: st.integers(low * 10**places, high * 10**places).map(
            lambda digits: Decimal(digits).scaleb(-places)
        )
    )


percents = numbers(0, 100)


def words(vocabulary: type[StrEnum]) -> st.SearchStrategy[Any]:
    """Any word of a closed vocabulary."""
    return st.sampled_from(list(vocabulary))


def tuples(
    elements: st.SearchStrategy[Any], most: int = 2, least: int = 0, *, by: Any = None
) -> st.SearchStrategy[Any]:
    """Tuples of different elements, or of elements that differ in what `by` reads off them."""
    return st.lists(elements, min_size=least, max_size=most, unique_by=by or (lambda each: each)).map(tuple)


def some_of(elements: Sequence[Any], least: int = 0) -> st.SearchStrategy[Any]:
    """Tuples of at most two of the elements, none twice."""
    return tuples(st.sampled_from(elements), min(2, len(elements)), least) if elements else st.just(())


def mappings(required: Strategies, optional: Strategies) -> st.SearchStrategy[Values]:
    """Values of fields; those of `optional` may be absent, which is *not reported*."""
    return st.fixed_dictionaries(required, optional=optional)


def read_in(sources: Sequence[Source]) -> Strategies:
    """The fields that say where something was read."""
    return {"source": st.sampled_from([source.key for source in sources]), "locator": sentences, "note": sentences}


# --- sources, agents, definitions -------------------------------------------------------------------------------------


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """Any source; it always has an address at which a reader finds it."""
    optional: Strategies = {
        "first_author": sentences,
        "published": dates,
        "venue": sentences,
        "cutoffs": tuples(dates, 3, by=str),
        "followup_months": numbers(0, 100),
        "seen": tuples(links),
        "note": sentences,
    }
    values = draw(mappings({"key": keys, "kind": words(terms.SourceKind), "title": sentences}, optional))
    addresses: Strategies = {
        "pmid": st.integers(1, 10**8).map(str),
        "doi": st.builds("10.{}/{}".format, st.integers(1000, 99999), keys),
        "url": links,
        "via": links,
    }
    address = draw(st.sampled_from(sorted(addresses)))
    values |= draw(mappings({address: addresses[address]}, {k: v for k, v in addresses.items() if k != address}))
    published = values.get("published")
    near = st.integers(1960, 2090) if published is None else st.integers(-1, 1).map(lambda step: published.year + step)
    return Source(**values, year=draw(st.none() | near))


@st.composite
def ratios(draw: st.DrawFn, of: Sequence[Source]) -> DrugAntibodyRatio:
    """A printed drug-antibody ratio: a value, or a range in order."""
    low, high = sorted(draw(st.tuples(numbers(0, 20), numbers(0, 20))))
    printed: Values = draw(st.sampled_from([{"value": low}, {"low": low, "high": high}]))
    where = read_in(of)
    return DrugAntibodyRatio(
        **printed, **draw(mappings({k: where[k] for k in ("source", "locator")}, {"note": sentences}))
    )


def conjugates(of: Sequence[Source]) -> st.SearchStrategy[Conjugate]:
    """Any conjugate, with the ratios that its sources print."""
    optional: Strategies = {
        "payload_class": sentences,
        "linker": sentences,
        "cleavable": truths,
        "bystander": truths,
        "ratios": tuples(ratios(of)),
        **read_in(of),
    }
    return mappings({"antibody": sentences, "payload": sentences}, optional).map(lambda values: Conjugate(**values))


@st.composite
def agents(draw: st.DrawFn, mechanisms: Sequence[Mechanism], of: Sequence[Source]) -> Agent:
    """Any agent of one of the mechanisms."""
    mechanism = draw(st.sampled_from([each.key for each in mechanisms]))
    where = read_in(of)
    optional: Strategies = {
        "format": sentences,
        "targets": tuples(
            mappings({"molecule": sentences}, {"epitope": sentences, **where}).map(lambda v: Target(**v))
        ),
        "synonyms": tuples(sentences),
        "codes": tuples(sentences),
        "developers": tuples(sentences),
        "identifiers": tuples(st.builds(Identifier, system=sentences, code=sentences, source=where["source"])),
        **where,
    }
    if mechanism is terms.MechanismClass.ANTIBODY_DRUG_CONJUGATE:
        optional["conjugate"] = conjugates(of)
    return Agent(mechanism=mechanism, **draw(mappings({"key": keys, "name": sentences}, optional)))


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    """A clause that asks for at least one test result."""
    results: Strategies = {
        "ihc": tuples(words(terms.IhcScore), 3, 1),
        "ish": words(terms.IshResult),
        "ish_ratio_min": numbers(0, 10),
        "ish_copies_min": numbers(0, 10),
        "ngs_amplified": truths,
        "ngs_copies_min": numbers(0, 100),
        "plasma_amplified": truths,
        "variant": words(terms.VariantKind),
        "her3_altered": truths,
        "nrg1_fusion": truths,
    }
    asked = draw(tuples(st.sampled_from(sorted(results)), 3, 1))
    return Clause(**{name: draw(results[name]) for name in asked})


def definitions(of: Sequence[Source]) -> st.SearchStrategy[Definition]:
    """Any HER2 definition."""
    where = read_in(of)
    required: Strategies = {
        "key": keys,
        "name": sentences,
        "words": sentences,
        "group": words(terms.Her2),
        "any_of": tuples(clauses(), 2, 1),
        "source": where["source"],
        "locator": where["locator"],
    }
    optional: Strategies = {"laboratory": words(terms.Laboratory), "note": sentences}
    return mappings(required, optional).map(lambda values: Definition(**values))


# --- studies ----------------------------------------------------------------------------------------------------------


def _partition(stratum: Stratum) -> terms.Partition:
    return stratum.by


def populations() -> st.SearchStrategy[Population]:
    """Any population: one or two strata of different partitions."""
    in_order = list(terms.Stratum).index
    strata = tuples(words(terms.Stratum), 2, 1, by=_partition).map(lambda found: tuple(sorted(found, key=in_order)))
    return mappings({"strata": strata}, {"n": counts, "note": sentences}).map(lambda values: Population(**values))


def testings(of: Sequence[Source]) -> st.SearchStrategy[Testing]:
    """Any facts on how HER2 was tested."""
    where = read_in(of)
    optional: Strategies = dict.fromkeys(("test", "clone", "scoring", "specimen", "timing", "note"), sentences)
    optional["laboratory"] = words(terms.Laboratory)
    return mappings({"source": where["source"], "locator": sentences}, optional).map(lambda values: Testing(**values))


def hypotheses(of: Sequence[Source]) -> st.SearchStrategy[Hypothesis]:
    """Any facts on what an arm was planned to show."""
    where = read_in(of)
    optional: Strategies = {
        **dict.fromkeys(("p0", "p1", "alpha", "power"), percents),
        "endpoint": words(terms.Endpoint),
        "alpha_sides": st.integers(1, 2),
        "stages": st.integers(1, 10),
        "planned_n": st.integers(1, 500),
        "primary": truths,
        "met": truths,
        "note": sentences,
    }
    required: Strategies = {"source": where["source"], "locator": sentences}
    return mappings(required, optional).map(lambda values: Hypothesis(**values))


@st.composite
def arms(
    draw: st.DrawFn, key: str, others: Sequence[str], known: tuple[Sequence[str], Sequence[str]], of: Sequence[Source]
) -> Arm:
    """Any arm with this key; `others` may be inside it, `known` are the keys of agents and definitions."""
    selected = draw(truths)
    required: Strategies = {
        "label": sentences,
        "agents": some_of(known[0], 1),
        "btc_only": truths,
    }
    optional: Strategies = {
        "n": counts,
        "line": words(terms.Line),
        "dose": sentences,
        "sites": tuples(words(terms.Site)),
        "parts": some_of(others),
        "overlaps": some_of(others),
        "populations": tuples(populations(), by=lambda population: population.key),
        "testing": testings(of),
        "hypothesis": hypotheses(of),
        "note": sentences,
    }
    if selected and known[1]:
        optional["definition"] = st.sampled_from(known[1])
    return Arm(key=key, her2_selected=selected, **draw(mappings(required, optional)))


# --- figures ----------------------------------------------------------------------------------------------------------


@st.composite
def whose(draw: st.DrawFn, arms: Sequence[Arm], of: Sequence[Source]) -> Values:
    """The fields that every figure has: whose it is and where it was read."""
    arm, source = draw(st.sampled_from(arms)), draw(st.sampled_from(of))
    optional: Strategies = {"suspect": sentences, "note": sentences}
    if arm.populations:
        optional["population"] = st.sampled_from([population.key for population in arm.populations])
    if source.cutoffs:
        optional["cutoff"] = st.sampled_from(source.cutoffs)
    required: Strategies = {"locator": sentences}
    if len(source.cutoffs) > 1:
        required["cutoff"] = optional.pop("cutoff")
    return {"arm": arm.key, "source": source.key, **draw(mappings(required, optional))}


def _present(values: Values) -> Values:
    return {name: value for name, value in values.items() if value is not None}


@st.composite
def shares(draw: st.DrawFn, *, events: bool = True) -> Values:
    """Events, n and percent; events never exceed n, and at least one of events and percent is there."""
    n = draw(st.none() | counts)
    values = {
        "n": n,
        "events": draw(st.none() | st.integers(0, 500 if n is None else n)) if events else None,
        "percent": draw(percents),
    }
    if values["events"] is not None and draw(truths):
        values["percent"] = None
    return _present(values)


@st.composite
def intervals(draw: st.DrawFn, number: st.SearchStrategy[Any], *, level: bool = True) -> Values:
    """Two ends in order, or one of them, or none; a level only beside an end."""
    low, high = draw(st.none() | number), draw(st.none() | number)
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        low, high = sorted((low, high))
    if low is None and high is None:
        return {}
    ends = {"low": low, "high": high, "sides": draw(words(terms.Sides))}
    return _present({**ends, "level": draw(st.none() | numbers(50, 99)) if level else None})


def _read_by() -> Strategies:
    return {"assessor": words(terms.Assessor), "definition": sentences, "interval_method": sentences}


def _clock() -> Strategies:
    return {"unit": words(terms.Unit), "origin": words(terms.Origin), **_read_by()}


_times = st.sampled_from([endpoint for endpoint in terms.Endpoint if endpoint.is_time])
_responses = st.sampled_from([endpoint for endpoint in terms.Endpoint if not endpoint.is_time])


@st.composite
def proportions(draw: st.DrawFn, arms: Sequence[Arm], of: Sequence[Source]) -> Proportion:
    """Any proportion."""
    rest = draw(mappings({"endpoint": _responses}, {"confirmed": truths, **_read_by()}))
    return Proportion(**draw(whose(arms, of)), **draw(shares()), **draw(intervals(percents)), **rest)


@st.composite
def durations(draw: st.DrawFn, arms: Sequence[Arm], of: Sequence[Source]) -> Duration:
    """Any median; a level only where its ends are a confidence interval."""
    interval = draw(words(terms.Interval))
    value = numbers(0, 100) | words(terms.Reach)
    ends = draw(intervals(value, level=interval is terms.Interval.CI))
    rest = draw(mappings({"endpoint": _times, "median": value}, {"n": counts, **_clock()}))
    return Duration(**draw(whose(arms, of)), **ends, **rest, interval=interval)


@st.composite
def landmarks(draw: st.DrawFn, arms: Sequence[Arm], of: Sequence[Source]) -> Landmark:
    """Any rate at a time."""
    share = {"percent": draw(percents), **draw(shares())}
    rest = draw(mappings({"endpoint": _times, "at": numbers(0, 100)}, _clock()))
    return Landmark(**draw(whose(arms, of)), **share, **draw(intervals(percents)), **rest)


@st.composite
def contrasts(draw: st.DrawFn, arms: Sequence[Arm], of: Sequence[Source]) -> Contrast | None:
    """Any ratio of an arm or population over another; None where there is no other."""
    values = draw(whose(arms, of))
    references = [(arm.key, name) for arm in arms for name in (None, *(each.key for each in arm.populations))]
    references = [each for each in references if each != (values["arm"], values.get("population"))]
    if not references:
        return None
    arm, population = draw(st.sampled_from(references))
    required: Strategies = {
        "endpoint": words(terms.Endpoint),
        "kind": words(terms.Ratio),
        "role": words(terms.Role),
        "estimate": numbers(1, 50),
    }
    optional: Strategies = {"n": counts, "analysis": words(terms.Analysis), **_read_by()}
    values |= draw(mappings(required, optional)) | draw(intervals(numbers(0, 50)))
    bound = st.from_regex(r"[<>]0?\.[0-9]{1,4}", fullmatch=True)
    p = draw(mappings({"p": numbers(0, 1) | bound}, {"p_sides": st.integers(1, 2)}) | st.just({}))
    return Contrast(**values, **p, reference_arm=arm, reference_population=population)


@st.composite
def baselines(draw: st.DrawFn, arms: Sequence[Arm], of: Sequence[Source]) -> Baseline:
    """Any characteristic at entry: a share, or a median with what its ends are."""
    values: Values = draw(shares())
    if draw(truths):
        ends = {name: value for name, value in draw(intervals(numbers(0, 100), level=False)).items() if name != "sides"}
        kind = {"interval": draw(words(terms.Interval))} if ends else {}
        values = {"median": draw(numbers(0, 100)), **ends, **kind}
    rest = draw(mappings({"item": keys}, {"definition": sentences}))
    return Baseline(**draw(whose(arms, of)), **values, **rest)


@st.composite
def adverse_events(
    draw: st.DrawFn, arms: Sequence[Arm], of: Sequence[Source], agent_keys: Sequence[str]
) -> AdverseEvent:
    """Any adverse event of a grade."""
    required: Strategies = {"term": keys, "grade": words(terms.Grade), "attribution": words(terms.Attribution)}
    optional: Strategies = {
        "related_to": st.sampled_from(agent_keys),
        "serious": truths,
        "consequence": words(terms.Consequence),
        "definition": sentences,
    }
    return AdverseEvent(**draw(whose(arms, of)), **draw(shares()), **draw(mappings(required, optional)))


def _several(figure: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return tuples(figure, 2).map(lambda found: tuple(each for each in found if each is not None))


@st.composite
def trials(draw: st.DrawFn, key: str, others: Sequence[str], known: tuple[Sequence[str], Sequence[str]]) -> Trial:
    """Any study with this key; `others` are the keys of other studies, `known` those of agents and of definitions."""
    optional: Strategies = {
        "registry_ids": tuples(sentences),
        "phase": words(terms.Phase),
        "status": words(terms.Status),
        "planned_n": counts,
        "countries": tuples(st.from_regex("[A-Z]{2}", fullmatch=True)),
        "sponsor": sentences,
        "overlaps": some_of(others),
        "reviewed": dates,
        "note": sentences,
    }
    values = draw(mappings({"name": sentences, "design": words(terms.Design)}, optional))
    read = draw(tuples(sources(), 2, 1, by=lambda source: source.key))
    arm_keys = draw(tuples(keys, 2, 1))
    made = tuple(draw(arms(each, arm_keys[place + 1 :], known, read)) for place, each in enumerate(arm_keys))
    figures = Figures(
        proportions=draw(_several(proportions(made, read))),
        durations=draw(_several(durations(made, read))),
        landmarks=draw(_several(landmarks(made, read))),
        contrasts=draw(_several(contrasts(made, read))),
        baseline=draw(_several(baselines(made, read))),
        adverse_events=draw(_several(adverse_events(made, read, known[0]))),
    )
    return Trial(key=key, **values, sources=read, arms=made, figures=figures)


# --- variants ---------------------------------------------------------------------------------------------------------


@st.composite
def regions(draw: st.DrawFn, of: Sequence[Source]) -> ProteinRegion:
    """Any region of the protein."""
    start, end = sorted(draw(st.tuples(st.integers(1, 1255), st.integers(1, 1255))))
    where = read_in(of)
    required: Strategies = {
        "domain": words(terms.ProteinDomain),
        "source": where["source"],
        "locator": where["locator"],
    }
    return ProteinRegion(start=start, end=end, **draw(mappings(required, {"note": sentences})))


@st.composite
def variant_counts(draw: st.DrawFn, of: Sequence[Source]) -> VariantCount:
    """Any count of a variant."""
    where = read_in(of)
    required: Strategies = dict.fromkeys(("dataset", "version", "of"), sentences)
    required |= {"source": where["source"], "locator": where["locator"]}
    rest = draw(mappings(required, {"population": sentences, "note": sentences}))
    return VariantCount(**draw(shares()), **rest)


@st.composite
def variant_evidence(draw: st.DrawFn, agent_keys: Sequence[str], of: Sequence[Source]) -> VariantEvidence:
    """Any finding about a variant; a drug is named where the effect is on a drug."""
    effect = draw(words(terms.VariantEffect))
    drugs: Values = {}
    if effect.of_a_drug:
        others = draw(tuples(sentences.filter(lambda drug: drug not in agent_keys)))
        drugs = {"agents": draw(some_of(agent_keys, 0 if others else 1)), "other_drugs": others}
    n = draw(st.none() | counts)
    where = read_in(of)
    optional: Strategies = {
        "studied_in": words(terms.StudiedIn),
        "model": sentences,
        "events": st.integers(0, 500 if n is None else n),
        "report": st.integers(1, 10**8).map(str),
        "note": sentences,
    }
    if n is not None:
        optional["n"] = st.just(n)
    rest = draw(mappings({"source": where["source"], "locator": where["locator"]}, optional))
    if "events" not in rest:
        rest.pop("n", None)
    return VariantEvidence(effect=effect, **drugs, **rest)


@st.composite
def variants(draw: st.DrawFn, agent_keys: Sequence[str], of: Sequence[Source]) -> Variant:
    """Any variant with a count or a finding."""
    found: Values = {
        "counts": draw(tuples(variant_counts(of), 2)),
        "evidence": draw(tuples(variant_evidence(agent_keys, of), 2)),
    }
    if not any(found.values()):
        found["counts"] = (draw(variant_counts(of)),)
    key = draw(st.sampled_from(["S310F", "L755S", "Y772_A775dup", "G776delinsVC", "L755_T759del", "R288*"]))
    also = draw(tuples(st.sampled_from(["A775insYVMA", "exon 20 insertion", "del.755-759"])))
    return Variant(key=key, also=also, **found, **draw(mappings({}, {"note": sentences})))


# --- catalogs ---------------------------------------------------------------------------------------------------------


def _sorted(records: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(sorted(records, key=lambda record: record.key))


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    """Any catalog that `herbtc.read` may return: references lead somewhere, records are in the order of their keys."""
    agent_sources, definition_sources = (draw(tuples(sources(), 2, 1, by=lambda each: each.key)) for _ in range(2))
    classes = set(
        draw(tuples(st.just(terms.MechanismClass.ANTIBODY_DRUG_CONJUGATE) | words(terms.MechanismClass), 3, 1))
    )
    mechanisms = tuple(
        Mechanism(key=each, **draw(mappings({"name": sentences, "action": sentences}, read_in(agent_sources))))
        for each in terms.MechanismClass
        if each in classes
    )
    found = draw(tuples(agents(mechanisms, agent_sources), 3, 1, by=lambda agent: agent.key))
    defined = draw(tuples(definitions(definition_sources), by=lambda definition: definition.key))
    known = [agent.key for agent in found], [definition.key for definition in defined]
    trial_keys = draw(tuples(keys, 2, 1))
    made = [draw(trials(each, [key for key in trial_keys if key != each], known)) for each in trial_keys]
    variant_sources = draw(tuples(sources(), 2, 1, by=lambda each: each.key))
    protein_regions = draw(tuples(regions(variant_sources)))
    known_variants = draw(tuples(variants(known[0], variant_sources), by=lambda variant: variant.key))
    return Catalog(
        release="unreleased",
        protein_regions=tuple(sorted(protein_regions, key=lambda each: (each.start, each.end, each.domain))),
        variants=tuple(sorted(known_variants, key=lambda each: (*each.place, each.key))),
        variant_sources=variant_sources,
        mechanisms=mechanisms,
        agents=_sorted(found),
        definitions=_sorted(defined),
        trials=_sorted(made),
        agent_sources=agent_sources,
        definition_sources=definition_sources,
    )
