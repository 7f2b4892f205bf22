"""Charts of scenarios: what each changes beside the plan, and what each choice may be regretted."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit.charts import _style
from sopkit.reconciliation.comparison import KPIS
from sopkit.reconciliation.scenarios import PLANNED

_SHOWN = (  # a panel each, where any scenario changes it
    "contribution_value",
    "supplied_revenue_value",
    "late_quantity",
    "overtime_hours",
    "mean_inventory_value",
)
_MOST = 12  # scenarios drawn, those that move contribution most
_NAME_WIDTH = 24  # letters of a scenario in one line
_EDGE = 1.6  # room beside the longest bar for its figure, share of the bars


def _wrapped(title: str, width: int = _NAME_WIDTH) -> str:
    return textwrap.fill(_style.cut(title, 3 * width), width)


@_style.drawn
def differences(table: pd.DataFrame, listed: pd.DataFrame, *, currency: str) -> Figure | None:
    """What each scenario changes beside the plan, a panel a measure, each on its own scale.

    Parameters
    ----------
    table, listed : DataFrame
        Tables `scenarios` and `scenario_list`.
    currency : str
        Reporting currency.
    """
    wide = table[table["scenario"] != PLANNED].pivot(
        index="scenario", columns="kpi", values="difference"
    )
    title = listed.set_index("scenario")["title"]
    shown = [name for name in _SHOWN if name in wide and wide[name].abs().max() > 0]
    if not shown:
        return None
    wide = wide.loc[wide["contribution_value"].abs().sort_values(ascending=False).index[:_MOST]]
    wide = wide.sort_values("contribution_value", ascending=False)
    figure, panels = _style.panels(1, len(shown), height=1.4 + 0.5 * len(wide), sharey=True)
    for axes, name in zip(panels, shown, strict=True):
        words, kind, good = KPIS[name]
        column, unit = wide[name], currency if kind == "value" else ""
        is_better = column * good > 0
        colours = np.where(is_better, _style.SURPLUS, _style.SHORTAGE)
        colours = colours if good else [_style.HISTORY] * len(column)
        label = f"{words}, {unit}".removesuffix(", ")
        axes.barh(range(len(column)), column, color=colours, height=0.55, label=label)
        axes.axvline(0.0, color=_style.INK, linewidth=0.9)
        axes.grid(visible=False)
        axes.set_xticks([])
        axes.tick_params(axis="y", length=0)
        axes.spines[:].set_visible(False)
        low, high = min(column.min(), 0.0), max(column.max(), 0.0)
        room = _EDGE * (high - low)
        axes.set_xlim(low - (room if low < 0 else room / 5), high + room)
        axes.set_title(f"{words}\n{unit}".rstrip(), fontsize=10, loc="center")
        for row, amount in enumerate(column):
            text = "no plan" if np.isnan(amount) else _style.short(amount, "+")
            side = {"shift": (-5, 0), "ha": "right"} if amount < 0 else {"shift": (5, 0)}
            _style.say(axes, text, (np.nan_to_num(amount), row), **side)
    panels[0].set_yticks(range(len(wide)), [_wrapped(title[name]) for name in wide.index])
    panels[0].tick_params(axis="y", pad=16)
    panels[0].invert_yaxis()
    _style.head(figure, "What each scenario changes beside the plan, over the horizon")
    return figure


@_style.drawn
def regrets(regret: pd.DataFrame, listed: pd.DataFrame, *, currency: str) -> Figure | None:
    """What each choice falls short of the best one in each outside scenario, and at most.

    Parameters
    ----------
    regret, listed : DataFrame
        Tables `scenario_regret` and `scenario_list`.
    currency : str
        Reporting currency.
    """
    if regret["choice"].nunique() < 2 or regret["outside"].nunique() < 2:
        return None
    wide = regret.pivot(index="choice", columns="outside", values="regret_value")
    wide = wide[list(dict.fromkeys(regret["outside"]))]
    wide = wide.assign(**{"": wide.max(axis=1, skipna=False)}).sort_values("", na_position="last")
    title = listed.set_index("scenario")["title"]
    weight = regret.drop_duplicates("outside").set_index("outside")["weight_rate"]
    figure, (axes,) = _style.panels(height=1.9 + 0.45 * len(wide))
    most = max(np.nanmax(wide.to_numpy()), 1.0)
    shades = _style.REDS.with_extremes(bad=_style.SHORTAGE)  # no plan there
    _style.cells(axes, wide.to_numpy(), shades, most)
    names = [
        f"{_wrapped(title[name], 16)}\n({_style.percent(weight[name], decimals=0)})"
        for name in wide.columns[:-1]
    ]
    axes.set_xticks(range(wide.shape[1]), [*names, "at most"])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(wide)), [_wrapped(title[name]) for name in wide.index])
    axes.axvline(wide.shape[1] - 1.5, color=_style.INK, linewidth=1.2)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for (row, column), amount in np.ndenumerate(wide.to_numpy()):
        colour = _style.writing(shades, amount / most)
        weight_of = "bold" if column == wide.shape[1] - 1 else "normal"
        text = "no plan" if np.isnan(amount) else _style.short(amount)
        choices = {"ha": "center", "va": "center", "color": colour, "fontweight": weight_of}
        axes.text(column, row, text, **choices)
    _style.head(figure, f"Regret: contribution lost beside the best choice there, {currency}")
    return figure
