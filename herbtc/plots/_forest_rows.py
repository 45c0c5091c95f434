"""The rows of a forest plot: what is written in each, and what is drawn beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import evolve, field, frozen
from scipy.special import ndtr, stdtr

from herbtc.plots._axis import PERCENT, Axis
from herbtc.plots._habits import Spread, exact, model_name, spread_of
from herbtc.plots._table import Column, Head, Row, Table
from herbtc.plots._values import SHORT, Value
from herbtc.synthesis import TAU2, p_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from herbtc.measures import Floats, Measure
    from herbtc.plots._habits import Habit
    from herbtc.synthesis import Pooled, Subgroups

_NO_EFFECT = 1.0  # a ratio of one
_WORDS = 6.5  # room for "not reached" beyond the axis, in em
_ARROW = 1.2  # room for an arrow head


@frozen(kw_only=True)
class Group:
    """Studies that stand together; `places` are those in the frame, `pooled` is the row of their subtotal."""

    name: str
    places: tuple[int, ...]
    pooled: dict[Any, Any] | None = None


@frozen(kw_only=True)
class Line:
    """A row with what is drawn beside it: nothing, or ``"study" "subtotal" "model" "prediction"``."""

    row: Row
    kind: str = ""
    value: Value | None = None
    weight: float = np.nan


@frozen(kw_only=True, eq=False)
class Contents:
    """Everything that a forest plot shows."""

    scale: Measure
    habit: Habit
    level: float
    frame: pd.DataFrame
    values: tuple[Value, ...]
    names: tuple[str, ...]
    columns: dict[str, str]
    weights: tuple[Floats, ...]
    main: Pooled | None
    others: tuple[Pooled, ...]
    grid: pd.DataFrame | None
    subgroups: Subgroups | None
    groups: tuple[Group, ...]
    title: str
    xlabel: str | None
    last: tuple[str, ...]
    lines: tuple[Line, ...] = field(init=False)

    @lines.default
    def _all(self) -> tuple[Line, ...]:
        return tuple(self._every())

    @property
    def factor(self) -> float:
        """What values are multiplied by on the axis."""
        return 100.0 if self.scale.natural == "rate" else 1.0

    # --- rows --------------------------------------------------------------------------------------------------------

    def _every(self) -> Iterator[Line]:
        grouped = self.subgroups is not None
        for number, group in enumerate(self.groups):
            if grouped:
                yield Line(row=Row(lead=group.name, bold=True, gap=self.habit.gap * bool(number)))
            for place in group.places:
                yield self._study(place, indent=0.8 * grouped)
            if group.pooled is not None:
                yield from self._subtotal(group, group.pooled)
        if self.main is not None:
            yield from self._models(self.main)
        if self.grid is not None:
            yield from self._grid(self.grid)
        if self.subgroups is not None:
            found = self.subgroups
            if np.isfinite(found.q_between):
                told = self.habit.differences(found.q_between, found.df, found.df_residual, found.q_between_p)
                yield Line(row=Row(lead=told, fine=True, height=0.0))

    def _study(self, place: int, *, indent: float) -> Line:
        value = self.values[place]
        weights = {
            f"weight {number}": self.habit.share(float(each[place])) if np.isfinite(each[place]) else "–"
            for number, each in enumerate(self.weights)
        }
        more = {f"more {name}": _shown(self.frame[name].iloc[place]) for name in self.columns}
        cells = {
            "study": self.names[place],
            **more,
            **self._counts(*(self._count(name, place) for name in ("events", "n"))),
            "value": self.habit.value(self.scale, value),
            **weights,
        }
        weight = float(self.weights[0][place]) if self.weights else 1.0
        if not np.isfinite(self.frame["yi"].iloc[place]):
            weight = np.nan
        return Line(row=Row(cells=cells, indent=indent), kind="study", value=value, weight=weight)

    def _count(self, name: str, place: int) -> str:
        if name not in self.frame.columns or pd.isna(self.frame[name].iloc[place]):
            return "–"
        return f"{float(self.frame[name].iloc[place]):.0f}"

    def _counts(self, events: str, n: str) -> dict[str, str]:
        together = f"{events}/{n}" if self.scale.counts else n
        return {"events": events, "n": n, "total": "–" if together == "–/–" else together}

    def _subtotal(self, group: Group, pooled: dict[Any, Any]) -> Iterator[Line]:
        value = Value(estimate=pooled["estimate"], low=pooled["conf_low"], high=pooled["conf_high"])
        weights = {
            f"weight {number}": self.habit.share(float(np.nansum(each[list(group.places)])))
            for number, each in enumerate(self.weights)
        }
        interval = f" ({100 * self.level:g}{self.habit.percent} CI)" if self.habit.total else ""
        cells = {
            "study": f"{self.habit.subtotal}{interval}",
            **self._counts(*("–" if pd.isna(pooled[name]) else str(pooled[name]) for name in ("events", "n"))),
            "value": self.habit.value(self.scale, value),
            **weights,
        }
        yield Line(row=Row(cells=cells, bold=True, indent=0.8), kind="subtotal", value=value)
        spread = Spread(tau2=pooled["tau2"], i2=pooled["i2"], q=pooled["q"], q_p=pooled["q_p"], k=int(pooled["k"]))
        told = self.habit.spread(spread) if spread.k > 1 else "one study: no heterogeneity to see"
        yield Line(row=Row(lead=told, fine=True, indent=0.8, height=0.0))

    def _models(self, main: Pooled) -> Iterator[Line]:
        for number, model in enumerate((main, *self.others)):
            sums = {
                f"weight {place}": self.habit.share(1.0) if place == number else ""
                for place, _ in enumerate(self.weights)
            }
            value = Value(estimate=model.estimate, low=model.conf_low, high=model.conf_high)
            counts = ("–" if each is None else str(each) for each in (model.events, model.n))
            cells = {
                "study": self.habit.model(model, alone=not self.others),
                **(self._counts(*counts) if number == 0 else {}),
                "value": self.habit.value(self.scale, value),
                **sums,
            }
            first = number == 0
            row = Row(cells=cells, bold=True, gap=0.5 * first, rule=first)
            yield Line(row=row, kind="model", value=value)
            if self.habit.below:
                yield Line(row=Row(lead=self.habit.spread(spread_of(model)), fine=True, height=0.0))
            if self.habit.effect is not None and self.scale.natural == "ratio":
                yield Line(row=Row(lead=self.habit.effect(*_effect(model)), fine=True, height=0.0))
            if np.isfinite(model.pred_low) or first:
                yield self._prediction(model)

    def _prediction(self, model: Pooled) -> Line:
        if not np.isfinite(model.pred_low):
            return Line(row=Row(cells={"study": "Prediction interval", "value": "none"}))
        told = self.habit.interval(self.scale, model.pred_low, model.pred_high)
        value = Value(estimate=model.estimate, low=model.pred_low, high=model.pred_high)
        return Line(row=Row(cells={"study": "Prediction interval", "value": told}), kind="prediction", value=value)

    def _grid(self, grid: pd.DataFrame) -> Iterator[Line]:
        yield Line(row=Row(lead="Other models", bold=True, gap=0.3))
        for row in grid.to_dict("records"):
            failed = not np.isfinite(row["estimate"])
            value = Value(estimate=row["estimate"], low=row["conf_low"], high=row["conf_high"])
            cells = {
                "study": f"{row['method']}, {row['measure']}, {row['test']}",
                "value": "no answer" if failed else self.habit.value(self.scale, value),
            }
            yield Line(row=Row(cells=cells, indent=0.8), kind="" if failed else "model", value=value)

    # --- columns and axis --------------------------------------------------------------------------------------------

    @property
    def table(self) -> Table:
        """The table of the figure."""
        header = self.habit.header(self.scale, self.level, () if self.main is None else (self.main,))
        heads: tuple[Head, ...] = ()
        axis = self._axis()
        if self.habit.method:
            heads = (Head(low=axis.low, high=axis.high, text=header),)
        return Table(
            what=f"{len(self.frame)} studies" if len(self.frame) != 1 else "1 study",
            axis=axis,
            columns=tuple(self._columns(header)),
            rows=tuple(line.row for line in self.lines),
            heads=heads,
            footer=(*self._footer(), *self.last),
            title=self.title,
            plot=28.0 + axis.room,
            narrowest=14.0 + axis.room,
            ruled=self.habit.ruled,
        )

    def _columns(self, header: str) -> Iterator[Column]:
        header_of_first = self.habit.study if self.subgroups is None else self.habit.grouped
        yield Column(name="study", header=header_of_first, align="left", most=26.0)
        for name, told in self.columns.items():
            numeric = pd.api.types.is_numeric_dtype(self.frame[name])
            yield Column(name=f"more {name}", header=told, align="right" if numeric else "left", most=18.0)
        for side, names in (("left", self.habit.left), ("right", self.habit.right)):
            for name in names:
                for shown, told in self._named(name, header):
                    yield Column(name=shown, header=told, side=side)  # type: ignore[arg-type]

    def _named(self, name: str, header: str) -> Iterator[tuple[str, str]]:
        counted = "n" in self.frame.columns and self.frame["n"].notna().any()
        if name == "total" and (self.scale.counts or counted):
            yield name, "Events/total" if self.scale.counts else "Patients"
        elif name == "events" and self.scale.counts:
            yield name, "Events"
        elif name == "n" and (self.scale.counts or counted):
            yield name, "Total"
        elif name == "value":
            yield name, header
        elif name == "weight":
            models = ([] if self.main is None else [self.main, *self.others])[: len(self.weights)]
            random = [model for model in models if model.method != "EE"]
            for number, model in enumerate(models):
                kind = "equal" if model.method == "EE" else "random" if len(random) == 1 else model.method
                which = f"\n({kind})" if len(models) > 1 else ""
                yield f"weight {number}", f"{self.habit.weight}{which}"

    def _axis(self) -> Axis:
        unreached = any(value.unreached for value in self.values)
        room = _WORDS if unreached else _ARROW if any(value.open for value in self.values) else 0.0
        if self.scale.natural == "rate":
            label = "Response rate (%)" if self.scale.counts else "Rate (%)"
            return evolve(PERCENT, label=self._label(label), room=room)
        drawn = [line.value for line in self.lines if line.value is not None]
        ends = [end for value in drawn for end in (value.estimate, value.low, value.high)]
        ratio = self.scale.natural == "ratio"
        label = "Ratio (log scale)" if ratio else "Median (months, log scale)"
        return Axis.around(
            [*ends, *[_NO_EFFECT] * ratio],
            label=self._label(label),
            log=True,
            room=room,
        )

    def _label(self, label: str) -> str:
        return f"{label}{self.habit.label.format(level=100 * self.level)}" if self.xlabel is None else self.xlabel

    # --- notes -------------------------------------------------------------------------------------------------------

    def _footer(self) -> Iterator[str]:
        if self.main is not None:
            yield from map(self._model_told, (self.main, *self.others))
            if not self.habit.below:
                yield _heterogeneity(self.main)
        lines = (
            "exact (Clopper-Pearson) intervals of single studies"
            if self.scale.counts
            else "intervals of single studies from the standard errors that were pooled"
        )
        hollow = any(line.kind == "study" and np.isnan(line.weight) for line in self.lines)
        yield (
            f"Squares: {'weight' if self.weights else 'estimates'}; lines: {lines}"
            f"{'; hollow or an arrow: as printed, not pooled' if hollow else ''}"
        )
        beyond = {value.open for value in self.values if np.isfinite([value.estimate, value.low]).any()}
        if told := [f"{short}: {words}" for short, words in SHORT.items() if short in beyond]:
            yield "; ".join(told)
        notes = dict.fromkeys(
            (*(self.subgroups.notes if self.subgroups else ()), *(self.main.notes if self.main else ()))
        )
        yield from (f"Note: {note}" for note in notes)

    def _model_told(self, pooled: Pooled) -> str:
        counts = exact(pooled)
        model = [f"{model_name(pooled)} of {'counts, by their exact likelihood' if counts else self.scale.words}"]
        if pooled.method != "EE" and not counts:
            model.append(f"{TAU2[pooled.method][0]} estimator of τ²")
        model.append(_TESTS[pooled.test])
        if pooled.method != "EE":
            model.append(f"prediction interval: {_PREDICTIONS[pooled.prediction]}")
        return "; ".join(model)


_TESTS = {
    "wald": "Wald CI",
    "hksj": "Hartung-Knapp CI",
    "hksj-adhoc": "Hartung-Knapp CI with ad hoc floor",
    "profile": "profile-likelihood CI",
}
_PREDICTIONS = {"t": "t(k − 1)", "z": "normal", "hts": "t(k − 2)"}


def _effect(pooled: Pooled) -> tuple[float, int, float]:
    """Return the test of a pooled ratio against 1: the statistic, its degrees of freedom, 0 for a normal one, and p."""
    statistic = pooled.beta / pooled.se
    if pooled.test == "wald":
        return statistic, 0, float(2 * ndtr(-abs(statistic)))
    return statistic, pooled.k - 1, float(2 * stdtr(pooled.k - 1, -abs(statistic)))


def _heterogeneity(pooled: Pooled) -> str:
    test = "likelihood-ratio statistic" if exact(pooled) else "Q"
    told = (
        f"τ² = {pooled.tau2:.3f} ({pooled.tau2_low:.3f}–{pooled.tau2_high:.3f}), I² = {pooled.i2:.0f} %"
        if np.isfinite(pooled.tau2)
        else "τ² is not identified"
    )
    return f"{told}, {test} = {pooled.q:.1f} (df = {pooled.k - 1}, {p_text(pooled.q_p)})"


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
