"""What stands in a notebook and on a page: headline, tiles, table, figure, S&OP grid, log.

Each function returns an ``Exhibit``, a piece of HTML that a notebook shows and ``pages`` takes over
as it is. Numbers become text here and nowhere else. Everything that comes from data is escaped.
Tables go through the Styler of pandas and the template ``pages/template/table.html.j2``.
"""

from __future__ import annotations

import base64
import calendar
import difflib
import functools
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from sopkit import months, schema
from sopkit.demand import forecasting
from sopkit.reconciliation import grid as sop

KINDS = tuple(
    "quantity signed_quantity value signed_value exact_value exact signed_exact rate signed_rate "
    "fine_rate "
    "count months decimal month text rating link".split()
)
_NOISE = 1e-6  # percent below all that is rounding
_NO_CURRENCY = schema.COMPANY["currency"].default  # the word that stands where none is given
_SHORTEST_ALT = 8
_SMALLEST_SEASON = 0.05  # peak less trough, share of the mean, below which no season is told
_TEMPLATES = Path(__file__).parent / "pages" / "template"
_MISSING, _MINUS, _SPACE = "–", "−", "\u00a0"
_LEFT = ("text", "month", "rating", "link")
_LARGEST_CHANGE, _FROM_NOTHING = 100.0, "from next to nothing"  # a change that says no more
_WIDE = 8.0  # inches from which a chart fills the page, and is scrolled on a phone
_LONG_TEXT = 24  # letters; longer texts may wrap
_DATE = re.compile(r"\b\d{4}-\d{2}(?:-\d{2})?\b")  # never broken over two lines
_CHIPS = {
    "red": [
        "missed",
        "overdue",
        "expired",
        "broken",
        "short of supply",
        "not kept",
        "worse",
        "not ready",
    ],
    "amber": ["near", "short of demand", "too much stock", "partly", "due", "unknown"],
    "green": ["met", "deliverable", "kept", "better", "ready"],
}
_ROWS = (sop.LAST, sop.NOW, sop.DIFFERENCE, sop.RUNNING, "Budget", "Last year")


@dataclass(frozen=True, repr=False)
class Exhibit:
    """A piece of HTML, shown by notebooks and taken over by pages."""

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        text = unescape(re.sub(r"<[^>]+>", " ", self.html))
        return f"Exhibit({' '.join(text.split())[:70]!r})"


def format_amount(amount: float, kind: str, currency: str = "") -> str:
    r"""An amount as readers see it in a sentence or a tile.

    Parameters
    ----------
    amount : float, or Timestamp or str for the kinds month, text and rating
        Full precision; a rate as a share, 0.05 for 5%.
    kind : str
        One of ``KINDS``. Kinds beginning with ``signed_`` show a plus.
    currency : str
        Written behind amounts of the kind value and exact_value; exact kinds show the cent.

    Examples
    --------
    >>> format_amount(1832651.4, "quantity"), format_amount(0.0422, "signed_rate")
    ('1,832,651', '+4.2%')
    >>> format_amount(float("nan"), "value", "EUR")
    '–'
    >>> format_amount(-9019285.0, "value", "EUR").replace("\u00a0", " ")
    '−9.0 M EUR'
    """
    if kind in _LEFT:
        return _word(amount)
    if not np.isfinite(amount):
        return _MISSING
    if kind == "exact_value":
        return f"{amount:,.2f}{_SPACE}{currency}".replace("-", _MINUS).rstrip()
    base, is_signed = kind.removeprefix("signed_"), kind.startswith("signed_")
    if base == "value":
        return _money(amount, is_signed, _SPACE + currency if currency else "")
    if base == "rate":
        percents = _percents(pd.Series([amount]))
        digits = 0 if abs(amount) >= 10 else _digits(base, percents)
        return _number(percents.iloc[0], digits, is_signed, "%")
    return _number(amount, _digits(base, pd.Series([amount], dtype="float64")), is_signed)


