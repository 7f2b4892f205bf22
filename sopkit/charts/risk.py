"""Charts of risk: what the year may bring, and where stock or hours may not suffice."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.charts._calendar import calendar
from sopkit.charts.behind import SHARE
from sopkit.reconciliation.risk import SHOWN

_MOST_ROWS = 12
_LEAST = 0.01  # chance from which a row is shown


@_style.drawn
def totals(table: pd.DataFrame, *, measure: str, currency: str) -> Figure | None:
    """What the months to go of each fiscal year may bring, beside plan and budget.

    Parameters
    ----------
    table : DataFrame
        Table `risk_totals`.
    measure : str
        ``revenue`` or ``margin``; margin also stands with named risks.
    currency : str
        Reporting currency.
    """
    own = table[table["measure"].str.startswith(measure) & table["mean_value"].notna()]
    if own.empty:
        return None
    own = own.reset_index(drop=True)
    figure, (axes,) = _style.panels(height=1.6 + 0.62 * len(own))
    for row in own.itertuples():
        wide = {"height": 0.5, "color": _style.STATISTICAL}
        for low, high, share, alpha in (
            (row.value_05, row.value_95, "5% and 95%", 0.35),
            (row.value_25, row.value_75, "25% and 75%", 0.8),
        ):
            look = wide | {"alpha": alpha, "label": f"between {share}"}
            axes.barh(row.Index, high - low, left=low, **look)
        for name, amount, colour in (
            ("plan", row.planned_value, _style.DEMAND),
            ("needed for the budget", row.needed_value, _style.BUDGET),
        ):
            if np.isfinite(amount):
                top, bottom = row.Index - 0.34, row.Index + 0.34
                axes.plot([amount] * 2, [top, bottom], color=colour, linewidth=2.2, label=name)
                is_left = (name == "plan") != (row.needed_value < row.planned_value)
                side = {"ha": "right", "shift": (6, 3)} if is_left else {"shift": (-6, 3)}
                where = {"va": "bottom", "fontsize": 9} | side
                text = f"{name} {_style.short(amount)}"
                _style.say(axes, text, (amount, top), colour=colour, **where)
    names = own["period"].astype(str) + " " + own["measure"]
    axes.set_yticks(range(len(own)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.08, y=0.18)
    axes.xaxis.set_major_formatter(_style.tick)
    axes.set_xlabel(f"{currency}, months to go of the fiscal year")
    _style.head(figure, f"What demand may make of the {measure} planned, {currency}")
    return figure


@_style.drawn
def stock_outs(table: pd.DataFrame, *, fences: months.Fences) -> Figure | None:
    """Chance of being out of stock by item and month, of those with most money at stake.

    Parameters
    ----------
    table : DataFrame
        Table `risk_items`.
    fences : Fences
        Frozen and firm months.
    """
    shown = table[table["stockout_rate"] >= _LEAST]
    if shown.empty:
        return None
    several = table["location"].nunique() > 1
    name = table["item"] + (" at " + table["location"] if several else "")
    table = table[table["month"] < months.shift(table["month"].min(), SHOWN)]
    stake = table["owed_value" if table["owed_value"].gt(0).any() else "owed_quantity"]
    largest = stake.groupby(name).sum().nlargest(_MOST_ROWS).index
    wide = table.assign(name=name).pivot(index="name", columns="month", values="stockout_rate")
    title = "Chance that customers wait at month end; items with most money at stake"
    return _chances(wide.loc[largest], title, fences)


@_style.drawn
def overloads(table: pd.DataFrame, *, fences: months.Fences) -> Figure | None:
    """Chance that hours do not suffice, overtime included, by resource and month.

    Parameters
    ----------
    table : DataFrame
        Table `risk_resources`.
    fences : Fences
        Frozen and firm months.
    """
    wide = table.pivot(index="resource", columns="month", values="overload_rate")
    wide = wide[wide.max(axis=1) >= _LEAST]
    if wide.empty:
        return None
    wide = wide.loc[wide.sum(axis=1).nlargest(_MOST_ROWS).index]
    title = "Chance that more hours are wanted than there are, overtime included"
    return _chances(wide, title, fences)


def _chances(wide: pd.DataFrame, title: str, fences: months.Fences) -> Figure:
    """Chances as a calendar of the months ahead."""
    shown = wide.iloc[:, :SHOWN]
    figure = calendar(shown, title, "{:.0%}".format, most=1.0, fences=fences, least=_LEAST)
    figure.axes[0].images[0].set_label(SHARE)
    return figure
