"""How sure the plan is: chances of stock-out, of overload and of making the budget.

Possible futures of demand go through the supply plan (``paths``); what comes of them is counted,
and put in money at the plan's prices and costs. Prices, costs, supply and events are as planned:
what else may happen stands in the register of risks, and in scenarios.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.reconciliation import paths
from sopkit.supply.tasks import Task

PATHS = 1_000
_MOST_CELLS = 60_000_000  # futures × series × months from which there are fewer futures
_LEAST_PATHS = 100
PROBABILITIES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
SHOWN = 18  # months ahead that pages show
LATE = 0.5  # units owed from which an item is out of stock
_MORE_STOCK, _MORE_HOURS = 0.1, 0.05  # what is tried: safety stock of a family, hours
_MOST_TRIED = 12


def count_paths(n_series: int, n_months: int) -> int:
    """How many futures are drawn: 1,000, fewer where a portfolio is very large, at least 100.

    Examples
    --------
    >>> count_paths(60, 18), count_paths(50_000, 24)
    (1000, 100)
    """
    return int(np.clip(_MOST_CELLS // max(n_series * n_months, 1), _LEAST_PATHS, PATHS))


@dataclass(frozen=True, eq=False)
class Worth:
    """What units are worth (i,): price, margin and cost, zero where unknown; period of a month."""

    price: np.ndarray
    margin: np.ndarray
    cost: np.ndarray
    period: np.ndarray


def worth(task: Task, plan_money: pd.DataFrame, site: pd.Series, period: np.ndarray) -> Worth:
    """Mean price, margin and cost of what each item's site delivers over the horizon.

    Parameters
    ----------
    task : Task
        Items at sites.
    plan_money : DataFrame
        Table `plan_money`.
    site : Series
        Site that serves each of its rows.
    period : array (t,)
        Fiscal year of each month.
    """
    each = {}
    for measure in ("revenue_value", "margin_value"):
        known = plan_money[plan_money[measure].notna()]
        sums = known.groupby([known["item"], site[known.index]])[["quantity", measure]].sum()
        sums = sums.reindex(pd.MultiIndex.from_frame(task.keys[schema.SITE]))
        rate = sums[measure] / sums["quantity"].where(sums["quantity"] > 0)
        each[measure] = rate.to_numpy()
    price, margin = each.values()
    cost = np.nan_to_num(price - margin)
    return Worth(np.nan_to_num(price), np.nan_to_num(margin), cost, period)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What came of all futures.

    ``out`` is the share of futures in which an item is out of stock, ``owed`` the mean units owed
    (t, i); ``wanted`` hours (f, t, r); ``money`` the change to the plan's revenue and margin, and
    stock at cost at the end of each period, by measure and period (f,). ``errors`` and ``growth``
    are those of the first futures.
    """

    out: np.ndarray
    owed: np.ndarray
    wanted: np.ndarray
    money: dict[tuple[str, int], np.ndarray]
    errors: np.ndarray
    growth: np.ndarray


def outcomes(task: Task, plan: paths.Base, futures: Iterable[np.ndarray], worth: Worth) -> Outcomes:
    """Send every future through the supply plan.

    Parameters
    ----------
    task, plan : Task, Base
        The supply problem and the chosen plan.
    futures : iterable of array (f, t, i)
        From ``paths.site_errors``, in blocks.
    worth : Worth
        Money of a unit.
    """
    blocks, shares = [], []
    first = growth = None
    still = paths.simulate(task, plan, np.zeros((1, *task.demand.shape)), np.ones(task.n_months))
    for errors in futures:
        if first is None:
            first, growth = errors, paths.growth(task, errors)
        run = paths.simulate(task, plan, errors, growth)
        beyond = run.delivered - still.delivered
        money = {}
        for period in np.unique(worth.period):
            within = worth.period == period
            last = np.flatnonzero(within)[-1]
            units = beyond[:, within].sum(axis=1)
            money["revenue", int(period)] = units @ worth.price
            money["margin", int(period)] = units @ worth.margin
            stock = np.maximum(run.closing[:, last], 0.0)
            money["inventory", int(period)] = stock @ worth.cost
        owed = np.maximum(-run.closing, 0.0)
        blocks.append((owed.sum(axis=0), (owed > LATE).sum(axis=0), run.wanted, money))
        shares.append(len(errors))
    owed, out, wanted, money = zip(*blocks, strict=True)
    total = sum(shares)
    return Outcomes(
        out=sum(out) / total,
        owed=sum(owed) / total,
        wanted=np.concatenate(wanted),
        money={key: np.concatenate([block[key] for block in money]) for key in money[0]},
        errors=first,
        growth=growth,
    )


