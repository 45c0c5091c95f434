"""Expand the clauses of the HER2 testing guidelines, stated here as tables, into score.csv and classify.csv.

The tables are written from the guidelines (clauses.toml says where each clause was seen), not from herbtc, which is not
imported: the code under test must not have had a say in what is expected of it. Run in this folder: python expand.py
"""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
BREAST = ("breast-2018", "breast-2023")
CRITERIA = ("gastric-2016", *BREAST)
SPECIMENS = ("biopsy", "resection", "cytology")

# --- scores of raw staining -------------------------------------------------------------------------------------------

MEMBRANOUS = frozenset({"incomplete", "lateral", "basolateral", "complete"})
INCOMPLETE = frozenset({"incomplete", "lateral", "basolateral"})
GASTRIC_FULL = frozenset({"lateral", "basolateral", "complete"})
CYTOPLASMIC = frozenset({"cytoplasmic-only"})
FAINT = frozenset({"faint"})
WEAK_TO_MODERATE = frozenset({"weak", "moderate"})
MODERATE_TO_STRONG = frozenset({"moderate", "strong"})
STRONG = frozenset({"strong"})
STAINED = FAINT | WEAK_TO_MODERATE | STRONG

PERCENTS = ("0.1", "1", "9", "9.9", "10", "10.1", "11", "50", "100")
INTENSITIES = ("faint", "weak", "moderate", "strong")
PATTERNS = ("incomplete", "lateral", "basolateral", "complete", "cytoplasmic-only")
CLUSTERS = ("1", "4", "5", "6", "20")
NO_SCORE = "not-covered"


class Staining(NamedTuple):
    """A clause on staining: what of the tumour's cells is stained how, and the score it gets."""

    key: str
    percent: str  # a bound, or "any"
    cluster: str  # a bound, or "any"
    intensity: frozenset[str]
    pattern: frozenset[str]
    score: str
    accept: str = ""  # what a careful reader may answer instead


SURGICAL_GASTRIC = (
    Staining("gastric-ihc-0-resection", "<10", "any", STAINED, MEMBRANOUS, "0"),
    Staining("gastric-ihc-0-resection", "any", "any", STAINED, CYTOPLASMIC, "0", NO_SCORE),
    Staining("gastric-ihc-1-resection", ">=10", "any", FAINT, INCOMPLETE, "1+"),
    Staining("gastric-ihc-2-resection", ">=10", "any", WEAK_TO_MODERATE, GASTRIC_FULL, "2+"),
    Staining("gastric-ihc-3-resection", ">=10", "any", STRONG, GASTRIC_FULL, "3+"),
    Staining("gastric-ihc-pattern-open", ">=10", "any", FAINT, frozenset({"complete"}), NO_SCORE, "1+"),
    Staining("gastric-ihc-pattern-open", ">=10", "any", STAINED - FAINT, frozenset({"incomplete"}), NO_SCORE),
)
BIOPSY_GASTRIC = (
    Staining("gastric-ihc-0-biopsy", "any", "any", STAINED, CYTOPLASMIC, "0", NO_SCORE),
    Staining("gastric-ihc-cluster-below-5", "any", "<5", STAINED, MEMBRANOUS, NO_SCORE),
    Staining("gastric-ihc-1-biopsy", "any", ">=5", FAINT, MEMBRANOUS, "1+"),
    Staining("gastric-ihc-2-biopsy", "any", ">=5", WEAK_TO_MODERATE, GASTRIC_FULL, "2+"),
    Staining("gastric-ihc-3-biopsy", "any", ">=5", STRONG, GASTRIC_FULL, "3+"),
    Staining("gastric-ihc-pattern-open", "any", ">=5", STAINED - FAINT, frozenset({"incomplete"}), NO_SCORE),
)
TISSUE_BREAST = (
    Staining("breast-ihc-3", ">10", "any", STRONG, frozenset({"complete"}), "3+"),
    Staining("breast-ihc-2", ">10", "any", WEAK_TO_MODERATE, frozenset({"complete"}), "2+"),
    Staining("breast-ihc-1", ">10", "any", FAINT, INCOMPLETE, "1+"),
    Staining("breast-ihc-0", "<=10", "any", FAINT, INCOMPLETE, "0"),
    Staining("breast-ihc-unusual-limited", "<=10", "any", STRONG, frozenset({"complete"}), "2+"),
    Staining("breast-ihc-unusual-incomplete", ">10", "any", MODERATE_TO_STRONG, INCOMPLETE, "2+"),
    Staining("breast-ihc-unusual", "any", "any", STAINED, MEMBRANOUS, "2+", NO_SCORE),
    Staining("breast-ihc-cytoplasmic", "any", "any", STAINED, CYTOPLASMIC, NO_SCORE, "0|2+"),
)
# Cell blocks are admitted (gastric-cytology), but no scheme of scoring them was seen in either guideline: the score
# that a biopsy or, of the breast, tissue would get is accepted, and none is expected.
TABLES = {
    ("gastric-2016", "resection"): SURGICAL_GASTRIC,
    ("gastric-2016", "biopsy"): BIOPSY_GASTRIC,
    ("gastric-2016", "cytology"): BIOPSY_GASTRIC,
    **{(criteria, specimen): TISSUE_BREAST for criteria in BREAST for specimen in SPECIMENS},
}
UNSTAINED = {
    ("gastric-2016", "resection"): "gastric-ihc-0-resection",
    ("gastric-2016", "biopsy"): "gastric-ihc-0-biopsy",
    ("gastric-2016", "cytology"): "gastric-ihc-0-biopsy",
    **{(criteria, specimen): "breast-ihc-0" for criteria in BREAST for specimen in SPECIMENS},
}
SCORE_COLUMNS = ("criteria", "specimen", "percent", "intensity", "pattern", "cluster", "score", "accept", "clause")


