"""What the accuracy explorer says of a slice: the sentence, one picture, tables, files.

How wrong, which way, since when, and who is best there. Signs stand on each exhibit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from sopkit import exhibits, logs, months, publication, schema, store, workbooks
from sopkit.charts import accuracy as charts
from sopkit.charts import data as pages
from sopkit.demand import lags, value_added
from sopkit.explore import cube, frame, ledger
from sopkit.explore.cube import MEASURES

PICTURES = {
    "month": "Month by month",
    "lag": "Bias by months ahead",
    "stood": "As it stood in a cycle",
    "fallen": "Every cycle and month",
}
_ORIGINS = {
    "back-test": "of the back-test",
    lags.APPROVED: "as approved",
    lags.CLOSED: "as closed",
    lags.RUN: "as run at the time",
    lags.REPLAY: "replayed from what was known then",
    lags.HINDSIGHT: "replayed with hindsight",
    "imported": "from the tool before",
}
_SIGN = "error = said − came; plus: too high"
_WHOLE = 0.98  # of what came: where a layer spoke of less, that is said
_NOTHING = 0.0005  # bias below which there is no side
_SHOWN_MONTHS = 36
_SHOWN_GROUPS = 12
_MOST_SHEET_ROWS = 1_048_000  # a worksheet holds no more


def subject(tables: dict, path: tuple[tuple[str, str], ...]) -> str:
    """Who is looked at, in words."""
    return ", ".join(named(tables, *one) for one in path) or ledger.LEVELS["total"]


def named(tables: dict, level: str, member: str) -> str:
    """A member in words: an item with its description."""
    more = tables["names"].get(member, "") if level == "item" else ""
    return f"{member} {more}".strip()


def ahead(lag: int) -> str:
    """Months ahead in words.

    Examples
    --------
    >>> ahead(0), ahead(1), ahead(value_added.NEAR)
    ('in the month itself', '1 month ahead', '1 to 3 months ahead')
    """
    words = {
        lags.EVERY_LAG: "all months ahead",
        lags.DECISION_LAG: "at the lead time",
        value_added.NEAR: "{} to {} months ahead".format(*value_added.NEAR_LAGS),
        0: "in the month itself",
    }
    return words.get(lag) or f"{lag} month{'' if lag == 1 else 's'} ahead"


def labels(tables: dict, groups: pd.DataFrame, level: str, measure: str) -> list[str]:
    """Members of a ranked list with their figures: ``Tents · WAPE 34% · bias +12%``."""
    word, kind = MEASURES[measure]
    told = [f"{word} {text}" for text in _texts(groups[measure], kind, tables)]
    parts = [[named(tables, level, member) for member in groups["member"]], told]
    if measure != "bias_rate":
        biases = _texts(groups["bias_rate"], "signed_rate", tables)
        parts.append([f"bias {text}" for text in biases])
    parts.append([f"{text} a month" for text in _texts(groups["came"], "quantity", tables)])
    is_early = groups["months"] < value_added.FEWEST_MONTHS
    early = (groups["months"].astype("str") + " judged only").where(is_early, "")
    return [" · ".join(filter(None, row)) for row in zip(*parts, early, strict=True)]


def _texts(amounts: pd.Series, kind: str, tables: dict) -> list[str]:
    return exhibits.format_amounts(amounts, kind, tables["currency"])


def sentence(tables: dict, own: cube.Part, table: pd.DataFrame) -> str:
    """What is seen: error, side, since when, and who is best here.

    Parameters
    ----------
    tables : dict
        From ``ledger``.
    own : Part
        The slice.
    table : DataFrame
        From ``cube.by_layer``.
    """
    choice = own.choice
    span = f"{months.label(choice.first)} to {months.label(choice.last)}"
    head = f"{subject(tables, choice.path)}, {choice.layer}, {ahead(choice.lag)}, {span}"
    rows = table.set_index("layer")
    if not np.isfinite(rows.loc[choice.layer, "wape"]):
        return f"{head}: nothing was said and has come."
    bias = rows.loc[choice.layer, "bias_rate"]
    said = [_side(bias)]
    if choice.measure != "bias_rate":
        said.insert(0, _size(tables, rows, choice.layer, choice.measure))
    by_month = cube.monthly(own)
    run = cube.since_when(by_month[choice.layer] - by_month["came"])
    return f"{head}: {', '.join(said)}{_since(run, bias)}. {_best(tables, own, rows)} " + _judged(
        own, len(by_month)
    )


def _size(tables: dict, rows: pd.DataFrame, layer: str, measure: str) -> str:
    word, kind = MEASURES[measure]
    amount = rows.loc[layer, measure]
    return f"{word} {exhibits.format_amount(amount, kind, tables['currency'])}"


def _side(bias: float) -> str:
    if not np.isfinite(bias) or abs(bias) < _NOTHING:
        return "to neither side"
    size = exhibits.format_amount(abs(bias), "rate")
    return f"{size} too {'high' if bias > 0 else 'low'}"


def _since(run: cube.Run | None, bias: float) -> str:
    """Since when, on how many months; what is no more than chance is said to be so."""
    if run is None:
        return ""
    side = "high" if run.side > 0 else "low"
    count = f"{run.on_side} of {run.months} months"
    if not run.is_steady:
        few = f" ({count} too {side} since {months.label(run.first)})" if run.months > 2 else ""
        return f"; no steady side of late{few}"
    turned = np.isfinite(bias) and abs(bias) >= _NOTHING and np.sign(bias) != run.side
    words = f", but too {side}" if turned else ""
    return f"{words} since {months.label(run.first)} ({count}, tracking signal {run.signal:.1f})"


def _best(tables: dict, own: cube.Part, rows: pd.DataFrame) -> str:
    """Who is best here by the chosen measure, and by how much, on the same series and months."""
    measure, chosen = own.choice.measure, own.choice.layer
    size = rows[measure].abs().dropna()
    if len(size) < 2:
        return "Nobody else can be compared here."
    first, second = size.nsmallest(2).index
    kind = MEASURES[measure][1].removeprefix("signed_")
    if size[chosen] <= size[first]:
        apart = exhibits.format_amount(size[second] - size[chosen], kind, tables["currency"])
        is_even = np.isclose(size[second], size[chosen])
        words = f"{second} is as good" if is_even else f"{second} is next, {apart} behind"
        return f"No other is better here; {words}."
    apart = exhibits.format_amount(size[chosen] - size[first], kind, tables["currency"])
    words = f"Best here: {first}, {_size(tables, rows, first, measure)}, {apart} less"
    if own.share < 1.0 - 1e-9:
        words += f" (on the {exhibits.format_amount(own.share, 'rate')} of which all spoke)"
    return f"{words}."


def _judged(own: cube.Part, count: int) -> str:
    """On how much that rests."""
    cells = own.cube.cells.iloc[own.cells][(own.weight > 0).any(axis=1)]
    origins = cells.drop_duplicates("cycle")["origin"].value_counts(sort=False)
    cycles = ", ".join(f"{number} {_ORIGINS.get(name, name)}" for name, number in origins.items())
    words = f"{count} month{'' if count == 1 else 's'} judged, cycles: {cycles}"
    if own.coverage < _WHOLE:
        spoke = exhibits.format_amount(own.coverage, "rate")
        words += f"; it spoke of {spoke} of what came, and the rest is judged nowhere"
    if count < value_added.FEWEST_MONTHS:
        words += f". Too early to say: a verdict needs {value_added.FEWEST_MONTHS} months"
    return f"{words}."


def picture(
    tables: dict, own: cube.Part, table: pd.DataFrame, *, kind: str, cycle: pd.Timestamp
) -> exhibits.Exhibit:
    """One picture of a slice.

    Parameters
    ----------
    tables, own, table
        As in ``sentence``.
    kind : str
        One of ``PICTURES``.
    cycle : Timestamp
        For ``stood`` the past cycle, for ``month`` the one looked from.
    """
    choice, who = own.choice, subject(tables, own.choice.path)
    if kind == "lag":
        chart, alt = _by_lag(tables, own), f"Bias by months ahead of {choice.layer}, {who}"
    elif kind == "stood":
        lines = ledger.stood(tables, choice, cycle)
        chart = charts.plan_as_it_stood(lines, tables["units"], subject=who, cycle=cycle)
        alt = f"{who} as planned in cycle {months.label(cycle)}, and what came"
    elif kind == "fallen":
        chart = _fallen(own, who)
        alt = f"Heat map of {choice.layer} less what came by cycle and month, {who}"
    else:
        chart, alt = _by_month(tables, own, table, cycle), f"Sold and said before by month, {who}"
    missing = f"Nothing to draw of {who}: nothing was said there and has come."
    return frame.picture(chart, alt=alt, missing=missing)


def _by_month(tables: dict, own: cube.Part, table: pd.DataFrame, cycle: pd.Timestamp):
    """Came, the chosen and the best layer, today's forecast of the combination."""
    choice, by_month = own.choice, cube.monthly(own)
    if by_month.empty:
        return None
    history = tables["sold"]
    within = np.zeros(len(own.cube.series), dtype=bool)
    within[own.series] = True
    first = months.shift(by_month.index[-1], -_SHOWN_MONTHS)
    earlier = history["month"].between(first, by_month.index[0], inclusive="left")
    earlier = history[earlier & within[history["place"]]].groupby("month")["actual"].sum()
    lines = {"sold": pd.concat([earlier, by_month["came"]]), choice.layer: by_month[choice.layer]}
    best = table["layer"].iloc[0]
    lines[best] = by_month[best]
    is_now = "ahead" in tables and choice.layer == own.cube.layers[0]
    if is_now:
        now = tables["ahead"]
        now = now[(now["place"] >= 0) & within[now["place"]]]
        lines["forecast now"] = now.groupby("month")["said"].sum()
    run = cube.since_when(by_month[choice.layer] - by_month["came"])
    return charts.by_month(
        lines,
        tables["units"],
        subject=f"{subject(tables, choice.path)}, {ahead(choice.lag)}",
        since=run.first if run and run.is_steady else None,
        cycle=cycle if is_now else None,
    )


