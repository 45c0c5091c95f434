"""What must not be pooled, and which rows are the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from herbtc import terms
from herbtc.errors import SynthesisError, look_up
from herbtc.measures import MEASURES, rows_named

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd


def provenance(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what herbtc.query knows about the patients of a frame, which travels with it in `attrs`."""
    return dict(frame.attrs.get("herbtc", {}))


def one_measure(frame: pd.DataFrame) -> str:
    """Return the measure of a frame; SynthesisError for missing columns, several measures or none."""
    missing = [name for name in ("measure", "yi", "vi") if name not in frame.columns]
    if missing:
        raise SynthesisError(f"missing columns: {', '.join(missing)}; measures.effects adds measure, yi and vi")
    found = list(dict.fromkeys(map(str, frame["measure"])))
    if len(found) > 1:
        named = "; ".join(f"{name}: {rows_named(frame, (frame['measure'] == name).to_numpy(bool))}" for name in found)
        raise SynthesisError(f"expected one measure, got several: {named}")
    if not found:
        raise SynthesisError("expected at least two studies, got none")
    missing = [name for name in look_up("measure", found[0], MEASURES).columns if name not in frame.columns]
    if missing:
        raise SynthesisError(f"missing columns: {', '.join(missing)}, which {found[0]} is made of")
    return found[0]


def refuse(rows: pd.DataFrame, *, mix: Mix) -> None:
    """Raise SynthesisError, with the rows named, for what must not be pooled."""
    yi, vi = rows["yi"].to_numpy(float), rows["vi"].to_numpy(float)
    if (bad := ~(vi > 0) | ~np.isfinite(vi) | ~np.isfinite(yi)).any():
        raise SynthesisError(f"expected a finite yi and a vi above 0; not so in {rows_named(rows, bad)}")
    refuse_whom(rows, mix=mix)


def refuse_whom(rows: pd.DataFrame, *, mix: Mix) -> None:
    """Raise SynthesisError for too few rows, patients counted twice, meta-analyses, and mixtures not asked for."""
    if len(rows) < 2:  # noqa: PLR2004
        named = f": {rows_named(rows, np.ones(len(rows), bool))}" if len(rows) else ""
        raise SynthesisError(f"expected at least two studies, got {len(rows)}{named}")
    if "trial" in rows.columns:
        _refuse_meta_analyses(rows)
    _refuse_shared_patients(rows)
    allowed = _allowed(mix)
    for name, mixture in MIXTURES.items():
        if name not in allowed and name != "line" and (mixed := _mixed(rows, name)) is not None:
            named = rows_named(rows, mixed)
            raise SynthesisError(f"mix={name!r} (or True) is needed to pool {mixture.words}; look at {named}")


def doubts(rows: pd.DataFrame, *, mix: Mix = False) -> list[str]:
    """Return what is doubtful about rows that may be pooled: lines mixed unasked, arms that may share patients."""
    found = []
    if "line" not in _allowed(mix) and (mixed := _mixed(rows, "line")) is not None:
        found.append(
            f"{MIXTURES['line'].words} are mixed (mix='line' says that it is meant): {rows_named(rows, mixed)}"
        )
    return found + _unknown_sharing(rows)


def _unknown_sharing(rows: pd.DataFrame) -> list[str]:
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
    for place in np.argwhere(np.tril(shared_patients(rows))):
        pair = np.isin(np.arange(len(rows)), place)
        raise SynthesisError(f"the same patients would be counted twice: {rows_named(rows, pair)}")


def shared_patients(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows of a frame hold patients of which others, so that both must not be counted.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per group of patients, with `trial`, and `arm` and `population` where there are any. A frame of
        `herbtc.query` knows which arms and studies share patients; of any other, only its names are read.

    Returns
    -------
    numpy.ndarray of bool
        A symmetric square, a row and a column for each row of the frame; False on the diagonal.

    Examples
    --------
    >>> import pandas as pd
    >>> from herbtc import synthesis
    >>> frame = pd.DataFrame({"trial": list("aab"), "arm": "one", "population": ["all", "gallbladder", "all"]})
    >>> synthesis.shared_patients(frame).astype(int).tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    twice = np.zeros((len(rows), len(rows)), bool)
    if "trial" not in rows.columns:
        return twice
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
                both = frozenset((trials[i], trials[j])) in overlapping
            elif arms[i] == arms[j] or frozenset((arms[i], arms[j])) in shared.get(trials[i], ()):
                both = not _disjoint(populations[i], populations[j])
            else:
                both = False
            twice[i, j] = twice[j, i] = both
    return twice


def _disjoint(one: str, other: str) -> bool:
    try:
        return terms.disjoint(terms.strata(one), terms.strata(other))
    except ValueError:
        # Names of another vocabulary say nothing about who is in them, so the same arm twice stays refused.
        return False


# --- mixtures ---------------------------------------------------------------------------------------------------------

Mix = bool | str | Iterable[str]
"""What may be mixed: names of `MIXTURES`, True for all of them, False for none."""


@frozen
class Mixture:
    """A column of which rows of one pool have one value, or one side of a divide."""

    column: str
    words: str
    side: Callable[[str], object] = str


def _mixed(rows: pd.DataFrame, name: str) -> npt.NDArray[np.bool_] | None:
    # The rows of the rarer sides, None where there is one side only; a row that says nothing is on no side.
    mixture = MIXTURES[name]
    if mixture.column not in rows.columns:
        return None
    known: Any = rows[mixture.column].notna().to_numpy()
    sides = np.array(
        [
            repr(mixture.side(str(value))) if there else ""
            for value, there in zip(rows[mixture.column], known, strict=True)
        ]
    )
    found, counts = np.unique(sides[known], return_counts=True)
    return None if len(found) < 2 else known & (sides != found[counts.argmax()])  # noqa: PLR2004


def meant(mix: Mix, names: Iterable[str]) -> Mix:
    """Return what may be mixed, with what an analysis by these columns compares on purpose."""
    return _allowed(mix) | ({"line"} & set(names))


def _allowed(mix: Mix) -> set[str]:
    if isinstance(mix, bool):
        return set(MIXTURES) if mix else set()
    names = [mix] if isinstance(mix, str) else list(mix)
    for name in names:
        look_up("mixture", name, MIXTURES)
    return set(names)


def her2_directed(mechanisms: str) -> bool:
    """Whether one of the mechanisms of an arm, joined by " + ", acts on HER2."""
    classes = set(terms.MechanismClass)
    return any(word in classes and terms.MechanismClass(word).her2_directed for word in mechanisms.split(" + "))


MIXTURES: dict[str, Mixture] = {
    "mechanism": Mixture("mechanism", "HER2-directed with other arms", her2_directed),
    "her2": Mixture("her2", "HER2-selected with unselected patients", lambda word: word == terms.Her2.UNSELECTED),
    "line": Mixture("line", "first-line and later-line groups", lambda word: word == terms.Line.FIRST),
    "endpoint": Mixture("endpoint", "different endpoints"),
    "role": Mixture("role", "effects of treatment with prognostic ratios", lambda word: word == terms.Role.PROGNOSTIC),
    "kind": Mixture("kind", "different kinds of ratio"),
    "time": Mixture("at_months", "rates at different times"),
}
"""What pooling keeps apart unless asked, by the word that `mix` takes; lines are mixed with a warning."""
