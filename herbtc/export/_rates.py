"""Response rates as other programs take them: a flat table for meta-analysis, and evidence rows after CIViC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from herbtc import terms
from herbtc.catalog import Catalog, load
from herbtc.export._frames import refuse
from herbtc.terms import Design, Her2, IhcScore, IshResult, Partition, Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from herbtc.her2 import Clause
    from herbtc.models import Arm, Source, Trial

# --- events and n -----------------------------------------------------------------------------------------------------

_LABEL = (
    *("study", "trial", "arm", "population", "endpoint", "source", "locator"),
    *("assessor", "confirmed", "data_cutoff", "definition"),
)
_BESIDE = ("trial", "arm", "population", "agents", "line", "her2", "endpoint", "year", "source")


def events(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rates as a flat table of events and n, one row per study, for metafor, RevMan and the like.

    `study` labels each row once: the key of the study, with that of the arm, the population and so on where a study has
    several rows. With effects (`herbtc.measures.effects`) there are also `yi`, `vi` and `sei`, the standard error,
    which RevMan takes as *generic inverse variance*: it has no outcome type for the rate of a single group.

    Written with `csv`, R reads it with ``read.csv``, and ``rma(measure = "PLO", xi = events, ni = n, data = …)``
    gives the estimate of `herbtc.synthesis.pool` with ``test="wald"``.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the columns `events` and `n`, and `trial` or `study`.

    Returns
    -------
    pandas.DataFrame
        A new frame: `study`, what else of ``trial arm population agents line her2 endpoint year source`` is there, then
        ``events n`` and, of effects, ``yi vi sei``.

    Raises
    ------
    herbtc.DataError
        If a column is missing, or a row lacks events or n: such rows cannot be pooled, and leaving them out is for the
        analyst to do and to say.

    Examples
    --------
    >>> from herbtc import export, query
    >>> rates = query.proportions(endpoint="orr", trial="herizon-btc-01")
    >>> export.events(rates)[["study", "events", "n"]]
                          study  events   n
    0  herizon-btc-01, cohort-1      33  80
    1  herizon-btc-01, cohort-2       0   7
    """
    for name in ("events", "n"):
        if name not in frame.columns:
            raise refuse(name, "expected a column of numbers of patients; it is missing")
    labels = _labels(frame)
    without = labels[frame[["events", "n"]].isna().any(axis=1).to_numpy(bool)].tolist()
    if without:
        raise refuse("events", f"expected events and n in every row, dropna(subset=['events', 'n']); not so: {without}")
    made = pd.DataFrame({"study": labels.array})
    for name in (*_BESIDE, "events", "n", "yi", "vi"):
        if name in frame.columns:
            made[name] = frame[name].array
    if "vi" in made.columns:
        made["sei"] = np.sqrt(made["vi"].to_numpy(float))
    made.attrs = dict(frame.attrs)
    return made


def _labels(frame: pd.DataFrame) -> pd.Series[str]:
    names = [name for name in _LABEL if name in frame.columns]
    if not {"study", "trial"}.intersection(names):
        raise refuse("study", "expected a column study or trial; both are missing")
    found = frame[names[0]].astype("string")
    for name in names[1:]:
        if not found.duplicated().any():
            return found
        found = found.str.cat(frame[name].astype("string"), sep=", ", na_rep="")
    if found.duplicated().any():
        raise refuse("study", f"expected rows that differ; alike are {found[found.duplicated()].unique().tolist()}")
    return found


# --- after CIViC ------------------------------------------------------------------------------------------------------

# Names and identifiers of the Disease Ontology (allXREFinDO.tsv of DiseaseOntology/HumanDiseaseOntology).
_DISEASES = {
    None: ("biliary tract cancer", "DOID:4607"),
    Site.INTRAHEPATIC: ("intrahepatic cholangiocarcinoma", "DOID:4928"),
    Site.EXTRAHEPATIC: ("extrahepatic bile duct carcinoma", "DOID:4682"),
    Site.PERIHILAR: ("hilar cholangiocarcinoma", "DOID:4927"),
    Site.DISTAL: ("distal biliary tract carcinoma", "DOID:5923"),
    Site.CHOLANGIOCARCINOMA: ("cholangiocarcinoma", "DOID:4947"),
    Site.GALLBLADDER: ("gallbladder cancer", "DOID:3121"),
    # The ontology has no term for the two together.
    Site.GALLBLADDER_OR_EXTRAHEPATIC: ("biliary tract cancer", "DOID:4607"),
    Site.AMPULLA: ("ampulla of Vater cancer", "DOID:10020"),
}

_OVEREXPRESSION, _AMPLIFICATION, _MUTATION = "ERBB2 Overexpression", "ERBB2 Amplification", "ERBB2 Mutation"
_PROFILES = {
    Her2.IHC_3: _OVEREXPRESSION,
    Her2.IHC_2_ISH_POSITIVE: _AMPLIFICATION,
    Her2.AMPLIFIED: _AMPLIFICATION,
    Her2.PLASMA_AMPLIFIED: _AMPLIFICATION,
    Her2.MUTATED: _MUTATION,
}
_FIGURES = (
    *("endpoint", "events", "n", "percent", "low", "high", "level", "sides", "assessor", "confirmed"),
    *("events_derived", "data_cutoff", "locator", "suspect"),
)