def format_amounts(amounts: pd.Series, kind: str, currency: str = "") -> list[str]:
    """Many amounts of one kind for sentences: decimals alike, money each in its own size.

    Parameters are those of ``format_amount``, with a Series for the amount.

    Examples
    --------
    >>> format_amounts(pd.Series([0.123, 1.0]), "signed_rate")
    ['+12.3%', '+100.0%']
    """
    if kind in ("value", "signed_value"):
        return [format_amount(amount, kind, currency) for amount in amounts]
    return _column(pd.DataFrame({"amount": amounts}), "amount", kind, currency, is_large=False)[1]


def _word(value: object) -> str:
    if pd.isna(value) or value == "":
        return _MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return months.label(value)
    return re.sub(r"(?<![^\s(])-(?=\d)", _MINUS, str(value))  # in sentences, too


def _number(amount: float, digits: int, is_signed: bool, suffix: str = "") -> str:
    if not np.isfinite(amount):
        return _MISSING
    text = f"{abs(amount):,.{digits}f}"
    if not text.strip("0.,"):
        return "0" + suffix
    return (_MINUS if amount < 0 else "+" if is_signed else "") + text + suffix


def _money(amount: float, is_signed: bool, unit: str) -> str:
    """``181 M``, ``12.3 M``, ``345 k``, ``1,234``; the limits are where rounding would carry."""
    size = abs(amount)
    if size >= 999_500:
        return _number(amount / 1e6, int(size < 99.95e6), is_signed, f"{_SPACE}M{unit}")
    if size >= 9_999.5:
        return _number(amount / 1e3, 0, is_signed, f"{_SPACE}k{unit}")
    return _number(amount, 0 if size >= 99.5 or _is_whole(amount) else 2, is_signed, unit)


def _is_whole(amount: float | pd.Series) -> bool:
    return bool(np.all(np.abs(amount - np.round(amount)) < 1e-6))


def _digits(base: str, amounts: pd.Series) -> int:
    """Decimals shared by a column: none for whole or large amounts."""
    known = amounts[np.isfinite(amounts.to_numpy())]
    if base in ("exact", "decimal", "fine_rate"):
        return 2
    if base == "count" or known.empty or _is_whole(known):
        return 0
    if base == "rate":
        return 2 if known.between(99.95, 100.0 - _NOISE).any() else 1
    if base == "months":
        return 1
    largest = known.abs().max()
    return 0 if largest >= 99.95 else 1 if largest >= 9.995 else 2


def _percents(rates: pd.Series) -> pd.Series:
    """Percents; what is not all does not read 100 %."""
    percents = 100.0 * rates.astype("float64")
    return percents.mask(percents.between(99.995, 100.0 - _NOISE), 99.99)


def _known(name: str, names: list[str], what: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, 1) or sorted(names)[:1]
        hint = f" Nearest: {near[0]!r}." if near else ""
        raise months.UsageError(f"no {what} {name!r}.{hint} Known: {', '.join(sorted(names))}.")


def headline(
    template: str, facts: pd.DataFrame, *, currency: str = "", is_note: bool = False
) -> Exhibit:
    """Sentences with computed figures.

    Parameters
    ----------
    template : str
        Sentences in which ``{fact}`` stands for a figure. ``{fact:below|above}`` writes its size
        and the word for its sign. A part in square brackets is left out where a figure in it is
        missing; elsewhere the fact's text stands in.
    facts : DataFrame
        A table of ``headlines``: ``fact, amount, kind, text``.
    currency : str
        Of the company.
    is_note : bool
        In the small letters of a note, for what qualifies the figures above.

    Raises
    ------
    UsageError
        If the template names a fact that is not there.

    Examples
    --------
    >>> facts = pd.DataFrame([("plan", 12.0, "count", ""), ("gap", -0.05, "signed_rate", "")],
    ...                      columns=["fact", "amount", "kind", "text"])
    >>> headline("We plan {plan} units[, {gap:below|above} budget].", facts).html
    '<p class="headline">We plan <b>12</b> units, <b>5%</b> below budget.</p>'
    """
    rows = facts.set_index("fact")
    is_missing = rows["amount"].isna() & (~rows["kind"].isin(_LEFT) | rows["text"].eq(""))

    def fill(match: re.Match) -> str:
        name, below, above = match.groups()
        text = _fact(rows, name, currency, is_signed=below is None)
        return f"{text} {below if rows.loc[name, 'amount'] < 0 else above}" if below else text

    def keep(part: re.Match) -> str:
        used = re.findall(r"{(\w+)", part[1])
        return "" if rows.index[is_missing].intersection(used).size else part[1]

    text = re.sub(r"\[(.*?)\]", keep, escape(" ".join(template.split()), quote=False))
    filled = re.sub(r"{(\w+)(?::(\w+)\|(\w+))?}", fill, text)
    return Exhibit(f'<p class="{"note" if is_note else "headline"}">{filled}</p>')


