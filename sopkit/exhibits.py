"""What stands in a notebook and on a page: headline, tiles, table, figure.

Each function returns an ``Exhibit``, a piece of HTML that a notebook shows and ``pages`` takes over
as it is, with the tables that travel with it. Numbers become text here and nowhere else. Everything
that comes from data is escaped. Tables go through the Styler of pandas and the template
``pages/template/table.html.j2``. ``logs`` and ``grids`` build on these.
"""

from __future__ import annotations

import base64
import difflib
import functools
import io
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from sopkit import months, naming, schema
from sopkit.carried import KINDS, MIME, TEXTS, carried

_NOISE = 1e-6  # percent below all that is rounding
_NO_CURRENCY = schema.COMPANY["currency"].default  # the word that stands where none is given
_SHORTEST_ALT = 8
TEMPLATES = Path(__file__).parent / "pages" / "template"
MISSING, MINUS, _SPACE = "–", "−", "\u00a0"
_MOST_BEHIND = 60  # rows of a chart's figures shown below it
_MOST_IN_PAGE = 200  # rows of a table that a page holds; the CSV beside it has all
_KEYS = {"family": "f", "location": "l", "channel": "c"}  # by which a page filters rows
_LARGEST_CHANGE, _FROM_NOTHING = 100.0, "from next to nothing"  # a change that says no more
_WIDE = 8.0  # inches from which a chart fills the page, and is scrolled on a phone
_LONG_TEXT = 24  # letters; longer texts may wrap
_WORDS = re.compile(r"(?:^|(?<!<bdi)>)[^<]+")  # what stands between tags
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


@dataclass(frozen=True, repr=False)
class Exhibit:
    """A piece of HTML, shown by notebooks and taken over by pages, and its tables in full.

    ``tables`` are of ``carried``; ``<!--csv 0-->`` in the markup is where a page links the first.
    """

    html: str
    tables: tuple[dict, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "html", isolated(self.html))

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        tables = {MIME: list(self.tables)} if self.tables else {}
        return {"text/html": self.html, "text/plain": repr(self)} | tables

    def __repr__(self) -> str:
        text = unescape(re.sub(r"<[^>]+>", " ", self.html))
        return f"Exhibit({' '.join(text.split())[:70]!r})"


def isolated(markup: str) -> str:
    """The markup with each name written from right to left apart from the words around it.

    Else a browser would turn the figures and signs beside an Arabic or Hebrew name around.

    Examples
    --------
    >>> isolated('<p title="\u05d0">\u05d0\u05d1 \u05d2: 12</p>') == (
    ...     '<p title="\u05d0"><bdi>\u05d0\u05d1 \u05d2</bdi>: 12</p>')
    True
    """
    if not naming.LEFTWARD.search(markup):
        return markup
    return _WORDS.sub(lambda text: naming.LEFTWARD.sub(r"<bdi>\g<0></bdi>", text[0]), markup)


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
    if kind in TEXTS:
        return _word(amount)
    if not np.isfinite(amount):
        return MISSING
    if kind == "exact_value":
        return f"{amount:,.2f}{_SPACE}{currency}".replace("-", MINUS).rstrip()
    base, is_signed = kind.removeprefix("signed_"), kind.startswith("signed_")
    if base == "value":
        return _money(amount, is_signed, _SPACE + currency if currency else "")
    if base == "rate":
        percents = _percents(pd.Series([amount]))
        digits = 0 if abs(amount) >= 10 else digits_of(base, percents)
        return number(percents.iloc[0], digits, is_signed, "%")
    return number(amount, digits_of(base, pd.Series([amount], dtype="float64")), is_signed)


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
        return MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return months.label(value)
    return re.sub(r"(?<![^\s(])-(?=\d)", MINUS, str(value))  # in sentences, too


def number(amount: float, digits: int, is_signed: bool, suffix: str = "") -> str:
    """A number as text with that many decimals; what rounds to nothing is 0 without a sign."""
    if not np.isfinite(amount):
        return MISSING
    text = f"{abs(amount):,.{digits}f}"
    if not text.strip("0.,"):
        return "0" + suffix
    return (MINUS if amount < 0 else "+" if is_signed else "") + text + suffix


def _money(amount: float, is_signed: bool, unit: str) -> str:
    """``181 M``, ``12.3 M``, ``345 k``, ``1,234``; the limits are where rounding would carry."""
    size = abs(amount)
    if size >= 999_500:
        return number(amount / 1e6, int(size < 99.95e6), is_signed, f"{_SPACE}M{unit}")
    if size >= 9_999.5:
        return number(amount / 1e3, 0, is_signed, f"{_SPACE}k{unit}")
    return number(amount, 0 if size >= 99.5 or _is_whole(amount) else 2, is_signed, unit)


def _is_whole(amount: float | pd.Series) -> bool:
    return bool(np.all(np.abs(amount - np.round(amount)) < 1e-6))


