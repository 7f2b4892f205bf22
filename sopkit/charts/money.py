"""Charts of the plan in money: quarters, what is tied up, the year, the years ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.charts._waterfall import waterfall

_MOST_QUARTERS = 8
_MOST_RESOURCES = 6
_SMALL = 0.0005  # share of the whole below which a step is not told apart
_BESIDE = ["budget_revenue_value", "last_year_revenue_value"]
_TIED = {  # what ties money up: its column, sign and look
    "stock": ("inventory_value", 1.0, _style.SUPPLY),
    "owed by customers": ("receivable_value", 1.0, _style.STATISTICAL),
    "owed to suppliers": ("payable_value", -1.0, _style.LAST_YEAR),
}


@_style.drawn
def quarters(
    financials: pd.DataFrame, by_level: pd.DataFrame, company: pd.Series, *, currency: str
) -> Figure | None:
    """Revenue by fiscal quarter beside budget and last year, margin, and what ties money up.

    Parameters
    ----------
    financials, by_level : DataFrame
        Tables `financials` and `money_by_level`; whole quarters only.
    company : Series
        Settings: first month of the fiscal year, and how its name differs from its last year.
    currency : str
        Reporting currency.
    """
    is_quarter = by_level["period_kind"].eq("quarter") & by_level["level"].eq("company")
    own = by_level[is_quarter].set_index("period").sort_index().head(_MOST_QUARTERS)
    plan = _style.company(financials)
    if own["revenue_value"].isna().all():
        return None
    terms = [int(company[f"fiscal_year_{name}"]) for name in ("first_month", "shift")]
    into = (plan.index.month - terms[0]) % 3
    start = months.from_number(months.number(plan.index) - into)
    beside = plan.groupby(start)[_BESIDE].sum(min_count=3).reindex(own.index)
    has_margin, is_tied = (own[name].notna().any() for name in ("margin_value", "cash_value"))
    count = 1 + has_margin + is_tied
    ratios = [1.6, *[1.0] * (count - 1)]
    figure, axes = _style.panels(count, height=2.2 + 2.2 * count, height_ratios=ratios)
    names = [[] for _ in axes]
    _beside_budget(axes[0], own["revenue_value"], *(beside[name] for name in _BESIDE))
    axes[0].set_title("Revenue of demand; percent: beside the budget", fontsize=10.5)
    if has_margin:
        names[1] = _bars(axes[1], {"margin": own["margin_value"]}, {"margin": _style.DEMAND})
        axes[1].set_title("Margin of demand", fontsize=10.5)
    if is_tied:
        known = {n: own[c] * sign for n, (c, sign, _) in _TIED.items() if own[c].notna().any()}
        names[-1] = _bars(axes[-1], known, {name: look for name, (_, _, look) in _TIED.items()})
        cash, top = own["cash_value"], sum(part.clip(lower=0.0) for part in known.values())
        axes[-1].plot(
            range(len(own)), cash, color=_style.INK, marker="o", markersize=4, label="in all"
        )
        for x, (amount, high) in enumerate(zip(cash, top, strict=True)):
            _style.say(axes[-1], _style.short(amount), (x, high), shift=(0, 9), ha="center")
        axes[-1].set_title("Tied up at the quarter's end: the line is the sum", fontsize=10.5)
    month = pd.Series(own.index)
    quarter = (month.dt.month - terms[0]) % 12 // 3 + 1
    labels = "Q" + quarter.astype(str) + "\n" + months.fiscal_year(month, *terms).astype(str)
    for own_axes, own_names in zip(axes, names, strict=True):
        own_axes.set_xticks(range(len(own)), labels)
        _style.value_axis(own_axes, currency)
        own_axes.set_ylim(top=own_axes.get_ylim()[1] * 1.12)  # for the words above the bars
        _style.end_names(own_axes, own_names)
    _style.head(figure, f"The plan by fiscal quarter, {currency}", axes[0])
    return figure


def _beside_budget(axes: Axes, planned: pd.Series, budget: pd.Series, before: pd.Series) -> None:
    """Bars of plan and last year, the budget as a line, the plan beside it in percent."""
    place = np.arange(len(planned))
    axes.bar(place - 0.2, before, 0.3, color=_style.LAST_YEAR, label="last year")
    axes.bar(place + 0.14, planned, 0.36, color=_style.DEMAND, label="plan")
    line = {"color": _style.BUDGET, "linewidth": 2.2, "label": "budget"}
    axes.hlines(budget, place - 0.1, place + 0.38, **line)
    for x, amount, promised in zip(place, planned, budget, strict=True):
        rate = amount / promised - 1.0
        text = "" if np.isnan(rate) else f"\n{_style.percent(rate, '+')}"
        text, where = _style.short(amount) + text, {"ha": "center", "va": "bottom"}
        top = np.nanmax([amount, promised])
        _style.say(axes, text, (x + 0.14, top), shift=(0, 4), **where)


def _bars(axes: Axes, amounts: dict[str, pd.Series], colours: dict[str, str]) -> list[tuple]:
    """Bars upon each other, above and below zero; gives where their names belong."""
    up, down, names, place = 0.0, 0.0, [], np.arange(len(next(iter(amounts.values()))))
    for name, amount in amounts.items():
        bottom = np.where(amount >= 0, up, down)
        axes.bar(place, amount, 0.5, bottom=bottom, color=colours[name], label=name)
        middle = bottom[-1] + amount.iloc[-1] / 2.0
        names.append((place[-1] + 0.2, middle, f"■ {name}", colours[name]))
        up, down = up + amount.clip(lower=0.0), down + amount.clip(upper=0.0)
    axes.axhline(0.0, color=_style.INK, linewidth=0.9)
    axes.set_xlim(-0.6, len(place) + 0.9)
    return names


@_style.drawn
def outlook_bridge(table: pd.DataFrame, *, against: list[str], currency: str) -> Figure | None:
    """From a comparator to the outlook of the year, as far as supply can follow, step by step.

    Parameters
    ----------
    table : DataFrame
        Table `outlook_bridge`; its first fiscal year is drawn.
    against : list of str
        Comparators in the order of choice; the first that there is, is drawn.
    currency : str
        Reporting currency.
    """
    own = table[table["fiscal_year"] == table["fiscal_year"].min()]
    for comparator in against:
        rows = own[own["comparator"] == comparator].sort_values("place")
        if rows.empty:
            continue
        total = rows[rows["kind"] == "total"].set_index("step")["amount_value"]
        moves = rows[rows["kind"] == "step"].set_index("step")["amount_value"]
        is_large = moves.abs() > _SMALL * abs(total.iloc[0])
        moves = [*moves[is_large].items(), ("all others", moves[~is_large].sum())]
        moves = [move for move in moves if abs(move[1]) > 0.5]
        ends = {comparator: total.iloc[0], total.index[-1]: total.iloc[-1]}
        year = rows["fiscal_year"].iloc[0]
        return waterfall(f"Revenue of {year}: from {comparator} to outlook", ends, moves, currency)
    return None


@_style.drawn
def strategic_years(table: pd.DataFrame) -> Figure | None:
    """Hours that demand needs by fiscal year beside those there are, the busiest resources.

    Parameters
    ----------
    table : DataFrame
        Table `strategic_years`.
    """
    load = table[(table["level"] == "resource") & table["utilisation_rate"].notna()]
    if load.empty:
        return None
    peak = load.groupby("member")["utilisation_rate"].max().nlargest(_MOST_RESOURCES)
    figure, axes = _style.small_panels(len(peak), height=2.2)
    for own_axes, resource in zip(axes, peak.index, strict=True):
        own = load[load["member"] == resource].sort_values("fiscal_year")
        place = np.arange(len(own))
        within = own[["hours", "regular_hours"]].min(axis=1)
        is_plan = own["basis"].eq("plan").to_numpy()
        for mark, name, alpha in ((is_plan, "hours needed", 0.85), (~is_plan, "extrapolated", 0.4)):
            look = {"color": _style.DEMAND, "alpha": alpha, "label": name}
            own_axes.bar(place[mark], within[mark], 0.6, **look)
        above = {"color": _style.SHORTAGE, "label": "beyond regular hours"}
        own_axes.bar(place, own["extra_hours"], 0.6, bottom=within, **above)
        ends = {"xmin": place - 0.4, "xmax": place + 0.4}
        regular, most = own["regular_hours"], own["regular_hours"] + own["overtime_hours"]
        own_axes.hlines(regular, **ends, color=_style.INK, linewidth=1.6, label="regular hours")
        own_axes.hlines(most, **ends, color=_style.HISTORY, linewidth=1.2, label="with overtime")
        top = np.maximum(own["hours"], most)
        for x, y, rate in zip(place, top, own["utilisation_rate"], strict=True):
            text = _style.percent(rate, decimals=0)
            _style.say(own_axes, text, (x, y), shift=(0, 8), ha="center")
        own_axes.set_xticks(place, own["fiscal_year"].astype(str))
        own_axes.set_title(_style.cut(resource), fontsize=10.5)
        _style.value_axis(own_axes, "Hours a year" if own_axes is axes[0] else "")
        own_axes.set_ylim(top=own_axes.get_ylim()[1] * 1.1)
    title = "Hours that demand needs a fiscal year; percent: of regular hours"
    _style.head(figure, title, axes[0])
    return figure
