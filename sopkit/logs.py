"""Logs and lists that only one kind of table has: exceptions, reasons, feedback, assumptions.

Each is ``exhibits.table`` with its columns, its order and its words.
"""

from __future__ import annotations

import calendar

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import choices, models
from sopkit.exhibits import MINUS, Exhibit, format_amount, table

_SMALLEST_SEASON = 0.05  # peak less trough, share of the mean, below which no season is told


def reasons(table_: pd.DataFrame, *, caption: str, currency: str = "", rows: int = 10) -> Exhibit:
    """Why the forecast of the largest series is what it is, in words, one row a series.

    Parameters
    ----------
    table_ : DataFrame
        Table `forecast_reasons`.
    caption : str
        What is shown.
    currency : str
        Written behind the money.
    rows : int
        Most series shown.
    """
    is_priced = table_["amount_value"].notna().any()
    size = "amount_value" if is_priced else "quantity"
    largest = table_.sort_values(size, ascending=False, kind="stable")
    named = largest[schema.SERIES].itertuples(index=False)
    names = [", ".join(key for key in keys if key != schema.ALL) for keys in named]
    shown = pd.DataFrame(
        {
            "series": names,
            "size": largest[size],
            "wape": largest["wape"],
            "naive_wape": largest["naive_wape"],
            "why": [reason(row) for row in largest.to_dict("records")],
        }
    )
    keys = [key for key in ("family", *schema.SERIES[1:]) if key in largest]  # a page filters by
    shown = shown.assign(**{key: largest[key] for key in keys})
    columns = {"series": "Series", "size": "Forecast", "wape": "Error"}
    columns |= {"naive_wape": "Repeating last year", "why": "Why"}
    kinds = {"size": "value" if is_priced else "quantity", "wape": "rate", "naive_wape": "rate"}
    return table(
        shown,
        caption=caption,
        columns=columns,
        kinds=kinds,
        currency=currency,
        source="forecast_reasons",
        rows=rows,
        missing="No series is forecast.",
    )


def fallbacks(table_: pd.DataFrame) -> Exhibit:
    """Models that were left out, how many series that touches, why, and what stands in.

    Parameters
    ----------
    table_ : DataFrame
        Table `fallbacks`.
    """
    keys = ["words", "reason", "instead"]
    named = table_.assign(series=1, example=table_["item"])
    sums = named.groupby(keys, as_index=False).agg({"series": "sum", "example": "first"})
    return table(
        sums.sort_values(["series", "words"], ascending=[False, True]),
        caption="Models left out, and what stands in",
        columns={"words": "Model", "series": "Series", "example": "Such as item"}
        | {"reason": "Reason", "instead": "Instead"},
        kinds={"series": "count"},
        source="fallbacks",
        missing="None: every model gave every series it is for a sound forecast.",
    )


_READ_CHOICES = """<p>How to read it: a plus is error that the choice removes; it pays, or costs, \
only where the difference is more than noise (Diebold and Mariano, one in ten).
The latest choice counts for a series, and <code>sopkit choose combined</code> takes it back; \
remarks stand in the file.
What would worry us: a choice in red, for the combination would have been nearer.</p>"""


def chosen_models(table_: pd.DataFrame) -> Exhibit:
    """Models that people chose and whether they pay; one sentence where nobody chose any.

    Parameters
    ----------
    table_ : DataFrame
        Table `model_choices`.
    """
    columns = {"subject": "For", "words": "Model", "author": "By", "series": "Series"}
    columns |= {"wape": "Error", "combined_wape": "Combination", "gain_rate": "Gain"}
    found = table(
        table_,
        caption="Choices in force beside the combination each replaces: error at past months, "
        "share of what came",
        columns=columns | {"verdict": "Verdict", "reason": "Reason"},
        kinds={"series": "count", "gain_rate": "signed_rate"}
        | dict.fromkeys(["wape", "combined_wape"], "rate"),
        source="model_choices",
        row_classes=np.where(table_["verdict"] == choices.COSTS, "alert", ""),
        missing="Nobody chose a model; the notebook explore_series tries others, "
        "and sopkit choose keeps one.",
    )
    return found if table_.empty else Exhibit(found.html + _READ_CHOICES, found.tables)