def _by_lag(tables: dict, own: cube.Part):
    """Bias by months ahead, whatever months ahead are looked at."""
    rows = cube.cellwise(cube.part(own.cube, own.choice, all_lags=True))
    rows = rows.assign(error=rows[own.choice.layer] - rows["came"], size=rows["came"].abs())
    sums = rows.groupby("months_ahead")[["error", "size"]].sum()
    rate = sums["error"] / sums["size"].where(sums["size"] > 0)
    scores = pd.DataFrame({"lag": rate.index, "bias_rate": rate.to_numpy()})
    who = f"{subject(tables, own.choice.path)}, {own.choice.layer}"
    return charts.bias_by_lag(scores, subject=who)


def _fallen(own: cube.Part, who: str):
    """Every cycle's plan of every month, at all months ahead."""
    rows = cube.cellwise(cube.part(own.cube, own.choice, all_lags=True))
    rows = rows.assign(quantity=rows[own.choice.layer], actual=rows["came"])
    rows = rows.assign(level="total", member=who, layer=own.choice.layer)
    return pages.waterfall(rows, member=who, layer=own.choice.layer)


def tables_of(
    tables: dict, own: cube.Part, table: pd.DataFrame, level: str
) -> Iterator[exhibits.Exhibit]:
    """Every layer by every measure; groups within the slice; why the forecast is what it is.

    Parameters
    ----------
    tables, own, table
        As in ``sentence``.
    level : str
        Groups within the slice.
    """
    where = f"{subject(tables, own.choice.path)}, {ahead(own.choice.lag)}"
    measures = {name: word for name, (word, _) in MEASURES.items()}
    kinds = {name: kind for name, (_, kind) in MEASURES.items()}
    yield exhibits.table(
        table.assign(layer=table["layer"].map(_heading)),
        caption=f"{where}: all on the same series and months, the best first ({_SIGN})",
        columns={"layer": tables["who"]} | measures,
        kinds=kinds,
        currency=tables["currency"],
        rows=len(table),
    )
    groups = cube.ranked(own, level)
    yield exhibits.table(
        _with_since(own, groups.head(_SHOWN_GROUPS), level).assign(
            name=lambda rows: [named(tables, level, one) for one in rows["member"]]
        ),
        caption=f"{where}: {own.choice.layer} by {ledger.LEVELS[level].lower()}, the worst "
        f"{min(len(groups), _SHOWN_GROUPS)} of {len(groups)} ({_SIGN})",
        columns={"name": ledger.LEVELS[level]}
        | {name: measures[name] for name in ("wape", "bias_rate", "bias_value")}
        | {"since": "Since", "came": "Came a month", "months": "Months"},
        kinds=kinds | {"since": "text", "came": "quantity", "months": "count"},
        currency=tables["currency"],
        missing="Nothing was said and has come here.",
    )
    if "reasons" in tables:
        yield _reasons(tables, own)