class Verdict(NamedTuple):
    """What is expected of a row, what else may be answered, and the clause."""

    answer: str
    accept: str
    clause: str


def holds(bound: str, value: str) -> bool:
    """Whether a number written as text keeps a bound written as text."""
    if bound == "any":
        return True
    limit = float(bound.lstrip("<>="))
    number = float(value)
    return {"<": number < limit, "<=": number <= limit, ">": number > limit, ">=": number >= limit}[
        bound.rstrip("0123456789.")
    ]


def full_staining(table: tuple[Staining, ...], percent: str, intensity: str, pattern: str, cluster: str) -> Verdict:
    """The first clause of a table that fits a stained specimen of which everything is stated."""
    for clause in table:
        if (
            intensity in clause.intensity
            and pattern in clause.pattern
            and holds(clause.percent, percent)
            and holds(clause.cluster, cluster)
        ):
            return Verdict(clause.score, clause.accept, clause.key)
    raise LookupError((percent, intensity, pattern, cluster))


def completions(
    table: tuple[Staining, ...], percent: str, intensity: str, pattern: str, cluster: str, *, patterns: tuple[str, ...]
) -> set[Verdict]:
    """What a stained specimen may turn out to get, whatever the values that are not stated."""
    return {
        full_staining(table, *completion)
        for completion in itertools.product(
            (percent,) if percent else PERCENTS,
            (intensity,) if intensity else INTENSITIES,
            (pattern,) if pattern else patterns,
            (cluster,) if cluster else CLUSTERS,
        )
    }