def reason(row: dict) -> str:
    r"""One series' forecast explained: its models, its season, its growth.

    Parameters
    ----------
    row : dict
        A row of `forecast_reasons`.

    Examples
    --------
    >>> row = dict(kind="smooth", known_months=48, models=2, first_model="theta_log",
    ...     first_share=0.7, second_model="holt", second_share=0.3, third_share=0.0,
    ...     peak_month=7.0, peak_rate=0.3, trough_month=1.0, trough_rate=-0.2, growth_rate=0.04)
    >>> print(reason(row).replace(". ", ".\n"))
    Smooth, 48 months: Theta on logs 70%, Holt’s trend 30%.
    Season: July +30%, January −20%.
    Next twelve months +4% on the last twelve.
    """
    parts = []
    for rank in ("first", "second", "third"):
        if row[f"{rank}_share"] > 0:
            name = models.words(row[f"{rank}_model"]).replace("'", "’")
            parts.append(f"{name} {_share(row[f'{rank}_share'])}")
    rest = row["models"] - len(parts)
    parts += [f"{rest} more"] if rest > 0 else []
    mix = ", ".join(parts) if parts else "no model was able, so last year’s mean stands in"
    age = f"{row['known_months']} month{'' if row['known_months'] == 1 else 's'}"
    text = f"{row['kind'].capitalize()}, {age}: {mix}. "
    if row["peak_rate"] - row["trough_rate"] >= _SMALLEST_SEASON:
        high, low = (
            f"{calendar.month_name[int(row[f'{word}_month'])]} {_share(row[f'{word}_rate'], '+')}"
            for word in ("peak", "trough")
        )
        text += f"Season: {high}, {low}. "
    else:
        text += "No season to speak of. "
    if np.isfinite(row["growth_rate"]):
        text += f"Next twelve months {_share(row['growth_rate'], '+')} on the last twelve."
    return text.strip()


def _share(rate: float, sign: str = "") -> str:
    return f"{rate:{sign}.0%}".replace("-", MINUS) if abs(rate) >= 0.005 else "0%"


def revisions(changes: pd.DataFrame, *, currency: str = "") -> Exhibit:
    """Plans as they were closed before the last reopening, beside what stands now.

    Parameters
    ----------
    changes : DataFrame
        Table `revision_changes`.
    currency : str
        Of money.
    """
    moved = changes[["change", "worst_change"]].abs().ge(0.5).any(axis=1)
    shown = changes[moved & changes["is_latest"].astype(bool)]
    columns = dict(words="Reopened for", measure="Plan", family="Of", before="As closed")
    columns |= dict(now="Now", change="Moved by", worst_month="Most in", worst_change="by")
    kinds = dict.fromkeys(["before", "now"], "quantity") | {"worst_month": "month"}
    kinds |= dict.fromkeys(["change", "worst_change"], "signed_quantity")
    return table(
        shown,
        caption="Plans as they were closed before a reopening, beside what stands now",
        columns=columns | {"change_value": "In money"},
        kinds=kinds | {"change_value": "signed_value"},
        currency=currency,
        rows=4,
        rest="in the table revision_changes",
        missing="No step was reopened in this cycle, or nothing has moved since.",
        once=("words",),
    )