def civic(frame: pd.DataFrame, *, catalog: Catalog | None = None) -> pd.DataFrame:
    """Return rates as evidence rows after CIViC, with the figures that CIViC has no place for.

    Columns up to `nct_ids` are named as in CIViC's tables of evidence (https://docs.civicdb.org); then come the study,
    arm, population, HER2 group and definition, and the figures. What does not follow from the data is empty:

    - `molecular_profile` is read off the HER2 stratum of the population, else off the clauses of the arm's HER2
      definition: IHC 3+ alone is overexpression, a positive ISH, copies or a plasma test amplification, a variant
      mutation; the clauses of a definition are joined by OR. A definition with a clause of another kind, such as IHC 2+
      without ISH, gives none.
    - `disease` and `doid` are those of the site, or of biliary tract cancer; empty where other tumours are mixed in.
    - `evidence_type` is Predictive where patients with a profile got a HER2-directed agent.
    - `evidence_level` is B, *clinical trial or other primary patient data*, for rates over several patients of studies
      that are no meta-analysis. A needs a consensus that no rate shows.
    - `evidence_direction`, `significance` and `rating` are judgements of a curator, and whether the agents of an arm
      were given together (`therapy_interaction_type`) is not on record: they are empty.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of `herbtc.query.proportions`.
    catalog : Catalog, optional
        The evidence that the frame came from; the shipped one by default.

    Raises
    ------
    herbtc.DataError
        If a column of `herbtc.query.proportions` is missing.
    herbtc.UnknownKeyError
        For a study, an arm or a source that is not in the catalog.

    Examples
    --------
    >>> from herbtc import export, query
    >>> rates = query.proportions(endpoint="orr", trial="herizon-btc-01", arm="cohort-1")
    >>> row = export.civic(rates).iloc[0]
    >>> row["molecular_profile"], row["doid"], row["therapies"], row["evidence_level"], int(row["events"])
    ('ERBB2 Amplification', 'DOID:4607', 'Zanidatamab', 'B', 33)
    """
    catalog = load() if catalog is None else catalog
    needed = ("trial", "arm", "population", "source", "her2", *_FIGURES)
    if missing := [name for name in needed if name not in frame.columns]:
        raise refuse(missing[0], "expected the columns of query.proportions; it is missing")
    rows = [_evidence(row, catalog) for row in frame.to_dict("records")]
    made = pd.DataFrame(
        {name: pd.array([row[name] for row in rows], dtype="string") for name in _EVIDENCE}, index=range(len(rows))
    )
    for name in ("trial", "arm", "population", "her2"):
        made[name] = frame[name].array
    made["definition"] = pd.array([row["definition"] for row in rows], dtype="string")
    for name in _FIGURES:
        made[name] = frame[name].array
    made.attrs = dict(frame.attrs)
    return made


_EVIDENCE = (
    *("molecular_profile", "disease", "doid", "therapies", "therapy_interaction_type", "evidence_type"),
    *("evidence_direction", "evidence_level", "significance", "citation_id", "source_type", "citation", "nct_ids"),
    "rating",
)


def _evidence(row: Mapping[Any, Any], catalog: Catalog) -> dict[str, str | None]:
    trial = catalog.trial(row["trial"])
    arm, source = trial.arm(row["arm"]), trial.source(row["source"])
    agents = [catalog.agent(key) for key in arm.agents]
    profile = _profile(arm, row["population"], catalog)
    disease, doid = _disease(arm, row["population"])
    directed = any(agent.mechanism.her2_directed for agent in agents)
    return dict.fromkeys(_EVIDENCE) | {
        "molecular_profile": profile,
        "disease": disease,
        "doid": doid,
        "therapies": ",".join(agent.name for agent in agents),
        "evidence_type": "Predictive" if profile and directed else None,
        "evidence_level": "B" if _several_patients(trial, row["n"]) else None,
        "citation_id": source.pmid,
        "source_type": "PubMed" if source.pmid else None,
        "citation": _citation(source),
        "nct_ids": ",".join(each for each in trial.registry_ids if each.startswith("NCT")) or None,
        "definition": arm.definition,
    }


def _several_patients(trial: Trial, n: Any) -> bool:
    return trial.design is not Design.META_ANALYSIS and not pd.isna(n) and n > 1


def _citation(source: Source) -> str | None:
    parts = (source.first_author, source.venue, source.year)
    return ", ".join(str(part) for part in parts if part is not None) or None


def _disease(arm: Arm, population: str) -> tuple[str | None, str | None]:
    of_population = [Site(each) for each in terms.strata(population) if each.by is Partition.SITE]
    if not (arm.btc_only or of_population):
        return None, None
    sites = of_population or (arm.sites if len(arm.sites) == 1 else ())
    return _DISEASES[sites[0] if sites else None]


def _profile(arm: Arm, population: str, catalog: Catalog) -> str | None:
    clauses = catalog.definition(arm.definition).any_of if arm.definition else ()
    of_arm = list(dict.fromkeys(map(_of_clause, clauses)))
    if strata := [each for each in terms.strata(population) if str(each) in set(map(str, Her2))]:
        # What all patients of an arm have, those of its strata have as well; of several profiles some have each.
        return _PROFILES.get(Her2(strata[0]), of_arm[0] if len(of_arm) == 1 else None)
    return None if None in of_arm else " OR ".join(each for each in of_arm if each) or None


def _of_clause(clause: Clause) -> str | None:
    # IHC beside a positive ISH only says which of the amplified tumours are meant.
    amplified = (
        clause.ish is IshResult.POSITIVE
        or bool(clause.ngs_amplified)
        or bool(clause.plasma_amplified)
        or any(least is not None for least in (clause.ish_ratio_min, clause.ish_copies_min, clause.ngs_copies_min))
    )
    others = (clause.her3_altered, clause.nrg1_fusion)
    if any(each is not None for each in others) or (clause.variant is not None and amplified):
        return None
    if amplified:
        return _AMPLIFICATION
    if clause.variant is not None:
        return _MUTATION
    return _OVEREXPRESSION if clause.ihc == (IhcScore.THREE,) and clause.ish is None else None
