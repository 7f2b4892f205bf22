"""Charts of what is short: what it hangs on, and what each rule of sharing means for channels."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sopkit import schema
from sopkit.charts import _style
from sopkit.demand import hierarchy

_LEAST_SHARE = 0.035  # of all that is short: what is smaller stands together
_LEFT = (0.0, 1.1, 3.0, 5.2, 8.0)  # edges of the columns
_COLOURS = {
    "hours": _style.SUPPLY,
    "component": _style.OTHERS[0],
    "lead time": _style.DEMAND,
    "supplier limit": _style.OTHERS[2],
    "frozen": _style.STATISTICAL,
    "backlog": _style.SHORTAGE,
    "made to order": _style.OTHERS[1],
    "transfer": _style.SURPLUS,
    "cost": _style.HISTORY,
}


_WORDS = {"cost": "dearer than owing", "backlog": "owed before", "hours": "no hours left"}


@_style.drawn
def tree(shortages: pd.DataFrame, units: pd.DataFrame, *, currency: str) -> Figure | None:
    """What is late or lost, split from left to right by cause, limit and item.

    In money, or in planning units where a price is missing; heights are true to it.

    Parameters
    ----------
    shortages : DataFrame
        Table `shortages`.
    units : DataFrame
        Table `planning_units`.
    currency : str
        Reporting currency.
    """
    if shortages.empty:
        return None
    is_money = shortages["amount_value"].notna().all()
    rows = hierarchy.in_planning_units(shortages, units)
    amount = rows["late_quantity"] + rows["lost_quantity"]
    rows = rows.assign(amount=rows["amount_value"] if is_money else amount)
    named = rows["item"].where(rows["description"] == rows["item"], rows["item"] + " ")
    named += rows["description"].where(rows["description"] != rows["item"], "")
    rows = rows.assign(named=named, limit=rows["limit"].where(rows["limit"] != "", rows["cause"]))
    unit = currency if is_money else _style.unit(units).lower()
    figure, (axes,) = _style.panels(height=5.2)
    total = float(rows["amount"].sum())
    _block(axes, (0, 1.0), (0.0, total), "All that is short", total, _style.SHORTAGE)
    _branch(axes, rows, ("cause", "limit", "named"), 1, (0.0, total), total)
    axes.set_xlim(_LEFT[0], _LEFT[-1])
    axes.set_ylim(total, 0.0)
    axes.set_axis_off()
    names = ("", "Cause", "What binds", "Item")
    axes.set_xticks(_LEFT[:-1], ["In all", *names[1:]])
    axes.set(xlabel="Part", ylabel=unit)
    for place, name in zip(_LEFT, names, strict=False):
        _style.say(axes, name, (place, 0.0), shift=(3, 9), fontsize=9.5, color=_style.HISTORY)
    _style.head(figure, f"What is late or lost, and what it hangs on, {unit}")
    return figure


def _branch(
    axes: Axes, rows: pd.DataFrame, by: tuple, level: int, span: tuple, total: float
) -> None:
    """The parts of a block, the largest first, small ones together."""
    sums = rows.groupby(by[0])["amount"].sum().sort_values(ascending=False, kind="stable")
    is_small = sums < _LEAST_SHARE * total
    top = span[0]
    for name, amount in sums[~is_small].items():
        own = rows[rows[by[0]] == name]
        colour = _COLOURS.get(own["cause"].iloc[0], _style.HISTORY)
        words = _WORDS.get(name, name) if level == 1 else name
        _block(axes, (level, 1), (top, top + amount), words, amount, colour)
        if len(by) > 1:
            _branch(axes, own, by[1:], level + 1, (top, top + amount), total)
        top += amount
    if is_small.any():
        rest, count = float(sums[is_small].sum()), int(is_small.sum())
        words = (
            f"{count} other{'s' * (count > 1)}" if is_small.all() or count > 1 else sums.index[-1]
        )
        width = len(_LEFT) - 1 - level
        _block(axes, (level, width), (top, top + rest), words, rest, _style.LAST_YEAR, total)


def _block(
    axes: Axes,
    columns: tuple[int, int],
    span: tuple[float, float],
    name: str,
    amount: float,
    colour: str,
    total: float = 0.0,
) -> None:
    """A block over some columns, its name in it; without where it is too low."""
    first, count = columns
    left, right = _LEFT[first], _LEFT[int(first + count)]
    size = {"width": right - left - 0.02, "height": span[1] - span[0], "bottom": span[0]}
    look = {"color": colour, "alpha": 0.25, "edgecolor": "white", "linewidth": 1.5, "label": name}
    axes.bar(left, align="edge", **size, **look)
    middle = sum(span) / 2.0
    if total and amount < _LEAST_SHARE / 2.0 * total:
        return
    name = _style.cut(name)
    text = f"{name} · {_style.short(amount)}" if first else f"{name}\n{_style.short(amount)}"
    _style.say(axes, text, (left, middle), shift=(5, 0), fontsize=9.5)


@_style.drawn
def rules(effects: pd.DataFrame, units: pd.DataFrame, *, currency: str) -> Figure | None:
    """Demand of each channel that is not delivered in its month, by rule of sharing.

    Parameters
    ----------
    effects : DataFrame
        Table `allocation_rules`.
    units : DataFrame
        Table `planning_units`.
    currency : str
        Reporting currency.
    """
    own = effects[effects["channel"] != schema.ALL]
    if own["channel"].nunique() < 2 or not (own["late_quantity"] > 0).any():
        return None
    is_money = own["late_value"].notna().all()
    chosen = own["rule"] + own["is_chosen"].map({True: " (chosen)", False: ""})
    own = own.assign(named=chosen)
    measure = "late_value" if is_money else "late_quantity"
    amounts = own.pivot(index="named", columns="channel", values=measure)
    amounts = amounts.reindex(index=own["named"].unique())
    amounts = amounts[amounts.sum().sort_values(ascending=False).index[:4]]
    unit = currency if is_money else _style.unit(units)
    title = "Not delivered in its month by rule, the same deliveries shared otherwise"
    return _style.bar_panels(amounts, title, unit, colours=(_style.SHORTAGE, _style.SHORTAGE))
