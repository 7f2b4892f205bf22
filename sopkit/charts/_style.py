"""What all charts share: the fixed look of what they show, amounts as text, drawing over months.

Colours are told apart by colour-blind readers and are never the only signal: lines also differ in
dash or width and carry their name. Only this room and the pages' style sheet know colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from sopkit import months, naming, schema

HISTORY = "#6e7681"  # grey: what happened
DEMAND = "#1f5fa8"  # blue: the demand plan
STATISTICAL = "#5b9bd5"  # light blue: the statistical forecast below it
SUPPLY = "#e07b00"  # orange: the supply plan
OVERTIME = "#a85400"
BUDGET = "#111111"  # thin black: the budget
SHORTAGE = "#9b1c1c"  # dark red: too little
SURPLUS = "#0f766e"  # teal: too much, or better than the goal
LAST_YEAR = "#b4bac2"  # light grey
OTHERS = ("#6a3d9a", "#a67c00", "#c2418f", "#5c7a29", "#3b3b3b", "#7a4a2b")
OTHERS_ON_DARK = ("#b48ce0", "#d4a72c", "#e884bd", "#9cc15a", "#c4c4c4", "#c39272")
INK, EDGE, RULE = "#24292f", "#8c959f", "#e4e7eb"  # words, axes, lines of the grid
STATISTICAL_WORDS = "#2f75b5"
_DARKER = {SUPPLY: OVERTIME, STATISTICAL: STATISTICAL_WORDS, LAST_YEAR: HISTORY}  # as text on white
_BRIGHT = 0.2  # luminance from which black stands out more than white, on paper and on dark
_DASHED, _DOTTED = (0, (5, 1.5)), (0, (2, 1.5))
LOOKS = {  # what is shown, in readers' words: how it is drawn on every page
    "sold": {"color": HISTORY},
    "corrected demand": {"color": DEMAND, "linewidth": 1.4},
    "baseline": {"color": DEMAND, "linewidth": 1.4, "linestyle": _DOTTED},
    "demand so far": {"color": HISTORY},
    "with what was not planned": {"color": OTHERS[1], "linewidth": 1.2, "linestyle": _DOTTED},
    "came afterwards": {"color": INK, "linewidth": 1.8, "marker": "o", "markersize": 3.5},
    "statistical forecast": {"color": STATISTICAL, "linestyle": _DOTTED},
    "forecast with events": {"color": STATISTICAL, "linestyle": _DOTTED},
    "forecast then": {"color": STATISTICAL, "linestyle": _DOTTED, "marker": "o", "markersize": 4},
    "forecast now": {"color": DEMAND, "linestyle": _DASHED},
    "panel's answer": {"color": DEMAND, "linestyle": _DASHED, "linewidth": 2.0, "zorder": 3},
    "demand plan": {"color": DEMAND, "linestyle": _DASHED, "linewidth": 2.2, "zorder": 3},
    "as agreed": {"color": SUPPLY, "linewidth": 1.4, "zorder": 4},
    "wanted, comes later": {"color": SHORTAGE},
    "comes instead": {"color": SUPPLY, "alpha": 0.75},
    "combination used": {"color": DEMAND, "linewidth": 2.6, "zorder": 3},
    "forecast moved": {"color": DEMAND, "linewidth": 2.2},
    "error removed": {"color": SURPLUS, "linestyle": _DASHED},
    "same month last year": {"color": BUDGET, "linestyle": _DASHED},
    "counted stock": {"color": HISTORY},
    "projected stock": {"color": SUPPLY, "linestyle": _DASHED},
    "safety stock": {"color": INK, "linewidth": 1.0},
    "owed to customers": {"color": SHORTAGE},
    "can be supplied": {"color": SUPPLY, "linewidth": 4.5, "alpha": 0.55},
    "supply plan": {"color": SUPPLY, "linewidth": 2.0},
    "stock plan": {"color": OTHERS[0], "linewidth": 1.6, "linestyle": _DOTTED},
    "budget": {"color": BUDGET, "linewidth": 1.0},
    "measured": {"color": HISTORY, "marker": "o", "markersize": 4},
    "target": {"color": BUDGET, "linewidth": 1.0},
    "last year": {"color": LAST_YEAR},
    "above budget": {"color": SURPLUS},
    "below budget": {"color": SHORTAGE},
    "chase": {"color": OTHERS[2], "linestyle": _DASHED},
    "level": {"color": OTHERS[0], "linestyle": _DASHED},
    "hybrid": {"color": OTHERS[3], "linestyle": _DOTTED},
    "least cost": {"color": SUPPLY, "linewidth": 2.4, "zorder": 3},
    "in regular hours": {"color": SUPPLY, "alpha": 0.75},
    "in overtime": {"color": OVERTIME},
    "regular hours": {"color": INK, "linewidth": 1.2, "drawstyle": "steps-mid"},
    "with overtime": {"color": HISTORY, "linewidth": 1.2, "drawstyle": "steps-mid"},
    "wanted without limit": {"color": SHORTAGE, "linewidth": 1.4, "linestyle": _DOTTED},
    "load before": {"color": OTHERS[0], "linewidth": 1.2, "drawstyle": "steps-mid"},
    "load after": {"color": SUPPLY, "alpha": 0.75},
    "hours before": {
        "color": OTHERS[0],
        "linewidth": 1.2,
        "linestyle": _DOTTED,
        "drawstyle": "steps-mid",
    },
    "plan before": {"color": OTHERS[0], "linewidth": 1.2},
    "stock before": {"color": OTHERS[0], "linewidth": 1.0},
    "stock after": {"color": SUPPLY, "linewidth": 2.4, "zorder": 3},
    "owed before": {"color": OTHERS[0], "linewidth": 1.0, "linestyle": _DOTTED},
    "paid by customers": {"color": DEMAND, "alpha": 0.75},
    "paid to suppliers": {"color": SUPPLY, "alpha": 0.75},
    "both together": {"color": INK, "linewidth": 1.8, "marker": "o", "markersize": 4},
    "returns put back": {"color": OTHERS[0]},
    "sales lost to stock-outs": {"color": SURPLUS},
    "ordered, not shipped": {"color": SHORTAGE},
    "ordered": {"color": INK, "linewidth": 1.2, "linestyle": _DASHED},
    "delivered on time": {"color": SURPLUS, "linewidth": 1.2},
    "outliers taken out": {"color": OTHERS[1]},
    "level shifts taken out": {"color": OTHERS[2]},
    "promotions taken out": {"color": OTHERS[3]},
    "other events taken out": {"color": OTHERS[5]},
    "markets taken out": {"color": OTHERS[4]},
}
# low, high: not quite SUPPLY, whose counterpart on dark is too light for what is written on it
BOTH_WAYS = LinearSegmentedColormap.from_list("both", [DEMAND, "#ffffff", "#de7900"])
AMOUNTS = LinearSegmentedColormap.from_list("amounts", ["#fffaf3", OVERTIME])
REDS = LinearSegmentedColormap.from_list("scarce", ["#fdf5f5", SHORTAGE])
BAR = np.timedelta64(24, "D")  # width of a month's bar
_FENCES = {"frozen": 0.22, "firm": 0.1}  # how dark the months behind each fence are
_ABOVE = ("with what was not planned",)  # lines above all others
_NEAR_ZERO = 0.12  # of the highest line: a name below a line so low would leave the picture
WIDTH = 11.2  # inches: the column of a page
_NAME, _TITLE = 28, 110  # letters of a name and of a title that have room
NARROW = 5.6  # of charts whose rows need no more: whole on a phone, not scrolled
_RC = {
    "font.family": ["sans-serif"],  # named below, else matplotlib warns at every text
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 10.5,
    "text.parse_math": False,  # a dollar in a name is a dollar; ``exhibits.figure`` says so too
    "text.color": INK,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": EDGE,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
}


def drawn(chart: Callable[..., Figure | None]) -> Callable[..., Figure | None]:
    """The chart drawn in the common look; matplotlib's own settings stay as they were."""

    @wraps(chart)
    def draw(*tables, **choices):
        with rc_context(_RC):
            return chart(*tables, **choices)

    return draw