def items(task: Task, found: Outcomes, worth: Worth) -> pd.DataFrame:
    """Table ``risk_items``: chance of each item to be out of stock at the end of each month.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``stockout_rate``, ``owed_quantity`` (units owed, mean of
        all futures) and ``owed_value`` at price. Services are out of stock where work waits; what
        is made to order keeps no stock and is left out.
    """
    is_kept = task.is_service | (task.maximum_stock[-1] > 0)
    own = task.keys.loc[is_kept, schema.SITE]
    rows = own.loc[own.index.repeat(task.n_months)].reset_index(drop=True)
    return rows.assign(
        month=np.tile(task.months.to_numpy(), len(own)),
        stockout_rate=found.out[:, is_kept].T.ravel(),
        owed_quantity=found.owed[:, is_kept].T.ravel(),
        owed_value=(found.owed * worth.price)[:, is_kept].T.ravel(),
    )


def resources(task: Task, plan: paths.Base, found: Outcomes) -> pd.DataFrame:
    """Table ``risk_resources``: chance that a resource's hours do not suffice.

    Returns
    -------
    DataFrame
        Key ``resource, month``: ``overtime_rate`` (chance that more than regular hours are
        wanted), ``overload_rate`` (more than overtime brings, too), ``wanted_hours`` (mean) and
        ``wanted_hours_upper`` (in nine of ten futures it is less).
    """
    rate = {
        "overtime_rate": (found.wanted > plan.regular_hours * 1.0001 + paths.SMALL).mean(axis=0),
        "overload_rate": (found.wanted > plan.limit_hours * 1.0001 + paths.SMALL).mean(axis=0),
        "wanted_hours": found.wanted.mean(axis=0),
        "wanted_hours_upper": np.quantile(found.wanted, 0.9, axis=0),
    }
    keys = pd.MultiIndex.from_product([task.resources, task.months], names=["resource", "month"])
    table = keys.to_frame(index=False)
    return table.assign(**{name: amounts.T.ravel() for name, amounts in rate.items()})


def totals(
    found: Outcomes,
    planned: pd.DataFrame,
    gaps: pd.DataFrame,
    behind: pd.Series,
    named: dict[int, np.ndarray],
) -> pd.DataFrame:
    """Table ``risk_totals``: what the months to go of each fiscal year may bring.

    Parameters
    ----------
    found : Outcomes
        Of all futures.
    planned : DataFrame
        Key ``measure, period``: ``amount``, revenue and margin as planned and supplied, and
        inventory at the end of the period.
    gaps : DataFrame
        Table `gap_tree`: the company beside its budget, over what both speak of.
    behind : Series
        By measure and period: what closed months of it brought beyond their budget.
    named : dict of array (f,)
        By period: money of the risks and opportunities that come true in each future, empty where
        the register holds none.

    Returns
    -------
    DataFrame
        Key ``period, measure`` (revenue, margin, margin with named risks, inventory):
        ``planned_value``, ``mean_value``, quantiles ``value_05`` to ``value_95``, ``needed_value``,
        what the months to go need for the budget of the whole year, and ``chance_rate`` of
        reaching it. Families without a budget count as planned.
    """
    plan = planned.set_index(["measure", "period"])["amount"]
    whole = gaps[(gaps["level"] == "company") & (gaps["against"] == "budget")]
    whole = whole.set_index(["measure", "period"])
    rows = []
    for (measure, period), amounts in found.money.items():
        base = plan.get((measure, period), np.nan)
        kinds = {measure: amounts + (0.0 * base if measure == "inventory" else base)}
        if measure == "margin" and np.any(named.get(period, 0.0)):
            kinds["margin with named risks"] = amounts + base + named[period]
        for kind, values in kinds.items():
            row = {"period": period, "measure": kind, "planned_value": base}
            row["mean_value"] = values.mean()
            for probability in PROBABILITIES:
                row[f"value_{round(probability * 100):02d}"] = np.quantile(values, probability)
            row |= {"needed_value": np.nan, "chance_rate": np.nan}
            if (measure, period) in whole.index:
                beside = whole.loc[(measure, period)]
                lacks = beside["before_value"] - beside["plan_value"]
                needed = base + lacks - behind.get((measure, period), 0.0)
                row |= {"needed_value": needed, "chance_rate": (values >= needed).mean()}
            rows.append(row)
    return pd.DataFrame(rows)


def planned(
    plan_money: pd.DataFrame, period: pd.Series, plan: paths.Base, worth: Worth
) -> pd.DataFrame:
    """What is planned and can be supplied, by fiscal year: ``measure, period, amount``.

    Parameters
    ----------
    plan_money, period : DataFrame, Series
        Table `plan_money` and the fiscal year of each of its rows.
    plan, worth : Base, Worth
        Stock at month ends, its cost.
    """
    tables = []
    for measure in ("revenue", "margin"):
        sums = plan_money[f"constrained_{measure}_value"].groupby(period).sum(min_count=1)
        tables.append(pd.DataFrame({"measure": measure, "period": sums.index, "amount": sums}))
    cost = worth.cost if worth.cost.any() else np.full(len(worth.cost), np.nan)
    stock = np.maximum(plan.closing, 0.0) @ cost
    held = pd.Series(stock).groupby(worth.period).last()
    tables.append(pd.DataFrame({"measure": "inventory", "period": held.index, "amount": held}))
    return pd.concat(tables, ignore_index=True)