def _fact(rows: pd.DataFrame, name: str, currency: str, *, is_signed: bool = True) -> str:
    """Markup of a fact: a figure bold, a text plain."""
    _known(name, list(rows.index), "fact")
    amount, kind, text = rows.loc[name, ["amount", "kind", "text"]]
    if pd.isna(amount):
        return escape(_word(text), quote=False)
    if not is_signed:
        amount, kind = abs(amount), kind.removeprefix("signed_")
    return f"<b>{escape(format_amount(amount, kind, currency))}</b>"


def fact_tiles(facts: pd.DataFrame, labels: dict[str, str], *, currency: str = "") -> Exhibit:
    """Three to six big figures for the first screen.

    Parameters
    ----------
    facts : DataFrame
        A table of ``headlines``.
    labels : dict
        Fact → what stands above its figure, in order.
    currency : str
        Of the company.

    Raises
    ------
    UsageError
        If a fact is not there, or there are fewer than three or more than six.
    """
    if not 3 <= len(labels) <= 6:
        raise months.UsageError(f"{len(labels)} tiles. Give labels for three to six facts.")
    rows, tiles = facts.set_index("fact"), []
    for name, label in labels.items():
        text = _fact(rows, name, currency)
        figure_class = "" if text.startswith("<b>") else ' class="word"'
        tiles.append(f"<div><dt>{escape(label)}</dt><dd{figure_class}>{text}</dd></div>")
    return Exhibit(f'<dl class="tiles">{"".join(tiles)}</dl>')


def note(text: str, name: str = "note") -> Exhibit:
    """A paragraph in plain words, of the style class ``name``."""
    return Exhibit(f'<p class="{name}">{escape(text, quote=False)}</p>')


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    columns: dict[str, str],
    kinds: dict[str, str],
    currency: str = "",
    source: str | None = None,
    rows: int = 15,
    missing: str = "",
    once: tuple[str, ...] = (),
    row_classes: Iterable[str] = (),
    rest: str = "",
) -> Exhibit:
    """The first rows of a table, numbers right, decimals alike in a column.

    Parameters
    ----------
    frame : DataFrame
        Already in the order readers want.
    caption : str
        What and unit.
    columns : dict
        Column → heading, in order; other columns are not shown. Money of 10,000 and more is
        shown in thousands; the heading says so by itself.
    kinds : dict
        Column → one of ``KINDS`` (absent: text), or the name of a column that holds each row's
        kind. A rating is a word with a colour chip, a link an address beside the page.
    currency, source : str
        Of the company; table that holds all rows.
    rows : int
        Most rows shown.
    missing : str
        Sentence shown where ``frame`` has no rows.
    once : tuple of str
        Columns of text shown only in the first of successive rows in which all are the same.
    row_classes : iterable of str
        Style class of each row of ``frame``, in its order: alert, or empty.
    rest : str
        Where rows beyond ``rows`` stand, in words; left out: in the file of ``source``.

    Raises
    ------
    UsageError
        If a column or a kind is not known.
    """
    for column in columns:
        _known(column, list(frame.columns), "column")
    if frame.empty:
        return note(missing or f"Nothing to show: {caption}.", "missing")
    shown = frame.head(rows).reset_index(drop=True)
    classes = list(row_classes)[:rows] or [""] * len(shown)
    if once:
        repeats = shown[list(once)].eq(shown[list(once)].shift()).all(axis=1)
        shown = shown.assign(**{name: shown[name].mask(repeats, _SPACE) for name in once})
        classes = repeats.map({True: "more", False: ""}).tolist()
    html = _styled(shown, columns, kinds, currency, classes)
    head = f"<figcaption>{escape(caption)}</figcaption>"
    foot = _source(len(frame) - len(shown), source, rest)
    return Exhibit(f'<figure class="table">{head}{_frame(escape(caption), html)}</figure>{foot}')