def staining(table: tuple[Staining, ...], percent: str, intensity: str, pattern: str, cluster: str) -> Verdict:
    """What a stained specimen gets of which something may not be stated: the score that every completion would get."""
    found = (table, percent, intensity, pattern, cluster)
    verdicts = completions(*found, patterns=PATTERNS)
    answers = {verdict.answer for verdict in verdicts}
    accepted = {score for verdict in verdicts for score in verdict.accept.split("|") if score}
    if len(answers) == 1:
        if len(verdicts) > 1 and (accepted or answers == {NO_SCORE}):
            accepted.add("unknown")
        clauses = "|".join(sorted({verdict.clause for verdict in verdicts}))
        return Verdict(answers.pop(), "|".join(sorted(accepted)), clauses)
    # Staining whose pattern is not stated may be read as membranous, which is what is scored.
    membranous = {verdict.answer for verdict in completions(*found, patterns=tuple(sorted(MEMBRANOUS)))}
    accepted = {NO_SCORE} & answers | (membranous if len(membranous) == 1 else set())
    return Verdict("unknown", "|".join(sorted(accepted)), "incomplete-findings")


def score_rows() -> list[tuple[str, ...]]:
    """The rows of score.csv."""
    rows: list[tuple[str, ...]] = []
    for criteria, specimen in itertools.product(CRITERIA, SPECIMENS):
        table = TABLES[criteria, specimen]
        by_cluster = table is BIOPSY_GASTRIC
        cytology = specimen == "cytology"
        unstained = Verdict(NO_SCORE, "0", f"{criteria.split('-')[0]}-cytology")
        if not cytology:
            unstained = Verdict("0", "", UNSTAINED[criteria, specimen])
        rows.append((criteria, specimen, "0", "none", "none", "", *unstained))
        rows.append((criteria, specimen, "0", "", "", "", *unstained))
        nothing = Verdict("unknown", NO_SCORE if cytology else "", "incomplete-findings")
        rows.append((criteria, specimen, "", "", "", "", *nothing))
        for percent, intensity, pattern, cluster in itertools.product(
            ("", *PERCENTS), ("", *INTENSITIES), ("", *PATTERNS), ("", *CLUSTERS) if by_cluster else ("",)
        ):
            if not percent and not intensity and not pattern and not cluster:
                continue  # nothing says that anything is stained: the row above
            verdict = staining(table, percent, intensity, pattern, cluster)
            if cytology:
                accepted = {verdict.answer, *verdict.accept.split("|")} - {"", NO_SCORE}
                verdict = Verdict(NO_SCORE, "|".join(sorted(accepted)), f"{criteria.split('-')[0]}-cytology")
            rows.append((criteria, specimen, percent, intensity, pattern, cluster, *verdict))
    return rows


# --- status from the IHC score and in-situ hybridisation --------------------------------------------------------------

IHC = ("", "0", "1+", "2+", "3+")
RATIOS = ("1.0", "1.99", "2.0", "2.2", "5.0")
COPIES = ("", "3.0", "3.99", "4.0", "5.99", "6.0", "6.01", "8.0")


class Signals(NamedTuple):
    """A clause on signals per cell: what of an assay falls into which group."""

    key: str
    ratio: str
    copies: str  # "missing" is met by no number
    group: str
    accept_group: str = ""


DUAL_GASTRIC = (
    Signals("gastric-ish-ratio", ">=2.0", "any", "positive"),
    Signals("gastric-ish-copies", "<2.0", ">6.0", "positive"),
    Signals("gastric-ish-copies-6", "<2.0", ">=6.0", "positive", "negative"),
    Signals("gastric-ish-copies-4-to-6", "<2.0", ">=4.0", "negative", "open"),
    Signals("gastric-ish-negative", "<2.0", "<4.0", "negative"),
    Signals("gastric-ish-copies-missing", "<2.0", "missing", "open"),
)
DUAL_BREAST = (
    Signals("breast-ish-group-1", ">=2.0", ">=4.0", "G1"),
    Signals("breast-ish-group-2", ">=2.0", "<4.0", "G2"),
    Signals("breast-ish-group-3", "<2.0", ">=6.0", "G3"),
    Signals("breast-ish-group-4", "<2.0", ">=4.0", "G4"),
    Signals("breast-ish-group-5", "<2.0", "<4.0", "G5"),
    Signals("breast-ish-copies-missing", ">=2.0", "missing", "G1|G2"),
    Signals("breast-ish-copies-missing", "<2.0", "missing", "G3|G4|G5"),
)
SINGLE_GASTRIC = (
    Signals("gastric-ish-copies", "any", ">6.0", "positive"),
    Signals("gastric-ish-copies-6", "any", ">=6.0", "positive", "negative"),
    Signals("gastric-ish-single-probe-below-6", "any", "<6.0", "open", "negative"),
)
SINGLE_BREAST = (
    Signals("breast-ish-single-positive", "any", ">=6.0", "single-positive"),
    Signals("breast-ish-single-equivocal", "any", ">=4.0", "single-equivocal"),
    Signals("breast-ish-single-negative", "any", "<4.0", "single-negative"),
)


