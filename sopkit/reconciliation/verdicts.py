"""What becomes of each lever: chosen or left out, what it adds, and why.

``closing.Search`` finds the best set; here its limits are laid out and its answers put in tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months
from sopkit.reconciliation import comparison, scenarios
from sopkit.reconciliation.closing import Search
from sopkit.reconciliation.levers import Laid, excluded
from sopkit.supply.tasks import Task

_FELT = 0.5  # money below which nothing is gained or lost
_MANY = 100.0  # from which amounts are told whole
_PULLED = "with levers"


def _typed(texts: str, numbers: str, dates: str = "", flags: str = "") -> dict[str, str]:
    kinds = {"str": texts, "float64": numbers, months.DTYPE: dates, "bool": flags}
    return {name: kind for kind, names in kinds.items() for name in names.split()}


_TYPES = {  # of each table: its columns
    "lever_choice": _typed(
        "lever statement owner subject effect verdict reason",
        "cost_value alone_value marginal_value",
        "first_month last_month decide_by",
        "is_chosen",
    ),
    "lever_effects": _typed("lever what subject", "amount_expected", "month"),
    "lever_limits": _typed("limit", "used available without_value without_used"),
    "lever_sets": _typed("set levers", "cost_value net_value closed_value lacking_value"),
    "lever_plan": _typed("kpi unit detail", "amount base_amount difference expected_value"),
}
MONEY, OWNER, PEOPLE = "money", "levers of {}", "people"


def limits(laid: Laid, company: pd.Series) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Limits that the company sets: their names, what each lever uses (k, l), what there is (k,).

    Parameters
    ----------
    laid : Laid
        The levers.
    company : Series
        Settings ``lever_budget_value``, ``levers_per_owner``, ``lever_people``.
    """
    names, uses, most = [], [], []
    owner = laid.table["owner"]
    rows = [(MONEY, laid.table["cost_value"], company["lever_budget_value"])]
    for name in sorted(owner.unique()):
        rows.append((OWNER.format(name), owner.eq(name), company["levers_per_owner"]))
    rows += [(PEOPLE, people, company["lever_people"]) for people in laid.people.T if people.any()]
    for name, own, limit in rows:
        if limit is not None and np.isfinite(limit):
            names.append(name)
            uses.append(np.asarray(own, dtype="float64"))
            most.append(float(limit))
    return names, np.array(uses).reshape(len(names), len(owner)), np.array(most)


def pairs(table: pd.DataFrame) -> list[tuple[int, int]]:
    """Positions of levers of which one excludes the other, each pair once."""
    known = list(table["lever"])
    found = {
        tuple(sorted((k, known.index(other))))
        for k, text in enumerate(table["excludes"])
        for other in excluded(text, known)
        if other in known and other != known[k]
    }
    return sorted(found)