def feedback(
    lines: pd.DataFrame,
    items: pd.DataFrame,
    *,
    caption: str,
    why: str,
    currency: str,
    source: str,
    missing: str,
    rows: int = 15,
    materiality: float = 0.0,
) -> Exhibit:
    """Lines that go back to sales: for whom, what, when it is wanted and when it comes, the answer.

    Parameters
    ----------
    lines : DataFrame
        Table `feedback`, or `agreed`; its places are added up where channels are known.
    items : DataFrame
        Raw table: names that people read.
    caption, currency, source, missing, rows
        As in ``table``.
    why : str
        Heading of the last column: limits of lines, or remarks on answers.
    materiality : float
        Money of a line below which it is counted in words, if it has no remark and others remain.
    """
    money = lines.groupby("feedback")["amount_value"].transform("sum").abs()
    is_small = (money < materiality) & (lines["finding"] == "" if "finding" in lines else True)
    if is_small.any() and not is_small.all():
        small, lines = lines[is_small], lines[~is_small]
        count, limit = small["feedback"].nunique(), format_amount(materiality, "value", currency)
        counted = "one line" if count == 1 else f"{count:,} lines"
        caption += f"; {counted} of less than {limit} each not shown"
    name = schema.lookup(lines["item"], items, "description").fillna(lines["item"])
    later = lines["later_month"]
    said = (
        lines["state"]
        .str.cat(lines["author"].astype("str"), sep=", ", na_rep="")
        .str.removesuffix(", ")
    )
    reason = None
    if "cause" in lines:  # a site that binds is no news
        limit = lines["limit"].where(lines["limit"] != lines["site"], "")
        reason = lines["cause"].str.cat(limit, sep=": ").str.removesuffix(": ") + lines["remark"]
    shown = lines.assign(
        name=name.astype("str"),
        to_whom=lines["channel"].where(lines["channel"] != schema.ALL, lines["location"]),
        family=schema.lookup(lines["item"], items, "family").fillna("").astype("str"),
        comes=later.dt.strftime("%Y-%m").fillna("not within the plan"),
        said=said,
        why=lines["finding"] if reason is None else reason,
        promised=lines["promised_quantity"] if "remark" in lines else 0.0,
    )
    by = "feedback name to_whom month comes said why channel family".split()
    shown = shown.groupby(by, as_index=False, sort=False)[
        ["quantity", "amount_value", "promised"]
    ].sum(min_count=1)
    again = [f"; promised before: {n:,.0f}" if n >= 0.5 else "" for n in shown["promised"]]
    shown = shown.assign(why=shown["why"].astype("str") + pd.Series(again, dtype="str"))
    heads = dict(feedback="Line", name="Item", to_whom="For", month="Wanted", comes="Comes")
    heads |= dict(quantity="Units", amount_value="Money", said="Answer", why=why)
    return table(
        shown,
        caption=caption,
        columns=heads,
        kinds=dict(month="month", quantity="quantity", amount_value="value"),
        currency=currency,
        source=source,
        missing=missing,
        rows=rows,
    )


def assumptions(register: pd.DataFrame, *, currency: str = "") -> Exhibit:
    """The assumptions log: what the plan rests on, rated; broken ones first.

    Parameters
    ----------
    register : DataFrame
        Table `register`; its rows of the kind assumption are shown.
    currency : str
        Of the company.
    """
    held = register[register["kind"] == "assumption"]
    rank = {"red": 0, "amber": 1, "green": 2, "broken": 0, "expired": 1, "untested": 1, "held": 1}
    held = held.sort_values(["status", "quality", "impact"], key=lambda word: word.map(rank))
    is_red = held[["quality", "impact"]].eq("red").all(axis=1) | held["status"].eq("broken")
    rated = {"quality": "Quality", "impact": "Impact", "status": "Status"}
    return table(
        held,
        caption="Assumptions the plan rests on, rated by quality of evidence and impact if wrong",
        columns={"statement": "Assumption", "owner": "Owner"}
        | rated
        | {"amount_value": "Rests on it", "finding": "Sign, or why it is not tested"},
        kinds=dict.fromkeys(rated, "rating") | {"amount_value": "value"},
        currency=currency,
        source="register",
        missing="No assumptions are recorded. Add them to data/raw/assumptions.csv.",
        row_classes=is_red.map({True: "alert", False: ""}),
    )