class Rule(NamedTuple):
    """A clause on the status: IHC score and group of ISH, and what follows."""

    ihc: str
    group: str  # groups divided by blanks; "-" is an assay that was not done
    status: str
    next_test: str
    key: str
    discordant: str = "no"
    accept: str = ""
    recount: str = ""  # whether a blinded second count has confirmed the group, where the guideline asks for one
    accept_next: str = ""


GASTRIC_RULES = (
    Rule("3+", "- negative", "positive", "none", "gastric-ihc-3-positive"),
    Rule("3+", "positive open", "positive", "none", "gastric-ihc-3-positive"),
    Rule("0 1+", "- negative open", "negative", "none", "gastric-ihc-0-1-negative"),
    Rule("0 1+", "positive", "negative", "none", "gastric-ihc-0-1-negative", "yes"),
    Rule("2+", "-", "equivocal", "reflex-ish", "gastric-ihc-2-equivocal", accept="unknown"),
    Rule("2+", "positive", "positive", "none", "gastric-ihc-2-ish"),
    Rule("2+", "negative", "negative", "none", "gastric-ihc-2-ish"),
    Rule("2+", "open", "equivocal", "", "gastric-ihc-2-ish", accept="unknown"),
    Rule("", "-", "unknown", "ihc", "gastric-ihc-first"),
    Rule("", "positive", "unknown", "ihc", "gastric-ihc-first", accept="positive"),
    Rule("", "negative open", "unknown", "ihc", "gastric-ihc-first"),
)
BREAST_RULES = (
    Rule("", "-", "unknown", "ihc", "breast-no-test", accept_next="ihc-or-ish"),
    Rule("3+", "-", "positive", "none", "breast-ihc-3-positive"),
    Rule("2+", "-", "equivocal", "reflex-ish", "breast-ihc-2-equivocal", accept="unknown"),
    Rule("0 1+", "-", "negative", "none", "breast-ihc-0-1-negative"),
    Rule("", "G1", "positive", "none", "breast-group-1"),
    Rule("0 1+", "G1", "positive", "none", "breast-group-1", "yes"),
    Rule("2+ 3+", "G1", "positive", "none", "breast-group-1"),
    Rule("", "G5", "negative", "none", "breast-group-5"),
    Rule("0 1+ 2+", "G5", "negative", "none", "breast-group-5"),
    Rule("3+", "G5", "positive", "none", "breast-ihc-3-positive", "yes"),
    Rule("", "G2", "unknown", "ihc", "breast-group-2", accept="equivocal"),
    Rule("", "G3", "unknown", "ihc", "breast-group-3", accept="equivocal"),
    Rule("", "G4", "unknown", "ihc", "breast-group-4", accept="equivocal"),
    Rule("3+", "G2", "positive", "none", "breast-group-2"),
    Rule("3+", "G3", "positive", "none", "breast-group-3"),
    Rule("3+", "G4", "positive", "none", "breast-group-4"),
    Rule("0 1+", "G2", "negative", "none", "breast-group-2"),
    Rule("0 1+", "G3", "negative", "none", "breast-group-3"),
    Rule("0 1+", "G4", "negative", "none", "breast-group-4"),
    Rule("2+", "G2", "unknown", "recount", "breast-group-2", accept="equivocal|negative", recount="no"),
    Rule("2+", "G3", "unknown", "recount", "breast-group-3", accept="equivocal|positive", recount="no"),
    Rule("2+", "G4", "unknown", "recount", "breast-group-4", accept="equivocal|negative", recount="no"),
    Rule("2+", "G2", "negative", "none", "breast-group-2", recount="yes"),
    Rule("2+", "G3", "positive", "none", "breast-group-3", recount="yes"),
    Rule("2+", "G4", "negative", "none", "breast-group-4", recount="yes"),
    Rule("3+", "G1|G2", "positive", "none", "breast-ihc-3-positive"),
    Rule("3+", "G3|G4|G5", "positive", "none", "breast-ihc-3-positive"),
    Rule("0 1+", "G3|G4|G5", "negative", "none", "breast-ihc-0-1-negative"),
    Rule("0 1+", "G1|G2", "unknown", "copies", "breast-ish-copies-missing"),
    Rule("2+", "G1|G2 G3|G4|G5", "equivocal", "copies", "breast-ish-copies-missing", accept="unknown"),
    Rule("", "G1|G2 G3|G4|G5", "unknown", "copies", "breast-ish-copies-missing", accept_next="ihc"),
    Rule("", "single-positive", "positive", "ihc", "breast-ish-single-positive", accept_next="none"),
    Rule("0 1+", "single-positive", "positive", "none", "breast-ish-single-positive", "yes"),
    Rule("2+ 3+", "single-positive", "positive", "none", "breast-ish-single-positive"),
    Rule("", "single-negative", "negative", "ihc", "breast-ish-single-negative", accept_next="none"),
    Rule("0 1+ 2+", "single-negative", "negative", "none", "breast-ish-single-negative"),
    Rule("3+", "single-negative", "positive", "none", "breast-ihc-3-positive", "yes"),
    Rule(
        "",
        "single-equivocal",
        "equivocal",
        "ihc-or-dual-probe-ish",
        "breast-ish-single-equivocal",
        accept="unknown",
        accept_next="ihc|dual-probe-ish",
    ),
    Rule("0 1+", "single-equivocal", "negative", "none", "breast-ish-single-equivocal"),
    Rule("2+", "single-equivocal", "equivocal", "dual-probe-ish", "breast-ish-single-equivocal", accept="unknown"),
    Rule("3+", "single-equivocal", "positive", "none", "breast-ish-single-equivocal"),
)
# IHC 3+ beside an assay without amplification is discordant whatever the criteria call it, and so named.
DISCORDANT_GASTRIC = {("3+", "negative"), ("0", "positive"), ("1+", "positive")}
# What would settle a gastric 2+ whose ISH leaves it open.
OPEN_GASTRIC = {"gastric-ish-copies-missing": "copies", "gastric-ish-single-probe-below-6": "dual-probe-ish"}
CLASSIFY_COLUMNS = (
    "criteria",
    "ihc",
    "probe",
    "ratio",
    "copies",
    "cep17",
    "recount",
    "ish",
    "group",
    "status",
    "accept",
    "settled",
    "next_test",
    "accept_next",
    "discordant",
    "db04_low",
    "clause",
    "ish_clause",
)


