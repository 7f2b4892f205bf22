"""What people say of corrections of the history: accepted or refused, each by its short name.

Table `policies` holds it: level columns, layer and month say which corrections a row speaks of, and
the latest row that covers a month counts. What was found stays listed, also where it is refused, so
that it can be taken back; a correction changes its own months and no others.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import contract, months, naming, schema
from sopkit.demand import hierarchy, history, level_shifts

APPLIED, PROPOSED, ACCEPTED, REFUSED = "applied", "proposed", "accepted", "refused"
LAYERS = schema.RAW["policies"].column("layer").choices  # what can be refused
OF_DRIVERS = ("promotion", "event", "market")  # measured; not listed one by one
_NODE = ["family", *schema.SERIES]
_SHORTEST = 5  # letters of a correction's name after its C
_REASONS = {
    "returns": "net returns set to zero",
    "unfilled": "customers ordered more, or less, than was shipped in the month",
    "stockout": "stock ran out; lost sales estimated from the months around",
    "outlier": "far outside the months around; set to the nearest usual value",
}
_RETURNS_STAY = "returns cannot be refused: demand is never below zero. Correct data/raw/sales."
_SILENT = "no stock at month end and sales far below usual; nobody flagged it"


def verdicts(policies: pd.DataFrame, cells: pd.DataFrame, layer: str) -> pd.DataFrame:
    """What counts of table `policies` for each cell of a layer.

    Parameters
    ----------
    policies : DataFrame
        Raw table, as known in the cycle.
    cells : DataFrame
        Rows with ``month`` and level columns; a level that they lack is none that a row may name.
    layer : str
        One of ``LAYERS``.

    Returns
    -------
    DataFrame
        By row of cells: ``is_accepted`` (missing where nobody said anything), ``author``, ``note``.
        The row of the latest cycle counts, in it the one entered last; the order of rows does not
        matter.
    """
    is_own = (policies["kind"] == "layer") & (policies["layer"] == layer)
    own = policies[is_own & policies["is_accepted"].notna()]
    lacking = [name for name in schema.LEVELS if name not in cells.columns]
    own = own[own[lacking].eq(schema.ALL).all(axis=1)]
    order = ["cycle", "entered_at", "is_accepted", "author", "reason"]
    own = own.sort_values(order, ignore_index=True).rename_axis("place").reset_index()
    best = np.full(len(cells), -1.0)
    for is_monthly, part in own.groupby(own["month"].notna()):
        for keys, rows in hierarchy.by_pattern(part, cells):
            by = [*keys, "month"] if is_monthly else keys
            last = _last_of(rows, cells, by) if by else rows["place"].max()
            best = np.fmax(best, last)
    said = own[["is_accepted", "author", "reason"]].rename(columns={"reason": "note"})
    return said.reindex(best).set_axis(cells.index)


def _last_of(rows: pd.DataFrame, cells: pd.DataFrame, by: list[str]) -> np.ndarray:
    """Place of the last row with each cell's members, NaN where there is none."""
    wanted = cells[by[0]] if len(by) == 1 else pd.MultiIndex.from_frame(cells[by])
    return rows.groupby(by if len(by) > 1 else by[0])["place"].max().reindex(wanted).to_numpy()


def refused(policies: pd.DataFrame, cells: pd.DataFrame, layer: str) -> np.ndarray:
    """Which cells of a layer people have refused.

    Parameters
    ----------
    policies, cells, layer
        As for ``verdicts``.
    """
    return verdicts(policies, cells, layer)["is_accepted"].eq(False).fillna(False).to_numpy(bool)


def accepted(policies: pd.DataFrame, cells: pd.DataFrame, layer: str) -> np.ndarray:
    """Which cells of a layer people have accepted."""
    return verdicts(policies, cells, layer)["is_accepted"].fillna(False).to_numpy(dtype=bool)


