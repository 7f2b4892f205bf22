"""Errors of every layer at every slice, in milliseconds: arrays of layers, cycles × months, series.

The same for the models of a back-test and for the layers of past plans. Pure. Signs (house §3):
error = said − came, so plus says too high. What is looked at is added up before it is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import lags, value_added

MEASURES = {  # name of a column: what people call it, and the kind of its figures
    "wape": ("WAPE", "rate"),
    "bias_rate": ("Bias", "signed_rate"),
    "error_value": ("Money off a month", "value"),
    "bias_value": ("Bias in money a month", "signed_value"),
    "value_wape": ("WAPE in money", "rate"),
    "mase": ("MASE", "decimal"),
    "rmsse": ("RMSSE", "decimal"),
}
_STEADY = 4.0  # tracking signal from which errors are no chance (accuracy.tracking_signal)
_MOSTLY = 0.8  # share of a run's months on its side
_COVERS = 0.8  # of what the chosen layer spoke of: from there on a layer is shown beside it
_LEAST_OWN = 0.5  # of what came: below it a model is not judged (accuracy.by_level)


@dataclass(frozen=True)
class Cube:
    """What every layer said of every series, in every cycle and month, beside what came.

    Arrays: ``said``, ``own`` (n_layers, n_cells, n_series): zero where nothing was said, and
    whether the layer itself said it; ``came``, ``known`` (n_cells, n_series); ``net``
    (n_months, n_series): what came by month, NaN before it was sold. ``cells``: ``cycle, month,
    lag, origin``; ``series``: key, levels, ``price`` and ``decision_lag``.
    ``stands_in``: where a layer says nothing, ``said`` holds another, so all can be compared.
    """

    layers: list[str]
    series: pd.DataFrame
    cells: pd.DataFrame
    said: np.ndarray
    own: np.ndarray
    came: np.ndarray
    known: np.ndarray
    net: np.ndarray
    stands_in: bool = False

    @cached_property
    def codes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of each level: the member of each series, as a place in the members."""
        found = {"total": (np.zeros(len(self.series), dtype="int64"), [schema.COMPANY_LABEL])}
        for level in self.series:
            if level not in ("price", "decision_lag"):
                found[level] = pd.factorize(self.series[level].astype("str"), sort=True)
        return {name: (code, np.asarray(members)) for name, (code, members) in found.items()}


@dataclass(frozen=True)
class Choice:
    """What is looked at: ``path`` narrows (pairs of level and member), the rest says how.

    ``lag``: months ahead; ``lags.EVERY_LAG``, ``lags.DECISION_LAG`` and ``value_added.NEAR`` as in
    their tables. ``first`` and ``last``: months judged, both included.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    layer: str
    path: tuple[tuple[str, str], ...] = ()
    lag: int = value_added.NEAR
    measure: str = "wape"


@dataclass(frozen=True)
class Part:
    """A slice of a cube: the layers compared, on the cells and series of which all of them spoke.

    ``weight`` (n_cells, n_series): one where all spoke, ``cells`` and ``series`` places in the
    cube; ``layers`` names, the chosen one among them.
    """

    cube: Cube
    choice: Choice
    cells: np.ndarray
    series: np.ndarray
    layers: list[str]
    weight: np.ndarray
    share: float
    coverage: float

    def of(self, layer: str) -> np.ndarray:
        """What a layer said (n_cells, n_series)."""
        return _taken(self.cube.said[self.cube.layers.index(layer)], self.cells, self.series)

    @cached_property
    def came(self) -> np.ndarray:
        """What came (n_cells, n_series)."""
        return _taken(self.cube.came, self.cells, self.series)

    @cached_property
    def whole(self) -> Sums:
        """Sums over the whole slice, in the planning unit."""
        return _whole(self, is_money=False)

    @cached_property
    def price(self) -> np.ndarray:
        """Today's price of each series, zero where none is known."""
        return np.nan_to_num(self.cube.series["price"].to_numpy(dtype="float64")[self.series])


