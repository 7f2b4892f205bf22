"""What executives are told of the plan in a few rows: what cannot be delivered, what changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy

_LATE = 0.5  # units a month from which a family runs late
_FELT = 1e-4  # share of the year's revenue from which its lack is told, as in the headline
_MOST_CAUSES, _MOST_SPANS = 3, 2
_CUSTOMERS = 2  # told by name of those who wait for a family
_FAMILIES = 3  # families told of what has changed
_KNOWN = ("last plan", "plan now")  # rows of the bridge that are no causes
Tables = dict[str, pd.DataFrame]


def undelivered(tables: Tables) -> pd.DataFrame:
    """Table ``undelivered``: families of which demand cannot all be delivered in its month.

    Parameters
    ----------
    tables : dict of DataFrame
        ``deliveries`` beside the consensus, ``feedback``, ``items``, ``locations``,
        ``money_rates`` (an item's price is the mean of its series), ``outlook``.

    Returns
    -------
    DataFrame
        Key ``family``, the most money first: ``months`` in words, ``first_month``,
        ``worst_month``, ``late_quantity`` (not delivered in its month, planning unit, the whole
        horizon), ``late_value``, ``item`` (that most of it is of), ``to_whom``: the channels (where
        there are none, the regions) that wait for most of it, with their units; ``agreed_share``
        of the late units that sales has agreed to, missing where nothing was asked; and
        ``missing_value``: revenue of this fiscal year not delivered within it; zero where all of it
        is less than a ten-thousandth.
    """
    own = tables["deliveries"]
    price = tables["money_rates"].groupby("item")["unit_price_value"].mean()
    late = (own["demand"] - own["on_time"]).clip(lower=0.0)
    own = hierarchy.with_levels(own, tables["items"]).assign(
        late_quantity=late * hierarchy.factors(own["item"], tables["items"]),
        late_value=late * own["item"].map(price).astype("float64"),
    )
    measures = ["late_quantity", "late_value"]
    by_month = hierarchy.aggregate(own, ["family", "month"], measures)
    whole, by_month = by_month, by_month[by_month["late_quantity"] >= _LATE]
    whole = whole[whole["family"].isin(by_month["family"])]
    by_item = hierarchy.aggregate(own, ["family", "item"], measures)
    largest = by_item.sort_values(measures[::-1]).groupby("family")["item"].last()
    names = schema.lookup(largest, tables["items"], "description").fillna(largest)
    table = hierarchy.aggregate(whole, ["family"], measures)
    spans = {family: _spans(rows["month"]) for family, rows in by_month.groupby("family")}
    first = by_month.groupby("family")["month"].min()
    worst = by_month.sort_values("late_quantity").groupby("family")["month"].last()
    waiting = _waiting(tables)
    agreed = table["family"].map(_agreed(waiting)).astype("float64")
    return table.assign(
        months=table["family"].map(spans).astype("str"),
        first_month=first.reindex(table["family"]).to_numpy(),
        worst_month=worst.reindex(table["family"]).to_numpy(),
        item=table["family"].map(names).astype("str"),
        to_whom=_to_whom(waiting).reindex(table["family"], fill_value="").to_numpy(),
        agreed_share=(agreed / table["late_quantity"]).clip(upper=1.0),
        missing_value=table["family"].map(_missing(tables["outlook"])).astype("float64"),
    ).sort_values(measures[::-1], ascending=False, ignore_index=True)


def _waiting(tables: Tables) -> pd.DataFrame:
    """Lines of feedback in the planning unit, each unit once, with family and ``customer``."""
    lines = hierarchy.in_planning_units(tables["feedback"], tables["items"])
    lines = hierarchy.with_levels(lines, tables["items"], tables["locations"])
    is_known = lines["channel"].ne(schema.ALL).any()
    return lines.assign(
        customer=lines["channel"] if is_known else lines["region"],
        quantity=lines["quantity"] - lines["promised_quantity"],
    )


def _to_whom(waiting: pd.DataFrame) -> pd.Series:
    """The customers of each family who wait for most, with their units."""
    told = {}
    for family, own in waiting.groupby("family"):
        units = own.groupby("customer")["quantity"].sum().sort_values(ascending=False)
        units = units.drop([schema.ALL, schema.UNASSIGNED], errors="ignore")
        count = _CUSTOMERS + (len(units) == _CUSTOMERS + 1)  # one more is named, not "others"
        rest = units[count:].sum()
        words = [f"{name} {amount:,.0f}" for name, amount in units[:count].items()]
        told[family] = ", ".join(words + ([f"others {rest:,.0f}"] if rest >= _LATE else []))
    return pd.Series(told, dtype="str")


def _agreed(waiting: pd.DataFrame) -> pd.Series:
    """Units that each family's customers wait for and sales has agreed to."""
    units = waiting["quantity"].where(waiting["state"] == "accepted", 0.0)
    return units.groupby(waiting["family"]).sum()


def _missing(outlook: pd.DataFrame) -> pd.Series:
    """Revenue of the fiscal year that supply does not bring within it, by family."""
    own = outlook[outlook["measure"] == "revenue"]
    own = own[own["fiscal_year"] == own["fiscal_year"].min()].set_index("family")
    apart = (own["outlook"] - own["supplied_outlook"]).clip(lower=0.0)
    lacks = apart.drop(
        schema.COMPANY_LABEL, errors="ignore"
    ).sum()  # family by family, as in the headline
    is_felt = lacks > max(_FELT * own["outlook"][schema.COMPANY_LABEL], _LATE)
    return apart if is_felt else 0.0 * apart


def _spans(month: pd.Series) -> str:
    """Months in words.

    Examples
    --------
    >>> _spans(pd.to_datetime(pd.Series(["2026-05-01", "2026-06-01", "2026-09-01"])))
    '2026-05 to 2026-06, 2026-09'
    """
    month = month.sort_values()
    runs = [own for _, own in month.groupby((months.number(month).diff() != 1).cumsum())]
    ends = [(months.label(own.iloc[0]), months.label(own.iloc[-1])) for own in runs]
    if len(runs) > _MOST_SPANS:
        return f"{len(month)} months from {ends[0][0]} to {ends[-1][1]}"
    return ", ".join(first if first == last else f"{first} to {last}" for first, last in ends)


def changes(tables: Tables, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Table ``changes``: what moved since the last cycle, and why; empty where there was none.

    Parameters
    ----------
    tables : dict of DataFrame
        ``outlook``, ``outlook_bridge``, ``bridge``, ``money_rates``, ``items``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``subject``: the year's revenue outlook, the demand plan of the next twelve months, and
        the four families that moved most. ``before`` and ``now`` (the outlook's), ``change``, in
        money where every series has a price, else in the planning unit; ``unit`` says which;
        ``why``: the largest causes, which sum to the change where they are all told.
    """
    rows = _outlook(tables) + _plan(tables, cycle)
    table = pd.DataFrame(rows, columns=["subject", "before", "now", "change", "unit", "why"])
    return table.astype(dict.fromkeys(("before", "now", "change"), "float64"))


def _outlook(tables: Tables) -> list[dict]:
    """Revenue of the fiscal year beside what the last cycle expected."""
    own = tables["outlook"]
    own = own[(own["measure"] == "revenue") & (own["family"] == schema.COMPANY_LABEL)]
    own = own[own["last_outlook"].notna()].nsmallest(1, "fiscal_year")
    if own.empty:
        return []
    row = own.iloc[0]
    steps = tables["outlook_bridge"]
    steps = steps[(steps["comparator"] == "last outlook") & (steps["kind"] == "step")]
    steps = steps[steps["fiscal_year"] == row["fiscal_year"]]
    return [
        {
            "subject": f"Revenue outlook of {row['fiscal_year']}",
            "before": row["last_outlook"],
            "now": row["outlook"],
            "change": row["outlook"] - row["last_outlook"],
            "unit": "signed_value",
            "why": _causes(steps.set_index("step")["amount_value"]),
        }
    ]


def _plan(tables: Tables, cycle: pd.Timestamp) -> list[dict]:
    """The demand plan of the next twelve months, and the families that moved most."""
    near = tables["bridge"]
    near = near[(near["month"] < months.shift(cycle, 12)) & ~near["cause"].isin(_KNOWN)]
    if near.empty:
        return []
    price = near.merge(tables["money_rates"], on=schema.SERIES, how="left", validate="m:1")
    price = price["unit_price_value"].set_axis(near.index)
    is_priced = bool(price.notna().all())
    weight = price if is_priced else hierarchy.factors(near["item"], tables["items"])
    detail = near["detail"].fillna("").astype("str").str.replace(": its number", "'s number")
    near = near.assign(
        worth=near["change"] * weight, words=detail.where(detail.ne(""), near["cause"])
    )
    moved = near.groupby("family")["worth"].sum()
    shown = moved[moved.abs().sort_values(ascending=False).index][:_FAMILIES]
    told = [("Demand plan, next twelve months", near)]
    told += [(family, near[near["family"] == family]) for family in shown.index]
    return [
        {
            "subject": subject,
            "before": np.nan,
            "now": np.nan,
            "change": own["worth"].sum(),
            "unit": "signed_value" if is_priced else "signed_quantity",
            "why": _causes(own.groupby("words")["worth"].sum()),
        }
        for subject, own in told
    ]


def _causes(amounts: pd.Series) -> str:
    """The largest causes with what each moved, and the rest as one.

    Examples
    --------
    >>> _causes(pd.Series({"events": 1200.0, "cleaning": -40.0, "model": 2.0, "override": 300.0}))
    'events +1,200; override +300; cleaning −40; others +2'
    """
    amounts = amounts[amounts.abs().sort_values(ascending=False, kind="stable").index]
    first, rest = amounts[:_MOST_CAUSES], amounts[_MOST_CAUSES:].sum()
    told = [*first.items()] + ([("others", rest)] if abs(rest) >= _LATE else [])
    return "; ".join(f"{name} {_signed(amount)}" for name, amount in told if abs(amount) >= _LATE)


def _signed(amount: float) -> str:
    size = abs(amount)
    scale, unit = (1e6, "\u00a0M") if size >= 999_500 else (1e3, "\u00a0k")
    text = f"{amount / scale:+,.1f}{unit}" if size >= 999_500 else f"{amount / scale:+,.0f}{unit}"
    text = text if size >= 9_999.5 else f"{amount:+,.0f}"
    return text.replace("-", "−")