def _heading(layer: str) -> str:
    return layer[:1].upper() + layer[1:]


def _with_since(own: cube.Part, groups: pd.DataFrame, level: str) -> pd.DataFrame:
    """Groups with the first month of their steady run on one side."""
    sums = cube.by_member(own, level)
    month = own.cube.cells["month"].to_numpy()[own.cells]
    place = {str(name): k for k, name in enumerate(sums.members)}
    words = []
    for member in groups["member"]:
        k = place[member]
        is_told = sums.judged[:, k]
        error = pd.Series(sums.said[0, :, k] - sums.came[:, k], index=pd.DatetimeIndex(month))
        run = cube.since_when(error[is_told].groupby(level=0).mean())
        steady = run is not None and run.is_steady
        side = "high" if steady and run.side > 0 else "low"
        words.append(f"{months.label(run.first)} too {side}" if steady else "no steady side")
    return groups.assign(since=words)


def _reasons(tables: dict, own: cube.Part) -> exhibits.Exhibit:
    keys = own.cube.series.iloc[own.series][schema.SERIES]
    rows = tables["reasons"].merge(keys, on=schema.SERIES, how="inner", validate="one_to_one")
    return logs.reasons(
        rows,
        caption=f"Why the forecast of {subject(tables, own.choice.path)} is what it is: its "
        "largest series",
        currency=tables["currency"],
        rows=3,
    )


