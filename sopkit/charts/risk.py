"""Charts of risk: what the year may bring, and where stock or hours may not suffice."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from sopkit.charts import _style

_MOST_ROWS = 12
_MOST_MONTHS = 18
_LEAST = 0.01  # chance from which a row is shown
_CHANCE = LinearSegmentedColormap.from_list("chance", ["#ffffff", _style.SHORTAGE])


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
        axes.barh(row.Index, row.value_95 - row.value_05, left=row.value_05, alpha=0.35, **wide)
        axes.barh(row.Index, row.value_75 - row.value_25, left=row.value_25, alpha=0.8, **wide)
        for amount, colour, width in (
            (row.planned_value, _style.DEMAND, 2.4),
            (row.budget_value, _style.BUDGET, 1.6),
        ):
            axes.plot([amount] * 2, [row.Index - 0.34, row.Index + 0.34], color=colour, lw=width)
        texts = (
            ("plan", row.planned_value, _style.DEMAND),
            ("budget", row.budget_value, "#111111"),
        )
        for name, amount, colour in texts:
            if np.isfinite(amount):
                where = {"shift": (0, 3), "ha": "center", "va": "bottom", "fontsize": 9}
                text = f"{name} {_style.short(amount)}"
                _style.say(axes, text, (amount, row.Index - 0.34), colour=colour, **where)
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
def stock_outs(table: pd.DataFrame) -> Figure | None:
    """Chance of being out of stock by item and month, of those with most money at stake.

    Parameters
    ----------
    table : DataFrame
        Table `risk_items`.
    """
    shown = table[table["stockout_rate"] >= _LEAST]
    if shown.empty:
        return None
    several = table["location"].nunique() > 1
    name = table["item"] + (" at " + table["location"] if several else "")
    stake = table["owed_value" if table["owed_value"].gt(0).any() else "owed_quantity"]
    largest = stake.groupby(name).sum().nlargest(_MOST_ROWS).index
    wide = table.assign(name=name).pivot(index="name", columns="month", values="stockout_rate")
    title = "Chance to be out of stock at month end; items with most money at stake"
    return _heat(wide.loc[largest], title)


@_style.drawn
def overloads(table: pd.DataFrame) -> Figure | None:
    """Chance that hours do not suffice, overtime included, by resource and month.

    Parameters
    ----------
    table : DataFrame
        Table `risk_resources`.
    """
    wide = table.pivot(index="resource", columns="month", values="overload_rate")
    wide = wide[wide.max(axis=1) >= _LEAST]
    if wide.empty:
        return None
    wide = wide.loc[wide.sum(axis=1).nlargest(_MOST_ROWS).index]
    return _heat(wide, "Chance that more hours are wanted than there are, overtime included")


def _heat(wide: pd.DataFrame, title: str) -> Figure:
    """Chances as shaded cells with their percent."""
    wide = wide.iloc[:, :_MOST_MONTHS]
    figure, (axes,) = _style.panels(height=1.3 + 0.36 * len(wide))
    axes.imshow(wide, cmap=_CHANCE, vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), chance in np.ndenumerate(wide.to_numpy()):
        if chance >= _LEAST:
            colour = "#ffffff" if chance > 0.55 else _style.INK
            text = f"{chance:.0%}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5)
    labels = [
        f"{month:%b}\n{month:%Y}" if month.month == 1 or column == 0 else f"{month:%b}"
        for column, month in enumerate(wide.columns)
    ]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(wide)), wide.index)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    _style.head(figure, title)
    return figure