def _taken(array: np.ndarray, cells: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Some cells and series; no copy where all are asked for."""
    if len(cells) < len(array):
        array = array[cells]
    return array if len(series) == array.shape[1] else array[:, series]


def inside(cube: Cube, path: tuple[tuple[str, str], ...]) -> np.ndarray:
    """Places of the series within a path."""
    chosen = np.ones(len(cube.series), dtype=bool)
    for level, member in path:
        code, members = cube.codes[level]
        chosen &= members[code] == member
    return np.flatnonzero(chosen)


def part(cube: Cube, choice: Choice, *, all_lags: bool = False) -> Part:
    """The slice that a choice is about; ``all_lags``: whatever months ahead it names."""
    lag, month = cube.cells["lag"].to_numpy(), cube.cells["month"]
    chosen = np.array((month >= choice.first) & (month <= choice.last))
    if choice.lag == value_added.NEAR and not all_lags:
        chosen &= (lag >= value_added.NEAR_LAGS[0]) & (lag <= value_added.NEAR_LAGS[1])
    elif choice.lag >= 0 and not all_lags:
        chosen &= lag == choice.lag
    cells, series = np.flatnonzero(chosen), inside(cube, choice.path)
    known = _taken(cube.known, cells, series)
    if choice.lag == lags.DECISION_LAG and not all_lags:
        decided = cube.series["decision_lag"].to_numpy()[series]
        known = known & (lag[cells][:, None] == decided)
    came = _taken(cube.came, cells, series)
    layers, weight, share, coverage = _beside(cube, choice, (cells, series), known, came)
    return Part(cube, choice, cells, series, layers, weight, share, coverage)


def _beside(
    cube: Cube, choice: Choice, place: tuple, known: np.ndarray, came: np.ndarray
) -> tuple[list[str], np.ndarray, float, float]:
    """Layers that can be compared with the chosen one, where all of them spoke, and how much it is.

    Models are judged where they are for half of what came, the combination standing in for the
    rest; layers of plans where they spoke of most of what the chosen layer spoke of.
    """
    size = np.where(known, np.abs(came), 0.0)
    whole = size.sum()
    if cube.stands_in:
        shown = [
            name
            for name, own in zip(cube.layers, cube.own, strict=True)
            if np.einsum("cs,cs->", _taken(own, *place), size) >= _LEAST_OWN * whole
        ]
        return [*dict.fromkeys([*shown, choice.layer])], known.astype("float64"), 1.0, 1.0
    own = {n: known & _taken(o, *place) for n, o in zip(cube.layers, cube.own, strict=True)}
    together, shown = own[choice.layer], {choice.layer}
    spoke = max(together.sum(), 1)
    for name, has_said in own.items():
        both = together & has_said
        if both.sum() >= _COVERS * spoke:
            together, shown = both, shown | {name}
    coverage = size[own[choice.layer]].sum() / whole if whole else np.nan
    layers = [name for name in cube.layers if name in shown]
    return layers, together.astype("float64"), together.sum() / spoke, coverage


@dataclass(frozen=True)
class Sums:
    """What was said and came by cell, added up: ``said`` (n_layers, n_cells, n_members), ``came``.

    ``judged`` (n_cells, n_members): whether anything can be judged; ``usual``, ``square``
    (n_members,): mean absolute and mean squared change from the same month a year before.
    """

    members: np.ndarray
    said: np.ndarray
    came: np.ndarray
    judged: np.ndarray
    usual: np.ndarray
    square: np.ndarray


def whole(own: Part, *, is_money: bool = False) -> Sums:
    """Sums of all layers compared, over the whole slice; those of units are added up once."""
    return _whole(own, is_money=True) if is_money else own.whole


def _whole(own: Part, *, is_money: bool) -> Sums:
    weight = own.weight * own.price if is_money else own.weight
    said = np.stack([np.einsum("cs,cs->c", own.of(name), weight) for name in own.layers])
    came = np.einsum("cs,cs->c", own.came, weight)
    judged = (weight > 0).any(axis=1) if len(own.series) else np.zeros(len(came), dtype=bool)
    scale = _scale(own.cube.net[:, own.series], np.zeros(len(own.series), dtype="int64"), 1)
    words = np.array([schema.COMPANY_LABEL])
    return Sums(words, said[:, :, None], came[:, None], judged[:, None], *scale)


def by_member(own: Part, level: str, *, is_money: bool = False, layers: list[str] = ()) -> Sums:
    """Sums of layers (the chosen one, if none is named) by member of a level."""
    weight = own.weight * own.price if is_money else own.weight
    code, members = own.cube.codes[level]
    code = code[own.series]
    here, code = np.unique(code, return_inverse=True)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(here)))

    def total(values: np.ndarray) -> np.ndarray:
        if not len(here):
            return values[:, :0]
        return np.add.reduceat(values[:, order], starts, axis=1)

    said = np.stack([total(own.of(name) * weight) for name in layers or [own.choice.layer]])
    scale = _scale(own.cube.net[:, own.series], code, len(here))
    return Sums(members[here], said, total(own.came * weight), total(weight) > 0, *scale)


def _scale(net: np.ndarray, code: np.ndarray, many: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute and mean squared change from a year before, by member; NaN where none."""
    order = np.argsort(code, kind="stable")
    if not many or not len(code):
        return np.full(many, np.nan), np.full(many, np.nan)
    starts = np.searchsorted(code[order], np.arange(many))
    is_there = np.logical_or.reduceat(np.isfinite(net)[:, order], starts, axis=1)
    by_month = np.add.reduceat(np.nan_to_num(net)[:, order], starts, axis=1)
    by_month = np.where(is_there, by_month, np.nan)
    change = by_month[12:] - by_month[:-12]
    count = np.isfinite(change).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        usual, square = (np.nansum(x, axis=0) / count for x in (np.abs(change), change**2))
    return np.where(usual > 0, usual, np.nan), np.where(square > 0, square, np.nan)


def measured(units: Sums, money: Sums, month: np.ndarray) -> dict[str, np.ndarray]:
    """Each of ``MEASURES``, (n_layers, n_members); ``month`` is each cell's."""
    error, judged = np.where(units.judged, units.said - units.came, 0.0), units.judged.sum(axis=0)
    off = np.where(money.judged, money.said - money.came, 0.0)
    worth, count = np.abs(off).sum(axis=1), money.judged.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(units.came).sum(axis=0)
        size = np.where(size > 0, size, np.nan)
        paid = np.abs(money.came).sum(axis=0)
        absolute = np.abs(error).sum(axis=1)
        return {
            "wape": absolute / size,
            "bias_rate": error.sum(axis=1) / size,
            "error_value": worth / count,
            "bias_value": off.sum(axis=1) / count,
            "value_wape": worth / np.where(paid > 0, paid, np.nan),
            "mase": absolute / judged / units.usual,
            "rmsse": np.sqrt((error**2).sum(axis=1) / judged / units.square),
        }


def by_layer(own: Part) -> pd.DataFrame:
    """Layers compared, the best first: a column a measure, and what came."""
    units, money = whole(own), whole(own, is_money=True)
    made = measured(units, money, own.cells)
    table = pd.DataFrame({name: values[:, 0] for name, values in made.items()})
    table = table.assign(layer=own.layers, volume=np.abs(units.came).sum())
    return table.sort_values(own.choice.measure, key=abs, ignore_index=True)


def ranked(own: Part, level: str) -> pd.DataFrame:
    """Members of a level within the slice, the worst by the chosen measure first.

    Those with too few months for a verdict stand behind the others.
    """
    units = by_member(own, level)
    money = by_member(own, level, is_money=True)
    made = measured(units, money, own.cells)
    table = pd.DataFrame({name: values[0] for name, values in made.items()})
    month = own.cube.cells["month"].to_numpy()[own.cells]
    distinct, place = np.unique(month, return_inverse=True)
    count = np.stack([units.judged[place == k].any(axis=0) for k in range(len(distinct))] or [[]])
    table = table.assign(
        member=units.members.astype("str"),
        months=count.sum(axis=0) if len(distinct) else 0,
        came=units.came.sum(axis=0) / np.maximum(units.judged.sum(axis=0), 1),
    )
    table = table[table["months"] > 0]
    is_early = table["months"] < min(value_added.FEWEST_MONTHS, table["months"].max())
    size = table[own.choice.measure].abs().fillna(-1.0)
    order = np.lexsort([table["member"], -size, is_early])
    return table.iloc[order].reset_index(drop=True)


def monthly(own: Part) -> pd.DataFrame:
    """What came and what each layer said, by month: the mean over the months ahead that told it."""
    sums = whole(own)
    table = pd.DataFrame(sums.said[:, :, 0].T, columns=own.layers)
    table = table.assign(came=sums.came[:, 0], month=own.cube.cells["month"].to_numpy()[own.cells])
    return table[sums.judged[:, 0]].groupby("month").mean()


def cellwise(own: Part) -> pd.DataFrame:
    """Every cycle and month: months ahead, what came, what each layer said of it."""
    sums = whole(own)
    rows = own.cube.cells.iloc[own.cells][["cycle", "month", "lag"]].reset_index(drop=True)
    rows = rows.rename(columns={"lag": "months_ahead"}).assign(came=sums.came[:, 0])
    said = dict(zip(own.layers, sums.said[:, :, 0], strict=True))
    return rows.assign(**said)[sums.judged[:, 0]].reset_index(drop=True)


@dataclass(frozen=True)
class Run:
    """The months on one side up to the last one: since when, of how many, how surely."""

    first: pd.Timestamp
    months: int
    on_side: int
    side: int  # 1: too high
    signal: float

    @property
    def is_steady(self) -> bool:
        """Whether that is no chance: the tracking signal of the run is beyond 4."""
        return self.signal >= _STEADY


def since_when(error: pd.Series) -> Run | None:
    """The run of months on one side that lasts until today, nearly unbroken.

    Parameters
    ----------
    error : Series
        Said less came, by month.

    Returns
    -------
    Run or None
        Going back from the last month, until two months in a row lie on the other side; begun on
        its side, with four of five months on it. Of both sides the longer. None where no month
        was judged, or the last months lie on neither side.

    Notes
    -----
    ``signal`` is the tracking signal of the run alone: the size of its summed error over its mean
    absolute error. Beyond 4 it is time to look (Heizer & Render, *Operations Management*, ch. 4).

    Examples
    --------
    >>> span = pd.date_range("2025-01-01", periods=7, freq="MS")
    >>> since_when(pd.Series([-3.0, -2.0, 4.0, 5.0, 3.0, -1.0, 4.0], index=span)).first.month
    3
    """
    found = [run for side in (1, -1) if (run := _run(error.sort_index(), side))]
    return max(found, key=lambda run: run.on_side) if found else None


def _run(error: pd.Series, side: int) -> Run | None:
    is_on = np.sign(error.to_numpy()) == side
    first = len(is_on)
    while first > 0 and (is_on[first - 1] or (first > 1 and is_on[first - 2])):
        first -= 1
    while first < len(is_on) and not (is_on[first] and is_on[first:].mean() >= _MOSTLY):
        first += 1
    if first == len(is_on):
        return None
    own = error.to_numpy()[first:]
    signal = side * own.sum() / np.abs(own).mean()
    return Run(error.index[first], len(own), int(is_on[first:].sum()), side, float(signal))