def _source(rest: int, source: str | None, where: str = "") -> str:
    """The line below a table: rows not shown, and where all of them are."""
    if where:
        source = None if rest else source
    more = f"and {rest:,} more {'row' if rest == 1 else 'rows'}" if rest else ""
    more += f", {where}" if more and where else ""
    file = f"{source}.parquet" if source else ""
    text = f"{more}, in {file}" if more and file else more or (file and f"Source: {file}")
    name = "source rest" if rest else "source"  # what is left out is said in print too
    return f'<p class="{name}">{escape(text)}</p>' if text else ""


def exceptions(
    frame: pd.DataFrame, *, caption: str, currency: str, source: str, missing: str, rows: int = 15
) -> Exhibit:
    """Exceptions above materiality, largest money first; count and money of those left out.

    Parameters
    ----------
    frame : DataFrame
        ``subject, finding, amount_value, proposal, is_material``.
    caption, currency, source, missing, rows
        As in ``table``.
    """
    ranked = frame.sort_values("amount_value", key=abs, ascending=False, kind="stable")
    shown, rest = ranked[ranked["is_material"]], ranked[~ranked["is_material"]]
    columns = dict(subject="What", finding="Finding", amount_value="Money", proposal="Proposal")
    missing = missing if frame.empty else "No exception is above materiality."
    shared = dict(caption=caption, currency=currency, source=source, missing=missing, rows=rows)
    found = table(shown, columns=columns, kinds={"amount_value": "value"}, **shared)
    if rest.empty:
        return found
    money = format_amount(rest["amount_value"].abs().sum(), "value", currency)
    words = f"Below materiality and not shown: {len(rest):,}, worth {money} in all."
    return Exhibit(found.html + note(words).html)


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
            "why": [reason(row) for row in largest.head(rows).to_dict("records")]
            + [""] * max(len(largest) - rows, 0),
        }
    )
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
            name = forecasting.MODELS[row[f"{rank}_model"]].words.replace("'", "’")
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
    return f"{rate:{sign}.0%}".replace("-", _MINUS) if abs(rate) >= 0.005 else "0%"


def _frame(label: str, content: str) -> str:
    """A frame that scrolls by itself."""
    return f'<div class="frame" tabindex="0" role="region" aria-label="{label}">{content}</div>'


@functools.cache
def _styler() -> type[Styler]:
    return Styler.from_custom_template(str(_TEMPLATES), html_table="table.html.j2")


def _styled(
    shown: pd.DataFrame,
    columns: dict[str, str],
    kinds: dict[str, str],
    currency: str,
    row_classes: list[str],
) -> str:
    cells, headings, left = {}, {}, []
    money = [name for name in columns if kinds.get(name) in ("value", "signed_value")]
    sizes = [shown[name].astype("float64").abs().max() for name in money]
    is_large = any(size >= 9_999.5 for size in sizes)  # columns side by side have one scale
    for place, (column, heading) in enumerate(columns.items(), start=1):
        kind = kinds.get(column, "text")
        unit, texts = _column(shown, column, kind, currency, is_large=is_large)
        if kind in _LEFT:
            is_long = kind != "link" and max(map(len, texts)) > _LONG_TEXT
            left.append(f"{'w' if is_long else 't'}{place}")
        cells[column] = [_cell(text, kind) for text in texts]
        headings[column] = escape(heading) + (f" <small>{escape(unit)}</small>" if unit else "")
    styler = _styler()(pd.DataFrame(cells)).hide(axis="index")
    styler = styler.format_index(lambda name: headings[name], axis=1)
    return styler.to_html(exclude_styles=True, left=" ".join(left), row_classes=row_classes)


