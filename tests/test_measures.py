from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herbtc import SynthesisError, UnknownKeyError, measures
from herbtc.measures import MEASURES, PROPORTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = sorted(PROPORTIONS)
ADDING = sorted(name for name, measure in MEASURES.items() if measure.adds)
each_measure = pytest.mark.parametrize("measure", ALL)
quick = settings(max_examples=60, deadline=None)


@st.composite
def counts(draw: st.DrawFn, most: int = 10**9) -> tuple[int, int]:
    """Events and n, small numbers and the borders of 0 and n above all."""
    n = draw(st.integers(1, 100) | st.integers(1, most))
    return draw(st.sampled_from([0, n]) | st.integers(0, n)), n


def frame(events: Any, n: Any, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"events": events, "n": n, **columns})


def effect(events: float, n: float, measure: str) -> tuple[float, float]:
    yi, vi = measures.effects(frame([events], [n]), measure)[["yi", "vi"]].iloc[0]
    return float(yi), float(vi)


# --- effects ----------------------------------------------------------------------------------------------------------


@each_measure
@given(group=counts())
@quick
def test_effects_and_variances_are_finite_for_any_counts(measure: str, group: tuple[int, int]) -> None:
    yi, vi = effect(*group, measure)
    assert np.isfinite(yi)
    assert 0 < vi < np.inf


@each_measure
@given(group=counts(most=10**6))
@quick
def test_back_returns_the_proportion(measure: str, group: tuple[int, int]) -> None:
    events, n = group
    # Where 1/2 is added to both cells, the proportion is that of the cells with the addition.
    added = MEASURES[measure].adds and events in (0, n)
    expected = (events + 0.5) / (n + 1) if added else events / n
    # Miller's inverse takes the square root of a difference that vanishes at one half: half of the digits are lost.
    exact = 1e-7 if measure == "freeman-tukey" else 1e-12
    assert measures.back(effect(events, n, measure)[0], measure, n).item() == pytest.approx(expected, abs=exact)


@each_measure
@given(group=counts(most=10**6))
@quick
def test_more_events_are_a_larger_effect(measure: str, group: tuple[int, int]) -> None:
    events, n = group
    assert effect(max(events - 1, 0), n, measure)[0] <= effect(events, n, measure)[0]
    assert effect(0, n, measure)[0] < effect(n, n, measure)[0]


@pytest.mark.parametrize(
    ("measure", "mirrored"),
    [
        ("logit", lambda yi: -yi),
        ("raw", lambda yi: 1 - yi),
        ("arcsine", lambda yi: np.pi / 2 - yi),
        ("freeman-tukey", lambda yi: np.pi / 2 - yi),
    ],
)
@given(group=counts(most=10**6))
@quick
def test_counting_non_events_mirrors_the_effect(
    measure: str, mirrored: Callable[[float], float], group: tuple[int, int]
) -> None:
    events, n = group
    yi, vi = effect(events, n, measure)
    other_yi, other_vi = effect(n - events, n, measure)
    assert other_yi == pytest.approx(mirrored(yi), rel=1e-9, abs=1e-9)
    assert other_vi == pytest.approx(vi, rel=1e-9)


@pytest.mark.parametrize("measure", ADDING)
@pytest.mark.parametrize("n", [1, 12, 4000])
def test_a_study_without_events_or_non_events_gets_half_a_patient_in_both_cells(measure: str, n: int) -> None:
    """The default of metafor's escalc: add=1/2, to="only0"."""
    assert effect(0, n, measure) == effect(0.5, n + 1, measure)
    assert effect(n, n, measure) == effect(n + 0.5, n + 1, measure)


def test_variance_stabilising_measures_add_nothing() -> None:
    assert set(ALL) - set(ADDING) == {"arcsine", "freeman-tukey"}
    for measure in ("arcsine", "freeman-tukey"):
        assert effect(0, 12, measure)[1] == effect(5, 12, measure)[1] == effect(12, 12, measure)[1]
    assert effect(0, 12, "arcsine")[0] == 0


@given(groups=st.lists(counts(), min_size=2, max_size=8), measure=st.sampled_from(ALL))
@quick
def test_each_row_is_computed_on_its_own(groups: list[tuple[int, int]], measure: str) -> None:
    events, n = zip(*groups, strict=True)
    together = measures.effects(frame(events, n), measure)
    alone = np.array([effect(*group, measure) for group in groups])
    # Vectorised logarithms may round otherwise than single ones.
    np.testing.assert_allclose(together[["yi", "vi"]].to_numpy(), alone, rtol=1e-12, atol=1e-15)


# --- frames -----------------------------------------------------------------------------------------------------------


@each_measure
def test_effects_adds_three_columns_to_a_copy(measure: str) -> None:
    given_frame = frame([3, 0], [10, 8], trial=["a", "b"]).set_index(pd.Index([7, 5]))
    given_frame.attrs["herbtc"] = {"release": "1"}
    before = given_frame.copy()
    result = measures.effects(given_frame, measure)
    pd.testing.assert_frame_equal(given_frame, before)
    assert list(result.columns) == ["events", "n", "trial", "measure", "yi", "vi"]
    assert result.dtypes[["measure", "yi", "vi"]].astype(str).tolist() == ["string", "float64", "float64"]
    assert result["measure"].tolist() == [measure, measure]
    assert list(result.index) == [7, 5]
    assert result.attrs == given_frame.attrs