def cells(
    axes: Axes, amounts: np.ndarray, shades: Colormap, most: float, label: str = "_cells"
) -> None:
    """Cells of a table, row by row from the top, the darker the more; no pixels, so they scale."""
    edges = [np.arange(size + 1) - 0.5 for size in reversed(amounts.shape)]
    look = {"edgecolors": "white", "linewidth": 1.0, "label": label}
    axes.pcolormesh(*edges, amounts, cmap=shades, vmin=0.0, vmax=most, **look)
    axes.invert_yaxis()


def writing(shades: Colormap, share: float) -> str:
    """Colour of what is written on a cell of that share of the most: what stands out more."""
    return "black" if luminance(shades(share)[:3]) > _BRIGHT else "white"


def luminance(parts: Iterable[float]) -> float:
    """Relative luminance (WCAG 2.2) of red, green and blue, each from 0 to 1.

    Examples
    --------
    >>> round(luminance((1.0, 0.5, 0.0)), 3)
    0.366
    """
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def cut(name: str, most: int = _NAME) -> str:
    """A name, its middle left out where it is longer than ``most`` letters.

    Its end stays, for it often is what tells long names apart. What is written from right to left
    stands apart from the words beside it.

    Examples
    --------
    >>> cut("Expedition tents for four seasons"), cut("Tents")
    ('Expedition tents f…r seasons', 'Tents')
    """
    end = most // 3
    name = name if len(name) <= most else f"{name[: most - end - 1]}…{name[-end:]}"
    return naming.LEFTWARD.sub("\u2068\\g<0>\u2069", name)  # signs that Unicode has for that


