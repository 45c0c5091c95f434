"""Folders beside the shipped evidence: the same study in both, and corrections of shipped figures."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import herbtc
from herbtc import Catalog, DataError, measures, models, query, synthesis
from herbtc.models import FIGURE_KINDS, VALUES, Correction, Figures
from herbtc.terms import Endpoint, Reach

if TYPE_CHECKING:
    from pathlib import Path

STUDY = """
key = "own"
name = "Own study"
design = "retrospective"

[[sources]]
key = "records-2026"
kind = "unpublished"
title = "Records"

[[arms]]
key = "btc"
label = "BTC"
agents = ["zanidatamab"]
her2_selected = true
btc_only = true
"""

SOUND: dict[str, Any] = {
    "trial": "herizon-btc-01",
    "section": "proportions",
    "arm": "cohort-1",
    "source": "harding-2023",
    "endpoint": "orr",
    "field": "events",
    "printed": 33,
    "corrected": 34,
    "reason": "Letter of the authors",
    "by": "A. Curator",
}


def write(folder: Path, *corrections: dict[str, Any], **files: str) -> Path:
    (folder / "trials").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / "trials" / f"{name}.toml").write_text(text, "utf-8")
    if corrections:
        lines = []
        for each in corrections:
            lines += ["[[corrections]]", *(f"{key} = {value!r}" for key, value in each.items()), "on = 2026-01-10"]
        (folder / "corrections.toml").write_text("\n".join(lines).replace("True", "true"), "utf-8")
    return folder


def correction(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (SOUND | changes).items() if value is not None}


def refused(folder: Path, base: Catalog | None = None) -> list[tuple[str, str, str]]:
    with pytest.raises(DataError) as caught:
        (base or herbtc.load()).extend(folder)
    return [(problem.file, problem.path, problem.message) for problem in caught.value.problems]


def figure(catalog: Catalog, key: str = "herizon-btc-01", source: str = "harding-2023") -> models.Proportion:
    found = catalog.trial(key).figures.proportions
    return next(each for each in found if each.source == source and each.endpoint is Endpoint.ORR)


# --- the same study in both -------------------------------------------------------------------------------------------


def test_a_study_under_a_shipped_key_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = write(tmp_path, **{"herizon-btc-01": STUDY.replace('"own"', '"herizon-btc-01"')})
    [(file, path, message)] = refused(folder)
    assert (file, path) == ("trials/herizon-btc-01.toml", "key")
    assert message.startswith("expected a new key; 'herizon-btc-01' is in the catalog already")
    assert message.endswith("put figures right in corrections.toml")


@pytest.mark.parametrize("spelt", [str, str.lower])
def test_a_study_under_a_shipped_registration_is_refused_with_what_to_do(tmp_path: Path, spelt: Any) -> None:
    ids = f'registry_ids = ["NCT99999999", "{spelt("NCT04466891")}"]\ndesign'
    [(file, path, message)] = refused(write(tmp_path, own=STUDY.replace("design", ids, 1)))
    assert (file, path) == ("trials/own.toml", "registry_ids[1]")
    assert message.startswith("expected another study, or 'herizon-btc-01' in overlaps if some patients are the same")
    assert message.endswith("put figures right in corrections.toml")


def test_a_study_under_a_shipped_name_is_refused_with_what_to_do(tmp_path: Path) -> None:
    [(file, path, message)] = refused(write(tmp_path, own=STUDY.replace("Own study", "Herizon-BTC-01", 1)))
    assert (file, path) == ("trials/own.toml", "name")
    assert "'herizon-btc-01' in overlaps" in message


def test_a_study_that_declares_the_overlap_may_share_a_registration(tmp_path: Path) -> None:
    ids = 'registry_ids = ["NCT04466891"]\noverlaps = ["herizon-btc-01"]\ndesign'
    extended = herbtc.load().extend(write(tmp_path, own=STUDY.replace("design", ids, 1)))
    assert extended.trial("own").overlaps == ("herizon-btc-01",)


def test_nothing_that_is_shipped_is_the_same_study_twice() -> None:
    names = [name.casefold() for trial in herbtc.load().trials for name in (trial.name, *trial.registry_ids)]
    assert sorted(names) == sorted(set(names))


# --- corrections ------------------------------------------------------------------------------------------------------


def test_a_correction_changes_the_figure_it_names_and_no_other(tmp_path: Path) -> None:
    base = herbtc.load()
    before = pickle.dumps(base)
    extended = base.extend(write(tmp_path, correction()))
    assert (figure(base).events, figure(extended).events) == (33, 34)
    changed = [
        (trial.key, one)
        for trial, other in zip(base.trials, extended.trials, strict=True)
        for kind in FIGURE_KINDS
        for one, two in zip(getattr(trial.figures, kind), getattr(other.figures, kind), strict=True)
        if one != two
    ]
    assert changed == [("herizon-btc-01", figure(base))]
    assert pickle.dumps(base) == before


def test_a_corrected_figure_says_so_everywhere(tmp_path: Path) -> None:
    extended = herbtc.load().extend(write(tmp_path, correction()))
    said = "events 33 → 34: Letter of the authors (A. Curator, 2026-01-10)"
    assert figure(extended).corrected == said
    [made] = extended.corrections
    assert (made.trial, made.printed, made.corrected) == ("herizon-btc-01", Decimal(33), Decimal(34))
    assert str(made) == said
    assert str(extended).endswith(", 1 corrections")
    frame = query.proportions(endpoint="orr", reports="all", catalog=extended)
    row = frame[(frame["trial"] == "herizon-btc-01") & (frame["source"] == "harding-2023")]
    assert row[["events", "corrected"]].loc[row["arm"] == "cohort-1"].to_numpy().tolist() == [[34, said]]
    assert frame["corrected"].notna().sum() == 1
    assert query.proportions(reports="all")["corrected"].isna().all()


def test_a_corrected_figure_is_pooled_as_corrected(tmp_path: Path) -> None:
    newest = query.proportions(endpoint="orr", trial="herizon-btc-01", arm="cohort-1")["source"].item()
    found = figure(herbtc.load(), source=newest)
    made = correction(source=newest, printed=found.events, corrected=50)
    extended = herbtc.load().extend(write(tmp_path, made))
    trials = ["herb", "herizon-btc-01", "kcsg-hb19-14", "mypathway", "sgntuc-019"]
    rates = [
        query.proportions(endpoint="orr", trial=trials, her2="her2-positive", catalog=each) for each in (None, extended)
    ]
    shipped, corrected = (synthesis.pool(measures.effects(each, "logit")) for each in rates)
    assert corrected.estimate > shipped.estimate
    assert corrected.rows["corrected"].notna().sum() == 1


def test_several_fields_of_a_figure_are_corrected_at_once(tmp_path: Path) -> None:
    # 90 of 80 would be refused; 90 of 100 is not.
    fields = correction(corrected=90), correction(field="n", printed=80, corrected=100)
    extended = herbtc.load().extend(write(tmp_path, *fields))
    assert (figure(extended).events, figure(extended).n) == (90, 100)
    assert str(figure(extended).corrected).count("→") == 2


def test_a_field_can_be_filled_in_emptied_and_marked_suspect(tmp_path: Path) -> None:
    shipped = figure(herbtc.load())
    fields = (
        correction(field="note", printed=shipped.note, corrected="Read again"),
        correction(field="low", printed=float(str(shipped.low)), corrected=None),
        correction(field="suspect", printed=None, corrected="contradicted by the letter"),
    )
    extended = herbtc.load().extend(write(tmp_path, *fields))
    assert (figure(extended).note, figure(extended).low) == ("Read again", None)
    assert figure(extended).suspect == "contradicted by the letter"
    assert "low 30.4 → not reported" in str(figure(extended).corrected)


def test_a_median_can_be_corrected_to_not_reached(tmp_path: Path) -> None:
    shipped = next(
        each
        for each in herbtc.load().trial("herizon-btc-01").figures.durations
        if isinstance(each.median, Decimal) and each.endpoint is Endpoint.OS and each.source == "pant-2025"
    )
    made = correction(
        section="durations",
        source="pant-2025",
        arm=shipped.arm,
        population=shipped.population,
        endpoint="os",
        field="median",
        printed=float(shipped.median) if isinstance(shipped.median, Decimal) else None,
        corrected="not-reached",
    )
    extended = herbtc.load().extend(write(tmp_path, made))
    found = [each for each in extended.trial("herizon-btc-01").figures.durations if each.corrected]
    assert [each.median for each in found] == [Reach.NOT_REACHED]


def test_a_catalog_that_was_corrected_can_be_corrected_again(tmp_path: Path) -> None:
    once = herbtc.load().extend(write(tmp_path / "one", correction()))
    twice = once.extend(write(tmp_path / "two", correction(printed=34, corrected=35)))
    assert figure(twice).events == 35
    assert str(figure(twice).corrected).split("; ") == [str(each) for each in twice.corrections]
    [(_, path, _)] = refused(tmp_path / "one", once)
    assert path == "corrections[0].printed"


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"printed": 32}, "printed", "the figure that this corrects says 33 now, not 32; look at it again"),
        ({"printed": None}, "printed", "the figure that this corrects says 33 now, not None; look at it again"),
        ({"trial": "herizon"}, "trial", "expected a study of the catalog that is extended, got 'herizon'"),
        ({"source": "harding-2022"}, "", "expected a figure of proportions; of this arm and source there are: none"),
        (
            {"endpoint": "pfs"},
            "",
            "expected a figure of proportions; of this arm and source there are: endpoint=orr assessor=",
        ),
        (
            {"source": "pant-2024", "endpoint": None},
            "",
            "expected one figure, but this names several; tell them apart: ",
        ),
        ({"population": "ihc-2+"}, "", "expected a figure of proportions; "),
        ({"field": "median"}, "field", "expected a field of proportions, got 'median'"),
        ({"corrected": "many"}, "corrected", "expected a whole number, got 'many'"),
        ({"corrected": 33.5}, "corrected", "expected a whole number, got 33.5"),
        ({"corrected": 81}, "corrected", "events: expected events ≤ n, got 81 > 80"),
        (
            {"field": "sides", "printed": "two", "corrected": None},
            "corrected",
            "sides: expected one of two lower upper, got ",
        ),
        ({"field": "sides", "printed": "two", "corrected": "both"}, "corrected", "expected one of two lower upper"),
        ({"field": "n", "printed": 80, "corrected": "not-reached"}, "corrected", "expected a whole number"),
        ({"corrected": 33}, "printed", "expected another value than the printed one, got 33"),
        ({"section": "rates"}, "section", "expected one of proportions durations "),
        ({"field": "corrected"}, "field", "expected one of n events percent "),
        ({"endpoint": "ORR"}, "endpoint", "expected one of orr dcr "),
        ({"reason": None}, "reason", "expected a value; the key is missing"),
        ({"by": None}, "by", "expected a value; the key is missing"),
    ],
)
def test_a_correction_that_cannot_be_made_is_refused(
    tmp_path: Path, changes: dict[str, Any], path: str, message: str
) -> None:
    [(file, place, said)] = refused(write(tmp_path, correction(**changes)))
    assert (file, place) == ("corrections.toml", f"corrections[0].{path}".rstrip("."))
    assert said.startswith(message)


def test_a_field_that_is_corrected_twice_is_refused(tmp_path: Path) -> None:
    [(_, path, message)] = refused(write(tmp_path, correction(), correction(corrected=35)))
    assert path == "corrections[1].field"
    assert message == "expected each field of a figure corrected once, got events again"


def test_all_corrections_that_cannot_be_made_are_told_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path, correction(printed=1), correction(trial="x"), correction(field="n", printed=2))
    assert [path for _, path, _ in refused(folder)] == [
        "corrections[0].printed",
        "corrections[1].trial",
        "corrections[2].printed",
    ]


def test_a_study_of_the_same_folder_is_corrected_in_its_own_file(tmp_path: Path) -> None:
    [(_, path, message)] = refused(write(tmp_path, correction(trial="own"), own=STUDY))
    assert path == "corrections[0].trial"
    assert message.endswith("correct your own in its file")


def test_a_study_file_cannot_say_that_it_was_corrected(tmp_path: Path) -> None:
    figures = '\n[figures]\nproportions = [{ arm = "btc", endpoint = "orr", events = 1, source = "records-2026", '
    text = f'{STUDY}{figures}locator = "x", corrected = "y" }}]\n'
    [(_, path, message)] = refused(write(tmp_path, own=text))
    assert path == "figures.proportions[0].corrected"
    assert message.startswith("unknown key; expected one of arm, ")


def test_where_several_figures_fit_the_one_that_says_no_more_is_meant(tmp_path: Path) -> None:
    base = herbtc.load()
    trial = base.trial("herizon-btc-01")
    plain = attrs.evolve(figure(base), assessor=None, confirmed=None, events=30)
    figures = attrs.evolve(trial.figures, proportions=(*trial.figures.proportions, plain))
    others = tuple(each for each in base.trials if each.key != trial.key)
    both = attrs.evolve(base, trials=(*others, attrs.evolve(trial, figures=figures)))
    extended = both.extend(write(tmp_path, correction(printed=30, corrected=31)))
    assert [each.events for each in extended.trial(trial.key).figures.proportions if each.corrected] == [31]


def test_every_field_that_names_a_figure_can_name_it_in_a_correction() -> None:
    naming = {
        field.name: field.type
        for kind in attrs.fields(Figures)
        for field in attrs.fields(_class(kind.type))
        if field.name not in VALUES
    }
    fields = {field.name: str(field.type).removesuffix(" | None") for field in attrs.fields(Correction)}
    for name, type_ in naming.items():
        assert fields[name].rpartition(".")[2].strip("<>'") in str(type_), name


def _class(type_: Any) -> type:
    made: type = type_.__args__[0]
    return made


def test_what_a_figure_is_about_tells_it_from_all_others() -> None:
    for trial in herbtc.load().trials:
        for kind in FIGURE_KINDS:
            about = [each.about for each in getattr(trial.figures, kind)]
            assert len(about) == len(set(about)), (trial.key, kind)