def files(own: cube.Part, table: pd.DataFrame, level: str) -> dict[str, pd.DataFrame]:
    """What can be saved: layers, groups, every cycle and month of the slice."""
    word = store.file_word("_".join(member for _, member in own.choice.path) or "company")
    return {
        f"{word}_layers": table,
        f"{word}_by_{level}": cube.ranked(own, level)[["member", *MEASURES, "came", "months"]],
        f"{word}_cycles_and_months": cube.cellwise(own),
    }


def behind(own: cube.Part, level: str) -> pd.DataFrame:
    """Every row behind a slice: member, cycle, month; what came, what each layer said."""
    sums = cube.by_member(own, level, layers=own.layers)
    cell, member = np.nonzero(sums.judged)
    rows = own.cube.cells.iloc[own.cells[cell]][["cycle", "month", "lag"]]
    rows = rows.rename(columns={"lag": "months_ahead"}).reset_index(drop=True)
    rows.insert(0, "member", sums.members[member].astype("str"))
    rows.insert(0, "level", level)
    said = {name: sums.said[k][cell, member] for k, name in enumerate(own.layers)}
    rows = rows.assign(came=sums.came[cell, member], **said)
    return rows.sort_values(["member", "cycle", "month"], ignore_index=True)


def export(
    workspace: str | Path, tables: dict, own: cube.Part, level: str, kind: str
) -> tuple[Path, int]:
    """Write every row behind a slice to ``reports/exports``.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    tables, own
        As in ``sentence``.
    level : str
        A row is a member of it, a cycle and a month.
    kind : str
        csv: the rows; xlsx: a sheet of the choice, one of groups, one of the rows.

    Returns
    -------
    path : Path
        The file; one of the same name is replaced.
    rows : int
        Rows in it.

    Raises
    ------
    UsageError
        If a worksheet cannot hold the rows.
    """
    rows, choice = behind(own, level), own.choice
    if kind == "xlsx" and len(rows) > _MOST_SHEET_ROWS:
        words = f"{len(rows):,} rows are more than a worksheet holds: take CSV, or fewer months."
        raise months.UsageError(words)
    words = (tables["what"], subject(tables, choice.path), level, choice.layer, ahead(choice.lag))
    span = f"{months.label(choice.first)}_{months.label(choice.last)}"
    name = f"{'_'.join(map(store.file_word, words))}_{span}.{kind}"
    said = [("Seen", sentence(tables, own, cube.by_layer(own))), ("Signs", _SIGN)]
    sheets = {
        "Choice": pd.DataFrame(said, columns=["what", "said"]),
        "Groups": cube.ranked(own, level),
        "Rows": rows,
    }
    path = store.open_workspace(workspace) / publication.REPORTS / "exports" / name
    workbooks.write_tables(path, sheets if kind == "xlsx" else {"Rows": rows})
    return path, len(rows)