def unit(units: pd.DataFrame) -> str:
    """What totals of quantities are counted in, as a heading begins."""
    name = cut(units["planning_unit"].iloc[0], 2 * _NAME)
    return name[:1].upper() + name[1:]


def company(table: pd.DataFrame) -> pd.DataFrame:
    """The whole company's rows of a table by family, by month."""
    return table[table["family"] == schema.COMPANY_LABEL].set_index("month").sort_index()


def panels(rows: int = 1, columns: int = 1, *, height: float, **choices):
    """A figure of page width and its axes, row by row; ``choices`` as in ``Figure.subplots``."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.08, w_pad=0.08)
    return figure, figure.subplots(rows, columns, squeeze=False, **choices).ravel()


def small_panels(count: int, *, height: float):
    """A figure of ``count`` axes, two or three in a row, each row ``height`` inches."""
    columns = min(3, max(2, count))
    rows = -(-count // columns)
    figure, axes = panels(rows, columns, height=1.0 + height * rows)
    for empty in axes[count:]:
        empty.set_visible(False)
    return figure, axes[:count]


def head(figure: Figure, title: str, axes: Axes | None = None) -> None:
    """Title over several panels, and below them the names of what is in ``axes``."""
    figure.suptitle(cut(title, _TITLE), x=0.01, ha="left", fontsize=12.5, fontweight="bold")
    if axes is not None:
        figure.legend(
            *axes.get_legend_handles_labels(), loc="outside lower left", ncols=5, frameon=False
        )


def short(amount: float, sign: str = "") -> str:
    r"""An amount as people say it, as in tables; ``sign="+"`` writes the sign always.

    Examples
    --------
    >>> [short(amount).replace("\u00a0", " ") for amount in (1_920_000, 181e6, 95_400, -9500.0)]
    ['1.9 M', '181 M', '95 k', '−9,500']
    """
    size = abs(amount)
    if size >= 999_500:
        text = f"{amount / 1e6:{sign}.{int(size < 99.95e6)}f}\u00a0M"
    else:
        text = f"{amount / 1e3:{sign}.0f}\u00a0k" if size >= 9_999.5 else f"{amount:{sign},.0f}"
    return text.replace("-", "−") if size >= 0.5 else "0"


def percent(rate: float, sign: str = "", decimals: int = 1) -> str:
    """A rate in percent.

    Examples
    --------
    >>> percent(0.0552), percent(-0.04, "+", 0), percent(-0.0003, "+")
    ('5.5%', '−4%', '0%')
    """
    is_zero = abs(rate) * 100.0 < 0.5 * 10.0**-decimals
    return "0%" if is_zero else f"{rate:{sign}.{decimals}%}".replace("-", "−")


def tick(amount: float, _position: int | None = None) -> str:
    r"""An amount beside an axis: no more figures than it needs.

    Examples
    --------
    >>> [tick(amount).replace("\u00a0", " ") for amount in (80_000, 7_500_000, 0)]
    ['80 k', '7.5 M', '0']
    """
    size = abs(amount)
    scale, unit = (1e6, "\u00a0M") if size >= 999_500 else (1e3, "\u00a0k")
    scale, unit = (scale, unit) if size >= 999.5 else (1.0, "")
    return f"{amount / scale:.4g}".replace("-", "−") + unit


def rate_tick(rate: float, _position: int | None = None) -> str:
    """A rate beside an axis."""
    return f"{rate * 100:.3g}%".replace("-", "−") if abs(rate) > 1e-12 else "0"


def say(axes: Axes, text: str, place: tuple, *, colour: str = INK, shift=(6, 0), **choices) -> None:
    """Text beside a place, ``shift`` points from it, dark enough to be read on white."""
    choices = {"va": "center", "color": _DARKER.get(colour, colour)} | choices
    axes.annotate(
        text, place, xytext=shift, textcoords="offset points", annotation_clip=False, **choices
    )


def over_time(*parts: dict, height: float) -> Figure:
    """A figure of what ``draw`` makes of one or two parts, the second below the first."""
    figure, axes = panels(len(parts), height=height, height_ratios=[2, 1.1][: len(parts)])
    for own, part in zip(axes, parts, strict=True):
        draw(own, **part)
    return figure


def draw(
    axes: Axes,
    title: str,
    unit: str,
    *,
    lines: dict[str, pd.Series] | None = None,
    bars: dict[str, pd.Series] | None = None,
    cycle: pd.Timestamp | None = None,
    fences: months.Fences | None = None,
    family: str = "",
    is_rate: bool = False,
) -> None:
    """Lines and stacked bars over months (or months ahead), in their looks and with their names.

    Parameters
    ----------
    axes, title, unit
        Where; what stands above; what stands beside the y-axis.
    lines, bars : dict of Series
        By their names in ``LOOKS`` (other lines get a colour of their own), indexed by month.
    cycle : Timestamp
        A line stands at this month.
    fences, family : Fences, str
        Instead of ``cycle``: a line at its month, and months shaded that are frozen or firm, of a
        family, else of the one held longest.
    is_rate : bool
        Percent instead of amounts.
    """
    lines = {name: line.dropna() for name, line in (lines or {}).items() if line.notna().any()}
    index = pd.concat([*lines.values(), *(bars or {}).values()]).index
    if fences and index.min() < fences.cycle:  # else the line would stand at the left edge
        cycle = fences.cycle
    names = _stack(axes, bars or {}) + _plot(axes, lines, index.max())
    place, is_alone = axes.get_subplotspec(), axes.get_gridspec().ncols == 1
    has_cycle_name = cycle is not None and is_alone and place.is_first_row()
    axes.set_title(
        cut(title, _TITLE if is_alone else 2 * _NAME),
        pad=26 if has_cycle_name else 10,
        fontsize=12.5 if is_alone else 10.5,
    )
    if isinstance(index, pd.DatetimeIndex):
        month_axis(axes, index)
    else:
        axes.set_xticks(sorted(set(index)))
        axes.set_xlabel("Months ahead, counted from the cycle")
    value_axis(axes, unit if place.is_first_col() else "", is_rate=is_rate)
    if cycle is not None:
        cycle_line(axes, cycle, is_named=has_cycle_name)
    if fences is not None:
        _fence_bands(axes, fences, family, is_named=place.is_first_row() and is_alone)
    if is_alone:
        end_names(axes, names)


def _stack(axes: Axes, bars: dict[str, pd.Series]) -> list[tuple]:
    """Bars upon each other, above and below zero; gives where their names belong."""
    up, down, names = 0.0, 0.0, []
    for name, amount in bars.items():
        look = LOOKS[name]
        bottom = np.where(amount >= 0, up, down)
        axes.bar(amount.index, amount, bottom=bottom, width=BAR, label=name, **look)
        largest = int(np.argmax(amount.abs()))
        names.append((amount.index[-1], amount.iloc[largest], f"■ {name}", look["color"]))
        up, down = up + amount.clip(lower=0.0), down + amount.clip(upper=0.0)
    if bars:
        axes.axhline(0.0, color=INK, linewidth=0.9)
    return names


def _plot(axes: Axes, lines: dict[str, pd.Series], last: object) -> list[tuple]:
    """Lines; gives the names of those that reach the end, writes the others at the line."""
    names, others = [], iter(OTHERS)
    highest = max((line.max() for line in lines.values()), default=0.0)
    for name, line in lines.items():
        look = LOOKS.get(name) or {"color": next(others), "linewidth": 1.4}
        look = look | ({"marker": "o"} if len(line) == 1 else {})
        axes.plot(line.index, line, label=name, **look)
        if line.index[-1] == last:
            names.append((last, line.iloc[-1], name, look["color"]))
        elif axes.get_gridspec().ncols == 1:
            is_low = 0 <= line.min() < _NEAR_ZERO * highest  # below it stand the months' names
            is_above = is_low or name in _ABOVE
            at = int(np.argmax(line) if is_above else np.argmin(line))
            side = ("left", "center", "right")[min(3 * at // len(line), 2)]
            where = (
                {"shift": (0, 6), "va": "bottom"} if is_above else {"shift": (0, -6), "va": "top"}
            )
            where |= {"ha": side, "fontweight": "bold"}
            say(axes, name, (line.index[at], line.iloc[at]), colour=look["color"], **where)
    return names


def end_names(axes: Axes, names: list[tuple]) -> None:
    """Names ``(x, y, text, colour)`` at the right, moved apart so that none covers another."""
    low, high = axes.get_ylim()
    ratios = axes.get_gridspec().get_height_ratios()
    share = 0.8 * ratios[axes.get_subplotspec().rowspan.start] / sum(ratios)
    gap = (high - low) * 15.0 / (axes.figure.get_figheight() * 72 * share)
    ranked = sorted((name for name in names if np.isfinite(name[1])), key=lambda name: name[1])
    places, steps = np.array([name[1] for name in ranked]), gap * np.arange(len(ranked))
    places = np.maximum.accumulate(places - steps) + steps
    places = np.minimum(places, high - steps[::-1])
    for (x, _, text, colour), place in zip(ranked, places, strict=True):
        say(axes, cut(text, 2 * _NAME), (x, place), colour=colour, shift=(8, 0), fontweight="bold")


def value_axis(axes: Axes, label: str, *, is_rate: bool = False) -> None:
    """Y-axis in units, money or percent: named, with zero on it."""
    axes.set_ylabel(label)
    axes.locator_params(axis="y", nbins=6, min_n_ticks=4)
    axes.yaxis.set_major_formatter(rate_tick if is_rate else tick)
    low, high = axes.dataLim.intervaly
    low, high = min(low, 0.0), max(high, 0.0)
    room = 0.08 * ((high - low) or 1.0)
    axes.set_ylim(low - room if low < -0.01 * room else 0.0, high + room)


def month_axis(axes: Axes, month: pd.DatetimeIndex) -> None:
    """X-axis of months: whole steps of a year, the year under January and the first label."""
    first, last = month.min(), month.max()
    count = int(months.number(last) - months.number(first)) + 1
    most = 24 // axes.get_gridspec().ncols
    step = next((size for size in (1, 2, 3, 6) if count / size <= most), 12)
    ticks = [tick for tick in months.span(first, count) if (tick.month - 1) % step == 0]
    labels = [
        f"{tick:%b}\n{tick:%Y}" if tick.month == 1 or tick == ticks[0] else f"{tick:%b}"
        for tick in ticks
    ]
    axes.set_xticks([tick.to_datetime64() for tick in ticks], labels)
    axes.set_xlim(months.shift(first, -1), months.shift(last, 1))


def cycle_line(axes: Axes, cycle: pd.Timestamp, *, is_named: bool = True) -> None:
    """Vertical line at the month in which the plan is made."""
    axes.axvline(cycle, color=INK, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    if is_named:
        choices = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom"}
        say(axes, f"cycle {months.label(cycle)}", (cycle, 1.0), shift=(0, 3), **choices)


def _fence_bands(axes: Axes, fences: months.Fences, family: str, *, is_named: bool) -> None:
    """Shade the months that may not be changed, darker, and those that need a reason."""
    half = pd.Timedelta(15, "D")
    start = fences.cycle
    for name, end in fences.ends(family).items():
        if end > start:
            shade = {"color": HISTORY, "alpha": _FENCES[name], "linewidth": 0, "zorder": 0}
            axes.axvspan(start - half, end - half, **shade)
            if is_named:
                where = {"xycoords": ("data", "axes fraction"), "va": "top", "fontsize": 8}
                look = {"rotation": 90, "ha": "left", "colour": HISTORY, "shift": (-3, -3)}
                say(axes, name, (start - half, 1.0), **look, **where)
            start = end


def bar_panels(
    amounts: pd.DataFrame,
    title: str,
    unit: str,
    *,
    is_rate: bool = False,
    colours: tuple[str, str] = (SHORTAGE, SURPLUS),
) -> Figure:
    """Horizontal bars left and right of zero, a panel a column, all on one scale.

    ``colours`` are those below and above zero; bars of one colour carry no plus.
    """
    width, sign = amounts.shape[1], "" if colours[0] == colours[1] else "+"
    figure, panel = panels(1, width, height=1.5 + 0.36 * len(amounts), sharex=True, sharey=True)
    for own, name in zip(panel, amounts, strict=True):
        column = amounts[name].fillna(0.0)
        look = {"color": np.where(column < 0, *colours), "height": 0.62}
        own.barh(range(len(column)), amounts[name], label=name if width > 1 else unit, **look)
        own.axvline(0.0, color=INK, linewidth=0.9)
        own.grid(visible=False, axis="y")
        own.grid(visible=True, axis="x")
        own.tick_params(axis="y", length=0)
        own.set_yticks(range(len(column)), map(cut, amounts.index))
        own.margins(x=0.1 * width)
        own.locator_params(axis="x", nbins=6)
        own.xaxis.set_major_formatter(rate_tick if is_rate else tick)
        own.set_xlabel(unit)
        own.set_title(cut(name) if width > 1 else "", fontsize=10.5)
        for row, (amount, is_known) in enumerate(zip(column, amounts[name].notna(), strict=True)):
            text = percent(amount, sign) if is_rate else short(amount, sign)
            text = text if is_known else "not known"
            side = {"shift": (-5, 0), "ha": "right"} if amount < 0 else {"shift": (5, 0)}
            say(own, text, (amount, row), **side)
    panel[0].invert_yaxis()
    head(figure, title)
    return figure
