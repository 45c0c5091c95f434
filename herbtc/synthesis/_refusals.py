"""What must not be pooled, and which rows are the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from herbtc import terms
from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES, rows_named

if TYPE_CHECKING:
    import pandas as pd


def provenance(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what herbtc.query knows about the patients of a frame, which travels with it in `attrs`."""
    return dict(frame.attrs.get("herbtc", {}))


def one_measure(frame: pd.DataFrame) -> str:
    """Return the measure of a frame; SynthesisError for missing columns, several measures or none."""
    missing = [name for name in ("events", "n", "measure", "yi", "vi") if name not in frame.columns]
    if missing:
        raise SynthesisError(f"missing columns: {', '.join(missing)}; measures.effects adds measure, yi and vi")
    found = list(dict.fromkeys(map(str, frame["measure"])))
    if len(found) > 1:
        named = "; ".join(f"{name}: {rows_named(frame, (frame['measure'] == name).to_numpy(bool))}" for name in found)
        raise SynthesisError(f"expected one measure, got several: {named}")
    if not found:
        raise SynthesisError("expected at least two studies, got none")
    look_up("measure", found[0], MEASURES)
    return found[0]


def refuse(rows: pd.DataFrame, *, mix: bool) -> None:
    """Raise SynthesisError, with the rows named, for what must not be pooled."""
    everything = np.ones(len(rows), bool)
    if len(rows) < 2:  # noqa: PLR2004
        named = f": {rows_named(rows, everything)}" if len(rows) else ""
        raise SynthesisError(f"expected at least two studies, got {len(rows)}{named}")
    yi, vi = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    if (bad := ~(vi > 0) | ~np.isfinite(vi) | ~np.isfinite(yi)).any():
        raise SynthesisError(f"expected a finite yi and a vi above 0; not so in {rows_named(rows, bad)}")
    if "trial" in rows.columns:
        _refuse_meta_analyses(rows)
        _refuse_shared_patients(rows)
    if not mix:
        _refuse_mixtures(rows)


def doubts(rows: pd.DataFrame) -> list[str]:
    """Return what could not be checked: whether arms of one study share patients, if no query says so."""
    if "shared_arms" in provenance(rows) or not {"trial", "arm"} <= set(rows.columns):
        return []
    several = (rows.groupby("trial", observed=True)["arm"].transform("nunique") > 1).to_numpy(bool)
    if not several.any():
        return []
    return [f"whether these arms of one study share patients is not known: {rows_named(rows, several)}"]


def _refuse_meta_analyses(rows: pd.DataFrame) -> None:
    of_others = rows["trial"].isin(provenance(rows).get("meta_analyses", ())).to_numpy(bool)
    if of_others.any():
        named = rows_named(rows, of_others)
        raise SynthesisError(f"published meta-analyses repeat the patients of their studies: {named}")


def _refuse_shared_patients(rows: pd.DataFrame) -> None:
    known = provenance(rows)
    trials = rows["trial"].astype(str).tolist()
    arms = rows["arm"].astype(str).tolist() if "arm" in rows.columns else [""] * len(rows)
    populations = (
        rows["population"].astype(str).tolist() if "population" in rows.columns else [terms.EVERYONE] * len(rows)
    )
    overlapping = {frozenset(pair) for pair in known.get("overlapping_trials", ())}
    shared = {trial: {frozenset(pair) for pair in pairs} for trial, pairs in known.get("shared_arms", {}).items()}
    for i in range(len(rows)):
        for j in range(i):
            if trials[i] != trials[j]:
                twice = frozenset((trials[i], trials[j])) in overlapping
            elif arms[i] == arms[j] or frozenset((arms[i], arms[j])) in shared.get(trials[i], ()):
                twice = not _disjoint(populations[i], populations[j])
            else:
                twice = False
            if twice:
                pair = np.isin(np.arange(len(rows)), (i, j))
                raise SynthesisError(f"the same patients would be counted twice: {rows_named(rows, pair)}")


def _disjoint(one: str, other: str) -> bool:
    try:
        return terms.disjoint(terms.strata(one), terms.strata(other))
    except ValueError:
        # Names of another vocabulary say nothing about who is in them, so the same arm twice stays refused.
        return False


def _refuse_mixtures(rows: pd.DataFrame) -> None:
    kinds = {
        "HER2-directed with other arms": ("mechanism", _her2_directed),
        "HER2-selected with unselected patients": ("her2", lambda word: word != terms.Her2.UNSELECTED),
    }
    for what, (column, is_so) in kinds.items():
        if column in rows.columns:
            flags = np.array([is_so(str(word)) for word in rows[column]])
            if flags.any() and not flags.all():
                fewer = flags if flags.sum() * 2 <= len(flags) else ~flags
                raise SynthesisError(f"mix=True is needed to pool {what}; look at {rows_named(rows, fewer)}")


def _her2_directed(mechanisms: str) -> bool:
    classes = set(terms.MechanismClass)
    return any(word in classes and terms.MechanismClass(word).her2_directed for word in mechanisms.split(" + "))
