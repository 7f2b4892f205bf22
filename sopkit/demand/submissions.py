"""Departments' views on the plan's keys, side by side, and how right they were before.

A row of `submissions` covers the keys its level columns name. Within a department a number at a
wider level is the total of those inside (``nesting``); a withdrawn row counts no more.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import accuracy, consensus, hierarchy, nesting

SKILL_LAGS = (1, 3)  # lags at which a past view is judged: first and last month ahead
FEWEST_CYCLES = 6  # cycles before a department's past counts
_ALIKE = 0.05  # share by which errors must differ to be told apart


def views(
    submissions: pd.DataFrame, base: pd.DataFrame, items: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table ``views``: each department's own number on the plan's keys.

    Parameters
    ----------
    submissions : DataFrame
        Table `submissions`, numbers in the common planning unit, money in the company's currency;
        rows of this cycle are used.
    base : DataFrame
        Forecast with events by series and month with ``quantity``, ``unit_price_value`` and all
        levels (``hierarchy.with_levels``).
    items : DataFrame
        Table `items`: planning factors, by which the views are put in each item's own unit.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    views : DataFrame
        Key ``department, item, location, channel, month``; units.
    unplaced : DataFrame
        Submitted rows that do not count as given, with ``state`` and ``finding`` (``placement``).
    """
    laid, placed = placement(submissions, base, items, cycle=cycle)
    return laid, placed[placed["state"] != ""]