def named_risks(
    register: pd.DataFrame, ahead: pd.DatetimeIndex, period: np.ndarray, count: int, seed: int
) -> dict[int, np.ndarray]:
    """Money of the risks and opportunities that come true in each future, by period.

    Parameters
    ----------
    register : DataFrame
        Table `risks`; of one told in several cycles the last counts. Its effect lies evenly in its
        months, in all of the horizon where it names none.
    ahead, period : DatetimeIndex, array (t,)
        Months planned and the fiscal year of each; what lies outside of them is left out.
    count, seed : int
        Futures, and the seed of the draw. Risks come true independently of each other and of
        demand.
    """
    last = register.sort_values("cycle").drop_duplicates("risk", keep="last")
    chance = np.random.default_rng(seed).random((count, len(last)))
    found = {int(p): np.zeros(count) for p in np.unique(period)} if len(last) else {}
    for k, row in enumerate(last.itertuples()):
        first = row.first_month if pd.notna(row.first_month) else ahead[0]
        end = row.last_month if pd.notna(row.last_month) else max(first, ahead[-1])
        span = pd.date_range(first, end, freq="MS")
        for p in found:
            share = span.isin(ahead[period == p]).mean() if len(span) else 0.0
            found[p] = found[p] + (chance[:, k] < row.probability_rate) * row.effect_value * share
    return found


def levers(
    task: Task, plan: paths.Base, found: Outcomes, worth: Worth, family: np.ndarray
) -> pd.DataFrame:
    """Table ``risk_levers``: where more safety stock or more hours buy most.

    Parameters
    ----------
    task, plan, found, worth
        As for ``outcomes``; tried on its first futures, the same for all.
    family : array (i,)
        Name of each item's family.

    Returns
    -------
    DataFrame
        ``kind`` (safety stock, overtime hours), ``subject``, ``change`` in words,
        ``late_rate_before`` and ``late_rate`` (share of demand owed at month ends),
        ``benefit_value`` (backlog and lost sales saved), ``cost_value`` (stock held, overtime
        worked), ``net_value``; over the horizon,
        best first. Money is missing where nothing says what owing costs; what changes nothing is
        left out.
    """
    owned = task.safety_stock[-1] * worth.cost
    stocked = pd.Series(owned).groupby(family).sum().nlargest(_MOST_TRIED)
    busy = (found.wanted > plan.regular_hours).mean(axis=(0, 1))
    tried: list[tuple] = []
    for name in stocked.index[stocked > 0]:
        more = np.where(family == name, task.safety_stock.max(axis=0) * _MORE_STOCK, 0.0)
        tried.append(("safety stock", name, f"+{_MORE_STOCK:.0%}", plan, more))
    for k in np.argsort(-busy, kind="stable")[:_MOST_TRIED]:
        wider = plan.limit_hours.copy()
        wider[:, k] *= 1.0 + _MORE_HOURS
        changed = replace(plan, limit_hours=wider)
        tried.append(("overtime hours", task.resources[k], f"+{_MORE_HOURS:.0%}", changed, 0.0))
    before = _score(task, plan, paths.simulate(task, plan, found.errors, found.growth), worth)
    rows = []
    for kind, subject, words, changed, more in tried:
        run = paths.simulate(task, changed, found.errors, found.growth, more_stock=more)
        late, owing, running = _score(task, plan, run, worth)
        benefit, cost = before[1] - owing, running - before[2]
        rows.append((kind, subject, words, before[0], late, benefit, cost, benefit - cost))
    columns = "kind subject change late_rate_before late_rate benefit_value cost_value net_value"
    table = pd.DataFrame(rows, columns=columns.split())
    table = table.assign(gain=table["late_rate_before"] - table["late_rate"])
    table = table[(table["gain"].abs() > paths.SMALL) | (table["cost_value"].abs() > LATE)]
    table = table.sort_values(["net_value", "gain"], ascending=False, ignore_index=True)
    return table.drop(columns="gain")


def _score(
    task: Task, plan: paths.Base, run: paths.Futures, worth: Worth
) -> tuple[float, float, float]:
    """Share of demand owed at month ends; cost of owing and losing; cost of stock and overtime."""
    owed, held = np.maximum(-run.closing, 0.0), np.maximum(run.closing, 0.0)
    over = np.maximum(run.load - plan.regular_hours, 0.0)
    is_known = np.isfinite(task.backlog_cost).any()
    owing = np.nansum(owed.mean(axis=0) * task.backlog_cost) if is_known else np.nan
    owing = owing + (run.lost * worth.margin).sum(axis=(1, 2)).mean()
    running = np.nansum(held.mean(axis=0) * task.holding_cost)
    running = running + np.nansum(over.mean(axis=0) * task.overtime_rate)
    return float(owed.mean(axis=0).sum() / max(task.demand.sum(), paths.SMALL)), owing, running