def test_logit_is_the_default() -> None:
    given_frame = frame([3, 0], [10, 8])
    pd.testing.assert_frame_equal(measures.effects(given_frame), measures.effects(given_frame, "logit"))


@each_measure
def test_an_empty_frame_keeps_its_columns_and_dtypes(measure: str) -> None:
    result = measures.effects(frame(pd.array([], "Int64"), pd.array([], "Int64")), measure)
    assert len(result) == 0
    assert result.dtypes.astype(str).tolist() == ["Int64", "Int64", "string", "float64", "float64"]


@each_measure
@pytest.mark.parametrize("dtype", ["Int64", "float64", "Float64", "object"])
def test_rows_without_events_or_n_get_nan_and_disturb_no_other(measure: str, dtype: Any) -> None:
    gap = np.nan if dtype == "float64" else pd.NA
    columns = {"events": [3, gap, 4, gap], "n": [10, 8, gap, gap]}
    result = measures.effects(pd.DataFrame(columns).astype(dtype), measure)
    assert tuple(result.loc[0, ["yi", "vi"]]) == effect(3, 10, measure)
    assert result.loc[1:, ["yi", "vi"]].isna().all(axis=None)


def test_effects_replaces_those_of_an_earlier_call() -> None:
    given_frame = frame([3, 0], [10, 8])
    again = measures.effects(measures.effects(given_frame, "log"), "raw")
    pd.testing.assert_frame_equal(again, measures.effects(given_frame, "raw"))


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("events", "n"), [(11, 10), (-1, 10), (0, 0), (0, -3), (1, np.inf), (np.inf, np.inf)], ids=str)
def test_impossible_counts_are_refused_and_their_rows_named(events: float, n: float) -> None:
    given_frame = frame(
        [3.0, events, 2.0],
        [10.0, n, 5.0],
        trial=["one", "two", "three"],
        arm=["a", "b", "c"],
        population=["all", "ihc-3+", "all"],
    )
    with pytest.raises(SynthesisError, match=r"expected 0 ≤ events ≤ n and n > 0; not so in two/b/ihc-3\+ \(row 1\)$"):
        measures.effects(given_frame)


def test_rows_of_a_frame_without_studies_are_named_by_their_index() -> None:
    given_frame = frame([3, 9, 9], [10, 8, 7]).set_index(pd.Index(["x", "y", "z"]))
    with pytest.raises(SynthesisError, match=r"not so in row y, row z$"):
        measures.effects(given_frame)


@pytest.mark.parametrize(
    ("columns", "missing"), [(["events"], "n"), (["n"], "events"), (["percent"], "events, n")], ids=str
)
def test_missing_columns_are_named(columns: list[str], missing: str) -> None:
    with pytest.raises(SynthesisError, match=f"missing: {missing}$"):
        measures.effects(pd.DataFrame({name: [1, 2] for name in columns}))


def test_a_column_of_words_is_refused() -> None:
    with pytest.raises(SynthesisError, match="expected numbers in the column events"):
        measures.effects(frame(["three", "four"], [10, 8]))


@pytest.mark.parametrize(("word", "nearest"), [("logits", "logit"), ("RAW", "raw"), ("freeman tukey", "freeman-tukey")])
def test_an_unknown_measure_is_refused_with_the_nearest_known(word: str, nearest: str) -> None:
    for call in (lambda: measures.effects(frame([1], [2]), word), lambda: measures.back(0.0, word, 1.0)):
        with pytest.raises(UnknownKeyError) as caught:
            call()
        assert caught.value.kind == "measure"
        assert caught.value.nearest[0] == nearest
        assert set(caught.value.known) == set(MEASURES)


# --- back -------------------------------------------------------------------------------------------------------------


@each_measure
@given(value=st.floats(-1e5, 1e5), n=st.floats(1, 1e9))
@quick
def test_back_leads_from_any_value_to_a_proportion(measure: str, value: float, n: float) -> None:
    assert 0 <= measures.back(value, measure, n).item() <= 1


@each_measure
@given(values=st.lists(st.floats(-30, 30), min_size=2, max_size=20), n=st.floats(1, 1e6))
@quick
def test_back_never_falls(measure: str, values: list[float], n: float) -> None:
    rates = measures.back(np.sort(values), measure, n)
    # The digits that Miller's inverse loses near one half.
    assert (np.diff(rates) >= -1e-7).all()


@each_measure
def test_back_keeps_the_shape_of_its_input(measure: str) -> None:
    assert measures.back(0.3, measure, 20.0).shape == ()
    assert measures.back(np.full((2, 3), 0.3), measure, 20.0).shape == (2, 3)


# --- percent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "n", "text"),
    [(33, 80, "41.3"), (1, 16, "6.3"), (0, 7, "0.0"), (7, 7, "100.0"), (1, 3, "33.3"), (2, 3, "66.7")],
)
def test_percentages_round_halves_up_as_papers_do(events: int, n: int, text: str) -> None:
    """HERIZON-BTC-01 prints 33 of 80, which is 41.25 %, as 41.3 %."""
    assert measures.percent(events / n) == text


@given(n=st.integers(1, 400), data=st.data())
@quick
def test_percentages_are_those_of_whole_numbers(n: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, n))
    tenths = (2000 * events + n) // (2 * n)
    assert measures.percent(events / n) == f"{tenths // 10}.{tenths % 10}"