def settled(
    found: pd.DataFrame,
    silent: pd.Series,
    shifts: pd.DataFrame,
    policies: pd.DataFrame,
    cells: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``demand_history`` with what people accepted, without what they refused.

    Parameters
    ----------
    found : DataFrame
        From ``history.demand_history``.
    silent : Series
        From ``lost_sales.silent``: counts where it was accepted.
    shifts : DataFrame
        From ``level_shifts.found``: count where they were accepted.
    policies : DataFrame
        Raw table.
    cells : DataFrame
        Rows of the history with all their levels.

    Notes
    -----
    Returns cannot be refused: demand is never below zero. An outlier of orders that are refused,
    or of a month in which stock is agreed to have run out, is none any more.
    """
    no = {name: refused(policies, cells, name) for name in ("unfilled", "stockout", "outlier")}
    is_lost = (silent > 0).to_numpy() & accepted(policies, cells, "stockout")
    is_moot = is_lost | (no["unfilled"] & (found["unfilled"] != 0).to_numpy())
    table = found.assign(
        unfilled=found["unfilled"].mask(no["unfilled"], 0.0),
        stockout=found["stockout"].mask(no["stockout"], 0.0).mask(is_lost, silent),
        outlier=found["outlier"].mask(no["outlier"] | is_moot, 0.0),
        is_stockout=(found["is_stockout"] & ~no["stockout"]) | is_lost,
    )
    table = table.assign(demand=table[["sales", *history.LAYERS]].sum(axis=1))
    yes = shifts[accepted(policies, shifts, "level_shift")] if len(shifts) else shifts
    effect = level_shifts.effect(table, cells, yes)
    return history.with_effects(table, {"level_shift": effect})


def listed(
    found: pd.DataFrame,
    silent: pd.Series,
    shifts: pd.DataFrame,
    policies: pd.DataFrame,
    cells: pd.DataFrame,
    bounds: pd.DataFrame,
    rates: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``corrections``: all that was found or proposed, with what people say to it.

    Parameters
    ----------
    found, silent, shifts, policies, cells
        As for ``settled``.
    bounds : DataFrame
        From ``lost_sales.bounds``.
    rates : DataFrame
        Table `money_rates`.

    Returns
    -------
    DataFrame
        A row a correction, of most money first. ``correction`` is its name; ``item, location,
        channel, family`` (``all``: every one), ``month`` (of a level shift the first one of the new
        level), ``layer``; ``quantity`` added to the history, units (of a family the common unit),
        with its bounds where they are known; ``amount_value``; ``state``: applied, or accepted or
        refused by ``author``, or proposed: not applied before somebody accepts it.
    """
    price = found[schema.SERIES].merge(rates, on=schema.SERIES, how="left", validate="m:1")
    price = price["unit_price_value"].to_numpy()
    rows = cells[[*_NODE, "month"]].reset_index(drop=True)
    empty = dict.fromkeys(["quantity_lower", "quantity_upper"], np.nan)
    parts = []
    for layer in history.LAYERS:
        ends = bounds if layer == "stockout" else empty
        part = rows.assign(layer=layer, quantity=found[layer].to_numpy(), reason=_REASONS[layer])
        part = part.assign(state=APPLIED, price=price, **{name: ends[name] for name in empty})
        parts.append(part[part["quantity"] != 0])
    proposed = rows.assign(layer="stockout", quantity=silent.to_numpy(), reason=_SILENT)
    proposed = proposed.assign(state=PROPOSED, price=price, **empty)
    table = pd.concat([*parts, proposed[proposed["quantity"] > 0]], ignore_index=True)
    table = table.assign(amount_value=table["quantity"] * table["price"])
    table = pd.concat([table, _of_shifts(found, shifts, cells, price)], ignore_index=True)
    return _answered(_named(table), policies, cells)


def _of_shifts(
    found: pd.DataFrame, shifts: pd.DataFrame, cells: pd.DataFrame, price: np.ndarray
) -> pd.DataFrame:
    """Level shifts as corrections: the units that the months before would gain or lose."""
    made = []
    for row in shifts.to_dict("records"):
        whole = level_shifts.effect(found, cells, pd.DataFrame([row | {"rate": -1.0}]))
        units = whole.sum()  # all demand of the months before
        said = f"level {row['rate']:+.0%} since {months.label(row['month'])} "
        said += f"({row['rate_lower']:+.0%} to {row['rate_upper']:+.0%}), no event says why"
        made.append(
            {name: row[name] for name in (*_NODE, "month")}
            | {"layer": "level_shift", "state": PROPOSED, "reason": said}
            | {f"quantity{end}": units * row[f"rate{end}"] for end in ("", "_lower", "_upper")}
            | {"amount_value": float((whole.to_numpy() * price).sum()) * row["rate"]}
        )
    return pd.DataFrame(made)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Corrections with their names."""
    words = table["layer"] + table["month"].dt.strftime("\n%Y-%m\n") + table["item"] + "\n"
    words += table["location"] + "\n" + table["channel"]
    is_whole = table["item"] == schema.ALL  # of a family, whose name may change for an item
    words += ("\n" + table["family"]).where(is_whole, "")
    return table.assign(correction=naming.short_names(words, "C", _SHORTEST))


def _answered(table: pd.DataFrame, policies: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Corrections with what people say to them, of most money first."""
    levels = [name for name in cells.columns if name in schema.LEVELS]
    whole = table.merge(
        cells.drop_duplicates(schema.SERIES)[[n for n in levels if n != "family"]],
        on=schema.SERIES,
        how="left",
        validate="many_to_one",
    )
    parts = [
        verdicts(policies, rows if layer != "level_shift" else rows[[*_NODE, "month"]], layer)
        for layer, rows in whole.groupby("layer")
        if layer in LAYERS
    ]
    none = pd.DataFrame(columns=["is_accepted", "author", "note"])
    said = pd.concat([none, *parts]).reindex(table.index)
    is_said = said["is_accepted"].notna()
    verdict = said["is_accepted"].fillna(False).astype(bool).map({True: ACCEPTED, False: REFUSED})
    table = table.assign(
        state=table["state"].mask(is_said, verdict).astype("str"),
        author=said["author"].fillna("").astype("str"),
        note=said["note"].fillna("").astype("str"),
    )
    order = table.assign(size=table["amount_value"].abs().fillna(0.0)).sort_values(
        ["size", *schema.SERIES_MONTH, "layer"], ascending=[False, *[True] * 5], ignore_index=True
    )
    return order[list(schema.PROCESSED["corrections"].columns)]


def counting(table: pd.DataFrame) -> pd.DataFrame:
    """Corrections that count in demand: applied or accepted."""
    return table[table["state"].isin([APPLIED, ACCEPTED])]


def totals(table: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Table ``correction_totals``: what corrections add by layer and state.

    Parameters
    ----------
    table, units : DataFrame
        Tables `corrections` and `planning_units`.

    Returns
    -------
    DataFrame
        Key ``layer, state``: number of ``corrections``, ``quantity`` in the common unit,
        ``amount_value`` (of those with a price), ``authors``; most money first.
    """
    common = hierarchy.in_planning_units(table, units)
    sums = common.groupby(["layer", "state"], as_index=False).agg(
        corrections=("correction", "size"),
        quantity=("quantity", "sum"),
        amount_value=("amount_value", lambda money: money.sum(min_count=1)),
        authors=("author", lambda names: ", ".join(sorted({*names} - {""}))),
    )
    kinds = {"quantity": "float64", "amount_value": "float64", "corrections": "int64"}
    order = sums.astype(kinds | {"layer": "str", "state": "str", "authors": "str"})
    order = order.assign(size=-order["amount_value"].abs().fillna(0.0))
    return order.sort_values(["size", "layer", "state"], ignore_index=True).drop(columns="size")


def rows(table: pd.DataFrame, accepted: tuple[str, ...], refused: tuple[str, ...]) -> pd.DataFrame:
    """Rows of raw table `policies` that accept or refuse corrections.

    Parameters
    ----------
    table : DataFrame
        Table `corrections` as the last run left it.
    accepted, refused : tuple of str
        Names of corrections.

    Raises
    ------
    UsageError
        If there is no such correction, it was answered so already, or cannot be refused.
    """
    known, every = set(table["correction"]), (*accepted, *refused)
    for name in every:
        if name not in known:
            hint = contract.nearest(name, sorted(known)) if known else "Nothing was corrected."
            raise months.UsageError(f"no correction {name!r}. {hint}")
    if both := sorted(set(accepted) & set(refused)):
        raise months.UsageError(f"correction {both[0]} is both accepted and refused.")
    asked = table.assign(is_accepted=table["correction"].isin(accepted))
    asked = asked[asked["correction"].isin(every)]
    for row in asked.to_dict("records"):
        if row["layer"] not in LAYERS:
            raise months.UsageError(f"correction {row['correction']}: {_RETURNS_STAY}")
        if row["state"] == (ACCEPTED if row["is_accepted"] else REFUSED):
            words = f"correction {row['correction']} was {row['state']}"
            raise months.UsageError(f"{words} by {row['author']} already.")
    asked = asked.assign(kind="layer", family=asked["family"].where(asked["item"] == schema.ALL))
    return asked[["kind", "layer", *_NODE, "month", "is_accepted"]]


def rows_of_levels(
    layer: str, members: dict[str, str], month: pd.Timestamp | None, *, is_accepted: bool
) -> pd.DataFrame:
    """One row of raw table `policies` that speaks of all corrections of a layer at some levels.

    Parameters
    ----------
    layer : str
        One of ``LAYERS``.
    members : dict
        Level: member; a level left out means every member.
    month : Timestamp or None
        None: every month.
    is_accepted : bool
        Whether they stand.

    Raises
    ------
    UsageError
        If there is no such layer.
    """
    if layer == "returns":
        raise months.UsageError(_RETURNS_STAY)
    if layer not in LAYERS:
        raise months.UsageError(f"no layer {layer!r}. {contract.nearest(layer, LAYERS)}")
    row = {"kind": "layer", "layer": layer, "month": month, "is_accepted": is_accepted}
    return pd.DataFrame([row | members])


def require_some(
    cells: pd.DataFrame, layer: str, members: dict[str, str], month: pd.Timestamp | None
) -> None:
    """Refuse what is said of a layer where the last run changed nothing of the kind.

    Parameters
    ----------
    cells : DataFrame
        What the layer changed, or would change: ``month`` and level columns; a level column that
        is lacking is none that can be named.
    layer, members, month
        As for ``rows_of_levels``.

    Raises
    ------
    UsageError
        If no cell is meant; it names the nearest months or members that are there.
    """
    said = members | ({} if month is None else {"month": month})
    meets = pd.DataFrame({n: cells[n] == to if n in cells else False for n, to in said.items()})
    if meets.all(axis=1).any() or (not said and len(cells)):
        return
    hint = f"The last run has {'others' if len(cells) else 'none'} of this layer: see page 01."
    for name in reversed(said):  # the last word without which something is meant
        others = cells[meets.drop(columns=name).all(axis=1)].get(name, pd.Series()).unique()
        if len(others):
            near = sorted(others, key=lambda one: abs(one - month) if name == "month" else one)
            hint = f"There is {name} {contract.some([_word(one) for one in near], 12)}."
            break
    words = ", ".join(f"{name} {_word(member)}" for name, member in said.items()) or "anything"
    raise months.UsageError(f"no {layer} correction of {words}; nothing was kept. {hint}")


def _word(member: object) -> str:
    return months.label(member) if isinstance(member, pd.Timestamp) else str(member)