def placement(
    submissions: pd.DataFrame, base: pd.DataFrame, items: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As ``views``, and every row of the cycle with what became of it.

    Returns
    -------
    views : DataFrame
        Table ``views``.
    placed : DataFrame
        Rows of this cycle with an ``amount``, a department's in the order of entry: ``within``, in
        words the total that holds it; ``state`` as of ``nesting.lay``, and ``finding``, it in
        words. Months of a quarter that are not planned stand as rows of their own, a third each.

    Notes
    -----
    Within one department and month (or quarter) the wider number is the total of its level, those
    inside are held within it, and the remainder goes to its other keys in proportion to the
    statistical forecast. Where details exceed their total, or nothing is free for the remainder,
    the details win and the finding names it. Of two numbers that cross, neither inside the other,
    the one entered later (else the later row) is left out and the finding names both. Units and
    money hold each other alike: each key's price turns one into the other.
    """
    now = _planned(in_force(submissions[submissions["cycle"] == cycle]), base)
    base = base.assign(factor=hierarchy.factors(base["item"], items)).reset_index(drop=True)
    parts, told = [], []
    for department, rows in now.groupby("department"):
        own = rows.sort_values("entered_at", kind="stable", na_position="first", ignore_index=True)
        measure = np.where(own["quantity"].notna(), "factor", "unit_price_value")
        quantity, placed = nesting.lay(own.assign(measure=measure), base)
        laid = base[schema.SERIES_MONTH].assign(department=department, quantity=quantity)
        parts.append(laid[quantity.notna()].sort_values(schema.SERIES_MONTH))
        told.append(_told(own, placed))
    columns = ["department", *schema.SERIES_MONTH, "quantity"]
    if not parts:
        none = pd.DataFrame(columns=columns).astype({"quantity": "float64"})
        return none, now.iloc[:0].assign(within="", state="", finding="")
    return pd.concat(parts, ignore_index=True)[columns], pd.concat(told, ignore_index=True)


def _told(rows: pd.DataFrame, placed: pd.DataFrame) -> pd.DataFrame:
    """Rows with what ``nesting.lay`` found of them, in words."""
    names = [*map(in_words, rows.to_dict("records")), ""]  # the last one: none, at -1
    findings = {
        nesting.NOTHING: "covers nothing in the plan",
        nesting.CROSSES: "crosses {other}, said before, and is left out",
        nesting.UNMET: "its details come to {held:,.0f}",
    }
    words = [
        findings.get(cell["state"], "").format(**cell | {"other": names[cell["other"]]})
        for cell in placed.to_dict("records")
    ]
    within = [names[place] for place in placed["within"]]
    return rows.assign(within=within, state=placed["state"], finding=words)


def in_words(row: dict) -> str:
    """Levels, month or quarter, and number of a submitted row.

    Examples
    --------
    >>> month = pd.Timestamp("2026-03-01")
    >>> in_words({"family": "Tents", "item": "all", "month": month, "quantity": 1200.0})
    'family Tents, 2026-03: 1,200'
    """
    is_month = pd.notna(row.get("month"))
    when = months.label(row["month"]) if is_month else f"quarter from {row['quarter']:%Y-%m}"
    return f"{_level_words(row)}, {when}: {number_in_words(row)}"


def number_in_words(row: dict) -> str:
    """The number of a submitted row; empty where it holds none.

    Examples
    --------
    >>> number_in_words({"quantity": None, "revenue_value": 1_308_000.0})
    'money of 1,308,000'
    """
    words = {"": row.get("quantity"), "money of ": row.get("revenue_value")}
    given = [f"{word}{round(n, 2):,.12g}" for word, n in words.items() if pd.notna(n)]
    return given[0] if given else ""


def in_force(submissions: pd.DataFrame) -> pd.DataFrame:
    """Rows of `submissions` that count, with one ``amount``: units, else money; none withdrawn."""
    amount = submissions["quantity"].fillna(submissions["revenue_value"])
    amount = amount.mask(submissions["is_withdrawn"].fillna(False).astype(bool))
    return submissions.assign(amount=amount)[amount.notna()]


def _planned(rows: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """Rows in which quarters hold planned months alone: a third of each other one stands apart."""
    planned, closed, parts = months.number(base["month"]).unique(), 0, []
    quarters = rows[rows["month"].isna()]
    for k in range(3):
        month = months.number(quarters["quarter"]) + k
        is_out = ~month.isin(planned)
        apart = quarters[is_out].assign(month=months.from_number(month[is_out]))
        parts.append(apart.assign(amount=apart["amount"] / 3.0))
        closed = closed + is_out
    ahead = quarters.assign(amount=quarters["amount"] * (1.0 - closed / 3.0))
    return pd.concat([rows[rows["month"].notna()], ahead[closed < 3], *parts], ignore_index=True)


def _by_month(submissions: pd.DataFrame) -> pd.DataFrame:
    """Rows that count by month, a quarter spread evenly: of a past one no forecast is at hand."""
    rows = in_force(submissions)
    quarters = rows[rows["month"].isna()]
    spread = [
        quarters.assign(
            month=months.from_number(months.number(quarters["quarter"]) + k),
            amount=quarters["amount"] / 3.0,
        )
        for k in range(3)
    ]
    return pd.concat([rows[rows["month"].notna()], *spread], ignore_index=True)


def status(
    submissions: pd.DataFrame,
    departments: list[str],
    *,
    cycle: pd.Timestamp,
    due: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Table ``view_status``: who has submitted for this cycle, and whether in time.

    Who says that nothing is to change has submitted, without a row that counts; who has withdrawn
    every number has not. Quarters are spread evenly over their months here, and in ``skill``.

    Parameters
    ----------
    submissions : DataFrame
        Table `submissions`.
    departments : list of str
        Who is asked, in the order shown; empty where anybody may submit.
    cycle : Timestamp
        Month in which the plan is made.
    due : Timestamp, optional
        Day of the demand review (``months.working_day``).

    Returns
    -------
    DataFrame
        Key ``department``: ``rows``, ``first_month``, ``last_month``; ``entered_at``, the last
        entry as text; ``state`` (submitted, has not submitted), ``timing`` (in time; in
        time, changed later; late; missing; blank where nobody knows).
    """
    now = submissions[submissions["cycle"] == cycle]
    rows = _by_month(now)
    is_same = now["is_unchanged"].fillna(False).astype(bool)
    unchanged = set(now.loc[is_same, "department"])
    heard = set(rows["department"]) | unchanged
    expected = (
        sorted(set(departments) | heard)
        if not departments
        else [*departments, *sorted(heard - set(departments))]
    )
    grouped = rows.groupby("department")["month"].agg(["size", "min", "max"]).reindex(expected)
    grouped.columns = ["rows", "first_month", "last_month"]
    is_heard = grouped["rows"].notna() | grouped.index.isin(list(unchanged))
    every = now.groupby("department")["entered_at"]
    first, entered = (own.reindex(expected) for own in (every.min(), every.max()))
    timing = np.where(entered.isna() | pd.isna(due), "", "in time")
    if pd.notna(due):
        is_first, is_last = (own.dt.normalize() > due for own in (first, entered))
        timing = np.select([is_first, is_last], ["late", "in time, changed later"], timing)
    return grouped.assign(
        rows=grouped["rows"].fillna(0.0),
        entered_at=entered.dt.strftime("%Y-%m-%d").fillna("").to_numpy(),
        state=np.where(is_heard, "submitted", "has not submitted"),
        timing=np.where(is_heard, timing, "missing"),
    ).reset_index(names="department")


def with_assumptions(
    views: pd.DataFrame, plan: pd.DataFrame, assumptions: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Table ``view_assumptions``: what each department assumes, beside its number.

    Parameters
    ----------
    views, plan : DataFrame
        Tables `views` and `demand_plan`, in the common unit.
    assumptions : DataFrame
        Table `assumptions`; those of a department that have not expired are listed.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``department, assumption`` (blank where a department that submitted wrote none down):
        ``statement``, ``quality``, ``impact``; ``quantity`` and ``forecast`` (with events) over the
        keys the department speaks to, ``difference_rate`` between them. The department farthest
        from that forecast stands first.
    """
    base = plan[schema.SERIES_MONTH].assign(forecast=consensus.with_events(plan))
    both = views.merge(base, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    sums = both.groupby("department", as_index=False)[["quantity", "forecast"]].sum()
    rate = sums["quantity"] / sums["forecast"].where(sums["forecast"] > 0) - 1.0
    sums = sums.assign(difference_rate=rate)
    own = assumptions[~(assumptions["expires_month"] < cycle) & assumptions["department"].notna()]
    own = own[["department", "assumption", "statement", "quality", "impact"]]
    table = sums.merge(own, on="department", how="outer", validate="one_to_many")
    names = ["assumption", "statement", "quality", "impact"]
    table = table.fillna(dict.fromkeys(names, ""))
    table = table.assign(far=-table["difference_rate"].abs().fillna(0.0))
    table = table.sort_values(["far", "department", "assumption"], ignore_index=True)
    return table[["department", *names, "quantity", "forecast", "difference_rate"]]


def skill(
    submissions: pd.DataFrame,
    history: pd.DataFrame,
    tests: pd.DataFrame,
    items: pd.DataFrame,
    harmful: frozenset[str] | set[str] = frozenset(),
) -> pd.DataFrame:
    """Table ``view_skill``: past views beside what came, by family and month.

    Parameters
    ----------
    submissions : DataFrame
        Table `submissions`, all cycles known, as for ``views``.
    history : DataFrame
        Table `demand_history` in planning units: net sales, units and revenue.
    tests : DataFrame
        Table `backtest`: the forecast's error at the same lags, events known then in it.
    items : DataFrame
        Table `items`: families.
    harmful : set of str
        Departments that the ledger found to make plans worse (``value_added.harmful``): their
        numbers are shown and have no weight until that changes.

    Returns
    -------
    DataFrame
        One row a department and one for ``statistical``; ``weight_share`` sums to 1 and is zero
        for departments with fewer than six measured cycles and for harmful ones.

    Notes
    -----
    Views in money are judged in money. Judged at one to three months ahead, where most plans can
    still move. Weight ∝ 1 / WAPE², so a view twice as wrong counts a quarter.
    """
    past = _by_month(submissions)
    distance = months.number(past["month"]) - months.number(past["cycle"])
    past = past[distance.between(*SKILL_LAGS) & past["month"].isin(history["month"])]
    net = hierarchy.with_levels(history, items)
    net = net.assign(net=accuracy.measured(net))
    rows = [_statistical_skill(tests, items)]
    rows += [
        _department_skill(department, own, net, items)
        for department, own in past.groupby("department")
    ]
    table = pd.DataFrame(rows)
    precision = 1.0 / np.maximum(table["wape"], 0.01) ** 2
    is_base = table["department"] == "statistical"
    enough = (is_base | (table["cycles"] >= FEWEST_CYCLES)) & table["wape"].notna()
    is_harmful = table["department"].isin(harmful)
    precision = precision.where(enough & ~is_harmful, 0.0)
    if not precision.sum():
        precision = is_base.astype("float64")
    beside = table["wape"] / table["wape"].iloc[0]
    verdict = np.select(
        [is_base, ~enough, is_harmful, beside < 1.0 - _ALIKE, beside <= 1.0 + _ALIKE],
        [
            "the base",
            "too early to say",
            "made past plans worse: no weight",
            "closer than the forecast with events",
            "as close as the forecast with events",
        ],
        "further off than the forecast with events",
    )
    return table.assign(weight_share=precision / precision.sum(), verdict=verdict)


def _statistical_skill(tests: pd.DataFrame, items: pd.DataFrame) -> dict:
    near = hierarchy.with_levels(tests[tests["lag"].between(*SKILL_LAGS)], items)
    summed = near.groupby(["origin", "family", "month"])[["combined", "actual"]].sum()
    return {
        "department": "statistical",
        "cycles": near["origin"].nunique(),
        "wape": accuracy.wape(summed["combined"].to_numpy(), summed["actual"].to_numpy()),
        "bias_rate": accuracy.bias_rate(summed["combined"].to_numpy(), summed["actual"].to_numpy()),
    }


def _department_skill(
    department: str, own: pd.DataFrame, net: pd.DataFrame, items: pd.DataFrame
) -> dict:
    """Past views of one department beside what came at their own level, in their own measure.

    Added up to families, where the statistical forecast is judged too; to the company where the
    department speaks above families.
    """
    in_units = own["quantity"].notna()
    came = hierarchy.total_over(own, net, "net")
    came = came.where(in_units, hierarchy.total_over(own, net, "revenue_value"))
    # units and money are made comparable: each weighs by its count of rows
    scale = came.groupby(in_units).transform("mean")
    came, said = came / scale, own["amount"] / scale
    family = schema.lookup(own["item"], items, "family").where(own["item"] != schema.ALL)
    family = family.fillna(own["family"])
    if (family == schema.ALL).any():
        family = pd.Series(schema.COMPANY_LABEL, index=own.index)
    both = own.assign(family=family, came=came, amount=said)[came.notna()]
    sums = both.groupby(["cycle", "family", "month"])[["amount", "came"]].sum()
    forecast, actual = sums["amount"].to_numpy(), sums["came"].to_numpy()
    return {
        "department": department,
        "cycles": both["cycle"].nunique(),
        "wape": accuracy.wape(forecast, actual),
        "bias_rate": accuracy.bias_rate(forecast, actual),
    }


def exceptions(
    plan: pd.DataFrame,
    views: pd.DataFrame,
    unplaced: pd.DataFrame,
    tests: pd.DataFrame,
    orders: pd.DataFrame,
    rates: pd.DataFrame,
    items: pd.DataFrame,
    override_effects: pd.DataFrame,
    materiality_value: float,
    event_effects: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Table ``demand_review_exceptions``: disagreement, forecasts worse than naive, lost rows.

    Parameters
    ----------
    plan, views, tests : DataFrame
        Tables `demand_plan`, `views`, `backtest`.
    unplaced : DataFrame
        Submitted rows that do not count as given (``views``).
    orders : DataFrame
        Table `orders`: open orders beyond the plan of their month.
    rates, items : DataFrame
        Prices by series, and families.
    override_effects : DataFrame
        Table `override_effects`: those that were refused or ask for a look.
    materiality_value : float
        Money below which an exception is left to the count.
    event_effects : DataFrame, optional
        Table `event_effects`: promotions of every year that are not planned again.

    Returns
    -------
    DataFrame
        ``subject, finding, amount_value, proposal, is_material``, largest money first.
    """
    rows = [
        *_disagreements(plan, views, rates, items),
        *_beaten_by_naive(tests, rates),
        *_ordered_beyond(plan, orders, rates),
        *_to_confirm(override_effects),
        *_not_as_given(unplaced),
        *_not_planned(event_effects),
    ]
    table = pd.DataFrame(rows, columns=["subject", "finding", "amount_value", "proposal"])
    table = table.astype({"amount_value": "float64"})
    is_material = ~(table["amount_value"] < materiality_value)
    return table.assign(is_material=is_material).sort_values(
        "amount_value", ascending=False, kind="stable", ignore_index=True, na_position="first"
    )


def _not_planned(event_effects: pd.DataFrame | None) -> list[tuple]:
    """One row a month of a promotion that comes every year and is not planned."""
    if event_effects is None:
        return []
    own = event_effects[event_effects["kind"] == "promotion not planned"]
    remedy = "enter it in events, with a probability of 0 if it will not run"
    names = ["event", "finding", "unplanned_value"]
    return [(*row, remedy) for row in own[names].itertuples(index=False)]


def _not_as_given(unplaced: pd.DataFrame) -> list[tuple]:
    """One row a department and state: how many, and the first of them in words."""
    remedies = {
        nesting.NOTHING: "correct its level names; money needs prices, mixed units a factor",
        nesting.CROSSES: "say both at one level, or one inside the other",
        nesting.UNMET: "make the total the sum of its details, or leave one of them out",
    }
    heads = {nesting.NOTHING: "cover nothing in the plan", nesting.CROSSES: "are left out"}
    rows = []
    for (department, state), own in unplaced.groupby(["department", "state"]):
        head, first = heads.get(state, "differ from their details"), own.iloc[0].to_dict()
        words = f"{in_words(first)} ({first['finding']})"
        words = _level_words(first) if state == nesting.NOTHING else words
        finding = f"{len(own)} rows {head}, first {words}"
        rows.append((f"Submission of {department}", finding, float("nan"), remedies[state]))
    return rows


def _level_words(row: dict) -> str:
    named = [f"{n} {row[n]}" for n in schema.LEVELS if row.get(n, schema.ALL) != schema.ALL]
    return ", ".join(named) or "the whole company"


def _disagreements(plan, views, rates, items) -> list[tuple]:
    """One row a department and family: money between its view and the forecast with events."""
    price = rates[[*schema.SERIES, "unit_price_value"]]
    # inner: only keys with a view can disagree
    both = views.merge(plan, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    both = both.merge(price, on=schema.SERIES, how="left", validate="many_to_one")
    both = hierarchy.with_levels(both, items)
    both = both.assign(forecast=consensus.with_events(both))
    difference = (both["quantity"] - both["forecast"]) * both["unit_price_value"]
    money = difference.groupby([both["department"], both["family"]]).sum(min_count=1)
    base = (
        (both["forecast"] * both["unit_price_value"])
        .groupby([both["department"], both["family"]])
        .sum()
    )
    return [
        (
            f"{family}: {department}",
            f"{'above' if amount > 0 else 'below'} the forecast with events by "
            f"{abs(amount) / base[department, family]:.0%}",
            abs(amount),
            f"ask {department} for the reason",
        )
        for (department, family), amount in money.dropna().items()
        if base[department, family] > 0
    ]


def _ordered_beyond(plan: pd.DataFrame, orders: pd.DataFrame, rates: pd.DataFrame) -> list[tuple]:
    """Items whose open orders exceed the plan of the months they are wanted in."""
    open_orders = orders.groupby(schema.SERIES_MONTH, as_index=False)["quantity"].sum()
    planned = hierarchy.total_over(open_orders, plan, "consensus").fillna(0.0)
    price = rates.groupby("item")["unit_price_value"].mean()
    price = open_orders["item"].map(price).astype("float64")
    beyond = (open_orders["quantity"] - planned).clip(lower=0.0)
    open_orders = open_orders.assign(beyond=beyond, money=beyond * price)
    sums = open_orders[beyond > 0.5].groupby("item")[["beyond", "money"]].sum(min_count=1)
    return [
        (
            f"Item {item}",
            f"open orders exceed the plan of their months by {row['beyond']:,.0f} units",
            row["money"],
            "plan at least what is ordered",
        )
        for item, row in sums.iterrows()
    ]


def _to_confirm(effects: pd.DataFrame) -> list[tuple]:
    """Overrides that did not do what was asked, or that somebody must look at again."""
    return [
        (
            f"Override of {row.author}: {row.subject}, {row.month:%Y-%m}",
            f"{row.asked}, {row.state}: {row.finding}",
            abs(row.change_value) if row.state != "refused" else float("nan"),
            f"ask {row.author} to confirm, change or withdraw it",
        )
        for row in effects[effects["finding"] != ""].itertuples()
    ]


def _beaten_by_naive(tests: pd.DataFrame, rates: pd.DataFrame) -> list[tuple]:
    """Items whose combined forecast lost to seasonal naive over the whole backtest."""
    price = rates[[*schema.SERIES, "unit_price_value"]]
    rows = tests.merge(price, on=schema.SERIES, how="left", validate="many_to_one")
    rows = rows.assign(
        ours=(rows["combined"] - rows["actual"]).abs(),
        naive=(rows["seasonal_naive"] - rows["actual"]).abs(),
        money=rows["actual"].abs() * rows["unit_price_value"],
    )
    sums = rows.groupby("item")[["ours", "naive", "money"]].sum(min_count=1)
    count = max(rows["origin"].nunique(), 1)
    lost = sums[sums["ours"] > sums["naive"]]
    beaten = (lost["ours"] / lost["naive"].where(lost["naive"] > 0) - 1.0).map(
        lambda rate: f"{rate:.0%} above" if rate == rate else "above the exact hits of"
    )
    return [
        (
            f"Item {item}",
            f"forecast error {words} seasonal naive in the backtest",
            lost.loc[item, "money"] / count,
            "look at its history in explore_accuracy",
        )
        for item, words in beaten.items()
    ]
