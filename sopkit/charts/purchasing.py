"""Charts of what is bought: money by supplier and month, what to order when, cash."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.charts._calendar import calendar

_MOST_SUPPLIERS = 12
_MOST_ITEMS = 20
_AHEAD_MONTHS = 4
_LEAST_SHARE = 0.005  # of the largest cell: less stays without writing
_NEAR_DAYS = 9
_NAME = 22  # letters of a name that are shown


@_style.drawn
def suppliers(
    orders: pd.DataFrame, *, currency: str, fences: months.Fences, cycle: pd.Timestamp
) -> Figure | None:
    """Money of orders by supplier and month of receipt, the largest suppliers.

    Parameters
    ----------
    orders : DataFrame
        Table `purchase_orders`; those without a price are left out.
    currency : str
        Reporting currency.
    fences : Fences
        Frozen and firm months.
    cycle : Timestamp
        First month shown.
    """
    known = orders[orders["amount_value"] > 0]
    if known.empty:
        return None
    known = known.assign(supplier=known["supplier"].replace("", "no supplier named"))
    total = known.groupby("supplier")["amount_value"].sum().nlargest(_MOST_SUPPLIERS)
    other = f"{known['supplier'].nunique() - len(total)} others"
    name = known["supplier"].where(known["supplier"].isin(total.index), other)
    wide = known.groupby([name, "month"])["amount_value"].sum().unstack()
    count = int(months.number(known["month"].max()) - months.number(cycle)) + 1
    wide = wide.reindex(columns=months.span(cycle, count)).fillna(0.0)
    order = [*total.index, *([other] if other in wide.index else [])]
    wide = wide.loc[order].rename(lambda name: _style.cut(str(name), _NAME))
    most = wide.max(axis=None)
    title = f"New orders by supplier and month of receipt, {currency}"
    look = {"least": _LEAST_SHARE * most, "shades": _style.AMOUNTS}
    return calendar(wide, title, _style.short, most=most, fences=fences, **look)


@_style.drawn
def order_dates(
    orders: pd.DataFrame, items: pd.DataFrame, *, currency: str, cycle: pd.Timestamp
) -> Figure | None:
    """What to order by when in the next months: a mark an order, the items with most money.

    Parameters
    ----------
    orders : DataFrame
        Table `purchase_orders`; where no order has a price, units are written.
    items : DataFrame
        Raw table: descriptions.
    currency : str
        Reporting currency.
    cycle : Timestamp
        First month shown.
    """
    end = months.shift(cycle, _AHEAD_MONTHS)
    near = orders[orders["order_by"] < end]
    if near.empty:
        return None
    is_priced = near["amount_value"].notna().any()
    near = near.assign(amount=near["amount_value"] if is_priced else near["quantity"])
    near = near.groupby(["item", "order_by"], as_index=False).agg(
        amount=("amount", "sum"), is_late=("is_late", "any")
    )
    ranked = near.groupby("item").agg(amount=("amount", "sum"), is_late=("is_late", "any"))
    shown = ranked.sort_values(["is_late", "amount"], ascending=False).head(_MOST_ITEMS).index
    first = near[near["item"].isin(shown)].sort_values(["order_by", "amount"], kind="stable")
    row = {item: place for place, item in enumerate(first["item"].unique())}
    figure, (axes,) = _style.panels(height=1.7 + 0.34 * len(row))
    write = _thousands if first["amount"].max() >= 9_999.5 else _style.short
    beside = first.groupby("item")["order_by"].diff(-1) > pd.Timedelta(-_NEAR_DAYS, "D")
    for order, is_near in zip(first.itertuples(), beside, strict=True):
        colour = _style.SHORTAGE if order.is_late else _style.SUPPLY
        mark = "D" if order.is_late else "o"
        look = {
            "color": colour,
            "markersize": 7,
            "label": "too late" if order.is_late else "in time",
        }
        axes.plot(order.order_by, row[order.item], mark, **look)
        words, place = write(order.amount), (order.order_by, row[order.item])
        side = {"shift": (-6, 0), "ha": "right"} if is_near else {}  # the next mark stands close
        _style.say(axes, words, place, colour=colour, fontsize=8.5, **side)
    described = items.drop_duplicates("item").set_index("item")["description"].reindex(list(row))
    names = [
        item if pd.isna(d) else f"{item} {_style.cut(d, _NAME)}" for item, d in described.items()
    ]
    axes.set_yticks(range(len(row)), [_style.cut(name, 40) for name in names])
    axes.set_ylim(len(row) - 0.4, -0.6)
    ticks = months.span(cycle, _AHEAD_MONTHS)
    labels = [f"{tick:%b}\n{tick:%Y}" if k == 0 else f"{tick:%b}" for k, tick in enumerate(ticks)]
    axes.set_xticks(list(ticks), labels)
    axes.set_xlim(cycle - pd.Timedelta(4, "D"), end + pd.Timedelta(3, "D"))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    rest = len(ranked) - len(row)
    what = currency if is_priced else "units of the item"
    beyond = f"; {rest} more items in purchase_orders" if rest else ""
    late = ". Red diamonds come too late" * bool(first["is_late"].any())
    _style.head(figure, f"Order by when, {what}{late}{beyond}")
    return figure


def _thousands(amount: float) -> str:
    """An amount in thousands, so that all of a chart have one form."""
    return f"{amount / 1e3:,.{int(amount < 99_950)}f}\u00a0k"


@_style.drawn
def cash(table: pd.DataFrame, *, currency: str, fences: months.Fences) -> Figure | None:
    """What customers pay and suppliers are paid by month, and both together.

    Parameters
    ----------
    table : DataFrame
        Table `cash_flow`.
    currency : str
        Reporting currency.
    fences : Fences
        Frozen and firm months.
    """
    if table.empty:
        return None
    wide = table.groupby(["month", "kind"])["amount_value"].sum().unstack().fillna(0.0)
    names = {"receipts of sales": "paid by customers"}
    names |= {"payments of purchases": "paid to suppliers"}
    bars = {name: wide[kind] for kind, name in names.items() if kind in wide}
    lines = {"both together": wide.sum(axis=1)} if len(bars) > 1 else {}
    part = {"lines": lines, "bars": bars, "fences": fences}
    part |= {"title": "Money of customers and to suppliers by month", "unit": currency}
    return _style.over_time(part, height=4.6)