def _column(
    shown: pd.DataFrame, column: str, kind: str, currency: str, *, is_large: bool
) -> tuple[str, list[str]]:
    """Unit for the heading, and the text of each cell; another column may hold each cell's kind.

    Money is in thousands where it ``is_large`` in any column of the table.
    """
    amounts = shown[column]
    if kind in _LEFT:
        return "", [_word(amount) for amount in amounts]
    if kind in shown.columns and kind not in KINDS:
        pairs = zip(amounts, shown[kind], strict=True)
        return "", [_with_unit(amount, own, currency) for amount, own in pairs]
    _known(kind, list(KINDS), "kind")
    base, is_signed = kind.removeprefix("signed_"), kind.startswith("signed_")
    is_large, is_rate = is_large and base == "value", base in ("rate", "fine_rate")
    shown_in = "" if currency == _NO_CURRENCY else currency  # a heading says money itself
    scaled = amounts.astype("float64") * (0.001 if is_large else 1)
    scaled = _percents(amounts) if is_rate else scaled
    digits, suffix = _digits(base, scaled), "%" if is_rate else ""
    unit = (f"k {shown_in}".strip() if is_large else shown_in) if base == "value" else ""
    texts = [_number(amount, digits, is_signed, suffix) for amount in scaled]
    if kind == "signed_rate":
        pairs = zip(amounts, texts, strict=True)
        texts = [_FROM_NOTHING if amount >= _LARGEST_CHANGE else text for amount, text in pairs]
    return unit, texts


def _with_unit(amount: float, kind: str, currency: str) -> str:
    """An amount in a column of several kinds, so that each says its unit."""
    if kind in KINDS and kind != "months":
        return format_amount(amount, kind, currency)
    text = format_amount(amount, "months" if kind == "months" else "quantity")
    return text if text == _MISSING or not isinstance(kind, str) else text + _SPACE + kind


def _cell(text: str, kind: str) -> str:
    if kind == "link":
        return f'<a href="{escape(text)}">open</a>'
    if kind == "rating":
        return _chip(text)
    text = escape(text)
    return _DATE.sub(r'<span class="date">\g<0></span>', text) if kind == "text" else text


def _chip(text: str) -> str:
    colour = next((name for name, words in _CHIPS.items() if text in (name, *words)), "")
    return f'<span class="chip {colour}">{text}</span>' if colour else escape(text)


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
        comes=later.dt.strftime("%Y-%m").fillna("not within the plan"),
        said=said,
        why=lines["finding"] if reason is None else reason,
        promised=lines["promised_quantity"] if "remark" in lines else 0.0,
    )
    by = "feedback name to_whom month comes said why".split()
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


def figure(drawn, *, alt: str, missing: str = "") -> Exhibit:
    """A chart as an SVG picture; the same chart gives the same bytes.

    Parameters
    ----------
    drawn : matplotlib Figure or None
        What a function of ``charts`` returned; None where there is nothing to draw.
    alt : str
        What the picture shows, for readers who do not see it; eight characters or more.
    missing : str
        Sentence shown instead where there is no chart.

    Raises
    ------
    UsageError
        If ``alt`` is too short.
    """
    if len(alt.strip()) < _SHORTEST_ALT:
        raise months.UsageError(f"alt {alt!r} is too short. Say in a few words what is shown.")
    if drawn is None:
        return note(missing or f"Nothing to draw: {alt}.", "missing")
    import matplotlib  # here: tables and headlines need no charts

    buffer = io.BytesIO()
    # no dates, no random ids: same figure, same bytes; text stays text
    with matplotlib.rc_context({"svg.hashsalt": "sopkit", "svg.fonttype": "none"}):
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    source = f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    size = "max-width:100%" + (";width:auto;min-width:0" if drawn.get_figwidth() < _WIDE else "")
    image = f'<img src="{source}" alt="{escape(alt)}" style="{size}">'
    return Exhibit(f'<figure class="chart">{_frame("chart", image)}</figure>')