def choice(search: Search, laid: Laid, names: list[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """The best set (l,), and table ``lever_choice``: each lever's verdict.

    Parameters
    ----------
    search : Search
        Over the levers.
    laid : Laid
        The levers, some of which cannot act.
    names : list of str
        Of the limits, from ``limits``.

    Returns
    -------
    best : array (l,) of bool
    table : DataFrame
        Key ``lever``: ``effect`` in words, ``is_chosen``, ``cost_value``, ``alone_value``, the
        expected gain if it were the only one; ``marginal_value``, what the best set would lose
        without it, below zero what it would lose with it (missing where no limit lets it in),
        costs taken off; months, ``verdict``, ``reason``. The chosen first.
    """
    table = laid.table
    cannot = {k: False for k in np.flatnonzero(table["finding"].ne(""))}
    best = search.best(cannot)
    rows = []
    for k, row in enumerate(table.to_dict("records")):
        alone = search.gain(np.arange(len(table)) == k)
        other = None if k in cannot else search.best(cannot | {k: not best[k]})
        least = np.nan if other is None else search.net(best) - search.net(other)
        reason, verdict = row["finding"], "cannot act"
        if k not in cannot:
            verdict = "chosen" if best[k] else "left out"
            reason = _why_chosen(search, best, other, table) if best[k] else ""
            reason = reason or _why_left_out(search, k, best, other, table, names)
        told = {"alone_value": np.nan if k in cannot else alone, "verdict": verdict}
        amount = row["effect_expected"]
        amount = f"{amount:,.0f}" if amount >= _MANY else f"{amount:.3g}"
        told |= {"effect": f"{amount} {row['what']} a month", "reason": reason}
        rows.append(row | told | {"marginal_value": least if best[k] else -least})
    laid_out = _as_table("lever_choice", pd.DataFrame(rows).assign(is_chosen=best))
    by = ["is_chosen", "marginal_value"]
    return best, laid_out.sort_values(by, ascending=False, kind="stable", ignore_index=True)


def _why_chosen(search: Search, best: np.ndarray, other: np.ndarray, table: pd.DataFrame) -> str:
    instead = _called(table, other & ~best)
    return f"without it, {instead or 'nothing'} would stand in"


def _called(table: pd.DataFrame, which: np.ndarray) -> str:
    """The levers at some positions, as their statements call them."""
    return " and ".join(f"“{statement}”" for statement in table["statement"][which])


def _why_left_out(
    search: Search,
    k: int,
    best: np.ndarray,
    other: np.ndarray | None,
    table: pd.DataFrame,
    names: list[str],
) -> str:
    """Why a lever that can act is not in the best set; ``other`` is the best one with it."""
    own = np.arange(len(best)) == k
    against = {i + j - k for i, j in search.pairs if k in (i, j)}
    chosen = _called(table, best & np.isin(np.arange(len(best)), sorted(against)))
    if chosen:
        return f"it cannot be used with {chosen}, which brings more"
    cost = search.cost[k]
    gain, alone = search.gain(best | own) - search.gain(best), search.gain(own)
    if alone < _FELT:
        is_hours = table["what"][k] == "hours"
        idle = "has hours enough then" if is_hours else "cannot be supplied beyond the plan then"
        return f"nothing for it to do: {table['subject'][k]} {idle}"
    is_worth, instead = gain > cost + _FELT, _instead(search, own, best, other, table)
    beside = " beside those chosen" if alone - gain > _FELT else ""
    brings = f"it would bring {gain:,.0f}{beside} and costs {cost:,.0f}"
    used = search.uses @ (best | own)
    for name, need, most in zip(names, used, search.limits, strict=True):
        if need > most * (1 + 1e-9):
            needed = f": {need - most:,.0f} more would be needed" if is_worth else f", and {brings}"
            return f"the limit of {name} binds{needed}{instead}"
    return ("another set brings more" if is_worth else f"not worth it: {brings}") + instead


def _instead(
    search: Search, own: np.ndarray, best: np.ndarray, other: np.ndarray | None, table: pd.DataFrame
) -> str:
    """Which chosen levers would go for a lever, and what the set would then fall short."""
    gone = np.zeros_like(best) if other is None else best & ~other
    if not gone.any():
        return ""
    joined = _called(table, other & ~best & ~own)
    joined = f" and with {joined}" if joined else ""
    short = search.net(best) - search.net(other)
    return f"; in place of {_called(table, gone)}{joined} it would bring {short:,.0f} less"


def limit_table(search: Search, laid: Laid, best: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Table ``lever_limits``: each limit, what the best set uses, what it would bring without it.

    Returns
    -------
    DataFrame
        Key ``limit``: ``used``, ``available`` (of months the one that uses most),
        ``without_value``, what the best set would bring more if the limit were not there, and
        ``without_used``, what that set uses.
    """
    cannot = {k: False for k in np.flatnonzero(laid.table["finding"].ne(""))}
    rows = []
    for name in dict.fromkeys(names):
        own = np.array([other == name for other in names])
        free = search.best(cannot, without=own)
        used, then = (float((search.uses[own] @ one).max()) for one in (best, free))
        more = search.net(free) - search.net(best)
        rows.append((name, used, search.limits[own][0], max(more, 0.0), then))
    return _as_table("lever_limits", pd.DataFrame(rows, columns=[*_TYPES["lever_limits"]]))


def _as_table(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A table's own columns, typed; money to the cent."""
    typed = frame[[*_TYPES[name]]].astype(_TYPES[name])
    return typed.round(dict.fromkeys(typed.filter(like="_value"), 2))


def sets(
    search: Search, reach: Search, best: np.ndarray, laid: Laid, lacking: float
) -> pd.DataFrame:
    """Table ``lever_sets``: sets of levers, and what of the year's gap each could close.

    Parameters
    ----------
    search, reach : Search
        Over the levers: of money, and of revenue supplied until the end of the fiscal year.
    best : array (l,) of bool
        The best set.
    laid : Laid
        The levers.
    lacking : float
        Revenue that supply of the year lacks to its budget; missing without a budget.

    Returns
    -------
    DataFrame
        Key ``set``: the best, the cheapest that closes the gap, or where none does the one that
        closes most; ``levers`` in words, ``cost_value``, ``net_value``, ``closed_value`` (revenue
        of the year, if supply aims at it), ``lacking_value``.
    """
    cannot = {k: False for k in np.flatnonzero(laid.table["finding"].ne(""))}
    found = {"brings most": best}
    if lacking > _FELT:
        closing = reach.cheapest(lacking, cannot)
        name = "closes most" if closing is None else "closes the gap at least cost"
        most = Search(reach.saved, 0.0 * reach.cost, reach.uses, reach.limits, reach.pairs)
        found[name] = most.best(cannot) if closing is None else closing
    rows = [
        {
            "set": name,
            "levers": _called(laid.table, own) or "none",
            "cost_value": search.cost @ own,
            "net_value": search.net(own),
            "closed_value": reach.gain(own),
            "lacking_value": lacking,
        }
        for name, own in found.items()
    ]
    return _as_table("lever_sets", pd.DataFrame(rows))


def effects(laid: Laid) -> pd.DataFrame:
    """Table ``lever_effects``: what each lever would bring by month.

    Returns
    -------
    DataFrame
        Key ``lever, month``: ``what`` (hours or units), ``subject``, ``amount_expected``.
    """
    lever, month = np.nonzero(laid.hours.any(axis=2) | laid.units.any(axis=2))
    table = laid.table.iloc[lever].assign(month=laid.months[month])
    table = table.rename(columns={"effect_expected": "amount_expected"})
    return _as_table("lever_effects", table.reset_index(drop=True))


def wages(laid: Laid, best: np.ndarray, task: Task, load: np.ndarray) -> float:
    """Pay of the chosen levers' hours at a regular hour's cost, which a plan with them counts.

    Parameters
    ----------
    laid, best, task
        Levers, those chosen, and the problem without them.
    load : array (t, r)
        Hours worked with them. Where hours are paid whether worked or not all of the levers' are,
        else those worked.
    """
    hours = laid.hours[best].sum(axis=0)
    worked = np.minimum(load, hours)
    return float(np.nansum(np.where(task.is_idle_paid, hours, worked) * task.regular_cost))


def beside_plan(planned: pd.DataFrame, told: pd.DataFrame, net_value: float) -> pd.DataFrame:
    """Table ``lever_plan``: KPIs of the plan with the chosen levers beside those without.

    Parameters
    ----------
    planned, told : DataFrame
        ``comparison.kpis`` of both; the levers' cost is taken off contribution.
    net_value : float
        What the search says they bring.

    Returns
    -------
    DataFrame
        Key ``kpi``, as `scenarios`, and ``expected_value``: of contribution what the search
        expects as difference, else missing.
    """
    beside = comparison.beside_base({scenarios.PLANNED: planned, _PULLED: told})
    table = beside[beside["scenario"] == _PULLED].drop(columns="scenario")
    expected = np.where(table["kpi"] == "contribution_value", net_value, np.nan)
    return table.assign(expected_value=expected).reset_index(drop=True)


def nothing() -> dict[str, pd.DataFrame]:
    """The tables of levers where there are none."""
    return {
        name: pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in columns.items()})
        for name, columns in _TYPES.items()
    }