def signals(table: tuple[Signals, ...], ratio: str, copies: str) -> Signals:
    """The first clause of a table that fits an assay."""
    for clause in table:
        fits = not copies if clause.copies == "missing" else (not copies and clause.copies == "any")
        fits = fits or (bool(copies) and clause.copies != "missing" and holds(clause.copies, copies))
        if fits and holds(clause.ratio, ratio):
            return clause
    raise LookupError((ratio, copies))


def destiny_breast04(ihc: str, status: str, ish: str) -> str:
    """HER2-low as DESTINY-Breast04 reads it: IHC 1+, or 2+ without amplification, in a tumour that is not positive."""
    if not ihc or (ihc == "2+" and status in {"equivocal", "unknown"}) or (ihc == "1+" and status == "unknown"):
        return "unknown"
    return "yes" if ihc in {"1+", "2+"} and status == "negative" and ish != "positive" else "no"


def assays(criteria: str) -> list[tuple[str, str, str, str, Signals]]:
    """Every assay of the product: probe, ratio, copies, CEP17 and its clause."""
    gastric = criteria == "gastric-2016"
    found = [("none", "", "", "", Signals("", "any", "any", "-"))]
    for ratio, copies in itertools.product(RATIOS, COPIES):
        clause = signals(DUAL_GASTRIC if gastric else DUAL_BREAST, ratio, copies)
        found.append(("dual", ratio, copies, "", clause))
        if copies:
            found.append(("dual", ratio, copies, f"{float(copies) / float(ratio):.3f}", clause))
    for copies in COPIES[1:]:
        clause = signals(SINGLE_GASTRIC if gastric else SINGLE_BREAST, "0", copies)
        found.append(("single", "", copies, "", clause))
    return found