def grid(
    sop_grid: pd.DataFrame, *, currency: str, cycle: pd.Timestamp, unit: str = "units"
) -> Exhibit:
    """The S&OP grid: the company, then each family, six closed months and the horizon across.

    Parameters
    ----------
    sop_grid : DataFrame
        Table `sop_grid` (or that of an earlier step).
    currency : str
        Of the company; money is shown in thousands of it.
    cycle : Timestamp
        Month in which the plan is made; a line stands before it.
    unit : str
        What quantities are counted in.
    """
    if sop_grid.empty:
        return note("There is no plan to lay out by family yet.", "missing")
    closed = months.closed(cycle, sop.CLOSED_MONTHS)
    last = max(sop_grid["month"].max(), cycle)
    span = closed.union(months.span(cycle, months.number(last) - months.number(cycle) + 1))
    key = ["family", "measure", "row"]
    wide = sop_grid.pivot(index=key, columns="month", values="amount").reindex(columns=span)
    marks = sop_grid.pivot(index=key, columns="month", values="is_last_plan")
    marks = marks.reindex(columns=span).eq(True)
    known = set(sop_grid["family"])
    others = sorted(known - {schema.COMPANY_LABEL, schema.UNASSIGNED})
    names = [name for name in (schema.COMPANY_LABEL, *others, schema.UNASSIGNED) if name in known]
    loader, trim = jinja2.FileSystemLoader(_TEMPLATES), {"trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=loader, autoescape=True, **trim)
    return Exhibit(
        environment.get_template("grid.html.j2").render(
            years=list(span.year.value_counts().sort_index().items()),
            names_of_months=list(span.strftime("%b")),
            families=[_family(name, wide, marks, (currency, unit), cycle) for name in names],
            count=len(span),
            money=f"k {currency}".strip(),
            unit=unit,
            cycle=months.label(cycle),
            has_last_plan=sop.LAST in wide.index.get_level_values("row"),
            has_marks=bool(marks.to_numpy().any()),
        )
    )


def _family(
    name: str,
    wide: pd.DataFrame,
    marks: pd.DataFrame,
    counted_in: tuple[str, str],
    cycle: pd.Timestamp,
) -> dict[str, object]:
    """One family for the template: its summary line and its groups of rows."""
    year = months.span(cycle, 12).intersection(wide.columns)
    rows = wide.loc[name]
    main = rows.reindex([("Sales", sop.NOW), ("Revenue", sop.NOW), ("Revenue", "Budget")])[year]
    sales, revenue, budget = (main.iloc[place] for place in range(3))
    gap, compared = (revenue - budget).sum(min_count=1), budget.where(revenue.notna()).sum()
    share = format_amount(gap / compared if compared else np.nan, "signed_rate")
    groups = [
        _group(measure, rows.loc[measure], marks.loc[name].loc[measure], counted_in)
        for measure in (*sop.VOLUMES, *sop.MONEY)
        if measure in rows.index.get_level_values(0)
    ]
    return {
        "name": name,
        "sales": format_amount(sales.sum(min_count=1), "count"),
        "revenue": _number(revenue.sum(min_count=1) / 1000, 0, is_signed=False),
        "gap": _number(gap / 1000, 0, is_signed=True),
        "share": "" if share == _MISSING else share,
        "groups": groups,
    }


def _group(
    measure: str, rows: pd.DataFrame, marks: pd.DataFrame, counted_in: tuple[str, str]
) -> dict[str, object]:
    """The rows of one measure: cells are text and whether the last plan stands in."""
    is_rate, (currency, unit) = measure == "Utilisation", counted_in
    scale = 100 if is_rate else 0.001 if measure in sop.MONEY else 1
    unit = "percent" if is_rate else f"k {currency}".strip() if measure in sop.MONEY else unit
    scaled = rows * scale
    digits = 0 if is_rate else _digits("quantity", scaled.stack())
    lines = []
    for row in (row for row in _ROWS if row in scaled.index):
        is_signed = row in (sop.DIFFERENCE, sop.RUNNING)
        texts = ["" if pd.isna(x) else _number(x, digits, is_signed) for x in scaled.loc[row]]
        is_short = (scaled.loc[row] < -0.5) & (measure == "Inventory") & (row == sop.NOW)
        cells = list(zip(texts, marks.loc[row], is_short, strict=True))
        lines.append({"name": row, "is_main": row == sop.NOW, "cells": cells})
    return {"name": measure, "unit": unit, "rows": lines}