def digits_of(base: str, amounts: pd.Series) -> int:
    """Decimals shared by a column of the kind ``base``: none for whole or large amounts."""
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
        Sentences in which ``{fact}`` stands for a figure. ``{fact:below|above|level with}`` writes
        its size and the word for its sign; the last word alone, if given, where the size is 0. A
        part in square brackets is left out where a figure in it is missing; elsewhere the fact's
        text stands in.
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
    is_missing = rows["amount"].isna() & (~rows["kind"].isin(TEXTS) | rows["text"].eq(""))

    def fill(match: re.Match) -> str:
        name, below, above, level = match.groups()
        text = _fact(rows, name, currency, is_signed=below is None)
        if level and not re.search("[1-9]", text):
            return level
        return f"{text} {below if rows.loc[name, 'amount'] < 0 else above}" if below else text

    def keep(part: re.Match) -> str:
        used = re.findall(r"{(\w+)", part[1])
        return "" if rows.index[is_missing].intersection(used).size else part[1]

    text = re.sub(r"\[(.*?)\]", keep, escape(" ".join(template.split()), quote=False))
    filled = re.sub(r"{(\w+)(?::(\w+)\|(\w+)(?:\|([\w ]+))?)?}", fill, text)
    return Exhibit(f'<p class="{"note" if is_note else "headline"}">{filled.strip()}</p>')


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