def ish_result(group: str) -> str:
    """What the assay alone says, in the words of the guideline: groups 2 to 4 are no result without IHC."""
    return {
        "-": "",
        "G1": "positive",
        "G5": "negative",
        "single-positive": "positive",
        "single-negative": "negative",
        "single-equivocal": "equivocal",
        "positive": "positive",
        "negative": "negative",
    }.get(group, "open")


def other_readings(rules: tuple[Rule, ...], ihc: str, group: str) -> set[str]:
    """The statuses that follow where the assay is put into the other group that its sources leave open."""
    found = {
        status
        for rule in rules
        if ihc in rule.ihc.split(" ") and group in rule.group.split(" ")
        for status in (rule.status, *rule.accept.split("|"))
    }
    return found - {""}


def classify_rows() -> list[tuple[str, ...]]:
    """The rows of classify.csv."""
    rows: list[tuple[str, ...]] = []
    for criteria in CRITERIA:
        gastric = criteria == "gastric-2016"
        rules = GASTRIC_RULES if gastric else BREAST_RULES
        for ihc, (probe, ratio, copies, cep17, assay) in itertools.product(IHC, assays(criteria)):
            matching = [r for r in rules if ihc in r.ihc.split(" ") and assay.group in r.group.split(" ")]
            assert matching, (criteria, ihc, assay)
            for rule in matching:
                accepted = set(rule.accept.split("|")) - {""}
                if assay.accept_group:
                    accepted |= other_readings(rules, ihc, assay.accept_group) - {rule.status}
                next_test, accept_next = rule.next_test or OPEN_GASTRIC[assay.key], rule.accept_next
                if assay.key == "gastric-ish-copies-4-to-6" and ihc == "2+":
                    accept_next = "recount|alternative-probe"
                discordant = rule.discordant
                if gastric:
                    discordant = "yes" if (ihc, assay.group) in DISCORDANT_GASTRIC else "no"
                ish = ish_result(assay.group)
                rows.append(
                    (
                        criteria,
                        ihc,
                        probe,
                        ratio,
                        copies,
                        cep17,
                        rule.recount,
                        ish,
                        assay.group if assay.group.startswith("G") and "|" not in assay.group else "",
                        rule.status,
                        "|".join(sorted(accepted)),
                        "no" if rule.status in {"equivocal", "unknown"} else "yes",
                        next_test,
                        accept_next,
                        discordant,
                        "" if gastric else destiny_breast04(ihc, rule.status, ish),
                        rule.key,
                        assay.key,
                    )
                )
    return rows


def save(name: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Write a table beside this file."""
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    save("score.csv", SCORE_COLUMNS, score_rows())
    save("classify.csv", CLASSIFY_COLUMNS, classify_rows())