def with_family(frame: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The table with the family of each row's item, by which a page filters rows."""
    return frame.assign(family=schema.lookup(frame["item"], items, "family"))


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
        Where rows beyond ``rows`` stand, told on paper alone; left out: in the file of ``source``.

    Raises
    ------
    UsageError
        If a column or a kind is not known.
    """
    for column in columns:
        _known(column, list(frame.columns), "column")
    if frame.empty:
        return note(missing or f"Nothing to show: {caption}.", "missing")
    shown = frame.head(max(rows, _MOST_IN_PAGE)).reset_index(drop=True)
    classes = list(row_classes)[: len(shown)] or [""] * len(shown)
    if once:
        repeats = shown[list(once)].eq(shown[list(once)].shift()).all(axis=1)
        shown = shown.assign(**{name: shown[name].mask(repeats, _SPACE) for name in once})
        classes = repeats.map({True: "more", False: ""}).tolist()
    html = _styled(shown, columns, kinds, currency, classes, rows)
    head = f"<figcaption>{escape(caption)}</figcaption>"
    foot = _source(len(frame), min(rows, len(frame)), source, rest)
    whole = carried(
        frame, caption=caption, columns=columns, kinds=kinds, currency=currency, source=source
    )
    total = f' data-rows="{len(frame)}"' if len(frame) > len(shown) else ""
    markup = f'<figure class="table"{total}>{head}{_frame(escape(caption), html)}{foot}</figure>'
    return Exhibit(markup, (whole,))


def _source(count: int, shown: int, source: str | None, where: str = "", place: int = 0) -> str:
    """The line below a table: rows not shown, where all of them are, the link a page puts in."""
    rest = count - shown
    if where:
        source = None if rest else source
    more = f"and {rest:,} more {'row' if rest == 1 else 'rows'}" if rest else ""
    file = f"{source}.parquet" if source else ""
    text = f"{more}, in {file}" if more and file else more or (file and f"Source: {file}")
    paper = f'<i class="paper">, {escape(where)}</i>' if more and where else ""
    name = "source rest" if rest else "source"  # what is left out is said in print too
    return f'<p class="{name}"><span>{escape(text)}{paper}</span> <!--csv {place}--></p>'


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
    return Exhibit(found.html + note(words).html, found.tables)


def _frame(label: str, content: str) -> str:
    """A frame that scrolls by itself."""
    return f'<div class="frame" tabindex="0" role="region" aria-label="{label}">{content}</div>'


@functools.cache
def _styler() -> type[Styler]:
    return Styler.from_custom_template(str(TEMPLATES), html_table="table.html.j2")


def _styled(
    shown: pd.DataFrame,
    columns: dict[str, str],
    kinds: dict[str, str],
    currency: str,
    row_classes: list[str],
    rows: int,
) -> str:
    cells, headings, left, marked = {}, {}, [], {}
    money = [name for name in columns if kinds.get(name) in ("value", "signed_value")]
    sizes = [shown[name].astype("float64").abs().max() for name in money]
    is_large = any(size >= 9_999.5 for size in sizes)  # columns side by side have one scale
    for place, (column, heading) in enumerate(columns.items(), start=1):
        kind = kinds.get(column, "text")
        unit, texts = _column(shown, column, kind, currency, is_large=is_large)
        if kind in TEXTS:
            is_long = kind != "link" and max(map(len, texts)) > _LONG_TEXT
            left.append(f"{'w' if is_long else 't'}{place}")
        cells[column] = [_cell(text, kind) for text in texts]
        marked[column] = _values(shown[column], texts, kind)
        headings[column] = escape(heading) + (f" <small>{escape(unit)}</small>" if unit else "")
    styler = _styler()(pd.DataFrame(cells)).hide(axis="index")
    styler = styler.format_index(lambda name: headings[name], axis=1)
    return styler.to_html(
        exclude_styles=True,
        left=" ".join(left),
        row_classes=row_classes,
        row_keys=_row_keys(shown),
        values=list(zip(*marked.values(), strict=True)),
        rows=rows,
    )


def _row_keys(shown: pd.DataFrame) -> list[str]:
    """Family, location and channel of each row as attributes: a page filters by them."""
    keys = [""] * len(shown)
    for column, letter in _KEYS.items():
        for place, word in enumerate(shown[column] if column in shown else ()):
            if isinstance(word, str) and word not in ("", _SPACE, schema.ALL):
                keys[place] += f' data-{letter}="{escape(word)}"'
    return keys


def _values(amounts: pd.Series, texts: list[str], kind: str) -> list[str]:
    """What a cell sorts by, where its text does not tell: amounts with units of their own."""
    is_mixed, scale = kind not in KINDS, 100.0 if kind == "signed_rate" else 1.0
    return [
        f' data-v="{amount * scale:.7g}"' if (is_mixed or text == _FROM_NOTHING) and known else ""
        for amount, text, known in zip(amounts, texts, amounts.notna(), strict=True)
    ]


def _column(
    shown: pd.DataFrame, column: str, kind: str, currency: str, *, is_large: bool
) -> tuple[str, list[str]]:
    """Unit for the heading, and the text of each cell; another column may hold each cell's kind.

    Money is in thousands where it ``is_large`` in any column of the table.
    """
    amounts = shown[column]
    if kind in TEXTS:
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
    digits, suffix = digits_of(base, scaled), "%" if is_rate else ""
    unit = (f"k {shown_in}".strip() if is_large else shown_in) if base == "value" else ""
    texts = [number(amount, digits, is_signed, suffix) for amount in scaled]
    if kind == "signed_rate":
        pairs = zip(amounts, texts, strict=True)
        texts = [_FROM_NOTHING if amount >= _LARGEST_CHANGE else text for amount, text in pairs]
    return unit, texts


def _with_unit(amount: float, kind: str, currency: str) -> str:
    """An amount in a column of several kinds, so that each says its unit."""
    if kind in KINDS and kind != "months":
        return format_amount(amount, kind, currency)
    text = format_amount(amount, "months" if kind == "months" else "quantity")
    return text if text == MISSING or not isinstance(kind, str) else text + _SPACE + kind


def _cell(text: str, kind: str) -> str:
    if kind == "link":
        return f'<a href="{escape(text)}">open</a>'
    if kind == "rating":
        return _chip(text)
    text = escape(text)
    is_dated = kind in ("text", "month")
    return _DATE.sub(r'<span class="date">\g<0></span>', text) if is_dated else text


def _chip(text: str) -> str:
    colour = next((name for name, words in _CHIPS.items() if text in (name, *words)), "")
    return f'<span class="chip {colour}">{text}</span>' if colour else escape(text)


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

    from sopkit.charts import _dark

    buffer = io.StringIO()
    # no dates, no random ids: same figure, same bytes; text stays text, a dollar a dollar
    look = {"svg.hashsalt": "sopkit", "svg.fonttype": "none", "text.parse_math": False}
    bare = {"metadata": {"Date": None, "Creator": None}, "transparent": True}
    with matplotlib.rc_context(look), warnings.catch_warnings():
        # the reader's browser has the letters that the font for measuring lacks
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        drawn.savefig(buffer, format="svg", **bare)
    picture = _dark.both(buffer.getvalue()).encode()
    source = f"data:image/svg+xml;base64,{base64.b64encode(picture).decode('ascii')}"
    size = "max-width:100%" + (";width:auto;min-width:0" if drawn.get_figwidth() < _WIDE else "")
    image = f'<img src="{source}" alt="{escape(alt)}" style="{size}">'
    label = f"Chart: {escape(alt)}"  # not that of the frame of its figures
    below, tables = _behind(drawn, alt)
    return Exhibit(f'<figure class="chart">{_frame(label, image)}{below}</figure>', tables)


def _behind(drawn, caption: str) -> tuple[str, tuple[dict, ...]]:
    """The figures that a chart was drawn from, folded below it, and as they travel."""
    from sopkit.charts import behind

    whole = behind.whole(drawn)
    if whole.empty:
        return "", ()
    kinds, units = whole.attrs["kinds"], whole.attrs["units"]
    columns = {name: ", ".join(filter(None, [str(name), units.get(name)])) for name in whole}
    shared = set(units.values()) if len(units) == len(whole.columns) - 1 else set()
    unit = shared.pop() if len(shared) == 1 else ""  # said once, if all columns have it
    heads = {name: str(name) for name in whole} if unit else columns
    summary = escape(", ".join(filter(None, ["Figures of this chart", unit])))
    shown = whole.head(_MOST_BEHIND)
    words = [""] * len(shown)
    markup = _frame(escape(caption), _styled(shown, heads, kinds, "", words, len(shown)))
    foot = _source(len(whole), len(shown), None)
    return (
        f'<details class="behind"><summary>{summary}</summary>{markup}{foot}</details>',
        (carried(whole, caption=caption, columns=columns, kinds=kinds),),
    )
